/* pagelab score: what the fuzz targets find of the bugs that were planted for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/score_page.h"
#include "cli/score_print.h"
#include "fuzz/score.h"

struct score_arguments {
    char *set;
    char *mutant;
    char *target;
    char *out;
    char *bin;
    char *format;
    char *corpus;
    double seconds;
    double executions;
    int seeds;
    int jobs;
    int no_threads;
    int no_plain;
    int control;
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

/* The pairs of a target and a candidate among those picked, in their place. Their number. */
static uint32_t pick_controls(const struct mutant **picked, uint32_t count)
{
    static struct score_control controls[SCORE_MUTANTS_MAX];
    uint32_t made = score_controls(picked, count, controls);
    for (uint32_t i = 0; i < made; i++)
        picked[i] = &controls[i].mutant;
    return made;
}

static bool write_controls(const struct score_row *rows, uint32_t count, FILE *out)
{
    return score_print_controls(rows, count, REPORT_JSON, out);
}

static bool write_json(const struct score_row *rows, uint32_t count, FILE *out)
{
    return score_print_json(rows, count, out) == 0;
}

/* Whole or not at all: what is there stays until then. `path` is what could not be written. */
static bool write_file(const struct score_options *options, const struct score_row *rows, const char *name,
                       bool (*write)(const struct score_row *rows, uint32_t count, FILE *out),
                       char path[4096])
{
    char beside[4104];
    snprintf(path, 4096, "%.4000s/%s", options->out_dir, name);
    snprintf(beside, sizeof(beside), "%s.new", path);
    FILE *file = fopen(beside, "w");
    bool good = file != NULL && write(rows, options->mutant_count, file);
    good = (file == NULL || fclose(file) == 0) && good && rename(beside, path) == 0;
    if (!good)
        (void)remove(beside);
    return good;
}

/* On stdout, and in the folder: of all kinds, in a file of their own. False: it cannot be written. */
static bool print(const struct score_options *options, const struct score_row *rows,
                  enum report_format format, char path[4096])
{
    uint32_t count = options->mutant_count;
    if (options->control)
        score_print_controls(rows, count, format, stdout);
    else if (format == REPORT_JSON)
        score_print_json(rows, count, stdout);
    else
        score_print_table(rows, count, format);
    if (options->control)
        return write_file(options, rows, "control.json", write_controls, path);
    return write_file(options, rows, "score.json", write_json, path) &&
           write_file(options, rows, "score.html", score_page_write, path);
}

/* Each mutant detected; of a control, nothing, in as many executions as were asked for. */
static bool is_goal_met(const struct score_options *options, const struct score_row *rows)
{
    if (options->control && !score_controls_complete(options, rows))
        return false;
    for (uint32_t i = 0; i < options->mutant_count; i++) {
        bool silent = rows[i].reports[SCORE_TARGET] == 0 && rows[i].reports[SCORE_THREADS] == 0;
        if (options->control ? !silent : !rows[i].ways[SCORE_TARGET].detected)
            return false;
    }
    return true;
}

static int score_go(struct score_options *options, enum report_format format)
{
    static struct score_row rows[SCORE_MUTANTS_MAX];
    char error[400] = "";
    char path[4096];
    int code = score_run(options, rows, error, sizeof(error));
    if (error[0] != '\0')
        cli_mistake("score", "%s", error);
    if (code == CLI_MISTAKE)
        return code;
    if (!print(options, rows, format, path))
        return cli_mistake("score", "%s: cannot be written", path);
    return code == CLI_OK && !is_goal_met(options, rows) ? CLI_MISSED : code;
}

static bool in_bounds(const struct score_arguments *arguments)
{
    bool counted = arguments->executions > 0 && arguments->executions <= 1e12 && arguments->control;
    if (arguments->executions != 0 && !counted) {
        cli_mistake("score", "--executions of 1 to 1e12, and --control with it, expected");
        return false;
    }
    if (arguments->seeds >= 1 && arguments->seeds <= (int)SCORE_SEEDS_MAX && arguments->seconds > 0 &&
        arguments->seconds <= 1e5 && arguments->jobs >= 0 && arguments->jobs <= (int)SCORE_JOBS_MAX)
        return true;
    cli_mistake("score",
                "--seeds of 1 to %u, --seconds above 0, at most 100000, and --jobs of at most %u expected",
                SCORE_SEEDS_MAX, SCORE_JOBS_MAX);
    return false;
}

/* False after an error was printed. */
static bool find_seeds(const struct score_arguments *arguments, struct score_options *options,
                       char buffer[4096])
{
    bool schedule = arguments->set != NULL && strcmp(arguments->set, "schedule") == 0;
    const char *corpus = arguments->corpus;
    if (corpus == NULL)
        corpus = schedule ? "empty" : "seeds";
    if (strcmp(corpus, "seeds") == 0)
        options->seeds_dir = cli_find("corpora/seeds", buffer, 4096);
    else if (strcmp(corpus, "empty") != 0)
        cli_mistake("score", "--corpus '%s': seeds or empty expected", corpus);
    else
        return true;
    return options->seeds_dir != NULL;
}

static int score_main(int argc, const char **argv)
{
    static struct score_arguments arguments = {.seconds = 30, .seeds = 3};
    static const struct mutant *picked[SCORE_MUTANTS_MAX];
    enum report_format format;
    char bin[4096];
    char seeds[4096];
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
        {"no-plain", 0, POPT_ARG_NONE, &arguments.no_plain, 0, "leave out the runs of the plain target",
         NULL},
        {"corpus", 0, POPT_ARG_STRING, &arguments.corpus, 0,
         "where runs begin: seeds (those of corpora/seeds and the edges), or empty (seeds; empty of the set "
         "schedule)",
         "WHICH"},
        {"control", 0, POPT_ARG_NONE, &arguments.control, 0,
         "the same targets and candidates with no mutant alive: nothing may be reported", NULL},
        {"executions", 0, POPT_ARG_DOUBLE, &arguments.executions, 0,
         "with --control: of each target, spread over its candidates, at least a tenth of it each; runs of "
         "--seconds until then, in as many sittings as it takes",
         "N"},
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
                                    .plain = !arguments.no_plain && !arguments.control,
                                    .control = arguments.control != 0,
                                    .executions = arguments.executions,
                                    .bin_dir = cli_drivers(arguments.bin, "fuzz", bin, sizeof(bin)),
                                    .out_dir = arguments.out == NULL ? "results/score" : arguments.out,
                                    .progress = isatty(STDERR_FILENO) ? stderr : NULL,
                                    .stop = &cli_stop};
    if (options.mutant_count == 0 || !find_seeds(&arguments, &options, seeds))
        return CLI_MISTAKE;
    if (options.control)
        options.mutant_count = pick_controls(picked, options.mutant_count);
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
                                      .example = "score --set schedule --seconds 10",
                                      .main = score_main};
