/* The gate between two cost files: what is a growth, what is none, and whose it is. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "report/gate.h"

/* BASE is a row of 100 instructions: 60 of them in f and 40 in g. */
#define ROW(name, status, counts, functions)                                                                 \
    "{\"name\":\"" name "\",\"status\":\"" status "\",\"memory_bytes\":4096,\"operations\":10," counts       \
    ",\"functions\":[" functions "]}"
#define COUNTS(instructions, locked, lines)                                                                  \
    "\"instructions\":" #instructions ",\"locked\":" #locked ",\"cache_lines\":" #lines
#define FUNCTION(name, instructions, lines)                                                                  \
    "{\"name\":\"" name "\",\"instructions\":" #instructions ",\"locked\":1,\"cache_lines\":" #lines "}"
#define FILE_OF(rows)     "{\"context\":{\"pagelab\":{\"compiler\":\"gcc 12\"}},\"cost\":[" rows "]}"
#define BASE              FILE_OF(ROW("c", "ok", COUNTS(100, 1, 8), FUNCTION("f", 60, 5) "," FUNCTION("g", 40, 3)))
#define PLAIN(counts)     FILE_OF(ROW("c", "ok", counts, ""))
#define RANGED(low, high) PLAIN("\"instructions\":" #low ",\"instructions_high\":" #high)

struct outcome {
    int result;
    struct report_gate gate;
    struct report_error error;
    char *text; /* CSV */
};

static struct outcome gate_of(const char *base_text, const char *next_text, double percent)
{
    struct outcome outcome = {.gate = {.percent = percent}};
    size_t bytes = 0;
    FILE *out = open_memstream(&outcome.text, &bytes);
    cJSON *base = cJSON_Parse(base_text);
    cJSON *next = cJSON_Parse(next_text);
    assert_non_null(out);
    assert_non_null(base);
    assert_non_null(next);
    outcome.result = report_gate_print(base, next, "base.json", "new.json", &outcome.gate, REPORT_CSV, false,
                                       out, &outcome.error);
    fclose(out);
    cJSON_Delete(base);
    cJSON_Delete(next);
    return outcome;
}

/* So many failures, and these words in the table. */
static void expect(const char *base, const char *next, double percent, size_t failed, const char *words)
{
    struct outcome outcome = gate_of(base, next, percent);
    assert_int_equal(outcome.result, 0);
    if (outcome.gate.failed != failed || strstr(outcome.text, words) == NULL)
        fail_msg("%zu failures: %s%s", outcome.gate.failed, outcome.text, outcome.gate.first);
    free(outcome.text);
}

static void expect_first(const char *base, const char *next, const char *words)
{
    struct outcome outcome = gate_of(base, next, 1);
    assert_int_equal(outcome.result, 0);
    assert_string_equal(outcome.gate.first, words);
    free(outcome.text);
}

static void expect_mistake(const char *base, const char *next, const char *words)
{
    struct outcome outcome = gate_of(base, next, 1);
    assert_int_equal(outcome.result, -1);
    if (strstr(outcome.error.line, words) == NULL)
        fail_msg("'%s' expected: %s", words, outcome.error.line);
    free(outcome.text);
}

static void test_equal_passes(void **state)
{
    (void)state;
    struct outcome outcome = gate_of(BASE, BASE, 0);
    assert_int_equal(outcome.result, 0);
    assert_int_equal(outcome.gate.failed, 0);
    assert_int_equal(outcome.gate.compared, 1);
    assert_string_equal(outcome.text, "cell,counted,function,before,after,growth_percent,verdict\n");
    free(outcome.text);
}

static void test_growth_names_the_function(void **state)
{
    (void)state;
    const char *grown = FILE_OF(ROW("c", "ok", COUNTS(120, 1, 8),
                                    FUNCTION("f", 65, 5) "," FUNCTION("g", 50, 3) "," FUNCTION("h", 5, 0)));
    expect(BASE, grown, 1, 1, "c,instructions,,100,120,20.0,grew\nc,instructions,g,40,50,25.0,grew\n");
    expect(BASE, grown, 1, 1, "c,instructions,f,60,65,8.3,grew\n");
    expect(BASE, grown, 1, 1, "c,instructions,h,,5,,new\n");
    expect_first(BASE, grown, "c: instructions grew from 100 to 120 an operation, most in g");
    /* The other way round it is better, and no failure. */
    expect(grown, BASE, 1, 0, "c,instructions,,120,100,-16.7,shrank\n");
}

static void test_each_count_is_held(void **state)
{
    (void)state;
    const char *grown = FILE_OF(ROW("c", "ok", COUNTS(100, 2, 9), FUNCTION("f", 60, 6)));
    expect(BASE, grown, 1, 2, "c,locked,,1,2,100.0,grew\n");
    expect(BASE, grown, 1, 2, "c,cache_lines,,8,9,12.5,grew\nc,cache_lines,f,5,6,20.0,grew\n");
    /* From nothing there is no per cent, but it is growth. */
    expect(PLAIN(COUNTS(1, 0, 1)), PLAIN(COUNTS(1, 1, 1)), 1, 1, "c,locked,,0,1,,grew\n");
}

static void test_threshold(void **state)
{
    (void)state;
    const char *one = PLAIN(COUNTS(101, 1, 8));
    expect(BASE, one, 1, 0, "verdict"); /* exactly as much as is let pass */
    expect(BASE, PLAIN(COUNTS(101.0001, 1, 8)), 1, 1, "grew");
    expect(BASE, one, 0, 1, "c,instructions,,100,101,1.0,grew");
    expect(BASE, one, 0.99, 1, "grew");
    /* A hundredth of a lock an operation is the least that counts. */
    expect(PLAIN(COUNTS(9, 0.0005, 1)), PLAIN(COUNTS(9, 0.0104, 1)), 1, 0, "verdict");
    expect(PLAIN(COUNTS(9, 0.0005, 1)), PLAIN(COUNTS(9, 0.0106, 1)), 1, 1, "c,locked");
}

static void test_ranges(void **state)
{
    (void)state;
    expect(RANGED(100, 110), RANGED(109, 150), 1, 0, "verdict"); /* they overlap */
    expect(RANGED(100, 110), RANGED(111, 150), 1, 0, "verdict"); /* apart, but by less than 1 % */
    expect(RANGED(100, 110), RANGED(112, 150), 1, 1, "c,instructions,,110,112,1.8,grew\n");
    expect(RANGED(112, 150), RANGED(100, 110), 1, 0, "c,instructions,,112,110,-1.8,shrank\n");
}

static void test_rows_on_one_side(void **state)
{
    (void)state;
    const char *two = FILE_OF(ROW("c", "ok", COUNTS(100, 1, 8), "") "," ROW("d", "ok", COUNTS(1, 1, 1), ""));
    const char *crashed = FILE_OF(ROW("c", "ok", COUNTS(100, 1, 8),
                                      "") "," ROW("d", "crashed", "\"reason\":\"killed by signal 11\"", ""));
    expect(two, BASE, 1, 1, "d,,,,,,missing\n");
    expect_first(two, BASE, "d: missing in the new file");
    expect(BASE, two, 1, 0, "d,,,,,,new row\n");
    expect(two, crashed, 1, 1, "d,,,,,,crashed\n");
    expect_first(two, crashed, "d: crashed: killed by signal 11");
    expect(crashed, crashed, 1, 0, "verdict"); /* as before */
    /* A count that is no longer made is not one that holds. */
    expect(BASE, PLAIN("\"instructions\":100,\"locked\":1"), 1, 1, "c,cache_lines,,,,,missing\n");
}

static void test_mistakes(void **state)
{
    (void)state;
    expect_mistake("{\"benchmarks\":[]}", BASE, "no cost file, base.json");
    expect_mistake(BASE, "[1,2]", "no cost file, new.json");
    expect_mistake(BASE, "{\"cost\":[{\"status\":\"ok\"}]}", "no cost file, new.json");
    expect_mistake(BASE, FILE_OF(ROW("x", "ok", COUNTS(1, 1, 1), "")), "no row in common");
    expect_mistake(BASE, PLAIN(COUNTS(-100, 1, 8)), "negative instructions, new.json, row c, expected");
    expect_mistake(PLAIN(COUNTS(100, 1, -8)), BASE, "negative cache_lines, base.json, row c, expected");
    expect_mistake(BASE,
                   "{\"cost\":[{\"name\":\"c\",\"status\":\"ok\",\"memory_bytes\":8192,\"operations\":10}]}",
                   "c, memory_bytes 4096 and 8192");
}

/* One row of three passes nothing: who stopped half-way is told so, on either side. */
static void test_interrupted(void **state)
{
    (void)state;
    const char *half = "{\"context\":{\"pagelab\":{\"complete\":false}},\"cost\":[" ROW(
        "c", "ok", COUNTS(100, 1, 8), "") "]}";
    const char *whole = "{\"context\":{\"pagelab\":{\"complete\":true}},\"cost\":[" ROW(
        "c", "ok", COUNTS(100, 1, 8), "") "]}";
    expect_mistake(half, whole, "interrupted, base.json");
    expect_mistake(whole, half, "interrupted, new.json");
    expect(whole, whole, 1, 0, "verdict");
}

/* More functions than are shown: those that grew most, in order. */
static void test_the_most_grown_are_shown(void **state)
{
    (void)state;
    const char *grown =
        FILE_OF(ROW("c", "ok", COUNTS(130, 1, 8),
                    FUNCTION("a", 1, 0) "," FUNCTION("b", 7, 0) "," FUNCTION("c", 2, 0) //
                    "," FUNCTION("d", 6, 0) "," FUNCTION("e", 3, 0) "," FUNCTION("f", 68, 5)));
    expect(BASE, grown, 1, 1,
           "grew\nc,instructions,f,60,68,13.3,grew\nc,instructions,b,,7,,new\nc,instructions,d,,6,,new\n"
           "c,instructions,e,,3,,new\nc,instructions,c,,2,,new\n");
    struct outcome outcome = gate_of(BASE, grown, 1);
    assert_null(strstr(outcome.text, "instructions,a,"));
    free(outcome.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_passes),
        cmocka_unit_test(test_growth_names_the_function),
        cmocka_unit_test(test_each_count_is_held),
        cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_rows_on_one_side),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_the_most_grown_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
