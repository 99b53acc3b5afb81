/* Between the files of engine/schedule only. */
#ifndef ENGINE_SCHEDULE_SCHEDULE_INTERNAL_H
#define ENGINE_SCHEDULE_SCHEDULE_INTERNAL_H

#include "engine/schedule/schedule.h"

/* --- operations.c: what runs inside, on the stack of a virtual CPU --- */

/* Executes one operation and checks it; the finding is recorded, the caller stops. */
void schedule_operation(struct schedule *schedule, struct pl_cpu *cpu, uint32_t index);

/* An interrupt that has no operation of its own: allocates a frame, or frees the one that it has. */
void schedule_idle_interrupt(struct schedule *schedule, struct pl_cpu *cpu);

/* Everything is given back, caches are drained. */
void schedule_give_back(struct schedule *schedule, struct pl_cpu *cpu);

/* The frames that are free have changed, or a call has begun or ended. */
void schedule_disturb(struct schedule *schedule);

/* --- admitted.c: SCHEDULE_ALL --- */

/* The services, on frames that come through admission. */
enum pl_status schedule_lend(struct schedule *schedule, const struct spec *spec, struct spec_error *error);

/* Admission and services as after init. */
enum pl_status schedule_lend_again(struct schedule *schedule);

/* Owner of a frame that the table service holds, in nobody's hands. */
#define SCHEDULE_TABLE_TAG UINT32_C(0x20000000)

/* --- listed.c --- */

void schedule_listed_init(struct schedule *schedule);

/* The first OP_PREEMPT that belongs to an operation; op_count: it has none. */
uint32_t schedule_first_preempt(const struct schedule *schedule, uint32_t index);

/* Does it run at interrupt level? */
bool schedule_is_interrupt(const struct schedule *schedule, const struct op *op);

#endif
