/* The gate's arithmetic in both modes: what it debits, what it gives back, what a CPU may hold. */
#include "tests/unit/unit.h"

#include <string.h>

static const struct native_shape floored = {
    .ranges = {{.frame_count = 64}},
    .range_count = 1,
    .cpu_count = 2,
    .floors = {.interrupt = 0, .system = 2, .normal = 8},
};

/* Exact mode: a few grants of several orders and a run, then their frees.
 * Expect the budget to move by exactly the frames of each. */
static void test_exact_counts_frames(void **state)
{
    (void)state;
    struct rig rig;
    struct pl_run runs[3];
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_constraints c = {.frame_count = 5, .high = {UINT64_MAX}, .alignment = 1};
    rig_open_shape(&rig, "reference", &floored, ADMISSION_EXACT);
    assert_int_equal(admission_slack(&rig.admission), 0);
    assert_int_equal(rig_take(&rig, 0, 0, PL_CLASS_NORMAL, &runs[0]), PL_OK);
    assert_int_equal(admission_free_frames(&rig.admission), 63);
    assert_int_equal(rig_take(&rig, 1, 3, PL_CLASS_NORMAL, &runs[1]), PL_OK);
    assert_int_equal(admission_free_frames(&rig.admission), 55);
    assert_int_equal(admission_alloc_run(&rig.admission, rig.cpu, &request, &c, &runs[2]), PL_OK);
    assert_int_equal(admission_free_frames(&rig.admission), 50);
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        assert_int_equal(admission_free(&rig.admission, rig.cpu, &runs[i]), PL_OK);
    assert_int_equal(admission_free_frames(&rig.admission), 64);
    rig_close(&rig);
}

/* Both modes: classes and orders that do not exist, runs that would wrap, frees that are refused, and a
 * backend whose every grant fails.
 * Expect the right status, and the budget where it was. */
static void check_failures(enum admission_mode mode)
{
    struct rig rig;
    struct pl_run run = {0};
    struct pl_request request = {.node = PL_NODE_ANY};
    rig_open_shape(&rig, "reference", &floored, mode);
    assert_int_equal(rig_take(&rig, 0, 0, PL_CLASS_COUNT, &run), PL_INVALID);
    assert_int_equal(rig_take(&rig, 0, 5, 255, &run), PL_INVALID);
    static const unsigned orders[] = {PL_ORDER_LIMIT + 1, 63, 64, 65, 255};
    for (size_t i = 0; i < PL_COUNT_OF(orders); i++)
        assert_int_equal(rig_take(&rig, 0, orders[i], PL_CLASS_INTERRUPT, &run), PL_UNSUPPORTED);
    static const uint64_t frames[] = {65, UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63};
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        struct pl_constraints c = {.frame_count = frames[i], .high = {UINT64_MAX}, .alignment = 1};
        assert_int_equal(admission_alloc_run(&rig.admission, rig.cpu, &request, &c, &run), PL_NEVER);
    }
    struct pl_constraints none = {.frame_count = 0, .high = {UINT64_MAX}, .alignment = 1};
    assert_int_equal(admission_alloc_run(&rig.admission, rig.cpu, &request, &none, &run), PL_INVALID);
    run = (struct pl_run){.first = {3}, .frame_count = 1};
    assert_int_equal(admission_free(&rig.admission, rig.cpu, &run), PL_REFUSED);
    assert_int_equal(admission_free_frames(&rig.admission), 64);
    rig_close(&rig);
}

static void test_failures_cost_nothing(void **state)
{
    (void)state;
    check_failures(ADMISSION_EXACT);
    check_failures(ADMISSION_BATCHED);
}

/* Both modes over a backend in which every grant fails, with orders below and above a batch.
 * Expect PL_NO_MEMORY and the frames given back each time, however often. */
static void test_a_failed_grant_is_undone(void **state)
{
    (void)state;
    for (int batched = 0; batched < 2; batched++) {
        struct rig rig;
        struct pl_run run;
        rig_open(&rig, "fault(every=1)+reference", 4096, 2, batched ? ADMISSION_BATCHED : ADMISSION_EXACT);
        for (int i = 0; i < 300; i++) {
            unsigned order = i % 3 == 0 ? 0 : i % 3 == 1 ? 4 : 9;
            assert_int_equal(rig_take(&rig, (uint32_t)i & 1, order, PL_CLASS_NORMAL, &run), PL_NO_MEMORY);
            assert_int_equal(admission_free_frames(&rig.admission), 4096);
        }
        rig_close(&rig);
    }
}

/* Eight frames, all of them in CPU 0's magazine after its first allocation; then CPU 1 asks.
 * Expect exact mode to drain and to find one, until truly nothing is left. */
static void test_drain_and_retry(void **state)
{
    (void)state;
    struct rig rig;
    struct pl_run runs[8];
    struct pl_page_counts counts;
    rig_open(&rig, "percpu(batch=8,high=8)+reference", 8, 2, ADMISSION_EXACT);
    assert_int_equal(rig_take(&rig, 0, 0, PL_CLASS_NORMAL, &runs[0]), PL_OK);
    rig.instance.page.ops->count(rig.instance.page.self, &counts);
    assert_int_equal(counts.cached, 7);
    assert_int_equal(counts.free, 0);
    for (int i = 1; i < 8; i++)
        assert_int_equal(rig_take(&rig, (uint32_t)i & 1, 0, PL_CLASS_NORMAL, &runs[i]), PL_OK);
    assert_int_equal(rig_take(&rig, 0, 0, PL_CLASS_INTERRUPT, &runs[0]), PL_NO_MEMORY);
    for (int i = 0; i < 8; i++)
        assert_int_equal(admission_free(&rig.admission, native_cpu(rig.native, (uint32_t)i & 1), &runs[i]),
                         PL_OK);
    assert_int_equal(rig_take(&rig, 1, 3, PL_CLASS_NORMAL, &runs[0]), PL_OK);
    assert_int_equal(runs[0].frame_count, 8);
    rig_close(&rig);
}

/* Batched mode, one CPU, no floors: order 0 until nothing comes, everything back, again.
 * Expect every frame both times: a lone CPU holds nothing back from itself. */
static void test_batched_reaches_the_last_frame(void **state)
{
    (void)state;
    enum { FRAMES = 700 };
    static struct pl_run runs[FRAMES + 1];
    struct rig rig;
    rig_open(&rig, "reference", FRAMES, 1, ADMISSION_BATCHED);
    for (int round = 0; round < 3; round++) {
        int granted = 0;
        while (rig_take(&rig, 0, 0, PL_CLASS_NORMAL, &runs[granted]) == PL_OK)
            granted++;
        assert_int_equal(granted, FRAMES);
        assert_int_equal(admission_free_frames(&rig.admission), 0);
        while (granted > 0)
            assert_int_equal(admission_free(&rig.admission, rig.cpu, &runs[--granted]), PL_OK);
        assert_int_equal(admission_free_frames(&rig.admission), FRAMES);
    }
    rig_close(&rig);
}

/* Frames that one CPU holds: not granted, and not in the shared budget. */
static int64_t held_by(const struct admission *admission, uint32_t cpu)
{
    const struct admission_cpu *slot = &admission->cpus[cpu];
    return slot->drawn + (admission->batch - slot->room);
}

/* Batched mode, four CPUs that allocate on one and free on another, mixed orders, up to the floor.
 * Expect at every step: free frames are the machine's minus what is granted; no CPU holds more than
 * admission_slack() or less than nothing; and a refusal only when even without what is held the floor is
 * near. */
static void test_batched_bounds(void **state)
{
    (void)state;
    enum { FRAMES = 8192, GRANTS = 4096, CPUS = 4 };
    static struct pl_run runs[GRANTS];
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = CPUS};
    struct rig rig;
    unsigned live = 0;
    uint64_t live_frames = 0;
    uint32_t seed = 31;
    shape.floors = (struct pl_floors){.interrupt = 0, .system = 2, .normal = 100};
    rig_open_shape(&rig, "reference", &shape, ADMISSION_BATCHED);
    int64_t slack = admission_slack(&rig.admission);
    assert_true(slack > 0);
    for (int step = 0; step < 60000; step++) {
        uint32_t cpu = next_number(&seed) % CPUS;
        bool grow = (step / 6000) % 2 == 0;
        unsigned dice = next_number(&seed) % 8;
        if (live < GRANTS && (live == 0 || (dice < 6) == grow)) {
            unsigned order = next_number(&seed) % 16 == 0 ? 6 : next_number(&seed) % 3;
            uint64_t free_before = FRAMES - live_frames;
            enum pl_status status = rig_take(&rig, cpu, order, PL_CLASS_NORMAL, &runs[live]);
            if (status == PL_OK)
                live_frames += runs[live++].frame_count;
            else if (order == 0)
                assert_true((int64_t)free_before < 100 + 1 + slack * CPUS);
        } else if (live > 0) {
            unsigned at = next_number(&seed) % live;
            live_frames -= runs[at].frame_count;
            assert_int_equal(admission_free(&rig.admission, native_cpu(rig.native, cpu), &runs[at]), PL_OK);
            runs[at] = runs[--live];
        }
        assert_int_equal(admission_free_frames(&rig.admission), FRAMES - live_frames);
        for (uint32_t i = 0; i < CPUS; i++)
            assert_in_range(held_by(&rig.admission, i), 0, slack);
    }
    rig_close(&rig);
}

/* A machine too small for a batch of more than one frame, on 64 CPUs.
 * Expect a batch of at least one, and every CPU to get a frame. */
static void test_tiny_machine_has_a_batch(void **state)
{
    (void)state;
    struct rig rig;
    struct pl_run run;
    rig_open(&rig, "reference", 256, PL_CPU_LIMIT, ADMISSION_BATCHED);
    assert_true(admission_slack(&rig.admission) >= 1);
    for (uint32_t cpu = 0; cpu < PL_CPU_LIMIT; cpu++)
        assert_int_equal(rig_take(&rig, cpu, 0, PL_CLASS_NORMAL, &run), PL_OK);
    assert_int_equal(admission_free_frames(&rig.admission), 256 - PL_CPU_LIMIT);
    rig_close(&rig);
}

/* A machine smaller than NORMAL's floor.
 * Expect NORMAL never admitted, SYSTEM down to its floor, INTERRUPT to the last frame; in both modes. */
static void test_floors_above_the_machine(void **state)
{
    (void)state;
    for (int batched = 0; batched < 2; batched++) {
        struct native_shape shape = floored;
        struct rig rig;
        struct pl_run run;
        int granted = 0;
        shape.ranges[0].frame_count = 6;
        shape.cpu_count = 1;
        rig_open_shape(&rig, "reference", &shape, batched ? ADMISSION_BATCHED : ADMISSION_EXACT);
        struct pl_request request = {.node = PL_NODE_ANY, .alloc_class = PL_CLASS_NORMAL};
        struct pl_constraints c = {.frame_count = 2, .high = {UINT64_MAX}, .alignment = 1};
        assert_int_equal(rig_take(&rig, 0, 0, PL_CLASS_NORMAL, &run), PL_NO_MEMORY);
        assert_int_equal(admission_alloc_run(&rig.admission, rig.cpu, &request, &c, &run), PL_NO_MEMORY);
        while (rig_take(&rig, 0, 0, PL_CLASS_SYSTEM, &run) == PL_OK)
            granted++;
        assert_int_equal(granted, 4);
        while (rig_take(&rig, 0, 0, PL_CLASS_INTERRUPT, &run) == PL_OK)
            granted++;
        assert_int_equal(granted, 6);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_counts_frames),
        cmocka_unit_test(test_failures_cost_nothing),
        cmocka_unit_test(test_a_failed_grant_is_undone),
        cmocka_unit_test(test_drain_and_retry),
        cmocka_unit_test(test_batched_reaches_the_last_frame),
        cmocka_unit_test(test_batched_bounds),
        cmocka_unit_test(test_tiny_machine_has_a_batch),
        cmocka_unit_test(test_floors_above_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
