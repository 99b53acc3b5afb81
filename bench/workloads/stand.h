/* What a system stands on while it is measured: a gate in front of the cell's candidate, the page daemon, the
 * services that are lent to it. No oracle and no shadow: only the calls that reach the candidate are counted,
 * for "allocates nothing" is a number that belongs beside the time.
 *
 *     workload -> system -> gate (counts) -> admission (batched) -> candidate
 *                        -> lent services -^ */
#ifndef BENCH_WORKLOADS_STAND_H
#define BENCH_WORKLOADS_STAND_H

#include "bench/workloads/workload.h"
#include "engine/lent.h"
#include "systems/gate/gate.h"
#include "systems/iokit/iokit.h"
#include "systems/trap.h"

#define STAND_WINDOW_ADDR  UINT64_C(0xffffc90000000000)
#define STAND_WINDOW_BYTES (UINT64_C(1) << 30)

#define STAND_MACHINE_BYTES (UINT64_C(256) << 20)

/* First member of what a systems workload keeps in cell->shared. */
struct stand {
    struct gate gate;
    struct pageout pageout;
    struct trap trap;
    struct lent lent;
    struct pl_cpu *cpu; /* CPU 0: the systems' callers take turns */
    uint64_t calls;     /* of the gate when the measured loop began */
    void *memory;       /* the system's host memory */
    struct iokit *iokit;
    void *iokit_memory;
};

/* Makes cell->shared: `bytes` of zeros that begin with a stand, and in it `memory_bytes` of zeros for the
 * system. NULL: cell->cannot says why. */
void *stand_new(struct cell *cell, size_t bytes, size_t memory_bytes);

/* IOKit on the stand, with no swap store. False: cell->cannot says why. */
bool stand_iokit(struct cell *cell, struct stand *stand);

/* Takes all frames that class NORMAL gets, one by one, and gives back those of even number: hardly two of the
 * free ones are neighbours. False: cell->cannot says why. */
bool stand_scatter(struct cell *cell, struct stand *stand);

/* For workloads' `drop`. */
void stand_drop(struct cell *cell);

/* Around the measured loop: the second one enters what it counted into the cell, and turns a trap into an
 * error. */
void stand_start(struct stand *stand);
void stand_stop(struct cell *cell, struct stand *stand, struct lb_state *state);

/* After prepare: what the system holds is what the cell's occupancy says. Returns true. */
bool stand_ready(struct cell *cell, const struct stand *stand);

/* cell->cannot with the last trap's words, or with `words` if there was none. Returns false. */
bool stand_cannot(struct cell *cell, const struct stand *stand, const char *words);

#endif
