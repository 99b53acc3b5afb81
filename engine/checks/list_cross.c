/* The promises that hold across all systems, in the order of the specification. */
#include "engine/checks/check_cross.h"

#define CROSS   "engine/checks/check_cross.c"
#define HANDLES "engine/checks/check_cross_handles.c"
#define BARE    "engine/checks/check_cross_machine.c"

const struct promise promises_cross[] = {
    {"X-1",
     "a frame is in exactly one place: free, cached, granted, a table, metadata; only its owner writes",
     CHECK_BOTH, CROSS, "engine/shadow.c", "system", 0, NULL, check_X_1},
    {"X-2", "live ranges never overlap, and are aligned as asked", CHECK_BOTH, CROSS, "engine/shadow.c",
     "system", 0, NULL, check_X_2},
    {"X-3", "a call that failed changed nothing but the documented counters", CHECK_BOTH, CROSS,
     "engine/oracle/zone_expect.c", "system", 0, NULL, check_X_3},
    {"X-4", "allocate and free restores every count", CHECK_BOTH, CROSS, "engine/services.c", "system", 0,
     NULL, check_X_4},
    {"X-5", "calls that must not sleep do not; calls of fixed size allocate nothing", CHECK_BOTH, CROSS,
     "engine/oracle/zone_view.c", "system", 0, NULL, check_X_5},
    {"X-6", "no arithmetic on a caller's sizes wraps to acceptance", CHECK_BOTH, CROSS,
     "engine/oracle/zone_alloc.c", "system", 0, NULL, check_X_6},
    {"X-7", "classes are monotone, and floors exact at floor - 1, floor, floor + 1", CHECK_BOTH, CROSS,
     "engine/expect.c", "system", 0, NULL, check_X_7},
    {"X-8", "freed memory is reached by no handle", CHECK_BOTH, HANDLES, "engine/oracle/zone_free.c",
     "system", 0, NULL, check_X_8},
    {"X-9", "zero where zero was promised; no foreign bytes where a user looks", CHECK_BOTH, HANDLES,
     "engine/oracle/zone_stamp.c", "system", 0, NULL, check_X_9},
    {"X-10", "a double release is trapped", CHECK_BOTH, HANDLES, "engine/oracle/zone_free.c", "system", 0,
     NULL, check_X_10},
    {"X-11", "under threads, exactly max(0, free - floor) single frames are granted", CHECK_BOTH, BARE,
     "engine/checks/check_cross_machine.c", "system", PL_CAP_CONCURRENT, NULL, check_X_11},
    {"X-12", "with equal floors all candidates agree on success, for single frames", CHECK_BOTH, BARE,
     "engine/checks/check_cross_machine.c", "liar(hides-few)", 0, NULL, check_X_12},
};
const unsigned promises_cross_count = (unsigned)PL_COUNT_OF(promises_cross);
