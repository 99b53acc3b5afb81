/* Whether one CPU can stop the others, or be starved by them: the class of a candidate's allocate and free.
 * Tried, not proved: a class is an upper bound. */
#ifndef ENGINE_SCHEDULE_PROGRESS_H
#define ENGINE_SCHEDULE_PROGRESS_H

#include "engine/spec.h"
#include "platform/sim/sim.h"

enum progress_class {
    PROGRESS_BLOCKING,  /* with a CPU stopped inside a call, another one retries for ever */
    PROGRESS_LOCK_FREE, /* not that; but a call retries as long as others succeed */
    PROGRESS_WAIT_FREE, /* nor that, in anything that was tried */
    PROGRESS_CLASSES,
};

extern const char *const progress_names[PROGRESS_CLASSES];

struct progress {
    enum progress_class class;
    uint64_t points;   /* at which a CPU was stopped */
    uint64_t blocking; /* of these: at how many it held up the other */
    uintptr_t stopped; /* where it stood at the first of them, or while it was starved */
    uintptr_t held_up; /* where the other one then spun */
    uint64_t retried;  /* lock-free: operations of the other that the starved one has seen */
};

/* Of a candidate that claims to be concurrent. 0, or -1 with one line in `error`. */
int progress_measure(const struct spec *spec, struct sim *sim, struct progress *progress,
                     struct spec_error *error);

#endif
