/* Interrupts in a runner: a handler that allocates and frees with class INTERRUPT while a call is unfinished,
 * with the shadow beside it. It is raised at the n-th labelled point of a backend's critical sections
 * (OP_INTERRUPT), or by whoever watches (engine/interrupt/sweep.h).
 *
 *   runner -> admission -> a call of the candidate, unfinished
 *                             ^ point -> native_raise -> handler -> admission -> the same candidate
 *
 * What the interrupted call may answer is loosened only by what the interrupt itself took or moved. */
#ifndef ENGINE_INTERRUPT_H
#define ENGINE_INTERRUPT_H

#include "engine/shadow.h"

struct expectation;
struct runner;
struct interrupts;

#define INTERRUPT_KEPT_LIMIT    16u
#define INTERRUPT_TOUCHED_LIMIT 16u
#define INTERRUPT_TAG           UINT32_C(0x40000000) /* in the shadow: what interrupts hold */

/* Which mask counts. */
enum interrupt_level {
    INTERRUPT_IRQ = 0, /* held off while masked, delivered when unmasked */
    INTERRUPT_NMI = 1, /* at once, wherever */
    INTERRUPT_LEVEL_COUNT = 2,
};

extern const char *const interrupt_level_names[INTERRUPT_LEVEL_COUNT];

/* Hears of labelled points in place of OP_INTERRUPT. `resume` is where the interrupted code goes on. */
typedef void interrupt_watch(void *argument, struct pl_cpu *cpu, const void *resume);

struct interrupts {
    struct pl_platform platform;      /* first: the CPUs' table of services while this lives */
    const struct pl_platform *before; /* theirs */
    struct runner *runner;
    interrupt_watch *watch;          /* or NULL */
    void (*entered)(void *argument); /* told when a handler begins; or NULL */
    void *argument;                  /* the watcher's */
    enum op_interrupt doing;
    unsigned order;    /* of the handler's allocations */
    bool swept;        /* somebody else says when: OP_INTERRUPT is nothing */
    bool open;         /* the runner makes a call that it is prepared to see interrupted */
    bool inside;       /* a handler runs */
    bool taken_now;    /* one ran since the operation began */
    uint32_t armed_in; /* labelled points until OP_INTERRUPT's is raised; 0: none */
    uint32_t armed_cpu;
    enum interrupt_level armed_level;
    uint64_t taken;          /* handlers run */
    uint64_t calls;          /* hooks that they called */
    uint64_t denied;         /* of those, allocations that were not granted */
    const void *resume;      /* where the last one came from; NULL: none yet */
    const void *handler_end; /* where its handler returns to */
    struct pl_run kept[INTERRUPT_KEPT_LIMIT];
    uint32_t kept_count;
    struct pl_run touched[INTERRUPT_TOUCHED_LIMIT]; /* since the operation began */
    uint32_t touched_count;
    struct finding finding; /* the handler's own */
};

/* Makes the CPUs of the runner's machine interruptible; the runner owns it and ends it. NULL: no memory. */
struct interrupts *interrupts_of(struct runner *runner);
void interrupts_delete(struct interrupts *self);

/* Whose services the CPU has. Only from one of them. */
PL_INLINE struct interrupts *interrupts_of_cpu(const struct pl_cpu *cpu)
{
    return (struct interrupts *)(uintptr_t)cpu->platform;
}

/* Nothing is held, armed or pending: the next program. */
void interrupts_reset(struct interrupts *self);

/* Does the candidate claim to stand it? */
bool interrupts_claimed(const struct instance *instance, enum interrupt_level level);

/* All labelled points go to `watch`, from now on. */
void interrupts_watch(struct interrupts *self, interrupt_watch *watch, void *argument);

/* Raises one now, from the code that goes on at `resume`. */
void interrupts_raise(struct interrupts *self, struct pl_cpu *cpu, enum interrupt_level level,
                      const void *resume);

/* --- the runner's side; no-ops where there are none --- */

/* OP_INTERRUPT. */
void interrupts_arm(struct runner *runner, const struct op *op);

/* Around a call of the candidate that may be interrupted. */
void interrupts_open(struct interrupts *self);
void interrupts_close(struct interrupts *self);

/* The call had no memory: does what an interrupt took or moved explain that? Then it must be made again, and
 * is judged by the shadow as it is now. */
bool interrupts_explain(struct interrupts *self, const struct expectation *expected);

/* Was one taken since the operation began? */
PL_INLINE bool interrupts_taken(const struct interrupts *self)
{
    return self != NULL && self->taken_now;
}

/* After each operation: what the handlers found, and that nothing is still pending. */
void interrupts_settle(struct interrupts *self, const struct pl_cpu *cpu, struct finding *finding);

/* At the program's end: frees what is kept. */
void interrupts_end(struct interrupts *self, struct pl_cpu *cpu, struct finding *finding);

#endif
