/* The two ways to run: what they print and write, and every refusal. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int calls;

static void nothing(struct lb_state *state, void *user)
{
    (void)user;
    calls++;
    LB_LOOP(state)
    {
        lb_clobber();
    }
}

static int with_two(void **unused)
{
    clear(unused);
    calls = 0;
    lb_iterations(lb_register("first", nothing, NULL), 3);
    lb_iterations(lb_register("second", nothing, NULL), 3);
    return 0;
}

/* An argument vector that ends with NULL, as main gets it. */
static int run_flags(void *argument)
{
    char **argv = argument;
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    return lb_run(&argc, argv);
}

static void standard_flags_are_taken(void **unused)
{
    (void)unused;
    char *argv[] = {"prog", "--benchmark_filter=second", "--benchmark_repetitions=1", NULL};
    struct output output;
    assert_int_equal(captured(run_flags, argv, &output), 0);
    assert_null(argv[1]);
    assert_int_equal(calls, 1);
    assert_non_null(strstr(output.out, "second/iterations:3"));
    assert_null(strstr(output.out, "first"));
}

/* Several runs in one process, in all formats. Expect that each prints a whole result, and its own. */
static void formats_are_honoured_in_every_run(void **unused)
{
    (void)unused;
    char *json_argv[] = {"prog", "--benchmark_filter=all", "--benchmark_format=json", NULL};
    char *csv_argv[] = {"prog", "--benchmark_filter=all", "--benchmark_format=csv", NULL};
    char *console_argv[] = {"prog", "--benchmark_format=console", "--benchmark_color=yes",
                            "--benchmark_counters_tabular", NULL};
    struct output output;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(captured(run_flags, json_argv, &output), 0);
        json_argv[1] = "--benchmark_filter=all";
        json_argv[2] = "--benchmark_format=json";
        cJSON *json = cJSON_Parse(output.out);
        assert_non_null(json);
        cJSON_Delete(json);
    }
    assert_int_equal(captured(run_flags, csv_argv, &output), 0);
    assert_non_null(strstr(output.out, "\"first/iterations:3\","));
    assert_int_equal(captured(run_flags, console_argv, &output), 0);
    assert_non_null(strstr(output.out, "\033["));
}

static void listing_runs_nothing(void **unused)
{
    (void)unused;
    char *on[] = {"prog", "--benchmark_list_tests=true", "--benchmark_filter=all", NULL};
    struct output output;
    assert_int_equal(captured(run_flags, on, &output), 0);
    assert_int_equal(calls, 0);
    assert_string_equal(output.out, "first/iterations:3\nsecond/iterations:3\n");
    char *off[] = {"prog", "--benchmark_list_tests=false", NULL};
    assert_int_equal(captured(run_flags, off, &output), 0);
    assert_int_equal(calls, 2);
}

static void bad_flags_are_refused(void **unused)
{
    (void)unused;
    static const char *const bad[][2] = {
        {"--no_such_flag", "unrecognized command-line flag: --no_such_flag"},
        {"word", "unrecognized command-line flag: word"},
        {"--benchmark_min_time=soon", "unrecognized command-line flag: --benchmark_min_time=soon"},
        {"--benchmark_format=xml", "--benchmark_format=xml, command line, expected console, json or csv"},
        {"--benchmark_out_format=xml",
         "--benchmark_out_format=xml, command line, expected console, json or csv"},
        {"--benchmark_time_unit=h", "--benchmark_time_unit=h, command line, expected ns, us, ms or s"},
        {"--benchmark_out=/nonexistent/x", "--benchmark_out=/nonexistent/x, command line, expected a file"},
        {"--benchmark_filter=third", "no benchmark to run, --benchmark_filter, expected a match"},
        {"--benchmark_filter=(", "no benchmark to run, --benchmark_filter, expected a match"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char flag[64];
        snprintf(flag, sizeof flag, "%s", bad[i][0]);
        char *argv[] = {"prog", flag, NULL};
        struct output output;
        assert_int_equal(captured(run_flags, argv, &output), 2);
        assert_non_null(strstr(output.err, bad[i][1]));
        assert_int_equal(calls, 0);
    }
}

static int run_without_argv(void *unused)
{
    (void)unused;
    return lb_run(NULL, NULL);
}

static void no_argv_is_refused(void **unused)
{
    (void)unused;
    struct output output;
    assert_int_equal(captured(run_without_argv, NULL, &output), 2);
    assert_int_equal(calls, 0);
}

/* Wrong use of a registration call shows on the command line as well. */
static void wrong_use_is_refused(void **unused)
{
    (void)unused;
    char *argv[] = {"prog", NULL};
    struct output output;
    lb_threads(lb_register("wrong", nothing, NULL), 0);
    assert_int_equal(captured(run_flags, argv, &output), 2);
    assert_non_null(strstr(output.err, "lb_threads, benchmark 'wrong'"));
    assert_int_equal(calls, 0);
}

static int run_options(void *options)
{
    return lb_run_json(options);
}

static void bad_options_are_refused(void **unused)
{
    (void)unused;
    struct lb_run_options bad[] = {
        {.json_path = NULL},
        {.json_path = ""},
        {.json_path = "/nonexistent/x"},
        {.json_path = "-", .min_time_s = -1},
        {.json_path = "-", .min_warmup_time_s = -1},
        {.json_path = "-", .repetitions = 1000001},
        {.json_path = "-", .filter = "third", .quiet = true},
        {.json_path = "-", .filter = "(", .quiet = true},
        {.json_path = "-", .reserved = {false, false, false, true}},
    };
    struct output output;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(captured(run_options, &bad[i], &output), 2);
        assert_non_null(strstr(output.err, "libbench: "));
        assert_string_equal(output.out, "");
    }
    assert_int_equal(captured(run_options, NULL, &output), 2);
    assert_int_equal(calls, 0);
}

static void quiet_prints_nothing(void **unused)
{
    (void)unused;
    struct output output;
    struct lb_run_options options = {.json_path = "/dev/null", .quiet = true};
    assert_int_equal(captured(run_options, &options, &output), 0);
    assert_string_equal(output.out, "");
    assert_string_equal(output.err, "");
    assert_int_equal(calls, 2);
}

static void table_goes_to_stdout(void **unused)
{
    (void)unused;
    struct output output;
    struct lb_run_options options = {.json_path = "/dev/null"};
    assert_int_equal(captured(run_options, &options, &output), 0);
    assert_non_null(strstr(output.out, "first/iterations:3"));
    assert_null(strstr(output.out, "\"context\""));
}

static void json_on_stdout_sends_the_table_to_stderr(void **unused)
{
    (void)unused;
    struct output output;
    struct lb_run_options options = {.json_path = "-"};
    assert_int_equal(captured(run_options, &options, &output), 0);
    assert_non_null(strstr(output.err, "first/iterations:3"));
    cJSON *json = cJSON_Parse(output.out);
    assert_non_null(json);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "benchmarks")), 2);
    cJSON_Delete(json);
}

static void a_full_disk_is_reported(void **unused)
{
    (void)unused;
    struct output output;
    struct lb_run_options options = {.json_path = "/dev/full", .quiet = true};
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    fclose(full);
    assert_int_equal(captured(run_options, &options, &output), 2);
    assert_non_null(strstr(output.err, "/dev/full, lb_run_json, expected room for the results"));
}

static void filter_chooses(void **unused)
{
    (void)unused;
    struct run run = run_with((struct lb_run_options){.filter = "^sec", .quiet = true});
    assert_int_equal(run.status, 0);
    assert_int_equal(row_count(&run), 1);
    assert_true(has_row(&run, "second/iterations:3"));
    run_free(&run);
}

static void repetitions_and_aggregates_are_passed_on(void **unused)
{
    (void)unused;
    struct run run = run_with((struct lb_run_options){.repetitions = 5, .quiet = true});
    assert_int_equal(row_count(&run), 2 * (5 + 4));
    run_free(&run);
    run = run_with((struct lb_run_options){.repetitions = 5, .aggregates_only = true, .quiet = true});
    assert_int_equal(row_count(&run), 2 * 4);
    run_free(&run);
    run = run_with((struct lb_run_options){.repetitions = 5, .random_interleaving = true, .quiet = true});
    assert_int_equal(row_count(&run), 2 * (5 + 4));
    run_free(&run);
}

/* Flags of an earlier lb_run, and the environment CTest sets for this program. Expect that neither shows. */
static void no_flag_is_left_over(void **unused)
{
    (void)unused;
    char *argv[] = {"prog", "--benchmark_repetitions=4", "--benchmark_filter=first",
                    "--benchmark_report_aggregates_only=true", NULL};
    struct output output;
    assert_int_equal(captured(run_flags, argv, &output), 0);
    struct run run = run_with((struct lb_run_options){.quiet = true});
    assert_int_equal(row_count(&run), 2);
    run_free(&run);
}

/* A minimum time of next to nothing, and of a millisecond. Expect more iterations in the second run. */
static void min_time_is_passed_on(void **unused)
{
    (void)unused;
    clear(NULL);
    lb_register("searched", nothing, NULL);
    struct run run = run_with((struct lb_run_options){.min_time_s = 1e-9, .quiet = true});
    const double least = number(row(&run, "searched"), "iterations");
    run_free(&run);
    run = run_with((struct lb_run_options){.min_time_s = 1e-3, .quiet = true});
    assert_true(number(row(&run, "searched"), "iterations") > least);
    run_free(&run);
}

static const cJSON *context(const struct run *run, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(run->json, "context"), key);
}

static void anonymous_results_do_not_name_the_machine(void **unused)
{
    (void)unused;
    char *argv[] = {"prog", "--benchmark_filter=all", NULL};
    struct output output;
    assert_int_equal(captured(run_flags, argv, &output), 0);

    struct run named = run_with((struct lb_run_options){.quiet = true});
    assert_non_null(context(&named, "host_name"));
    assert_string_equal(context(&named, "executable")->valuestring, "prog");

    struct run anonymous = run_with((struct lb_run_options){.quiet = true, .anonymous = true});
    assert_int_equal(anonymous.status, 0);
    assert_non_null(anonymous.json);
    assert_null(context(&anonymous, "host_name"));
    assert_null(context(&anonymous, "executable"));

    /* Nothing else is missing. */
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(named.json, "context"))
    {
        const bool tells = strcmp(each->string, "host_name") == 0 || strcmp(each->string, "executable") == 0;
        assert_true(tells || context(&anonymous, each->string) != NULL);
    }
    run_free(&named);
    run_free(&anonymous);
}

static void context_is_added_once(void **unused)
{
    (void)unused;
    assert_true(lb_add_context("backend", "bitmap"));
    assert_true(lb_add_context("note", "two\n    \"host_name\": \"lines\","));
    assert_false(lb_add_context("backend", "buddy"));
    assert_false(lb_add_context("host_name", "me"));
    assert_false(lb_add_context("executable", "me"));
    assert_false(lb_add_context(NULL, "value"));
    assert_false(lb_add_context("key", NULL));
    struct run run = run_with((struct lb_run_options){.quiet = true, .anonymous = true});
    assert_string_equal(context(&run, "backend")->valuestring, "bitmap");
    assert_string_equal(context(&run, "note")->valuestring, "two\n    \"host_name\": \"lines\",");
    assert_null(context(&run, "host_name"));
    run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(standard_flags_are_taken, with_two, clear),
        cmocka_unit_test_setup_teardown(formats_are_honoured_in_every_run, with_two, clear),
        cmocka_unit_test_setup_teardown(listing_runs_nothing, with_two, clear),
        cmocka_unit_test_setup_teardown(bad_flags_are_refused, with_two, clear),
        cmocka_unit_test_setup_teardown(no_argv_is_refused, with_two, clear),
        cmocka_unit_test_setup_teardown(wrong_use_is_refused, with_two, clear),
        cmocka_unit_test_setup_teardown(bad_options_are_refused, with_two, clear),
        cmocka_unit_test_setup_teardown(quiet_prints_nothing, with_two, clear),
        cmocka_unit_test_setup_teardown(table_goes_to_stdout, with_two, clear),
        cmocka_unit_test_setup_teardown(json_on_stdout_sends_the_table_to_stderr, with_two, clear),
        cmocka_unit_test_setup_teardown(a_full_disk_is_reported, with_two, clear),
        cmocka_unit_test_setup_teardown(filter_chooses, with_two, clear),
        cmocka_unit_test_setup_teardown(repetitions_and_aggregates_are_passed_on, with_two, clear),
        cmocka_unit_test_setup_teardown(no_flag_is_left_over, with_two, clear),
        cmocka_unit_test_setup_teardown(min_time_is_passed_on, with_two, clear),
        cmocka_unit_test_setup_teardown(anonymous_results_do_not_name_the_machine, with_two, clear),
        cmocka_unit_test_setup_teardown(context_is_added_once, with_two, clear),
    };
    return cmocka_run_group_tests_name("libbench.run", tests, NULL, NULL);
}
