/* The owner map beside an array. */
#include "tests/unit/test_trace_help.h"

#include "engine/trace/trace_event.h"
#include "engine/trace/trace_owner.h"

#define FRAMES 4096u

/* Fills and empties random ranges across several nodes. Expect the map to agree with the array everywhere,
 * and its runs never to be longer than what has one owner. */
static void agrees_with_an_array(void **state)
{
    (void)state;
    /* Not at 0, and across a boundary of every level. */
    const uint64_t base = (UINT64_C(1) << 36) - FRAMES / 2;
    static uint32_t array[FRAMES];
    for (size_t i = 0; i < FRAMES; i++)
        array[i] = TRACE_OWNER_NONE;
    struct trace_owner map = {0};
    uint64_t random = 1;
    for (uint32_t step = 0; step < 3000; step++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        const uint64_t first = random >> 33 & (FRAMES - 1);
        uint64_t end = first + (UINT64_C(1) << (random >> 50 & 15) % 12);
        if (end > FRAMES)
            end = FRAMES;
        const uint32_t owner = step % 5 == 0 ? TRACE_OWNER_NONE : step;
        assert_true(trace_owner_set(&map, base + first, base + end, owner));
        for (uint64_t i = first; i < end; i++)
            array[i] = owner;
        if (step % 50 != 0)
            continue;
        for (uint64_t i = 0; i < FRAMES; i++) {
            uint64_t run_end;
            assert_int_equal(trace_owner_get(&map, base + i, &run_end), array[i]);
            assert_true(run_end > base + i);
            for (uint64_t k = i; k < FRAMES && base + k < run_end; k++)
                assert_int_equal(array[k], array[i]);
        }
    }
    /* 4096 frames are 9 nodes and the way to them, twice because of the boundary: what is given up is used
     * again. */
    assert_true(map.node_count < 32);
    trace_owner_fini(&map);
}

/* Nothing was set. Expect no owner, in one run. */
static void empty_map(void **state)
{
    (void)state;
    struct trace_owner map = {0};
    uint64_t run_end;
    assert_int_equal(trace_owner_get(&map, 5, &run_end), TRACE_OWNER_NONE);
    assert_int_equal(run_end, TRACE_FRAME_LIMIT);
    trace_owner_fini(&map);
}

/* All frames there are. Expect one node, and no way beyond. */
static void whole_range(void **state)
{
    (void)state;
    struct trace_owner map = {0};
    uint64_t run_end;
    assert_true(trace_owner_set(&map, 0, TRACE_FRAME_LIMIT, 7));
    assert_int_equal(trace_owner_get(&map, TRACE_FRAME_LIMIT - 1, &run_end), 7);
    assert_int_equal(run_end, TRACE_FRAME_LIMIT);
    assert_int_equal(map.node_count, 1);
    trace_owner_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_an_array),
        cmocka_unit_test(empty_map),
        cmocka_unit_test(whole_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
