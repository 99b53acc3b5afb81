/* repeat: allocate one block and free it at once, over and over. The fast path and nothing else. */
#include "bench/workloads/workload.h"

static bool repeat_prepare(struct cell *cell)
{
    cell->granted_frames = (uint64_t)cell->params.cpus << cell->params.order;
    return true;
}

static void repeat_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct admission *admission = &cell->admission;
    struct pl_cpu *cpu = thread->cpu;
    struct pl_request request = workload_request(cell);
    struct pl_run run = {0};
    uint64_t failures = 0;
    LB_LOOP(state)
    {
        if (PL_LIKELY(admission_alloc(admission, cpu, &request, &run) == PL_OK))
            (void)admission_free(admission, cpu, &run);
        else
            failures++;
    }
    thread->failures += failures;
}

const struct workload workload_repeat = {
    .name = "repeat",
    .summary = "allocate one block and free it at once; a pair is one operation",
    .section = SECTION_FRAMES,
    .takes_order = true,
    .takes_cpus = true,
    .prepare = repeat_prepare,
    .body = repeat_body,
};
