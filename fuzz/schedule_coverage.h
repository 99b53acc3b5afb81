/* Where the pairs (a CPU left here, the next went on there) are counted, and what calls cost is marked, so
 * that an engine keeps inputs for a new interleaving and for a dearer call as it does for a new edge. One
 * file an engine. */
#ifndef FUZZ_SCHEDULE_COVERAGE_H
#define FUZZ_SCHEDULE_COVERAGE_H

#include <stdint.h>

#include "engine/schedule/cost.h"

/* 2^*bits counters. */
uint8_t *schedule_coverage(uint32_t *bits);

/* COST_COUNTERS more. */
uint8_t *schedule_coverage_cost(void);

/* A run has ended: the engine gets what was counted. */
void schedule_coverage_done(void);

#endif
