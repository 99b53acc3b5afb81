/* Runs by constraints. First inside one queued block, the smallest that holds one; then across neighbouring
 * blocks, by address; then, unless the request forbids it, across what reservations have not populated, which
 * are broken. What is left of the blocks at both ends goes back to the queues. */
#include "freebsd_internal.h"

/* What may be part of a run. */
enum freebsd_reach { FREEBSD_REACH_BLOCK, FREEBSD_REACH_QUEUED, FREEBSD_REACH_RESERVED, FREEBSD_REACH_COUNT };

/* Index of the first frame of the block that holds frame `index` of a range. */
static uint64_t freebsd_block_around(const struct freebsd *self, uint64_t index)
{
    PL_ASSERT(index < self->index_count);
    for (uint32_t order = 0; order <= FREEBSD_MAX_ORDER; order++) {
        uint64_t first = index & ~((UINT64_C(1) << order) - 1);
        if (freebsd_state_get(self, first) != FREEBSD_INSIDE)
            return first;
    }
    PL_ASSERT(false); /* blocks tile the range: one of the thirteen begins there */
    return index;
}

/* A run inside one queued block. */
static uint64_t freebsd_find_in_queues(const struct freebsd *self, const struct freebsd_domain *domain,
                                       const struct pl_constraints *want)
{
    PL_ASSERT(want->frame_count > 0);
    uint32_t order = want->frame_count == 1 ? 0 : 64u - PL_CLZ64(want->frame_count - 1);
    for (uint32_t list = 0; list < FREEBSD_FREELIST_COUNT; list++) {
        for (uint32_t at = order; at <= FREEBSD_MAX_ORDER; at++) {
            for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++) {
                uint32_t pair = domain->queues[list][pool].head[at];
                for (; pair != FREEBSD_NONE; pair = self->link[pair].next) {
                    uint64_t first = self->base + freebsd_block_of_pair(self, pair);
                    uint64_t found = pl_legal_fit(want, first, first + (UINT64_C(1) << at));
                    if (found != PL_FRAME_NONE)
                        return found;
                }
            }
        }
    }
    return PL_FRAME_NONE;
}

/* The lowest run in one range. */
/* The mutant's: the bound from below is forgotten. */
static uint64_t freebsd_fit_below(const struct pl_constraints *want, uint64_t low, uint64_t high)
{
    struct pl_constraints wanted = *want;
    PL_MUTANT_TRIGGERED("freebsd-low-bound", low < want->low.number);
    wanted.low.number = 0;
    return pl_legal_fit(&wanted, low, high);
}

static uint64_t freebsd_find_in_range(const struct freebsd *self, const struct pl_constraints *want,
                                      const struct pl_range *range, enum freebsd_reach reach)
{
    if (pl_legal_fit(want, range->first.number, pl_range_end(range)) == PL_FRAME_NONE)
        return PL_FRAME_NONE;
    uint64_t at = range->first.number - self->base;
    uint64_t end = at + range->frame_count;
    if (want->low.number > range->first.number)
        at = freebsd_block_around(self, want->low.number - self->base);
    uint64_t free_from = at; /* frames [free_from, at) may be part of it */
    PL_ASSERT(at < end);
    while (at < end && self->base + free_from < want->high.number) {
        uint32_t state = freebsd_state_get(self, at);
        PL_ASSERT(state != FREEBSD_INSIDE);
        at += UINT64_C(1) << FREEBSD_ORDER(state);
        if (FREEBSD_KIND(state) != FREEBSD_FREE &&
            (FREEBSD_KIND(state) != FREEBSD_RESERVED || reach != FREEBSD_REACH_RESERVED)) {
            free_from = at;
            continue;
        }
        uint64_t found = PL_MUTANT("freebsd-low-bound")
                             ? freebsd_fit_below(want, self->base + free_from, self->base + at)
                             : pl_legal_fit(want, self->base + free_from, self->base + at);
        if (found != PL_FRAME_NONE)
            return found;
    }
    return PL_FRAME_NONE;
}

/* With the domain locked. */
static uint64_t freebsd_find_in_domain(const struct freebsd *self, uint32_t number,
                                       const struct pl_constraints *want, enum freebsd_reach reach)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(number < self->domain_count);
    PL_ASSERT(reach < FREEBSD_REACH_COUNT);
    if (reach == FREEBSD_REACH_BLOCK)
        return freebsd_find_in_queues(self, &self->domain[number], want);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        if (machine->ranges[i].node != number)
            continue;
        uint64_t found = freebsd_find_in_range(self, want, &machine->ranges[i], reach);
        if (found != PL_FRAME_NONE)
            return found;
    }
    return PL_FRAME_NONE;
}

/* Breaks the reservations in [low, high), takes the queued blocks that overlap it off, and marks the run as
 * one grant. */
static void freebsd_carve(struct freebsd *self, struct freebsd_domain *domain, uint64_t low, uint64_t high,
                          enum freebsd_reach reach)
{
    PL_ASSERT(low < high);
    for (uint64_t at = low; reach == FREEBSD_REACH_RESERVED && at < high; at++) {
        if (FREEBSD_KIND(freebsd_state_get(self, at)) == FREEBSD_RESERVED)
            freebsd_reserv_break(self, domain, (uint32_t)(at / FREEBSD_RESERV_FRAMES));
    }
    for (uint64_t at = freebsd_block_around(self, low); at < high;) {
        uint64_t end = at + (UINT64_C(1) << FREEBSD_ORDER(freebsd_state_get(self, at)));
        freebsd_unlink(self, domain, at);
        if (at < low)
            freebsd_push_range(self, domain, at, low, FREEBSD_POOL_DEFAULT);
        if (end > high && PL_MUTANT("freebsd-surplus-lost"))
            PL_MUTANT_TRIGGERED("freebsd-surplus-lost", true);
        else if (end > high)
            freebsd_push_range(self, domain, high, end, FREEBSD_POOL_DEFAULT);
        at = end;
    }
    uint32_t order = freebsd_order_at(low, high);
    bool one_block = high - low == UINT64_C(1) << order;
    freebsd_state_set(self, low, (one_block ? FREEBSD_GRANT : FREEBSD_RUN) | order);
    for (uint64_t at = low + (UINT64_C(1) << order); at < high; at += UINT64_C(1) << order) {
        order = freebsd_order_at(at, high);
        PL_ASSERT(freebsd_state_get(self, at) == FREEBSD_INSIDE);
        freebsd_state_set(self, at, FREEBSD_PART | order);
    }
}

/* Finds and takes, or PL_FRAME_NONE. */
static uint64_t freebsd_take_run(struct freebsd *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 const struct pl_constraints *want, enum freebsd_reach reach)
{
    for (uint32_t step = 0; step < PL_NODE_LIMIT; step++) {
        uint32_t number = freebsd_domain_at(self, cpu, request, step);
        if (number == FREEBSD_NONE)
            break;
        struct freebsd_domain *domain = &self->domain[number];
        uint32_t before = pl_lock_masked(&domain->lock, cpu);
        uint64_t found = freebsd_find_in_domain(self, number, want, reach);
        pl_point(cpu, self);
        if (found != PL_FRAME_NONE)
            freebsd_carve(self, domain, found - self->base, found - self->base + want->frame_count, reach);
        pl_unlock_masked(&domain->lock, cpu, before);
        if (found != PL_FRAME_NONE)
            return found;
    }
    return PL_FRAME_NONE;
}

enum pl_status freebsd_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 const struct pl_constraints *constraints, struct pl_run *run)
{
    struct freebsd *self = instance;
    uint64_t frame_count = constraints->frame_count;
    uint64_t found = PL_FRAME_NONE;
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
    uint32_t reaches =
        (request->flags & PL_REQUEST_NO_RECLAIM) != 0 ? FREEBSD_REACH_RESERVED : FREEBSD_REACH_COUNT;
    for (uint32_t reach = 0; reach < reaches && found == PL_FRAME_NONE; reach++)
        found = freebsd_take_run(self, cpu, request, constraints, (enum freebsd_reach)reach);
    if (found == PL_FRAME_NONE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(found), .frame_count = frame_count};
    run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
    return PL_OK;
}
