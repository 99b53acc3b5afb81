/* Walks the buddy allocator twice: block by block through the ranges, then entry by entry through the lists,
 * and compares. Reports the listed blocks as free, the kept ones as cached. */
#include <stdio.h>

#include "buddy_internal.h"

struct buddy_walk {
    const struct buddy *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t free_count;
    uint64_t blocks[PL_NODE_LIMIT][BUDDY_ORDER_COUNT]; /* listed blocks met in the ranges */
};

/* One line: "buddy: <what> <number> <problem>". */
static void buddy_broken(struct buddy_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "buddy: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

static void buddy_audit_free_block(struct buddy_walk *walk, const struct pl_range *range, uint64_t index,
                                   uint32_t order)
{
    const struct buddy *self = walk->self;
    uint64_t other = index ^ (UINT64_C(1) << order);
    bool is_kept = BUDDY_KIND(self->state[index]) == BUDDY_KEPT;
    PL_ASSERT(order <= BUDDY_MAX_ORDER);
    PL_ASSERT(index < self->index_count);
    if (is_kept) {
        if (buddy_kept_get(&self->node[range->node], order) != index)
            buddy_broken(walk, "frame", self->base + index,
                         "is marked as kept but its node knows nothing of it");
    } else {
        walk->blocks[range->node][order]++;
        if (order < BUDDY_MAX_ORDER && self->state[other] == (BUDDY_FREE | order))
            buddy_broken(walk, "frame", self->base + index, "and its buddy are listed but not merged (F-22)");
    }
    struct pl_block block = {.first = pl_frame_at(self->base + index),
                             .order = order,
                             .state = is_kept ? PL_BLOCK_CACHED : PL_BLOCK_FREE,
                             .node = (uint16_t)range->node};
    walk->visitor->block(walk->visitor, &block);
    walk->free_count += UINT64_C(1) << order;
}

/* Checks one block of a range, returns the index behind it. */
static uint64_t buddy_audit_block(struct buddy_walk *walk, const struct pl_range *range, uint64_t index,
                                  uint32_t kind_before)
{
    const struct buddy *self = walk->self;
    uint64_t range_end = range->first.number + range->frame_count - self->base;
    uint32_t order = BUDDY_ORDER(self->state[index]);
    uint32_t kind = BUDDY_KIND(self->state[index]);
    PL_ASSERT(index < range_end);
    if (kind == BUDDY_INSIDE || kind > BUDDY_KEPT || order > BUDDY_MAX_ORDER) {
        buddy_broken(walk, "frame", self->base + index, "should begin a block but does not");
        return index + 1;
    }
    uint64_t end = index + (UINT64_C(1) << order);
    if (index % (UINT64_C(1) << order) != 0 || end > range_end) {
        buddy_broken(walk, "frame", self->base + index,
                     "begins a block that is not aligned or leaves the range");
        return index + 1;
    }
    if (kind == BUDDY_PART && kind_before != BUDDY_RUN && kind_before != BUDDY_PART)
        buddy_broken(walk, "frame", self->base + index, "is part of no run");
    for (uint64_t inside = index + 1; inside < end; inside++)
        if (self->state[inside] != BUDDY_INSIDE)
            buddy_broken(walk, "frame", self->base + inside, "begins a block inside another");
    if (kind == BUDDY_FREE || kind == BUDDY_KEPT)
        buddy_audit_free_block(walk, range, index, order);
    PL_ASSERT(end > index);
    return end;
}

/* Frames between ranges begin nothing. */
static void buddy_audit_hole(struct buddy_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    PL_ASSERT(to <= walk->self->index_count);
    for (uint64_t index = from; index < to; index++)
        if (walk->self->state[index] != BUDDY_INSIDE)
            buddy_broken(walk, "frame", walk->self->base + index, "lies in a hole but begins a block");
}

/* The same about a free list. The words are put together only now: a walk meets thousands of sound entries.
 */
static void buddy_list_broken(struct buddy_walk *walk, uint32_t n, uint32_t order, uint64_t number,
                              const char *problem)
{
    char what[48];
    snprintf(what, sizeof(what), "order %u list of node %u:", order, n);
    buddy_broken(walk, what, number, problem);
}

/* Says what is wrong with a list entry; false if the walk cannot go on behind it. */
static bool buddy_audit_entry(struct buddy_walk *walk, uint32_t n, uint32_t order, uint32_t pair,
                              uint32_t before)
{
    const struct buddy *self = walk->self;
    uint64_t index = (uint64_t)pair * 2;
    PL_ASSERT(order <= BUDDY_MAX_ORDER);
    if (index >= self->index_count) {
        buddy_list_broken(walk, n, order, self->base + index, "which is beyond the machine");
        return false;
    }
    if (order == 0 && self->state[index] != BUDDY_FREE && index + 1 < self->index_count)
        index++;
    uint32_t state = self->state[index];
    const struct pl_range *range = buddy_range_of(self->machine, self->base + index);
    if (BUDDY_KIND(state) != BUDDY_FREE)
        buddy_list_broken(walk, n, order, self->base + index, "which begins no free block");
    else if (BUDDY_ORDER(state) != order)
        buddy_list_broken(walk, n, order, self->base + index, "whose order is another");
    if (range == NULL || range->node != n)
        buddy_list_broken(walk, n, order, self->base + index, "which is not of that node");
    if (self->link[pair].before != before)
        buddy_list_broken(walk, n, order, self->base + index, "whose link backwards is wrong");
    PL_ASSERT(pair == index / 2);
    return true;
}

static void buddy_audit_list(struct buddy_walk *walk, uint32_t n, uint32_t order)
{
    const struct buddy_node *node = &walk->self->node[n];
    uint64_t found = 0;
    uint32_t before = BUDDY_NONE;
    uint32_t pair = node->head[order];
    uint64_t kept = buddy_kept_get(node, order);
    PL_ASSERT(n < PL_NODE_LIMIT);
    PL_ASSERT(order <= BUDDY_MAX_ORDER);
    /* A list longer than the blocks met has a ring in it, or entries that are not blocks. */
    while (pair != BUDDY_NONE && found <= walk->blocks[n][order]) {
        if (!buddy_audit_entry(walk, n, order, pair, before))
            break;
        found++;
        before = pair;
        pair = walk->self->link[pair].next;
    }
    if (found != walk->blocks[n][order])
        buddy_list_broken(walk, n, order, order, "has a list that is not its free blocks");
    if (((node->nonempty >> order & 1) != 0) != (node->head[order] != BUDDY_NONE))
        buddy_list_broken(walk, n, order, order, "has a bit that disagrees with its list");
    if (kept != BUDDY_NO_INDEX &&
        (kept >= walk->self->index_count || walk->self->state[kept] != (BUDDY_KEPT | order)))
        buddy_list_broken(walk, n, order, order, "keeps a block that is not marked so");
}

uint64_t buddy_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct buddy *self = instance;
    const struct pl_machine *machine = self->machine;
    struct buddy_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t end = 0;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        uint64_t index = range->first.number - self->base;
        buddy_audit_hole(&walk, end, index);
        end = index + range->frame_count;
        uint32_t kind = BUDDY_INSIDE;
        while (index < end) {
            uint32_t kind_here = BUDDY_KIND(self->state[index]);
            index = buddy_audit_block(&walk, range, index, kind);
            kind = kind_here;
        }
    }
    buddy_audit_hole(&walk, end, self->index_count);
    for (uint32_t n = 0; n < PL_NODE_LIMIT; n++)
        for (uint32_t order = 0; order < BUDDY_ORDER_COUNT; order++)
            buddy_audit_list(&walk, n, order);
    uint64_t counted = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    if (counted != walk.free_count)
        buddy_broken(&walk, "the count", counted, "is not the number of free frames");
    return walk.broken;
}
