/*
 * Each need of a decision: the fact that speaks against a candidate puts it out, a fact that is missing
 * leaves it neither out nor proved, and nothing that is merely claimed is a fact.
 */
#define _POSIX_C_SOURCE 200809L

#include "decide_fixture.h"

static cJSON *claim_of(const struct decide_place *place, const char *capability)
{
    cJSON *one = NULL;

    cJSON_ArrayForEach(one, place->files[FILE_CLAIMS])
    {
        if (strcmp(cJSON_GetObjectItem(one, "candidate")->valuestring, "bad") == 0 &&
            strcmp(cJSON_GetObjectItem(one, "capability")->valuestring, capability) == 0)
            return one;
    }
    fail_msg("no claim %s", capability);
    return NULL;
}

/* The last of a list is bad's. */
static cJSON *last_of(cJSON *list)
{
    return cJSON_GetArrayItem(list, cJSON_GetArraySize(list) - 1);
}

static void drop_last(cJSON *list)
{
    cJSON_DeleteItemFromArray(list, cJSON_GetArraySize(list) - 1);
}

static cJSON *capabilities_of_bad(const struct decide_place *place)
{
    cJSON *pagelab = cJSON_GetObjectItem(cJSON_GetObjectItem(place->result, "context"), "pagelab");
    return cJSON_GetObjectItem(last_of(cJSON_GetObjectItem(pagelab, "candidates")), "capabilities");
}

static void drop_row(const struct decide_place *place, const char *workload)
{
    cJSON *rows = cJSON_GetObjectItem(place->result, "benchmarks");
    cJSON_Delete(cJSON_DetachItemViaPointer(rows, decide_find_row(place, workload, "bad")));
}

/* --- what speaks against bad, and how to forget it --- */

static void break_contract(struct decide_place *place)
{
    decide_say(cJSON_GetObjectItem(place->files[FILE_CONFORMANCE], "F-8"), "bad", "broken");
}

static void forget_contract(struct decide_place *place)
{
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(place->files[FILE_CONFORMANCE], "F-8"), "bad");
}

static void break_irq(struct decide_place *place)
{
    cJSON *irq = cJSON_GetObjectItem(last_of(place->files[FILE_INTERRUPTS]), "irq");
    decide_say(irq, "verdict", "deadlock");
    decide_say(irq, "replay", "./pagelab replay x");
}

static void claim_only_irq(struct decide_place *place)
{
    decide_say(claim_of(place, "irq-safe"), "state", "claimed");
    drop_last(place->files[FILE_INTERRUPTS]);
}

/* A tested claim, and nobody put an interrupt into its calls. */
static void forget_interrupts(struct decide_place *place)
{
    drop_last(place->files[FILE_INTERRUPTS]);
}

static void cut_interrupts(struct decide_place *place)
{
    decide_set(last_of(place->files[FILE_INTERRUPTS]), "points", 8);
}

static void claim_irq_untested(struct decide_place *place)
{
    decide_say(claim_of(place, "irq-safe"), "state", "claimed");
}

static void contract_applies_nowhere(struct decide_place *place)
{
    decide_say(cJSON_GetObjectItem(place->files[FILE_CONFORMANCE], "F-8"), "bad", "n/a: no cache");
}

/* Of two promises one was asked. */
static void ask_half_the_contract(struct decide_place *place)
{
    cJSON_AddItemToObject(place->files[FILE_CONFORMANCE], "F-9", decide_parse("{\"good\": \"holds\"}"));
}

static void break_nmi(struct decide_place *place)
{
    cJSON_DeleteItemFromArray(capabilities_of_bad(place), 2);
}

static void claim_only_nmi(struct decide_place *place)
{
    decide_say(claim_of(place, "nmi-safe"), "state", "claimed");
    drop_last(place->files[FILE_INTERRUPTS]);
}

static void break_sleep(struct decide_place *place)
{
    decide_say(last_of(cJSON_GetObjectItem(place->files[FILE_NOSLEEP], "rows")), "status", "sleeps");
}

static void forget_sleep(struct decide_place *place)
{
    drop_last(cJSON_GetObjectItem(place->files[FILE_NOSLEEP], "rows"));
}

static void break_metadata(struct decide_place *place)
{
    cJSON_AddItemToArray(capabilities_of_bad(place), cJSON_CreateString("meta-in-frames"));
}

static void forget_metadata(struct decide_place *place)
{
    cJSON_AddItemToArray(capabilities_of_bad(place), cJSON_CreateString("needs-contents"));
}

static void break_masked(struct decide_place *place)
{
    cJSON *row = decide_find_row(place, "worst-masked", "bad");
    decide_set(row, "call_instructions", 5000);
    decide_set(row, "real_time", 9000);
}

static void forget_masked(struct decide_place *place)
{
    drop_row(place, "worst-masked");
    /* seeds alone, without a search, prove nothing */
    place->files[FILE_MASKED] =
        decide_parse("[{\"candidate\": \"bad\", \"seeds_instructions\": 10, \"worst_instructions\": null}]");
}

static void break_worst(struct decide_place *place)
{
    decide_set(decide_find_row(place, "worst-call", "bad"), "call_instructions", 5000);
}

static void forget_worst(struct decide_place *place)
{
    cJSON_DeleteItemFromObject(decide_find_row(place, "worst-call", "bad"), "call_instructions");
}

static void break_age(struct decide_place *place)
{
    decide_set(decide_find_row(place, "age", "bad"), "usable_order_9", 0.1);
}

static void forget_age(struct decide_place *place)
{
    drop_row(place, "age");
}

static void break_bytes(struct decide_place *place)
{
    decide_set(decide_find_row(place, "age", "bad"), "metadata_bytes_per_frame_peak", 3);
}

static void forget_bytes(struct decide_place *place)
{
    cJSON_DeleteItemFromObject(decide_find_row(place, "age", "bad"), "metadata_bytes_per_frame");
    cJSON_DeleteItemFromObject(decide_find_row(place, "repeat", "bad"), "metadata_bytes_per_frame");
}

static void break_cpus(struct decide_place *place)
{
    decide_say(claim_of(place, "concurrent"), "state", "refuted");
}

static void forget_cpus(struct decide_place *place)
{
    decide_set(last_of(cJSON_GetObjectItem(place->files[FILE_SCALE], "cpus")), "cpus", 8);
}

/* A row that says "ok", and has nothing that was seen. */
static void forget_cpus_seen(struct decide_place *place)
{
    cJSON_DeleteItemFromObject(last_of(cJSON_GetObjectItem(place->files[FILE_SCALE], "cpus")), "repeat");
}

static void break_memory(struct decide_place *place)
{
    cJSON *row = last_of(cJSON_GetObjectItem(place->files[FILE_SCALE], "memory"));
    decide_say(row, "status", "stopped");
    decide_say(row, "reason", "manages at most 4294967294 frames");
}

static void forget_memory(struct decide_place *place)
{
    cJSON *row = last_of(cJSON_GetObjectItem(place->files[FILE_SCALE], "memory"));
    decide_say(row, "status", "stopped");
    decide_say(row, "reason", "touches more memory than the cap of 4 GiB");
}

static void break_trace(struct decide_place *place)
{
    cJSON *row = decide_find_row(place, "replay-mine", "bad");
    decide_say(row, "status", "failed");
    decide_say(row, "reason", "43 allocations failed while measured");
}

static void forget_trace(struct decide_place *place)
{
    drop_row(place, "replay-mine");
}

static void break_capability(struct decide_place *place)
{
    decide_say(claim_of(place, "checks-free"), "state", "refuted");
}

static void claim_only_capability(struct decide_place *place)
{
    decide_say(claim_of(place, "checks-free"), "state", "claimed");
}

static const struct {
    const char *need;
    const char *value;
    void (*speak_against)(struct decide_place *place);
    void (*forget)(struct decide_place *place);
    const char *row; /* a part of the row's name that the fact cites */
} cases[] = {
    {"contract", NULL, break_contract, forget_contract, "F-8"},
    {"contract", NULL, break_contract, contract_applies_nowhere, "F-8"},
    {"contract", NULL, break_contract, ask_half_the_contract, "F-8"},
    {"interrupt-safe", "yes", break_irq, claim_only_irq, "bad irq"},
    {"interrupt-safe", "yes", break_irq, forget_interrupts, "bad irq"},
    {"interrupt-safe", "yes", break_irq, cut_interrupts, "bad irq"},
    {"interrupt-safe", "yes", break_irq, claim_irq_untested, "bad irq"},
    {"nmi-safe", "yes", break_nmi, claim_only_nmi, "candidates"},
    {"nmi-safe", "yes", break_nmi, forget_interrupts, "candidates"},
    {"never-sleeps", "yes", break_sleep, forget_sleep, "bad contended"},
    {"no-metadata-in-frames", "yes", break_metadata, forget_metadata, "candidates"},
    {"masked-time", "100", break_masked, forget_masked, "worst-masked/bad/cpus:1"},
    {"masked-time", "5us", break_masked, forget_masked, "worst-masked/bad/cpus:1"},
    {"bounded-worst-case", "100", break_worst, forget_worst, "worst-call/bad/cpus:1"},
    {"contiguous-after-ageing", "20%", break_age, forget_age, "age/bad/cpus:1"},
    {"bytes-per-frame", "2", break_bytes, forget_bytes, "age/bad/cpus:1"},
    {"cpus", "64", break_cpus, forget_cpus, "bad/concurrent"},
    {"cpus", "64", break_cpus, forget_cpus_seen, "bad/concurrent"},
    {"memory-size", "1TiB", break_memory, forget_memory, "bad"},
    {"trace", "some/mine.pltrace", break_trace, forget_trace, "replay-mine/bad"},
    {"capability", "checks-free", break_capability, claim_only_capability, "bad/checks-free"},
};

enum { CASES = sizeof cases / sizeof cases[0] };

static void profile_of(size_t i, struct decide_profile *profile)
{
    struct report_error error;

    decide_profile_init(profile, "test");
    if (cases[i].value != NULL && !decide_profile_set(profile, cases[i].need, cases[i].value, &error))
        fail_msg("%s", error.line);
}

static void each_need_puts_out_by_its_fact(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        static struct decide_profile profile;
        void *own = NULL;
        assert_int_equal(decide_place_make(&own), 0);
        profile_of(i, &profile);
        const cJSON *answer = decide_now(own, &profile, false);
        if (decide_entry(answer, "front", "bad", NULL) == NULL)
            fail_msg("%s: bad is not on the front though every fact speaks for it: %s", cases[i].need,
                     cJSON_Print(answer));
        cases[i].speak_against(own);
        answer = decide_now(own, &profile, false);
        const cJSON *fact = decide_entry(answer, "out", "bad", cases[i].need);
        if (fact == NULL)
            fail_msg("%s: bad is not out: %s", cases[i].need, cJSON_Print(answer));
        assert_non_null(strstr(cJSON_GetObjectItem(fact, "row")->valuestring, cases[i].row));
        assert_memory_equal(cJSON_GetObjectItem(fact, "command")->valuestring, "./pagelab ", 10);
        assert_string_not_equal(cJSON_GetObjectItem(fact, "fact")->valuestring, "");
        assert_string_not_equal(cJSON_GetObjectItem(fact, "file")->valuestring, "");
        assert_null(decide_entry(answer, "front", "bad", NULL));
        assert_non_null(decide_entry(answer, "front", "good", NULL));
        assert_int_equal(decide_place_remove(&own), 0);
    }
    (void)state;
}

static void what_is_missing_is_neither_out_nor_proved(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        static struct decide_profile profile;
        void *own = NULL;
        assert_int_equal(decide_place_make(&own), 0);
        profile_of(i, &profile);
        cases[i].forget(own);
        const cJSON *answer = decide_now(own, &profile, false);
        const cJSON *fact = decide_entry(answer, "unknown", "bad", cases[i].need);
        if (fact == NULL)
            fail_msg("%s: not said to be unknown: %s", cases[i].need, cJSON_Print(answer));
        assert_memory_equal(cJSON_GetObjectItem(fact, "command")->valuestring, "./pagelab ", 10);
        assert_null(decide_entry(answer, "out", "bad", NULL));
        assert_null(decide_entry(answer, "front", "bad", NULL));
        assert_null(decide_entry(answer, "dominated", "bad", NULL));
        assert_non_null(decide_entry(answer, "front", "good", NULL));
        assert_int_equal(decide_place_remove(&own), 0);
    }
    (void)state;
}

/* Many claims in a row, none of them tested: the candidate that promises most is not the one that wins. */
static void a_claim_is_no_fact(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    cJSON *one = NULL;

    cJSON_ArrayForEach(one, place->files[FILE_CLAIMS]) decide_say(one, "state", "claimed");
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "capability", "checks-free", &error));
    const cJSON *answer = decide_now(place, &profile, false);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(answer, "front")), 0);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(answer, "unknown")), 2);
    assert_string_equal(
        cJSON_GetObjectItem(decide_entry(answer, "unknown", "good", "capability"), "fact")->valuestring,
        "checks-free is claimed, and not tested");
}

/* A part of the instructions, but each point that the harness offers. */
static void a_whole_sweep_of_points_passes(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "interrupt-safe", "yes", &error));
    cut_interrupts(place);
    cJSON *points = cJSON_Duplicate(last_of(place->files[FILE_INTERRUPTS]), true);
    decide_say(points, "mode", "points");
    decide_set(points, "points", 9);
    cJSON_AddItemToArray(place->files[FILE_INTERRUPTS], points);
    assert_non_null(decide_entry(decide_now(place, &profile, false), "front", "bad", NULL));
    decide_say(points, "partial", "some/program.txt");
    assert_non_null(decide_entry(decide_now(place, &profile, false), "unknown", "bad", "interrupt-safe"));
}

/* Without the reference the program's own count says how many promises there are. */
static void one_promise_is_not_the_contract(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    place->promises = 107;
    const cJSON *fact = decide_entry(decide_now(place, &profile, false), "unknown", "good", "contract");
    assert_non_null(fact);
    assert_string_equal(cJSON_GetObjectItem(fact, "fact")->valuestring, "1 of 107 promises were asked");
}

static const char *text_of(const cJSON *fact, const char *key)
{
    assert_non_null(fact);
    return cJSON_GetObjectItem(fact, key)->valuestring;
}

/* Typed as it stands it is measured, and choose reads it: beside the run, in a file of its own. */
static void what_is_missing_says_where_it_is_kept(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "interrupt-safe", "yes", &error));
    assert_true(decide_profile_set(&profile, "memory-size", "2 TiB", &error));
    assert_true(decide_profile_set(&profile, "bounded-worst-case", "100", &error));
    assert_true(decide_profile_set(&profile, "speed", "replay-nginx", &error));
    forget_interrupts(place);
    forget_worst(place);
    const cJSON *answer = decide_now(place, &profile, false);
    assert_string_equal(text_of(decide_entry(answer, "unknown", "bad", "interrupt-safe"), "command"),
                        "./pagelab interrupt --backend bad --format json >interrupts.bad.json");
    assert_string_equal(text_of(decide_entry(answer, "unknown", "bad", "memory-size"), "command"),
                        "./pagelab scale bad --to 2199023255552 --out scale.bad.json");
    assert_string_equal(text_of(decide_entry(answer, "unknown", "bad", "bounded-worst-case"), "command"),
                        "./pagelab bench --backend bad --workload worst-call --out worst.bad.json");
    assert_string_equal(text_of(decide_entry(answer, "unknown", "bad", "speed"), "command"),
                        "./pagelab bench --backend bad --workload replay:corpora/traces/nginx.pltrace");
}

/* A cell of the run that is well and was not counted does not hide one that was. */
static void a_counted_call_is_looked_for(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    char path[160];
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "bounded-worst-case", "100", &error));
    char *text = cJSON_Print(place->result);
    snprintf(path, sizeof path, "%s/worst.json", place->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    cJSON_free(text);
    forget_worst(place);
    const cJSON *answer = decide_now(place, &profile, false);
    remove(path);
    assert_non_null(decide_entry(answer, "front", "bad", NULL));
}

/* Twice warm is not exhausted. */
static void each_scenario_counts_once(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "never-sleeps", "yes", &error));
    cJSON *rows = cJSON_GetObjectItem(place->files[FILE_NOSLEEP], "rows");
    decide_say(last_of(rows), "scenario", "warm");
    const cJSON *answer = decide_now(place, &profile, false);
    assert_string_equal(text_of(decide_entry(answer, "unknown", "bad", "never-sleeps"), "fact"),
                        "3 of 4 scenarios were seen to the end");
}

/* Of times the median decides, and the fact says that there was a longer one. */
static void a_time_says_that_it_is_the_median(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "masked-time", "5us", &error));
    drop_row(place, "worst-masked");
    place->files[FILE_MASKED] =
        decide_parse("[{\"candidate\": \"bad\", \"seeds_instructions\": 10, \"worst_instructions\": 20, "
                     "\"ns_median\": 5001, \"ns_longest\": 21152}]");
    const cJSON *answer = decide_now(place, &profile, false);
    assert_string_equal(text_of(decide_entry(answer, "out", "bad", "masked-time"), "fact"),
                        "5001 ns masked, the median; the longest seen 21152 ns");
}

static void a_rod_is_no_candidate(void **state)
{
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    char *text = cJSON_Print(decide_now(*state, &profile, false));
    assert_null(strstr(text, "magazine"));
    cJSON_free(text);
}

/* Of a workload that the axes ask for: failing is a fact, a machine that cannot is none. */
static void a_row_that_is_not_ok_says_why(void **state)
{
    static struct decide_profile profile;
    cJSON *row = decide_find_row(*state, "bulk", "bad");
    decide_profile_init(&profile, "test");
    decide_say(row, "status", "n/a");
    decide_say(row, "reason", "n/a (machine): 1 CPU");
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "unknown", "bad", "speed"));
    decide_say(row, "reason", "n/a (capability): serves orders up to 0");
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "out", "bad", "speed"));
    decide_say(row, "status", "crashed");
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "out", "bad", "speed"));
}

static void a_tail_of_few_operations_is_none(void **state)
{
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    decide_set(decide_find_row(*state, "nosleep-floor", "bad"), "arrivals", 1);
    assert_non_null(decide_entry(decide_now(*state, &profile, false), "unknown", "bad", "tail"));
}

/* A p99.9 below the clock's step is a value like another. */
static void a_tail_of_nothing_has_a_row(void **state)
{
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    decide_set(decide_find_row(*state, "nosleep-floor", "bad"), "service_p99_9_ns", 0);
    const cJSON *bad = decide_entry(decide_now(*state, &profile, false), "front", "bad", NULL);
    assert_string_equal(text_of(cJSON_GetObjectItem(bad, "rows"), "tail"), "nosleep-floor/bad/cpus:1");
}

/* Decides with a file of that text in the folder; the words of the mistake. */
static void refuse(struct decide_place *place, const char *name, const char *text, struct report_error *error)
{
    static struct decide_profile profile;
    char path[160];
    const struct decide_sources sources = {
        .result = place->result, .file = "r.json", .folder = place->folder, .strict = true};
    decide_profile_init(&profile, "test");
    snprintf(path, sizeof path, "%s/%s", place->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_null(decide_json(&sources, &profile, 1, error));
    remove(path);
}

static void evidence_of_another_shape_is_refused(void **state)
{
    static const struct {
        const char *name;
        const char *text;
    } wrong[] = {{"claims.json", "{}"},
                 {"claims.json", "[1]"},
                 {"conformance.json", "[{\"F-1\": {\"bad\": \"broken\"}}]"},
                 {"conformance.json", "{\"F-1\": \"broken\"}"},
                 {"interrupts.json", "{\"rows\": []}"},
                 {"nosleep.json", "[]"},
                 {"scale.json", "{\"memory\": []}"},
                 {"masked.json", "3"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct report_error error = {""};
        refuse(*state, wrong[i].name, wrong[i].text, &error);
        if (strstr(error.line, wrong[i].name) == NULL)
            fail_msg("%s of %s: %s", wrong[i].name, wrong[i].text, error.line);
    }
}

/* More files than can be read are a mistake, not a choice of some of them. */
static void too_many_files_are_refused(void **state)
{
    struct decide_place *place = *state;
    struct report_error error = {""};
    char path[160];
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 48; i++) {
            snprintf(path, sizeof path, "%s/claims.%02d.json", place->folder, i);
            FILE *file = pass == 0 ? fopen(path, "w") : NULL;
            if (file != NULL) {
                fputs("[]", file);
                fclose(file);
            } else {
                remove(path);
            }
        }
        if (pass == 0)
            refuse(place, "masked.json", "[]", &error);
    }
    assert_non_null(strstr(error.line, "at most 48 files of evidence expected"));
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, decide_place_make, decide_place_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_need_puts_out_by_its_fact),
        cmocka_unit_test(what_is_missing_is_neither_out_nor_proved),
        WITH_PLACE(a_claim_is_no_fact),
        WITH_PLACE(a_whole_sweep_of_points_passes),
        WITH_PLACE(one_promise_is_not_the_contract),
        WITH_PLACE(what_is_missing_says_where_it_is_kept),
        WITH_PLACE(a_counted_call_is_looked_for),
        WITH_PLACE(each_scenario_counts_once),
        WITH_PLACE(a_time_says_that_it_is_the_median),
        WITH_PLACE(a_rod_is_no_candidate),
        WITH_PLACE(a_row_that_is_not_ok_says_why),
        WITH_PLACE(a_tail_of_few_operations_is_none),
        WITH_PLACE(a_tail_of_nothing_has_a_row),
        WITH_PLACE(evidence_of_another_shape_is_refused),
        WITH_PLACE(too_many_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
