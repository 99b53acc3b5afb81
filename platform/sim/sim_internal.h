/* Shared by the simulated platform's files only. */
#ifndef PLATFORM_SIM_INTERNAL_H
#define PLATFORM_SIM_INTERNAL_H

#include <pagelab/cpu.h>

#include "platform/sim/fibers.h"
#include "platform/sim/sim.h"

/* Counts of the simulation that runs, and of what is done outside of any. Hidden, so that an access finds it,
 * and sim_hot, without a look into a table of addresses. */
extern PL_HIDDEN struct sim_counts sim_now;

extern const struct pl_platform sim_platform;

/* What an access touches. Where nobody looks at each access, `left` is how many may pass before the next
 * event, -1 at the event, and `rest` is 0; where somebody does (a watch, a memory, plain accesses that are no
 * points), `left` stays below 0 and `rest` counts: 0 at the event. */
struct sim_hot {
    uint64_t left; /* signed by meaning: a wrapping one is one instruction to take from and to test */
    int64_t rest;
    int64_t plain_cost; /* what a plain access takes off: 1, or 0 where only atomics are points */
    int64_t origin;     /* where it is attended, `rest` less than this is the point of the run */
    bool attended;
    struct sim_watch *watch; /* that wants to hear of each access; NULL */
    struct sim_memory *memory;
    struct pl_cpu *cpu; /* that runs */
    /* What only the CPU itself touches: stacks, and struct pl_cpu of the run. */
    uintptr_t stacks;
    uintptr_t stacks_bytes;
    uintptr_t cpus;
    uintptr_t cpus_bytes;
};

extern PL_HIDDEN struct sim_hot sim_hot;

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
    struct sim_own counted; /* until it last gave its turn away */
};

/* One lock that was taken in this run. */
struct sim_lock {
    const void *object;
    uint64_t generation; /* of the run; of another one: this entry is free */
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
    uint64_t points;
    int64_t armed;            /* points that the countdown began with */
    bool sliced;              /* that is less than the chooser wanted */
    uint64_t stale_relaxes;   /* since the last finished operation */
    uint64_t progress_points; /* `points` then */
    uint64_t seen;            /* CPUs that ran since */
    uint64_t generation;
    struct sim_own counted; /* of all, when somebody last gave the turn away */
    struct sim_lock locks[SIM_LOCK_LIMIT];
    struct sim_cpu cpus[PL_CPU_LIMIT];
};

/* The one that runs, or NULL. */
extern struct sim *sim_running;

/* An access whose point has come due: the event, if it is one. */
void sim_due(uintptr_t pc);

/* A point: does it not pass at once? */
PL_INLINE bool sim_is_due(void)
{
    return (int64_t)--sim_hot.left < 0;
}

/* One that did not. */
PL_INLINE void sim_pass(int64_t cost, uintptr_t pc)
{
    if (PL_UNLIKELY((sim_hot.rest -= cost) <= 0))
        sim_due(pc);
}

/* Tells the watch of an access; only where there is one. */
PL_INLINE void sim_tell(const volatile void *address, size_t bytes, enum sim_access_kind kind,
                        enum sim_order order, uintptr_t pc)
{
    const struct sim_how how = {kind, order};
    sim_hot.watch->access(sim_hot.watch, sim_hot.cpu, address, bytes, how, pc);
}

void sim_tell_fence(enum sim_order order, uintptr_t pc);

PL_INLINE bool sim_is_of_one_cpu(uintptr_t address)
{
    return address - sim_hot.stacks < sim_hot.stacks_bytes || address - sim_hot.cpus < sim_hot.cpus_bytes;
}

/* Points that have passed since the countdown began. */
PL_INLINE uint64_t sim_passed(const struct sim *sim)
{
    return (uint64_t)(sim->armed - (sim_hot.attended ? sim_hot.rest : (int64_t)sim_hot.left + 1));
}

/* Of all CPUs, for who watches. */
PL_INLINE uint64_t sim_points_now(void)
{
    return (uint64_t)(sim_hot.origin - sim_hot.rest);
}

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

/* Before the turn goes to another CPU: what was counted is of the one that runs. */
void sim_own_settle(struct sim *sim);

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
