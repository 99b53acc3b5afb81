/* Masks and what the allocator makes of them: the specification's tables 3.4 and 3.5, line by line. */
#include "tests/unit/unit.h"

#include "systems/linux/gfp.h"

/* The composites of 4.20 to 6.2, and who may sleep. */
static void test_composites(void **state)
{
    static const struct {
        uint32_t mask;
        uint32_t value;
        bool may_sleep;
    } rows[] = {
        {LINUX_GFP_ATOMIC, 0x820, false},
        {LINUX_GFP_NOWAIT, 0x800, false},
        {LINUX_GFP_NOIO, 0xc00, true},
        {LINUX_GFP_NOFS, 0xc40, true},
        {LINUX_GFP_KERNEL, 0xcc0, true},
        {LINUX_GFP_HIGH, 0x20, false},
        {0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        assert_int_equal(rows[i].mask, rows[i].value);
        assert_int_equal(linux_gfp_may_sleep(rows[i].mask), rows[i].may_sleep);
    }
    /* Sleep is one bit's affair: no other one matters. */
    for (unsigned bit = 0; bit < 32; bit++)
        assert_int_equal(linux_gfp_may_sleep(UINT32_C(1) << bit), bit == 10);
}

struct row {
    uint32_t gfp;
    uint32_t order;
    enum pl_context context;
    struct linux_task task;
    uint32_t flags;
};

/* Every line of the derivation, and each condition's other side. */
static void test_slow_flags(void **state)
{
    const uint32_t base = LINUX_ALLOC_MIN | LINUX_ALLOC_CPUSET;
    const uint32_t daemon = LINUX_ALLOC_KSWAPD;
    const struct row rows[] = {
        {LINUX_GFP_KERNEL, 0, PL_CONTEXT_TASK, {0}, base | daemon},
        {LINUX_GFP_KERNEL, 3, PL_CONTEXT_TASK, {0}, base | daemon},
        {LINUX_GFP_KERNEL, 0, PL_CONTEXT_TASK, {.realtime = true}, base | daemon | LINUX_ALLOC_MIN_RESERVE},
        {LINUX_GFP_KERNEL, 0, PL_CONTEXT_SOFTIRQ, {.realtime = true}, base | daemon},
        {LINUX_GFP_KERNEL | LINUX_GFP_HIGH, 0, PL_CONTEXT_TASK, {0}, base | daemon | LINUX_ALLOC_MIN_RESERVE},
        {LINUX_GFP_NOWAIT, 0, PL_CONTEXT_TASK, {0}, base | daemon | LINUX_ALLOC_NON_BLOCK},
        {LINUX_GFP_NOWAIT, 0, PL_CONTEXT_HARDIRQ, {.realtime = true}, base | daemon | LINUX_ALLOC_NON_BLOCK},
        {LINUX_GFP_NOWAIT,
         1,
         PL_CONTEXT_TASK,
         {0},
         base | daemon | LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_HIGHATOMIC},
        {LINUX_GFP_NOWAIT | LINUX_GFP_NOMEMALLOC, 1, PL_CONTEXT_TASK, {0}, base | daemon},
        {LINUX_GFP_ATOMIC,
         0,
         PL_CONTEXT_HARDIRQ,
         {0},
         daemon | LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_MIN_RESERVE},
        {LINUX_GFP_ATOMIC,
         2,
         PL_CONTEXT_SOFTIRQ,
         {0},
         daemon | LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_MIN_RESERVE | LINUX_ALLOC_HIGHATOMIC},
        {LINUX_GFP_ATOMIC | LINUX_GFP_NOMEMALLOC, 2, PL_CONTEXT_TASK, {0}, daemon | LINUX_ALLOC_MIN_RESERVE},
        {LINUX_GFP_HIGH, 0, PL_CONTEXT_TASK, {0}, LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_MIN_RESERVE},
        {0, 0, PL_CONTEXT_TASK, {0}, base | LINUX_ALLOC_NON_BLOCK},
        {LINUX_GFP_KERNEL | LINUX_GFP_MEMALLOC,
         0,
         PL_CONTEXT_TASK,
         {.oom_victim = true},
         base | daemon | LINUX_ALLOC_NO_WATERMARKS},
        {LINUX_GFP_KERNEL | LINUX_GFP_MEMALLOC | LINUX_GFP_NOMEMALLOC,
         0,
         PL_CONTEXT_TASK,
         {.oom_victim = true},
         base | daemon},
        {LINUX_GFP_KERNEL, 0, PL_CONTEXT_TASK, {.oom_victim = true}, base | daemon | LINUX_ALLOC_OOM},
        {LINUX_GFP_ATOMIC,
         0,
         PL_CONTEXT_TASK,
         {.oom_victim = true},
         daemon | LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_MIN_RESERVE | LINUX_ALLOC_OOM},
        {LINUX_GFP_ATOMIC,
         0,
         PL_CONTEXT_HARDIRQ,
         {.oom_victim = true},
         daemon | LINUX_ALLOC_NON_BLOCK | LINUX_ALLOC_MIN_RESERVE},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        struct pl_cpu cpu = {.context = rows[i].context};
        uint32_t flags = linux_alloc_flags_slow(rows[i].gfp, rows[i].order, &cpu, &rows[i].task);
        if (flags != rows[i].flags)
            fail_msg("row %zu: 0x%x expected, 0x%x", i, rows[i].flags, flags);
    }
}

/* The first attempt has no rights at all, whatever the mask; it only remembers to wake the daemon. */
static void test_fast_flags(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t gfp = UINT32_C(1) << bit;
        uint32_t daemon = gfp == LINUX_GFP_KSWAPD_RECLAIM ? LINUX_ALLOC_KSWAPD : 0;
        assert_int_equal(linux_alloc_flags_fast(gfp), LINUX_ALLOC_LOW | LINUX_ALLOC_CPUSET | daemon);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_composites),
        cmocka_unit_test(test_slow_flags),
        cmocka_unit_test(test_fast_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
