/* See program_tables.h. Shapes are small, so that exhaustion is a few operations away. */
#include "engine/program_tables.h"

#include "engine/op_common.h"
#include "systems/freebsd/reserve.h"

const uint8_t program_kinds[32] = {
    OP_ALLOC,  OP_FREE, OP_ALLOC,    OP_FREE,   OP_ALLOC,     OP_FREE,      OP_ALLOC, OP_FREE,
    OP_ALLOC,  OP_FREE, OP_ALLOC,    OP_FREE,   OP_ALLOC,     OP_FREE,      OP_ALLOC, OP_FREE,
    OP_ALLOC,  OP_FREE, OP_ALLOC,    OP_ALLOC,  OP_ALLOC_RUN, OP_ALLOC_RUN, OP_SPLIT, OP_SPLIT,
    OP_STARVE, OP_FEED, OP_BAD_FREE, OP_STARVE, OP_BAD_ALLOC, OP_DRAIN,     OP_AUDIT, OP_PREEMPT,
};

const struct native_shape program_shapes[PROGRAM_SHAPE_COUNT] = {
    {.ranges = {{.first = {0}, .frame_count = 256}}, .range_count = 1},
    {.ranges = {{.first = {0x100}, .frame_count = 64}}, .range_count = 1},
    {.ranges = {{.first = {0}, .frame_count = 40},
                {.first = {64}, .frame_count = 100},
                {.first = {192}, .frame_count = 128}},
     .range_count = 3},
    {.ranges = {{.first = {7}, .frame_count = 1}}, .range_count = 1},
    {.ranges = {{.first = {3}, .frame_count = 37}}, .range_count = 1},
    {.ranges = {{.first = {0}, .frame_count = 96, .node = 0},
                {.first = {128}, .frame_count = 128, .node = 1}},
     .range_count = 2},
    {.ranges = {{.first = {0}, .frame_count = 1024}}, .range_count = 1},
    {.ranges = {{.first = {0x1234567}, .frame_count = 200}}, .range_count = 1},
};

struct pl_floors program_floors(unsigned choice, uint64_t frame_count)
{
    switch (choice % PROGRAM_FLOORS_COUNT) {
    case 1:
        return (struct pl_floors){.interrupt = 0, .system = 2, .normal = 8};
    case 2:
        return freebsd_floors_of(frame_count);
    case 3:
        return (struct pl_floors){.interrupt = 0, .system = 1, .normal = 3};
    default:
        return (struct pl_floors){0};
    }
}

uint64_t shape_frame_count(const struct native_shape *shape)
{
    uint64_t frames = 0;
    for (uint32_t i = 0; i < shape->range_count; i++)
        frames += shape->ranges[i].frame_count;
    return frames;
}

uint64_t shape_span(const struct native_shape *shape)
{
    const struct pl_range *last = &shape->ranges[shape->range_count - 1];
    return last->first.number + last->frame_count - shape->ranges[0].first.number;
}

uint32_t program_run_frames(uint8_t byte)
{
    static const uint32_t edges[16] = {
        256,  257,  511,  512,      513,        1023,       1024,       1025,
        2047, 2048, 2049, 0x100000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
    };
    return byte < 240 ? byte + 1u : edges[byte - 240];
}

bool shape_same_ranges(const struct native_shape *a, const struct native_shape *b)
{
    if (a->range_count != b->range_count)
        return false;
    for (uint32_t i = 0; i < a->range_count; i++) {
        const struct pl_range *x = &a->ranges[i];
        const struct pl_range *y = &b->ranges[i];
        if (x->first.number != y->first.number || x->frame_count != y->frame_count || x->node != y->node)
            return false;
    }
    return true;
}
