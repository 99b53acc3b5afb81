/* See runner_bare.h. The same calls in the same order as engine/runner.c, which see for the why of each. */
#include "engine/runner_bare.h"

#include "engine/op_level.h"
#include "engine/runner_internal.h"

static void bare_alloc(struct runner *runner, struct pl_cpu *cpu, const struct op *op)
{
    struct pl_request request = runner_request(op);
    struct pl_run run;
    if (runner->slots[op->slot].live || op->order > PL_ORDER_LIMIT)
        return;
    if (admission_alloc(&runner->admission, cpu, &request, &run) == PL_OK)
        runner_holds(runner, op->slot, &run);
}

static void bare_alloc_run(struct runner *runner, struct pl_cpu *cpu, const struct op *op)
{
    struct pl_request request = runner_request(op);
    struct pl_constraints constraints = runner_constraints(runner, op);
    struct pl_run run;
    if (runner->slots[op->slot].live || op->count == 0)
        return;
    if (admission_alloc_run(&runner->admission, cpu, &request, &constraints, &run) == PL_OK)
        runner_holds(runner, op->slot, &run);
}

static void bare_free(struct runner *runner, struct pl_cpu *cpu, const struct op *op)
{
    struct pl_run run;
    if (runner_lets_go(runner, op, &run))
        (void)admission_free(&runner->admission, cpu, &run);
}

static void bare_split(struct runner *runner, struct pl_cpu *cpu, const struct op *op)
{
    const struct pl_page *page = &runner->instance.page;
    uint32_t found[PROGRAM_SLOT_LIMIT];
    uint32_t parts = runner_parts(runner, op, found);
    if (parts == 0)
        return;
    struct pl_run whole = runner->slots[op->slot].run;
    if (page->ops->split(page->self, cpu, &whole, op->order) != PL_OK)
        return;
    for (uint32_t i = 0; i < parts; i++) {
        struct pl_run part = runner_part(&whole, op->order, i);
        runner_holds(runner, found[i], &part);
    }
}

static void bare_starve(struct runner *runner, struct pl_cpu *cpu, const struct op *op)
{
    int64_t leave = (int64_t)runner_leaves(runner, op);
    uint32_t order = runner->instance.max_order;
    for (;;) {
        int64_t take = admission_free_frames(&runner->admission) - leave;
        if (take <= 0)
            return;
        struct pl_request request = runner_hunger((uint64_t)take, &order);
        struct pl_run *run = &runner->starved[runner->starved_count];
        if (admission_alloc(&runner->admission, cpu, &request, run) == PL_OK)
            runner->starved_count++;
        else if (order-- == 0)
            return;
    }
}

static void bare_feed(struct runner *runner, struct pl_cpu *cpu)
{
    while (runner->starved_count > 0)
        (void)admission_free(&runner->admission, cpu, &runner->starved[--runner->starved_count]);
}

static void bare_op(struct runner *runner, const struct op *op)
{
    struct pl_cpu *cpu = native_cpu(runner->native, op->cpu);
    const struct pl_page *page = &runner->instance.page;
    op_level(cpu, op);
    switch (op->kind) {
    case OP_ALLOC:
        bare_alloc(runner, cpu, op);
        break;
    case OP_FREE:
        bare_free(runner, cpu, op);
        break;
    case OP_ALLOC_RUN:
        bare_alloc_run(runner, cpu, op);
        break;
    case OP_SPLIT:
        bare_split(runner, cpu, op);
        break;
    case OP_DRAIN:
        if (page->ops->drain != NULL)
            page->ops->drain(page->self, cpu, cpu);
        break;
    case OP_STARVE:
        bare_starve(runner, cpu, op);
        break;
    case OP_FEED:
        bare_feed(runner, cpu);
        break;
    default:
        break;
    }
    op_level_end(cpu);
}

enum pl_status runner_bare_run(struct runner *runner, const struct op *ops, uint32_t op_count)
{
    enum pl_status status = runner_fresh(runner);
    if (status != PL_OK)
        return status;
    for (uint32_t i = 0; i < op_count; i++) {
        runner->at = i;
        if (!runner_skips(runner, &ops[i]))
            bare_op(runner, &ops[i]);
    }
    runner->at = op_count;
    struct pl_cpu *cpu = native_cpu(runner->native, 0);
    bare_feed(runner, cpu);
    for (uint32_t i = 0; i < runner->slot_top; i++) {
        struct runner_slot *slot = &runner->slots[i];
        if (slot->live)
            (void)admission_free(&runner->admission, cpu, &slot->run);
        slot->live = false;
    }
    admission_drain_all(&runner->admission, cpu);
    return PL_OK;
}
