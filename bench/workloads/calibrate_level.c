/* calibrate-mask, calibrate-point: what the contract's own means cost. A pair of pl_mask and pl_unmask, over
 * an empty loop; and an interrupt raised at a labelled point, over a call of its handler. Both loops take
 * turns, so that both see the same machine; the row's time is the median of the rounds' differences,
 * `least_ns` the difference of the two least times. */
#include <stdlib.h>

#include "bench/ticks.h"
#include "bench/workloads/workload.h"

#define ROUNDS       1001u
#define SMOKE_ROUNDS 11u
#define STEPS        4096u /* a round's: some microseconds, too short to be interrupted often */
#define POINT        1u

struct level {
    struct cell *cell;
    struct pl_cpu *cpu;
    struct pl_platform platform; /* the CPU's, with a point */
    double differences[ROUNDS];  /* ticks a step */
    double least_with;
    double least_without;
};

static PL_NOINLINE uint64_t empty_loop(struct pl_cpu *cpu)
{
    uint64_t start = ticks_now();
    for (unsigned i = 0; i < STEPS; i++)
        lb_do_not_optimize(cpu);
    return ticks_now() - start;
}

static PL_NOINLINE uint64_t mask_loop(struct pl_cpu *cpu)
{
    uint64_t start = ticks_now();
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t before = pl_mask(cpu);
        lb_do_not_optimize(cpu);
        pl_unmask(cpu, before);
    }
    return ticks_now() - start;
}

static void count_up(struct pl_cpu *cpu, void *argument)
{
    (void)cpu;
    (*(uint64_t *)argument)++;
}

static PL_NOINLINE uint64_t call_loop(struct pl_cpu *cpu, native_handler *handler, void *argument)
{
    uint64_t start = ticks_now();
    for (unsigned i = 0; i < STEPS; i++) {
        lb_do_not_optimize(cpu);
        handler(cpu, argument);
    }
    return ticks_now() - start;
}

static PL_NOINLINE uint64_t point_loop(struct pl_cpu *cpu)
{
    uint64_t start = ticks_now();
    for (unsigned i = 0; i < STEPS; i++) {
        lb_do_not_optimize(cpu);
        pl_point(cpu, cpu);
    }
    return ticks_now() - start;
}

static void raise_at_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    (void)kind;
    (void)object;
    native_raise(cpu);
}

static bool level_prepare(struct cell *cell)
{
    struct level *level = calloc(1, sizeof(*level));
    if (level == NULL)
        return workload_cannot(cell, "out of memory");
    cell->shared = level;
    cell->iterations = 1;
    level->cell = cell;
    level->cpu = cell->threads[0].cpu;
    level->platform = *level->cpu->platform;
    level->platform.point = raise_at_point;
    return true;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void round_of(struct level *level, unsigned i, uint64_t *calls)
{
    bool point = level->cell->workload->choice == POINT;
    double without =
        (double)(point ? call_loop(level->cpu, count_up, calls) : empty_loop(level->cpu)) / STEPS;
    double with = (double)(point ? point_loop(level->cpu) : mask_loop(level->cpu)) / STEPS;
    level->differences[i] = with - without;
    level->least_with = i == 0 || with < level->least_with ? with : level->least_with;
    level->least_without = i == 0 || without < level->least_without ? without : level->least_without;
}

static void level_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct level *level = cell->shared;
    unsigned rounds = cell->params.smoke ? SMOKE_ROUNDS : ROUNDS;
    uint64_t calls = 0;
    double per_ns = ticks_per_ns();
    (void)workload_thread(cell, state);
    const struct pl_platform *before = level->cpu->platform;
    native_set_handler(level->cpu, count_up, &calls);
    if (cell->workload->choice == POINT)
        level->cpu->platform = &level->platform;
    while (lb_keep_running_batch(state, 1)) {
        for (unsigned i = 0; i < rounds; i++)
            round_of(level, i, &calls);
        qsort(level->differences, rounds, sizeof(level->differences[0]), by_value);
        lb_set_iteration_time(state, level->differences[rounds / 2] / per_ns * 1e-9);
    }
    level->cpu->platform = before;
    /* Each round calls the handler both ways. */
    if (cell->workload->choice == POINT && calls != (uint64_t)2 * rounds * STEPS)
        lb_skip(state, "an interrupt at a labelled point was lost");
    workload_count(cell, "least_ns", (level->least_with - level->least_without) / per_ns);
    workload_count(cell, "with_ns", level->least_with / per_ns);
    workload_count(cell, "without_ns", level->least_without / per_ns);
}

const struct workload workloads_level[WORKLOADS_LEVEL] = {
    {
        .name = "calibrate-mask",
        .summary = "pl_mask and pl_unmask, over an empty loop",
        .section = SECTION_HARNESS,
        .own_time = true,
        .prepare = level_prepare,
        .body = level_body,
    },
    {
        .name = "calibrate-point",
        .summary = "an interrupt at a labelled point, over a call of its handler",
        .section = SECTION_HARNESS,
        .own_time = true,
        .choice = POINT,
        .prepare = level_prepare,
        .body = level_body,
    },
};
