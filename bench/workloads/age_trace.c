/* See age_trace.h. */
#include "bench/workloads/age_trace.h"

#include <pagelab/check.h>

#include <stdlib.h>
#include <string.h>

#define SEED UINT64_C(0x9e3779b97f4a7c15)
#define NONE UINT32_MAX

static uint64_t draw(struct age_trace *age, uint64_t limit)
{
    age->rng ^= age->rng << 13;
    age->rng ^= age->rng >> 7;
    age->rng ^= age->rng << 17;
    return (age->rng >> 32) * limit >> 32;
}

int age_trace_init(struct age_trace *age, const struct trace *trace, uint64_t frame_count,
                   unsigned generations)
{
    memset(age, 0, sizeof(*age));
    /* A survivor has a frame at least, and they end with the grant that passes the limit. */
    uint64_t survivors = frame_count / AGE_SURVIVOR_LIMIT + 2;
    PL_ASSERT(trace->slot_count + survivors < NONE);
    age->trace = trace;
    age->rng = SEED;
    age->frame_count = frame_count;
    age->end = generations;
    age->slot_count = trace->slot_count + (uint32_t)survivors;
    age->names = malloc(((size_t)trace->slot_count + 1) * sizeof(*age->names));
    age->lasts = calloc((size_t)trace->slot_count + 1, 1);
    age->orders = calloc(age->slot_count, 1);
    age->spare = calloc(age->slot_count, sizeof(*age->spare));
    age->survivors = calloc(survivors, sizeof(*age->survivors));
    if (age->names == NULL || age->lasts == NULL || age->orders == NULL || age->spare == NULL ||
        age->survivors == NULL) {
        age_trace_fini(age);
        return -1;
    }
    memset(age->names, 0xff, ((size_t)trace->slot_count + 1) * sizeof(*age->names));
    while (age->spare_count < age->slot_count) {
        age->spare[age->spare_count] = age->slot_count - 1 - (uint32_t)age->spare_count;
        age->spare_count++;
    }
    return 0;
}

void age_trace_fini(struct age_trace *age)
{
    free(age->names);
    free(age->lasts);
    free(age->orders);
    free(age->spare);
    free(age->survivors);
    memset(age, 0, sizeof(*age));
}

static void put_free(struct age_trace *age, struct op *op, uint32_t slot)
{
    op->kind = OP_FREE;
    op->order = age->orders[slot];
    op->slot = slot;
    age->spare[age->spare_count++] = slot;
}

/* Takes the grant from the recording. True: it was freed, `op` says so; false: it survives. */
static bool let_go(struct age_trace *age, struct op *op, uint32_t slot)
{
    uint32_t name = age->names[slot];
    age->names[slot] = NONE;
    PL_ASSERT(name != NONE);
    if (!age->lasts[slot]) {
        put_free(age, op, name);
        return true;
    }
    age->survivors[age->survivor_count++] = name;
    age->survivor_frames += UINT64_C(1) << age->orders[name];
    return false;
}

/* A survivor's turn, if there are too many. */
static bool is_crowded(const struct age_trace *age)
{
    return age->survivor_frames > age->frame_count / AGE_SURVIVOR_LIMIT;
}

static void put_death(struct age_trace *age, struct op *op)
{
    size_t at = draw(age, age->survivor_count);
    uint32_t slot = age->survivors[at];
    age->survivors[at] = age->survivors[--age->survivor_count];
    age->survivor_frames -= UINT64_C(1) << age->orders[slot];
    *op = (struct op){0};
    put_free(age, op, slot);
}

/* True: `op` is an operation. */
static bool put_recorded(struct age_trace *age, struct op *op)
{
    *op = age->trace->ops[age->at++];
    uint32_t slot = op->slot;
    if (op->kind == OP_FREE)
        return let_go(age, op, slot);
    PL_ASSERT(age->names[slot] == NONE && age->spare_count != 0);
    op->slot = age->spare[--age->spare_count];
    age->names[slot] = op->slot;
    age->orders[op->slot] = op->order;
    age->lasts[slot] = draw(age, AGE_SURVIVOR_SHARE) == 0;
    return true;
}

/* What the recording leaves, slot by slot; then the next generation begins. */
static bool put_left(struct age_trace *age, struct op *op)
{
    uint32_t slot = (uint32_t)(age->at++ - age->trace->op_count);
    if (slot == age->trace->slot_count) {
        age->at = 0;
        age->generation++;
        return false;
    }
    *op = (struct op){0};
    return age->names[slot] != NONE && let_go(age, op, slot);
}

size_t age_trace_fill(struct age_trace *age, struct op *ops, size_t limit)
{
    size_t count = 0;
    while (count < limit && (age->generation + 1 < age->end || age->at < age->trace->op_count)) {
        if (is_crowded(age)) {
            put_death(age, &ops[count++]);
            continue;
        }
        count += age->at < age->trace->op_count ? put_recorded(age, &ops[count]) : put_left(age, &ops[count]);
    }
    return count;
}
