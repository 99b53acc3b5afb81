/* All schedules of a small program with at most so many preemptions: each is run from the fresh state, with
 * everything that schedule.h checks. A preemption is a switch to another CPU, or an interrupt, before an
 * access. Switches where the running CPU cannot or does not go on (at its end, at a wait, once around a spin
 * loop) are free, and every successor is taken. Points begin after init. */
#ifndef ENGINE_SCHEDULE_EXPLORE_H
#define ENGINE_SCHEDULE_EXPLORE_H

#include <signal.h>
#include <stdio.h>

#include "engine/schedule/schedule.h"

/* More schedules than this are refused. */
#define EXPLORE_LIMIT UINT64_C(10000000)

/* Of a schedule: "2/17:1,40:2", how many preemptions were allowed ("2n/": interrupts were not), and the
 * choices that were not the first of their kind: the n-th place where there was a choice, from 0, and which
 * one was taken. */
#define EXPLORE_PATH_BYTES 256u

struct explore_options {
    uint32_t preemptions;
    uint64_t limit;                    /* 0: EXPLORE_LIMIT */
    bool no_interrupts;                /* none come, although the candidate claims to be safe from them */
    const volatile sig_atomic_t *stop; /* not 0: end now; NULL: never */
    void (*progress)(void *argument, uint64_t schedules, double estimate); /* now and then; NULL: never */
    void *argument;
};

enum explore_end {
    EXPLORE_ALL,         /* there is no other schedule */
    EXPLORE_FOUND,       /* one breaks a promise: `finding`, `path`, and schedule->report */
    EXPLORE_TOO_MANY,    /* refused: `estimate`; `schedules` were run */
    EXPLORE_INTERRUPTED, /* `stop` was set */
    EXPLORE_NO_MEMORY,
};

struct explore_result {
    enum explore_end end;
    uint64_t schedules; /* that were run */
    uint64_t points;    /* in all of them */
    double estimate;    /* of schedules, before the first */
    struct finding finding;
    char path[EXPLORE_PATH_BYTES]; /* found: of the schedule; empty if it is too long to say */
};

/* Runs them all, or to the first finding. Who watches is schedule->watch. */
enum explore_end explore_run(struct schedule *schedule, const struct op *ops, uint32_t op_count,
                             const struct explore_options *options, struct explore_result *result);

/* Runs the one schedule that `path` names. 0, or -1: it does not read as one. */
int explore_replay(struct schedule *schedule, const struct op *ops, uint32_t op_count, const char *path,
                   struct finding *finding);

#endif
