/* A caller's mistake in one of the four systems, in a few operations; the trap is a panic here, and its words
 * are looked at. Usage: misuse_trap CONTRACT "OPERATION|OPERATION ..." */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/runner.h"

static PL_NORETURN void die(void *argument, const struct trap *trap)
{
    (void)argument;
    fprintf(stderr, "pagelab: trap: %s\n", trap->words);
    abort();
}

int main(int argc, char **argv)
{
    static char text[2000];
    struct program program;
    struct program_error program_error;
    struct spec spec;
    struct spec_error error;
    struct finding finding;
    static struct runner runner;
    if (argc != 3)
        return 2;
    snprintf(text, sizeof(text), "pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/8 contract=%s\n%s\n",
             argv[1], argv[2]);
    for (char *at = text; (at = strchr(at, '|')) != NULL;)
        *at = '\n';
    if (program_parse(text, strlen(text), "trap", &program, &program_error) != 0) {
        fprintf(stderr, "%s\n", program_error.text);
        return 2;
    }
    if (spec_parse("buddy", &spec, &error) != 0 ||
        runner_init_family(&runner, &spec, &program.shape, PROGRAM_SLOT_LIMIT, program.family, &error) !=
            PL_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    runner_set_contract(&runner, program.contract);
    runner.services->trap.handler = die;
    return runner_run(&runner, program.ops, program.op_count, &finding) == PL_OK ? 0 : 2;
}
