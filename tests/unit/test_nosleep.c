/* The check for sleepers: it finds each way to sleep that was planted, and nothing in those who do not. */
#define _GNU_SOURCE
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/nosleep/nosleep.h"
#include "engine/nosleep/watch.h"
#include "engine/runner.h"

#define LIMIT_S 60u

static struct nosleep_row run(const char *name, enum nosleep_scenario scenario)
{
    struct spec spec;
    struct spec_error error;
    struct nosleep_row row;
    if (spec_parse(name, &spec, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(nosleep_run(&spec, scenario, LIMIT_S, NULL, &row), 0);
    return row;
}

static void count_sleep(struct pl_cpu *cpu, const char *where, void *argument)
{
    (void)cpu;
    assert_string_equal(where, "wait");
    ++*(unsigned *)argument;
}

/* sleepy over reference: 30 allocations and their frees, each 7th call a sleeper.
 * Expect the grants of the inner one, 8 sleeps, and wrong texts refused. */
static void test_sleepy_sleeps_as_told(void **state)
{
    (void)state;
    static const char *const wrong[] = {"sleepy+buddy",
                                        "sleepy(by=)+buddy",
                                        "sleepy(by=dream)+buddy",
                                        "sleepy(every=4)+buddy",
                                        "sleepy(by=wait,every=0)+buddy",
                                        "sleepy(by=wait,every=4x)+buddy",
                                        "sleepy(by=wait,often)+buddy"};
    struct rig rig;
    struct pl_run runs[30];
    unsigned sleeps = 0;
    rig_open(&rig, "sleepy(by=wait,every=7)+reference", 64, 1, ADMISSION_BATCHED);
    assert_false(rig.instance.caps & (PL_CAP_MAY_SLEEP | PL_CAP_IRQ_SAFE));
    native_watch_sleep(rig.native, count_sleep, &sleeps);
    rig.cpu->no_sleep_depth = 1;
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(rig_take(&rig, 0, 0, PL_CLASS_NORMAL, &runs[i]), PL_OK);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(admission_free(&rig.admission, rig.cpu, &runs[i]), PL_OK);
    assert_int_equal(sleeps, 60 / 7);
    assert_int_equal(rig.cpu->sleeps, 60 / 7);
    assert_int_equal(admission_free_frames(&rig.admission), 64);
    rig_close(&rig);
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        struct spec spec;
        struct spec_error error;
        assert_int_equal(spec_parse(wrong[i], &spec, &error), 0);
        assert_int_equal(instance_check_params(&spec, 1, &error), -1);
    }
}

static void test_the_planted_sleepers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum nosleep_scenario scenario;
        const char *found;
        const char *caller;
        enum nosleep_kind kind;
    } cases[] = {
        {"sleepy(by=wait)+buddy", NOSLEEP_COLD, "wait", "sleepy_block", NOSLEEP_WAIT},
        {"sleepy(by=might)+buddy", NOSLEEP_EXHAUSTED, "might_sleep", "sleepy_block", NOSLEEP_WAIT},
        {"sleepy(by=nanosleep)+buddy", NOSLEEP_COLD, "clock_nanosleep", "sleepy_block", NOSLEEP_BLOCK},
        {"sleepy(by=yield)+buddy", NOSLEEP_WARM, "sched_yield", "sleepy_block", NOSLEEP_BLOCK},
        {"sleepy(by=futex)+bitmap", NOSLEEP_EXHAUSTED, "futex", "sleepy_block", NOSLEEP_BLOCK},
        {"sleepy(by=mutex)+buddy", NOSLEEP_CONTENDED, "futex", NULL, NOSLEEP_BLOCK},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        if (cases[i].kind == NOSLEEP_BLOCK && nosleep_missing() != NULL)
            continue;
        struct nosleep_row row = run(cases[i].name, cases[i].scenario);
        if (row.verdict != NOSLEEP_SLEEPS || !row.refuted)
            fail_msg("%s: %s", cases[i].name, row.words);
        assert_true(row.found_count > 0);
        assert_string_equal(row.found[0].name, cases[i].found);
        assert_int_equal(row.found[0].kind, cases[i].kind);
        if (cases[i].caller != NULL)
            assert_string_equal(row.found[0].caller, cases[i].caller);
        assert_non_null(strstr(row.found[0].stack, "sleepy_"));
        assert_true(row.waits == (cases[i].kind == NOSLEEP_WAIT ? row.found[0].count : 0));
        assert_true((row.trapped == 0) == (cases[i].kind == NOSLEEP_WAIT));
    }
}

/* One CPU alone with a lock, and a candidate that says that it may sleep.
 * Expect no word of an uncontended lock, and a fact that refutes nothing. */
static void test_what_is_no_broken_promise(void **state)
{
    (void)state;
    if (nosleep_missing() != NULL)
        skip();
    struct nosleep_row alone = run("sleepy(by=mutex,every=4)+buddy", NOSLEEP_COLD);
    assert_int_equal(alone.verdict, NOSLEEP_QUIET);
    assert_int_equal(alone.trapped, 0);
    struct nosleep_row claims = run("sleepy(by=futex)+mimalloc", NOSLEEP_COLD);
    assert_int_equal(claims.verdict, NOSLEEP_SLEEPS);
    assert_false(claims.refuted);
}

static void test_honest_candidates_are_quiet(void **state)
{
    (void)state;
    static const char *const names[] = {"buddy", "percpu+bitmap", "slate", "freelist"};
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        for (unsigned scenario = 0; scenario < NOSLEEP_SCENARIO_COUNT; scenario++) {
            bool promise = scenario == NOSLEEP_MAP || scenario == NOSLEEP_ORB;
            struct nosleep_row row = run(names[i], (enum nosleep_scenario)scenario);
            enum nosleep_verdict expected = nosleep_missing() != NULL ? NOSLEEP_NOT_CHECKED
                                            : promise                 ? NOSLEEP_KEPT
                                                                      : NOSLEEP_QUIET;
            if (row.verdict != expected)
                fail_msg("%s %s: %s", names[i], nosleep_scenario_names[scenario], row.words);
            assert_true(row.calls >= 64);
            assert_int_equal(row.allocator_calls + row.found_count + row.waits + row.trapped, 0);
        }
    }
}

/* A stored program on a candidate that waits, or says that it could: with the shadow beside it.
 * Expect X-5 with the place, at the call; at interrupt level, too; and none where a sleep is claimed. */
static void test_the_runner_hears_sleepers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *actual; /* NULL: no finding */
    } cases[] = {{"sleepy(by=wait,every=2)+buddy", "it could have slept: wait"},
                 {"sleepy(by=might,every=2)+buddy", "it could have slept: sleepy"},
                 {"sleepy(by=might,every=2)+jemalloc", NULL},
                 {"buddy", NULL}};
    static const char *const contexts[] = {"task", "softirq", "hardirq"};
    for (size_t i = 0; i < PL_COUNT_OF(cases) * PL_COUNT_OF(contexts); i++) {
        static struct runner runner;
        struct spec spec;
        struct spec_error error;
        struct program program;
        struct program_error parse_error;
        struct finding finding;
        char text[200];
        snprintf(text, sizeof(text),
                 "pagelab program 1\nmachine 64@0 cpus=1 floors=0/0/0\n"
                 "cpu0 task alloc s0\ncpu0 %s free s0\n",
                 contexts[i % 3]);
        assert_int_equal(program_parse(text, strlen(text), "text", &program, &parse_error), 0);
        assert_int_equal(spec_parse(cases[i / 3].name, &spec, &error), 0);
        runner_fit_shape(&spec, &program.shape);
        assert_int_equal(runner_init(&runner, &spec, &program.shape, &error), PL_OK);
        assert_int_equal(runner_run(&runner, program.ops, program.op_count, &finding), PL_OK);
        assert_int_equal(finding.found, cases[i / 3].actual != NULL);
        if (finding.found) {
            assert_string_equal(finding.ids, "X-5 F-18");
            assert_string_equal(finding.actual, cases[i / 3].actual);
            assert_int_equal(finding.step, 1);
        }
        runner_fini(&runner);
        program_fini(&program);
    }
}

/* A scenario that needs what a candidate does not claim. */
static void test_not_applicable(void **state)
{
    (void)state;
    struct nosleep_row row = run("null", NOSLEEP_MAP);
    assert_int_equal(row.verdict, NOSLEEP_NA);
    assert_false(row.refuted);
}

static enum pl_status never_ends(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *out)
{
    (void)self;
    (void)cpu;
    (void)request;
    (void)out;
    for (volatile bool ever = true; ever;)
        PL_PAUSE();
    return PL_NO_MEMORY;
}

/* An allocation that takes longer than the row may.
 * Expect the row to say so, and no promise refuted: nobody promised a time. */
static void test_a_limit_refutes_nothing(void **state)
{
    (void)state;
    struct spec spec;
    struct spec_error error;
    struct nosleep_row row;
    assert_int_equal(spec_parse("buddy", &spec, &error), 0);
    struct pl_candidate candidate = *spec.layers[0].candidate;
    struct pl_page_ops ops = *candidate.page;
    ops.alloc = never_ends;
    candidate.page = &ops;
    spec.layers[0].candidate = &candidate;
    assert_int_equal(nosleep_run(&spec, NOSLEEP_COLD, 1, NULL, &row), 0);
    assert_int_equal(row.verdict, NOSLEEP_NOT_FINISHED);
    assert_false(row.refuted);
    assert_string_equal(row.words, "not finished: no end after 1 s");
}

/* What was kept of one CPU's and another's calls together is more than a row has room for.
 * Expect what blocks in it, first, whenever it came. */
static void test_what_blocks_is_reported(void **state)
{
    (void)state;
    static struct watch watch;
    for (unsigned cpu = 0; cpu < WATCH_CPU_LIMIT; cpu++) {
        struct dispatch *dispatch = &watch.cpus[cpu].dispatch;
        for (unsigned i = 0; i < DISPATCH_TRAP_LIMIT; i++)
            dispatch->traps[i] = (struct dispatch_trap){.number = 100000 + cpu * 100 + i, .count = 1};
        dispatch->trap_count = DISPATCH_TRAP_LIMIT;
        dispatch->total = DISPATCH_TRAP_LIMIT;
    }
    watch.cpus[1].dispatch.traps[20].number = SYS_nanosleep;
    watch_report(&watch);
    assert_int_equal(watch.row.found_count, NOSLEEP_FOUND_LIMIT);
    assert_int_equal(watch.row.found[0].kind, NOSLEEP_BLOCK);
    assert_string_equal(watch.row.found[0].name, "nanosleep");
    assert_int_equal(watch.row.found[1].kind, NOSLEEP_CALL);
}

static int deny_dispatch(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 59, 0, 1), /* PR_SET_SYSCALL_USER_DISPATCH */
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = PL_COUNT_OF(filter), .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0
               ? 0
               : -1;
}

/* A kernel without it: this one, with that call denied in a process.
 * Expect "not checked" where nothing was seen, and never "never slept"; the platform's own word still counts.
 */
static void test_missing_is_not_checked(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (deny_dispatch() != 0)
            _exit(77);
        struct nosleep_row quiet = run("buddy", NOSLEEP_WARM);
        struct nosleep_row blind = run("sleepy(by=futex)+buddy", NOSLEEP_WARM);
        struct nosleep_row waits = run("sleepy(by=wait)+buddy", NOSLEEP_WARM);
        bool good = nosleep_missing() != NULL && quiet.verdict == NOSLEEP_NOT_CHECKED &&
                    strncmp(quiet.words, "not checked (", 13) == 0 && blind.verdict == NOSLEEP_NOT_CHECKED &&
                    waits.verdict == NOSLEEP_SLEEPS && waits.refuted;
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_which_calls_block(void **state)
{
    (void)state;
    bool blocks = false;
    assert_string_equal(system_call_name(SYS_futex, FUTEX_WAIT_PRIVATE, &blocks), "futex");
    assert_true(blocks);
    assert_string_equal(system_call_name(SYS_futex, FUTEX_WAKE_PRIVATE, &blocks), "futex");
    assert_false(blocks);
    assert_string_equal(system_call_name(SYS_madvise, 0, &blocks), "madvise");
    assert_false(blocks);
    assert_string_equal(system_call_name(SYS_sched_yield, 0, &blocks), "sched_yield");
    assert_true(blocks);
    assert_null(system_call_name(100000, 0, &blocks));
    assert_false(blocks);
}

/* What a region costs is measured, not assumed. Only its order of magnitude is a test's business. */
static void test_region_cost(void **state)
{
    (void)state;
    struct nosleep_cost cost = nosleep_measure_region();
    assert_true(cost.alone_ns > 0.05 && cost.alone_ns < 1000);
    assert_true(cost.empty_ns > 0.05 && cost.empty_ns < 1000);
    assert_true(cost.inside_ns > 0.05 && cost.inside_ns < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleepy_sleeps_as_told),
        cmocka_unit_test(test_the_planted_sleepers),
        cmocka_unit_test(test_what_is_no_broken_promise),
        cmocka_unit_test(test_honest_candidates_are_quiet),
        cmocka_unit_test(test_not_applicable),
        cmocka_unit_test(test_a_limit_refutes_nothing),
        cmocka_unit_test(test_what_blocks_is_reported),
        cmocka_unit_test(test_the_runner_hears_sleepers),
        cmocka_unit_test(test_missing_is_not_checked),
        cmocka_unit_test(test_which_calls_block),
        cmocka_unit_test(test_region_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
