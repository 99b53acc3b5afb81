/* Exploring: every schedule is run once, none twice, and their number is what can be counted by hand. */
#include "tests/unit/unit.h"

#include <string.h>

#include "engine/schedule/explore.h"
#include "platform/sim/race.h"
#include "platform/sim/store_buffer.h"

#define MACHINE "pagelab program 1\nmachine 64@0x0 cpus=2 floors=0/0/0\n"

struct desk {
    struct program program;
    struct schedule schedule;
    struct sim *sim;
    struct race *race;
};

static void open_desk(struct desk *desk, const char *name, const char *text)
{
    struct spec spec;
    struct spec_error error = {""};
    struct program_error program_error;
    if (program_parse(text, strlen(text), "test", &desk->program, &program_error) != 0)
        fail_msg("%s", program_error.text);
    desk->sim = sim_new(PL_CPU_LIMIT);
    desk->race = race_new();
    if (spec_parse(name, &spec, &error) != 0 ||
        schedule_init(&desk->schedule, &spec, &desk->program.shape, desk->sim, &error) != PL_OK)
        fail_msg("%s", error.text);
    desk->schedule.watch = race_watch(desk->race);
}

static void close_desk(struct desk *desk)
{
    schedule_fini(&desk->schedule);
    program_fini(&desk->program);
    sim_delete(desk->sim);
    race_delete(desk->race);
}

static struct explore_result explore(struct desk *desk, const struct explore_options *options)
{
    struct explore_result result;
    (void)explore_run(&desk->schedule, desk->program.ops, desk->program.op_count, options, &result);
    if (result.finding.found)
        fail_msg("%s %s: expected %s, actual %s", result.path, result.finding.ids, result.finding.expected,
                 result.finding.actual);
    return result;
}

static const char two_allocs[] = MACHINE "cpu0 task alloc s0 order=0 class=normal\n"
                                         "cpu1 task alloc s1 order=0 class=normal\n";

/* Points of the whole run, and of the CPU that went first, if it was `first`. */
static uint64_t points_alone(struct desk *desk, const char *path, uint32_t first)
{
    struct finding finding;
    assert_int_equal(
        explore_replay(&desk->schedule, desk->program.ops, desk->program.op_count, path, &finding), 0);
    assert_false(finding.found);
    return desk->schedule.report.cpus[first].points;
}

/* Two operations without a lock: one order or the other; with one preemption, also at each access of whoever
 * is first. */
static void they_are_as_many_as_can_be_counted(void **state)
{
    struct desk desk;
    (void)state;
    open_desk(&desk, "llfree", two_allocs);
    struct explore_options options = {.no_interrupts = true};
    assert_int_equal(explore(&desk, &options).schedules, 2);
    uint64_t points = points_alone(&desk, "0/", 0) + points_alone(&desk, "0/0:1", 1);
    assert_true(points > 4);
    options.preemptions = 1;
    struct explore_result result = explore(&desk, &options);
    assert_int_equal(result.end, EXPLORE_ALL);
    assert_int_equal(result.schedules, 2 + points);
    assert_true(result.estimate > (double)result.schedules / 2 &&
                result.estimate < (double)result.schedules * 2);
    options.no_interrupts = false;
    assert_true(explore(&desk, &options).schedules > result.schedules);
    close_desk(&desk);
}

/* Each schedule once: no two of them have the same digest. */
static void none_is_run_twice(void **state)
{
    static uint64_t digests[20000];
    struct desk desk;
    (void)state;
    open_desk(&desk, "bitmap", two_allocs);
    struct explore_options options = {.preemptions = 1};
    uint64_t schedules = explore(&desk, &options).schedules;
    uint32_t count = 0;
    assert_true(schedules < PL_COUNT_OF(digests));
    for (uint64_t at = 0; at < 400; at++) {
        for (unsigned taken = 1; taken <= 2; taken++) {
            char path[32];
            struct finding finding;
            snprintf(path, sizeof(path), "1/%llu:%u", (unsigned long long)at, taken);
            assert_int_equal(
                explore_replay(&desk.schedule, desk.program.ops, desk.program.op_count, path, &finding), 0);
            uint64_t digest = desk.schedule.report.digest;
            bool known = false;
            for (uint32_t i = 0; i < count; i++)
                known = known || digests[i] == digest;
            if (!known)
                digests[count++] = digest;
        }
    }
    assert_true(count > 20);
    assert_true(count <= schedules);
    close_desk(&desk);
}

/* Each of these is wrong in its own way. Whether or not races are looked for, a schedule with one or two
 * preemptions shows it, and the path that is named shows it again. */
static void what_is_wrong_is_found(void **state)
{
    static const char *const wrong[] = {"stack-lost", "stack-open", "stack-crossed"};
    static const char text[] = MACHINE "cpu0 task alloc s0 order=0 class=normal\n"
                                       "cpu0 task free s0\n"
                                       "cpu1 task alloc s1 order=0 class=normal\n";
    (void)state;
    for (size_t i = 0; i < 2 * PL_COUNT_OF(wrong); i++) {
        struct desk desk;
        struct explore_result result;
        struct finding again;
        open_desk(&desk, wrong[i / 2], text);
        if (i % 2 == 0)
            desk.schedule.watch = NULL;
        const struct explore_options options = {.preemptions = 2};
        if (explore_run(&desk.schedule, desk.program.ops, desk.program.op_count, &options, &result) !=
            EXPLORE_FOUND)
            fail_msg("%s: %llu schedules, nothing found", wrong[i / 2], (unsigned long long)result.schedules);
        uint64_t digest = desk.schedule.report.digest;
        assert_int_equal(
            explore_replay(&desk.schedule, desk.program.ops, desk.program.op_count, result.path, &again), 0);
        assert_string_equal(again.ids, result.finding.ids);
        assert_int_equal(desk.schedule.report.digest, digest);
        close_desk(&desk);
    }
}

/* A path of a search without interrupts has other places: it says so, and runs the same schedule again. */
static void a_path_says_that_no_interrupt_comes(void **state)
{
    static const char text[] = MACHINE "cpu0 task alloc s0 order=0 class=normal\n"
                                       "cpu1 task alloc s1 order=0 class=normal\n";
    struct desk desk;
    struct explore_result result;
    struct finding again;
    (void)state;
    open_desk(&desk, "stack-lost", text);
    desk.schedule.watch = NULL;
    const struct explore_options options = {.preemptions = 2, .no_interrupts = true};
    assert_int_equal(explore_run(&desk.schedule, desk.program.ops, desk.program.op_count, &options, &result),
                     EXPLORE_FOUND);
    assert_non_null(strstr(result.path, "2n/"));
    uint64_t digest = desk.schedule.report.digest;
    assert_int_equal(
        explore_replay(&desk.schedule, desk.program.ops, desk.program.op_count, result.path, &again), 0);
    assert_true(again.found);
    assert_int_equal(desk.schedule.report.digest, digest);
    close_desk(&desk);
}

/* Stores that wait are no finding in code that is right, whether it locks or not. */
static void buffered_stores_break_nothing(void **state)
{
    static const char *const names[] = {"percpu(batch=2)+buddy", "bitmap", "llfree", "nbbs", "slate"};
    static struct store_buffer buffer;
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct desk desk;
        open_desk(&desk, names[i], two_allocs);
        store_buffer_init(&buffer);
        desk.schedule.memory = &buffer.memory;
        assert_int_equal(explore(&desk, &(struct explore_options){.preemptions = 1}).end, EXPLORE_ALL);
        assert_true(buffer.kept > 0);
        close_desk(&desk);
    }
}

static void what_is_right_is_not(void **state)
{
    struct desk desk;
    (void)state;
    open_desk(&desk, "stack-right", two_allocs);
    assert_int_equal(explore(&desk, &(struct explore_options){.preemptions = 2}).end, EXPLORE_ALL);
    close_desk(&desk);
}

static void too_many_are_refused_before_the_first(void **state)
{
    struct desk desk;
    (void)state;
    open_desk(&desk, "llfree", two_allocs);
    struct explore_options options = {.preemptions = 3, .limit = 500};
    struct explore_result result = explore(&desk, &options);
    assert_int_equal(result.end, EXPLORE_TOO_MANY);
    assert_int_equal(result.schedules, 0);
    assert_true(result.estimate > 500);
    close_desk(&desk);
}

static void a_path_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {"", "1", "x/1:1", "1/1", "1/1:", "1/1:0", "1/5:1,3:1", "1/1:1;2:1"};
    struct desk desk;
    struct finding finding;
    (void)state;
    open_desk(&desk, "llfree", two_allocs);
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++)
        assert_int_equal(
            explore_replay(&desk.schedule, desk.program.ops, desk.program.op_count, wrong[i], &finding), -1);
    close_desk(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_as_many_as_can_be_counted),
        cmocka_unit_test(none_is_run_twice),
        cmocka_unit_test(what_is_wrong_is_found),
        cmocka_unit_test(a_path_says_that_no_interrupt_comes),
        cmocka_unit_test(buffered_stores_break_nothing),
        cmocka_unit_test(what_is_right_is_not),
        cmocka_unit_test(too_many_are_refused_before_the_first),
        cmocka_unit_test(a_path_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("explore", tests, NULL, NULL);
}
