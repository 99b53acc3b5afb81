/* Operations of the Linux system: zones and watermarks; operands in op_zone.c, meaning in oracle/zone*.c. */
#ifndef ENGINE_OP_ZONE_H
#define ENGINE_OP_ZONE_H

#include "engine/op.h"

enum op_zone_kind {
    OP_ZONE_ALLOC = OP_ZONE, /* slot = alloc_pages(extra: gfp, order) on node `choice`; flags: the task */
    OP_ZONE_FREE,      /* gives slot's pages back, of whichever kind; what is gone already is left out */
    OP_ZONE_BAD_FREE,  /* a wrong free of slot's pages: enum op_zone_mistake in `choice` */
    OP_ZONE_EXACT,     /* slot = alloc_pages_exact_nid(choice, value, extra) */
    OP_ZONE_PAGE_FREE, /* gives page `count` of slot's exact pages back alone */
    OP_ZONE_STARVE,    /* takes frames of node `choice` until so many are free: level `flags`, edge `order` */
    OP_ZONE_FEED,      /* gives back what OP_ZONE_STARVE took */
    OP_ZONE_CACHE,     /* `count` pages for the page cache, which the page daemon may take back */
    OP_ZONE_TUNE,      /* the zone's boost (count), pageblocks kept for atomic (order), free CMA (extra) */
    OP_ZONE_PROBE,     /* asks the watermark test for every kind of caller at once */
    OP_ZONE_END,
};

enum op_zone_mistake {
    OP_ZONE_TWICE = 0,     /* pages that were given back */
    OP_ZONE_FOREIGN = 1,   /* a frame of no node */
    OP_ZONE_INSIDE = 2,    /* the second frame of a block */
    OP_ZONE_HALF = 3,      /* one order less */
    OP_ZONE_TOO_LARGE = 4, /* one order more; exact pages: a page more */
    OP_ZONE_NOTHING = 5,   /* exact pages: 0 bytes */
    OP_ZONE_WRAPS = 6,     /* exact pages: 2^64 - 1 bytes */
    OP_ZONE_MISTAKE_COUNT = 7,
};

/* Who is at the edge: the smallest number of free frames with which this caller's single page is granted. */
enum op_zone_level {
    OP_ZONE_LEVEL_LOW = 0,        /* anybody's first attempt */
    OP_ZONE_LEVEL_KERNEL = 1,     /* KERNEL, NOWAIT */
    OP_ZONE_LEVEL_HIGH = 2,       /* HIGH, may sleep */
    OP_ZONE_LEVEL_ATOMIC = 3,     /* HIGH, may not */
    OP_ZONE_LEVEL_OOM = 4,        /* KERNEL, chosen to die */
    OP_ZONE_LEVEL_ATOMIC_OOM = 5, /* both */
    OP_ZONE_LEVEL_ZERO = 6,       /* MEMALLOC: the last frame */
    OP_ZONE_LEVEL_COUNT = 7,
};

#define OP_ZONE_TASK_REALTIME 1u
#define OP_ZONE_TASK_OOM      2u

/* By kind - OP_ZONE. */
extern const struct op_kind_info op_zone_kinds[OP_ZONE_END - OP_ZONE];

#endif
