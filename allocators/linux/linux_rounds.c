/* The long way of a request: round after round over the zones, each with less regard for what should be left
 * behind. */
#include "linux_cache.h"

/* One round over the zones. */
struct lx_attempt {
    uint32_t group;
    uint32_t order;
    uint32_t how;
    uint32_t mark; /* LX_MARK_COUNT: none */
    const struct pl_request *request;
};

/* Is enough left behind? Who meets fewer than HIGH says so, for the caches should shrink. INTERRUPT and
 * SYSTEM may go below half of MIN, INTERRUPT by a quarter of that again; only INTERRUPT counts the reserve as
 * free.
 */
static bool lx_mark_lets(struct lx_zone *zone, const struct lx_attempt *attempt)
{
    uint64_t needs = (UINT64_C(1) << attempt->order) - 1 + zone->protection;
    uint64_t free = lx_free_count(zone);
    PL_ASSERT(attempt->mark <= LX_MARK_COUNT);
    if ((attempt->how & LX_TRY_ATOMIC) == 0)
        needs += (uint64_t)lx_reserve_blocks(zone) * LX_BLOCK;
    if (free > needs + zone->mark[LX_MARK_HIGH])
        return true;
    if (lx_is_below_high(zone) == 0)
        lx_set_below_high(zone, 1);
    if (attempt->mark == LX_MARK_COUNT)
        return true;
    uint64_t mark = zone->mark[attempt->mark];
    if (attempt->mark == LX_MARK_MIN && attempt->request->alloc_class != PL_CLASS_NORMAL)
        mark -= mark / 2;
    if (attempt->mark == LX_MARK_MIN && attempt->request->alloc_class == PL_CLASS_INTERRUPT)
        mark -= mark / 4;
    return free > needs + mark;
}

/* The CPU is masked. LX_NONE: this zone has nothing for this attempt. */
static uint32_t lx_try_zone(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone,
                            const struct lx_attempt *attempt)
{
    uint32_t order = attempt->order;
    PL_ASSERT(order <= LX_MAX_ORDER);
    if (!lx_mark_lets(zone, attempt))
        return LX_NONE;
    if (lx_is_cached_order(order)) {
        struct lx_cache *cache = lx_cache_of(self, cpu, zone);
        struct lx_list *list = &cache->lists[lx_slot(order, attempt->group)];
        if (list->head != LX_NONE ||
            lx_cache_refill(self, cpu, zone, cache, order, attempt->group, attempt->how))
            return lx_cache_pop(self, cache, list, order);
    }
    pl_lock_take(&zone->lock, cpu);
    uint32_t index = lx_take(self, zone, order, attempt->group, attempt->how);
    if (index != LX_NONE) {
        lx_state_set(self, index, LX_GRANT | order);
        lx_count_free(zone, -(UINT64_C(1) << order));
    }
    pl_point(cpu, self);
    pl_lock_drop(&zone->lock, cpu);
    return index;
}

/* The zones of `node`, or of all from there on. The zone is written if one has it. */
static uint32_t lx_try_nodes(struct lx *self, struct pl_cpu *cpu, uint32_t node, bool only,
                             const struct lx_attempt *attempt, struct lx_zone **zone)
{
    uint32_t count = self->machine->node_count;
    PL_ASSERT(node < count);
    for (uint32_t i = 0; i < (only ? 1 : count); i++) {
        uint32_t at = node + i < count ? node + i : node + i - count;
        for (uint32_t z = self->node_first[at]; z < self->node_first[at + 1]; z++) {
            uint32_t index = lx_try_zone(self, cpu, &self->zones[z], attempt);
            if (index != LX_NONE) {
                *zone = &self->zones[z];
                return index;
            }
        }
    }
    return LX_NONE;
}

/* Five rounds, each with less regard: whole pageblocks of other groups only, where a lower zone could serve
 * instead; the mark LOW; the mark MIN as far as the class must keep it; no mark; and the reserve given up.
 * Floors are kept by admission, outside: here a request fails only when no zone has a block. */
uint32_t lx_try_all(struct lx *self, struct pl_cpu *cpu, const struct pl_request *request, uint32_t node,
                    bool only)
{
    static const struct {
        uint32_t mark;
        uint32_t how;
    } rounds[] = {{LX_MARK_LOW, LX_TRY_WHOLE},
                  {LX_MARK_LOW, 0},
                  {LX_MARK_MIN, 0},
                  {LX_MARK_COUNT, 0},
                  {LX_MARK_COUNT, LX_TRY_LAST}};
    uint32_t first = self->node_first[node];
    bool has_lower = self->node_first[node + 1] - first > 1 && self->zones[first].kind == LX_ZONE_NORMAL &&
                     self->zones[first + 1].kind == LX_ZONE_DMA32;
    struct lx_attempt attempt = {.order = request->order, .request = request};
    attempt.group = request->mobility < PL_MOBILITY_COUNT ? request->mobility : LX_UNMOVABLE;
    for (uint32_t i = has_lower ? 0 : 1; i < PL_COUNT_OF(rounds); i++) {
        struct lx_zone *zone = NULL;
        bool is_atomic = request->alloc_class == PL_CLASS_INTERRUPT && i >= 2;
        attempt.mark = rounds[i].mark;
        attempt.how = rounds[i].how | (is_atomic ? LX_TRY_ATOMIC : 0);
        uint32_t index = lx_try_nodes(self, cpu, node, only, &attempt, &zone);
        if (index == LX_NONE)
            continue;
        if (is_atomic && request->order > 0 && request->order < LX_BLOCK_ORDER &&
            lx_reserve_blocks(zone) < zone->reserve_most) {
            pl_lock_take(&zone->lock, cpu);
            lx_reserve(self, zone, index);
            pl_lock_drop(&zone->lock, cpu);
        }
        return index;
    }
    return LX_NONE;
}
