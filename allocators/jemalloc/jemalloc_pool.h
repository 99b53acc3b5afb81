/* Frames that jemalloc has not asked for yet: what the extent hooks hand out. First fit over the holes that
 * are left of the machine's ranges, in rising order. Nothing comes back before fini: jemalloc keeps what it
 * has.
 *
 *     range 0                         range 1
 *     [ extents | hole | base ][ hole ]     [ hole                ]
 *                 ^ left by an aligned take */
#ifndef JEMALLOC_POOL_H
#define JEMALLOC_POOL_H

#include <pagelab/machine.h>

/* Holes that aligned takes can add. When there are no more entries, a take that would need one looks on. */
#define JEMALLOC_POOL_SPARE_HOLES 256u

/* Bytes [addr, addr + bytes), a multiple of a frame, never empty. */
struct jemalloc_hole {
    uintptr_t addr;
    uintptr_t bytes;
};

/* holes[0 .. hole_count) ascend. `busy` guards all of it: the hooks know no CPU, so it cannot be a pl_lock.
 */
struct jemalloc_pool {
    atomic_flag busy;
    uint32_t hole_count;
    uint32_t hole_capacity;
    uint32_t reserved;
    uint64_t bytes_free;
    _Atomic uint64_t bytes_base; /* taken for jemalloc's own metadata */
    struct jemalloc_hole *holes;
};

uint32_t jemalloc_pool_holes_max(const struct pl_machine *machine);

/* Makes every range free. `holes` has room for jemalloc_pool_holes_max entries. */
void jemalloc_pool_init(struct jemalloc_pool *pool, const struct pl_machine *machine,
                        struct jemalloc_hole *holes);

/* `bytes` at a multiple of `alignment`, or NULL. `is_base`: counted as metadata. From any thread. */
void *jemalloc_pool_take(struct jemalloc_pool *pool, size_t bytes, size_t alignment, bool is_base);

#endif
