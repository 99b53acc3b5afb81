/* The worst call of a stored program on a candidate, by kind of cost. Accesses and locked operations are
 * those of a run of whole operations, one CPU at a time, as runner_bare_run() makes it: outside of the
 * simulated platform the same call can then be timed and stepped. Retries take somebody who comes in between,
 * so they are those of the program's own schedule. */
#ifndef ENGINE_SCHEDULE_COST_WORST_H
#define ENGINE_SCHEDULE_COST_WORST_H

#include <signal.h>

#include "engine/program.h"
#include "engine/schedule/cost.h"

#define COST_RIGS 16u /* machines that are kept: making one takes longer than running a program */

struct cost_rig {
    bool able; /* the candidate can have this machine */
    struct native_shape shape;
    struct schedule schedule;
    struct cost cost;
};

struct cost_worst {
    struct spec spec;
    struct sim *sim;
    struct cost_rig *rigs[COST_RIGS]; /* NULL: not used yet */
    uint32_t next;
};

/* 0, or -1: no memory. */
int cost_worst_init(struct cost_worst *worst, const struct spec *spec);
void cost_worst_fini(struct cost_worst *worst);

/* Runs a program of frames from a fresh state and fills `calls` by kind. False: the candidate cannot have the
 * machine, or what ran was no whole run (a finding, a failed reset): it says nothing. */
bool cost_worst_of(struct cost_worst *worst, const struct program *program,
                   struct cost_call calls[COST_KINDS]);

/* The machine that a program's shape becomes, in frames; after cost_worst_of. */
uint64_t cost_worst_frames(struct cost_worst *worst, const struct program *program);

/* Leaves out of program->ops, in place, what the worst call of this kind does not need: its count stays, or
 * grows. Stops early once `stop` is set. Returns that call. */
struct cost_call cost_worst_shrink(struct cost_worst *worst, struct program *program, struct op *ops,
                                   enum cost_kind kind, const volatile sig_atomic_t *stop);

#endif
