/* ABI 1 is a promise to plug-ins built long ago: sizes, places and values stay. A change here needs a new
 * number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pagelab/candidate.h>

#define SAME_SIZE(type, bytes)         assert_int_equal(sizeof(struct type), bytes)
#define SAME_PLACE(type, field, place) assert_int_equal(offsetof(struct type, field), place)

/* Expect every struct of the contract to have the size that it was published with. */
static void test_sizes(void **state)
{
    (void)state;
    assert_int_equal(sizeof(pl_frame), 8);
    SAME_SIZE(pl_cpu, 128);
    SAME_SIZE(pl_platform, 128);
    SAME_SIZE(pl_lock, 16);
    SAME_SIZE(pl_range, 40);
    SAME_SIZE(pl_floors, 32);
    SAME_SIZE(pl_machine, 168);
    SAME_SIZE(pl_request, 48);
    SAME_SIZE(pl_run, 32);
    SAME_SIZE(pl_constraints, 64);
    SAME_SIZE(pl_page, 32);
    SAME_SIZE(pl_page_config, 96);
    SAME_SIZE(pl_page_counts, 80);
    SAME_SIZE(pl_block, 40);
    SAME_SIZE(pl_visitor, 40);
    SAME_SIZE(pl_page_ops, 168);
    SAME_SIZE(pl_page_table_config, 104);
    SAME_SIZE(pl_area_request, 72);
    SAME_SIZE(pl_area, 32);
    SAME_SIZE(pl_page_table_counts, 64);
    SAME_SIZE(pl_page_table_ops, 160);
    SAME_SIZE(pl_buffer_config, 88);
    SAME_SIZE(pl_buffer_constraints, 120);
    SAME_SIZE(pl_buffer_counts, 48);
    SAME_SIZE(pl_buffer_ops, 120);
    SAME_SIZE(pl_candidate, 152);
}

/* Expect the fields that the inline functions and the hot calls read to stay where they are. */
static void test_places(void **state)
{
    (void)state;
    SAME_PLACE(pl_cpu, id, 4);
    SAME_PLACE(pl_cpu, masked, 8);
    SAME_PLACE(pl_cpu, pending, 12);
    SAME_PLACE(pl_cpu, context, 16);
    SAME_PLACE(pl_cpu, platform, 32);
    SAME_PLACE(pl_request, order, 0);
    SAME_PLACE(pl_request, alloc_class, 1);
    SAME_PLACE(pl_request, flags, 8);
    SAME_PLACE(pl_request, owner, 16);
    SAME_PLACE(pl_run, first, 0);
    SAME_PLACE(pl_run, frame_count, 8);
    SAME_PLACE(pl_run, order, 16);
    SAME_PLACE(pl_run, flags, 20);
    SAME_PLACE(pl_page_ops, caps, 8);
    SAME_PLACE(pl_page_ops, alloc, 48);
    SAME_PLACE(pl_page_ops, free, 56);
}

/* Expect the numbers that travel between a plug-in and its caller to keep their meaning. */
static void test_values(void **state)
{
    (void)state;
    assert_int_equal(PL_ABI, 1);
    assert_int_equal(PL_OK, 0);
    assert_int_equal(PL_WOULD_SLEEP, 6);
    assert_int_equal(PL_CLASS_INTERRUPT, 2);
    assert_int_equal(PL_BLOCK_LOST, 4);
    assert_int_equal(PL_REQUEST_NODE_ONLY, 0x40);
    assert_int_equal(PL_RUN_NEVER_FREE, 4);
    assert_int_equal(PL_CAP_KNOWS_ZERO, 0x800);
    assert_int_equal(PL_CAP_FIXED_POOL, 0x40000);
    assert_int_equal(PL_CAP_NODES, 0x4000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
