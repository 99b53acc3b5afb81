/* pagelab noise: how far this machine's times can be trusted. Equals are compared, and a planted slow-down,
 * in many short jobs; each job judges by what its own twins differ by. */
#define _POSIX_C_SOURCE 200809L /* strtok_r */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/environment.h"
#include "bench/load.h"
#include "bench/session.h"
#include "bench/twins.h"
#include "cli/cli.h"
#include "cli/noise_print.h"
#include "engine/instance.h"
#include "report/result.h"
#include "report/statistics.h"

#define REPETITIONS_MAX  10000
#define PLANTED_PER_CENT 15.0

struct noise_options {
    char *backend;
    char *workloads;
    char *memory;
    char *out;
    char *format;
    int repetitions;
    int rounds;
    int resume;
    double min_time_s;
    double limit_s;
};

/* The experiment's own part of the file: {candidate, rounds, min_time_s, memory_bytes, planted_per_cent,
 * workloads}. */
static cJSON *make_document(const struct noise_options *options, uint64_t memory_bytes, const cJSON **trial)
{
    cJSON *root = cJSON_CreateObject();
    cJSON_AddItemToObject(root, "context", environment_context("noise"));
    cJSON_AddArrayToObject(root, "benchmarks");
    cJSON *own = cJSON_AddObjectToObject(root, "noise_trial");
    cJSON_AddStringToObject(own, "candidate", options->backend);
    cJSON_AddNumberToObject(own, "rounds", options->rounds);
    cJSON_AddNumberToObject(own, "min_time_s", options->min_time_s);
    cJSON_AddNumberToObject(own, "memory_bytes", (double)memory_bytes);
    cJSON_AddNumberToObject(own, "planted_per_cent", PLANTED_PER_CENT);
    cJSON_AddArrayToObject(own, "workloads");
    *trial = own;
    return root;
}

/* What the two differ by, so that their jobs cannot stand together; NULL: nothing. A commit that is not known
 * is no reason: the version, the tier, the compiler and the processor are then all there is to hold on to. */
static const char *other_experiment(const cJSON *ours, const cJSON *theirs)
{
    static const char *const own_keys[] = {"candidate", "rounds", "min_time_s", "memory_bytes"};
    static const char *const keys[] = {"commit", "dirty", "version", "tier", "compiler", "cpu_model"};
    const cJSON *own[] = {cJSON_GetObjectItem(ours, "noise_trial"),
                          cJSON_GetObjectItem(theirs, "noise_trial")};
    const cJSON *context[] = {result_pagelab(ours), result_pagelab(theirs)};
    if (own[1] == NULL)
        return "kind of file";
    for (size_t i = 0; i < PL_COUNT_OF(own_keys); i++) {
        if (!cJSON_Compare(cJSON_GetObjectItem(own[0], own_keys[i]), cJSON_GetObjectItem(own[1], own_keys[i]),
                           true))
            return own_keys[i];
    }
    for (size_t i = 0; i < PL_COUNT_OF(keys); i++) {
        if (!cJSON_Compare(cJSON_GetObjectItem(context[0], keys[i]), cJSON_GetObjectItem(context[1], keys[i]),
                           true))
            return keys[i];
    }
    return NULL;
}

/* NULL: a mistake that is printed. */
static cJSON *open_document(const struct noise_options *options, uint64_t memory_bytes, const cJSON **trial)
{
    struct report_error error;
    cJSON *fresh = make_document(options, memory_bytes, trial);
    if (!options->resume)
        return fresh;
    cJSON *old = report_read(options->out, &error);
    const cJSON *theirs = cJSON_GetObjectItem(old, "noise_trial");
    const char *other = old == NULL ? NULL : other_experiment(fresh, old);
    if (old == NULL)
        (void)cli_mistake("noise", "%s", error.line);
    else if (other != NULL)
        (void)cli_mistake("noise",
                          "%s: another %s; jobs of the same commit, candidate, rounds, time, memory, build "
                          "and processor expected; start without --resume",
                          options->out, other);
    cJSON_Delete(fresh);
    if (old == NULL || other != NULL) {
        cJSON_Delete(old);
        return NULL;
    }
    if (strcmp(result_text(result_pagelab(old), "commit"), "unknown") == 0)
        fprintf(stderr,
                "pagelab noise: %s: the commit is not known; version, build and processor are the same\n",
                options->out);
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(cJSON_GetObjectItem(old, "context"), "pagelab"), "complete",
                              cJSON_CreateFalse());
    *trial = theirs;
    return old;
}

static cJSON *entry_of(const cJSON *trial, const char *workload)
{
    cJSON *list = cJSON_GetObjectItem(trial, "workloads");
    cJSON *entry;
    cJSON_ArrayForEach(entry, list)
    {
        if (strcmp(result_text(entry, "workload"), workload) == 0)
            return entry;
    }
    entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "workload", workload);
    cJSON_AddNumberToObject(entry, "steps", 0);
    cJSON_AddArrayToObject(entry, "jobs");
    cJSON_AddItemToArray(list, entry);
    return entry;
}

/* To a hundredth of a nanosecond: 4 lists, in the order of enum twins_role. */
static void keep_job(cJSON *entry, const struct twins_job *job, unsigned rounds)
{
    cJSON *lists = cJSON_CreateArray();
    for (unsigned role = 0; role < TWINS_ROLES; role++) {
        cJSON *list = cJSON_CreateArray();
        for (unsigned i = 0; i < rounds; i++)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(round(job->samples[role][i] * 100) / 100));
        cJSON_AddItemToArray(lists, list);
    }
    cJSON_AddItemToArray(cJSON_GetObjectItem(entry, "jobs"), lists);
}

static int measure_failed(const struct twins_error *error)
{
    return error->text[0] == '\0' ? CLI_INTERRUPTED : cli_mistake("noise", "%s", error->text);
}

/* One more job of this workload; the first one looks for the steps before. */
static int run_job(struct twins_plan *plan, cJSON *entry)
{
    struct twins_error error;
    struct twins_job job;
    double steps = 0;
    const cJSON *jobs = cJSON_GetObjectItem(entry, "jobs");
    unsigned turn = (unsigned)cJSON_GetArraySize(jobs);
    result_number(entry, "steps", &steps);
    if (steps < 1) {
        steps = twins_steps(plan, PLANTED_PER_CENT, statistics_paired_ratio, &error);
        if (steps < 1)
            return measure_failed(&error);
        cJSON_ReplaceItemInObject(entry, "steps", cJSON_CreateNumber(steps));
    }
    plan->steps = (unsigned)steps;
    if (!twins_measure(plan, turn, &job, &error))
        return measure_failed(&error);
    keep_job(entry, &job, plan->rounds);
    return CLI_OK;
}

/* A terminal sees every job, a log every tenth of them all. */
static void show_job(const char *workload, int done, int all)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K[%d/%d] %s", done, all, workload);
    else if (all >= 10 && done % ((all + 9) / 10) == 0)
        fprintf(stderr, "pagelab noise: [%d/%d] %s\n", done, all, workload);
}

/* Repetition by repetition over all workloads, so that an interruption leaves as many of each. */
static int run_jobs(const struct noise_options *options, cJSON *root, const cJSON *trial,
                    struct twins_plan *plan)
{
    struct session_error error = {""};
    struct load start;
    struct load_shares worst = {.unknown = false};
    int code = CLI_OK;
    cJSON *ours = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "context"), "pagelab");
    cJSON *earlier = load_earlier(ours);
    (void)load_now(&start);
    for (int repetition = 0; code == CLI_OK && repetition < options->repetitions; repetition++) {
        char names[512];
        char *at = NULL;
        struct load before;
        (void)load_now(&before);
        snprintf(names, sizeof(names), "%s", options->workloads);
        for (char *name = strtok_r(names, ",", &at); code == CLI_OK && name != NULL;
             name = strtok_r(NULL, ",", &at)) {
            cJSON *entry = entry_of(trial, name);
            if (cJSON_GetArraySize(cJSON_GetObjectItem(entry, "jobs")) > repetition)
                continue;
            snprintf(plan->cell.workload, sizeof(plan->cell.workload), "%s", name);
            show_job(name, repetition + 1, options->repetitions);
            code = cli_stop ? CLI_INTERRUPTED : run_job(plan, entry);
        }
        struct load_shares shares = load_since(&before);
        load_worst(&worst, &shares);
        if (code == CLI_OK || code == CLI_INTERRUPTED)
            load_record(ours, &start, &worst, earlier);
        if (options->out != NULL && session_write(root, options->out, &error) != 0)
            code = cli_mistake("noise", "%s", error.text);
    }
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
    cJSON_Delete(earlier);
    return code;
}

static int noise_run(const struct noise_options *options, enum report_format format)
{
    const cJSON *trial = NULL;
    struct twins_plan plan = {
        .how = {.program = cli_program(), .limit_s = options->limit_s, .stop = &cli_stop},
        .cell = {.cpus = 1, .admission = ADMISSION_BATCHED, .min_time_s = options->min_time_s},
        .rounds = (unsigned)options->rounds,
    };
    snprintf(plan.cell.backend, sizeof(plan.cell.backend), "%s", options->backend);
    if (!cli_bytes("noise", "--memory", options->memory, &plan.cell.memory_bytes))
        return CLI_MISTAKE;
    cJSON *root = open_document(options, plan.cell.memory_bytes, &trial);
    if (root == NULL)
        return CLI_MISTAKE;
    int code = run_jobs(options, root, trial, &plan);
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(cJSON_GetObjectItem(root, "context"), "pagelab"),
                              "complete", cJSON_CreateBool(code == CLI_OK));
    if (code != CLI_MISTAKE) {
        struct report_error error;
        struct session_error session_error = {""};
        int judged = noise_print(root, format, cli_colour(), stdout, &error);
        if (judged < 0)
            code = cli_mistake("noise", "%s", error.line);
        else if (code == CLI_OK && judged != 0)
            code = CLI_MISSED;
        if (options->out != NULL && session_write(root, options->out, &session_error) != 0)
            code = cli_mistake("noise", "%s", session_error.text);
    }
    cJSON_Delete(root);
    return code;
}

/* Judges what was measured before. */
static int noise_read(const char *path, enum report_format format)
{
    struct report_error error;
    cJSON *root = report_read(path, &error);
    int code = CLI_MISTAKE;
    if (root == NULL)
        return cli_mistake("noise", "%s", error.line);
    if (!cJSON_IsObject(cJSON_GetObjectItem(root, "noise_trial"))) {
        (void)cli_mistake("noise", "%s: a file that 'pagelab noise --out' wrote expected", path);
    } else {
        code = noise_print(root, format, cli_colour(), stdout, &error);
        if (code < 0)
            code = cli_mistake("noise", "%s: %s", path, error.line);
    }
    cJSON_Delete(root);
    return code;
}

static int check_names(const struct noise_options *options)
{
    static const char *const short_ones[] = {"repeat", "bulk", "replace", "remote"};
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error;
    char names[512];
    char *at = NULL;
    int count = spec_parse_list(options->backend, specs, &error);
    int code = cli_check_specs("noise", specs, count, &error);
    size_t named = 0;
    if (code != CLI_OK)
        return code;
    if (count != 1)
        return cli_mistake("noise", "--backend '%.200s': exactly one candidate expected", options->backend);
    if (strlen(options->workloads) >= sizeof(names))
        return cli_mistake("noise", "--workload: a shorter list expected");
    snprintf(names, sizeof(names), "%s", options->workloads);
    for (char *name = strtok_r(names, ",", &at); name != NULL; name = strtok_r(NULL, ",", &at)) {
        bool known = false;
        named++;
        for (size_t i = 0; i < PL_COUNT_OF(short_ones); i++)
            known = known || strcmp(short_ones[i], name) == 0;
        if (!known)
            return cli_mistake("noise", "workload '%.80s': repeat, bulk, replace or remote expected", name);
    }
    if (named == 0)
        return cli_mistake("noise", "--workload '%.40s': repeat, bulk, replace or remote expected",
                           options->workloads);
    return CLI_OK;
}

static int noise_main(int argc, const char **argv)
{
    static struct noise_options noise = {.repetitions = 100, .rounds = 41, .min_time_s = 0.01, .limit_s = 60};
    static char default_backend[] = "buddy";
    static char default_workloads[] = "repeat,bulk,replace";
    static char default_memory[] = "64MiB";
    const struct poptOption options[] = {
        {"backend", 'b', POPT_ARG_STRING, &noise.backend, 0, "whom to measure (buddy)", "NAME"},
        {"workload", 'w', POPT_ARG_STRING, &noise.workloads, 0, "(repeat,bulk,replace)", "LIST"},
        {"memory", 0, POPT_ARG_STRING, &noise.memory, 0, "the machine's size (64MiB)", "SIZE"},
        {"repetitions", 'n', POPT_ARG_INT, &noise.repetitions, 0, "jobs of each workload (100)", "N"},
        {"rounds", 'r', POPT_ARG_INT, &noise.rounds, 0, "of a job, interleaved (41)", "N"},
        {"min-time", 0, POPT_ARG_DOUBLE, &noise.min_time_s, 0, "seconds to measure a cell (0.01)", "S"},
        {"out", 'o', POPT_ARG_STRING, &noise.out, 0,
         "write every sample to FILE, job by job; without it they are lost", "FILE"},
        {"resume", 0, POPT_ARG_NONE, &noise.resume, 0, "go on with the jobs that --out FILE has", NULL},
        {"format", 'f', POPT_ARG_STRING, &noise.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    enum report_format format;
    poptContext context;
    const char **left = cli_parse(&cli_noise, argc, argv, options, 0, 1, &context);
    if (left == NULL || cli_format("noise", noise.format, &format) != 0)
        return CLI_MISTAKE;
    if (left[0] != NULL) {
        int judged = noise_read(left[0], format);
        poptFreeContext(context);
        return judged;
    }
    noise.backend = noise.backend == NULL ? default_backend : noise.backend;
    noise.workloads = noise.workloads == NULL ? default_workloads : noise.workloads;
    noise.memory = noise.memory == NULL ? default_memory : noise.memory;
    if (noise.repetitions < 1 || noise.repetitions > REPETITIONS_MAX)
        return cli_mistake("noise", "--repetitions %d: 1 to %d expected", noise.repetitions, REPETITIONS_MAX);
    if (noise.rounds < 1 || noise.rounds > (int)TWINS_ROUNDS_MAX)
        return cli_mistake("noise", "--rounds %d: 1 to %u expected", noise.rounds, TWINS_ROUNDS_MAX);
    if (!(noise.min_time_s > 0 && noise.min_time_s <= 10))
        return cli_mistake("noise", "--min-time: seconds above 0, at most 10, expected");
    if (noise.resume && noise.out == NULL)
        return cli_mistake("noise", "--resume: --out FILE of the jobs to go on with expected");
    int code = check_names(&noise);
    if (code == CLI_OK)
        code = noise_run(&noise, format);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_noise = {.name = "noise",
                                      .arguments = "[--backend NAME] [--repetitions N] | FILE",
                                      .example = "noise --backend buddy --repetitions 2",
                                      .summary = "compares equals, and a planted slow-down, many times",
                                      .main = noise_main};
