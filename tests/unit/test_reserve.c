/* FreeBSD's reserve arithmetic against the values that the specification worked out (section 2.5). */
#include "tests/unit/unit.h"

#include "systems/freebsd/reserve.h"

static const struct {
    uint64_t frames;
    struct freebsd_reserve want;
} table[] = {
    {96, {8, 2, 34, 42, 44, 46, 58, 32, 45}}, /* the third of what is free is the smaller one */
    {1024, {8, 2, 34, 43, 45, 47, 59, 88, 45}},
    {4096, {32, 2, 34, 71, 80, 90, 147, 220, 126}},
    {65536, {32, 2, 34, 151, 314, 477, 1455, 2182, 1305}},
    {262144, {32, 2, 34, 407, 1061, 1716, 5643, 8464, 5076}},
};

/* The four machines of the table, and a tiny one.
 * Expect every number of it. */
static void test_worked_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(table); i++) {
        struct freebsd_reserve got = freebsd_reserve_of(table[i].frames);
        assert_int_equal(got.page_cluster, table[i].want.page_cluster);
        assert_int_equal(got.interrupt_free_min, table[i].want.interrupt_free_min);
        assert_int_equal(got.pageout_free_min, table[i].want.pageout_free_min);
        assert_int_equal(got.free_reserved, table[i].want.free_reserved);
        assert_int_equal(got.free_severe, table[i].want.free_severe);
        assert_int_equal(got.free_min, table[i].want.free_min);
        assert_int_equal(got.free_target, table[i].want.free_target);
        assert_int_equal(got.inactive_target, table[i].want.inactive_target);
        assert_int_equal(got.wakeup_threshold, table[i].want.wakeup_threshold);
    }
}

/* Machines from one frame to 2^40, by steps that are no powers of two.
 * Expect 0 < interrupt < pageout < reserved < severe < min < target on each. */
static void test_order_holds_everywhere(void **state)
{
    (void)state;
    for (uint64_t frames = 1; frames < UINT64_C(1) << 40; frames = frames * 3 / 2 + 1) {
        struct freebsd_reserve r = freebsd_reserve_of(frames);
        assert_true(0 < r.interrupt_free_min);
        assert_true(r.interrupt_free_min < r.pageout_free_min);
        assert_true(r.pageout_free_min < r.free_reserved);
        assert_true(r.free_reserved < r.free_severe);
        assert_true(r.free_severe < r.free_min);
        assert_true(r.free_min < r.free_target);
    }
}

/* A machine of 1024 frames, where the wake-up threshold lies below free_min.
 * Expect the inversion: it is the kernel's, and nobody may smooth it away. */
static void test_the_inversion_stays(void **state)
{
    (void)state;
    struct freebsd_reserve small = freebsd_reserve_of(1024);
    struct freebsd_reserve large = freebsd_reserve_of(4096);
    assert_true(small.wakeup_threshold < small.free_min);
    assert_true(large.wakeup_threshold > large.free_min);
}

/* The cluster at 1999 and 2000 frames, the floors of one machine.
 * Expect 8 and 32; floors 0, 2 and free_reserved in the order of the classes. */
static void test_cluster_and_floors(void **state)
{
    (void)state;
    assert_int_equal(freebsd_reserve_of(1999).page_cluster, 8);
    assert_int_equal(freebsd_reserve_of(2000).page_cluster, 32);
    struct pl_floors floors = freebsd_floors_of(65536);
    assert_int_equal(floors.interrupt, 0);
    assert_int_equal(floors.system, 2);
    assert_int_equal(floors.normal, 151);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_values),
        cmocka_unit_test(test_order_holds_everywhere),
        cmocka_unit_test(test_the_inversion_stays),
        cmocka_unit_test(test_cluster_and_floors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
