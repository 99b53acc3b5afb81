/* replay: a recorded kernel's allocations and frees, in its order. One pass is the whole recording and the
 * frees of what it leaves; the time of a row is per event. */
#include <stdio.h>

#include "bench/workloads/replay_contexts.h"
#include "bench/workloads/workload.h"
#include "engine/replay.h"
#include "engine/trace/trace.h"

/* Who could not sleep in the recording must not sleep here. */
static const char sleeps_words[] =
    "operations that could not sleep in the recording waited, or came to where they could";

/* Runs one pass untimed: counts the events, and finds failures before anything is measured. */
static bool replay_prepare(struct cell *cell)
{
    const struct trace *trace = cell->trace;
    if (trace->max_order > cell->instance.max_order)
        return workload_cannot(cell,
                               "n/a (capability): the trace has order %u, the candidate serves up to %u",
                               trace->max_order, cell->instance.max_order);
    replay_serial(cell->replay);
    cell->events = trace->op_count + replay_release(cell->replay);
    cell->granted_frames = trace->peak_frames;
    if (cell->replay->failures != 0)
        return workload_cannot(cell, "%llu allocations of the recording failed on a machine of %llu frames",
                               (unsigned long long)cell->replay->failures,
                               (unsigned long long)cell->machine->frame_count);
    if (atomic_load_explicit(&cell->replay->sleeps, memory_order_relaxed) != 0)
        return workload_cannot(
            cell, "%llu %s",
            (unsigned long long)atomic_load_explicit(&cell->replay->sleeps, memory_order_relaxed),
            sleeps_words);
    return true;
}

static void replay_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    while (lb_keep_running_batch(state, (int64_t)cell->events)) {
        if (!cell->params.parallel)
            replay_serial(cell->replay);
        else if (replay_parallel(cell->replay) != 0)
            lb_skip(state, "cannot start threads");
        (void)replay_release(cell->replay);
    }
    thread->failures = cell->replay->failures;
    if (atomic_load_explicit(&cell->replay->sleeps, memory_order_relaxed) != 0)
        lb_skip(state, sleeps_words);
}

/* One more pass without the frees at its end: the machine as the recording left it, and times by context. */
static void replay_finish(struct cell *cell)
{
    replay_contexts(cell, cell->replay);
    cell->threads[0].runs = cell->replay->runs;
    cell->threads[0].run_count = cell->replay->slot_count;
}

const struct workload workload_replay = {
    .name = "replay:FILE",
    .summary = "a recorded kernel's page allocations and frees; an event is one operation",
    .section = SECTION_FRAMES,
    .is_replay = true,
    .takes_trace = true,
    .prepare = replay_prepare,
    .body = replay_body,
    .finish = replay_finish,
};
