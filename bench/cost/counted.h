/* A cell whose calls of the candidate's hooks are told apart for a tool that counts (valgrind): the
 * workloads' own loops, but each hook is called by one of two functions of a known name, and a mark is set as
 * long as it runs. Nothing here looks at a clock: so many operations, and the same each time. */
#ifndef BENCH_COST_COUNTED_H
#define BENCH_COST_COUNTED_H

#include "bench/cell.h"

/* The two functions, and how the line begins that tells the reader of a trace where things are: the mark, the
 * stack's bounds, the program's bounds, in hexadecimal. */
#define COST_HOOK_ALLOC "cost_counted_alloc"
#define COST_HOOK_FREE  "cost_counted_free"
#define COST_MARK_WORDS "pagelab-mark"

/* Operations before the first that counts: caches are filled, first-time work is done. */
#define COST_WARM_OPERATIONS 1000

enum pl_status cost_counted_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run);
enum pl_status cost_counted_free(void *self, struct pl_cpu *cpu, const struct pl_run *run);

/* params->operations of them, or as many as the workload's batches make of it. The line of the mark goes to
 * `marks_fd`; -1: to nobody. Returns {status, reason, allocs, frees, failures}; NULL and one line in `error`
 * for a caller's mistake. */
cJSON *cost_counted_run(const struct cell_params *params, int marks_fd, struct spec_error *error);

/* Is this a workload whose calls can be counted so? */
bool cost_can_count(const struct workload *workload);

#endif
