/* See ticks.h. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "bench/ticks.h"

#include <time.h>

#define WATCH_NS UINT64_C(20000000)

uint64_t ticks_system_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double ticks_per_ns(void)
{
    static double known = 0;
    if (known > 0)
        return known;
    uint64_t start_ns = ticks_system_ns();
    uint64_t start = ticks_now();
    uint64_t end_ns;
    do
        end_ns = ticks_system_ns();
    while (end_ns - start_ns < WATCH_NS);
    known = (double)(ticks_now() - start) / (double)(end_ns - start_ns);
    return known;
}
