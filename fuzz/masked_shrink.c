/* See masked_internal.h: whatever can go goes, half of the program at a time, then a quarter, down to single
 * operations. */
#include <string.h>

#include "fuzz/masked_internal.h"

#define RUNS       5u
#define LOOK_AT    3u /* calls, longest by the clock first */
#define WHOLE_TIME 1.0

static uint32_t records_of(const struct masked_program *program)
{
    return (uint32_t)((program->byte_count - PROGRAM_HEADER_BYTES) / PROGRAM_RECORD_BYTES);
}

static struct masked_program without(const struct masked_program *program, uint32_t from, uint32_t count)
{
    struct masked_program less = *program;
    uint8_t *at = less.bytes + PROGRAM_HEADER_BYTES + (size_t)from * PROGRAM_RECORD_BYTES;
    uint8_t *rest = at + (size_t)count * PROGRAM_RECORD_BYTES;
    memmove(at, rest, (size_t)(less.bytes + less.byte_count - rest));
    less.byte_count -= (size_t)count * PROGRAM_RECORD_BYTES;
    return less;
}

/* Does it have a section of at least so many instructions? */
static bool as_long(struct masked_hunt *hunt, struct masked_program *less)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct masked_section section;
    uint64_t wanted = less->instructions;
    program_decode(less->bytes, less->byte_count, ops, &program);
    struct masked_rig *rig = masked_rig_for(hunt, less->bytes, &program);
    if (rig == NULL || masked_time(rig, &program, RUNS, false) != PL_OK)
        return false;
    for (unsigned i = 0; i < LOOK_AT; i++) {
        uint32_t call = masked_next(rig);
        if (call == MASKED_NONE || !masked_step(rig, &program, call, MASKED_STEP_LIMIT, &section))
            return false;
        rig->calls[call].stepped = true;
        less->instructions = section.instructions;
        if (section.instructions >= wanted)
            return true;
    }
    return false;
}

void masked_shrink(struct masked_hunt *hunt)
{
    struct masked_program best = *masked_best(hunt->worst);
    if (best.byte_count == 0)
        return;
    for (uint32_t count = records_of(&best) / 2; count > 0; count /= 2) {
        for (uint32_t from = 0; from + count <= records_of(&best) && !masked_over(hunt, WHOLE_TIME);) {
            struct masked_program less = without(&best, from, count);
            if (as_long(hunt, &less)) {
                best = less;
                masked_keep(hunt->worst, &best);
            } else {
                from += count;
            }
        }
    }
}
