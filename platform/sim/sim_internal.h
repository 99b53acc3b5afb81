/* Shared by the simulated platform's files only. */
#ifndef PLATFORM_SIM_INTERNAL_H
#define PLATFORM_SIM_INTERNAL_H

#include <pagelab/cpu.h>

#include "platform/sim/fibers.h"
#include "platform/sim/sim.h"

/* Counts of the simulation that runs, and of what is done outside of any. */
extern struct sim_counts sim_now;

extern const struct pl_platform sim_platform;

/* What the fast path of an access touches. left > 0 unless watched; then each access takes the slow path, and
 * `rest` counts. */
struct sim_hot {
    int64_t left;       /* points until sim_due() has something to do */
    int64_t plain_cost; /* what a plain access takes off: 1, or 0 where only atomics are points */
    int64_t rest;       /* watched only */
    bool watched;       /* each access is told to setup.watch */
    struct sim_memory *memory;
};

extern struct sim_hot sim_hot;

struct sim_cpu {
    struct fiber fiber;
    struct pl_cpu *cpu;
    uint64_t own;         /* points */
    uint64_t progress;    /* finished operations */
    uintptr_t pc;         /* where it stands */
    enum sim_place place; /* why */
    const void *word;     /* waits on, or wants; NULL */
    uint32_t depth;       /* interrupts inside one another */
    bool returned;
    bool waits;
};

/* One lock that was taken in this run. */
struct sim_lock {
    const void *object;
    uint32_t generation; /* of the run; of another one: this entry is free */
    uint32_t owner;      /* CPU, or UINT32_MAX */
    uintptr_t pc;        /* where it was taken last */
    uintptr_t open_pc;   /* where with interrupts on; 0: never */
    uintptr_t irq_pc;    /* where at interrupt level */
};

#define SIM_LOCK_LIMIT 256u

struct sim {
    uint32_t cpu_limit;
    size_t stack_bytes;
    unsigned char *stacks;
    struct sim_setup setup;
    struct sim_report *report;
    struct fiber home;
    uint32_t current;
    uint64_t runnable;
    uintptr_t cpus_low; /* struct pl_cpu of the run lie from here */
    uintptr_t cpus_high;
    uint64_t points;
    int64_t armed;            /* points that `left` began with */
    bool sliced;              /* `left` is less than the chooser wanted */
    uint64_t stale_relaxes;   /* since the last finished operation */
    uint64_t progress_points; /* `points` then */
    uint64_t seen;            /* CPUs that ran since */
    uint32_t generation;
    struct sim_lock locks[SIM_LOCK_LIMIT];
    struct sim_cpu cpus[PL_CPU_LIMIT];
};

/* The one that runs, or NULL. */
extern struct sim *sim_running;

/* An access whose point has come due. */
void sim_due(int64_t cost, uintptr_t pc);

/* Tells the watch of an access; only where sim_hot.watched. */
void sim_tell(const volatile void *address, size_t bytes, enum sim_access_kind kind, enum sim_order order,
              uintptr_t pc);
void sim_tell_fence(enum sim_order order, uintptr_t pc);

/* Where a CPU stands in a service of the platform: closes its count of points, and opens it again. */
void sim_close(struct sim *sim, enum sim_place place, uintptr_t pc);
void sim_open(struct sim *sim);

/* Asks the chooser who goes on and switches; returns when it is this CPU's turn. Between sim_close and
 * sim_open. */
void sim_yield(struct sim *sim, enum sim_place place, uintptr_t pc);

/* Runs the handler. Between sim_close and sim_open. */
void sim_run_handler(struct sim *sim, bool nmi, uintptr_t pc);

/* The handler for each interrupt that is pending, if nothing masks. Between sim_close and sim_open. */
void sim_deliver_pending(struct sim *sim, uintptr_t pc);

/* Ends the run. */
PL_NORETURN void sim_finish(struct sim *sim, enum sim_end end, const char *words);

/* All buffered stores of a CPU become visible. */
void sim_drain(uint32_t cpu);

/* --- locks --- */

void sim_lock_wanted(struct sim *sim, const void *lock, uintptr_t pc);
void sim_lock_taken(struct sim *sim, const void *lock, uintptr_t pc);
void sim_lock_dropped(struct sim *sim, const void *lock);
/* Who holds what, into the report. */
void sim_lock_report(struct sim *sim);

PL_INLINE struct sim_cpu *sim_self(struct sim *sim)
{
    return &sim->cpus[sim->current];
}

#endif
