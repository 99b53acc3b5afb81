/* The 24 promises of buffer descriptors. */
#include "engine/checks/check_iokit.h"

#define CHECKS   "engine/checks/check_iokit.c"
#define PAGES    "engine/checks/check_iokit_pages.c"
#define CREATE   "engine/oracle/buffer_create.c"
#define MEMORY   "engine/oracle/buffer_memory.c"
#define CALLS    "engine/oracle/buffer_calls.c"
#define BYTES    "engine/oracle/buffer_bytes.c"
#define LIE      "system"
#define NOTHING  0
#define ANY_KIND NULL

const struct promise promises_iokit[] = {
    {"B-1", "length and capacity are as asked, and every byte can be read and written", CHECK_BOTH, CHECKS,
     CREATE, LIE, NOTHING, ANY_KIND, check_iokit_b1},
    {"B-2", "capacity 0, or near 2^32 or 2^64, is refused, never a small buffer", CHECK_BOTH, CHECKS, CREATE,
     LIE, NOTHING, ANY_KIND, check_iokit_b2},
    {"B-3", "a wired buffer's address is aligned as asked", CHECK_BOTH, CHECKS, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b3},
    {"B-4", "a host-contiguous buffer is one segment of consecutive frames", CHECK_BOTH, CHECKS, CREATE, LIE,
     NOTHING, ANY_KIND, check_iokit_b4},
    {"B-5", "a contiguous buffer is one segment, in memory or behind the IOMMU", CHECK_BOTH, CHECKS, CREATE,
     LIE, NOTHING, ANY_KIND, check_iokit_b5},
    {"B-6", "segments add up to the length, in order, none empty", CHECK_BOTH, CHECKS, MEMORY, LIE, NOTHING,
     ANY_KIND, check_iokit_b6},
    {"B-7", "no segment's address has a bit outside the physical mask", CHECK_BOTH, CHECKS, CREATE, LIE,
     NOTHING, ANY_KIND, check_iokit_b7},
    {"B-8", "wired memory is resident and in the same frames from creation to release", CHECK_BOTH, PAGES,
     MEMORY, LIE, NOTHING, ANY_KIND, check_iokit_b8},
    {"B-9", "pageable memory is pinned between prepare and complete, and only then", CHECK_BOTH, PAGES,
     MEMORY, LIE, NOTHING, ANY_KIND, check_iokit_b9},
    {"B-10", "a task other than the kernel's needs pageable memory", CHECK_BOTH, CHECKS, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b10},
    {"B-11", "purgeable means something only together with pageable", CHECK_BOTH, PAGES, CALLS, LIE, NOTHING,
     ANY_KIND, check_iokit_b11},
    {"B-12", "setPurgeable tells the state before; what was emptied reads as zero", CHECK_BOTH, PAGES, CALLS,
     LIE, NOTHING, ANY_KIND, check_iokit_b12},
    {"B-13", "a new buffer reads as zero", CHECK_BOTH, CHECKS, CREATE, LIE, NOTHING, ANY_KIND,
     check_iokit_b13},
    {"B-14", "a length beyond the capacity is not taken; the capacity never changes", CHECK_BOTH, CHECKS,
     BYTES, LIE, NOTHING, ANY_KIND, check_iokit_b14},
    {"B-15", "reads and writes touch nothing outside the length, whatever the numbers", CHECK_BOTH, CHECKS,
     BYTES, LIE, NOTHING, ANY_KIND, check_iokit_b15},
    {"B-16", "the wire count is prepares minus completes, never below 0", CHECK_BOTH, PAGES, MEMORY, LIE,
     NOTHING, ANY_KIND, check_iokit_b16},
    {"B-17", "what is prepared for reading only cannot be prepared or written for more", CHECK_BOTH, PAGES,
     CALLS, LIE, NOTHING, ANY_KIND, check_iokit_b17},
    {"B-18", "live buffers have no address and no frame in common", CHECK_BOTH, PAGES, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b18},
    {"B-19", "creation and release leave no trace in the counts", CHECK_BOTH, PAGES, CALLS, LIE, NOTHING,
     ANY_KIND, check_iokit_b19},
    {"B-20", "shared or specially cached memory is whole pages of its own", CHECK_BOTH, PAGES, CREATE, LIE,
     NOTHING, ANY_KIND, check_iokit_b20},
    {"B-21", "the rest of the last page holds nobody's data", CHECK_BOTH, PAGES, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b21},
    {"B-22", "a refused creation leaves every count as it was", CHECK_BOTH, PAGES, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b22},
    {"B-23", "the direction is the one that was asked for", CHECK_BOTH, CHECKS, MEMORY, LIE, NOTHING,
     ANY_KIND, check_iokit_b23},
    {"B-24", "alignment above a page means contiguous", CHECK_REAL_ONLY, CHECKS, CREATE, LIE, NOTHING,
     ANY_KIND, check_iokit_b24},
};
const unsigned promises_iokit_count = PL_COUNT_OF(promises_iokit);
