/* The simulated platform: many virtual CPUs on one thread, and every atomic access counted. It runs the
 * candidates' own sources, unmodified, compiled once more with -fsanitize=thread (pagelab_sim_objects in
 * cmake/rooms.cmake); the calls that the compiler then puts at each access end here and not in that
 * sanitizer's library. Before an atomic access, and wherever a spin loop relaxes, the next CPU is drawn at
 * random from a seed: a schedule that repeats exactly. Whoever is not compiled so runs, too, but without
 * switches and uncounted. One simulation at a time. */
#ifndef PLATFORM_SIM_H
#define PLATFORM_SIM_H

#include "platform/native/native.h"

/* What the instrumented code did. x86-64 decides what is locked: read-modify-writes, and sequentially
 * consistent stores and fences, which cost the same. */
struct sim_counts {
    uint64_t locked;
    uint64_t cas;        /* of `locked`: compare-and-swaps */
    uint64_t cas_failed; /* of `cas`: those that found another value; none fails without a reason */
    uint64_t loads;      /* atomic */
    uint64_t stores;     /* atomic, not locked */
    uint64_t plain;      /* accesses that are not atomic; they switch nothing */
    uint64_t relaxes;    /* rounds of spin loops */
    uint64_t switches;   /* times that another CPU went on */
};

typedef void sim_thread(struct pl_cpu *cpu, void *argument);

/* Runs function(cpu, argument) on CPUs 0 .. cpu_count-1 of the machine, interleaved, until all have returned;
 * while it runs the CPUs' platform is the simulated one. `counts` is written. 0, or -1: no memory for stacks.
 */
int sim_run(struct native_machine *native, uint32_t cpu_count, sim_thread *function, void *argument,
            uint64_t seed, struct sim_counts *counts);

#endif
