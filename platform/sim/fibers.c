/* See fibers.h. */
#define _GNU_SOURCE /* ucontext */
#include "platform/sim/fibers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef SIM_JUMP_FIBERS

void fiber_prepare(struct fiber *fiber, unsigned char *stack, size_t bytes, void (*entry)(void))
{
    if (getcontext(&fiber->context) != 0)
        abort();
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = bytes;
    makecontext(&fiber->context, entry, 0);
    fiber->entered = false;
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
    from->entered = true; /* whoever runs has been, and `home` was never prepared */
    if (setjmp(from->place) != 0)
        return;
    if (to->entered)
        longjmp(to->place, 1);
    to->entered = true;
    setcontext(&to->context);
    abort();
}

#else

/* void sim_change_stack(void **save (rdi), void *next (rsi)): the six registers that a function must preserve
 * (System V AMD64 ABI, 3.2.1) go to the old stack and come from the new one. Rounding and the like are
 * nobody's to change. */
void sim_change_stack(void **save, void *next);
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden sim_change_stack\n"
        ".globl sim_change_stack\n"
        ".type sim_change_stack, @function\n"
        "sim_change_stack:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size sim_change_stack, . - sim_change_stack\n");

#define SAVED_REGISTERS 6u

void fiber_prepare(struct fiber *fiber, unsigned char *stack, size_t bytes, void (*entry)(void))
{
    /* As if entry() had just been called by nobody: its return address, 0, ends a backtrace, and lies where
     * the stack is 8 bytes off a multiple of 16. */
    uintptr_t frame[SAVED_REGISTERS + 2] = {[SAVED_REGISTERS] = (uintptr_t)entry};
    unsigned char *top = stack + bytes - 3 * sizeof(frame[0]);
    fiber->stack_pointer = top - (SAVED_REGISTERS + 1) * sizeof(frame[0]);
    memcpy(fiber->stack_pointer, frame, sizeof(frame));
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
    sim_change_stack(&from->stack_pointer, to->stack_pointer);
}

#endif
