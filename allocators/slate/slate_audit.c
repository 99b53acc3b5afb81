/* Checks slate from the frames upwards: bits against state bytes and ranges, what is cached against what is
 * busy without being granted, then lacks, lists and counts. Reports free and cached blocks. */
#include <stdio.h>

#include "slate_internal.h"

struct slate_walk {
    const struct slate *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t free_count;
    uint64_t owed;      /* frames that are busy and not granted: somebody has them cached */
    uint64_t owed_sum;  /* of what slate_mix makes of each */
    uint64_t found_sum; /* the same of frames found in caches */
};

/* Scatters an index over 64 bits, so that sums over two sets are equal only if the sets are, multiplicity
 * included: an audit has no memory of its own to tick frames off in (splitmix64, public domain, S. Vigna). */
static uint64_t slate_mix(uint64_t index)
{
    uint64_t z = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* One line: "slate: <what> <number> <problem>". */
static void slate_broken(struct slate_walk *walk, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(walk->visitor->broken != NULL);
    snprintf(words, sizeof(words), "slate: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

static void slate_say_block(struct slate_walk *walk, uint64_t index, uint32_t order,
                            enum pl_block_state state)
{
    struct pl_block block = {
        .first = pl_frame_at(walk->self->base + index), .order = order, .state = (uint32_t)state};
    PL_ASSERT(order <= SLATE_MAX_ORDER);
    block.node = pl_machine_node(walk->self->machine, block.first);
    walk->visitor->block(walk->visitor, &block);
}

/* Cuts the free frames [from, to) into the largest naturally aligned blocks. */
static void slate_say_free(struct slate_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    walk->free_count += to - from;
    while (from < to) {
        uint32_t order = 63u - PL_CLZ64(to - from);
        if (from != 0 && PL_CTZ64(from) < order)
            order = PL_CTZ64(from);
        if (order > SLATE_MAX_ORDER)
            order = SLATE_MAX_ORDER;
        slate_say_block(walk, from, order, PL_BLOCK_FREE);
        from += UINT64_C(1) << order;
    }
}

static bool slate_is_busy(const struct slate *self, uint64_t index)
{
    return (self->word[index / 64] >> (index % 64) & 1) != 0;
}

/* ---- frames ---- */

/* A wholly free chunk, its state bytes included? */
static bool slate_is_blank(const struct slate *self, uint64_t chunk)
{
    uint64_t bits = 0;
    uint32_t states = 0;
    for (uint64_t i = 0; i < SLATE_CHUNK_WORDS; i++)
        bits |= self->word[chunk * SLATE_CHUNK_WORDS + i];
    for (uint64_t i = 0; bits == 0 && i < SLATE_CHUNK; i++)
        states |= slate_state_get(self->state, chunk * SLATE_CHUNK + i);
    return bits == 0 && states == 0;
}

/* The frames behind the head at `index` that belong to its grant; returns the index behind it. */
static uint64_t slate_audit_grant(struct slate_walk *walk, uint64_t index, uint64_t end)
{
    const struct slate *self = walk->self;
    uint32_t head = slate_state_get(self->state, index);
    bool is_run = head == SLATE_RUN_HEAD;
    uint64_t frames = is_run ? end - index : UINT64_C(1) << (head - 1);
    PL_ASSERT(head != SLATE_NO_HEAD);
    if (!is_run && (index % frames != 0 || frames > end - index)) {
        slate_broken(walk, "frame", self->base + index,
                     "heads a grant that is not aligned or leaves its range");
        return index + 1;
    }
    for (uint64_t at = index + 1; at < index + frames; at++) {
        uint32_t state = slate_state_get(self->state, at);
        if (is_run && state != SLATE_RUN_TAIL)
            return at;
        if (!is_run && state != SLATE_NO_HEAD)
            slate_broken(walk, "frame", self->base + at, "lies inside a grant and has a state of its own");
        if (!slate_is_busy(self, at))
            slate_broken(walk, "frame", self->base + at, "lies inside a grant and is free");
    }
    return index + frames;
}

/* One busy frame that no grant before it covers; returns the index behind what it is. */
static uint64_t slate_audit_busy(struct slate_walk *walk, uint64_t index, uint64_t end)
{
    uint32_t state = slate_state_get(walk->self->state, index);
    if (state == SLATE_NO_HEAD) {
        walk->owed++;
        walk->owed_sum += slate_mix(index);
        return index + 1;
    }
    if (state != SLATE_RUN_HEAD && state > SLATE_HEAD(SLATE_MAX_ORDER)) {
        slate_broken(walk, "frame", walk->self->base + index, "goes on with a run that begins nowhere");
        return index + 1;
    }
    return slate_audit_grant(walk, index, end);
}

static void slate_audit_range(struct slate_walk *walk, const struct pl_range *range)
{
    const struct slate *self = walk->self;
    uint64_t index = range->first.number - self->base;
    uint64_t end = index + range->frame_count;
    uint64_t free_from = index;
    PL_ASSERT(end <= self->chunk_count * SLATE_CHUNK);
    while (index < end) {
        if (index % SLATE_CHUNK == 0 && end - index >= SLATE_CHUNK &&
            slate_is_blank(self, index / SLATE_CHUNK)) {
            index += SLATE_CHUNK;
            continue;
        }
        if (!slate_is_busy(self, index)) {
            if (slate_state_get(self->state, index) != SLATE_NO_HEAD)
                slate_broken(walk, "frame", self->base + index, "is free and has the state of a grant");
            index++;
            continue;
        }
        slate_say_free(walk, free_from, index);
        index = slate_audit_busy(walk, index, end);
        free_from = index;
    }
    slate_say_free(walk, free_from, end);
}

/* Indexes that are no frames, as far as they share a chunk with some. */
static void slate_audit_hole(struct slate_walk *walk, uint64_t from, uint64_t to)
{
    const struct slate *self = walk->self;
    PL_ASSERT(from <= to);
    for (uint64_t index = from; index < to;) {
        if (index % SLATE_CHUNK == 0 && to - index >= SLATE_CHUNK) {
            if (self->chunk_lack[index / SLATE_CHUNK] != SLATE_CHUNK_FULL)
                slate_broken(walk, "chunk", index / SLATE_CHUNK, "lies in a hole and is listed");
            index += SLATE_CHUNK;
            continue;
        }
        if (!slate_is_busy(self, index))
            slate_broken(walk, "frame", self->base + index, "is free but lies in a hole");
        if (slate_state_get(self->state, index) != SLATE_NO_HEAD)
            slate_broken(walk, "frame", self->base + index, "is granted but lies in a hole");
        index++;
    }
}

/* ---- what is cached ---- */

/* Is the frame inside a grant that begins before it? */
static bool slate_is_inside(const struct slate *self, uint64_t index)
{
    for (uint32_t order = 1; order <= SLATE_MAX_ORDER; order++) {
        uint64_t head = index & ~((UINT64_C(1) << order) - 1);
        if (head != index && slate_state_get(self->state, head) == SLATE_HEAD(order))
            return true;
    }
    return false;
}

static bool slate_is_frame(const struct slate *self, uint64_t index)
{
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        if (self->base + index - range->first.number < range->frame_count)
            return true;
    }
    return false;
}

static void slate_audit_cached(struct slate_walk *walk, uint64_t index, uint32_t order)
{
    const struct slate *self = walk->self;
    uint64_t frames = UINT64_C(1) << order;
    if (index % frames != 0 || index >= self->chunk_count * SLATE_CHUNK ||
        index + frames > self->chunk_count * SLATE_CHUNK) {
        slate_broken(walk, "block", self->base + index, "is cached and not a block of its order");
        return;
    }
    for (uint64_t at = index; at < index + frames; at++) {
        walk->found_sum += slate_mix(at);
        if (!slate_is_frame(self, at))
            slate_broken(walk, "frame", self->base + at, "is cached but lies in a hole");
        else if (!slate_is_busy(self, at))
            slate_broken(walk, "frame", self->base + at, "is cached and free at once");
        else if (slate_state_get(self->state, at) != SLATE_NO_HEAD || slate_is_inside(self, at))
            slate_broken(walk, "frame", self->base + at, "is cached and granted at once");
    }
    slate_say_block(walk, index, order, PL_BLOCK_CACHED);
}

/* What is owed and what is found must be the same frames, each once. */
static void slate_audit_caches(struct slate_walk *walk)
{
    const struct slate *self = walk->self;
    uint32_t depot = atomic_load_explicit(&self->depot_count, memory_order_relaxed);
    for (uint32_t i = 0; i < depot * self->batch; i++)
        slate_audit_cached(walk, self->depot[i] - self->base, 0);
    for (uint32_t id = 0; id < self->machine->cpu_count; id++) {
        const struct slate_cpu *own = slate_cpu_at(self, id);
        uint32_t count = atomic_load_explicit(&own->count, memory_order_relaxed);
        PL_ASSERT(count <= own->capacity);
        for (uint32_t i = 0; i < count; i++)
            slate_audit_cached(walk, own->frames[i] - self->base, 0);
        for (uint32_t order = 1; order <= SLATE_MAX_ORDER; order++) {
            uint32_t held = atomic_load_explicit(&own->held[order], memory_order_relaxed);
            PL_ASSERT(held <= self->slots[order]);
            for (uint32_t i = 0; i < held; i++)
                slate_audit_cached(walk, own->blocks[slate_slot_offset(order) + i] - self->base, order);
        }
    }
    if (slate_cached(self) != walk->owed)
        slate_broken(walk, "the number of cached frames", slate_cached(self),
                     "is not that of frames that are neither granted nor free");
    else if (walk->found_sum != walk->owed_sum)
        slate_broken(walk, "one of the cached frames, in all", walk->owed, "is cached twice and another not");
}

/* ---- lacks and lists ---- */

static bool slate_is_member(const struct slate *self, uint32_t lack, uint32_t level, uint64_t at)
{
    bool bit = (self->list[lack].level[level][at / 64] >> (at % 64) & 1) != 0;
    return bit != (lack == 0);
}

static bool slate_has_frames(const struct slate *self, uint64_t chunk)
{
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        uint64_t first = self->machine->ranges[i].first.number - self->base;
        if (first < (chunk + 1) * SLATE_CHUNK &&
            first + self->machine->ranges[i].frame_count > chunk * SLATE_CHUNK)
            return true;
    }
    return false;
}

static void slate_audit_chunk(struct slate_walk *walk, uint64_t chunk)
{
    const struct slate *self = walk->self;
    uint32_t lack = self->chunk_lack[chunk];
    if (slate_has_frames(self, chunk)) {
        for (uint64_t w = chunk * SLATE_CHUNK_WORDS; w < (chunk + 1) * SLATE_CHUNK_WORDS; w++) {
            if (self->word_lacks[w] != slate_lacks_of_word(~self->word[w]))
                slate_broken(walk, "word", w, "does not remember which orders fit into it");
        }
        if (lack != slate_lack_of_chunk(&self->word_lacks[chunk * SLATE_CHUNK_WORDS]))
            slate_broken(walk, "chunk", chunk, "does not remember which orders fit into it");
    }
    for (uint32_t list = 0; list < SLATE_CHUNK_FULL; list++) {
        if (slate_is_member(self, list, 0, chunk) != (list == lack))
            slate_broken(walk, "chunk", chunk, "is in a list that is not of its lack, or missing in its own");
    }
}

static void slate_audit_list(struct slate_walk *walk, uint32_t lack)
{
    const struct slate *self = walk->self;
    uint64_t members = self->chunk_count;
    for (uint32_t level = 0; level < self->level_count; level++) {
        for (uint64_t i = 0; i < self->level_words[level]; i++) {
            bool has = self->list[lack].level[level][i] != (lack == 0 ? UINT64_MAX : 0);
            bool said = level + 1 < self->level_count ? slate_is_member(self, lack, level + 1, i)
                                                      : (self->present >> lack & 1) != 0;
            if (has != said)
                slate_broken(walk, "list word", i, "disagrees with the level above it");
        }
        for (uint64_t i = members; i < self->level_words[level] * 64; i++) {
            if (slate_is_member(self, lack, level, i))
                slate_broken(walk, "list", lack, "has a member that does not exist");
        }
        members = self->level_words[level];
    }
}

uint64_t slate_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct slate *self = instance;
    const struct pl_machine *machine = self->machine;
    struct slate_walk walk = {.self = self, .visitor = visitor};
    uint64_t end = 0;
    PL_ASSERT(visitor != NULL);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        slate_audit_hole(&walk, end, machine->ranges[i].first.number - self->base);
        slate_audit_range(&walk, &machine->ranges[i]);
        end = machine->ranges[i].first.number + machine->ranges[i].frame_count - self->base;
    }
    slate_audit_hole(&walk, end, self->chunk_count * SLATE_CHUNK);
    slate_audit_caches(&walk);
    for (uint64_t chunk = 0; chunk < self->chunk_count; chunk++)
        slate_audit_chunk(&walk, chunk);
    for (uint32_t lack = 0; lack < SLATE_CHUNK_FULL; lack++)
        slate_audit_list(&walk, lack);
    uint64_t counted = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    if (counted != walk.free_count)
        slate_broken(&walk, "the count", counted, "is not the number of free frames");
    return walk.broken;
}
