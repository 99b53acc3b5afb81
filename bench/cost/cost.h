/* What candidates cost, counted and not timed: instructions, locked operations and cache lines of an
 * operation, under valgrind. The same each time for our own; libraries are run several times and have a
 * range. */
#ifndef BENCH_COST_COST_H
#define BENCH_COST_COST_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "bench/cost/valgrind.h"
#include "bench/session.h"

#define COST_MEMORY_BYTES (UINT64_C(64) << 20)
#define COST_OPERATIONS   10000u
#define COST_LIBRARY_RUNS 3u
#define COST_RUNS_MAX     100u
#define COST_TIME_LIMIT_S 600 /* for each run of a tool */
#define COST_AXIS_LIMIT   16u

struct cost_workload {
    char shown[512]; /* as the caller said it */
    char real[512];  /* with the path that a child finds, wherever it is */
};

struct cost_options {
    const struct spec *specs;
    size_t spec_count;
    struct cost_workload workloads[COST_AXIS_LIMIT];
    size_t workload_count;
    unsigned orders[COST_AXIS_LIMIT];
    size_t order_count;
    uint64_t memory_bytes; /* 0: the recording's machine, or 64 MiB */
    uint64_t operations;
    unsigned runs;  /* 0: once, libraries and plug-ins three times */
    bool lines;     /* count cache lines, too: lackey is slow */
    FILE *progress; /* NULL: silent */
    struct cost_runner runner;
};

/* *document: {context, cost: a row a cell}, also after an interruption; the caller deletes it. NULL on a
 * mistake or where valgrind itself fails, with one line in `error`. */
enum session_end cost_session(const struct cost_options *options, cJSON **document, struct cost_error *error);

#endif
