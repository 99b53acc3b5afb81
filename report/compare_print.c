/* Printing a comparison: a line a workload, then the cells that differ; for machines every cell. */
#include "report/compare.h"

#include "report/error.h"
#include "report/output.h"
#include "report/result.h"

#include <math.h>
#include <string.h>

#define TEXT_MAX 32

static const struct table_column workload_columns[] = {
    {"workload", TABLE_LEFT}, {"cells", TABLE_RIGHT},   {"geometric mean %", TABLE_RIGHT},
    {"faster", TABLE_RIGHT},  {"slower", TABLE_RIGHT},  {"no difference", TABLE_RIGHT},
    {"other", TABLE_RIGHT},   {"below %", TABLE_RIGHT},
};

static const struct table_column cell_columns[] = {
    {"cell", TABLE_LEFT},      {"before", TABLE_RIGHT}, {"after", TABLE_RIGHT},   {"change %", TABLE_RIGHT},
    {"95 % low", TABLE_RIGHT}, {"high", TABLE_RIGHT},   {"noise %", TABLE_RIGHT}, {"verdict", TABLE_LEFT},
};

static const struct table_column machine_columns[] = {
    {"name", TABLE_LEFT},         {"workload", TABLE_LEFT},  {"candidate", TABLE_LEFT},
    {"unit", TABLE_LEFT},         {"before", TABLE_RIGHT},   {"after", TABLE_RIGHT},
    {"change", TABLE_RIGHT},      {"low", TABLE_RIGHT},      {"high", TABLE_RIGHT},
    {"noise", TABLE_RIGHT},       {"drift", TABLE_RIGHT},    {"before_run", TABLE_LEFT},
    {"before_marks", TABLE_LEFT}, {"after_run", TABLE_LEFT}, {"after_marks", TABLE_LEFT},
    {"verdict", TABLE_LEFT},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* "-" where there is none. */
static void put(char text[TEXT_MAX], bool there, const char *format, double value)
{
    if (there) {
        snprintf(text, TEXT_MAX, format, value);
    } else {
        strcpy(text, "-");
    }
}

/* Which run it was, and what its times are worth; beside each cell, since rows are all that machines get. */
struct run_words {
    char run[96];
    char marks[512];
};

static void run_words(const cJSON *result, struct run_words *words)
{
    const cJSON *ours = result_pagelab(result);

    snprintf(words->run, sizeof words->run, "%.32s commit %.40s%s",
             result_text(cJSON_GetObjectItemCaseSensitive(result, "context"), "date"),
             result_text(ours, "commit"),
             cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(ours, "dirty")) ? " and changes" : "");
    result_marks(result, words->marks, sizeof words->marks);
}

/* `words`: of before, and of after. */
static bool machine_row(struct table *table, const struct comparison *comparison, const struct compared *cell,
                        const struct run_words *words)
{
    char texts[7][TEXT_MAX];
    bool known = cell->ratio > 0;

    put(texts[0], cell->before_value > 0, "%.9g", cell->before_value);
    put(texts[1], cell->after_value > 0, "%.9g", cell->after_value);
    put(texts[2], known, "%.6g", cell->ratio - 1);
    put(texts[3], known && cell->interval_known, "%.6g", cell->interval.low - 1);
    put(texts[4], known && cell->interval_known, "%.6g", cell->interval.high - 1);
    put(texts[5], cell->noise > 0, "%.6g", cell->noise);
    put(texts[6], cell->drift > 0, "%.6g", cell->drift);

    const char *cells[] = {cell->after->name,
                           cell->after->workload,
                           cell->after->candidate,
                           comparison->by_rods ? "x rod" : "ns",
                           texts[0],
                           texts[1],
                           texts[2],
                           texts[3],
                           texts[4],
                           texts[5],
                           texts[6],
                           words[0].run,
                           words[0].marks,
                           words[1].run,
                           words[1].marks,
                           compare_words[cell->verdict]};

    return table_add_row(table, cells);
}

/* The cells of one result that the other has not. */
static bool lonely_rows(struct table *table, const struct report_cells *mine, const struct cell_index *other,
                        bool is_before, const struct run_words *words)
{
    bool good = true;

    for (size_t i = 0; good && i < mine->count; i++) {
        const struct report_cell *cell = &mine->list[i];
        char text[TEXT_MAX];

        if (cell_index_find(other, cell->name) != NULL) {
            continue;
        }
        put(text, cell_ok(cell), "%.9g", cell->ns);

        const char *cells[] = {cell->name,
                               cell->workload,
                               cell->candidate,
                               "ns",
                               is_before ? text : "-",
                               is_before ? "-" : text,
                               "-",
                               "-",
                               "-",
                               "-",
                               "-",
                               words[0].run,
                               words[0].marks,
                               words[1].run,
                               words[1].marks,
                               is_before ? "only before" : "only after"};

        good = table_add_row(table, cells);
    }
    return good;
}

static bool machine_print(const cJSON *before, const cJSON *after, const struct comparison *comparison,
                          enum report_format format, bool colour, FILE *out)
{
    struct table *table = table_create(machine_columns, COUNT(machine_columns));
    struct run_words words[2];
    bool good = table != NULL;

    run_words(before, &words[0]);
    run_words(after, &words[1]);
    for (size_t i = 0; good && i < comparison->count; i++) {
        good = machine_row(table, comparison, &comparison->list[i], words);
    }
    good = good && lonely_rows(table, &comparison->before, &comparison->after_index, true, words) &&
           lonely_rows(table, &comparison->after, &comparison->before_index, false, words) &&
           table_print(table, format, colour, out);
    table_destroy(table);
    return good;
}

static bool people_row(struct table *table, const struct compared *cell)
{
    char texts[6][TEXT_MAX];
    char verdict[128];
    bool known = cell->ratio > 0;
    bool two = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(cell->before->row, "bimodal")) ||
               cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(cell->after->row, "bimodal"));

    put(texts[0], cell->before_value > 0, "%.4g", cell->before_value);
    put(texts[1], cell->after_value > 0, "%.4g", cell->after_value);
    put(texts[2], known, "%+.1f", 100 * (cell->ratio - 1));
    put(texts[3], known && cell->interval_known, "%+.1f", 100 * (cell->interval.low - 1));
    put(texts[4], known && cell->interval_known, "%+.1f", 100 * (cell->interval.high - 1));
    put(texts[5], cell->noise > 0, "%.1f", 100 * cell->noise);
    snprintf(verdict, sizeof verdict, "%s%s%.64s%s", compare_words[cell->verdict],
             cell->verdict == COMPARE_LOST ? ": " : "",
             cell->verdict == COMPARE_LOST ? cell->after->status : "", two ? " (bimodal)" : "");

    const char *cells[] = {cell->after->name, texts[0], texts[1], texts[2],
                           texts[3],          texts[4], texts[5], verdict};

    return table_add_row(table, cells);
}

/* The cells from `first` on that are of one workload. */
static size_t workload_end(const struct comparison *comparison, size_t first)
{
    size_t next = first;

    while (next < comparison->count &&
           strcmp(comparison->list[next].after->workload, comparison->list[first].after->workload) == 0) {
        next++;
    }
    return next;
}

/* As the calibrations are, which only measure the machine. */
static bool all_rods(const struct comparison *comparison, size_t first, size_t next)
{
    for (size_t i = first; i < next; i++) {
        if (comparison->list[i].verdict != COMPARE_ROD) {
            return false;
        }
    }
    return true;
}

static bool workload_row(struct table *table, const struct comparison *comparison, size_t first, size_t next)
{
    size_t counts[COMPARE_VERDICTS] = {0};
    char texts[7][TEXT_MAX];
    double logs = 0;
    double below = 0;
    size_t timed = 0;

    for (size_t i = first; i < next; i++) {
        const struct compared *cell = &comparison->list[i];

        counts[cell->verdict]++;
        if (cell->verdict != COMPARE_ROD && cell->ratio > 0) {
            logs += log(cell->ratio);
            timed++;
        }
        below = fmax(below, cell->verdict == COMPARE_SAME ? cell->noise : 0);
    }
    snprintf(texts[0], TEXT_MAX, "%zu", next - first - counts[COMPARE_ROD]);
    put(texts[1], timed > 0, "%+.1f", 100 * expm1(logs / (timed > 0 ? (double)timed : 1)));
    snprintf(texts[2], TEXT_MAX, "%zu", counts[COMPARE_FASTER]);
    snprintf(texts[3], TEXT_MAX, "%zu", counts[COMPARE_SLOWER]);
    snprintf(texts[4], TEXT_MAX, "%zu", counts[COMPARE_SAME]);
    snprintf(texts[5], TEXT_MAX, "%zu",
             counts[COMPARE_UNKNOWN] + counts[COMPARE_LOST] + counts[COMPARE_GAINED] +
                 counts[COMPARE_NEITHER]);
    put(texts[6], below > 0, "%.1f", 100 * below);

    const char *cells[] = {comparison->list[first].after->workload,
                           texts[0],
                           texts[1],
                           texts[2],
                           texts[3],
                           texts[4],
                           texts[5],
                           texts[6]};

    return table_add_row(table, cells);
}

static bool describe(struct table *table, const char *which, const cJSON *result)
{
    const cJSON *ours = result_pagelab(result);
    const char *mark = compare_mark(result);
    char text[512];
    double cpus = 0;

    result_number(cJSON_GetObjectItemCaseSensitive(result, "context"), "num_cpus", &cpus);
    snprintf(text, sizeof text, "%s: %.32s, commit %.20s%s, %.10s, %.0f CPU%s of %.64s%s%.128s", which,
             result_text(cJSON_GetObjectItemCaseSensitive(result, "context"), "date"),
             result_text(ours, "commit"),
             cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(ours, "dirty")) ? " and changes" : "",
             result_text(ours, "mode"), cpus, cpus == 1 ? "" : "s", result_text(ours, "cpu_model"),
             mark != NULL ? "; MARKED: " : "", mark != NULL ? mark : "");
    return table_add_heading(table, text);
}

struct rod_drift {
    double logs;
    size_t count;
};

static void drift_text(const char *rod, const struct rod_drift *drift, char *text, size_t bytes)
{
    if (drift->count == 0) {
        snprintf(text, bytes, "%s in no cell of both", rod);
    } else {
        snprintf(text, bytes, "%s %+.1f %% (%zu cell%s)", rod,
                 100 * expm1(drift->logs / (double)drift->count), drift->count, drift->count == 1 ? "" : "s");
    }
}

/* What the rods did, whose code is the same in both. */
static void rods_text(const struct comparison *comparison, char *text, size_t bytes)
{
    struct rod_drift drifts[2] = {{0, 0}, {0, 0}}; /* null, magazine */
    char words[2][64];

    for (size_t i = 0; i < comparison->count; i++) {
        const struct compared *cell = &comparison->list[i];

        if (cell->verdict == COMPARE_ROD && cell->before->ns > 0) {
            struct rod_drift *drift = &drifts[strcmp(cell->after->candidate, "null") != 0];

            drift->logs += log(cell->after->ns / cell->before->ns);
            drift->count++;
        }
    }
    if (drifts[0].count + drifts[1].count == 0) {
        snprintf(text, bytes, "No rod is in both results: what the machine did meanwhile is not known.");
        return;
    }
    drift_text("null", &drifts[0], words[0], sizeof words[0]);
    drift_text("magazine", &drifts[1], words[1], sizeof words[1]);
    snprintf(text, bytes, "Rods, in ns: %s, %s; %s", words[0], words[1],
             comparison->by_rods ? "cells are compared as ratios to them."
                                 : "what they moved by beside a cell is added to its noise.");
}

static bool workloads_print(const cJSON *before, const cJSON *after, const struct comparison *comparison,
                            enum report_format format, bool colour, FILE *out)
{
    struct table *table = table_create(workload_columns, COUNT(workload_columns));
    char text[512];
    bool good = table != NULL && describe(table, "before", before) && describe(table, "after", after);

    rods_text(comparison, text, sizeof text);
    good = good && table_add_heading(table, text);
    if (comparison->other_machine) {
        good = good && table_add_heading(table, comparison->by_rods
                                                    ? "Two machines: nanoseconds do not travel, ratios do."
                                                    : "Two machines, compared in ns, which do not travel.");
    }
    for (size_t first = 0, next = 0; good && first < comparison->count; first = next) {
        next = workload_end(comparison, first);
        good = all_rods(comparison, first, next) || workload_row(table, comparison, first, next);
    }
    if (comparison->only_before + comparison->only_after > 0) {
        snprintf(text, sizeof text, "Cells in the first result only: %zu; in the second only: %zu",
                 comparison->only_before, comparison->only_after);
        good = good && table_add_note(table, text);
    }
    good = good && table_print(table, format, colour, out);
    table_destroy(table);
    return good;
}

static bool differs(const struct compared *cell)
{
    return cell->verdict == COMPARE_FASTER || cell->verdict == COMPARE_SLOWER ||
           cell->verdict == COMPARE_LOST || cell->verdict == COMPARE_GAINED;
}

static bool cells_print(const struct comparison *comparison, bool all, enum report_format format, bool colour,
                        FILE *out)
{
    struct table *table = table_create(cell_columns, COUNT(cell_columns));
    size_t shown = 0;
    size_t unknown = 0;
    bool good =
        table != NULL && table_add_heading(table, comparison->by_rods ? "Cells, times the rod" : "Cells, ns");

    for (size_t i = 0; good && i < comparison->count; i++) {
        unknown += comparison->list[i].verdict == COMPARE_UNKNOWN;
        if (all || differs(&comparison->list[i])) {
            good = people_row(table, &comparison->list[i]);
            shown++;
        }
    }
    if (shown > 0) {
        fputc('\n', out);
        good = good && table_print(table, format, colour, out);
    } else if (good) {
        fprintf(out, "\n%s\n",
                unknown > 0 ? "No cell is known to differ." : "No difference seen in any cell.");
    }
    if (unknown > 0) {
        fprintf(out, "\nCells whose noise is not known, for a run measured no twins of their workload: %zu\n",
                unknown);
    }
    table_destroy(table);
    return good;
}

int compare_print(const cJSON *before, const cJSON *after, const struct comparison *comparison, bool all,
                  enum report_format format, bool colour, FILE *out, struct report_error *error)
{
    bool good = true;

    if (format == REPORT_JSON || format == REPORT_CSV) {
        good = machine_print(before, after, comparison, format, colour, out);
    } else {
        good = workloads_print(before, after, comparison, format, colour, out) &&
               cells_print(comparison, all, format, colour, out);
    }
    report_error_set(error, "cannot print, the output, expected one that takes it and a few megabytes");
    return output_is_done(good, out) ? 0 : -1;
}
