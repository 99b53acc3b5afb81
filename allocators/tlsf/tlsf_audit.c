/* Walks two-level segregated fit twice: block by block through the ranges, then entry by entry through the
 * lists, and compares. Reports free blocks in naturally aligned pieces. */
#include <stdio.h>

#include "tlsf_internal.h"

struct tlsf_walk {
    const struct tlsf *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t free_frames;
    uint64_t blocks[PL_NODE_LIMIT]; /* free blocks met in the ranges */
};

/* One line: "tlsf: <what> <number> <problem>". */
static void tlsf_broken(struct tlsf_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "tlsf: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

static void tlsf_frame_broken(struct tlsf_walk *walk, uint64_t index, const char *problem)
{
    tlsf_broken(walk, "frame", index + walk->self->shift, problem);
}

static void tlsf_report(struct tlsf_walk *walk, const struct pl_range *range, uint64_t index,
                        uint64_t frame_count)
{
    uint64_t from = index + walk->self->shift;
    uint64_t to = from + frame_count;
    PL_ASSERT(from < to);
    while (from < to) {
        uint32_t order = 63u - PL_CLZ64(to - from);
        if (from != 0 && PL_CTZ64(from) < order)
            order = PL_CTZ64(from);
        order = order < TLSF_MAX_ORDER ? order : TLSF_MAX_ORDER;
        struct pl_block block = {.first = pl_frame_at(from),
                                 .order = order,
                                 .state = PL_BLOCK_FREE,
                                 .node = (uint16_t)range->node};
        walk->visitor->block(walk->visitor, &block);
        from += UINT64_C(1) << order;
    }
    PL_ASSERT(from == to);
}

/* Checks the block at an index of a range that ends at `end`; returns the index behind it. */
static uint64_t tlsf_audit_block(struct tlsf_walk *walk, const struct pl_range *range, uint64_t index,
                                 uint64_t end)
{
    const struct tlsf_record *record = &walk->self->record[index];
    uint64_t frame_count = record->frame_count;
    bool is_free = record->kind == TLSF_FREE;
    PL_ASSERT(index < end);
    if (!is_free && record->kind != TLSF_GRANT) {
        tlsf_frame_broken(walk, index, "should begin a block but does not");
        return index + 1;
    }
    if (frame_count == 0 || frame_count > end - index) {
        tlsf_frame_broken(walk, index, "begins a block that is empty or leaves the range");
        return index + 1;
    }
    for (uint64_t at = 1; at < frame_count; at++) {
        bool is_tail = is_free && at == frame_count - 1;
        if (record[at].kind != (is_tail ? TLSF_TAIL : TLSF_INSIDE))
            tlsf_frame_broken(walk, index + at, "is marked as what it is not");
        if (is_tail && record[at].frame_count != frame_count)
            tlsf_frame_broken(walk, index + at, "ends a block of another length");
    }
    if (is_free) {
        if (record[frame_count].kind == TLSF_FREE)
            tlsf_frame_broken(walk, index, "and the block behind it are free but not joined");
        walk->blocks[range->node]++;
        walk->free_frames += frame_count;
        tlsf_report(walk, range, index, frame_count);
    }
    return index + frame_count;
}

/* Frames between ranges are nobody's. */
static void tlsf_audit_hole(struct tlsf_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    PL_ASSERT(to <= walk->self->index_count);
    for (uint64_t index = from; index < to; index++)
        if (walk->self->record[index].kind != TLSF_INSIDE)
            tlsf_frame_broken(walk, index, "lies in a hole but is marked");
}

/* Says what is wrong with a list entry; false if the walk cannot go on behind it. */
static bool tlsf_audit_entry(struct tlsf_walk *walk, uint32_t n, struct tlsf_class list, uint32_t index,
                             uint32_t before)
{
    const struct tlsf *self = walk->self;
    PL_ASSERT(index != TLSF_NONE);
    if (index >= self->index_count) {
        tlsf_frame_broken(walk, index, "is listed but beyond the machine");
        return false;
    }
    const struct tlsf_record *record = &self->record[index];
    if (record->kind != TLSF_FREE || record->frame_count == 0 ||
        record->frame_count >= self->index_count - index) {
        tlsf_frame_broken(walk, index, "is listed but begins no free block");
        return false;
    }
    struct tlsf_class real = tlsf_class_of(self, index, record->frame_count);
    const struct pl_range *range = tlsf_range_of(self->machine, index + self->shift);
    if (real.first != list.first || real.second != list.second)
        tlsf_frame_broken(walk, index, "is on the list of another class");
    if (range == NULL || range->node != n)
        tlsf_frame_broken(walk, index, "is on the list of another node");
    if (record->before != before) {
        tlsf_frame_broken(walk, index, "has a wrong link backwards");
        return false;
    }
    return true;
}

/* Each entry names the one before it, so none is met twice: as many as the free blocks are these. */
static uint64_t tlsf_audit_list(struct tlsf_walk *walk, uint32_t n, struct tlsf_class list)
{
    uint64_t found = 0;
    uint32_t before = TLSF_NONE;
    uint32_t index = walk->self->node[n].head[list.first][list.second];
    PL_ASSERT(n < walk->self->machine->node_count);
    while (index != TLSF_NONE && found <= walk->blocks[n]) {
        if (!tlsf_audit_entry(walk, n, list, index, before))
            break;
        found++;
        before = index;
        index = walk->self->record[index].next;
    }
    return found;
}

static void tlsf_audit_node(struct tlsf_walk *walk, uint32_t n)
{
    const struct tlsf_node *node = &walk->self->node[n];
    uint64_t found = 0;
    PL_ASSERT(n < PL_NODE_LIMIT);
    for (uint32_t first = 0; first < TLSF_FIRST_COUNT; first++) {
        uint32_t listed = 0;
        for (uint32_t second = 0; second < TLSF_SECOND_COUNT; second++) {
            struct tlsf_class list = {.first = first, .second = second};
            listed |= (uint32_t)(node->head[first][second] != TLSF_NONE) << second;
            found += tlsf_audit_list(walk, n, list);
        }
        if (node->second_level[first] != listed)
            tlsf_broken(walk, "second level", first, "disagrees with its lists");
        if ((node->first_level >> first & 1) != (listed != 0))
            tlsf_broken(walk, "first level", first, "disagrees with the second");
    }
    if (found != walk->blocks[n])
        tlsf_broken(walk, "node", n, "has lists that are not its free blocks");
}

uint64_t tlsf_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct tlsf *self = instance;
    const struct pl_machine *machine = self->machine;
    struct tlsf_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t end = 0;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        uint64_t index = range->first.number - self->shift;
        tlsf_audit_hole(&walk, end, index);
        end = index + range->frame_count;
        while (index < end)
            index = tlsf_audit_block(&walk, range, index, end);
    }
    tlsf_audit_hole(&walk, end, self->index_count);
    for (uint32_t n = 0; n < machine->node_count; n++)
        tlsf_audit_node(&walk, n);
    uint64_t counted = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    if (counted != walk.free_frames)
        tlsf_broken(&walk, "the count", counted, "is not the number of free frames");
    return walk.broken;
}
