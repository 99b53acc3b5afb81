/* Between the search's files only. */
#ifndef FUZZ_MASKED_INTERNAL_H
#define FUZZ_MASKED_INTERNAL_H

#include "engine/interrupt/masked.h"
#include "fuzz/masked.h"
#include "fuzz/mutator.h"

#define MASKED_RIGS       8u
#define MASKED_CELLS      (2u * TAP_HOOK_COUNT)
#define MASKED_STEP_LIMIT UINT64_C(200000) /* instructions of one call: three seconds */

/* The worst program of a hook, granted or refused. */
struct masked_champion {
    struct masked_program program;
    double threshold_ns; /* by the clock: worth stepping */
};

struct masked_hunt {
    const struct masked_search *search;
    struct masked_worst *worst;
    struct mutator_random random;
    struct masked_champion champions[MASKED_CELLS];
    struct {
        bool made;
        uint32_t machine; /* the header's choices */
        struct masked_rig *rig;
    } rigs[MASKED_RIGS]; /* machines are kept: making one takes longer than running a program */
    uint32_t rig_count;  /* that may live at a time */
    uint32_t rig_next;   /* the next one to be replaced */
};

/* The rig for a program's machine, or NULL: the candidate cannot have it. `bytes` is its binary form. */
struct masked_rig *masked_rig_for(struct masked_hunt *hunt, const uint8_t *bytes,
                                  const struct program *program);

/* Is the time over, or was it told to stop? */
bool masked_over(const struct masked_hunt *hunt, double share);

/* Keeps it for whoever started the search. */
void masked_keep(struct masked_worst *worst, const struct masked_program *program);

/* Removes from the best program what its longest section does not need. */
void masked_shrink(struct masked_hunt *hunt);

#endif
