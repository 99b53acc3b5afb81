/* See count.h. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/count.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pagelab/check.h>

#include "bench/cost/cost.h"
#include "bench/cost/counted.h"
#include "bench/workloads/workload.h"
#include "cli/out.h"
#include "report/cost.h"

#define OPERATIONS_MAX   10000000
#define TIME_LIMIT_MAX_S 86400

/* "a,b,c": calls `take` with each. False: `take` said so, or one is too long; a line is written. */
static bool each_word(const char *option, const char *list, bool (*take)(void *argument, const char *word),
                      void *argument)
{
    char word[512];
    for (const char *at = list;; at++) {
        size_t bytes = strcspn(at, ",");
        snprintf(word, sizeof(word), "%.*s", (int)bytes, at);
        if (bytes >= sizeof(word)) {
            cli_mistake("cost", "%s '%.60s...': less than %zu characters expected", option, word,
                        sizeof(word));
            return false;
        }
        if (!take(argument, word))
            return false;
        at += bytes;
        if (*at == '\0')
            return true;
    }
}

static bool take_workload(void *argument, const char *word)
{
    struct cost_options *options = argument;
    const struct workload *workload = workload_find(word);
    if (workload == NULL || !cost_can_count(workload)) {
        cli_mistake("cost",
                    "--workload '%.80s': repeat, bulk, replace, remote or replay:FILE expected, with commas",
                    word);
        return false;
    }
    if (options->workload_count == COST_AXIS_LIMIT) {
        cli_mistake("cost", "--workload: at most %u expected", COST_AXIS_LIMIT);
        return false;
    }
    struct cost_workload *added = &options->workloads[options->workload_count++];
    snprintf(added->shown, sizeof(added->shown), "%s", word);
    snprintf(added->real, sizeof(added->real), "%s", word);
    if (workload_file(word) == NULL)
        return true;
    /* The child's environment is empty, so it cannot look where we would. */
    char found[4096];
    char absolute[PATH_MAX];
    if (realpath(cli_find(workload_file(word), found, sizeof(found)), absolute) == NULL) {
        cli_mistake("cost", "%s: %s ('pagelab import' makes one)", workload_file(word), strerror(errno));
        return false;
    }
    int bytes = snprintf(added->real, sizeof(added->real), "replay:%s", absolute);
    if (bytes < (int)sizeof(added->real))
        return true;
    cli_mistake("cost", "--workload '%.60s...': a shorter path expected", word);
    return false;
}

static bool take_order(void *argument, const char *word)
{
    struct cost_options *options = argument;
    char *end = NULL;
    unsigned long order = word[0] >= '0' && word[0] <= '9' ? strtoul(word, &end, 10) : 0;
    if (end == NULL || *end != '\0' || order > PL_ORDER_LIMIT || options->order_count == COST_AXIS_LIMIT) {
        cli_mistake("cost", "--order '%.80s': numbers from 0 to %u, with commas, expected", word,
                    PL_ORDER_LIMIT);
        return false;
    }
    options->orders[options->order_count++] = (unsigned)order;
    return true;
}

/* The candidates that are named, or all of them and the rods. Their count, or minus the exit code. */
static int read_specs(const char *backends, struct spec *specs)
{
    struct spec_error error;
    int count = -1;
    if (backends != NULL) {
        count = spec_parse_list(backends, specs, &error);
    } else {
        count = cli_every_candidate(specs, &error);
        static const char *const rods[] = {"null", "magazine"};
        for (size_t i = 0; count >= 0 && i < PL_COUNT_OF(rods); i++)
            count = spec_parse(rods[i], &specs[count], &error) == 0 ? count + 1 : -1;
    }
    int code = cli_check_specs("cost", specs, count, &error);
    return code == CLI_OK ? count : -code;
}

/* A run under valgrind that takes too long says nothing of the candidate. */
static const char *why_broken(const cJSON *document)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(document, "cost"))
    {
        const char *status = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "status"));
        if (strcmp(status, "broken") == 0 || strcmp(status, "crashed") == 0)
            return "a candidate broke its contract or died; its row says how";
    }
    return "a run took longer than --time-limit, which under valgrind is easily too short; its row says "
           "where";
}

static int go(const struct cost_options *options, enum report_format format, const char *out_path)
{
    cJSON *document = NULL;
    struct cost_error error = {""};
    struct report_error report_error;
    struct cli_out out;
    if (!cli_out_open(&out, "cost", out_path))
        return CLI_MISTAKE;
    enum session_end end = cost_session(options, &document, &error);
    int code = (int)end;
    if (end == SESSION_MISTAKE) {
        cli_out_drop(&out);
        return cli_mistake("cost", "%s", error.text);
    }
    if (report_cost_print(document, format, cli_colour(), stdout, &report_error) != 0)
        code = cli_mistake("cost", "%s", report_error.line);
    bool written =
        out.file != NULL && report_cost_print(document, REPORT_JSON, false, out.file, &report_error) == 0;
    if (!cli_out_close(&out, written))
        code = CLI_MISTAKE;
    if (end == SESSION_BROKEN)
        fprintf(stderr, "pagelab cost: %s\n", why_broken(document));
    if (code == CLI_OK && strcmp(PL_TIER, "release") != 0)
        fputs("pagelab cost: assertions are on in this build, so their instructions count, too\n", stderr);
    cJSON_Delete(document);
    return code;
}

const char *count_option_given(const struct count_arguments *arguments)
{
    return arguments->orders != NULL               ? "--order"
           : arguments->memory != NULL             ? "--memory"
           : arguments->operations != COUNT_UNSAID ? "--operations"
           : arguments->runs != COUNT_UNSAID       ? "--runs"
           : arguments->no_lines != 0              ? "--no-lines"
           : arguments->limit_s != COUNT_UNSAID    ? "--time-limit"
                                                   : NULL;
}

/* *taken: what was said, or what holds otherwise. False: out of its bounds; a line is written. */
static bool take_number(const char *option, long long said, long long otherwise, long long most,
                        long long *taken)
{
    *taken = said == COUNT_UNSAID ? otherwise : said;
    if (said == COUNT_UNSAID || (said >= 1 && said <= most))
        return true;
    cli_mistake("cost", "%s %lld: 1 to %lld expected", option, said, most);
    return false;
}

int count_main(const struct count_arguments *arguments, enum report_format format)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    static struct cost_options options;
    long long operations;
    long long runs;
    long long limit_s;
    options.specs = specs;
    if (!each_word("--workload", arguments->workloads, take_workload, &options) ||
        !each_word("--order", arguments->orders == NULL ? "0" : arguments->orders, take_order, &options))
        return CLI_MISTAKE;
    if (!take_number("--operations", arguments->operations, COST_OPERATIONS, OPERATIONS_MAX, &operations) ||
        !take_number("--runs", arguments->runs, 0, COST_RUNS_MAX, &runs) ||
        !take_number("--time-limit", arguments->limit_s, COST_TIME_LIMIT_S, TIME_LIMIT_MAX_S, &limit_s))
        return CLI_MISTAKE;
    if (!cli_bytes("cost", "--memory", arguments->memory, &options.memory_bytes))
        return CLI_MISTAKE;
    int count = read_specs(arguments->backends, specs);
    if (count < 0)
        return -count;
    options.spec_count = (size_t)count;
    options.lines = arguments->no_lines == 0;
    options.progress = isatty(STDERR_FILENO) ? stderr : NULL;
    options.runner.program = cli_program();
    options.operations = (uint64_t)operations;
    options.runs = (unsigned)runs;
    options.runner.limit_s = (double)limit_s;
    options.runner.stop = &cli_stop;
    const char *missing = cost_runner_find(&options.runner);
    if (missing != NULL)
        return cli_mistake("cost", "%s", missing);
    return go(&options, format, arguments->out);
}
