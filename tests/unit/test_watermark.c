/* The watermark test as a function of numbers: the worked example M = 100, every term, the edges of each, and
 * whole grids for what must hold everywhere (L-16, L-20). */
#include "tests/unit/unit.h"

#include <string.h>

#include "systems/linux/watermark.h"

#define KERNEL     LINUX_ALLOC_MIN
#define NOWAIT     (LINUX_ALLOC_MIN | LINUX_ALLOC_NON_BLOCK)
#define HIGH       (LINUX_ALLOC_MIN | LINUX_ALLOC_MIN_RESERVE)
#define ATOMIC     (HIGH | LINUX_ALLOC_NON_BLOCK)
#define ATOMIC_OOM (ATOMIC | LINUX_ALLOC_OOM)
#define OOM        (LINUX_ALLOC_MIN | LINUX_ALLOC_OOM)

/* A zone whose marks are all `mark`, and that has a block of every order. */
static struct linux_watermarks zone_of(uint64_t mark)
{
    struct linux_watermarks zone;
    memset(&zone, 0, sizeof(zone));
    memset(zone.blocks, 0xff, sizeof(zone.blocks));
    for (unsigned i = 0; i < 3; i++)
        zone.mark[i] = mark;
    return zone;
}

static bool full(const struct linux_watermarks *zone, uint64_t free_frames, uint32_t order, uint32_t flags)
{
    return linux_watermark_ok(zone, free_frames, order, flags, LINUX_ZONE_NORMAL);
}

/* The largest free count that is still refused. */
static uint64_t floor_of(const struct linux_watermarks *zone, uint32_t order, uint32_t flags)
{
    uint64_t free_frames = 0;
    while (!full(zone, free_frames + 1, order, flags))
        free_frames++;
    return free_frames;
}

/* M = 100. Expect KERNEL and NOWAIT to stop at 100, HIGH at 50, ATOMIC at 38, ATOMIC of a dying task at 19, a
 * dying task alone at 50: refused at the floor, granted one above. */
static void test_worked_example(void **state)
{
    static const struct {
        uint32_t flags;
        uint64_t floor;
    } rows[] = {{KERNEL, 100}, {NOWAIT, 100}, {HIGH, 50}, {ATOMIC, 38}, {ATOMIC_OOM, 19}, {OOM, 50}};
    struct linux_watermarks zone = zone_of(100);
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        assert_int_equal(floor_of(&zone, 0, rows[i].flags), rows[i].floor);
        assert_false(full(&zone, rows[i].floor, 0, rows[i].flags));
        assert_true(full(&zone, rows[i].floor + 1, 0, rows[i].flags));
        assert_true(linux_watermark_fast(&zone, rows[i].floor + 1, 0, rows[i].flags, LINUX_ZONE_NORMAL));
        assert_false(linux_watermark_fast(&zone, rows[i].floor, 0, rows[i].flags, LINUX_ZONE_NORMAL));
    }
    assert_true(linux_watermark_fast(&zone, 0, 0, LINUX_ALLOC_NO_WATERMARKS, LINUX_ZONE_NORMAL));
}

/* Each term alone, with M = 100. */
static void test_terms(void **state)
{
    struct linux_watermarks zone = zone_of(100);
    (void)state;
    /* A block of 8 needs 7 more: they would be gone. */
    assert_int_equal(floor_of(&zone, 3, KERNEL), 107);
    assert_int_equal(floor_of(&zone, 3, ATOMIC), 45);
    /* Frames kept for atomic requests count for those who have any right, and for nobody else. */
    zone.reserved_highatomic = 10;
    assert_int_equal(floor_of(&zone, 0, KERNEL), 110);
    assert_int_equal(floor_of(&zone, 0, NOWAIT), 100);
    assert_int_equal(floor_of(&zone, 0, HIGH), 50);
    assert_int_equal(floor_of(&zone, 0, OOM), 50);
    assert_int_equal(floor_of(&zone, 0, KERNEL | LINUX_ALLOC_HIGHATOMIC), 100);
    zone.reserved_highatomic = 0;
    zone.free_cma = 20;
    assert_int_equal(floor_of(&zone, 0, KERNEL), 120);
    assert_int_equal(floor_of(&zone, 0, KERNEL | LINUX_ALLOC_CMA), 100);
    assert_int_equal(linux_watermark_unusable(&zone, 3, KERNEL), 27);
    zone.free_cma = 0;
    zone.lowmem_reserve[LINUX_ZONE_HIGHMEM] = 30;
    assert_false(linux_watermark_ok(&zone, 130, 0, KERNEL, LINUX_ZONE_HIGHMEM));
    assert_true(linux_watermark_ok(&zone, 131, 0, KERNEL, LINUX_ZONE_HIGHMEM));
    assert_true(linux_watermark_ok(&zone, 101, 0, KERNEL, LINUX_ZONE_NORMAL));
    /* The lowmem reserve is not discounted. */
    assert_false(linux_watermark_ok(&zone, 68, 0, ATOMIC, LINUX_ZONE_HIGHMEM));
    assert_true(linux_watermark_ok(&zone, 69, 0, ATOMIC, LINUX_ZONE_HIGHMEM));
}

/* Three marks; a boost on each, which single frames out of the reserve at MIN forget. */
static void test_marks_and_boost(void **state)
{
    struct linux_watermarks zone = zone_of(0);
    (void)state;
    zone.mark[LINUX_ALLOC_MIN] = 100;
    zone.mark[LINUX_ALLOC_LOW] = 125;
    zone.mark[LINUX_ALLOC_HIGH] = 150;
    assert_int_equal(floor_of(&zone, 0, LINUX_ALLOC_LOW), 125);
    assert_int_equal(floor_of(&zone, 0, LINUX_ALLOC_HIGH), 150);
    zone.boost = 40;
    assert_int_equal(floor_of(&zone, 0, KERNEL), 140);
    assert_int_equal(floor_of(&zone, 0, HIGH), 70);
    assert_true(linux_watermark_fast(&zone, 51, 0, HIGH, LINUX_ZONE_NORMAL));
    assert_false(linux_watermark_fast(&zone, 50, 0, HIGH, LINUX_ZONE_NORMAL));
    assert_false(linux_watermark_fast(&zone, 52, 1, HIGH, LINUX_ZONE_NORMAL));
    assert_false(linux_watermark_fast(&zone, 140, 0, KERNEL, LINUX_ZONE_NORMAL));
    assert_true(linux_watermark_fast(&zone, 141, 0, KERNEL, LINUX_ZONE_NORMAL));
    /* Only at MIN. */
    assert_false(
        linux_watermark_fast(&zone, 80, 0, LINUX_ALLOC_LOW | LINUX_ALLOC_MIN_RESERVE, LINUX_ZONE_NORMAL));
}

/* Blocks by list: enough frames are not enough for an order above 0. */
static void test_blocks(void **state)
{
    struct linux_watermarks zone = zone_of(10);
    (void)state;
    memset(zone.blocks, 0, sizeof(zone.blocks));
    assert_true(full(&zone, 1000, 0, KERNEL));
    assert_false(full(&zone, 1000, 2, KERNEL));
    zone.blocks[LINUX_LIST_MOVABLE] = 1u << 1;
    assert_true(full(&zone, 1000, 1, KERNEL));
    assert_false(full(&zone, 1000, 2, KERNEL));
    zone.blocks[LINUX_LIST_RECLAIMABLE] = 1u << 5;
    assert_true(full(&zone, 1000, 2, KERNEL));
    zone.blocks[LINUX_LIST_RECLAIMABLE] = 0;
    zone.blocks[LINUX_LIST_CMA] = 1u << 3;
    assert_false(full(&zone, 1000, 3, KERNEL));
    assert_true(full(&zone, 1000, 3, KERNEL | LINUX_ALLOC_CMA));
    zone.blocks[LINUX_LIST_HIGHATOMIC] = 1u << 4;
    assert_false(full(&zone, 1000, 4, KERNEL | LINUX_ALLOC_CMA));
    assert_false(full(&zone, 1000, 4, ATOMIC));
    assert_true(full(&zone, 1000, 4, ATOMIC | LINUX_ALLOC_HIGHATOMIC));
    assert_true(full(&zone, 1000, 4, OOM));
    assert_false(full(&zone, 1000, 5, OOM));
}

/* Fewer free frames than are unusable. Expect a refusal everywhere: the clamp, and the sign. */
static void test_clamp(void **state)
{
    struct linux_watermarks zone = zone_of(0);
    (void)state;
    zone.reserved_highatomic = 8;
    zone.free_cma = 5;
    for (uint64_t free_frames = 0; free_frames <= 13; free_frames++) {
        assert_false(linux_watermark_shortcut(&zone, free_frames, KERNEL, LINUX_ZONE_NORMAL));
        assert_false(full(&zone, free_frames, 0, KERNEL));
        assert_false(full(&zone, free_frames, PL_ORDER_LIMIT, KERNEL));
    }
    assert_true(linux_watermark_shortcut(&zone, 14, KERNEL, LINUX_ZONE_NORMAL));
    assert_true(full(&zone, 14, 0, KERNEL));
}

/* Every combination of free frames, mark, order, reserve, boost. Expect L-16 and L-20 in all of them. */
static void test_grid(void **state)
{
    (void)state;
    for (uint64_t mark = 0; mark <= 40; mark++) {
        for (uint64_t reserve = 0; reserve <= 12; reserve += 4) {
            struct linux_watermarks zone = zone_of(mark);
            zone.lowmem_reserve[LINUX_ZONE_NORMAL] = reserve;
            zone.boost = reserve / 4;
            for (uint64_t free_frames = 0; free_frames <= 64; free_frames++) {
                for (uint32_t order = 0; order <= 4; order++) {
                    bool kernel = full(&zone, free_frames, order, KERNEL);
                    bool high = full(&zone, free_frames, order, HIGH);
                    assert_int_equal(kernel, full(&zone, free_frames, order, NOWAIT));
                    assert_true(!kernel || high);
                    assert_true(!high || full(&zone, free_frames, order, ATOMIC));
                    assert_true(!kernel || full(&zone, free_frames, order, OOM));
                }
                for (uint32_t flags = 0; flags < 0x400; flags++) {
                    if ((flags & 3) != 3 &&
                        linux_watermark_shortcut(&zone, free_frames, flags, LINUX_ZONE_NORMAL))
                        assert_true(full(&zone, free_frames, 0, flags));
                }
            }
        }
    }
}

/* Marks of machines small and large; what must hold of each size up to 4096. */
static void test_creation(void **state)
{
    static const struct {
        uint64_t frames;
        uint64_t min;
        uint64_t low;
        uint64_t high;
    } rows[] = {
        {0, 1, 1, 1},
        {1, 1, 1, 1},
        {37, 4, 5, 6},
        {64, 8, 10, 12},
        {256, 32, 40, 48},
        {268, 32, 40, 48},
        {1024, 64, 80, 96},
        {4096, 128, 160, 192},
        {262144, 1024, 1286, 1548}, /* 1 GiB: 4 MiB, and a thousandth is 262 */
        {UINT64_C(1) << 40, 65536, UINT64_C(65536) + 1099511627, UINT64_C(65536) + 2 * UINT64_C(1099511627)},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        struct linux_watermarks zone = linux_watermarks_of(rows[i].frames);
        assert_int_equal(zone.mark[LINUX_ALLOC_MIN], rows[i].min);
        assert_int_equal(zone.mark[LINUX_ALLOC_LOW], rows[i].low);
        assert_int_equal(zone.mark[LINUX_ALLOC_HIGH], rows[i].high);
    }
    for (uint64_t frames = 8; frames <= 4096; frames++) {
        struct linux_watermarks zone = linux_watermarks_of(frames);
        assert_true(zone.mark[0] > 0 && zone.mark[0] <= zone.mark[1] && zone.mark[1] <= zone.mark[2]);
        assert_true(zone.mark[2] < frames);
        assert_int_equal(zone.boost + zone.reserved_highatomic + zone.free_cma, 0);
    }
    assert_true(linux_watermarks_of(UINT64_MAX).mark[0] == 65536);
}

static void test_zone_index(void **state)
{
    (void)state;
    assert_int_equal(linux_zone_index_of(LINUX_GFP_KERNEL), LINUX_ZONE_NORMAL);
    assert_int_equal(linux_zone_index_of(LINUX_GFP_HIGHMEM), LINUX_ZONE_HIGHMEM);
    assert_int_equal(linux_zone_index_of(LINUX_GFP_DMA), LINUX_ZONE_DMA);
    assert_int_equal(linux_zone_index_of(LINUX_GFP_DMA32), LINUX_ZONE_NORMAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_example),  cmocka_unit_test(test_terms),
        cmocka_unit_test(test_marks_and_boost), cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_clamp),           cmocka_unit_test(test_grid),
        cmocka_unit_test(test_creation),        cmocka_unit_test(test_zone_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
