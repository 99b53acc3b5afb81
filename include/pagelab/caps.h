/* Capabilities: 64 bits of claims. Each is printed as claimed until a check has tried to refute it (`pagelab
 * check --claims`); what a candidate does not claim makes the cells that need it "n/a (capability)", never a
 * failure. */
#ifndef PAGELAB_CAPS_H
#define PAGELAB_CAPS_H

#include <stdint.h>

/* How it may be entered. */
#define PL_CAP_CONCURRENT UINT64_C(0x0001) /* calls on different CPUs may overlap */
#define PL_CAP_IRQ_SAFE                                                                                      \
    UINT64_C(0x0002) /* an interrupt may call while a call is unfinished; masking honoured */
#define PL_CAP_NMI_SAFE  UINT64_C(0x0004) /* may be entered at any instruction, the mask ignored */
#define PL_CAP_MAY_SLEEP UINT64_C(0x0008) /* a call may block even when no WAIT flag asks for it */
#define PL_CAP_OWN_LOCK  UINT64_C(0x0010) /* takes a lock that the platform does not see */

/* What it promises about frames. */
#define PL_CAP_EXACT_COUNT UINT64_C(0x0020) /* count() is exact at every return, nothing is cached */
#define PL_CAP_ALL_FRAMES  UINT64_C(0x0040) /* while count().free is not 0, an order-0 request succeeds */
#define PL_CAP_COMPLETE                                                                                      \
    UINT64_C(0x0080) /* any free aligned block of a served order is found, after drain                       \
                      */
#define PL_CAP_CHECKS_FREE UINT64_C(0x0100) /* a wrong free is refused and changes nothing */
#define PL_CAP_SPLIT       UINT64_C(0x0200) /* a grant can be split and freed in parts */
#define PL_CAP_RUNS        UINT64_C(0x0400) /* alloc_run: any count, low, high, alignment, boundary */
#define PL_CAP_KNOWS_ZERO  UINT64_C(0x0800) /* remembers frames that were freed as known zero */

/* What it needs or limits. */
#define PL_CAP_NEEDS_SIZE     UINT64_C(0x00001000) /* free must be given the order of the grant */
#define PL_CAP_META_IN_FRAMES UINT64_C(0x00002000) /* writes into free frames: the machine needs contents */
#define PL_CAP_NEEDS_CONTENTS UINT64_C(0x00004000) /* needs addressable frames, even if it writes none */
#define PL_CAP_OUTSIDE_STATE  UINT64_C(0x00008000) /* has state outside its metadata: no reset by memcpy */
#define PL_CAP_ONE_INSTANCE   UINT64_C(0x00010000) /* one instance a process */
#define PL_CAP_ABORTS         UINT64_C(0x00020000) /* a wrong free ends the process */
#define PL_CAP_FIXED_POOL     UINT64_C(0x00040000) /* its size was fixed when it was built */

/* What shapes of machine it takes. */
#define PL_CAP_HOLES UINT64_C(0x01000000) /* more than one range */
#define PL_CAP_BASE  UINT64_C(0x02000000) /* a first frame other than 0 */
#define PL_CAP_NODES UINT64_C(0x04000000) /* more than one node in one instance */

/* What it is built of, as its audit shows; promises about a structure are asked of those who have it. */
#define PL_CAP_BUDDY                                                                                         \
    UINT64_C(0x10000000) /* free blocks (not cached ones) are merged buddies at any time (F-22) */
#define PL_CAP_RESERVATIONS                                                                                  \
    UINT64_C(0x20000000) /* superpage reservations (F-23); NO_RECLAIM may then fail with frames free */
#define PL_CAP_ZONES                                                                                         \
    UINT64_C(0x40000000) /* a high-atomic reserve (L-18): pageblocks of PL_ZONE_BLOCK frames whose free      \
                            frames are PL_BLOCK_RESERVED, so many by count().reserve_blocks, in each zone of \
                            a node at most what a hundredth of the zone and one pageblock come to */

/* Frames of a pageblock, and where Linux's zones end on amd64: DMA at 16 MiB, DMA32 at 4 GiB. */
#define PL_ZONE_BLOCK     UINT64_C(512)
#define PL_ZONE_DMA_END   UINT64_C(0x1000)
#define PL_ZONE_DMA32_END UINT64_C(0x100000)

/* The bits' names, in bit order, for printing: PL_CAP_NAMES(X) expands X(NAME, "text") for each. */
#define PL_CAP_NAMES(X)                                                                                      \
    X(CONCURRENT, "concurrent")                                                                              \
    X(IRQ_SAFE, "irq-safe")                                                                                  \
    X(NMI_SAFE, "nmi-safe")                                                                                  \
    X(MAY_SLEEP, "may-sleep")                                                                                \
    X(OWN_LOCK, "own-lock")                                                                                  \
    X(EXACT_COUNT, "exact-count")                                                                            \
    X(ALL_FRAMES, "all-frames")                                                                              \
    X(COMPLETE, "complete")                                                                                  \
    X(CHECKS_FREE, "checks-free")                                                                            \
    X(SPLIT, "split")                                                                                        \
    X(RUNS, "runs")                                                                                          \
    X(KNOWS_ZERO, "knows-zero")                                                                              \
    X(NEEDS_SIZE, "needs-size")                                                                              \
    X(META_IN_FRAMES, "meta-in-frames")                                                                      \
    X(NEEDS_CONTENTS, "needs-contents")                                                                      \
    X(OUTSIDE_STATE, "outside-state")                                                                        \
    X(ONE_INSTANCE, "one-instance")                                                                          \
    X(ABORTS, "aborts")                                                                                      \
    X(FIXED_POOL, "fixed-pool")                                                                              \
    X(HOLES, "holes")                                                                                        \
    X(BASE, "base")                                                                                          \
    X(NODES, "nodes")                                                                                        \
    X(BUDDY, "buddy")                                                                                        \
    X(RESERVATIONS, "reservations")                                                                          \
    X(ZONES, "zones")

#endif
