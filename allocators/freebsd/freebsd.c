/* The hooks: a page of nobody comes from its CPU's cache, a page of an owner from the owner's reservation,
 * a block from the queues; what finds nothing breaks reservations. Frees go back where the state byte says.
 */
#include "freebsd_internal.h"

extern const struct pl_candidate pl_candidate_freebsd;

/* Ranges ascend: halves the list until one is left. */
const struct pl_range *freebsd_range_of(const struct pl_machine *machine, uint64_t frame)
{
    PL_ASSERT(machine->range_count > 0);
    const struct pl_range *range = machine->ranges;
    uint32_t left = machine->range_count;
    while (left > 1) {
        uint32_t half = left / 2;
        if (range[half].first.number <= frame)
            range += half;
        left -= half;
    }
    if (frame < range->first.number || frame - range->first.number >= range->frame_count)
        return NULL;
    return range;
}

/* Of a frame that is in a range. */
static uint32_t freebsd_domain_of(const struct freebsd *self, uint64_t index)
{
    if (self->domain_count == 1)
        return 0;
    const struct pl_range *range = freebsd_range_of(self->machine, self->base + index);
    PL_ASSERT(range != NULL);
    PL_ASSERT(range->node < self->domain_count);
    return range->node;
}

/* --- alloc --- */

/* What the caches and the queues have, before any reservation is touched. */
static uint64_t freebsd_page_at_hand(struct freebsd *self, struct pl_cpu *cpu,
                                     const struct pl_request *request)
{
    uint32_t pool = freebsd_pool_of(request);
    for (uint32_t which = 0; which < FREEBSD_POOL_COUNT; which++) {
        for (uint32_t step = 0; step < PL_NODE_LIMIT; step++) {
            uint32_t domain = freebsd_domain_at(self, cpu, request, step);
            if (domain == FREEBSD_NONE)
                break;
            PL_ASSERT(domain < self->domain_count);
            /* The other pool's cache of this CPU is the last that is at hand. */
            uint64_t index = which == 0 ? freebsd_cache_take(self, cpu, domain, pool)
                                        : freebsd_cache_pop(self, cpu, domain, pool ^ 1u);
            if (index != FREEBSD_NO_INDEX)
                return index;
        }
    }
    return FREEBSD_NO_INDEX;
}

/* A block of the queues of one domain; `reclaims`: of what a broken reservation leaves there. */
static uint64_t freebsd_block_from(struct freebsd *self, struct pl_cpu *cpu, uint32_t number,
                                   const struct pl_request *request, bool reclaims)
{
    struct freebsd_domain *domain = &self->domain[number];
    uint32_t pool = freebsd_pool_of(request);
    PL_ASSERT(request->order <= FREEBSD_MAX_ORDER);
    uint32_t before = pl_lock_masked(&domain->lock, cpu);
    uint64_t index = freebsd_phys_alloc(self, domain, pool, request->order);
    if (index == FREEBSD_NO_INDEX && reclaims && freebsd_reserv_reclaim(self, domain, request->order)) {
        index = freebsd_phys_alloc(self, domain, pool, request->order);
        PL_ASSERT(index != FREEBSD_NO_INDEX);
    }
    pl_point(cpu, self);
    if (index != FREEBSD_NO_INDEX)
        freebsd_state_set(self, index, FREEBSD_GRANT | FREEBSD_POOL_BITS(pool) | request->order);
    pl_unlock_masked(&domain->lock, cpu, before);
    return index;
}

static uint64_t freebsd_block(struct freebsd *self, struct pl_cpu *cpu, const struct pl_request *request,
                              bool reclaims)
{
    for (uint32_t step = 0; step < PL_NODE_LIMIT; step++) {
        uint32_t domain = freebsd_domain_at(self, cpu, request, step);
        if (domain == FREEBSD_NONE)
            break;
        PL_ASSERT(domain < self->domain_count);
        uint64_t index = freebsd_block_from(self, cpu, domain, request, reclaims);
        if (index != FREEBSD_NO_INDEX)
            return index;
    }
    return FREEBSD_NO_INDEX;
}

static PL_NOINLINE enum pl_status freebsd_alloc_slow(struct freebsd *self, struct pl_cpu *cpu,
                                                     const struct pl_request *request, struct pl_run *run)
{
    if (request->alloc_class >= PL_CLASS_COUNT)
        return PL_INVALID;
    if (request->order > FREEBSD_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t index = FREEBSD_NO_INDEX;
    uint32_t flags = 0;
    if (request->order == 0) {
        if ((request->flags & PL_REQUEST_NEVER_FREE) != 0)
            index = freebsd_arena_take(self, cpu, request);
        if (index != FREEBSD_NO_INDEX)
            flags = PL_RUN_NEVER_FREE;
        else if (request->owner != 0)
            index = freebsd_reserv_take(self, cpu, request);
        if (index == FREEBSD_NO_INDEX)
            index = freebsd_page_at_hand(self, cpu, request);
        if (index != FREEBSD_NO_INDEX && FREEBSD_KIND(freebsd_state_get(self, index)) == FREEBSD_BUSY)
            flags = PL_RUN_FROM_CACHE;
    } else {
        index = freebsd_block(self, cpu, request, false);
    }
    if (index == FREEBSD_NO_INDEX && (request->flags & PL_REQUEST_NO_RECLAIM) == 0)
        index = freebsd_block(self, cpu, request, true);
    if (index == FREEBSD_NO_INDEX)
        return PL_NO_MEMORY;
    PL_ASSERT(index < self->index_count);
    *run = (struct pl_run){.first = pl_frame_at(self->base + index),
                           .frame_count = UINT64_C(1) << request->order,
                           .order = request->order,
                           .flags = flags};
    return PL_OK;
}

/* Here only: a page of nobody, from anywhere, that is in the first bucket. */
static enum pl_status freebsd_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                    struct pl_run *run)
{
    struct freebsd *self = instance;
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->order != 0 || request->owner != 0 || request->alloc_class >= PL_CLASS_COUNT ||
                    (request->flags & PL_REQUEST_NEVER_FREE) != 0 ||
                    (request->node | self->node_mask) != PL_NODE_ANY))
        return freebsd_alloc_slow(self, cpu, request, run);
    struct freebsd_cache *cache = freebsd_cache_of(self, cpu->id, 0, FREEBSD_POOL_DIRECT);
    uint32_t before = pl_mask(cpu);
    struct freebsd_bucket *bucket = cache->alloc;
    uint32_t count = freebsd_bucket_count(bucket);
    if (PL_UNLIKELY(count == 0)) {
        pl_unmask(cpu, before);
        return freebsd_alloc_slow(self, cpu, request, run);
    }
    uint64_t index = bucket->frames[count - 1];
    pl_point(cpu, self);
    freebsd_bucket_set(bucket, count - 1);
    PL_ASSERT(freebsd_state_get(self, index) == (FREEBSD_CACHED | FREEBSD_POOL_BITS(FREEBSD_POOL_DIRECT)));
    freebsd_state_set(self, index, FREEBSD_BUSY | FREEBSD_POOL_BITS(FREEBSD_POOL_DIRECT));
    pl_unmask(cpu, before);
    *run = (struct pl_run){
        .first = pl_frame_at(self->base + index), .frame_count = 1, .order = 0, .flags = PL_RUN_FROM_CACHE};
    return PL_OK;
}

/* --- free and split --- */

/* With the domain locked: is `run` exactly one grant, which may be several blocks? */
static bool freebsd_is_grant(const struct freebsd *self, const struct pl_run *run)
{
    uint64_t index = run->first.number - self->base;
    PL_ASSERT(index < self->index_count);
    uint32_t state = freebsd_state_get(self, index);
    uint64_t frame_count = UINT64_C(1) << FREEBSD_ORDER(state);
    if (FREEBSD_KIND(state) == FREEBSD_GRANT || FREEBSD_KIND(state) == FREEBSD_BUSY)
        return run->frame_count == frame_count && run->order == FREEBSD_ORDER(state);
    if (FREEBSD_KIND(state) != FREEBSD_RUN)
        return false;
    for (;;) {
        state = freebsd_state_get(self, index + frame_count);
        if (FREEBSD_KIND(state) != FREEBSD_PART)
            break;
        frame_count += UINT64_C(1) << FREEBSD_ORDER(state);
    }
    PL_ASSERT(frame_count < self->index_count);
    if ((frame_count & (frame_count - 1)) == 0 && run->order != PL_CTZ64(frame_count))
        return false;
    return run->frame_count == frame_count;
}

/* Could a grant begin at this frame number? If so its domain may be asked for. */
static bool freebsd_is_head(const struct freebsd *self, uint64_t frame)
{
    uint64_t index = frame - self->base;
    if (frame < self->base || index >= self->index_count)
        return false;
    uint32_t kind = FREEBSD_KIND(freebsd_state_get(self, index));
    return kind == FREEBSD_GRANT || kind == FREEBSD_RUN || kind == FREEBSD_BUSY;
}

/* Back to the reservation, or block by block to the queues. */
static void freebsd_take_back(struct freebsd *self, struct freebsd_domain *domain, const struct pl_run *run)
{
    uint64_t at = run->first.number - self->base;
    uint64_t end = at + run->frame_count;
    PL_ASSERT(end < self->index_count);
    if (self->reserv[at / FREEBSD_RESERV_FRAMES].live) {
        PL_ASSERT(run->frame_count == 1);
        freebsd_reserv_give(self, domain, at);
        return;
    }
    while (at < end) {
        uint32_t state = freebsd_state_get(self, at);
        freebsd_phys_free(self, domain, at, FREEBSD_ORDER(state), FREEBSD_POOL(state));
        at += UINT64_C(1) << FREEBSD_ORDER(state);
    }
    PL_ASSERT(at == end);
}

/* Of two frees of one frame at once, one is refused. */
PL_INLINE bool freebsd_busy_to_cached(struct freebsd *self, uint64_t index, uint32_t pool)
{
    uint8_t busy = (uint8_t)(FREEBSD_BUSY | FREEBSD_POOL_BITS(pool));
    uint8_t cached = (uint8_t)(FREEBSD_CACHED | FREEBSD_POOL_BITS(pool));
    return atomic_compare_exchange_strong_explicit(&self->state[index], &busy, cached, memory_order_relaxed,
                                                   memory_order_relaxed);
}

static PL_NOINLINE enum pl_status freebsd_free_slow(struct freebsd *self, struct pl_cpu *cpu,
                                                    const struct pl_run *run)
{
    if (!freebsd_is_head(self, run->first.number))
        return PL_REFUSED;
    uint64_t index = run->first.number - self->base;
    uint32_t state = freebsd_state_get(self, index);
    uint32_t number = freebsd_domain_of(self, index);
    if (FREEBSD_KIND(state) == FREEBSD_BUSY) {
        if (run->frame_count != 1 || run->order != 0 ||
            !freebsd_busy_to_cached(self, index, FREEBSD_POOL(state)))
            return PL_REFUSED;
        freebsd_cache_give(self, cpu, number, FREEBSD_POOL(state), index);
        return PL_OK;
    }
    struct freebsd_domain *domain = &self->domain[number];
    uint32_t before = pl_lock_masked(&domain->lock, cpu);
    pl_point(cpu, self);
    bool granted =
        freebsd_is_grant(self, run) && FREEBSD_KIND(freebsd_state_get(self, index)) != FREEBSD_BUSY;
    if (granted)
        freebsd_take_back(self, domain, run);
    pl_unlock_masked(&domain->lock, cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

/* Here only: a page that came from a cache, to a first bucket that has room. */
static enum pl_status freebsd_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct freebsd *self = instance;
    uint64_t index = run->first.number - self->base;
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    if (PL_UNLIKELY(run->frame_count != 1 || run->order != 0 || index >= self->index_count ||
                    self->domain_count != 1))
        return freebsd_free_slow(self, cpu, run);
    struct freebsd_cache *cache = freebsd_cache_of(self, cpu->id, 0, FREEBSD_POOL_DIRECT);
    uint32_t before = pl_mask(cpu);
    struct freebsd_bucket *bucket = cache->alloc;
    uint32_t count = freebsd_bucket_count(bucket);
    if (PL_UNLIKELY(count == self->bucket)) {
        bucket = cache->spill;
        count = freebsd_bucket_count(bucket);
    }
    if (PL_UNLIKELY(count == self->bucket) || !freebsd_busy_to_cached(self, index, FREEBSD_POOL_DIRECT)) {
        pl_unmask(cpu, before);
        return freebsd_free_slow(self, cpu, run);
    }
    bucket->frames[count] = (uint32_t)index;
    pl_point(cpu, self);
    freebsd_bucket_set(bucket, count + 1);
    pl_unmask(cpu, before);
    return PL_OK;
}

/* Each part gets its own head. A grant whose parts would not be naturally aligned is not cut: PL_INVALID. */
static enum pl_status freebsd_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run,
                                    uint32_t order)
{
    struct freebsd *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > FREEBSD_MAX_ORDER)
        return PL_UNSUPPORTED;
    if (!freebsd_is_head(self, run->first.number))
        return PL_REFUSED;
    uint64_t at = run->first.number - self->base;
    uint64_t part = UINT64_C(1) << order;
    struct freebsd_domain *domain = &self->domain[freebsd_domain_of(self, at)];
    enum pl_status status = PL_OK;
    uint32_t before = pl_lock_masked(&domain->lock, cpu);
    uint32_t state = freebsd_state_get(self, at);
    if (!freebsd_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else if (FREEBSD_KIND(state) != FREEBSD_BUSY) { /* which is a single frame: cut already */
        uint32_t pool = FREEBSD_POOL(state);
        for (uint64_t end = at + run->frame_count; at < end; at += part)
            freebsd_state_set(self, at, FREEBSD_GRANT | FREEBSD_POOL_BITS(pool) | order);
    }
    pl_unlock_masked(&domain->lock, cpu, before);
    return status;
}

static void freebsd_count(const void *instance, struct pl_page_counts *counts)
{
    const struct freebsd *self = instance;
    PL_ASSERT(counts != NULL);
    PL_ASSERT(self->domain_count <= PL_NODE_LIMIT);
    *counts = (struct pl_page_counts){.cached = freebsd_cached(self)};
    for (uint32_t i = 0; i < self->domain_count; i++) {
        counts->reserved_frames += freebsd_count_get(&self->domain[i].unpopulated);
        counts->free += freebsd_count_get(&self->domain[i].queued);
    }
    counts->free += counts->reserved_frames;
}

static const struct pl_page_ops freebsd_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE |
            PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES | PL_CAP_BUDDY |
            PL_CAP_RESERVATIONS,
    .max_order = FREEBSD_MAX_ORDER,
    .meta_bytes = freebsd_meta_bytes,
    .init = freebsd_init,
    .fini = freebsd_fini,
    .alloc = freebsd_alloc,
    .free = freebsd_free,
    .split = freebsd_split,
    .alloc_run = freebsd_alloc_run,
    .drain = freebsd_drain,
    .count = freebsd_count,
    .audit = freebsd_audit,
    .settings = freebsd_settings,
};

const struct pl_candidate pl_candidate_freebsd = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "freebsd",
    .summary = "model of FreeBSD 14: superpage reservations, per-CPU page caches, buddy queues by pool",
    .model_of = "FreeBSD 14",
    .kind = PL_KIND_CANDIDATE,
    .page = &freebsd_page,
    .frames_max = UINT64_C(1) << 32,
    .params = "bucket=N,reservations=0|1",
    .services = "va=vmem,tables=direct,buf=pages",
};
