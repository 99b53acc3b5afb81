/* A fixed schedule of arrivals, and how late each was done. Latency counts from the *intended* arrival,
 * whether or not the operation before was done by then: one that stalls delays all that should have come
 * meanwhile, and each of them says so (no coordinated omission). Service time is that of the operation alone.
 *
 *     intended   |         |         |         |
 *     done       [op]      [op that stalls           ][op][op]
 *     latency    ->        --------------------------> ------> ... */
#ifndef BENCH_ARRIVALS_H
#define BENCH_ARRIVALS_H

#include "bench/histogram.h"
#include "bench/ticks.h"

/* All in ticks. */
struct arrivals {
    uint64_t interval;
    uint64_t intended; /* arrival of the next operation */
    struct histogram latency;
    struct histogram service;
};

PL_INLINE void arrivals_begin(struct arrivals *arrivals, uint64_t first, uint64_t interval)
{
    arrivals->interval = interval;
    arrivals->intended = first;
    histogram_clear(&arrivals->latency);
    histogram_clear(&arrivals->service);
}

/* Waits for the next arrival; the stamp of the operation's begin. */
PL_INLINE uint64_t arrivals_wait(const struct arrivals *arrivals)
{
    uint64_t now;
    do
        now = ticks_now();
    while (now < arrivals->intended);
    return now;
}

/* The operation that arrived at `intended` began and is done. */
PL_INLINE void arrivals_done(struct arrivals *arrivals, uint64_t begun, uint64_t done)
{
    histogram_add(&arrivals->latency, done - arrivals->intended);
    histogram_add(&arrivals->service, done - begun);
    arrivals->intended += arrivals->interval;
}

#endif
