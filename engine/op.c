/* Names and fields of the operations on frames, and the lookup over all of them; see op.h. */
#include "engine/op.h"

#include <pagelab/compiler.h>

#include <stddef.h>

#include "engine/op_area.h"
#include "engine/op_buffer.h"
#include "engine/op_common.h"
#include "engine/op_orb.h"
#include "engine/op_vm.h"
#include "engine/op_zone.h"

#define HAS_ALLOC (OP_HAS_SLOT | OP_HAS_CLASS | OP_HAS_MOBILITY | OP_HAS_FLAGS)

static const struct op_kind_info page_kinds[OP_PAGE_END] = {
    [OP_NOP] = {"nop", 0, NULL},
    [OP_ALLOC] = {"alloc", HAS_ALLOC | OP_HAS_ORDER | OP_HAS_OWNER, NULL},
    [OP_FREE] = {"free", OP_HAS_SLOT | OP_HAS_FLAGS, NULL},
    [OP_ALLOC_RUN] = {"run", HAS_ALLOC | OP_HAS_RUN, NULL},
    [OP_SPLIT] = {"split", OP_HAS_SLOT | OP_HAS_ORDER, NULL},
    [OP_DRAIN] = {"drain", 0, NULL},
    [OP_AUDIT] = {"audit", 0, NULL},
    [OP_STARVE] = {"starve", OP_HAS_CLASS | OP_HAS_COUNT, NULL},
    [OP_FEED] = {"feed", 0, NULL},
    [OP_BAD_FREE] = {"bad-free", OP_HAS_SLOT | OP_HAS_COUNT, NULL},
    [OP_BAD_ALLOC] = {"bad-alloc", OP_HAS_CLASS | OP_HAS_COUNT, NULL},
    [OP_INTERRUPT] = {"interrupt", OP_HAS_ORDER | OP_HAS_POINT, NULL},
};

const char *const op_mistake_names[OP_MISTAKE_COUNT] = {
    [OP_MISTAKE_TWICE] = "twice",   [OP_MISTAKE_FOREIGN] = "foreign",     [OP_MISTAKE_HALF] = "half",
    [OP_MISTAKE_INSIDE] = "inside", [OP_MISTAKE_TOO_LARGE] = "too-large",
};

const char *const op_illegal_names[OP_ILLEGAL_COUNT] = {
    [OP_ILLEGAL_CLASS] = "class",       [OP_ILLEGAL_ORDER] = "order",
    [OP_ILLEGAL_RUN_ZERO] = "run-zero", [OP_ILLEGAL_ALIGNMENT] = "alignment",
    [OP_ILLEGAL_BOUNDARY] = "boundary",
};

const char *const op_interrupt_names[OP_INTERRUPT_COUNT] = {
    [OP_INTERRUPT_MIXED] = "mixed",
    [OP_INTERRUPT_PAIR] = "pair",
    [OP_INTERRUPT_KEEP] = "keep",
    [OP_INTERRUPT_FREE] = "free",
};

/* Which kinds stand where, and to which families they belong. */
static const struct {
    unsigned base;
    unsigned count;
    const struct op_kind_info *kinds;
    enum op_family family; /* PAGE: to every one */
} ranges[] = {
    {OP_NOP, OP_PAGE_END, page_kinds, OP_FAMILY_PAGE},
    {OP_COMMON, OP_COMMON_END - OP_COMMON, op_common_kinds, OP_FAMILY_PAGE},
    {OP_VM, OP_VM_END - OP_VM, op_vm_kinds, OP_FAMILY_VM},
    {OP_AREA, OP_AREA_END - OP_AREA, op_area_kinds, OP_FAMILY_AREA},
    {OP_ZONE, OP_ZONE_END - OP_ZONE, op_zone_kinds, OP_FAMILY_AREA},
    {OP_ORB, OP_ORB_END - OP_ORB, op_orb_kinds, OP_FAMILY_ORB},
    {OP_BUFFER, OP_BUFFER_END - OP_BUFFER, op_buffer_kinds, OP_FAMILY_BUFFER},
};

const struct op_kind_info *op_info(unsigned kind)
{
    static const struct op_kind_info nothing = {NULL, 0, NULL};
    for (size_t i = 0; i < PL_COUNT_OF(ranges); i++) {
        if (kind - ranges[i].base < ranges[i].count)
            return &ranges[i].kinds[kind - ranges[i].base];
    }
    return &nothing;
}

/* --- families --- */

const char *const op_family_names[OP_FAMILY_COUNT] = {"page", "vm", "area", "orb", "buffer", "all"};

/* What of frames' operations helps the systems to trouble. */
static const uint8_t frame_kinds[] = {OP_STARVE, OP_FEED, OP_ALLOC, OP_FREE, OP_DRAIN, OP_STARVE,
                                      OP_STARVE, OP_FEED, OP_ALLOC, OP_FREE, OP_DRAIN, OP_AUDIT};

#define OWN_INDEXES    110u /* of OP_FAMILY_INDEXES; then frames, then what is nobody's */
#define FRAMES_INDEXES 122u

static bool belongs(size_t range, enum op_family family)
{
    return ranges[range].family != OP_FAMILY_PAGE &&
           (family == OP_FAMILY_ALL || ranges[range].family == family);
}

/* The family's systems take turns: number n is kind n / systems of system n % systems, and wraps where that
 * one has no more. So a kind that is appended changes no number that a stored program says. */
static unsigned family_own(enum op_family family, unsigned n)
{
    unsigned systems = 0;
    unsigned turn = 0;
    for (size_t i = 0; i < PL_COUNT_OF(ranges); i++)
        systems += belongs(i, family);
    for (size_t i = 0; i < PL_COUNT_OF(ranges); i++) {
        if (belongs(i, family) && turn++ == n % systems)
            return ranges[i].base + n / systems % ranges[i].count;
    }
    return OP_NOP;
}

unsigned op_family_kind(enum op_family family, unsigned index)
{
    if (index == OP_FAMILY_INDEXES - 1)
        return OP_NOP;
    if (index < OWN_INDEXES)
        return family_own(family, index);
    if (index < FRAMES_INDEXES)
        return frame_kinds[(index - OWN_INDEXES) % PL_COUNT_OF(frame_kinds)];
    return OP_COMMON + (index - FRAMES_INDEXES) % OP_COMMON_SYSTEMS;
}

enum op_family op_family_of(const struct op *ops, uint32_t op_count)
{
    enum op_family family = OP_FAMILY_PAGE;
    bool common = false;
    for (uint32_t i = 0; i < op_count; i++) {
        for (size_t r = 0; r < PL_COUNT_OF(ranges); r++) {
            if (ops[i].kind - ranges[r].base >= ranges[r].count)
                continue;
            common = common || (ranges[r].base == OP_COMMON && ops[i].kind != OP_PREEMPT);
            if (ranges[r].family == OP_FAMILY_PAGE || ranges[r].family == family)
                continue;
            family = family == OP_FAMILY_PAGE ? ranges[r].family : OP_FAMILY_ALL;
        }
    }
    return family == OP_FAMILY_PAGE && common ? OP_FAMILY_ALL : family;
}

static const struct op_name preempt_names[] = {{"nothing", OP_DO_NOTHING},     {"switch", OP_DO_SWITCH},
                                               {"interrupt", OP_DO_INTERRUPT}, {"nmi", OP_DO_NMI},
                                               {"flush", OP_DO_FLUSH},         {NULL, 0}};

const struct op_kind_info op_common_kinds[OP_COMMON_END - OP_COMMON] = {
    [OP_FAIL_NTH - OP_COMMON] = {"fail-nth", 0,
                                 (const struct op_operand[]){{"grant", OP_AT_COUNT, OP_NUMBER8, NULL}, {0}}},
    [OP_PAGEOUT - OP_COMMON] = {"pageout", 0,
                                (const struct op_operand[]){{"frames", OP_AT_COUNT, OP_NUMBER8, NULL}, {0}}},
    [OP_PREEMPT - OP_COMMON] = {"preempt", 0,
                                (const struct op_operand[]){{"after", OP_AT_COUNT, OP_NUMBER16, NULL},
                                                            {"do", OP_AT_CHOICE, OP_NAME, preempt_names},
                                                            {"for", OP_AT_EXTRA, OP_NUMBER8, NULL},
                                                            {0}}},
};
