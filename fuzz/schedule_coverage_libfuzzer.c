/* libFuzzer reads this section itself, and clears it before each run ("INFO: N Extra Counters" when it
 * starts). Volatile and used, or the optimiser deletes what nobody here reads. */
#include <pagelab/compiler.h>

#include "fuzz/schedule_coverage.h"

#define COUNTER_BITS 13u
#define PAIRS        (1u << COUNTER_BITS)

static volatile uint8_t counters[PAIRS + COST_COUNTERS] PL_SECTION("__libfuzzer_extra_counters");

uint8_t *schedule_coverage(uint32_t *bits)
{
    *bits = COUNTER_BITS;
    return (uint8_t *)(uintptr_t)counters;
}

uint8_t *schedule_coverage_cost(void)
{
    return (uint8_t *)(uintptr_t)counters + PAIRS;
}

void schedule_coverage_done(void)
{
}
