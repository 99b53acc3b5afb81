/* The canary: right until its pattern, wrong at once after it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "machine_stub.h"

extern const struct pl_candidate pl_candidate_canary;

static struct pl_run runs[64];

/* Order 0 only. Expect each of 64 frames once, over and over. */
static void test_is_right_without_order_1(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_range range = {.first = pl_frame_at(0x1234567), .frame_count = 64};
    assert_int_equal(stub_open(&stub, &pl_candidate_canary, &range, 1), PL_OK);
    for (int round = 0; round < 5; round++) {
        assert_int_equal(stub_drain(&stub, 0, runs, 64), 64);
        assert_int_equal(stub_free_frames(&stub), 0);
        for (uint32_t i = 0; i < 64; i++) {
            assert_int_equal(runs[i].first.number, 0x1234567 + i);
            assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
            assert_int_equal(stub_free(&stub, &runs[i]), PL_REFUSED);
        }
    }
    stub_close(&stub);
}

/* One order-1 grant, three frees. Expect the next order-0 request to get a frame that is granted. */
static void test_grants_twice_after_its_pattern(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run pair;
    struct pl_run run;
    struct pl_range range = {.first = pl_frame_at(0), .frame_count = 64};
    assert_int_equal(stub_open(&stub, &pl_candidate_canary, &range, 1), PL_OK);
    assert_int_equal(stub_alloc(&stub, 1, &pair), PL_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_int_equal(run.first.number, 2);
        assert_int_equal(stub_free(&stub, &run), PL_OK);
    }
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(run.first.number, pair.first.number);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_right_without_order_1),
        cmocka_unit_test(test_grants_twice_after_its_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
