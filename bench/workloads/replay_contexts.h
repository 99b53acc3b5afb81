/* A replay split by the context that its events were recorded in: one pass more, each event timed for itself.
 */
#ifndef BENCH_WORKLOADS_REPLAY_CONTEXTS_H
#define BENCH_WORKLOADS_REPLAY_CONTEXTS_H

#include "bench/workloads/workload.h"
#include "engine/replay.h"

/* The pass, after which what the recording leaves is granted; its counters go to the cell. */
void replay_contexts(struct cell *cell, struct replay *replay);

#endif
