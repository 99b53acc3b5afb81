/* Interrupts at every instruction and at every labelled point: each of the wrong allocators is refuted, in
 * the function that is wrong, and the one that is right is not. */
#define _GNU_SOURCE /* sigprocmask */
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>

#include "engine/interrupt/sweep.h"
#include "engine/isolate.h"
#include "engine/op_common.h"
#include "engine/program.h"
#include "engine/runner.h"
#include "platform/native/step.h"

#define LIMIT_S 60u

/* Takes, gives back, takes warm; the stack is deep enough for every handler. */
static const char text[] = "pagelab program 1\n"
                           "machine 32@0x10 cpus=1 floors=0/0/0\n"
                           "cpu0 task    alloc s0 order=0\n"
                           "cpu0 task    alloc s1 order=0\n"
                           "cpu0 task    free s0\n"
                           "cpu0 task    alloc s2 order=0\n"
                           "cpu0 task    alloc s3 order=0\n";

static void parse(const char *words, struct program *program)
{
    struct program_error error;
    if (program_parse(words, strlen(words), "text", program, &error) != 0)
        fail_msg("%s", error.text);
}

static bool watchdog_blocked; /* as a candidate may do that blocks signals */

static void work(void *argument, void *result)
{
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    if (watchdog_blocked)
        sigprocmask(SIG_BLOCK, &alarm_only, NULL);
    sweep_run(argument, result);
}

static void sweep(struct sweep_options *options, const char *candidate, struct sweep_result *result)
{
    struct program program;
    struct spec spec;
    struct spec_error error;
    char how[100] = "";
    parse(text, &program);
    if (spec_parse(candidate, &spec, &error) != 0)
        fail_msg("%s", error.text);
    options->program = &program;
    options->spec = &spec;
    if (isolate_run(work, options, result, sizeof(*result), LIMIT_S, NULL, how, sizeof(how)) != ISOLATE_DONE)
        fail_msg("%s: %s", candidate, how);
    program_fini(&program);
    if (result->outcome == SWEEP_UNSUPPORTED)
        skip(); /* ThreadSanitizer, or a kernel that does not step */
    if (result->outcome != SWEEP_DONE)
        fail_msg("%s: %s", candidate, result->error);
}

struct expected {
    const char *candidate;
    enum sweep_end end;
    const char *function;
    bool at_points; /* a labelled point is where it hurts */
};

static const struct expected lies[] = {
    {"irq-liar(unmasked-lock)", SWEEP_DEADLOCK, "irq_", true},
    {"irq-liar(bare-list)", SWEEP_BROKEN, "irq_pop+", true},
    {"irq-liar(mask-order)", SWEEP_BROKEN, "irq_pop", true},
    {"irq-liar(lost-pending)", SWEEP_BROKEN, "irq_", true},
    {"irq-liar(double-refill)", SWEEP_BROKEN, "irq_", true},
    {"irq-liar(spins)", SWEEP_ENDLESS, "irq_", true},
    {"irq-liar(retries)", SWEEP_ENDLESS, "irq_pop", true},
};

/* The first failure, replayed at its place alone, is the same and has its stacks. */
static void check_replay(const struct expected *lie, enum sweep_by by, const struct sweep_failure *first)
{
    struct sweep_result again;
    struct sweep_options options = {.by = by, .levels = {true, false}, .only = &first->place};
    sweep(&options, lie->candidate, &again);
    assert_int_equal(again.levels[INTERRUPT_IRQ].failures, 1);
    const struct sweep_failure *failure = &again.levels[INTERRUPT_IRQ].first;
    assert_int_equal(failure->end, lie->end);
    assert_string_equal(failure->name, first->name);
    if (strstr(failure->interrupted, "irq_") == NULL)
        fail_msg("%s was interrupted in '%s'", lie->candidate, failure->interrupted);
    if (lie->end != SWEEP_BROKEN && strncmp(failure->interrupting, "irq_", 4) != 0)
        fail_msg("%s is stuck in '%s'", lie->candidate, failure->interrupting);
}

static void refute(enum sweep_by by)
{
    for (size_t i = 0; i < PL_COUNT_OF(lies); i++) {
        struct sweep_options options = {.by = by, .levels = {true, false}};
        struct sweep_result result;
        sweep(&options, lies[i].candidate, &result);
        const struct sweep_level *level = &result.levels[INTERRUPT_IRQ];
        if (level->failures == 0)
            fail_msg("%s survives %u points", lies[i].candidate, (unsigned)result.points);
        assert_true(result.points > 0);
        if (level->first.end != lies[i].end ||
            strncmp(level->first.name, lies[i].function, strlen(lies[i].function)) != 0)
            fail_msg("%s: %s in %s: %s", lies[i].candidate, sweep_end_names[level->first.end],
                     level->first.name, level->first.words);
        check_replay(&lies[i], by, &level->first);
    }
}

static void test_refutes_at_instructions(void **state)
{
    (void)state;
    refute(SWEEP_STEP);
}

static void test_refutes_at_labelled_points(void **state)
{
    (void)state;
    refute(SWEEP_POINTS);
}

static void test_right_one_survives(void **state)
{
    (void)state;
    char why[100];
    for (int by = SWEEP_STEP; by <= SWEEP_POINTS; by++) {
        struct sweep_options options = {.by = (enum sweep_by)by, .levels = {true, false}};
        struct sweep_result result;
        struct sweep_result counted;
        if (by == SWEEP_STEP && !step_supported(why, sizeof(why)))
            continue;
        sweep(&options, "irq-liar", &result);
        assert_int_equal(result.levels[INTERRUPT_IRQ].failures, 0);
        assert_int_equal(result.levels[INTERRUPT_IRQ].taken, result.points); /* each point, once, none lost */
        assert_true(result.levels[INTERRUPT_IRQ].calls >= 3 * result.points);
        options.count_only = true;
        sweep(&options, "irq-liar", &counted);
        assert_int_equal(counted.points, result.points);
        assert_int_equal(counted.levels[INTERRUPT_IRQ].taken, 0);
        if (by == SWEEP_STEP) {
            assert_true(counted.masked.instructions > 4);
            assert_true(counted.masked.instructions < counted.points);
        }
    }
}

/* Endless in the handler, with the signal blocked that would tell. */
static void test_a_blocked_watchdog_still_tells(void **state)
{
    (void)state;
    char why[100];
    for (int by = SWEEP_STEP; by <= SWEEP_POINTS; by++) {
        struct sweep_options options = {.by = (enum sweep_by)by, .levels = {true, false}};
        struct sweep_result result;
        if (by == SWEEP_STEP && !step_supported(why, sizeof(why)))
            continue;
        watchdog_blocked = true;
        sweep(&options, "irq-liar(retries)", &result);
        watchdog_blocked = false;
        assert_int_equal(result.levels[INTERRUPT_IRQ].first.end, SWEEP_ENDLESS);
    }
}

static PL_NOINLINE unsigned stepped(unsigned value)
{
    PL_COMPILER_BARRIER();
    return value + 1;
}

static void unblocks(void *argument, uintptr_t pc)
{
    (void)argument;
    (void)pc;
    step_unblock(SIGALRM);
    step_disarm();
}

/* The same for what goes on after the handler: its return would bring the old mask back. */
static void test_stepped_code_goes_on_unblocked(void **state)
{
    (void)state;
    unsigned (*volatile function)(unsigned) = stepped;
    sigset_t set;
    sigset_t after;
    char why[100];
    if (!step_supported(why, sizeof(why)))
        skip();
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
    assert_int_equal(step_begin(unblocks, NULL), 0);
    step_arm((uintptr_t)function);
    unsigned result = function(5);
    step_end();
    assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, &after), 0);
    assert_int_equal(result, 6);
    assert_false(sigismember(&after, SIGALRM));
    assert_true(sigismember(&after, SIGUSR1));
}

/* With the mask ignored, what only a mask protects does not survive. */
static void test_mask_is_what_protects(void **state)
{
    (void)state;
    struct sweep_options options = {.by = SWEEP_POINTS, .levels = {false, true}};
    struct sweep_result result;
    sweep(&options, "irq-liar", &result);
    assert_int_equal(result.levels[INTERRUPT_NMI].first.end, SWEEP_BROKEN);
    assert_int_equal(result.levels[INTERRUPT_IRQ].taken, 0);
}

/* --- OP_INTERRUPT --- */

static void run_text(const char *words, const char *candidate, struct finding *finding, uint64_t *taken)
{
    struct program program;
    struct runner runner;
    struct spec spec;
    struct spec_error error;
    parse(words, &program);
    assert_int_equal(spec_parse(candidate, &spec, &error), 0);
    assert_int_equal(runner_init(&runner, &spec, &program.shape, &error), PL_OK);
    assert_int_equal(runner_run(&runner, program.ops, program.op_count, finding), PL_OK);
    *taken = runner.interrupts == NULL ? 0 : runner.interrupts->taken;
    runner_fini(&runner);
    program_fini(&program);
}

static const char interrupted[] = "pagelab program 1\n"
                                  "machine 32@0x10 cpus=1 floors=0/0/0\n"
                                  "cpu0 task    alloc s0 order=0\n"
                                  "cpu0 hardirq interrupt order=0 at=1 do=keep\n"
                                  "cpu0 task    alloc s1 order=0\n"
                                  "cpu0 task    free s0\n"
                                  "cpu0 hardirq interrupt order=0 at=2 do=free\n"
                                  "cpu0 task    alloc s2 order=0\n"
                                  "cpu0 task    alloc s3 order=0\n";

static void test_operation_raises_one(void **state)
{
    (void)state;
    struct finding finding;
    uint64_t taken = 0;
    run_text(interrupted, "irq-liar", &finding, &taken);
    assert_false(finding.found);
    assert_int_equal(taken, 2);
    run_text(interrupted, "irq-liar(bare-list)", &finding, &taken);
    assert_true(finding.found);
    assert_int_equal(finding.step,
                     2); /* the call that was interrupted got the frame that the handler keeps */
    assert_non_null(strstr(finding.ids, "F-1"));
    run_text(interrupted, "irq-liar(lost-pending)", &finding, &taken);
    assert_true(finding.found);
    assert_int_equal(finding.step, 2);
    assert_non_null(strstr(finding.ids, "X-4"));
    run_text(interrupted, "liar", &finding, &taken); /* claims nothing about interrupts, so there is none */
    assert_false(finding.found);
    assert_int_equal(taken, 0);
}

static void test_operation_has_a_binary_form(void **state)
{
    (void)state;
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    struct program program;
    struct program again;
    struct op ops[PROGRAM_OP_LIMIT];
    parse("pagelab program 1\nmachine 256@0x0 cpus=2 floors=0/0/0\n"
          "cpu1 hardirq interrupt order=1 at=7 do=pair\nnop\ncpu0 task alloc s0 order=0\n",
          &program);
    size_t count = program_encode(&program, bytes);
    assert_true(count > 0);
    program_decode(bytes, count, ops, &again);
    assert_int_equal(again.op_count, 3);
    assert_int_equal(ops[0].kind, OP_INTERRUPT);
    assert_int_equal(ops[0].count, 7);
    assert_int_equal(ops[0].flags, OP_INTERRUPT_PAIR);
    assert_int_equal(ops[0].cpu, 1);
    assert_int_equal(ops[1].kind, OP_NOP);
    bytes[7] = (uint8_t)(bytes[7] & ~PROGRAM_HAS_INTERRUPTS); /* an input of before there were interrupts */
    program_decode(bytes, count, ops, &again);
    assert_int_equal(ops[0].kind, OP_PREEMPT); /* which is of schedules, and nothing elsewhere */
    assert_int_equal(ops[2].kind, OP_ALLOC);
    program_fini(&program);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_one_survives),
        cmocka_unit_test(test_refutes_at_instructions),
        cmocka_unit_test(test_refutes_at_labelled_points),
        cmocka_unit_test(test_mask_is_what_protects),
        cmocka_unit_test(test_a_blocked_watchdog_still_tells),
        cmocka_unit_test(test_stepped_code_goes_on_unblocked),
        cmocka_unit_test(test_operation_raises_one),
        cmocka_unit_test(test_operation_has_a_binary_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
