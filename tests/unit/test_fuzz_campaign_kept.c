/* What engines found is never lost: not among many, not on a disk that is full, not by a kill, not for want
 * of time. Shell scripts stand for the drivers. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/finding_note.h"
#include "tests/unit/campaign_fixture.h"

/* The folder holds more findings than anybody counts. Expect: one that is not among them is stored and said,
 * and is known the next time. */
static void among_many_findings_a_new_one_is_kept(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct finding_note note = {
        .op = "free", .backend = "buddy", .target = "page", .summary = "one; but: two"};
    struct place *place = open_place(ALONE CRASH);
    assert_int_equal(campaign_make_dirs(place->out), 0);
    for (unsigned i = 0; i < 200; i++) {
        assert_true(campaign_path(path, "%s/old-%u.bin", place->out, i));
        assert_int_equal(campaign_write(path, "old", 3), 0);
        assert_true(campaign_path(path, "%s/old-%u.txt", place->out, i));
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        snprintf(note.ids, sizeof(note.ids), "P-%u", i);
        finding_note_print(&note, file);
        assert_int_equal(fclose(file), 0);
    }
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.new_count, 1);
    assert_int_equal(place->result.finding_count, 201);
    assert_string_equal(place->result.findings[200].ids, "F-1 X-2");
    assert_true(exists(place->result.findings[200].path));
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.new_count, 0);
    assert_int_equal(place->result.finding_count, 201);
    close_place(place);
}

/* Where the finding's file should be there is a folder. Expect: it is kept elsewhere, and the campaign says
 * where. */
static void a_finding_that_cannot_be_stored_is_not_lost(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE CRASH);
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    memcpy(path, place->result.findings[0].path, sizeof(path));
    campaign_remove_tree(place->out);
    assert_int_equal(campaign_make_dirs(path), 0);
    assert_int_equal(setenv("TMPDIR", place->dir, 1), 0);
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_non_null(strstr(place->result.error, "a finding cannot be written"));
    assert_string_not_equal(place->result.findings[0].path, path);
    assert_true(strncmp(place->result.findings[0].path, place->dir, strlen(place->dir)) == 0);
    assert_true(exists(place->result.findings[0].path));
    assert_true(exists(place->result.findings[0].text_path));
    close_place(place);
}

/* What a killed campaign had not looked at. */
static void an_artifact_of_before_is_taken(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    struct place *place = open_place(ALONE CAUGHT "exit 0\n");
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/w0/found", place->out));
    assert_int_equal(campaign_make_dirs(path), 0);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/w0/found/crash-77", place->out));
    assert_int_equal(campaign_write(path, "Bad", 3), 0);
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_int_equal(place->result.new_count, 1);
    assert_true(exists(place->result.findings[0].path));
    assert_false(exists(path));
    close_place(place);
}

/* More than are judged in a slice, left by a killed campaign. Expect: they are judged in the end, each goes
 * once it is, and until then a campaign there says how many wait, and is no success. */
static void what_is_not_judged_is_not_lost(void **state)
{
    (void)state;
    char path[CAMPAIGN_PATH_BYTES];
    char text[16];
    struct place *place = open_place(ALONE CAUGHT "sleep 1\nexit 0\n"); /* one slice */
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/w0/found", place->out));
    assert_int_equal(campaign_make_dirs(path), 0);
    for (unsigned i = 0; i < 60; i++) {
        snprintf(text, sizeof(text), "Bad %u", i);
        assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/w0/found/crash-%u", place->out, i));
        assert_int_equal(campaign_write(path, text, strlen(text)), 0);
    }
    assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_non_null(strstr(place->result.error, "inputs that failed are not judged yet"));
    assert_true(campaign_path(path, "%s/corpora/page/left-plain", place->out));
    assert_true(rmdir(path) != 0);
    for (int runs = 0; runs < 10 && place->result.error[0] != '\0'; runs++)
        assert_int_equal(campaign_run(&place->options, &place->result), 3);
    assert_string_equal(place->result.error, "");
    assert_int_equal(rmdir(path), 0);
    assert_true(campaign_path(path, "%s/corpora/page/libfuzzer/w0/found", place->out));
    assert_int_equal(rmdir(path), 0);
    close_place(place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(among_many_findings_a_new_one_is_kept),
        cmocka_unit_test(a_finding_that_cannot_be_stored_is_not_lost),
        cmocka_unit_test(an_artifact_of_before_is_taken),
        cmocka_unit_test(what_is_not_judged_is_not_lost),
    };
    return cmocka_run_group_tests_name("fuzz_campaign_kept", tests, NULL, NULL);
}
