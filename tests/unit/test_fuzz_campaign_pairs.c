/* Campaigns of many pairs, and what becomes of one that is killed, has no room, is not alone in its folder,
 * or has a driver that hangs: shell scripts stand for the drivers. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/campaign_fixture.h"

/* Which target it was started on, once a slice. */
#define TELL "echo $PAGELAB_TARGET >> ${to%/out/*}/told\n"

static const enum fuzz_target two[] = {FUZZ_VM, FUZZ_AREA};

static const struct campaign_row *row_of(const struct place *place, enum fuzz_target target)
{
    for (uint32_t i = 0; i < place->result.row_count; i++) {
        if (!place->result.rows[i].canary && place->result.rows[i].target == target)
            return &place->result.rows[i];
    }
    fail_msg("no row of %s", fuzz_target_names[target]);
    return NULL;
}

static void read_told(const struct place *place, char text[256])
{
    char path[CAMPAIGN_PATH_BYTES];
    memset(text, 0, 256);
    assert_true(campaign_path(path, "%s/told", place->dir));
    (void)campaign_read(path, false, text, 255);
}

static struct place *open_two(const char *script)
{
    struct place *place = open_place(script);
    place->options.targets = two;
    place->options.target_count = 2;
    place->options.seconds = 2;
    place->options.slice_seconds = 1;
    place->options.jobs = 1;
    return place;
}

/* One process at once, two slices a pair, seen on a terminal. Expect: the pairs take turns, so that each had
 * one slice before any has two, and executions of both are summed; a head, two lines and a sum are drawn over
 * one another. */
static void pairs_take_turns(void **state)
{
    (void)state;
    char told[256];
    struct place *place = open_two(ALONE CAUGHT TELL "sleep 1\nexit 0\n");
    char seen[8192] = "";
    place->options.progress = tmpfile();
    place->options.live = true;
    assert_non_null(place->options.progress);
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    assert_int_equal(fseek(place->options.progress, 0, SEEK_SET), 0);
    assert_true(fread(seen, 1, sizeof(seen) - 1, place->options.progress) > 0);
    fclose(place->options.progress);
    assert_non_null(strstr(seen, "fuzz: plan: 2 pairs"));
    assert_non_null(strstr(seen, "\033[4A\033[J"));
    assert_non_null(strstr(seen, "   500    12     5   0 libfuzzer"));
    assert_non_null(strstr(seen, "waits"));
    read_told(place, told);
    assert_string_equal(told, "vm\narea\nvm\narea\n");
    assert_int_equal(row_of(place, FUZZ_AREA)->executions, 2000);
    close_place(place);
}

/* One pair and one engine, three processes at once. Expect: they share the corpus, not a folder of findings.
 */
static void more_jobs_are_more_processes(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE CAUGHT "exit 0\n");
    place->options.jobs = 3;
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    assert_int_equal(place->result.row_count, 2);
    assert_int_equal(place->result.rows[1].processes, 3);
    assert_true(place->result.rows[1].executions >= 3000);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/w2/found", place->out));
    assert_true(exists(path));
    close_place(place);
}

/* Killed in its second slice. Expect: going on tries what is left, and no more; a second time nothing is. */
static void a_killed_campaign_goes_on(void **state)
{
    (void)state;
    char told[256];
    char go[CAMPAIGN_PATH_BYTES];
    int tries = 0;
    struct place *place = open_two(ALONE CAUGHT TELL "here=${to%/out/*}\n"
                                                     "if [ $(wc -l < $here/told) = 2 ]; then\n"
                                                     "  while [ ! -e $here/go ]; do sleep 0.05; done\nfi\n"
                                                     "sleep 1\nexit 0\n");
    pid_t child = fork();
    if (child == 0) {
        (void)campaign_run(&place->options, &place->result);
        _exit(0);
    }
    do {
        usleep(20000);
        read_told(place, told);
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        assert_true(++tries < 3000); /* a minute */
    } while (strcmp(told, "vm\narea\n") != 0);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(campaign_path(go, "%s/go", place->dir));
    assert_int_equal(campaign_write(go, "", 0), 0);
    place->options.resume = true;
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    read_told(place, told);
    assert_string_equal(told, "vm\narea\narea\nvm\narea\n");
    assert_int_equal(row_of(place, FUZZ_VM)->executions, 2000);
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    read_told(place, told);
    assert_string_equal(told, "vm\narea\narea\nvm\narea\n");
    assert_int_equal(row_of(place, FUZZ_AREA)->executions, 2000);
    close_place(place);
}

/* Less than a slice for each pair is a mistake, not a campaign that finds nothing. */
static void too_short_a_time_is_refused(void **state)
{
    (void)state;
    char told[256];
    struct place *place = open_two(ALONE CAUGHT TELL "exit 0\n");
    place->options.seconds = 0.25;
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "at least 1 s expected, which is --time 1 or --budget 2"));
    assert_null(strchr(place->result.error, '\n'));
    read_told(place, told);
    assert_string_equal(told, "");
    close_place(place);
}

static void only_the_same_campaign_goes_on(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE CAUGHT "exit 0\n");
    place->options.resume = true;
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "state of a campaign to go on with expected"));
    place->options.resume = false;
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    place->options.resume = true;
    place->options.seconds = 3;
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "of another campaign"));
    place->options.seconds = 1;
    assert_true(campaign_path(path, "%s/state", place->out));
    assert_int_equal(truncate(path, 100), 0);
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "whole state"));
    assert_null(strchr(place->result.error, '\n'));
    close_place(place);
}

/* The first finding ends it; the same one, known from the folder, ends no other campaign, but counts. */
static void the_first_new_finding_ends_it(void **state)
{
    (void)state;
    char told[256];
    struct place *place = open_two(ALONE TELL CRASH);
    place->options.stop_on_finding = true;
    place->options.seconds = 1;
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.new_count, 1);
    read_told(place, told);
    assert_null(strstr(told, "area"));
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.new_count, 0);
    assert_int_equal(place->result.finding_count, 1);
    assert_true(place->result.findings[0].known);
    assert_true(place->result.findings[0].again);
    read_told(place, told);
    assert_non_null(strstr(told, "area"));
    close_place(place);
}

static void two_on_one_folder_are_one_too_many(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE CAUGHT "exit 0\n");
    assert_int_equal(campaign_make_dirs(place->out), 0);
    assert_true(campaign_path(path, "%s/lock", place->out));
    int file = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(file >= 0);
    assert_int_equal(flock(file, LOCK_EX), 0);
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "another campaign works there"));
    assert_int_equal(place->result.row_count, 0);
    close(file);
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    close_place(place);
}

static void a_full_disk_ends_it(void **state)
{
    (void)state;
    struct place *place = open_place(ALONE CAUGHT "exit 0\n");
    place->options.free_bytes = UINT64_C(1) << 62;
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "the disk is as good as full"));
    assert_null(strchr(place->result.error, '\n'));
    close_place(place);
}

/* One target never executes anything. Expect: it is named, the other is fuzzed to its end. */
static void a_target_that_hangs_is_left(void **state)
{
    (void)state;
    struct place *place = open_place(
        "#!/bin/sh\ncase $PAGELAB_TARGET,$* in area,*-artifact_prefix=*) sleep 60;; esac\n" ALONE CAUGHT
        "sleep 6\nexit 0\n");
    place->options.targets = two;
    place->options.target_count = 2;
    place->options.seconds = 3; /* of both jobs */
    place->options.jobs = 2;
    assert_int_equal(campaign_run(&place->options, &place->result), 2);
    assert_non_null(strstr(place->result.error, "not one execution"));
    assert_non_null(strstr(row_of(place, FUZZ_AREA)->reason, "hangs at its start"));
    assert_string_equal(row_of(place, FUZZ_VM)->reason, "");
    assert_int_equal(row_of(place, FUZZ_VM)->executions, 1000);
    close_place(place);
}

/* --- merging --- */

/* As libFuzzer: notes what a, b and c reach, keeps what `keeps` writes. c reaches what a and b do. */
#define MERGING(notes, keeps, code)                                                                          \
    "#!/bin/sh\ncase $* in *-set_cover_merge=1*)\n"                                                          \
    "  for a in \"$@\"; do case $a in\n"                                                                     \
    "    */corpus.new) to=$a;; -merge_control_file=*) notes=${a#*=};; esac; done\n"                          \
    "  from=${to%.new}\n  printf \"3\\n0\\n$from/a\\n$from/b\\n$from/c\\n" notes "\" >$notes\n  " keeps      \
    "\n  exit " code ";; esac\n" ALONE CAUGHT                                                                \
    "for i in a b c; do echo $i > ${to%/w0/*}/corpus/$i; done\nexit 0\n"
#define NOTES_A "STARTED 0 2\\nFT 0 1 25\\nCOV 0 1\\n"
#define NOTES_B "STARTED 1 2\\nFT 1 25 30 \\n"
#define NOTES_C "STARTED 2 2\\nFT 2 1 25 30 \\n"
#define NOTES   NOTES_A NOTES_B NOTES_C
#define KEEP_C  "cp $from/c $to/one"

static void merged(const char *script, int kept)
{
    bool is_swapped = kept > 0;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(script);
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/corpus/one", place->out));
    assert_int_equal(exists(path), is_swapped);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/corpus/c", place->out));
    assert_int_equal(exists(path), !is_swapped);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/corpus.new", place->out));
    assert_false(exists(path));
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/corpus.old", place->out));
    assert_false(exists(path));
    assert_true(campaign_path(path, "%s/corpora/page/merge.notes", place->out));
    assert_false(exists(path));
    assert_int_equal(row_of(place, FUZZ_PAGE)->merged, kept);
    close_place(place);
}

/* A merge that fails, or whose files are not inputs that reach all that was reached, leaves the corpus alone.
 */
static void a_merge_takes_the_corpus_place_only_if_whole(void **state)
{
    (void)state;
    merged(MERGING(NOTES, KEEP_C, "0"), 1);
    merged(MERGING(NOTES, KEEP_C, "1"), 0);
    merged(MERGING(NOTES, "cp $from/a $to/one", "0"), 0);         /* b's was not written, */
    merged(MERGING(NOTES, KEEP_C "; : >$to/two", "0"), 0);        /* or nothing of it, */
    merged(MERGING(NOTES, KEEP_C "; printf b >$to/two", "0"), 0); /* or half, */
    merged(MERGING(NOTES_A NOTES_B, "cp $from/[ab] $to; mv $to/a $to/one", "0"), 0); /* or not all was run */
}

/* b ended the engine, and does no harm when it is run alone: it stays. */
static void what_fails_in_a_merge_stays(void **state)
{
    (void)state;
    merged(MERGING(NOTES_A "STARTED 1 2\\n" NOTES_C, KEEP_C, "0"), 2);
}

/* Killed between the two renames, and while it wrote. */
static void a_killed_merge_costs_nothing(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE CAUGHT "exit 0\n");
    static const char *const left[] = {"corpus.old", "corpus.new"};
    for (unsigned i = 0; i < 2; i++) {
        assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/%s", place->out, left[i]));
        assert_int_equal(campaign_make_dirs(path), 0);
        assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/%s/mine", place->out, left[i]));
        assert_int_equal(campaign_write(path, left[i], 10), 0);
    }
    assert_int_equal(campaign_run(&place->options, &place->result), 0);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/corpus/mine", place->out));
    assert_true(holds(path, "corpus.old"));
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/corpus.new", place->out));
    assert_false(exists(path));
    close_place(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_take_turns),
        cmocka_unit_test(more_jobs_are_more_processes),
        cmocka_unit_test(a_killed_campaign_goes_on),
        cmocka_unit_test(too_short_a_time_is_refused),
        cmocka_unit_test(only_the_same_campaign_goes_on),
        cmocka_unit_test(the_first_new_finding_ends_it),
        cmocka_unit_test(two_on_one_folder_are_one_too_many),
        cmocka_unit_test(a_full_disk_ends_it),
        cmocka_unit_test(a_target_that_hangs_is_left),
        cmocka_unit_test(a_merge_takes_the_corpus_place_only_if_whole),
        cmocka_unit_test(what_fails_in_a_merge_stays),
        cmocka_unit_test(a_killed_merge_costs_nothing),
    };
    return cmocka_run_group_tests_name("fuzz_campaign_pairs", tests, NULL, NULL);
}
