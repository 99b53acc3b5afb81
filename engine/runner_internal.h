/* Between the runner's files only. */
#ifndef ENGINE_RUNNER_INTERNAL_H
#define ENGINE_RUNNER_INTERNAL_H

#include "engine/runner.h"

/* --- what an operation means, whoever runs it: the checked runner or the bare one --- */

/* A fresh instance and machine, nothing granted. PL_OK, or what instance_reset returned. */
enum pl_status runner_fresh(struct runner *runner);
/* Is this operation nothing here: no such CPU, slot or class? */
bool runner_skips(const struct runner *runner, const struct op *op);
struct pl_request runner_request(const struct op *op);
struct pl_constraints runner_constraints(const struct runner *runner, const struct op *op);
/* The slot holds this grant from now on. */
void runner_holds(struct runner *runner, uint32_t slot, const struct pl_run *run);
/* What OP_FREE gives back, no longer held. False: nothing. */
bool runner_lets_go(struct runner *runner, const struct op *op, struct pl_run *run);
/* Frames that OP_STARVE leaves free. */
uint64_t runner_leaves(const struct runner *runner, const struct op *op);
/* What OP_STARVE asks for when so many frames are too many: *order becomes as much as they have. */
struct pl_request runner_hunger(uint64_t frames, uint32_t *order);
/* How many parts OP_SPLIT makes of the slot's grant, and which slots get them; 0: none can be made. */
uint32_t runner_parts(const struct runner *runner, const struct op *op, uint32_t slots[PROGRAM_SLOT_LIMIT]);
/* The part of that number of a grant that was split into grants of `order`. */
struct pl_run runner_part(const struct pl_run *whole, uint32_t order, uint32_t number);

/* --- where an operation runs --- */

/* What is at interrupt level has that context, and frames' operations there run with interrupts masked. */
void runner_level_enter(struct pl_cpu *cpu, const struct op *op);
/* Back to a task. Looks whether the mask is as it was. */
void runner_level_leave(struct pl_cpu *cpu, const struct op *op, struct finding *finding);

/* What every call leaves as it was: locks, masks; and nobody slept. */
void runner_check_cpu(const struct runner *runner, const struct pl_cpu *cpu, struct finding *finding);

/* Hears of sleeps of this machine, for runner_check_cpu. */
void runner_hear_sleep(struct runner *runner);

/* Wrong frees and illegal requests on purpose (X-10, F-27): the answer must be a refusal that changes
 * nothing. */
void do_bad_free(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void do_bad_alloc(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding);

/* On a machine with contents, stamps each granted frame and looks for the stamp when it is freed: nobody else
 * may have written there. No-ops without contents. */
void contents_granted(const struct pl_machine *machine, const struct pl_run *run, struct finding *finding);
void contents_released(const struct pl_machine *machine, const struct pl_run *run, struct finding *finding);

#endif
