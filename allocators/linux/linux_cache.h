/* The model of Linux: a CPU's caches, one a zone. */
#ifndef LINUX_CACHE_H
#define LINUX_CACHE_H

#include "linux_internal.h"

/* Lists of a cache: orders 0 to 3 by group, and one for pageblocks. */
#define LX_CACHED_TOP    3u
#define LX_CACHED_GROUPS 3u
#define LX_SLOT_HUGE     ((LX_CACHED_TOP + 1u) * LX_CACHED_GROUPS)
#define LX_SLOT_COUNT    (LX_SLOT_HUGE + 1u)

/* What one CPU holds of one zone: last freed, first granted. Only that CPU touches it, masked. The count is
 * atomic, never contended, so that count() may read it from elsewhere. */
struct lx_cache {
    PL_CPU_ALIGNED _Atomic uint32_t count; /* frames */
    uint32_t high;                         /* with so many it gives back; between high_min and high_max */
    uint32_t freed;                        /* frames freed in a row; each request halves it */
    uint8_t scale;     /* a refill of order 0 is batch << scale: one more each time, half after a free */
    uint8_t was_small; /* the last block freed was of order 1 to LX_CACHED_TOP */
    struct lx_list lists[LX_SLOT_COUNT];
};

/* A batch is doubled so often at most (CONFIG_PCP_BATCH_SCALE_MAX). */
#define LX_SCALE_MAX 5u

_Static_assert(sizeof(struct lx_cache) == PL_CPU_LINE_BYTES, "a cache is one pair of lines");

PL_INLINE bool lx_is_cached_order(uint32_t order)
{
    return ((1u << LX_BLOCK_ORDER | ((2u << LX_CACHED_TOP) - 1u)) >> order & 1u) != 0;
}

PL_INLINE uint32_t lx_slot(uint32_t order, uint32_t group)
{
    PL_ASSERT(group < LX_CACHED_GROUPS);
    return order > LX_CACHED_TOP ? LX_SLOT_HUGE : order * LX_CACHED_GROUPS + group;
}

PL_INLINE uint32_t lx_slot_order(uint32_t slot)
{
    PL_ASSERT(slot < LX_SLOT_COUNT);
    return slot == LX_SLOT_HUGE ? LX_BLOCK_ORDER : slot / LX_CACHED_GROUPS;
}

PL_INLINE struct lx_cache *lx_cache_of(const struct lx *self, const struct pl_cpu *cpu,
                                       const struct lx_zone *zone)
{
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    return &self->caches[cpu->id * self->zone_count + (uint32_t)(zone - self->zones)];
}

PL_INLINE uint32_t lx_cache_count(const struct lx_cache *cache)
{
    return atomic_load_explicit(&cache->count, memory_order_relaxed);
}

PL_INLINE void lx_cache_set_count(struct lx_cache *cache, uint32_t count)
{
    atomic_store_explicit(&cache->count, count, memory_order_relaxed);
}

/* Takes the hottest block of a list of a cache, which has one. */
PL_INLINE uint32_t lx_cache_pop(struct lx *self, struct lx_cache *cache, struct lx_list *list, uint32_t order)
{
    uint32_t index = list->head;
    uint32_t next = self->frames[index].next;
    PL_ASSERT(lx_state(self, index) == (LX_CACHED | order));
    list->head = next;
    if (next != LX_NONE)
        self->frames[next].before = LX_NONE;
    else
        list->tail = LX_NONE;
    lx_cache_set_count(cache, lx_cache_count(cache) - (1u << order));
    cache->freed >>= 1;
    return index;
}

/* Fills an empty list from the zone; false if it stays empty. */
bool lx_cache_refill(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                     uint32_t order, uint32_t group, uint32_t how);
/* A block of this slot was freed into the cache, and that may be too much for it. */
void lx_cache_freed(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                    uint32_t slot);
/* Gives all back. */
void lx_cache_empty(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache);

/* A free in a row: `freed` grows up to the largest batch. */
PL_INLINE void lx_cache_count_freed(const struct lx_zone *zone, struct lx_cache *cache, uint32_t order)
{
    if (cache->freed < zone->batch << LX_SCALE_MAX)
        cache->freed += 1u << order;
}

#endif
