/* Stacks that take turns on one thread. Switching saves what a call must save and changes the stack pointer:
 * a few nanoseconds on x86-64. Elsewhere a context is entered once through makecontext and later by
 * siglongjmp. Between the simulated platform's files only. */
#ifndef PLATFORM_SIM_FIBERS_H
#define PLATFORM_SIM_FIBERS_H

#include <stddef.h>

#if !defined(__x86_64__) || defined(SIM_PORTABLE_FIBERS)
#define SIM_JUMP_FIBERS 1
#include <setjmp.h>
#include <stdbool.h>
#include <ucontext.h>
#endif

struct fiber {
#ifdef SIM_JUMP_FIBERS
    jmp_buf place;
    ucontext_t context;
    bool entered;
#else
    void *stack_pointer;
#endif
};

/* The next switch to it calls entry(), which never returns. The stack is the caller's; what ran on it is
 * forgotten. */
void fiber_prepare(struct fiber *fiber, unsigned char *stack, size_t bytes, void (*entry)(void));

/* Goes on where `to` left off; returns when somebody switches to `from`. */
void fiber_switch(struct fiber *from, struct fiber *to);

#endif
