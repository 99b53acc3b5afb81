/* See shrink.h. Greedy: each change that still fails is kept at once. Every change makes something smaller,
 * so it ends. */
#include "engine/shrink/shrink_internal.h"

#include <stdlib.h>
#include <string.h>

bool shrink_stopped(const struct shrink *shrink)
{
    return shrink->ask->stop != NULL && *shrink->ask->stop != 0;
}

struct program *shrink_draft(struct shrink *shrink)
{
    struct op *ops = shrink->draft.ops;
    if (shrink->best->op_count != 0)
        memcpy(ops, shrink->best->ops, shrink->best->op_count * sizeof(*ops));
    shrink->draft = *shrink->best;
    shrink->draft.ops = ops;
    return &shrink->draft;
}

static bool can_be_said(const struct shrink *shrink)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    return !shrink->ask->binary || program_encode(&shrink->draft, bytes) != 0;
}

bool shrink_judge(struct shrink *shrink)
{
    struct program *best = shrink->best;
    if (shrink_stopped(shrink) || !can_be_said(shrink))
        return false;
    bool fails = shrink->ask->fails(shrink->ask->self, &shrink->draft);
    shrink->counts->trials++;
    if (fails) {
        struct op *ops = best->ops;
        uint32_t capacity = best->op_capacity;
        shrink->counts->kept++;
        *best = shrink->draft;
        best->ops = ops;
        best->op_capacity = capacity;
        if (best->op_count != 0)
            memcpy(ops, shrink->draft.ops, best->op_count * sizeof(*ops));
    }
    if (shrink->ask->progress != NULL)
        shrink->ask->progress(shrink->ask->self, best, shrink->counts);
    return fails;
}

/* --- operations --- */

static void cut(struct program *program, uint32_t at, uint32_t count)
{
    memmove(program->ops + at, program->ops + at + count,
            (program->op_count - at - count) * sizeof(*program->ops));
    program->op_count -= count;
}

/* An operation and the next one on its slot: without the one the other would change who has which frame. */
static void leave_out_pairs(struct shrink *shrink)
{
    for (uint32_t at = shrink->best->op_count; at-- > 0 && !shrink_stopped(shrink);) {
        const struct program *best = shrink->best;
        uint32_t next = at + 1;
        if (at >= best->op_count)
            continue;
        while (next < best->op_count && best->ops[next].slot != best->ops[at].slot)
            next++;
        if (next >= best->op_count)
            continue;
        struct program *draft = shrink_draft(shrink);
        cut(draft, next, 1);
        cut(draft, at, 1);
        (void)shrink_judge(shrink);
    }
}

void shrink_operations(struct shrink *shrink)
{
    for (uint32_t piece = shrink->best->op_count; piece > 0; piece /= 2) {
        for (uint32_t end = shrink->best->op_count; end > 0 && !shrink_stopped(shrink);) {
            uint32_t count = piece < end ? piece : end;
            cut(shrink_draft(shrink), end - count, count);
            (void)shrink_judge(shrink);
            end -= count;
        }
    }
    leave_out_pairs(shrink);
}

bool shrink_program(struct program *program, const struct shrink_ask *ask, struct shrink_counts *counts)
{
    struct shrink shrink = {.ask = ask, .best = program, .counts = counts};
    memset(counts, 0, sizeof(*counts));
    shrink.draft.ops = malloc((program->op_count + 1u) * sizeof(*shrink.draft.ops));
    if (shrink.draft.ops == NULL)
        return false;
    uint32_t before;
    do {
        before = counts->kept;
        shrink_operations(&shrink);
        if (ask->machine)
            shrink_machine(&shrink);
        shrink_arguments(&shrink);
        shrink_slots(&shrink);
        counts->rounds++;
    } while (counts->kept != before && !shrink_stopped(&shrink));
    free(shrink.draft.ops);
    return true;
}
