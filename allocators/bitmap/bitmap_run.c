/* Runs of any length from the bitmap allocator: from free frame to free frame by the summary of order 0,
 * along the words in between. */
#include "bitmap_internal.h"

/* Index of the first frame in [from, to) that is not free, or `to`. */
static uint64_t bitmap_first_busy(const struct bitmap *self, uint64_t from, uint64_t to)
{
    PL_ASSERT(from < to);
    PL_ASSERT(to <= self->word_count * 64);
    uint64_t skip = UINT64_MAX << (from % 64);
    for (uint64_t w = from / 64; w <= (to - 1) / 64; w++, skip = UINT64_MAX) {
        uint64_t busy = ~self->word[w].free & skip;
        if (busy != 0) {
            uint64_t index = w * 64 + PL_CTZ64(busy);
            return index < to ? index : to;
        }
    }
    return to;
}

uint64_t bitmap_find_run(const struct bitmap *self, const struct pl_constraints *want, uint64_t low,
                         uint64_t high)
{
    PL_ASSERT(want->frame_count > 0);
    PL_ASSERT(high <= self->word_count * 64);
    uint64_t at = low;
    while (at < high) {
        at = bitmap_find_block(self, 0, at, high);
        if (at == BITMAP_NONE)
            return BITMAP_NONE;
        uint64_t start = pl_legal_start(want, self->base + at);
        if (start == PL_FRAME_NONE || start - self->base >= high)
            return BITMAP_NONE;
        at = start - self->base;
        if (high - at < want->frame_count)
            return BITMAP_NONE;
        uint64_t busy = bitmap_first_busy(self, at, at + want->frame_count);
        if (busy == at + want->frame_count)
            return at;
        at = busy + 1;
    }
    return BITMAP_NONE;
}

enum pl_status bitmap_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                const struct pl_constraints *constraints, struct pl_run *run)
{
    struct bitmap *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || constraints->frame_count == 0)
        return PL_INVALID;
    if (!pl_is_power_of_two(constraints->alignment))
        return PL_INVALID;
    if (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    uint64_t found = bitmap_search(self, request, constraints, false);
    if (found != BITMAP_NONE)
        bitmap_grant_run(self, found, constraints->frame_count);
    pl_unlock_masked(&self->lock, cpu, before);
    if (found == BITMAP_NONE)
        return PL_NO_MEMORY;
    uint64_t frame_count = constraints->frame_count;
    *run = (struct pl_run){.first = pl_frame_at(self->base + found), .frame_count = frame_count};
    run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
    return PL_OK;
}
