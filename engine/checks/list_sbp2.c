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
     TABLE, SEEN, SYSTEM, NO_NEEDS, check_S_1,
     "IOFireWireSBP2ORB.cpp (454), allocatePageTable: the capacity is what the last call made; the code "
     "frees the old table first, the documentation does not say so"},
    {"S-2", "a table of 0 entries is refused", ANY, TABLE, LIVED, SYSTEM, NO_NEEDS, check_S_2,
     "IOFireWireSBP2ORB.cpp (454), allocatePageTable: a buffer of capacity 0 is refused by "
     "IOBufferMemoryDescriptor, so the call fails with kIOReturnNoMemory"},
    {"S-3", "eight times the entry count never wraps", CHECK_DOC_ONLY, TABLE, SEEN, SYSTEM, NO_NEEDS,
     check_S_3,
     "IOFireWireSBP2ORB.cpp (454), allocatePageTable: eight times the count in 32 bits, without a look at "
     "overflow: the promise is that of the documentation"},
    {"S-4", "the segments' lengths add up to what was asked for", ANY, TABLE, CALLED, SYSTEM, NO_NEEDS,
     check_S_4,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: the walk over the DMA segments trims the last piece to "
     "the length"},
    {"S-5", "the segments, in order, are the bytes asked for", ANY, TABLE, SEEN, SYSTEM, NO_NEEDS, check_S_5,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: pieces are written in the order of the walk; SBP-2 "
     "reads the table in that order"},
    {"S-6", "a segment has 1 to min(0xF000, clip, constraint) bytes", ANY, TABLE, SEEN, SYSTEM, NO_NEEDS,
     check_S_6,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: pieces are cut at kFWSBP2MaxPageClusterSize (0xF000), "
     "the clip of the packets, and setBufferConstraints"},
    {"S-7", "addresses have 48 bits and lie big endian in memory", ANY, TABLE, SEEN, SYSTEM, NO_NEEDS,
     check_S_7,
     "SBP-2, unrestricted page table: 16 bits of length, 48 of address, big endian; IOFireWireSBP2ORB.cpp "
     "(454), setCommandBuffers writes it so"},
    {"S-8", "entries used fit the table and the 16 bits of the data size (real: cut)", ANY, TABLE, CALLED,
     SYSTEM, NO_NEEDS, check_S_8,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: data_size is the count of entries, 16 bits wide, and "
     "is not checked in the code"},
    {"S-9", "no table only for one aligned segment below 2^32 (real: of any address)", ANY, TABLE, SEEN,
     SYSTEM, NO_NEEDS, check_S_9,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: one piece with an aligned address goes into "
     "data_descriptor itself, the upper 16 address bits as 0"},
    {"S-10", "FixedSize and too small a table: refused, table kept, nothing allocated", ANY, BUFFERS, CALLED,
     SYSTEM, NO_NEEDS, check_S_10,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers with kFWSBP2CommandFixedSize: too many pieces are "
     "kIOReturnNoMemory instead of a larger table"},
    {"S-11", "FixedSize and a table that suffices: success, nothing allocated", ANY, BUFFERS, CALLED, SYSTEM,
     NO_NEEDS, check_S_11,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: what fits the table of allocatePageTable needs no "
     "memory; that is what the call is for, on the paging path"},
    {"S-12", "a table grows to what is needed and never shrinks by a write", ANY, BUFFERS, CALLED, SYSTEM,
     NO_NEEDS, check_S_12,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: allocatePageTable(count) if the count is above the "
     "capacity; a smaller count leaves the table"},
    {"S-13", "a failure leaves no buffer attached, its reference dropped, the data part zero", ANY, BUFFERS,
     CALLED, SYSTEM, NO_NEEDS, check_S_13,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: what was attached is detached first, and every failure "
     "ends with nothing attached"},
    {"S-14", "releasing buffers succeeds, also twice, and keeps the table", ANY, BUFFERS, CALLED, SYSTEM,
     NO_NEEDS, check_S_14,
     "IOFireWireSBP2ORB.cpp (454), releaseCommandBuffers: is setCommandBuffers with no descriptor"},
    {"S-15", "constraints are busy while a buffer is attached", ANY, BUFFERS, "engine/oracle/orb_fields.c",
     SYSTEM, NO_NEEDS, check_S_15,
     "IOFireWireSBP2ORB.cpp (454), setBufferConstraints: kIOReturnBusy while a descriptor is attached"},
    {"S-16", "a range outside the memory is reported as that, whatever else is wrong", ANY, BUFFERS, CALLED,
     SYSTEM, NO_NEEDS, check_S_16,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: the range is found bad while it is walked, so "
     "kIOReturnBadArgument comes before any count"},
    {"S-17", "the gate is as deep after a call as before", ANY, BUFFERS, "engine/oracle/orb.c", SYSTEM,
     NO_NEEDS, check_S_17,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers and setCommandTimeout: closeGate and openGate are "
     "paired on every way out"},
    {"S-18", "an attached descriptor has one reference more; prepares are undone in the end", ANY, BUFFERS,
     "engine/oracle/orb_memory.c", SYSTEM, NO_NEEDS, check_S_18,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: retain when it attaches, release when it detaches; "
     "setCommandBuffersAsRanges prepares what it makes"},
    {"S-19", "a descriptor is reported iff the last call attached one", ANY, BUFFERS, SEEN, SYSTEM, NO_NEEDS,
     check_S_19,
     "IOFireWireSBP2ORB.cpp (454), getCommandBufferDescriptor: returns what setCommandBuffers attached, and "
     "NULL after it failed"},
    {"S-20", "entries in use are 0 whenever the ORB refers to no table (real: not after S-10)", ANY, BUFFERS,
     SEEN, SYSTEM, NO_NEEDS, check_S_20,
     "IOFireWireSBP2ORB.cpp (454), setCommandBuffers: the count of entries in use goes into fast-start "
     "packets; the code leaves the old one after a fixed-size failure"},
};
const unsigned promises_sbp2_count = (unsigned)PL_COUNT_OF(promises_sbp2);
