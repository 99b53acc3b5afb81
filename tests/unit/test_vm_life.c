/* FreeBSD's pages from failure to release: the n-th grant fails, double and foreign frees, waiting, the
 * arena, known zeros, the end of objects, the index against a plain list. */
#include "tests/unit/vm_fixture.h"

static const struct freebsd_bounds anywhere = {0, UINT64_MAX, 1, 0};

/* A run of four wired pages into an object that needs nodes for them; the first, second, third ... grant
 * fails, until the call succeeds. Expect object, counts and sums as before each time. */
static void test_the_nth_grant_fails(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    assert_non_null(freebsd_page_alloc(&self.vm, self.cpu, object, 0, 0));
    uint64_t free_frames = gate_free_frames(&self.gate);
    uint64_t live = self.vm.live;
    unsigned failures = 0;
    for (uint64_t n = 1;; n++) {
        self.gate.fail_in = n;
        uint32_t req = FREEBSD_ALLOC_WIRED | (n % 2 == 0 ? FREEBSD_ALLOC_WAITFAIL : 0);
        struct freebsd_page *page =
            freebsd_page_alloc_contig(&self.vm, self.cpu, object, 0x1000, req, 4, &anywhere);
        assert_int_equal(object->locked, self.cpu->id + 1);
        if (page != NULL)
            break;
        failures++;
        assert_int_equal(self.vm.status, PL_NO_MEMORY);
        assert_int_equal(gate_free_frames(&self.gate), free_frames);
        assert_int_equal(self.vm.live, live);
        assert_int_equal(self.vm.wired, 0);
        assert_int_equal(object->resident, 1);
        assert_int_equal(object->index.entries, 1);
        assert_int_equal(self.vm.nodes.objects, 0);
    }
    assert_int_equal(failures, 2); /* the run, a page of nodes */
    assert_int_equal(self.gate.sleeps, 1);
    self.gate.fail_in = 0;
    vm_close(&self);
}

/* The same for a page of the arena: import, fall-back, node.
 * Expect the imported block to go back with the failed call. */
static void test_a_failed_import_leaves_nothing(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    assert_non_null(freebsd_page_alloc(&self.vm, self.cpu, object, 0, 0));
    uint64_t free_frames = gate_free_frames(&self.gate);
    self.gate.fail_in = 2;
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, object, 1, FREEBSD_ALLOC_NOFREE));
    assert_int_equal(gate_free_frames(&self.gate), free_frames);
    assert_null(self.vm.arena);
    assert_int_equal(self.vm.arena_left, 0);
    vm_close(&self);
}

/* Ten never-free pages with room for one block only.
 * Expect eight from the block, whatever is free meanwhile, then single frames, all flagged and none to
 * be freed. */
static void test_the_arena(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    leave_free(&self, 8 + 8 + 1);
    for (int i = 0; i < 10; i++) {
        struct freebsd_page *page = freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_NOFREE);
        if (i == 9) {
            assert_null(page);
            continue;
        }
        assert_non_null(page);
        assert_true(page->flags & FREEBSD_PG_NOFREE);
        assert_int_equal(gate_free_frames(&self.gate), i < 8 ? 9 : 8);
        assert_false(freebsd_page_free(&self.vm, self.cpu, page));
        expect_trap(&self, "F-20");
    }
    vm_close(&self);
}

/* A page freed with everything in the way, one thing after another; then once more, and pages that are none.
 * Expect a trap each time and the page unchanged. */
static void test_wrong_frees(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    struct freebsd_page *page = freebsd_page_alloc(&self.vm, self.cpu, object, 1, FREEBSD_ALLOC_WIRED);
    struct pl_cpu *other = self.rig.machine->cpus[1];
    struct freebsd_page before = *page;
    assert_false(freebsd_page_free(&self.vm, self.cpu, page));
    expect_trap(&self, "F-20");
    assert_memory_equal(&before, page, sizeof(before));
    assert_true(freebsd_page_unwire(&self.vm, self.cpu, page));
    assert_false(freebsd_page_unwire(&self.vm, self.cpu, page));
    expect_trap(&self, "2.9");
    assert_true(freebsd_page_map(&self.vm, page));
    assert_false(freebsd_page_free(&self.vm, self.cpu, page));
    expect_trap(&self, "F-20");
    assert_true(freebsd_page_unmap(&self.vm, page));
    assert_false(freebsd_page_unmap(&self.vm, page));
    expect_trap(&self, "2.9");
    assert_false(freebsd_page_xunbusy(&self.vm, other, page));
    expect_trap(&self, "2.6");
    assert_true(freebsd_page_xunbusy(&self.vm, self.cpu, page));
    assert_false(freebsd_page_free(&self.vm, self.cpu, page));
    expect_trap(&self, "F-20");
    assert_true(freebsd_page_try_sbusy(&self.vm, page));
    assert_false(freebsd_page_try_xbusy(&self.vm, self.cpu, page));
    assert_false(freebsd_page_free(&self.vm, self.cpu, page));
    expect_trap(&self, "F-20");
    assert_true(freebsd_page_sunbusy(&self.vm, page));
    assert_true(freebsd_page_try_xbusy(&self.vm, self.cpu, page));
    freebsd_object_unlock(&self.vm, self.cpu, object);
    assert_false(freebsd_page_free(&self.vm, self.cpu, page));
    expect_trap(&self, "2.3.1");
    freebsd_object_lock(&self.vm, self.cpu, object);
    assert_true(freebsd_page_free(&self.vm, self.cpu, page));
    assert_null(freebsd_page_lookup(&self.vm, self.cpu, object, 1));
    assert_false(freebsd_page_free(&self.vm, self.cpu, page));
    expect_trap(&self, "F-20");
    assert_false(freebsd_page_try_xbusy(&self.vm, self.cpu, page));
    static struct freebsd_page forged;
    assert_false(freebsd_page_free(&self.vm, self.cpu, &forged));
    expect_trap(&self, "F-20");
    assert_false(freebsd_page_wire(&self.vm, NULL));
    expect_trap(&self, "2.9");
    vm_close(&self);
}

/* Three idle pages, two that are not, and nothing free for NORMAL; then calls that wait.
 * Expect WAITFAIL to sleep once and fail, WAITOK to live on what the daemon takes, and PL_WOULD_SLEEP at the
 * end. */
static void test_waiting(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    for (uint64_t i = 0; i < 3; i++)
        assert_non_null(freebsd_page_alloc(&self.vm, self.cpu, object, i, FREEBSD_ALLOC_NOBUSY));
    assert_non_null(freebsd_page_alloc(&self.vm, self.cpu, object, 3, 0));
    assert_non_null(
        freebsd_page_alloc(&self.vm, self.cpu, object, 4, FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_WIRED));
    leave_free(&self, 8);
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, object, 9, FREEBSD_ALLOC_WAITFAIL));
    assert_int_equal(self.gate.sleeps, 1);
    assert_int_equal(self.vm.reclaimed, 1);
    assert_int_equal(object->resident, 4);
    freebsd_object_unlock(&self.vm, self.cpu, object);
    for (int i = 0; i < 3; i++)
        assert_non_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_WAITOK));
    assert_int_equal(self.vm.reclaimed, 3);
    assert_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_WAITOK));
    assert_int_equal(self.vm.status, PL_WOULD_SLEEP);
    assert_int_equal(self.gate.would_sleep, 1);
    assert_int_equal(object->resident, 2);
    vm_close(&self);
}

/* A page dirtied and freed, one zeroed and freed as zero, and a fresh one; all asked for again with ZERO.
 * Expect zeros for the no-object form, and PG_ZERO never without them. */
static void test_zero(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    for (int round = 0; round < 4; round++) {
        struct freebsd_page *page = freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_ZERO);
        unsigned char *bytes = freebsd_page_bytes(&self.vm, page);
        for (size_t i = 0; i < PL_FRAME_BYTES; i++)
            assert_int_equal(bytes[i], 0);
        if (round % 2 == 0) {
            memset(bytes, 0xa5, PL_FRAME_BYTES);
            assert_true(freebsd_page_free(&self.vm, self.cpu, page));
        } else {
            assert_true(freebsd_page_free_zero(&self.vm, self.cpu, page));
        }
    }
    vm_close(&self);
}

/* An object with a wired page, an idle one, and a busy one; its end is tried with each in the way.
 * Expect a trap while one is busy; then the idle page freed, the wired one orphaned until its last unwire. */
static void test_the_end_of_an_object(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    uint64_t free_frames = gate_free_frames(&self.gate);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_UNMANAGED);
    struct freebsd_page *wired = freebsd_page_alloc(&self.vm, self.cpu, object, 1, FREEBSD_ALLOC_WIRED);
    assert_non_null(freebsd_page_alloc(&self.vm, self.cpu, object, 2, FREEBSD_ALLOC_NOBUSY));
    assert_false(freebsd_object_free(&self.vm, self.cpu, object));
    expect_trap(&self, "F-20");
    assert_true(freebsd_page_xunbusy(&self.vm, self.cpu, wired));
    assert_true(freebsd_object_free(&self.vm, self.cpu, object));
    assert_null(wired->object);
    assert_int_equal(gate_free_frames(&self.gate), free_frames - 1);
    assert_true(freebsd_page_unwire(&self.vm, self.cpu, wired));
    assert_int_equal(gate_free_frames(&self.gate), free_frames);
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, object, 1, 0));
    expect_trap(&self, "2.3.1");
    vm_close(&self);
}

/* Two thousand steps of filing and taking out, at indexes from 0 to the last, near and far.
 * Expect lookup to agree with a plain list at every step, and no node left at the end. */
static void test_the_index_against_a_list(void **state)
{
    enum { PAGES = 40 };
    struct vm_rig self;
    uint64_t at[PAGES];
    struct freebsd_page *pages[PAGES] = {NULL};
    uint32_t seed = 7;
    (void)state;
    vm_open_frames(&self, "bitmap", 128, CONTRACT_DOC);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    for (unsigned i = 0; i < PAGES; i++)
        at[i] = i % 4 == 0   ? i
                : i % 4 == 1 ? UINT64_MAX - i
                : i % 4 == 2 ? UINT64_C(1) << (i + 10)
                             : i * UINT64_C(4099);
    for (int step = 0; step < 2000; step++) {
        unsigned i = next_number(&seed) % PAGES;
        if (pages[i] == NULL) {
            pages[i] = freebsd_page_alloc(&self.vm, self.cpu, object, at[i], FREEBSD_ALLOC_SYSTEM);
            assert_non_null(pages[i]);
        } else {
            assert_true(freebsd_page_free(&self.vm, self.cpu, pages[i]));
            pages[i] = NULL;
        }
        for (unsigned j = 0; j < PAGES; j++)
            assert_ptr_equal(freebsd_page_lookup(&self.vm, self.cpu, object, at[j]), pages[j]);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        if (pages[i] != NULL)
            assert_true(freebsd_page_free(&self.vm, self.cpu, pages[i]));
    }
    assert_int_equal(self.vm.nodes.objects, 0);
    assert_int_equal(object->index.root, 0);
    vm_close(&self);
}

/* Runs on a candidate that splits and on one that has neither runs nor split.
 * Expect single pages to come back one by one there, the whole run with the last one here; and what blocks
 * cannot promise to be unsupported. */
static void test_runs_without_runs(void **state)
{
    struct vm_rig self;
    (void)state;
    for (int splits = 0; splits < 2; splits++) {
        vm_open_frames(&self, splits ? "buddy" : "jemalloc", 4096, CONTRACT_DOC);
        uint64_t free_frames = gate_free_frames(&self.gate);
        struct freebsd_bounds bounds = {0, UINT64_MAX, UINT64_C(4) * 4096, UINT64_C(4) * 4096};
        struct freebsd_page *page =
            freebsd_page_alloc_noobj_contig(&self.vm, self.cpu, FREEBSD_ALLOC_ZERO, 4, &bounds);
        assert_non_null(page);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(page[i].frame.number, page->frame.number + i);
            assert_true(freebsd_page_free(&self.vm, self.cpu, &page[i]));
            uint64_t back = splits ? i + 1 : i == 3 ? 4 : 0;
            assert_int_equal(gate_free_frames(&self.gate), free_frames - 4 + back);
        }
        page = freebsd_page_alloc_noobj_contig(&self.vm, self.cpu, 0, 3, &anywhere);
        if (!splits) {
            assert_null(page);
            assert_int_equal(self.vm.status, PL_UNSUPPORTED);
        }
        vm_close(&self);
    }
}

/* Every call that wants a page is given one that is nobody's, and one in the wrong state.
 * Expect a trap or a refusal that names the rule, and the page as it was. */
static void test_states_that_forbid_the_call(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    struct freebsd_page *page = freebsd_page_alloc(&self.vm, self.cpu, object, 0, FREEBSD_ALLOC_NOBUSY);
    assert_non_null(page);
    struct freebsd_page forged = *page;
    assert_false(freebsd_page_wire(&self.vm, &forged));
    expect_trap(&self, "2.9");
    assert_false(freebsd_page_unwire(&self.vm, self.cpu, &forged));
    expect_trap(&self, "2.9");
    assert_false(freebsd_page_xunbusy(&self.vm, self.cpu, &forged));
    expect_trap(&self, "2.6");
    assert_false(freebsd_page_sunbusy(&self.vm, &forged));
    expect_trap(&self, "2.6");
    assert_false(freebsd_page_map(&self.vm, &forged));
    expect_trap(&self, "2.9");
    assert_false(freebsd_page_unmap(&self.vm, &forged));
    expect_trap(&self, "2.9");
    assert_false(freebsd_page_try_xbusy(&self.vm, self.cpu, &forged));
    assert_false(freebsd_page_try_sbusy(&self.vm, &forged));
    assert_int_equal(self.vm.status, PL_REFUSED);

    assert_true(freebsd_page_try_xbusy(&self.vm, self.cpu, page));
    assert_false(freebsd_page_try_xbusy(&self.vm, self.cpu, page));
    assert_false(freebsd_page_try_sbusy(&self.vm, page));
    assert_false(freebsd_page_sunbusy(&self.vm, page));
    expect_trap(&self, "2.6");
    assert_true(freebsd_page_xunbusy(&self.vm, self.cpu, page));
    assert_false(freebsd_page_xunbusy(&self.vm, self.cpu, page));
    expect_trap(&self, "2.6");

    uint32_t ref = page->ref;
    page->ref |= FREEBSD_REF_WIRES;
    assert_false(freebsd_page_wire(&self.vm, page));
    expect_trap(&self, "2.9");
    page->ref = ref;
    vm_close(&self);
}

/* The last wiring of a page of no object goes while it is mapped or busy. Expect a trap, and the page. */
static void test_the_last_wiring_of_a_page_in_use(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_page *page = freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_WIRED);
    assert_non_null(page);
    assert_int_equal(freebsd_page_wires(page), 1);
    assert_true(freebsd_page_try_sbusy(&self.vm, page));
    assert_false(freebsd_page_unwire(&self.vm, self.cpu, page));
    expect_trap(&self, "F-20");
    assert_int_equal(freebsd_page_wires(page), 1);
    assert_true(freebsd_page_sunbusy(&self.vm, page));
    assert_true(freebsd_page_unwire(&self.vm, self.cpu, page));
    assert_int_equal(self.vm.live, 0);
    vm_close(&self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_nth_grant_fails),
        cmocka_unit_test(test_a_failed_import_leaves_nothing),
        cmocka_unit_test(test_the_arena),
        cmocka_unit_test(test_wrong_frees),
        cmocka_unit_test(test_states_that_forbid_the_call),
        cmocka_unit_test(test_the_last_wiring_of_a_page_in_use),
        cmocka_unit_test(test_waiting),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_the_end_of_an_object),
        cmocka_unit_test(test_the_index_against_a_list),
        cmocka_unit_test(test_runs_without_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
