/* The machine, smaller: fewer CPUs, no floors, one range of few frames from frame 0, one node, the contract
 * as documented. In the binary form only what its header can name. */
#include <string.h>

#include "engine/shrink/shrink_internal.h"

/* --- any machine --- */

static void try_cpus(struct shrink *shrink)
{
    for (uint32_t count = 1; count < shrink->best->shape.cpu_count && !shrink_stopped(shrink); count++) {
        struct program *draft = shrink_draft(shrink);
        draft->shape.cpu_count = count;
        for (uint32_t i = 0; i < draft->op_count; i++)
            draft->ops[i].cpu = (uint8_t)(draft->ops[i].cpu % count);
        if (shrink_judge(shrink))
            return;
    }
}

static void try_contract(struct shrink *shrink)
{
    if (shrink->best->contract == CONTRACT_DOC)
        return;
    shrink_draft(shrink)->contract = CONTRACT_DOC;
    (void)shrink_judge(shrink);
}

static uint64_t *floor_at(struct program *program, unsigned at)
{
    struct pl_floors *floors = &program->shape.floors;
    return at == 0 ? &floors->interrupt : at == 1 ? &floors->system : &floors->normal;
}

static uint64_t *frames_at(struct program *program, unsigned at)
{
    return &program->shape.ranges[at].frame_count;
}

/* One number of the machine, towards `least`. */
static void lessen(struct shrink *shrink, uint64_t *(*number)(struct program *program, unsigned at),
                   unsigned at, uint64_t least)
{
    uint64_t value = *number(shrink->best, at);
    if (value <= least)
        return;
    *number(shrink_draft(shrink), at) = least;
    if (shrink_judge(shrink))
        return;
    for (uint64_t step = value / 2; step > 0 && !shrink_stopped(shrink); step /= 2) {
        uint64_t now = *number(shrink->best, at);
        if (now <= least + step)
            continue;
        *number(shrink_draft(shrink), at) = now - step;
        (void)shrink_judge(shrink);
    }
}

static void try_floors(struct shrink *shrink)
{
    struct pl_floors none = {0};
    if (memcmp(&shrink->best->shape.floors, &none, sizeof(none)) == 0)
        return;
    shrink_draft(shrink)->shape.floors = none;
    (void)shrink_judge(shrink);
    for (unsigned at = 0; at < 3; at++)
        lessen(shrink, floor_at, at, 0);
}

static void leave_out_range(struct native_shape *shape, uint32_t at)
{
    memmove(&shape->ranges[at], &shape->ranges[at + 1],
            (shape->range_count - at - 1) * sizeof(shape->ranges[0]));
    shape->range_count--;
    memset(&shape->ranges[shape->range_count], 0, sizeof(shape->ranges[0]));
}

/* All ranges by so much lower, so that the first begins at 0; their distances stay. */
static void to_frame_0(struct native_shape *shape)
{
    uint64_t first = shape->ranges[0].first.number;
    for (uint32_t i = 0; i < shape->range_count; i++)
        shape->ranges[i].first.number -= first;
}

static void try_ranges(struct shrink *shrink)
{
    struct native_shape *best = &shrink->best->shape;
    for (uint32_t at = best->range_count; at-- > 0 && best->range_count > 1 && !shrink_stopped(shrink);) {
        leave_out_range(&shrink_draft(shrink)->shape, at);
        (void)shrink_judge(shrink);
    }
    if (best->ranges[0].first.number != 0) {
        to_frame_0(&shrink_draft(shrink)->shape);
        (void)shrink_judge(shrink);
    }
    for (uint32_t at = 0; at < best->range_count && !shrink_stopped(shrink); at++) {
        if (best->ranges[at].node != 0) {
            shrink_draft(shrink)->shape.ranges[at].node = 0;
            (void)shrink_judge(shrink);
        }
        lessen(shrink, frames_at, at, 1);
    }
}

/* --- what the binary form can name --- */

/* How large a machine is, the most important first. */
struct size {
    uint64_t numbers[4];
};

static struct size size_of(const struct native_shape *shape)
{
    struct size size = {{shape->range_count, 0, shape->ranges[0].first.number,
                         shape->floors.interrupt + shape->floors.system + shape->floors.normal}};
    for (uint32_t i = 0; i < shape->range_count; i++)
        size.numbers[1] += shape->ranges[i].frame_count;
    return size;
}

static bool is_smaller(const struct native_shape *a, const struct native_shape *b)
{
    struct size x = size_of(a);
    struct size y = size_of(b);
    unsigned at = 0;
    while (at < 3 && x.numbers[at] == y.numbers[at])
        at++;
    return x.numbers[at] < y.numbers[at];
}

/* Whoever has a machine that the binary form cannot say takes any that still fails. */
static void try_headers(struct shrink *shrink)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    for (unsigned number = 0; number < PROGRAM_SHAPE_COUNT * PROGRAM_FLOORS_COUNT; number++) {
        uint8_t header[PROGRAM_HEADER_BYTES] = {
            [2] = (uint8_t)(number / PROGRAM_FLOORS_COUNT), [3] = (uint8_t)(number % PROGRAM_FLOORS_COUNT)};
        struct program other;
        program_decode(header, sizeof(header), NULL, &other);
        other.shape.cpu_count = shrink->best->shape.cpu_count;
        bool said = program_encode(shrink->best, bytes) != 0;
        if (shrink_stopped(shrink) || (said && !is_smaller(&other.shape, &shrink->best->shape)))
            continue;
        shrink_draft(shrink)->shape = other.shape;
        (void)shrink_judge(shrink);
    }
}

void shrink_machine(struct shrink *shrink)
{
    try_cpus(shrink);
    try_contract(shrink);
    if (shrink->ask->binary) {
        try_headers(shrink);
        return;
    }
    try_floors(shrink);
    try_ranges(shrink);
}
