/* Buffers in as few runs as can be had: one if possible, else the largest pieces, halved whenever none is
 * left of a size. What a device with few descriptors wants; it spends the allocator's large blocks. */
#include <stdio.h>

#include "allocators/services/plan.h"

static enum pl_status run_cover(struct plan *plan)
{
    return plan_cover_largest(plan, plan_take);
}

static enum pl_status run_plan(void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                               const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                               size_t run_capacity, size_t *run_count)
{
    return plan_by(run_cover, instance, cpu, buffer_bytes, constraints, runs, run_capacity, run_count);
}

static void run_settings(const void *instance, char *text, size_t bytes)
{
    PL_ASSERT(instance != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=one-run-if-possible");
}

static const struct pl_buffer_ops run_ops = {
    .bytes = sizeof(struct pl_buffer_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_CHECKS_FREE,
    .meta_bytes = plan_service_meta_bytes,
    .init = plan_service_init,
    .fini = plan_service_fini,
    .plan = run_plan,
    .release = plan_release,
    .count = plan_count,
    .audit = plan_audit,
    .settings = run_settings,
};

extern const struct pl_candidate pl_candidate_run;
const struct pl_candidate pl_candidate_run = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "run",
    .summary = "buffers: one run if there is one, else the largest pieces",
    .kind = PL_KIND_SERVICE,
    .buffer = &run_ops,
};
