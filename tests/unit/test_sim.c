/* The simulated platform: programs whose accesses are known are counted to the last one, CPUs really come
 * between one another, a lock keeps them apart, and one seed gives one run. Then the candidates' own code. */
#include "tests/unit/unit.h"

#include <string.h>

#include "bench/sim/count.h"
#include "engine/registry.h"
#include "platform/sim/sim.h"
#include "tests/unit/sim_programs.h"

#define MEMORY_BYTES (UINT64_C(64) << 20)

static struct sim_counts run(sim_thread *program, struct sim_words *words, uint32_t cpus, uint64_t seed)
{
    struct native_shape shape = {.ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = cpus};
    struct sim_counts counts;
    char error[128] = "";
    struct native_machine *native = native_machine_new(&shape, error, sizeof(error));
    if (native == NULL)
        fail_msg("%s", error);
    memset(words, 0, sizeof(*words));
    assert_int_equal(sim_run(native, cpus, program, words, seed, &counts), 0);
    assert_string_equal(native_cpu(native, cpus - 1)->platform->name, "native");
    native_machine_delete(native);
    return counts;
}

/* Expect each access of the program counted as what it is, and its results those of a real processor. */
static void every_access_is_counted(void **state)
{
    struct sim_words words;
    (void)state;
    struct sim_counts counts = run(sim_every_access, &words, 1, 1);
    assert_int_equal(counts.loads, 4);
    assert_int_equal(counts.stores, 4 + 1);
    assert_int_equal(counts.cas, 4);
    assert_int_equal(counts.cas_failed, 0);
    assert_int_equal(counts.locked, 4 * (1 + 5 + 1) + 2); /* exchange, five updates, the swap; store, fence */
    assert_int_equal(counts.relaxes, 0);
    assert_int_equal(counts.switches, 0);
    assert_int_equal(words.bits8, 5);
    assert_int_equal(words.bits16, 5);
    assert_int_equal(words.bits32, 5);
    assert_int_equal(words.bits64, 12);
}

/* Two CPUs increment by compare-and-swap. Expect no increment lost, each success one locked operation and
 * each failure another, and the same counts and the same order of CPUs again. */
static void a_cas_loop_repeats_exactly(void **state)
{
    struct sim_words words;
    struct sim_words again;
    (void)state;
    struct sim_counts counts = run(sim_cas_loop, &words, 2, 7);
    assert_int_equal(words.bits64, 2 * SIM_ROUNDS);
    assert_int_equal(counts.loads, 2 * SIM_ROUNDS);
    assert_int_equal(counts.locked, counts.cas);
    assert_int_equal(counts.cas - counts.cas_failed, 2 * SIM_ROUNDS);
    assert_true(counts.cas_failed > 0);
    assert_true(counts.switches > 0);
    struct sim_counts twin = run(sim_cas_loop, &again, 2, 7);
    assert_memory_equal(&counts, &twin, sizeof(counts));
    assert_int_equal(words.order, again.order);
    (void)run(sim_cas_loop, &again, 2, 8);
    assert_int_not_equal(words.order, again.order);
}

/* Expect increments lost where load and store are apart, on two CPUs and never on one. */
static void cpus_come_between(void **state)
{
    struct sim_words words;
    (void)state;
    (void)run(sim_racy_loop, &words, 2, 3);
    assert_true(words.bits64 < 2 * SIM_ROUNDS);
    assert_true(words.bits64 >= 2);
    (void)run(sim_racy_loop, &words, 1, 3);
    assert_int_equal(words.bits64, SIM_ROUNDS);
}

/* 64 CPUs spin on one lock. Expect that all end, that none was inside with another, and one locked operation
 * a round beside the failed ones. */
static void a_lock_keeps_apart(void **state)
{
    struct sim_words words;
    (void)state;
    struct sim_counts counts = run(sim_locked_loop, &words, PL_CPU_LIMIT, 5);
    assert_int_equal(words.plain, PL_CPU_LIMIT * SIM_ROUNDS);
    assert_int_equal(counts.cas - counts.cas_failed, PL_CPU_LIMIT * SIM_ROUNDS);
    assert_true(counts.relaxes > 0);
}

static struct count_result count_of(const char *name, uint32_t cpus, enum count_pattern pattern)
{
    struct spec spec;
    struct spec_error error = {""};
    struct count_result result;
    if (spec_parse(name, &spec, &error) != 0 ||
        count_run(&spec, cpus, MEMORY_BYTES, 11, pattern, &result, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(result.failures, 0);
    return result;
}

/* bitmap on one CPU takes its one lock once a call, and drops it with a store. A magazine takes none. */
static void candidates_are_counted(void **state)
{
    (void)state;
    struct count_result result = count_of("bitmap", 1, COUNT_REPEAT);
    assert_int_equal(result.counts.locked, result.calls);
    assert_int_equal(result.counts.cas, result.calls);
    assert_int_equal(result.counts.cas_failed, 0);
    result = count_of("bitmap", 8, COUNT_REPEAT);
    assert_int_equal(result.counts.cas - result.counts.cas_failed, result.calls);
    assert_true(result.counts.cas_failed > 0);
    result = count_of("percpu+bitmap", 8, COUNT_REPEAT);
    assert_int_equal(result.counts.locked, 0);
    assert_true(count_of("percpu+bitmap", 8, COUNT_BULK).counts.locked > 0);
}

/* Expect the same counts again, of a candidate with a lock and of one without. */
static void candidates_repeat_exactly(void **state)
{
    static const char *const names[] = {"bitmap", "llfree"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct count_result one = count_of(names[i], 16, COUNT_BULK);
        struct count_result two = count_of(names[i], 16, COUNT_BULK);
        assert_memory_equal(&one, &two, sizeof(one));
        assert_true(one.counts.switches > 0);
    }
}

/* Who is not concurrent is refused with more than one CPU, not run. */
static void claims_are_kept(void **state)
{
    struct spec spec;
    struct spec_error error = {""};
    struct count_result result;
    (void)state;
    for (const struct pl_candidate *const *entry = registry_candidates; *entry != NULL; entry++) {
        if ((*entry)->kind != PL_KIND_CANDIDATE || ((*entry)->page->caps & PL_CAP_CONCURRENT) != 0)
            continue;
        assert_int_equal(spec_parse((*entry)->name, &spec, &error), 0);
        assert_int_equal(count_run(&spec, 2, MEMORY_BYTES, 1, COUNT_REPEAT, &result, &error), -1);
        assert_non_null(strstr(error.text, "not concurrent"));
    }
}

/* --- the character of nbbs-hint, which no frame shows: only how far it has to look --- */

enum { CROWD_FRAMES = 1 << 15 };

struct crowd {
    const struct pl_page *page;
    struct pl_run runs[CROWD_FRAMES];
    uint64_t frame_count;
    uint64_t held;
};

static void crowd_fill(struct pl_cpu *cpu, void *argument)
{
    struct crowd *crowd = argument;
    struct pl_request request = {.node = PL_NODE_ANY};
    while (crowd->held < crowd->frame_count &&
           crowd->page->ops->alloc(crowd->page->self, cpu, &request, &crowd->runs[crowd->held]) == PL_OK)
        crowd->held++;
}

/* The frame that was found last, given back and found again. */
static void crowd_pair(struct pl_cpu *cpu, void *argument)
{
    struct crowd *crowd = argument;
    if (crowd->page->ops->free(crowd->page->self, cpu, &crowd->runs[--crowd->held]) == PL_OK)
        crowd_fill(cpu, argument);
}

struct crowd_loads {
    uint64_t fill; /* atomic loads to fill a machine from one CPU */
    uint64_t pair; /* of one free and one allocation, when it is full */
};

static struct crowd_loads crowd_loads(const char *name, uint64_t frame_count)
{
    static struct crowd crowd;
    struct spec spec;
    struct spec_error error = {""};
    struct instance instance;
    struct sim_counts fill;
    struct sim_counts pair;
    struct native_shape shape = {.ranges = {{.frame_count = frame_count}}, .range_count = 1, .cpu_count = 1};
    struct native_machine *native = native_machine_new(&shape, error.text, sizeof(error.text));
    assert_non_null(native);
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    assert_int_equal(instance_init(&instance, &spec, native_machine_view(native), false, &error), PL_OK);
    crowd.page = &instance.page;
    crowd.frame_count = frame_count;
    crowd.held = 0;
    assert_int_equal(sim_run(native, 1, crowd_fill, &crowd, 1, &fill), 0);
    assert_int_equal(crowd.held, frame_count);
    assert_int_equal(sim_run(native, 1, crowd_pair, &crowd, 1, &pair), 0);
    assert_int_equal(crowd.held, frame_count);
    instance_fini(&instance);
    native_machine_delete(native);
    return (struct crowd_loads){.fill = fill.loads, .pair = pair.loads};
}

/* A full machine, and one eight times as large. Expect nbbs to walk over eight times as many words for the
 * one free frame, and nbbs-hint to look at one or two levels of hints more. */
static void hints_need_no_walk(void **state)
{
    (void)state;
    struct crowd_loads walk = crowd_loads("nbbs", CROWD_FRAMES);
    struct crowd_loads hint = crowd_loads("nbbs-hint", CROWD_FRAMES);
    assert_true(walk.pair > CROWD_FRAMES / 8);
    assert_true(walk.pair > 6 * crowd_loads("nbbs", CROWD_FRAMES / 8).pair);
    assert_true(hint.pair < 64);
    assert_true(hint.pair < crowd_loads("nbbs-hint", CROWD_FRAMES / 8).pair + 8);
}

/* The same machines are filled frame by frame. Expect nbbs to need loads as the square of the frames,
 * nbbs-hint in proportion. */
static void hints_fill_in_linear_time(void **state)
{
    (void)state;
    uint64_t walk_small = crowd_loads("nbbs", CROWD_FRAMES / 8).fill;
    uint64_t hint_small = crowd_loads("nbbs-hint", CROWD_FRAMES / 8).fill;
    assert_true(crowd_loads("nbbs", CROWD_FRAMES).fill > 40 * walk_small);
    assert_true(crowd_loads("nbbs-hint", CROWD_FRAMES).fill < 12 * hint_small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_access_is_counted),   cmocka_unit_test(a_cas_loop_repeats_exactly),
        cmocka_unit_test(cpus_come_between),         cmocka_unit_test(a_lock_keeps_apart),
        cmocka_unit_test(candidates_are_counted),    cmocka_unit_test(candidates_repeat_exactly),
        cmocka_unit_test(claims_are_kept),           cmocka_unit_test(hints_need_no_walk),
        cmocka_unit_test(hints_fill_in_linear_time),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
