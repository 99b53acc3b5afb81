/* Tiny programs with and without data races, compiled with the instrumentation of the simulated platform.
 * Each runs on CPUs 0 and 1 at once; some have a handler of interrupts. */
#ifndef UNIT_RACE_PROGRAMS_H
#define UNIT_RACE_PROGRAMS_H

#include <pagelab/lock.h>

struct race_words {
    struct pl_lock lock;
    uint64_t plain;
    uint64_t pad[8];
    uint8_t bytes[8];
    _Atomic uint32_t flag;
    _Atomic uint32_t other;
    atomic_uint slept;
    uint32_t got[2]; /* by CPU: what it read */
};

typedef void race_program(struct pl_cpu *cpu, void *words);

/* CPU 0 writes `plain`, CPU 1 reads or writes it; between them: */
race_program race_nothing;      /* nothing: a race */
race_program race_locked;       /* the lock */
race_program race_message;      /* a flag, released and acquired */
race_program race_relaxed;      /* a flag without order: a race */
race_program race_fences;       /* a flag without order between two fences */
race_program race_half_fence;   /* a release fence only: a race */
race_program race_update_chain; /* released, passed on by a relaxed read-modify-write, acquired */
race_program race_store_chain;  /* released, overwritten by a relaxed store: a race */
race_program race_wait;         /* CPU 1 waits until CPU 0 wakes it */
race_program race_neighbours;   /* they write different bytes of one word */
race_program race_mixed;        /* one of the two accesses is atomic: a race */
race_program race_atomics;      /* both are, relaxed */

/* CPU 0 writes `plain` and its own interrupt, or CPU 1's, does, too. */
race_program race_task_masked; /* with interrupts masked */
race_program race_task_open;   /* with interrupts on: a race */
race_program race_handler;     /* the handler of both */
race_program race_task_flag;   /* hands `plain` over by a relaxed flag, to its own interrupt */
race_program race_handler_flag;

/* Stores to one flag, then loads the other; CPU 1 the other way round. Not sequentially consistent, and so.
 */
race_program race_store_load;
race_program race_store_load_ordered;
/* Stores to a flag and loads it again. */
race_program race_own_store;

#endif
