/* replace: on a machine that is 90 % granted, free a block chosen at random and allocate another. */
#include "bench/workloads/workload.h"

#define REPLACE_PERCENT 90u
#define REPLACE_AHEAD   16u

/* xorshift64: the same sequence on every run. */
PL_INLINE uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/* An index below count: the high half of a product instead of a division. */
PL_INLINE uint64_t index_of(uint64_t random, uint64_t count)
{
    return (random >> 32) * count >> 32;
}

/* Holds 90 % of the machine, the CPUs taking turns. A candidate that cannot get there has failed. */
static bool replace_prepare(struct cell *cell)
{
    unsigned order = cell->params.order;
    uint64_t frames = cell->machine->frame_count;
    /* The least number of blocks that is 90 % or more. */
    uint64_t wanted = frames * REPLACE_PERCENT;
    uint64_t block = UINT64_C(100) << order;
    uint64_t blocks = (wanted + block - 1) / block;
    uint64_t each = (blocks + cell->params.cpus - 1) / cell->params.cpus;
    struct pl_request request = workload_request(cell);
    if (!workload_hold(cell, (size_t)each))
        return false;
    for (uint64_t i = 0; i < each * cell->params.cpus; i++) {
        struct cell_thread *thread = &cell->threads[i % cell->params.cpus];
        struct pl_run *run = &thread->runs[i / cell->params.cpus];
        if (admission_alloc(&cell->admission, thread->cpu, &request, run) != PL_OK)
            return workload_cannot(cell, "reached %.1f %% of the machine, %u %% wanted",
                                   (double)(i << order) * 100.0 / (double)frames, REPLACE_PERCENT);
        cell->granted_frames += run->frame_count;
    }
    for (unsigned i = 0; i < cell->params.cpus; i++)
        cell->threads[i].rng = UINT64_C(0x9e3779b97f4a7c15) + i;
    /* Once through what is timed, so that a candidate's caches and lists are as in use. It mixes the grants
     * only of one that does not give the frame last freed at once. */
    for (uint64_t i = 0; i < each * cell->params.cpus; i++) {
        struct cell_thread *thread = &cell->threads[i % cell->params.cpus];
        struct pl_run *run = &thread->runs[next_random(&thread->rng) % each];
        (void)admission_free(&cell->admission, thread->cpu, run);
        if (admission_alloc(&cell->admission, thread->cpu, &request, run) != PL_OK)
            return workload_cannot(cell, "an allocation failed at %u %% of the machine", REPLACE_PERCENT);
    }
    return true;
}

static void replace_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct admission *admission = &cell->admission;
    struct pl_cpu *cpu = thread->cpu;
    struct pl_request request = workload_request(cell);
    uint64_t rng = thread->rng;
    uint64_t count = thread->run_count;
    /* The same numbers, some steps ahead: the workload's own list of grants must not be what is measured. */
    uint64_t ahead = rng;
    for (unsigned i = 0; i < REPLACE_AHEAD; i++)
        (void)next_random(&ahead);
    LB_LOOP(state)
    {
        PL_PREFETCH(&thread->runs[index_of(next_random(&ahead), count)]);
        struct pl_run *run = &thread->runs[index_of(next_random(&rng), count)];
        if (PL_LIKELY(run->frame_count != 0))
            (void)admission_free(admission, cpu, run);
        if (PL_UNLIKELY(admission_alloc(admission, cpu, &request, run) != PL_OK)) {
            run->frame_count = 0;
            thread->failures++;
        }
    }
    thread->rng = rng;
}

const struct workload workload_replace = {
    .name = "replace",
    .summary = "at 90 % granted, free a random block and allocate one; a pair is one operation",
    .section = SECTION_FRAMES,
    .takes_order = true,
    .takes_cpus = true,
    .prepare = replace_prepare,
    .body = replace_body,
};
