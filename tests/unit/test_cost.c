/* What calls cost: whoever comes in between is not counted, more work has a new mark and the same work none,
 * and what is left of a program by shrinking still costs as much. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "engine/schedule/cost_worst.h"

struct desk {
    struct sim *sim;
    struct schedule schedule;
    struct cost cost;
    uint8_t seen[COST_COUNTERS];
};

static struct desk desk;

#define MACHINE "pagelab program 1\nmachine 64@0x0 cpus=2 floors=0/0/0\n"

static void parse(const char *text, struct program *program)
{
    struct program_error error = {""};
    if (program_parse(text, strlen(text), "test", program, &error) != 0)
        fail_msg("%s", error.text);
}

static struct spec spec_of(const char *name)
{
    struct spec spec;
    struct spec_error error = {""};
    if (spec_parse(name, &spec, &error) != 0)
        fail_msg("%s", error.text);
    return spec;
}

static void open_desk(const char *name, const char *text)
{
    struct spec_error error = {""};
    struct program program;
    struct spec spec = spec_of(name);
    parse(text, &program);
    desk.sim = sim_new(4);
    assert_non_null(desk.sim);
    if (schedule_init(&desk.schedule, &spec, &program.shape, desk.sim, &error) != PL_OK)
        fail_msg("%s", error.text);
    cost_watch(&desk.cost, &desk.schedule);
    memset(desk.seen, 0, sizeof(desk.seen));
    program_fini(&program);
}

static void close_desk(void)
{
    schedule_fini(&desk.schedule);
    sim_delete(desk.sim);
}

static void run(const char *text)
{
    struct finding finding;
    struct program program;
    parse(text, &program);
    cost_begin(&desk.cost, false);
    assert_int_equal(schedule_run(&desk.schedule, program.ops, program.op_count, NULL, &finding), PL_OK);
    assert_false(finding.found);
    program_fini(&program);
}

/* Marks that no run before had. */
static uint32_t new_marks(const char *text)
{
    static uint8_t marks[COST_COUNTERS];
    uint32_t count = 0;
    run(text);
    memset(marks, 0, sizeof(marks));
    cost_mark(&desk.cost, marks);
    for (uint32_t i = 0; i < COST_COUNTERS; i++) {
        count += marks[i] != 0 && desk.seen[i] == 0;
        desk.seen[i] |= marks[i];
    }
    return count;
}

/* Scenario: a small program, the same again, one that does less, one that must split a block of order 5 down
 * to order 0. Expect marks, none, none, and new ones. */
static void more_work_has_a_new_mark(void **state)
{
    (void)state;
    static const char small[] = MACHINE "cpu0 task alloc s0 order=5\ncpu0 task free s0\n";
    open_desk("buddy", small);
    assert_true(new_marks(small) > 0);
    assert_int_equal(new_marks(small), 0);
    assert_int_equal(new_marks(MACHINE "cpu0 task free s0\n"), 0);
    assert_true(new_marks(MACHINE "cpu0 task alloc s0 order=5\ncpu0 task split s0 order=0\n") > 0);
    assert_int_equal(new_marks(small), 0);
    close_desk();
}

/* Scenario: an allocation of CPU 0 is left after its first access, and CPU 1 makes three calls meanwhile;
 * then an interrupt comes there that allocates. Expect of each the dearest call to cost what it costs when
 * nobody comes in between: the calls are alike. */
static void whoever_comes_between_is_not_counted(void **state)
{
    (void)state;
    static const char alone[] = MACHINE "cpu0 task alloc s0 order=0\n"
                                        "cpu1 task alloc s1 order=0\n"
                                        "cpu1 task alloc s2 order=0\n"
                                        "cpu1 task alloc s3 order=0\n";
    static const char between[] = MACHINE "cpu0 task alloc s0 order=0\n"
                                          "cpu1 task preempt after=1 do=switch for=3\n"
                                          "cpu1 task alloc s1 order=0\n"
                                          "cpu1 task alloc s2 order=0\n"
                                          "cpu1 task alloc s3 order=0\n";
    static const char interrupted[] = MACHINE "cpu0 task alloc s0 order=0\n"
                                              "cpu0 task preempt after=1 do=interrupt\n";
    open_desk("stack-right", alone);
    run(alone);
    uint64_t accesses = desk.cost.worst[COST_ACCESSES].counts[COST_ACCESSES];
    assert_true(accesses > 0);
    assert_true(desk.cost.worst[COST_LOCKED].counts[COST_LOCKED] > 0);
    assert_int_equal(desk.cost.worst[COST_RETRIES].counts[COST_RETRIES], 0);
    run(between);
    assert_true(desk.schedule.report.switches >= 2);
    assert_int_equal(desk.cost.worst[COST_ACCESSES].counts[COST_ACCESSES], accesses);
    run(interrupted);
    assert_int_equal(desk.schedule.report.interrupts, 1);
    assert_int_equal(desk.cost.worst[COST_ACCESSES].counts[COST_ACCESSES], accesses);
    close_desk();
}

/* Scenario: CPU 1 takes a frame between what CPU 0 reads and its compare-and-swap, wherever that is. Expect
 * some place at which CPU 0 must try again, and a retry counted there. */
static void a_failed_exchange_is_a_retry(void **state)
{
    (void)state;
    uint64_t most = 0;
    char text[400];
    open_desk("llfree", MACHINE "nop\n");
    for (unsigned after = 1; after < 60; after++) {
        snprintf(text, sizeof(text),
                 MACHINE "cpu0 task alloc s0 order=0\n"
                         "cpu1 task preempt after=%u do=switch for=1\n"
                         "cpu1 task alloc s1 order=0\n",
                 after);
        run(text);
        uint64_t retries = desk.cost.worst[COST_RETRIES].counts[COST_RETRIES];
        most = retries > most ? retries : most;
    }
    assert_true(most > 0);
    close_desk();
}

static void buckets_grow(void **state)
{
    (void)state;
    assert_int_equal(cost_bucket(0), 0);
    assert_int_equal(cost_bucket(1), 1);
    for (uint64_t count = 1; count < 40000; count++)
        assert_in_range(cost_bucket(count) - cost_bucket(count - 1), 0, 1);
    for (uint64_t count = 4; count < 10000; count *= 2) /* a quarter more is seen */
        assert_true(cost_bucket(count + count / 4) > cost_bucket(count));
    assert_int_equal(cost_bucket(UINT64_MAX), COST_BUCKETS - 1);
}

/* Scenario: the dearest call is a split, among operations that have nothing to do with it. Expect those to go
 * and its cost to stay; of the other CPU's nothing is left. */
static void what_is_left_costs_as_much(void **state)
{
    (void)state;
    static struct cost_worst worst;
    static struct op ops[PROGRAM_OP_LIMIT];
    struct cost_call calls[COST_KINDS];
    struct program program;
    struct spec spec = spec_of("bitmap");
    parse(MACHINE "cpu1 task alloc s7 order=0\n"
                  "cpu0 task alloc s0 order=5\n"
                  "cpu1 task free s7\n"
                  "cpu0 task split s0 order=0\n"
                  "cpu0 task free s0\n"
                  "cpu1 task alloc s8 order=1\n",
          &program);
    assert_int_equal(cost_worst_init(&worst, &spec), 0);
    assert_true(cost_worst_of(&worst, &program, calls));
    assert_int_equal(calls[COST_ACCESSES].hook, TAP_SPLIT);
    assert_int_equal(calls[COST_ACCESSES].op, 3);
    struct program small = program;
    struct cost_call left = cost_worst_shrink(&worst, &small, ops, COST_ACCESSES, NULL);
    assert_true(left.counts[COST_ACCESSES] >= calls[COST_ACCESSES].counts[COST_ACCESSES]);
    assert_in_range(small.op_count, 2, 4);
    assert_int_equal(small.ops[small.op_count - 1].kind, OP_SPLIT);
    assert_true(cost_worst_of(&worst, &small, calls));
    assert_int_equal(calls[COST_ACCESSES].counts[COST_ACCESSES], left.counts[COST_ACCESSES]);
    cost_worst_fini(&worst);
    program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_work_has_a_new_mark),
        cmocka_unit_test(whoever_comes_between_is_not_counted),
        cmocka_unit_test(a_failed_exchange_is_a_retry),
        cmocka_unit_test(buckets_grow),
        cmocka_unit_test(what_is_left_costs_as_much),
    };
    return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
