/* A workload: what is done to a candidate while libbench looks at the clock. One file each, or each family.
 * Those of section "frames" work on grants of one order; those of "systems" call a system that stands on the
 * candidate (stand.h); those of "services" call one lent service, to hold it against its like, and are in no
 * matrix; those of "tail" time each operation for itself (tail.h); those of
 * "worst" one call of a stored program, alone; all others go through admission, as a kernel
 * would. "harness" measures the harness itself. */
#ifndef BENCH_WORKLOADS_WORKLOAD_H
#define BENCH_WORKLOADS_WORKLOAD_H

#include <libbench/libbench.h>

#include "bench/cell.h"

#define SECTION_FRAMES   "frames"
#define SECTION_SYSTEMS  "systems"
#define SECTION_SERVICES "services"
#define SECTION_TAIL     "tail"
#define SECTION_WORST    "worst"
#define SECTION_HARNESS  "harness"

struct workload {
    const char *name;
    const char *summary;
    const char *section;
    bool takes_order;
    bool takes_pages; /* the order says how large the object is, 2^order pages; the candidate's orders may end
                         below */
    bool takes_cpus;
    bool is_replay;
    bool takes_trace;       /* NAME:FILE */
    bool one_thread;        /* which plays the CPUs in turn, whatever their number */
    bool may_fail;          /* failed requests are of what it measures; one in ten is too many */
    bool needs_contents;    /* a machine with contents, for those who keep their objects in frames */
    bool own_time;          /* it says itself how long an operation took: lb_set_iteration_time */
    bool makes_machine;     /* its own, and its own instance: cell->instance is not live */
    unsigned default_order; /* where none is asked for */
    unsigned choice;        /* the workload's own: tells those that share functions apart */
    uint64_t memory_bytes;  /* machine to measure on; 0: 1 GiB */
    /* Once, before anything is timed. False: cell->cannot and cell->reason are set. */
    bool (*prepare)(struct cell *cell);
    /* On each thread; libbench calls it several times. `user` is the cell. */
    lb_function *body;
    /* NULL, or: what is granted at the end, for the frame map, is in threads[].runs when it returns. */
    void (*finish)(struct cell *cell);
    /* NULL, or: lets go of what prepare made, as far as it came; before the instance ends. */
    void (*drop)(struct cell *cell);
};

extern const struct workload workload_repeat;
extern const struct workload workload_bulk;
extern const struct workload workload_replace;
extern const struct workload workload_remote;
extern const struct workload workload_replay;
extern const struct workload workload_age;
extern const struct workload workload_age_trace;
extern const struct workload workload_calls;
extern const struct workload workload_cas;
extern const struct workload workloads_vm_alloc[]; /* by FreeBSD's class: with an object, then without */
extern const struct workload workloads_area[];     /* Linux: area-map, area-alloc */
extern const struct workload workloads_orb[];      /* SBP-2: orb-fixed, orb-growing */
extern const struct workload workloads_buffer[]; /* IOKit, by kind of descriptor; and the walk of segments */
extern const struct workload workloads_space[];  /* lent address space, by what else lives there */
extern const struct workload
    workloads_tables[];                        /* lent table memory: tables-churn, tables-burst, tables-dry */
extern const struct workload workloads_plan[]; /* lent buffers, by size and state of memory */
extern const struct workload workloads_programs[]; /* programs-bare, programs-checked */
extern const struct workload workloads_irq[];      /* irq-idle, irq-preempt; again with the antagonist */
extern const struct workload workloads_nosleep[];  /* plenty, floor, exhausted; again with the antagonist */
extern const struct workload workloads_masked[];   /* masked-time, irq-latency */
extern const struct workload workloads_worst[];    /* worst-masked, worst-call, worst-locked */
extern const struct workload workloads_clock[];    /* calibrate-clock, also with the antagonist */
extern const struct workload workloads_level[];    /* calibrate-mask, calibrate-point */
#define WORKLOADS_VM_ALLOC 6u
#define WORKLOADS_AREA     2u
#define WORKLOADS_ORB      2u
#define WORKLOADS_BUFFER   6u
#define WORKLOADS_SPACE    4u
#define WORKLOADS_TABLES   3u
#define WORKLOADS_PLAN     3u
#define WORKLOADS_PROGRAMS 2u
#define WORKLOADS_IRQ      4u
#define WORKLOADS_NOSLEEP  6u
#define WORKLOADS_MASKED   2u
#define WORKLOADS_WORST    3u
#define WORKLOADS_CLOCK    2u
#define WORKLOADS_LEVEL    2u

/* NULL-terminated: those that users name. */
extern const struct workload *const workloads[];

/* "replay:FILE" finds workload_replay, "age:FILE" workload_age_trace; the calibrations are found, too.
 * NULL: there is none. */
const struct workload *workload_find(const char *name);

/* The FILE of "replay:FILE" and "age:FILE". NULL: the name has none. */
const char *workload_file(const char *name);

/* What a workload of section tail is held against: the empty operation on its schedule, in the same company.
 * NULL: it is none. */
const struct workload *workload_clock_of(const struct workload *workload);

/* Does a row of it have an order, of blocks or of the object? */
PL_INLINE bool workload_has_order(const struct workload *workload)
{
    return workload->takes_order || workload->takes_pages;
}

/* Is what is measured in this section held against that rod? */
bool section_has_rod(const char *section, const char *rod);

/* A number of this cell beside its time, into the row under `name` (a literal). A later one replaces it. */
void workload_count(struct cell *cell, const char *name, double value);

/* What this thread works with; pins it on its first call. */
struct cell_thread *workload_thread(struct cell *cell, const struct lb_state *state);

/* A request of the cell's order, class NORMAL, no flags. */
struct pl_request workload_request(const struct cell *cell);

/* Makes room for `count` runs a thread; false: out of memory, cell->cannot is set. */
bool workload_hold(struct cell *cell, size_t count);

/* Sets cell->cannot and its reason; returns false, for prepare to return. */
PL_PRINTF(2, 3) bool workload_cannot(struct cell *cell, const char *format, ...);

#endif
