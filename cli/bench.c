/* pagelab bench: one workload on one or more candidates, each cell in a child. pagelab bench-cell: such a
 * child. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cost/counted.h"
#include "bench/memory_guard.h"
#include "bench/session.h"
#include "bench/workloads/workload.h"
#include "cli/cli.h"
#include "engine/instance.h"
#include "engine/isolate.h"
#include "engine/trace/trace.h"
#include "report/noise.h"

#define DEFAULT_MIN_TIME_S 0.2
#define DEFAULT_LIMIT_S    120.0
#define ORDER_UNSAID       INT_MIN /* no order that can be meant */
#define NOT_COUNTED        (-2)
#define OPERATIONS_MAX     1000000000000ll

struct bench_options {
    char *backends;
    char *workload;
    char *memory;
    char *cap;
    char *admission;
    char *floors;
    char *format;
    char *out;
    int order;
    int cpus;
    int rounds;
    double min_time_s;
    double limit_s;
    long long operations;
    int parallel;
    int smoke;
    int no_rods;
    int no_twin;
};

static int read_cell(const char *command, const struct bench_options *options, struct cell_params *cell)
{
    memset(cell, 0, sizeof(*cell));
    if (options->workload == NULL)
        return cli_mistake(command, "--workload expected; 'pagelab list --workloads' names those there are");
    const struct workload *workload = workload_find(options->workload);
    if (workload == NULL)
        return cli_mistake(
            command, "workload '%.80s': unknown; one of those that 'pagelab list --workloads' names expected",
            options->workload);
    if (strlen(options->workload) >= sizeof(cell->workload))
        return cli_mistake(command, "workload '%.60s...': a shorter path expected", options->workload);
    if (options->order != ORDER_UNSAID && (options->order < 0 || options->order > (int)PL_ORDER_LIMIT))
        return cli_mistake(command, "--order %d: 0 to %u expected", options->order, PL_ORDER_LIMIT);
    if (options->cpus < 1 || options->cpus > (int)PL_CPU_LIMIT)
        return cli_mistake(command, "--cpus %d: 1 to %u expected", options->cpus, PL_CPU_LIMIT);
    if (options->admission != NULL && strcmp(options->admission, "exact") != 0 &&
        strcmp(options->admission, "batched") != 0)
        return cli_mistake(command, "--admission '%s': exact or batched expected", options->admission);
    if (!(options->min_time_s > 0 && options->min_time_s <= 60))
        return cli_mistake(command, "--min-time: seconds above 0, at most 60, expected");
    if (options->operations < 0 || options->operations > OPERATIONS_MAX)
        return cli_mistake(command, "--operations %lld: 1 to %lld expected", options->operations,
                           OPERATIONS_MAX);
    if (!cli_bytes(command, "--memory", options->memory, &cell->memory_bytes) ||
        !cli_bytes(command, "--memory-cap", options->cap, &cell->cap_bytes))
        return CLI_MISTAKE;
    if (!cli_floors(command, options->floors, &cell->floors, &cell->own_floors))
        return CLI_MISTAKE;
    snprintf(cell->workload, sizeof(cell->workload), "%s", options->workload);
    cell->order = options->order == ORDER_UNSAID ? workload->default_order : (unsigned)options->order;
    cell->cpus = (unsigned)options->cpus;
    cell->admission = options->admission != NULL && strcmp(options->admission, "exact") == 0
                          ? ADMISSION_EXACT
                          : ADMISSION_BATCHED;
    cell->operations = (uint64_t)options->operations;
    cell->parallel = options->parallel != 0;
    cell->smoke = options->smoke != 0;
    cell->min_time_s = options->min_time_s;
    return CLI_OK;
}

#define CELL_OPTIONS(o)                                                                                        \
    {"backend", 'b', POPT_ARG_STRING, &(o).backends, 0, "a candidate, or several: percpu+buddy,bitmap",        \
     "NAME"},                                                                                                  \
        {"workload", 'w', POPT_ARG_STRING, &(o).workload, 0, "'pagelab list --workloads' names them", "NAME"}, \
        {"order", 0, POPT_ARG_INT, &(o).order, 0, "blocks, or buffers and areas, of 2^ORDER frames", "ORDER"}, \
        {"cpus", 0, POPT_ARG_INT, &(o).cpus, 0, "virtual CPUs, as pinned threads (1)", "N"},                   \
        {"memory", 0, POPT_ARG_STRING, &(o).memory, 0, "the machine's size (1GiB; replay: 1.25 x the peak)",   \
         "SIZE"},                                                                                              \
        {"memory-cap", 0, POPT_ARG_STRING,                                                                     \
         &(o).cap,     0, "what a cell may touch of it (half of what is to spare)",                            \
         "SIZE"},                                                                                              \
        {"admission", 0, POPT_ARG_STRING, &(o).admission, 0, "batched or exact (batched)", "MODE"},            \
        {"floors", 0, POPT_ARG_STRING, &(o).floors, 0, "freebsd, or frames as INTERRUPT/SYSTEM/NORMAL",        \
         "FLOORS"},                                                                                            \
        {"parallel", 0, POPT_ARG_NONE, &(o).parallel, 0, "replay with a thread a CPU", NULL},                  \
        {"operations", 0, POPT_ARG_LONGLONG, &(o).operations, 0, "age: allocations and frees (12 million)",    \
         "N"},                                                                                                 \
        {"min-time", 0, POPT_ARG_DOUBLE, &(o).min_time_s, 0, "seconds to measure a cell (0.2)", "S"},          \
    {                                                                                                          \
        "smoke", 0, POPT_ARG_NONE, &(o).smoke, 0, "a few iterations: does it run?", NULL                       \
    }

static int cell_main(int argc, const char **argv)
{
    static struct bench_options bench = {
        .order = ORDER_UNSAID, .cpus = 1, .rounds = 1, .min_time_s = DEFAULT_MIN_TIME_S};
    static int marks_fd = NOT_COUNTED;
    const struct poptOption options[] = {CELL_OPTIONS(bench),
                                         {"counted", 0, POPT_ARG_INT, &marks_fd, 0,
                                          "for valgrind (cost); -1, or where the mark is told", "FD"},
                                         CLI_HELP POPT_TABLEEND};
    struct cell_params cell;
    struct spec_error error;
    poptContext context;
    char found[4096];
    if (cli_parse(&cli_bench_cell, argc, argv, options, 0, 0, &context) == NULL ||
        read_cell("bench-cell", &bench, &cell) != CLI_OK)
        return CLI_MISTAKE;
    snprintf(cell.backend, sizeof(cell.backend), "%s", bench.backends == NULL ? "" : bench.backends);
    if (workload_file(cell.workload) != NULL)
        cell.trace_path = cli_find(workload_file(cell.workload), found, sizeof(found));
    int own_stdout = isolate_stdout(); /* only the row goes there, whatever a plug-in prints */
    cJSON *row = NULL;
    if (marks_fd != NOT_COUNTED) { /* and no thread beside it */
        row = cost_counted_run(&cell, marks_fd, &error);
    } else {
        memory_guard_start(cell.cap_bytes != 0 ? cell.cap_bytes : memory_guard_cap(UINT64_MAX),
                           STDERR_FILENO);
        row = cell_run(&cell, &error);
        memory_guard_stop();
    }
    poptFreeContext(context);
    if (row == NULL) {
        row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "mistake", error.text);
    }
    char *text = cJSON_PrintUnformatted(row);
    isolate_stdout_back(own_stdout);
    fputs(text == NULL ? "" : text, stdout);
    free(text);
    cJSON_Delete(row);
    return fflush(stdout) == 0 ? CLI_OK : CLI_MISTAKE;
}

/* A file that no child could read is the caller's mistake, found before any child starts. */
static int check_file(const struct cell_params *cell)
{
    char found[4096];
    if (workload_file(cell->workload) == NULL)
        return CLI_OK;
    const char *path = cli_find(workload_file(cell->workload), found, sizeof(found));
    struct trace trace;
    struct trace_error error;
    if (trace_read(path, &trace, &error) != 0)
        return cli_mistake("bench", "%s ('pagelab import' makes one)", error.text);
    trace_fini(&trace);
    return CLI_OK;
}

static int bench_run(const struct bench_options *bench, const struct cell_params *cell,
                     enum report_format format)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error spec_error;
    struct session_error error = {""};
    struct report_error report_error;
    struct plan plan = {0};
    cJSON *result = NULL;
    int count = spec_parse_list(bench->backends == NULL ? "" : bench->backends, specs, &spec_error);
    int code = cli_check_specs("bench", specs, count, &spec_error);
    if (code != CLI_OK)
        return code;
    struct plan_options planned = {
        .specs = specs,
        .spec_count = (size_t)count,
        .rods = bench->no_rods == 0,
        .twin = bench->no_twin == 0 && !cell->smoke,
        .memory_bytes = cell->memory_bytes,
        .admission = cell->admission,
        .floors = cell->floors,
        .own_floors = cell->own_floors,
        .smoke = cell->smoke,
        .min_time_s = cell->min_time_s,
    };
    struct session_options options = {
        .program = cli_program(),
        .result_path = bench->out,
        .mode = cell->smoke ? "smoke" : "bench",
        .rounds = (unsigned)bench->rounds,
        .limit_s = bench->limit_s,
        .annotate = noise_annotate,
        .progress = isatty(STDERR_FILENO) ? stderr : NULL,
        .progress_is_tty = true,
        .stop = &cli_stop,
    };
    if (plan_workload(&plan, &planned, cell) != 0 || (planned.rods && plan_rods_check(&plan, &planned) != 0))
        return cli_mistake("bench", "out of memory");
    enum session_end end = session_run(&plan, specs, (size_t)count, &options, &result, &error);
    plan_fini(&plan);
    if (end == SESSION_MISTAKE)
        return cli_mistake("bench", "%s", error.text);
    if (report_print(result, format, cli_colour(), stdout, &report_error) != 0)
        end = (enum session_end)cli_mistake("bench", "%s", report_error.line);
    cJSON_Delete(result);
    return (int)end;
}

static int bench_main(int argc, const char **argv)
{
    static struct bench_options bench = {.order = ORDER_UNSAID,
                                         .cpus = 1,
                                         .rounds = 3,
                                         .min_time_s = DEFAULT_MIN_TIME_S,
                                         .limit_s = DEFAULT_LIMIT_S};
    const struct poptOption options[] = {
        CELL_OPTIONS(bench),
        {"rounds", 'r', POPT_ARG_INT, &bench.rounds, 0, "repetitions, interleaved (3)", "N"},
        {"time-limit", 0, POPT_ARG_DOUBLE, &bench.limit_s, 0, "seconds that a cell may take in all (120)",
         "S"},
        {"no-rods", 0, POPT_ARG_NONE, &bench.no_rods, 0, "without null and magazine, so without ratios",
         NULL},
        {"no-twin", 0, POPT_ARG_NONE, &bench.no_twin, 0,
         "nobody is measured twice, so the noise stays unknown", NULL},
        {"out", 'o', POPT_ARG_STRING, &bench.out, 0, "also write the result to FILE", "FILE"},
        {"format", 'f', POPT_ARG_STRING, &bench.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    struct cell_params cell;
    enum report_format format;
    poptContext context;
    if (cli_parse(&cli_bench, argc, argv, options, 0, 0, &context) == NULL ||
        cli_format("bench", bench.format, &format) != 0)
        return CLI_MISTAKE;
    if (bench.backends == NULL)
        return cli_mistake("bench", "--backend expected; 'pagelab list' names those there are");
    if (bench.rounds < 1 || bench.rounds > 1000)
        return cli_mistake("bench", "--rounds %d: 1 to 1000 expected", bench.rounds);
    if (!(bench.limit_s >= 1))
        return cli_mistake("bench", "--time-limit: at least 1 second expected");
    int code = read_cell("bench", &bench, &cell);
    if (code == CLI_OK)
        code = check_file(&cell);
    if (code == CLI_OK)
        code = bench_run(&bench, &cell, format);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_bench = {.name = "bench",
                                      .arguments = "--backend NAME --workload NAME",
                                      .summary = "times one workload on one or more candidates",
                                      .example =
                                          "bench --backend percpu+buddy,llfree --workload repeat --cpus 2",
                                      .main = bench_main};
const struct cli_command cli_bench_cell = {
    .name = "bench-cell", .arguments = "", .summary = NULL, .main = cell_main};
