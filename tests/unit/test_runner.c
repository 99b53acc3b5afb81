/* The runner against allocators that lie: each breaks one promise, and the finding must name it. Beside each,
 * the same program on the honest one: no finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/runner.h"

#include <string.h>

#define MACHINE "pagelab program 1\nmachine 16@0x10 cpus=2 floors=0/0/0\n"
#define TIGHT   "pagelab program 1\nmachine 4@0x10 cpus=1 floors=0/0/0\n"
#define FLOORED "pagelab program 1\nmachine 16@0x10 cpus=1 floors=0/2/4\n"
#define TAKE    "cpu0 task alloc s0 order=0\n"
#define TAKE2   TAKE "cpu0 task alloc s1 order=0\n"
#define TAKE3   TAKE2 "cpu0 task alloc s2 order=0\n"
#define PAIR    "cpu0 task alloc s3 order=1\n"
#define ODD_OPS ((size_t)2 * OP_KIND_COUNT)
#define GIVE    "cpu0 task free s0\n"

static void run_spec(const char *name, const char *text, bool contents, struct finding *finding)
{
    static struct runner runner;
    struct spec spec;
    struct spec_error error;
    struct program program;
    struct program_error parse_error = {.text = ""};
    if (program_parse(text, strlen(text), "text", &program, &parse_error) != 0)
        fail_msg("%s", parse_error.text);
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    program.shape.contents = contents;
    assert_int_equal(runner_init(&runner, &spec, &program.shape, &error), PL_OK);
    assert_int_equal(runner_run(&runner, program.ops, program.op_count, finding), PL_OK);
    runner_fini(&runner);
    program_fini(&program);
}

struct lie_case {
    const char *lie;
    const char *ids; /* the whole list of the finding */
    const char *text;
    bool contents;
};

static const struct lie_case cases[] = {
    {"grants-twice", "F-1 X-2", MACHINE TAKE2, false},
    {"misaligned", "X-2", MACHINE "cpu0 task alloc s0 order=2\n", false},
    {"outside", "X-1", MACHINE TAKE, false},
    {"outside", "X-1", MACHINE "cpu0 task alloc s0 order=2\n", false},
    {"wrong-count", "F-6", MACHINE TAKE, false},
    {"forgets-frame", "X-1 F-2", MACHINE TAKE GIVE "cpu0 task audit\n", false},
    {"forgets-frame", "X-1 F-2", MACHINE TAKE GIVE, false},
    {"count-drifts", "F-2 F-6 X-4", MACHINE TAKE GIVE, false},
    {"counts-cached", "F-2 F-6 X-4", MACHINE TAKE "cpu0 task audit\n", false},
    {"leaks-on-failure", "X-1 F-2", TIGHT TAKE3 GIVE PAIR, false},
    {"loses-on-failure", "X-4", TIGHT TAKE3 GIVE PAIR, false},
    {"takes-double-free", "X-10", MACHINE TAKE GIVE "cpu0 task bad-free s0 mistake=twice\n", false},
    {"takes-double-free", "X-10", MACHINE "cpu0 task bad-free s0 mistake=foreign\n", false},
    {"takes-double-free", "X-10", MACHINE "cpu0 task alloc s0 order=2\ncpu0 task bad-free s0 mistake=half\n",
     false},
    {"takes-double-free", "X-10",
     MACHINE "cpu0 task alloc s0 order=2\ncpu0 task bad-free s0 mistake=inside\n", false},
    {"takes-double-free", "X-10",
     MACHINE "cpu0 task alloc s0 order=2\ncpu0 task bad-free s0 mistake=too-large\n", false},
    {"refuses-free", "X-3 X-4", MACHINE TAKE GIVE, false},
    {"ignores-low", "F-24", MACHINE "cpu0 task run s0 frames=2 low=+4\n", false},
    {"ignores-high", "F-24", MACHINE "cpu0 task run s0 frames=2\ncpu0 task run s1 frames=2 high=+2\n", false},
    {"ignores-alignment", "F-24", MACHINE TAKE "cpu0 task run s1 frames=2 align=4\n", false},
    {"ignores-boundary", "F-24", MACHINE TAKE "cpu0 task run s1 frames=4 boundary=4\n", false},
    {"takes-illegal-run", "F-24", MACHINE "cpu0 task bad-alloc illegal=alignment\n", false},
    {"takes-illegal-run", "F-24", MACHINE "cpu0 task bad-alloc illegal=boundary\n", false},
    {"never-wrongly", "F-24", MACHINE "cpu0 task run s0 frames=2\n", false},
    {"holds-lock", "X-4", MACHINE TAKE, false},
    {"keeps-masked", "X-4", MACHINE TAKE, false},
    {"sleeps", "X-5 F-18", MACHINE TAKE, false},
    {"hides-last", "F-3c X-7", TIGHT TAKE3 "cpu0 task alloc s3\n", false},
    {"hides-last", "F-3b X-7", TIGHT TAKE3 "cpu0 task alloc s3 class=system\n", false},
    {"hides-last", "F-3a X-7", TIGHT TAKE3 "cpu0 hardirq alloc s3 class=interrupt\n", false},
    {"hides-blocks", "F-8", MACHINE "cpu0 task alloc s0 order=1\n", false},
    {"widens", "X-3", MACHINE "cpu0 task alloc s0 order=4\n", false},
    {"odd-status", "X-3", MACHINE TAKE, false},
    {"split-fails", "X-3", MACHINE "cpu0 task alloc s0 order=2\ncpu0 task split s0 order=0\n", false},
    {"split-forgets", "X-3 X-4",
     MACHINE "cpu0 task alloc s0 order=2\ncpu0 task split s0 order=0\ncpu0 task free s0\n", false},
    {"audit-broken", "X-1", MACHINE "cpu0 task audit\n", false},
    {"audit-twice", "X-1", MACHINE "cpu0 task audit\n", false},
    {"audit-granted", "F-1 X-1", MACHINE TAKE "cpu0 task audit\n", false},
    {"audit-outside", "X-1", MACHINE "cpu0 task audit\n", false},
    {"audit-node", "X-1", MACHINE "cpu0 task audit\n", false},
    {"writes", "X-1", MACHINE TAKE2 GIVE, true},
    {"false-zero", "F-11", MACHINE TAKE GIVE TAKE, true},
};

/* Each lie, under a program that meets it.
 * Expect a finding with exactly these numbers, at an operation, with both views in words. */
static void test_each_lie_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        char name[64];
        struct finding finding;
        snprintf(name, sizeof(name), "liar(%s)", cases[i].lie);
        run_spec(name, cases[i].text, cases[i].contents, &finding);
        if (!finding.found || strcmp(finding.ids, cases[i].ids) != 0)
            fail_msg("case %zu, %s: ids '%s' expected, got '%s' (%s / %s)", i, cases[i].lie, cases[i].ids,
                     finding.ids, finding.expected, finding.actual);
        assert_int_not_equal(finding.expected[0], '\0');
        assert_int_not_equal(finding.actual[0], '\0');
    }
}

/* The same programs on the honest allocator.
 * Expect no finding: the checks accuse nobody without cause. */
static void test_the_honest_one_is_not_accused(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct finding finding;
        run_spec("liar", cases[i].text, cases[i].contents, &finding);
        if (finding.found)
            fail_msg("case %zu: %s: %s / %s", i, finding.ids, finding.expected, finding.actual);
    }
}

/* Floors that are upside down make the gate itself break the order of the classes: INTERRUPT must leave 16
 * frames, SYSTEM none.
 * Expect F-4 at the refused request. */
static void test_classes_out_of_order(void **state)
{
    (void)state;
    struct finding finding;
    run_spec("liar",
             "pagelab program 1\nmachine 16@0 cpus=1 floors=16/0/0\ncpu0 task alloc s0 class=interrupt\n",
             false, &finding);
    assert_true(finding.found);
    assert_string_equal(finding.ids, "F-4");
    assert_int_equal(finding.step, 0);
}

/* A lie in the third of four operations.
 * Expect the finding to name step 2 and to carry that operation. */
static void test_a_finding_names_its_operation(void **state)
{
    (void)state;
    struct finding finding;
    run_spec("liar(wrong-count)", MACHINE "cpu0 task audit\nnop\ncpu1 softirq alloc s7 order=1\n" TAKE, false,
             &finding);
    assert_true(finding.found);
    assert_int_equal(finding.step, 2);
    assert_int_equal(finding.op.kind, OP_ALLOC);
    assert_int_equal(finding.op.slot, 7);
    assert_int_equal(finding.op.cpu, 1);
}

/* A frame is forgotten by the only free, and nothing is allocated after it.
 * Expect the check at the end to find it, at the step behind the last operation. */
static void test_the_end_is_checked(void **state)
{
    (void)state;
    struct finding finding;
    run_spec("liar(forgets-frame)", MACHINE TAKE GIVE, false, &finding);
    assert_true(finding.found);
    assert_int_equal(finding.step, 2);
    assert_int_equal(finding.op.kind, OP_NOP);
}

/* A frame is forgotten at operation 1, and then 70 operations pass that neither fail nor ask for an audit.
 * Expect the periodic audit to find it at operation 63. */
static void test_every_64_operations_are_audited(void **state)
{
    (void)state;
    char text[4096] = MACHINE TAKE GIVE;
    for (int i = 0; i < 70; i++)
        strcat(text, "cpu0 task free s9\n");
    struct finding finding;
    run_spec("liar(forgets-frame)", text, false, &finding);
    assert_true(finding.found);
    assert_int_equal(finding.step, RUNNER_AUDIT_EVERY - 1);
}

/* Every kind of operation, on slots in the wrong state, on CPUs and slots that do not exist.
 * Expect no finding and no call for what cannot be: any list is a legal program. */
static void test_any_list_is_a_program(void **state)
{
    (void)state;
    static struct runner runner;
    struct spec spec;
    struct spec_error error;
    struct finding finding;
    struct native_shape shape = {.ranges = {{.frame_count = 16}}, .range_count = 1, .cpu_count = 1};
    struct op ops[ODD_OPS + 3];
    memset(ops, 0, sizeof(ops));
    for (unsigned kind = 0; kind < OP_KIND_COUNT; kind++) {
        ops[kind].kind = (uint8_t)kind;
        ops[OP_KIND_COUNT + kind].kind = (uint8_t)(OP_KIND_COUNT - 1 - kind);
    }
    ops[ODD_OPS] = (struct op){.kind = OP_ALLOC, .cpu = 9};
    ops[ODD_OPS + 1] = (struct op){.kind = OP_ALLOC, .slot = UINT32_MAX};
    ops[ODD_OPS + 2] = (struct op){.kind = OP_ALLOC, .slot = 9, .alloc_class = 3};
    assert_int_equal(spec_parse("liar", &spec, &error), 0);
    assert_int_equal(runner_init(&runner, &spec, &shape, &error), PL_OK);
    assert_int_equal(runner_run(&runner, ops, PL_COUNT_OF(ops), &finding), PL_OK);
    assert_false(finding.found);
    for (uint32_t i = ODD_OPS; i < PL_COUNT_OF(ops); i++) {
        uint64_t calls = runner.calls;
        assert_int_equal(runner_run(&runner, &ops[i], 1, &finding), PL_OK);
        assert_int_equal(runner.calls, calls);
    }
    runner_fini(&runner);
}

/* The edge of each floor, by starving: floor - 1 to floor + 2 free, then one request of each class.
 * Expect no finding from the honest allocator, which the gate protects. */
static void test_every_edge_is_reached(void **state)
{
    (void)state;
    static const char *const edges[] = {"floor-1", "floor+0", "floor+1", "floor+2"};
    static const char *const classes[] = {"normal", "system", "interrupt"};
    for (size_t edge = 0; edge < PL_COUNT_OF(edges); edge++) {
        for (size_t floor = 0; floor < PL_COUNT_OF(classes); floor++) {
            char text[1024];
            struct finding finding;
            snprintf(text, sizeof(text),
                     FLOORED "cpu0 task starve class=%s leave=%s\ncpu0 task alloc s0 class=normal\n"
                             "cpu0 task alloc s1 class=system\ncpu0 task alloc s2 class=interrupt\n"
                             "cpu0 task run s3 frames=3 class=normal\ncpu0 task feed\n",
                     classes[floor], edges[edge]);
            run_spec("liar", text, false, &finding);
            if (finding.found)
                fail_msg("%s at %s: %s: %s / %s", classes[floor], edges[edge], finding.ids, finding.expected,
                         finding.actual);
        }
    }
}

/* One runner, a program that leaves grants and hunger behind, then the same one again.
 * Expect the second run to begin from the fresh state and to make the same calls. */
static void test_each_run_starts_fresh(void **state)
{
    (void)state;
    static struct runner runner;
    struct spec spec;
    struct spec_error error;
    struct finding finding;
    struct native_shape shape = {.ranges = {{.frame_count = 16}}, .range_count = 1, .cpu_count = 1};
    const struct op ops[] = {{.kind = OP_ALLOC, .slot = 1, .order = 2},
                             {.kind = OP_STARVE, .alloc_class = PL_CLASS_INTERRUPT, .count = 1},
                             {.kind = OP_ALLOC, .slot = 2}};
    assert_int_equal(spec_parse("liar", &spec, &error), 0);
    assert_int_equal(runner_init(&runner, &spec, &shape, &error), PL_OK);
    assert_int_equal(runner_run(&runner, ops, PL_COUNT_OF(ops), &finding), PL_OK);
    assert_false(finding.found);
    uint64_t calls = runner.calls;
    assert_int_equal(runner_run(&runner, ops, PL_COUNT_OF(ops), &finding), PL_OK);
    assert_false(finding.found);
    assert_int_equal(runner.calls, 2 * calls);
    runner_fini(&runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_lie_is_found),     cmocka_unit_test(test_the_honest_one_is_not_accused),
        cmocka_unit_test(test_classes_out_of_order),  cmocka_unit_test(test_a_finding_names_its_operation),
        cmocka_unit_test(test_the_end_is_checked),    cmocka_unit_test(test_every_64_operations_are_audited),
        cmocka_unit_test(test_any_list_is_a_program), cmocka_unit_test(test_every_edge_is_reached),
        cmocka_unit_test(test_each_run_starts_fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
