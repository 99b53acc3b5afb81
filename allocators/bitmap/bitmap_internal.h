/* The bitmap allocator's structures: words of 64 frames, and one summary tree for each order.
 *
 * Frames are counted from `base`, the machine's first frame rounded down to a whole largest block, so that
 * alignment of a bit is alignment of its frame. A word's `fit` is the number of orders that fit into it: an
 * aligned free block of order k exists inside iff fit > k, so 7 is a free word and 0 a full one. One word may
 * be `late`: frames were freed in it and its fit was not raised yet. Order 0 never notices, because a fit
 * that is not 0 is enough for it; every larger order settles the late word first. So a caller that frees and
 * allocates in turn leaves the trees alone.
 *
 *   tree[0..6]   leaf bit w: word w has an aligned free block of that order
 *   tree[7..10]  leaf bit j: group j (64 words) has one. A leaf word of tree[6] is the bitmap of a group's
 *                wholly free words, so the question inside it is the one inside a word, 6 orders up.
 *
 *   tree[0]  level 1            [ 1 . . 1 ]                a set bit: the word below is not 0
 *            level 0   [ . 1 1 . ]   ...   [ 1 . . . ]     a set bit: the word below has a free frame
 *   words          [ 0110.. ] [ 1.. ] ...                  a set bit: a free frame */
#ifndef BITMAP_INTERNAL_H
#define BITMAP_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define BITMAP_MAX_ORDER   10u /* Linux 6.x: orders 0 .. 10 */
#define BITMAP_WORD_ORDER  6u  /* a word is 2^6 frames */
#define BITMAP_TREE_COUNT  (BITMAP_MAX_ORDER + 1u)
#define BITMAP_LEVEL_LIMIT 6u
#define BITMAP_WORD_FIT    (BITMAP_WORD_ORDER + 1u)                    /* fit of a free word */
#define BITMAP_GROUP_FIT   (BITMAP_MAX_ORDER - BITMAP_WORD_ORDER + 1u) /* of a group: orders 6 .. 10 */
#define BITMAP_NONE        UINT64_MAX

/* The tree above the words answers orders up to 6, the one above groups of words up to 12. */
_Static_assert(BITMAP_MAX_ORDER <= 2 * BITMAP_WORD_ORDER, "two tiers of words");
/* Frames that six levels can name: 64^6 words of 64. */
#define BITMAP_SPAN_MAX (UINT64_C(1) << 42)

/* free: the frame can be granted. head: a grant begins here. A frame with neither is inside a grant. Holes
 * have head set, so that the frames inside the grant before one end there; no grant begins in a hole because
 * free asks the ranges first. Never both. */
struct bitmap_word {
    uint64_t free;
    uint64_t head;
};

struct bitmap_tree {
    uint64_t *level[BITMAP_LEVEL_LIMIT];
};

struct bitmap_shape {
    uint64_t words[BITMAP_LEVEL_LIMIT]; /* words in each level; the last level has one */
    uint32_t level_count;
    uint32_t reserved32;
};

struct bitmap {
    struct pl_lock lock;
    _Atomic uint64_t free_count; /* written with the lock held, read at any time */
    const struct pl_machine *machine;
    uint64_t base;            /* frame of bit 0 */
    uint64_t late;            /* a word: its fit and the trees may say less of it than is true, see below */
    uint64_t word_count;      /* at least one bit beyond the last frame, marked as a hole */
    struct bitmap_word *word; /* [word_count] */
    uint8_t *fit;             /* [word_count] */
    uint8_t *group_fit;       /* [word_shape.words[0]], of wholly free words; at most BITMAP_GROUP_FIT */
    struct bitmap_tree tree[BITMAP_TREE_COUNT];
    struct bitmap_shape word_shape;  /* of trees 0 .. 6 */
    struct bitmap_shape group_shape; /* of trees 7 .. 10 */
};

/* Everything below is called with the lock held, or by audit. Indexes are of frames, from base. */

PL_INLINE const struct bitmap_shape *bitmap_tree_shape(const struct bitmap *self, uint32_t order)
{
    return order <= BITMAP_WORD_ORDER ? &self->word_shape : &self->group_shape;
}

/* Bits where an aligned run of 2^order set bits begins. */
PL_INLINE uint64_t bitmap_starts(uint64_t bits, uint32_t order)
{
    static const uint64_t aligned[BITMAP_WORD_ORDER + 1] = {
        UINT64_MAX,
        UINT64_C(0x5555555555555555),
        UINT64_C(0x1111111111111111),
        UINT64_C(0x0101010101010101),
        UINT64_C(0x0001000100010001),
        UINT64_C(0x0000000100000001),
        UINT64_C(1),
    };
    PL_ASSERT(order <= BITMAP_WORD_ORDER);
    /* A bit that survives has 2^order - 1 set ones above it; the steps commute. */
    switch (order) {
    case 6:
        bits &= bits >> 32; /* fall through */
    case 5:
        bits &= bits >> 16; /* fall through */
    case 4:
        bits &= bits >> 8; /* fall through */
    case 3:
        bits &= bits >> 4; /* fall through */
    case 2:
        bits &= bits >> 2; /* fall through */
    case 1:
        bits &= bits >> 1; /* fall through */
    default:
        return bits & aligned[order];
    }
}

/* First index at or above `from` whose leaf bit is set, or BITMAP_NONE. */
uint64_t bitmap_tree_next(const struct bitmap_tree *tree, const struct bitmap_shape *shape, uint64_t from);

/* Lowest aligned free block of 2^order in [low, high), or BITMAP_NONE. Blocks do not cross `high` if it is
 * the end of a range. */
uint64_t bitmap_find_block(const struct bitmap *self, uint32_t order, uint64_t low, uint64_t high);

/* Lowest legal run in [low, high), which lies inside a range, or BITMAP_NONE. */
uint64_t bitmap_find_run(const struct bitmap *self, const struct pl_constraints *want, uint64_t low,
                         uint64_t high);

/* Looks in each range of the wanted node, then in the others unless the request forbids it: for the request's
 * block if by_order, else for the wanted run. Index or BITMAP_NONE. */
uint64_t bitmap_search(const struct bitmap *self, const struct pl_request *request,
                       const struct pl_constraints *want, bool by_order);

/* Lowest aligned free block of 2^order anywhere, or BITMAP_NONE. */
PL_INLINE uint64_t bitmap_find_lowest(const struct bitmap *self, uint32_t order)
{
    const struct bitmap_tree *tree = &self->tree[order];
    uint32_t level = bitmap_tree_shape(self, order)->level_count;
    uint64_t at = 0;
    PL_ASSERT(order <= BITMAP_MAX_ORDER);
    PL_ASSERT(level > 0);
    if (tree->level[level - 1][0] == 0)
        return BITMAP_NONE;
    while (level > 0) {
        level--;
        PL_ASSERT(tree->level[level][at] != 0);
        at = at * 64 + PL_CTZ64(tree->level[level][at]);
    }
    if (order <= BITMAP_WORD_ORDER)
        return at * 64 + PL_CTZ64(bitmap_starts(self->word[at].free, order));
    uint64_t free_words = self->tree[BITMAP_WORD_ORDER].level[0][at];
    return (at * 64 + PL_CTZ64(bitmap_starts(free_words, order - BITMAP_WORD_ORDER))) * 64;
}

/* Index of the first frame after `index` that is not inside the same grant. */
PL_INLINE uint64_t bitmap_grant_end(const struct bitmap *self, uint64_t index)
{
    PL_ASSERT(index + 1 < self->word_count * 64);
    uint64_t w = (index + 1) / 64;
    uint64_t ends = (self->word[w].free | self->word[w].head) & (UINT64_MAX << ((index + 1) % 64));
    while (ends == 0) {
        w++;
        PL_ASSERT(w < self->word_count); /* the last bit is a hole: the walk ends there */
        ends = self->word[w].free | self->word[w].head;
    }
    return w * 64 + PL_CTZ64(ends);
}

/* Frames [first, first + frame_count), all alike, become free or not. Heads are the caller's. */
void bitmap_set_frames(struct bitmap *self, uint64_t first, uint64_t frame_count, bool is_free);

/* Marks free frames as one grant. */
void bitmap_grant_run(struct bitmap *self, uint64_t index, uint64_t frame_count);

enum pl_status bitmap_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                const struct pl_constraints *constraints, struct pl_run *run);
size_t bitmap_meta_bytes(const struct pl_page_config *config);
enum pl_status bitmap_init(void *instance, const struct pl_page_config *config);

uint64_t bitmap_audit(const void *instance, struct pl_visitor *visitor);

#endif
