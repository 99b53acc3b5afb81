/* A load of one CPU that others look into: waves of single frames, more than a per-CPU cache holds, with
 * larger blocks in between. */
#ifndef BENCH_WORKLOADS_LOAD_H
#define BENCH_WORKLOADS_LOAD_H

#include "bench/cell.h"

#define LOAD_WAVE 1024u

struct load {
    struct cell *cell;
    struct pl_cpu *cpu;
    bool allocating;   /* an allocation is unfinished */
    uint64_t failures; /* of single frames */
    uint64_t waves;
    /* NULL, or called right before and right after each call. */
    void (*before)(void *owner);
    void (*after)(void *owner);
    void *owner;
    struct pl_run runs[LOAD_WAVE];
};

void load_init(struct load *load, struct cell *cell, struct pl_cpu *cpu);

/* Allocates a wave and frees it: in the order of its allocation, or backwards. Every eighth time a block of
 * order 9, or of the largest that the candidate serves, before it. */
void load_wave(struct load *load);

#endif
