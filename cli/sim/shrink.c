/* pagelab-sim shrink FILE CANDIDATE OUT SECONDS [admitted] [tso]: a program and its schedule made small, as
 * cli/shrink.c does with programs of whole operations. See sim.h. */
#define _POSIX_C_SOURCE 200809L /* sigaction */
#include "cli/sim/sim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/isolate.h"
#include "engine/schedule/observers.h"
#include "engine/shrink/session.h"

static volatile sig_atomic_t stop;

struct job {
    struct spec spec;
    enum schedule_scope scope;
    bool tso;
    unsigned limit_s;
    const struct program *program; /* of this trial */
};

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

/* In a child: nothing is given back. */
static void work(void *argument, void *answer)
{
    static struct schedule schedule;
    static struct observers observers;
    const struct job *job = argument;
    struct trial_result *result = answer;
    struct spec_error error = {""};
    struct native_shape shape = job->program->shape;
    trial_hush();
    memset(result, 0, sizeof(*result));
    result->outcome = TRIAL_MISTAKE;
    struct sim *sim = sim_new(shape.cpu_count);
    if (sim == NULL || observers_init(&observers, true, job->tso) != 0) {
        snprintf(result->words, sizeof(result->words), "out of memory");
        return;
    }
    enum pl_status status = schedule_init_scope(&schedule, &job->spec, &shape, job->scope, sim, &error);
    if (status != PL_OK) {
        snprintf(result->words, sizeof(result->words), "%s", error.text);
        return;
    }
    observers_watch(&observers, &schedule);
    status = schedule_run(&schedule, job->program->ops, job->program->op_count, NULL, &result->finding);
    if (status != PL_OK)
        snprintf(result->words, sizeof(result->words), "%s", pl_status_name(status));
    else
        result->outcome = result->finding.found ? TRIAL_FINDING : TRIAL_FINE;
}

static void run_trial(void *self, const struct program *program, struct trial_result *result)
{
    struct job *job = self;
    char how[100] = "";
    job->program = program;
    enum isolate_outcome outcome =
        isolate_run(work, job, result, sizeof(*result), job->limit_s, &stop, how, sizeof(how));
    trial_from_isolate(outcome, how, result);
}

int shrink_main(int argc, char **argv)
{
    static struct program_file file;
    static struct job job;
    struct sigaction action = {.sa_handler = on_signal};
    struct program_error error = {""};
    if (argc < 6)
        return sim_mistake("shrink", "FILE, CANDIDATE, OUT and SECONDS expected; ./pagelab shrink calls it");
    for (int i = 6; i < argc; i++) {
        if (strcmp(argv[i], "admitted") == 0)
            job.scope = SCHEDULE_ALL;
        job.tso = job.tso || strcmp(argv[i], "tso") == 0;
    }
    job.limit_s = (unsigned)strtoul(argv[5], NULL, 10);
    int code = sim_read(argv[2], argv[3], &file, &job.spec);
    if (code != 0)
        return code;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    const char *out = argv[4][0] == '\0' ? NULL : argv[4];
    if (file.binary && (out == NULL || !program_file_is_binary(out)))
        runner_fit_shape(&job.spec, &file.program.shape);
    char options[40];
    snprintf(options, sizeof(options), " --schedule%s%s", job.scope == SCHEDULE_ALL ? " --admitted" : "",
             job.tso ? " --tso" : "");
    struct shrink_session session = {.file = &file,
                                     .path = argv[2],
                                     .backend = argv[3],
                                     .target = job.scope == SCHEDULE_ALL ? "schedule-all" : "schedule-page",
                                     .options = options,
                                     .out = out,
                                     .progress = stderr,
                                     .live = isatty(STDERR_FILENO) != 0,
                                     .stop = &stop,
                                     .run = run_trial,
                                     .self = &job};
    enum shrink_end end = shrink_session_run(&session, &error);
    if (end == SHRINK_FINE || end == SHRINK_FAILED)
        return sim_mistake("shrink", error.text);
    return end == SHRINK_DONE ? 0 : 130;
}
