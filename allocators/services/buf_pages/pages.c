/* Buffers frame by frame, neighbours joined into runs: takes what there is, wherever it lies, as kernels fill
 * memory that they map. One run only where the caller asks for one. */
#include <stdio.h>

#include "allocators/services/plan.h"

static enum pl_status pages_cover(struct plan *plan)
{
    uint64_t step = UINT64_C(1) << plan->unit;
    step = step < plan->run_max ? step : plan->run_max;
    enum pl_status status = PL_OK;
    while (plan->covered < plan->frame_count && status == PL_OK) {
        uint64_t left = plan->frame_count - plan->covered;
        status = plan_take(plan, plan->contiguous || left < step ? left : step, true);
    }
    return status;
}

static enum pl_status pages_plan(void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                                 const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                                 size_t run_capacity, size_t *run_count)
{
    return plan_by(pages_cover, instance, cpu, buffer_bytes, constraints, runs, run_capacity, run_count);
}

static void pages_settings(const void *instance, char *text, size_t bytes)
{
    PL_ASSERT(instance != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=frame-by-frame");
}

static const struct pl_buffer_ops pages_ops = {
    .bytes = sizeof(struct pl_buffer_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_CHECKS_FREE,
    .meta_bytes = plan_service_meta_bytes,
    .init = plan_service_init,
    .fini = plan_service_fini,
    .plan = pages_plan,
    .release = plan_release,
    .count = plan_count,
    .audit = plan_audit,
    .settings = pages_settings,
};

extern const struct pl_candidate pl_candidate_pages;
const struct pl_candidate pl_candidate_pages = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "pages",
    .summary = "buffers: frame by frame, neighbours joined",
    .kind = PL_KIND_SERVICE,
    .buffer = &pages_ops,
};
