/* The per-CPU page caches: for each CPU, domain and pool two buckets of single frames, as UMA has them.
 * A bucket is filled and emptied whole, under one lock. The zone's list of full buckets is left out. */
#include "freebsd_internal.h"

/* Filled only if the domain has a whole bucketful; otherwise a single frame, so that the last frames do not
 * disappear in caches. Entered masked, with both buckets empty. */
static uint64_t freebsd_cache_import(struct freebsd *self, struct pl_cpu *cpu, struct freebsd_cache *cache,
                                     uint32_t number, uint32_t pool)
{
    struct freebsd_domain *domain = &self->domain[number];
    struct freebsd_bucket *bucket = cache->alloc;
    uint64_t index = FREEBSD_NO_INDEX;
    PL_ASSERT(freebsd_bucket_count(cache->alloc) == 0);
    PL_ASSERT(freebsd_bucket_count(cache->spill) == 0);
    pl_lock_take(&domain->lock, cpu);
    if (freebsd_count_get(&domain->queued) >= self->bucket) {
        freebsd_phys_alloc_frames(self, domain, pool, bucket->frames, self->bucket);
        for (uint32_t i = 0; i + 1 < self->bucket; i++)
            freebsd_state_set(self, bucket->frames[i], FREEBSD_CACHED | FREEBSD_POOL_BITS(pool));
        pl_point(cpu, self);
        freebsd_bucket_set(bucket, self->bucket - 1);
        index = bucket->frames[self->bucket - 1];
        freebsd_state_set(self, index, FREEBSD_BUSY | FREEBSD_POOL_BITS(pool));
    } else {
        index = freebsd_phys_alloc(self, domain, pool, 0);
        if (index != FREEBSD_NO_INDEX)
            freebsd_state_set(self, index, FREEBSD_GRANT | FREEBSD_POOL_BITS(pool));
    }
    pl_lock_drop(&domain->lock, cpu);
    return index;
}

/* Swaps the buckets if that helps. Caller masks. */
PL_INLINE uint64_t freebsd_cache_pop_masked(struct freebsd *self, struct freebsd_cache *cache, uint32_t pool)
{
    if (freebsd_bucket_count(cache->alloc) == 0) {
        struct freebsd_bucket *empty = cache->alloc;
        if (freebsd_bucket_count(cache->spill) == 0)
            return FREEBSD_NO_INDEX;
        cache->alloc = cache->spill;
        cache->spill = empty;
    }
    uint32_t count = freebsd_bucket_count(cache->alloc);
    PL_ASSERT(count <= self->bucket);
    uint64_t index = cache->alloc->frames[count - 1];
    PL_ASSERT(freebsd_state_get(self, index) == (FREEBSD_CACHED | FREEBSD_POOL_BITS(pool)));
    freebsd_bucket_set(cache->alloc, count - 1);
    freebsd_state_set(self, index, FREEBSD_BUSY | FREEBSD_POOL_BITS(pool));
    return index;
}

uint64_t freebsd_cache_pop(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain, uint32_t pool)
{
    PL_ASSERT(domain < self->domain_count);
    PL_ASSERT(pool < FREEBSD_POOL_COUNT);
    uint32_t before = pl_mask(cpu);
    uint64_t index = freebsd_cache_pop_masked(self, freebsd_cache_of(self, cpu->id, domain, pool), pool);
    pl_unmask(cpu, before);
    return index;
}

uint64_t freebsd_cache_take(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain, uint32_t pool)
{
    PL_ASSERT(domain < self->domain_count);
    PL_ASSERT(pool < FREEBSD_POOL_COUNT);
    struct freebsd_cache *cache = freebsd_cache_of(self, cpu->id, domain, pool);
    uint32_t before = pl_mask(cpu);
    uint64_t index = freebsd_cache_pop_masked(self, cache, pool);
    if (index == FREEBSD_NO_INDEX)
        index = freebsd_cache_import(self, cpu, cache, domain, pool);
    pl_unmask(cpu, before);
    return index;
}

/* Gives a bucket's frames to the queues. Caller masks. */
static void freebsd_bucket_release(struct freebsd *self, struct pl_cpu *cpu, struct freebsd_bucket *bucket,
                                   uint32_t number, uint32_t pool)
{
    struct freebsd_domain *domain = &self->domain[number];
    uint32_t count = freebsd_bucket_count(bucket);
    PL_ASSERT(count <= self->bucket);
    if (count == 0)
        return;
    pl_lock_take(&domain->lock, cpu);
    freebsd_bucket_set(bucket, 0);
    pl_point(cpu, self);
    if (PL_MUTANT("freebsd-bucket-short")) {
        PL_MUTANT_TRIGGERED("freebsd-bucket-short", true);
        count--;
    }
    for (uint32_t i = 0; i < count; i++) {
        PL_ASSERT(FREEBSD_KIND(freebsd_state_get(self, bucket->frames[i])) == FREEBSD_CACHED);
        freebsd_phys_free(self, domain, bucket->frames[i], 0, pool);
    }
    pl_lock_drop(&domain->lock, cpu);
}

void freebsd_cache_give(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain, uint32_t pool,
                        uint64_t index)
{
    struct freebsd_cache *cache = freebsd_cache_of(self, cpu->id, domain, pool);
    PL_ASSERT(index < self->index_count);
    uint32_t before = pl_mask(cpu);
    struct freebsd_bucket *bucket = cache->alloc;
    if (freebsd_bucket_count(bucket) == self->bucket)
        bucket = cache->spill;
    bool is_full = freebsd_bucket_count(bucket) == self->bucket;
    if (is_full && PL_MUTANT("freebsd-bucket-dropped")) {
        PL_MUTANT_TRIGGERED("freebsd-bucket-dropped", true);
        freebsd_bucket_set(bucket, 0);
    } else if (is_full) {
        freebsd_bucket_release(self, cpu, bucket, domain, pool);
    }
    uint32_t count = freebsd_bucket_count(bucket);
    PL_ASSERT(count < self->bucket);
    bucket->frames[count] = (uint32_t)index;
    freebsd_bucket_set(bucket, count + 1);
    pl_unmask(cpu, before);
}

/* Reservations are no CPU's: they stay. Who may break them finds all that is free in them without a drain. */
void freebsd_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct freebsd *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(of != NULL);
    uint32_t before = pl_mask(cpu);
    for (uint32_t domain = 0; domain < self->domain_count; domain++) {
        for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++) {
            struct freebsd_cache *cache = freebsd_cache_of(self, of->id, domain, pool);
            freebsd_bucket_release(self, cpu, cache->alloc, domain, pool);
            freebsd_bucket_release(self, cpu, cache->spill, domain, pool);
        }
    }
    pl_unmask(cpu, before);
}

/* By place, not by part: another CPU may be swapping its buckets. */
uint64_t freebsd_cached(const struct freebsd *self)
{
    uint64_t cached = 0;
    PL_ASSERT(self->domain_count > 0);
    for (uint32_t cpu = 0; cpu < self->machine->cpu_count; cpu++) {
        for (uint32_t domain = 0; domain < self->domain_count; domain++) {
            for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++) {
                const struct freebsd_cache *cache = freebsd_cache_of(self, cpu, domain, pool);
                cached += freebsd_bucket_count(freebsd_bucket_of(self, cache, 0));
                cached += freebsd_bucket_count(freebsd_bucket_of(self, cache, 1));
            }
        }
    }
    return cached;
}
