/* Pageblocks of one zone: taken over by another group, kept for atomic requests, let go again. The zone's
 * lock is held throughout. Blocks that are not free may change under the walk, but none of them becomes free,
 * and a byte that is INSIDE is only passed by. */
#include "linux_internal.h"

/* One pageblock's frames. */
struct lx_tally {
    uint64_t free;    /* moved to the group's lists */
    uint64_t movable; /* granted as such */
};

/* Moves all that is free in a pageblock to this group's lists. A pageblock that nodes share has blocks of
 * another zone in it, which stay. */
static struct lx_tally lx_move_block(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t group)
{
    struct lx_tally tally = {0, 0};
    uint64_t at = index & ~(uint64_t)(LX_BLOCK - 1);
    uint64_t end = at + LX_BLOCK;
    bool is_shared = (lx_pageblock(self, index) & LX_BLOCK_SHARED) != 0;
    PL_ASSERT(end <= self->index_count);
    while (at < end) {
        uint32_t state = lx_state(self, at);
        uint32_t order = LX_ORDER(state);
        uint64_t frames = UINT64_C(1) << order;
        if (LX_IS_FREE(state) && (!is_shared || lx_zone_of(self, at) == zone)) {
            PL_ASSERT(order <= LX_BLOCK_ORDER);
            lx_remove(self, zone, at, order);
            lx_add(self, zone, at, order, group, true);
            tally.free += frames;
        } else if (LX_KIND(state) == LX_GRANT_MOVABLE) {
            tally.movable += frames;
        }
        at += state == LX_INSIDE ? 1 : frames;
    }
    return tally;
}

/* Every pageblock of a free block that is at least one. */
static void lx_retype(struct lx *self, uint64_t index, uint32_t order, uint32_t group)
{
    PL_ASSERT(order >= LX_BLOCK_ORDER);
    PL_ASSERT(group < LX_HIGHATOMIC);
    for (uint64_t at = index; at < index + (UINT64_C(1) << order); at += LX_BLOCK)
        lx_pageblock_set_group(self, at, group);
}

/* A group claims the whole pageblock if at least half of it is free, or granted to its like: of what is not
 * free, movable frames can be told from the others, and a pageblock that was not movable may hold either of
 * the other two. */
void lx_steal(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order, uint32_t group,
              bool whole)
{
    uint32_t byte = lx_pageblock(self, index);
    PL_ASSERT(LX_BLOCK_GROUP(byte) != LX_HIGHATOMIC);
    PL_ASSERT(group < LX_HIGHATOMIC);
    if (order >= LX_BLOCK_ORDER || !whole) {
        if (order >= LX_BLOCK_ORDER)
            lx_retype(self, index, order, group);
        lx_remove(self, zone, index, order);
        lx_add(self, zone, index, order, group, true);
        return;
    }
    struct lx_tally tally = lx_move_block(self, zone, index, group);
    uint64_t alike = 0;
    PL_ASSERT(tally.free >= UINT64_C(1) << order);
    PL_ASSERT(tally.free <= LX_BLOCK);
    if (group == LX_MOVABLE)
        alike = tally.movable;
    else if (LX_BLOCK_GROUP(byte) == LX_MOVABLE && tally.free + tally.movable < LX_BLOCK)
        alike = LX_BLOCK - tally.free - tally.movable;
    if (tally.free + alike >= LX_BLOCK / 2 && (byte & LX_BLOCK_SHARED) == 0)
        lx_pageblock_set_group(self, index, group);
}

/* --- the reserve --- */

void lx_reserve(struct lx *self, struct lx_zone *zone, uint64_t index)
{
    uint32_t byte = lx_pageblock(self, index);
    uint32_t kept = lx_reserve_blocks(zone);
    if (kept >= zone->reserve_most || (byte & LX_BLOCK_SHARED) != 0 || LX_BLOCK_GROUP(byte) == LX_HIGHATOMIC)
        return;
    PL_ASSERT(!LX_IS_FREE(lx_state(self, index)));
    atomic_store_explicit(&zone->reserve_blocks, kept + 1, memory_order_relaxed);
    lx_pageblock_set_group(self, index, LX_HIGHATOMIC);
    (void)lx_move_block(self, zone, index, LX_HIGHATOMIC);
}

/* What is free is one list's now; if that is all of the pageblock, it may merge with the one beside it. */
void lx_unreserve(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t group)
{
    uint64_t first = index & ~(uint64_t)(LX_BLOCK - 1);
    uint32_t kept = lx_reserve_blocks(zone);
    PL_ASSERT(kept > 0);
    PL_ASSERT(LX_BLOCK_GROUP(lx_pageblock(self, index)) == LX_HIGHATOMIC);
    atomic_store_explicit(&zone->reserve_blocks, kept - 1, memory_order_relaxed);
    lx_pageblock_set_group(self, index, group);
    if (lx_move_block(self, zone, index, group).free == LX_BLOCK) {
        lx_remove(self, zone, first, LX_BLOCK_ORDER);
        lx_release(self, zone, first, LX_BLOCK_ORDER);
        lx_count_free(zone, LX_BLOCK);
    }
}

void lx_unreserve_all(struct lx *self, struct lx_zone *zone)
{
    while (zone->nonempty[LX_HIGHATOMIC] != 0) {
        uint32_t order = PL_CTZ64((uint64_t)zone->nonempty[LX_HIGHATOMIC]);
        PL_ASSERT(order <= LX_BLOCK_ORDER);
        lx_unreserve(self, zone, zone->lists[LX_HIGHATOMIC][order].head, LX_MOVABLE);
    }
    PL_ASSERT(atomic_load_explicit(&zone->reserve_free, memory_order_relaxed) == 0);
}
