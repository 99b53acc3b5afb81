/* Hints: for each order a 64-ary tree of bits that leads to the words with a free node of that order.
 *
 *     level 2                 [ 1 ...... ]                       the word below is not 0
 *     level 1     [ 1 . 1 . ]     ...     [ . 1 . . ]
 *     level 0   [ . 11. ]  [ .... ]  [ 1... ]                    this word may have a free node
 *     tier    ... 8 leaves of the order's tier a bit ...
 *
 * A hint that is set may be late, one that is not set may not: no call unfinished, every word with a free
 * node that is not below a grant has its hints. Only who has looked in vain clears, so a caller who allocates
 * and frees in turn writes no hint at all.
 *
 * Both sides write before they read: who frees swaps the word, then reads the hint, and sets it if it must;
 * who clears takes the hint away, then reads the word, and sets the hint again if it must. With sequential
 * consistency one of the two sees the other. The same between any two levels. While both are unfinished, a
 * third may miss a node; that is why nbbs_search_again does not believe hints. */
#include "nbbs_internal.h"

#define NBBS_PAIRS(leaves) ((leaves) & (leaves) >> 1 & 0x55)
#define NBBS_FOURS(leaves) (NBBS_PAIRS(leaves) & NBBS_PAIRS(leaves) >> 2 & 0x11)
#define NBBS_FIT(leaves)                                                                                     \
    (((leaves) != 0) + (NBBS_PAIRS(leaves) != 0) + (NBBS_FOURS(leaves) != 0) + (NBBS_FOURS(leaves) == 0x11))
#define NBBS_FIT_4(leaves)                                                                                   \
    NBBS_FIT(leaves), NBBS_FIT((leaves) + 1), NBBS_FIT((leaves) + 2), NBBS_FIT((leaves) + 3)
#define NBBS_FIT_16(leaves)                                                                                  \
    NBBS_FIT_4(leaves), NBBS_FIT_4((leaves) + 4), NBBS_FIT_4((leaves) + 8), NBBS_FIT_4((leaves) + 12)
#define NBBS_FIT_64(leaves)                                                                                  \
    NBBS_FIT_16(leaves), NBBS_FIT_16((leaves) + 16), NBBS_FIT_16((leaves) + 32), NBBS_FIT_16((leaves) + 48)

const uint8_t nbbs_fit[NBBS_ALL_LEAVES + 1u] = {NBBS_FIT_64(0), NBBS_FIT_64(64), NBBS_FIT_64(128),
                                                NBBS_FIT_64(192)};

/* Sets the bit of word `at` of level `depth` in the level above, and so on upwards. */
static void nbbs_hint_raise(struct nbbs *self, uint32_t tier, uint32_t k, uint32_t depth, uint64_t at)
{
    PL_ASSERT(tier < NBBS_TIERS);
    PL_ASSERT(k < NBBS_TIER_ORDER);
    const struct nbbs_hint *hint = &self->hint[tier][k];
    while (++depth < self->hint_depth[tier]) {
        uint64_t bit = UINT64_C(1) << (at % 64);
        at /= 64;
        PL_ASSERT(at < self->hint_words[tier][depth]);
        if ((atomic_load(&hint->level[depth][at]) & bit) == 0)
            atomic_fetch_or(&hint->level[depth][at], bit);
    }
}

void nbbs_hint_set(struct nbbs *self, uint32_t tier, uint32_t k, uint64_t group, uint64_t mask)
{
    PL_ASSERT(mask != 0);
    PL_ASSERT(group < self->hint_words[tier][0]);
    nbbs_word *word = &self->hint[tier][k].level[0][group];
    if ((atomic_load(word) & mask) == mask)
        return;
    atomic_fetch_or(word, mask);
    nbbs_hint_raise(self, tier, k, 0, group);
}

static void nbbs_hint_clear(struct nbbs *self, uint32_t tier, uint32_t k, uint64_t group, uint64_t mask)
{
    const struct nbbs_hint *hint = &self->hint[tier][k];
    uint64_t at = group;
    uint64_t bits = mask;
    PL_ASSERT(mask != 0);
    PL_ASSERT(group < self->hint_words[tier][0]);
    for (uint32_t depth = 0; depth < self->hint_depth[tier]; depth++) {
        uint64_t left = atomic_fetch_and(&hint->level[depth][at], ~bits) & ~bits;
        if (depth > 0 && atomic_load(&hint->level[depth - 1][at * 64 + PL_CTZ64(bits)]) != 0) {
            nbbs_hint_raise(self, tier, k, depth - 1, at * 64 + PL_CTZ64(bits));
            return;
        }
        if (left != 0)
            return;
        bits = UINT64_C(1) << (at % 64);
        at /= 64;
    }
}

void nbbs_hint_fill(struct nbbs *self, uint32_t tier, uint64_t w, uint32_t mask)
{
    PL_ASSERT(mask != 0);
    PL_ASSERT(tier < NBBS_TIERS);
    uint32_t leaf = PL_CTZ64(mask);
    uint32_t leaf_count = PL_POPCOUNT64(mask);
    uint64_t first = (w << nbbs_word_shift(tier)) + ((uint64_t)leaf << nbbs_leaf_shift(tier));
    uint64_t frame_count = (uint64_t)leaf_count << nbbs_leaf_shift(tier);
    for (uint32_t below = 0; below < tier; below++) {
        uint64_t at = first >> nbbs_word_shift(below);
        uint64_t end = (first + frame_count) >> nbbs_word_shift(below);
        while (at < end) {
            uint64_t here = 64 - at % 64 < end - at ? 64 - at % 64 : end - at;
            uint64_t bits = (UINT64_MAX >> (64 - here)) << (at % 64);
            for (uint32_t k = 0; k < NBBS_TIER_ORDER; k++)
                nbbs_hint_set(self, below, k, at / 64, bits);
            at += here;
        }
    }
}

uint64_t nbbs_hint_next(const struct nbbs *self, uint32_t order, uint64_t w)
{
    uint32_t tier = nbbs_tier_of(order);
    uint32_t depth = 0;
    const struct nbbs_hint *hint = &self->hint[tier][order % NBBS_TIER_ORDER];
    PL_ASSERT(self->has_hints);
    PL_ASSERT(self->hint_depth[tier] <= NBBS_HINT_DEPTH);
    uint64_t at = w; /* the bit of level `depth` to look at, and all behind it */
    for (;;) {
        if (at / 64 >= self->hint_words[tier][depth]) {
            return NBBS_NONE;
        }
        uint64_t bits = atomic_load(&hint->level[depth][at / 64]) >> (at % 64);
        if (bits == 0) {
            /* Nothing more in this word: on with the words behind it, one level up. */
            if (++depth == self->hint_depth[tier])
                return NBBS_NONE;
            at = at / 64 + 1;
            continue;
        }
        at += PL_CTZ64(bits);
        if (depth == 0)
            return at;
        depth--;
        at *= 64;
    }
}

void nbbs_hint_missed(struct nbbs *self, uint32_t order, uint64_t w)
{
    uint32_t tier = nbbs_tier_of(order);
    uint32_t k = order % NBBS_TIER_ORDER;
    uint32_t above = nbbs_covered(self, tier, w);
    uint64_t mask = UINT64_C(1) << (w % 64);
    PL_ASSERT(w < self->words[tier]);
    if (above == NBBS_TIERS) {
        nbbs_hint_clear(self, tier, k, w / 64, mask);
    } else {
        /* All words below the granted leaf: 2 or 32 of them, aligned, so in one group. */
        uint64_t count = UINT64_C(1) << (nbbs_leaf_shift(above) - nbbs_word_shift(tier));
        PL_ASSERT(count <= 32);
        mask = (UINT64_MAX >> (64 - count)) << (w % 64 & ~(count - 1));
        nbbs_hint_clear(self, tier, k, w / 64, mask);
        if (nbbs_covered(self, tier, w) == above)
            return;
        nbbs_hint_set(self, tier, k, w / 64, mask);
        return;
    }
    if (nbbs_nodes(nbbs_free_leaves(atomic_load(&self->tier[tier][w])), k) != 0)
        nbbs_hint_set(self, tier, k, w / 64, mask);
}
