/* plan-*: the lent buffers alone: a common size again and again, and all sizes, on a machine that is whole
 * and on one whose free frames have hardly a neighbour. Contents are not touched, so it is the frames that
 * cost. */
#include "bench/workloads/stand.h"

enum kind {
    KIND_CHURN,
    KIND_MIXED,
    KIND_SCATTERED,
};

#define SEED UINT64_C(0x5eed)

struct plan_bench {
    struct stand stand;
    struct pl_run *runs; /* in stand.memory */
    uint64_t pages;      /* at most */
    bool mixed;          /* 1 to that many, as it comes */
    uint64_t rng;
    struct pl_buffer_constraints constraints;
};

/* xorshift64* (public domain algorithm by S. Vigna): cheap beside what is measured. */
static uint64_t next_size(struct plan_bench *bench)
{
    bench->rng ^= bench->rng >> 12;
    bench->rng ^= bench->rng << 25;
    bench->rng ^= bench->rng >> 27;
    return 1 + (bench->rng * UINT64_C(0x2545f4914f6cdd1d) >> 32) % bench->pages;
}

static bool make(struct plan_bench *bench, size_t *run_count)
{
    uint64_t pages = bench->mixed ? next_size(bench) : bench->pages;
    const struct pl_buffer *buffer = &bench->stand.lent.buffer;
    return buffer->ops->plan(buffer->self, bench->stand.cpu, pages * PL_FRAME_BYTES, &bench->constraints,
                             bench->runs, bench->pages, run_count) == PL_OK;
}

static bool give(struct plan_bench *bench, size_t run_count)
{
    const struct pl_buffer *buffer = &bench->stand.lent.buffer;
    return buffer->ops->release(buffer->self, bench->stand.cpu, bench->runs, run_count) == PL_OK;
}

static bool plan_prepare(struct cell *cell)
{
    uint64_t pages = UINT64_C(1) << cell->params.order;
    size_t run_count;
    if (pages > STAND_MACHINE_BYTES / PL_FRAME_BYTES / 4)
        return workload_cannot(cell, "%llu pages: more than a quarter of the machine",
                               (unsigned long long)pages);
    struct plan_bench *bench = stand_new(cell, sizeof(*bench), pages * sizeof(*bench->runs));
    if (bench == NULL || (cell->workload->choice == KIND_SCATTERED && !stand_scatter(cell, &bench->stand)))
        return false;
    bench->runs = bench->stand.memory;
    bench->pages = pages;
    bench->mixed = cell->workload->choice >= KIND_MIXED;
    bench->rng = SEED;
    bench->constraints = (struct pl_buffer_constraints){
        .alignment = PL_FRAME_BYTES, .address_mask = UINT64_MAX, .request = {.node = PL_NODE_ANY}};
    if (!make(bench, &run_count) || !give(bench, run_count))
        return stand_cannot(cell, &bench->stand, "the candidate and its buffer service have no such buffer");
    return stand_ready(cell, &bench->stand);
}

static void plan_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct plan_bench *bench = cell->shared;
    uint64_t failures = 0;
    uint64_t segments = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        size_t run_count;
        if (PL_UNLIKELY(!make(bench, &run_count))) {
            failures++;
            continue;
        }
        segments += run_count;
        failures += !give(bench, run_count);
    }
    stand_stop(cell, &bench->stand, state);
    if (lb_iteration_count(state) > 0)
        workload_count(cell, "segments", (double)segments / (double)lb_iteration_count(state));
    thread->failures += failures;
}

#define OF_KIND(KIND, NAME, SUMMARY, ORDER)                                                                  \
    [KIND] = {                                                                                               \
        .name = NAME,                                                                                        \
        .summary = SUMMARY,                                                                                  \
        .section = SECTION_SERVICES,                                                                         \
        .takes_pages = true,                                                                                 \
        .needs_contents = true,                                                                              \
        .default_order = ORDER,                                                                              \
        .choice = KIND,                                                                                      \
        .memory_bytes = STAND_MACHINE_BYTES,                                                                 \
        .prepare = plan_prepare,                                                                             \
        .body = plan_body,                                                                                   \
        .drop = stand_drop,                                                                                  \
    }

const struct workload workloads_plan[WORKLOADS_PLAN] = {
    OF_KIND(KIND_CHURN, "plan-churn", "buf=: plan a buffer of 2^ORDER pages and release it", 4),
    OF_KIND(KIND_MIXED, "plan-mixed", "buf=: the same with 1 to 2^ORDER pages, as it comes", 6),
    OF_KIND(KIND_SCATTERED, "plan-scattered",
            "buf=: all sizes, where every other frame of the machine is taken", 6),
};
