/* Runs programs on virtual CPUs that come between one another, with the shadow beside it: each CPU executes
 * its operations in their order, and a schedule says where it is interrupted and who goes on. The calls go to
 * the page hooks of a candidate that is compiled for the simulated platform (pagelab_sim_objects).
 *
 * The schedule is part of the program (OP_PREEMPT, engine/op_common.h), or a chooser's of the caller. Without
 * any, whole operations follow one another as the program lists them.
 *
 * What is checked while calls overlap: a grant is of the machine, has the shape that was asked for, and none
 * of its frames is anybody else's (granted when the call returns, given up when its free begins); what is
 * granted can be freed; a failure, if frames were free all the time; locks and masks are as before when a
 * call returns, nobody sleeps; and what the platform finds (enum sim_end). When all have returned: counts, a
 * full audit, then everything is freed, and counts are as at the start. */
#ifndef ENGINE_SCHEDULE_SCHEDULE_H
#define ENGINE_SCHEDULE_SCHEDULE_H

#include "engine/lent.h"
#include "engine/runner.h"
#include "platform/sim/sim.h"

#define SCHEDULE_DEPTH 3u /* calls inside one another on a CPU: a task's, an interrupt's, an NMI's */

#define SCHEDULE_NO_OP UINT32_MAX

/* A call that is unfinished. */
struct schedule_call {
    uint32_t op;     /* index; SCHEDULE_NO_OP: an interrupt's that has no operation of its own */
    uint32_t next;   /* index of its next OP_PREEMPT */
    uint64_t begin;  /* points of its CPU when it began, and those of interrupts inside it */
    uint64_t frames; /* that it may have taken already, or not given back yet */
    uint64_t most;   /* frames that were free at some time since it began */
    bool disturbed;  /* another call began or ended meanwhile */
};

struct schedule_cpu {
    uint32_t task_at;  /* where to look for its next operation at task level */
    uint32_t irq_at;   /* and for an interrupt */
    uint32_t finished; /* the operation that ended last, or SCHEDULE_NO_OP */
    uint32_t stay;     /* operations that it may finish until the list's order counts again */
    uint32_t depth;    /* of calls[] */
    struct schedule_call calls[SCHEDULE_DEPTH];
    struct pl_run irq_run; /* what the interrupt without an operation of its own holds */
    bool irq_live;
};

struct schedule;

/* The program's own schedule. */
struct schedule_listed {
    struct sim_chooser chooser;
    struct schedule *schedule;
};

/* What stands between the programs and the candidate. */
enum schedule_scope {
    SCHEDULE_PAGE, /* nothing: its page hooks are called */
    SCHEDULE_ALL,  /* admission, exact, with floors; and table memory, from the service that it is lent */
};

struct schedule {
    struct runner runner; /* its machine, instance, shadow, slots, admission */
    enum schedule_scope scope;
    struct lent lent;            /* SCHEDULE_ALL */
    struct pl_page_ops admitted; /* what the services stand on */
    struct sim *sim;             /* borrowed: stacks for that many CPUs */
    struct sim_report report;    /* of the last run */
    struct sim_report ending;    /* of giving everything back, after it */
    struct schedule_listed listed;
    struct sim_chooser *chooser; /* of the run */
    struct sim_watch *watch;     /* of the next runs; NULL: none */
    struct sim_memory *memory;   /* likewise */
    uint8_t *coverage;           /* likewise; see sim_setup */
    uint32_t coverage_bits;
    const struct op *ops;
    uint32_t op_count;
    uint32_t cpu_count;                /* that run: 1 where the candidate is not concurrent */
    uint32_t draining;                 /* drains that are unfinished */
    bool interrupts;                   /* it claims to be safe from them */
    bool nmis;                         /* likewise, from those that ignore the mask */
    uint32_t first_open;               /* no operation before this one is unfinished */
    uint8_t done[PROGRAM_OP_LIMIT];    /* operations that have ended, or have no turn of their own */
    uint8_t irq[PROGRAM_OP_LIMIT];     /* operations that interrupts execute */
    uint8_t busy[PROGRAM_SLOT_LIMIT];  /* slots of calls that are unfinished */
    uint8_t table[PROGRAM_SLOT_LIMIT]; /* slots whose grant is a table */
    struct schedule_cpu cpus[PL_CPU_LIMIT];
    uint64_t points;   /* of all runs: statistics */
    uint64_t switches; /* likewise */
    struct finding *finding;
    bool drains; /* this run ends with draining all caches */
};

/* PL_OK; PL_UNSUPPORTED: the candidate cannot have this machine; PL_NO_MEMORY. One line in `error` unless
 * PL_OK. `sim` is borrowed and may serve several, one at a time; it has the shape's CPUs or more. */
enum pl_status schedule_init_scope(struct schedule *schedule, const struct spec *spec,
                                   const struct native_shape *shape, enum schedule_scope scope,
                                   struct sim *sim, struct spec_error *error);
/* The same with SCHEDULE_PAGE. */
enum pl_status schedule_init(struct schedule *schedule, const struct spec *spec,
                             const struct native_shape *shape, struct sim *sim, struct spec_error *error);
void schedule_fini(struct schedule *schedule);

/* Runs from a fresh state to the end or the first finding. `chooser` NULL: the program's own OP_PREEMPT
 * operations decide. At most PROGRAM_OP_LIMIT operations. PL_OK, or what instance_reset returned.
 * schedule->report has the rest: how it ended, points, digest. */
enum pl_status schedule_run(struct schedule *schedule, const struct op *ops, uint32_t op_count,
                            struct sim_chooser *chooser, struct finding *finding);

/* Where a CPU is: the index of the operation that it runs (SCHEDULE_NO_OP: none), and how many points of it
 * have passed when the CPU has made `own` (sim_moment.own). With it a schedule of any chooser can be said in
 * OP_PREEMPT. */
uint32_t schedule_where(const struct schedule *schedule, uint32_t cpu, uint64_t own, uint64_t *points);

#endif
