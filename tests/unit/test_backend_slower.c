/* The planted slow-down: it takes longer by what it is told, and nothing else changes. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "tests/unit/unit.h"

#include <time.h>

#define PAIRS 50 /* so few that some looks are not interrupted */

/* Of this thread: whoever sets the clock or takes the CPU changes nothing. */
static double now_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

/* ns of a pair, the least of several looks. */
static double pair_ns(const char *name)
{
    struct rig rig;
    struct pl_request request = {.order = 0, .node = PL_NODE_ANY};
    double least = 1e18;
    rig_open(&rig, name, 64, 1, ADMISSION_BATCHED);
    for (int look = 0; look < 100; look++) {
        double start = now_ns();
        for (int i = 0; i < PAIRS; i++) {
            struct pl_run run;
            assert_int_equal(admission_alloc(&rig.admission, rig.cpu, &request, &run), PL_OK);
            assert_int_equal(admission_free(&rig.admission, rig.cpu, &run), PL_OK);
        }
        double ns = (now_ns() - start) / PAIRS;
        least = ns < least ? ns : least;
    }
    rig_close(&rig);
    return least;
}

static void test_steps_take_time(void **state)
{
    (void)state;
    double none = pair_ns("slower(steps=0)+buddy");
    double some = pair_ns("slower(steps=20000)+buddy");
    double many = pair_ns("slower(steps=160000)+buddy");
    /* Each waits for the one before, so some are ten times the pair of a sanitizer's build and more, and many
     * are eight times some: a processor that changes its speed in between does not hide it. */
    assert_true(some > 2 * none);
    assert_true(many > 2 * some);
}

static void test_wrong_parameters_are_refused(void **state)
{
    static const char *const wrong[] = {"slower+buddy", "slower(by=15)+buddy", "slower(steps=)+buddy",
                                        "slower(steps=-1)+buddy", "slower(steps=99999999999)+buddy"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        struct spec spec;
        struct spec_error error;
        assert_int_equal(spec_parse(wrong[i], &spec, &error), 0);
        assert_int_equal(instance_check_params(&spec, 1, &error), -1);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_take_time),
        cmocka_unit_test(test_wrong_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
