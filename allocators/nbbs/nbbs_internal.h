/* nbbs: what its files share. A forest of binary trees over the frames, four levels of a tree to a word, and
 * every change of a word is one compare-and-swap.
 *
 *     tier 2   leaf = order 8    word = 2048 frames    orders 8 to 11
 *     tier 1   leaf = order 4    word =  128 frames    orders 4 to 7
 *     tier 0   leaf = order 0    word =    8 frames    orders 0 to 3
 *
 *     word   63 ............ 24  23 .. 16  15 ... 8  7 .... 0
 *            changes             right     left      granted       a bit for each of the 8 leaves
 *
 * granted: the leaf is (part of) a block that is granted, or being tried. left, right: something is granted
 * in the word below that half of the leaf. A node inside a word is what its leaves are: free if all their
 * bits are 0. changes: counts the marks that were set here.
 *
 * Invariants. A: a grant has the bits of its leaves, and the mark of every word above it. B: a mark over a
 * word that is 0 is being cleared by an unfinished call; none is left when no call is unfinished. A keeps
 * grants apart: marks and granted bits of one leaf are judged by the same compare-and-swap. Why they hold is
 * said in nbbs_tree.c. */
#ifndef NBBS_INTERNAL_H
#define NBBS_INTERNAL_H

#include <stdatomic.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define NBBS_TIERS      3u
#define NBBS_TIER_ORDER 4u /* orders that a tier serves */
#define NBBS_MAX_ORDER  (NBBS_TIERS * NBBS_TIER_ORDER - 1)
#define NBBS_LEAVES     8u
#define NBBS_ALL_LEAVES 0xffu
#define NBBS_LEFT       8u /* shift of the marks for the left halves */
#define NBBS_STATUS     UINT64_C(0xffffff)
#define NBBS_CHANGE     (UINT64_C(1) << 24)
#define NBBS_NONE       UINT64_MAX
#define NBBS_ROUNDS                                                                                          \
    64u /* that a search goes on while others free: bounded also where interrupts may not wait */
#define NBBS_SPAN_MAX   (UINT64_C(1) << 32) /* word numbers of tier 0 fit 32 bits with room */
#define NBBS_HINT_DEPTH 5u                  /* 64^5 words of tier 0 are more than NBBS_SPAN_MAX / 8 */

typedef _Atomic uint64_t nbbs_word;

/* What only CPU `id` writes, one instruction a change. taken and given only grow: free frames are
 * frame_count - taken + given, and who saw given and undone unchanged saw no frame become free. */
struct nbbs_cpu {
    PL_CPU_ALIGNED int64_t taken;            /* frames granted here */
    int64_t given;                           /* frames freed here */
    int64_t undone;                          /* blocks that were tried and found inside a grant */
    uint64_t start;                          /* offset of the frame where scans begin */
    atomic_uint cursor[NBBS_MAX_ORDER + 1u]; /* start=last: the word where scans of an order begin */
};

/* Frames [low, high) by offset: where a block may begin. */
struct nbbs_part {
    uint64_t low;
    uint64_t high;
};

/* 64-ary trees of bits over the words of one tier, for one order in the word: what is 0 has no free node of
 * that order. Bits that are 1 may be late. level[0] has a bit a word. */
struct nbbs_hint {
    nbbs_word *level[NBBS_HINT_DEPTH];
};

struct nbbs {
    nbbs_word *tier[NBBS_TIERS];
    uint64_t words[NBBS_TIERS];
    _Atomic uint8_t *index; /* a byte a frame: 1 + the order of the grant that begins here, else 0 */
    struct nbbs_cpu *cpus;
    const struct pl_machine *machine;
    uint64_t base;          /* frame number of offset 0: a multiple of the largest block */
    struct nbbs_part whole; /* from base to the end of the last word, all of it in the index */
    bool has_hints;
    bool keeps_cursor;
    uint32_t hint_depth[NBBS_TIERS];
    uint64_t hint_words[NBBS_TIERS][NBBS_HINT_DEPTH];
    struct nbbs_hint hint[NBBS_TIERS][NBBS_TIER_ORDER];
};

/* ---- geometry: offsets are frames from base ---- */

PL_INLINE uint32_t nbbs_leaf_shift(uint32_t tier)
{
    return tier * NBBS_TIER_ORDER;
}

PL_INLINE uint32_t nbbs_word_shift(uint32_t tier)
{
    return tier * NBBS_TIER_ORDER + 3;
}

PL_INLINE uint32_t nbbs_tier_of(uint32_t order)
{
    PL_ASSERT(order <= NBBS_MAX_ORDER);
    return order / NBBS_TIER_ORDER;
}

/* The leaf of the word above that word w hangs below, and its mark there. The word above is w / 16. */
PL_INLINE uint32_t nbbs_parent_leaf(uint64_t w)
{
    return (uint32_t)(w >> 1) % NBBS_LEAVES;
}

PL_INLINE uint64_t nbbs_parent_mark(uint64_t w)
{
    return UINT64_C(1) << (NBBS_LEFT + (w % 2) * NBBS_LEAVES + nbbs_parent_leaf(w));
}

/* ---- a word's nodes ---- */

PL_INLINE uint32_t nbbs_free_leaves(uint64_t word)
{
    return (uint32_t)(~(word | word >> 8 | word >> 16) & NBBS_ALL_LEAVES);
}

/* The first leaves of the free nodes of 2^k leaves. */
PL_INLINE uint32_t nbbs_nodes(uint32_t free_leaves, uint32_t k)
{
    PL_ASSERT(k < NBBS_TIER_ORDER);
    switch (k) {
    case 0:
        return free_leaves;
    case 1:
        return free_leaves & free_leaves >> 1 & 0x55u;
    case 2:
        free_leaves &= free_leaves >> 1;
        return free_leaves & free_leaves >> 2 & 0x11u;
    default:
        return free_leaves == NBBS_ALL_LEAVES;
    }
}

/* By free leaves: 1 + the largest k of a free node, or 0. */
extern const uint8_t nbbs_fit[NBBS_ALL_LEAVES + 1u];

PL_INLINE uint32_t nbbs_leaf_mask(uint32_t k)
{
    PL_ASSERT(k < NBBS_TIER_ORDER);
    return (1u << (1u << k)) - 1u;
}

/* ---- counters ---- */

PL_INLINE void nbbs_add(struct pl_cpu *cpu, int64_t *counter, int64_t amount)
{
    PL_ASSERT(amount > 0);
    (void)pl_local_sub_is_negative(cpu, counter, -amount);
}

/* Another CPU may be adding just now. */
PL_INLINE int64_t nbbs_read(const int64_t *counter)
{
    return *(const volatile int64_t *)counter;
}

/* ---- nbbs_tree.c ---- */

/* Tries to grant the first free node of 2^order frames among `leaves` (a mask) of word w of the order's tier.
 * Returns the offset of its first frame, or NBBS_NONE; then *next is the word to go on with, behind the block
 * that was in the way. */
uint64_t nbbs_take(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t w, uint32_t leaves,
                   uint64_t *next);
/* Makes the leaves `mask` of word w, which the caller owns, free, and clears the marks above that are due. */
void nbbs_release(struct nbbs *self, struct pl_cpu *cpu, uint32_t tier, uint64_t w, uint32_t mask);
/* The lowest tier in which the leaf above word w is granted, or NBBS_TIERS: none is. */
PL_INLINE uint32_t nbbs_covered(const struct nbbs *self, uint32_t tier, uint64_t w)
{
    PL_ASSERT(tier < NBBS_TIERS);
    PL_ASSERT(w < self->words[tier]);
    if (tier == 0) {
        if (PL_UNLIKELY((atomic_load(&self->tier[1][w / 16]) >> nbbs_parent_leaf(w) & 1) != 0))
            return 1;
        w /= 16;
    }
    if (tier <= 1 && PL_UNLIKELY((atomic_load(&self->tier[2][w / 16]) >> nbbs_parent_leaf(w) & 1) != 0))
        return 2;
    return NBBS_TIERS;
}

/* ---- nbbs_find.c ---- */

/* Grants a block that begins in one of the words [from, to) of the order's tier, and in the part. */
uint64_t nbbs_scan(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t from, uint64_t to,
                   const struct nbbs_part *part);
/* Grants a block anywhere that the request allows: its node first, then, if it may, elsewhere. */
uint64_t nbbs_search(struct nbbs *self, struct pl_cpu *cpu, const struct pl_request *request);

/* ---- nbbs_hint.c: used only if has_hints ---- */

/* The leaves `mask` of word w are free as a whole, so is all that is below. */
void nbbs_hint_fill(struct nbbs *self, uint32_t tier, uint64_t w, uint32_t mask);
/* The first word at or after w that may have a free node of the order, or NBBS_NONE. */
uint64_t nbbs_hint_next(const struct nbbs *self, uint32_t order, uint64_t w);
/* Word w was hinted at and has no free node of the order, or lies below one that is granted. */
void nbbs_hint_missed(struct nbbs *self, uint32_t order, uint64_t w);
/* Sets the bits `mask` of one hint word, and what leads there. */
void nbbs_hint_set(struct nbbs *self, uint32_t tier, uint32_t k, uint64_t group, uint64_t mask);

/* Word w changed from `before` to `after`: what it can serve now and could not before is hinted at. A hint
 * that is set already costs a load; who set it sees to what leads there. */
PL_INLINE void nbbs_hint_gained(struct nbbs *self, uint32_t tier, uint64_t w, uint64_t before, uint64_t after)
{
    uint32_t k = nbbs_fit[nbbs_free_leaves(before)];
    uint32_t fit = nbbs_fit[nbbs_free_leaves(after)];
    PL_ASSERT(w < self->words[tier]);
    PL_ASSERT(k <= fit);
    for (; k < fit; k++)
        if (PL_UNLIKELY((atomic_load(&self->hint[tier][k].level[0][w / 64]) >> (w % 64) & 1) == 0))
            nbbs_hint_set(self, tier, k, w / 64, UINT64_C(1) << (w % 64));
}

/* ---- nbbs_init.c, nbbs_audit.c ---- */

size_t nbbs_meta_bytes(const struct pl_page_config *config);
size_t nbbs_meta_bytes_hint(const struct pl_page_config *config);
enum pl_status nbbs_init(void *instance, const struct pl_page_config *config);
enum pl_status nbbs_init_hint(void *instance, const struct pl_page_config *config);
uint64_t nbbs_audit(const void *instance, struct pl_visitor *visitor);
uint64_t nbbs_free_count(const struct nbbs *self);

#endif
