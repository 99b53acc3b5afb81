/* A stored program with an interrupt at every point, one at a time. The program runs once; at each point the
 * process forks, the child takes the interrupt there and finishes the program with every check on, and the
 * parent waits for it and goes on: linear cost, and nothing that one interrupt breaks is left for the next.
 *
 *   parent   i0  i1  i2  i3 ...              a point: an instruction of the candidate (single step), or a
 *             \   \   \   \                 label in a backend's critical section
 *   child      irq, i0, i1 ... end, checks
 *
 * A place is m:n: point n (from 0) of operation m (from 0; the program's length is its end, where all is
 * freed). */
#ifndef ENGINE_INTERRUPT_SWEEP_H
#define ENGINE_INTERRUPT_SWEEP_H

#include <signal.h>

#include "engine/interrupt/interrupt.h"
#include "engine/program.h"

enum sweep_by {
    SWEEP_STEP,   /* before each instruction */
    SWEEP_POINTS, /* at each labelled point */
};

enum sweep_end {
    SWEEP_SURVIVES = 0,
    SWEEP_BROKEN,   /* a check's finding */
    SWEEP_DEADLOCK, /* waits for what the call that it interrupted holds */
    SWEEP_ENDLESS,  /* runs without end: retries or spins */
    SWEEP_PANIC,    /* it says itself that something is wrong */
    SWEEP_CRASH,    /* a signal or an exit */
    SWEEP_END_COUNT,
};

extern const char *const sweep_end_names[SWEEP_END_COUNT];

struct sweep_place {
    uint32_t op;
    uint64_t point;
};

/* One interrupt that went wrong. */
struct sweep_failure {
    enum sweep_end end;
    struct sweep_place place;
    bool masked;       /* held off at the place: it came later, where the mask ended */
    bool has_op;       /* `op` was running when it showed; else the end */
    uint32_t found_at; /* index of that operation */
    struct op op;
    uintptr_t pc; /* of the place */
    char ids[48];
    char expected[200];
    char words[240];       /* what was seen */
    char name[80];         /* of the place: function+offset */
    char interrupted[460]; /* stack of the call where the handler began, a name a line */
    bool inside; /* it was the handler's call that got stuck or died; else the handler had returned */
    char interrupting[460]; /* where it got stuck or died; empty: a check found it, later */
};

struct sweep_options {
    const struct program *program;
    const struct spec *spec;
    bool fit; /* the machine is made to fit the candidate */
    enum sweep_by by;
    bool levels[INTERRUPT_LEVEL_COUNT];
    enum op_interrupt doing;
    const struct sweep_place *only; /* NULL: everywhere */
    bool count_only;                /* no interrupt: the points and what is masked */
    unsigned limit_s;
    const volatile sig_atomic_t *stop;
    FILE *progress;  /* or NULL */
    uint64_t points; /* there are, for the progress; 0: unknown */
};

struct sweep_level {
    uint64_t taken;
    uint64_t failures;
    uint64_t denied; /* allocations at interrupt level that were refused */
    uint64_t calls;  /* at interrupt level */
    uint64_t cost;   /* of the failures */
    bool stopped;    /* after SWEEP_FAILURE_LIMIT failures */
    struct sweep_failure first;
};

#define SWEEP_FAILURE_LIMIT 25u

/* Longest stretch of instructions of one call with interrupts masked. */
struct sweep_masked {
    uint64_t instructions;
    uint32_t op;
    char name[80]; /* where it began */
};

enum sweep_outcome {
    SWEEP_DONE,
    SWEEP_PARTIAL,     /* the limit was reached */
    SWEEP_STOPPED,     /* `stop` was set */
    SWEEP_UNSUPPORTED, /* `error` says what */
    SWEEP_FAULTY,      /* the program has a finding, or cannot run, without any interrupt: `error` */
};

struct sweep_result {
    enum sweep_outcome outcome;
    uint64_t points; /* that were reached */
    double seconds;
    uint64_t caps; /* of the candidate on this machine */
    struct sweep_masked masked;
    struct sweep_level levels[INTERRUPT_LEVEL_COUNT];
    char error[256];
};

/* In the calling process, which should be a child of its own: it takes SIGTRAP, and forks. */
void sweep_run(const struct sweep_options *options, struct sweep_result *result);

#endif
