/* A CPU's caches: filled and emptied in batches under the zone's lock. A batch grows with what the CPU asks
 * for, or frees, in a row; and so does what its cache may hold, while the zone has plenty. The CPU is masked
 * throughout. */
#include "linux_cache.h"

static uint32_t lx_least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

/* `high` comes down, as far as it may. */
static void lx_cache_lower(const struct lx_zone *zone, struct lx_cache *cache, uint32_t frames)
{
    PL_ASSERT(cache->high >= zone->high_min);
    cache->high -= lx_least(frames, cache->high - zone->high_min);
}

/* --- in --- */

/* How many blocks a refill takes. A cache that runs dry could have been larger: `high` grows by what is
 * wanted, unless it stands fast or the zone is below HIGH. Refills of order 0 double, as long as no free
 * comes between and a batch fits beside them. */
static uint32_t lx_refill_blocks(const struct lx_zone *zone, struct lx_cache *cache, uint32_t order)
{
    uint32_t batch = zone->batch;
    uint32_t frames = order == 0 ? batch << cache->scale : batch;
    uint32_t held = lx_cache_count(cache) + batch;
    PL_ASSERT(cache->scale <= LX_SCALE_MAX);
    if (cache->high < batch)
        return 1;
    if (cache->high < zone->high_max && lx_is_below_high(zone) == 0)
        cache->high = lx_least(cache->high + frames, zone->high_max);
    if (order == 0) {
        uint32_t room = cache->high > held ? cache->high - held : 0;
        room = room > batch ? room : batch;
        if (frames <= room && cache->scale < LX_SCALE_MAX)
            cache->scale++;
        frames = lx_least(frames, room);
    }
    if (frames > 1)
        frames = frames >> order > 2 ? frames >> order : 2;
    return frames;
}

bool lx_cache_refill(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                     uint32_t order, uint32_t group, uint32_t how)
{
    struct lx_list *list = &cache->lists[lx_slot(order, group)];
    uint32_t blocks = lx_refill_blocks(zone, cache, order);
    uint32_t count = 0;
    PL_ASSERT(list->head == LX_NONE);
    pl_lock_take(&zone->lock, cpu);
    while (count < blocks) {
        uint32_t index = lx_take(self, zone, order, group, how & LX_TRY_WHOLE);
        if (index == LX_NONE)
            break;
        lx_state_set(self, index, LX_CACHED | order);
        lx_list_append(self, list, index);
        count++;
    }
    lx_count_free(zone, -((uint64_t)count << order));
    pl_point(cpu, self);
    pl_lock_drop(&zone->lock, cpu);
    if (PL_MUTANT("linux-refill-blocks")) {
        PL_MUTANT_TRIGGERED("linux-refill-blocks", order != 0 && count != 0);
        lx_cache_set_count(cache, lx_cache_count(cache) + count);
    } else {
        lx_cache_set_count(cache, lx_cache_count(cache) + (count << order));
    }
    PL_ASSERT((count == 0) == (list->head == LX_NONE));
    return count != 0;
}

/* --- out --- */

/* Gives back at least so many frames, or all: list after list, the coldest of each, beginning with this one.
 */
static void lx_cache_give(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                          uint32_t slot, uint32_t frames)
{
    uint32_t held = lx_cache_count(cache);
    uint32_t left = held;
    uint32_t keep = left - lx_least(frames, left);
    PL_ASSERT(slot < LX_SLOT_COUNT);
    pl_lock_take(&zone->lock, cpu);
    while (left > keep) {
        struct lx_list *list = &cache->lists[slot];
        uint32_t order = lx_slot_order(slot);
        while (left > keep && list->tail != LX_NONE) {
            uint32_t index = list->tail;
            lx_list_remove(self, list, index);
            PL_ASSERT(left >= 1u << order);
            left -= 1u << order;
            lx_release(self, zone, index, order);
        }
        slot = slot + 1 < LX_SLOT_COUNT ? slot + 1 : 0;
    }
    lx_count_free(zone, held - left);
    pl_point(cpu, self);
    pl_lock_drop(&zone->lock, cpu);
    if (PL_MUTANT("linux-trim-uncounted"))
        PL_MUTANT_TRIGGERED("linux-trim-uncounted", lx_cache_count(cache) != left);
    else
        lx_cache_set_count(cache, left);
}

void lx_cache_empty(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache)
{
    PL_ASSERT(lx_cache_count(cache) > 0);
    lx_cache_give(self, cpu, zone, cache, 0, lx_cache_count(cache));
}

/* With how many frames the cache gives back now. A zone below HIGH wants all above the least `high`; and a
 * cache that is full of what was freed in a row should hold that next time. */
static uint32_t lx_cache_limit(const struct lx_zone *zone, struct lx_cache *cache)
{
    uint32_t count = lx_cache_count(cache);
    uint32_t high = cache->high;
    if (zone->high_min == zone->high_max)
        return high;
    if (lx_is_below_high(zone) != 0) {
        lx_cache_lower(zone, cache, cache->freed > zone->batch ? cache->freed : zone->batch);
        return count > zone->high_min ? count : zone->high_min;
    }
    if (count >= high && high < cache->freed + zone->batch)
        cache->high = lx_least(cache->freed + zone->batch, zone->high_max);
    return high;
}

/* What is given back at `limit`: as much as was freed in a row, but a batch stays. */
static uint32_t lx_surplus(const struct lx_zone *zone, const struct lx_cache *cache, uint32_t limit)
{
    uint32_t batch = zone->batch;
    if (limit < batch)
        return 1;
    uint32_t frames = lx_least(cache->freed, limit - batch);
    return frames > batch ? frames : batch;
}

/* More than a batch freed in a row, and now a second block of order 1 to 3 in succession: such blocks are
 * better merged than kept. */
void lx_cache_freed(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                    uint32_t slot)
{
    uint32_t order = lx_slot_order(slot);
    uint32_t count = lx_cache_count(cache);
    uint32_t most = zone->batch << LX_SCALE_MAX;
    bool is_small = order - 1u < LX_CACHED_TOP;
    bool many = is_small && cache->was_small != 0 && cache->freed >= zone->batch && count >= zone->batch;
    PL_ASSERT(count >= 1u << order);
    cache->was_small = is_small;
    lx_cache_count_freed(zone, cache, order);
    if (many) {
        lx_cache_lower(zone, cache, most);
        lx_cache_give(self, cpu, zone, cache, slot, most);
    } else {
        uint32_t limit = lx_cache_limit(zone, cache);
        if (count < limit)
            return;
        lx_cache_give(self, cpu, zone, cache, slot, lx_surplus(zone, cache, limit));
    }
    uint64_t kept = (uint64_t)lx_reserve_blocks(zone) * LX_BLOCK;
    if (lx_is_below_high(zone) != 0 && lx_free_count(zone) > zone->fast_mark[0] + kept)
        lx_set_below_high(zone, 0);
}
