/* pagelab score: what the fuzz targets find of the bugs that were planted for them. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "fuzz/score.h"

struct score_arguments {
    char *set;
    char *mutant;
    char *target;
    char *out;
    char *bin;
    char *format;
    double seconds;
    int seeds;
    int jobs;
    int no_threads;
};

static bool in_set(const struct mutant *mutant, const char *set)
{
    return strcmp(set, "all") == 0 || strcmp(set, mutant_kind_names[mutant->kind]) == 0 ||
           (mutant->set != NULL && strcmp(set, mutant->set) == 0);
}

/* Those of a set that were named, or all of it. Their number; 0 after an error was printed. */
static uint32_t pick(const struct score_arguments *arguments, const struct mutant **picked)
{
    const char *set = arguments->set == NULL ? "all" : arguments->set;
    static struct mutant elsewhere[SCORE_MUTANTS_MAX]; /* with the target that was asked for */
    uint32_t count = 0;
    uint32_t of_set = 0;
    for (uint32_t i = 0; i < mutant_count && count < SCORE_MUTANTS_MAX; i++) {
        if (!in_set(&mutants[i], set))
            continue;
        of_set++;
        if (arguments->mutant == NULL || strcmp(arguments->mutant, mutants[i].name) == 0)
            picked[count++] = &mutants[i];
    }
    for (uint32_t i = 0; i < count && arguments->target != NULL; i++) {
        elsewhere[i] = *picked[i];
        elsewhere[i].target = arguments->target;
        picked[i] = &elsewhere[i];
    }
    if (of_set == 0)
        cli_mistake("score",
                    "--set '%s': all, schedule, sequence, arithmetic, out-of-memory or race expected", set);
    else if (count == 0)
        cli_mistake("score", "--mutant '%s': a mutant of the set '%s' expected", arguments->mutant, set);
    return count;
}

/* What an oracle or a sanitizer is called, or null. */
static void add_by(cJSON *object, const char *key, const struct score_result *result)
{
    cJSON_AddItemToObject(object, key,
                          result->detected ? cJSON_CreateString(result->by) : cJSON_CreateNull());
}

/* The same mutant in another way: null where it was not tried. */
static void add_way(cJSON *object, const char *key, const struct score_result *result)
{
    cJSON_AddItemToObject(object, key,
                          result->known ? cJSON_CreateBool(result->detected) : cJSON_CreateNull());
}

static cJSON *row_object(const struct score_row *row)
{
    const struct score_result *result = &row->ways[SCORE_TARGET];
    const struct score_result *threads = &row->ways[SCORE_THREADS];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "mutant", row->mutant->name);
    cJSON_AddStringToObject(object, "kind", mutant_kind_names[row->mutant->kind]);
    cJSON_AddStringToObject(object, "backend", row->mutant->backend);
    cJSON_AddStringToObject(object, "target", row->mutant->target);
    cJSON_AddBoolToObject(object, "reached", result->reached);
    cJSON_AddBoolToObject(object, "triggered", result->triggered);
    cJSON_AddBoolToObject(object, "detected", result->detected);
    cJSON_AddNumberToObject(object, "executions", result->executions);
    cJSON_AddNumberToObject(object, "seconds", result->seconds);
    add_by(object, "by", result);
    add_way(object, "tsan", threads);
    add_by(object, "tsan_by", threads);
    cJSON_AddItemToObject(object, "tsan_seconds",
                          threads->known ? cJSON_CreateNumber(threads->seconds) : cJSON_CreateNull());
    return object;
}

/* 0, or -1: out of memory, or the file is in error. */
static int print_json(const struct score_row *rows, uint32_t count, FILE *out)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].ways[SCORE_TARGET].known)
            cJSON_AddItemToArray(array, row_object(&rows[i]));
    }
    char *text = cJSON_Print(array);
    cJSON_Delete(array);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    bool good = text != NULL && fflush(out) == 0;
    free(text);
    return good ? 0 : -1;
}

static void add_row(struct table *table, const struct score_row *row)
{
    static const char *const words[] = {"no", "yes"};
    const struct score_result *result = &row->ways[SCORE_TARGET];
    const struct score_result *threads = &row->ways[SCORE_THREADS];
    char executions[32];
    char seconds[32];
    char threads_seconds[32] = "";
    snprintf(executions, sizeof(executions), "%.0f", result->executions);
    snprintf(seconds, sizeof(seconds), "%.1f", result->seconds);
    if (threads->known)
        snprintf(threads_seconds, sizeof(threads_seconds), "%.1f", threads->seconds);
    const char *cells[] = {row->mutant->name,
                           mutant_kind_names[row->mutant->kind],
                           row->mutant->backend,
                           words[result->reached],
                           words[result->triggered],
                           words[result->detected],
                           executions,
                           seconds,
                           result->by,
                           !threads->known     ? "-"
                           : threads->detected ? threads->by
                                               : "no",
                           threads_seconds};
    table_add_row(table, cells);
}

static void print_table(const struct score_row *rows, uint32_t count, enum report_format format)
{
    static const struct table_column columns[] = {
        {"mutant", TABLE_LEFT},      {"kind", TABLE_LEFT},      {"candidate", TABLE_LEFT},
        {"reached", TABLE_LEFT},     {"triggered", TABLE_LEFT}, {"detected", TABLE_LEFT},
        {"executions", TABLE_RIGHT}, {"seconds", TABLE_RIGHT},  {"by", TABLE_LEFT},
        {"threads", TABLE_LEFT},     {"seconds", TABLE_RIGHT},
    };
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    for (uint32_t i = 0; table != NULL && i < count; i++) {
        if (rows[i].ways[SCORE_TARGET].known)
            add_row(table, &rows[i]);
    }
    if (table != NULL)
        table_print(table, format, false, stdout);
    table_destroy(table);
}

static int score_go(struct score_options *options, enum report_format format)
{
    static struct score_row rows[SCORE_MUTANTS_MAX];
    char error[400] = "";
    char path[4096];
    int code =
        cli_make_directory(options->out_dir) != 0
            ? cli_mistake("score", "--out '%s': a folder that can be written expected", options->out_dir)
            : score_run(options, rows, error, sizeof(error));
    if (error[0] != '\0')
        cli_mistake("score", "%s", error);
    if (code == CLI_MISTAKE)
        return code;
    if (format == REPORT_JSON)
        print_json(rows, options->mutant_count, stdout);
    else
        print_table(rows, options->mutant_count, format);
    snprintf(path, sizeof(path), "%.4000s/score.json", options->out_dir);
    FILE *file = fopen(path, "w");
    bool good = file != NULL && print_json(rows, options->mutant_count, file) == 0;
    if ((file != NULL && fclose(file) != 0) || !good)
        return cli_mistake("score", "%s: cannot be written", path);
    for (uint32_t i = 0; code == CLI_OK && i < options->mutant_count; i++) {
        if (!rows[i].ways[SCORE_TARGET].detected)
            code = CLI_MISSED;
    }
    return code;
}

static bool in_bounds(const struct score_arguments *arguments)
{
    if (arguments->seeds >= 1 && arguments->seeds <= (int)SCORE_SEEDS_MAX && arguments->seconds > 0 &&
        arguments->seconds <= 1e5 && arguments->jobs >= 0 && arguments->jobs <= (int)SCORE_JOBS_MAX)
        return true;
    cli_mistake("score",
                "--seeds of 1 to %u, --seconds above 0, at most 100000, and --jobs of at most %u expected",
                SCORE_SEEDS_MAX, SCORE_JOBS_MAX);
    return false;
}

static int score_main(int argc, const char **argv)
{
    static struct score_arguments arguments = {.seconds = 30, .seeds = 3};
    static const struct mutant *picked[SCORE_MUTANTS_MAX];
    enum report_format format;
    char bin[4096];
    const struct poptOption table[] = {
        {"set", 0, POPT_ARG_STRING, &arguments.set, 0,
         "schedule, sequence, arithmetic, out-of-memory, race or all (all)", "NAME"},
        {"mutant", 'm', POPT_ARG_STRING, &arguments.mutant, 0, "only this one", "NAME"},
        {"target", 'T', POPT_ARG_STRING, &arguments.target, 0, "another than the one that should find it",
         "NAME"},
        {"seeds", 0, POPT_ARG_INT, &arguments.seeds, 0, "runs of each, of which the median is shown (3)",
         "N"},
        {"seconds", 's', POPT_ARG_DOUBLE, &arguments.seconds, 0, "of one core that a run has (30)", "S"},
        {"jobs", 'j', POPT_ARG_INT, &arguments.jobs, 0, "processes at once (one a core)", "N"},
        {"no-threads", 0, POPT_ARG_NONE, &arguments.no_threads, 0,
         "leave out the runs with real threads under ThreadSanitizer", NULL},
        {"out", 'o', POPT_ARG_STRING, &arguments.out, 0,
         "for results; what is there already is not run again (results/score)", "DIR"},
        {"bin", 0, POPT_ARG_STRING, &arguments.bin, 0, "folder of the mutant drivers (build/fuzz/bin)",
         "DIR"},
        {"format", 'f', POPT_ARG_STRING, &arguments.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    if (cli_parse(&cli_score, argc, argv, table, 0, 0, &context) == NULL ||
        cli_format("score", arguments.format, &format) != 0 || !in_bounds(&arguments))
        return CLI_MISTAKE;
    struct score_options options = {.mutants = picked,
                                    .mutant_count = pick(&arguments, picked),
                                    .seeds = (uint32_t)arguments.seeds,
                                    .seconds = arguments.seconds,
                                    .jobs = (uint32_t)arguments.jobs,
                                    .threads = !arguments.no_threads,
                                    .bin_dir = cli_drivers(arguments.bin, "fuzz", bin, sizeof(bin)),
                                    .out_dir = arguments.out == NULL ? "results/score" : arguments.out,
                                    .progress = stderr,
                                    .stop = &cli_stop};
    if (options.mutant_count == 0)
        return CLI_MISTAKE;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options.jobs == 0)
        options.jobs = cores<1 ? 1 : cores>(long) SCORE_JOBS_MAX ? SCORE_JOBS_MAX : (uint32_t)cores;
    int code = score_go(&options, format);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_score = {.name = "score",
                                      .arguments = "--set NAME",
                                      .summary = "what the fuzz targets find of bugs planted on purpose",
                                      .main = score_main};
