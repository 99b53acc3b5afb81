/* Areas with pages, processes' views, and remap_vmalloc_range: every row of 3.2, and every failure. */
#include "tests/unit/area_fixture.h"

#define P    PL_FRAME_BYTES
#define USER UINT64_C(0x7f00001f4000) /* 12 pages before the end of a leaf table */

/* Pages of two nodes. Expect zeroed pages of the wanted node, or of the other when that one is empty. */
static void pages_of_nodes(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 32, 2);
    struct linux_area *area = linux_vmalloc_user(&fix.mm, fix.cpu, 40 * P, 1);
    assert_non_null(area);
    assert_int_equal(fix.gates[1].held, 32);
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t value = 1;
        assert_true(linux_load(&fix.mm, LINUX_KERNEL_VIEW, area->addr + i * P, &value));
        assert_int_equal(value, 0);
        assert_true(linux_store(&fix.mm, LINUX_KERNEL_VIEW, area->addr + i * P, i));
        struct linux_walked walked = linux_walk(&fix.mm, LINUX_KERNEL_VIEW, area->addr + i * P);
        assert_int_equal(linux_entry_frame(walked.entry).number >= FIX_NODE_FRAMES, i < 32);
    }
    assert_false(linux_walk(&fix.mm, LINUX_KERNEL_VIEW, area->addr + 40 * P).present);
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, 65 * P, 0));
    assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, 64 * P, 0));
    assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, 0, 0));
    assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, UINT64_MAX, 0));
    assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, UINT64_MAX - P + 1, 0));
    assert_int_equal(fix.trap.count, 0);
    fix_close(&fix);
}

/* The n-th grant of vmalloc_user fails. Expect NULL, and every frame back where it was. */
static void each_grant_fails(void **state)
{
    (void)state;
    for (int contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        for (uint64_t n = 1; n <= 4 + 20; n++) {
            struct area_fixture fix;
            fix_open(&fix, (enum contract)contract, 64, 1);
            fix.gates[0].fail_in = n;
            assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, 20 * P, 0));
            assert_int_equal(fix.gates[0].injected, 1);
            assert_int_equal(fix.bytes_reserved, 0);
            assert_int_equal(fix.gates[0].held, fix.tables_live);
            fix_close(&fix);
        }
    }
}

/* Views made before and after the first area. Expect all to resolve it alike, and a view's end to give its
 * tables back. */
static void views_agree(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    uint32_t before = linux_view_new(&fix.mm, fix.cpu);
    struct linux_area *area = linux_vmalloc_user(&fix.mm, fix.cpu, 3 * P, 0);
    uint32_t after = linux_view_new(&fix.mm, fix.cpu);
    uint64_t value = 0;
    assert_true(linux_store(&fix.mm, before, area->addr + 2 * P, 77));
    assert_true(linux_load(&fix.mm, after, area->addr + 2 * P, &value));
    assert_int_equal(value, 77);
    assert_false(linux_load(&fix.mm, before, area->addr + 3 * P, &value));
    assert_false(linux_load(&fix.mm, before, area->addr + 1, &value));
    assert_false(linux_load(&fix.mm, LINUX_VIEW_LIMIT - 1, area->addr, &value));
    assert_false(linux_load(&fix.mm, before, UINT64_C(1) << 47, &value));
    linux_view_drop(&fix.mm, fix.cpu, before);
    linux_view_drop(&fix.mm, fix.cpu, before);
    fix_trapped(&fix, 0, "L-21");
    linux_view_drop(&fix.mm, fix.cpu, LINUX_KERNEL_VIEW);
    fix_trapped(&fix, 1, "L-21");
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    for (uint32_t i = 1; i < LINUX_VIEW_LIMIT; i++)
        assert_int_not_equal(linux_view_new(&fix.mm, fix.cpu), LINUX_VIEW_NONE);
    assert_int_equal(linux_view_new(&fix.mm, fix.cpu), LINUX_VIEW_NONE);
    fix_close(&fix);
}

/* Each rule of 3.2 broken alone. Expect EINVAL and no call of any allocator. */
static void remap_refuses(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    uint32_t view = linux_view_new(&fix.mm, fix.cpu);
    struct linux_area *area = linux_vmalloc_user(&fix.mm, fix.cpu, 8 * P, 0);
    struct linux_area *bare = linux_alloc_vm_area(&fix.mm, fix.cpu, 8 * P, NULL);
    const struct {
        uint32_t view;
        uint64_t start;
        uint64_t bytes;
        uint64_t addr;
        uint64_t pgoff;
    } rows[] = {
        {view, USER, P, area->addr, UINT64_C(1) << 52}, /* pgoff << 12 overflows */
        {view, USER, P, area->addr, UINT64_MAX},
        {view, USER, 2 * P, area->addr, (UINT64_C(1) << 52) - 1}, /* the sum overflows */
        {view, USER + 8, P, area->addr, 0},
        {view, USER, P, area->addr + 8, 0},
        {view, USER, P, area->addr + P, 0}, /* no start of an area */
        {view, USER, P, bare->addr, 0},     /* no VM_USERMAP */
        {view, USER, 9 * P, area->addr, 0}, /* the guard page */
        {view, USER, P, area->addr, 8},
        {view, USER, 8 * P + 1, area->addr, 0}, /* rounded up */
        {view, USER, 5 * P, area->addr, 4},
        {view, USER, 0, area->addr, 0},
        {view, USER, (uint64_t)0 - P, area->addr, 0}, /* end < start */
        {view, LINUX_USER_END - P, 2 * P, area->addr, 0},
        {LINUX_KERNEL_VIEW, USER, P, area->addr, 0},
        {view + 1, USER, P, area->addr, 0},
    };
    uint64_t calls = fix.gates[0].calls;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        struct linux_vma vma = {
            .view = rows[i].view, .start = rows[i].start, .end = rows[i].start + rows[i].bytes};
        if (linux_remap_vmalloc_range(&fix.mm, fix.cpu, &vma, rows[i].addr, rows[i].pgoff) != LINUX_EINVAL)
            fail_msg("row %zu is mapped", i);
        assert_int_equal(vma.pages, 0);
    }
    assert_int_equal(fix.gates[0].calls, calls);
    assert_int_equal(fix.trap.count, 0);
    struct linux_vma vma = {.view = view, .start = USER, .end = USER + P};
    fix.cpu->context = PL_CONTEXT_HARDIRQ;
    assert_int_equal(linux_remap_vmalloc_range(&fix.mm, fix.cpu, &vma, area->addr, 0), LINUX_EINVAL);
    fix_trapped(&fix, 0, "3.2");
    fix.cpu->context = PL_CONTEXT_TASK;
    linux_free_vm_area(&fix.mm, fix.cpu, bare);
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    fix_close(&fix);
}

/* A vma across two leaf tables, then one across it, then one for which there is no table. Expect the pages
 * before the obstacle to stay, and vfree to trap while any is mapped. */
static void remap_half_way(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    uint32_t view = linux_view_new(&fix.mm, fix.cpu);
    struct linux_area *area = linux_vmalloc_user(&fix.mm, fix.cpu, 20 * P, 0);
    struct linux_vma first = {.view = view, .start = USER + 10 * P, .end = USER + 14 * P};
    struct linux_vma across = {.view = view, .start = USER, .end = USER + 20 * P - 1};
    struct linux_vma far = {.view = view, .start = USER + (64u << 20), .end = USER + (64u << 20) + 20 * P};
    uint64_t value = 0;
    assert_int_equal(linux_remap_vmalloc_range(&fix.mm, fix.cpu, &first, area->addr, 16), 0);
    assert_true(linux_store(&fix.mm, view, USER + 13 * P, 99));
    assert_true(linux_load(&fix.mm, LINUX_KERNEL_VIEW, area->addr + 19 * P, &value));
    assert_int_equal(value, 99);
    assert_int_equal(linux_remap_vmalloc_range(&fix.mm, fix.cpu, &first, area->addr, 16), LINUX_EBUSY);
    assert_int_equal(linux_remap_vmalloc_range(&fix.mm, fix.cpu, &across, area->addr, 0), LINUX_EBUSY);
    assert_int_equal(across.pages, 10);
    assert_true(linux_load(&fix.mm, view, USER + 9 * P, &value));
    fix.gates[0].fail_in = 2;
    assert_int_equal(linux_remap_vmalloc_range(&fix.mm, fix.cpu, &far, area->addr, 0), LINUX_ENOMEM);
    assert_int_equal(far.pages, 12);
    assert_int_equal(area->user_vmas, 3);
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    fix_trapped(&fix, 0, "X-8");
    linux_unmap_vma(&fix.mm, &first);
    linux_unmap_vma(&fix.mm, &first);
    assert_false(linux_load(&fix.mm, view, USER + 13 * P, &value));
    linux_view_drop(&fix.mm, fix.cpu, view);
    assert_int_equal(area->user_vmas, 0);
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    fix_close(&fix);
}

/* What only looks like a mapped vma: a copy, of the same view and of others, one of a view that is gone,
 * none. Expect a trap each, the true mapping to stay, and an unmapped vma to be unmapped again without one.
 */
static void wrong_vmas(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    uint32_t view = linux_view_new(&fix.mm, fix.cpu);
    uint32_t other = linux_view_new(&fix.mm, fix.cpu);
    struct linux_area *area = linux_vmalloc_user(&fix.mm, fix.cpu, 2 * P, 0);
    struct linux_vma vma = {.view = view, .start = USER, .end = USER + 2 * P};
    uint64_t value = 0;
    assert_int_equal(linux_remap_vmalloc_range(&fix.mm, fix.cpu, &vma, area->addr, 0), 0);
    const uint32_t views[] = {view, other, LINUX_KERNEL_VIEW, LINUX_VIEW_NONE, LINUX_VIEW_LIMIT, 7};
    for (size_t i = 0; i < PL_COUNT_OF(views); i++) {
        struct linux_vma copy = vma;
        copy.view = views[i];
        linux_unmap_vma(&fix.mm, &copy);
        fix_trapped(&fix, i, "X-10");
    }
    linux_unmap_vma(&fix.mm, NULL);
    fix_trapped(&fix, PL_COUNT_OF(views), "X-10");
    assert_true(linux_load(&fix.mm, view, USER + P, &value));
    assert_int_equal(area->user_vmas, 1);
    struct linux_vma stale = vma;
    linux_view_drop(&fix.mm, fix.cpu, view);
    assert_int_equal(area->user_vmas, 0);
    linux_unmap_vma(&fix.mm, &stale);
    fix_trapped(&fix, PL_COUNT_OF(views) + 1, "X-10");
    linux_unmap_vma(&fix.mm, &vma);
    assert_int_equal(fix.trap.count, PL_COUNT_OF(views) + 2);
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    fix_close(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_nodes), cmocka_unit_test(each_grant_fails), cmocka_unit_test(views_agree),
        cmocka_unit_test(remap_refuses),  cmocka_unit_test(remap_half_way),   cmocka_unit_test(wrong_vmas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
