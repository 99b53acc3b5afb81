/* What a program's operations on frames ask for, in the contract's words; see runner_internal.h. */
#include "engine/op_common.h"
#include "engine/runner_internal.h"

#include <string.h>

enum pl_status runner_fresh(struct runner *runner)
{
    enum pl_status status = instance_reset(&runner->instance);
    if (status != PL_OK)
        return status;
    native_machine_reset(runner->native);
    admission_init(&runner->admission, runner->instance.page, runner->machine, ADMISSION_EXACT);
    memset(runner->slots, 0, runner->slot_top * sizeof(*runner->slots));
    runner->slot_top = 0;
    runner->starved_count = 0;
    return PL_OK;
}

bool runner_skips(const struct runner *runner, const struct op *op)
{
    return op->kind == OP_NOP || op->kind == OP_PREEMPT || op->cpu >= runner->machine->cpu_count ||
           op->slot >= runner->slot_count || (op->kind < OP_COMMON && op->alloc_class >= PL_CLASS_COUNT);
}

struct pl_request runner_request(const struct op *op)
{
    struct pl_request request = {
        .order = op->order,
        .alloc_class = op->alloc_class,
        .mobility = op->mobility,
        .node = PL_NODE_ANY,
        .owner = op->kind == OP_ALLOC ? op->owner : 0,
        .index = op->kind == OP_ALLOC ? op->index : 0,
    };
    if (op->flags & OP_FLAG_ZERO)
        request.flags |= PL_REQUEST_ZERO;
    if (op->flags & OP_FLAG_NEVER_FREE)
        request.flags |= PL_REQUEST_NEVER_FREE;
    return request;
}

struct pl_constraints runner_constraints(const struct runner *runner, const struct op *op)
{
    uint64_t base = runner->machine->first.number;
    return (struct pl_constraints){
        .frame_count = op->count,
        .low = {op->low == 0 ? 0 : base + op->low},
        .high = {op->high == 0 ? UINT64_MAX : base + op->high},
        .alignment = UINT64_C(1) << op->alignment_log2,
        .boundary = op->boundary_log2 == 0 ? 0 : UINT64_C(1) << op->boundary_log2,
    };
}

void runner_holds(struct runner *runner, uint32_t slot, const struct pl_run *run)
{
    if (slot >= runner->slot_top)
        runner->slot_top = slot + 1;
    runner->slots[slot] = (struct runner_slot){.run = *run, .live = true, .used = true};
}

bool runner_lets_go(struct runner *runner, const struct op *op, struct pl_run *run)
{
    struct runner_slot *slot = &runner->slots[op->slot];
    if (!slot->live)
        return false;
    slot->live = false;
    *run = slot->run;
    /* Where contents are stamped, no frame is zero. */
    if (op->flags & OP_FLAG_ZERO && runner->machine->contents == NULL)
        run->flags |= PL_RUN_ZERO;
    else
        run->flags &= ~PL_RUN_ZERO;
    return true;
}

uint64_t runner_leaves(const struct runner *runner, const struct op *op)
{
    const struct pl_floors *floors = &runner->machine->floors;
    uint64_t floor = op->alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
                     : op->alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                                           : floors->normal;
    return floor + op->count == 0 ? 0 : floor + op->count - 1;
}

struct pl_request runner_hunger(uint64_t frames, uint32_t *order)
{
    while (*order > 0 && UINT64_C(1) << *order > frames)
        --*order;
    return (struct pl_request){
        .order = (uint8_t)*order, .alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
}

uint32_t runner_parts(const struct runner *runner, const struct op *op, uint32_t slots[PROGRAM_SLOT_LIMIT])
{
    const struct runner_slot *slot = &runner->slots[op->slot];
    uint32_t count = 0;
    if (!slot->live || !(runner->instance.caps & PL_CAP_SPLIT) || slot->run.order == PL_ORDER_NONE ||
        op->order >= slot->run.order)
        return 0;
    /* A run of 2^n frames may begin anywhere; its parts would then be no blocks. */
    if ((slot->run.first.number & ((UINT64_C(1) << op->order) - 1)) != 0)
        return 0;
    uint32_t parts = UINT32_C(1) << (slot->run.order - op->order);
    if (parts > PROGRAM_SLOT_LIMIT)
        return 0;
    slots[count++] = op->slot;
    for (uint32_t i = 0; i < runner->slot_count && count < parts; i++) {
        if (!runner->slots[i].live)
            slots[count++] = i;
    }
    return count < parts ? 0 : parts;
}

struct pl_run runner_part(const struct pl_run *whole, uint32_t order, uint32_t number)
{
    struct pl_run part = *whole;
    part.order = order;
    part.frame_count = UINT64_C(1) << order;
    part.first.number = whole->first.number + (uint64_t)number * part.frame_count;
    return part;
}
