/*
 * The loop on every way through it, and the results a function sets. The checks count; none of them times.
 */
#include "support.h"

#include <stdatomic.h>

struct counts {
    atomic_llong body;
    atomic_int after;
    int64_t batch;
    int64_t target;
    int64_t before_loop;
    int64_t after_loop;
    bool skipped;
};

static struct run run_threads(const char *name, lb_function *fn, void *user, int64_t iterations, int threads)
{
    struct lb_bench *bench = lb_register(name, fn, user);
    lb_iterations(bench, iterations);
    lb_threads(bench, threads);
    return run_all();
}

static const cJSON *only_row(const struct run *run)
{
    assert_int_equal(row_count(run), 1);
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(run->json, "benchmarks"), 0);
}

/* Runs one benchmark and expects that its only row is an error with that message. */
static void expect_error(lb_function *fn, void *user, int threads, const char *message)
{
    struct run run = run_threads("b", fn, user, 100, threads);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(only_row(&run), "error_occurred")));
    assert_string_equal(text(only_row(&run), "error_message"), message);
    run_free(&run);
    lb_clear();
}

static void loop(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    counts->target = lb_iteration_target(state);
    counts->before_loop = lb_iteration_count(state);
    LB_LOOP(state)
    {
        counts->body++;
    }
    counts->after_loop = lb_iteration_count(state);
    counts->after++;
}

static void loop_runs_the_target(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    struct run run = run_threads("loop", loop, &counts, 77, 1);
    assert_int_equal(counts.body, 77);
    assert_int_equal(counts.target, 77);
    assert_int_equal(counts.before_loop, 0);
    assert_int_equal(counts.after_loop, 77);
    assert_int_equal(number(only_row(&run), "iterations"), 77);
    run_free(&run);
}

static void threaded_loop(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    LB_LOOP(state)
    {
        counts->body++;
    }
    counts->after++;
}

static void loop_runs_the_target_on_each_thread(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    struct run run = run_threads("loop", threaded_loop, &counts, 77, 4);
    assert_int_equal(counts.body, 4 * 77);
    assert_int_equal(counts.after, 4);
    run_free(&run);
}

static void continue_in_body(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    LB_LOOP(state)
    {
        counts->body++;
        if (counts->body % 2 == 0) {
            continue;
        }
        lb_clobber();
    }
}

static void continue_goes_on(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    struct run run = run_threads("continue", continue_in_body, &counts, 10, 1);
    assert_int_equal(counts.body, 10);
    run_free(&run);
}

static void skip_before_loop(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    lb_skip(state, "not today");
    counts->skipped = lb_skipped(state);
    LB_LOOP(state)
    {
        counts->body++;
    }
    counts->after_loop = lb_iteration_count(state);
}

static void skip_and_return(struct lb_state *state, void *user)
{
    (void)user;
    lb_skip(state, "not today");
}

static void skip_in_loop(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    LB_LOOP(state)
    {
        if (++counts->body == 3) {
            lb_skip(state, "third");
            break;
        }
    }
    counts->after++;
}

static void skip_after_loop(struct lb_state *state, void *user)
{
    loop(state, user);
    lb_skip(state, "wrong result");
    lb_skip(state, "a second message");
}

static void skip_without_message(struct lb_state *state, void *user)
{
    (void)user;
    lb_skip(state, NULL);
}

static void skip_anywhere_is_an_error(void **unused)
{
    (void)unused;
    struct counts counts = {.after_loop = -1};
    expect_error(skip_before_loop, &counts, 1, "not today");
    assert_int_equal(counts.body, 0);
    assert_int_equal(counts.after_loop, 0);
    assert_true(counts.skipped);
    expect_error(skip_and_return, NULL, 1, "not today");
    expect_error(skip_in_loop, &counts, 1, "third");
    assert_int_equal(counts.body, 3);
    assert_int_equal(counts.after, 1);
    counts.body = 0;
    expect_error(skip_after_loop, &counts, 1, "wrong result");
    assert_int_equal(counts.body, 100);
    expect_error(skip_without_message, NULL, 1, "skipped");
}

static void skip_and_stay(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    LB_LOOP(state)
    {
        if (++counts->body == 3) {
            lb_skip(state, "third");
        }
    }
}

/* No break after lb_skip: the loop cannot know. Expect that all iterations run, and still an error. */
static void skip_without_break_runs_on(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    expect_error(skip_and_stay, &counts, 1, "third");
    assert_int_equal(counts.body, 100);
}

static void leave_early(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    LB_LOOP(state)
    {
        if (++counts->body == 5) {
            break;
        }
    }
    counts->after_loop = lb_iteration_count(state);
}

static void leave_early_paused(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        lb_pause(state);
        return;
    }
}

static void leave_batches_early(struct lb_state *state, void *user)
{
    (void)user;
    while (lb_keep_running_batch(state, 10)) {
        break;
    }
}

/* A mean over iterations that never ran would be a wrong number. Expect an error instead. */
static void leaving_early_is_an_error(void **unused)
{
    (void)unused;
    static const char message[] = "libbench: the loop was left before its last iteration";
    struct counts counts = {.after_loop = -1};
    expect_error(leave_early, &counts, 1, message);
    assert_int_equal(counts.body, 5);
    assert_int_equal(counts.after_loop, 0);
    expect_error(leave_early_paused, NULL, 1, message);
    expect_error(leave_batches_early, NULL, 1, message);
}

static void return_at_once(struct lb_state *state, void *user)
{
    (void)state;
    (void)user;
}

static void loop_twice(struct lb_state *state, void *user)
{
    loop(state, user);
    loop(state, user);
}

static void batch_after_loop(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    loop(state, user);
    while (lb_keep_running_batch(state, 7)) {
        counts->body++;
    }
}

static void loop_within_batch(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    while (lb_keep_running_batch(state, 7)) {
        LB_LOOP(state)
        {
            counts->body++;
        }
    }
}

static void misplaced_loops_are_errors(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    expect_error(return_at_once, NULL, 1, "libbench: the function returned without its loop");
    expect_error(loop_twice, &counts, 1, "libbench: a second loop in one run");
    assert_int_equal(counts.body, 100);
    expect_error(batch_after_loop, &counts, 1, "libbench: a second loop in one run");
    assert_int_equal(counts.body, 200);
    expect_error(loop_within_batch, &counts, 1, "libbench: a second loop in one run");
    assert_int_equal(counts.body, 200);
}

static void hook_with_loop(struct lb_state *state, void *user)
{
    loop(state, user);
}

static void loop_in_setup_is_an_error(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    struct lb_bench *bench = lb_register("hook", threaded_loop, &counts);
    lb_setup(bench, hook_with_loop);
    lb_threads(bench, 2);
    struct run run = run_all();
    assert_int_equal(counts.body, 0);
    assert_string_equal(text(only_row(&run), "error_message"), "libbench: a loop in a setup hook");
    run_free(&run);
}

/* One of the threads takes a way of its own; the others run their loop. */
static lb_function *odd_way;
static int odd_thread;

static void one_odd_thread(struct lb_state *state, void *user)
{
    if (lb_thread_index(state) == odd_thread) {
        odd_way(state, user);
    } else {
        LB_LOOP(state)
        {
            lb_clobber();
        }
    }
}

/*
 * Three threads meet at the start and at the end of the loop; the first or the last of them does not run its
 * own as it should. Expect that none waits for ever, with and without hooks, and that the run is an error.
 */
static void an_odd_thread_holds_up_none(void **unused)
{
    (void)unused;
    static const struct {
        lb_function *way;
        const char *message;
    } ways[] = {
        {skip_before_loop, "not today"},
        {skip_and_return, "not today"},
        {skip_in_loop, "third"},
        {skip_after_loop, "wrong result"},
        {return_at_once, "libbench: the function returned without its loop"},
        {leave_early, "libbench: the loop was left before its last iteration"},
        {leave_early_paused, "libbench: the loop was left before its last iteration"},
        {leave_batches_early, "libbench: the loop was left before its last iteration"},
        {loop_twice, "libbench: a second loop in one run"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (odd_thread = 0; odd_thread < 3; odd_thread += 2) {
            for (int hooked = 0; hooked < 2; hooked++) {
                struct counts counts = {.after = 0};
                odd_way = ways[i].way;
                struct lb_bench *bench = lb_register("odd", one_odd_thread, &counts);
                lb_iterations(bench, 100);
                lb_threads(bench, 3);
                lb_setup(bench, hooked ? return_at_once : NULL);
                struct run run = run_all();
                assert_string_equal(text(only_row(&run), "error_message"), ways[i].message);
                run_free(&run);
                lb_clear();
            }
        }
    }
}

static void batches(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    while (lb_keep_running_batch(state, counts->batch)) {
        counts->body += counts->batch;
        counts->after++;
    }
    counts->after_loop = lb_iteration_count(state);
}

/* The target is a multiple of the batch or not, smaller than it, and one. Expect that what ran counts. */
static void batches_count_what_ran(void **unused)
{
    (void)unused;
    static const int64_t cases[][3] = {/* target, batch, batches */
                                       {1000, 10, 100}, {1000, 7, 143}, {10, 10, 1}, {10, 11, 1},
                                       {11, 10, 2},     {9, 10, 1},     {1, 1, 1},   {1, 64, 1},
                                       {2, 1, 2},       {100, 1, 100}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct counts counts = {.batch = cases[i][1]};
        struct run run = run_threads("batch", batches, &counts, cases[i][0], 1);
        assert_int_equal(counts.after, cases[i][2]);
        assert_int_equal(counts.body, cases[i][1] * cases[i][2]);
        assert_int_equal(counts.after_loop, counts.body);
        assert_int_equal(number(only_row(&run), "iterations"), counts.body);
        run_free(&run);
        lb_clear();
    }
}

static void growing_batches(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    int64_t n = 1;
    while (lb_keep_running_batch(state, n)) {
        counts->body += n;
        n *= 2;
    }
    counts->after_loop = lb_iteration_count(state);
}

static void batches_of_many_sizes_count_what_ran(void **unused)
{
    (void)unused;
    struct counts counts = {.after = 0};
    struct run run = run_threads("batch", growing_batches, &counts, 100, 1);
    assert_int_equal(counts.body, 127);
    assert_int_equal(counts.after_loop, 127);
    assert_int_equal(number(only_row(&run), "iterations"), 127);
    run_free(&run);
}

static void skip_in_batch(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    while (lb_keep_running_batch(state, 10)) {
        counts->body++;
        lb_skip(state, "in a batch");
    }
    counts->after++;
}

static void skip_before_batch(struct lb_state *state, void *user)
{
    lb_skip(state, "before a batch");
    skip_in_batch(state, user);
}

static void empty_batch(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    while (lb_keep_running_batch(state, counts->batch)) {
        counts->body++;
        counts->batch = 0;
    }
    counts->after++;
}

static void batches_end_by_themselves_after_skip(void **unused)
{
    (void)unused;
    struct counts counts = {.batch = 10};
    expect_error(skip_in_batch, &counts, 1, "in a batch");
    assert_int_equal(counts.body, 1);
    expect_error(skip_before_batch, &counts, 1, "before a batch");
    assert_int_equal(counts.body, 1);
    expect_error(empty_batch, &counts, 1, "libbench: a batch of less than one iteration");
    assert_int_equal(counts.body, 2);
    expect_error(empty_batch, &counts, 1, "libbench: a batch of less than one iteration");
    assert_int_equal(counts.body, 2);
    assert_int_equal(counts.after, 4);
}

static void results(struct lb_state *state, void *user)
{
    (void)user;
    LB_LOOP(state)
    {
        lb_clobber();
    }
    lb_counter(state, "plain", 1, LB_COUNTER_PLAIN);
    lb_counter(state, "plain", 6, LB_COUNTER_PLAIN);
    lb_counter(state, "by_threads", 6, LB_COUNTER_AVG_THREADS);
    lb_counter(state, "by_iterations", 50, LB_COUNTER_AVG_ITERATIONS);
    lb_counter(state, "invariant", 3, LB_COUNTER_ITERATION_INVARIANT);
    lb_counter(state, "inverse", 4, LB_COUNTER_INVERT);
    lb_counter(state, "in_1024", 2048, LB_COUNTER_1024);
    lb_counter(state, "rate", 1, LB_COUNTER_RATE);
    lb_bytes(state, 100);
    lb_items(state, 10);
    lb_label(state, "a \"label\"");
}

/* Two threads of 25 iterations. Expect sums over threads, and then what the flags say. */
static void results_are_reported(void **unused)
{
    (void)unused;
    struct run run = run_threads("results", results, NULL, 25, 2);
    const cJSON *only = only_row(&run);
    assert_true(number(only, "plain") == 12);
    assert_true(number(only, "by_threads") == 6);
    assert_true(number(only, "by_iterations") == 2);
    assert_true(number(only, "invariant") == 6 * 50);
    assert_true(number(only, "inverse") == 1.0 / 8);
    assert_true(number(only, "in_1024") == 4096);
    assert_true(number(only, "rate") > 0);
    assert_true(number(only, "bytes_per_second") > 0);
    assert_true(number(only, "items_per_second") > 0);
    assert_string_equal(text(only, "label"), "a \"label\"");
    run_free(&run);
}

static void bad_flag(struct lb_state *state, void *user)
{
    loop(state, user);
    lb_counter(state, "b", 1, 1u << 6);
}

static void no_name(struct lb_state *state, void *user)
{
    loop(state, user);
    lb_counter(state, NULL, 1, LB_COUNTER_PLAIN);
}

static void missing_argument(struct lb_state *state, void *user)
{
    struct counts *counts = user;
    counts->after_loop = lb_arg_value(state, 0);
}

static void wrong_use_in_the_function_is_an_error(void **unused)
{
    (void)unused;
    static const char counter[] = "libbench: a counter without a name, or with a flag that does not exist";
    struct counts counts = {.after_loop = -1};
    expect_error(bad_flag, &counts, 1, counter);
    expect_error(no_name, &counts, 1, counter);
    expect_error(missing_argument, &counts, 1, "libbench: an argument that does not exist");
    assert_int_equal(counts.after_loop, 0);
}

/* Compiles under all warnings for every kind of operand, and leaves the values alone. */
static void do_not_optimize_keeps_values(void **unused)
{
    (void)unused;
    struct {
        int ints[10];
    } large = {{1, 2, 3}};
    const char small = 4;
    double real = 5;
    int *pointer = &large.ints[1];
    lb_do_not_optimize(large);
    lb_do_not_optimize(large.ints);
    lb_do_not_optimize(small);
    lb_do_not_optimize(real);
    lb_do_not_optimize(pointer);
    lb_do_not_optimize(*pointer);
#if defined(__GNUC__)
    lb_do_not_optimize(real * 2);
    lb_do_not_optimize(small + 1);
#endif
    lb_clobber();
    assert_int_equal(large.ints[0] + *pointer + small + (int)real, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loop_runs_the_target, clear, clear),
        cmocka_unit_test_setup_teardown(loop_runs_the_target_on_each_thread, clear, clear),
        cmocka_unit_test_setup_teardown(continue_goes_on, clear, clear),
        cmocka_unit_test_setup_teardown(skip_anywhere_is_an_error, clear, clear),
        cmocka_unit_test_setup_teardown(skip_without_break_runs_on, clear, clear),
        cmocka_unit_test_setup_teardown(leaving_early_is_an_error, clear, clear),
        cmocka_unit_test_setup_teardown(misplaced_loops_are_errors, clear, clear),
        cmocka_unit_test_setup_teardown(loop_in_setup_is_an_error, clear, clear),
        cmocka_unit_test_setup_teardown(an_odd_thread_holds_up_none, clear, clear),
        cmocka_unit_test_setup_teardown(batches_count_what_ran, clear, clear),
        cmocka_unit_test_setup_teardown(batches_of_many_sizes_count_what_ran, clear, clear),
        cmocka_unit_test_setup_teardown(batches_end_by_themselves_after_skip, clear, clear),
        cmocka_unit_test_setup_teardown(results_are_reported, clear, clear),
        cmocka_unit_test_setup_teardown(wrong_use_in_the_function_is_an_error, clear, clear),
        cmocka_unit_test_setup_teardown(do_not_optimize_keeps_values, clear, clear),
    };
    return cmocka_run_group_tests_name("libbench.state", tests, NULL, NULL);
}
