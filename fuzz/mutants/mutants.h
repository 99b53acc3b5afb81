/* The mutants that there are: one row for each PL_MUTANT in the tree (include/pagelab/mutant.h), and where to
 * look for it. The rows are data; the switches are only in the mutant drivers. */
#ifndef FUZZ_MUTANTS_MUTANTS_H
#define FUZZ_MUTANTS_MUTANTS_H

#include <stdint.h>

/* How it can be found: by one call after the other, at the edge of an integer, when memory is short, or only
 * when calls overlap. */
enum mutant_kind { MUTANT_SEQUENCE, MUTANT_ARITHMETIC, MUTANT_MEMORY, MUTANT_RACE, MUTANT_KIND_COUNT };

extern const char *const mutant_kind_names[MUTANT_KIND_COUNT];

struct mutant {
    const char *name; /* as in PL_MUTANT; begins with the folder of the code that it is in */
    enum mutant_kind kind;
    const char *backend;    /* the candidate to run it on, with parameters that make its code near */
    const char *target;     /* the fuzz target that should find it */
    const char *invariants; /* the promises that it breaks, by number */
    const char *set;        /* "schedule": one of the twelve that prove the schedule targets; else NULL */
    const char *history;    /* the bug that it repeats, as the project's list of bugs cites it */
};

#define MUTANT_INVITED "invited by the algorithm"

extern const struct mutant mutants[];
extern const uint32_t mutant_count;

/* The mutant of that name, or NULL. */
const struct mutant *mutant_find(const char *name);

/* What the driver leaves in the file that PAGELAB_MUTANT_RECORD names, when it ends in whatever way. */
struct mutant_record {
    _Atomic uint64_t reached; /* 0 or 1, as the other */
    _Atomic uint64_t triggered;
};

#define MUTANT_VARIABLE        "PAGELAB_MUTANT"
#define MUTANT_RECORD_VARIABLE "PAGELAB_MUTANT_RECORD"

#endif
