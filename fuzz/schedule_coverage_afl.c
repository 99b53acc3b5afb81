/* AFL++ knows edges only: each counter is made one, as if the compiler had put it there. */
#include <string.h>

#include <pagelab/compiler.h>

#include "fuzz/schedule_coverage.h"

#define COUNTER_BITS 12u
#define HITS_TOLD    8u
#define PAIRS        (1u << COUNTER_BITS)

/* The engine's: it numbers the edges between two addresses, and counts one. */
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
void __sanitizer_cov_trace_pc_guard(uint32_t *guard);

static uint8_t counters[PAIRS + COST_COUNTERS];
static uint32_t edges[PAIRS + COST_COUNTERS];

PL_CONSTRUCTOR static void number_edges(void)
{
    __sanitizer_cov_trace_pc_guard_init(edges, edges + PL_COUNT_OF(edges));
}

uint8_t *schedule_coverage(uint32_t *bits)
{
    *bits = COUNTER_BITS;
    return counters;
}

uint8_t *schedule_coverage_cost(void)
{
    return counters + PAIRS;
}

void schedule_coverage_done(void)
{
    for (uint32_t i = 0; i < sizeof(counters); i += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, counters + i, sizeof(eight));
        for (uint32_t k = 0; eight != 0 && k < sizeof(eight); k++) {
            for (uint32_t hits = 0; hits < counters[i + k] && hits < HITS_TOLD; hits++)
                __sanitizer_cov_trace_pc_guard(&edges[i + k]);
        }
        if (eight != 0)
            memset(counters + i, 0, sizeof(eight));
    }
}
