/* The experiment that shows how far the statistics can be trusted: many short jobs, each with a candidate,
 * its twin for the noise, the same once more, and the same slowed down on purpose. Rounds are interleaved,
 * each cell is a process. Who judges what was measured is elsewhere (report/trial.h). */
#ifndef BENCH_TWINS_H
#define BENCH_TWINS_H

#include "bench/cell_child.h"

#define TWINS_ROUNDS_MAX 64u

enum twins_role {
    TWINS_ONE,  /* the candidate, in slower(steps=0), so that all have equally many layers */
    TWINS_TWIN, /* it again: what differs is the noise of this job */
    TWINS_SAME, /* it again: who tells it apart is wrong */
    TWINS_SLOW, /* it, slowed down */
    TWINS_ROLES,
};

struct twins_plan {
    struct cell_child how;
    struct cell_params cell; /* with the plain name of the candidate */
    unsigned rounds;
    unsigned steps; /* of TWINS_SLOW */
};

/* ns a round. */
struct twins_job {
    double samples[TWINS_ROLES][TWINS_ROUNDS_MAX];
};

struct twins_error {
    char text[512]; /* "": interrupted */
};

/* One job; `turn` says who begins. False: *error. */
bool twins_measure(const struct twins_plan *plan, unsigned turn, struct twins_job *job,
                   struct twins_error *error);

/* The steps that make a pair longer by `per_cent`, looked for with short jobs. 0: *error. */
unsigned twins_steps(const struct twins_plan *plan, double per_cent,
                     double (*ratio)(const double *before, const double *after, size_t rounds),
                     struct twins_error *error);

#endif
