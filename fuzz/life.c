/* See life.h. */
#include "fuzz/life.h"

#include <pagelab/compiler.h>

#include <stddef.h>

#include "engine/op_area.h"
#include "engine/op_buffer.h"
#include "engine/op_orb.h"
#include "engine/op_vm.h"
#include "engine/op_zone.h"

const struct life lives[] = {
    {OP_VM_ALLOC, OP_VM_FREE, false},
    {OP_VM_NOOBJ, OP_VM_FREE, false},
    {OP_VM_RUN, OP_VM_FREE, false},
    {OP_VM_NOOBJ_RUN, OP_VM_FREE, false},
    {OP_VM_OBJECT, OP_VM_OBJECT_FREE, true},
    {OP_AREA_ALLOC, OP_AREA_FREE, false},
    {OP_AREA_USER, OP_AREA_FREE, false},
    {OP_AREA_PAGE, OP_AREA_PAGE_FREE, true},
    {OP_AREA_VIEW, OP_AREA_VIEW_DROP, false},
    {OP_AREA_REMAP, OP_AREA_UNREMAP, true},
    {OP_ZONE_ALLOC, OP_ZONE_FREE, false},
    {OP_ZONE_EXACT, OP_ZONE_FREE, false},
    {OP_ZONE_STARVE, OP_ZONE_FEED, false},
    {OP_ORB_NEW, OP_ORB_RELEASE, false},
    {OP_ORB_BUFFERS, OP_ORB_BUFFERS_NONE, false},
    {OP_ORB_MEMORY, OP_ORB_BUFFERS, true},
    {OP_ORB_PAGEABLE, OP_ORB_WIRE, true},
    {OP_ORB_WIRE, OP_ORB_BUFFERS, true},
    {OP_BUFFER_CREATE, OP_BUFFER_RELEASE, false},
    {OP_BUFFER_MASK, OP_BUFFER_RELEASE, false},
    {OP_BUFFER_PREPARE, OP_BUFFER_COMPLETE, false},
};
const uint32_t life_count = (uint32_t)PL_COUNT_OF(lives);

unsigned system_of(unsigned kind)
{
    static const unsigned firsts[] = {OP_BUFFER, OP_ORB, OP_ZONE, OP_AREA, OP_VM, OP_COMMON};
    for (size_t i = 0; i < PL_COUNT_OF(firsts); i++) {
        if (kind >= firsts[i])
            return firsts[i];
    }
    return OP_NOP;
}

static enum op_family family_of(unsigned kind)
{
    switch (system_of(kind)) {
    case OP_VM:
        return OP_FAMILY_VM;
    case OP_AREA:
    case OP_ZONE:
        return OP_FAMILY_AREA;
    case OP_ORB:
        return OP_FAMILY_ORB;
    case OP_BUFFER:
        return OP_FAMILY_BUFFER;
    default:
        return OP_FAMILY_PAGE;
    }
}

bool life_in_family(const struct life *life, enum op_family family)
{
    return family == OP_FAMILY_ALL || family_of(life->make) == family;
}

/* From the end: what every family has, and a mutator asks for most, is there. */
unsigned family_index_of(enum op_family family, unsigned kind)
{
    for (unsigned index = OP_FAMILY_INDEXES; index-- > 0;) {
        if (op_family_kind(family, index) == kind)
            return index;
    }
    return OP_FAMILY_INDEXES;
}

bool kind_has_place(unsigned kind, enum op_place place)
{
    const struct op_operand *operand = op_info(kind)->operands;
    for (; operand != NULL && operand->name != NULL; operand++) {
        if (operand->place == place)
            return true;
    }
    return false;
}
