/* The audit: every state byte block by block, every queue link by link, every cache frame by frame. */
#include <inttypes.h>
#include <stdio.h>

#include "freebsd_internal.h"

void freebsd_broken(struct freebsd_walk *walk, const char *what, uint64_t number, const char *words)
{
    char line[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(words != NULL);
    snprintf(line, sizeof(line), "freebsd: %s %" PRIu64 " %s", what, number, words);
    walk->visitor->broken(walk->visitor, line);
    walk->broken++;
}

/* A frame that is twice in buckets, another not at all, shows in the sum of these. */
static uint64_t freebsd_mix(uint64_t index)
{
    index = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (index ^ index >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static void freebsd_audit_hole(struct freebsd_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(to <= walk->self->index_count);
    for (uint64_t at = from; at < to; at++) {
        if (freebsd_state_get(walk->self, at) != FREEBSD_INSIDE)
            freebsd_broken(walk, "frame", walk->self->base + at, "is in a hole and has a state");
    }
}

/* A block that is on a queue, or should be. */
static void freebsd_audit_free(struct freebsd_walk *walk, const struct pl_range *range, uint64_t index)
{
    const struct freebsd *self = walk->self;
    uint32_t state = freebsd_state_get(self, index);
    uint32_t order = FREEBSD_ORDER(state);
    struct pl_block block = {.first = pl_frame_at(self->base + index),
                             .order = order,
                             .state = PL_BLOCK_FREE,
                             .node = (uint16_t)range->node};
    PL_ASSERT(FREEBSD_KIND(state) == FREEBSD_FREE);
    walk->visitor->block(walk->visitor, &block);
    walk->queued[range->node] += UINT64_C(1) << order;
    walk->blocks[range->node][freebsd_freelist_of(self, index)][FREEBSD_POOL(state)][order]++;
    uint64_t buddy = index ^ (UINT64_C(1) << order);
    if (order < FREEBSD_MAX_ORDER &&
        (freebsd_state_get(self, buddy) & ~FREEBSD_POOL_BITS(1u)) == (FREEBSD_FREE | order))
        freebsd_broken(walk, "frame", self->base + index, "begins a block that is apart from its buddy");
}

/* One block of a range; returns the index behind it. `kind` is that of the block before. */
static uint64_t freebsd_audit_block(struct freebsd_walk *walk, const struct pl_range *range, uint64_t index,
                                    uint32_t kind)
{
    const struct freebsd *self = walk->self;
    uint32_t state = freebsd_state_get(self, index);
    uint32_t order = FREEBSD_ORDER(state);
    uint64_t end = index + (UINT64_C(1) << order);
    uint64_t range_end = range->first.number - self->base + range->frame_count;
    PL_ASSERT(index < range_end);
    if (state == FREEBSD_INSIDE || order > FREEBSD_MAX_ORDER || end > range_end ||
        (index & ((UINT64_C(1) << order) - 1)) != 0) {
        freebsd_broken(walk, "frame", self->base + index, "is where a block should begin, and none does");
        return index + 1;
    }
    for (uint64_t at = index + 1; at < end; at++) {
        if (freebsd_state_get(self, at) != FREEBSD_INSIDE)
            freebsd_broken(walk, "frame", self->base + at, "is inside a block and begins another");
    }
    if (FREEBSD_KIND(state) >= FREEBSD_CACHED && order != 0)
        freebsd_broken(walk, "frame", self->base + index, "should be single");
    if (FREEBSD_KIND(state) == FREEBSD_PART && kind != FREEBSD_RUN && kind != FREEBSD_PART)
        freebsd_broken(walk, "frame", self->base + index, "continues no run");
    if (FREEBSD_KIND(state) == FREEBSD_FREE)
        freebsd_audit_free(walk, range, index);
    if (FREEBSD_KIND(state) == FREEBSD_CACHED) {
        walk->cached++;
        walk->cached_sum += freebsd_mix(index);
    }
    if (FREEBSD_KIND(state) == FREEBSD_RESERVED) {
        walk->reserved[range->node]++;
        if (!self->reserv[index / FREEBSD_RESERV_FRAMES].live)
            freebsd_broken(walk, "frame", self->base + index, "is set aside in no reservation");
    }
    return end;
}

static void freebsd_audit_queue(struct freebsd_walk *walk, uint32_t number, uint32_t list, uint32_t pool,
                                uint32_t order)
{
    const struct freebsd *self = walk->self;
    const struct freebsd_queues *queues = &self->domain[number].queues[list][pool];
    uint64_t wanted = walk->blocks[number][list][pool][order];
    uint64_t found = 0;
    uint32_t before = FREEBSD_NONE;
    uint32_t pair = queues->head[order];
    PL_ASSERT(number < PL_NODE_LIMIT);
    /* A queue longer than the blocks met has a ring in it, or entries that are not blocks. */
    while (pair != FREEBSD_NONE && pair < self->index_count / 2 && found <= wanted) {
        uint64_t index = (uint64_t)pair * 2;
        index += FREEBSD_KIND(freebsd_state_get(self, index)) == FREEBSD_FREE ? 0 : 1;
        const struct pl_range *range = freebsd_range_of(self->machine, self->base + index);
        if (freebsd_state_get(self, index) != (FREEBSD_FREE | FREEBSD_POOL_BITS(pool) | order))
            freebsd_broken(walk, "frame", self->base + index, "is on a queue that its state does not name");
        if (range == NULL || range->node != number || freebsd_freelist_of(self, index) != list)
            freebsd_broken(walk, "frame", self->base + index, "is on another domain's or freelist's queue");
        if (self->link[pair].before != before)
            freebsd_broken(walk, "frame", self->base + index, "has a wrong link backwards");
        found++;
        before = pair;
        pair = self->link[pair].next;
    }
    if (pair != FREEBSD_NONE || found != wanted || queues->tail[order] != before)
        freebsd_broken(walk, "the queue of order", order, "is not the free blocks of that order");
    if (((queues->nonempty >> order & 1) != 0) != (queues->head[order] != FREEBSD_NONE))
        freebsd_broken(walk, "the queue of order", order, "has a bit that disagrees with it");
}

static void freebsd_audit_bucket(struct freebsd_walk *walk, const struct freebsd_bucket *bucket,
                                 uint32_t number, uint32_t pool)
{
    const struct freebsd *self = walk->self;
    uint32_t count = freebsd_bucket_count(bucket);
    PL_ASSERT(pool < FREEBSD_POOL_COUNT);
    if (count > self->bucket) {
        freebsd_broken(walk, "a bucket of", count, "frames is larger than buckets are");
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t index = bucket->frames[i];
        if (index >= self->index_count ||
            freebsd_state_get(self, index) != (FREEBSD_CACHED | FREEBSD_POOL_BITS(pool))) {
            freebsd_broken(walk, "frame", self->base + index, "is in a bucket and not marked so");
            continue;
        }
        walk->cached_sum -= freebsd_mix(index);
        struct pl_block block = {
            .first = pl_frame_at(self->base + index), .state = PL_BLOCK_CACHED, .node = (uint16_t)number};
        walk->visitor->block(walk->visitor, &block);
    }
}

static void freebsd_audit_caches(struct freebsd_walk *walk)
{
    const struct freebsd *self = walk->self;
    PL_ASSERT(self->domain_count <= PL_NODE_LIMIT);
    for (uint32_t cpu = 0; cpu < self->machine->cpu_count; cpu++) {
        for (uint32_t number = 0; number < self->domain_count; number++) {
            for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++) {
                const struct freebsd_cache *cache = freebsd_cache_of(self, cpu, number, pool);
                const struct freebsd_bucket *one = freebsd_bucket_of(self, cache, 0);
                const struct freebsd_bucket *two = freebsd_bucket_of(self, cache, 1);
                freebsd_audit_bucket(walk, one, number, pool);
                freebsd_audit_bucket(walk, two, number, pool);
                if (!(cache->alloc == one && cache->spill == two) &&
                    !(cache->alloc == two && cache->spill == one))
                    freebsd_broken(walk, "the cache of CPU", cpu, "has not its two buckets");
            }
        }
    }
    if (walk->cached != freebsd_cached(self) || walk->cached_sum != 0)
        freebsd_broken(walk, "the set of", walk->cached, "frames marked as cached is not what buckets hold");
}

static void freebsd_audit_domain(struct freebsd_walk *walk, uint32_t number)
{
    const struct freebsd_domain *domain = &walk->self->domain[number];
    PL_ASSERT(number < PL_NODE_LIMIT);
    for (uint32_t list = 0; list < FREEBSD_FREELIST_COUNT; list++)
        for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++)
            for (uint32_t order = 0; order < FREEBSD_ORDER_COUNT; order++)
                freebsd_audit_queue(walk, number, list, pool, order);
    if (freebsd_count_get(&domain->queued) != walk->queued[number])
        freebsd_broken(walk, "the count of queued frames of domain", number, "is wrong");
    if (freebsd_count_get(&domain->unpopulated) != walk->reserved[number])
        freebsd_broken(walk, "the count of frames set aside of domain", number, "is wrong");
}

uint64_t freebsd_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct freebsd *self = instance;
    struct freebsd_walk walk = {.self = self, .visitor = visitor};
    uint64_t end = 0;
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        uint64_t index = range->first.number - self->base;
        uint32_t kind = FREEBSD_INSIDE;
        freebsd_audit_hole(&walk, end, index);
        end = index + range->frame_count;
        while (index < end) {
            uint32_t kind_here = FREEBSD_KIND(freebsd_state_get(self, index));
            index = freebsd_audit_block(&walk, range, index, kind);
            kind = kind_here;
        }
    }
    freebsd_audit_hole(&walk, end, self->index_count);
    for (uint32_t number = 0; number < PL_NODE_LIMIT; number++)
        freebsd_audit_domain(&walk, number);
    freebsd_audit_caches(&walk);
    freebsd_audit_reservs(&walk);
    return walk.broken;
}
