/* The program pagelab-sim: what needs the candidates compiled for the simulated platform. The pagelab command
 * starts it, with words that it has checked. */
#ifndef CLI_SIM_SIM_H
#define CLI_SIM_SIM_H

#include <stdbool.h>

#include "engine/spec.h"

/* False: it has a layer whose sources are not in this program. The name is right: whoever starts this knows
 * it. */
bool sim_spec(const char *name, struct spec *spec);

/* explore KEY=VALUE...: see explore.c. The exit code. */
int sim_explore(int argc, char **argv);

#endif
