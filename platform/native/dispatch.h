/* Sees the system calls that a thread makes inside marked regions (Linux's Syscall User Dispatch). Entering
 * and leaving a region is one store of a byte each. A call inside is noted with its stack, then made, so that
 * the thread goes on as if nobody watched.
 *
 *     dispatch_start      dispatch_enter ............ dispatch_leave      dispatch_stop
 *                               | a system call: noted, made |
 *
 * Not seen: what the vDSO answers without the kernel, locks that are taken without contention, spinning. */
#ifndef PLATFORM_NATIVE_DISPATCH_H
#define PLATFORM_NATIVE_DISPATCH_H

#include <stdatomic.h>

#include <pagelab/compiler.h>
#include <pagelab/types.h>

#define DISPATCH_FRAME_LIMIT 20u
#define DISPATCH_TRAP_LIMIT  24u

/* One stack that something was noted from. */
struct dispatch_trap {
    int64_t number;         /* of the system call; negative: the watcher's own (dispatch_note) */
    uint64_t detail;        /* the call's second argument: what a futex call does */
    uint64_t count;         /* times from this stack */
    const void *trapped_at; /* the instruction behind the call */
    uint32_t frame_count;
    const void *frames[DISPATCH_FRAME_LIMIT]; /* innermost first: trapped_at, return addresses */
};

/* A thread's. All zero to begin with. May lie in memory that processes share. */
struct dispatch {
    atomic_uchar selector; /* the kernel reads it at each system call of the thread: 1 traps */
    uint32_t trap_count;
    uint64_t total; /* everything noted, also from stacks that found no room below */
    /* Does it take the room of one that does not matter? In a signal handler. NULL: nothing does. */
    bool (*matters)(int64_t number, uint64_t detail);
    struct dispatch_trap traps[DISPATCH_TRAP_LIMIT];
};

/* NULL, or why system calls cannot be seen here: one phrase. */
const char *dispatch_missing(void);

/* From now on regions of the calling thread are watched; `dispatch` is borrowed until dispatch_stop on this
 * thread. Other system calls of the thread become slower by about 100 ns. 0, or -1: it cannot be had. */
int dispatch_start(struct dispatch *dispatch);
void dispatch_stop(void);

/* Of the thread that started it. A signal handler may run inside; its own system calls are noted, too. */
PL_INLINE void dispatch_enter(struct dispatch *dispatch)
{
    atomic_store_explicit(&dispatch->selector, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

PL_INLINE void dispatch_leave(struct dispatch *dispatch)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&dispatch->selector, 0, memory_order_relaxed);
}

/* Notes something else than a system call, with the stack of whoever calls. `number` is negative. */
void dispatch_note(struct dispatch *dispatch, int64_t number);

/* Around system calls of the platform's own: true if the calling thread was inside a region. */
bool dispatch_pause(void);
void dispatch_resume(bool was_inside);

#endif
