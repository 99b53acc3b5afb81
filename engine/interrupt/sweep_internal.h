/* Between the sweep's files only: the parent, which walks the program, and the child, which is interrupted.
 */
#ifndef ENGINE_INTERRUPT_SWEEP_INTERNAL_H
#define ENGINE_INTERRUPT_SWEEP_INTERNAL_H

#include "engine/interrupt/masked_count.h"
#include "engine/interrupt/stack.h"
#include "engine/interrupt/sweep.h"
#include "engine/runner.h"

#include <sys/types.h>

/* In memory that a child shares with its parent. */
struct sweep_report {
    volatile sig_atomic_t written;
    uint64_t taken;
    uint64_t denied;
    uint64_t calls;
    struct stack interrupted;
    struct stack interrupting;
    struct sweep_failure failure; /* without names: these take memory */
};

/* One child at a time. */
struct sweep_slot {
    pid_t pid; /* 0: none */
    enum interrupt_level level;
    struct sweep_report *report;
    int words; /* file that its stderr goes to */
};

/* Children that are under way while the parent steps on: where the machine is busy, waiting for one at a time
 * would be most of the time. They are judged in the order of their places. */
#define SWEEP_SLOTS 8u

struct sweep {
    const struct sweep_options *options;
    struct sweep_result *result;
    struct runner runner;
    struct interrupts *interrupts;
    struct tap tap;
    struct sweep_slot slots[SWEEP_SLOTS];
    uint32_t next;           /* slot of the next child; also of the oldest, if all are taken */
    struct sweep_slot *slot; /* in a child: its own */
    struct pl_cpu *cpu;      /* that makes the call */
    struct sweep_place place;
    struct masked_count masked;
    bool over;  /* no more children: limit, stop, or `only` is done */
    bool child; /* this process was interrupted */
    double began_s;
};

/* In the child: watched from here on; takes the interrupt and returns to what was interrupted. */
void sweep_child(struct sweep *sweep, enum interrupt_level level, uintptr_t pc, const void *resume);

/* In the child, when the program has ended. */
PL_NORETURN void sweep_child_end(struct sweep *sweep, const struct finding *finding);

#endif
