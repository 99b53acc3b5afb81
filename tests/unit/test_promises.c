/* The list of promises is whole: every id of the specification once and in order, with a check, and with
 * files that exist and mention it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/checks/check.h"
#include "tests/unit/unit.h"

/* "F-1", "F-2", "F-3", "F-3a" ... in the order of the specification. */
static void expected_id(unsigned i, char id[16])
{
    static const struct {
        char letter;
        unsigned count;
    } families[] = {{'L', 21}, {'S', 20}, {'B', 24}, {'X', 12}};
    if (i < 30) {
        static const char *const threes[] = {"F-3", "F-3a", "F-3b", "F-3c"};
        if (i >= 2 && i <= 5)
            snprintf(id, 16, "%s", threes[i - 2]);
        else
            snprintf(id, 16, "F-%u", i < 2 ? i + 1 : i - 2);
        return;
    }
    i -= 30;
    for (size_t f = 0; f < PL_COUNT_OF(families); f++) {
        if (i < families[f].count) {
            snprintf(id, 16, "%c-%u", families[f].letter, i + 1);
            return;
        }
        i -= families[f].count;
    }
    id[0] = '\0';
}

static char *read_source(const char *path)
{
    char name[512];
    snprintf(name, sizeof(name), "%s/%s", PL_SOURCE_DIR, path);
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

/* Does the file say the id, as a word? */
static bool mentions(const char *path, const char *id)
{
    char *text = path == NULL ? NULL : read_source(path);
    size_t bytes = strlen(id);
    bool found = false;
    for (const char *at = text; at != NULL && (at = strstr(at, id)) != NULL && !found; at++) {
        char after = at[bytes];
        found = !(after >= '0' && after <= '9') && !(after >= 'a' && after <= 'z');
    }
    free(text);
    return found;
}

static void every_id_is_listed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        char id[16];
        expected_id(i, id);
        const struct promise *promise = check_promise(i);
        if (promise == NULL)
            fail_msg("%s is missing", id);
        assert_string_equal(promise->id, id);
        assert_non_null(promise->words);
        assert_true(promise->run != NULL);
    }
    assert_null(check_promise(CHECK_PROMISE_COUNT));
}

static void every_id_is_tested_and_asserted_where_the_list_says(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        const struct promise *promise = check_promise(i);
        char name[16];
        snprintf(name, sizeof(name), "%s", promise->id);
        for (char *at = name; *at != '\0'; at++)
            *at = *at == '-' ? '_' : *at;
        if (!mentions(promise->tested, promise->id) && !mentions(promise->tested, name))
            fail_msg("%s: %s does not mention it", promise->id, promise->tested);
        if (!mentions(promise->asserted, promise->id))
            fail_msg("%s: %s does not mention it", promise->id, promise->asserted);
    }
}

static void every_promise_has_a_lie_but_for_structures_that_nobody_has(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        const struct promise *promise = check_promise(i);
        if (promise->lie == NULL && promise->structure == NULL)
            fail_msg("%s has no lie", promise->id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_id_is_listed),
        cmocka_unit_test(every_id_is_tested_and_asserted_where_the_list_says),
        cmocka_unit_test(every_promise_has_a_lie_but_for_structures_that_nobody_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
