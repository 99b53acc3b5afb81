/*
 * Every registration call, seen from the function it describes and from the JSON of the run. Functions under
 * test record what they see; the assertions come after the run, because a failed one must not jump out of a
 * run.
 */
#include "support.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* What the benchmark functions of one test saw. Written by thread 0 only, except the atomics. */
struct seen {
    int64_t args[16][2];
    int calls;
    int setups;
    int teardowns;
    int misplaced;
    atomic_int inside;
    atomic_int entered;
    bool is_set_up;
};

static void nothing(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        lb_clobber();
    }
}

static void record_one_arg(struct lb_state *state, void *user)
{
    struct seen *seen = user;
    seen->args[seen->calls++][0] = lb_arg_value(state, 0);
    nothing(state, NULL);
}

static void record_two_args(struct lb_state *state, void *user)
{
    struct seen *seen = user;
    seen->args[seen->calls][1] = lb_arg_value(state, 1);
    record_one_arg(state, user);
}

static void expect_args(const struct seen *seen, int count, const int64_t *expected)
{
    assert_int_equal(seen->calls, count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(seen->args[i][0], expected[i]);
    }
}

static void run_and_drop(void)
{
    struct run run = run_all();
    run_free(&run);
}

static void arg_arrives(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("one", record_one_arg, &seen);
    lb_arg(bench, 8);
    lb_arg(bench, -3);
    lb_iterations(bench, 1);
    struct run run = run_all();
    expect_args(&seen, 2, (const int64_t[]){8, -3});
    assert_true(has_row(&run, "one/8/iterations:1"));
    assert_true(has_row(&run, "one/-3/iterations:1"));
    run_free(&run);
}

static void args_arrive_in_order(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("two", record_two_args, &seen);
    lb_args(bench, 2, (const int64_t[]){1, 2});
    lb_args(bench, 2, (const int64_t[]){INT64_MAX, INT64_MIN});
    lb_iterations(bench, 1);
    run_and_drop();
    expect_args(&seen, 2, (const int64_t[]){1, INT64_MAX});
    assert_int_equal(seen.args[0][1], 2);
    assert_int_equal(seen.args[1][1], INT64_MIN);
}

static void range_has_both_ends_and_the_powers_between(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("range", record_one_arg, &seen);
    lb_range(bench, 2, 100, 4);
    lb_iterations(bench, 1);
    run_and_drop();
    expect_args(&seen, 5, (const int64_t[]){2, 4, 16, 64, 100});
}

/* Two calls with multipliers of their own. Expect that the second does not change what the first added. */
static void range_multiplier_is_of_the_call(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("range", record_one_arg, &seen);
    lb_range(bench, 1, 9, 3);
    lb_range(bench, 1, 4, 2);
    lb_iterations(bench, 1);
    run_and_drop();
    expect_args(&seen, 6, (const int64_t[]){1, 3, 9, 1, 2, 4});
}

static void dense_range_steps(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("dense", record_one_arg, &seen);
    lb_dense_range(bench, -2, 5, 3);
    lb_iterations(bench, 1);
    run_and_drop();
    expect_args(&seen, 3, (const int64_t[]){-2, 1, 4});
}

static void arg_names_show(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("named", record_two_args, &seen);
    lb_arg_names(bench, 2, (const char *const[]){"rows", "columns"});
    lb_args(bench, 2, (const int64_t[]){3, 5});
    lb_iterations(bench, 1);
    struct run run = run_all();
    assert_true(has_row(&run, "named/rows:3/columns:5/iterations:1"));
    run_free(&run);
}

/* Every thread notes its index as a bit. */
static void record_threads(struct lb_state *state, void *user)
{
    atomic_uint *seen = user;
    if (lb_thread_count(state) == 3) {
        atomic_fetch_or(seen, 1u << lb_thread_index(state));
    }
    nothing(state, NULL);
}

static void threads_see_their_index(void **unused)
{
    (void)unused;
    atomic_uint seen = 0;
    struct lb_bench *bench = lb_register("threads", record_threads, &seen);
    lb_threads(bench, 1);
    lb_threads(bench, 3);
    lb_iterations(bench, 5);
    struct run run = run_all();
    assert_int_equal(atomic_load(&seen), 7);
    assert_int_equal(number(row(&run, "threads/iterations:5/threads:1"), "iterations"), 5);
    assert_int_equal(number(row(&run, "threads/iterations:5/threads:3"), "iterations"), 15);
    assert_int_equal(number(row(&run, "threads/iterations:5/threads:3"), "threads"), 3);
    run_free(&run);
}

static void thread_range_doubles(void **unused)
{
    (void)unused;
    struct lb_bench *bench = lb_register("range", nothing, NULL);
    lb_thread_range(bench, 1, 5);
    lb_iterations(bench, 1);
    struct run run = run_all();
    assert_int_equal(row_count(&run), 4);
    assert_true(has_row(&run, "range/iterations:1/threads:1"));
    assert_true(has_row(&run, "range/iterations:1/threads:2"));
    assert_true(has_row(&run, "range/iterations:1/threads:4"));
    assert_true(has_row(&run, "range/iterations:1/threads:5"));
    run_free(&run);
}

static void note_setup(struct lb_state *state, void *user)
{
    struct seen *seen = user;
    seen->setups++;
    seen->misplaced += seen->is_set_up || atomic_load(&seen->inside) != 0 || lb_thread_index(state) != 0;
    seen->is_set_up = true;
}

static void note_teardown(struct lb_state *state, void *user)
{
    struct seen *seen = user;
    seen->teardowns++;
    seen->misplaced += !seen->is_set_up || atomic_load(&seen->inside) != 0 || lb_thread_index(state) != 0;
    seen->is_set_up = false;
}

static void between_hooks(struct lb_state *state, void *user)
{
    struct seen *seen = user;
    atomic_fetch_add(&seen->inside, 1);
    atomic_fetch_add(&seen->entered, 1);
    if (lb_thread_index(state) == 0) {
        seen->calls++;
        seen->misplaced += !seen->is_set_up;
    }
    nothing(state, NULL);
    atomic_fetch_sub(&seen->inside, 1);
}

/*
 * Four threads, several runs. Expect one setup and one teardown a run, the first while no thread is inside
 * the function yet, the second when none is inside any more.
 */
static void hooks_run_once_around_all_threads(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("hooks", between_hooks, &seen);
    lb_setup(bench, note_setup);
    lb_teardown(bench, note_teardown);
    lb_threads(bench, 4);
    lb_repetitions(bench, 10);
    run_and_drop();
    assert_true(seen.calls >= 10);
    assert_int_equal(seen.setups, seen.calls);
    assert_int_equal(seen.teardowns, seen.calls);
    assert_int_equal(atomic_load(&seen.entered), 4 * seen.calls);
    assert_int_equal(seen.misplaced, 0);
}

static void one_hook_alone_is_enough(void **unused)
{
    (void)unused;
    struct seen seen = {.is_set_up = true};
    struct lb_bench *bench = lb_register("teardown", between_hooks, &seen);
    lb_teardown(bench, note_teardown);
    lb_iterations(bench, 1);
    run_and_drop();
    assert_int_equal(seen.calls, 1);
    assert_int_equal(seen.teardowns, 1);
    assert_int_equal(seen.misplaced, 0);
}

static void setup_refuses(struct lb_state *state, void *user)
{
    note_setup(state, user);
    lb_skip(state, "no room");
}

/* setup gives up for three threads. Expect the function on none, teardown all the same, and the message. */
static void skip_in_setup_skips_the_function(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    struct lb_bench *bench = lb_register("refused", between_hooks, &seen);
    lb_setup(bench, setup_refuses);
    lb_teardown(bench, note_teardown);
    lb_threads(bench, 3);
    struct run run = run_all();
    assert_int_equal(atomic_load(&seen.entered), 0);
    assert_true(seen.setups >= 1);
    assert_int_equal(seen.teardowns, seen.setups);
    assert_string_equal(text(row(&run, "refused/threads:3"), "error_message"), "no room");
    run_free(&run);
}

static void count_iterations(struct lb_state *state, void *user)
{
    int64_t *count = user;
    LB_LOOP(state)
    {
        ++*count;
    }
}

static void iterations_are_exact(void **unused)
{
    (void)unused;
    int64_t count = 0;
    lb_iterations(lb_register("exact", count_iterations, &count), 1237);
    struct run run = run_all();
    assert_int_equal(count, 1237);
    assert_int_equal(number(row(&run, "exact/iterations:1237"), "iterations"), 1237);
    run_free(&run);
}

static void repetitions_make_rows_and_aggregates(void **unused)
{
    (void)unused;
    struct lb_bench *bench = lb_register("again", nothing, NULL);
    lb_repetitions(bench, 3);
    lb_iterations(bench, 1);
    struct run run = run_all();
    assert_int_equal(row_count(&run), 3 + 4);
    assert_true(has_row(&run, "again/iterations:1/repeats:3_mean"));
    assert_true(has_row(&run, "again/iterations:1/repeats:3_median"));
    assert_true(has_row(&run, "again/iterations:1/repeats:3_stddev"));
    assert_true(has_row(&run, "again/iterations:1/repeats:3_cv"));
    run_free(&run);
}

static void aggregates_only_drops_the_rows(void **unused)
{
    (void)unused;
    struct lb_bench *bench = lb_register("again", nothing, NULL);
    lb_repetitions(bench, 3);
    lb_iterations(bench, 1);
    lb_aggregates_only(bench);
    struct run run = run_all();
    assert_int_equal(row_count(&run), 4);
    assert_false(has_row(&run, "again/iterations:1/repeats:3"));
    run_free(&run);
}

static void times_show_in_the_name(void **unused)
{
    (void)unused;
    lb_min_time(lb_register("min", nothing, NULL), 0.001);
    lb_min_warmup_time(lb_register("warm", nothing, NULL), 0.001);
    lb_use_real_time(lb_register("real", nothing, NULL));
    lb_process_cpu_time(lb_register("process", nothing, NULL));
    struct run run = run_all();
    assert_true(has_row(&run, "min/min_time:0.001"));
    assert_true(has_row(&run, "warm/min_warmup_time:0.001"));
    assert_true(has_row(&run, "real/real_time"));
    assert_true(has_row(&run, "process/process_time"));
    run_free(&run);
}

static void unit_is_reported(void **unused)
{
    (void)unused;
    static const char *const names[] = {"ns", "us", "ms", "s"};
    for (int unit = LB_NS; unit <= LB_S; unit++) {
        lb_unit(lb_register(names[unit], nothing, NULL), (enum lb_time_unit)unit);
    }
    struct run run = run_all();
    for (int unit = LB_NS; unit <= LB_S; unit++) {
        assert_string_equal(text(row(&run, names[unit]), "time_unit"), names[unit]);
    }
    run_free(&run);
}

static void complex_function(struct lb_state *state, void *user)
{
    (void)user;
    nothing(state, NULL);
    lb_complexity_n(state, lb_arg_value(state, 0));
}

static int cost_calls;

static double cost_of_half(int64_t n)
{
    cost_calls++;
    return (double)n / 2;
}

static void complexity_adds_rows(void **unused)
{
    (void)unused;
    static const char *const expected[] = {"(1)", "N", "N^2", "N^3", "lgN", "NlgN", NULL, "f(N)"};
    char name[32];
    cost_calls = 0;
    for (int order = LB_O_1; order <= LB_O_LAMBDA; order++) {
        snprintf(name, sizeof name, "order%d", order);
        struct lb_bench *bench = lb_register(name, complex_function, NULL);
        lb_range(bench, 8, 512, 8);
        lb_complexity(bench, (enum lb_big_o)order, order == LB_O_LAMBDA ? cost_of_half : NULL);
    }
    struct run run = run_all();
    for (int order = LB_O_1; order <= LB_O_LAMBDA; order++) {
        snprintf(name, sizeof name, "order%d_RMS", order);
        assert_true(has_row(&run, name));
        snprintf(name, sizeof name, "order%d_BigO", order);
        const char *big_o = text(row(&run, name), "big_o");
        if (expected[order] != NULL) {
            assert_string_equal(big_o, expected[order]);
        }
    }
    assert_true(cost_calls > 0);
    run_free(&run);
}

static void clear_forgets_everything(void **unused)
{
    (void)unused;
    struct seen seen = {.calls = 0};
    lb_arg(lb_register("old", record_one_arg, &seen), 1);
    lb_arg(NULL, 1);
    lb_clear();
    lb_iterations(lb_register("new", nothing, NULL), 1);
    struct run run = run_all();
    assert_int_equal(row_count(&run), 1);
    assert_int_equal(seen.calls, 0);
    assert_true(has_row(&run, "new/iterations:1"));
    run_free(&run);
}

/*
 * Wrong use, one case at a time: each makes the run refuse with a line that names the call and the benchmark.
 */

static int run_bad(void *unused)
{
    (void)unused;
    return lb_run_json(&(struct lb_run_options){.json_path = "-", .quiet = true});
}

static void expect_refused(const char *expected)
{
    struct output output;
    assert_int_equal(captured(run_bad, NULL, &output), 2);
    assert_string_equal(output.err, expected);
    assert_string_equal(output.out, "");
    lb_clear();
}

static struct lb_bench *fresh(void)
{
    return lb_register("b", nothing, NULL);
}

#define EXPECT_WRONG(call, line)                                                                             \
    do {                                                                                                     \
        struct lb_bench *b = fresh();                                                                        \
        call;                                                                                                \
        expect_refused("libbench: " line "\n");                                                              \
    } while (0)

static void wrong_arguments_are_refused(void **unused)
{
    (void)unused;
    static const int64_t three[] = {1, 2, 3};
    static const char *const names[] = {"n", NULL};
    EXPECT_WRONG(lb_args(b, 3, NULL), "lb_args, benchmark 'b': the list is null");
    EXPECT_WRONG(lb_args(b, 0, three), "lb_args, benchmark 'b': the list is empty");
    EXPECT_WRONG((lb_arg(b, 1), lb_args(b, 3, three)),
                 "lb_args, benchmark 'b': 3 arguments or names after 1");
    EXPECT_WRONG((lb_args(b, 3, three), lb_arg(b, 1)), "lb_arg, benchmark 'b': 1 arguments or names after 3");
    EXPECT_WRONG((lb_args(b, 3, three), lb_range(b, 1, 2, 2)),
                 "lb_range, benchmark 'b': 1 arguments or names after 3");
    EXPECT_WRONG((lb_args(b, 3, three), lb_dense_range(b, 1, 2, 1)),
                 "lb_dense_range, benchmark 'b': 1 arguments or names after 3");
    EXPECT_WRONG((lb_args(b, 3, three), lb_arg_names(b, 1, names)),
                 "lb_arg_names, benchmark 'b': 1 arguments or names after 3");
    EXPECT_WRONG(lb_arg_names(b, 2, names), "lb_arg_names, benchmark 'b': name 1 is null");
    EXPECT_WRONG(lb_arg_names(b, 2, NULL), "lb_arg_names, benchmark 'b': the list is null");
    EXPECT_WRONG(lb_range(b, 8, 4, 2), "lb_range, benchmark 'b': lo 8 is above hi 4");
    EXPECT_WRONG(lb_range(b, 1, 4, 1), "lb_range, benchmark 'b': the multiplier is 1, expected 2 or more");
    EXPECT_WRONG(lb_dense_range(b, 8, 4, 1), "lb_dense_range, benchmark 'b': lo 8 is above hi 4");
    EXPECT_WRONG(lb_dense_range(b, 1, 4, 0),
                 "lb_dense_range, benchmark 'b': the step is 0, expected 1 or more");
}

static void wrong_settings_are_refused(void **unused)
{
    (void)unused;
    EXPECT_WRONG(lb_threads(b, 0),
                 "lb_threads, benchmark 'b': the number of threads is 0, expected 1 or more");
    EXPECT_WRONG(lb_thread_range(b, 0, 1),
                 "lb_thread_range, benchmark 'b': the number of threads is 0, expected 1 or more");
    EXPECT_WRONG(lb_thread_range(b, 2, 1), "lb_thread_range, benchmark 'b': lo 2 is above hi 1");
    EXPECT_WRONG(lb_iterations(b, 0),
                 "lb_iterations, benchmark 'b': the number of iterations is 0, expected 1 or more");
    EXPECT_WRONG(lb_repetitions(b, 0),
                 "lb_repetitions, benchmark 'b': the number of repetitions is 0, expected 1 or more");
    EXPECT_WRONG(lb_min_time(b, 0),
                 "lb_min_time, benchmark 'b': the time is 0.000000, expected more than 0 seconds");
    EXPECT_WRONG(lb_min_warmup_time(b, -1),
                 "lb_min_warmup_time, benchmark 'b': the time is -1.000000, expected 0 seconds or more");
    EXPECT_WRONG((lb_iterations(b, 1), lb_min_time(b, 1)),
                 "lb_min_time, benchmark 'b': the number of iterations is already set");
    EXPECT_WRONG((lb_iterations(b, 1), lb_min_warmup_time(b, 1)),
                 "lb_min_warmup_time, benchmark 'b': the number of iterations is already set");
    EXPECT_WRONG((lb_min_time(b, 1), lb_iterations(b, 1)),
                 "lb_iterations, benchmark 'b': a minimum time is already set");
    EXPECT_WRONG((lb_use_real_time(b), lb_use_manual_time(b)),
                 "lb_use_manual_time, benchmark 'b': real time is already chosen");
    EXPECT_WRONG((lb_use_manual_time(b), lb_use_real_time(b)),
                 "lb_use_real_time, benchmark 'b': manual time is already chosen");
    EXPECT_WRONG(lb_complexity(b, LB_O_LAMBDA, NULL),
                 "lb_complexity, benchmark 'b': a cost function belongs to LB_O_LAMBDA, and only to it");
    EXPECT_WRONG(lb_complexity(b, LB_O_N, cost_of_half),
                 "lb_complexity, benchmark 'b': a cost function belongs to LB_O_LAMBDA, and only to it");
}

static void a_null_benchmark_is_refused(void **unused)
{
    (void)unused;
    assert_null(lb_register(NULL, nothing, NULL));
    expect_refused("libbench: lb_register: the name or the function is null\n");
    assert_null(lb_register("b", NULL, NULL));
    expect_refused("libbench: lb_register: the name or the function is null\n");
    EXPECT_WRONG((lb_arg(NULL, 1), lb_threads(b, 0)), "lb_arg: the benchmark is null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arg_arrives, clear, clear),
        cmocka_unit_test_setup_teardown(args_arrive_in_order, clear, clear),
        cmocka_unit_test_setup_teardown(range_has_both_ends_and_the_powers_between, clear, clear),
        cmocka_unit_test_setup_teardown(range_multiplier_is_of_the_call, clear, clear),
        cmocka_unit_test_setup_teardown(dense_range_steps, clear, clear),
        cmocka_unit_test_setup_teardown(arg_names_show, clear, clear),
        cmocka_unit_test_setup_teardown(threads_see_their_index, clear, clear),
        cmocka_unit_test_setup_teardown(thread_range_doubles, clear, clear),
        cmocka_unit_test_setup_teardown(hooks_run_once_around_all_threads, clear, clear),
        cmocka_unit_test_setup_teardown(one_hook_alone_is_enough, clear, clear),
        cmocka_unit_test_setup_teardown(skip_in_setup_skips_the_function, clear, clear),
        cmocka_unit_test_setup_teardown(iterations_are_exact, clear, clear),
        cmocka_unit_test_setup_teardown(repetitions_make_rows_and_aggregates, clear, clear),
        cmocka_unit_test_setup_teardown(aggregates_only_drops_the_rows, clear, clear),
        cmocka_unit_test_setup_teardown(times_show_in_the_name, clear, clear),
        cmocka_unit_test_setup_teardown(unit_is_reported, clear, clear),
        cmocka_unit_test_setup_teardown(complexity_adds_rows, clear, clear),
        cmocka_unit_test_setup_teardown(clear_forgets_everything, clear, clear),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_refused, clear, clear),
        cmocka_unit_test_setup_teardown(wrong_settings_are_refused, clear, clear),
        cmocka_unit_test_setup_teardown(a_null_benchmark_is_refused, clear, clear),
    };
    return cmocka_run_group_tests_name("libbench.register", tests, NULL, NULL);
}
