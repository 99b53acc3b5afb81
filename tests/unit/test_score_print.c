/* A score as JSON: a survivor's reason is where on the way to a report it stopped; what was not tried is
 * null. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "cli/score_print.h"

#define ROWS 4

static cJSON *printed(const struct score_row *rows)
{
    char text[8192] = "";
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(score_print_json(rows, ROWS, out), 0);
    assert_int_equal(fseek(out, 0, SEEK_SET), 0);
    assert_true(fread(text, 1, sizeof(text) - 1, out) > 0);
    fclose(out);
    cJSON *array = cJSON_Parse(text);
    assert_int_equal(cJSON_GetArraySize(array), ROWS);
    return array;
}

static void test_survivor_has_its_reason(void **state)
{
    static const struct mutant mutant = {.name = "m", .backend = "buddy", .target = "page"};
    static const char *const reasons[ROWS] = {NULL, "its code was never reached",
                                              "its code ran, and behaved as the unaltered code does",
                                              "it did harm, and no oracle or sanitizer saw it"};
    struct score_row rows[ROWS] = {0};
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        rows[i].mutant = &mutant;
        rows[i].ways[SCORE_TARGET] = (struct score_result){
            .known = true, .reached = i != 1, .triggered = i == 0 || i == 3, .detected = i == 0, .by = "F-2"};
    }
    cJSON *array = printed(rows);
    for (int i = 0; i < ROWS; i++) {
        const cJSON *row = cJSON_GetArrayItem(array, i);
        const cJSON *reason = cJSON_GetObjectItemCaseSensitive(row, "reason");
        assert_non_null(reason);
        assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(row, "plain")));
        if (reasons[i] == NULL)
            assert_true(cJSON_IsNull(reason));
        else
            assert_string_equal(cJSON_GetStringValue(reason), reasons[i]);
    }
    cJSON_Delete(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_survivor_has_its_reason)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
