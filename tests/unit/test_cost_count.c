/* What is read of valgrind's tools: callgrind's file and lackey's trace, as small samples. */
#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/cost/callgrind.h"
#include "bench/cost/counted.h"
#include "bench/cost/lackey.h"
#include "bench/cost/program_image.h"

/* In the compressed form: a name is written once. Costs are of lines (positions: line); a zero at the end is
 * left out. The two hooks of the harness and what stands after "calls=" must not count. */
static const char callgrind_sample[] = "# callgrind format\n"
                                       "version: 1\n"
                                       "creator: callgrind-3.19.0\n"
                                       "positions: line\n"
                                       "events: Ir Ge\n"
                                       "summary: 1000 12\n"
                                       "\n"
                                       "ob=(1) /somewhere/bin/pagelab\n"
                                       "fl=(1) ???\n"
                                       "fn=(1) cost_counted_alloc\n"
                                       "0 13\n"
                                       "cfn=(2) buddy_alloc\n"
                                       "calls=1 0 \n"
                                       "0 70 3\n"
                                       "\n"
                                       "fn=(2)\n"
                                       "12 30 1\n"
                                       "+2 10\n"
                                       "fi=(2) include/lock.h\n"
                                       "* 5 1\n"
                                       "fe=(1)\n"
                                       "cob=(2) /usr/lib/libthing.so.2\n"
                                       "cfn=(3) 0x0000000000006b2a\n"
                                       "calls=4 0\n"
                                       "-1 20 1\n"
                                       "fn=(4) buddy_alloc.part.0\n"
                                       "9 5\n"
                                       "ob=(2)\n"
                                       "fn=(3)\n"
                                       "0 15 1\n"
                                       "fn=(5) 0x0000000000007000'2\n"
                                       "0 5\n"
                                       "ob=(1)\n"
                                       "fn=(6) cost_counted_free\n"
                                       "0 9\n";

static int read_sample(const char *text, struct cost_profile *profile, struct cost_error *error)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_non_null(file);
    int result = callgrind_read(file, "sample", profile, error);
    fclose(file);
    return result;
}

static uint64_t count_of(const struct cost_profile *profile, const char *name, enum cost_count which)
{
    for (size_t i = 0; i < profile->function_count; i++) {
        if (strcmp(profile->functions[i].name, name) == 0)
            return profile->functions[i].counts[which];
    }
    fail_msg("%s is not in the profile", name);
    return 0;
}

static void test_callgrind(void **state)
{
    (void)state;
    struct cost_profile profile = {0};
    struct cost_error error = {""};
    assert_int_equal(read_sample(callgrind_sample, &profile, &error), 0);
    assert_int_equal(profile.function_count, 2);
    assert_int_equal(count_of(&profile, "buddy_alloc", COST_INSTRUCTIONS), 50);
    assert_int_equal(count_of(&profile, "buddy_alloc", COST_LOCKED), 2);
    assert_int_equal(count_of(&profile, "libthing.so.2", COST_INSTRUCTIONS), 20);
    assert_int_equal(count_of(&profile, "libthing.so.2", COST_LOCKED), 1);
    assert_int_equal(profile.totals[COST_INSTRUCTIONS], 70);
    assert_int_equal(profile.totals[COST_LOCKED], 3);
    cost_profile_fini(&profile);
}

static void test_callgrind_by_address(void **state)
{
    (void)state;
    struct cost_profile profile = {0};
    struct cost_error error = {""};
    /* Two positions a line, and events in another order with one that is not ours. */
    assert_int_equal(read_sample("positions: instr line\nevents: Ge Dr Ir\nfn=f\n0x12 7 1 2 3\n+4 +1 0 0 5\n",
                                 &profile, &error),
                     0);
    assert_int_equal(count_of(&profile, "f", COST_INSTRUCTIONS), 8);
    assert_int_equal(count_of(&profile, "f", COST_LOCKED), 1);
    cost_profile_fini(&profile);
}

/* The function whose lines are read keeps its name whatever is said of others: names without a number, and a
 * number that gets another name, come in the compressed form's stead. */
static void test_callgrind_names(void **state)
{
    (void)state;
    struct cost_profile profile = {0};
    struct cost_error error = {""};
    assert_int_equal(read_sample("events: Ir Ge\n"
                                 "fn=first\ncfn=other\ncalls=1 0\n0 70\n0 2\n"
                                 "fn=(1) second\ncfn=(1) another\ncalls=1 0\n0 70\n0 3\n"
                                 "fn=(1)\n0 4\nfn=first\n0 5\n",
                                 &profile, &error),
                     0);
    assert_int_equal(profile.function_count, 3);
    assert_int_equal(count_of(&profile, "first", COST_INSTRUCTIONS), 7);
    assert_int_equal(count_of(&profile, "second", COST_INSTRUCTIONS), 3);
    assert_int_equal(count_of(&profile, "another", COST_INSTRUCTIONS), 4);
    cost_profile_fini(&profile);
}

static void test_callgrind_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"version: 1\nevents: Ir\nfn=f\n1 2\n", "line 2"}, /* without --collect-bus=yes */
        {"version: 1\n", "Ir and Ge expected"},            /* nothing at all */
        {"fn=f\n1 2\nevents: Ir Ge\n", "line 2"},          /* a cost before its meaning */
        {"events: Ir Ge\nfn=(x) f\n", "line 2"},           /* no number */
        {"events: Ir Ge\nfn=(99999999999) f\n", "line 2"}, /* a number to fill memory with */
        {"events: Ir Ge\nfn=(3)\n", "line 2"},             /* a name that was never written */
        {"events: Ir Ge\nfn=f\n1 2 3\n1 -2\n", "line 4"},  /* a negative count */
        {"events: Ir Ge\nfn=f\nwords of another tool\n", "line 3"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cost_profile profile = {0};
        struct cost_error error = {""};
        assert_int_equal(read_sample(cases[i].text, &profile, &error), -1);
        if (strstr(error.text, cases[i].words) == NULL)
            fail_msg("case %zu: %s", i, error.text);
        cost_profile_fini(&profile);
    }
}

/* --- lackey --- */

#define MARK      UINT64_C(0x5000040)
#define STACK     UINT64_C(0x1ffe000000)
#define ELSEWHERE UINT64_C(0x4900000)

static void feed(struct lackey *lackey, const char *format, ...)
{
    char line[160];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    assert_true(lackey_line(lackey, line));
}

/* The trace's program is this one, but loaded at 0x108000. */
static uint64_t traced(void (*function)(void))
{
    return (uint64_t)((uintptr_t)function - program_image().begin) + 0x108000;
}

static struct lackey *marked(void)
{
    struct lackey *lackey = lackey_new();
    struct program_image image = program_image();
    assert_non_null(lackey);
    feed(lackey, "==123== Lackey, an example Valgrind tool\n");
    feed(lackey, " S %" PRIx64 ",8\n", MARK); /* before the mark is told it is only an address */
    feed(lackey, COST_MARK_WORDS " %" PRIx64 " %" PRIx64 " %" PRIx64 " %x %" PRIx64 "\n", MARK, STACK,
         STACK + 0x100000, 0x108000, (uint64_t)(image.end - image.begin) + 0x108000);
    return lackey;
}

static void test_lackey(void **state)
{
    (void)state;
    struct cost_profile profile = {0};
    struct cost_error error = {""};
    struct lackey *lackey = marked();
    uint64_t at = traced((void (*)(void))cost_plain_name);
    feed(lackey, " L 7000000,8\n"); /* the harness, between calls */
    feed(lackey, " S %" PRIx64 ",8\n", MARK);
    feed(lackey, "I  %08" PRIx64 ",4\n", at);
    feed(lackey, " L 6000000,8\n");
    feed(lackey, " S 6000038,8\n");                    /* the same line */
    feed(lackey, " M 600007c,8\n");                    /* two more lines */
    feed(lackey, " S %" PRIx64 ",8\n", STACK + 0x100); /* the stack is left out */
    feed(lackey, "I  %" PRIx64 ",2\n", ELSEWHERE);
    feed(lackey, " L 6000080,4\n"); /* a line of this call already */
    feed(lackey, " L 7000000,4\n");
    feed(lackey, " S %" PRIx64 ",8\n", MARK);
    feed(lackey, " L 8000000,8\n");
    feed(lackey, " S %" PRIx64 ",8\n", MARK);
    feed(lackey, "I  %08" PRIx64 ",4\n", at);
    feed(lackey, " L 6000000,8\n"); /* in this call it is new */
    feed(lackey, " S %" PRIx64 ",8\n", MARK);
    feed(lackey, "words of the program, 12,3\n");
    assert_int_equal(lackey_finish(lackey, &profile, &error), 0);
    assert_int_equal(profile.totals[COST_LINES], 5);
    assert_int_equal(count_of(&profile, "cost_plain_name", COST_LINES), 4);
    assert_int_equal(count_of(&profile, "(library)", COST_LINES), 1);
    assert_int_equal(profile.working_lines, 4);
    assert_int_equal(profile.line_calls, 2);
    cost_profile_fini(&profile);
    lackey_delete(lackey);
}

/* More lines in one call than the tables have room for at first. */
static void test_lackey_grows(void **state)
{
    (void)state;
    struct cost_profile profile = {0};
    struct cost_error error = {""};
    struct lackey *lackey = marked();
    for (unsigned call = 0; call < 3; call++) {
        feed(lackey, " S %" PRIx64 ",8\n", MARK);
        for (uint64_t i = 0; i < 5000; i++) {
            feed(lackey, "I  %" PRIx64 ",4\n", ELSEWHERE + 4 * i);
            feed(lackey, " L %" PRIx64 ",8\n", UINT64_C(0x6000000) + 64 * i);
        }
        feed(lackey, " S %" PRIx64 ",8\n", MARK);
    }
    assert_int_equal(lackey_finish(lackey, &profile, &error), 0);
    assert_int_equal(profile.totals[COST_LINES], 15000);
    assert_int_equal(profile.working_lines, 5000);
    cost_profile_fini(&profile);
    lackey_delete(lackey);
}

static void test_lackey_refuses(void **state)
{
    (void)state;
    struct cost_profile profile = {0};
    struct cost_error error = {""};
    struct lackey *lackey = lackey_new();
    feed(lackey, COST_MARK_WORDS " 12 nonsense\n");
    assert_int_equal(lackey_finish(lackey, &profile, &error), -1);
    assert_non_null(strstr(error.text, "no mark"));
    lackey_delete(lackey);
    lackey = marked();
    feed(lackey, " S %" PRIx64 ",8\n", MARK);
    assert_int_equal(lackey_finish(lackey, &profile, &error), -1);
    assert_non_null(strstr(error.text, "unfinished"));
    lackey_delete(lackey);
}

static void test_plain_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"buddy_free.constprop.0.isra.1", "buddy_free"},
                                           {"slate_take.cold", "slate_take"},
                                           {"walk'2", "walk"},
                                           {"libjemalloc.so.2", "libjemalloc.so.2"},
                                           {"std::f(char const*)", "std::f(char const*)"},
                                           {"it's", "it's"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[COST_NAME_BYTES];
        snprintf(name, sizeof(name), "%s", names[i][0]);
        cost_plain_name(name);
        assert_string_equal(name, names[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callgrind),       cmocka_unit_test(test_callgrind_by_address),
        cmocka_unit_test(test_callgrind_names), cmocka_unit_test(test_callgrind_refuses),
        cmocka_unit_test(test_lackey),          cmocka_unit_test(test_lackey_grows),
        cmocka_unit_test(test_lackey_refuses),  cmocka_unit_test(test_plain_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
