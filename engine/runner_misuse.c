/* Misuse on purpose; see runner_internal.h. */
#include "engine/runner_internal.h"

#include <inttypes.h>

/* A frame that no range has: the first hole, or the one behind the end. */
static pl_frame foreign_frame(const struct pl_machine *machine)
{
    const struct pl_range *first = &machine->ranges[0];
    return pl_frame_at(first->first.number + first->frame_count);
}

/* Is every frame of the run free now? Only then is freeing it wrong whoever had it. */
static bool all_free(const struct runner *runner, const struct pl_run *run)
{
    const uint32_t *owner = runner->shadow.owner + (run->first.number - runner->machine->first.number);
    for (uint64_t i = 0; i < run->frame_count; i++) {
        if (owner[i] != 0)
            return false;
    }
    return true;
}

/* The run to free wrongly; false if this slot does not allow that mistake now. */
static bool make_mistake(const struct runner *runner, const struct op *op, struct pl_run *run)
{
    const struct runner_slot *slot = &runner->slots[op->slot];
    bool block = slot->live && slot->run.order != PL_ORDER_NONE;
    *run = slot->run;
    run->flags = 0;
    switch (op->count) {
    case OP_MISTAKE_TWICE:
        return slot->used && !slot->live && all_free(runner, run);
    case OP_MISTAKE_FOREIGN:
        *run = (struct pl_run){.first = foreign_frame(runner->machine), .frame_count = 1};
        return true;
    case OP_MISTAKE_HALF:
        if (!block || run->order == 0)
            return false;
        run->order--;
        run->frame_count /= 2;
        return true;
    case OP_MISTAKE_INSIDE:
        if (!slot->live || run->frame_count < 2)
            return false;
        run->first.number++;
        run->frame_count = 1;
        run->order = 0;
        return true;
    case OP_MISTAKE_TOO_LARGE:
        if (!block || run->order >= runner->instance.max_order)
            return false;
        run->order++;
        run->frame_count *= 2;
        run->first.number &= ~(run->frame_count - 1);
        return true;
    default:
        return false;
    }
}

void do_bad_free(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct pl_run run;
    if (!(runner->instance.caps & PL_CAP_CHECKS_FREE) || !make_mistake(runner, op, &run))
        return;
    runner->calls++;
    enum pl_status status = admission_free(&runner->admission, cpu, &run);
    if (runner->log != NULL)
        fprintf(runner->log, "      -> %s\n", pl_status_name(status));
    if (status != PL_REFUSED) {
        finding_set(finding, "X-10", "");
        finding_expected(finding, "0x%" PRIx64 "+%" PRIu64 " is no whole grant (%s): refused",
                         run.first.number, run.frame_count, op_mistake_names[op->count]);
        finding_actual(finding, "%s", pl_status_name(status));
        return;
    }
    shadow_audit(&runner->shadow, &runner->instance, finding);
}

void do_bad_alloc(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct pl_request request = {.alloc_class = op->alloc_class, .node = PL_NODE_ANY};
    struct pl_constraints constraints = {.frame_count = 1, .high = {UINT64_MAX}, .alignment = 1};
    bool by_run = true;
    enum pl_status wanted = runner->instance.caps & PL_CAP_RUNS ? PL_INVALID : PL_UNSUPPORTED;
    const char *id = "F-24";
    switch (op->count) {
    case OP_ILLEGAL_CLASS:
        request.alloc_class = 3;
        by_run = false;
        wanted = PL_INVALID;
        id = "F-27";
        break;
    case OP_ILLEGAL_ORDER:
        request.order = PL_ORDER_LIMIT + 1;
        by_run = false;
        wanted = PL_UNSUPPORTED;
        id = "X-6";
        break;
    case OP_ILLEGAL_RUN_ZERO:
        constraints.frame_count = 0;
        wanted = PL_INVALID;
        break;
    case OP_ILLEGAL_ALIGNMENT:
        constraints.alignment = 3;
        break;
    case OP_ILLEGAL_BOUNDARY:
        constraints.boundary = 6;
        break;
    default:
        return;
    }
    struct pl_run run;
    runner->calls++;
    enum pl_status status = by_run
                                ? admission_alloc_run(&runner->admission, cpu, &request, &constraints, &run)
                                : admission_alloc(&runner->admission, cpu, &request, &run);
    if (runner->log != NULL)
        fprintf(runner->log, "      -> %s\n", pl_status_name(status));
    /* Below the floor the gate may answer before the backend has looked at the constraints. */
    if (status == wanted || (by_run && status == PL_NO_MEMORY))
        return;
    finding_set(finding, id, "");
    finding_expected(finding, "an illegal request (%s) is %s", op_illegal_names[op->count],
                     pl_status_name(wanted));
    finding_actual(finding, "%s", pl_status_name(status));
}
