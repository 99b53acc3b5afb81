/* See trend.h. Each step from one result to the next is a comparison of its own. */
#include "report/trend.h"

#include "report/compare.h"
#include "report/error.h"
#include "report/output.h"
#include "report/result.h"

#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {
    {"cell", TABLE_LEFT},      {"results", TABLE_RIGHT}, {"ns, oldest first", TABLE_LEFT},
    {"change %", TABLE_RIGHT}, {"verdict", TABLE_LEFT},  {"jumps", TABLE_LEFT},
};

#define SERIES_SHOWN 8u
#define JUMPS_BYTES  (TREND_RESULTS_MAX * 40u) /* a date and a change for each result */

struct trend {
    const cJSON **results; /* by date, of one machine */
    size_t count;
    struct comparison *steps; /* count - 1 */
    struct comparison whole;  /* of the last with the first */
};

static const char *date_of(const cJSON *result)
{
    return result_text(cJSON_GetObjectItemCaseSensitive(result, "context"), "date");
}

int trend_order(const cJSON *left, const cJSON *right)
{
    return strcmp(date_of(left), date_of(right));
}

static int date_compare(const void *left, const void *right)
{
    return trend_order(*(const cJSON *const *)left, *(const cJSON *const *)right);
}

/* The last medians, and every step that is more than chance, by the date where it came. */
static size_t put_series(const struct trend *trend, const char *name, char *series, size_t series_bytes,
                         char *jumps, size_t jump_bytes)
{
    size_t used = 0;
    size_t jump_used = 0;
    size_t there = 0;

    series[0] = '\0';
    jumps[0] = '\0';
    for (size_t i = 0; i < trend->count; i++) {
        const struct cell_index *index =
            i == 0 ? &trend->steps[0].before_index : &trend->steps[i - 1].after_index;
        const struct report_cell *cell = cell_index_find(index, name);
        const struct compared *step = i == 0 ? NULL : compare_find(&trend->steps[i - 1], name);

        there += cell != NULL && cell_ok(cell);
        if (i + SERIES_SHOWN >= trend->count && used + 16 < series_bytes) {
            used += cell == NULL || !cell_ok(cell)
                        ? (size_t)snprintf(series + used, series_bytes - used, "%s-", used > 0 ? " " : "")
                        : (size_t)snprintf(series + used, series_bytes - used, "%s%.4g", used > 0 ? " " : "",
                                           cell->ns);
        }
        if (step != NULL && (step->verdict == COMPARE_FASTER || step->verdict == COMPARE_SLOWER) &&
            jump_used + 64 < jump_bytes) {
            jump_used += (size_t)snprintf(jumps + jump_used, jump_bytes - jump_used, "%s%.10s %+.0f %%",
                                          jump_used > 0 ? ", " : "", date_of(trend->results[i]),
                                          100 * (step->ratio - 1));
        }
    }
    return there;
}

static bool add_line(struct table *table, const struct trend *trend, const struct report_cell *cell)
{
    char count[32];
    char change[32] = "-";
    char series[256];
    char jumps[JUMPS_BYTES];
    const struct compared *whole = compare_find(&trend->whole, cell->name);

    snprintf(count, sizeof count, "%zu",
             put_series(trend, cell->name, series, sizeof series, jumps, sizeof jumps));
    if (whole != NULL && whole->ratio > 0) {
        snprintf(change, sizeof change, "%+.1f", 100 * (whole->ratio - 1));
    }

    const char *cells[] = {
        cell->name, count, series, change, whole != NULL ? compare_words[whole->verdict] : "new", jumps};

    return table_add_row(table, cells);
}

/* Takes those of the newest one's machine, in order. */
static size_t keep_one_machine(const cJSON **results, size_t count)
{
    const cJSON *newest = results[count - 1];
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!compare_other_machine(results[i], newest)) {
            results[kept++] = results[i];
        }
    }
    return kept;
}

static bool compare_all(struct trend *trend)
{
    for (size_t i = 0; i + 1 < trend->count; i++) {
        if (!compare_results(trend->results[i], trend->results[i + 1], COMPARE_BY_NS, &trend->steps[i])) {
            return false;
        }
    }
    return compare_results(trend->results[0], trend->results[trend->count - 1], COMPARE_BY_NS, &trend->whole);
}

static bool print(const struct trend *trend, size_t left_out, enum report_format format, bool colour,
                  FILE *out)
{
    struct table *table = table_create(columns, sizeof columns / sizeof columns[0]);
    char text[256];
    bool good = table != NULL;

    snprintf(text, sizeof text, "%zu results of one machine, %.10s to %.10s; %zu of other machines left out",
             trend->count, date_of(trend->results[0]), date_of(trend->results[trend->count - 1]), left_out);
    good = good && table_add_heading(table, text);
    for (size_t i = 0; good && i < trend->whole.after.count; i++) {
        good = add_line(table, trend, &trend->whole.after.list[i]);
    }
    good = good && table_print(table, format, colour, out);
    table_destroy(table);
    return good;
}

int trend_print(const cJSON **results, size_t count, enum report_format format, bool colour, FILE *out,
                struct report_error *error)
{
    struct trend trend = {.results = results};
    bool good = false;

    qsort(results, count, sizeof *results, date_compare);
    trend.count = keep_one_machine(results, count);
    if (trend.count < 2) {
        report_error_set(error, "%zu result%s of one machine, the folder, expected two or more", trend.count,
                         trend.count == 1 ? "" : "s");
        return -1;
    }
    report_error_set(error, "cannot print, the output, expected one that takes it and a few megabytes");
    trend.steps = calloc(trend.count, sizeof *trend.steps);
    if (trend.steps != NULL && compare_all(&trend)) {
        good = print(&trend, count - trend.count, format, colour, out);
    }
    for (size_t i = 0; trend.steps != NULL && i + 1 < trend.count; i++) {
        compare_free(&trend.steps[i]);
    }
    free(trend.steps);
    compare_free(&trend.whole);
    return output_is_done(good, out) ? 0 : -1;
}
