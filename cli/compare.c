/* pagelab compare: two results, or all that a folder has. */
#define _GNU_SOURCE /* scandir */
#include <dirent.h>
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
    double fail_on_slower; /* per cent; below 0: no gate */
    int force;
    int all;
};

/* NULL after an error was printed: not to be read, or not to be compared. */
static cJSON *read_result(const char *path, bool force)
{
    struct report_error error;
    cJSON *result = report_read(path, &error);
    const char *mark = result == NULL ? NULL : compare_mark(result);
    if (result == NULL) {
        (void)cli_mistake("compare", "%s", error.line);
    } else if (mark != NULL && !force) {
        (void)cli_mistake(
            "compare", "%s: marked (%s); a result of a release build on a quiet machine expected, or --force",
            path, mark);
        cJSON_Delete(result);
        result = NULL;
    }
    return result;
}

/* A cell that is slower by more than was allowed, or has lost its time. */
static int gate(const struct comparison *comparison, double per_cent)
{
    size_t slower = 0;
    size_t lost = 0;
    const struct compared *worst = NULL;
    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared *cell = &comparison->list[i];
        lost += cell->verdict == COMPARE_LOST;
        if (cell->verdict != COMPARE_SLOWER || cell->ratio <= 1 + per_cent / 100)
            continue;
        slower++;
        if (worst == NULL || cell->ratio > worst->ratio)
            worst = cell;
    }
    if (slower + lost == 0)
        return CLI_OK;
    fprintf(stderr, "pagelab compare: %zu cells are slower by more than %g %%", slower, per_cent);
    if (worst != NULL)
        fprintf(stderr, ", %.200s by %.1f %%", worst->after->name, 100 * (worst->ratio - 1));
    fprintf(stderr, "; %zu have no time any more\n", lost);
    return CLI_MISSED;
}

static int compare_two(const char *const *paths, const struct compare_options *options, enum compare_by by,
                       enum report_format format)
{
    struct report_error error;
    struct comparison comparison;
    int code = CLI_MISTAKE;
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
            code = options->fail_on_slower < 0 ? CLI_OK : gate(&comparison, options->fail_on_slower);
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

/* What is no result, or is marked, is named and left out. */
static int trend(const char *folder, const struct compare_options *options, enum report_format format)
{
    struct dirent **names = NULL;
    const cJSON *results[TREND_RESULTS_MAX];
    size_t count = 0;
    char path[4096];
    struct report_error error;
    int code = CLI_OK;
    int found = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        if (result_path(folder, names[i]->d_name, path, sizeof(path))) {
            cJSON *result = report_read(path, &error);
            const char *mark = result == NULL ? error.line : compare_mark(result);
            if (result != NULL && count < TREND_RESULTS_MAX && (mark == NULL || options->force)) {
                results[count++] = result;
            } else {
                fprintf(stderr, "pagelab compare: %s: left out: %s\n", path,
                        mark != NULL ? mark : "too many results");
                cJSON_Delete(result);
            }
        }
        free(names[i]);
    }
    free(names);
    cJSON *owned[TREND_RESULTS_MAX];
    memcpy(owned, results, count * sizeof(owned[0])); /* the trend puts them in order, and leaves some out */
    if (count == 0)
        code = cli_mistake("compare", "%s: a folder of results expected", folder);
    else if (trend_print(results, count, format, cli_colour(), stdout, &error) != 0)
        code = cli_mistake("compare", "%s: %s", folder, error.line);
    for (size_t i = 0; i < count; i++)
        cJSON_Delete(owned[i]);
    return code;
}

static int compare_main(int argc, const char **argv)
{
    static struct compare_options compare = {.fail_on_slower = -1};
    const struct poptOption options[] = {
        {"by", 0, POPT_ARG_STRING, &compare.by, 0, "ns or rods (ns on one machine, rods between two)",
         "WHAT"},
        {"fail-on-slower", 0, POPT_ARG_DOUBLE, &compare.fail_on_slower, 0,
         "exit 1 if a cell is slower by more, and beyond the noise, or has no time any more", "PERCENT"},
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
