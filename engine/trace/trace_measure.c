/* See trace_measure.h. */
#include "engine/trace/trace_measure.h"

#include <stdbool.h>
#include <stdlib.h>

#include <pagelab/cpu.h>
#include <pagelab/request.h>

#define FLAGS_ALLOC (OP_FLAG_ZERO | OP_FLAG_MAY_SLEEP | OP_FLAG_INVENTED)
#define FLAGS_FREE  OP_FLAG_SPLIT

struct slot {
    uint8_t is_live;
    uint8_t is_invented;
    uint8_t order;
    uint8_t cpu;
};

struct meter {
    struct trace *trace;
    struct slot *slots;
    uint64_t live;
    uint64_t recorded_live;
    bool is_recording; /* past the invented allocations */
};

static const char *measure_alloc(struct meter *meter, const struct op *op, struct slot *slot)
{
    struct trace *trace = meter->trace;
    const bool is_invented = (op->flags & OP_FLAG_INVENTED) != 0;
    if (slot->is_live)
        return "allocation into a slot in use; expected an empty one";
    if ((op->flags & ~FLAGS_ALLOC) != 0 || op->alloc_class >= PL_CLASS_COUNT ||
        op->mobility >= PL_MOBILITY_COUNT)
        return "allocation with an unknown class, mobility or flag; expected those of engine/op.h";
    if (is_invented && meter->is_recording)
        return "invented allocation after the recording began; expected all of them first";
    meter->is_recording = !is_invented;
    *slot = (struct slot){.is_live = 1, .is_invented = is_invented, .order = op->order, .cpu = op->cpu};
    trace->alloc_count++;
    trace->invented_count += is_invented;
    meter->live += UINT64_C(1) << op->order;
    if (!is_invented)
        meter->recorded_live += UINT64_C(1) << op->order;
    if (trace->peak_grants < trace->alloc_count - trace->free_count)
        trace->peak_grants = trace->alloc_count - trace->free_count;
    if (trace->peak_frames < meter->live)
        trace->peak_frames = meter->live;
    if (trace->recorded_peak_frames < meter->recorded_live)
        trace->recorded_peak_frames = meter->recorded_live;
    return NULL;
}

static const char *measure_free(struct meter *meter, const struct op *op, struct slot *slot)
{
    struct trace *trace = meter->trace;
    if (!slot->is_live || slot->order != op->order)
        return "free of no grant, or of another order; expected a live grant as a whole";
    if ((op->flags & ~FLAGS_FREE) != 0 || op->alloc_class != 0 || op->mobility != 0)
        return "free with a class, a mobility or an unknown flag; expected none";
    meter->is_recording = true;
    slot->is_live = 0;
    trace->free_count++;
    trace->remote_free_count += !slot->is_invented && slot->cpu != op->cpu;
    meter->live -= UINT64_C(1) << op->order;
    if (!slot->is_invented)
        meter->recorded_live -= UINT64_C(1) << op->order;
    return NULL;
}

static const char *measure_op(struct meter *meter, const struct op *op)
{
    struct trace *trace = meter->trace;
    if (op->cpu >= PL_CPU_LIMIT || op->context > PL_CONTEXT_NMI || op->order > PL_ORDER_LIMIT)
        return "operation with a CPU, context or order beyond the limits; expected CPU 0..63, order 0..25";
    if (op->slot >= trace->slot_count)
        return "slot out of range; expected one below the number of slots";
    struct slot *slot = &meter->slots[op->slot];
    if (trace->cpu_count <= op->cpu)
        trace->cpu_count = (uint32_t)op->cpu + 1;
    if (trace->max_order < op->order)
        trace->max_order = op->order;
    trace->softirq_count += op->context == PL_CONTEXT_SOFTIRQ;
    if (op->kind == OP_ALLOC)
        return measure_alloc(meter, op, slot);
    if (op->kind == OP_FREE)
        return measure_free(meter, op, slot);
    return "neither an allocation nor a free; expected only these";
}

const char *trace_measure(struct trace *trace)
{
    /* A slot that no operation fills is none: so the table is no larger than the list. */
    if (trace->slot_count > trace->op_count)
        return "more slots than operations; expected fewer";
    struct trace counted = {.ops = trace->ops, .op_count = trace->op_count, .slot_count = trace->slot_count};
    struct meter meter = {.trace = &counted};
    meter.slots = calloc((size_t)counted.slot_count + 1, sizeof(*meter.slots));
    if (meter.slots == NULL)
        return "out of memory; expected a smaller trace or a larger machine";
    const char *complaint = NULL;
    for (size_t i = 0; i < counted.op_count && complaint == NULL; i++)
        complaint = measure_op(&meter, &counted.ops[i]);
    counted.live_at_end_frames = meter.live;
    free(meter.slots);
    *trace = counted;
    return complaint;
}
