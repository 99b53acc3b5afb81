/* Runs a list of allocations and frees without the shadow: what benchmarks time. One pass leaves nothing
 * granted: what the list leaves live is freed at its end, and these frees count as operations.
 *
 * Each operation runs where the recorded one did: what was at interrupt level has the recorded context and
 * masked interrupts, and who could not sleep is inside a no-sleep region. A sleep there, as the platform
 * hears of it, is counted.
 *
 *   serial     one thread, in recorded total order, with the recorded CPU and context: deterministic
 *   parallel   a pinned thread a CPU; operations on one slot keep their order (a free waits for its
 * allocation) */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "engine/op.h"
#include "platform/native/native.h"
#include "systems/admission/admission.h"

struct replay {
    const struct op
        *ops; /* borrowed; only OP_ALLOC and OP_FREE, slots below slot_count, CPUs below cpu_count */
    size_t op_count;
    uint32_t slot_count;
    struct admission *admission;
    struct native_machine *native;
    struct pl_run *runs; /* by slot; frame_count 0: empty */
    uint64_t failures;
    atomic_ullong sleeps; /* operations that could not sleep waited, or came to where they could */
    /* parallel only */
    atomic_uint *turns; /* by slot: how many operations on it are done */
    uint32_t *tickets;  /* by operation: how many on its slot come before it */
    atomic_ullong parallel_failures;
};

/* 0, or -1: out of memory. `parallel` also prepares replay_parallel. Until replay_fini it is the one who
 * hears of sleeps on this machine. */
int replay_init(struct replay *replay, const struct op *ops, size_t op_count, uint32_t slot_count,
                struct admission *admission, struct native_machine *native, bool parallel);
void replay_fini(struct replay *replay);

/* The list once, in order, on this thread. */
void replay_serial(struct replay *replay);

/* Who hears of each operation, and how long it took by a clock of their own, whose reading is in that. */
struct replay_watch {
    uint64_t (*clock)(void);
    void (*done)(struct replay_watch *watch, const struct op *op, uint64_t ticks);
};

/* As replay_serial, watched: slower, for its times are of single operations. */
void replay_watched(struct replay *replay, struct replay_watch *watch);

/* Frees what is live; returns how many. */
uint64_t replay_release(struct replay *replay);

/* The list once, each CPU's operations on a thread of its own. 0, or -1 if threads cannot be had. */
int replay_parallel(struct replay *replay);

#endif
