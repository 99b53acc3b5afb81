/* See stack.h. The dynamic linker knows which file an address belongs to; that file's own table of symbols
 * knows the function, also where it is static. */
#define _GNU_SOURCE /* dladdr */
#include "engine/interrupt/stack.h"

#include <execinfo.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <pagelab/compiler.h>

#include "platform/native/symbol.h"

#define DEEPEST 96

void stack_prepare(void)
{
    void *frames[4];
    (void)backtrace(frames, (int)PL_COUNT_OF(frames));
}

void stack_take(const void *from, const void *to, struct stack *stack)
{
    void *frames[DEEPEST];
    int count = backtrace(frames, DEEPEST);
    int at = 0;
    stack->count = 0;
    while (at < count && frames[at] != from)
        at++;
    for (; at < count && frames[at] != to && stack->count < STACK_FRAMES; at++)
        stack->frames[stack->count++] = (uintptr_t)frames[at];
}

/* --- names --- */

void stack_name(uintptr_t pc, bool is_return, char *text, size_t bytes)
{
    char name[128];
    size_t offset = 0;
    symbol_name((const void *)(pc - is_return), name, sizeof(name), &offset);
    if (strchr(name, '+') != NULL || strncmp(name, "0x", 2) == 0) { /* no function: the address itself */
        symbol_name((const void *)pc, text, bytes, NULL);
        return;
    }
    snprintf(text, bytes, "%s+0x%zx", name, offset + is_return);
}

void stack_text(const struct stack *stack, bool from_call, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < stack->count; i++) {
        char name[160];
        stack_name(stack->frames[i], from_call || i != 0, name, sizeof(name));
        if (strncmp(name, "tap_", 4) == 0 || used + strlen(name) + 2 > bytes)
            return;
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", used == 0 ? "" : "\n", name);
    }
}
