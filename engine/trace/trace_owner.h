/* Who owns a frame: a map from frame numbers to block numbers, built like a page table. A node has 512
 * entries; an entry is empty, one owner for all of its frames, or a node of the next level. So a block of any
 * order costs a few entries, and the map's memory follows what was set, not how far apart the frames are. */
#ifndef ENGINE_TRACE_TRACE_OWNER_H
#define ENGINE_TRACE_TRACE_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_OWNER_NONE  UINT32_C(0x7fffffff)
#define TRACE_OWNER_LIMIT TRACE_OWNER_NONE /* owners are below */

/* All zero is empty: node 0, the root, is made by the first set. */
struct trace_owner {
    uint32_t *entries;
    size_t node_count;
    size_t node_capacity;
    uint32_t first_spare; /* nodes given up, linked through their entry 0; 0: none */
};

/* The owner of `frame`, and in *run_end the end of a run of frames from `frame` on that have that owner too
 * (they may not be all). */
uint32_t trace_owner_get(const struct trace_owner *map, uint64_t frame, uint64_t *run_end);

/* Makes `owner`, which may be TRACE_OWNER_NONE, the owner of [first, end). False without memory: the map is
 * then fit only for trace_owner_fini. */
bool trace_owner_set(struct trace_owner *map, uint64_t first, uint64_t end, uint32_t owner);

void trace_owner_fini(struct trace_owner *map);

#endif
