/* One zone's free lists: by group and order, merged at once, cut from the smallest block that serves. A group
 * that has nothing takes the largest block of another. The zone's lock is held throughout. */
#include "linux_internal.h"

/* Of what is listed, the reserve is counted at once. */
PL_INLINE void lx_count_reserve(struct lx_zone *zone, uint32_t group, uint64_t frames)
{
    if (PL_LIKELY(group != LX_HIGHATOMIC))
        return;
    uint64_t kept = atomic_load_explicit(&zone->reserve_free, memory_order_relaxed) + frames;
    PL_ASSERT(kept <= zone->frames);
    atomic_store_explicit(&zone->reserve_free, kept, memory_order_relaxed);
}

/* Onto a list, without counting. */
PL_INLINE void lx_link(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order, uint32_t group,
                       bool at_tail)
{
    struct lx_list *list = &zone->lists[group][order];
    PL_ASSERT((index & ((UINT64_C(1) << order) - 1)) == 0);
    PL_ASSERT(order <= LX_BLOCK_ORDER || group != LX_HIGHATOMIC);
    lx_state_set(self, index, LX_FREE_IN(group) | order);
    if (at_tail)
        lx_list_append(self, list, (uint32_t)index);
    else
        lx_list_push(self, list, (uint32_t)index);
    zone->nonempty[group] |= 1u << order;
}

/* Off its list, without counting; leaves it INSIDE. */
PL_INLINE void lx_unlink(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order,
                         uint32_t group)
{
    struct lx_list *list = &zone->lists[group][order];
    PL_ASSERT(lx_state(self, index) == (LX_FREE_IN(group) | order));
    PL_ASSERT((zone->nonempty[group] >> order & 1u) != 0);
    lx_state_set(self, index, LX_INSIDE);
    lx_list_remove(self, list, (uint32_t)index);
    if (list->head == LX_NONE)
        zone->nonempty[group] &= ~(1u << order);
}

void lx_add(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order, uint32_t group,
            bool at_tail)
{
    PL_ASSERT(lx_state(self, index) == LX_INSIDE);
    PL_ASSERT(group < LX_GROUP_COUNT);
    lx_count_free(zone, UINT64_C(1) << order);
    lx_count_reserve(zone, group, UINT64_C(1) << order);
    lx_link(self, zone, index, order, group, at_tail);
}

void lx_remove(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order)
{
    uint32_t group = LX_GROUP_OF(lx_state(self, index));
    PL_ASSERT(LX_IS_FREE(lx_state(self, index)));
    PL_ASSERT(lx_free_count(zone) >= UINT64_C(1) << order);
    lx_unlink(self, zone, index, order, group);
    lx_count_free(zone, -(UINT64_C(1) << order));
    lx_count_reserve(zone, group, -(UINT64_C(1) << order));
}

/* Will the block soon be merged? Its buddy is taken, but the block of both would find its own buddy free. */
PL_INLINE bool lx_will_merge(const struct lx *self, uint64_t index, uint32_t order)
{
    if (order >= LX_MAX_ORDER - 1)
        return false;
    uint64_t pair = index & ~(UINT64_C(1) << order);
    uint32_t state = lx_state(self, pair ^ (UINT64_C(2) << order));
    PL_ASSERT(pair % (UINT64_C(2) << order) == 0);
    return LX_IS_FREE(state) && LX_ORDER(state) == order + 1;
}

/* Within a pageblock any two buddies merge, for all of it is HIGHATOMIC or nothing. Two pageblocks do only if
 * neither is. A buddy in a hole or beyond the end is INSIDE for ever; one of another node would touch this
 * one's range. What will be merged soon goes to the tail, to be granted late. */
void lx_release(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order)
{
    uint32_t group = LX_BLOCK_GROUP(lx_pageblock(self, index));
    PL_ASSERT(order <= LX_MAX_ORDER);
    PL_ASSERT(order < LX_MAX_ORDER || group != LX_HIGHATOMIC);
    lx_count_reserve(zone, group, UINT64_C(1) << order);
    lx_state_set(self, index, LX_INSIDE);
    while (order < LX_MAX_ORDER) {
        uint64_t other = index ^ (UINT64_C(1) << order);
        uint32_t state = lx_state(self, other);
        if (!LX_IS_FREE(state) || LX_ORDER(state) != order)
            break;
        uint32_t other_group = LX_GROUP_OF(state);
        bool is_kept = group == LX_HIGHATOMIC || other_group == LX_HIGHATOMIC;
        if (PL_UNLIKELY(is_kept) && order >= LX_BLOCK_ORDER)
            break;
        PL_ASSERT(!is_kept || group == other_group);
        lx_unlink(self, zone, other, order, other_group);
        index &= other;
        order++;
    }
    lx_link(self, zone, index, order, group, lx_will_merge(self, index, order));
}

/* Out of one group's lists: the smallest block that serves, cut down. */
static uint32_t lx_take_smallest(struct lx *self, struct lx_zone *zone, uint32_t order, uint32_t group)
{
    uint32_t orders = zone->nonempty[group] >> order;
    if (orders == 0)
        return LX_NONE;
    uint32_t from = order + PL_CTZ64((uint64_t)orders);
    uint32_t index = zone->lists[group][from].head;
    PL_ASSERT(index != LX_NONE);
    lx_unlink(self, zone, index, from, group);
    while (from > order) {
        from--;
        if (from == order && PL_MUTANT("linux-rest-dropped"))
            PL_MUTANT_TRIGGERED("linux-rest-dropped", true);
        else
            lx_link(self, zone, index + (UINT64_C(1) << from), from, group, false);
    }
    lx_count_reserve(zone, group, -(UINT64_C(1) << order));
    PL_ASSERT(lx_state(self, index) == LX_INSIDE);
    return index;
}

/* --- other groups' blocks --- */

static const uint8_t lx_others[LX_HIGHATOMIC][2] = {
    [LX_UNMOVABLE] = {LX_RECLAIMABLE, LX_MOVABLE},
    [LX_MOVABLE] = {LX_RECLAIMABLE, LX_UNMOVABLE},
    [LX_RECLAIMABLE] = {LX_UNMOVABLE, LX_MOVABLE},
};

/* Of the two other groups' lists of this order: the first that has a block. */
static uint32_t lx_other_head(const struct lx_zone *zone, uint32_t group, uint32_t order)
{
    const uint8_t *others = lx_others[group];
    uint32_t first = zone->nonempty[others[0]] >> order & 1u ? others[0] : others[1];
    PL_ASSERT((zone->nonempty[first] >> order & 1u) != 0);
    return zone->lists[first][order].head;
}

/* Makes a block of another group this one's: the largest, for most of its pageblock is then likely to be
 * free, and the more of it changes hands the seldomer that happens. A movable one that could not have the
 * pageblock takes the smallest: what it leaves behind can be moved away again. */
static bool lx_take_over(struct lx *self, struct lx_zone *zone, uint32_t order, uint32_t group, uint32_t how)
{
    const uint8_t *others = lx_others[group];
    uint32_t least = (how & LX_TRY_WHOLE) != 0 && order < LX_BLOCK_ORDER ? LX_BLOCK_ORDER : order;
    uint32_t orders = (zone->nonempty[others[0]] | zone->nonempty[others[1]]) >> least << least;
    PL_ASSERT(zone->nonempty[group] >> order == 0);
    if (orders == 0)
        return false;
    uint32_t largest = 63u - PL_CLZ64((uint64_t)orders);
    bool whole = largest >= LX_BLOCK_ORDER / 2 || group != LX_MOVABLE;
    uint32_t from = whole ? largest : PL_CTZ64((uint64_t)orders);
    lx_steal(self, zone, lx_other_head(zone, group, from), from, group, whole);
    PL_ASSERT(zone->nonempty[group] >> order != 0);
    return true;
}

/* The last resort: one pageblock of the reserve goes to this group, if that serves. */
static bool lx_take_reserve(struct lx *self, struct lx_zone *zone, uint32_t order, uint32_t group)
{
    uint32_t orders = zone->nonempty[LX_HIGHATOMIC] >> order;
    if (orders == 0)
        return false;
    uint32_t from = order + PL_CTZ64((uint64_t)orders);
    lx_unreserve(self, zone, zone->lists[LX_HIGHATOMIC][from].head, group);
    PL_ASSERT(zone->nonempty[group] >> order != 0);
    return true;
}

uint32_t lx_take(struct lx *self, struct lx_zone *zone, uint32_t order, uint32_t group, uint32_t how)
{
    uint32_t index = LX_NONE;
    PL_ASSERT(order <= LX_MAX_ORDER);
    PL_ASSERT(group < LX_HIGHATOMIC);
    if ((how & LX_TRY_ATOMIC) != 0 && order > 0)
        index = lx_take_smallest(self, zone, order, LX_HIGHATOMIC);
    if (index == LX_NONE)
        index = lx_take_smallest(self, zone, order, group);
    if (PL_UNLIKELY(index == LX_NONE) && lx_take_over(self, zone, order, group, how))
        index = lx_take_smallest(self, zone, order, group);
    if (PL_UNLIKELY(index == LX_NONE) && (how & LX_TRY_ATOMIC) != 0)
        index = lx_take_smallest(self, zone, order, LX_HIGHATOMIC);
    if (PL_UNLIKELY(index == LX_NONE) && (how & LX_TRY_LAST) != 0 &&
        lx_take_reserve(self, zone, order, group))
        index = lx_take_smallest(self, zone, order, group);
    return index;
}
