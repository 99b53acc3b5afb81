/* FreeBSD's reserve arithmetic: how many frames each class must leave, from the size of the machine.
 * Source: vm_pageout_init_domain, as restated in docs/invariants.md, "Reserve arithmetic". Units: frames. */
#ifndef SYSTEMS_FREEBSD_RESERVE_H
#define SYSTEMS_FREEBSD_RESERVE_H

#include <pagelab/machine.h>

struct freebsd_reserve {
    uint64_t page_cluster;
    uint64_t interrupt_free_min;
    uint64_t pageout_free_min;
    uint64_t free_reserved;
    uint64_t free_severe;
    uint64_t free_min;
    uint64_t free_target;
    uint64_t inactive_target;  /* of the machine when all its frames are free, as at the daemon's start */
    uint64_t wakeup_threshold; /* may be below free_min on a tiny machine */
};

/* Never fails; a machine smaller than free_reserved simply never admits NORMAL. */
struct freebsd_reserve freebsd_reserve_of(uint64_t frame_count);

/* The floors of the three classes: 0, interrupt_free_min, free_reserved. */
struct pl_floors freebsd_floors_of(uint64_t frame_count);

#endif
