/* Asks the program pagelab-sim for counts. */
#ifndef BENCH_SCALE_SIM_H
#define BENCH_SCALE_SIM_H

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdint.h>

/* Adds to `row` the objects `repeat` and `bulk`, each with `calls`, `locked`, `cas_failed`, `spins` and more,
 * in all and, as `locked_per_call` and so on, a call; or `sim_reason`: one line that says why there are none.
 */
void scale_sim_add(cJSON *row, const char *program, const char *candidate, uint32_t cpus,
                   uint64_t memory_bytes, unsigned limit_s, const volatile sig_atomic_t *stop);

#endif
