/*
 * The page and the printed result, from a small file whose names try to run as markup, as terminal sequences
 * and as addresses. PL_SOURCE_DIR is the root of the source tree.
 */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/report.h"

#define HOSTILE PL_SOURCE_DIR "/tests/data/report/hostile.json"
#define BREAK   "</script><script>alert(1)</script>"

/* A directory of the test's own. */
struct place {
    char folder[64];
    char page[96];
    char result[96];
};

static int place_make(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    strcpy(place->folder, "/tmp/pagelab-report-XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        return -1;
    }
    snprintf(place->page, sizeof place->page, "%s/report.html", place->folder);
    snprintf(place->result, sizeof place->result, "%s/result.json", place->folder);
    *state = place;
    return 0;
}

static int place_remove(void **state)
{
    struct place *place = *state;

    unlink(place->page);
    unlink(place->result);
    int status = rmdir(place->folder); /* fails if a half-written file was left behind */
    free(place);
    return status;
}

static char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t room = 4 << 20;
    char *text = malloc(room);

    assert_non_null(file);
    assert_non_null(text);
    size_t bytes = fread(text, 1, room - 1, file);
    assert_true(bytes < room - 1);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

static void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static size_t entries(const char *folder)
{
    DIR *directory = opendir(folder);
    size_t count = 0;

    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(directory);
    return count;
}

static cJSON *hostile(void)
{
    struct report_error error = {.line = ""};
    cJSON *result = report_read(HOSTILE, &error);

    if (result == NULL) {
        fail_msg("%s", error.line);
    }
    return result;
}

static cJSON *rods_of(cJSON *result)
{
    cJSON *context = cJSON_GetObjectItem(result, "context");

    return cJSON_GetObjectItem(cJSON_GetObjectItem(context, "pagelab"), "rods");
}

/* What the page's script will parse, as it stands in the page. */
static char *page_data(const char *page)
{
    const char *start = strstr(page, "id=\"data\">");

    assert_non_null(start);
    start += strlen("id=\"data\">");
    const char *end = strstr(start, "</script>");
    assert_non_null(end);
    return strndup(start, (size_t)(end - start));
}

static const cJSON *cell_of(const cJSON *data, const char *candidate)
{
    const cJSON *cell = NULL;

    cJSON_ArrayForEach(cell, cJSON_GetObjectItem(data, "cells"))
    {
        if (strcmp(cJSON_GetObjectItem(cell, "candidate")->valuestring, candidate) == 0) {
            return cell;
        }
    }
    fail_msg("no cell of %s", candidate);
    return NULL;
}

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

static void test_bad_input_is_one_line(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", "empty file"},
        {"\x7f"
         "ELF\x02\x01",
         "no JSON"},
        {"{\"context\": 1}\n\n x", "line 3"},
        {"[]", "\"context\""},
        {"{\"context\": {}, \"benchmarks\": []}", "\"context.pagelab\""},
        {"{\"context\": {\"pagelab\": {}}}", "\"benchmarks\""},
        {"{\"context\": {\"pagelab\": {}}, \"benchmarks\": [3]}", "benchmarks[0]"},
        {"{\"context\": {\"pagelab\": {}}, \"benchmarks\": [{\"name\": \"a\", \"candidate\": \"b\"}]}",
         "\"workload\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct report_error error = {.line = ""};

        file_write(place->result, cases[i].text);
        assert_null(report_read(place->result, &error));
        if (strstr(error.line, cases[i].expected) == NULL || strstr(error.line, place->result) == NULL ||
            strstr(error.line, "expected") == NULL || strchr(error.line, '\n') != NULL) {
            fail_msg("case %zu: %s", i, error.line);
        }
    }

    struct report_error error = {.line = ""};

    assert_null(report_read("/nowhere/result.json", &error));
    assert_non_null(strstr(error.line, "No such file"));
    assert_null(report_read(place->folder, &error));
    assert_non_null(strstr(error.line, "directory"));
}

static char *printed(const cJSON *result, enum report_format format)
{
    struct report_error error = {.line = ""};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    assert_int_equal(report_print(result, format, false, out, &error), 0);
    fclose(out);
    return text;
}

/* The line of the table that begins with `start`, cut off behind it. */
static void assert_line(const char *text, const char *start, const char *rest)
{
    const char *line = strstr(text, start);

    assert_non_null(line);
    line += strlen(start);
    line += strspn(line, " ");
    if (strncmp(line, rest, strlen(rest)) != 0) {
        fail_msg("expected '%s' behind '%s', got '%.80s'", rest, start, line);
    }
}

static void test_failed_rows_print_no_time(void **state)
{
    (void)state;
    cJSON *result = hostile();
    char *text = printed(result, REPORT_TABLE);

    assert_line(text, "Rods hold: ", "magazine 4.1 ns");
    assert_line(text, "\nnull ", "3.10     1.00");
    assert_line(text, "\n<img src=x onerror=alert(2)> ", "-        -           -         -          -");
    assert_line(text, "\n?[31mred? ", "-        -           -         -          -");
    assert_line(text, "\nslow & steady ", "-        -           -         7       0.81");
    assert_non_null(strstr(text, "slow & steady: reached 0.8125 of the machine"));
    assert_null(strchr(text, '\033'));
    free(text);

    text = printed(result, REPORT_JSON);
    cJSON *rows = cJSON_Parse(text);
    assert_int_equal(cJSON_GetArraySize(rows), 8);
    const cJSON *row = cJSON_GetArrayItem(rows, 3);
    assert_string_equal(cJSON_GetObjectItem(row, "status")->valuestring, "crashed");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(row, "ns_per_op")));
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(cJSON_GetArrayItem(rows, 0), "ns_per_op")));
    cJSON_Delete(rows);
    free(text);
    cJSON_Delete(result);
}

/* The same workload for a system, which counts calls of the candidate, and one of frames, which does not.
 * Expect the column where there is something in it, and nowhere else. */
static void test_calls_stand_where_they_are_counted(void **state)
{
    (void)state;
    cJSON *result = hostile();
    cJSON *rows = cJSON_GetObjectItem(result, "benchmarks");
    cJSON *row = cJSON_Duplicate(cJSON_GetArrayItem(rows, 0), true);
    cJSON_ReplaceItemInObject(row, "workload", cJSON_CreateString("orb"));
    cJSON_ReplaceItemInObject(row, "name", cJSON_CreateString("orb/null"));
    cJSON_ReplaceItemInObject(row, "run_name", cJSON_CreateString("orb/null"));
    cJSON_AddNumberToObject(row, "allocator_calls", 2);
    cJSON_AddItemToArray(rows, row);
    char *text = printed(result, REPORT_TABLE);
    const char *system = strstr(text, "\norb");

    assert_non_null(system);
    assert_non_null(strstr(system, "calls/op"));
    assert_null(strstr(strstr(system, "calls/op") + 1, "calls/op"));
    assert_ptr_equal(strstr(text, "calls/op"), strstr(system, "calls/op"));
    assert_ptr_equal(strstr(strstr(text, "Rods") + 1, "Rods"), NULL);
    free(text);
    cJSON_Delete(result);
}

/* One repetition of three dies, and the file's median does not say so. Expect a cell without a time. */
static void test_one_failed_repetition_fails_the_cell(void **state)
{
    (void)state;
    cJSON *result = hostile();
    cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(result, "benchmarks"), 1);

    assert_string_equal(cJSON_GetObjectItem(row, "candidate")->valuestring, "null");
    cJSON_SetValuestring(cJSON_GetObjectItem(row, "status"), "n/a");
    char *text = printed(result, REPORT_TABLE);
    assert_line(text, "\nnull ", "-        -           -");
    free(text);
    cJSON_Delete(result);
}

/* Void rods. Expect that it is said, and that no ratio is shown though the file has them. */
static void test_void_rods_void_the_ratios(void **state)
{
    struct place *place = *state;
    struct report_error error = {.line = ""};
    cJSON *result = hostile();

    cJSON_ReplaceItemInObject(rods_of(result), "valid", cJSON_CreateFalse());
    char *text = printed(result, REPORT_TABLE);
    assert_line(text, "Rods VOID", ", no ratio in this run counts");
    assert_line(text, "\nnull ", "3.10        -           -");
    free(text);
    assert_int_equal(report_write_html_from(result, place->page, &error), 0);
    char *page = file_text(place->page);
    text = page_data(page);
    assert_null(strstr(text, "ratio_to_floor"));
    free(text);
    free(page);

    cJSON_AddFalseToObject(rods_of(result), "measured");
    text = printed(result, REPORT_TABLE);
    assert_line(text, "Rods not checked", ":");
    assert_line(text, "\nnull ", "3.10     1.00");
    free(text);
    cJSON_Delete(result);
}

/* A cell that has aged beside those that have not. Expect its numbers and pictures in the page, a table of
 * its own for people, and for machines columns at the end, which a file without ageing does not have. */
static void test_ageing_is_shown(void **state)
{
    struct place *place = *state;
    struct report_error error = {.line = ""};
    cJSON *result = hostile();
    char *text = printed(result, REPORT_CSV);
    assert_null(strstr(text, "usable_order_9"));
    free(text);
    text = printed(result, REPORT_TABLE);
    assert_null(strstr(text, "of free memory usable"));
    free(text);

    cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "benchmarks"))
    {
        if (strcmp(cJSON_GetObjectItem(row, "candidate")->valuestring, BREAK) != 0) {
            continue;
        }
        cJSON_AddNumberToObject(row, "usable_order_9", 0.25);
        cJSON_AddNumberToObject(row, "held_old", 0.7);
        cJSON_AddNumberToObject(row, "order_9_exist", 43);
        cJSON_AddNumberToObject(row, "order_9_granted", 40);
        cJSON_AddNumberToObject(row, "order_9_granted_undrained", 12);
        cJSON_AddNumberToObject(row, "requests", 200);
        cJSON *map = cJSON_AddObjectToObject(cJSON_AddObjectToObject(row, "age_maps"), "old");
        cJSON_AddStringToObject(map, "cells", "0009" BREAK);
    }
    text = printed(result, REPORT_TABLE);
    assert_non_null(strstr(text, ": of free memory usable"));
    assert_line(strstr(text, "of free memory usable"), "\n" BREAK " ", "70.0 %    25.0 %");
    assert_non_null(strstr(text, " 40/43 (12) "));
    free(text);
    text = printed(result, REPORT_CSV);
    assert_non_null(strstr(text, ",command,model_of,usable_order_9,"));
    assert_non_null(strstr(text, ",0.25,,,,,0.7,43,40,12,"));
    free(text);
    assert_int_equal(report_write_html_from(result, place->page, &error), 0);
    char *page = file_text(place->page);
    text = page_data(page);
    cJSON *data = cJSON_Parse(text);
    const cJSON *cell = cell_of(data, BREAK);
    assert_true(cJSON_GetObjectItem(cell, "usable_order_9")->valuedouble == 0.25);
    assert_non_null(cJSON_GetObjectItem(cJSON_GetObjectItem(cell, "age_maps"), "old"));
    assert_null(strstr(text, "<"));
    cJSON_Delete(data);
    free(text);
    free(page);
    cJSON_Delete(result);
}

/* A replay split by context beside cells that are not. Expect a table of its own for people, with the numbers
 * in their columns, and none without it; for machines columns at the end. */
static void test_contexts_are_shown(void **state)
{
    (void)state;
    cJSON *result = hostile();
    char *text = printed(result, REPORT_TABLE);
    assert_null(strstr(text, ", by context"));
    free(text);

    cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(result, "benchmarks"))
    {
        if (strcmp(cJSON_GetObjectItem(row, "candidate")->valuestring, BREAK) == 0) {
            cJSON_AddNumberToObject(row, "context_softirq_events", 51);
            cJSON_AddNumberToObject(row, "context_softirq_p50_ns", 62.4);
            cJSON_AddNumberToObject(row, "context_softirq_p99_ns", 73);
        }
    }
    text = printed(result, REPORT_TABLE);
    const char *table = strstr(text, ", by context\n");
    assert_non_null(table);
    assert_line(table, "\n" BREAK " ", "-       -       -              51      62      73                 -");
    free(text);
    text = printed(result, REPORT_CSV);
    assert_non_null(strstr(text, ",context_softirq_events,context_softirq_p50_ns,"));
    free(text);
    cJSON_Delete(result);
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
    setenv("PAGELAB_ROOT", "/nowhere", 1); /* what is stored in the tree is none of most tests' business */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_page_is_self_contained, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_page_keeps_the_data, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_nothing_half_written, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_bad_input_is_one_line, place_make, place_remove),
        cmocka_unit_test(test_failed_rows_print_no_time),
        cmocka_unit_test(test_calls_stand_where_they_are_counted),
        cmocka_unit_test(test_one_failed_repetition_fails_the_cell),
        cmocka_unit_test_setup_teardown(test_void_rods_void_the_ratios, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_ageing_is_shown, place_make, place_remove),
        cmocka_unit_test(test_contexts_are_shown),
        cmocka_unit_test_setup_teardown(test_what_was_not_measured_is_marked, place_make, place_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
