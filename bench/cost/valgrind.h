/* Runs a counted cell (counted.h) of this program under valgrind's tools. The environment is empty but for
 * what is fixed here, and the program binds its libraries when it starts, so that nothing but the cell
 * decides. */
#ifndef BENCH_COST_VALGRIND_H
#define BENCH_COST_VALGRIND_H

#include <cjson/cJSON.h>
#include <signal.h>

#include "bench/cell.h"
#include "bench/cost/profile.h"

struct cost_runner {
    const char *program; /* path of this program: children are `program bench-cell ... --counted FD` */
    char valgrind[1024];
    double limit_s; /* for each run of a tool */
    const volatile sig_atomic_t *stop;
};

/* The tool's name is what --tool takes. */
enum cost_tool { COST_CALLGRIND, COST_LACKEY };

enum cost_run_end {
    COST_RUN_OK,
    COST_RUN_MISTAKE, /* the caller's; the words say which */
    COST_RUN_TOOL,    /* valgrind's own failure; the words say how */
    COST_RUN_ENDED,   /* the program died or wrote nothing; the words say how */
    COST_RUN_TIMED_OUT,
    COST_RUN_INTERRUPTED, /* *stop */
};

/* Finds valgrind on PATH. NULL, or why nothing can be counted here, in words. */
const char *cost_runner_find(struct cost_runner *runner);

/* Once under one tool: *row gets what the cell says (cost_counted_run), for the caller to delete; unless its
 * status is "ok" nothing was counted. What was counted is added to the profile. */
enum cost_run_end cost_run(const struct cost_runner *runner, enum cost_tool tool,
                           const struct cell_params *params, struct cost_profile *profile, cJSON **row,
                           struct cost_error *error);

#endif
