/* Runs of any length, cut out of free blocks. A walk from block to block meets every stretch of free frames
 * of a range; the first that holds a legal run gives it, and what is left of the blocks at its two ends goes
 * back to their lists. A run may cross the border of two zones: all locks of its node are held. */
#include "linux_internal.h"

/* The first frame of the free block that holds frame `index`, or `index` if none does. */
static uint64_t lx_free_block_around(const struct lx *self, uint64_t index)
{
    for (uint32_t order = 0; order <= LX_MAX_ORDER; order++) {
        uint64_t first = index & ~((UINT64_C(1) << order) - 1);
        uint32_t state = lx_state(self, first);
        if (LX_IS_FREE(state) && LX_ORDER(state) >= order)
            return first;
    }
    return index;
}

/* Frame number of the lowest legal run in one range, or PL_FRAME_NONE. The reserve counts as free or not. */
static uint64_t lx_find_in_range(const struct lx *self, const struct pl_constraints *want,
                                 const struct pl_range *range, bool use_reserve)
{
    if (pl_legal_fit(want, range->first.number, pl_range_end(range)) == PL_FRAME_NONE)
        return PL_FRAME_NONE;
    uint64_t at = range->first.number - self->base;
    uint64_t end = at + range->frame_count;
    if (want->low.number > range->first.number)
        at = lx_free_block_around(self, want->low.number - self->base);
    uint64_t free_from = at; /* frames [free_from, at) are free */
    PL_ASSERT(at < end);
    while (at < end && self->base + free_from < want->high.number) {
        uint32_t state = lx_state(self, at);
        at += state == LX_INSIDE ? 1 : UINT64_C(1) << LX_ORDER(state);
        if (!LX_IS_FREE(state) || (LX_GROUP_OF(state) == LX_HIGHATOMIC && !use_reserve)) {
            free_from = at;
            continue;
        }
        uint64_t found = pl_legal_fit(want, self->base + free_from, self->base + at);
        if (found != PL_FRAME_NONE)
            return found;
    }
    return PL_FRAME_NONE;
}

/* In each range of the node. */
static uint64_t lx_find_on_node(const struct lx *self, const struct pl_constraints *want, uint32_t node)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(node < machine->node_count);
    for (int use_reserve = 0; use_reserve < 2; use_reserve++) {
        for (uint32_t i = 0; i < machine->range_count; i++) {
            if (machine->ranges[i].node != node)
                continue;
            uint64_t found = lx_find_in_range(self, want, &machine->ranges[i], use_reserve == 1);
            if (found != PL_FRAME_NONE)
                return found;
        }
    }
    return PL_FRAME_NONE;
}

/* Lists frames [from, to) as the largest blocks. Nothing to merge with: both ends are cuts through one block
 * or its own ends, and its buddy was not free. */
static void lx_add_rest(struct lx *self, uint64_t from, uint64_t to, uint32_t group)
{
    PL_ASSERT(to <= self->index_count);
    while (from < to) {
        uint32_t order = lx_order_at(from, to);
        lx_add(self, lx_zone_of(self, from), from, order, group, false);
        from += UINT64_C(1) << order;
    }
    PL_ASSERT(from == to || from > to);
}

/* Pageblocks of the reserve that the run needs a part of become ordinary ones. */
static void lx_free_reserve(struct lx *self, uint64_t low, uint64_t high)
{
    PL_ASSERT(low < high);
    for (uint64_t at = low & ~(uint64_t)(LX_BLOCK - 1); at < high; at += LX_BLOCK) {
        uint32_t byte = lx_pageblock(self, at);
        PL_ASSERT(at < self->index_count);
        if (LX_BLOCK_GROUP(byte) == LX_HIGHATOMIC)
            lx_unreserve(self, &self->zones[LX_BLOCK_ZONE(byte)], at, LX_MOVABLE);
    }
}

/* Takes the free blocks that overlap [low, high) off their lists and marks the run as one grant. */
static void lx_carve(struct lx *self, uint64_t low, uint64_t high)
{
    lx_free_reserve(self, low, high);
    for (uint64_t at = lx_free_block_around(self, low); at < high;) {
        uint32_t state = lx_state(self, at);
        uint32_t order = LX_ORDER(state);
        uint64_t end = at + (UINT64_C(1) << order);
        PL_ASSERT(LX_IS_FREE(state));
        lx_remove(self, lx_zone_of(self, at), at, order);
        if (at < low)
            lx_add_rest(self, at, low, LX_GROUP_OF(state));
        if (end > high)
            lx_add_rest(self, high, end, LX_GROUP_OF(state));
        at = end;
    }
    uint32_t first_order = lx_order_at(low, high);
    bool one_block = high - low == UINT64_C(1) << first_order;
    lx_state_set(self, low, (one_block ? LX_GRANT : LX_RUN) | first_order);
    for (uint64_t at = low + (UINT64_C(1) << first_order); at < high;) {
        uint32_t order = lx_order_at(at, high);
        PL_ASSERT(lx_state(self, at) == LX_INSIDE);
        lx_state_set(self, at, LX_PART | order);
        at += UINT64_C(1) << order;
    }
}

/* The CPU is masked. Locks are taken in the order of the zones, always. */
static uint64_t lx_take_run(struct lx *self, struct pl_cpu *cpu, uint32_t node,
                            const struct pl_constraints *want)
{
    uint32_t first = self->node_first[node];
    uint32_t end = self->node_first[node + 1];
    PL_ASSERT(first <= end);
    for (uint32_t z = first; z < end; z++)
        pl_lock_take(&self->zones[z].lock, cpu);
    uint64_t found = lx_find_on_node(self, want, node);
    if (found != PL_FRAME_NONE)
        lx_carve(self, found - self->base, found - self->base + want->frame_count);
    pl_point(cpu, self);
    for (uint32_t z = end; z-- > first;)
        pl_lock_drop(&self->zones[z].lock, cpu);
    return found;
}

enum pl_status lx_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                            const struct pl_constraints *constraints, struct pl_run *run)
{
    struct lx *self = instance;
    uint64_t frame_count = constraints->frame_count;
    uint32_t count = self->machine->node_count;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || frame_count == 0)
        return PL_INVALID;
    if (!pl_is_power_of_two(constraints->alignment))
        return PL_INVALID;
    if (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    bool only = (request->flags & PL_REQUEST_NODE_ONLY) != 0 && request->node != PL_NODE_ANY;
    uint32_t node = request->node < count ? request->node : cpu->node < count ? cpu->node : 0;
    uint64_t found = PL_FRAME_NONE;
    uint32_t before = pl_mask(cpu);
    for (uint32_t i = 0; i < (only ? 1 : count) && found == PL_FRAME_NONE; i++)
        found = lx_take_run(self, cpu, node + i < count ? node + i : node + i - count, constraints);
    pl_unmask(cpu, before);
    if (found == PL_FRAME_NONE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(found), .frame_count = frame_count};
    run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
    return PL_OK;
}
