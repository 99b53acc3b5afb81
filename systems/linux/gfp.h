/* What a Linux caller says about its memory: gfp bits, the names of their usual sets, and what the allocator
 * makes of them (its own flags). The bits are those of 4.20 to 6.2 where these have one; kernels number them
 * differently, so nothing outside may rely on a value. Source: Linux include/linux/gfp_types.h,
 * mm/page_alloc.c 6.3 to 6.7; docs/invariants.md, section L. */
#ifndef SYSTEMS_LINUX_GFP_H
#define SYSTEMS_LINUX_GFP_H

#include <pagelab/cpu.h>

#define LINUX_GFP_DMA            UINT32_C(0x000001)
#define LINUX_GFP_HIGHMEM        UINT32_C(0x000002)
#define LINUX_GFP_DMA32          UINT32_C(0x000004)
#define LINUX_GFP_MOVABLE        UINT32_C(0x000008)
#define LINUX_GFP_RECLAIMABLE    UINT32_C(0x000010)
#define LINUX_GFP_HIGH           UINT32_C(0x000020) /* may use the reserve; equals LINUX_ALLOC_MIN_RESERVE */
#define LINUX_GFP_IO             UINT32_C(0x000040)
#define LINUX_GFP_FS             UINT32_C(0x000080)
#define LINUX_GFP_ZERO           UINT32_C(0x000100)
#define LINUX_GFP_DIRECT_RECLAIM UINT32_C(0x000400) /* the one bit that allows sleep */
#define LINUX_GFP_KSWAPD_RECLAIM UINT32_C(0x000800) /* wakes the page daemon; equals LINUX_ALLOC_KSWAPD */
#define LINUX_GFP_WRITE          UINT32_C(0x001000)
#define LINUX_GFP_NOWARN         UINT32_C(0x002000)
#define LINUX_GFP_RETRY_MAYFAIL  UINT32_C(0x004000)
#define LINUX_GFP_NOFAIL         UINT32_C(0x008000)
#define LINUX_GFP_NORETRY        UINT32_C(0x010000)
#define LINUX_GFP_MEMALLOC       UINT32_C(0x020000) /* frees memory soon: may take all of it */
#define LINUX_GFP_COMP           UINT32_C(0x040000)
#define LINUX_GFP_NOMEMALLOC     UINT32_C(0x080000) /* wins over MEMALLOC */
#define LINUX_GFP_HARDWALL       UINT32_C(0x100000)
#define LINUX_GFP_THISNODE       UINT32_C(0x200000)
#define LINUX_GFP_ACCOUNT        UINT32_C(0x400000)

/* Bits that exist; 0x200 was ATOMIC and went away in 6.3. */
#define LINUX_GFP_ALL UINT32_C(0x7ffdff)

#define LINUX_GFP_NOWAIT LINUX_GFP_KSWAPD_RECLAIM
#define LINUX_GFP_ATOMIC (LINUX_GFP_HIGH | LINUX_GFP_KSWAPD_RECLAIM)
#define LINUX_GFP_NOIO   (LINUX_GFP_DIRECT_RECLAIM | LINUX_GFP_KSWAPD_RECLAIM)
#define LINUX_GFP_NOFS   (LINUX_GFP_NOIO | LINUX_GFP_IO)
#define LINUX_GFP_KERNEL (LINUX_GFP_NOFS | LINUX_GFP_FS)

/* The allocator's own flags. The two low bits name a watermark. */
#define LINUX_ALLOC_MIN           UINT32_C(0x000)
#define LINUX_ALLOC_LOW           UINT32_C(0x001)
#define LINUX_ALLOC_HIGH          UINT32_C(0x002)
#define LINUX_ALLOC_MARK_MASK     UINT32_C(0x003)
#define LINUX_ALLOC_NO_WATERMARKS UINT32_C(0x004)
#define LINUX_ALLOC_OOM           UINT32_C(0x008) /* about to be killed: half of what is left */
#define LINUX_ALLOC_NON_BLOCK     UINT32_C(0x010) /* worth something only together with MIN_RESERVE */
#define LINUX_ALLOC_MIN_RESERVE   UINT32_C(0x020)
#define LINUX_ALLOC_CPUSET        UINT32_C(0x040)
#define LINUX_ALLOC_CMA           UINT32_C(0x080)
#define LINUX_ALLOC_NOFRAGMENT    UINT32_C(0x100)
#define LINUX_ALLOC_HIGHATOMIC    UINT32_C(0x200)
#define LINUX_ALLOC_KSWAPD        UINT32_C(0x800)
#define LINUX_ALLOC_RESERVES                                                                                 \
    (LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_MIN_RESERVE | LINUX_ALLOC_HIGHATOMIC | LINUX_ALLOC_OOM)

/* The task that runs ("current"), as far as the allocator asks. */
struct linux_task {
    bool realtime;
    bool oom_victim;
};

/* May the call sleep? Interrupt-level callers need a mask for which this is false. */
PL_INLINE bool linux_gfp_may_sleep(uint32_t gfp)
{
    return (gfp & LINUX_GFP_DIRECT_RECLAIM) != 0;
}

/* Flags of the first attempt: watermark LOW, no reserve. */
uint32_t linux_alloc_flags_fast(uint32_t gfp);

/* Flags of all later attempts: watermark MIN, and what the mask, the order and the task entitle to (3.5). */
uint32_t linux_alloc_flags_slow(uint32_t gfp, uint32_t order, const struct pl_cpu *cpu,
                                const struct linux_task *task);

#endif
