/* What the workloads of section "tail" share: operations on a fixed schedule, how late each of them was done,
 * and where somebody watches a CPU, the platform's table with another function in it. */
#ifndef BENCH_WORKLOADS_TAIL_H
#define BENCH_WORKLOADS_TAIL_H

#include "bench/arrivals.h"
#include "bench/workloads/antagonist.h"
#include "bench/workloads/workload.h"

/* An arrival each so many ns. Odd, so that it does not keep step with a load that repeats. */
#define TAIL_INTERVAL_NS 4999.0

/* So many arrivals are served however late it is: a host that is busy elsewhere may take all the time away.
 */
#define TAIL_LEAST 16u

/* In a workload's `choice`, beside its own number: with the antagonist on CPU 1. */
#define TAIL_ANTAGONIST 0x100u

/* First in what cell->shared points to; from tail_new. */
struct tail {
    struct arrivals arrivals;
    struct antagonist antagonist;
    struct cell *cell;
    struct pl_cpu *cpu; /* CPU 0: what is measured happens there */
    double ticks_per_ns;
    uint64_t planned;   /* arrivals */
    uint64_t preempted; /* involuntary switches of this thread before the start */
    uint64_t time;      /* ticks that they take if all are on time */
    uint64_t start;     /* of the schedule */
    uint64_t until;     /* tail_open */
};

/* `bytes` of zeroes that begin with a tail, in cell->shared; NULL: cell->cannot is set, for want of memory or
 * because the candidate or the machine cannot have the antagonist. */
void *tail_new(struct cell *cell, size_t bytes);

/* False: cell->cannot is set, for the candidate does not claim to be entered at interrupt level. */
bool tail_interruptible(struct cell *cell);

/* Around what is measured: the antagonist runs in between. False: it could not be started. The row learns
 * whether it had one, and how often the host took the CPU away. */
bool tail_start(struct tail *tail, bool direct);
void tail_stop(struct tail *tail);

/* The one call of a body that does `operation` at each arrival, alone or with the antagonist, inside a
 * no-sleep region. `user` is the cell. */
typedef void tail_operation(struct tail *tail);
void tail_run(struct lb_state *state, struct cell *cell, tail_operation *operation, bool direct);

/* Times that the host took the CPU away from this thread (involuntary switches). */
uint64_t tail_preemptions(void);

/* For bodies with a loop of their own: begins the schedule, now. */
void tail_begin(struct tail *tail);

/* Are arrivals served still? Not after twice the time: what cannot keep up would never be done. */
PL_INLINE bool tail_open(const struct tail *tail, uint64_t now)
{
    return now < tail->until || tail->arrivals.latency.count < TAIL_LEAST;
}

/* And: what one operation took, on average, as the row's time. */
void tail_set_time(struct lb_state *state, const struct cell *cell, double mean_ns);

/* p50 to worst of the latencies, from the intended arrival, and of the service times, into the row. */
void tail_count(struct tail *tail);

/* The same five of one histogram; `names` are literals. */
#define TAIL_POINTS 5u
void tail_count_points(struct tail *tail, const struct histogram *histogram,
                       const char *const names[TAIL_POINTS]);
extern const char *const tail_latency_names[TAIL_POINTS];
extern const char *const tail_service_names[TAIL_POINTS];

/* --- watching a CPU --- */

/* The platform's table, to be altered, with what belongs to it. */
struct tail_watch {
    struct pl_platform platform;
    void *owner;
    struct pl_cpu *cpu;
    const struct pl_platform *before;
};

/* From here on the CPU has `watch->platform`, a copy of its own. Alter it before. */
void tail_watch_init(struct tail_watch *watch, struct pl_cpu *cpu, void *owner);
void tail_watch_on(struct tail_watch *watch);
void tail_watch_off(struct tail_watch *watch);

/* The owner, in a function of a watched platform. */
PL_INLINE void *tail_watch_owner(const struct pl_cpu *cpu)
{
    return ((const struct tail_watch *)(const void *)cpu->platform)->owner;
}

#endif
