/* Checks the trees at rest: marks against the words below them, granted bits against the index, hints
 * against words. Reports the free nodes that are in no larger free node. */
#include <stdio.h>

#include "nbbs_internal.h"

struct nbbs_walk {
    const struct nbbs *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t free_count;
    uint32_t range; /* the first range that ends behind the frames that were looked at */
};

/* One line: "nbbs: <what> <number> <problem>". */
static void nbbs_broken(struct nbbs_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "nbbs: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

static uint64_t nbbs_status(const struct nbbs *self, uint32_t tier, uint64_t w)
{
    PL_ASSERT(w < self->words[tier]);
    return atomic_load_explicit(&self->tier[tier][w], memory_order_relaxed) & NBBS_STATUS;
}

static uint32_t nbbs_index_at(const struct nbbs *self, uint64_t offset)
{
    PL_ASSERT(offset < self->whole.high);
    return atomic_load_explicit(&self->index[offset], memory_order_relaxed);
}

/* Is the frame in a range? Asked in ascending order. */
static bool nbbs_in_machine(struct nbbs_walk *walk, uint64_t offset)
{
    const struct pl_machine *machine = walk->self->machine;
    uint64_t number = walk->self->base + offset;
    PL_ASSERT(machine->range_count > 0);
    while (walk->range < machine->range_count) {
        const struct pl_range *range = &machine->ranges[walk->range];
        if (number < range->first.number)
            return false;
        if (number - range->first.number < range->frame_count)
            return true;
        walk->range++;
    }
    return false;
}

/* The nodes of word w that are wholly free, the largest first, none inside another. */
static void nbbs_report_free(struct nbbs_walk *walk, uint32_t tier, uint64_t w)
{
    uint32_t left = nbbs_free_leaves(nbbs_status(walk->self, tier, w));
    for (uint32_t k = NBBS_TIER_ORDER; k-- > 0;) {
        for (uint32_t nodes = nbbs_nodes(left, k); nodes != 0; nodes &= nodes - 1) {
            uint32_t leaf = PL_CTZ64(nodes);
            uint64_t first = (w << nbbs_word_shift(tier)) + ((uint64_t)leaf << nbbs_leaf_shift(tier));
            struct pl_block block = {.first = pl_frame_at(walk->self->base + first),
                                     .order = tier * NBBS_TIER_ORDER + k,
                                     .state = PL_BLOCK_FREE};
            PL_ASSERT((left >> leaf & nbbs_leaf_mask(k)) == nbbs_leaf_mask(k));
            left &= ~(nbbs_leaf_mask(k) << leaf);
            walk->free_count += UINT64_C(1) << block.order;
            block.node = pl_machine_node(walk->self->machine, block.first);
            walk->visitor->block(walk->visitor, &block);
        }
    }
    PL_ASSERT(left == 0);
}

/* Are the free nodes of word w in no larger free or granted one? A word that is 0 is all free, and part of
 * the leaf above unless the other half of that is in use. */
static bool nbbs_stands_alone(const struct nbbs *self, uint32_t tier, uint64_t w)
{
    PL_ASSERT(tier < NBBS_TIERS);
    if (tier + 1 == NBBS_TIERS)
        return true;
    uint64_t marks = nbbs_parent_mark(w) | nbbs_parent_mark(w ^ 1);
    bool is_marked = (nbbs_status(self, tier + 1, w / 16) & marks) != 0;
    return (nbbs_status(self, tier, w) != 0 || is_marked) && nbbs_covered(self, tier, w) == NBBS_TIERS;
}

/* The granted bits of word w begin where the index says that a grant of this tier does, and end with it. In
 * tier 0 they also stand for frames in no range. */
static void nbbs_audit_grants(struct nbbs_walk *walk, uint32_t tier, uint64_t w)
{
    const struct nbbs *self = walk->self;
    uint64_t status = nbbs_status(self, tier, w);
    uint32_t inside = 0; /* leaves of the grant that are still to come */
    PL_ASSERT(tier < NBBS_TIERS);
    for (uint32_t leaf = 0; leaf < NBBS_LEAVES; leaf++) {
        uint64_t first = (w << nbbs_word_shift(tier)) + ((uint64_t)leaf << nbbs_leaf_shift(tier));
        uint32_t code = nbbs_index_at(self, first);
        bool is_granted = (status >> leaf & 1) != 0;
        bool is_head = code != 0 && (code - 1) / NBBS_TIER_ORDER == tier;
        if (inside > 0) {
            inside--;
            if (!is_granted || code != 0)
                nbbs_broken(walk, "frame", self->base + first, "is inside a grant and does not look so");
        } else if (is_head) {
            uint32_t k = (code - 1) % NBBS_TIER_ORDER;
            inside = (1u << k) - 1u;
            if (!is_granted || leaf % (1u << k) != 0)
                nbbs_broken(walk, "frame", self->base + first, "begins a grant that its node does not have");
        } else if (is_granted && (tier > 0 || nbbs_in_machine(walk, first))) {
            nbbs_broken(walk, "frame", self->base + first, "is granted, but not by the index");
        }
        if (tier > 0)
            continue;
        if (code > NBBS_MAX_ORDER + 1 || (code != 0 && first % (UINT64_C(1) << (code - 1)) != 0))
            nbbs_broken(walk, "frame", self->base + first, "begins a grant where no node begins");
        if ((code != 0 || !is_granted) && !nbbs_in_machine(walk, first))
            nbbs_broken(walk, "frame", self->base + first, "is in no range and not granted for ever");
    }
}

/* A leaf is marked if and only if the word below that half is not 0; and never beside being granted. */
static void nbbs_audit_marks(struct nbbs_walk *walk, uint32_t tier, uint64_t w)
{
    const struct nbbs *self = walk->self;
    uint64_t status = nbbs_status(self, tier, w);
    PL_ASSERT(tier < NBBS_TIERS);
    for (uint64_t below = w * 16; tier > 0 && below < w * 16 + 16; below++) {
        bool is_marked = (status & nbbs_parent_mark(below)) != 0;
        if (is_marked != (nbbs_status(self, tier - 1, below) != 0))
            nbbs_broken(walk, "word", below, is_marked ? "is 0 and marked above" : "is not marked above");
        if (is_marked && (status >> nbbs_parent_leaf(below) & 1) != 0)
            nbbs_broken(walk, "word", below, "is in use below a granted leaf");
    }
    if (tier == 0 && status > NBBS_ALL_LEAVES)
        nbbs_broken(walk, "word", w, "has marks and nothing below it");
}

/* What word w has, its hints must say, on all levels. */
static void nbbs_audit_hints(struct nbbs_walk *walk, uint32_t tier, uint64_t w)
{
    const struct nbbs *self = walk->self;
    uint32_t leaves = nbbs_free_leaves(nbbs_status(self, tier, w));
    if (!self->has_hints || nbbs_covered(self, tier, w) != NBBS_TIERS)
        return;
    for (uint32_t k = 0; k < NBBS_TIER_ORDER && nbbs_nodes(leaves, k) != 0; k++) {
        uint64_t at = w;
        for (uint32_t depth = 0; depth < self->hint_depth[tier]; depth++, at /= 64)
            if ((atomic_load(&self->hint[tier][k].level[depth][at / 64]) >> (at % 64) & 1) == 0)
                nbbs_broken(walk, "word", w, "has a free node without a hint");
    }
}

/* A word of the highest tier and all that is below it. Words below free or granted leaves are 0, or
 * nbbs_audit_marks says so. */
static void nbbs_audit_top(struct nbbs_walk *walk, uint64_t top)
{
    PL_ASSERT(top < walk->self->words[NBBS_TIERS - 1]);
    for (uint32_t tier = NBBS_TIERS; tier-- > 0;) {
        uint32_t shift = nbbs_word_shift(NBBS_TIERS - 1) - nbbs_word_shift(tier);
        for (uint64_t w = top << shift; w < (top + 1) << shift; w++) {
            nbbs_audit_marks(walk, tier, w);
            nbbs_audit_hints(walk, tier, w);
            if (nbbs_stands_alone(walk->self, tier, w))
                nbbs_report_free(walk, tier, w);
            nbbs_audit_grants(walk, tier, w);
        }
    }
}

uint64_t nbbs_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct nbbs *self = instance;
    struct nbbs_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    for (uint64_t top = 0; top < self->words[NBBS_TIERS - 1]; top++)
        nbbs_audit_top(&walk, top);
    uint64_t counted = nbbs_free_count(self);
    if (counted != walk.free_count)
        nbbs_broken(&walk, "the count", counted, "is not the number of free frames");
    return walk.broken;
}
