/* The score without a fuzzer: shell scripts stand for the drivers, so that each way a run can end is seen at
 * once; and what is made of several runs. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fuzz/campaign_files.h"
#include "fuzz/score_internal.h"

#define DRIVER "pagelab-fuzz-mutants"

/* The record of a mutant that was reached and triggered, as its driver writes it. */
#define BOTH     "printf '\\1\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0\\0' >\"$PAGELAB_MUTANT_RECORD\"\n"
#define REACHED  "printf '\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >\"$PAGELAB_MUTANT_RECORD\"\n"
#define COUNTED  "echo x >>\"${0%/*}/starts\"\n"
#define FINDING  "echo 'pagelab finding: id=F-2 backend=b' >&2\n"
#define NUMBERED "echo 'stat::number_of_executed_units: 700' >&2\n"

static const struct mutant quick = {"test-quick", MUTANT_SEQUENCE, "buddy", "page", "F-2", NULL, "a test's"};
static const struct mutant racy = {"test-racy", MUTANT_RACE, "buddy", "page", "F-2", NULL, "a test's"};

struct rig {
    char dir[64];
    char out[96];
    const struct mutant *mutants[2];
    struct score_options options;
    struct score_row rows[2];
    char error[400];
};

static void write_driver(const struct rig *rig, const char *name, const char *script)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", rig->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static int make_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    snprintf(rig->dir, sizeof(rig->dir), "/tmp/pagelab-score-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->out, sizeof(rig->out), "%s/out", rig->dir);
    rig->mutants[0] = &quick;
    rig->mutants[1] = &racy;
    rig->options = (struct score_options){.mutants = rig->mutants,
                                          .mutant_count = 1,
                                          .seeds = 3,
                                          .seconds = 5,
                                          .jobs = 2,
                                          .bin_dir = rig->dir,
                                          .out_dir = rig->out};
    *state = rig;
    return 0;
}

static int drop_rig(void **state)
{
    struct rig *rig = *state;
    campaign_remove_tree(rig->dir);
    free(rig);
    return 0;
}

static int run(struct rig *rig)
{
    return score_run(&rig->options, rig->rows, rig->error, sizeof(rig->error));
}

static unsigned starts_of(const struct rig *rig)
{
    char path[160];
    unsigned count = 0;
    snprintf(path, sizeof(path), "%s/starts", rig->dir);
    FILE *file = fopen(path, "r");
    for (int c; file != NULL && (c = getc(file)) != EOF;)
        count += c == '\n';
    if (file != NULL)
        fclose(file);
    return count;
}

/* --- several runs --- */

static void facts_go_by_majority_and_numbers_by_median(void **state)
{
    (void)state;
    const struct score_result results[] = {
        {true, true, true, true, 100, 0.5, "F-2"},
        {true, true, true, true, 900, 9.0, "F-1"},
        {true, true, false, false, 5000, 30.0, ""},
        {true, true, false, true, 200, 0.6, "F-1"},
    };
    struct score_result summary;
    score_summarise(results, 3, &summary);
    assert_true(summary.known && summary.reached && summary.triggered && summary.detected);
    assert_true(summary.executions > 899 && summary.executions < 901);
    assert_true(summary.seconds > 8.9 && summary.seconds < 9.1);
    score_summarise(results, 4, &summary);
    assert_false(summary.triggered); /* two of four are no majority */
    assert_true(summary.detected);
    assert_true(summary.executions > 549 && summary.executions < 551);
    assert_string_equal(summary.by, "F-1");
    score_summarise(results, 0, &summary);
    assert_false(summary.known);
}

/* --- runs --- */

static void a_finding_is_detected_and_named(void **state)
{
    struct rig *rig = *state;
    write_driver(rig, DRIVER, BOTH FINDING NUMBERED "exit 77\n");
    assert_int_equal(run(rig), 0);
    const struct score_result *result = &rig->rows[0].ways[SCORE_TARGET];
    assert_true(result->reached && result->triggered && result->detected);
    assert_string_equal(result->by, "F-2");
    assert_true(result->executions > 699 && result->executions < 701);
    assert_false(rig->rows[0].ways[SCORE_THREADS].known);
}

/* A driver that ends well and never asked for its mutant; one that asked and did nothing. */
static void what_never_ran_is_not_reached(void **state)
{
    struct rig *rig = *state;
    rig->options.seeds = 1;
    write_driver(rig, DRIVER, "exit 0\n");
    assert_int_equal(run(rig), 0);
    assert_true(rig->rows[0].ways[SCORE_TARGET].known);
    assert_false(rig->rows[0].ways[SCORE_TARGET].reached);
    assert_false(rig->rows[0].ways[SCORE_TARGET].detected);
    write_driver(rig, DRIVER, REACHED "exit 0 # another program\n");
    assert_int_equal(run(rig), 0);
    assert_true(rig->rows[0].ways[SCORE_TARGET].reached);
    assert_false(rig->rows[0].ways[SCORE_TARGET].triggered);
}

/* It spins: its seconds of a core end it, and that is no detection. */
static void a_run_ends_when_its_seconds_are_used(void **state)
{
    struct rig *rig = *state;
    rig->options.seeds = 1;
    rig->options.seconds = 0.3;
    write_driver(rig, DRIVER, BOTH "while :; do :; done\n");
    assert_int_equal(run(rig), 0);
    const struct score_result *result = &rig->rows[0].ways[SCORE_TARGET];
    assert_true(result->triggered);
    assert_false(result->detected);
    assert_true(result->seconds > 0 && result->seconds < 3);
}

static void what_is_known_is_not_run_again(void **state)
{
    struct rig *rig = *state;
    write_driver(rig, DRIVER, COUNTED BOTH FINDING "exit 77\n");
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 3);
    memset(rig->rows, 0, sizeof(rig->rows));
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 3);
    assert_true(rig->rows[0].ways[SCORE_TARGET].detected);
    assert_string_equal(rig->rows[0].ways[SCORE_TARGET].by, "F-2");
    rig->options.seeds = 5; /* two more */
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 5);
    rig->options.seconds = 6; /* another question */
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 10);
}

static void a_damaged_result_is_run_again(void **state)
{
    struct rig *rig = *state;
    char path[160];
    write_driver(rig, DRIVER, COUNTED FINDING "exit 77\n");
    assert_int_equal(run(rig), 0);
    snprintf(path, sizeof(path), "%s/runs/test-quick.target.2", rig->out);
    assert_int_equal(truncate(path, 20), 0);
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 4);
    assert_true(rig->rows[0].ways[SCORE_TARGET].detected);
}

static void races_are_also_run_among_threads(void **state)
{
    struct rig *rig = *state;
    rig->options.mutant_count = 2;
    rig->options.threads = true;
    rig->options.seeds = 1;
    write_driver(rig, DRIVER, FINDING "exit 77\n");
    write_driver(rig, "pagelab-stress-mutants",
                 "echo 'SUMMARY: ThreadSanitizer: data race in f' >&2\nexit 66\n");
    assert_int_equal(run(rig), 0);
    assert_false(rig->rows[0].ways[SCORE_THREADS].known);
    assert_true(rig->rows[1].ways[SCORE_THREADS].detected);
    assert_string_equal(rig->rows[1].ways[SCORE_THREADS].by, "tsan");
}

/* The driver's only argument is its seed. */
static void threads_speak_by_majority_too(void **state)
{
    struct rig *rig = *state;
    rig->mutants[0] = &racy;
    rig->options.threads = true;
    write_driver(rig, DRIVER, FINDING "exit 77\n");
    write_driver(rig, "pagelab-stress-mutants",
                 "[ \"$1\" = 2 ] || exit 0\necho 'SUMMARY: ThreadSanitizer: data race in f' >&2\nexit 66\n");
    assert_int_equal(run(rig), 0);
    assert_true(rig->rows[0].ways[SCORE_THREADS].known);
    assert_false(rig->rows[0].ways[SCORE_THREADS].detected);
    write_driver(
        rig, "pagelab-stress-mutants",
        "[ \"$1\" = 2 ] && exit 0\necho 'SUMMARY: ThreadSanitizer: data race in f' >&2\nexit 66 # two\n");
    assert_int_equal(run(rig), 0);
    assert_true(rig->rows[0].ways[SCORE_THREADS].detected);
    assert_string_equal(rig->rows[0].ways[SCORE_THREADS].by, "tsan");
}

/* Equal pairs of target and candidate are one control, among threads if one of them is a race; a driver finds
 * no mutant's name, and one report of three is not outvoted. */
static void a_control_runs_with_no_mutant(void **state)
{
    struct rig *rig = *state;
    struct score_control controls[2];
    assert_int_equal(score_controls(rig->mutants, 2, controls), 1);
    assert_int_equal(controls[0].mutant.kind, MUTANT_RACE);
    rig->mutants[0] = &controls[0].mutant;
    rig->options.control = true;
    rig->options.threads = true;
    write_driver(rig, DRIVER,
                 "[ -n \"${PAGELAB_MUTANT-unset}\" ] && exit 77\n" NUMBERED
                 "[ \"${2#-seed=}\" = 2 ] || exit 0\n" FINDING "exit 77\n");
    write_driver(rig, "pagelab-stress-mutants", "exit 0\n");
    assert_int_equal(run(rig), 0);
    assert_int_equal(rig->rows[0].reports[SCORE_TARGET], 1);
    assert_int_equal(rig->rows[0].reports[SCORE_THREADS], 0);
    assert_true(rig->rows[0].ways[SCORE_THREADS].known);
    assert_true(rig->rows[0].executions[SCORE_TARGET] > 2099 && rig->rows[0].executions[SCORE_TARGET] < 2101);
}

/* 10 a target; of one pair all of them, in runs of at most 4 by these drivers. Nothing that is known is run
 * again, and a pair that spoke needs no more. */
static void a_control_goes_on_until_its_executions_are_had(void **state)
{
    struct rig *rig = *state;
    struct score_control controls[1];
    assert_int_equal(score_controls(rig->mutants, 1, controls), 1);
    rig->mutants[0] = &controls[0].mutant;
    rig->options.control = true;
    rig->options.jobs = 1;
    rig->options.seeds = 1;
    rig->options.executions = 10;
    write_driver(rig, DRIVER,
                 COUNTED "for word; do case $word in -runs=*) n=${word#*=};; esac; done\n"
                         "[ $n -le 4 ] || n=4\necho \"stat::number_of_executed_units: $n\" >&2\n");
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 3);
    assert_int_equal((int)rig->rows[0].executions[SCORE_TARGET], 10);
    assert_true(score_controls_complete(&rig->options, rig->rows));
    rig->options.executions = 11;
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 4);
    write_driver(rig, DRIVER, COUNTED NUMBERED FINDING "exit 77\n");
    rig->options.executions = 5000;
    assert_int_equal(run(rig), 0);
    assert_int_equal(rig->rows[0].reports[SCORE_TARGET], 1);
    assert_false(score_controls_complete(&rig->options, rig->rows));
    write_driver(rig, DRIVER, "exit 0\n");
    rig->options.executions = 9000;
    assert_int_equal(run(rig), 2); /* for ever, else */
    assert_non_null(strstr(rig->error, "nothing was executed"));
}

/* Pairs of one target share its executions; each has a tenth of them at least, so twelve have more together.
 */
static void pairs_share_a_targets_executions(void **state)
{
    const struct mutant *many[12];
    const struct mutant other = {"test-other", MUTANT_SEQUENCE, "buddy", "vm", "F-2", NULL, "a test's"};
    struct score_options options = {.mutants = many, .executions = 1000};
    (void)state;
    for (unsigned i = 0; i < 12; i++)
        many[i] = &quick;
    many[4] = &other;
    options.mutant_count = 5;
    assert_int_equal((int)score_control_goal(&options, &quick), 250);
    assert_int_equal((int)score_control_goal(&options, &other), 1000);
    options.mutant_count = 12;
    assert_int_equal((int)score_control_goal(&options, &quick), 100);
}

/* A driver gets a list of copies, and no folder that it could write to. */
static void runs_start_from_copies_of_the_seeds(void **state)
{
    struct rig *rig = *state;
    char path[160];
    snprintf(path, sizeof(path), "%s/stored/page", rig->dir);
    assert_int_equal(campaign_make_dirs(path), 0);
    snprintf(path, sizeof(path), "%s/stored/page/mine.bin", rig->dir);
    assert_int_equal(campaign_write(path, "\0\0\0\0\0\0\0\0", 8), 0);
    snprintf(path, sizeof(path), "%s/stored", rig->dir);
    rig->options.seeds = 1;
    write_driver(rig, DRIVER,
                 "for word; do\n"
                 "    [ -d \"$word\" ] && exit 0\n"
                 "    case $word in -seed_inputs=@*) list=${word#*@};; esac\n"
                 "done\n"
                 "[ -n \"$list\" ] || exit 0\n"
                 "case $(cat \"$list\") in\n"
                 "*out/seeds/page/mine.bin*) " COUNTED "esac\n"
                 "IFS=,; for seed in $(cat \"$list\"); do [ -s \"$seed\" ] || exit 0; done\n" FINDING
                 "exit 77\n");
    assert_int_equal(run(rig), 0);
    assert_false(rig->rows[0].ways[SCORE_TARGET].detected);
    assert_int_equal(starts_of(rig), 0);
    rig->options.seeds_dir = path;
    assert_int_equal(run(rig), 0); /* another question, so it is run again */
    assert_true(rig->rows[0].ways[SCORE_TARGET].detected);
    assert_int_equal(starts_of(rig), 1);
    rig->options.seeds_dir = "/proc/nowhere";
    assert_int_equal(run(rig), 2);
    assert_non_null(strstr(rig->error, "/proc/nowhere: a folder of seeds"));
}

/* One seed, after all of ours, and the time that they needed, but at least SCORE_PLAIN_S: it says so itself.
 */
static void the_plain_target_gets_the_time_that_ours_needed(void **state)
{
    struct rig *rig = *state;
    char path[160];
    char text[200] = "";
    rig->options.plain = true;
    write_driver(rig, DRIVER, COUNTED FINDING "exit 77\n");
    write_driver(rig, "pagelab-plain-mutants",
                 "[ $(wc -l <\"${0%/*}/starts\") = 3 ] || exit 0\n" COUNTED BOTH
                 "echo '== ERROR: libFuzzer: deadly signal' >&2\nexit 77\n");
    assert_int_equal(run(rig), 0);
    assert_int_equal(starts_of(rig), 4);
    assert_true(rig->rows[0].ways[SCORE_PLAIN].detected);
    snprintf(path, sizeof(path), "%s/runs/test-quick.plain.1", rig->out);
    assert_true(campaign_read(path, false, text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "limit=5 "));
    assert_int_equal(run(rig), 0); /* known by now */
    assert_int_equal(starts_of(rig), 4);
}

static void an_end_that_was_asked_for_keeps_what_is_known(void **state)
{
    static volatile sig_atomic_t stop = 1;
    struct rig *rig = *state;
    write_driver(rig, DRIVER, COUNTED "sleep 30\n");
    rig->options.stop = &stop;
    assert_int_equal(run(rig), 130);
    assert_false(rig->rows[0].ways[SCORE_TARGET].known);
    assert_int_not_equal(access(rig->out, F_OK), -1);
}

/* A lock of flock() is an open file's, so one process can stand for two. */
static void two_scores_do_not_share_a_folder(void **state)
{
    struct rig *rig = *state;
    char path[160];
    write_driver(rig, DRIVER, FINDING "exit 77\n");
    assert_int_equal(run(rig), 0);
    snprintf(path, sizeof(path), "%s/lock", rig->out);
    int other = open(path, O_RDWR | O_CLOEXEC);
    assert_true(other >= 0);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(run(rig), 2);
    assert_non_null(strstr(rig->error, "another score works here"));
    close(other);
    assert_int_equal(run(rig), 0);
}

static void mistakes_are_the_callers(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(run(rig), 2);
    assert_non_null(strstr(rig->error, "the mutant drivers expected"));
    write_driver(rig, DRIVER, "echo 'pagelab-fuzz: none of that name' >&2\nexit 2\n");
    assert_int_equal(run(rig), 2);
    assert_non_null(strstr(rig->error, "test-quick: pagelab-fuzz: none of that name"));
    rig->options.out_dir = "/proc/nowhere";
    assert_int_equal(run(rig), 2);
    assert_non_null(strstr(rig->error, "/proc/nowhere"));
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, make_rig, drop_rig)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_go_by_majority_and_numbers_by_median),
        RIGGED(a_finding_is_detected_and_named),
        RIGGED(what_never_ran_is_not_reached),
        RIGGED(a_run_ends_when_its_seconds_are_used),
        RIGGED(what_is_known_is_not_run_again),
        RIGGED(a_damaged_result_is_run_again),
        RIGGED(races_are_also_run_among_threads),
        RIGGED(threads_speak_by_majority_too),
        RIGGED(a_control_runs_with_no_mutant),
        RIGGED(a_control_goes_on_until_its_executions_are_had),
        cmocka_unit_test(pairs_share_a_targets_executions),
        RIGGED(runs_start_from_copies_of_the_seeds),
        RIGGED(the_plain_target_gets_the_time_that_ours_needed),
        RIGGED(an_end_that_was_asked_for_keeps_what_is_known),
        RIGGED(two_scores_do_not_share_a_folder),
        RIGGED(mistakes_are_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
