/* See shrink.h: greedy, from large pieces to single operations, until a whole round changes nothing. */
#include "engine/schedule/shrink.h"

#include <string.h>

#include "engine/op_common.h"

static bool still_fails(struct schedule *schedule, const struct op *ops, uint32_t op_count,
                        const struct finding *wanted)
{
    struct finding finding;
    return schedule_run(schedule, ops, op_count, NULL, &finding) == PL_OK && finding.found &&
           strcmp(finding.ids, wanted->ids) == 0;
}

/* Tries without ops[at .. at+count). */
static bool leave_out(struct schedule *schedule, struct op *ops, uint32_t *op_count, uint32_t at,
                      uint32_t count, const struct finding *wanted)
{
    struct op fewer[PROGRAM_OP_LIMIT];
    uint32_t left = *op_count - count;
    memcpy(fewer, ops, at * sizeof(*ops));
    memcpy(fewer + at, ops + at + count, (left - at) * sizeof(*ops));
    if (!still_fails(schedule, fewer, left, wanted))
        return false;
    memcpy(ops, fewer, left * sizeof(*ops));
    *op_count = left;
    return true;
}

static bool shorten(struct schedule *schedule, struct op *ops, uint32_t *op_count,
                    const struct finding *wanted)
{
    bool changed = false;
    for (uint32_t piece = *op_count / 2; piece > 0; piece /= 2) {
        for (uint32_t at = *op_count; at >= piece; at--) {
            if (at <= *op_count && leave_out(schedule, ops, op_count, at - piece, piece, wanted))
                changed = true;
        }
    }
    return changed;
}

/* A switch for fewer operations, and after fewer accesses. */
static bool simplify(struct schedule *schedule, struct op *ops, uint32_t op_count,
                     const struct finding *wanted)
{
    bool changed = false;
    for (uint32_t i = 0; i < op_count; i++) {
        struct op before = ops[i];
        if (before.kind != OP_PREEMPT)
            continue;
        ops[i].extra = 0;
        if (before.extra != 0 && still_fails(schedule, ops, op_count, wanted))
            changed = true;
        else
            ops[i] = before;
        for (uint32_t step = ops[i].count / 2; step > 0; step /= 2) {
            ops[i].count -= step;
            if (still_fails(schedule, ops, op_count, wanted))
                changed = true;
            else
                ops[i].count += step;
        }
    }
    return changed;
}

uint32_t schedule_shrink(struct schedule *schedule, struct op *ops, uint32_t op_count,
                         const struct finding *finding)
{
    const struct finding wanted = *finding;
    bool more = op_count <= PROGRAM_OP_LIMIT && still_fails(schedule, ops, op_count, &wanted);
    while (more) {
        more = shorten(schedule, ops, &op_count, &wanted);
        more = simplify(schedule, ops, op_count, &wanted) || more;
    }
    return op_count;
}
