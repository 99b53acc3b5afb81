/* See trace_emit.h. */
#include "engine/trace/trace_emit.h"

#include <stdlib.h>

#include <pagelab/check.h>
#include <pagelab/cpu.h>
#include <pagelab/request.h>

#include "engine/trace/trace_slots.h"

struct emitter {
    const struct trace_repair *repair;
    const struct trace_event *events;
    struct trace_slots slots;
    uint32_t *slot_of; /* by block; defined while the block is live */
    struct op *ops;
    size_t op_count;
};

/* What is known of an allocation before the recording: its size. It is a task's that could sleep, on the CPU
 * that frees it, so that it is no remote free. */
static void emit_invented(struct emitter *emitter, uint32_t id)
{
    const struct trace_block *block = &emitter->repair->blocks[id];
    emitter->slot_of[id] = trace_slots_get(&emitter->slots);
    emitter->ops[emitter->op_count++] = (struct op){
        .kind = OP_ALLOC,
        .cpu = emitter->events[block->source].cpu,
        .context = PL_CONTEXT_TASK,
        .order = block->order,
        .alloc_class = PL_CLASS_NORMAL,
        .mobility = PL_MOBILITY_UNMOVABLE,
        .flags = OP_FLAG_MAY_SLEEP | OP_FLAG_INVENTED,
        .slot = emitter->slot_of[id],
    };
}

static void emit_alloc(struct emitter *emitter, uint32_t id)
{
    const struct trace_block *block = &emitter->repair->blocks[id];
    const struct trace_event *event = &emitter->events[block->source];
    emitter->slot_of[id] = trace_slots_get(&emitter->slots);
    emitter->ops[emitter->op_count++] = (struct op){
        .kind = OP_ALLOC,
        .cpu = event->cpu,
        .context = event->context,
        .order = block->order,
        .alloc_class = event->alloc_class,
        .mobility = event->mobility,
        .flags = event->flags,
        .slot = emitter->slot_of[id],
    };
}

static bool emit_free(struct emitter *emitter, uint32_t id)
{
    const struct trace_block *block = &emitter->repair->blocks[id];
    const struct trace_event *event = &emitter->events[block->freed_by];
    emitter->ops[emitter->op_count++] = (struct op){
        .kind = OP_FREE,
        .cpu = event->cpu,
        .context = event->context,
        .order = block->order,
        .flags = block->is_part ? OP_FLAG_SPLIT : 0,
        .slot = emitter->slot_of[id],
    };
    return trace_slots_put(&emitter->slots, emitter->slot_of[id]);
}

static bool emit_all(struct emitter *emitter)
{
    const struct trace_repair *repair = emitter->repair;
    for (uint32_t id = 0; id < repair->block_count; id++) {
        if (repair->blocks[id].is_invented)
            emit_invented(emitter, id);
    }
    for (size_t i = 0; i < repair->step_count; i++) {
        uint32_t id = repair->steps[i] >> 1;
        if ((repair->steps[i] & 1) != 0) {
            if (!emit_free(emitter, id))
                return false;
            continue;
        }
        for (; id != TRACE_BLOCK_NONE; id = repair->blocks[id].next_part)
            emit_alloc(emitter, id);
    }
    return true;
}

/* One grant a block, one free a block that is no longer live. */
static size_t op_total(const struct trace_repair *repair)
{
    size_t total = repair->block_count;
    for (size_t i = 0; i < repair->block_count; i++)
        total += !repair->blocks[i].is_live;
    return total;
}

int trace_emit(const struct trace_repair *repair, const struct trace_events *events, struct trace *trace)
{
    *trace = (struct trace){0};
    const size_t total = op_total(repair);
    if (total > TRACE_OP_LIMIT)
        return -1;
    struct emitter emitter = {.repair = repair, .events = events->items};
    emitter.ops = malloc((total + 1) * sizeof(*emitter.ops));
    emitter.slot_of = malloc((repair->block_count + 1) * sizeof(*emitter.slot_of));
    int result = -1;
    if (emitter.ops != NULL && emitter.slot_of != NULL && emit_all(&emitter)) {
        PL_ASSERT(emitter.op_count == total);
        trace->ops = emitter.ops;
        trace->op_count = total;
        trace->slot_count = emitter.slots.count;
        emitter.ops = NULL;
        result = 0;
    }
    free(emitter.slots.spare);
    free(emitter.slot_of);
    free(emitter.ops);
    return result;
}
