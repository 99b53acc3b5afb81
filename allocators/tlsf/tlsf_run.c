/* Runs of any length under constraints, by a bounded search. Two blocks are taken from classes in which every
 * block serves whoever has no window; with a window, or when these classes are empty, a fixed number of
 * further blocks is looked at, the shortest that may serve first. A run that is elsewhere is not found. */
#include "tlsf_internal.h"

#define TLSF_PROBE_LIMIT 8u

/* What was asked for, and what was found. */
struct tlsf_wish {
    const struct pl_constraints *want;
    uint64_t ample;       /* frames that hold a legal run wherever they lie, if there is no boundary */
    uint32_t order;       /* a natural block of it holds a legal run, boundary or not */
    uint32_t probes_left; /* blocks that may still be looked at */
    struct tlsf_node *node;
    uint64_t block;
    uint64_t index;
};

/* Looks at one block; fills the wish and returns true if it serves. */
static bool tlsf_probe(const struct tlsf *self, struct tlsf_wish *wish, struct tlsf_node *node,
                       uint64_t block)
{
    PL_ASSERT(wish->probes_left > 0);
    PL_ASSERT(self->record[block].kind == TLSF_FREE);
    wish->probes_left--;
    uint64_t low = block + self->shift;
    uint64_t start = pl_legal_fit(wish->want, low, low + self->record[block].frame_count);
    if (start == PL_FRAME_NONE)
        return false;
    wish->node = node;
    wish->block = block;
    wish->index = start - self->shift;
    return true;
}

/* The head of the lowest list from a class on, TLSF_NONE if all are empty; `at` becomes its class. */
static uint64_t tlsf_first_from(const struct tlsf_node *node, struct tlsf_class *at)
{
    PL_ASSERT(at->second <= TLSF_SECOND_COUNT);
    if (at->first >= TLSF_FIRST_COUNT)
        return TLSF_NONE;
    uint32_t second = node->second_level[at->first] & ~((UINT32_C(1) << at->second) - 1);
    if (second == 0) {
        uint32_t first = node->first_level & ~((UINT32_C(2) << at->first) - 1);
        if (first == 0)
            return TLSF_NONE;
        at->first = PL_CTZ64((uint64_t)first);
        second = node->second_level[at->first];
    }
    PL_ASSERT(second != 0);
    at->second = PL_CTZ64((uint64_t)second);
    return node->head[at->first][at->second];
}

/* The lowest second level of first level `first` whose blocks are all of at least so many frames. */
static struct tlsf_class tlsf_class_above(uint64_t frame_count, uint32_t first)
{
    uint64_t beyond = frame_count - (UINT64_C(1) << first);
    uint64_t second = ((beyond << TLSF_STEP_SHIFT) + (UINT64_C(1) << first) - 1) >> first;
    PL_ASSERT(frame_count >> first == 1 || frame_count >> first == 2 || frame_count >> first == 3);
    return (struct tlsf_class){.first = first, .second = (uint32_t)second};
}

/* The classic good fit: a class whose blocks are long enough wherever they lie. Those whose order is one less
 * than the length's first. */
static bool tlsf_try_length(const struct tlsf *self, struct tlsf_wish *wish, struct tlsf_node *node)
{
    PL_ASSERT(wish->ample > 0);
    if (wish->ample >= TLSF_SPAN_MAX)
        return false;
    uint32_t first = 63u - PL_CLZ64(wish->ample);
    struct tlsf_class at = {.first = first};
    uint64_t block = TLSF_NONE;
    if (first > 0) {
        at = tlsf_class_above(wish->ample, first - 1);
        if (at.second < TLSF_SECOND_COUNT && node->second_level[at.first] >> at.second != 0)
            block = tlsf_first_from(node, &at);
    }
    if (block == TLSF_NONE) {
        at = tlsf_class_above(wish->ample, first);
        block = tlsf_first_from(node, &at);
    }
    PL_ASSERT(block == TLSF_NONE || self->record[block].frame_count >= wish->ample);
    return block != TLSF_NONE && tlsf_probe(self, wish, node, block);
}

/* A class whose blocks hold a natural block that no boundary crosses. */
static bool tlsf_try_order(const struct tlsf *self, struct tlsf_wish *wish, struct tlsf_node *node)
{
    struct tlsf_class at = {.first = wish->order};
    PL_ASSERT(wish->order <= 64);
    uint64_t block = tlsf_first_from(node, &at);
    return block != TLSF_NONE && tlsf_probe(self, wish, node, block);
}

/* As many blocks as are allowed, from the first class that may hold one long enough. */
static bool tlsf_try_some(const struct tlsf *self, struct tlsf_wish *wish, struct tlsf_node *node)
{
    uint64_t frame_count = wish->want->frame_count;
    PL_ASSERT(frame_count < TLSF_SPAN_MAX);
    uint32_t first = 63u - PL_CLZ64(frame_count);
    struct tlsf_class at = {.first = first - (first > 0)};
    at.second = (uint32_t)(((frame_count - (UINT64_C(1) << at.first)) << TLSF_STEP_SHIFT) >> at.first);
    uint64_t block = tlsf_first_from(node, &at);
    while (block != TLSF_NONE && wish->probes_left > 0) {
        if (tlsf_probe(self, wish, node, block))
            return true;
        block = self->record[block].next;
        if (block == TLSF_NONE) {
            at.second++;
            block = tlsf_first_from(node, &at);
        }
    }
    return false;
}

static bool tlsf_search(const struct tlsf *self, struct tlsf_wish *wish, struct tlsf_node *node)
{
    PL_ASSERT(node >= self->node);
    PL_ASSERT(node < self->node + self->machine->node_count);
    wish->probes_left = TLSF_PROBE_LIMIT;
    return tlsf_try_length(self, wish, node) || tlsf_try_order(self, wish, node) ||
           tlsf_try_some(self, wish, node);
}

/* The wanted node, then the others unless that is forbidden. */
static bool tlsf_search_nodes(const struct tlsf *self, const struct pl_cpu *cpu,
                              const struct pl_request *request, struct tlsf_wish *wish)
{
    uint32_t wanted = request->node == PL_NODE_ANY ? cpu->node : request->node;
    bool wants = wanted < self->machine->node_count;
    PL_ASSERT(self->machine->node_count <= PL_NODE_LIMIT);
    if (wants && tlsf_search(self, wish, &self->node[wanted]))
        return true;
    if (request->node != PL_NODE_ANY && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
        return false;
    for (uint32_t n = 0; n < self->machine->node_count; n++)
        if ((!wants || n != wanted) && tlsf_search(self, wish, &self->node[n]))
            return true;
    return false;
}

enum pl_status tlsf_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                              const struct pl_constraints *constraints, struct pl_run *run)
{
    struct tlsf *self = instance;
    uint64_t frame_count = constraints->frame_count;
    uint64_t alignment = constraints->alignment;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || frame_count == 0 || !pl_is_power_of_two(alignment))
        return PL_INVALID;
    if (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    /* It could fit, so its length fits 32 bits. Its alignment need not. */
    struct tlsf_wish wish = {.want = constraints,
                             .ample = alignment < TLSF_SPAN_MAX ? frame_count + alignment - 1 : alignment};
    wish.order = frame_count == 1 ? 0 : 64u - PL_CLZ64(frame_count - 1);
    wish.order = wish.order > PL_CTZ64(alignment) ? wish.order : PL_CTZ64(alignment);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool found = tlsf_search_nodes(self, cpu, request, &wish);
    if (found) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count >= frame_count);
        tlsf_carve(self, wish.node, cpu, wish.block, wish.index, frame_count);
        if (PL_MUTANT("tlsf-run-charge-one")) {
            PL_MUTANT_TRIGGERED("tlsf-run-charge-one", frame_count != 1);
            free_count += frame_count - 1;
        }
        atomic_store_explicit(&self->free_count, free_count - frame_count, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (!found)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(wish.index + self->shift), .frame_count = frame_count};
    run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
    return PL_OK;
}
