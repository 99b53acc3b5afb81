/* The search for the worst program: programs are changed by the mutator and kept where a candidate holds
 * interrupts off for longer, counted in instructions by single step. Stepping is slow, so the clock chooses
 * what is worth it: a program is run by itself, and only a call whose section takes as long as the best one's
 * is stepped.
 *
 *   mutate a champion -> run it, by the clock -> as long as the champion? -> step that call -> more
 * instructions: champion
 *
 * There is a champion for each hook, granted and refused, so that what one hook's worst case needs is not
 * lost to another's. What is kept is exact and can be replayed; which programs are tried depends on the seed,
 * and on the clock. */
#ifndef FUZZ_MASKED_H
#define FUZZ_MASKED_H

#include <signal.h>
#include <stdatomic.h>

#include "engine/program.h"
#include "engine/spec.h"

/* In binary form. */
struct masked_program {
    uint64_t instructions;
    size_t byte_count; /* 0: none */
    uint8_t bytes[PROGRAM_BYTES_MAX];
};

/* In memory that the searching process shares with whoever started it: whatever ends that process, the best
 * program is there, whole. */
struct masked_worst {
    atomic_uint current; /* which of the two is valid */
    struct masked_program kept[2];
    atomic_ullong programs; /* that were run */
    char error[200];        /* what stands in the way; empty: nothing */
};

struct masked_search {
    const struct spec *spec;
    unsigned seconds; /* of processor time */
    uint64_t seed;
    const struct masked_program *starts;
    uint32_t start_count;
    const volatile sig_atomic_t *stop; /* or NULL */
};

/* Searches, then makes the best program smaller. Takes SIGTRAP. */
void masked_search(const struct masked_search *search, struct masked_worst *worst);

const struct masked_program *masked_best(const struct masked_worst *worst);

#endif
