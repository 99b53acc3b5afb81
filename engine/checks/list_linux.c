/* The promises of Linux's areas, zones and watermarks, in the order of the specification. */
#include <stddef.h>

#include "engine/checks/check_area.h"
#include "engine/checks/check_zone.h"

#define AREA "engine/checks/check_area.c"
#define ZONE "engine/checks/check_zone.c"

const struct promise promises_linux[] = {
    {"L-1", "an area lies inside the window, and with its guard page apart from every other", CHECK_BOTH,
     AREA, "engine/oracle/area_calls.c", "system", 0, NULL, check_L_1,
     "Linux mm/vmalloc.c (to 5.9), __get_vm_area_node and alloc_vmap_area: each area is a node of a tree of "
     "disjoint ranges in [VMALLOC_START, VMALLOC_END)"},
    {"L-2", "exactly one guard page follows an area, and is never mapped", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_2,
     "Linux mm/vmalloc.c (to 5.9), __get_vm_area_node: a page is added to the size unless VM_NO_GUARD is "
     "given, and nobody maps it"},
    {"L-3", "no leaf entry of a fresh area is present", CHECK_BOTH, AREA, "engine/oracle/area_calls.c",
     "system", 0, NULL, check_L_3,
     "Linux mm/vmalloc.c (to 5.9), alloc_vm_area: apply_to_page_range (mm/memory.c) makes tables down to the "
     "leaf and calls back; no entry is set"},
    {"L-4", "size / P entries of ptes are written, and not one more", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_4,
     "Linux mm/vmalloc.c (to 5.9), alloc_vm_area, its callback f(): one pointer stored for each page of the "
     "size, and the array has no bound but the caller's"},
    {"L-5", "ptes[i] is the leaf entry that a walk for page i finds", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_5,
     "Linux mm/vmalloc.c (to 5.9), alloc_vm_area, its callback f(): the pointer is the one that "
     "apply_to_pte_range walks to in init_mm"},
    {"L-6", "ptes are consecutive except where a leaf table begins", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_6,
     "Linux mm/memory.c, apply_to_pte_range: goes from entry to entry within a leaf table, and to the next "
     "table at its end"},
    {"L-7", "ptes point into leaf tables of the area's own range; an entry belongs to one area at most",
     CHECK_BOTH, AREA, "engine/oracle/area_calls.c", "system", 0, NULL, check_L_7,
     "Linux mm/memory.c, apply_to_page_range: the tables are those of the area's own addresses, which no "
     "other area has"},
    {"L-8", "a translation written through ptes[i] moves page i and no other address", CHECK_BOTH, AREA,
     "engine/oracle/area_pages.c", "system", 0, NULL, check_L_8,
     "Linux: hypercalls and drivers write through the pointers of alloc_vm_area (Xen's grant tables), so a "
     "store must be that page's translation and nothing else"},
    {"L-9", "a freed area leaves every leaf entry empty, and its tables in place", CHECK_BOTH, AREA,
     "engine/oracle/area_walk.c", "system", 0, NULL, check_L_9,
     "Linux mm/vmalloc.c (to 5.9), free_vm_area, by remove_vm_area: entries of the range are cleared; the "
     "tables stay in init_mm"},
    {"L-10", "allocating and freeing the same size again takes no more tables", CHECK_BOTH, AREA,
     "engine/oracle/area_walk.c", "system", 0, NULL, check_L_10,
     "Linux mm/memory.c, apply_to_pmd_range and its fellows: a table that is there already is used again"},
    {"L-11", "size 0 is NULL; a call that fails leaves no area and holds no addresses", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_11,
     "Linux mm/vmalloc.c (to 5.9), alloc_vm_area: NULL for size 0 and whatever fails; an area whose tables "
     "could not be made is freed again"},
    {"L-12", "a free of a foreign, forged or freed descriptor traps", CHECK_BOTH, AREA,
     "engine/oracle/area_mistakes.c", "system", 0, NULL, check_L_12,
     "Linux mm/vmalloc.c (to 5.9), free_vm_area: BUG_ON if the area that is found at the address is not the "
     "one that was given"},
    {"L-13", "alloc_vm_area traps at interrupt level; mapping through ptes allocates nothing", CHECK_BOTH,
     AREA, "engine/oracle/area.c", "system", 0, NULL, check_L_13,
     "Linux mm/vmalloc.c (to 5.9), __get_vm_area_node: BUG_ON(in_interrupt()); storing through ptes is a "
     "store, and takes no memory"},
    {"L-14", "remapping never reaches outside the area, whatever offset and size", CHECK_BOTH, AREA,
     "engine/oracle/area_remap.c", "system", 0, NULL, check_L_14,
     "Linux mm/vmalloc.c (to 5.9), remap_vmalloc_range_partial (rules of 5.7): overflowing offsets and "
     "sizes, and what reaches past the area without its guard page, are -EINVAL"},
    {"L-15", "an exact allocation keeps size rounded up to pages, each freed by itself, and no more",
     CHECK_BOTH, ZONE, "engine/oracle/zone_alloc.c", "system", PL_CAP_SPLIT, NULL, check_L_15,
     "Linux mm/page_alloc.c (6.3 to 6.7), alloc_pages_exact_nid and make_alloc_exact: a block is split into "
     "single pages, and those behind the size are freed at once"},
    {"L-16", "what passes a watermark as KERNEL passes as HIGH, and as ATOMIC; NOWAIT is as KERNEL",
     CHECK_BOTH, ZONE, "engine/oracle/zone_view.c", "system", 0, NULL, check_L_16,
     "Linux mm/page_alloc.c (6.3 to 6.7), __zone_watermark_ok and gfp_to_alloc_flags: HIGH halves the mark, "
     "NON_BLOCK takes a quarter more only after HIGH did"},
    {"L-17", "a mask without DIRECT_RECLAIM never sleeps", CHECK_BOTH, ZONE, "engine/oracle/zone_view.c",
     "system", 0, NULL, check_L_17,
     "Linux mm/page_alloc.c (6.3 to 6.7), __alloc_pages_slowpath: without __GFP_DIRECT_RECLAIM it gives up "
     "before anything that sleeps"},
    {"L-18", "the high-atomic reserve is at most its cap, and what its blocks hold", CHECK_BOTH, ZONE,
     "engine/oracle/zone_blocks.c", "zone-liar(hoards)+linux", PL_CAP_ZONES, "zones", check_L_18,
     "Linux mm/page_alloc.c (6.3 to 6.7), reserve_highatomic_pageblock and unreserve_highatomic_pageblock: "
     "whole pageblocks, up to about a hundredth of the zone, counted in nr_reserved_highatomic"},
    {"L-19", "the free count is the sum over the orders' lists, and what CPUs cache", CHECK_BOTH, ZONE,
     "engine/oracle/zone.c", "system", 0, NULL, check_L_19,
     "Linux mm/page_alloc.c (6.3 to 6.7), __free_one_page and rmqueue: NR_FREE_PAGES moves with the free "
     "lists by 2^order; per-CPU lists are beside it"},
    {"L-20", "a page that passes the shortcut passes the full test", CHECK_BOTH, ZONE,
     "engine/oracle/zone_view.c", "system", 0, NULL, check_L_20,
     "Linux mm/page_alloc.c (6.3 to 6.7), zone_watermark_fast: unusable frames are taken off with a clamp at "
     "0; an unsigned difference would let requests through"},
    {"L-21", "every process's view resolves an area as the kernel's does", CHECK_BOTH, AREA,
     "engine/oracle/area_walk.c", "system", 0, NULL, check_L_21,
     "Linux mm/vmalloc.c (to 5.9), alloc_vm_area: top levels that processes copied from init_mm must learn "
     "of new tables (vmalloc_sync_all, later arch_sync_kernel_mappings)"},
};
const unsigned promises_linux_count = (unsigned)(sizeof(promises_linux) / sizeof(promises_linux[0]));
