/* An instance of jemalloc on a machine: the arena, its extent hooks, a thread cache for each CPU. */
#ifndef JEMALLOC_ARENA_H
#define JEMALLOC_ARENA_H

#include "jemalloc_pool.h"
#include <jemalloc/jemalloc.h>
#include <pagelab/types.h>

#define JEMALLOC_MAX_ORDER 10u

/* jemalloc aligns addresses, requests align frame numbers: frame number 0 has to be, or would have to be, at
 * a multiple of the largest block's bytes. */
#define JEMALLOC_ARENA_ALIGNMENT ((uint64_t)PL_FRAME_BYTES << JEMALLOC_MAX_ORDER)

/* jemalloc takes its metadata in blocks of this size and alignment at least. */
#define JEMALLOC_BASE_BYTES ((size_t)2 << 20)

/* Counters: written by their own CPU only, masked. */
struct jemalloc_cpu {
    PL_CPU_ALIGNED _Atomic int64_t granted; /* frames granted here minus frames freed here */
    _Atomic int64_t padding;                /* frames that jemalloc spends beside those, likewise */
    int flags[JEMALLOC_MAX_ORDER + 1];      /* for mallocx and sdallocx, by order */
    unsigned tcache;
    bool has_tcache;
};

/* jemalloc's arena keeps a pointer to `hooks`; the pool's holes follow the struct. */
struct jemalloc_state {
    struct jemalloc_cpu cpus[PL_CPU_LIMIT];
    extent_hooks_t hooks;
    uintptr_t addr_of_frame_0; /* outside the contents unless the machine begins at 0 */
    const struct pl_machine *machine;
    unsigned arena;
    bool with_tcache;
    bool is_oblivious; /* jemalloc's cache_oblivious: a page is added to each block of 16 KiB or more */
    struct jemalloc_pool pool;
};

/* Frames that a block of an order above 0 takes beyond its own: an 8 KiB block at a multiple of 8 KiB is
 * given 16 KiB, and the page above may be added. */
PL_INLINE int64_t jemalloc_arena_padding(const struct jemalloc_state *state, uint32_t order)
{
    return (order == 1 ? 2 : 0) + (state->is_oblivious ? 1 : 0);
}

/* Whether the machine has contents at fitting addresses, one node, and room for a block of metadata. */
bool jemalloc_arena_takes(const struct pl_machine *machine);

/* PL_UNSUPPORTED, PL_NO_MEMORY: nothing is left behind. */
enum pl_status jemalloc_arena_init(struct jemalloc_state *state, const struct pl_machine *machine,
                                   bool with_tcache);
void jemalloc_arena_fini(struct jemalloc_state *state);

/* Lets free extents merge with their neighbours. */
void jemalloc_arena_merge(const struct jemalloc_state *state);

/* Empties a CPU's thread cache. */
void jemalloc_arena_flush(const struct jemalloc_state *state, uint32_t cpu_id);

void jemalloc_arena_settings(const struct jemalloc_state *state, char *text, size_t bytes);

#endif
