/* The other CPU, as a nuisance: a thread on CPU 1 that allocates and frees bursts of single frames and writes
 * all over a piece of memory larger than its second-level cache, until it is told to stop. */
#ifndef BENCH_WORKLOADS_ANTAGONIST_H
#define BENCH_WORKLOADS_ANTAGONIST_H

#include <pthread.h>

#include "bench/cell.h"

#define ANTAGONIST_BURST 64u

struct antagonist {
    struct cell *cell;
    struct pl_cpu *cpu;
    unsigned char *memory;
    bool direct; /* calls the candidate itself, without admission */
    bool running;
    pthread_t thread;
    struct pl_run runs[ANTAGONIST_BURST];
    PL_CPU_ALIGNED atomic_uint stop;
};

/* False: no memory or no thread; nothing runs. `antagonist` stays where it is until it has stopped. */
bool antagonist_start(struct antagonist *antagonist, struct cell *cell, bool direct);

/* Waits for its last burst; all that it held is free. Harmless if it does not run. */
void antagonist_stop(struct antagonist *antagonist);

#endif
