/* What is due to an allocation: from the rules of the request, the shadow's free frames and the view of the
 * index, by arithmetic of the oracle's own. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/oracle/vm_wish.h"

static void add_rule(char rules[64], const char *rule, bool broken)
{
    size_t used = strlen(rules);
    if (broken)
        snprintf(rules + used, 64 - used, "%s%s", used == 0 ? "" : " ", rule);
}

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool is_vacant(const struct vm_oracle *self, const struct vm_wish *wish)
{
    if (wish->frames != 0 && wish->pindex + (wish->frames - 1) < wish->pindex)
        return false;
    for (unsigned i = 0; i < VM_SLOT_COUNT && wish->object->resident != 0; i++) {
        for (unsigned j = 0; j < self->slots[i].count; j++) {
            const struct vm_view_page *page = &self->slots[i].pages[j];
            if (page->live && page->object == wish->object && page->pindex - wish->pindex < wish->frames)
                return false;
        }
    }
    return true;
}

void vm_broken_rules(const struct vm_oracle *self, const struct vm_wish *wish, const struct pl_cpu *cpu,
                     char rules[64])
{
    uint32_t req = wish->req;
    bool noobj = wish->object == NULL;
    uint32_t alien = FREEBSD_ALLOC_NOCREAT | FREEBSD_ALLOC_IGN_SBUSY | UINT32_C(0x0800);
    bool nobusy = (req & FREEBSD_ALLOC_NOBUSY) != 0;
    bool sbusy = (req & FREEBSD_ALLOC_SBUSY) != 0;
    bool waitok = (req & FREEBSD_ALLOC_WAITOK) != 0;
    bool waitfail = (req & FREEBSD_ALLOC_WAITFAIL) != 0;
    bool nowait = (req & FREEBSD_ALLOC_NOWAIT) != 0;
    bool noreclaim = (req & FREEBSD_ALLOC_NORECLAIM) != 0;
    rules[0] = '\0';
    add_rule(rules, "2.2.1", (req & 3u) == 3u && self->services->contract == CONTRACT_DOC);
    add_rule(rules, "2.4", (waitok + waitfail + nowait) > 1 && self->services->contract == CONTRACT_DOC);
    add_rule(rules, "2.2.2", nobusy && sbusy);
    add_rule(rules, "2.2.3", (req & alien) != 0 || (waitok && !noobj) || (noreclaim && !wish->run));
    add_rule(rules, "2.2.4", (noreclaim && waitok) || (sbusy && noobj));
    add_rule(rules, "2.4", (waitok || waitfail) && cpu->context != PL_CONTEXT_TASK);
    if (wish->run) {
        const struct freebsd_bounds *bounds = &wish->bounds;
        add_rule(rules, "2.3.3",
                 wish->frames == 0 || !is_power_of_two(bounds->alignment) ||
                     (bounds->boundary != 0 && !is_power_of_two(bounds->boundary)) ||
                     (!noobj && wish->object->kind == FREEBSD_OBJECT_FICTITIOUS));
    }
    add_rule(rules, "2.3.2", !noobj && !is_vacant(self, wish));
}

/* Must filing this index make a node? Nodes stand where two resident indexes part. The resident indexes that
 * share most of their leading digits (base 16) with the new one say where it parts from them: a node is there
 * already iff they part from each other at that digit, too. */
static bool needs_node(const struct vm_oracle *self, const struct vm_wish *wish)
{
    unsigned level = 16; /* of the lowest digit at which the new one parts from a resident one */
    bool parted = false;
    uint64_t nearest = 0;
    for (unsigned i = 0; i < VM_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < self->slots[i].count; j++) {
            const struct vm_view_page *page = &self->slots[i].pages[j];
            if (!page->live || page->object != wish->object)
                continue;
            unsigned at = (63u - PL_CLZ64(page->pindex ^ wish->pindex)) / 4;
            if (at > level)
                continue;
            if (at < level) {
                level = at;
                nearest = page->pindex;
                parted = false;
            } else if ((page->pindex ^ nearest) >> (4 * at) != 0) {
                parted = true;
            }
        }
    }
    return level < 16 && !parted;
}

/* Is there a node for it, or a frame for a page of nodes, after the page has taken its own? */
static enum vm_due node_due(const struct vm_oracle *self, const struct vm_wish *wish, uint64_t free_frames)
{
    const struct slab *nodes = &self->vm.nodes;
    uint64_t spare = nodes->pages * nodes->objects_per_page - nodes->objects;
    uint64_t taken = wish->arena ? 0 : wish->frames;
    uint64_t floor = self->node->machine->floors.system;
    bool all_frames = (self->node->instance->caps & PL_CAP_ALL_FRAMES) != 0;
    if (spare >= wish->frames || (!wish->run && !needs_node(self, wish)))
        return VM_DUE_GRANT;
    bool imports = !wish->arena && !wish->run && wish->req & FREEBSD_ALLOC_NOFREE;
    if (wish->run || imports || !all_frames) /* how many nodes, how many frames: not said here unless ample */
        return free_frames - taken >= floor + 32 && all_frames ? VM_DUE_GRANT : VM_DUE_ANY;
    return free_frames - taken >= floor + 1 ? VM_DUE_GRANT : VM_DUE_NODE;
}

/* Is any frame kept for an owner, by the candidate's own count? Who does not count may have some. */
static bool has_set_aside(const struct vm_oracle *self)
{
    const struct instance *instance = self->node->instance;
    struct pl_page_counts counts = {0};
    if (!instance_has_count(instance))
        return true;
    instance->page.ops->count(instance->page.self, &counts);
    return counts.reserved_frames > 0;
}

/* May the candidate be trusted to find what admission admits? */
static bool must_find(const struct vm_oracle *self, const struct vm_wish *wish)
{
    uint64_t caps = self->node->instance->caps;
    if (!wish->run)
        return (caps & PL_CAP_ALL_FRAMES) != 0;
    /* What is set aside is free, and may be all that would fit; NORECLAIM renounces it. */
    if ((caps & PL_CAP_RESERVATIONS) && (wish->req & FREEBSD_ALLOC_NORECLAIM) && has_set_aside(self))
        return false;
    uint64_t offset = self->node->gate.frame_offset;
    const struct freebsd_bounds *bounds = &wish->bounds;
    struct pl_constraints c = {
        .frame_count = wish->frames,
        .low = {(bounds->low + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES - (bounds->low == 0 ? 0 : offset)},
        .high = {bounds->high == UINT64_MAX ? UINT64_MAX : bounds->high / PL_FRAME_BYTES - offset},
        .alignment = bounds->alignment <= PL_FRAME_BYTES ? 1 : bounds->alignment / PL_FRAME_BYTES,
        .boundary = bounds->boundary / PL_FRAME_BYTES,
    };
    if (bounds->low > UINT64_MAX - PL_FRAME_BYTES || (bounds->boundary != 0 && c.boundary < wish->frames))
        return false;
    return (caps & PL_CAP_RUNS) && (caps & PL_CAP_COMPLETE) && shadow_has_run(self->node->shadow, &c, false);
}

enum vm_due vm_due_of(const struct vm_oracle *self, const struct vm_wish *wish, const char *rules)
{
    uint64_t free_frames = vm_free_frames(self);
    bool admitted = free_frames >= wish->floor && free_frames - wish->floor >= wish->frames;
    if (rules[0] != '\0')
        return VM_DUE_TRAP;
    if (wish->object != NULL && (wish->object->quota < wish->object->resident ||
                                 wish->object->quota - wish->object->resident < wish->frames))
        return VM_DUE_VETO;
    if (!admitted && !wish->arena)
        return wish->req & FREEBSD_ALLOC_WAITOK ? VM_DUE_ANY : VM_DUE_REFUSAL;
    if (self->node->gate.fail_in != 0 || (!wish->arena && !must_find(self, wish)))
        return VM_DUE_ANY;
    return wish->object == NULL ? VM_DUE_GRANT : node_due(self, wish, free_frames);
}
