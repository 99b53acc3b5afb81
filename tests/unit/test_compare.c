/* Comparison and trend: cells meet by name, rods by group. What is twice, missing or empty; and ten thousand.
 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"
#include "report/trend.h"

static cJSON *result_new(const char *date)
{
    cJSON *result = cJSON_CreateObject();
    cJSON *context = cJSON_AddObjectToObject(result, "context");

    cJSON_AddStringToObject(context, "date", date);
    cJSON_AddObjectToObject(context, "pagelab");
    cJSON_AddArrayToObject(result, "benchmarks");
    return result;
}

/* One repetition of a cell; rows of one name are one cell. */
static cJSON *row_add(cJSON *result, const char *candidate, int order, double ns)
{
    cJSON *row = cJSON_CreateObject();
    char name[96];

    snprintf(name, sizeof name, "repeat/%s/order:%d/cpus:1", candidate, order);
    cJSON_AddStringToObject(row, "name", name);
    cJSON_AddStringToObject(row, "run_name", name);
    cJSON_AddStringToObject(row, "run_type", "iteration");
    cJSON_AddStringToObject(row, "candidate", candidate);
    cJSON_AddStringToObject(row, "workload", "repeat");
    cJSON_AddNumberToObject(row, "order", order);
    cJSON_AddNumberToObject(row, "cpus", 1);
    cJSON_AddNumberToObject(row, "real_time", ns);
    cJSON_AddStringToObject(row, "time_unit", "ns");
    cJSON_AddStringToObject(row, "status", "ok");
    cJSON_AddNumberToObject(row, "noise", 0.02);
    cJSON_AddItemToArray(cJSON_GetObjectItem(result, "benchmarks"), row);
    return row;
}

static void expect_verdict(const struct comparison *comparison, const char *name,
                           enum compare_verdict verdict)
{
    const struct compared *cell = compare_find(comparison, name);

    assert_non_null(cell);
    assert_string_equal(cell->before->name, name);
    assert_string_equal(cell->after->name, name);
    assert_string_equal(compare_words[cell->verdict], compare_words[verdict]);
}

/* Three rows of one name on either side, in another order. Expect one cell, its middle repetition. */
static void a_name_that_is_there_three_times(void **state)
{
    cJSON *before = result_new("2026-01-01");
    cJSON *after = result_new("2026-01-02");
    struct comparison comparison;

    (void)state;
    for (int i = 0; i < 3; i++) {
        row_add(before, "buddy", 0, 10 + i);
        row_add(before, "bitmap", 0, 30);
        row_add(after, "bitmap", 0, 30);
        row_add(after, "buddy", 0, 22 - i);
    }
    assert_true(compare_results(before, after, COMPARE_BY_NS, &comparison));
    assert_int_equal(comparison.count, 2);
    assert_int_equal(comparison.only_before + comparison.only_after, 0);
    expect_verdict(&comparison, "repeat/buddy/order:0/cpus:1", COMPARE_SLOWER);
    expect_verdict(&comparison, "repeat/bitmap/order:0/cpus:1", COMPARE_SAME);

    const struct compared *buddy = compare_find(&comparison, "repeat/buddy/order:0/cpus:1");

    assert_true(buddy->before_value == 11 && buddy->after_value == 21);
    assert_int_equal(buddy->before->sample_count, 3);
    compare_free(&comparison);
    cJSON_Delete(before);
    cJSON_Delete(after);
}

/* Cells that one of the two has not. Expect them counted, found in their own index only, and not compared. */
static void rows_that_are_on_one_side_only(void **state)
{
    cJSON *before = result_new("2026-01-01");
    cJSON *after = result_new("2026-01-02");
    struct comparison comparison;

    (void)state;
    row_add(before, "gone", 0, 10);
    row_add(before, "gone", 1, 10);
    row_add(before, "stays", 0, 10);
    row_add(after, "stays", 0, 10);
    row_add(after, "new", 0, 10);
    assert_true(compare_results(before, after, COMPARE_BY_NS, &comparison));
    assert_int_equal(comparison.count, 1);
    assert_int_equal(comparison.only_before, 2);
    assert_int_equal(comparison.only_after, 1);
    expect_verdict(&comparison, "repeat/stays/order:0/cpus:1", COMPARE_SAME);
    assert_null(compare_find(&comparison, "repeat/gone/order:0/cpus:1"));
    assert_null(compare_find(&comparison, "repeat/new/order:0/cpus:1"));
    assert_null(compare_find(&comparison, ""));
    assert_non_null(cell_index_find(&comparison.before_index, "repeat/gone/order:1/cpus:1"));
    assert_null(cell_index_find(&comparison.after_index, "repeat/gone/order:1/cpus:1"));
    assert_non_null(cell_index_find(&comparison.after_index, "repeat/new/order:0/cpus:1"));
    compare_free(&comparison);
    cJSON_Delete(before);
    cJSON_Delete(after);
}

static void results_without_rows(void **state)
{
    cJSON *empty = result_new("2026-01-01");
    cJSON *one = result_new("2026-01-02");
    struct comparison comparison;

    (void)state;
    row_add(one, "buddy", 0, 10);
    assert_true(compare_results(empty, empty, COMPARE_BY_NS, &comparison));
    assert_int_equal(comparison.count + comparison.only_before + comparison.only_after, 0);
    assert_null(compare_find(&comparison, "repeat/buddy/order:0/cpus:1"));
    compare_free(&comparison);
    assert_true(compare_results(empty, one, COMPARE_BY_RODS, &comparison));
    assert_int_equal(comparison.only_after, 1);
    assert_null(compare_find(&comparison, "repeat/buddy/order:0/cpus:1"));
    assert_null(cell_index_beside(&comparison.before_index, &comparison.after.list[0], "buddy"));
    compare_free(&comparison);
    assert_true(compare_results(one, empty, COMPARE_BY_NS, &comparison));
    assert_int_equal(comparison.only_before, 1);
    compare_free(&comparison);
    cJSON_Delete(empty);
    cJSON_Delete(one);
}

/* A rod is that of the cell's own group, and one that failed is none. Expect ratios to it, or no value. */
static void the_rod_of_the_own_group(void **state)
{
    cJSON *before = result_new("2026-01-01");
    cJSON *after = result_new("2026-01-02");
    struct comparison comparison;

    (void)state;
    for (int order = 0; order < 3; order++) {
        row_add(before, "buddy", order, 100);
        row_add(before, "magazine", order, 10 + 10 * order);
        row_add(before, "null", order, 5);
        cJSON *rod = row_add(after, "magazine", order, 10 + 10 * order);
        row_add(after, "buddy", order, 200);
        if (order > 0) {
            cJSON_ReplaceItemInObject(rod, "status", cJSON_CreateString("failed"));
        }
        if (order == 1) {
            row_add(after, "null", order, 5);
        }
    }
    assert_true(compare_results(before, after, COMPARE_BY_RODS, &comparison));
    assert_true(compare_find(&comparison, "repeat/buddy/order:0/cpus:1")->after_value == 20); /* magazine */
    assert_true(compare_find(&comparison, "repeat/buddy/order:1/cpus:1")->after_value == 40); /* null */
    assert_true(compare_find(&comparison, "repeat/buddy/order:2/cpus:1")->after_value == 0);  /* neither */
    compare_free(&comparison);
    cJSON_Delete(before);
    cJSON_Delete(after);
}

/* Ten thousand cells of 250 candidates, with their rods, against as many in reverse and one slower. Expect
 * each to meet its own. */
static void ten_thousand_cells(void **state)
{
    enum { CANDIDATES = 248, ORDERS = 40 };
    cJSON *before = result_new("2026-01-01");
    cJSON *after = result_new("2026-01-02");
    struct comparison comparison;
    char candidate[32];

    (void)state;
    for (int i = 0; i < CANDIDATES; i++) {
        for (int order = 0; order < ORDERS; order++) {
            snprintf(candidate, sizeof candidate, "c%d", i);
            row_add(before, candidate, order, 1 + i + order);
            snprintf(candidate, sizeof candidate, "c%d", CANDIDATES - 1 - i);
            row_add(after, candidate, order, (CANDIDATES - i + order) * (i == 7 && order == 3 ? 1.5 : 1));
        }
    }
    for (int order = 0; order < ORDERS; order++) {
        row_add(before, "null", order, 2 + order);
        row_add(after, "null", order, 2 + order);
        row_add(after, "magazine", order, 9);
        row_add(before, "magazine", order, 9);
    }

    assert_true(compare_results(before, after, COMPARE_BY_NS, &comparison));
    assert_int_equal(comparison.count, (CANDIDATES + 2) * ORDERS);
    for (size_t i = 0; i < comparison.count; i++) {
        const struct compared *cell = &comparison.list[i];
        bool slower = strcmp(cell->after->name, "repeat/c240/order:3/cpus:1") == 0;
        bool rod = cell->after->candidate[0] != 'c';

        assert_string_equal(cell->before->name, cell->after->name);
        assert_int_equal(cell->verdict, rod ? COMPARE_ROD : slower ? COMPARE_SLOWER : COMPARE_SAME);
        assert_true(compare_find(&comparison, cell->after->name) == cell);
    }
    compare_free(&comparison);
    cJSON_Delete(before);
    cJSON_Delete(after);
}

/* A cell that is new in the second of three results. Expect a dash where it was not, and its jump. */
static void a_trend_with_holes(void **state)
{
    cJSON *results[3] = {result_new("2026-01-03"), result_new("2026-01-01"), result_new("2026-01-02")};
    const cJSON *list[3] = {results[0], results[1], results[2]};
    struct report_error error;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    (void)state;
    row_add(results[1], "buddy", 0, 10); /* the oldest */
    row_add(results[1], "gone", 0, 10);
    row_add(results[2], "buddy", 0, 20);
    row_add(results[2], "new", 0, 30);
    row_add(results[0], "new", 0, 30);
    row_add(results[0], "buddy", 0, 20);
    assert_int_equal(trend_print(list, 3, REPORT_CSV, false, out, &error), 0);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "repeat/buddy/order:0/cpus:1,3,10 20 20,+100.0,slower,2026-01-02 +100 %\n"));
    assert_non_null(strstr(text, "repeat/new/order:0/cpus:1,2,- 30 30,,new,\n"));
    assert_null(strstr(text, "gone"));
    free(text);
    for (size_t i = 0; i < 3; i++) {
        cJSON_Delete(results[i]);
    }
}

/* Every one of 20 results is twice or half as slow as the one before. Expect each step, the newest included.
 */
static void every_step_of_a_trend(void **state)
{
    enum { RESULTS = 20 };
    const cJSON *list[RESULTS];
    cJSON *results[RESULTS];
    struct report_error error;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    char date[16];

    (void)state;
    for (int i = 0; i < RESULTS; i++) {
        snprintf(date, sizeof date, "2026-01-%02d", i + 1);
        list[i] = results[i] = result_new(date);
        row_add(results[i], "buddy", 0, i % 2 == 0 ? 10 : 20);
    }
    assert_int_equal(trend_print(list, RESULTS, REPORT_TABLE, false, out, &error), 0);
    assert_int_equal(fclose(out), 0);
    for (int i = 1; i < RESULTS; i++) {
        snprintf(date, sizeof date, "-%02d %s %%", i + 1, i % 2 == 0 ? "-50" : "+100");
        assert_non_null(strstr(text, date));
    }
    free(text);
    for (int i = 0; i < RESULTS; i++) {
        cJSON_Delete(results[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_that_is_there_three_times),
        cmocka_unit_test(rows_that_are_on_one_side_only),
        cmocka_unit_test(results_without_rows),
        cmocka_unit_test(the_rod_of_the_own_group),
        cmocka_unit_test(ten_thousand_cells),
        cmocka_unit_test(a_trend_with_holes),
        cmocka_unit_test(every_step_of_a_trend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
