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

/* Movable frames into `runs`, from CPU 0. */
static void take_many(struct stub *stub, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(take(stub, 0, 0, LX_MOVABLE, PL_CLASS_NORMAL, &runs[i]), PL_OK);
}

/* 39 frames freed on one CPU, three taken again, and more freed. Expect the last freed first, fewer than
 * `high` kept, another CPU's cache untouched, and as many given back as were freed in a row, but a batch
 * kept. */
static void test_a_cache_is_hot_and_bounded(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct lx *self = open_range(&stub, NORMAL, 8192, "batch=4,high=40");
    const struct lx_cache *cache = lx_cache_of(self, stub.cpus[1], &self->zones[0]);
    take_many(&stub, 200);
    drain_all(&stub);
    for (uint32_t i = 0; i < 39; i++)
        give(&stub, 1, &runs[i]);
    assert_int_equal(lx_cache_count(cache), 39);
    for (uint32_t i = 39; i-- > 36;)
        assert_int_equal(take(&stub, 1, 0, LX_MOVABLE, PL_CLASS_NORMAL, &runs[i]), PL_OK);
    assert_int_equal(cache->freed, 39 / 8);
    for (uint32_t i = 36; i < 40; i++)
        give(&stub, 1, &runs[i]);
    assert_int_equal(lx_cache_count(cache), 40 - 8); /* half of half of half of 39, and 4 more */
    for (uint32_t i = 40; i < 48; i++)
        give(&stub, 1, &runs[i]);
    assert_int_equal(lx_cache_count(cache), 40 - 16);
    for (uint32_t i = 48; i < 148; i++) {
        give(&stub, 1, &runs[i]);
        assert_true(lx_cache_count(cache) < 40);
    }
    assert_int_equal(cache->freed, 39 / 8 + 4 + 8 + 100);
    assert_int_equal(cache->high, 40);
    assert_int_equal(lx_cache_count(lx_cache_of(self, stub.cpus[0], &self->zones[0])), 0);
    assert_int_equal(take(&stub, 1, 0, LX_MOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
    assert_int_equal(run.first.number, runs[147].first.number);
    assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Expect refills of one CPU to double five times while it frees nothing, but to leave a batch of room below
 * `high`; to halve after a free; and those of other orders, and of another CPU, to be as they were. */
static void test_a_refill_doubles(void **state)
{
    static const uint32_t expected[] = {8, 16, 32, 64, 128, 256, 256, 256};
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct lx *self = open_range(&stub, NORMAL, 8192, "batch=8,high=1000");
    for (size_t i = 0; i < PL_COUNT_OF(expected); i++) {
        take_many(&stub, 1);
        assert_int_equal(counts_of(&stub).cached, expected[i] - 1);
        take_many(&stub, expected[i] - 1);
        assert_int_equal(counts_of(&stub).cached, 0);
    }
    give(&stub, 0, &runs[0]);
    give(&stub, 0, &runs[1]);
    take_many(&stub, 3);
    assert_int_equal(counts_of(&stub).cached, (8 << (LX_SCALE_MAX >> 2)) - 1);
    drain_all(&stub);
    assert_int_equal(take(&stub, 1, 0, LX_MOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
    assert_int_equal(counts_of(&stub).cached, 7);
    drain_all(&stub);
    assert_int_equal(take(&stub, 0, 1, LX_MOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
    assert_int_equal(counts_of(&stub).cached, 8 - 2);
    expect_sound(&stub);
    stub_close(&stub);
    self = open_range(&stub, NORMAL, 8192, "batch=8,high=40");
    for (uint32_t i = 0; i < 6; i++) {
        take_many(&stub, 1);
        assert_true(counts_of(&stub).cached < 40 - 8);
        take_many(&stub, (uint32_t)counts_of(&stub).cached);
    }
    assert_int_equal(lx_cache_of(self, stub.cpus[0], &self->zones[0])->scale, 3);
    stub_close(&stub);
}

/* 1,500 frames taken and freed, twice, and the zone has plenty. Expect `high` to grow, within its bounds, and
 * the second round to touch no list of the zone; a drain to take an eighth of what it grew. */
static void test_high_follows_the_need(void **state)
{
    (void)state;
    struct stub stub;
    struct lx *self = open_range(&stub, NORMAL, 65536, NULL);
    const struct lx_zone *zone = &self->zones[0];
    const struct lx_cache *cache = lx_cache_of(self, stub.cpus[0], zone);
    assert_int_equal(cache->high, zone->high_min);
    uint64_t listed = 0;
    for (int round = 0; round < 2; round++) {
        take_many(&stub, 1500);
        assert_true(round == 0 || lx_free_count(zone) == listed);
        listed = lx_free_count(zone);
        for (uint32_t i = 0; i < 1500; i++)
            give(&stub, 0, &runs[i]);
        assert_int_equal(lx_free_count(zone), listed);
    }
    assert_true(cache->high > 1500);
    assert_true(cache->high <= zone->high_max);
    uint32_t high = cache->high;
    drain_all(&stub);
    assert_int_equal(cache->high, high - high / 8);
    for (int i = 0; i < 100; i++)
        drain_all(&stub);
    assert_int_equal(cache->high, zone->high_min);
    expect_sound(&stub);
    stub_close(&stub);
}

/* A zone of 8192 frames is emptied below HIGH by blocks that no cache has, while CPU 1 has a large one.
 * Expect CPU 1, as it frees, to keep no more than the least; and the mark forgotten when enough is free. */
static void test_caches_shrink_below_high(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run large[128];
    struct pl_run run;
    struct lx *self = open_range(&stub, NORMAL, 8192, NULL);
    struct lx_zone *zone = &self->zones[0];
    struct lx_cache *cache = lx_cache_of(self, stub.cpus[1], zone);
    uint32_t count = 0;
    take_many(&stub, 600);
    cache->high = zone->high_max;
    for (uint32_t i = 0; i < 200; i++)
        give(&stub, 1, &runs[i]);
    assert_int_equal(lx_cache_count(cache), 200);
    assert_true(zone->high_min < 100);
    assert_int_equal(lx_is_below_high(zone), 0);
    while (take(&stub, 0, 6, LX_MOVABLE, PL_CLASS_NORMAL, &large[count]) == PL_OK)
        count++;
    assert_int_equal(lx_is_below_high(zone), 1);
    assert_true(count < PL_COUNT_OF(large));
    for (uint32_t i = 200; i < 210; i++) {
        uint32_t before = lx_cache_count(cache);
        give(&stub, 1, &runs[i]);
        assert_true(lx_cache_count(cache) < before || before < zone->high_min);
    }
    assert_true(lx_cache_count(cache) < zone->high_min);
    assert_int_equal(cache->high, zone->high_min);
    assert_int_equal(take(&stub, 0, 0, LX_UNMOVABLE, PL_CLASS_NORMAL, &run), PL_OK);
    while (count > 0)
        give(&stub, 0, &large[--count]);
    assert_int_equal(lx_is_below_high(zone), 1); /* only who gives back from a cache looks */
    for (uint32_t i = 210; i < 210 + zone->high_min; i++)
        give(&stub, 1, &runs[i]);
    assert_int_equal(lx_is_below_high(zone), 0);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Blocks of two frames, freed in a row. Expect the cache to be emptied at the first after a batch of frames,
 * and again whenever it holds a batch; single frames, as many, to be kept. */
static void test_small_blocks_in_a_row_are_given_back(void **state)
{
    (void)state;
    for (uint32_t order = 0; order < 2; order++) {
        struct stub stub;
        open_range(&stub, NORMAL, 8192, "batch=8,high=400");
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(take(&stub, 0, order, LX_MOVABLE, PL_CLASS_NORMAL, &runs[i]), PL_OK);
        drain_all(&stub);
        for (uint32_t i = 0; i < 100; i++) {
            give(&stub, 0, &runs[i]);
            uint64_t cached = counts_of(&stub).cached;
            assert_int_equal(cached, order == 0 ? i + 1 : i < 4 ? 2 * (i + 1) : (i - 4) % 4 * 2);
        }
        expect_sound(&stub);
        stub_close(&stub);
    }
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
        cmocka_unit_test(test_a_refill_doubles),
        cmocka_unit_test(test_high_follows_the_need),
        cmocka_unit_test(test_caches_shrink_below_high),
        cmocka_unit_test(test_small_blocks_in_a_row_are_given_back),
        cmocka_unit_test(test_which_orders_are_cached),
        cmocka_unit_test(test_reserve_grows_and_is_given_up),
        cmocka_unit_test(test_reserve_does_not_merge_until_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
