/* A promise not to allocate that is broken on purpose: the row of `nosleep` has to see it. */
#include "tests/unit/unit.h"

#include <string.h>

#include "engine/nosleep/nosleep.h"

extern const char *lie_told; /* of the lying systems */

/* SBP-2 told to replace the fixed table in each call (S-11), and not.
 * Expect the calls of the allocator counted, X-5 refuted, and nothing of it otherwise. */
static void test_an_orb_that_allocates(void **state)
{
    (void)state;
    struct spec spec;
    struct spec_error error;
    struct nosleep_row row;
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    lie_told = "S-11";
    assert_int_equal(nosleep_run(&spec, NOSLEEP_ORB, 60, NULL, &row), 0);
    assert_int_equal(row.verdict, NOSLEEP_ALLOCATES);
    assert_true(row.refuted);
    assert_true(row.allocator_calls >= row.calls);
    assert_non_null(strstr(row.words, "allocates: "));
    lie_told = NULL;
    assert_int_equal(nosleep_run(&spec, NOSLEEP_ORB, 60, NULL, &row), 0);
    assert_int_equal(row.allocator_calls, 0);
    assert_false(row.refuted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_an_orb_that_allocates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
