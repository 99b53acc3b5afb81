/* A decision on the screen and in the lines that end a run; the profiles that are shipped; a run before the
 * reference. */
#define _POSIX_C_SOURCE 200809L

#include "decide_fixture.h"

#define SOURCE(path) PL_SOURCE_DIR "/" path

static const char *const shipped[] = {"rtos", "hypervisor", "server", "teaching"};

/* What is printed, as text; the caller frees it. */
static char *printed(const cJSON *decision, enum report_format format)
{
    struct report_error error;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);

    assert_int_equal(decide_print(decision, format, false, out, &error), 0);
    fclose(out);
    return text;
}

static size_t check_screen(const char *text)
{
    size_t lines = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length > DECIDE_COLUMNS)
            fail_msg("%zu columns: %.*s", length, (int)length, text);
        for (size_t i = 0; i < length; i++)
            assert_true((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
        assert_int_equal(text[length], '\n');
        text += length + 1;
        lines++;
    }
    return lines;
}

static cJSON *decide_reference(const struct decide_profile *profile)
{
    struct report_error error = {""};
    cJSON *result = report_read(SOURCE("results/reference/result.json"), &error);
    const struct decide_sources sources = {.result = result,
                                           .file = "results/reference/result.json",
                                           .which = "the reference",
                                           .reference = true,
                                           .folder = SOURCE("results/reference")};

    assert_non_null(result);
    cJSON *decision = decide_json(&sources, profile, 1, &error);
    assert_string_equal(error.line, "");
    cJSON_Delete(result);
    return decision;
}

static bool known(const char *workload)
{
    static const char *const names[] = {"repeat", "bulk", "replace", "nosleep-floor", "irq-preempt"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], workload) == 0)
            return true;
    }
    return strncmp(workload, "replay-", 7) == 0;
}

/* Each of the four leaves somebody and puts somebody out, knows all it asks for, and fits a screen. */
static void the_shipped_profiles_answer(void **state)
{
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        static struct decide_profile profile;
        struct report_error error = {""};
        char path[300];
        snprintf(path, sizeof path, SOURCE("profiles/%s.txt"), shipped[i]);
        if (!decide_profile_read(path, known, &profile, &error))
            fail_msg("%s", error.line);
        assert_string_equal(profile.name, shipped[i]);
        cJSON *decision = decide_reference(&profile);
        const cJSON *answer = cJSON_GetArrayItem(cJSON_GetObjectItem(decision, "profiles"), 0);
        assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(answer, "front")) > 0);
        assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(answer, "out")) > 0);
        char *text = printed(decision, REPORT_TABLE);
        size_t lines = check_screen(text);
        if (lines > DECIDE_LINES)
            fail_msg("%s: %zu lines", shipped[i], lines);
        assert_non_null(strstr(text, "results/reference/result.json"));
        assert_non_null(strstr(text, "gives up"));
        free(text);
        cJSON_Delete(decision);
    }
    (void)state;
}

/* Who is out by several needs, and many of them: the screen stays one, every fact is in the other formats. */
static void a_screen_stays_a_screen(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    decide_profile_init(&profile, "test");
    assert_true(decide_profile_set(&profile, "bytes-per-frame", "0.5", &error));
    assert_true(decide_profile_set(&profile, "capability", "exact-count", &error));
    for (int i = 0; i < 60; i++) {
        char name[200];
        snprintf(name, sizeof name, "./a/rather/long/path/of/a/plug-in/that/somebody/has/built/number%d.so",
                 i);
        decide_add_candidate(place, name);
    }
    (void)decide_now(place, &profile, false);
    char *text = printed(place->decision, REPORT_TABLE);
    assert_true(check_screen(text) <= DECIDE_LINES);
    assert_true(check_screen(text) < DECIDE_LINES ||
                strstr(text, " lines more, in the other formats\n") != NULL);
    free(text);
    text = printed(place->decision, REPORT_CSV);
    assert_non_null(strstr(text, "number59.so"));
    free(text);
}

static void names_never_run(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    decide_profile_init(&profile, "te\033[31mst");
    decide_add_candidate(place, "evil\033[2J\xc2\x9b'$(reboot)");
    (void)decide_now(place, &profile, false);
    char *text = printed(place->decision, REPORT_TABLE);
    (void)check_screen(text);
    assert_null(strstr(text, "\xc2\x9b"));
    /* the command to copy has it as one word */
    assert_non_null(strstr(text, "./pagelab check 'evil"));
    assert_non_null(strstr(text, "'\\''$(reboot)'"));
    free(text);
}

/* Three lines, whatever there is to say. */
static void a_run_ends_with_three_lines(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    const char *const needs[] = {NULL, "exact-count", "checks-free"};
    const char *const says[] = {
        ("fastest that passed: bad, 20 ns an operation\n"
         "it gives up: nothing that was measured\nnext: type this\n"),
        "fastest that passed: none\nout is good: capability: does not claim exact-count\n",
        "fastest that passed: none\nnot known of good: ",
    };
    for (size_t i = 0; i < 3; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        decide_profile_init(&profile, "any");
        if (needs[i] != NULL)
            assert_true(decide_profile_set(&profile, "capability", needs[i], &error));
        if (i == 2) {
            cJSON_Delete(place->files[FILE_CLAIMS]);
            place->files[FILE_CLAIMS] = cJSON_CreateArray();
        }
        (void)decide_now(place, &profile, false);
        decide_print_brief(place->decision, "type this", out);
        fclose(out);
        if (strncmp(text, says[i], strlen(says[i])) != 0)
            fail_msg("'%s' expected: '%s'", says[i], text);
        assert_int_equal(check_screen(text), 3);
        assert_non_null(strstr(text, "\nnext: "));
        free(text);
    }
}

/* Speed and memory are of one row here; each line of the table says what is lost on its own axis. */
static void a_table_has_the_loss_of_each_axis(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    decide_profile_init(&profile, "test");
    decide_set(decide_find_row(place, "repeat", "bad"), "metadata_bytes_per_frame", 3);
    decide_set(decide_find_row(place, "repeat", "bad"), "real_time", 5);
    (void)decide_now(place, &profile, false);
    char *text = printed(place->decision, REPORT_CSV);
    assert_non_null(strstr(text, "\ntest,bad,front,speed,best,repeat/bad/order:0/cpus:1; bulk/bad/"));
    assert_non_null(strstr(text, "\ntest,bad,front,memory,gives up 3.0 x the memory of good,repeat/bad/"));
    assert_non_null(strstr(text, "\ntest,good,front,speed,gives up 1.6 x slower than bad,repeat/good/"));
    assert_non_null(strstr(text, "\ntest,good,front,memory,best,"));
    assert_non_null(
        strstr(text, "\ntest,good,passed,contract,no promise is broken,good,conformance.doc.json,"));
    free(text);
}

/* What a run says against its own times is said with them. */
static void a_marked_run_is_shown_marked(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    cJSON *pagelab = cJSON_GetObjectItem(cJSON_GetObjectItem(place->result, "context"), "pagelab");
    char *brief = NULL;
    size_t bytes = 0;
    decide_profile_init(&profile, "any");
    cJSON_AddItemToObject(pagelab, "marks", decide_parse("[\"a loaded machine\"]"));
    (void)decide_now(place, &profile, false);
    char *text = printed(place->decision, REPORT_TABLE);
    assert_non_null(strstr(text, "\nIts times are marked: a loaded machine\n"));
    free(text);
    FILE *out = open_memstream(&brief, &bytes);
    decide_print_brief(place->decision, "x", out);
    fclose(out);
    assert_non_null(strstr(brief, "20 ns an operation (marked: a loaded machine)\n"));
    free(brief);
}

/* A debug build is said on the screen and at the end of a run, with every other mark. */
static void a_debug_build_is_said(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    cJSON *pagelab = cJSON_GetObjectItem(cJSON_GetObjectItem(place->result, "context"), "pagelab");
    char *brief = NULL;
    size_t bytes = 0;
    decide_profile_init(&profile, "any");
    decide_say(pagelab, "tier", "debug");
    cJSON_AddTrueToObject(pagelab, "dirty");
    (void)decide_now(place, &profile, false);
    const cJSON *source = cJSON_GetObjectItem(place->decision, "source");
    assert_string_equal(cJSON_GetObjectItem(source, "tier")->valuestring, "debug");
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(source, "dirty")));
    char *text = printed(place->decision, REPORT_TABLE);
    assert_non_null(strstr(text, "Its times are marked: a debug build"));
    assert_non_null(strstr(text, "commit abc and changes"));
    free(text);
    cJSON_AddItemToObject(pagelab, "marks", decide_parse("[\"one\", \"two\"]"));
    (void)decide_now(place, &profile, false);
    FILE *out = open_memstream(&brief, &bytes);
    decide_print_brief(place->decision, "x", out);
    fclose(out);
    assert_non_null(strstr(brief, "(marked: one; two)\n"));
    free(brief);
}

/* A replay that an earlier call kept is not the run's: its own file is cited, with its date and its build. */
static void a_kept_replay_names_its_file(void **state)
{
    struct decide_place *place = *state;
    static struct decide_profile profile;
    struct report_error error;
    cJSON_AddItemToObject(
        place->result, DECIDE_KEPT,
        decide_parse(
            "{\"file\": \"results/traces/replay-mine.json\", \"context\": {\"date\": \"2026-01-09T00\", "
            "\"pagelab\": {\"commit\": \"def\", \"tier\": \"debug\"}}}"));
    cJSON *row = decide_find_row(place, "replay-mine", "bad");
    cJSON_AddStringToObject(row, DECIDE_KEPT, "results/traces/replay-mine.json");
    decide_say(row, "status", "failed");
    decide_profile_init(&profile, "any");
    assert_true(decide_profile_set(&profile, "trace", "mine.pltrace", &error));
    const cJSON *answer = decide_now(place, &profile, false);
    assert_string_equal(cJSON_GetObjectItem(decide_entry(answer, "out", "bad", "trace"), "file")->valuestring,
                        "results/traces/replay-mine.json");
    const cJSON *first = cJSON_GetArrayItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(place->decision, "source"), "evidence"), 0);
    assert_string_equal(cJSON_GetObjectItem(first, "file")->valuestring, "results/traces/replay-mine.json");
    char *text = printed(place->decision, REPORT_TABLE);
    assert_non_null(strstr(text,
                           "The replays are from results/traces/replay-mine.json of 2026-01-09, commit def\n"
                           "Their times are marked: a debug build"));
    free(text);
}

/* The run's own check says more than the reference's of the same candidate; of others the reference speaks,
 * and is named with its date and commit. */
static void the_run_comes_before_the_reference(void **state)
{
    struct decide_place *run = *state;
    void *other = NULL;
    static struct decide_profile profile;
    struct report_error error = {""};
    assert_int_equal(decide_place_make(&other), 0);
    struct decide_place *reference = other;
    decide_profile_init(&profile, "test");
    decide_say(cJSON_GetObjectItem(reference->files[FILE_CONFORMANCE], "F-8"), "bad", "broken");
    decide_say(cJSON_GetObjectItem(reference->files[FILE_CONFORMANCE], "F-8"), "good", "broken");
    cJSON_DeleteItemFromObject(cJSON_GetObjectItem(run->files[FILE_CONFORMANCE], "F-8"), "good");
    (void)decide_now(reference, &profile, true);
    (void)decide_now(run, &profile, false);
    const struct decide_sources both = {
        .result = run->result, .file = "r.json", .folder = run->folder, .committed = reference->folder};
    cJSON *decision = decide_json(&both, &profile, 1, &error);
    assert_non_null(decision);
    const cJSON *answer = cJSON_GetArrayItem(cJSON_GetObjectItem(decision, "profiles"), 0);
    assert_non_null(decide_entry(answer, "front", "bad", NULL));
    assert_non_null(decide_entry(answer, "out", "good", "contract"));
    const cJSON *evidence = cJSON_GetObjectItem(cJSON_GetObjectItem(decision, "source"), "evidence");
    assert_int_equal(cJSON_GetArraySize(evidence), 10);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(cJSON_GetArrayItem(evidence, 0), "reference")));
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(evidence, 9), "reference")));
    assert_string_not_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(evidence, 9), "date")->valuestring, "");
    cJSON_Delete(decision);
    assert_int_equal(decide_place_remove(&other), 0);
}

/* Interrupts that are never held off are a need, too. */
static void no_masked_time_at_all_may_be_asked_for(void **state)
{
    static struct decide_profile profile;
    struct report_error error = {""};
    decide_profile_init(&profile, "any");
    assert_true(decide_profile_set(&profile, "masked-time", "0", &error));
    const cJSON *answer = decide_now(*state, &profile, false);
    assert_non_null(decide_entry(answer, "out", "good", "masked-time"));
}

/* Whom only the checks know is named once, and is no candidate of the decision. */
static void who_was_not_measured_is_named(void **state)
{
    static struct decide_profile profile;
    struct decide_place *place = *state;
    decide_profile_init(&profile, "test");
    decide_now(place, &profile, false);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(place->decision, "unmeasured")), 0);
    decide_add_evidence(place, "later");
    cJSON_AddStringToObject(cJSON_GetObjectItem(place->files[FILE_CONFORMANCE], "F-8"), "plug", "holds");
    const cJSON *answer = decide_now(place, &profile, false);
    const cJSON *names = cJSON_GetObjectItem(place->decision, "unmeasured");
    assert_int_equal(cJSON_GetArraySize(names), 2);
    for (int i = 0; i < 2; i++) {
        const char *name = cJSON_GetArrayItem(names, i)->valuestring;
        assert_true(strcmp(name, "later") == 0 || strcmp(name, "plug") == 0);
        assert_null(decide_entry(answer, "unknown", name, NULL));
        assert_null(decide_entry(answer, "out", name, NULL));
    }
    char *screen = printed(place->decision, REPORT_TABLE);
    char *flat = printed(place->decision, REPORT_CSV);
    assert_true(strstr(screen, "Not measured by this run: later, plug") != NULL ||
                strstr(screen, "Not measured by this run: plug, later") != NULL);
    assert_non_null(strstr(flat, ",plug,unmeasured,"));
    free(screen);
    free(flat);
}

static void a_profile_that_is_wrong_says_where(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } wrong[] = {
        {"about = x\ninterrupt-safe\n", ":2: 'interrupt-safe': key = value expected"},
        {"interrupt-safe = maybe\n", ":1: interrupt-safe 'maybe': yes expected"},
        {"\n# x\nsleeps-well = yes\n", ":3: 'sleeps-well': unknown need"},
        {"masked-time = soon\n", ":1: masked-time 'soon': instructions as in 10000, or a time"},
        {"contiguous-after-ageing = 120%\n", ":1: contiguous-after-ageing '120%': a share"},
        {"memory-size = -1GiB\n", ":1: memory-size '-1GiB': bytes as in 64GiB"},
        {"cpus = 0\n", ":1: cpus '0': a whole number from 1 to 64"},
        {"cpus = 1.5\n", ":1: cpus '1.5': a whole number"},
        {"cpus = 65\n", ":1: cpus '65': a whole number"},
        {"memory-size = 0x10GiB\n", ":1: memory-size '0x10GiB': bytes"},
        {"memory-size = 64\n", ":1: memory-size '64': bytes"},
        {"memory-size = 32 TiB\n", ":1: memory-size '32 TiB': bytes as in 64GiB, from 1MiB to 16TiB"},
        {"capability = exact-counts\n", ":1: capability 'exact-counts': the name of a capability"},
        {"speed = repeat/order:0 bulk/order:0\n", ":1: speed: 'repeat/order:0 bulk/order:0': cells"},
        {"speed = repeat/colour:9\n", ":1: speed: 'repeat/colour:9': cells expected"},
        {"speed = repeat*0\n", ":1: speed: 'repeat"},
        {"speed = bulk, repat/order:0\n", ":1: speed: 'repat': unknown workload; one of"},
        {"\ntail = nosuch\n", ":2: tail: 'nosuch': unknown workload; one of"},
        {"cpus = 2\nnmi-safe = yes\ncpus = 3\n", ":3: 'cpus': given twice"},
        {"speed = bulk\nspeed = bulk\n", ":2: 'speed': given twice"},
        {"capability = runs\ncapability = split\ncapability = runs\n", ":3: 'capability': given twice"},
    };
    struct decide_place *place = *state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        static struct decide_profile profile;
        struct report_error error = {""};
        char path[160];
        snprintf(path, sizeof path, "%s/claims.json", place->folder); /* a name that teardown removes */
        FILE *file = fopen(path, "w");
        fputs(wrong[i].text, file);
        fclose(file);
        assert_false(decide_profile_read(path, known, &profile, &error));
        if (strstr(error.line, wrong[i].says) == NULL)
            fail_msg("'%s' expected: %s", wrong[i].says, error.line);
    }
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, decide_place_make, decide_place_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_profiles_answer),
        WITH_PLACE(a_screen_stays_a_screen),
        WITH_PLACE(who_was_not_measured_is_named),
        WITH_PLACE(names_never_run),
        WITH_PLACE(a_marked_run_is_shown_marked),
        WITH_PLACE(a_debug_build_is_said),
        WITH_PLACE(a_kept_replay_names_its_file),
        WITH_PLACE(a_table_has_the_loss_of_each_axis),
        WITH_PLACE(a_run_ends_with_three_lines),
        WITH_PLACE(the_run_comes_before_the_reference),
        WITH_PLACE(no_masked_time_at_all_may_be_asked_for),
        WITH_PLACE(a_profile_that_is_wrong_says_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
