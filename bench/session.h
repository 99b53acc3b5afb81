/* Runs a plan: each cell and repetition in a child of its own, rounds interleaved over all cells, the result
 * file written anew after each row, so that a kill loses the row in progress and no more. */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdio.h>

#include "bench/child.h"
#include "bench/plan.h"

struct session_options {
    const char *program;     /* path of this program: children are `program bench-cell ...` */
    const char *result_path; /* NULL: nothing is written */
    const char *mode;        /* for the record */
    unsigned rounds;
    double limit_s;                  /* a child's time */
    void (*annotate)(cJSON *result); /* NULL, or: adds to the finished result before it is written */
    bool resume;                     /* keep the rows that result_path already has */
    FILE *progress;                  /* NULL: silent */
    bool progress_is_tty;
    const volatile sig_atomic_t *stop;
};

struct session_error {
    char text[512];
};

/* What it came to: exit codes of the command line. */
enum session_end {
    SESSION_DONE = 0,
    SESSION_MISTAKE = 2, /* `error` says which */
    SESSION_BROKEN = 3,  /* a candidate broke its contract, crashed or hung; its rows say so */
    SESSION_INTERRUPTED = 130,
};

/* *result: the finished document, also after an interruption; the caller deletes it. NULL on a mistake. */
enum session_end session_run(const struct plan *plan, const struct spec *specs, size_t spec_count,
                             const struct session_options *options, cJSON **result,
                             struct session_error *error);

/* Written beside and renamed: a reader sees a whole file, old or new. 0, or -1 and the error. */
int session_write(const cJSON *root, const char *path, struct session_error *error);

#endif
