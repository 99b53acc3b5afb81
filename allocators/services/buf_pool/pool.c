/* Buffers from a pool: what is released stays as it was granted, sorted by size, and a buffer of the same
 * size whose constraints it meets has it without a call of the page allocator. Where the pool has none it is
 * the service `run`; where memory is short the pool goes first. */
#include <stdio.h>
#include <string.h>

#include "allocators/services/buf_pool/pool_internal.h"
#include "allocators/services/params.h"

#define POOL_KEEP_DEFAULT   8u
#define POOL_FRAMES_DEFAULT 64u
#define POOL_WAITS          (PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL)

/* ---- its life ---- */

/* Reads "keep=N,frames=N". */
static bool pool_parse(const char *text, uint32_t *keep, uint32_t *frames)
{
    struct param params[] = {
        {.name = "keep", .most = POOL_KEEP_LIMIT, .value = POOL_KEEP_DEFAULT},
        {.name = "frames", .least = 1, .most = POOL_FRAMES_LIMIT, .value = POOL_FRAMES_DEFAULT},
    };
    bool legal = params_parse(text, params, PL_COUNT_OF(params));
    *keep = (uint32_t)params[0].value;
    *frames = (uint32_t)params[1].value;
    return legal;
}

static size_t pool_bytes(uint32_t keep)
{
    return sizeof(struct pool) + (size_t)POOL_SHELVES * keep * sizeof(struct pool_grant);
}

static size_t pool_meta_bytes(const struct pl_buffer_config *config)
{
    uint32_t keep;
    uint32_t frames;
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    if (!pool_parse(config->params, &keep, &frames)) /* init says so */
        return sizeof(struct pool);
    return pool_bytes(keep) + (size_t)config->machine->span;
}

static enum pl_status pool_init(void *instance, const struct pl_buffer_config *config)
{
    struct pool *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(config->page.ops != NULL);
    if (!pool_parse(config->params, &self->keep, &self->frames_max))
        return PL_INVALID;
    self->kept_max = config->machine->frame_count / POOL_SHARE;
    plan_service_begin(&self->service, config, (unsigned char *)instance + pool_bytes(self->keep));
    return PL_OK;
}

/* ---- the shelves ---- */

static void pool_add_kept(struct pool *self, uint64_t frames)
{
    atomic_store_explicit(&self->frames_kept, pool_kept(self) + frames, memory_order_relaxed);
}

/* Keeps a claimed grant if there is room. */
static bool pool_push(struct pool *self, struct pl_cpu *cpu, const struct pl_run *grant, unsigned kind)
{
    if (grant->frame_count > self->frames_max || self->keep == 0)
        return false;
    uint32_t shelf = plan_log2_floor(grant->frame_count);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    uint32_t count = self->counts[shelf];
    bool room = count < self->keep && pool_kept(self) + grant->frame_count <= self->kept_max;
    if (room) {
        pool_shelf(self, shelf)[count] =
            (struct pool_grant){.first = grant->first, .frames = (uint32_t)grant->frame_count, .kind = kind};
        pl_point(cpu, self);
        self->counts[shelf] = count + 1;
        pool_add_kept(self, grant->frame_count);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return room;
}

/* Under the lock. Those above it move down: what was kept last stays on top. */
static struct pl_run pool_remove(struct pool *self, struct pl_cpu *cpu, uint32_t shelf, uint32_t at,
                                 unsigned *kind)
{
    struct pool_grant *grants = pool_shelf(self, shelf);
    struct pool_grant taken = grants[at];
    PL_ASSERT(at < self->counts[shelf]);
    memmove(&grants[at], &grants[at + 1], (self->counts[shelf] - at - 1) * sizeof(*grants));
    pl_point(cpu, self);
    self->counts[shelf]--;
    pool_add_kept(self, 0 - (uint64_t)taken.frames);
    *kind = taken.kind;
    return (struct pl_run){
        .first = taken.first, .frame_count = taken.frames, .order = plan_order_of(taken.frames)};
}

/* Takes the last kept grant of one shelf that is exactly `frames` long and suits the plan. */
static bool pool_find(struct pool *self, const struct plan *plan, uint64_t frames, uint64_t frame_count,
                      struct pl_run *grant, unsigned *kind)
{
    uint32_t shelf = plan_log2_floor(frames);
    bool found = false;
    if (frames > self->frames_max)
        return false;
    uint32_t before = pl_lock_masked(&self->lock, plan->cpu);
    for (uint32_t at = self->counts[shelf]; at-- > 0 && !found;) {
        const struct pool_grant *kept = &pool_shelf(self, shelf)[at];
        const struct pl_run run = {.first = kept->first, .frame_count = kept->frames};
        /* Only a block may have more than is used. */
        found = kept->frames == frames && (frames == frame_count || kept->kind == PLAN_BLOCK) &&
                plan_suits(plan, &run, frame_count);
        if (found)
            *grant = pool_remove(self, plan->cpu, shelf, at, kind);
    }
    pl_unlock_masked(&self->lock, plan->cpu, before);
    return found;
}

/* Gives everything back. Several may do so at once. */
static void pool_shrink(struct pool *self, struct pl_cpu *cpu)
{
    for (uint32_t shelf = 0; shelf < POOL_SHELVES;) {
        struct pl_run grant = {.frame_count = 0};
        unsigned kind = PLAN_NONE;
        uint32_t before = pl_lock_masked(&self->lock, cpu);
        if (self->counts[shelf] > 0)
            grant = pool_remove(self, cpu, shelf, self->counts[shelf] - 1, &kind);
        else
            shelf++;
        pl_unlock_masked(&self->lock, cpu, before);
        if (grant.frame_count == 0)
            continue;
        enum pl_status status = plan_give_back(&self->service, cpu, &grant, kind);
        PL_ASSERT(status == PL_OK);
        (void)status;
    }
}

/* ---- the hooks ---- */

/* A kept grant may be of any node, and goes back some day. */
static bool pool_serves(const struct pool *self, const struct pl_request *request)
{
    return (request->flags & PL_REQUEST_NEVER_FREE) == 0 &&
           (request->node == PL_NODE_ANY || self->service.machine->node_count <= 1);
}

/* From the pool, of the very size or a block of the next power of two. */
static bool pool_take_kept(struct plan *plan, uint64_t frame_count)
{
    struct pool *self = (struct pool *)plan->service;
    uint64_t block = UINT64_C(1) << plan_log2_ceil(frame_count);
    struct pl_run grant;
    unsigned kind;
    if (pool_kept(self) == 0 || !pool_serves(self, &plan->request))
        return false;
    if (!pool_find(self, plan, frame_count, frame_count, &grant, &kind) &&
        (block == frame_count || !pool_find(self, plan, block, frame_count, &grant, &kind)))
        return false;
    if (plan_accept(plan, &grant, frame_count)) {
        uint64_t at = plan_index(plan->service, grant.first);
        atomic_fetch_and_explicit(&plan->service->state[at], (uint8_t)~PLAN_CLAIMED, memory_order_relaxed);
        return true;
    }
    if (!pool_push(self, plan->cpu, &grant, kind))
        (void)plan_give_back(plan->service, plan->cpu, &grant, kind);
    return false;
}

static enum pl_status pool_take(struct plan *plan, uint64_t frame_count, bool may_sleep)
{
    (void)may_sleep; /* not before the pool is empty */
    return pool_take_kept(plan, frame_count) ? PL_OK : plan_take(plan, frame_count, false);
}

/* What fails is tried once more without a pool, if that could make a difference. */
static enum pl_status pool_cover(struct plan *plan)
{
    struct pool *self = (struct pool *)plan->service;
    bool any_kept = pool_kept(self) != 0;
    enum pl_status status = plan_cover_largest(plan, pool_take);
    if (status != PL_NO_MEMORY || (!any_kept && (plan->request.flags & POOL_WAITS) == 0))
        return status;
    plan_restart(plan);
    pool_shrink(self, plan->cpu);
    return plan_cover_largest(plan, plan_take);
}

static enum pl_status pool_plan(void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                                const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                                size_t run_capacity, size_t *run_count)
{
    return plan_by(pool_cover, instance, cpu, buffer_bytes, constraints, runs, run_capacity, run_count);
}

static enum pl_status pool_keep(struct plan_service *service, struct pl_cpu *cpu, const struct pl_run *grant,
                                unsigned kind)
{
    return pool_push((struct pool *)service, cpu, grant, kind) ? PL_OK
                                                               : plan_give_back(service, cpu, grant, kind);
}

static enum pl_status pool_release(void *instance, struct pl_cpu *cpu, const struct pl_run *runs,
                                   size_t run_count)
{
    return plan_release_by(pool_keep, instance, cpu, runs, run_count);
}

static void pool_drain(void *instance, struct pl_cpu *cpu)
{
    PL_ASSERT(cpu != NULL);
    pool_shrink(instance, cpu);
}

static void pool_count(const void *instance, struct pl_buffer_counts *counts)
{
    plan_count(instance, counts);
    counts->frames_kept = pool_kept(instance);
}

static void pool_settings(const void *instance, char *text, size_t bytes)
{
    const struct pool *self = instance;
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=kept-or-one-run keep=%u frames=%u", self->keep, self->frames_max);
}

static const struct pl_buffer_ops pool_ops = {
    .bytes = sizeof(struct pl_buffer_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_CHECKS_FREE,
    .meta_bytes = pool_meta_bytes,
    .init = pool_init,
    .fini = plan_service_fini,
    .plan = pool_plan,
    .release = pool_release,
    .audit = pool_audit,
    .settings = pool_settings,
    .count = pool_count,
    .drain = pool_drain,
};

extern const struct pl_candidate pl_candidate_pool;
const struct pl_candidate pl_candidate_pool = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "pool",
    .summary = "buffers: a pool of what was released, else one run or the largest pieces",
    .kind = PL_KIND_SERVICE,
    .buffer = &pool_ops,
    .params = "keep=N,frames=N",
};
