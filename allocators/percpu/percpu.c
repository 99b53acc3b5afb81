/* percpu(batch=N,high=M)+X: a magazine of free frames per CPU over any allocator X. An order-0 call is a
 * mask, an array access and an unmask; X is called once per batch. All else passes through. Here: the hot
 * calls and the table of hooks. */
#include <stdio.h>

#include "percpu.h"
#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_percpu;

/* Pops from a magazine that has frames. Caller masks. */
PL_INLINE void percpu_pop(struct percpu_magazine *magazine, uint32_t count, struct pl_run *run)
{
    PL_ASSERT(count > 0);
    uint64_t number = magazine->frames[count - 1];
    percpu_count_set(magazine, count - 1);
    *run = (struct pl_run){
        .first = pl_frame_at(number), .frame_count = 1, .order = 0, .flags = PL_RUN_FROM_CACHE};
}

/* Pushes to a magazine that has room. Caller masks. */
PL_INLINE void percpu_push(struct percpu_magazine *magazine, uint32_t count, pl_frame frame)
{
    magazine->frames[count] = frame.number;
    percpu_count_set(magazine, count + 1);
}

/* What a magazine may answer. An illegal class goes to the inner one, which has its own word for it. */
PL_INLINE bool percpu_serves(const struct percpu_state *state, const struct pl_request *request)
{
    return request->order == 0 && request->alloc_class < PL_CLASS_COUNT &&
           (request->node | state->node_mask) == PL_NODE_ANY;
}

/* The slow calls are whole calls, so that the fast ones end in a jump and save no registers. */

/* Straight to the inner one. A guarded one may not sleep, whatever the request allows: the guard is held. */
static PL_NOINLINE enum pl_status percpu_alloc_through(struct percpu_state *state, struct pl_cpu *cpu,
                                                       const struct pl_request *request, struct pl_run *run)
{
    if (state->guard == PERCPU_GUARD_NONE)
        return state->inner.ops->alloc(state->inner.self, cpu, request, run);
    struct pl_request quiet = *request;
    quiet.flags &= ~(PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL);
    uint32_t before = percpu_enter(state, cpu);
    enum pl_status status = state->inner.ops->alloc(state->inner.self, cpu, &quiet, run);
    percpu_leave(state, cpu, before);
    return status;
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status percpu_alloc_empty(struct percpu_state *state, struct pl_cpu *cpu,
                                                     const struct pl_request *request, struct pl_run *run,
                                                     uint32_t before)
{
    struct percpu_magazine *magazine = percpu_magazine_of(state, cpu->id);
    enum pl_status status = percpu_refill(state, cpu, magazine, request);
    if (status == PL_OK)
        percpu_pop(magazine, percpu_count_get(magazine), run);
    pl_unmask(cpu, before);
    if (status == PL_NO_MEMORY && (request->flags & (PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL)) != 0)
        return percpu_alloc_through(state, cpu, request, run);
    return status;
}

static PL_NOINLINE enum pl_status percpu_free_through(struct percpu_state *state, struct pl_cpu *cpu,
                                                      const struct pl_run *run)
{
    uint32_t before = percpu_enter(state, cpu);
    enum pl_status status = state->inner.ops->free(state->inner.self, cpu, run);
    percpu_leave(state, cpu, before);
    return status;
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status percpu_free_full(struct percpu_state *state, struct pl_cpu *cpu,
                                                   const struct pl_run *run, uint32_t before)
{
    struct percpu_magazine *magazine = percpu_magazine_of(state, cpu->id);
    if (PL_MUTANT("percpu-masks-swapped")) {
        uint32_t inner = pl_mask(cpu);
        percpu_push_down(state, cpu, magazine, state->batch);
        PL_MUTANT_TRIGGERED("percpu-masks-swapped", before != inner);
        pl_unmask(cpu, before);
        before = inner;
    } else {
        percpu_push_down(state, cpu, magazine, state->batch);
    }
    percpu_push(magazine, percpu_count_get(magazine), run->first);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status percpu_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    struct percpu_state *state = self;
    PL_ASSERT(cpu->id < state->cpu_count);
    if (PL_UNLIKELY(!percpu_serves(state, request)))
        return percpu_alloc_through(state, cpu, request, run);
    struct percpu_magazine *magazine = percpu_magazine_of(state, cpu->id);
    uint32_t before = pl_mask(cpu);
    uint32_t count = percpu_count_get(magazine);
    if (PL_UNLIKELY(count == 0))
        return percpu_alloc_empty(state, cpu, request, run, before);
    percpu_pop(magazine, count, run);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status percpu_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct percpu_state *state = self;
    PL_ASSERT(cpu->id < state->cpu_count);
    if (PL_UNLIKELY(run->frame_count != 1))
        return percpu_free_through(state, cpu, run);
    struct percpu_magazine *magazine = percpu_magazine_of(state, cpu->id);
    uint32_t before = pl_mask(cpu);
    uint32_t count = percpu_count_get(magazine);
    uint32_t high = state->high;
    if (PL_MUTANT("percpu-one-too-many")) {
        PL_MUTANT_TRIGGERED("percpu-one-too-many", count == high);
        high++;
    }
    if (PL_UNLIKELY(count == high))
        return percpu_free_full(state, cpu, run, before);
    percpu_push(magazine, count, run->first);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status percpu_split(void *self, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct percpu_state *state = self;
    if (state->inner.ops->split == NULL)
        return PL_UNSUPPORTED;
    uint32_t before = percpu_enter(state, cpu);
    enum pl_status status = state->inner.ops->split(state->inner.self, cpu, run, order);
    percpu_leave(state, cpu, before);
    return status;
}

static enum pl_status percpu_alloc_run(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                       const struct pl_constraints *constraints, struct pl_run *run)
{
    struct percpu_state *state = self;
    if (state->inner.ops->alloc_run == NULL)
        return PL_UNSUPPORTED;
    struct pl_request allowed = *request;
    if (state->guard != PERCPU_GUARD_NONE)
        allowed.flags &= ~(PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL);
    uint32_t before = percpu_enter(state, cpu);
    enum pl_status status = state->inner.ops->alloc_run(state->inner.self, cpu, &allowed, constraints, run);
    percpu_leave(state, cpu, before);
    return status;
}

static size_t percpu_stride(const struct percpu_params *params)
{
    size_t bytes = offsetof(struct percpu_magazine, frames) + params->high * sizeof(uint64_t);
    return (bytes + PL_CPU_LINE_BYTES - 1) / PL_CPU_LINE_BYTES * PL_CPU_LINE_BYTES;
}

/* 0 for params that init will call invalid. */
static size_t percpu_meta_bytes(const struct pl_page_config *config)
{
    struct percpu_params params;
    if (!percpu_parse(config->params, &params))
        return sizeof(struct percpu_state); /* init says what is wrong */
    return sizeof(struct percpu_state) + config->machine->cpu_count * percpu_stride(&params);
}

static uint32_t percpu_guard_for(uint64_t inner_caps)
{
    if ((inner_caps & PL_CAP_CONCURRENT) == 0)
        return PERCPU_GUARD_LOCK;
    return (inner_caps & PL_CAP_IRQ_SAFE) == 0 ? PERCPU_GUARD_MASK : PERCPU_GUARD_NONE;
}

static enum pl_status percpu_init(void *self, const struct pl_page_config *config)
{
    struct percpu_state *state = self;
    struct percpu_params params;
    PL_ASSERT(config->inner.ops != NULL);
    PL_ASSERT(config->machine->cpu_count <= PL_CPU_LIMIT);
    if (!percpu_parse(config->params, &params))
        return PL_INVALID;
    state->batch = params.batch;
    state->high = params.high;
    state->stride = (uint32_t)percpu_stride(&params);
    state->machine = config->machine;
    state->cpu_count = config->machine->cpu_count;
    state->node_mask = config->machine->node_count <= 1 ? PL_NODE_ANY : 0;
    state->guard = percpu_guard_for(config->inner_caps);
    state->inner = config->inner;
    return PL_OK;
}

/* What is cached is granted as far as the inner one knows; its owner throws it away whole. */
static void percpu_fini(void *self)
{
    (void)self;
}

static uint64_t percpu_caps_of(const struct pl_page_config *config)
{
    /* A frame in a magazine is granted for one owner and goes to the next. */
    uint64_t lost =
        PL_CAP_EXACT_COUNT | PL_CAP_CHECKS_FREE | PL_CAP_KNOWS_ZERO | PL_CAP_NMI_SAFE | PL_CAP_RESERVATIONS;
    return (config->inner_caps & ~lost) | PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE;
}

static void percpu_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct percpu_state *state = self;
    struct percpu_magazine *magazine = percpu_magazine_of(state, of->id);
    if (PL_MUTANT("percpu-drain-own")) {
        PL_MUTANT_TRIGGERED("percpu-drain-own", cpu != of && percpu_count_get(magazine) != 0);
        magazine = percpu_magazine_of(state, cpu->id);
    }
    uint32_t before = pl_mask(cpu);
    percpu_push_down(state, cpu, magazine, percpu_count_get(magazine));
    pl_unmask(cpu, before);
    if (state->inner.ops->drain != NULL) {
        before = percpu_enter(state, cpu);
        state->inner.ops->drain(state->inner.self, cpu, of);
        /* What was pushed down was freed on this CPU, and an inner cache would hold it here. */
        if (cpu != of)
            state->inner.ops->drain(state->inner.self, cpu, cpu);
        percpu_leave(state, cpu, before);
    }
}

static void percpu_count(const void *self, struct pl_page_counts *counts)
{
    const struct percpu_state *state = self;
    *counts = (struct pl_page_counts){0};
    if (state->inner.ops->count != NULL)
        state->inner.ops->count(state->inner.self, counts);
    counts->cached += percpu_cached(state);
}

static void percpu_settings(const void *self, char *text, size_t bytes)
{
    static const char *const guards[] = {"none", "mask", "lock"};
    const struct percpu_state *state = self;
    PL_ASSERT(state->guard < PL_COUNT_OF(guards));
    int written =
        snprintf(text, bytes, "batch=%u high=%u guard=%s ", state->batch, state->high, guards[state->guard]);
    if (state->inner.ops->settings != NULL && written > 0 && (size_t)written < bytes)
        state->inner.ops->settings(state->inner.self, text + written, bytes - (size_t)written);
}

static const struct pl_page_ops percpu_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .max_order = PL_ORDER_LIMIT - 1,
    .meta_bytes = percpu_meta_bytes,
    .init = percpu_init,
    .fini = percpu_fini,
    .alloc = percpu_alloc,
    .free = percpu_free,
    .caps_of = percpu_caps_of,
    .split = percpu_split,
    .alloc_run = percpu_alloc_run,
    .drain = percpu_drain,
    .count = percpu_count,
    .audit = percpu_audit,
    .settings = percpu_settings,
};

const struct pl_candidate pl_candidate_percpu = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "percpu",
    .summary = "wrapper: a magazine per CPU over any allocator, for order 0",
    .kind = PL_KIND_WRAPPER,
    .page = &percpu_ops,
    .params = "batch=N,high=N",
};
