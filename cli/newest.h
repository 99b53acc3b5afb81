/* The newest run below results/, for who decides from it. */
#ifndef CLI_NEWEST_H
#define CLI_NEWEST_H

#include <stdbool.h>
#include <stddef.h>

#define CLI_REFERENCE_FOLDER "results/reference"

/*
 * The folder of the newest whole `run --quick` or `run` by the date in its result, as results/NAME; where
 * there is none, the reference's. *skipped: runs that were newer, but stopped early or were smoke runs.
 * False: neither is there.
 */
bool cli_newest_run(char *folder, size_t bytes, bool *reference, unsigned *skipped);

#endif
