/* See sim.h. */
#include "cli/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/sim/perfetto.h"
#include "engine/schedule/listing.h"
#include "engine/schedule/observers.h"
#include "engine/schedule/shrink.h"
#include "report/output.h"

struct replay {
    struct program_file file;
    struct spec spec;
    struct schedule schedule;
    struct listing listing;
    struct observers observers;
    bool tso;
    bool all;
    bool perfetto;
    const char *path;
    enum schedule_scope scope;
    bool shrink;
};

int sim_mistake(const char *what, const char *words)
{
    fprintf(stderr, "pagelab: %s: %s\n", what, words);
    return 2;
}

int sim_printed(int code)
{
    bool whole = fflush(stdout) == 0 && ferror(stdout) == 0;
    if (output_is_done(whole, stdout) || code > 1)
        return code;
    return sim_mistake("stdout", "cannot be written whole");
}

int sim_read(const char *path, const char *name, struct program_file *file, struct spec *spec)
{
    struct program_error error;
    struct spec_error spec_error;
    if (spec_parse(name, spec, &spec_error) != 0)
        return sim_mistake("not compiled for the simulated platform", spec_error.text);
    if (program_file_read(path, file, &error) != 0)
        return sim_mistake("program", error.text);
    if (file->program.op_count > PROGRAM_OP_LIMIT)
        return sim_mistake(path, "a program of at most 256 operations expected");
    if (file->program.family != OP_FAMILY_PAGE)
        return sim_mistake(path,
                           "a program of frames expected: the systems do not run on several CPUs at once");
    return 0;
}

static int run(struct replay *replay)
{
    struct schedule *schedule = &replay->schedule;
    struct program *program = &replay->file.program;
    struct finding finding;
    observers_watch(&replay->observers, schedule);
    if (replay->shrink) {
        (void)schedule_run(schedule, program->ops, program->op_count, NULL, &finding);
        if (finding.found)
            program->op_count = schedule_shrink(schedule, program->ops, program->op_count, &finding);
    }
    if (!replay->perfetto)
        program_print(program, stdout);
    fflush(stdout);
    enum pl_status status = schedule_run(schedule, program->ops, program->op_count, NULL, &finding);
    if (status != PL_OK)
        return sim_mistake(replay->spec.name, pl_status_name(status));
    if (!replay->perfetto)
        observers_print_race(&replay->observers, stdout);
    bool raced = finding.found && strcmp(finding.ids, "race") == 0;
    struct finding again;
    schedule->watch = &replay->listing.watch; /* once more: a race ends its run, a listing does not */
    (void)schedule_run(schedule, program->ops, program->op_count, NULL, raced ? &again : &finding);
    if (replay->perfetto) {
        perfetto_print(&replay->listing, &finding, replay->spec.name, replay->path);
        return finding.found ? 3 : 0;
    }
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
        return sim_mistake("pagelab-sim",
                           "FILE and CANDIDATE expected; ./pagelab replay --schedule calls it");
    for (int i = 4; i < argc; i++) {
        replay.all = replay.all || strcmp(argv[i], "all") == 0;
        replay.perfetto = replay.perfetto || strcmp(argv[i], "perfetto") == 0;
        replay.tso = replay.tso || strcmp(argv[i], "tso") == 0;
        if (strcmp(argv[i], "admitted") == 0)
            replay.scope = SCHEDULE_ALL;
        replay.shrink = replay.shrink || strcmp(argv[i], "shrink") == 0;
    }
    replay.path = argv[2];
    int code = sim_read(argv[2], argv[3], &replay.file, &replay.spec);
    if (code != 0)
        return code;
    struct native_shape shape = replay.file.program.shape;
    struct sim *sim = sim_new(shape.cpu_count);
    runner_fit_shape(&replay.spec, &shape);
    if (sim == NULL ||
        schedule_init_scope(&replay.schedule, &replay.spec, &shape, replay.scope, sim, &error) != PL_OK)
        code = sim_mistake(replay.spec.name, sim == NULL ? "no memory for stacks" : error.text);
    else if (observers_init(&replay.observers, true, replay.tso) != 0 ||
             listing_init(&replay.listing, &replay.schedule, replay.all) != 0)
        code = sim_mistake(replay.spec.name, "out of memory");
    else
        code = run(&replay);
    listing_fini(&replay.listing);
    observers_fini(&replay.observers);
    if (replay.schedule.sim != NULL)
        schedule_fini(&replay.schedule);
    sim_delete(sim);
    return sim_printed(code);
}
