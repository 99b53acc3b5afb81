/*
 * What is timed and what is not, by a clock of our own: this program's clock_gettime takes the place of the C
 * library's for the shared libraries too, and moves only when a benchmark function moves it. So times are
 * exact, and asserted.
 */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <stdlib.h>
#include <time.h>

/* Visible, whatever the build's default is: the shared libraries must find it. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now);

static int64_t now_ns = 1000000000;
static int clock_reads;

static void pass_ns(int64_t ns)
{
    now_ns += ns;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    clock_reads++;
    now->tv_sec = (time_t)(now_ns / 1000000000);
    now->tv_nsec = (long)(now_ns % 1000000000);
    return 0;
}

/* Runs ten iterations and returns the reported nanoseconds an iteration, of both clocks. */
static struct run run_ten(lb_function *fn)
{
    struct lb_bench *bench = lb_register("timed", fn, NULL);
    lb_iterations(bench, 10);
    clock_reads = 0;
    struct run run = run_all();
    assert_true(clock_reads > 0);
    return run;
}

static void assert_near(double actual, double expected)
{
    if (actual < expected * (1 - 1e-6) || actual > expected * (1 + 1e-6)) {
        fail_msg("%.9g, expected %.9g", actual, expected);
    }
}

static void expect_ns(lb_function *fn, double ns)
{
    struct run run = run_ten(fn);
    assert_near(number(row(&run, "timed/iterations:10"), "real_time"), ns);
    assert_near(number(row(&run, "timed/iterations:10"), "cpu_time"), ns);
    run_free(&run);
    lb_clear();
}

static void plain(struct lb_state *state, void *user)
{
    (void)user;
    pass_ns(5000);
    LB_LOOP(state)
    {
        pass_ns(100);
    }
    pass_ns(7000);
}

static void batched(struct lb_state *state, void *user)
{
    (void)user;
    pass_ns(5000);
    while (lb_keep_running_batch(state, 5)) {
        pass_ns(500);
    }
    pass_ns(7000);
}

static void overshooting(struct lb_state *state, void *user)
{
    (void)user;
    while (lb_keep_running_batch(state, 7)) {
        pass_ns(700);
    }
}

static void only_the_loop_is_timed(void **unused)
{
    (void)unused;
    expect_ns(plain, 100);
    expect_ns(batched, 100);
    expect_ns(overshooting, 100);
}

static void paused(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        pass_ns(60);
        lb_pause(state);
        pass_ns(9000);
        lb_resume(state);
        pass_ns(40);
    }
}

static void paused_in_batch(struct lb_state *state, void *user)
{
    (void)user;
    while (lb_keep_running_batch(state, 10)) {
        lb_pause(state);
        pass_ns(9000);
        lb_resume(state);
        pass_ns(1000);
    }
}

static void pause_takes_time_out(void **unused)
{
    (void)unused;
    expect_ns(paused, 100);
    expect_ns(paused_in_batch, 100);
}

static void paused_twice(struct lb_state *state, void *user)
{
    (void)user;
    lb_pause(state);
    lb_resume(state);
    LB_LOOP(state)
    {
        lb_resume(state);
        pass_ns(100);
        lb_pause(state);
        lb_pause(state);
        pass_ns(9000);
        lb_resume(state);
        lb_resume(state);
    }
    lb_pause(state);
    lb_resume(state);
}

/* Outside the loop, and twice in a row. Expect no effect. */
static void repeated_pause_has_no_effect(void **unused)
{
    (void)unused;
    expect_ns(paused_twice, 100);
}

static void never_resumed(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        lb_resume(state);
        pass_ns(100);
        lb_pause(state);
        pass_ns(9000);
    }
}

/* The loop ends while the timer is paused. Expect the time up to there. */
static void a_loop_may_end_paused(void **unused)
{
    (void)unused;
    expect_ns(never_resumed, 100);
}

static void skip_while_paused(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        lb_pause(state);
        lb_skip(state, "paused");
        lb_resume(state);
        lb_pause(state);
        break;
    }
}

static void skip_while_paused_is_an_error(void **unused)
{
    (void)unused;
    struct run run = run_ten(skip_while_paused);
    assert_string_equal(text(row(&run, "timed/iterations:10"), "error_message"), "paused");
    run_free(&run);
}

static void manual(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        pass_ns(100);
        lb_set_iteration_time(state, 3e-6);
    }
}

static void manual_time_is_what_is_set(void **unused)
{
    (void)unused;
    struct lb_bench *bench = lb_register("manual", manual, NULL);
    lb_iterations(bench, 10);
    lb_use_manual_time(bench);
    struct run run = run_all();
    const cJSON *timed = row(&run, "manual/iterations:10/manual_time");
    assert_near(number(timed, "real_time"), 3000);
    assert_near(number(timed, "cpu_time"), 100);
    run_free(&run);
}

static void rated(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        pass_ns(100);
    }
    lb_bytes(state, lb_iteration_count(state) * 64);
    lb_items(state, lb_iteration_count(state));
    lb_counter(state, "rate", 30, LB_COUNTER_RATE);
    lb_counter(state, "ns", 10, LB_COUNTER_RATE | LB_COUNTER_INVERT);
}

/* Ten iterations of 100 ns are a microsecond. */
static void rates_divide_by_seconds(void **unused)
{
    (void)unused;
    struct run run = run_ten(rated);
    const cJSON *timed = row(&run, "timed/iterations:10");
    assert_near(number(timed, "bytes_per_second"), 64e7);
    assert_near(number(timed, "items_per_second"), 1e7);
    assert_near(number(timed, "rate"), 30e6);
    assert_near(number(timed, "ns"), 1e-7);
    run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_loop_is_timed, clear, clear),
        cmocka_unit_test_setup_teardown(pause_takes_time_out, clear, clear),
        cmocka_unit_test_setup_teardown(repeated_pause_has_no_effect, clear, clear),
        cmocka_unit_test_setup_teardown(a_loop_may_end_paused, clear, clear),
        cmocka_unit_test_setup_teardown(skip_while_paused_is_an_error, clear, clear),
        cmocka_unit_test_setup_teardown(manual_time_is_what_is_set, clear, clear),
        cmocka_unit_test_setup_teardown(rates_divide_by_seconds, clear, clear),
    };
    return cmocka_run_group_tests_name("libbench.time", tests, NULL, NULL);
}
