/* A recorded schedule as trace events (the JSON form that Chrome, Perfetto and Speedscope read): a track a
 * CPU with its operations as slices, one for interrupts, and marks where a CPU was preempted or interrupted.
 */
#ifndef CLI_SIM_PERFETTO_H
#define CLI_SIM_PERFETTO_H

#include "engine/finding.h"
#include "engine/schedule/listing.h"

/* Of the last run, on stdout. `name` is the candidate's, `path` the program's; a microsecond is an access. */
void perfetto_print(const struct listing *listing, const struct finding *finding, const char *name,
                    const char *path);

#endif
