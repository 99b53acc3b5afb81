/* See trap.h. */
#include "systems/trap.h"

#include <stdarg.h>
#include <stdio.h>

void trap_take(struct trap *trap, const char *call, const char *rule, const char *format, ...)
{
    char words[TRAP_WORDS_BYTES / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    trap->count++;
    trap->call = call;
    trap->rule = rule;
    snprintf(trap->words, sizeof(trap->words), "%s: %s (%s)", call, words, rule);
    if (trap->handler != NULL)
        trap->handler(trap->argument, trap);
}
