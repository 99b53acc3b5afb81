/* The model of Linux: pageblocks that change hands, caches, the reserve. */
#include "linux_fixture.h"

#define RUN_LIMIT 9000u

static struct pl_run runs[RUN_LIMIT];

/* --- pageblocks --- */

/* Four pageblocks, all movable. One unmovable frame. Expect it to take the largest block, that is two
 * pageblocks, and both to be unmovable from then on; a movable one to come from the others. */
static void test_takes_over_whole_pageblocks(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run fixed;
    struct pl_run moving;
    struct lx *self = open_range(&stub, NORMAL, 2048, "batch=1,high=0");
    assert_int_equal(take(&stub, 0, 0, LX_UNMOVABLE, PL_CLASS_NORMAL, &fixed), PL_OK);
    assert_int_equal(take(&stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &moving), PL_OK);
    assert_int_equal(fixed.first.number, NORMAL);
    assert_int_equal(moving.first.number, NORMAL + 1024);
    assert_int_equal(group_at(self, NORMAL), LX_UNMOVABLE);
    assert_int_equal(group_at(self, NORMAL + 512), LX_UNMOVABLE);
    assert_int_equal(group_at(self, NORMAL + 1024), LX_MOVABLE);
    assert_int_equal(group_at(self, NORMAL + 1536), LX_MOVABLE);
    expect_sound(&stub);
    stub_close(&stub);
}

/* One pageblock, 300 or 200 of its frames granted as movable. An unmovable frame is asked for. Expect it from
 * there, all that is free with it; and the pageblock to change hands only if at least half of it is free.
 * A movable frame then takes back the single block that serves, and no pageblock. */
static void test_claims_a_pageblock_that_is_half_free(void **state)
{
    (void)state;
    for (int half_free = 0; half_free < 2; half_free++) {
        struct stub stub;
        struct pl_run run;
        struct lx *self = open_range(&stub, NORMAL, 512, "batch=1,high=0");
        for (uint32_t i = 0; i < (half_free ? 200u : 300u); i++)
            assert_int_equal(take(&stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &runs[i]), PL_OK);
        assert_int_equal(take(&stub, 0, 0, LX_UNMOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
        assert_int_equal(group_at(self, NORMAL), half_free ? LX_UNMOVABLE : LX_MOVABLE);
        assert_int_equal(self->zones[0].nonempty[LX_MOVABLE], 0);
        uint32_t others = self->zones[0].nonempty[LX_UNMOVABLE];
        assert_true(others > 1);
        /* A block of order 3 or less is all that is left: the smallest is taken. */
        while (self->zones[0].nonempty[LX_UNMOVABLE] >> 4 != 0)
            assert_int_equal(take(&stub, 0, 4, LX_UNMOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
        assert_int_equal(take(&stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
        assert_int_equal(group_at(self, NORMAL), half_free ? LX_UNMOVABLE : LX_MOVABLE);
        assert_true(self->zones[0].nonempty[LX_UNMOVABLE] != 0);
        expect_sound(&stub);
        stub_close(&stub);
    }
}

/* --- caches --- */

/* Frees on one CPU. Expect the last freed first, fewer than `high` kept, another CPU's cache untouched, and
 * twice as many given back each time while nobody allocates. */
static void test_a_cache_is_hot_and_bounded(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct lx *self = open_range(&stub, NORMAL, 8192, "batch=4,high=40");
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(take(&stub, 0, 0, LX_UNMOVABLE, PL_CLASS_NORMAL, &runs[i]), PL_OK);
    drain_all(&stub);
    uint64_t cached = 0;
    uint64_t given[4] = {0};
    uint32_t trims = 0;
    for (uint32_t i = 0; i < 100; i++) {
        give(&stub, 1, &runs[i]);
        uint64_t now = counts_of(&stub).cached;
        assert_true(now < 40);
        if (now < cached + 1 && trims < 4)
            given[trims++] = cached + 1 - now;
        cached = now;
    }
    assert_int_equal(given[0], 4);
    assert_int_equal(given[1], 8);
    assert_int_equal(given[2], 16);
    assert_int_equal(given[3], 32);
    assert_int_equal(lx_cache_count(lx_cache_of(self, stub.cpus[0], &self->zones[0])), 0);
    assert_int_equal(take(&stub, 1, 0, LX_UNMOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
    assert_int_equal(run.first.number, runs[99].first.number);
    assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Expect orders 0 to 3 and pageblocks to be cached, others not; a refill to stock a batch of frames, at
 * least two blocks; and high=0 to keep nothing. */
static void test_which_orders_are_cached(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_range(&stub, NORMAL, 8192, "batch=16,high=4096");
    for (uint32_t order = 0; order <= LX_MAX_ORDER; order++) {
        bool is_cached = order < 4 || order == 9;
        uint64_t stock = order < 4 ? (16u >> order) - 1u : 1;
        assert_int_equal(take(&stub, 0, order, LX_MOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
        assert_int_equal(counts_of(&stub).cached, is_cached ? stock << order : 0);
        give(&stub, 0, &run);
        assert_int_equal(counts_of(&stub).cached, is_cached ? (stock + 1) << order : 0);
        expect_sound(&stub);
        drain_all(&stub);
    }
    stub_close(&stub);
    open_range(&stub, NORMAL, 8192, "high=0,batch=1");
    for (uint32_t order = 0; order <= LX_MAX_ORDER; order++) {
        assert_int_equal(take(&stub, 0, order, LX_MOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
        give(&stub, 0, &run);
        assert_int_equal(counts_of(&stub).cached, 0);
    }
    stub_close(&stub);
}

/* --- the reserve --- */

/* Brings a zone of 8192 frames to so few free ones that an INTERRUPT request goes below LOW. Uses `runs`. */
static uint64_t starve(struct stub *stub, uint64_t leave)
{
    uint64_t count = 0;
    while (counts_of(stub).free > leave)
        assert_int_equal(take(stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &runs[count++]), PL_OK);
    return count;
}

/* Requests of INTERRUPT class for more than one frame, first with plenty free, then below LOW. Expect
 * pageblocks kept only then, one at most in a zone of this size; what is free of it reserved; NORMAL served
 * from it at last, and the reserve gone. */
static void test_reserve_grows_and_is_given_up(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct lx *self = open_range(&stub, NORMAL, 8192, "batch=1,high=0");
    assert_int_equal(self->zones[0].reserve_most, 1);
    assert_int_equal(take(&stub, 0, 1, LX_UNMOVABLE, PL_CLASS_INTERRUPT, &run), PL_OK);
    assert_int_equal(counts_of(&stub).reserve_blocks, 0);
    uint64_t count = starve(&stub, self->zones[0].mark[LX_MARK_LOW]);
    assert_int_equal(take(&stub, 0, 1, LX_UNMOVABLE, PL_CLASS_SYSTEM, &run), PL_OK);
    assert_int_equal(take(&stub, 0, 0, LX_UNMOVABLE, PL_CLASS_INTERRUPT, &run), PL_OK);
    assert_int_equal(counts_of(&stub).reserve_blocks, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(&stub, 0, 1, LX_UNMOVABLE, PL_CLASS_INTERRUPT, &run), PL_OK);
        assert_int_equal(counts_of(&stub).reserve_blocks, 1);
        assert_int_equal(group_at(self, run.first.number), LX_HIGHATOMIC);
        expect_sound(&stub);
    }
    uint64_t kept = counts_of(&stub).reserved_frames;
    assert_true(kept > 0);
    while (counts_of(&stub).free > kept)
        assert_int_equal(take(&stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &runs[count++]), PL_OK);
    assert_int_equal(counts_of(&stub).reserve_blocks, 1);
    assert_int_equal(take(&stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &runs[count]), PL_OK);
    assert_int_equal(counts_of(&stub).reserve_blocks, 0);
    assert_int_equal(counts_of(&stub).reserved_frames, 0);
    assert_int_equal(counts_of(&stub).free, kept - 1);
    expect_sound(&stub);
    stub_close(&stub);
}

/* A pageblock is kept, and all of it becomes free. Expect it apart from the free one beside it, a run over
 * both to unite them, and so a drain. */
static void test_reserve_does_not_merge_until_let_go(void **state)
{
    (void)state;
    for (int by_drain = 0; by_drain < 2; by_drain++) {
        struct stub stub;
        struct stub_audit audit;
        struct pl_run run;
        struct lx *self = open_range(&stub, NORMAL, 1024, "batch=1,high=0");
        uint64_t count = starve(&stub, 16);
        assert_int_equal(take(&stub, 0, 2, LX_UNMOVABLE, PL_CLASS_INTERRUPT, &run), PL_OK);
        assert_int_equal(counts_of(&stub).reserve_blocks, 1);
        give(&stub, 0, &run);
        while (count > 0)
            give(&stub, 0, &runs[--count]);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        assert_int_equal(audit.blocks[9], 2);
        assert_int_equal(counts_of(&stub).reserved_frames, 512);
        assert_int_equal(group_at(self, run.first.number), LX_HIGHATOMIC);
        if (by_drain)
            drain_all(&stub);
        else
            assert_int_equal(stub_alloc_run(&stub, 600, 0, UINT64_MAX, 1, &run), PL_OK);
        assert_int_equal(counts_of(&stub).reserve_blocks, 0);
        if (!by_drain)
            give(&stub, 0, &run);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        assert_int_equal(audit.blocks[10], 1);
        stub_close(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_over_whole_pageblocks),
        cmocka_unit_test(test_claims_a_pageblock_that_is_half_free),
        cmocka_unit_test(test_a_cache_is_hot_and_bounded),
        cmocka_unit_test(test_which_orders_are_cached),
        cmocka_unit_test(test_reserve_grows_and_is_given_up),
        cmocka_unit_test(test_reserve_does_not_merge_until_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
