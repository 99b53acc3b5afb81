/* Makes a failing program small: fewer operations, fewer switches, fewer CPUs that stay. */
#ifndef ENGINE_SCHEDULE_SHRINK_H
#define ENGINE_SCHEDULE_SHRINK_H

#include "engine/schedule/schedule.h"

/* Leaves out whatever can be left out while the run still ends with a finding of the same numbers; `ops` is
 * changed in place. Returns how many operations are left; runs in this process, so whoever crashes cannot be
 * shrunk. */
uint32_t schedule_shrink(struct schedule *schedule, struct op *ops, uint32_t op_count,
                         const struct finding *finding);

#endif
