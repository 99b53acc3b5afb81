/* Walks the model three times: block by block through the ranges, entry by entry through the zones' lists,
 * and through the CPUs' caches; and compares. Reports listed blocks as free, those of the reserve as
 * reserved, those in caches as cached. */
#include <stdio.h>

#include "linux_cache.h"

struct lx_walk {
    const struct lx *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t listed[LX_ZONE_LIMIT][LX_GROUP_COUNT][LX_ORDER_COUNT]; /* blocks met in the ranges */
    uint64_t cached[LX_ZONE_LIMIT][LX_ORDER_COUNT];
};

/* One line: "linux: <what> <number> <problem>". */
static void lx_broken(struct lx_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "linux: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

static void lx_frame_broken(struct lx_walk *walk, uint64_t index, const char *problem)
{
    lx_broken(walk, "frame", walk->self->base + index, problem);
}

static uint32_t lx_zone_at(const struct lx *self, uint64_t index)
{
    return (uint32_t)(lx_zone_of(self, index) - self->zones);
}

/* --- the ranges --- */

static void lx_audit_listed(struct lx_walk *walk, uint64_t index, uint32_t state)
{
    const struct lx *self = walk->self;
    uint32_t order = LX_ORDER(state);
    uint32_t group = LX_GROUP_OF(state);
    uint32_t other = lx_state(self, index ^ (UINT64_C(1) << order));
    bool in_reserve = LX_BLOCK_GROUP(lx_pageblock(self, index)) == LX_HIGHATOMIC;
    PL_ASSERT(group < LX_GROUP_COUNT);
    walk->listed[lx_zone_at(self, index)][group][order]++;
    if ((group == LX_HIGHATOMIC) != in_reserve)
        lx_frame_broken(walk, index, "is not on the list of its pageblock's reserve (L-18)");
    if (group == LX_HIGHATOMIC && order > LX_BLOCK_ORDER)
        lx_frame_broken(walk, index, "is of the reserve and larger than a pageblock (L-18)");
    if (order < LX_MAX_ORDER && LX_IS_FREE(other) && LX_ORDER(other) == order &&
        (order < LX_BLOCK_ORDER || (group != LX_HIGHATOMIC && LX_GROUP_OF(other) != LX_HIGHATOMIC)))
        lx_frame_broken(walk, index, "and its buddy are listed but not merged (F-22)");
}

static void lx_audit_free(struct lx_walk *walk, const struct pl_range *range, uint64_t index, uint32_t state)
{
    const struct lx *self = walk->self;
    uint32_t group = LX_BLOCK_GROUP(lx_pageblock(self, index));
    struct pl_block block = {.first = pl_frame_at(self->base + index),
                             .order = LX_ORDER(state),
                             .state = PL_BLOCK_FREE,
                             .node = (uint16_t)range->node};
    PL_ASSERT(LX_ORDER(state) <= LX_MAX_ORDER);
    if (LX_KIND(state) == LX_CACHED) {
        walk->cached[lx_zone_at(self, index)][LX_ORDER(state)]++;
        block.state = PL_BLOCK_CACHED;
    } else {
        lx_audit_listed(walk, index, state);
        group = LX_GROUP_OF(state);
    }
    if (group == LX_HIGHATOMIC && block.state == PL_BLOCK_FREE)
        block.state = PL_BLOCK_RESERVED;
    block.mobility = (uint16_t)(group == LX_HIGHATOMIC ? LX_UNMOVABLE : group);
    walk->visitor->block(walk->visitor, &block);
}

/* Checks one block of a range, returns the index behind it. */
static uint64_t lx_audit_block(struct lx_walk *walk, const struct pl_range *range, uint64_t index,
                               uint32_t kind_before)
{
    const struct lx *self = walk->self;
    uint64_t range_end = range->first.number + range->frame_count - self->base;
    uint32_t state = lx_state(self, index);
    uint32_t order = LX_ORDER(state);
    uint32_t kind = LX_KIND(state);
    PL_ASSERT(index < range_end);
    if (kind == LX_INSIDE || kind > LX_PART || order > LX_MAX_ORDER) {
        lx_frame_broken(walk, index, "should begin a block but does not");
        return index + 1;
    }
    uint64_t end = index + (UINT64_C(1) << order);
    if (index % (UINT64_C(1) << order) != 0 || end > range_end) {
        lx_frame_broken(walk, index, "begins a block that is not aligned or leaves the range");
        return index + 1;
    }
    if (kind == LX_PART && kind_before != LX_RUN && kind_before != LX_PART)
        lx_frame_broken(walk, index, "is part of no run");
    for (uint64_t inside = index + 1; inside < end; inside++)
        if (lx_state(self, inside) != LX_INSIDE)
            lx_frame_broken(walk, inside, "begins a block inside another");
    if (LX_IS_FREE(state) || kind == LX_CACHED)
        lx_audit_free(walk, range, index, state);
    PL_ASSERT(end > index);
    return end;
}

/* Frames between ranges begin nothing. */
static void lx_audit_hole(struct lx_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    PL_ASSERT(to <= walk->self->index_count);
    for (uint64_t index = from; index < to; index++)
        if (lx_state(walk->self, index) != LX_INSIDE)
            lx_frame_broken(walk, index, "lies in a hole but begins a block");
}

static void lx_audit_ranges(struct lx_walk *walk)
{
    const struct lx *self = walk->self;
    uint64_t end = 0;
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        uint64_t index = range->first.number - self->base;
        PL_ASSERT(index >= end);
        lx_audit_hole(walk, end, index);
        end = index + range->frame_count;
        uint32_t kind = LX_INSIDE;
        while (index < end) {
            uint32_t kind_here = LX_KIND(lx_state(self, index));
            index = lx_audit_block(walk, range, index, kind);
            kind = kind_here;
        }
    }
    lx_audit_hole(walk, end, self->index_count);
}

/* --- lists --- */

/* Walks a list of blocks that should all have this state and zone, at most `limit` of them; returns how many
 * it has. The words are put together only if there is something to say. */
static uint64_t lx_audit_list(struct lx_walk *walk, const struct lx_list *list, uint32_t zone, uint32_t state,
                              uint64_t limit, const char *whose)
{
    const struct lx *self = walk->self;
    uint64_t found = 0;
    uint32_t before = LX_NONE;
    uint32_t index = list->head;
    while (index != LX_NONE && found <= limit) {
        char what[64];
        const char *problem = NULL;
        if (index >= self->index_count || lx_range_of(self->machine, self->base + index) == NULL)
            problem = "is listed and does not exist";
        else if (lx_state(self, index) != state)
            problem = "is listed and is something else";
        else if (lx_zone_at(self, index) != zone)
            problem = "is listed and of another zone";
        else if (self->frames[index].before != before)
            problem = "is listed and its link backwards is wrong";
        if (problem != NULL) {
            snprintf(what, sizeof(what), "zone %u, %s, order %u: frame", zone, whose, LX_ORDER(state));
            lx_broken(walk, what, self->base + index, problem);
            return found;
        }
        found++;
        before = index;
        index = self->frames[index].next;
    }
    if (list->tail != before)
        lx_broken(walk, "a list's tail", list->tail, "is not its last block");
    return found;
}

static void lx_audit_zone(struct lx_walk *walk, uint32_t z)
{
    static const char *const names[LX_GROUP_COUNT] = {"unmovable", "movable", "reclaimable", "high-atomic"};
    const struct lx_zone *zone = &walk->self->zones[z];
    uint64_t listed = 0;
    uint64_t kept = 0;
    PL_ASSERT(z < walk->self->zone_count);
    for (uint32_t group = 0; group < LX_GROUP_COUNT; group++) {
        for (uint32_t order = 0; order < LX_ORDER_COUNT; order++) {
            uint64_t met = walk->listed[z][group][order];
            const struct lx_list *list = &zone->lists[group][order];
            if (lx_audit_list(walk, list, z, LX_FREE_IN(group) | order, met, names[group]) != met)
                lx_broken(walk, names[group], order, "is an order whose list is not its free blocks");
            if ((zone->nonempty[group] >> order & 1u) != (list->head != LX_NONE))
                lx_broken(walk, names[group], order, "is an order whose bit disagrees with its list");
            listed += met << order;
            kept += group == LX_HIGHATOMIC ? met << order : 0;
        }
    }
    if (listed != lx_free_count(zone))
        lx_broken(walk, "the count", lx_free_count(zone), "is not the number of free frames of its zone");
    if (kept != atomic_load_explicit(&zone->reserve_free, memory_order_relaxed))
        lx_broken(walk, "zone", z, "has a reserve that is not what its count says (L-18)");
}

static void lx_audit_caches(struct lx_walk *walk, uint32_t z)
{
    const struct lx *self = walk->self;
    uint64_t found[LX_ORDER_COUNT] = {0};
    PL_ASSERT(z < self->zone_count);
    for (uint32_t cpu = 0; cpu < self->machine->cpu_count; cpu++) {
        const struct lx_cache *cache = &self->caches[cpu * self->zone_count + z];
        uint64_t frames = 0;
        for (uint32_t slot = 0; slot < LX_SLOT_COUNT; slot++) {
            uint32_t order = lx_slot_order(slot);
            uint64_t blocks = lx_audit_list(walk, &cache->lists[slot], z, LX_CACHED | order,
                                            walk->cached[z][order], "cached");
            found[order] += blocks;
            frames += blocks << order;
        }
        if (frames != lx_cache_count(cache))
            lx_broken(walk, "the cache of CPU", cpu, "counts other frames than it has");
        if (cache->high < self->zones[z].high_min || cache->high > self->zones[z].high_max ||
            cache->scale > LX_SCALE_MAX)
            lx_broken(walk, "the cache of CPU", cpu, "has grown or shrunk beyond its bounds");
    }
    for (uint32_t order = 0; order < LX_ORDER_COUNT; order++)
        if (found[order] != walk->cached[z][order])
            lx_broken(walk, "cached blocks of order", order, "are not what the caches have");
}

/* The reserve is the pageblocks of its group, and no more than it may be. */
static void lx_audit_reserve(struct lx_walk *walk)
{
    const struct lx *self = walk->self;
    uint32_t blocks[LX_ZONE_LIMIT] = {0};
    for (uint64_t index = 0; index < self->index_count; index += LX_BLOCK) {
        uint32_t byte = lx_pageblock(self, index);
        if (LX_BLOCK_ZONE(byte) >= self->zone_count)
            lx_broken(walk, "pageblock", index / LX_BLOCK, "is of no zone");
        else if (LX_BLOCK_GROUP(byte) == LX_HIGHATOMIC)
            blocks[LX_BLOCK_ZONE(byte)]++;
    }
    PL_ASSERT(self->zone_count <= LX_ZONE_LIMIT);
    for (uint32_t z = 0; z < self->zone_count; z++) {
        if (blocks[z] != lx_reserve_blocks(&self->zones[z]))
            lx_broken(walk, "zone", z, "counts other pageblocks than its reserve has (L-18)");
        if (blocks[z] > self->zones[z].reserve_most)
            lx_broken(walk, "zone", z, "keeps more than a hundredth and a pageblock (L-18)");
    }
}

uint64_t lx_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct lx *self = instance;
    struct lx_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    lx_audit_ranges(&walk);
    for (uint32_t z = 0; z < self->zone_count; z++) {
        lx_audit_zone(&walk, z);
        lx_audit_caches(&walk, z);
    }
    lx_audit_reserve(&walk);
    return walk.broken;
}
