/* remote: blocks allocated on one CPU are freed on the other, in bursts, both ways. On one real CPU a single
 * thread plays two virtual CPUs in turn, so only the allocator's own cost of migration shows, not the cache
 * lines'.
 *
 *     CPU 0:  allocate a burst -> box 0        CPU 1:  allocate a burst -> box 1
 *             take box 1, free all                     take box 0, free all */
#define _DEFAULT_SOURCE /* sched_yield */
#include <sched.h>
#include <stdlib.h>

#include "bench/workloads/workload.h"

#define BURST_MAX  64u
#define SPIN_LIMIT 100000u

/* Filled by its CPU, emptied by the other. `state`: 0 empty, 1 full. */
struct box {
    PL_CPU_ALIGNED atomic_uint state;
    size_t count;
    struct pl_run runs[BURST_MAX];
};

struct boxes {
    struct box box[2];
    size_t burst;
};

static bool remote_prepare(struct cell *cell)
{
    if (cell->params.cpus > 2)
        return workload_cannot(cell, "remote is between two CPUs");
    struct boxes *boxes = aligned_alloc(PL_CPU_LINE_BYTES, sizeof(*boxes));
    if (boxes == NULL)
        return workload_cannot(cell, "out of memory");
    *boxes = (struct boxes){0};
    uint64_t blocks = cell->machine->frame_count / 4 >> cell->params.order;
    boxes->burst = blocks > BURST_MAX ? BURST_MAX : (size_t)blocks;
    cell->shared = boxes;
    cell->granted_frames = (uint64_t)boxes->burst * cell->params.cpus << cell->params.order;
    return boxes->burst != 0 || workload_cannot(cell, "a quarter of the machine has no such block");
}

static size_t fill(struct cell *cell, struct pl_cpu *cpu, struct box *box, size_t burst)
{
    struct pl_request request = workload_request(cell);
    box->count = 0;
    for (size_t i = 0; i < burst; i++) {
        if (PL_LIKELY(admission_alloc(&cell->admission, cpu, &request, &box->runs[box->count]) == PL_OK))
            box->count++;
    }
    return burst - box->count;
}

static void empty(struct cell *cell, struct pl_cpu *cpu, struct box *box)
{
    for (size_t i = 0; i < box->count; i++)
        (void)admission_free(&cell->admission, cpu, &box->runs[i]);
}

static void await(atomic_uint *state, unsigned wanted)
{
    unsigned spins = 0;
    while (atomic_load_explicit(state, memory_order_acquire) != wanted) {
        PL_PAUSE();
        if (++spins % SPIN_LIMIT == 0)
            sched_yield();
    }
}

/* One thread, two virtual CPUs: each batch is a burst in each direction. */
static void alone(struct lb_state *state, struct cell *cell, struct cell_thread *thread)
{
    struct boxes *boxes = cell->shared;
    struct pl_cpu *other = native_cpu(cell->native, 1);
    while (lb_keep_running_batch(state, (int64_t)(2 * boxes->burst))) {
        thread->failures += fill(cell, thread->cpu, &boxes->box[0], boxes->burst);
        empty(cell, other, &boxes->box[0]);
        thread->failures += fill(cell, other, &boxes->box[0], boxes->burst);
        empty(cell, thread->cpu, &boxes->box[0]);
    }
}

static void remote_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct boxes *boxes = cell->shared;
    if (lb_thread_count(state) == 1) {
        alone(state, cell, thread);
        return;
    }
    struct box *own = &boxes->box[thread->cpu->id];
    struct box *other = &boxes->box[1 - thread->cpu->id];
    /* Both threads do the same number of batches, so every box that is filled is emptied. */
    while (lb_keep_running_batch(state, (int64_t)boxes->burst)) {
        await(&own->state, 0);
        thread->failures += fill(cell, thread->cpu, own, boxes->burst);
        atomic_store_explicit(&own->state, 1, memory_order_release);
        await(&other->state, 1);
        empty(cell, thread->cpu, other);
        atomic_store_explicit(&other->state, 0, memory_order_release);
    }
}

const struct workload workload_remote = {
    .name = "remote",
    .summary = "allocate on one CPU, free on the other, in bursts of 64, both ways; a pair is one operation",
    .section = SECTION_FRAMES,
    .takes_order = true,
    .takes_cpus = true,
    .prepare = remote_prepare,
    .body = remote_body,
};
