/* Taking a node and giving it back: all the compare-and-swaps of the tree.
 *
 *     take                                    release
 *     1 granted bits, if all are 0            1 granted bits to 0
 *     2 the mark in each word above;          2 while the word is 0: its mark in the word above to 0,
 *       a granted leaf there: release 1         unless somebody has taken below it again
 *
 * Why a mark is never cleared over a grant (A). Who clears reads the word above, `seen`, then the word below,
 * which is 0, then swaps `seen` for itself without the mark. An allocation sets its bits below first and then
 * its mark above, and each mark that is set adds to `changes`, also where the mark was there already. So if
 * the swap succeeds, an allocation that is below now will set its mark later; or it had set its mark before
 * `seen` was read, and then its bits were to be seen below, for they came earlier.
 *
 * Why no mark stays (B). The last release that makes a word 0 reads the word above after that. The mark was
 * set before, by an allocation whose bits are gone since, so it is seen; the word below is seen as 0; the
 * swap fails only if somebody changed the word above, and is tried again. If this makes the word above 0, the
 * same holds one tier up.
 *
 * The paper notices allocations that pass through bits of their own, coalescing marks, that a free sets on
 * its way up before it clears its node: one more walk. Two frees and an allocation between them can take one
 * another's marks, and an occupied mark stays behind; README.md has the steps. The count that fits into the
 * word cannot be mistaken.
 *
 * Order. A swap that frees releases, one that takes acquires, and words are changed by swaps only: who sees
 * the mark gone (a release by the one who cleared it) sees what the one who freed below did before, because
 * the clearer acquired the 0 below. Whose frames these were, has let go of them before that. Swaps and the
 * loads that decide whether a hint is set are sequentially consistent (nbbs_hint.c); on x86 that costs
 * nothing.
 *
 * Progress. A swap that fails, failed because another one succeeded on that word. Nobody waits for anybody,
 * so an interrupt, even one that ignores masking, may come between any two steps and call. */
#include "nbbs_internal.h"

/* The steps are written for one tier each, so that a tier that is known makes all shifts constants. */

/* Marks the word above word w, which is of `tier`. False: the leaf there is granted. */
PL_INLINE bool nbbs_mark(struct nbbs *self, uint32_t tier, uint64_t w)
{
    uint32_t leaf = nbbs_parent_leaf(w);
    uint64_t mark = nbbs_parent_mark(w);
    PL_ASSERT(tier + 1 < NBBS_TIERS);
    PL_ASSERT(w / 16 < self->words[tier + 1]);
    nbbs_word *word = &self->tier[tier + 1][w / 16];
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    uint64_t change;
    do {
        if (PL_UNLIKELY((seen >> leaf & 1) != 0))
            return false;
        change = PL_MUTANT("nbbs-aba") ? 0 : NBBS_CHANGE;
    } while (!atomic_compare_exchange_weak(word, &seen, (seen | mark) + change));
    PL_MUTANT_COUNT("nbbs-aba", word);
    return true;
}

/* Returns the tier where a leaf above is granted, or NBBS_TIERS: none is, and all is marked. */
PL_INLINE uint32_t nbbs_mark_above(struct nbbs *self, uint32_t tier, uint64_t w)
{
    PL_ASSERT(tier < NBBS_TIERS);
    if (tier == 0) {
        if (PL_UNLIKELY(!nbbs_mark(self, 0, w)))
            return 1;
        w /= 16;
    }
    if (tier <= 1 && PL_UNLIKELY(!nbbs_mark(self, 1, w)))
        return 2;
    return NBBS_TIERS;
}

/* Clears the mark of word w, of `tier`, which was seen as 0. True if that made the word above 0. */
PL_INLINE bool nbbs_unmark(struct nbbs *self, struct pl_cpu *cpu, uint32_t tier, uint64_t w)
{
    const nbbs_word *below = &self->tier[tier][w];
    uint64_t mark = nbbs_parent_mark(w);
    PL_ASSERT(tier + 1 < NBBS_TIERS);
    PL_ASSERT(w / 16 < self->words[tier + 1]);
    nbbs_word *word = &self->tier[tier + 1][w / 16];
    if (PL_MUTANT("nbbs-mark-left")) {
        PL_MUTANT_TRIGGERED("nbbs-mark-left", (atomic_load(word) & mark) != 0);
        return false;
    }
    uint64_t seen = atomic_load(word);
    uint64_t marks;
    do {
        marks = PL_MUTANT_COUNTED(word);
        /* Whoever cleared the mark goes on; whoever is below now will clear it. */
        if ((seen & mark) == 0 || (atomic_load(below) & NBBS_STATUS) != 0)
            return false;
        pl_point(cpu, self);
    } while (!atomic_compare_exchange_weak(word, &seen, seen & ~mark));
    /* Marked since it was seen: with the count this swap fails, and with something below the mark stays. */
    PL_MUTANT_TRIGGERED("nbbs-aba",
                        PL_MUTANT_COUNTED(word) != marks && (PL_MUTANT_PEEK(below) & NBBS_STATUS) != 0);
    if (self->has_hints)
        nbbs_hint_gained(self, tier + 1, w / 16, seen, seen & ~mark);
    return (seen & ~mark & NBBS_STATUS) == 0;
}

PL_INLINE void nbbs_release_in(struct nbbs *self, struct pl_cpu *cpu, uint32_t tier, uint64_t w,
                               uint64_t mask)
{
    PL_ASSERT(tier < NBBS_TIERS);
    PL_ASSERT(w < self->words[tier]);
    nbbs_word *word = &self->tier[tier][w];
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    do {
        PL_ASSERT((seen & mask) == mask);
    } while (!atomic_compare_exchange_weak(word, &seen, seen & ~mask));
    if (self->has_hints) {
        nbbs_hint_gained(self, tier, w, seen, seen & ~mask);
        if (tier > 0)
            nbbs_hint_fill(self, tier, w, (uint32_t)mask);
    }
    if ((seen & ~mask & NBBS_STATUS) != 0)
        return;
    if (tier == 0) {
        if (!nbbs_unmark(self, cpu, 0, w))
            return;
        w /= 16;
    }
    if (tier <= 1)
        (void)nbbs_unmark(self, cpu, 1, w);
}

void nbbs_release(struct nbbs *self, struct pl_cpu *cpu, uint32_t tier, uint64_t w, uint32_t mask)
{
    PL_ASSERT(mask != 0);
    PL_ASSERT(mask <= NBBS_ALL_LEAVES);
    if (PL_LIKELY(tier == 0))
        nbbs_release_in(self, cpu, 0, w, mask);
    else if (tier == 1)
        nbbs_release_in(self, cpu, 1, w, mask);
    else
        nbbs_release_in(self, cpu, 2, w, mask);
}

/* Behind the leaf of `tier` above word w of `own`: as published, what is below a grant is passed over. */
static uint64_t nbbs_word_behind(uint32_t own, uint64_t w, uint32_t tier)
{
    PL_ASSERT(own < tier);
    PL_ASSERT(tier < NBBS_TIERS);
    uint32_t shift = nbbs_leaf_shift(tier) - nbbs_word_shift(own);
    return ((w >> shift) + 1) << shift;
}

PL_INLINE uint64_t nbbs_take_in(struct nbbs *self, struct pl_cpu *cpu, uint32_t tier, uint32_t k, uint64_t w,
                                uint32_t leaves, uint64_t *next)
{
    PL_ASSERT(w < self->words[tier]);
    PL_ASSERT(k < NBBS_TIER_ORDER);
    nbbs_word *word = &self->tier[tier][w];
    uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    uint32_t leaf;
    uint64_t mask;
    /* Looks up before it takes, unlike the paper: words below a grant are 0, and a take that is sure to be
     * undone would disturb others. */
    uint32_t blocked = nbbs_covered(self, tier, w);
    if (PL_UNLIKELY(blocked != NBBS_TIERS)) {
        *next = nbbs_word_behind(tier, w, blocked);
        return NBBS_NONE;
    }
    do {
        uint32_t nodes = nbbs_nodes(nbbs_free_leaves(seen), k) & leaves;
        if (nodes == 0) {
            *next = w + 1;
            return NBBS_NONE;
        }
        leaf = PL_CTZ64(nodes);
        mask = (uint64_t)nbbs_leaf_mask(k) << leaf;
    } while (!atomic_compare_exchange_weak(word, &seen, seen | mask));
    pl_point(cpu, self);
    blocked = nbbs_mark_above(self, tier, w);
    if (PL_LIKELY(blocked == NBBS_TIERS))
        return (w << nbbs_word_shift(tier)) + ((uint64_t)leaf << nbbs_leaf_shift(tier));
    *next = nbbs_word_behind(tier, w, blocked);
    nbbs_release(self, cpu, tier, w, (uint32_t)mask);
    nbbs_add(cpu, &self->cpus[cpu->id].undone, 1);
    return NBBS_NONE;
}

uint64_t nbbs_take(struct nbbs *self, struct pl_cpu *cpu, uint32_t order, uint64_t w, uint32_t leaves,
                   uint64_t *next)
{
    PL_ASSERT(order <= NBBS_MAX_ORDER);
    PL_ASSERT(next != NULL);
    if (PL_LIKELY(order == 0))
        return nbbs_take_in(self, cpu, 0, 0, w, leaves, next);
    if (nbbs_tier_of(order) == 0)
        return nbbs_take_in(self, cpu, 0, order, w, leaves, next);
    if (nbbs_tier_of(order) == 1)
        return nbbs_take_in(self, cpu, 1, order % NBBS_TIER_ORDER, w, leaves, next);
    return nbbs_take_in(self, cpu, 2, order % NBBS_TIER_ORDER, w, leaves, next);
}
