/* Linux's page allocator as its callers know it: alloc_pages with a gfp mask, on nodes that stand in for one
 * another, each node one zone with watermarks in front of the candidate. What the zone lets through, it asks
 * of the gate with class INTERRUPT: the watermarks are the floors here.
 *
 *     gfp -> flags -> [watermark test] -> gate -> candidate
 *                          no -> other node -> MIN -> reclaim (only if the mask may sleep) -> NULL
 *
 * Each frame has a byte that stands for its struct page: granted here, and as a block of which order; by it a
 * wrong free is noticed whatever the candidate checks. The caller serialises. Source: Linux mm/page_alloc.c
 * 6.3 to 6.7. */
#ifndef SYSTEMS_LINUX_ZONE_H
#define SYSTEMS_LINUX_ZONE_H

#include "systems/contract.h"
#include "systems/gate/gate.h"
#include "systems/linux/watermark.h"
#include "systems/trap.h"

#define LINUX_ZONE_LIMIT 2u

struct linux_zone {
    struct gate *gate;
    struct linux_watermarks marks;
    uint64_t managed;   /* frames */
    uint64_t allocated; /* frames granted here and not yet given back */
    uint32_t pageblock_order;
    uint32_t max_order; /* of the candidate's blocks */
    bool can_split;
    uint8_t *pages; /* a byte a frame of the machine's span; the caller's memory */
    bool used;      /* some byte of `pages` may not be 0 */
};

struct linux_zones {
    struct linux_zone nodes[LINUX_ZONE_LIMIT];
    uint32_t node_count;
    struct linux_task task; /* whoever calls; set it before a call */
    struct trap *trap;
    uint64_t daemon_wakes;    /* times that the page daemon was woken */
    uint64_t direct_reclaims; /* times that a caller went to reclaim, asleep */
};

/* No node yet. `trap` is borrowed. R-10 is decided: both contracts give NON_BLOCK alone nothing (L-16). */
void linux_zones_init(struct linux_zones *zones, struct trap *trap);

/* The next node, with fresh watermarks for a machine of this size. All pointers are borrowed; `gate` need not
 * be ready before the first call, `pages` is linux_zone_bytes of zeros. `can_split` says that the candidate
 * behind the gate splits grants, `max_order` is of the largest blocks that it can have. */
void linux_zones_add(struct linux_zones *zones, struct gate *gate, const struct pl_machine *machine,
                     uint8_t *pages, bool can_split, uint32_t max_order);
size_t linux_zone_bytes(const struct pl_machine *machine);

/* Nothing is granted any more; watermarks and counts are fresh. The nodes stay. */
void linux_zones_reset(struct linux_zones *zones);

/* NR_FREE_PAGES: frames of the zone that nobody has, cached ones included (L-19). */
uint64_t linux_zone_free_frames(const struct linux_zone *zone);

/* Grants 2^order frames on node `nid` or, unless THISNODE, on another. PL_OK; PL_NO_MEMORY is the kernel's
 * NULL, at once if no node allowed could ever have such a block; PL_WOULD_SLEEP: NOFAIL, and nothing more can
 * be freed. PL_INVALID with a trap: a mask that may sleep
 * at interrupt level (L-17), a bit or a node that does not exist. Sleeps only if the mask says so, and then
 * only after memory was refused at watermark MIN. GFP_ZERO: every byte is zero. */
enum pl_status linux_alloc_pages(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t nid, uint32_t gfp,
                                 uint32_t order, struct pl_run *run);

/* For a frame that is not granted here but belongs to the kernel itself, a table or a page of vmalloc: waits
 * as alloc_pages with GFP_KERNEL and perhaps THISNODE until a watermark lets one through, on node *nid if
 * that can be, and sets *nid to the node. The frame is then taken at its gate. False: none, whatever is taken
 * back. In a task. May sleep. */
bool linux_zones_wait(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t *nid, uint32_t gfp);

/* Gives a block back. PL_REFUSED with a trap if it was not granted so. Never sleeps; any context. */
enum pl_status linux_free_pages(struct linux_zones *zones, struct pl_cpu *cpu, pl_frame first,
                                uint32_t order);

/* What its struct page says: is this frame the first of a block that is granted here, of which order? */
bool linux_page_is_head(const struct linux_zones *zones, pl_frame frame, uint32_t *order);

/* `bytes` in single pages that follow one another: the next power of two is granted, split, and what is
 * beyond the last page given back. PL_OK and the first page; PL_NO_MEMORY; PL_UNSUPPORTED: more than one
 * page, and the candidate does not split. PL_INVALID with a trap: also for COMP and HIGHMEM. Sleeps as
 * alloc_pages. */
enum pl_status linux_alloc_pages_exact_nid(struct linux_zones *zones, struct pl_cpu *cpu, uint32_t nid,
                                           uint64_t bytes, uint32_t gfp, pl_frame *first);

/* Gives all its pages back, one by one. PL_REFUSED with a trap, and no page gone, if one of them is not a
 * single page that is granted here. Never sleeps. */
enum pl_status linux_free_pages_exact(struct linux_zones *zones, struct pl_cpu *cpu, pl_frame first,
                                      uint64_t bytes);

/* Keeps one more pageblock for atomic requests; false if that would be more than one in a hundred frames,
 * rounded up to a block (L-18). The numbers only: blocks are the candidate's (PL_CAP_ZONES). */
bool linux_zone_reserve_highatomic(struct linux_zone *zone);
/* Lets one go; false if there is none. */
bool linux_zone_unreserve_highatomic(struct linux_zone *zone);
uint64_t linux_zone_highatomic_cap(const struct linux_zone *zone);

/* --- between zone.c and zone_exact.c --- */

/* Are mask and node such that this CPU may ask? If not, traps. */
bool linux_zones_may_ask(struct linux_zones *zones, const struct pl_cpu *cpu, uint32_t nid, uint32_t gfp);
/* The zone whose machine has this frame; NULL: none. */
struct linux_zone *linux_zone_of(const struct linux_zones *zones, pl_frame frame);
/* The frame's byte; the zone has the frame. */
uint8_t *linux_zone_page(const struct linux_zone *zone, pl_frame frame);
/* Turns a block into single pages. Only where the candidate splits. */
enum pl_status linux_zone_split(struct linux_zone *zone, struct pl_cpu *cpu, const struct pl_run *run);

#endif
