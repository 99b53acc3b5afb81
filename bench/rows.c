/* See rows.h. */
#include "bench/rows.h"

#include <pagelab/compiler.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/workload.h"

#define REPETITIONS_MAX 1000u
#define ROD_FACTOR      1.5

static const char *text_of(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double number_of(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void set_number(cJSON *object, const char *key, double value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddNumberToObject(object, key, value);
}

static void set_string(cJSON *object, const char *key, const char *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    cJSON_AddStringToObject(object, key, value);
}

static bool is_ok(const cJSON *row)
{
    return strcmp(text_of(row, "status"), "ok") == 0;
}

static bool is_aggregate(const cJSON *row)
{
    return strcmp(text_of(row, "run_type"), "aggregate") == 0;
}

/* --- medians --- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(cJSON *const *rows, size_t count, const char *key)
{
    double values[REPETITIONS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < count && n < REPETITIONS_MAX; i++)
        values[n++] = number_of(rows[i], key);
    qsort(values, n, sizeof(values[0]), compare_doubles);
    return n == 0 ? 0 : n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double end_of(cJSON *const *rows, size_t count, const char *key, bool most)
{
    double end = number_of(rows[0], key);
    for (size_t i = 1; i < count; i++) {
        double value = number_of(rows[i], key);
        end = (most ? value > end : value < end) ? value : end;
    }
    return end;
}

static bool ends_in(const char *key, const char *end)
{
    size_t length = strlen(key);
    return length >= strlen(end) && strcmp(key + length - strlen(end), end) == 0;
}

/* Other times than real_time: of the worst the worst, of the least the least, of the others the median. */
static void set_times(cJSON *median, cJSON *const *rows, size_t count)
{
    for (cJSON *item = median->child; item != NULL; item = item->next) {
        const char *key = item->string;
        if (!cJSON_IsNumber(item) || !ends_in(key, "_ns"))
            continue;
        bool worst = ends_in(key, "worst_ns");
        bool least = ends_in(key, "least_ns");
        (void)cJSON_SetNumberHelper(item, worst || least ? end_of(rows, count, key, worst)
                                                         : median_of(rows, count, key));
    }
}

/* The row that stands for a cell. If one repetition failed, the cell failed: no time is printed for it. */
static cJSON *make_median(cJSON *const *rows, size_t count)
{
    const cJSON *model = rows[0];
    for (size_t i = 0; i < count; i++) {
        if (!is_ok(rows[i])) {
            model = rows[i];
            break;
        }
    }
    cJSON *median = cJSON_Duplicate(model, true);
    char name[300];
    snprintf(name, sizeof(name), "%s_median", text_of(model, "run_name"));
    set_string(median, "name", name);
    set_string(median, "run_type", "aggregate");
    set_string(median, "aggregate_name", "median");
    set_string(median, "aggregate_unit", "time");
    cJSON_DeleteItemFromObjectCaseSensitive(median, "repetition_index");
    set_number(median, "iterations", (double)count);
    if (is_ok(model)) {
        set_number(median, "real_time", median_of(rows, count, "real_time"));
        set_number(median, "cpu_time", median_of(rows, count, "cpu_time"));
        set_times(median, rows, count);
    }
    return median;
}

/* Takes all rows out, drops old medians, and puts each cell's rows back together, in order of first
 * appearance. */
static void regroup(cJSON *benchmarks)
{
    size_t total = (size_t)cJSON_GetArraySize(benchmarks);
    cJSON **rows = calloc(total + 1, sizeof(*rows));
    cJSON **group = calloc(total + 1, sizeof(*group));
    size_t count = 0;
    while (rows != NULL && group != NULL && benchmarks->child != NULL) {
        cJSON *row = cJSON_DetachItemViaPointer(benchmarks, benchmarks->child);
        if (is_aggregate(row))
            cJSON_Delete(row);
        else
            rows[count++] = row;
    }
    for (size_t i = 0; i < count; i++) {
        size_t members = 0;
        if (rows[i] == NULL)
            continue;
        const char *name = text_of(rows[i], "run_name");
        for (size_t k = i; k < count; k++) {
            if (rows[k] != NULL && strcmp(text_of(rows[k], "run_name"), name) == 0) {
                group[members++] = rows[k];
                rows[k] = NULL;
            }
        }
        for (size_t k = 0; k < members; k++) {
            set_number(group[k], "repetitions", (double)members);
            cJSON_AddItemToArray(benchmarks, group[k]);
        }
        cJSON_AddItemToArray(benchmarks, make_median(group, members));
        /* The picture belongs to the cell: one of them is enough. */
        for (size_t k = 1; k < members; k++) {
            cJSON_DeleteItemFromObjectCaseSensitive(group[k], "frame_map");
            cJSON_DeleteItemFromObjectCaseSensitive(group[k], "age_maps");
        }
    }
    free(rows);
    free(group);
}

/* --- rods --- */

/* The median of `candidate` on the same workload and parameters as `like`; 0: there is none. */
static double rod_time(const cJSON *benchmarks, const cJSON *like, const char *candidate)
{
    static const char *const keys[] = {"order", "cpus"};
    const cJSON *row;
    cJSON_ArrayForEach(row, benchmarks)
    {
        bool same = is_aggregate(row) && is_ok(row) && strcmp(text_of(row, "candidate"), candidate) == 0 &&
                    strcmp(text_of(row, "workload"), text_of(like, "workload")) == 0;
        for (size_t i = 0; same && i < PL_COUNT_OF(keys); i++)
            same = (int)number_of(row, keys[i]) == (int)number_of(like, keys[i]);
        const char *mode = strstr(text_of(row, "run_name"), "/mode:");
        const char *like_mode = strstr(text_of(like, "run_name"), "/mode:");
        if (same && strcmp(mode == NULL ? "" : mode, like_mode == NULL ? "" : like_mode) == 0)
            return number_of(row, "real_time");
    }
    return 0;
}

static double median_named(const cJSON *benchmarks, const char *name)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, benchmarks)
    {
        if (is_aggregate(row) && is_ok(row) && strcmp(text_of(row, "run_name"), name) == 0)
            return number_of(row, "real_time");
    }
    return 0;
}

/* Is there a row of this rod on the workload that decides? */
static bool has_row(const cJSON *benchmarks, const char *rod)
{
    char name[64];
    const cJSON *row;
    snprintf(name, sizeof(name), "repeat/%s/order:0/cpus:1", rod);
    cJSON_ArrayForEach(row, benchmarks)
    {
        if (strcmp(text_of(row, "run_name"), name) == 0)
            return true;
    }
    return false;
}

/* The rods must make sense before anything is divided by them: a magazine that costs more than its parts says
 * that the machine, or the build, is not fit to measure. */
static bool check_rods(cJSON *ours, const cJSON *benchmarks)
{
    double null_ns = median_named(benchmarks, "repeat/null/order:0/cpus:1");
    double magazine_ns = median_named(benchmarks, "repeat/magazine/order:0/cpus:1");
    double cas_ns = median_named(benchmarks, "calibrate-cas/null/cpus:1");
    double calls_ns = median_named(benchmarks, "calibrate-calls/null/cpus:1");
    double limit_ns = ROD_FACTOR * null_ns + cas_ns;
    bool measured = null_ns > 0 && magazine_ns > 0 && cas_ns > 0;
    bool valid = measured && magazine_ns <= limit_ns;
    char words[256];
    if (!measured)
        snprintf(words, sizeof(words),
                 "the rods' check needs repeat, order 0, 1 CPU on null and magazine; not in "
                 "this run");
    else
        snprintf(words, sizeof(words),
                 "magazine %.2f ns %s 1.5 x null %.2f ns + one locked compare-and-swap %.2f ns = "
                 "%.2f ns%s",
                 magazine_ns, valid ? "<=" : ">", null_ns, cas_ns, limit_ns,
                 valid ? "" : ": every ratio of this run is void");
    cJSON_DeleteItemFromObjectCaseSensitive(ours, "rods");
    cJSON *rods = cJSON_AddObjectToObject(ours, "rods");
    cJSON_AddBoolToObject(rods, "valid", valid);
    cJSON_AddBoolToObject(rods, "measured", measured);
    cJSON_AddNumberToObject(rods, "null_ns", null_ns);
    cJSON_AddNumberToObject(rods, "magazine_ns", magazine_ns);
    cJSON_AddNumberToObject(rods, "lock_cas_ns", cas_ns);
    cJSON_AddNumberToObject(rods, "empty_calls_ns", calls_ns);
    cJSON_AddNumberToObject(rods, "limit_ns", limit_ns);
    cJSON_AddStringToObject(rods, "words", words);
    /* A run that meant to check its rods and could not has none. */
    return valid || !(has_row(benchmarks, "null") || has_row(benchmarks, "magazine"));
}

static void set_ratio(cJSON *row, const char *key, const char *rod, double rod_ns, bool usable, char *why,
                      size_t why_bytes)
{
    cJSON_DeleteItemFromObjectCaseSensitive(row, key);
    if (!is_ok(row) || !section_has_rod(text_of(row, "section"), rod))
        return;
    if (!usable)
        snprintf(why, why_bytes, "no ratios: the rods are void");
    else if (rod_ns > 0)
        cJSON_AddNumberToObject(row, key, number_of(row, "real_time") / rod_ns);
    else if (why[0] == '\0')
        snprintf(why, why_bytes, "no %s: %s cannot do this workload or was not run", key, rod);
}

void rows_finish(cJSON *root)
{
    cJSON *benchmarks = cJSON_GetObjectItem(root, "benchmarks");
    cJSON *ours = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "context"), "pagelab");
    cJSON *row;
    regroup(benchmarks);
    bool usable = check_rods(ours, benchmarks);
    cJSON_ArrayForEach(row, benchmarks)
    {
        char why[128] = "";
        set_ratio(row, "ratio_to_floor", "null", rod_time(benchmarks, row, "null"), usable, why, sizeof(why));
        set_ratio(row, "ratio_to_magazine", "magazine", rod_time(benchmarks, row, "magazine"), usable, why,
                  sizeof(why));
        if (is_ok(row))
            set_string(row, "reason", why);
    }
}
