/* A CPU's caches: filled and emptied in batches under the zone's lock. The CPU is masked throughout. */
#include "linux_internal.h"

bool lx_cache_refill(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                     uint32_t order, uint32_t group, uint32_t how)
{
    struct lx_list *list = &cache->lists[lx_slot(order, group)];
    uint32_t batch = zone->batch;
    uint32_t count = 0;
    PL_ASSERT(list->head == LX_NONE);
    /* A batch of 1 means that nothing is to be kept here. */
    if (batch > 1)
        batch = batch >> order > 2 ? batch >> order : 2;
    pl_lock_take(&zone->lock, cpu);
    while (count < batch) {
        uint32_t index = lx_take(self, zone, order, group, how & LX_TRY_WHOLE);
        if (index == LX_NONE)
            break;
        lx_state_set(self, index, LX_CACHED | order);
        lx_list_append(self, list, index);
        count++;
    }
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

/* Gives back at least so many frames, or all: list after list, the coldest of each, beginning with this one.
 */
static void lx_cache_give(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                          uint32_t slot, uint32_t frames)
{
    uint32_t left = lx_cache_count(cache);
    uint32_t keep = frames < left ? left - frames : 0;
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
    pl_point(cpu, self);
    pl_lock_drop(&zone->lock, cpu);
    if (PL_MUTANT("linux-trim-uncounted"))
        PL_MUTANT_TRIGGERED("linux-trim-uncounted", lx_cache_count(cache) != left);
    else
        lx_cache_set_count(cache, left);
}

void lx_cache_trim(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone, struct lx_cache *cache,
                   uint32_t slot, bool all)
{
    uint32_t frames = zone->batch;
    uint32_t most = zone->high > zone->batch ? zone->high - zone->batch : 0;
    PL_ASSERT(lx_cache_count(cache) > 0);
    if (all) {
        frames = lx_cache_count(cache);
    } else if (zone->high < zone->batch) {
        frames = 1;
    } else {
        frames <<= cache->streak;
        if (frames < most)
            cache->streak++;
        frames = frames < most ? frames : most;
        frames = frames > zone->batch ? frames : zone->batch;
    }
    PL_ASSERT(frames > 0);
    lx_cache_give(self, cpu, zone, cache, slot, frames);
}
