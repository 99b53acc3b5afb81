/* No sleep, proved: a candidate is called as by somebody who must not sleep, and whatever could block there
 * is noted with its caller. First the platform's own words (wait, might_sleep), under them every system call
 * (platform/native/dispatch.h). Each row is a process of its own. */
#ifndef ENGINE_NOSLEEP_NOSLEEP_H
#define ENGINE_NOSLEEP_NOSLEEP_H

#include <signal.h>

#include "engine/spec.h"

enum nosleep_scenario {
    NOSLEEP_COLD,      /* the first calls after init */
    NOSLEEP_WARM,      /* memory is plentiful, every path was walked before */
    NOSLEEP_EXHAUSTED, /* until nothing is left, beyond, and back */
    NOSLEEP_CONTENDED, /* two CPUs on one instance, each frees also what the other was granted */
    NOSLEEP_MAP,       /* a promise not to allocate: mapping through preallocated ptes */
    NOSLEEP_ORB,       /* likewise: command buffers into a preallocated page table of fixed size */
    NOSLEEP_SCENARIO_COUNT,
};

extern const char *const nosleep_scenario_names[NOSLEEP_SCENARIO_COUNT];

enum nosleep_verdict {
    NOSLEEP_QUIET,        /* nothing was seen, and everything was looked at */
    NOSLEEP_KEPT,         /* likewise, of a promise not to allocate */
    NOSLEEP_CALLS,        /* system calls, none of them blocks */
    NOSLEEP_SLEEPS,       /* something that blocks, or could */
    NOSLEEP_ALLOCATES,    /* a promise not to allocate: the allocator was called */
    NOSLEEP_NOT_CHECKED,  /* nothing was seen by the platform, and system calls cannot be seen here */
    NOSLEEP_NA,           /* the scenario needs what the candidate does not claim */
    NOSLEEP_NOT_FINISHED, /* the limit came first, and until then nothing was seen that refutes */
    NOSLEEP_DIED,         /* the process of this row did not come back */
};

extern const char *const nosleep_verdict_names[NOSLEEP_DIED + 1];

enum nosleep_kind {
    NOSLEEP_WAIT,  /* the platform's wait or might_sleep */
    NOSLEEP_BLOCK, /* a system call that blocks, or gives the CPU away */
    NOSLEEP_CALL,  /* any other system call */
};

#define NOSLEEP_FOUND_LIMIT 16u

struct nosleep_found {
    enum nosleep_kind kind;
    uint64_t count;
    char name[24];   /* "futex", "wait", "system call 449" */
    char caller[80]; /* the innermost function that is not the C library's */
    char at[80];     /* where the call itself is: "syscall+0x19" */
    char stack[300]; /* functions from `at` outwards, "a < b < c" */
};

struct nosleep_row {
    enum nosleep_verdict verdict;
    bool refuted;             /* the candidate promised otherwise: X-5 */
    uint64_t calls;           /* inside no-sleep regions */
    uint64_t allocator_calls; /* of promises not to allocate: what reached the allocator */
    uint64_t waits;           /* of kind NOSLEEP_WAIT */
    uint64_t trapped;         /* system calls */
    uint32_t found_count;     /* the first ones that block */
    struct nosleep_found found[NOSLEEP_FOUND_LIMIT];
    char words[300]; /* the verdict as a cell says it */
};

/* NULL, or why system calls cannot be seen here. */
const char *nosleep_missing(void);

/* Fills `row`. 0, or -1: interrupted by `stop`, or no process or memory could be had (then errno is set). */
int nosleep_run(const struct spec *spec, enum nosleep_scenario scenario, unsigned limit_s,
                const volatile sig_atomic_t *stop, struct nosleep_row *row);

/* What a region costs: by itself, and an empty call without and inside one, where the processor does both at
 * once. Best of several rounds. */
struct nosleep_cost {
    double alone_ns;
    double empty_ns;
    double inside_ns;
};

struct nosleep_cost nosleep_measure_region(void);

#endif
