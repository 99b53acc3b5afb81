/* Where an operation runs. What a recorded kernel, or a program, did at interrupt level happens there: with
 * that context and masked interrupts, as in the native platform's handlers; and who could not sleep is inside
 * a no-sleep region, whether or not the candidate has a wait of its own. */
#ifndef ENGINE_OP_LEVEL_H
#define ENGINE_OP_LEVEL_H

#include <pagelab/cpu.h>

#include "engine/op.h"

/* Before the operation. Three stores and no branch, for replays that are timed; an operation that follows on
 * the same CPU needs no op_level_end in between. */
PL_INLINE void op_level(struct pl_cpu *cpu, const struct op *op)
{
    cpu->context = op->context;
    cpu->no_sleep_depth = (op->flags & OP_FLAG_MAY_SLEEP) == 0;
    atomic_store_explicit(&cpu->masked, op->context != PL_CONTEXT_TASK, memory_order_relaxed);
}

/* Back to a task that may sleep; what was raised meanwhile is delivered. */
PL_INLINE void op_level_end(struct pl_cpu *cpu)
{
    cpu->context = PL_CONTEXT_TASK;
    cpu->no_sleep_depth = 0;
    pl_unmask(cpu, 0);
}

#endif
