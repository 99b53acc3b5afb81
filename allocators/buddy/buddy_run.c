/* Runs of any length out of the buddy allocator. Blocks tile a range, so a walk from block to block meets
 * every stretch of free frames; the first that holds a legal run gives it, and what is left of the blocks at
 * its two ends goes back to the lists. */
#include "buddy_internal.h"

/* Index of the first frame of the block that holds frame `index` of a range. */
static uint64_t buddy_block_around(const struct buddy *self, uint64_t index)
{
    PL_ASSERT(index < self->index_count);
    for (uint32_t order = 0; order <= BUDDY_MAX_ORDER; order++) {
        uint64_t first = index & ~((UINT64_C(1) << order) - 1);
        if (self->state[first] != BUDDY_INSIDE)
            return first;
    }
    PL_ASSERT(false); /* blocks tile the range: one of the eleven begins there */
    return index;
}

/* Frame number of the lowest legal run in one range, or PL_FRAME_NONE. */
static uint64_t buddy_find_in_range(const struct buddy *self, const struct pl_constraints *want,
                                    const struct pl_range *range)
{
    if (pl_legal_fit(want, range->first.number, pl_range_end(range)) == PL_FRAME_NONE)
        return PL_FRAME_NONE;
    uint64_t at = range->first.number - self->base;
    uint64_t end = at + range->frame_count;
    if (want->low.number > range->first.number)
        at = buddy_block_around(self, want->low.number - self->base);
    uint64_t free_from = at; /* frames [free_from, at) are free */
    PL_ASSERT(at < end);
    while (at < end && self->base + free_from < want->high.number) {
        uint32_t state = self->state[at];
        PL_ASSERT(state != BUDDY_INSIDE);
        at += UINT64_C(1) << BUDDY_ORDER(state);
        if (BUDDY_KIND(state) != BUDDY_FREE) {
            free_from = at;
            continue;
        }
        uint64_t found = pl_legal_fit(want, self->base + free_from, self->base + at);
        if (found != PL_FRAME_NONE)
            return found;
    }
    return PL_FRAME_NONE;
}

/* Looks in each range of the wanted node, then in the others unless the request forbids it. `range` is
 * written if a run is found. */
static uint64_t buddy_find_run(const struct buddy *self, const struct pl_request *request,
                               const struct pl_constraints *want, const struct pl_range **range)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(machine->range_count > 0);
    for (int wanted = 1; wanted >= 0; wanted--) {
        if (!wanted && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
            break;
        for (uint32_t i = 0; i < machine->range_count; i++) {
            if (pl_range_is_wanted(&machine->ranges[i], request) != (wanted == 1))
                continue;
            uint64_t found = buddy_find_in_range(self, want, &machine->ranges[i]);
            if (found != PL_FRAME_NONE) {
                *range = &machine->ranges[i];
                return found;
            }
        }
    }
    return PL_FRAME_NONE;
}

/* Pushes frames [from, to) as the largest blocks. Nothing to merge with: both ends are cuts through one block
 * or its own ends, and its buddy was not free. */
static void buddy_push_rest(struct buddy *self, struct buddy_node *node, uint64_t from, uint64_t to)
{
    PL_ASSERT(to <= self->index_count);
    while (from < to) {
        uint32_t order = buddy_order_at(from, to);
        buddy_push(self, node, from, order);
        from += UINT64_C(1) << order;
    }
    PL_ASSERT(from >= to);
}

/* Takes the free blocks that overlap [low, high) off their lists and marks the run as one grant. */
static void buddy_carve(struct buddy *self, struct buddy_node *node, uint64_t low, uint64_t high)
{
    PL_ASSERT(low < high);
    for (uint64_t at = buddy_block_around(self, low); at < high;) {
        uint32_t order = BUDDY_ORDER(self->state[at]);
        uint64_t end = at + (UINT64_C(1) << order);
        buddy_unlink(self, node, at, order);
        if (at < low)
            buddy_push_rest(self, node, at, low);
        if (end > high)
            buddy_push_rest(self, node, high, end);
        at = end;
    }
    uint32_t first_order = buddy_order_at(low, high);
    bool one_block = high - low == UINT64_C(1) << first_order;
    self->state[low] = (uint8_t)((one_block ? BUDDY_GRANT : BUDDY_RUN) | first_order);
    for (uint64_t at = low + (UINT64_C(1) << first_order); at < high;) {
        uint32_t order = buddy_order_at(at, high);
        PL_ASSERT(self->state[at] == BUDDY_INSIDE);
        self->state[at] = (uint8_t)(BUDDY_PART | order);
        at += UINT64_C(1) << order;
    }
}

enum pl_status buddy_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                               const struct pl_constraints *constraints, struct pl_run *run)
{
    struct buddy *self = instance;
    uint64_t frame_count = constraints->frame_count;
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
    const struct pl_range *range = NULL;
    struct buddy_kept kept;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    buddy_merge_kept(self, &kept); /* from here on every free block is on a list */
    uint64_t found = buddy_find_run(self, request, constraints, &range);
    if (found != PL_FRAME_NONE) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count >= frame_count);
        buddy_carve(self, &self->node[range->node], found - self->base, found - self->base + frame_count);
        atomic_store_explicit(&self->free_count, free_count - frame_count, memory_order_relaxed);
    } else {
        buddy_unmerge_kept(self, &kept);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (found == PL_FRAME_NONE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(found), .frame_count = frame_count};
    run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
    return PL_OK;
}
