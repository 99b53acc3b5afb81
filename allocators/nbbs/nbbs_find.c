/* Where to try: a scan along the words of the order's tier, as published, or from hint to hint. */
#include "nbbs_internal.h"

/* Leaves of word w at which a block may begin, for it begins in frames [low, high). */
PL_INLINE uint32_t nbbs_allowed(uint32_t tier, uint64_t w, uint64_t low, uint64_t high)
{
    uint64_t first = w << nbbs_word_shift(tier);
    uint64_t leaf_frames = UINT64_C(1) << nbbs_leaf_shift(tier);
    uint32_t allowed = NBBS_ALL_LEAVES;
    PL_ASSERT(low < high);
    PL_ASSERT(first < high);
    if (PL_UNLIKELY(low > first)) {
        uint64_t skip = (low - first + leaf_frames - 1) >> nbbs_leaf_shift(tier);
        allowed = skip >= NBBS_LEAVES ? 0 : allowed << skip & NBBS_ALL_LEAVES;
    }
    if (PL_UNLIKELY(high - first < NBBS_LEAVES * leaf_frames)) {
        uint64_t keep = (high - first + leaf_frames - 1) >> nbbs_leaf_shift(tier);
        allowed &= (1u << keep) - 1u;
    }
    return allowed;
}

static uint64_t nbbs_scan_hints(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t from,
                                uint64_t to, uint64_t low, uint64_t high)
{
    uint32_t tier = nbbs_tier_of(order);
    PL_ASSERT(from <= to);
    PL_ASSERT(self->has_hints);
    for (uint64_t w = from, next; (w = nbbs_hint_next(self, order, w)) < to; w = next) {
        uint32_t leaves = nbbs_allowed(tier, w, low, high);
        uint64_t found = nbbs_take(self, cpu, order, w, leaves, &next);
        if (found != NBBS_NONE)
            return found;
        if (leaves == NBBS_ALL_LEAVES)
            nbbs_hint_missed(self, order, w);
    }
    return NBBS_NONE;
}

uint64_t nbbs_scan(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t from, uint64_t to,
                   uint64_t low, uint64_t high)
{
    uint32_t tier = nbbs_tier_of(order);
    uint32_t k = order % NBBS_TIER_ORDER;
    const nbbs_word *words = self->tier[tier];
    PL_ASSERT(from <= to);
    PL_ASSERT(to <= self->words[tier]);
    uint64_t w = from;
    while (w < to) {
        uint64_t seen = atomic_load_explicit(&words[w], memory_order_relaxed);
        if (nbbs_nodes(nbbs_free_leaves(seen), k) == 0) {
            w++;
            continue;
        }
        uint64_t found = nbbs_take(self, cpu, order, w, nbbs_allowed(tier, w, low, high), &w);
        if (found != NBBS_NONE)
            return found;
    }
    return NBBS_NONE;
}

/* The word where this CPU begins. CPUs begin apart, so that they seldom meet. */
PL_INLINE uint64_t nbbs_start(const struct nbbs *self, const struct pl_cpu *cpu, uint32_t order)
{
    const struct nbbs_cpu *own = &self->cpus[cpu->id];
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    if (self->keeps_cursor)
        return atomic_load_explicit(&own->cursor[order], memory_order_relaxed);
    return own->start >> nbbs_word_shift(nbbs_tier_of(order));
}

/* From the CPU's start to the end of frames [low, high), then from their beginning to the start. */
PL_INLINE uint64_t nbbs_go_round(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t low,
                                 uint64_t high, bool by_hints)
{
    uint32_t shift = nbbs_word_shift(nbbs_tier_of(order));
    PL_ASSERT(low < high);
    PL_ASSERT(high <= self->span);
    uint64_t first = low >> shift;
    uint64_t end = ((high - 1) >> shift) + 1;
    uint64_t start = nbbs_start(self, cpu, order);
    uint64_t found;
    if (start < first || start >= end)
        start = first;
    if (by_hints) {
        found = nbbs_scan_hints(self, cpu, order, start, end, low, high);
        if (found == NBBS_NONE && start > first)
            found = nbbs_scan_hints(self, cpu, order, first, start, low, high);
    } else {
        found = nbbs_scan(self, cpu, order, start, end, low, high);
        if (found == NBBS_NONE && start > first)
            found = nbbs_scan(self, cpu, order, first, start, low, high);
    }
    return found;
}

/* Once through all that the request allows. */
static uint64_t nbbs_pass(struct nbbs *self, struct pl_cpu *cpu, const struct pl_request *request,
                          bool by_hints)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(request->order <= NBBS_MAX_ORDER);
    PL_ASSERT(machine->range_count > 0);
    if (PL_UNLIKELY(request->node != PL_NODE_ANY && machine->node_count > 1)) {
        for (uint32_t i = 0; i < machine->range_count; i++) {
            const struct pl_range *range = &machine->ranges[i];
            uint64_t low = range->first.number - self->base;
            if (range->node != request->node)
                continue;
            uint64_t found =
                nbbs_go_round(self, cpu, request->order, low, low + range->frame_count, by_hints);
            if (found != NBBS_NONE)
                return found;
        }
        if ((request->flags & PL_REQUEST_NODE_ONLY) != 0)
            return NBBS_NONE;
    } else if (PL_UNLIKELY(request->node != PL_NODE_ANY && request->node != 0 &&
                           (request->flags & PL_REQUEST_NODE_ONLY) != 0)) {
        return NBBS_NONE;
    }
    return nbbs_go_round(self, cpu, request->order, 0, self->span, by_hints);
}

/* What has happened so far that could have made a node free. */
static int64_t nbbs_events(const struct nbbs *self)
{
    int64_t events = 0;
    PL_ASSERT(self->machine->cpu_count > 0);
    PL_ASSERT(self->machine->cpu_count <= PL_CPU_LIMIT);
    for (uint32_t i = 0; i < self->machine->cpu_count; i++)
        events += nbbs_read(&self->cpus[i].given) + nbbs_read(&self->cpus[i].undone);
    atomic_thread_fence(memory_order_acquire);
    return events;
}

/* A pass that found nothing proves nothing if a block was freed behind its back, or if a block that was in
 * the way was only tried: it is repeated until neither was. Each repetition means that another call got on: a
 * block is tried and given back only if a grant above it came in between. */
static PL_NOINLINE uint64_t nbbs_search_again(struct nbbs *self, struct pl_cpu *cpu,
                                              const struct pl_request *request)
{
    PL_ASSERT(request->order <= NBBS_MAX_ORDER);
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    int64_t events = nbbs_events(self);
    for (;;) {
        /* Hints may be late; what is said to the caller is what the words say. */
        if (self->has_hints && nbbs_free_count(self) >> request->order == 0)
            return NBBS_NONE;
        uint64_t found = nbbs_pass(self, cpu, request, false);
        int64_t now = nbbs_events(self);
        if (found != NBBS_NONE || now == events)
            return found;
        events = now;
    }
}

uint64_t nbbs_search(struct nbbs *self, struct pl_cpu *cpu, const struct pl_request *request)
{
    PL_ASSERT(request->order <= NBBS_MAX_ORDER);
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    uint64_t found = nbbs_pass(self, cpu, request, self->has_hints);
    if (PL_LIKELY(found != NBBS_NONE))
        return found;
    return nbbs_search_again(self, cpu, request);
}
