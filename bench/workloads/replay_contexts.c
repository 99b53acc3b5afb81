/* See replay_contexts.h. Medians and not means: one event in which the host took the CPU away says nothing of
 * its context. The clock's own reading is in each time. */
#include "bench/workloads/replay_contexts.h"

#include <stdlib.h>

#include "bench/histogram.h"
#include "bench/ticks.h"

#define CONTEXTS 4u

/* The keys of the row, by enum pl_context: literals, for a counter keeps the pointer. */
static const char *const names[CONTEXTS][3] = {
    {"context_task_events", "context_task_p50_ns", "context_task_p99_ns"},
    {"context_softirq_events", "context_softirq_p50_ns", "context_softirq_p99_ns"},
    {"context_hardirq_events", "context_hardirq_p50_ns", "context_hardirq_p99_ns"},
    {"context_nmi_events", "context_nmi_p50_ns", "context_nmi_p99_ns"},
};

struct contexts {
    struct replay_watch watch; /* first: the replay gives a pointer to it back */
    struct histogram times[CONTEXTS];
};

static uint64_t now(void)
{
    return ticks_now();
}

static void add(struct replay_watch *watch, const struct op *op, uint64_t ticks)
{
    histogram_add(&((struct contexts *)watch)->times[op->context % CONTEXTS], ticks);
}

void replay_contexts(struct cell *cell, struct replay *replay)
{
    struct contexts *contexts = calloc(1, sizeof(*contexts));
    double per_ns = ticks_per_ns();
    if (contexts == NULL) {
        replay_serial(replay);
        return;
    }
    contexts->watch = (struct replay_watch){.clock = now, .done = add};
    for (unsigned i = 0; i < CONTEXTS; i++)
        histogram_clear(&contexts->times[i]);
    replay_watched(replay, &contexts->watch);
    for (unsigned i = 0; i < CONTEXTS; i++) {
        const struct histogram *times = &contexts->times[i];
        if (times->count == 0)
            continue;
        workload_count(cell, names[i][0], (double)times->count);
        workload_count(cell, names[i][1], (double)histogram_at(times, 0.5) / per_ns);
        workload_count(cell, names[i][2], (double)histogram_at(times, 0.99) / per_ns);
    }
    free(contexts);
}
