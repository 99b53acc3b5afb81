/* See compare.h. */
#include "report/compare.h"

#include "report/result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const compare_words[COMPARE_VERDICTS] = {
    [COMPARE_SAME] = "no difference seen",
    [COMPARE_FASTER] = "faster",
    [COMPARE_SLOWER] = "slower",
    [COMPARE_UNKNOWN] = "noise unknown",
    [COMPARE_ROD] = "rod",
    [COMPARE_LOST] = "no time any more",
    [COMPARE_GAINED] = "has a time now",
    [COMPARE_NEITHER] = "no time in either",
};

static const char *const rods[] = {"magazine", "null"}; /* the first that there is */

enum { RODS = sizeof rods / sizeof rods[0] };

bool compare_other_machine(const cJSON *before, const cJSON *after)
{
    double a[2] = {0, 0};
    double b[2] = {0, 0};

    result_number(cJSON_GetObjectItemCaseSensitive(before, "context"), "num_cpus", &a[0]);
    result_number(cJSON_GetObjectItemCaseSensitive(after, "context"), "num_cpus", &b[0]);
    result_number(result_pagelab(before), "memory_bytes", &a[1]);
    result_number(result_pagelab(after), "memory_bytes", &b[1]);
    return a[0] != b[0] || a[1] != b[1] ||
           strcmp(result_text(result_pagelab(before), "cpu_model"),
                  result_text(result_pagelab(after), "cpu_model")) != 0;
}

const char *compare_mark(const cJSON *result)
{
    const char *tier = result_text(result_pagelab(result), "tier");
    const char *words = result_mark(result, 0);

    if (words != NULL) {
        return words;
    }
    if (cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "complete"))) {
        return "not complete: the run was interrupted";
    }
    /* A result of before there were marks. */
    return tier[0] != '\0' && strcmp(tier, "release") != 0 ? "no release build" : NULL;
}

static int after_compare(const void *left, const void *right)
{
    const struct compared *a = left;
    const struct compared *b = right;

    return (a->after > b->after) - (a->after < b->after);
}

const struct compared *compare_find(const struct comparison *comparison, const char *name)
{
    const struct compared key = {.after = cell_index_find(&comparison->after_index, name)};

    return key.after == NULL || comparison->count == 0
               ? NULL
               : bsearch(&key, comparison->list, comparison->count, sizeof *comparison->list, after_compare);
}

static bool is_rod(const struct report_cell *cell)
{
    for (size_t i = 0; i < RODS; i++) {
        if (strcmp(cell->candidate, rods[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* ns of a rod beside `cell`, in the same result; 0. */
static double rod_ns(const struct cell_index *index, const struct report_cell *cell, const char *rod)
{
    const struct report_cell *found = cell_index_beside(index, cell, rod);

    return found == NULL ? 0 : found->ns;
}

/* What the rods beside the cell moved by, the larger; with `by_rods`, what the ratio is to be divided by. */
static void look_at_rods(const struct comparison *comparison, struct compared *cell, double *scale)
{
    *scale = 1;
    for (size_t i = 0; i < RODS; i++) {
        double before = rod_ns(&comparison->before_index, cell->before, rods[i]);
        double after = rod_ns(&comparison->after_index, cell->after, rods[i]);

        if (before <= 0 || after <= 0) {
            continue;
        }
        if (comparison->by_rods) {
            cell->before_value /= before;
            cell->after_value /= after;
            *scale = after / before;
            return;
        }
        cell->drift = fmax(cell->drift, expm1(fabs(log(after / before))));
    }
    if (comparison->by_rods) {
        cell->before_value = 0; /* nothing to hold it against */
        cell->after_value = 0;
    }
}

/* The noise of the wider of two runs; between ratios to a rod, that of the rod as well. A run without twins
 * is taken to be as noisy as the other one, if that has no more repetitions. 0: not known. */
static double noise_between(const struct comparison *comparison, const struct compared *cell)
{
    double before = 0;
    double after = 0;
    bool had = result_number(cell->before->row, "noise", &before);
    bool has = result_number(cell->after->row, "noise", &after);

    if ((!had && (!has || cell->before->sample_count < cell->after->sample_count)) ||
        (!has && cell->after->sample_count < cell->before->sample_count)) {
        return 0;
    }
    return (1 + fmax(before, after) * (comparison->by_rods ? sqrt(2) : 1)) * (1 + cell->drift) - 1;
}

static void judge(const struct comparison *comparison, struct compared *cell)
{
    bool had = cell_ok(cell->before);
    bool has = cell_ok(cell->after);
    double scale = 1;

    if (!had || !has) {
        cell->verdict = had ? COMPARE_LOST : has ? COMPARE_GAINED : COMPARE_NEITHER;
        return;
    }
    cell->before_value = cell->before->ns;
    cell->after_value = cell->after->ns;
    look_at_rods(comparison, cell, &scale);
    if (cell->before_value > 0) {
        cell->ratio = cell->after_value / cell->before_value;
        cell->interval_known =
            statistics_ratio_interval(cell->before->samples, cell->before->sample_count, cell->after->samples,
                                      cell->after->sample_count, &cell->interval);
        cell->interval.low /= scale;
        cell->interval.high /= scale;
    }
    if (is_rod(cell->after)) {
        cell->verdict = COMPARE_ROD;
        return;
    }
    cell->noise = noise_between(comparison, cell);
    if (cell->noise <= 0 || cell->ratio <= 0) {
        cell->verdict = COMPARE_UNKNOWN;
        return;
    }

    bool sure = !cell->interval_known || cell->interval.low > 1 || cell->interval.high < 1;
    bool large = fabs(log(cell->ratio)) > log1p(cell->noise);

    cell->verdict = !sure || !large ? COMPARE_SAME : cell->ratio > 1 ? COMPARE_SLOWER : COMPARE_FASTER;
}

/* False: no memory. */
static bool collect(const cJSON *before, const cJSON *after, struct comparison *comparison)
{
    if (!cells_collect(before, &comparison->before) || !cells_collect(after, &comparison->after)) {
        return false;
    }
    cells_sort(&comparison->after);
    comparison->list = calloc(comparison->after.count + 1, sizeof *comparison->list);
    return comparison->list != NULL && cell_index_make(&comparison->before, &comparison->before_index) &&
           cell_index_make(&comparison->after, &comparison->after_index);
}

bool compare_results(const cJSON *before, const cJSON *after, enum compare_by by,
                     struct comparison *comparison)
{
    *comparison = (struct comparison){.other_machine = compare_other_machine(before, after)};
    comparison->by_rods = by == COMPARE_BY_RODS || (by == COMPARE_BY_MACHINE && comparison->other_machine);
    if (!collect(before, after, comparison)) {
        compare_free(comparison);
        return false;
    }
    for (size_t i = 0; i < comparison->after.count; i++) {
        const struct report_cell *cell = &comparison->after.list[i];
        const struct report_cell *old = cell_index_find(&comparison->before_index, cell->name);

        if (old == NULL) {
            comparison->only_after++;
            continue;
        }
        comparison->list[comparison->count] = (struct compared){.before = old, .after = cell};
        judge(comparison, &comparison->list[comparison->count++]);
    }
    comparison->only_before = comparison->before.count - comparison->count;
    return true;
}

void compare_free(struct comparison *comparison)
{
    cell_index_free(&comparison->before_index);
    cell_index_free(&comparison->after_index);
    cells_free(&comparison->before);
    cells_free(&comparison->after);
    free(comparison->list);
    *comparison = (struct comparison){0};
}
