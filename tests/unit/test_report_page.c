/* The page as a file: one, whole, without markup of a name, and with what the run lacks from a reference
 * folder. */
#define _POSIX_C_SOURCE 200809L

#include "tests/unit/report_fixture.h"

#include <sys/stat.h>

/* Expect one file, with no address but name spaces and no element that a name opened or closed. */
static void test_page_is_self_contained(void **state)
{
    struct place *place = *state;
    struct report_error error = {.line = ""};

    assert_int_equal(report_write_html(HOSTILE, place->page, &nowhere, &error), 0);
    assert_int_equal(entries(place->folder), 1);
    char *page = file_text(place->page);
    assert_int_equal(occurrences(page, "http:") + occurrences(page, "https:"),
                     occurrences(page, "http://www.w3.org/"));
    assert_int_equal(occurrences(page, "<script"), 3);
    assert_int_equal(occurrences(page, "</script"), 3);
    assert_int_equal(occurrences(page, "<img"), 0);
    assert_int_equal(occurrences(page, "<!--"), 0);
    assert_non_null(strstr(page, "Released under the MIT License"));
    assert_null(strstr(page, "a-host-that-must-not-travel"));
    assert_null(strstr(page, "/home/someone"));
    assert_true(strlen(page) < (size_t)2 << 20);
    free(page);
}

/* Expect that escaping changed no name, that a cell keeps its samples, and that a crashed one has no time. */
static void test_page_keeps_the_data(void **state)
{
    struct place *place = *state;
    struct report_error error = {.line = ""};

    assert_int_equal(report_write_html(HOSTILE, place->page, &nowhere, &error), 0);
    char *page = file_text(place->page);
    char *text = page_data(page);
    assert_null(strchr(text, '<'));
    cJSON *data = cJSON_Parse(text);
    const cJSON *cell = cell_of(data, BREAK);
    assert_true(cJSON_GetObjectItem(cell, "ns")->valuedouble == 4.2);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(cell, "samples")), 3);
    assert_non_null(cJSON_GetObjectItem(cell, "frame_map"));
    assert_non_null(cJSON_GetObjectItem(cell, "ratio_to_floor"));
    cell = cell_of(data, "<img src=x onerror=alert(2)>");
    assert_string_equal(cJSON_GetObjectItem(cell, "status")->valuestring, "crashed");
    assert_string_equal(cJSON_GetObjectItem(cell, "reason")->valuestring, "signal 11 in " BREAK);
    assert_null(cJSON_GetObjectItem(cell, "ns"));
    assert_null(cJSON_GetObjectItem(cell, "samples"));
    cell = cell_of(data, "slow & steady");
    assert_string_equal(cJSON_GetObjectItem(cell, "workload")->valuestring,
                        "https://evil.example/a?b=<!--<script>");
    cJSON_Delete(data);
    free(text);
    free(page);
}

/* A bad result over an old page, then a directory that is not there. Expect one line each, the old page
 * untouched. */
static void test_nothing_half_written(void **state)
{
    struct place *place = *state;
    struct report_error error = {.line = ""};

    file_write(place->page, "old");
    file_write(place->result, "{\"context\": {");
    assert_int_equal(report_write_html(place->result, place->page, &nowhere, &error), -1);
    char *page = file_text(place->page);
    assert_string_equal(page, "old");
    free(page);
    assert_int_equal(report_write_html(HOSTILE, "/nowhere/at all\n/report.html", &nowhere, &error), -1);
    assert_non_null(strstr(error.line, "/nowhere/at all?/report.html"));
    assert_int_equal(report_write_html(HOSTILE, place->folder, &nowhere, &error), -1);
    assert_int_equal(entries(place->folder), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_page_is_self_contained, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_page_keeps_the_data, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_nothing_half_written, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
