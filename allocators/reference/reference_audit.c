/* Reads every byte of the reference allocator, says what cannot be, and reports the free frames. */
#include <stdio.h>

#include <pagelab/check.h>

#include "reference_internal.h"

struct reference_walk {
    const struct reference *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t free_count;
};

/* One line: "reference: <what> <number> <problem>". */
static void reference_broken(struct reference_walk *walk, const char *what, uint64_t number,
                             const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "reference: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walk->broken++;
    walk->visitor->broken(walk->visitor, words);
}

/* Cuts the free frames [from, to) into the largest naturally aligned blocks. */
static void reference_report_free(struct reference_walk *walk, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    while (from < to) {
        uint32_t order = 0;
        while (order < REFERENCE_MAX_ORDER && from % (UINT64_C(2) << order) == 0 &&
               to - from >= UINT64_C(2) << order)
            order++;
        struct pl_block block = {.first = pl_frame_at(from), .order = order, .state = PL_BLOCK_FREE};
        block.node = pl_machine_node(walk->self->machine, block.first);
        walk->visitor->block(walk->visitor, &block);
        from += UINT64_C(1) << order;
    }
    PL_ASSERT(from == to);
}

static void reference_audit_range(struct reference_walk *walk, const struct pl_range *range)
{
    uint64_t base = walk->self->machine->first.number;
    PL_ASSERT(range->first.number >= base);
    uint64_t end = range->first.number + range->frame_count;
    uint64_t free_from = range->first.number; /* frames [free_from, frame) are free */
    unsigned char before = REFERENCE_HOLE;
    for (uint64_t frame = range->first.number; frame < end; frame++) {
        unsigned char now = walk->self->state[frame - base];
        /* The rest of free frames, or of a grant: nothing begins, ends or can be wrong there. */
        if (now == before &&
            (now == REFERENCE_TAIL || (now == REFERENCE_FREE && frame - base >= walk->self->hint))) {
            uint64_t rest = frame;
            while (rest < end && walk->self->state[rest - base] == now)
                rest++;
            if (now == REFERENCE_FREE)
                walk->free_count += rest - frame;
            else
                free_from = rest;
            frame = rest - 1;
            continue;
        }
        if (now == REFERENCE_FREE) {
            walk->free_count++;
            if (frame - base < walk->self->hint)
                reference_broken(walk, "frame", frame, "is free below the hint");
        } else {
            if (free_from < frame)
                reference_report_free(walk, free_from, frame);
            free_from = frame + 1;
        }
        if (now == REFERENCE_TAIL && before != REFERENCE_HEAD && before != REFERENCE_TAIL)
            reference_broken(walk, "frame", frame, "is the tail of no grant");
        if (now > REFERENCE_TAIL)
            reference_broken(walk, "frame", frame, "lies in a range but is no frame of it");
        before = now;
    }
    reference_report_free(walk, free_from, end);
}

static void reference_audit_hole(struct reference_walk *walk, uint64_t from, uint64_t to)
{
    uint64_t base = walk->self->machine->first.number;
    PL_ASSERT(from >= base);
    PL_ASSERT(from <= to);
    for (uint64_t frame = from; frame < to; frame++)
        if (walk->self->state[frame - base] != REFERENCE_HOLE)
            reference_broken(walk, "frame", frame, "lies in a hole but is not marked so");
}

uint64_t reference_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct reference *self = instance;
    const struct pl_machine *machine = self->machine;
    struct reference_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint64_t end = machine->first.number;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        reference_audit_hole(&walk, end, machine->ranges[i].first.number);
        reference_audit_range(&walk, &machine->ranges[i]);
        end = machine->ranges[i].first.number + machine->ranges[i].frame_count;
    }
    reference_audit_hole(&walk, end, machine->first.number + machine->span + 1);
    uint64_t counted = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    if (counted != walk.free_count)
        reference_broken(&walk, "the count", counted, "is not the number of free frames");
    if (self->hint > machine->span)
        reference_broken(&walk, "the hint", self->hint, "is beyond the span");
    return walk.broken;
}
