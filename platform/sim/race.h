/* A data race detector for a simulation, as a sim_watch: two accesses of one place, at least one a write, not
 * both atomic, and nothing orders them. Vector clocks, so a race is seen whether or not it did harm in this
 * schedule.
 *
 * What orders: atomics by their memory order, fences, waking, what the harness hands over (sim_give,
 * sim_take), and, between a CPU and its own interrupts, the interrupt mask: it counts as a lock that each
 * handler holds. So data that a task touches unmasked and its interrupt touches, too, is a race; an atomic of
 * any order is enough between the two, for they are one processor.
 *
 * Not seen: what lies on the CPUs' own stacks, struct pl_cpu (the platform's), and code that is not
 * instrumented. */
#ifndef PLATFORM_SIM_RACE_H
#define PLATFORM_SIM_RACE_H

#include "platform/sim/sim.h"

#define RACE_CPU_LIMIT 8u

/* One of the two. */
struct race_side {
    uint32_t cpu;
    uint32_t context; /* enum pl_context: TASK, HARDIRQ or NMI */
    bool write;
    bool atomic;
    uintptr_t pc;
    uint64_t point; /* of the run, when it was made */
};

struct race_report {
    bool found;
    const volatile void *address; /* of the later access */
    size_t bytes;
    struct race_side first;
    struct race_side second;
};

struct race;

/* NULL: no memory. */
struct race *race_new(void);
void race_delete(struct race *race);

/* What to pass as sim_setup.watch. Each run begins anew. A race ends it by sim_stop(), and its report stays
 * until the next run. Machines of more than RACE_CPU_LIMIT CPUs are not watched, nor the rest of a run that
 * touches more places than the detector can follow. */
struct sim_watch *race_watch(struct race *race);
const struct race_report *race_found(const struct race *race);

#endif
