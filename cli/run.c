/* pagelab run: the whole matrix, a result file and a page. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pagelab/check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/session.h"
#include "cli/choose.h"
#include "cli/cli.h"
#include "cli/places.h"
#include "engine/instance.h"
#include "engine/trace/trace.h"
#include "report/noise.h"

#define UNSAID               INT_MIN /* no number that can be meant */
#define AGE_QUICK_OPERATIONS 200000u
#define TRACE_LIMIT          32u
#define PATH_BYTES           4096u

struct run_options {
    char *backends;
    char *out;
    char *traces;
    char *admission;
    char *floors;
    char *format;
    int quick;
    int smoke;
    int resume;
    int rounds;
    double min_time_s;
    double limit_s;
};

struct traces {
    char paths[TRACE_LIMIT][512];
    const char *list[TRACE_LIMIT];
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every .pltrace of a folder, by name. */
static int find_traces(const char *folder, struct traces *traces)
{
    char found[PATH_BYTES];
    const char *real = cli_find(folder, found, sizeof(found));
    DIR *directory = opendir(real);
    const struct dirent *entry;
    if (directory == NULL)
        return cli_mistake("run", "%s: a folder of compact traces expected: %s", folder, strerror(errno));
    while ((entry = readdir(directory)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (length < 9 || strcmp(entry->d_name + length - 8, ".pltrace") != 0)
            continue;
        if (traces->count == TRACE_LIMIT) {
            closedir(directory);
            return cli_mistake("run", "%s: at most %u compact traces expected", folder, TRACE_LIMIT);
        }
        char *path = traces->paths[traces->count];
        int n = snprintf(path, sizeof(traces->paths[0]), "%s/%s", folder, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof(traces->paths[0])) {
            closedir(directory);
            return cli_mistake("run", "%s/%s: a shorter path expected", folder, entry->d_name);
        }
        traces->list[traces->count++] = path;
    }
    closedir(directory);
    qsort(traces->list, traces->count, sizeof(traces->list[0]), compare_names);
    return CLI_OK;
}

/* A trace that cannot be read is found before anything is measured. */
static int check_trace(const char *path)
{
    char found[PATH_BYTES];
    struct trace trace;
    struct trace_error error;
    if (trace_read(cli_find(path, found, sizeof(found)), &trace, &error) != 0)
        return cli_mistake("run", "%s", error.text);
    trace_fini(&trace);
    return CLI_OK;
}

/* results/<UTC time> below the checkout, or what --out says. */
static int make_out(const struct run_options *run, char *out, size_t bytes)
{
    const char *root = getenv("PAGELAB_ROOT");
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32] = "run";
    if (run->out != NULL)
        snprintf(out, bytes, "%s", run->out);
    else if (gmtime_r(&now, &utc) != NULL && strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &utc) != 0)
        snprintf(out, bytes, "%s%sresults/%s", root == NULL ? "" : root, root == NULL ? "" : "/", stamp);
    if (cli_make_directory(out) != 0)
        return cli_mistake("run", "%s: a directory that can be written expected: %s", out, strerror(errno));
    return CLI_OK;
}

static int run_plan(const struct run_options *run, const struct plan_options *planned, const char *out,
                    enum report_format format)
{
    char result_path[PATH_BYTES + 32];
    char page_path[PATH_BYTES + 32];
    static struct cli_places places;
    struct session_error error = {""};
    struct report_error report_error;
    struct plan plan = {0};
    cJSON *result = NULL;
    snprintf(result_path, sizeof(result_path), "%s/result.json", out);
    snprintf(page_path, sizeof(page_path), "%s/report.html", out);
    if (plan_matrix(&plan, planned) != 0)
        return cli_mistake("run", "out of memory");
    struct session_options options = {
        .program = cli_program(),
        .result_path = result_path,
        .mode = run->smoke   ? "smoke"
                : run->quick ? "quick"
                             : "full",
        .rounds = (unsigned)run->rounds,
        .limit_s = run->limit_s,
        .annotate = noise_annotate,
        .resume = run->resume != 0,
        .progress = stderr,
        .progress_is_tty = isatty(STDERR_FILENO) != 0,
        .stop = &cli_stop,
    };
    enum session_end end = session_run(&plan, planned->specs, planned->spec_count, &options, &result, &error);
    plan_fini(&plan);
    if (end == SESSION_MISTAKE)
        return cli_mistake("run", "%s", error.text);
    int code = (int)end;
    if (report_print(result, format, cli_colour(), stdout, &report_error) != 0)
        code = cli_mistake("run", "%s", report_error.line);
    bool paged =
        report_write_html_from(result, page_path, cli_places_find(&places, result_path), &report_error) == 0;
    if (!paged)
        code = cli_mistake("run", "%s", report_error.line);
    fflush(stdout);
    fprintf(stderr, "pagelab run: wrote %s%s%s\n", result_path, paged ? " and " : "", paged ? page_path : "");
    if (format == REPORT_TABLE && end != SESSION_INTERRUPTED)
        choose_brief(result, out, run->out == NULL && !run->smoke);
    cJSON_Delete(result);
    return code;
}

static int run_checked(struct run_options *run)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct traces traces;
    struct spec_error error;
    enum report_format format;
    char out[PATH_BYTES] = "";
    if (cli_format("run", run->format, &format) != 0)
        return CLI_MISTAKE;
    if (run->rounds < 1 || run->rounds > 1000)
        return cli_mistake("run", "--rounds %d: 1 to 1000 expected", run->rounds);
    if (run->admission != NULL && strcmp(run->admission, "exact") != 0 &&
        strcmp(run->admission, "batched") != 0)
        return cli_mistake("run", "--admission '%s': exact or batched expected", run->admission);
    if (!(run->limit_s >= 1) || !(run->min_time_s > 0 && run->min_time_s <= 60))
        return cli_mistake(
            "run", "--time-limit of at least 1 s and --min-time above 0 s and of at most 60 s expected");
    if (strcmp(PL_TIER, "release") != 0 && !run->smoke)
        return cli_mistake("run", "this is a %s build; only a release build is measured (or give --smoke)",
                           PL_TIER);
    int count = run->backends == NULL ? cli_every_candidate(specs, &error)
                                      : spec_parse_list(run->backends, specs, &error);
    int code = cli_check_specs("run", specs, count, &error);
    if (code != CLI_OK)
        return code;
    struct pl_floors floors;
    bool own_floors;
    if (!cli_floors("run", run->floors, &floors, &own_floors))
        return CLI_MISTAKE;
    code = find_traces(run->traces == NULL ? "corpora/traces" : run->traces, &traces);
    if (code == CLI_OK)
        code = make_out(run, out, sizeof(out));
    for (size_t i = 0; code == CLI_OK && i < traces.count; i++)
        code = check_trace(traces.list[i]);
    if (code != CLI_OK)
        return code;
    struct plan_options planned = {
        .specs = specs,
        .spec_count = (size_t)count,
        .rods = true,
        .twin = run->smoke == 0,
        .traces = traces.list,
        .trace_count = run->smoke && traces.count > 1 ? 1 : traces.count,
        .admission = run->admission != NULL && strcmp(run->admission, "exact") == 0 ? ADMISSION_EXACT
                                                                                    : ADMISSION_BATCHED,
        .own_floors = own_floors,
        .floors = floors,
        .smoke = run->smoke != 0,
        .min_time_s = run->min_time_s,
        .age_operations = run->quick && !run->smoke ? AGE_QUICK_OPERATIONS : 0,
        .extras_once = run->quick != 0 || run->smoke != 0,
    };
    return run_plan(run, &planned, out, format);
}

static int run_main(int argc, const char **argv)
{
    static struct run_options run = {.rounds = UNSAID, .min_time_s = UNSAID, .limit_s = 60};
    const struct poptOption options[] = {
        {"quick", 'q', POPT_ARG_NONE, &run.quick, 0, "2 short rounds: a few minutes", NULL},
        {"backends", 'b', POPT_ARG_STRING, &run.backends, 0, "candidates, by commas (every candidate)",
         "LIST"},
        {"out", 'o', POPT_ARG_STRING, &run.out, 0, "write result.json and report.html to DIR", "DIR"},
        {"resume", 0, POPT_ARG_NONE, &run.resume, 0, "go on with the result that --out DIR has", NULL},
        {"rounds", 'r', POPT_ARG_INT, &run.rounds, 0, "repetitions, interleaved (9; quick: 2)", "N"},
        {"min-time", 0, POPT_ARG_DOUBLE, &run.min_time_s, 0, "seconds to measure a cell (0.06; quick: 0.03)",
         "S"},
        {"time-limit", 0, POPT_ARG_DOUBLE, &run.limit_s, 0, "seconds that a cell may take in all (60)", "S"},
        {"traces", 0, POPT_ARG_STRING, &run.traces, 0, "folder of compact traces (corpora/traces)", "DIR"},
        {"admission", 0, POPT_ARG_STRING, &run.admission, 0, "batched or exact (batched)", "MODE"},
        {"floors", 0, POPT_ARG_STRING, &run.floors, 0, "freebsd, or frames as INTERRUPT/SYSTEM/NORMAL",
         "FLOORS"},
        {"smoke", 0, POPT_ARG_NONE, &run.smoke, 0, "a few iterations a cell, one trace: does it run?", NULL},
        {"format", 'f', POPT_ARG_STRING, &run.format, 0, "of the table on stdout: table, json, markdown, csv",
         "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    if (cli_parse(&cli_run, argc, argv, options, 0, 0, &context) == NULL)
        return CLI_MISTAKE;
    if (run.resume && run.out == NULL)
        return cli_mistake("run", "--resume: --out DIR of the run to go on with expected");
    bool brief = run.quick || run.smoke;
    if (run.rounds == UNSAID)
        run.rounds = run.smoke ? 1 : brief ? 2 : DECIDE_ROUNDS_FULL;
    if (run.min_time_s == (double)UNSAID)
        run.min_time_s = brief ? 0.03 : 0.06;
    int code = run_checked(&run);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_run = {.name = "run",
                                    .arguments = "[--quick] [--backends a,b,c] [--out DIR]",
                                    .summary = "every candidate on every workload and trace; writes a report",
                                    .example = "run --quick --backends percpu+buddy,slate --out results/mine",
                                    .main = run_main};
