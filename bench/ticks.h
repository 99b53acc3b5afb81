/* The clock of what is too short for the system's: ticks of the time stamp counter where there is one, else
 * nanoseconds. Stamps of one thread only may be compared. */
#ifndef BENCH_TICKS_H
#define BENCH_TICKS_H

#include <pagelab/compiler.h>

#include <stdint.h>

/* CLOCK_MONOTONIC, in ns. */
uint64_t ticks_system_ns(void);

/* How many ticks a nanosecond has; watches both clocks for 20 ms on its first call, from one thread. */
double ticks_per_ns(void);

/* All before it in the program has been done, nothing after it has begun. */
PL_INLINE uint64_t ticks_now(void)
{
    PL_CYCLE_FENCE();
    uint64_t now = PL_HAS_CYCLES ? PL_CYCLES() : ticks_system_ns();
    PL_CYCLE_FENCE();
    return now;
}

#endif
