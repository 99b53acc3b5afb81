/* How many instructions an operation of the tail takes, beside its nanoseconds: after it was timed it is done
 * a few times more by single step. Counts that hardware would keep are not to be had on every machine. */
#ifndef BENCH_WORKLOADS_TAIL_STEPS_H
#define BENCH_WORKLOADS_TAIL_STEPS_H

#include "bench/workloads/tail.h"

/* The row gets the median, from the call of `operation` to its return, as "instructions"; nothing where the
 * machine does not step, or one operation takes more than 30,000. `in_part`: the operation does more than is
 * to be counted, and calls tail_steps_arm. */
void tail_steps_count(struct tail *tail, tail_operation *operation, bool in_part);

/* The next call of `entry` is counted. */
void tail_steps_arm(uintptr_t entry);

#endif
