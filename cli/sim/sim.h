/* The program pagelab-sim: what needs the candidates compiled for the simulated platform. The pagelab command
 * starts it, with words that it has checked. */
#ifndef CLI_SIM_SIM_H
#define CLI_SIM_SIM_H

#include <stdbool.h>

#include "engine/program_file.h"
#include "engine/spec.h"

/* False: it has a layer whose sources are not in this program. The name is right: whoever starts this knows
 * it. */
bool sim_spec(const char *name, struct spec *spec);

/* One line on stderr; returns 2. */
int sim_mistake(const char *what, const char *words);

/* The end of what printed on stdout: `code`, or 2 after a line if not all of it could be written, as to a
 * full disk; a finding goes first. A reader that left early changes nothing. */
int sim_printed(int code);

/* A program of frames, and the candidate that runs it on virtual CPUs. 0, or 2 after a line. */
int sim_read(const char *path, const char *name, struct program_file *file, struct spec *spec);

/* Each returns the exit code: 0, 2 the caller's mistake, 3 a finding. */

/* explore KEY=VALUE...: see explore.c. */
int sim_explore(int argc, char **argv);

/* cost KEY=VALUE...: see cost.c. */
int sim_cost(int argc, char **argv);

/* pagelab-sim call FILE CANDIDATE: the dearest call of a stored program, by kind, as JSON: see cost_call.c.
 */
int call_main(int argc, char **argv);

/* pagelab-sim replay FILE CANDIDATE [all] [shrink] [admitted] [tso] [perfetto]: the program, the schedule as
 * a listing (all: every access), the verdict; perfetto: as trace events instead. shrink: makes it small
 * first; admitted: as target schedule-all runs it; tso: with store buffers. */
int replay_main(int argc, char **argv);

/* pagelab-sim shrink FILE CANDIDATE OUT SECONDS [admitted] [tso]: the program and its schedule made small;
 * OUT may be empty: to stdout. 130: interrupted, the best so far was written. */
int shrink_main(int argc, char **argv);

/* pagelab-sim progress CANDIDATE: whether one CPU can stop or starve another in it, as JSON. */
int progress_main(const char *name);

#endif
