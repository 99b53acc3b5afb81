/* Asks the program pagelab-sim for a candidate's class of progress: whether one CPU can stop or starve
 * another. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <cjson/cJSON.h>

/* An object whose `class` is blocking, lock-free, wait-free, "opaque" (its code is not compiled for the
 * simulated platform: a library, a plug-in), "n/a" (one CPU at a time only) or "not checked"; the last three
 * with `reason`, the others with what was tried and where. NULL: out of memory. The caller deletes it. */
cJSON *cli_progress(const char *candidate);

/* Its `class`, for a table. */
const char *cli_progress_class(const cJSON *progress);

#endif
