/* See tail.h. And calibrate-clock: the empty operation on the same schedule, whose tail is that of the clock
 * and of the host. */
#define _GNU_SOURCE /* RUSAGE_THREAD */
#include "bench/workloads/tail.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/memory_guard.h"
#include "bench/workloads/tail_steps.h"

#define WARM_UP    1000u
#define TIMES_MAX  2u /* the planned time; some operations take longer than an interval */
#define SMOKE_RUNS 200.0

const char *const tail_latency_names[TAIL_POINTS] = {"p50_ns", "p99_ns", "p99_9_ns", "p99_99_ns", "worst_ns"};
const char *const tail_service_names[TAIL_POINTS] = {"service_p50_ns", "service_p99_ns", "service_p99_9_ns",
                                                     "service_p99_99_ns", "service_worst_ns"};

void *tail_new(struct cell *cell, size_t bytes)
{
    if ((cell->workload->choice & TAIL_ANTAGONIST) != 0) {
        if (native_real_cpu_count() < 2) {
            (void)workload_cannot(cell, "n/a (machine): the antagonist wants a real CPU of its own");
            return NULL;
        }
        if ((cell->instance.caps & PL_CAP_CONCURRENT) == 0) {
            (void)workload_cannot(cell, "n/a (capability): not concurrent");
            return NULL;
        }
        cell->admission.threaded = true;
    }
    size_t whole = (bytes + PL_CPU_LINE_BYTES - 1) / PL_CPU_LINE_BYTES * PL_CPU_LINE_BYTES;
    struct tail *tail = aligned_alloc(PL_CPU_LINE_BYTES, whole);
    if (tail == NULL) {
        (void)workload_cannot(cell, "out of memory");
        return NULL;
    }
    memset(tail, 0, whole);
    cell->shared = tail;
    double planned_s = cell->params.smoke ? SMOKE_RUNS * TAIL_INTERVAL_NS * 1e-9 : cell->params.min_time_s;
    tail->cell = cell;
    tail->cpu = cell->threads[0].cpu;
    tail->ticks_per_ns = ticks_per_ns();
    tail->planned = (uint64_t)(planned_s * 1e9 / TAIL_INTERVAL_NS) + 1;
    tail->time = (uint64_t)(planned_s * 1e9 * tail->ticks_per_ns);
    cell->iterations = tail->planned;
    cell->granted_frames = 1;
    return tail;
}

bool tail_interruptible(struct cell *cell)
{
    return (cell->instance.caps & PL_CAP_IRQ_SAFE) != 0 ||
           workload_cannot(cell, "n/a (capability): not irq-safe");
}

uint64_t tail_preemptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? (uint64_t)usage.ru_nivcsw : 0;
}

bool tail_start(struct tail *tail, bool direct)
{
    tail->preempted = tail_preemptions();
    bool beside = (tail->cell->workload->choice & TAIL_ANTAGONIST) != 0;
    if (beside && !antagonist_start(&tail->antagonist, tail->cell, direct))
        return false;
    memory_guard_pause();
    return true;
}

void tail_stop(struct tail *tail)
{
    memory_guard_resume();
    workload_count(tail->cell, "preempted", (double)(tail_preemptions() - tail->preempted));
    workload_count(tail->cell, "antagonist", (tail->cell->workload->choice & TAIL_ANTAGONIST) != 0);
    antagonist_stop(&tail->antagonist);
}

void tail_set_time(struct lb_state *state, const struct cell *cell, double mean_ns)
{
    /* Google Benchmark divides by the iterations that were planned. */
    lb_set_iteration_time(state, mean_ns * 1e-9 * (double)cell->iterations);
}

void tail_begin(struct tail *tail)
{
    tail->start = ticks_now();
    tail->until = tail->start + TIMES_MAX * tail->time;
    arrivals_begin(&tail->arrivals, tail->start, (uint64_t)(TAIL_INTERVAL_NS * tail->ticks_per_ns));
}

static void measure(struct tail *tail, tail_operation *operation)
{
    struct arrivals *arrivals = &tail->arrivals;
    uint64_t done = 0;
    tail_begin(tail);
    for (uint64_t i = 0; i < tail->planned && tail_open(tail, done); i++) {
        uint64_t begun = arrivals_wait(arrivals);
        operation(tail);
        done = ticks_now();
        arrivals_done(arrivals, begun, done);
    }
}

void tail_run(struct lb_state *state, struct cell *cell, tail_operation *operation, bool direct)
{
    struct tail *tail = cell->shared;
    (void)workload_thread(cell, state);
    if (!tail_start(tail, direct)) {
        lb_skip(state, "no memory or no thread for the antagonist");
        return;
    }
    tail->cpu->no_sleep_depth++;
    uint64_t start = ticks_now();
    for (unsigned i = 0; i < WARM_UP && ticks_now() - start < tail->time; i++)
        operation(tail);
    while (lb_keep_running_batch(state, (int64_t)cell->iterations)) {
        measure(tail, operation);
        tail_set_time(state, cell, histogram_mean(&tail->arrivals.service) / tail->ticks_per_ns);
    }
    tail_stop(tail);
    tail_steps_count(tail, operation, false);
    tail->cpu->no_sleep_depth--;
    tail_count(tail);
}

void tail_count_points(struct tail *tail, const struct histogram *histogram,
                       const char *const names[TAIL_POINTS])
{
    static const double shares[TAIL_POINTS - 1] = {0.5, 0.99, 0.999, 0.9999};
    for (unsigned i = 0; i < TAIL_POINTS - 1; i++)
        workload_count(tail->cell, names[i], (double)histogram_at(histogram, shares[i]) / tail->ticks_per_ns);
    workload_count(tail->cell, names[TAIL_POINTS - 1], (double)histogram->worst / tail->ticks_per_ns);
}

void tail_count(struct tail *tail)
{
    const struct arrivals *arrivals = &tail->arrivals;
    tail_count_points(tail, &arrivals->latency, tail_latency_names);
    tail_count_points(tail, &arrivals->service, tail_service_names);
    workload_count(tail->cell, "arrivals", (double)arrivals->latency.count);
    workload_count(tail->cell, "interval_ns", (double)arrivals->interval / tail->ticks_per_ns);
}

void tail_watch_init(struct tail_watch *watch, struct pl_cpu *cpu, void *owner)
{
    watch->platform = *cpu->platform;
    watch->owner = owner;
    watch->cpu = cpu;
    watch->before = cpu->platform;
}

void tail_watch_on(struct tail_watch *watch)
{
    watch->cpu->platform = &watch->platform;
}

void tail_watch_off(struct tail_watch *watch)
{
    watch->cpu->platform = watch->before;
}

/* --- the clock --- */

static bool clock_prepare(struct cell *cell)
{
    return tail_new(cell, sizeof(struct tail)) != NULL;
}

static void nothing(struct tail *tail)
{
    lb_do_not_optimize(tail);
}

static void clock_body(struct lb_state *state, void *user)
{
    tail_run(state, user, nothing, false);
}

#define CLOCK(suffix, words, with)                                                                           \
    {                                                                                                        \
        .name = "calibrate-clock" suffix,                                                                    \
        .summary = "nothing between two stamps of the clock, every 5 us" words,                              \
        .section = SECTION_HARNESS,                                                                          \
        .own_time = true,                                                                                    \
        .choice = (with),                                                                                    \
        .prepare = clock_prepare,                                                                            \
        .body = clock_body,                                                                                  \
    }

const struct workload workloads_clock[WORKLOADS_CLOCK] = {
    CLOCK("", "", 0),
    CLOCK("-antagonist", ", beside the antagonist", TAIL_ANTAGONIST),
};

const struct workload *workload_clock_of(const struct workload *workload)
{
    if (strcmp(workload->section, SECTION_TAIL) != 0)
        return NULL;
    return &workloads_clock[(workload->choice & TAIL_ANTAGONIST) != 0];
}
