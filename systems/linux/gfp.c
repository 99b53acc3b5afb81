/* See gfp.h. */
#include "systems/linux/gfp.h"

_Static_assert(LINUX_GFP_HIGH == LINUX_ALLOC_MIN_RESERVE, "copied, not translated");
_Static_assert(LINUX_GFP_KSWAPD_RECLAIM == LINUX_ALLOC_KSWAPD, "copied, not translated");

uint32_t linux_alloc_flags_fast(uint32_t gfp)
{
    return LINUX_ALLOC_LOW | LINUX_ALLOC_CPUSET | (gfp & LINUX_GFP_KSWAPD_RECLAIM);
}

/* Tasks that free memory, or are about to die of its lack. */
static uint32_t emergency_flags(uint32_t gfp, bool in_task, const struct linux_task *task)
{
    if (gfp & LINUX_GFP_NOMEMALLOC)
        return 0;
    if (gfp & LINUX_GFP_MEMALLOC)
        return LINUX_ALLOC_NO_WATERMARKS;
    return in_task && task->oom_victim ? LINUX_ALLOC_OOM : 0;
}

uint32_t linux_alloc_flags_slow(uint32_t gfp, uint32_t order, const struct pl_cpu *cpu,
                                const struct linux_task *task)
{
    bool in_task = cpu->context == PL_CONTEXT_TASK;
    uint32_t flags = LINUX_ALLOC_MIN | LINUX_ALLOC_CPUSET;
    flags |= gfp & (LINUX_GFP_HIGH | LINUX_GFP_KSWAPD_RECLAIM);
    if (!linux_gfp_may_sleep(gfp)) {
        if (!(gfp & LINUX_GFP_NOMEMALLOC))
            flags |= LINUX_ALLOC_NON_BLOCK | (order > 0 ? LINUX_ALLOC_HIGHATOMIC : 0);
        if (gfp & LINUX_GFP_HIGH)
            flags &= ~LINUX_ALLOC_CPUSET;
    } else if (task->realtime && in_task) {
        flags |= LINUX_ALLOC_MIN_RESERVE;
    }
    return flags | emergency_flags(gfp, in_task, task);
}
