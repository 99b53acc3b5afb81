/* See shrink.h. */
#include "engine/schedule/shrink.h"

#include <string.h>

#include "engine/shrink/shrink.h"

struct same {
    struct schedule *schedule;
    const struct finding *wanted;
};

static bool fails(void *self, const struct program *program)
{
    const struct same *same = self;
    struct finding finding;
    return schedule_run(same->schedule, program->ops, program->op_count, NULL, &finding) == PL_OK &&
           finding.found && strcmp(finding.ids, same->wanted->ids) == 0;
}

uint32_t schedule_shrink(struct schedule *schedule, struct op *ops, uint32_t op_count,
                         const struct finding *finding)
{
    const struct finding wanted = *finding;
    struct same same = {.schedule = schedule, .wanted = &wanted};
    struct shrink_ask ask = {.fails = fails, .self = &same};
    struct shrink_counts counts;
    struct program program = {.shape = schedule->runner.shape, .op_count = op_count, .ops = ops};
    if (op_count <= PROGRAM_OP_LIMIT && fails(&same, &program))
        (void)shrink_program(&program, &ask, &counts);
    return program.op_count;
}
