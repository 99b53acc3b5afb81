/* Stacks as return addresses, and what they are called: function+offset of our own programs (static functions
 * too), of libraries and plug-ins as far as their symbols go. */
#ifndef ENGINE_INTERRUPT_STACK_H
#define ENGINE_INTERRUPT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STACK_FRAMES 20u

struct stack {
    uint32_t count;
    uintptr_t
        frames[STACK_FRAMES]; /* innermost first; return addresses, but for the first of an interrupted one */
};

/* To be called once before the first stack_take: what takes a stack may need memory the first time. */
void stack_prepare(void);

/* The part of the caller's stack from the frame at `from` up to, not with, the one at `to`; NULL: its end.
 * Safe in a signal handler. */
void stack_take(const void *from, const void *to, struct stack *stack);

/* "buddy_free+0x1f", else "libjemalloc.so.2+0x8f21". A return address belongs to the call before it. */
void stack_name(uintptr_t pc, bool is_return, char *text, size_t bytes);

/* One name a line, down to the harness below the candidate; what does not fit is left out. `from_call`: the
 * innermost frame is a return address, too. */
void stack_text(const struct stack *stack, bool from_call, char *text, size_t bytes);

#endif
