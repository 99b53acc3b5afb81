/* A stack of frames, right and wrong in one way each, compiled for the simulated platform: what
 * test_schedule.c must tell apart. Registered by name, as any candidate is. */
#ifndef TESTS_UNIT_SCHEDULE_BACKENDS_H
#define TESTS_UNIT_SCHEDULE_BACKENDS_H

#include <pagelab/candidate.h>

extern const struct pl_candidate pl_candidate_stack_right; /* one lock, masked */
extern const struct pl_candidate pl_candidate_stack_lost;  /* the count is updated outside the lock */
extern const struct pl_candidate pl_candidate_stack_open;  /* the lock is taken with interrupts on */
extern const struct pl_candidate
    pl_candidate_stack_crossed; /* two locks, in another order to free than to allocate */
extern const struct pl_candidate pl_candidate_stack_sleepy;   /* could sleep under the lock */
extern const struct pl_candidate pl_candidate_stack_unwoken;  /* waits for a frame, and free wakes nobody */
extern const struct pl_candidate pl_candidate_stack_spinning; /* spins until a frame is free */

#endif
