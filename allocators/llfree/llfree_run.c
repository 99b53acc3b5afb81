/* Runs of any length: looks for clear bits without taking any, then takes what it saw child by child, and
 * gives all back if somebody was faster. */
#include "llfree_internal.h"

/* The first index in [from, to) whose frame is not free, or `to`; or, if `is_free`, is free. */
static uint64_t llfree_run_scan(const struct llfree_zone *zone, uint64_t from, uint64_t to, bool is_free)
{
    PL_ASSERT(to <= zone->tree_count << zone->tree_order);
    for (uint64_t at = from; at < to;) {
        uint64_t child = at / LLFREE_CHILD_FRAMES;
        uint32_t number = llfree_child(zone, child, memory_order_relaxed);
        if (number >= LLFREE_HUGE || (is_free && number == 0)) {
            if (!is_free)
                return at;
            at = (child + 1) * LLFREE_CHILD_FRAMES;
            continue;
        }
        uint64_t bits = atomic_load_explicit(&zone->word[at / 64], memory_order_relaxed);
        bits = (is_free ? ~bits : bits) >> (at % 64);
        if (bits != 0)
            return at + PL_CTZ64(bits) < to ? at + PL_CTZ64(bits) : to;
        at = (at / 64 + 1) * 64;
    }
    return to;
}

/* All of these frames, or none. */
static bool llfree_run_take(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                            uint64_t index, uint64_t frame_count, uint32_t kind)
{
    uint64_t end = index + frame_count;
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(kind < zone->kind_count);
    for (uint64_t at = index; at < end;) {
        uint64_t stop = (at / LLFREE_CHILD_FRAMES + 1) * LLFREE_CHILD_FRAMES;
        uint64_t here = (stop < end ? stop : end) - at;
        uint64_t tree = at >> zone->tree_order;
        bool has_number = llfree_number_take(self, zone, cpu, tree, here, kind);
        if (has_number && llfree_lower_take_at(zone, at, here)) {
            at += here;
            continue;
        }
        if (has_number)
            atomic_fetch_add_explicit(&zone->tree[tree].entry, (uint32_t)here, memory_order_release);
        for (uint64_t undo = index; undo < at;) {
            uint64_t undo_stop = (undo / LLFREE_CHILD_FRAMES + 1) * LLFREE_CHILD_FRAMES;
            llfree_lower_give(zone, cpu, undo, undo_stop - undo);
            atomic_fetch_add_explicit(&zone->tree[undo >> zone->tree_order].entry,
                                      (uint32_t)(undo_stop - undo), memory_order_release);
            undo = undo_stop;
        }
        return false;
    }
    return true;
}

/* The lowest legal run of the range that is to be had. */
static uint64_t llfree_run_find(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                                const struct pl_range *range, const struct pl_constraints *want,
                                uint32_t mobility)
{
    uint32_t kind =
        llfree_kind_of(zone, mobility, want->frame_count >= LLFREE_CHILD_FRAMES ? LLFREE_CHILD_ORDER : 0);
    uint64_t low = range->first.number;
    uint64_t high = low + range->frame_count;
    low = low > want->low.number ? low : want->low.number;
    high = high < want->high.number ? high : want->high.number;
    PL_ASSERT(zone->tree_count > 0);
    while (low < high) {
        uint64_t at = zone->base + llfree_run_scan(zone, low - zone->base, high - zone->base, true);
        uint64_t start = at < high ? pl_legal_start(want, at) : PL_FRAME_NONE;
        if (start == PL_FRAME_NONE || start >= high || high - start < want->frame_count)
            return LLFREE_NONE;
        uint64_t index = start - zone->base;
        uint64_t busy = llfree_run_scan(zone, index, index + want->frame_count, false);
        if (busy < index + want->frame_count)
            low = zone->base + busy + 1;
        else if (llfree_run_take(self, zone, cpu, index, want->frame_count, kind))
            return index;
        else
            low = start + 1;
    }
    return LLFREE_NONE;
}

enum pl_status llfree_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                const struct pl_constraints *constraints, struct pl_run *run)
{
    struct llfree *self = instance;
    const struct pl_machine *machine = self->machine;
    uint64_t frame_count = constraints->frame_count;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || frame_count == 0)
        return PL_INVALID;
    if (!pl_is_power_of_two(constraints->alignment) ||
        (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary)))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    uint32_t first = llfree_zone_first(self, cpu, request);
    uint32_t limit = llfree_zone_limit(self, request);
    for (uint32_t i = 0; i < limit; i++) {
        uint32_t node = (first + i) % self->zone_count;
        for (uint32_t r = 0; r < machine->range_count; r++) {
            const struct llfree_zone *zone = &self->zone[node];
            uint64_t found = LLFREE_NONE;
            if (machine->ranges[r].node == node)
                found = llfree_run_find(self, zone, cpu, &machine->ranges[r], constraints, request->mobility);
            if (found == LLFREE_NONE)
                continue;
            *run = (struct pl_run){.first = pl_frame_at(zone->base + found), .frame_count = frame_count};
            run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
            return PL_OK;
        }
    }
    return PL_NO_MEMORY;
}
