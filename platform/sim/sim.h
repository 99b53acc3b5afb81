/* The simulated platform: many virtual CPUs on one thread, every access of instrumented code a point where
 * another CPU may go on or an interrupt may come. It runs the candidates' own sources, unmodified, compiled
 * once more with -fsanitize=thread (pagelab_sim_objects in cmake/rooms.cmake); the calls that the compiler
 * then puts at each access end here and not in that sanitizer's library. Who is not compiled so runs, too,
 * but without points: an opaque call is one step. A chooser (chooser.h) decides; the same answers give the
 * same run. One simulation at a time.
 *
 * What is interleaved is sequentially consistent unless a sim_memory stands between (watch.h). Inline
 * assembly is unseen (pl_local_sub_is_negative on x86-64). */
#ifndef PLATFORM_SIM_H
#define PLATFORM_SIM_H

#include "platform/native/native.h"
#include "platform/sim/chooser.h"
#include "platform/sim/watch.h"

/* What the instrumented code did. x86-64 decides what is locked: read-modify-writes, and sequentially
 * consistent stores and fences, which cost the same. */
struct sim_counts {
    uint64_t locked;
    uint64_t cas;        /* of `locked`: compare-and-swaps */
    uint64_t cas_failed; /* of `cas`: those that found another value; none fails without a reason */
    uint64_t loads;      /* atomic */
    uint64_t stores;     /* atomic, not locked */
    uint64_t plain;      /* accesses that are not atomic */
    uint64_t relaxes;    /* rounds of spin loops */
    uint64_t switches;   /* times that another CPU went on */
};

/* Of one CPU, the interrupts that ran on it included. */
struct sim_own {
    uint64_t accesses; /* of any kind, fences included */
    uint64_t locked;
    uint64_t cas_failed;
};

typedef void sim_thread(struct pl_cpu *cpu, void *argument);

/* How a run ended. All but SIM_DONE leave the CPUs where they stand: whoever ran it resets what they worked
 * on. */
enum sim_end {
    SIM_DONE,      /* all have returned */
    SIM_DEADLOCK,  /* so many relaxes, by everybody who can run, and no operation finished */
    SIM_LIVELOCK,  /* so many points likewise */
    SIM_LOST_WAKE, /* all who have not returned wait */
    SIM_SLEPT,     /* a wait, or might_sleep, where nobody may sleep */
    SIM_LOCK_RULE, /* a lock taken at interrupt level, and with interrupts on */
    SIM_PANIC,     /* pl_platform.panic: an invariant of the code that ran */
    SIM_STOPPED,   /* sim_stop() */
    SIM_ENDS,
};

extern const char *const sim_end_names[SIM_ENDS];

/* What to run. Zero is what most want, but for native, cpu_count, function and chooser. */
struct sim_setup {
    struct native_machine *native;
    uint32_t cpu_count;
    sim_thread *function; /* on each of CPUs 0 .. cpu_count-1, at once */
    void *argument;       /* of function and handler */
    struct sim_chooser *chooser;
    native_handler *handler; /* of interrupts, masked, at interrupt level; NULL: none come */
    struct sim_watch *watch;
    struct sim_memory *memory;
    uint32_t depth_limit; /* interrupts inside one another, SIM_NMI included; 0: 1 */
    uint32_t relax_limit; /* 0: SIM_RELAX_LIMIT */
    uint64_t patience;    /* points without a finished operation until SIM_LIVELOCK; 0: SIM_PATIENCE */
    bool atomics_only;    /* plain accesses are no points */
    uint8_t *coverage;    /* NULL, or 2^coverage_bits counters of (where one left, where the next went on) */
    uint32_t coverage_bits;
};

#define SIM_RELAX_LIMIT 2000u
#define SIM_PATIENCE    100000u

#define SIM_LOCKS_SHOWN 4u

/* Where a CPU stood at the end. */
struct sim_standing {
    bool returned;
    bool waits;          /* in pl_platform.wait, on `word` */
    bool spins;          /* in pl_platform.relax, the last time that it ran */
    uintptr_t pc;        /* of its last event */
    const void *word;    /* that it waits on, or the lock that it wants; NULL */
    uint32_t holder;     /* of that lock; UINT32_MAX: nobody, or not known */
    uintptr_t holder_pc; /* where the holder took it */
    uint32_t lock_count; /* locks that it holds; the first are shown */
    struct {
        const void *lock;
        uintptr_t pc; /* where it was taken */
    } locks[SIM_LOCKS_SHOWN];
    uint64_t points;   /* of this CPU */
    uint64_t progress; /* operations that it finished: sim_boundary() */
};

struct sim_report {
    enum sim_end end;
    uint32_t cpu;      /* who ran at the end */
    uint64_t points;   /* of all CPUs */
    uint64_t switches; /* another CPU went on */
    uint64_t interrupts;
    uint64_t events;    /* answers of the chooser that did something */
    uint64_t digest;    /* of all that the schedule was: who, where, at which point */
    char words[160];    /* one line: what is wrong; empty if SIM_DONE */
    uintptr_t other_pc; /* SIM_LOCK_RULE: where it was taken the other way */
    const void *object; /* SIM_LOCK_RULE: the lock */
    uint32_t cpu_count;
    struct sim_standing cpus[PL_CPU_LIMIT];
};

struct sim;

/* Stacks for so many CPUs, with guard pages; used again for each run. NULL: no memory. */
struct sim *sim_new(uint32_t cpu_count);
void sim_delete(struct sim *sim);

/* Runs; while it does, the CPUs' platform is the simulated one. `report` is written. */
enum sim_end sim_go(struct sim *sim, const struct sim_setup *setup, struct sim_report *report);

/* --- from inside of a run, on the stack of the CPU that runs --- */

/* An operation of this CPU has ended: progress. The chooser is asked at SIM_AT_BOUNDARY. */
void sim_boundary(struct pl_cpu *cpu);

/* An interrupt of this CPU: its handler runs now, or at unmask. */
void sim_raise(struct pl_cpu *cpu);

/* Progress only: nobody is asked. */
void sim_progress(struct pl_cpu *cpu);

/* A grant travels from CPU to CPU by ways that are not instrumented, as by a table of the caller's: whoever
 * got it gives it under a key, whoever frees it takes it. A key is a small number. */
void sim_give(struct pl_cpu *cpu, uint32_t key);
void sim_take(struct pl_cpu *cpu, uint32_t key);

/* Is it on a CPU's stack, or part of a struct pl_cpu of the run? */
bool sim_is_private(const volatile void *address);

/* What arm() answered may have changed: it is asked again. */
void sim_rearm(void);

/* Ends the run with SIM_STOPPED and these words; does not return. */
PL_NORETURN void sim_stop(const char *words);

/* Points so far, of the CPU that runs. */
uint64_t sim_own_points(void);

/* Points so far, of all CPUs. Also after a run, until the next. */
uint64_t sim_points(void);

/* Counts since the last sim_go() began. */
const struct sim_counts *sim_counts_now(void);

/* The same of the CPU that runs, only; outside of any run, of all that is done. */
struct sim_own sim_own_counts(void);

/* --- counting --- */

/* Runs function(cpu, argument) on CPUs 0 .. cpu_count-1 of the machine, interleaved, until all have returned.
 * Before each atomic access, and wherever a spin loop relaxes, the next CPU is drawn from the seed. `counts`
 * is written. 0, or -1: no memory for stacks. A panic is the end of the process.
 */
int sim_run(struct native_machine *native, uint32_t cpu_count, sim_thread *function, void *argument,
            uint64_t seed, struct sim_counts *counts);

#endif
