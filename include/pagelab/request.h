/* What a caller asks for and what it gets: requests, runs, constraints.
 * Neutral names; the systems translate (FreeBSD VM_ALLOC_*, Linux gfp, IOKit options). */
#ifndef PAGELAB_REQUEST_H
#define PAGELAB_REQUEST_H

#include <pagelab/types.h>

/* Who may take the last frames (FreeBSD VM_ALLOC_NORMAL, SYSTEM, INTERRUPT; exactly one). Monotone: what
 * NORMAL gets, SYSTEM gets; what SYSTEM gets, INTERRUPT gets (F-4). */
enum pl_class {
    PL_CLASS_NORMAL = 0,
    PL_CLASS_SYSTEM = 1,
    PL_CLASS_INTERRUPT = 2,
    PL_CLASS_COUNT = 3,
};

/* Can the owner give the frame back when asked? A hint that groups grants (Linux migrate types). */
enum pl_mobility {
    PL_MOBILITY_UNMOVABLE = 0,
    PL_MOBILITY_MOVABLE = 1,
    PL_MOBILITY_RECLAIMABLE = 2,
    PL_MOBILITY_COUNT = 3,
};

#define PL_REQUEST_ZERO       UINT32_C(0x0001) /* prefers a frame known to be zero; never causes zeroing */
#define PL_REQUEST_WAIT_OK    UINT32_C(0x0002) /* may sleep until it succeeds */
#define PL_REQUEST_WAIT_FAIL  UINT32_C(0x0004) /* after a failure sleeps once, then still fails */
#define PL_REQUEST_NO_RECLAIM UINT32_C(0x0008) /* does not break reservations */
#define PL_REQUEST_NEVER_FREE UINT32_C(0x0010) /* promised never to be freed: may come from a bump arena */
#define PL_REQUEST_NO_DUMP    UINT32_C(0x0020) /* left out of crash dumps */
#define PL_REQUEST_NODE_ONLY  UINT32_C(0x0040) /* no fallback to another node */

#define PL_NODE_ANY UINT16_MAX

/* Read-only to the callee; may be reused for many calls. */
struct pl_request {
    uint8_t order;       /* 2^order frames, aligned to their size */
    uint8_t alloc_class; /* enum pl_class */
    uint8_t mobility;    /* enum pl_mobility */
    uint8_t reserved8;
    uint16_t node; /* wanted node, or PL_NODE_ANY */
    uint16_t reserved16;
    uint32_t flags; /* PL_REQUEST_* */
    uint32_t
        count_hint; /* frames that the caller will want soon (VM_ALLOC_COUNT); changes no outcome (F-26) */
    uint64_t owner; /* the object that the frame is for, 0 for none (the no-object forms) */
    uint64_t index; /* page index in the owner; colours and reservations derive from it */
    uint64_t reserved[2];
};

#define PL_RUN_ZERO       UINT32_C(0x0001) /* every byte is zero: from alloc and, as a promise, to free (F-11) */
#define PL_RUN_FROM_CACHE UINT32_C(0x0002) /* came from a per-CPU cache, wants to go back there */
#define PL_RUN_NEVER_FREE UINT32_C(0x0004) /* from the never-free arena */

/* Consecutive frames. Filled by alloc; given back to free as a whole, or in parts after split. `order` is
 * meaningful when frame_count is a power of two; alloc_run leaves it PL_ORDER_NONE otherwise. */
struct pl_run {
    pl_frame first;
    uint64_t frame_count;
    uint32_t order;
    uint32_t flags; /* PL_RUN_* */
    uint64_t reserved;
};

#define PL_ORDER_NONE UINT32_MAX

/* For alloc_run (FreeBSD vm_page_alloc_contig; units here are frames, not bytes). The run lies in [low,
 * high), starts at a multiple of alignment, and does not cross a multiple of boundary. alignment and boundary
 * are powers of two; boundary 0 means none. PL_INVALID otherwise. */
struct pl_constraints {
    uint64_t frame_count; /* > 0 */
    pl_frame low;
    pl_frame high;
    uint64_t alignment;
    uint64_t boundary;
    uint64_t reserved[3];
};

PL_INLINE bool pl_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* The lowest frame number at or above `from` where alignment and boundary let the run begin, or
 * PL_FRAME_NONE; low and high are the caller's. Alignment and boundary are legal. */
PL_INLINE uint64_t pl_legal_start(const struct pl_constraints *want, uint64_t from)
{
    uint64_t start = (from + want->alignment - 1) & ~(want->alignment - 1);
    if (start < from)
        return PL_FRAME_NONE;
    if (want->boundary == 0)
        return start;
    if (want->frame_count > want->boundary)
        return PL_FRAME_NONE;
    uint64_t left = want->boundary - (start & (want->boundary - 1));
    if (left >= want->frame_count)
        return start;
    /* Not at a multiple of the boundary: that is the larger power of the two, and its next multiple is
     * aligned. */
    return start + left > start ? start + left : PL_FRAME_NONE;
}

/* The same within frames [low, high) and the caller's own bounds, where the whole run must lie. */
PL_INLINE uint64_t pl_legal_fit(const struct pl_constraints *want, uint64_t low, uint64_t high)
{
    low = low > want->low.number ? low : want->low.number;
    high = high < want->high.number ? high : want->high.number;
    uint64_t start = pl_legal_start(want, low);
    return start < high && high - start >= want->frame_count ? start : PL_FRAME_NONE;
}

#endif
