/* Who listens to a simulation: a race detector, a listing, a test; and who stands between atomics and memory,
 * as a store buffer does. Without either the fast path of an access is one decrement and one branch.
 * Listeners are called on the stack of the CPU that they are told about; they may call sim_stop(), and
 * nothing else of the simulation. */
#ifndef PLATFORM_SIM_WATCH_H
#define PLATFORM_SIM_WATCH_H

#include <pagelab/cpu.h>

#include "platform/sim/chooser.h"

enum sim_access_kind {
    SIM_READ,
    SIM_WRITE,
    SIM_ATOMIC_READ,
    SIM_ATOMIC_WRITE,
    SIM_ATOMIC_UPDATE, /* read-modify-write; a compare-and-swap that found what it expected */
    SIM_COMPARE_FAILED /* a read; `order` is the one for failure */
};

/* Memory orders as the compilers pass them: __ATOMIC_RELAXED to __ATOMIC_SEQ_CST. Plain accesses have
 * relaxed. */
enum sim_order { SIM_RELAXED, SIM_CONSUME, SIM_ACQUIRE, SIM_RELEASE, SIM_ACQ_REL, SIM_SEQ_CST };

/* Two words in one register, as all that is told of an access goes in registers. */
struct sim_how {
    enum sim_access_kind kind;
    enum sim_order order;
};

/* Each may be NULL. What happens outside of sim_go() is not told. */
struct sim_watch {
    /* A run begins. */
    void (*begin)(struct sim_watch *self, uint32_t cpu_count);
    /* The access is being made: nobody comes between this call and it. `bytes` may be a range, for memset,
     * memcpy and their like; pc is the return address in the instrumented code. */
    void (*access)(struct sim_watch *self, struct pl_cpu *cpu, const volatile void *address, size_t bytes,
                   struct sim_how how, uintptr_t pc);
    void (*fence)(struct sim_watch *self, struct pl_cpu *cpu, enum sim_order order, uintptr_t pc);
    /* PL_POINT_LOCK: it is taken now; PL_POINT_UNLOCK: it is about to be dropped. Lock words are accessed by
     * atomics, which are told, too. */
    void (*lock)(struct sim_watch *self, struct pl_cpu *cpu, enum pl_point kind, const void *lock,
                 uintptr_t pc);
    /* pl_mask has masked, pl_unmask is about to unmask; the outermost of nested ones only. */
    void (*mask)(struct sim_watch *self, struct pl_cpu *cpu, bool masked, uintptr_t pc);
    /* Around each handler; cpu->context says which kind, `enter` is told inside, leaving too. */
    void (*interrupt)(struct sim_watch *self, struct pl_cpu *cpu, bool enter, uintptr_t pc);
    /* `from` stands at from_pc and `to` goes on at to_pc (0: from its start). */
    void (*turn)(struct sim_watch *self, enum sim_place place, uint32_t from, uintptr_t from_pc, uint32_t to,
                 uintptr_t to_pc);
    /* A waits for what B does: `waker` made `woken` runnable. */
    void (*wake)(struct sim_watch *self, uint32_t waker, uint32_t woken);
    /* sim_give() and sim_take(): what `cpu` did until it gave comes before what it does who took. */
    void (*give)(struct sim_watch *self, struct pl_cpu *cpu, uint32_t key);
    void (*take)(struct sim_watch *self, struct pl_cpu *cpu, uint32_t key);
    /* sim_boundary(): an operation of this CPU has ended. */
    void (*boundary)(struct sim_watch *self, struct pl_cpu *cpu);
};

/* What atomics do instead of going to memory: x86-TSO's store buffer. Values are zero-extended; bytes is 1
 * to 8. Read-modify-writes and sequentially consistent stores and fences call drain first and then go to
 * memory. */
struct sim_memory {
    /* A run begins: what an earlier one left is forgotten. NULL: nothing to do. */
    void (*begin)(struct sim_memory *self);
    /* True: *value is what this CPU sees (its own latest store); false: memory has it. */
    bool (*load)(struct sim_memory *self, uint32_t cpu, const volatile void *address, size_t bytes,
                 uint64_t *value);
    /* True: it is kept, and will be stored later; false: store it now. */
    bool (*store)(struct sim_memory *self, uint32_t cpu, volatile void *address, size_t bytes,
                  uint64_t value);
    /* This CPU makes a plain access to memory now: what it keeps of these bytes must be there. */
    void (*plain)(struct sim_memory *self, uint32_t cpu, const volatile void *address, size_t bytes);
    /* The oldest store becomes visible; false: there is none. For SIM_FLUSH, and at each relax, wait and end.
     */
    bool (*flush)(struct sim_memory *self, uint32_t cpu);
};

#endif
