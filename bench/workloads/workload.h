/* A workload: what is done to a candidate while libbench looks at the clock. One file each; all of them work
 * on grants of one order, on machines of any shape, through admission, as a kernel would. */
#ifndef BENCH_WORKLOADS_WORKLOAD_H
#define BENCH_WORKLOADS_WORKLOAD_H

#include <libbench/libbench.h>

#include "bench/cell.h"

struct workload {
    const char *name;
    const char *summary;
    bool takes_order;
    bool takes_cpus;
    bool is_replay;
    /* Once, before anything is timed. False: cell->cannot and cell->reason are set. */
    bool (*prepare)(struct cell *cell);
    /* On each thread; libbench calls it several times. `user` is the cell. */
    lb_function *body;
    /* NULL, or: what is granted at the end, for the frame map, is in threads[].runs when it returns. */
    void (*finish)(struct cell *cell);
};

extern const struct workload workload_repeat;
extern const struct workload workload_bulk;
extern const struct workload workload_replace;
extern const struct workload workload_remote;
extern const struct workload workload_replay;
extern const struct workload workload_calls;
extern const struct workload workload_cas;

/* NULL-terminated: those that users name. */
extern const struct workload *const workloads[];

/* "replay:FILE" finds workload_replay; the two calibrations are found, too. NULL: there is none. */
const struct workload *workload_find(const char *name);

/* What this thread works with; pins it on its first call. */
struct cell_thread *workload_thread(struct cell *cell, const struct lb_state *state);

/* A request of the cell's order, class NORMAL, no flags. */
struct pl_request workload_request(const struct cell *cell);

/* Makes room for `count` runs a thread; false: out of memory, cell->cannot is set. */
bool workload_hold(struct cell *cell, size_t count);

/* Sets cell->cannot and its reason; returns false, for prepare to return. */
PL_PRINTF(2, 3) bool workload_cannot(struct cell *cell, const char *format, ...);

#endif
