/* The promises of Apple's SBP-2 ORB, as they are numbered in docs/invariants.md. */
#include "engine/checks/check_sbp2.h"

#include <pagelab/compiler.h>

#define TABLE    "engine/checks/check_sbp2_table.c"
#define BUFFERS  "engine/checks/check_sbp2_buffers.c"
#define SEEN     "engine/oracle/orb_device.c"
#define CALLED   "engine/oracle/orb_buffers.c"
#define LIVED    "engine/oracle/orb_life.c"
#define SYSTEM   "system"
#define ANY      CHECK_BOTH
#define NO_NEEDS 0, NULL

const struct promise promises_sbp2[] = {
    {"S-1", "capacity is the entry count of the last table made; a failure keeps it (real: loses it)", ANY,
     TABLE, SEEN, SYSTEM, NO_NEEDS, check_S_1},
    {"S-2", "a table of 0 entries is refused", ANY, TABLE, LIVED, SYSTEM, NO_NEEDS, check_S_2},
    {"S-3", "eight times the entry count never wraps", CHECK_DOC_ONLY, TABLE, SEEN, SYSTEM, NO_NEEDS,
     check_S_3},
    {"S-4", "the segments' lengths add up to what was asked for", ANY, TABLE, CALLED, SYSTEM, NO_NEEDS,
     check_S_4},
    {"S-5", "the segments, in order, are the bytes asked for", ANY, TABLE, SEEN, SYSTEM, NO_NEEDS, check_S_5},
    {"S-6", "a segment has 1 to min(0xF000, clip, constraint) bytes", ANY, TABLE, SEEN, SYSTEM, NO_NEEDS,
     check_S_6},
    {"S-7", "addresses have 48 bits and lie big endian in memory", ANY, TABLE, SEEN, SYSTEM, NO_NEEDS,
     check_S_7},
    {"S-8", "entries used fit the table and the 16 bits of the data size (real: cut)", ANY, TABLE, CALLED,
     SYSTEM, NO_NEEDS, check_S_8},
    {"S-9", "no table only for one aligned segment below 2^32 (real: of any address)", ANY, TABLE, SEEN,
     SYSTEM, NO_NEEDS, check_S_9},
    {"S-10", "FixedSize and too small a table: refused, table kept, nothing allocated", ANY, BUFFERS, CALLED,
     SYSTEM, NO_NEEDS, check_S_10},
    {"S-11", "FixedSize and a table that suffices: success, nothing allocated", ANY, BUFFERS, CALLED, SYSTEM,
     NO_NEEDS, check_S_11},
    {"S-12", "a table grows to what is needed and never shrinks by a write", ANY, BUFFERS, CALLED, SYSTEM,
     NO_NEEDS, check_S_12},
    {"S-13", "a failure leaves no buffer attached, its reference dropped, the data part zero", ANY, BUFFERS,
     CALLED, SYSTEM, NO_NEEDS, check_S_13},
    {"S-14", "releasing buffers succeeds, also twice, and keeps the table", ANY, BUFFERS, CALLED, SYSTEM,
     NO_NEEDS, check_S_14},
    {"S-15", "constraints are busy while a buffer is attached", ANY, BUFFERS, "engine/oracle/orb_fields.c",
     SYSTEM, NO_NEEDS, check_S_15},
    {"S-16", "a range outside the memory is reported as that, whatever else is wrong", ANY, BUFFERS, CALLED,
     SYSTEM, NO_NEEDS, check_S_16},
    {"S-17", "the gate is as deep after a call as before", ANY, BUFFERS, "engine/oracle/orb.c", SYSTEM,
     NO_NEEDS, check_S_17},
    {"S-18", "an attached descriptor has one reference more; prepares are undone in the end", ANY, BUFFERS,
     "engine/oracle/orb_memory.c", SYSTEM, NO_NEEDS, check_S_18},
    {"S-19", "a descriptor is reported iff the last call attached one", ANY, BUFFERS, SEEN, SYSTEM, NO_NEEDS,
     check_S_19},
    {"S-20", "entries in use are 0 whenever the ORB refers to no table (real: not after S-10)", ANY, BUFFERS,
     SEEN, SYSTEM, NO_NEEDS, check_S_20},
};
const unsigned promises_sbp2_count = (unsigned)PL_COUNT_OF(promises_sbp2);
