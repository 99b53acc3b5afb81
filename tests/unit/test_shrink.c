/* The shrinker, with failures whose smallest program is known: made up ones, and candidates that are wrong on
 * purpose, each run in a child. */
#define _POSIX_C_SOURCE 200809L /* fmemopen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/shrink/session.h"
#include "engine/trial.h"

#define LIMIT_S 20u

struct rig {
    struct program program;
    struct shrink_ask ask;
    struct shrink_counts counts;
};

static void parse(const char *text, struct program *program)
{
    struct program_error error = {""};
    if (program_parse(text, strlen(text), "text", program, &error) != 0)
        fail_msg("%s", error.text);
}

/* Expect exactly this text of what is left. */
static void expect_text(const struct program *program, const char *wanted)
{
    char text[4096] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");
    program_print(program, out);
    fclose(out);
    if (strcmp(text, wanted) != 0)
        fail_msg("left:\n%sexpected:\n%s", text, wanted);
}

/* --- failures that are made up --- */

/* Fails with a run of at least 13 frames on CPU 1 or above of a machine of at least 70 frames, and a free of
 * its slot behind it. */
static bool needs_run_and_free(void *self, const struct program *program)
{
    uint64_t frames = 0;
    (void)self;
    for (uint32_t i = 0; i < program->shape.range_count; i++)
        frames += program->shape.ranges[i].frame_count;
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct op *op = &program->ops[i];
        if (op->kind != OP_ALLOC_RUN || op->count < 13 || op->cpu == 0 || op->cpu >= program->shape.cpu_count)
            continue;
        for (uint32_t j = i + 1; j < program->op_count && frames >= 70; j++) {
            if (program->ops[j].kind == OP_FREE && program->ops[j].slot == op->slot)
                return true;
        }
    }
    return false;
}

#define LONG_PROGRAM                                                                                         \
    "pagelab program 1\nmachine 40@0x100 100@0x140:1 128@0x1c0 cpus=4 floors=0/2/8\n"                        \
    "cpu0 task alloc s3 order=2 class=system\n"                                                              \
    "cpu3 hardirq run s9 frames=47 low=+16 high=+128 align=4 boundary=64 class=interrupt flags=zero\n"       \
    "cpu2 task free s3\n"                                                                                    \
    "cpu1 softirq alloc s4 order=1 owner=3 index=9\n"                                                        \
    "cpu2 softirq free s9 flags=zero\n"                                                                      \
    "cpu0 task audit\ncpu1 task starve class=normal leave=floor+1\ncpu0 task drain\n"

/* Expect the two operations that are needed, each number at its edge, and the smallest machine. */
static void leaves_what_is_needed(void **state)
{
    struct rig rig = {.ask = {.fails = needs_run_and_free, .machine = true}};
    (void)state;
    parse(LONG_PROGRAM, &rig.program);
    assert_true(needs_run_and_free(NULL, &rig.program));
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    expect_text(&rig.program, "pagelab program 1\nmachine 70@0x0 cpus=2 floors=0/0/0\n"
                              "cpu1 task    run s0 frames=13\ncpu0 task    free s0\n");
    assert_true(rig.counts.rounds >= 2 && rig.counts.kept < rig.counts.trials);
    /* A fixpoint: another go changes nothing. */
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    assert_int_equal(rig.counts.kept, 0);
    program_fini(&rig.program);
}

/* The machine is not to change, as where a schedule is shrunk in one process.
 * Expect the same operations on the same machine. */
static void leaves_the_machine(void **state)
{
    struct rig rig = {.ask = {.fails = needs_run_and_free}};
    (void)state;
    parse(LONG_PROGRAM, &rig.program);
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    expect_text(&rig.program,
                "pagelab program 1\nmachine 40@0x100 100@0x140:1 128@0x1c0 cpus=4 floors=0/2/8\n"
                "cpu1 task    run s0 frames=13\ncpu0 task    free s0\n");
    program_fini(&rig.program);
}

/* The same, where only what the binary form can say is wanted: its machines are eight.
 * Expect the smallest of those, and bytes that mean the same. */
static void stays_binary(void **state)
{
    struct rig rig = {.ask = {.fails = needs_run_and_free, .machine = true, .binary = true}};
    uint8_t bytes[PROGRAM_BYTES_MAX];
    (void)state;
    parse("pagelab program 1\nmachine 40@0x0 100@0x40 128@0xc0 cpus=4 floors=0/2/8\n"
          "cpu3 hardirq run s9 frames=47 class=interrupt\ncpu2 task free s9\ncpu0 task audit\n",
          &rig.program);
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    expect_text(&rig.program, "pagelab program 1\nmachine 200@0x1234567 cpus=2 floors=0/0/0\n"
                              "cpu1 task    run s0 frames=13\ncpu0 task    free s0\n");
    assert_int_equal(program_encode(&rig.program, bytes), 24);
    program_fini(&rig.program);
}

/* --- systems' operands --- */

static bool needs_system_page(void *self, const struct program *program)
{
    (void)self;
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct op *op = &program->ops[i];
        if (strcmp(op_info(op->kind)->name == NULL ? "" : op_info(op->kind)->name, "vm-alloc") == 0 &&
            op->flags & 1u && op->mobility >= 3)
            return true;
    }
    return false;
}

/* One flag of three and a mode are needed. Expect the others gone, and a mode that has a name. */
static void simplifies_operands(void **state)
{
    struct rig rig = {.ask = {.fails = needs_system_page, .machine = true}};
    (void)state;
    parse("pagelab program 1\nmachine 256@0x0 cpus=1 floors=0/2/8 contract=real\n"
          "cpu0 task vm-object o3 kind=unmanaged\n"
          "cpu0 task vm-alloc s5 o3 pindex=77 flags=system,wired,zero mode=noreclaim count=4\n",
          &rig.program);
    assert_true(needs_system_page(NULL, &rig.program));
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    assert_int_equal(rig.program.op_count, 1);
    const struct op *op = &rig.program.ops[0];
    assert_int_equal(op->flags, 1);
    assert_int_equal(op->mobility, 3);
    assert_int_equal(op->value, 0);
    assert_int_equal(op->count, 0);
    assert_int_equal(op->slot + op->other, 1); /* numbers that are used stay apart */
    assert_int_equal(rig.program.contract, CONTRACT_DOC);
    program_fini(&rig.program);
}

/* --- whoever is interrupted --- */

static volatile sig_atomic_t stop;

static bool stops_at_third(void *self, const struct program *program)
{
    uint32_t *trials = self;
    stop = ++*trials == 3;
    return needs_run_and_free(NULL, program);
}

/* Expect no trial after the one during which the stop came, and what failed until then kept. */
static void keeps_the_best(void **state)
{
    uint32_t trials = 0;
    struct rig rig = {.ask = {.fails = stops_at_third, .self = &trials, .stop = &stop, .machine = true}};
    (void)state;
    parse(LONG_PROGRAM, &rig.program);
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    stop = 0;
    assert_int_equal(trials, 3);
    assert_true(needs_run_and_free(NULL, &rig.program));
    program_fini(&rig.program);
}

/* --- candidates that are wrong on purpose --- */

struct wrong {
    struct spec spec;
    struct trial_result wanted;
};

static void try_on(const struct spec *spec, const struct program *program, struct trial_result *result)
{
    struct trial trial = {.program = program, .spec = spec, .silent = true, .limit_s = LIMIT_S};
    trial_run(&trial, result);
}

static bool fails_alike(void *self, const struct program *program)
{
    const struct wrong *wrong = self;
    struct trial_result result;
    try_on(&wrong->spec, program, &result);
    return trial_is_same(&result, &wrong->wanted);
}

/* The canary's third free after an order-1 grant makes the next order-0 grant a frame that somebody has:
 * eight operations, whatever else the program does.
 * Expect eight, and one CPU. */
static void the_canary_needs_eight(void **state)
{
    struct wrong wrong;
    struct spec_error error;
    struct rig rig = {.ask = {.fails = fails_alike, .self = &wrong, .machine = true}};
    (void)state;
    parse("pagelab program 1\nmachine 64@0x100 cpus=2 floors=0/2/8\n"
          "cpu1 task alloc s7 order=2 class=system\ncpu0 task alloc s9 order=0\n"
          "cpu0 task alloc s1 order=1 class=interrupt\ncpu1 softirq free s7\ncpu0 task drain\n"
          "cpu0 task alloc s2 order=0\ncpu0 task free s2 flags=zero\ncpu0 task audit\n"
          "cpu0 task alloc s4 order=3\ncpu0 task alloc s5 order=0\ncpu1 task free s5\n"
          "cpu1 task alloc s6 order=0\ncpu0 task alloc s8 order=0\ncpu0 task alloc s3 order=0\n",
          &rig.program);
    assert_int_equal(spec_parse("canary", &wrong.spec, &error), 0);
    try_on(&wrong.spec, &rig.program, &wrong.wanted);
    assert_int_equal(wrong.wanted.outcome, TRIAL_FINDING);
    assert_true(shrink_program(&rig.program, &rig.ask, &rig.counts));
    assert_int_equal(rig.program.op_count, 8);
    assert_int_equal(rig.program.shape.cpu_count, 1);
    assert_true(rig.program.shape.ranges[0].frame_count <= 4);
    try_on(&wrong.spec, &rig.program, &wrong.wanted);
    assert_string_equal(wrong.wanted.finding.ids, "F-1 X-2");
    program_fini(&rig.program);
}

/* Who only looks like the finding that is wanted is none: other ids, and no finding at all. */
static void tells_ends_apart(void **state)
{
    struct trial_result a = {.outcome = TRIAL_FINDING, .finding = {.found = true, .ids = "F-1 X-2"}};
    struct trial_result b = a;
    (void)state;
    assert_true(trial_is_same(&a, &b));
    snprintf(b.finding.ids, sizeof(b.finding.ids), "F-1");
    assert_false(trial_is_same(&a, &b));
    a = (struct trial_result){.outcome = TRIAL_DIED, .words = "signal 11 (Segmentation fault)"};
    b = (struct trial_result){.outcome = TRIAL_DIED, .words = "signal 6 (Aborted)"};
    assert_false(trial_is_same(&a, &b));
    assert_true(trial_is_bad(&b));
    b.outcome = TRIAL_UNSUPPORTED;
    assert_false(trial_is_bad(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_what_is_needed), cmocka_unit_test(leaves_the_machine),
        cmocka_unit_test(stays_binary),          cmocka_unit_test(simplifies_operands),
        cmocka_unit_test(keeps_the_best),        cmocka_unit_test(the_canary_needs_eight),
        cmocka_unit_test(tells_ends_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
