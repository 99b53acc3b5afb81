/* Campaigns without a fuzzer: what engines print is read with tolerance, and shell scripts stand for the
 * drivers, so that each way a campaign can end is seen within a second or two. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/program.h"
#include "fuzz/campaign.h"
#include "fuzz/campaign_files.h"
#include "fuzz/campaign_parse.h"
#include "tests/unit/campaign_fixture.h"

/* --- what is printed --- */

static void libfuzzer_lines_are_read(void **state)
{
    (void)state;
    struct campaign_counts counts = {0};
    campaign_parse_libfuzzer("#2\tINITED cov: 73 ft: 74 corp: 1/1b exec/s: 0 rss: 34Mb\n", &counts);
    assert_int_equal(counts.executions, 2);
    campaign_parse_libfuzzer("#131072\tpulse  cov: 436 ft: 2592 corp: 621/145Kb lim: 2056 exec/s: 5630\n",
                             &counts);
    assert_int_equal(counts.executions, 131072);
    assert_int_equal(counts.coverage, 436);
    assert_int_equal(counts.corpus, 621);
    assert_true(counts.per_second > 5629 && counts.per_second < 5631);
    campaign_parse_libfuzzer("stat::number_of_executed_units: 140000\n", &counts);
    campaign_parse_libfuzzer("pagelab statistics: executions=100 operations=3200\n", &counts);
    assert_int_equal(counts.executions, 140000);
    assert_int_equal(counts.counted, 100);
    assert_int_equal(counts.operations, 3200);
}

static void noise_changes_nothing(void **state)
{
    (void)state;
    static const char *const noise[] = {"",
                                        "#",
                                        "# cov: ",
                                        "#x cov: y corp: z",
                                        "#-4\tNEW cov: -1 corp: nan/1b exec/s: inf",
                                        "#1e300 cov: 1e300 corp: 1e300 exec/s: 1e300",
                                        "stat::number_of_executed_units:",
                                        "pagelab statistics: executions= operations=-1",
                                        "\xff\xfe\x01\n"};
    struct campaign_counts counts = {.executions = 7, .coverage = 8, .corpus = 9};
    for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++) {
        campaign_parse_libfuzzer(noise[i], &counts);
        campaign_parse_afl_stats(noise[i], &counts);
        campaign_parse_statsd(noise[i], &counts);
    }
    assert_int_equal(counts.executions, 7);
    assert_int_equal(counts.coverage, 8);
    assert_int_equal(counts.corpus, 9);
    assert_int_equal(counts.operations, 0);
}

static void afl_numbers_are_read(void **state)
{
    (void)state;
    struct campaign_counts counts = {0};
    campaign_parse_afl_stats(
        "start_time        : 1\nexecs_done        : 194472\nexecs_per_sec     : 9710.49\n"
        "execs_ps_last_min : 0.00\ncorpus_count      : 330\nedges_found       : 297\n",
        &counts);
    assert_int_equal(counts.executions, 194472);
    assert_int_equal(counts.corpus, 330);
    assert_int_equal(counts.coverage, 297);
    assert_true(counts.per_second > 9710 && counts.per_second < 9711);
    campaign_parse_statsd(
        "fuzzing.cycle_done:0|g\nfuzzing.execs_done:200000|g\nfuzzing.execs_per_sec:8000|g\n"
        "fuzzing.corpus_count:331|g\nfuzzing.edges_found:298|g\n",
        &counts);
    assert_int_equal(counts.executions, 200000);
    assert_int_equal(counts.corpus, 331);
    assert_int_equal(counts.coverage, 298);
}

static void a_finding_is_told_from_a_crash(void **state)
{
    (void)state;
    struct campaign_verdict verdict;
    campaign_parse_verdict("noise\npagelab finding: id=F-1 X-2 backend=buddy target=vm step=4\n"
                           "  operation: cpu0 task    alloc s3 order=0\n  expected:  one\n  actual:    two\n"
                           "==1== ERROR: libFuzzer: deadly signal\nSUMMARY: libFuzzer: deadly signal\n",
                           77, 0, false, &verdict);
    assert_true(verdict.bad);
    assert_string_equal(verdict.ids, "F-1 X-2");
    assert_string_equal(verdict.op, "alloc");
    assert_string_equal(verdict.summary, "one; but: two");
    campaign_parse_verdict("pagelab: a.c:3: assertion failed: x > 0\n", 0, 6, false, &verdict);
    assert_string_equal(verdict.ids, "assert");
    assert_string_equal(verdict.summary, "assertion failed: x > 0");
    campaign_parse_verdict("SUMMARY: AddressSanitizer: heap-buffer-overflow a.c:1 in f\n", 1, 0, false,
                           &verdict);
    assert_string_equal(verdict.ids, "asan");
    campaign_parse_verdict("", 0, 11, false, &verdict);
    assert_string_equal(verdict.ids, "crash");
    campaign_parse_verdict("", 0, 9, true, &verdict);
    assert_string_equal(verdict.ids, "hang");
    campaign_parse_verdict("Running: x\nExecuted x in 0 ms\n", 0, 0, false, &verdict);
    assert_false(verdict.bad);
    campaign_parse_verdict("pagelab finding: id=", 0, 6, false, &verdict);
    assert_true(verdict.bad);
}

/* --- campaigns with scripts for drivers --- */

static void a_missing_driver_is_named(void **state)
{
    (void)state;
    struct place *place = open_place(NULL);
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "pagelab-fuzz-libfuzzer"));
    assert_non_null(strstr(place->result.error, "expected"));
    assert_null(strchr(place->result.error, '\n'));
    close_place(place);
}

static void an_engine_that_misses_the_canary_is_blind(void **state)
{
    (void)state;
    struct place *place = open_place(ALONE WAIT);
    place->options.canary_seconds = 2;
    assert_int_equal(campaign_run(&place->options, &place->result), 1);
    assert_non_null(strstr(place->result.error, "blind"));
    assert_int_equal(place->result.row_count, 1);
    assert_true(place->result.rows[0].canary);
    assert_false(place->result.rows[0].caught);
    assert_int_equal(place->result.rows[0].executions, 1000);
    close_place(place);
}

static void nothing_found_is_0(void **state)
{
    (void)state;
    struct place *place =
        open_place(ALONE "if [ $PAGELAB_BACKEND = canary ]; then " CRASH "fi\nsleep 0.2; exit 0\n");
    place->options.seconds = 1.5;
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    assert_int_equal(place->result.row_count, 2);
    assert_true(place->result.rows[0].caught);
    assert_int_equal(place->result.rows[1].coverage, 12);
    close_place(place);
}

static void a_finding_is_stored_once(void **state)
{
    (void)state;
    struct place *place = open_place(ALONE CRASH);
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.finding_count, 1);
    const struct campaign_finding *finding = &place->result.findings[0];
    assert_string_equal(finding->ids, "F-1 X-2");
    assert_string_equal(finding->op, "alloc");
    assert_true(exists(finding->path));
    assert_true(exists(finding->text_path));
    assert_non_null(strstr(finding->path, "/out/buddy-page-F-1-"));
    assert_non_null(strstr(finding->replay, "./pagelab replay "));
    assert_non_null(strstr(finding->replay, " --backend buddy"));
    assert_true(place->result.rows[1].executions >= 1000);
    close_place(place);
}

static void a_seed_that_fails_is_a_finding(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE "if [ $PAGELAB_BACKEND = canary ]; then " CRASH "fi\n" WAIT);
    assert_true(campaign_path(path, "%s/page", place->dir));
    assert_int_equal(campaign_make_dirs(path), 0);
    assert_true(campaign_path(path, "%s/page/bad.bin", place->dir));
    assert_int_equal(campaign_write(path, "Bad seed", 8), 0);
    assert_true(campaign_path(path, "%s/page/good.bin", place->dir));
    assert_int_equal(campaign_write(path, "good one", 8), 0);
    place->options.seeds_dir = place->dir;
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.finding_count, 1);
    assert_true(campaign_path(path, "%s/corpora/page/seeds/good.bin", place->out));
    assert_true(exists(path));
    assert_true(campaign_path(path, "%s/corpora/page/seeds/bad.bin", place->out));
    assert_false(exists(path));
    close_place(place);
}

/* Two targets of one candidate. Expect: the driver is told of each in turn, the canary is of frames, each
 * target has seeds, edges, a dictionary and a row of its own, one system's seed is one of all's too, and what
 * both find in the same way is one finding. */
static void targets_are_kept_apart(void **state)
{
    (void)state;
    static const enum fuzz_target targets[] = {FUZZ_AREA, FUZZ_ALL};
    static const uint8_t seed[PROGRAM_HEADER_BYTES] = {[5] = OP_FAMILY_AREA};
    char path[CAMPAIGN_PATH_BYTES];
    uint8_t bytes[PROGRAM_HEADER_BYTES] = {0};
    struct place *place = open_place(ALONE "echo $PAGELAB_TARGET >> ${to%/out/*}/told\n" CRASH);
    assert_true(campaign_path(path, "%s/area", place->dir));
    assert_int_equal(campaign_make_dirs(path), 0);
    assert_true(campaign_path(path, "%s/area/one.bin", place->dir));
    assert_int_equal(campaign_write(path, seed, sizeof(seed)), 0);
    place->options.seeds_dir = place->dir;
    place->options.targets = targets;
    place->options.target_count = 2;
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.row_count, 3);
    assert_int_equal(place->result.rows[0].target, FUZZ_PAGE);
    assert_int_equal(place->result.rows[1].target, FUZZ_AREA);
    assert_int_equal(place->result.rows[2].target, FUZZ_ALL);
    assert_int_equal(place->result.finding_count, 1);
    assert_int_equal(place->result.findings[0].target, OP_FAMILY_AREA);
    assert_non_null(strstr(place->result.findings[0].path, "/out/buddy-area-F-1-"));
    assert_true(campaign_path(path, "%s/told", place->dir));
    assert_true(holds(path, "page\narea\n"));
    assert_true(holds(path, "area\nall\n"));
    assert_true(campaign_path(path, "%s/corpora/area/seeds/edges-0000", place->out));
    assert_true(exists(path));
    assert_true(campaign_path(path, "%s/corpora/area/dictionary", place->out));
    assert_true(holds(path, "family area"));
    assert_true(campaign_path(path, "%s/corpora/all/dictionary", place->out));
    assert_true(holds(path, "family all"));
    assert_true(campaign_path(path, "%s/corpora/all/seeds/area-one.bin", place->out));
    assert_int_equal(campaign_read(path, false, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(bytes[5], OP_FAMILY_ALL);
    close_place(place);
}

static volatile sig_atomic_t stop;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

/* Does the process run whose number is in this file? One that is dead but not yet buried does not. */
static bool lives(const char *number_path)
{
    char text[256] = "";
    char path[CAMPAIGN_PATH_BYTES];
    assert_true(campaign_read(number_path, false, text, sizeof(text) - 1) > 0);
    assert_true(campaign_path(path, "/proc/%ld/stat", strtol(text, NULL, 10)));
    for (int tries = 0; tries < 100; tries++) {
        memset(text, 0, sizeof(text));
        const char *state =
            campaign_read(path, false, text, sizeof(text) - 1) == 0 ? NULL : strrchr(text, ')');
        if (state == NULL || strncmp(state, ") Z", 3) == 0)
            return false;
        usleep(10000);
    }
    return true;
}

/* The driver ignores the polite signal, and has a child that left its group. Expect 130 and neither of them
 * alive, though both would sleep on. */
static void an_interrupt_leaves_no_process(void **state)
{
    (void)state;
    char own[CAMPAIGN_PATH_BYTES];
    char child[CAMPAIGN_PATH_BYTES];
    struct place *place =
        open_place(ALONE "if [ $PAGELAB_BACKEND = canary ]; then " CRASH "fi\ntrap '' TERM\n"
                         "here=${to%/out/*}\necho $$ > $here/own\n"
                         "setsid sh -c \"echo \\$\\$ > $here/child; exec sleep 30\" &\n"
                         "while [ ! -s $here/child ]; do sleep 0.05; done\nkill -ALRM $PPID\nsleep 30\n");
    assert_true(campaign_path(own, "%s/own", place->dir));
    assert_true(campaign_path(child, "%s/child", place->dir));
    place->options.stop = &stop;
    place->options.seconds = 20;
    stop = 0;
    signal(SIGALRM, on_alarm);
    alarm(20); /* should the driver not come so far */
    assert_int_equal(campaign_run(&place->options, &place->result), 130);
    alarm(0);
    assert_true(exists(own));
    assert_true(exists(child));
    assert_false(lives(own));
    assert_false(lives(child));
    close_place(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libfuzzer_lines_are_read),
        cmocka_unit_test(noise_changes_nothing),
        cmocka_unit_test(afl_numbers_are_read),
        cmocka_unit_test(a_finding_is_told_from_a_crash),
        cmocka_unit_test(a_missing_driver_is_named),
        cmocka_unit_test(an_engine_that_misses_the_canary_is_blind),
        cmocka_unit_test(nothing_found_is_0),
        cmocka_unit_test(a_finding_is_stored_once),
        cmocka_unit_test(a_seed_that_fails_is_a_finding),
        cmocka_unit_test(targets_are_kept_apart),
        cmocka_unit_test(an_interrupt_leaves_no_process),
    };
    return cmocka_run_group_tests_name("fuzz_campaign", tests, NULL, NULL);
}
