/* A virtual CPU: an argument of every hot call. A backend never asks "which CPU am I?".
 *
 * Interrupts are masked softly: a flag says "masked", a raiser that finds it set leaves a pending bit, and
 * unmasking delivers what is pending. No system call, no locked instruction. Only the CPU itself, and its own
 * interrupts, write `masked`; anybody may set bits in `pending`.
 *
 *   mask            critical section           unmask
 *   masked = 1      raise: masked, so          masked = before
 *                   pending |= bit             if it is 0 and pending: platform->deliver(cpu)
 *
 * A raise between the store and the test finds the CPU unmasked and runs at once, so none is lost. */
#ifndef PAGELAB_CPU_H
#define PAGELAB_CPU_H

#include <stdatomic.h>

#include <pagelab/types.h>

struct pl_platform;

/* Where the caller runs (Linux task, softirq, hardirq; FreeBSD thread, ithread, filter). */
enum pl_context {
    PL_CONTEXT_TASK = 0,
    PL_CONTEXT_SOFTIRQ = 1,
    PL_CONTEXT_HARDIRQ = 2,
    PL_CONTEXT_NMI = 3,
};

/* Layout is ABI. Owned by the platform; lives as long as the machine. Hot fields share one cache line. */
struct pl_cpu {
    PL_CPU_ALIGNED uint32_t bytes; /* sizeof(struct pl_cpu) of whoever made it */
    uint32_t id;                   /* 0 .. machine->cpu_count - 1 */
    atomic_uint masked;            /* 1 while interrupts are held off */
    atomic_uint pending;           /* bits of interrupts raised while masked */
    uint32_t context;              /* enum pl_context */
    uint32_t node;
    uint32_t lock_depth;     /* spin locks held: 0 whenever a call returns */
    uint32_t no_sleep_depth; /* inside a call that was promised not to sleep */
    const struct pl_platform *platform;
    void *platform_data; /* the platform's own; backends leave it alone */
    uint64_t sleeps;     /* times that this CPU entered wait(): X-5, F-18 */
    uint64_t reserved[9];
};

_Static_assert(sizeof(struct pl_cpu) == PL_CPU_LINE_BYTES, "pl_cpu is two cache lines, ABI 1");

/* Services of the platform, reached through the CPU so that a plug-in links against nothing. */
struct pl_platform {
    uint32_t bytes; /* sizeof(struct pl_platform) of whoever made it */
    uint32_t abi;
    const char *name; /* "native", "sim" */

    /* Once around a spin loop. The simulated platform switches CPU here. Never sleeps. */
    void (*relax)(struct pl_cpu *cpu);
    /* Runs the handlers of all pending interrupts. Called unmasked. Never sleeps. */
    void (*deliver)(struct pl_cpu *cpu);
    /* Blocks while *word == expected; may return early. May sleep: a no-sleep region traps it. */
    void (*wait)(struct pl_cpu *cpu, const atomic_uint *word, uint32_t expected);
    /* Wakes up to `count` CPUs that wait on word. Never sleeps. */
    void (*wake)(struct pl_cpu *cpu, const atomic_uint *word, uint32_t count);
    /* Says that the caller could block here, so that a check can object although this time it did not. */
    void (*might_sleep)(struct pl_cpu *cpu, const char *where);
    /* Ends the run: an invariant of the caller is broken. `words` is one line. */
    PL_NORETURN void (*panic)(struct pl_cpu *cpu, const char *words);
    /* NULL unless somebody watches: a labelled point inside a critical section was reached, or a mask or lock
     * changed hands. `object` is the lock, or NULL. Never sleeps. */
    void (*point)(struct pl_cpu *cpu, uint32_t kind, const void *object);
    void (*reserved[7])(void);
};

/* What pl_platform.point is told. */
enum pl_point {
    PL_POINT_LABEL = 0, /* inside a critical section, where an interrupt would hurt most */
    PL_POINT_MASK = 1,
    PL_POINT_UNMASK = 2,
    PL_POINT_LOCK = 3,
    PL_POINT_UNLOCK = 4,
    PL_POINT_WANT = 5, /* a lock is held by somebody else: about to spin */
};

/* Defined where a source is compiled for the simulated platform, which then hears of each outermost mask and
 * unmask and of each lock. Elsewhere it is nothing. */
#ifdef PL_SIMULATED
void pl_simulated_point(struct pl_cpu *cpu, uint32_t kind, const void *object);
#define PL_SIM_TELL(cpu, kind, object) pl_simulated_point(cpu, kind, object)
#else
#define PL_SIM_TELL(cpu, kind, object) ((void)(cpu), (void)(object))
#endif

/* Holds interrupts off; returns the state before, for pl_unmask. Nests. Never sleeps. */
PL_INLINE uint32_t pl_mask(struct pl_cpu *cpu)
{
    uint32_t before = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    atomic_store_explicit(&cpu->masked, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (before == 0)
        PL_SIM_TELL(cpu, PL_POINT_MASK, NULL);
    return before;
}

/* Restores the state that pl_mask returned, and delivers what came in between. Never sleeps. */
PL_INLINE void pl_unmask(struct pl_cpu *cpu, uint32_t before)
{
    if (before == 0)
        PL_SIM_TELL(cpu, PL_POINT_UNMASK, NULL);
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&cpu->masked, before, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (PL_UNLIKELY(atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0) && before == 0)
        cpu->platform->deliver(cpu);
}

/* Marks a labelled point. Costs a load and a test where nobody watches. */
PL_INLINE void pl_point(struct pl_cpu *cpu, const void *object)
{
    if (PL_UNLIKELY(cpu->platform->point != NULL))
        cpu->platform->point(cpu, PL_POINT_LABEL, object);
}

PL_INLINE void pl_relax(struct pl_cpu *cpu)
{
    cpu->platform->relax(cpu);
}

/* *count -= amount; true if the result is negative. One instruction on x86, so an interrupt on this CPU sees
 * it before or after, never half; elsewhere masked. Only for data of this CPU. Never sleeps. */
PL_INLINE bool pl_local_sub_is_negative(struct pl_cpu *cpu, int64_t *count, int64_t amount)
{
#if defined(__x86_64__)
    bool negative;
    (void)cpu;
    __asm__ __volatile__("subq %2, %0" : "+m"(*count), "=@ccs"(negative) : "er"(amount) : "memory");
    return negative;
#else
    uint32_t before = pl_mask(cpu);
    bool negative = (*count -= amount) < 0;
    pl_unmask(cpu, before);
    return negative;
#endif
}

#endif
