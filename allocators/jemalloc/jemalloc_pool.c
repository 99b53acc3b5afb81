/* First fit over a short sorted array of holes. */
#include <string.h>

#include "jemalloc_pool.h"
#include <pagelab/check.h>

uint32_t jemalloc_pool_holes_max(const struct pl_machine *machine)
{
    return machine->range_count + JEMALLOC_POOL_SPARE_HOLES;
}

void jemalloc_pool_init(struct jemalloc_pool *pool, const struct pl_machine *machine,
                        struct jemalloc_hole *holes)
{
    *pool = (struct jemalloc_pool){
        .busy = ATOMIC_FLAG_INIT,
        .hole_count = machine->range_count,
        .hole_capacity = jemalloc_pool_holes_max(machine),
        .bytes_free = machine->frame_count * PL_FRAME_BYTES,
        .holes = holes,
    };
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        holes[i].addr = (uintptr_t)pl_frame_address(machine, range->first);
        holes[i].bytes = range->frame_count * PL_FRAME_BYTES;
    }
}

/* Cuts [addr, addr + bytes) out of holes[at]; 0, 1 or 2 holes remain of it. False if the second needs an
 * entry and there is none. */
static bool pool_cut(struct jemalloc_pool *pool, uint32_t at, uintptr_t addr, size_t bytes)
{
    struct jemalloc_hole *hole = &pool->holes[at];
    struct jemalloc_hole before = {.addr = hole->addr, .bytes = addr - hole->addr};
    struct jemalloc_hole behind = {.addr = addr + bytes, .bytes = hole->bytes - before.bytes - bytes};
    uint32_t remain = (before.bytes != 0 ? 1u : 0u) + (behind.bytes != 0 ? 1u : 0u);
    if (remain == 2 && pool->hole_count == pool->hole_capacity)
        return false;
    if (remain != 1) {
        uint32_t tail = pool->hole_count - at - 1;
        memmove(hole + remain, hole + 1, tail * sizeof(*hole));
        pool->hole_count = at + remain + tail;
    }
    if (before.bytes != 0)
        *hole++ = before;
    if (behind.bytes != 0)
        *hole = behind;
    pool->bytes_free -= bytes;
    return true;
}

static uintptr_t pool_first_fit(struct jemalloc_pool *pool, size_t bytes, size_t alignment)
{
    for (uint32_t i = 0; i < pool->hole_count; i++) {
        const struct jemalloc_hole *hole = &pool->holes[i];
        uintptr_t addr = (hole->addr + alignment - 1) & ~(uintptr_t)(alignment - 1);
        uintptr_t skipped = addr - hole->addr;
        if (skipped <= hole->bytes && hole->bytes - skipped >= bytes && pool_cut(pool, i, addr, bytes))
            return addr;
    }
    return 0;
}

void *jemalloc_pool_take(struct jemalloc_pool *pool, size_t bytes, size_t alignment, bool is_base)
{
    PL_ASSERT(bytes != 0 && bytes % PL_FRAME_BYTES == 0);
    PL_ASSERT((alignment & (alignment - 1)) == 0);
    while (atomic_flag_test_and_set_explicit(&pool->busy, memory_order_acquire))
        PL_PAUSE();
    uintptr_t addr = pool_first_fit(pool, bytes, alignment);
    if (addr != 0 && is_base)
        pool->bytes_base += bytes;
    atomic_flag_clear_explicit(&pool->busy, memory_order_release);
    return (void *)addr;
}
