/* See sim.h. */
#include "cli/sim/sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/schedule/listing.h"
#include "engine/schedule/observers.h"
#include "engine/schedule/shrink.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

struct replay {
    struct program program;
    struct op ops[PROGRAM_OP_LIMIT];
    struct spec spec;
    struct schedule schedule;
    struct listing listing;
    struct observers observers;
    bool tso;
    bool all;
    enum schedule_scope scope;
    bool shrink;
};

static int mistake(const char *what, const char *words)
{
    fprintf(stderr, "pagelab: replay: %s: %s\n", what, words);
    return 2;
}

static int read_program(const char *path, struct replay *replay)
{
    struct program_error error;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return mistake(path, strerror(errno));
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    size_t count = bytes == NULL ? 0 : fread(bytes, 1, FILE_BYTES_MAX, file);
    int code = 0;
    fclose(file);
    if (count == 0 || count == FILE_BYTES_MAX) {
        code = mistake(path, "a stored program of 1 byte to 1 MiB expected");
    } else if (!program_is_text(bytes, count)) {
        program_decode(bytes, count, replay->ops, &replay->program);
    } else if (program_parse((const char *)bytes, count, path, &replay->program, &error) != 0) {
        code = mistake("text", error.text);
    } else if (replay->program.op_count > PROGRAM_OP_LIMIT) {
        code = mistake(path, "a program of at most 256 operations expected");
    } else {
        memcpy(replay->ops, replay->program.ops, replay->program.op_count * sizeof(replay->ops[0]));
        replay->program.op_capacity = 0; /* its own list is given up: this process ends soon */
        replay->program.ops = replay->ops;
    }
    free(bytes);
    if (code == 0 && replay->program.family != OP_FAMILY_PAGE)
        code = mistake(path, "a program of frames expected: the systems do not run on several CPUs at once");
    return code;
}

static int run(struct replay *replay)
{
    struct schedule *schedule = &replay->schedule;
    struct program *program = &replay->program;
    struct finding finding;
    observers_watch(&replay->observers, schedule);
    if (replay->shrink) {
        (void)schedule_run(schedule, program->ops, program->op_count, NULL, &finding);
        if (finding.found)
            program->op_count = schedule_shrink(schedule, program->ops, program->op_count, &finding);
    }
    program_print(program, stdout);
    fflush(stdout);
    enum pl_status status = schedule_run(schedule, program->ops, program->op_count, NULL, &finding);
    if (status != PL_OK)
        return mistake(replay->spec.name, pl_status_name(status));
    observers_print_race(&replay->observers, stdout);
    bool raced = finding.found && strcmp(finding.ids, "race") == 0;
    struct finding again;
    schedule->watch = &replay->listing.watch; /* once more: a race ends its run, a listing does not */
    (void)schedule_run(schedule, program->ops, program->op_count, NULL, raced ? &again : &finding);
    listing_print(&replay->listing, stdout);
    listing_print_end(&schedule->report, stdout);
    if (!finding.found) {
        printf("%s: %" PRIu64 " calls: no finding\n", replay->spec.name, schedule->runner.calls);
        return 0;
    }
    printf("finding: %s on %s at operation %" PRIu32 "\n  expected   %s\n  actual     %s\n", finding.ids,
           replay->spec.name, finding.step, finding.expected, finding.actual);
    return 3;
}

int replay_main(int argc, char **argv)
{
    static struct replay replay;
    struct spec_error error = {""};
    if (argc < 4)
        return mistake("pagelab-sim", "FILE and CANDIDATE expected; ./pagelab replay --schedule calls it");
    for (int i = 4; i < argc; i++) {
        replay.all = replay.all || strcmp(argv[i], "all") == 0;
        replay.tso = replay.tso || strcmp(argv[i], "tso") == 0;
        if (strcmp(argv[i], "admitted") == 0)
            replay.scope = SCHEDULE_ALL;
        replay.shrink = replay.shrink || strcmp(argv[i], "shrink") == 0;
    }
    if (spec_parse(argv[3], &replay.spec, &error) != 0)
        return mistake("not compiled for the simulated platform", error.text);
    int code = read_program(argv[2], &replay);
    struct native_shape shape = replay.program.shape;
    if (code != 0)
        return code;
    struct sim *sim = sim_new(shape.cpu_count);
    runner_fit_shape(&replay.spec, &shape);
    if (sim == NULL ||
        schedule_init_scope(&replay.schedule, &replay.spec, &shape, replay.scope, sim, &error) != PL_OK)
        code = mistake(replay.spec.name, sim == NULL ? "no memory for stacks" : error.text);
    else if (observers_init(&replay.observers, true, replay.tso) != 0 ||
             listing_init(&replay.listing, &replay.schedule, replay.all) != 0)
        code = mistake(replay.spec.name, "out of memory");
    else
        code = run(&replay);
    listing_fini(&replay.listing);
    observers_fini(&replay.observers);
    if (replay.schedule.sim != NULL)
        schedule_fini(&replay.schedule);
    sim_delete(sim);
    return fflush(stdout) == 0 ? code : 2;
}
