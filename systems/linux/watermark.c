/* See watermark.h. The arithmetic is signed: a zone can have fewer frames than are unusable. */
#include "systems/linux/watermark.h"

#include <string.h>

#include <pagelab/mutant.h>

#include "systems/lie.h"

#define FRAME_KIB          (PL_FRAME_BYTES / 1024)
#define MIN_KIB_LEAST      UINT64_C(128)
#define MIN_KIB_MOST       UINT64_C(262144)
#define SCALE_PER_10000    UINT64_C(10)
#define SMALL_SHARE        8u
#define HIGHMEM_SHARE      32u
#define WIDEST_FRAME_COUNT (UINT64_C(1) << 50)

static uint64_t square_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= value)
            root |= bit;
    }
    return root;
}

static uint64_t max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

struct linux_watermarks linux_watermarks_of(uint64_t managed_frames)
{
    struct linux_watermarks zone;
    uint64_t managed = min_of(managed_frames, WIDEST_FRAME_COUNT);
    uint64_t kib = square_root(16 * FRAME_KIB * managed);
    uint64_t min = min_of(max_of(kib, MIN_KIB_LEAST), MIN_KIB_MOST) / FRAME_KIB;
    memset(&zone, 0, sizeof(zone));
    min = max_of(min_of(min, managed / SMALL_SHARE), 1);
    uint64_t step = max_of(min / 4, managed * SCALE_PER_10000 / 10000);
    zone.mark[LINUX_ALLOC_MIN] = min;
    zone.mark[LINUX_ALLOC_LOW] = min + step;
    zone.mark[LINUX_ALLOC_HIGH] = min + 2 * step;
    zone.lowmem_reserve[LINUX_ZONE_HIGHMEM] = managed / HIGHMEM_SHARE;
    memset(zone.blocks, 0xff, sizeof(zone.blocks));
    return zone;
}

enum linux_zone_index linux_zone_index_of(uint32_t gfp)
{
    if (gfp & LINUX_GFP_DMA)
        return LINUX_ZONE_DMA;
    return gfp & LINUX_GFP_HIGHMEM ? LINUX_ZONE_HIGHMEM : LINUX_ZONE_NORMAL;
}

/* 3 does not name a mark; the caller's flags come from gfp.c, which never says it. */
static uint64_t mark_of(const struct linux_watermarks *zone, uint32_t flags)
{
    uint32_t at = flags & LINUX_ALLOC_MARK_MASK;
    return zone->mark[at == LINUX_ALLOC_MARK_MASK ? LINUX_ALLOC_HIGH : at];
}

uint64_t linux_watermark_unusable(const struct linux_watermarks *zone, uint32_t order, uint32_t flags)
{
    uint64_t unusable = (UINT64_C(1) << order) - 1;
    if (!(flags & LINUX_ALLOC_RESERVES) && PL_MUTANT("linux-reserve-ignored"))
        PL_MUTANT_TRIGGERED("linux-reserve-ignored", zone->reserved_highatomic != 0);
    else if (!(flags & LINUX_ALLOC_RESERVES))
        unusable += zone->reserved_highatomic;
    if (!(flags & LINUX_ALLOC_CMA))
        unusable += zone->free_cma;
    return unusable;
}

/* Is a block large enough on a list that the request may take from? */
static bool has_block(const struct linux_watermarks *zone, uint32_t order, uint32_t flags)
{
    uint32_t seen = zone->blocks[LINUX_LIST_UNMOVABLE] | zone->blocks[LINUX_LIST_MOVABLE] |
                    zone->blocks[LINUX_LIST_RECLAIMABLE];
    if (flags & LINUX_ALLOC_CMA)
        seen |= zone->blocks[LINUX_LIST_CMA];
    if (flags & (LINUX_ALLOC_HIGHATOMIC | LINUX_ALLOC_OOM))
        seen |= zone->blocks[LINUX_LIST_HIGHATOMIC];
    return seen >> order != 0;
}

/* Discounts are nested: NON_BLOCK alone gives nothing (L-16, R-10). */
static int64_t discounted(int64_t min, uint32_t flags)
{
    if (flags & LINUX_ALLOC_MIN_RESERVE)
        min -= min / 2;
    if (flags & LINUX_ALLOC_NON_BLOCK && (flags & LINUX_ALLOC_MIN_RESERVE || LIE("L-16")))
        min -= min / 4;
    else if (flags & LINUX_ALLOC_NON_BLOCK && PL_MUTANT("linux-discount-outside")) {
        PL_MUTANT_TRIGGERED("linux-discount-outside", min >= 4);
        min -= min / 4;
    }
    if (flags & LINUX_ALLOC_OOM)
        min -= min / 2;
    return min;
}

static bool passes(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t order, uint32_t flags,
                   enum linux_zone_index index, uint64_t mark)
{
    int64_t usable = (int64_t)free_frames - (int64_t)linux_watermark_unusable(zone, order, flags);
    int64_t min = discounted((int64_t)mark, flags);
    if (usable <= min + (int64_t)zone->lowmem_reserve[index])
        return false;
    return order == 0 || has_block(zone, order, flags);
}

bool linux_watermark_ok(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t order,
                        uint32_t flags, enum linux_zone_index index)
{
    return passes(zone, free_frames, order, flags, index, mark_of(zone, flags) + zone->boost);
}

bool linux_watermark_shortcut(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t flags,
                              enum linux_zone_index index)
{
    uint64_t unusable = linux_watermark_unusable(zone, 0, flags);
    /* Clamped: unsigned, and without the clamp a zone that has less than is unusable would seem endless. */
    bool wraps = PL_MUTANT("linux-reserve-wraps");
    PL_MUTANT_TRIGGERED("linux-reserve-wraps", free_frames < unusable);
    uint64_t usable =
        LIE("L-20") || wraps ? free_frames - unusable : free_frames - min_of(free_frames, unusable);
    return usable > mark_of(zone, flags) + zone->boost + zone->lowmem_reserve[index];
}

bool linux_watermark_fast(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t order,
                          uint32_t flags, enum linux_zone_index index)
{
    if (flags & LINUX_ALLOC_NO_WATERMARKS)
        return true;
    if (order == 0 && linux_watermark_shortcut(zone, free_frames, flags, index))
        return true;
    if (linux_watermark_ok(zone, free_frames, order, flags, index))
        return true;
    if (order != 0 || zone->boost == 0 || !(flags & LINUX_ALLOC_MIN_RESERVE) ||
        (flags & LINUX_ALLOC_MARK_MASK) != LINUX_ALLOC_MIN)
        return false;
    return passes(zone, free_frames, order, flags, index, zone->mark[LINUX_ALLOC_MIN]);
}
