/* The promises that hold across all systems, in the order of the specification. */
#include "engine/checks/check_cross.h"

#define CROSS   "engine/checks/check_cross.c"
#define HANDLES "engine/checks/check_cross_handles.c"
#define BARE    "engine/checks/check_cross_machine.c"

const struct promise promises_cross[] = {
    {"X-1",
     "a frame is in exactly one place: free, cached, granted, a table, metadata; only its owner writes",
     CHECK_BOTH, CROSS, "engine/shadow.c", "system", 0, NULL, check_X_1,
     "all four systems stand on frames that have one owner: F-1, L-7, S-5 and B-18 seen together, by "
     "pagelab's shadow"},
    {"X-2", "live ranges never overlap, and are aligned as asked", CHECK_BOTH, CROSS, "engine/shadow.c",
     "system", 0, NULL, check_X_2,
     "all four: what is handed out is disjoint (vm_page_alloc, alloc_pages, alloc_vm_area, "
     "inTaskWithOptions), each with its own alignment"},
    {"X-3", "a call that failed changed nothing but the documented counters", CHECK_BOTH, CROSS,
     "engine/oracle/zone_expect.c", "system", 0, NULL, check_X_3,
     "all four: vm_page_alloc(9), alloc_vm_area and the IOKit calls return failure instead of a half-made "
     "thing; the deficit and dropped ORB buffers are documented"},
    {"X-4", "allocate and free restores every count", CHECK_BOTH, CROSS, "engine/services.c", "system", 0,
     NULL, check_X_4, "all four: F-21, L-10, S-18 and B-19 are each system's case of it"},
    {"X-5", "calls that must not sleep do not; calls of fixed size allocate nothing", CHECK_BOTH, CROSS,
     "engine/oracle/zone_view.c", "system", 0, NULL, check_X_5,
     "FreeBSD without WAITOK and WAITFAIL, Linux without __GFP_DIRECT_RECLAIM, ORBs with FixedSize, stores "
     "through ptes: each documents that it does not sleep or allocate"},
    {"X-6", "no arithmetic on a caller's sizes wraps to acceptance", CHECK_BOTH, CROSS,
     "engine/oracle/zone_alloc.c", "system", 0, NULL, check_X_6,
     "known bugs of all four: n pages, 8 x count, capacity + alignment, offset + length, pgoff << shift in "
     "too few bits"},
    {"X-7", "classes are monotone, and floors exact at floor - 1, floor, floor + 1", CHECK_BOTH, CROSS,
     "engine/expect.c", "system", 0, NULL, check_X_7,
     "FreeBSD _vm_domain_allocate and Linux __zone_watermark_ok: one comparison with a limit for each class; "
     "off-by-one shows at the limit, one below, one above"},
    {"X-8", "freed memory is reached by no handle", CHECK_BOTH, HANDLES, "engine/oracle/zone_free.c",
     "system", 0, NULL, check_X_8,
     "all four: pointers of ptes, entries of an ORB's table and segments of a buffer outlive what they point "
     "to, and must then lead nowhere"},
    {"X-9", "zero where zero was promised; no foreign bytes where a user looks", CHECK_BOTH, HANDLES,
     "engine/oracle/zone_stamp.c", "system", 0, NULL, check_X_9,
     "VM_ALLOC_ZERO, __GFP_ZERO, shared buffers: a new owner, above all a user's process, must not read the "
     "old one's bytes"},
    {"X-10", "a double release is trapped", CHECK_BOTH, HANDLES, "engine/oracle/zone_free.c", "system", 0,
     NULL, check_X_10,
     "the kernels' own assertions: vm_page_free_prep, free_vm_area, bad_page, retain counts: a second "
     "release is a panic, not a corruption"},
    {"X-11", "under threads, exactly max(0, free - floor) single frames are granted", CHECK_BOTH, BARE,
     "engine/checks/check_cross_machine.c", "system", PL_CAP_CONCURRENT, NULL, check_X_11,
     "FreeBSD _vm_domain_allocate and Linux's zone counters: the count is atomic, so threads together get as "
     "many as one alone"},
    {"X-12", "with equal floors all candidates agree on success, for single frames", CHECK_BOTH, BARE,
     "engine/checks/check_cross_machine.c", "liar(hides-few)", 0, NULL, check_X_12,
     "pagelab's own: one admission stands in front of every candidate, so for single frames they can only "
     "differ by being wrong"},
};
const unsigned promises_cross_count = (unsigned)PL_COUNT_OF(promises_cross);
