/* What a page shows that its run did not measure: checks beside the result, and the reference's. */
#define _POSIX_C_SOURCE 200809L

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report/origin.h"
#include "report/report.h"

#include "report_fixture.h"

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));

    return text != NULL ? text : "(absent)";
}

static const cJSON *evidence_of(const cJSON *data, const char *key)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(data, "evidence"), key);
}

/* The data of the page of `result`, with what is stored in those places; for cJSON_Delete. */
static cJSON *data_with(const cJSON *result, const struct report_places *places, const struct place *place)
{
    struct report_error error = {.line = ""};

    assert_int_equal(report_write_html_from(result, place->page, places, &error), 0);
    char *page = file_text(place->page);
    char *text = page_data(page);
    assert_null(strchr(text, '<'));
    cJSON *data = cJSON_Parse(text);
    assert_non_null(data);
    free(text);
    free(page);
    return data;
}

/* A folder with a stored result that has one workload more than the run, a document with a context, one that
 * evidence.json knows, one that nobody knows, and one that is torn. Expect the workload's cells marked and
 * nobody else's, each document with where it is from, and the others missing with their command. */
static void test_what_was_not_measured_is_marked(void **state)
{
    static const char *const files[] = {"result.json",  "scale.json", "evidence.json",
                                        "nosleep.json", "cost.json",  "score.json"};
    struct place *place = *state;
    char folder[128];
    char path[192];
    cJSON *result = hostile();
    cJSON *stored = hostile();
    cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(stored, "benchmarks"), 0);

    cJSON_ReplaceItemInObject(row, "workload", cJSON_CreateString("other" BREAK));
    cJSON_ReplaceItemInObject(row, "run_name", cJSON_CreateString("other" BREAK "/null"));
    char *stored_text = cJSON_PrintUnformatted(stored);
    const char *const texts[] = {
        stored_text,
        "{\"context\":{\"date\":\"2026-01-02\",\"num_cpus\":4,\"pagelab\":{\"commit\":\"c0ffee\","
        "\"cpu_model\":\"" BREAK "\"}},\"memory\":[{\"candidate\":\"" BREAK "\"}]}",
        "[{\"file\":\"nosleep.json\",\"date\":\"2026-03-04\",\"commit\":\"beef\",\"machine\":\"m\"}]",
        "{\"rows\":[]}",
        "[]",
        "{\"torn",
    };

    for (size_t i = 0; i < 2; i++) {
        snprintf(folder, sizeof folder, "%s/results%s", place->folder, i == 0 ? "" : "/reference");
        assert_int_equal(mkdir(folder, 0777), 0);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        file_write(path, texts[i]);
    }
    const struct report_places places = {.reference = folder};
    cJSON *data = data_with(result, &places, place);
    const cJSON *cell = NULL;
    unsigned marked = 0;
    cJSON_ArrayForEach(cell, cJSON_GetObjectItem(data, "cells"))
    {
        bool is_other = strcmp(text_of(cell, "workload"), "other" BREAK) == 0;

        assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(cell, "reference")), is_other);
        marked += is_other;
    }
    assert_int_equal(marked, 1);
    assert_string_equal(text_of(cJSON_GetObjectItem(data, "reference"), "date"), "2025-11-22T14:03:11+00:00");
    assert_string_equal(text_of(evidence_of(data, "scale"), "commit"), "c0ffee");
    assert_string_equal(text_of(evidence_of(data, "scale"), "machine"), BREAK ", 4 CPUs");
    assert_string_equal(text_of(evidence_of(data, "nosleep"), "date"), "2026-03-04");
    assert_string_equal(text_of(evidence_of(data, "cost"), "date"), "");
    assert_non_null(cJSON_GetObjectItem(evidence_of(data, "cost"), "document"));
    assert_string_equal(text_of(evidence_of(data, "score"), "missing"), "the stored file cannot be read");
    assert_string_equal(text_of(evidence_of(data, "claims"), "missing"), "it was never stored");
    assert_non_null(strstr(text_of(evidence_of(data, "claims"), "command"), "./pagelab check --claims"));
    cJSON_Delete(data);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
    snprintf(folder, sizeof folder, "%s/results", place->folder);
    rmdir(folder);

    data = data_with(result, &nowhere, place);
    assert_null(cJSON_GetObjectItem(data, "reference"));
    assert_string_equal(text_of(evidence_of(data, "scale"), "missing"),
                        "there is no folder of stored results");
    cJSON_Delete(data);
    cJSON_free(stored_text);
    cJSON_Delete(stored);
    cJSON_Delete(result);
}

static void stored_write(const char *folder, const char *name, const char *text)
{
    char path[192];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file_write(path, text);
}

static void stored_remove(const char *folder, const char *name)
{
    char path[192];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

/* A check beside the result, of a name that `choose` reads, and the reference's others. Expect the run's own
 * on the page, marked as such, with what its own evidence.json says; and that the decision is out of it. */
static void test_own_checks_win(void **state)
{
    struct place *place = *state;
    const struct report_places places = {.own = place->folder,
                                         .reference = PL_SOURCE_DIR "/results/reference",
                                         .profiles = PL_SOURCE_DIR "/profiles"};
    struct report_error error = {.line = ""};
    cJSON *result = report_read(PL_SOURCE_DIR "/results/reference/result.json", &error);

    assert_non_null(result);
    stored_write(place->folder, "conformance.json", "{\"F-1\":{\"slate\":\"broken\",\"bitmap\":\"holds\"}}");
    stored_write(
        place->folder, "evidence.json",
        "[{\"file\":\"conformance.json\",\"date\":\"2026-03-04\",\"commit\":\"beef\",\"machine\":\"m\"}]");
    cJSON *data = data_with(result, &places, place);
    stored_remove(place->folder, "conformance.json");
    stored_remove(place->folder, "evidence.json");

    const cJSON *own = evidence_of(data, "conformance_doc");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(own, "own")));
    assert_string_equal(text_of(own, "file"), "conformance.json");
    assert_string_equal(text_of(own, "commit"), "beef");
    assert_false(cJSON_IsTrue(cJSON_GetObjectItem(evidence_of(data, "claims"), "own")));
    assert_non_null(cJSON_GetObjectItem(evidence_of(data, "claims"), "document"));

    const cJSON *decision = cJSON_GetObjectItem(data, "decision");
    const cJSON *profile = NULL;
    cJSON_ArrayForEach(profile, cJSON_GetObjectItem(decision, "profiles"))
    {
        const cJSON *fact = NULL;
        bool broken = false;

        cJSON_ArrayForEach(fact, cJSON_GetObjectItem(profile, "out"))
        {
            broken |= strcmp(text_of(fact, "candidate"), "slate") == 0 &&
                      strcmp(text_of(fact, "file"), "conformance.json") == 0;
        }
        assert_true(broken);
    }
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(decision, "profiles")), 4);
    cJSON_Delete(data);
    cJSON_Delete(result);
}

/* A run that nobody remains of. Expect its own decision, with who is not known and why, and beside it the
 * reference's, marked as that; and the reference's own page with one decision only. */
static void test_an_empty_decision_is_not_replaced(void **state)
{
    struct place *place = *state;
    struct report_places places = {.own = place->folder,
                                   .reference = PL_SOURCE_DIR "/results/reference",
                                   .profiles = PL_SOURCE_DIR "/profiles"};
    struct report_error error = {.line = ""};
    cJSON *result = hostile();
    cJSON *data = data_with(result, &places, place);
    const cJSON *own = cJSON_GetObjectItem(data, "decision");
    const cJSON *stored = cJSON_GetObjectItem(data, "decision_reference");
    char *words = cJSON_PrintUnformatted(own);

    assert_string_equal(text_of(cJSON_GetObjectItem(own, "source"), "file"), "result.json");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(own, "profiles")), 4);
    assert_non_null(strstr(words, "alert(1)")); /* the candidate of the run */
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(stored, "source"), "reference")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(stored, "profiles")), 4);
    cJSON_free(words);
    cJSON_Delete(data);
    cJSON_Delete(result);

    places.own = PL_SOURCE_DIR "/results/reference/.";
    result = report_read(PL_SOURCE_DIR "/results/reference/result.json", &error);
    assert_non_null(result);
    data = data_with(result, &places, place);
    own = cJSON_GetObjectItem(data, "decision");
    assert_string_equal(text_of(cJSON_GetObjectItem(own, "source"), "file"), "results/reference/result.json");
    assert_null(cJSON_GetObjectItem(data, "decision_reference"));
    cJSON_Delete(data);
    cJSON_Delete(result);
}

/* The reference's own page. Expect that each of its files says of which day, commit and machine it is. */
static void test_each_stored_file_has_an_origin(void **state)
{
    struct place *place = *state;
    const struct report_places places = {.own = PL_SOURCE_DIR "/results/reference",
                                         .reference = PL_SOURCE_DIR "/results/reference/."};
    cJSON *result = hostile();
    cJSON *data = data_with(result, &places, place);
    const cJSON *one = NULL;
    size_t count = 0;

    cJSON_ArrayForEach(one, cJSON_GetObjectItem(data, "evidence"))
    {
        const char *commit = text_of(one, "commit");

        if (cJSON_GetObjectItem(one, "document") == NULL || text_of(one, "date")[0] != '2' ||
            strlen(commit) < 7 || strcmp(commit, "unknown") == 0 || text_of(one, "machine")[0] == '\0') {
            fail_msg("%s: date '%s', commit '%s', machine '%s'", text_of(one, "file"), text_of(one, "date"),
                     commit, text_of(one, "machine"));
        }
        count++;
    }
    DIR *directory = opendir(places.own);
    size_t stored = 0;
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);

        stored += length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
    }
    closedir(directory);
    assert_int_equal(count, stored - 2); /* all but result.json and evidence.json */
    cJSON_Delete(data);
    cJSON_Delete(result);
}

/* The folder's evidence.json has the last word, then the document's own context; a CPU alone is no CPUs. */
static void test_origin_of_a_document(void **state)
{
    cJSON *origins =
        cJSON_Parse("[{\"file\":\"a.json\",\"date\":\"d1\",\"commit\":\"c1\",\"machine\":\"m1\"}, 3]");
    cJSON *document = cJSON_Parse("{\"context\":{\"date\":\"d2\",\"num_cpus\":1,\"pagelab\":"
                                  "{\"commit\":\"c2\",\"cpu_model\":\"m2\"}}}");
    cJSON *silent = cJSON_Parse("[]");
    const struct {
        const cJSON *origins;
        const char *file;
        const cJSON *document;
        bool known;
        const char *date;
        const char *commit;
        const char *machine;
    } cases[] = {
        {origins, "a.json", document, true, "d1", "c1", "m1"},
        {origins, "a.json", silent, true, "d1", "c1", "m1"},
        {origins, "b.json", document, true, "d2", "c2", "m2, 1 CPU"},
        {NULL, "a.json", document, true, "d2", "c2", "m2, 1 CPU"},
        {document, "a.json", silent, false, "", "", ""}, /* no list */
        {NULL, "a.json", NULL, false, "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct origin origin;

        assert_int_equal(origin_find(cases[i].origins, cases[i].file, cases[i].document, &origin),
                         cases[i].known);
        assert_string_equal(origin.date, cases[i].date);
        assert_string_equal(origin.commit, cases[i].commit);
        assert_string_equal(origin.machine, cases[i].machine);
    }
    cJSON_Delete(origins);
    cJSON_Delete(document);
    cJSON_Delete(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_not_measured_is_marked, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_own_checks_win, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_an_empty_decision_is_not_replaced, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_each_stored_file_has_an_origin, place_make, place_remove),
        cmocka_unit_test(test_origin_of_a_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
