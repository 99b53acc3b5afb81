/* pagelab compare: two results, or all that a folder has. */
#define _GNU_SOURCE /* scandir */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/compare.h"
#include "report/trend.h"

struct compare_options {
    char *by;
    char *format;
    char *fail_on_slower; /* per cent; NULL: no gate */
    int force;
    int all;
};

/* NULL after an error was printed: not to be read, or not to be compared. */
static cJSON *read_result(const char *path, bool force)
{
    char found[4800];
    struct report_error error;
    cJSON *result = report_read(cli_find(path, found, sizeof(found)), &error);
    const char *mark = result == NULL ? NULL : compare_mark(result);
    if (result == NULL) {
        (void)cli_mistake("compare", "%s", error.line);
    } else if (mark != NULL && !force) {
        (void)cli_mistake(
            "compare", "%s: marked (%s); a result of a release build on a quiet machine expected, or --force",
            path, mark);
        cJSON_Delete(result);
        result = NULL;
    } else {
        cli_say_version("compare", path, result);
    }
    return result;
}

/* Below 0: no gate. False: printed. */
static bool read_limit(const char *text, double *per_cent)
{
    char *end = NULL;
    *per_cent = text == NULL ? -1 : strtod(text, &end);
    if (text == NULL || (end != text && *end == '\0' && isfinite(*per_cent) && *per_cent >= 0))
        return true;
    (void)cli_mistake("compare", "--fail-on-slower '%.40s': per cent, 0 or more, expected", text);
    return false;
}

struct gated {
    size_t judged;
    size_t slower;
    size_t unknown; /* slower by more than was allowed, or without a ratio, and the noise is not known */
    size_t blind;   /* the noise is not known */
    size_t lost;
    size_t gone; /* had a time, and is in the other result no more */
    const struct compared *worst;
};

static struct gated look(const struct comparison *comparison, double per_cent)
{
    struct gated gated = {0};
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared *cell = &comparison->list[i];
        bool above = cell->ratio > 1 + per_cent / 100;
        gated.lost += cell->verdict == COMPARE_LOST;
        gated.blind += cell->verdict == COMPARE_UNKNOWN;
        gated.unknown += cell->verdict == COMPARE_UNKNOWN && (above || cell->ratio <= 0);
        gated.judged += cell->verdict == COMPARE_SAME || cell->verdict == COMPARE_FASTER ||
                        cell->verdict == COMPARE_SLOWER;
        if (cell->verdict != COMPARE_SLOWER || !above)
            continue;
        gated.slower++;
        if (gated.worst == NULL || cell->ratio > gated.worst->ratio)
            gated.worst = cell;
    }
    for (size_t i = 0; i < comparison->before.count; i++) {
        const struct report_cell *cell = &comparison->before.list[i];
        gated.gone += cell_ok(cell) && cell_index_find(&comparison->after_index, cell->name) == NULL;
    }
    return gated;
}

/* Missed: a cell is slower by more than was allowed, or has lost its time, or is gone. A mistake: what might
 * be slower cannot be told from noise, or nothing could be judged at all. */
static int gate(const struct comparison *comparison, double per_cent)
{
    struct gated gated = look(comparison, per_cent);
    if (gated.slower + gated.lost + gated.gone > 0) {
        fprintf(stderr, "pagelab compare: %zu cell%s slower by more than %g %%", gated.slower,
                gated.slower == 1 ? " is" : "s are", per_cent);
        if (gated.worst != NULL)
            fprintf(stderr, ", %.200s by %.1f %%", gated.worst->after->name, 100 * (gated.worst->ratio - 1));
        fprintf(stderr, "; without a time any more: %zu; not in the second result: %zu\n", gated.lost,
                gated.gone);
        return CLI_MISSED;
    }
    if (gated.judged == 0)
        return cli_mistake("compare",
                           "--fail-on-slower: noise unknown, nothing can be gated (cells: %zu); results with "
                           "twins expected",
                           gated.blind);
    if (gated.unknown > 0)
        return cli_mistake(
            "compare",
            "--fail-on-slower: %zu cell%s slower by more than %g %%, or without a ratio, while the noise is "
            "unknown; results with twins expected",
            gated.unknown, gated.unknown == 1 ? " looks" : "s look", per_cent);
    return CLI_OK;
}

static int compare_two(const char *const *paths, const struct compare_options *options, enum compare_by by,
                       enum report_format format)
{
    struct report_error error;
    struct comparison comparison;
    int code = CLI_MISTAKE;
    double per_cent = -1;
    if (!read_limit(options->fail_on_slower, &per_cent))
        return CLI_MISTAKE;
    cJSON *before = read_result(paths[0], options->force != 0);
    cJSON *after = before == NULL ? NULL : read_result(paths[1], options->force != 0);
    if (after != NULL && !compare_results(before, after, by, &comparison)) {
        (void)cli_mistake("compare", "out of memory");
    } else if (after != NULL) {
        if (comparison.count == 0)
            code = cli_mistake("compare", "%s and %s: a cell of the same name in both expected", paths[0],
                               paths[1]);
        else if (compare_print(before, after, &comparison, options->all != 0, format, cli_colour(), stdout,
                               &error) != 0)
            code = cli_mistake("compare", "%s", error.line);
        else
            code = per_cent < 0 ? CLI_OK : gate(&comparison, per_cent);
        compare_free(&comparison);
    }
    cJSON_Delete(before);
    cJSON_Delete(after);
    return code;
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* FOLDER/NAME.json, or FOLDER/NAME/result.json. False: neither is there. */
static bool result_path(const char *folder, const char *name, char *path, size_t bytes)
{
    size_t length = strlen(name);
    int n = snprintf(path, bytes, "%s/%s", folder, name);
    if (name[0] == '.' || n < 0 || (size_t)n + sizeof("/result.json") > bytes)
        return false;
    if (is_folder(path))
        memcpy(path + n, "/result.json", sizeof("/result.json"));
    else if (length < 5 || strcmp(name + length - 5, ".json") != 0)
        return false;
    return access(path, R_OK) == 0;
}

struct trend_files {
    cJSON *results[TREND_RESULTS_MAX];
    char *paths[TREND_RESULTS_MAX];
    size_t count;
};

static void leave_out(const char *path, const char *why)
{
    fprintf(stderr, "pagelab compare: %s: left out: %s\n", path, why);
}

/* One more result of the trend; where there are too many the oldest goes. Takes the result. */
static void keep_newest(struct trend_files *files, const char *path, cJSON *result)
{
    size_t oldest = files->count;
    if (files->count < TREND_RESULTS_MAX) {
        files->count++;
    } else {
        oldest = 0;
        for (size_t i = 1; i < files->count; i++)
            oldest = trend_order(files->results[i], files->results[oldest]) < 0 ? i : oldest;
        if (trend_order(result, files->results[oldest]) <= 0) {
            leave_out(path, "too many results, and others are newer");
            cJSON_Delete(result);
            return;
        }
        leave_out(files->paths[oldest], "too many results, and others are newer");
        cJSON_Delete(files->results[oldest]);
        free(files->paths[oldest]);
    }
    files->results[oldest] = result;
    files->paths[oldest] = strdup(path);
}

/* What is no result, or is marked, is named and left out. */
static int trend(const char *folder, const struct compare_options *options, enum report_format format)
{
    struct dirent **names = NULL;
    struct trend_files files = {.count = 0};
    const cJSON *results[TREND_RESULTS_MAX]; /* the trend puts them in order, and leaves some out */
    char path[4096];
    struct report_error error;
    int code = CLI_OK;
    int found = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        if (result_path(folder, names[i]->d_name, path, sizeof(path))) {
            cJSON *result = report_read(path, &error);
            const char *mark = result == NULL ? error.line : compare_mark(result);
            if (result != NULL && (mark == NULL || options->force)) {
                cli_say_version("compare", path, result);
                keep_newest(&files, path, result);
            } else {
                leave_out(path, mark);
                cJSON_Delete(result);
            }
        }
        free(names[i]);
    }
    free(names);
    for (size_t i = 0; i < files.count; i++)
        results[i] = files.results[i];
    if (files.count == 0)
        code = cli_mistake("compare", "%s: a folder of results expected", folder);
    else if (trend_print(results, files.count, format, cli_colour(), stdout, &error) != 0)
        code = cli_mistake("compare", "%s: %s", folder, error.line);
    for (size_t i = 0; i < files.count; i++) {
        cJSON_Delete(files.results[i]);
        free(files.paths[i]);
    }
    return code;
}

static int compare_main(int argc, const char **argv)
{
    static struct compare_options compare;
    const struct poptOption options[] = {
        {"by", 0, POPT_ARG_STRING, &compare.by, 0, "ns or rods (ns on one machine, rods between two)",
         "WHAT"},
        {"fail-on-slower", 0, POPT_ARG_STRING, &compare.fail_on_slower, 0,
         "exit 1 if a cell is slower by more, and beyond the noise, has no time any more, or is missing; 2 "
         "if "
         "the noise is not known",
         "PERCENT"},
        {"all", 'a', POPT_ARG_NONE, &compare.all, 0, "also the cells that do not differ", NULL},
        {"force", 0, POPT_ARG_NONE, &compare.force, 0, "also results of debug builds and loaded machines",
         NULL},
        {"format", 'f', POPT_ARG_STRING, &compare.format, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    enum report_format format;
    poptContext context;
    const char **left = cli_parse(&cli_compare, argc, argv, options, 1, 2, &context);
    enum compare_by by = COMPARE_BY_MACHINE;
    int code = CLI_OK;
    if (left == NULL || cli_format("compare", compare.format, &format) != 0)
        return CLI_MISTAKE;
    if (compare.by != NULL && strcmp(compare.by, "ns") == 0)
        by = COMPARE_BY_NS;
    else if (compare.by != NULL && strcmp(compare.by, "rods") == 0)
        by = COMPARE_BY_RODS;
    else if (compare.by != NULL)
        code = cli_mistake("compare", "--by '%.40s': ns or rods expected", compare.by);
    if (code == CLI_OK && left[1] != NULL)
        code = compare_two(left, &compare, by, format);
    else if (code == CLI_OK && is_folder(left[0]) && (compare.by != NULL || compare.fail_on_slower != NULL))
        code = cli_mistake("compare", "%s: --by and --fail-on-slower: two results, no folder, expected",
                           left[0]);
    else if (code == CLI_OK && is_folder(left[0]))
        code = trend(left[0], &compare, format);
    else if (code == CLI_OK)
        code = cli_mistake("compare", "%s: two results, or a folder of them, expected", left[0]);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_compare = {
    .name = "compare",
    .arguments = "BEFORE.json AFTER.json | FOLDER",
    .example = "compare results/reference/result.json results/reference/result.json",
    .summary = "holds two results against each other, or shows a trend",
    .main = compare_main};
