/* Makes a failing program small on the machine that it has: fewer operations, simpler ones, fewer and earlier
 * switches (engine/shrink/). */
#ifndef ENGINE_SCHEDULE_SHRINK_H
#define ENGINE_SCHEDULE_SHRINK_H

#include "engine/schedule/schedule.h"

/* Keeps whatever still ends with a finding of the same numbers; `ops` is changed in place. Returns how many
 * operations are left; runs in this process, so whoever crashes cannot be shrunk so. */
uint32_t schedule_shrink(struct schedule *schedule, struct op *ops, uint32_t op_count,
                         const struct finding *finding);

#endif
