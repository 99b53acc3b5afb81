/* The program pagelab-sim: what needs the candidates compiled for the simulated platform. The pagelab command
 * starts it, with words that it has checked. */
#ifndef CLI_SIM_SIM_H
#define CLI_SIM_SIM_H

#include <stdbool.h>

#include "engine/spec.h"

/* False: it has a layer whose sources are not in this program. The name is right: whoever starts this knows
 * it. */
bool sim_spec(const char *name, struct spec *spec);

/* Each returns the exit code: 0, 2 the caller's mistake, 3 a finding. */

/* explore KEY=VALUE...: see explore.c. */
int sim_explore(int argc, char **argv);

/* pagelab-sim replay FILE CANDIDATE [all] [shrink] [admitted] [tso]: the program, the schedule as a listing
 * (all: every access), the verdict. shrink: makes it small first; admitted: as target schedule-all runs it;
 * tso: with store buffers. */
int replay_main(int argc, char **argv);

/* pagelab-sim progress CANDIDATE: whether one CPU can stop or starve another in it, as JSON. */
int progress_main(const char *name);

#endif
