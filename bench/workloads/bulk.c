/* bulk: allocate many blocks, then free them in the same order. Refill and drain of caches, splitting and
 * merging. */
#include "bench/workloads/workload.h"

#define BULK_BLOCKS_MAX 10000u

/* At most half of the machine, shared by the CPUs. */
static bool bulk_prepare(struct cell *cell)
{
    uint64_t blocks = cell->machine->frame_count / 2 / cell->params.cpus >> cell->params.order;
    if (blocks == 0)
        return workload_cannot(cell, "half of the machine has no block of order %u", cell->params.order);
    if (blocks > BULK_BLOCKS_MAX)
        blocks = BULK_BLOCKS_MAX;
    cell->granted_frames = (blocks * cell->params.cpus) << cell->params.order;
    return workload_hold(cell, (size_t)blocks);
}

static void bulk_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct admission *admission = &cell->admission;
    struct pl_request request = workload_request(cell);
    size_t blocks = thread->run_count;
    while (lb_keep_running_batch(state, (int64_t)blocks)) {
        size_t held = 0;
        for (size_t i = 0; i < blocks; i++) {
            if (PL_LIKELY(admission_alloc(admission, thread->cpu, &request, &thread->runs[held]) == PL_OK))
                held++;
        }
        for (size_t i = 0; i < held; i++)
            (void)admission_free(admission, thread->cpu, &thread->runs[i]);
        thread->failures += blocks - held;
    }
}

/* Holds everything once more, so that the row shows what the machine looks like in the middle. */
static void bulk_finish(struct cell *cell)
{
    struct pl_request request = workload_request(cell);
    for (unsigned i = 0; i < cell->params.cpus; i++) {
        struct cell_thread *thread = &cell->threads[i];
        for (size_t k = 0; k < thread->run_count; k++) {
            if (admission_alloc(&cell->admission, thread->cpu, &request, &thread->runs[k]) != PL_OK)
                thread->runs[k].frame_count = 0;
        }
    }
}

const struct workload workload_bulk = {
    .name = "bulk",
    .summary = "allocate up to 10,000 blocks, then free them; a pair is one operation",
    .section = SECTION_FRAMES,
    .takes_order = true,
    .takes_cpus = true,
    .prepare = bulk_prepare,
    .body = bulk_body,
    .finish = bulk_finish,
};
