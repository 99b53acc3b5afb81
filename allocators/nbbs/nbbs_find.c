/* Where to try: a scan along the words of the order's tier, as published, or from hint to hint. */
#include "nbbs_internal.h"

/* Leaves of word w at which a block of the part may begin. */
static uint32_t nbbs_allowed_at_edge(const struct nbbs_part *part, uint32_t tier, uint64_t w)
{
    uint64_t first = w << nbbs_word_shift(tier);
    uint64_t leaf_frames = UINT64_C(1) << nbbs_leaf_shift(tier);
    uint32_t allowed = NBBS_ALL_LEAVES;
    PL_ASSERT(part->low < part->high);
    PL_ASSERT(first < part->high);
    if (part->low > first) {
        uint64_t skip = (part->low - first + leaf_frames - 1) >> nbbs_leaf_shift(tier);
        allowed = skip >= NBBS_LEAVES ? 0 : allowed << skip & NBBS_ALL_LEAVES;
    }
    if (part->high - first < NBBS_LEAVES * leaf_frames) {
        uint64_t keep = (part->high - first + leaf_frames - 1) >> nbbs_leaf_shift(tier);
        allowed &= (1u << keep) - 1u;
    }
    return allowed;
}

PL_INLINE uint32_t nbbs_allowed(const struct nbbs *self, const struct nbbs_part *part, uint32_t tier,
                                uint64_t w)
{
    return PL_LIKELY(part == &self->whole) ? NBBS_ALL_LEAVES : nbbs_allowed_at_edge(part, tier, w);
}

static uint64_t nbbs_scan_hints(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t from,
                                uint64_t to, const struct nbbs_part *part)
{
    uint32_t tier = nbbs_tier_of(order);
    PL_ASSERT(from <= to);
    PL_ASSERT(self->has_hints);
    for (uint64_t w = from, next; (w = nbbs_hint_next(self, order, w)) < to; w = next) {
        uint32_t leaves = nbbs_allowed(self, part, tier, w);
        uint64_t found = nbbs_take(self, cpu, order, w, leaves, &next);
        if (PL_LIKELY(found != NBBS_NONE))
            return found;
        pl_point(cpu, self);
        if (leaves == NBBS_ALL_LEAVES)
            nbbs_hint_missed(self, order, w);
    }
    return NBBS_NONE;
}

uint64_t nbbs_scan(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t from, uint64_t to,
                   const struct nbbs_part *part)
{
    uint32_t tier = nbbs_tier_of(order);
    uint32_t k = order % NBBS_TIER_ORDER;
    const nbbs_word *words = self->tier[tier];
    PL_ASSERT(from <= to);
    PL_ASSERT(to <= self->words[tier]);
    uint64_t w = from;
    while (w < to) {
        uint64_t seen = atomic_load_explicit(&words[w], memory_order_relaxed);
        if ((uint8_t)seen == NBBS_ALL_LEAVES || nbbs_nodes(nbbs_free_leaves(seen), k) == 0) {
            w++;
            continue;
        }
        uint64_t found = nbbs_take(self, cpu, order, w, nbbs_allowed(self, part, tier, w), &w);
        if (PL_LIKELY(found != NBBS_NONE))
            return found;
    }
    return NBBS_NONE;
}

PL_INLINE uint64_t nbbs_scan_by(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t from,
                                uint64_t to, const struct nbbs_part *part, bool by_hints)
{
    return by_hints ? nbbs_scan_hints(self, cpu, order, from, to, part)
                    : nbbs_scan(self, cpu, order, from, to, part);
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

/* From the CPU's start to the end of the part, then from its beginning to the start. */
PL_INLINE uint64_t nbbs_go_round(struct nbbs *self, struct pl_cpu *cpu, uint32_t order,
                                 const struct nbbs_part *part, bool by_hints)
{
    uint32_t shift = nbbs_word_shift(nbbs_tier_of(order));
    uint64_t first = part->low >> shift;
    uint64_t end = ((part->high - 1) >> shift) + 1;
    uint64_t start = nbbs_start(self, cpu, order);
    PL_ASSERT(part->low < part->high);
    PL_ASSERT(part->high <= self->whole.high);
    if (PL_UNLIKELY(start < first || start >= end))
        start = first;
    uint64_t found = nbbs_scan_by(self, cpu, order, start, end, part, by_hints);
    if (PL_UNLIKELY(found == NBBS_NONE) && start > first)
        found = nbbs_scan_by(self, cpu, order, first, start, part, by_hints);
    return found;
}

/* The ranges of the wanted node, one by one. */
static uint64_t nbbs_pass_node(struct nbbs *self, struct pl_cpu *cpu, const struct pl_request *request,
                               bool by_hints)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(request->node != PL_NODE_ANY);
    PL_ASSERT(machine->range_count > 0);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        uint64_t low = machine->ranges[i].first.number - self->base;
        const struct nbbs_part part = {.low = low, .high = low + machine->ranges[i].frame_count};
        if (machine->ranges[i].node != request->node)
            continue;
        uint64_t found = nbbs_go_round(self, cpu, request->order, &part, by_hints);
        if (found != NBBS_NONE)
            return found;
    }
    return NBBS_NONE;
}

/* Once through all that the request allows. */
PL_INLINE uint64_t nbbs_pass(struct nbbs *self, struct pl_cpu *cpu, const struct pl_request *request,
                             bool by_hints)
{
    PL_ASSERT(request->order <= NBBS_MAX_ORDER);
    PL_ASSERT(self->machine->range_count > 0);
    if (PL_UNLIKELY(request->node != PL_NODE_ANY)) {
        uint64_t found = nbbs_pass_node(self, cpu, request, by_hints);
        if (found != NBBS_NONE || (request->flags & PL_REQUEST_NODE_ONLY) != 0)
            return found;
    }
    return nbbs_go_round(self, cpu, request->order, &self->whole, by_hints);
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
    for (uint32_t round = 0; round < NBBS_ROUNDS; round++) {
        /* Hints may be late; what is said to the caller is what the words say. */
        if (self->has_hints && nbbs_free_count(self) >> request->order == 0)
            return NBBS_NONE;
        uint64_t found = nbbs_pass(self, cpu, request, false);
        int64_t now = nbbs_events(self);
        if (found != NBBS_NONE || now == events)
            return found;
        events = now;
        pl_relax(cpu);
    }
    return NBBS_NONE;
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
