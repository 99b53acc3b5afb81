/* One cell of the scale axes, measured in the process that calls; whoever wants isolation runs it in a child
 * (see bench/scale.h). */
#ifndef BENCH_SCALE_CELL_H
#define BENCH_SCALE_CELL_H

#include "engine/spec.h"

/* Crosses a pipe, so it holds no pointers. A time of 0 is none. */
struct scale_cell {
    bool done;
    bool broken;   /* not done: a hook returned nonsense, or the process died */
    bool contents; /* its machine has contents, and those touched count as metadata */
    char reason[200];
    uint64_t frame_count;
    uint64_t reserved_bytes;     /* of metadata */
    uint64_t touched_init_bytes; /* resident after init */
    uint64_t touched_bytes;      /* resident at the end */
    uint64_t live;               /* blocks that `replace` keeps granted */
    double init_ms;
    double repeat_ns;  /* order 0: a pair of allocate and free */
    double replace_ns; /* order 0: free one of `live` blocks and allocate another */
    double order9_ns;  /* as repeat */
};

struct scale_cell_params {
    const struct spec *spec;
    uint64_t memory_bytes;
    uint32_t cpus;      /* virtual CPUs; memory axis: 1 */
    double min_time_s;  /* for each time that is measured */
    uint64_t cap_bytes; /* resident bytes at which the process ends with MEMORY_GUARD_STATUS */
};

/* A point of the memory axis. */
void scale_cell_memory(const struct scale_cell_params *params, struct scale_cell *cell);

/* A point of the CPU axis: `repeat` on as many threads; repeat_ns is the mean over the CPUs. */
void scale_cell_threads(const struct scale_cell_params *params, struct scale_cell *cell);

#endif
