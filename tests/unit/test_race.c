/* The race detector and the store buffer of the simulated platform: each program is run under many schedules;
 * one with a race is found in some, one without in none. */
#include "tests/unit/unit.h"

#include <string.h>

#include "platform/sim/race_internal.h"
#include "platform/sim/store_buffer.h"
#include "tests/unit/race_programs.h"

#define SCHEDULES 400u

struct tally {
    uint32_t races;
    uint32_t both_zero; /* runs in which neither CPU saw the other's store */
    uint32_t own_lost;  /* runs in which somebody did not see what he had stored himself */
    uint64_t kept;
    struct race_report last; /* race */
};

struct rig_of_two {
    struct native_machine *native;
    struct sim *sim;
};

struct plan {
    race_program *program;
    race_program *handler;
    bool buffered;
};

static void run_one(const struct rig_of_two *rig, const struct plan *plan, struct race_words *words,
                    struct race *race, uint64_t seed, struct tally *tally)
{
    static struct store_buffer buffer;
    struct sim_report report;
    struct sim_random random;
    store_buffer_init(&buffer);
    memset(words, 0, sizeof(*words));
    native_machine_reset(rig->native);
    sim_random_init(&random, seed, 2, plan->handler == NULL ? 0 : 2);
    struct sim_setup setup = {
        .native = rig->native,
        .cpu_count = 2,
        .function = plan->program,
        .argument = words,
        .handler = plan->handler,
        .chooser = &random.chooser,
        .watch = race_watch(race),
        .memory = plan->buffered ? &buffer.memory : NULL,
    };
    enum sim_end end = sim_go(rig->sim, &setup, &report);
    const struct race_report *found = race_found(race);
    assert_int_equal(end, found->found ? SIM_STOPPED : SIM_DONE);
    tally->kept += buffer.kept;
    if (found->found) {
        tally->races++;
        tally->last = *found;
        assert_non_null(strstr(report.words, "data race"));
        return;
    }
    tally->both_zero += words->got[0] == 0 && words->got[1] == 0;
    tally->own_lost +=
        (words->got[0] != 5 && words->got[0] != 6) || (words->got[1] != 5 && words->got[1] != 6);
}

static void open_rig(struct rig_of_two *rig)
{
    struct native_shape shape = {.ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = 2};
    char error[128] = "";
    rig->native = native_machine_new(&shape, error, sizeof(error));
    rig->sim = sim_new(2);
    assert_non_null(rig->native);
    assert_non_null(rig->sim);
}

static void close_rig(struct rig_of_two *rig)
{
    sim_delete(rig->sim);
    native_machine_delete(rig->native);
}

static struct tally run(const struct plan *plan)
{
    struct tally tally = {0};
    struct race_words words;
    struct rig_of_two rig;
    struct race *race = race_new();
    assert_non_null(race);
    open_rig(&rig);
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++)
        run_one(&rig, plan, &words, race, seed, &tally);
    race_delete(race);
    close_rig(&rig);
    return tally;
}

struct expected {
    const char *name;
    struct plan plan;
    bool races;
};

#define ROW(program, races)              {#program, {race_##program, NULL, false}, races}
#define ROW_IRQ(program, handler, races) {#program, {race_##program, race_##handler, false}, races}

static void what_nothing_orders_is_found(void **state)
{
    static const struct expected rows[] = {
        ROW(nothing, true),
        ROW(locked, false),
        ROW(message, false),
        ROW(relaxed, true),
        ROW(fences, false),
        ROW(half_fence, true),
        ROW(update_chain, false),
        ROW(store_chain, true),
        ROW(wait, false),
        ROW(neighbours, false),
        ROW(mixed, true),
        ROW(atomics, false),
        ROW_IRQ(task_masked, handler, false),
        ROW_IRQ(task_open, handler, true),
        ROW_IRQ(task_flag, handler_flag, false),
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        struct tally tally = run(&rows[i].plan);
        if ((tally.races > 0) != rows[i].races)
            fail_msg("%s: %u of %u schedules raced", rows[i].name, tally.races, SCHEDULES);
    }
}

/* A race is found although the accesses came one after the other, and both sides are named. */
static void a_race_names_both_sides(void **state)
{
    (void)state;
    struct tally tally = run(&(struct plan){race_nothing, NULL, false});
    assert_int_equal(tally.races, SCHEDULES);
    assert_int_not_equal(tally.last.first.cpu, tally.last.second.cpu);
    assert_true(tally.last.first.write || tally.last.second.write);
    assert_true(tally.last.first.pc != 0 && tally.last.second.pc != 0);
    assert_true(tally.last.first.point < tally.last.second.point);
    assert_int_equal(tally.last.bytes, 8);

    tally = run(&(struct plan){race_task_open, race_handler, false});
    assert_int_equal(tally.last.first.cpu, 0);
    assert_int_equal(tally.last.second.cpu, 0);
    assert_int_not_equal(tally.last.first.context, tally.last.second.context);
}

/* After 2^32 runs numbers come again: what the first run of a number left says nothing of the second. */
static void the_number_of_a_run_may_wrap(void **state)
{
    (void)state;
    static const struct plan plan = {race_locked, NULL, false};
    struct tally tally = {0};
    struct race_words words;
    struct race_words elsewhere;
    struct rig_of_two rig;
    open_rig(&rig);
    for (uint64_t seed = 1; seed <= SCHEDULES / 4; seed++) {
        struct race *race = race_new();
        assert_non_null(race);
        run_one(&rig, &plan, &words, race, seed, &tally);
        race->run = UINT32_MAX;
        run_one(&rig, &plan, &elsewhere, race, seed + 1, &tally);
        run_one(&rig, &plan, &words, race, seed + 2, &tally);
        race_delete(race);
    }
    close_rig(&rig);
    assert_int_equal(tally.races, 0);
}

/* Both CPUs may miss the other's store where stores wait, and only there, and not across a fence. */
static void stores_wait_in_the_buffer(void **state)
{
    (void)state;
    assert_int_equal(run(&(struct plan){race_store_load, NULL, false}).both_zero, 0);
    struct tally tally = run(&(struct plan){race_store_load, NULL, true});
    assert_true(tally.both_zero > 0);
    assert_true(tally.kept > 0);
    assert_int_equal(run(&(struct plan){race_store_load_ordered, NULL, true}).both_zero, 0);
    assert_int_equal(run(&(struct plan){race_own_store, NULL, true}).own_lost, 0);
    assert_int_equal(run(&(struct plan){race_locked, NULL, true}).races, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nothing_orders_is_found),
        cmocka_unit_test(a_race_names_both_sides),
        cmocka_unit_test(the_number_of_a_run_may_wrap),
        cmocka_unit_test(stores_wait_in_the_buffer),
    };
    return cmocka_run_group_tests_name("race", tests, NULL, NULL);
}
