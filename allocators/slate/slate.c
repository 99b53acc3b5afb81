/* slate: the hot calls and the table of hooks. A single frame costs a mask, a stack access, a byte and an
 * unmask; nothing is locked. The slow halves finish the call, unmasking included, so that the fast halves end
 * in a jump and save no registers. */
#include <stdio.h>

#include "slate_internal.h"

extern const struct pl_candidate pl_candidate_slate;

PL_INLINE struct slate_cpu *slate_own(struct slate *self, const struct pl_cpu *cpu)
{
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    return slate_cpu_at(self, cpu->id);
}

PL_INLINE uint32_t slate_count(const struct slate_cpu *own)
{
    return atomic_load_explicit(&own->count, memory_order_relaxed);
}

PL_INLINE void slate_count_set(struct slate_cpu *own, uint32_t count)
{
    atomic_store_explicit(&own->count, count, memory_order_relaxed);
}

/* May the stacks serve a request for this node? PL_NODE_ANY + 1 is 0 in 16 bits, node 0 is 1. */
PL_INLINE bool slate_serves_node(const struct slate_cpu *own, const struct pl_request *request)
{
    return (uint16_t)(request->node + 1u) <= own->node_limit;
}

/* ---- alloc ---- */

/* Pops from a stack that has frames. Caller masks. */
PL_INLINE void slate_pop(struct slate_cpu *own, uint32_t count, struct pl_run *run)
{
    PL_ASSERT(count > 0);
    uint64_t number = own->frames[count - 1];
    slate_count_set(own, count - 1);
    PL_ASSERT(slate_state_get(slate_state_of(own, number), 0) == SLATE_NO_HEAD);
    slate_state_set(slate_state_of(own, number), 0, SLATE_HEAD(0));
    *run = (struct pl_run){
        .first = pl_frame_at(number), .frame_count = 1, .order = 0, .flags = PL_RUN_FROM_CACHE};
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status slate_alloc_empty(struct slate *self, struct pl_cpu *cpu,
                                                    const struct pl_request *request, struct pl_run *run,
                                                    uint32_t before)
{
    struct slate_cpu *own = slate_own(self, cpu);
    bool refilled = slate_refill(self, cpu, request);
    if (PL_LIKELY(refilled))
        slate_pop(own, slate_count(own), run);
    pl_unmask(cpu, before);
    return refilled ? PL_OK : PL_NO_MEMORY;
}

/* The stack of this order is empty, or the request is not for the stacks. Caller masks. */
static PL_NOINLINE bool slate_fetch_blocks(struct slate *self, struct pl_cpu *cpu,
                                           const struct pl_request *request, uint64_t *number)
{
    struct slate_cpu *own = slate_own(self, cpu);
    uint32_t slots = self->slots[request->order]; /* none of order 0 */
    if (slots == 0 || !slate_serves_node(own, request))
        return slate_fetch(self, cpu, request, number, 1) != 0;
    uint64_t *blocks = own->blocks + slate_slot_offset(request->order);
    PL_ASSERT(atomic_load_explicit(&own->held[request->order], memory_order_relaxed) == 0);
    uint32_t taken = slate_fetch(self, cpu, request, blocks, (slots + 1) / 2);
    if (taken == 0)
        return false;
    atomic_store_explicit(&own->held[request->order], (uint8_t)(taken - 1), memory_order_relaxed);
    *number = blocks[taken - 1];
    return true;
}

/* Hands out a block that was popped or fetched. Caller masks. */
PL_INLINE void slate_grant(struct slate_cpu *own, uint64_t number, uint32_t order, struct pl_run *run)
{
    PL_ASSERT(number % (UINT64_C(1) << order) == 0);
    PL_ASSERT(slate_state_get(slate_state_of(own, number), 0) == SLATE_NO_HEAD);
    slate_state_set(slate_state_of(own, number), 0, SLATE_HEAD(order));
    *run = (struct pl_run){.first = pl_frame_at(number),
                           .frame_count = UINT64_C(1) << order,
                           .order = order,
                           .flags = PL_RUN_FROM_CACHE};
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status slate_alloc_missed(struct slate *self, struct pl_cpu *cpu,
                                                     const struct pl_request *request, struct pl_run *run,
                                                     uint32_t before)
{
    uint64_t number;
    bool fetched = slate_fetch_blocks(self, cpu, request, &number);
    if (PL_LIKELY(fetched))
        slate_grant(slate_own(self, cpu), number, request->order, run);
    pl_unmask(cpu, before);
    return fetched ? PL_OK : PL_NO_MEMORY;
}

/* A single frame of a named node that the stack may serve all the same. */
static PL_NOINLINE enum pl_status slate_alloc_frame(struct slate *self, struct pl_cpu *cpu,
                                                    const struct pl_request *request, struct pl_run *run)
{
    struct slate_cpu *own = slate_own(self, cpu);
    uint32_t before = pl_mask(cpu);
    uint32_t count = slate_count(own);
    if (PL_UNLIKELY(count == 0))
        return slate_alloc_empty(self, cpu, request, run, before);
    slate_pop(own, count, run);
    pl_unmask(cpu, before);
    return PL_OK;
}

/* Orders above 0, wanted nodes, and what is no legal request. */
static PL_NOINLINE enum pl_status slate_alloc_other(struct slate *self, struct pl_cpu *cpu,
                                                    const struct pl_request *request, struct pl_run *run)
{
    struct slate_cpu *own = slate_own(self, cpu);
    uint32_t order = request->order;
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(order > SLATE_MAX_ORDER))
        return PL_UNSUPPORTED;
    if (order == 0 && slate_serves_node(own, request))
        return slate_alloc_frame(self, cpu, request, run);
    uint32_t before = pl_mask(cpu);
    uint32_t held = atomic_load_explicit(&own->held[order], memory_order_relaxed);
    if (PL_UNLIKELY(held == 0) || PL_UNLIKELY(!slate_serves_node(own, request)))
        return slate_alloc_missed(self, cpu, request, run, before);
    atomic_store_explicit(&own->held[order], (uint8_t)(held - 1), memory_order_relaxed);
    slate_grant(own, own->blocks[slate_slot_offset(order) + held - 1], order, run);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status slate_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run)
{
    struct slate *self = instance;
    struct slate_cpu *own = slate_own(self, cpu);
    /* One by one, because callers write them one by one: a wider load would wait for the stores. */
    if (PL_UNLIKELY(request->order != 0) || PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT) ||
        PL_UNLIKELY(request->node != PL_NODE_ANY))
        return slate_alloc_other(self, cpu, request, run);
    uint32_t before = pl_mask(cpu);
    uint32_t count = slate_count(own);
    if (PL_UNLIKELY(count == 0))
        return slate_alloc_empty(self, cpu, request, run, before);
    slate_pop(own, count, run);
    pl_unmask(cpu, before);
    return PL_OK;
}

/* ---- free ---- */

/* Pushes to a stack that has room. Caller masks and has looked at the state. */
PL_INLINE void slate_push(struct slate_cpu *own, _Atomic uint8_t *state, uint32_t count, uint64_t number)
{
    PL_ASSERT(count < own->capacity);
    PL_ASSERT(state == slate_state_of(own, number));
    slate_state_set(state, 0, SLATE_NO_HEAD);
    own->frames[count] = number;
    slate_count_set(own, count + 1);
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status slate_free_full(struct slate *self, struct pl_cpu *cpu,
                                                  const struct pl_run *run, uint32_t before)
{
    struct slate_cpu *own = slate_own(self, cpu);
    slate_push_down(self, cpu);
    slate_push(own, slate_state_of(own, run->first.number), slate_count(own), run->first.number);
    pl_unmask(cpu, before);
    return PL_OK;
}

PL_INLINE void slate_push_block(struct slate_cpu *own, uint32_t held, uint32_t order, uint64_t number)
{
    PL_ASSERT(number % (UINT64_C(1) << order) == 0);
    slate_state_set(slate_state_of(own, number), 0, SLATE_NO_HEAD);
    own->blocks[slate_slot_offset(order) + held] = number;
    atomic_store_explicit(&own->held[order], (uint8_t)(held + 1), memory_order_relaxed);
}

/* The stack of this order is full, or there is none. Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status slate_free_block_full(struct slate *self, struct pl_cpu *cpu,
                                                        const struct pl_run *run, uint32_t before)
{
    struct slate_cpu *own = slate_own(self, cpu);
    uint32_t order = run->order;
    uint32_t slots = self->slots[order];
    uint32_t given = (slots + 1) / 2;
    uint64_t number = run->first.number;
    if (slots == 0) {
        slate_state_set(slate_state_of(own, number), 0, SLATE_NO_HEAD);
        slate_give(self, cpu, order, &number, 1);
    } else {
        /* The coldest go down. */
        uint64_t *blocks = own->blocks + slate_slot_offset(order);
        slate_give(self, cpu, order, blocks, given);
        for (uint32_t i = given; i < slots; i++)
            blocks[i - given] = blocks[i];
        slate_push_block(own, slots - given, order, number);
    }
    pl_unmask(cpu, before);
    return PL_OK;
}

/* Blocks of order 1 and above, runs, and what was never granted so. */
static PL_NOINLINE enum pl_status slate_free_other(struct slate *self, struct pl_cpu *cpu,
                                                   const struct pl_run *run)
{
    struct slate_cpu *own = slate_own(self, cpu);
    uint64_t number = run->first.number;
    uint32_t order = run->order;
    if (PL_UNLIKELY(number - own->base >= own->limit))
        return PL_REFUSED;
    if (order == 0 || order > SLATE_MAX_ORDER || run->frame_count != UINT64_C(1) << order)
        return slate_free_run(self, cpu, run);
    uint32_t before = pl_mask(cpu); /* before the look: an interrupt may free it, too */
    if (PL_UNLIKELY(slate_state_get(slate_state_of(own, number), 0) != SLATE_HEAD(order))) {
        pl_unmask(cpu, before);
        return slate_free_run(self, cpu, run);
    }
    uint32_t held = atomic_load_explicit(&own->held[order], memory_order_relaxed);
    if (PL_UNLIKELY(held == self->slots[order])) /* 0 of 0, too */
        return slate_free_block_full(self, cpu, run, before);
    slate_push_block(own, held, order, number);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status slate_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct slate *self = instance;
    struct slate_cpu *own = slate_own(self, cpu);
    uint64_t number = run->first.number;
    if (PL_UNLIKELY(run->frame_count != 1) || PL_UNLIKELY(run->order != 0) ||
        PL_UNLIKELY(number - own->base >= own->limit))
        return slate_free_other(self, cpu, run);
    _Atomic uint8_t *state = slate_state_of(own, number);
    uint32_t before = pl_mask(cpu); /* before the look: an interrupt may free it, too */
    if (PL_UNLIKELY(slate_state_get(state, 0) != SLATE_HEAD(0))) {
        pl_unmask(cpu, before);
        return slate_free_other(self, cpu, run);
    }
    uint32_t count = slate_count(own);
    if (PL_UNLIKELY(count == own->capacity))
        return slate_free_full(self, cpu, run, before);
    slate_push(own, state, count, number);
    pl_unmask(cpu, before);
    return PL_OK;
}

/* ---- the rest ---- */

static void slate_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

static void slate_count_frames(const void *instance, struct pl_page_counts *counts)
{
    const struct slate *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){
        .free = atomic_load_explicit(&self->free_count, memory_order_relaxed),
        .cached = slate_cached(self),
    };
}

static void slate_settings(const void *instance, char *text, size_t bytes)
{
    const struct slate *self = instance;
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "batch=%u depot=%u orders=0-%u policy=fullest-chunk", self->batch, self->depot_max,
             SLATE_MAX_ORDER);
}

static const struct pl_page_ops slate_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE |
            PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES,
    .max_order = SLATE_MAX_ORDER,
    .meta_bytes = slate_meta_bytes,
    .init = slate_init,
    .fini = slate_fini,
    .alloc = slate_alloc,
    .free = slate_free,
    .split = slate_split,
    .alloc_run = slate_alloc_run,
    .drain = slate_drain,
    .count = slate_count_frames,
    .audit = slate_audit,
    .settings = slate_settings,
};

const struct pl_candidate pl_candidate_slate = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "slate",
    .summary = "stacks of blocks per CPU over a bitmap that is born free, fullest chunk first",
    .kind = PL_KIND_CANDIDATE,
    .page = &slate_page,
    .frames_max = SLATE_FRAMES_MAX,
    .params = "batch=N,depot=N",
};
