/* The printed result, and what the page's data has of it; test_report_page.c has the page as a file. */
#define _POSIX_C_SOURCE 200809L

#include "tests/unit/report_fixture.h"

#include <signal.h>

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
    assert_int_equal(report_write_html_from(result, place->page, &nowhere, &error), 0);
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
    assert_int_equal(report_write_html_from(result, place->page, &nowhere, &error), 0);
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

/* Ten thousand cells of one group: most say one thing, every third another, the last a third. Expect a note
 * for each in the order of the first who says it, and three names. */
static void test_notes_of_many_cells(void **state)
{
    enum { CELLS = 10000 };
    (void)state;
    cJSON *result = hostile();
    cJSON *rows = cJSON_CreateArray();
    for (int i = 0; i < CELLS; i++) {
        char name[32];
        cJSON *row = cJSON_CreateObject();
        snprintf(name, sizeof name, "c%05d", i);
        cJSON_AddStringToObject(row, "name", name);
        cJSON_AddStringToObject(row, "candidate", name);
        cJSON_AddStringToObject(row, "workload", "repeat");
        cJSON_AddStringToObject(row, "status", "n/a");
        cJSON_AddStringToObject(row, "reason", i == CELLS - 1 ? "last" : i % 3 == 1 ? "second" : "first");
        cJSON_AddItemToArray(rows, row);
    }
    cJSON_ReplaceItemInObject(result, "benchmarks", rows);

    char *text = printed(result, REPORT_TABLE);
    const char *notes = strstr(text, "\n  c00000, c00002, c00003 and 6663 more: first\n"
                                     "  c00001, c00004, c00007 and 3330 more: second\n"
                                     "  c09999: last\n");
    assert_non_null(notes);
    free(text);
    cJSON_Delete(result);
}

/* Of two streams that take nothing, a pipe that nobody reads is no error. */
static void test_a_reader_may_leave(void **state)
{
    (void)state;
    cJSON *result = hostile();
    struct report_error error = {.line = ""};
    int ends[2];

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    FILE *unread = fdopen(ends[1], "w");
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(unread);
    assert_non_null(full);
    setvbuf(unread, NULL, _IONBF, 0);
    setvbuf(full, NULL, _IONBF, 0);
    for (int format = REPORT_TABLE; format <= REPORT_CSV; format++) {
        assert_int_equal(report_print(result, (enum report_format)format, false, unread, &error), 0);
        assert_int_equal(report_print(result, (enum report_format)format, false, full, &error), -1);
        assert_non_null(strstr(error.line, "cannot print, the output, expected one that takes it"));
    }
    assert_true(ferror(unread));
    fclose(unread);
    fclose(full);
    cJSON_Delete(result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bad_input_is_one_line, place_make, place_remove),
        cmocka_unit_test(test_failed_rows_print_no_time),
        cmocka_unit_test(test_calls_stand_where_they_are_counted),
        cmocka_unit_test(test_one_failed_repetition_fails_the_cell),
        cmocka_unit_test_setup_teardown(test_void_rods_void_the_ratios, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_ageing_is_shown, place_make, place_remove),
        cmocka_unit_test(test_contexts_are_shown),
        cmocka_unit_test(test_notes_of_many_cells),
        cmocka_unit_test(test_a_reader_may_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
