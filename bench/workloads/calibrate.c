/* What a call and a locked instruction cost on this machine today: measured in every run, beside the rods. */
#include "bench/workloads/workload.h"

static bool nothing_to_prepare(struct cell *cell)
{
    (void)cell;
    return true;
}

/* Empty, but the compiler must call them. The arguments are those of the hooks. */
static PL_NOINLINE enum pl_status empty_alloc(void *self, struct pl_cpu *cpu,
                                              const struct pl_request *request, struct pl_run *run)
{
    lb_do_not_optimize(self);
    lb_do_not_optimize(cpu);
    lb_do_not_optimize(request);
    lb_do_not_optimize(run);
    return PL_OK;
}

static PL_NOINLINE enum pl_status empty_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    lb_do_not_optimize(self);
    lb_do_not_optimize(cpu);
    lb_do_not_optimize(run);
    return PL_OK;
}

static void calls_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct pl_request request = workload_request(cell);
    struct pl_run run = {0};
    LB_LOOP(state)
    {
        enum pl_status status = empty_alloc(cell, thread->cpu, &request, &run);
        lb_do_not_optimize(status);
        status = empty_free(cell, thread->cpu, &run);
        lb_do_not_optimize(status);
    }
}

static void cas_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    (void)workload_thread(cell, state);
    atomic_ullong word = 0;
    LB_LOOP(state)
    {
        unsigned long long seen = atomic_load_explicit(&word, memory_order_relaxed);
        bool swapped = atomic_compare_exchange_strong(&word, &seen, seen + 1);
        lb_do_not_optimize(swapped);
    }
}

const struct workload workload_calls = {
    .name = "calibrate-calls",
    .summary = "two direct calls of empty functions",
    .section = SECTION_HARNESS,
    .prepare = nothing_to_prepare,
    .body = calls_body,
};

const struct workload workload_cas = {
    .name = "calibrate-cas",
    .summary = "one uncontended locked compare-and-swap",
    .section = SECTION_HARNESS,
    .prepare = nothing_to_prepare,
    .body = cas_body,
};
