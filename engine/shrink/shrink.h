/* Makes a failing program small, as long as somebody says that it still fails the same way: fewer operations,
 * simpler arguments, a smaller machine, fewer and earlier switches; round after round until one changes
 * nothing. What is left has no operation that could be left out alone, nor with the next one of its slot. */
#ifndef ENGINE_SHRINK_SHRINK_H
#define ENGINE_SHRINK_SHRINK_H

#include <signal.h>

#include "engine/program.h"

struct shrink_counts {
    uint32_t rounds; /* over everything, the last one without a change */
    uint32_t trials; /* programs that were run */
    uint32_t kept;   /* of these, the ones that still failed */
};

struct shrink_ask {
    /* Does it still fail that way? Whoever may crash or hang is run in a child. */
    bool (*fails)(void *self, const struct program *program);
    void *self;
    /* Hears of each trial; NULL: nobody. */
    void (*progress)(void *self, const struct program *best, const struct shrink_counts *counts);
    const volatile sig_atomic_t *stop; /* not 0: no more trials, the best so far stays; NULL: never */
    bool binary;                       /* stays within what the binary form can say */
    bool machine;                      /* the machine may become smaller, too */
};

/* Changes `program` in place, its op_count too; op_capacity stays. False: out of memory, nothing was done. */
bool shrink_program(struct program *program, const struct shrink_ask *ask, struct shrink_counts *counts);

#endif
