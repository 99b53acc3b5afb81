/* What the lent services stand on when programs run on virtual CPUs: frames that admission lets through, each
 * known to the shadow. The systems themselves are no part of it: they are made for one CPU at a time. */
#include <string.h>

#include "engine/schedule/schedule_internal.h"

#define WINDOW_ADDR  UINT64_C(0xffffc90000000000)
#define WINDOW_BYTES (UINT64_C(1) << 20)

static enum pl_status admitted_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                     struct pl_run *run)
{
    struct schedule *schedule = self;
    enum pl_status status = admission_alloc(&schedule->runner.admission, cpu, request, run);
    if (status == PL_OK && !schedule->finding->found)
        shadow_grant(&schedule->runner.shadow, run, SCHEDULE_TABLE_TAG, schedule->finding);
    schedule_disturb(schedule);
    return status;
}

static enum pl_status admitted_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct schedule *schedule = self;
    shadow_release(&schedule->runner.shadow, run, SCHEDULE_TABLE_TAG);
    schedule_disturb(schedule);
    return admission_free(&schedule->runner.admission, cpu, run);
}

static void admit(struct schedule *schedule)
{
    struct runner *runner = &schedule->runner;
    admission_init(&runner->admission, runner->instance.page, runner->machine, ADMISSION_EXACT);
    runner->admission.threaded = schedule->cpu_count > 1;
}

enum pl_status schedule_lend(struct schedule *schedule, const struct spec *spec, struct spec_error *error)
{
    const struct pl_page_ops *inner = schedule->runner.instance.page.ops;
    schedule->admitted = (struct pl_page_ops){
        .bytes = sizeof(struct pl_page_ops),
        .abi = PL_ABI,
        .caps = inner->caps,
        .max_order = inner->max_order,
        .alloc = admitted_alloc,
        .free = admitted_free,
    };
    const struct pl_page page = {.ops = &schedule->admitted, .self = schedule};
    admit(schedule);
    return lent_init(&schedule->lent, spec, schedule->runner.machine, page, WINDOW_ADDR, WINDOW_BYTES, error);
}

enum pl_status schedule_lend_again(struct schedule *schedule)
{
    admit(schedule);
    enum pl_status status = lent_reset(&schedule->lent);
    if (status == PL_OK)
        lent_start(&schedule->lent, native_cpu(schedule->runner.native, 0));
    return status;
}
