/* How candidates grow: with memory, on machines that are numbers only, and with CPUs. Each cell is a process
 * of its own with a limit in time and in memory. Beyond the real CPUs nothing is timed: what calls do is
 * counted by the program pagelab-sim (bench/sim). */
#ifndef BENCH_SCALE_H
#define BENCH_SCALE_H

#include <cjson/cJSON.h>
#include <signal.h>
#include <stdio.h>

#include "engine/spec.h"

/* The smallest machine of the memory axis, the factor between two, and the largest: 2^32 frames. */
#define SCALE_FROM_BYTES (UINT64_C(64) << 20)
#define SCALE_TO_BYTES   (UINT64_C(16) << 40)
#define SCALE_FACTOR     8u

/* Metadata that a cell may touch, where the machine has twice as much to spare. */
#define SCALE_CAP_BYTES (UINT64_C(4) << 30)

struct scale_options {
    const struct spec *specs;
    size_t spec_count;
    uint64_t from_bytes;
    uint64_t to_bytes;
    uint32_t cpus[PL_CPU_LIMIT];
    size_t cpu_count;   /* of `cpus`; 0: no CPU axis */
    unsigned limit_s;   /* a cell's time */
    uint64_t cap_bytes; /* the most that a cell may touch; less where there is not twice as much to spare */
    double min_time_s;  /* for each time that is measured */
    const char *sim;    /* path of pagelab-sim */
    FILE *progress;     /* NULL: silent */
    const volatile sig_atomic_t *stop;
};

/* A document of `context`, `memory` (a row a candidate and machine; the last one may say what stops it),
 * `growth` (exponents fitted over the memory axis) and `cpus`; the caller deletes it. NULL: out of memory.
 * Rows are complete also after *stop was set. */
cJSON *scale_run(const struct scale_options *options);

/* The first candidate that should have reached `to_bytes` within the cap and has not; NULL: none. */
const char *scale_missed(const cJSON *document);

/* The first candidate whose process died or that returned nonsense, by its rows; NULL: none. */
const char *scale_broken(const cJSON *document);

#endif
