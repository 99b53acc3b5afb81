/* Checks LLFree from the bits upwards: bits against ranges, children against bits, trees and reservations
 * against children. Reports the free frames. */
#include <stdio.h>

#include "llfree_internal.h"

struct llfree_walk {
    const struct llfree *self;
    const struct llfree_zone *zone;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint32_t range; /* of this zone, the first that ends behind where the walk is */
    uint32_t node;
};

/* One line: "llfree: <what> <number> <problem>". */
static void llfree_broken(struct llfree_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "llfree: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

/* Cuts the free frames with indexes [from, to) into the largest naturally aligned blocks. */
static void llfree_report_free(struct llfree_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    while (from < to) {
        uint32_t order = 63u - PL_CLZ64(to - from);
        if (from != 0 && PL_CTZ64(from) < order)
            order = PL_CTZ64(from);
        if (order > LLFREE_MAX_ORDER)
            order = LLFREE_MAX_ORDER;
        struct pl_block block = {.first = pl_frame_at(walk->zone->base + from),
                                 .order = order,
                                 .state = PL_BLOCK_FREE,
                                 .node = (uint16_t)walk->node};
        walk->visitor->block(walk->visitor, &block);
        from += UINT64_C(1) << order;
    }
}

/* The bits of one word that are frames of this node. The walk goes upwards. */
static uint64_t llfree_frames_of(struct llfree_walk *walk, uint64_t w)
{
    const struct pl_machine *machine = walk->self->machine;
    uint64_t first = walk->zone->base + w * 64;
    uint64_t frames = 0;
    PL_ASSERT(first % 64 == 0);
    while (walk->range < machine->range_count) {
        const struct pl_range *range = &machine->ranges[walk->range];
        uint64_t low = range->first.number;
        uint64_t high = low + range->frame_count;
        if (range->node == walk->node && high > first) {
            if (low >= first + 64)
                break;
            uint64_t from = low > first ? low - first : 0;
            frames |= llfree_mask(from, (high < first + 64 ? high - first : 64) - from);
            if (high >= first + 64)
                break;
        }
        walk->range++;
    }
    return frames;
}

/* Returns the child's number; `free_from` is where the free frames before it begin, as in all of the walk. */
static uint64_t llfree_audit_child(struct llfree_walk *walk, uint64_t child, uint64_t *free_from)
{
    const struct llfree_zone *zone = walk->zone;
    uint32_t number = llfree_child(zone, child, memory_order_relaxed);
    bool is_huge = number >= LLFREE_HUGE;
    uint64_t frames = 0;
    uint64_t free = 0;
    PL_ASSERT(child < zone->tree_count << zone->tree_order >> LLFREE_CHILD_ORDER);
    for (uint64_t w = child * LLFREE_CHILD_WORDS; w < (child + 1) * LLFREE_CHILD_WORDS; w++) {
        uint64_t here = llfree_frames_of(walk, w);
        uint64_t bits = atomic_load_explicit(&zone->word[w], memory_order_relaxed);
        frames += PL_POPCOUNT64(here);
        if (is_huge ? bits != 0 : (~bits & ~here) != 0)
            llfree_broken(walk, "word", w, is_huge ? "is of a whole child and not 0" : "has a hole free");
        for (uint64_t busy = is_huge ? UINT64_MAX : bits; busy != 0; busy &= busy - 1) {
            uint64_t index = w * 64 + PL_CTZ64(busy);
            llfree_report_free(walk, *free_from, index);
            *free_from = index + 1;
        }
        free += is_huge ? 0 : 64 - PL_POPCOUNT64(bits);
    }
    if (is_huge && (number != LLFREE_HUGE || (frames != 0 && frames != LLFREE_CHILD_FRAMES)))
        llfree_broken(walk, "child", child, "cannot be granted whole");
    if (!is_huge && number != free)
        llfree_broken(walk, "child", child, "does not know the number of its free frames");
    return free;
}

/* The reservations of all CPUs and kinds, one by one. */
static uint64_t llfree_audited_entry(const struct llfree_zone *zone, uint32_t i)
{
    PL_ASSERT(i < zone->cpu_count * LLFREE_KINDS);
    return atomic_load_explicit(&zone->local[i / LLFREE_KINDS].entry[i % LLFREE_KINDS], memory_order_relaxed);
}

/* What is free in the tree must be in its number and in the one entry that reserves it, and its kind is the
 * entry's, or stricter. */
static void llfree_audit_tree(struct llfree_walk *walk, uint64_t tree, uint64_t free)
{
    const struct llfree_zone *zone = walk->zone;
    uint32_t entry = atomic_load_explicit(&zone->tree[tree].entry, memory_order_relaxed);
    uint64_t number = entry & LLFREE_TREE_FREE;
    uint32_t owners = 0;
    PL_ASSERT(tree < zone->tree_count);
    for (uint32_t i = 0; i < zone->cpu_count * LLFREE_KINDS; i++) {
        uint64_t local = llfree_audited_entry(zone, i);
        if (!llfree_entry_is_of(local, tree))
            continue;
        owners++;
        if (llfree_tree_kind(entry) > i % LLFREE_KINDS)
            llfree_broken(walk, "tree", tree, "is of a laxer kind than it is reserved for");
        number += local & LLFREE_LOCAL_FREE;
    }
    if (number != free)
        llfree_broken(walk, "tree", tree, "does not know the number of its free frames");
    if (llfree_tree_kind(entry) >= zone->kind_count)
        llfree_broken(walk, "tree", tree, "is of a kind that is not there");
    if (owners != ((entry & LLFREE_RESERVED) != 0))
        llfree_broken(walk, "tree", tree, "is not reserved by as many as it says");
}

static void llfree_audit_zone(struct llfree_walk *walk)
{
    const struct llfree_zone *zone = walk->zone;
    uint64_t children = llfree_tree_frames(zone) / LLFREE_CHILD_FRAMES;
    uint64_t free_from = 0;
    PL_ASSERT(zone->base % (UINT64_C(1) << LLFREE_MAX_ORDER) == 0);
    for (uint64_t tree = 0; tree < zone->tree_count; tree++) {
        uint64_t free = 0;
        for (uint64_t child = tree * children; child < (tree + 1) * children; child++)
            free += llfree_audit_child(walk, child, &free_from);
        llfree_audit_tree(walk, tree, free);
    }
    llfree_report_free(walk, free_from, zone->tree_count << zone->tree_order);
    for (uint32_t i = 0; i < zone->cpu_count * LLFREE_KINDS; i++) {
        uint64_t local = llfree_audited_entry(zone, i);
        if ((local & LLFREE_LOCAL_PRESENT) == 0 && local != 0)
            llfree_broken(walk, "CPU", i / LLFREE_KINDS, "holds frames of no tree");
        if (local >> LLFREE_TREE_SHIFT >= zone->tree_count)
            llfree_broken(walk, "CPU", i / LLFREE_KINDS, "reserves a tree that is not there");
        if (local != 0 && (zone->is_shared || i % LLFREE_KINDS >= zone->kind_count))
            llfree_broken(walk, "CPU", i / LLFREE_KINDS, "reserves where nobody may");
    }
}

uint64_t llfree_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct llfree *self = instance;
    struct llfree_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    for (uint32_t i = 0; i < self->zone_count; i++) {
        walk.zone = &self->zone[i];
        walk.node = i;
        walk.range = 0;
        if (walk.zone->tree_count > 0)
            llfree_audit_zone(&walk);
    }
    if (atomic_load_explicit(&self->moves.begun, memory_order_relaxed) !=
        atomic_load_explicit(&self->moves.ended, memory_order_relaxed))
        llfree_broken(&walk, "the count of moves", 0, "says that one did not end");
    return walk.broken;
}
