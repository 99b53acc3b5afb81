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

    assert_int_equal(report_write_html(HOSTILE, place->page, &error), 0);
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

    assert_int_equal(report_write_html(HOSTILE, place->page, &error), 0);
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
    assert_int_equal(report_write_html(place->result, place->page, &error), -1);
    char *page = file_text(place->page);
    assert_string_equal(page, "old");
    free(page);
    assert_int_equal(report_write_html(HOSTILE, "/nowhere/at all\n/report.html", &error), -1);
    assert_non_null(strstr(error.line, "/nowhere/at all?/report.html"));
    assert_int_equal(report_write_html(HOSTILE, place->folder, &error), -1);
    assert_int_equal(entries(place->folder), 2);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));

    return text != NULL ? text : "(absent)";
}

static const cJSON *evidence_of(const cJSON *data, const char *key)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(data, "evidence"), key);
}

/* The data of the page of `result`, with what is stored below `root`; for cJSON_Delete. */
static cJSON *data_with(const cJSON *result, const char *root, const struct place *place)
{
    struct report_error error = {.line = ""};

    assert_int_equal(setenv("PAGELAB_ROOT", root, 1), 0);
    assert_int_equal(report_write_html_from(result, place->page, &error), 0);
    assert_int_equal(setenv("PAGELAB_ROOT", "/nowhere", 1), 0);
    char *page = file_text(place->page);
    char *text = page_data(page);
    assert_null(strchr(text, '<'));
    cJSON *data = cJSON_Parse(text);
    assert_non_null(data);
    free(text);
    free(page);
    return data;
}

/* A folder with a stored result that has one workload more than the run, a document with a context, one that
 * evidence.json knows, one that nobody knows, and one that is torn. Expect the workload's cells marked and
 * nobody else's, each document with where it is from, and the others missing with their command. */
static void test_what_was_not_measured_is_marked(void **state)
{
    static const char *const files[] = {"result.json",  "scale.json", "evidence.json",
                                        "nosleep.json", "cost.json",  "score.json"};
    struct place *place = *state;
    char folder[128];
    char path[192];
    cJSON *result = hostile();
    cJSON *stored = hostile();
    cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(stored, "benchmarks"), 0);

    cJSON_ReplaceItemInObject(row, "workload", cJSON_CreateString("other" BREAK));
    cJSON_ReplaceItemInObject(row, "run_name", cJSON_CreateString("other" BREAK "/null"));
    char *stored_text = cJSON_PrintUnformatted(stored);
    const char *const texts[] = {
        stored_text,
        "{\"context\":{\"date\":\"2026-01-02\",\"num_cpus\":4,\"pagelab\":{\"commit\":\"c0ffee\","
        "\"cpu_model\":\"" BREAK "\"}},\"memory\":[{\"candidate\":\"" BREAK "\"}]}",
        "[{\"file\":\"nosleep.json\",\"date\":\"2026-03-04\",\"commit\":\"beef\",\"machine\":\"m\"}]",
        "{\"rows\":[]}",
        "[]",
        "{\"torn",
    };

    for (size_t i = 0; i < 2; i++) {
        snprintf(folder, sizeof folder, "%s/results%s", place->folder, i == 0 ? "" : "/reference");
        assert_int_equal(mkdir(folder, 0777), 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        file_write(path, texts[i]);
    }
    cJSON *data = data_with(result, place->folder, place);
    const cJSON *cell = NULL;
    unsigned marked = 0;
    cJSON_ArrayForEach(cell, cJSON_GetObjectItem(data, "cells"))
    {
        bool is_other = strcmp(text_of(cell, "workload"), "other" BREAK) == 0;

        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(cell, "reference")), is_other);
        marked += is_other;
    }
    assert_int_equal(marked, 1);
    assert_string_equal(text_of(cJSON_GetObjectItem(data, "reference"), "date"), "2025-11-22T14:03:11+00:00");
    assert_string_equal(text_of(evidence_of(data, "scale"), "commit"), "c0ffee");
    assert_string_equal(text_of(evidence_of(data, "scale"), "machine"), BREAK ", 4 CPUs");
    assert_string_equal(text_of(evidence_of(data, "nosleep"), "date"), "2026-03-04");
    assert_string_equal(text_of(evidence_of(data, "cost"), "date"), "");
    assert_non_null(cJSON_GetObjectItem(evidence_of(data, "cost"), "document"));
    assert_string_equal(text_of(evidence_of(data, "score"), "missing"), "the stored file cannot be read");
    assert_string_equal(text_of(evidence_of(data, "claims"), "missing"), "it was never stored");
    assert_non_null(strstr(text_of(evidence_of(data, "claims"), "command"), "./pagelab check --claims"));
    cJSON_Delete(data);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    snprintf(folder, sizeof folder, "%s/results", place->folder);
    rmdir(folder);

    data = data_with(result, place->folder, place);
    assert_null(cJSON_GetObjectItem(data, "reference"));
    assert_string_equal(text_of(evidence_of(data, "scale"), "missing"),
                        "there is no folder of stored results");
    cJSON_Delete(data);
    cJSON_free(stored_text);
    cJSON_Delete(stored);
    cJSON_Delete(result);
}

int main(void)
{
    setenv("PAGELAB_ROOT", "/nowhere", 1); /* what is stored in the tree is none of these tests' business */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_page_is_self_contained, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_page_keeps_the_data, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_nothing_half_written, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_what_was_not_measured_is_marked, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
