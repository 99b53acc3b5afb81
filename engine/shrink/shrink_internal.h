/* Between the shrinker's files only: how a change is tried. */
#ifndef ENGINE_SHRINK_INTERNAL_H
#define ENGINE_SHRINK_INTERNAL_H

#include "engine/shrink/shrink.h"

struct shrink {
    const struct shrink_ask *ask;
    struct program *best;
    struct program draft; /* with operations of its own */
    struct shrink_counts *counts;
};

/* A copy of the best program, to be changed and then judged. */
struct program *shrink_draft(struct shrink *shrink);

/* Is the draft as bad as the best? Then it is the best from now on. */
bool shrink_judge(struct shrink *shrink);

bool shrink_stopped(const struct shrink *shrink);

/* One round of each kind; what they change is seen from counts->kept. */
void shrink_operations(struct shrink *shrink);
void shrink_arguments(struct shrink *shrink);
void shrink_slots(struct shrink *shrink);
void shrink_machine(struct shrink *shrink);

#endif
