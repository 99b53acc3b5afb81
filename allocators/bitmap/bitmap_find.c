/* The bitmap allocator's searches: down the summary trees for blocks, and range by range for nodes. Nothing
 * here changes anything. */
#include "bitmap_internal.h"

uint64_t bitmap_tree_next(const struct bitmap_tree *tree, const struct bitmap_shape *shape, uint64_t from)
{
    PL_ASSERT(shape->level_count > 0);
    PL_ASSERT(shape->level_count <= BITMAP_LEVEL_LIMIT);
    uint32_t level = 0;
    uint64_t at = from;
    uint64_t bits = 0;
    for (;; level++, at = at / 64 + 1) {
        if (level == shape->level_count || at / 64 >= shape->words[level])
            return BITMAP_NONE;
        bits = tree->level[level][at / 64] & (UINT64_MAX << (at % 64));
        if (bits != 0)
            break;
    }
    at = at / 64 * 64 + PL_CTZ64(bits);
    while (level > 0) {
        level--;
        PL_ASSERT(tree->level[level][at] != 0);
        at = at * 64 + PL_CTZ64(tree->level[level][at]);
    }
    return at;
}

/* The bitmap in which a block of this order is 2^suborder bits: a word of frames, or a group of words. */
PL_INLINE uint64_t bitmap_unit(const struct bitmap *self, uint32_t order, uint64_t unit)
{
    if (order <= BITMAP_WORD_ORDER)
        return self->word[unit].free;
    return self->tree[BITMAP_WORD_ORDER].level[0][unit];
}

uint64_t bitmap_find_block(const struct bitmap *self, uint32_t order, uint64_t low, uint64_t high)
{
    uint32_t tier = order <= BITMAP_WORD_ORDER ? 0 : BITMAP_WORD_ORDER; /* log2 of frames a bit */
    const struct bitmap_tree *tree = &self->tree[order];
    const struct bitmap_shape *shape = bitmap_tree_shape(self, order);
    PL_ASSERT(order <= BITMAP_MAX_ORDER);
    PL_ASSERT(high <= self->word_count * 64);
    low = (low + (UINT64_C(1) << order) - 1) & ~((UINT64_C(1) << order) - 1);
    /* The unit that holds `low` may have free blocks only below it; any later unit in the tree will do. */
    for (uint64_t unit = low >> (tier + 6); low < high; low = unit << (tier + 6)) {
        unit = bitmap_tree_next(tree, shape, unit);
        if (unit == BITMAP_NONE || unit << (tier + 6) >= high)
            return BITMAP_NONE;
        uint64_t starts = bitmap_starts(bitmap_unit(self, order, unit), order - tier);
        if (unit == low >> (tier + 6))
            starts &= UINT64_MAX << ((low >> tier) & 63);
        if (starts != 0) {
            uint64_t found = ((unit << 6) + PL_CTZ64(starts)) << tier;
            return found < high ? found : BITMAP_NONE;
        }
        unit++;
    }
    return BITMAP_NONE;
}

uint64_t bitmap_search(const struct bitmap *self, const struct pl_request *request,
                       const struct pl_constraints *want, bool by_order)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(machine->range_count > 0);
    PL_ASSERT(want->frame_count > 0);
    for (int wanted = 1; wanted >= 0; wanted--) {
        if (!wanted && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
            break;
        for (uint32_t i = 0; i < machine->range_count; i++) {
            const struct pl_range *range = &machine->ranges[i];
            if (pl_range_is_wanted(range, request) != (wanted == 1))
                continue;
            uint64_t low = range->first.number;
            uint64_t high = low + range->frame_count;
            low = low > want->low.number ? low : want->low.number;
            high = high < want->high.number ? high : want->high.number;
            if (low >= high)
                continue;
            low -= self->base;
            high -= self->base;
            uint64_t found = by_order ? bitmap_find_block(self, request->order, low, high)
                                      : bitmap_find_run(self, want, low, high);
            if (found != BITMAP_NONE)
                return found;
        }
    }
    return BITMAP_NONE;
}
