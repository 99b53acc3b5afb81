/* Runs a stored program with its schedule and prints what happened. Part of the program pagelab-sim. */
#ifndef CLI_SIM_REPLAY_H
#define CLI_SIM_REPLAY_H

/* pagelab-sim replay FILE CANDIDATE [all] [shrink] [admitted] [tso]: the program, the schedule as a listing (all:
 * every access), the verdict. shrink: makes it small first; admitted: as target schedule-all runs it;
 * tso: with store buffers. The exit code: 0, 2 the caller's mistake, 3 a finding. */
int replay_main(int argc, char **argv);

#endif
