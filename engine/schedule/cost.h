/* What single calls of a candidate cost, counted and not timed: accesses, locked operations, and
 * compare-and-swaps that failed. In the simulated platform each of them is seen, so the numbers are the same
 * on every run and machine; a CPU's own are told from those of whoever came in between. Of use only where the
 * candidates are compiled for it. */
#ifndef ENGINE_SCHEDULE_COST_H
#define ENGINE_SCHEDULE_COST_H

#include "engine/schedule/schedule.h"
#include "engine/tap.h"

enum cost_kind {
    COST_ACCESSES,
    COST_LOCKED,
    COST_RETRIES, /* failed compare-and-swaps: 0 where nobody comes in between */
    COST_KINDS,
};

extern const char *const cost_names[COST_KINDS];

#define COST_DEPTH    4u                    /* calls inside one another on a CPU that are told apart */
#define COST_CELLS    (2u * TAP_HOOK_COUNT) /* a hook, granted or refused */
#define COST_BUCKETS  64u                   /* four for each power of two */
#define COST_COUNTERS (COST_CELLS * COST_KINDS * COST_BUCKETS)

struct cost_call {
    uint32_t call; /* its number, from 0, in the order in which they end */
    uint32_t op;   /* index of the operation that made it; not less than their number: an interrupt without
                      one, or the end, where all is freed */
    enum tap_hook hook;
    bool granted; /* it answered PL_OK */
    uint64_t counts[COST_KINDS];
};

struct cost {
    struct tap tap;
    const struct schedule *schedule;
    bool bare;
    uint32_t calls;
    uint64_t most[COST_CELLS][COST_KINDS];
    struct cost_call worst[COST_KINDS]; /* the first with the most; of no meaning if its count is 0 */
    uint32_t depth[PL_CPU_LIMIT];
    struct {
        struct sim_own begin;
        struct sim_own inner; /* of calls inside this one */
    } open[PL_CPU_LIMIT][COST_DEPTH];
};

/* Counts the calls of all runs from here on. The cost lives as long as what it watches, which has no other
 * tap. */
void cost_watch(struct cost *cost, struct schedule *schedule);

/* Forgets what was counted: before a run, of either kind. `bare`: the next one is runner_bare_run() on
 * schedule->runner, outside of any simulation. */
void cost_begin(struct cost *cost, bool bare);

/* 0 for 0, above that 1 to COST_BUCKETS - 1. */
uint32_t cost_bucket(uint64_t count);

/* Marks what the last run reached in COST_COUNTERS counters: of each cell and kind all buckets up to that of
 * the most. So a run has a mark that is new if and only if some call of it cost more than any before. */
void cost_mark(const struct cost *cost, uint8_t *counters);

#endif
