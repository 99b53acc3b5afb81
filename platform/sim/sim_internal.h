/* Shared by the simulated platform's files only. */
#ifndef PLATFORM_SIM_INTERNAL_H
#define PLATFORM_SIM_INTERNAL_H

#include "platform/sim/sim.h"

/* Counts of the simulation that runs, and of what is done outside of any. */
extern struct sim_counts sim_now;

extern const struct pl_platform sim_platform;

/* Lets the schedule decide who goes on; returns when it is this CPU's turn. Nothing outside of a simulation.
 */
void sim_step(void);

#endif
