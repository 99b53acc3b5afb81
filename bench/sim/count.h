/* Counts what calls of a candidate do, on as many virtual CPUs as wanted. Part of the program pagelab-sim. */
#ifndef BENCH_SIM_COUNT_H
#define BENCH_SIM_COUNT_H

#include "engine/spec.h"
#include "platform/sim/sim.h"

enum count_pattern {
    COUNT_REPEAT, /* allocate one block and free it at once */
    COUNT_BULK,   /* allocate COUNT_BULK_BLOCKS blocks, then free them in another order */
    COUNT_PATTERNS,
};

#define COUNT_BULK_BLOCKS 256u /* more than the caches of most candidates hold for a CPU */

struct count_result {
    uint64_t calls; /* of allocate and of free, on all CPUs */
    uint64_t failures;
    struct sim_counts counts;
};

/* Counts, after a round that warms caches. 0, or -1 and one line in `error`. */
int count_run(const struct spec *spec, uint32_t cpus, uint64_t memory_bytes, uint64_t seed,
              enum count_pattern pattern, struct count_result *result, struct spec_error *error);

#endif
