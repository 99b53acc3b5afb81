/* The synthetic life of a machine: an endless, seeded list of allocations and frees of mixed orders,
 * lifetimes, mobilities and owners, the same for every candidate. What an allocation comes to has no
 * influence on it: a request that failed leaves an empty slot, and its free is nothing.
 *
 *     share of the machine
 *     95 % ----------------------------------------------  never above
 *               /\        /\      /\
 *     70 % ....young.....................................\_ old    where the two pictures are taken
 *             /    \    /    \  /    \ ...
 *     50 % -/-----------------------------------------------  never below, once young
 *
 * A request's order is drawn by age_order_shares; its life is short (a stack: the last one is freed first),
 * medium (freed one by one, at random), long (freed when all that its owner has is freed) or forever. Medium
 * and long ones belong to owners, who ask for consecutive indexes. */
#ifndef BENCH_WORKLOADS_AGE_MIX_H
#define BENCH_WORKLOADS_AGE_MIX_H

#include <stddef.h>

#include "engine/op.h"

#define AGE_ORDERS        10u
#define AGE_SHARE_WHOLE   10000u /* what age_order_shares adds up to */
#define AGE_FRAMES_LEAST  8192u  /* of a machine; below, one block of the largest order is too much of it */
#define AGE_PERCENT_MOST  95u
#define AGE_PERCENT_LEAST 50u
#define AGE_PERCENT_SEEN  70u /* young and old */
#define AGE_ACTIVE_OWNERS 16u /* of each life: so many ask in turns */

enum age_life {
    AGE_SHORT,
    AGE_MEDIUM,
    AGE_LONG,
    AGE_FOREVER,
    AGE_LIVES,
};

/* Of AGE_SHARE_WHOLE requests, how many have this order. */
extern const unsigned age_order_shares[AGE_ORDERS];

struct age_object {
    uint32_t next; /* long: another one of the owner */
    uint8_t order;
    uint8_t life; /* enum age_life */
};

struct age_owner {
    uint32_t id;
    uint32_t index; /* the next one that it asks for */
    uint32_t limit; /* it asks for no more */
    uint32_t first; /* long: what it has */
};

struct age_mix {
    uint64_t rng;
    uint64_t frame_count; /* of the machine */
    unsigned cpu_count;
    uint64_t live_frames; /* were every request granted */
    uint64_t live_of[AGE_LIVES];
    uint64_t target;   /* live_frames tends there */
    bool is_young;     /* nothing but allocations */
    uint64_t op_total; /* once young */
    uint64_t op_done;
    uint64_t phase_end;
    unsigned phase_count;
    unsigned phase;
    uint32_t owner_id;          /* the last one given */
    struct age_object *objects; /* by slot */
    uint32_t *spare;            /* slots that are empty */
    size_t spare_count;
    uint32_t *of_short; /* slots, the last one to be freed first */
    size_t short_count;
    uint32_t *of_medium;
    size_t medium_count;
    struct age_owner *closed; /* long: who asks for no more */
    size_t closed_count;
    struct age_owner active[2][AGE_ACTIVE_OWNERS]; /* medium, long */
    uint32_t dying;                                /* long: the chain that is being freed */
};

/* Slots are below frame_count. 0, or -1: out of memory. */
int age_mix_init(struct age_mix *mix, uint64_t frame_count, unsigned cpu_count, uint64_t op_total);
void age_mix_fini(struct age_mix *mix);

/* Up to `limit` operations: first those of the youth, until a call returns 0; then op_total more, until a
 * call returns 0. */
size_t age_mix_fill(struct age_mix *mix, struct op *ops, size_t limit);

#endif
