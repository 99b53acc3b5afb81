/* See check_sweep.h. Where the sweep ends is counted at the gates, so that a program which takes more grants
 * than its author thought is swept all the way. */
#include "engine/checks/check_sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 8192u
#define N_LIMIT    1000u /* no check's program comes near */

static uint64_t count_injected(const struct services *services)
{
    uint64_t injected = 0;
    for (uint32_t i = 0; services != NULL && i < services->node_count; i++)
        injected += services->nodes[i].gate.injected;
    return injected;
}

/* Did a grant fail on purpose in this program? What is found is check_program's to say. */
static bool fails_one(struct check *check, const char *text)
{
    struct program program;
    struct program_error program_error;
    struct spec_error error;
    struct finding finding;
    bool failed = false;
    if (program_parse(text, strlen(text), check->id, &program, &program_error) != 0)
        return false;
    struct native_shape shape = program.shape;
    runner_fit_shape(check->spec, &shape);
    struct runner *runner = aligned_alloc(_Alignof(struct runner), sizeof(*runner));
    if (runner != NULL && runner_init_family(runner, check->spec, &shape, PROGRAM_SLOT_LIMIT, program.family,
                                             &error) == PL_OK) {
        runner_set_contract(runner, check->contract);
        failed = runner_run(runner, program.ops, program.op_count, &finding) == PL_OK &&
                 count_injected(runner->services) != 0;
        runner_fini(runner);
    }
    free(runner);
    program_fini(&program);
    return failed;
}

bool check_each_grant(struct check *check, const char *head, const char *tail)
{
    char text[TEXT_BYTES];
    for (unsigned n = 1; n <= N_LIMIT; n++) {
        int bytes = snprintf(text, sizeof(text), "%scpu0 task fail-nth grant=%u\n%s", head, n, tail);
        if (bytes < 0 || (size_t)bytes >= sizeof(text)) {
            check_broken(check, "the check's own program is too long");
            return false;
        }
        if (!check_program(check, text) || !fails_one(check, text))
            return check->verdict == CHECK_HOLDS;
    }
    check_broken(check, "%u grants failed one by one, and the program asks for still more", N_LIMIT);
    return false;
}
