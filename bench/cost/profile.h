/* What calls cost, by function: counts in all, not per operation. The harness's own two functions are never
 * in it (counted.h). */
#ifndef BENCH_COST_PROFILE_H
#define BENCH_COST_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cost_count {
    COST_INSTRUCTIONS,
    COST_LOCKED, /* operations that lock the bus: x86's lock prefix, and exchanges with memory */
    COST_LINES,  /* 64-byte lines of data, each once a call; the stack's are left out */
    COST_COUNTS
};

/* "instructions", "locked", "cache_lines". */
extern const char *const cost_count_names[COST_COUNTS];

#define COST_NAME_BYTES 96u

struct cost_function {
    char name[COST_NAME_BYTES];
    uint64_t counts[COST_COUNTS];
};

struct cost_profile {
    struct cost_function *functions;
    size_t function_count;
    size_t function_capacity;
    uint64_t totals[COST_COUNTS];
    uint64_t working_lines; /* distinct lines of all calls together */
    uint64_t line_calls;    /* calls whose lines were counted */
};

/* Finds the function by its plain name or adds it. SIZE_MAX: out of memory. */
size_t cost_profile_at(struct cost_profile *profile, const char *name);

/* False: out of memory. */
bool cost_profile_add(struct cost_profile *profile, const char *name, enum cost_count which, uint64_t count);

void cost_profile_fini(struct cost_profile *profile);

/* Cuts off what the compiler appends to the parts and copies of a function: "buddy_free.part.0" is
 * buddy_free. */
void cost_plain_name(char *name);

/* Is it one of the harness's own two? */
bool cost_is_harness(const char *name);

struct cost_error {
    char text[512];
};

#endif
