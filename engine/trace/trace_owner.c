/* See trace_owner.h. */
#include "engine/trace/trace_owner.h"

#include <string.h>

#include <pagelab/check.h>

#include "engine/trace/trace_event.h"
#include "engine/trace/trace_grow.h"

#define LEVEL_BITS   9u
#define LEVEL_COUNT  5u
#define NODE_ENTRIES (1u << LEVEL_BITS)

_Static_assert(TRACE_FRAME_LIMIT == UINT64_C(1) << (LEVEL_BITS * LEVEL_COUNT), "the levels cover all frames");

/* An entry: 0 empty; CHILD | node; otherwise owner + 1. */
#define CHILD UINT32_C(0x80000000)

static unsigned shift_of(unsigned level)
{
    return level * LEVEL_BITS;
}

static size_t entry_at(uint32_t node, uint64_t frame, unsigned level)
{
    return (size_t)node * NODE_ENTRIES + (frame >> shift_of(level) & (NODE_ENTRIES - 1));
}

static uint32_t entry_of(uint32_t owner)
{
    return owner == TRACE_OWNER_NONE ? 0 : owner + 1;
}

uint32_t trace_owner_get(const struct trace_owner *map, uint64_t frame, uint64_t *run_end)
{
    PL_ASSERT(frame < TRACE_FRAME_LIMIT);
    uint32_t node = 0;
    if (map->node_count == 0) {
        *run_end = TRACE_FRAME_LIMIT;
        return TRACE_OWNER_NONE;
    }
    for (unsigned level = LEVEL_COUNT - 1;; level--) {
        const uint32_t entry = map->entries[entry_at(node, frame, level)];
        if ((entry & CHILD) == 0) {
            *run_end = ((frame >> shift_of(level)) + 1) << shift_of(level);
            return entry == 0 ? TRACE_OWNER_NONE : entry - 1;
        }
        PL_ASSERT(level != 0);
        node = entry & ~CHILD;
    }
}

/* A node whose entries are all `entry`. 0 without memory: node 0 is the root. */
static uint32_t node_new(struct trace_owner *map, uint32_t entry)
{
    uint32_t node = map->first_spare;
    if (node != 0) {
        map->first_spare = map->entries[(size_t)node * NODE_ENTRIES];
    } else {
        const size_t node_bytes = NODE_ENTRIES * sizeof(*map->entries);
        if (map->node_count >= TRACE_OWNER_LIMIT)
            return 0;
        uint32_t *grown = trace_grow(map->entries, &map->node_capacity, map->node_count + 1, node_bytes);
        if (grown == NULL)
            return 0;
        map->entries = grown;
        node = (uint32_t)map->node_count++;
    }
    uint32_t *entries = &map->entries[(size_t)node * NODE_ENTRIES];
    for (unsigned i = 0; i < NODE_ENTRIES; i++)
        entries[i] = entry;
    return node;
}

/* Gives up what is below an entry that is about to be overwritten. At most LEVEL_COUNT deep. */
static void entry_drop(struct trace_owner *map, uint32_t entry)
{
    if ((entry & CHILD) == 0)
        return;
    const uint32_t node = entry & ~CHILD;
    for (unsigned i = 0; i < NODE_ENTRIES; i++)
        entry_drop(map, map->entries[(size_t)node * NODE_ENTRIES + i]);
    map->entries[(size_t)node * NODE_ENTRIES] = map->first_spare;
    map->first_spare = node;
}

/* Goes down while one entry covers all of [first, end) and has a node below it: most of the way, for most
 * sets. */
static uint32_t node_down(const struct trace_owner *map, uint64_t first, uint64_t end, unsigned *level)
{
    uint32_t node = 0;
    for (*level = LEVEL_COUNT - 1; *level > 0; --*level) {
        const uint32_t entry = map->entries[entry_at(node, first, *level)];
        const bool is_whole = end - first == UINT64_C(1) << shift_of(*level);
        if ((entry & CHILD) == 0 || is_whole || first >> shift_of(*level) != (end - 1) >> shift_of(*level))
            break;
        node = entry & ~CHILD;
    }
    return node;
}

/* Sets [first, end), which lies within `node`. Recursion goes down one level a call. */
static bool node_set(struct trace_owner *map, uint32_t node, unsigned level, uint64_t first, uint64_t end,
                     uint32_t entry)
{
    const uint64_t step = UINT64_C(1) << shift_of(level);
    while (first < end) {
        const size_t at = entry_at(node, first, level);
        const uint64_t entry_end = (first | (step - 1)) + 1;
        const uint64_t stop = end < entry_end ? end : entry_end;
        if (stop - first == step) {
            entry_drop(map, map->entries[at]);
            map->entries[at] = entry;
        } else {
            uint32_t child = map->entries[at];
            if ((child & CHILD) == 0) {
                const uint32_t fresh = node_new(map, child);
                if (fresh == 0)
                    return false;
                child = CHILD | fresh;
                map->entries[at] = child;
            }
            if (!node_set(map, child & ~CHILD, level - 1, first, stop, entry))
                return false;
        }
        first = stop;
    }
    return true;
}

bool trace_owner_set(struct trace_owner *map, uint64_t first, uint64_t end, uint32_t owner)
{
    PL_ASSERT(first < end);
    PL_ASSERT(end <= TRACE_FRAME_LIMIT);
    PL_ASSERT(owner <= TRACE_OWNER_NONE);
    if (map->node_count == 0) {
        (void)node_new(map, 0);
        if (map->node_count == 0)
            return false;
    }
    unsigned level;
    const uint32_t node = node_down(map, first, end, &level);
    return node_set(map, node, level, first, end, entry_of(owner));
}

void trace_owner_fini(struct trace_owner *map)
{
    free(map->entries);
    *map = (struct trace_owner){0};
}
