/* alloc_vm_area and free_vm_area: sizes and alignments of the specification, what ptes say, what is refused,
 * and every failure on the way. */
#include "tests/unit/area_fixture.h"

#define P PL_FRAME_BYTES

static uint64_t *ptes[FIX_WINDOW_BYTES / PL_FRAME_BYTES + 1];
static uint64_t canary;

static void fill_canary(void)
{
    for (size_t i = 0; i < PL_COUNT_OF(ptes); i++)
        ptes[i] = &canary;
}

/* Expect the worked alignments of 3.1 under both contracts. */
static void alignment_by_contract(void **state)
{
    static const struct {
        uint64_t bytes;
        uint64_t doc;
        uint64_t real;
    } rows[] = {
        {P, P, 2 * P},
        {2 * P, 2 * P, 4 * P},
        {3 * P, 4 * P, 4 * P},
        {4 * P, 4 * P, 8 * P},
        {5 * P, 8 * P, 8 * P},
        {64 * P, 64 * P, 128 * P},
        {127 * P, 128 * P, 128 * P},
        {128 * P, 128 * P, 128 * P},
        {513 * P, 128 * P, 128 * P},
        {16383 * P, 128 * P, 128 * P},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        assert_int_equal(linux_ioremap_alignment(CONTRACT_DOC, rows[i].bytes), rows[i].doc);
        assert_int_equal(linux_ioremap_alignment(CONTRACT_REAL, rows[i].bytes), rows[i].real);
    }
}

/* Sizes of 7.3, each alone: Expect ptes by the walk, nothing present, one guard page, and all given back. */
static void sizes(void **state)
{
    static const uint64_t pages[] = {1, 2, 3, 511, 512, 513, 1024, 1025, 16382, 16383};
    for (int contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        struct area_fixture fix;
        (void)state;
        fix_open(&fix, (enum contract)contract, 64, 1);
        for (size_t n = 0; n < PL_COUNT_OF(pages); n++) {
            fill_canary();
            struct linux_area *area = linux_alloc_vm_area(&fix.mm, fix.cpu, pages[n] * P, ptes);
            assert_non_null(area);
            assert_int_equal(area->bytes, (pages[n] + 1) * P);
            assert_int_equal(area->flags, LINUX_VM_IOREMAP);
            for (uint64_t i = 0; i < pages[n]; i++) {
                struct linux_walked walked = linux_walk(&fix.mm, LINUX_KERNEL_VIEW, area->addr + i * P);
                assert_ptr_equal(ptes[i], walked.slot);
                assert_int_equal(*ptes[i], 0);
                if (i > 0 && (area->addr / P + i) % LINUX_ENTRIES != 0)
                    assert_ptr_equal(ptes[i], ptes[i - 1] + 1);
            }
            assert_ptr_equal(ptes[pages[n]], &canary);
            linux_free_vm_area(&fix.mm, fix.cpu, area);
            assert_int_equal(fix.bytes_reserved, 0);
        }
        assert_int_equal(fix.trap.count, 0);
        fix_close(&fix);
    }
}

/* Sizes that never become areas. Expect NULL, a trap for those that are no whole pages, and no call. */
static void sizes_refused(void **state)
{
    static const uint64_t sizes[] = {0,
                                     1,
                                     P - 1,
                                     P + 1,
                                     FIX_WINDOW_BYTES,
                                     FIX_WINDOW_BYTES + P,
                                     UINT64_C(1) << 32,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX,
                                     UINT64_MAX - P + 1,
                                     UINT64_MAX - P};
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_REAL, 64, 1);
    fill_canary();
    for (size_t i = 0; i < PL_COUNT_OF(sizes); i++) {
        uint64_t traps = fix.trap.count;
        assert_null(linux_alloc_vm_area(&fix.mm, fix.cpu, sizes[i], ptes));
        if (sizes[i] % P != 0)
            fix_trapped(&fix, traps, "R-7");
        else
            assert_int_equal(fix.trap.count, traps);
        assert_int_equal(fix.gates[0].calls, 0);
        assert_ptr_equal(ptes[0], &canary);
    }
    fix_close(&fix);
}

/* The n-th grant fails, n = 1, 2 ... until none does. Expect NULL each time and no addresses held; by the
 * documents no table and no pointer is left, by the code the first tables and their pointers are. */
static void each_grant_fails(void **state)
{
    (void)state;
    for (int contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        uint64_t n = 1;
        for (;; n++) {
            struct area_fixture fix;
            fix_open(&fix, (enum contract)contract, 64, 1);
            fill_canary();
            fix.gates[0].fail_in = n;
            struct linux_area *area = linux_alloc_vm_area(&fix.mm, fix.cpu, 1025 * P, ptes);
            fix.gates[0].fail_in = 0;
            uint64_t leaves = n > 4 ? n - 4 : 0; /* descriptor, two upper levels, then leaf tables */
            if (area == NULL) {
                assert_int_equal(fix.bytes_reserved, 0);
                assert_int_equal(fix.mm.area_count, 0);
                assert_int_equal(fix.tables_live, contract == CONTRACT_DOC || n == 1 ? 0 : n - 2);
                assert_ptr_equal(ptes[contract == CONTRACT_DOC ? 0 : leaves * 512], &canary);
                assert_true(leaves == 0 || contract == CONTRACT_DOC || ptes[leaves * 512 - 1] != &canary);
                area = linux_alloc_vm_area(&fix.mm, fix.cpu, 1025 * P, ptes);
                assert_non_null(area);
                linux_free_vm_area(&fix.mm, fix.cpu, area);
                fix_close(&fix);
                continue;
            }
            linux_free_vm_area(&fix.mm, fix.cpu, area);
            fix_close(&fix);
            break;
        }
        assert_int_equal(n, 7); /* a descriptor, two tables, three leaf tables, and it succeeds */
    }
}

/* Wrong descriptors. Expect a trap each, and the live area to stay. */
static void wrong_descriptors(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    struct linux_area *area = linux_alloc_vm_area(&fix.mm, fix.cpu, 2 * P, NULL);
    struct linux_area *user = linux_vmalloc_user(&fix.mm, fix.cpu, 2 * P, 0);
    struct linux_area forged = *area;
    struct linux_area foreign = {.addr = area->addr + P, .bytes = 2 * P, .flags = LINUX_VM_IOREMAP};
    struct linux_area *wrong[] = {NULL, &forged, &foreign, user};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        linux_free_vm_area(&fix.mm, fix.cpu, wrong[i]);
        fix_trapped(&fix, i, "L-12");
    }
    uint64_t addr = user->addr;
    linux_vfree(&fix.mm, fix.cpu, area->addr);
    fix_trapped(&fix, 4, "L-12");
    linux_free_vm_area(&fix.mm, fix.cpu, area);
    linux_vfree(&fix.mm, fix.cpu, addr);
    assert_int_equal(fix.trap.count, 5);
    linux_vfree(&fix.mm, fix.cpu, addr);
    fix_trapped(&fix, 5, "L-12");
    /* The slab gave the descriptors' page back; its bytes are still there to be read. */
    linux_free_vm_area(&fix.mm, fix.cpu, area);
    fix_trapped(&fix, 6, "L-12");
    fix_close(&fix);
}

/* At interrupt level. Expect a trap and no call of any allocator; but entries can be written. */
static void interrupt_level(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    struct linux_area *area = linux_alloc_vm_area(&fix.mm, fix.cpu, 2 * P, ptes);
    uint64_t calls = fix.gates[0].calls;
    for (uint32_t context = PL_CONTEXT_SOFTIRQ; context <= PL_CONTEXT_NMI; context++) {
        uint64_t traps = fix.trap.count;
        fix.cpu->context = context;
        assert_null(linux_alloc_vm_area(&fix.mm, fix.cpu, P, NULL));
        fix_trapped(&fix, traps, "L-13");
        assert_null(linux_vmalloc_user(&fix.mm, fix.cpu, P, 0));
        fix_trapped(&fix, traps + 1, "L-13");
        assert_int_equal(linux_view_new(&fix.mm, fix.cpu), LINUX_VIEW_NONE);
        fix_trapped(&fix, traps + 2, "3.1");
        linux_free_vm_area(&fix.mm, fix.cpu, area);
        fix_trapped(&fix, traps + 3, "3.1");
        linux_set_pte(ptes[1], linux_entry_of(pl_frame_at(5)));
        assert_true(linux_walk(&fix.mm, LINUX_KERNEL_VIEW, area->addr + P).present);
    }
    fix.cpu->context = PL_CONTEXT_TASK;
    assert_int_equal(fix.gates[0].calls, calls);
    linux_set_pte(ptes[0], UINT64_C(0x1000)); /* neither empty nor present: a free warns */
    linux_free_vm_area(&fix.mm, fix.cpu, area);
    assert_int_equal(fix.mm.warnings, 1);
    fix_close(&fix);
}

/* A thousand times the same. Expect no more tables than the first time. */
static void tables_are_reused(void **state)
{
    struct area_fixture fix;
    (void)state;
    fix_open(&fix, CONTRACT_DOC, 64, 1);
    for (int i = 0; i < 1000; i++) {
        struct linux_area *area = linux_alloc_vm_area(&fix.mm, fix.cpu, 600 * P, ptes);
        linux_set_pte(ptes[i % 600], linux_entry_of(pl_frame_at(1)));
        linux_free_vm_area(&fix.mm, fix.cpu, area);
        assert_int_equal(fix.tables_live, 4);
    }
    fix_close(&fix);
}

/* The highest window there can be, whose tables are the last ones of each level. Expect areas, each failure
 * on the way undone, and no loop without an end where addresses end. */
static void window_at_the_top(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 6; n++) {
        struct area_fixture fix;
        fix_open(&fix, CONTRACT_DOC, 64, 1);
        struct linux_mm_config config = fix.mm.config;
        config.window_bytes = 4 * P;
        config.window_addr = UINT64_MAX - P + 1 - config.window_bytes;
        linux_mm_init(&fix.mm, &config);
        fix.gates[0].fail_in = n;
        struct linux_area *area = linux_alloc_vm_area(&fix.mm, fix.cpu, P, ptes);
        fix.gates[0].fail_in = 0;
        assert_int_equal(area != NULL, n == 5 || n == 6); /* a descriptor, and three levels */
        assert_int_equal(fix.tables_live, area != NULL ? 3 : 0);
        if (area != NULL)
            linux_free_vm_area(&fix.mm, fix.cpu, area);
        fix_close(&fix);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alignment_by_contract), cmocka_unit_test(sizes),
        cmocka_unit_test(sizes_refused),         cmocka_unit_test(each_grant_fails),
        cmocka_unit_test(wrong_descriptors),     cmocka_unit_test(interrupt_level),
        cmocka_unit_test(tables_are_reused),     cmocka_unit_test(window_at_the_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
