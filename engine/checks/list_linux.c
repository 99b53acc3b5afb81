/* The promises of Linux's areas, zones and watermarks, in the order of the specification. */
#include <stddef.h>

#include "engine/checks/check_area.h"
#include "engine/checks/check_zone.h"

#define AREA "engine/checks/check_area.c"
#define ZONE "engine/checks/check_zone.c"

const struct promise promises_linux[] = {
    {"L-1", "an area lies inside the window, and with its guard page apart from every other", CHECK_BOTH,
     AREA, "engine/oracle/area_calls.c", "system", 0, NULL, check_L_1},
    {"L-2", "exactly one guard page follows an area, and is never mapped", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_2},
    {"L-3", "no leaf entry of a fresh area is present", CHECK_BOTH, AREA, "engine/oracle/area_calls.c",
     "system", 0, NULL, check_L_3},
    {"L-4", "size / P entries of ptes are written, and not one more", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_4},
    {"L-5", "ptes[i] is the leaf entry that a walk for page i finds", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_5},
    {"L-6", "ptes are consecutive except where a leaf table begins", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_6},
    {"L-7", "ptes point into leaf tables of the area's own range; an entry belongs to one area at most",
     CHECK_BOTH, AREA, "engine/oracle/area_calls.c", "system", 0, NULL, check_L_7},
    {"L-8", "a translation written through ptes[i] moves page i and no other address", CHECK_BOTH, AREA,
     "engine/oracle/area_pages.c", "system", 0, NULL, check_L_8},
    {"L-9", "a freed area leaves every leaf entry empty, and its tables in place", CHECK_BOTH, AREA,
     "engine/oracle/area_walk.c", "system", 0, NULL, check_L_9},
    {"L-10", "allocating and freeing the same size again takes no more tables", CHECK_BOTH, AREA,
     "engine/oracle/area_walk.c", "system", 0, NULL, check_L_10},
    {"L-11", "size 0 is NULL; a call that fails leaves no area and holds no addresses", CHECK_BOTH, AREA,
     "engine/oracle/area_calls.c", "system", 0, NULL, check_L_11},
    {"L-12", "a free of a foreign, forged or freed descriptor traps", CHECK_BOTH, AREA,
     "engine/oracle/area_mistakes.c", "system", 0, NULL, check_L_12},
    {"L-13", "alloc_vm_area traps at interrupt level; mapping through ptes allocates nothing", CHECK_BOTH,
     AREA, "engine/oracle/area.c", "system", 0, NULL, check_L_13},
    {"L-14", "remapping never reaches outside the area, whatever offset and size", CHECK_BOTH, AREA,
     "engine/oracle/area_remap.c", "system", 0, NULL, check_L_14},
    {"L-15", "an exact allocation keeps size rounded up to pages, each freed by itself, and no more",
     CHECK_BOTH, ZONE, "engine/oracle/zone_alloc.c", "system", PL_CAP_SPLIT, NULL, check_L_15},
    {"L-16", "what passes a watermark as KERNEL passes as HIGH, and as ATOMIC; NOWAIT is as KERNEL",
     CHECK_BOTH, ZONE, "engine/oracle/zone_view.c", "system", 0, NULL, check_L_16},
    {"L-17", "a mask without DIRECT_RECLAIM never sleeps", CHECK_BOTH, ZONE, "engine/oracle/zone_view.c",
     "system", 0, NULL, check_L_17},
    {"L-18", "the high-atomic reserve is at most its cap, and what its blocks hold", CHECK_BOTH, ZONE,
     "engine/oracle/zone_blocks.c", "zone-liar(hoards)+linux", PL_CAP_ZONES, "zones", check_L_18},
    {"L-19", "the free count is the sum over the orders' lists, and what CPUs cache", CHECK_BOTH, ZONE,
     "engine/oracle/zone.c", "system", 0, NULL, check_L_19},
    {"L-20", "a page that passes the shortcut passes the full test", CHECK_BOTH, ZONE,
     "engine/oracle/zone_view.c", "system", 0, NULL, check_L_20},
    {"L-21", "every process's view resolves an area as the kernel's does", CHECK_BOTH, AREA,
     "engine/oracle/area_walk.c", "system", 0, NULL, check_L_21},
};
const unsigned promises_linux_count = (unsigned)(sizeof(promises_linux) / sizeof(promises_linux[0]));
