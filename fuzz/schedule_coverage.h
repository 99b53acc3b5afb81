/* Where the pairs (a CPU left here, the next went on there) are counted, so that an engine keeps inputs for a
 * new interleaving as it does for a new edge. One file an engine. */
#ifndef FUZZ_SCHEDULE_COVERAGE_H
#define FUZZ_SCHEDULE_COVERAGE_H

#include <stdint.h>

/* 2^*bits counters. */
uint8_t *schedule_coverage(uint32_t *bits);

/* A run has ended: the engine gets what was counted. */
void schedule_coverage_done(void);

#endif
