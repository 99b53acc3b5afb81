/* A cell in a process of its own: what dies or hangs there becomes a row. */
#ifndef BENCH_CELL_CHILD_H
#define BENCH_CELL_CHILD_H

#include <signal.h>

#include "bench/cell.h"

#define CELL_ARGUMENT_BYTES 640u

/* The words that start a cell's process; they live in `store`. */
struct cell_arguments {
    char *argv[20];
    char store[20][CELL_ARGUMENT_BYTES];
};

void cell_arguments_make(const char *program, const struct cell_params *params,
                         struct cell_arguments *arguments);

struct cell_child {
    const char *program; /* path of this program: the child is `program bench-cell ...` */
    double limit_s;
    const volatile sig_atomic_t *stop;
};

/* The row, which the caller deletes. NULL: a caller's mistake, one line in `mistake`, or interrupted, where
 * that is "". */
cJSON *cell_child_row(const struct cell_child *how, const struct cell_params *params, char *mistake,
                      size_t mistake_bytes);

#endif
