/* Watermarks: how many frames a zone keeps back, and from whom. A zone is described by numbers alone, so that
 * the test can be tried over every combination without a machine.
 *
 *     free frames   0 ........ 37.5% .. 50% ........ min ....... low ....... high
 *                   | ATOMIC+OOM | ATOMIC | HIGH,OOM | everybody | first attempt | page daemon rests
 *
 * A node is one zone here, and its marks come from its own frames alone. The kernel takes the root over the
 * whole machine and shares that out among zones by size, so that of two equal nodes each has 1/sqrt(2) of
 * what it has here.
 *
 * Source: Linux mm/page_alloc.c 6.3 to 6.7. Units: frames, unless said. */
#ifndef SYSTEMS_LINUX_WATERMARK_H
#define SYSTEMS_LINUX_WATERMARK_H

#include "systems/linux/gfp.h"

/* Lists of free blocks, by what was promised of their contents. */
enum linux_list {
    LINUX_LIST_UNMOVABLE,
    LINUX_LIST_MOVABLE,
    LINUX_LIST_RECLAIMABLE,
    LINUX_LIST_CMA,
    LINUX_LIST_HIGHATOMIC,
    LINUX_LIST_COUNT,
};

/* Zones that a request may name as the highest that it can use. */
enum linux_zone_index {
    LINUX_ZONE_DMA,
    LINUX_ZONE_NORMAL,
    LINUX_ZONE_HIGHMEM,
    LINUX_ZONE_INDEX_COUNT,
};

struct linux_watermarks {
    uint64_t mark[3]; /* MIN, LOW, HIGH: by LINUX_ALLOC_MARK_MASK */
    uint64_t boost;   /* added to all three for a while after a block changed its list */
    uint64_t lowmem_reserve[LINUX_ZONE_INDEX_COUNT];
    uint64_t reserved_highatomic; /* frames in pageblocks that are kept for atomic requests */
    uint64_t free_cma;
    /* Bit o: a free block of order o is on the list. All ones where only the candidate knows: then it says
     * no itself. */
    uint32_t blocks[LINUX_LIST_COUNT];
};

/* For a zone of so many frames. min is sqrt(16 x KiB) KiB, from 128 KiB to 256 MiB as in the kernel, but at
 * most an eighth of the zone, so that a machine of 64 frames has something left, and at least 1; the steps to
 * low and high are a quarter of min, or a thousandth of the zone if that is more. Requests that could use
 * high memory leave a 32nd, as if there was as much of that. No boost, no reserve of pageblocks, no CMA;
 * block lists all ones. */
struct linux_watermarks linux_watermarks_of(uint64_t managed_frames);

/* The zone index of a request. */
enum linux_zone_index linux_zone_index_of(uint32_t gfp);

/* Frames that do not count for this request. */
uint64_t linux_watermark_unusable(const struct linux_watermarks *zone, uint32_t order, uint32_t flags);

/* The full test. order <= PL_ORDER_LIMIT; every count below 2^62. */
bool linux_watermark_ok(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t order,
                        uint32_t flags, enum linux_zone_index index);

/* The shortcut for single frames alone: true means that the full test is true, too (L-20). */
bool linux_watermark_shortcut(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t flags,
                              enum linux_zone_index index);

/* What the allocator asks: the shortcut, the full test, and for single frames out of the reserve once more
 * without the boost. NO_WATERMARKS is always true. */
bool linux_watermark_fast(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t order,
                          uint32_t flags, enum linux_zone_index index);

#endif
