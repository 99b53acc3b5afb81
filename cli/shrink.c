/* pagelab shrink: the same finding with fewer and simpler operations. Each trial is a process of its own. A
 * schedule needs candidates that are compiled for the simulated platform, so another program shrinks those:
 * cli/sim/shrink.c. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/stored.h"
#include "engine/runner.h"
#include "engine/shrink/session.h"

#define LIMIT_S     5
#define LIMIT_S_MAX 600

struct job {
    const struct spec *spec;
    bool fit;
    unsigned limit_s;
};

static void run_trial(void *self, const struct program *program, struct trial_result *result)
{
    const struct job *job = self;
    struct trial trial = {.program = program,
                          .spec = job->spec,
                          .fit = job->fit,
                          .silent = true,
                          .limit_s = job->limit_s,
                          .stop = &cli_stop};
    trial_run(&trial, result);
}

static int shrink_here(const char *path, const char *backend, const char *out, unsigned limit_s, bool live)
{
    static struct program_file file;
    struct spec spec;
    struct program_error error;
    int code = stored_read_for("shrink", path, backend, &file, &spec);
    if (code != CLI_OK)
        return code;
    /* Text says which machine it means; the binary form's is made to fit. */
    struct job job = {.spec = &spec, .fit = out != NULL && program_file_is_binary(out), .limit_s = limit_s};
    if (file.binary && !job.fit)
        runner_fit_shape(&spec, &file.program.shape);
    struct shrink_session session = {.file = &file,
                                     .path = path,
                                     .backend = backend,
                                     .target = op_family_names[file.program.family],
                                     .options = "",
                                     .out = out,
                                     .progress = stderr,
                                     .live = live,
                                     .stop = &cli_stop,
                                     .run = run_trial,
                                     .self = &job};
    enum shrink_end end = shrink_session_run(&session, &error);
    program_file_fini(&file);
    if (end == SHRINK_FINE || end == SHRINK_FAILED)
        return cli_mistake("shrink", "%s", error.text);
    return end == SHRINK_DONE ? CLI_OK : CLI_INTERRUPTED;
}

static int shrink_schedule(const char *path, const char *backend, const char *out, unsigned limit_s,
                           bool admitted, bool tso)
{
    char found[4096];
    char limit[16];
    const char *program = cli_sim_program();
    snprintf(limit, sizeof(limit), "%u", limit_s);
    fflush(stdout);
    execl(program, program, "shrink", cli_find(path, found, sizeof(found)), backend, out == NULL ? "" : out,
          limit, admitted ? "admitted" : "", tso ? "tso" : "", (char *)NULL);
    return cli_mistake("shrink", "%s: cannot be started: %s; no build with a sanitizer has it", program,
                       strerror(errno));
}

static int shrink_main(int argc, const char **argv)
{
    static char *backend = NULL;
    static char *out = NULL;
    int limit_s = LIMIT_S;
    int schedule = 0;
    int admitted = 0;
    int tso = 0;
    int verbose = 0;
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &backend, 0, "the candidate that it fails on", "NAME"},
        {"out", 'o', POPT_ARG_STRING, &out, 0,
         "write it to FILE, in the binary form if that ends in .bin; else the text goes to stdout", "FILE"},
        {"limit", 0, POPT_ARG_INT, &limit_s, 0, "a trial that takes longer hangs (5)", "SECONDS"},
        {"schedule", 's', POPT_ARG_NONE, &schedule, 0, "its schedule, too: as replay --schedule runs it",
         NULL},
        {"admitted", 0, POPT_ARG_NONE, &admitted, 0, "with --schedule: what target schedule-all runs", NULL},
        {"tso", 0, POPT_ARG_NONE, &tso, 0, "with --schedule: with a store buffer a CPU", NULL},
        {"verbose", 'v', POPT_ARG_NONE, &verbose, 0, "say how far it is where stderr is no terminal, too",
         NULL},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_shrink, argc, argv, options, 1, 1, &context);
    if (left == NULL)
        return CLI_MISTAKE;
    if (backend == NULL)
        return cli_mistake("shrink", "--backend NAME expected: the candidate that %s fails on", left[0]);
    if (limit_s < 1 || limit_s > LIMIT_S_MAX)
        return cli_mistake("shrink", "--limit %d: 1 to %d seconds expected", limit_s, LIMIT_S_MAX);
    int code = schedule != 0
                   ? shrink_schedule(left[0], backend, out, (unsigned)limit_s, admitted != 0, tso != 0)
                   : shrink_here(left[0], backend, out, (unsigned)limit_s,
                                 verbose != 0 || isatty(STDERR_FILENO) != 0);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_shrink = {
    .name = "shrink",
    .arguments = "FILE --backend NAME [-o OUT]",
    .summary = "makes a finding small: fewer, simpler operations",
    .example = "shrink corpora/seeds/page/floor-edges.txt --backend null -o small.txt",
    .main = shrink_main};
