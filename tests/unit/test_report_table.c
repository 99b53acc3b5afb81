/* The table printer: what each format makes of plain cells, of hostile ones, and of what is absent. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include <stdlib.h>
#include <string.h>

#include "report/table.h"

static const struct table_column columns[] = {
    {"name", TABLE_LEFT}, {"ns", TABLE_RIGHT}, {"claims", TABLE_LIST}};

/* The whole output, for the caller to free. */
static char *printed(const struct table *table, enum report_format format, bool colour)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_non_null(out);
    assert_true(table_print(table, format, colour, out));
    fclose(out);
    return text;
}

static void assert_prints(const struct table *table, enum report_format format, const char *expected)
{
    char *text = printed(table, format, false);

    assert_string_equal(text, expected);
    free(text);
}

static struct table *table_of(const char *const *cells)
{
    struct table *table = table_create(columns, 3);

    assert_non_null(table);
    assert_true(table_add_row(table, cells));
    return table;
}

static void test_formats_have_names(void **state)
{
    (void)state;
    enum report_format format = REPORT_TABLE;

    assert_true(report_format_parse("csv", &format));
    assert_int_equal(format, REPORT_CSV);
    assert_false(report_format_parse("xml", &format));
    assert_false(report_format_parse("", &format));
    assert_int_equal(format, REPORT_CSV);
}

/* Two rows, the second with empty cells. Expect words left, numbers right, and no blanks at the end of a
 * line. */
static void test_text_is_aligned(void **state)
{
    (void)state;
    struct table *table = table_of((const char *const[]){"buddy", "4.25", "a,b"});

    assert_true(table_add_row(table, (const char *const[]){"b\xc3\xa4r", "", NULL}));
    assert_true(table_add_row(table, (const char *const[]){"", "1000.5", ""}));
    assert_prints(table, REPORT_TABLE,
                  "name       ns  claims\n"
                  "buddy    4.25  a,b\n"
                  "b\xc3\xa4r\n"
                  "       1000.5\n");
    table_destroy(table);
}

/* Headings and notes between rows. Expect them in the formats for people, and the header once a group. */
static void test_headings_are_for_people(void **state)
{
    (void)state;
    struct table *table = table_create(columns, 3);
    const char *const cells[] = {"x", "1", ""};

    assert_true(table_add_heading(table, "first"));
    assert_true(table_add_row(table, cells));
    assert_true(table_add_note(table, "why"));
    assert_true(table_add_heading(table, "second"));
    assert_true(table_add_row(table, cells));
    assert_prints(table, REPORT_TABLE,
                  "first\nname  ns  claims\nx      1\n  why\n"
                  "\nsecond\nname  ns  claims\nx      1\n");
    assert_prints(table, REPORT_MARKDOWN,
                  "### first\n\n| name | ns | claims |\n|---|--:|---|\n| x | 1 |  |\n\n- why\n"
                  "\n### second\n\n| name | ns | claims |\n|---|--:|---|\n| x | 1 |  |\n");
    assert_prints(table, REPORT_CSV, "name,ns,claims\nx,1,\nx,1,\n");
    table_destroy(table);
}

static void test_empty_table_keeps_its_header(void **state)
{
    (void)state;
    struct table *table = table_create(columns, 3);

    assert_prints(table, REPORT_TABLE, "name  ns  claims\n");
    assert_prints(table, REPORT_CSV, "name,ns,claims\n");
    assert_prints(table, REPORT_JSON, "[]\n");
    table_destroy(table);
}

/* An escape sequence in a name. Expect that it reaches no terminal, coloured or not. */
static void test_control_characters_are_disarmed(void **state)
{
    (void)state;
    struct table *table = table_of((const char *const[]){"a\033[31m\nb\xc2\x9b", "1", ""});

    assert_prints(table, REPORT_TABLE, "name       ns  claims\na?[31m?b?   1\n");
    char *csv = printed(table, REPORT_CSV, false);
    assert_null(strchr(csv, '\033'));
    free(csv);
    table_destroy(table);

    table = table_of((const char *const[]){"a", "1", ""});
    char *coloured = printed(table, REPORT_TABLE, true);
    assert_non_null(strstr(coloured, "\033[1m"));
    free(coloured);
    table_destroy(table);
}

static void test_csv_is_quoted(void **state)
{
    (void)state;
    struct table *table = table_of((const char *const[]){"say \"a,b\"\nc", "-", "a,b"});

    assert_prints(table, REPORT_CSV, "name,ns,claims\n\"say \"\"a,b\"\"\nc\",,\"a,b\"\n");
    table_destroy(table);
}

static void test_markdown_is_escaped(void **state)
{
    (void)state;
    struct table *table = table_of((const char *const[]){"a|b <i>`x`\n[y](z) & *", "1", ""});

    assert_prints(table, REPORT_MARKDOWN,
                  "| name | ns | claims |\n|---|--:|---|\n"
                  "| a\\|b &lt;i&gt;\\`x\\` \\[y\\](z) &amp; \\* | 1 |  |\n");
    table_destroy(table);
}

/* Numbers, what only looks like one, and nothing. Expect numbers, strings and null; words stay words. */
static void test_json_has_types(void **state)
{
    (void)state;
    static const char *const numbers[] = {"4.25", "-3", "1e3", "0x10", "nan", "n/a", "-", ""};
    struct table *table = table_create(columns, 3);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_true(table_add_row(table, (const char *const[]){"007", numbers[i], "irq-safe, split"}));
    }
    char *text = printed(table, REPORT_JSON, false);
    cJSON *rows = cJSON_Parse(text);
    cJSON *row = NULL;
    size_t place = 0;

    assert_int_equal(cJSON_GetArraySize(rows), 8);
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *value = cJSON_GetObjectItem(row, "ns");
        const cJSON *list = cJSON_GetObjectItem(row, "claims");

        assert_string_equal(cJSON_GetObjectItem(row, "name")->valuestring, "007");
        assert_int_equal(cJSON_GetArraySize(list), 2);
        assert_string_equal(cJSON_GetArrayItem(list, 1)->valuestring, "split");
        if (place < 3) {
            assert_true(cJSON_IsNumber(value));
            assert_true(value->valuedouble == strtod(numbers[place], NULL));
        } else if (place < 6) {
            assert_string_equal(value->valuestring, numbers[place]);
        } else {
            assert_true(cJSON_IsNull(value));
        }
        place++;
    }
    cJSON_Delete(rows);
    free(text);
    table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_have_names),
        cmocka_unit_test(test_text_is_aligned),
        cmocka_unit_test(test_headings_are_for_people),
        cmocka_unit_test(test_empty_table_keeps_its_header),
        cmocka_unit_test(test_control_characters_are_disarmed),
        cmocka_unit_test(test_csv_is_quoted),
        cmocka_unit_test(test_markdown_is_escaped),
        cmocka_unit_test(test_json_has_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
