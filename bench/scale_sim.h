/* Asks the program pagelab-sim for counts. */
#ifndef BENCH_SCALE_SIM_H
#define BENCH_SCALE_SIM_H

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct scale_sim {
    const char *program; /* path of pagelab-sim */
    const char *candidate;
    uint32_t cpus;
    uint64_t memory_bytes;
    uint64_t cap_bytes; /* that may be resident of it */
    unsigned limit_s;
    const volatile sig_atomic_t *stop;
};

/* Adds to `row` the objects `repeat` and `bulk`, each with `calls`, `locked`, `cas_failed`, `spins` and more,
 * in all and, as `locked_per_call` and so on, a call; or `sim_reason`: one line that says why there are none.
 * `sim_note`: that calls failed while they were counted. False: the program died. */
bool scale_sim_add(cJSON *row, const struct scale_sim *asked);

#endif
