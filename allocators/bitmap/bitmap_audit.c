/* Checks the bitmap allocator from the bits upwards: frames against ranges and grants, then each summary
 * against the level below it. Reports the free frames. */
#include <stdio.h>

#include "bitmap_internal.h"

struct bitmap_walk {
    const struct bitmap *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t free_count;
};

static void bitmap_say(struct bitmap_walk *walk, const char *words)
{
    PL_ASSERT(walk->visitor->broken != NULL);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

/* One line: "bitmap: <what> <number> <problem>". */
static void bitmap_broken(struct bitmap_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "bitmap: %s 0x%llx %s", what, (unsigned long long)number, problem);
    bitmap_say(walk, words);
}

/* Cuts the free frames with indexes [from, to) into the largest naturally aligned blocks. */
static void bitmap_report_free(struct bitmap_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    while (from < to) {
        uint32_t order = 63u - PL_CLZ64(to - from);
        if (from != 0 && PL_CTZ64(from) < order)
            order = PL_CTZ64(from);
        if (order > BITMAP_MAX_ORDER)
            order = BITMAP_MAX_ORDER;
        struct pl_block block = {
            .first = pl_frame_at(walk->self->base + from), .order = order, .state = PL_BLOCK_FREE};
        block.node = pl_machine_node(walk->self->machine, block.first);
        walk->visitor->block(walk->visitor, &block);
        from += UINT64_C(1) << order;
    }
    PL_ASSERT(from == to);
}

static bool bitmap_bit(uint64_t bits, uint64_t index)
{
    return (bits >> (index % 64) & 1) != 0;
}

static void bitmap_audit_range(struct bitmap_walk *walk, const struct pl_range *range)
{
    const struct bitmap *self = walk->self;
    uint64_t first = range->first.number - self->base;
    uint64_t end = first + range->frame_count;
    uint64_t free_from = first;   /* frames [free_from, index) are free */
    bool can_have_inside = false; /* the frame before belongs to a grant */
    PL_ASSERT(end <= self->word_count * 64);
    for (uint64_t index = first; index < end; index++) {
        bool is_free = bitmap_bit(self->word[index / 64].free, index);
        bool is_head = bitmap_bit(self->word[index / 64].head, index);
        if (is_free && is_head)
            bitmap_broken(walk, "frame", self->base + index, "is free and the head of a grant");
        if (!is_free && !is_head && !can_have_inside)
            bitmap_broken(walk, "frame", self->base + index, "is inside no grant and not free");
        can_have_inside = !is_free;
        walk->free_count += is_free;
        if (!is_free) {
            bitmap_report_free(walk, free_from, index);
            free_from = index + 1;
        }
    }
    bitmap_report_free(walk, free_from, end);
}

static void bitmap_audit_hole(struct bitmap_walk *walk, uint64_t from, uint64_t to)
{
    const struct bitmap *self = walk->self;
    PL_ASSERT(from <= to);
    PL_ASSERT(to <= self->word_count * 64);
    for (uint64_t index = from; index < to; index++) {
        if (bitmap_bit(self->word[index / 64].free, index))
            bitmap_broken(walk, "frame", self->base + index, "is free but lies in a hole");
        if (!bitmap_bit(self->word[index / 64].head, index))
            bitmap_broken(walk, "frame", self->base + index, "lies in a hole but does not end a grant");
    }
}

/* The leaf bit must be what the words below it say. */
static void bitmap_audit_leaf(struct bitmap_walk *walk, uint32_t order, uint64_t leaf, bool has_block)
{
    PL_ASSERT(order < BITMAP_TREE_COUNT);
    PL_ASSERT(leaf / 64 < bitmap_tree_shape(walk->self, order)->words[0]);
    bool is_listed = bitmap_bit(walk->self->tree[order].level[0][leaf / 64], leaf);
    if (is_listed == has_block)
        return;
    char words[160];
    snprintf(words, sizeof(words), "bitmap: %s 0x%llx %s a block of order %u but its summary says %s",
             order <= BITMAP_WORD_ORDER ? "word" : "group", (unsigned long long)leaf,
             has_block ? "has" : "has not", order, is_listed ? "yes" : "no");
    bitmap_say(walk, words);
}

static void bitmap_audit_words(struct bitmap_walk *walk)
{
    const struct bitmap *self = walk->self;
    PL_ASSERT(self->word_count > 0);
    for (uint64_t w = 0; w < self->word_count; w++) {
        uint32_t fit = 0;
        for (uint32_t order = 0; order <= BITMAP_WORD_ORDER; order++) {
            fit += bitmap_starts(self->word[w].free, order) != 0;
            bitmap_audit_leaf(walk, order, w, order < self->fit[w]);
        }
        if (self->fit[w] > fit || (self->fit[w] < fit && (w != self->late || self->fit[w] == 0)))
            bitmap_broken(walk, "word", w, "does not remember which orders fit into it");
    }
    for (uint64_t group = 0; group < self->word_shape.words[0]; group++) {
        uint64_t free_words = self->tree[BITMAP_WORD_ORDER].level[0][group];
        uint32_t fit = free_words != 0;
        for (uint32_t order = BITMAP_WORD_ORDER + 1; order < BITMAP_TREE_COUNT; order++) {
            bool has = bitmap_starts(free_words, order - BITMAP_WORD_ORDER) != 0;
            fit += has;
            bitmap_audit_leaf(walk, order, group, has);
        }
        if (self->group_fit[group] != fit)
            bitmap_broken(walk, "group", group, "does not remember which orders fit into it");
    }
}

static void bitmap_audit_levels(struct bitmap_walk *walk, uint32_t order)
{
    const struct bitmap_shape *shape = bitmap_tree_shape(walk->self, order);
    const struct bitmap_tree *tree = &walk->self->tree[order];
    PL_ASSERT(shape->level_count > 0);
    PL_ASSERT(shape->words[shape->level_count - 1] == 1);
    for (uint32_t level = 0; level + 1 < shape->level_count; level++)
        for (uint64_t i = 0; i < shape->words[level]; i++)
            if ((tree->level[level][i] != 0) != bitmap_bit(tree->level[level + 1][i / 64], i))
                bitmap_broken(walk, "summary word", i, "disagrees with the level above it");
}

uint64_t bitmap_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct bitmap *self = instance;
    const struct pl_machine *machine = self->machine;
    struct bitmap_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t end = 0;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        bitmap_audit_hole(&walk, end, machine->ranges[i].first.number - self->base);
        bitmap_audit_range(&walk, &machine->ranges[i]);
        end = machine->ranges[i].first.number + machine->ranges[i].frame_count - self->base;
    }
    bitmap_audit_hole(&walk, end, self->word_count * 64);
    bitmap_audit_words(&walk);
    for (uint32_t order = 0; order < BITMAP_TREE_COUNT; order++)
        bitmap_audit_levels(&walk, order);
    uint64_t counted = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    if (counted != walk.free_count)
        bitmap_broken(&walk, "the count", counted, "is not the number of free frames");
    return walk.broken;
}
