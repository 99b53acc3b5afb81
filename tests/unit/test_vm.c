/* FreeBSD's allocation calls: each illegal request, the state of the page returned, the floors and
 * thresholds, the boundary inputs of the specification's 7.3. */
#include "tests/unit/vm_fixture.h"

enum form { OBJECT, CONTIG, NOOBJ, NOOBJ_CONTIG, FORMS };

static const struct freebsd_bounds anywhere = {0, UINT64_MAX, 1, 0};

static struct freebsd_page *ask(struct vm_rig *self, enum form form, struct freebsd_object *object,
                                uint32_t req)
{
    switch (form) {
    case OBJECT:
        return freebsd_page_alloc(&self->vm, self->cpu, object, 5, req);
    case CONTIG:
        return freebsd_page_alloc_contig(&self->vm, self->cpu, object, 5, req, 2, &anywhere);
    case NOOBJ:
        return freebsd_page_alloc_noobj(&self->vm, self->cpu, req);
    default:
        return freebsd_page_alloc_noobj_contig(&self->vm, self->cpu, req, 2, &anywhere);
    }
}

/* Every illegal combination of 2.2, for each of the four forms (NULL: legal there).
 * Expect a trap by the rule, no page, and no frame moved. */
static void test_illegal_requests(void **state)
{
    static const struct {
        uint32_t req;
        const char *rule[FORMS];
    } cases[] = {
        {FREEBSD_ALLOC_CLASS_MASK, {"2.2.1", "2.2.1", "2.2.1", "2.2.1"}},
        {FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_SBUSY, {"2.2.2", "2.2.2", "2.2.2", "2.2.2"}},
        {FREEBSD_ALLOC_WAITOK, {"2.2.3", "2.2.3", NULL, NULL}},
        {FREEBSD_ALLOC_NOCREAT, {"2.2.3", "2.2.3", "2.2.3", "2.2.3"}},
        {FREEBSD_ALLOC_IGN_SBUSY, {"2.2.3", "2.2.3", "2.2.3", "2.2.3"}},
        {0x0004, {"2.2.3", "2.2.3", "2.2.3", "2.2.3"}},
        {0x0800, {"2.2.3", "2.2.3", "2.2.3", "2.2.3"}},
        {FREEBSD_ALLOC_NORECLAIM, {"2.2.3", NULL, "2.2.3", NULL}},
        {FREEBSD_ALLOC_NORECLAIM | FREEBSD_ALLOC_WAITOK, {"2.2.4", "2.2.4", "2.2.4", "2.2.4"}},
        {FREEBSD_ALLOC_SBUSY, {NULL, NULL, "2.2.4", "2.2.4"}},
        {FREEBSD_ALLOC_WAITFAIL | FREEBSD_ALLOC_NOWAIT, {"2.4", "2.4", "2.4", "2.4"}},
        {FREEBSD_ALLOC_WAITOK | FREEBSD_ALLOC_WAITFAIL, {"2.2.3", "2.2.3", "2.4", "2.4"}},
        {FREEBSD_ALLOC_WAITOK | FREEBSD_ALLOC_NOWAIT, {"2.2.3", "2.2.3", "2.4", "2.4"}},
        {FREEBSD_ALLOC_NOFREE, {NULL, NULL, NULL, NULL}},
        {FREEBSD_ALLOC_NOBUSY, {NULL, NULL, NULL, NULL}},
        {FREEBSD_ALLOC_COUNT(0xffff), {NULL, NULL, NULL, NULL}},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        for (int form = 0; form < FORMS; form++) {
            struct vm_rig self;
            vm_open(&self);
            struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
            uint64_t calls = self.gate.calls;
            struct freebsd_page *page = ask(&self, (enum form)form, object, cases[i].req);
            if (cases[i].rule[form] == NULL) {
                assert_non_null(page);
                assert_int_equal(self.trap.count, 0);
            } else {
                assert_null(page);
                expect_trap(&self, cases[i].rule[form]);
                assert_int_equal(self.gate.calls, calls);
            }
            assert_int_equal(object->locked, self.cpu->id + 1);
            vm_close(&self);
        }
    }
}

/* Class 3 by the real code, at the edge of NORMAL's floor and below.
 * Expect NORMAL's answers (F-27). */
static void test_class_three_is_normal(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open_frames(&self, "buddy", 64, CONTRACT_REAL);
    leave_free(&self, 9);
    assert_non_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_CLASS_MASK));
    assert_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_CLASS_MASK));
    assert_int_equal(self.trap.count, 0);
    vm_close(&self);
}

/* A waiting call at interrupt level; an object not locked, locked by another CPU, NULL, forged; an index
 * taken. Expect a trap each time. */
static void test_preconditions(void **state)
{
    struct vm_rig self;
    struct freebsd_object forged;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    memcpy(&forged, object, sizeof(forged)); /* looks like ours, and locked by us */
    assert_non_null(freebsd_page_alloc(&self.vm, self.cpu, object, 5, 0));
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, object, 5, 0));
    expect_trap(&self, "2.3.2");
    assert_null(freebsd_page_alloc_contig(&self.vm, self.cpu, object, 2, 0, 4, &anywhere));
    expect_trap(&self, "2.3.2");
    assert_null(freebsd_page_alloc_contig(&self.vm, self.cpu, object, UINT64_MAX - 1, 0, 3, &anywhere));
    expect_trap(&self, "2.3.2");
    assert_null(freebsd_page_alloc(&self.vm, self.rig.machine->cpus[1], object, 6, 0));
    expect_trap(&self, "2.3.1");
    freebsd_object_unlock(&self.vm, self.cpu, object);
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, object, 6, 0));
    expect_trap(&self, "2.3.1");
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, NULL, 6, 0));
    expect_trap(&self, "2.3.1");
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, &forged, 6, 0));
    expect_trap(&self, "2.3.1");
    assert_null(freebsd_page_alloc(&self.vm, self.cpu, (void *)(uintptr_t)0x1008, 6, 0));
    expect_trap(&self, "2.3.1");
    assert_false(freebsd_object_lock(&self.vm, self.cpu, (void *)(uintptr_t)0x1008));
    expect_trap(&self, "2.3.1");
    assert_false(freebsd_object_free(&self.vm, self.cpu, &forged));
    expect_trap(&self, "2.3.1");
    struct freebsd_object *other = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    assert_true(freebsd_object_free(&self.vm, self.cpu, other));
    assert_false(freebsd_object_free(&self.vm, self.cpu, other));
    expect_trap(&self, "2.3.1");
    self.cpu->context = PL_CONTEXT_SOFTIRQ;
    assert_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_WAITOK));
    expect_trap(&self, "2.4");
    self.cpu->context = PL_CONTEXT_TASK;
    vm_close(&self);
}

/* The three busy modes, wired or not, with object and without.
 * Expect the table of 2.6. */
static void test_the_page_returned(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    struct freebsd_object *object = vm_object(&self, FREEBSD_OBJECT_MANAGED);
    struct freebsd_page *page = freebsd_page_alloc(&self.vm, self.cpu, object, 0, FREEBSD_ALLOC_WIRED);
    assert_int_equal(page->busy, FREEBSD_BUSY_BY(0));
    assert_int_equal(page->ref, 0x80000001);
    assert_int_equal(self.vm.wired, 1);
    page = freebsd_page_alloc(&self.vm, self.cpu, object, UINT64_MAX, FREEBSD_ALLOC_SBUSY);
    assert_int_equal(page->busy, 0x9);
    assert_int_equal(page->ref, 0x80000000);
    assert_ptr_equal(freebsd_page_lookup(&self.vm, self.cpu, object, UINT64_MAX), page);
    page = freebsd_page_alloc(&self.vm, self.cpu, object, 3, FREEBSD_ALLOC_NOBUSY | FREEBSD_ALLOC_NODUMP);
    assert_int_equal(page->busy, 0x1);
    assert_int_equal(page->flags & ~FREEBSD_PG_ZERO, FREEBSD_PG_NODUMP);
    assert_int_equal(page->valid | page->dirty | page->queue, 0);
    page = freebsd_page_alloc_noobj(&self.vm, self.cpu, FREEBSD_ALLOC_WIRED);
    assert_int_equal(page->busy, 0x1);
    assert_int_equal(page->ref, 1);
    assert_null(page->object);
    assert_int_equal(page->pindex, UINT64_C(0xdeadc0dedeadc0de));
    assert_int_equal(page->oflags, FREEBSD_VPO_UNMANAGED);
    assert_int_equal(object->resident, 3);
    vm_close(&self);
}

/* Runs: illegal bounds of 7.3, then those that no machine of this size can have.
 * Expect traps, then "never", and no frame moved. */
static void test_bounds(void **state)
{
    static const uint64_t illegal[] = {0, 3, 4095, 4097};
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    for (size_t i = 0; i < PL_COUNT_OF(illegal); i++) {
        struct freebsd_bounds bounds = {0, UINT64_MAX, illegal[i], 0};
        assert_null(freebsd_page_alloc_noobj_contig(&self.vm, self.cpu, 0, 2, &bounds));
        expect_trap(&self, "2.3.3");
        bounds = (struct freebsd_bounds){0, UINT64_MAX, 1, illegal[i]};
        if (illegal[i] != 0) {
            assert_null(freebsd_page_alloc_noobj_contig(&self.vm, self.cpu, 0, 2, &bounds));
            expect_trap(&self, "2.3.3");
        }
    }
    assert_null(freebsd_page_alloc_noobj_contig(&self.vm, self.cpu, 0, 0, &anywhere));
    expect_trap(&self, "2.3.3");
    struct freebsd_object *device = vm_object(&self, FREEBSD_OBJECT_FICTITIOUS);
    assert_null(freebsd_page_alloc_contig(&self.vm, self.cpu, device, 0, 0, 2, &anywhere));
    expect_trap(&self, "2.3.3");
    uint64_t free_frames = gate_free_frames(&self.gate);
    static const struct {
        uint64_t frames;
        struct freebsd_bounds bounds;
    } never[] = {
        {65, {0, UINT64_MAX, 1, 0}},
        {UINT64_MAX, {0, UINT64_MAX, 1, 0}},
        {UINT64_C(1) << 52, {0, UINT64_MAX, 1, 0}},
        {2, {0, UINT64_MAX, 1, 4096}},
        {1, {0, UINT64_MAX, 1, 2048}},
        {2, {0, UINT64_C(17) * 4096, 1, 0}},
        {1, {UINT64_MAX, UINT64_MAX, 1, 0}},
    };
    for (size_t i = 0; i < PL_COUNT_OF(never); i++) {
        assert_null(freebsd_page_alloc_noobj_contig(&self.vm, self.cpu, FREEBSD_ALLOC_INTERRUPT,
                                                    never[i].frames, &never[i].bounds));
        assert_int_equal(self.vm.status, PL_NEVER);
        assert_int_equal(gate_free_frames(&self.gate), free_frames);
    }
    assert_int_equal(self.trap.count, 0);
    vm_close(&self);
}

/* Each class at its floor and one above; the page daemon; the deficit with and without a hint.
 * Expect the floors exactly, and max(hint, 1) for each failure (F-3, F-5, F-26). */
static void test_floors_and_deficit(void **state)
{
    static const struct {
        uint32_t req;
        bool daemon;
        uint64_t floor;
    } cases[] = {
        {FREEBSD_ALLOC_NORMAL, false, 8},    {FREEBSD_ALLOC_SYSTEM, false, 2},
        {FREEBSD_ALLOC_INTERRUPT, false, 0}, {FREEBSD_ALLOC_NORMAL, true, 2},
        {FREEBSD_ALLOC_SYSTEM, true, 2},     {FREEBSD_ALLOC_INTERRUPT, true, 0},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct vm_rig self;
        vm_open(&self);
        leave_free(&self, cases[i].floor + 1);
        self.vm.daemon = cases[i].daemon;
        assert_non_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, cases[i].req));
        assert_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, cases[i].req));
        assert_int_equal(self.vm.deficit, 1);
        assert_null(freebsd_page_alloc_noobj(&self.vm, self.cpu, cases[i].req | FREEBSD_ALLOC_COUNT(7)));
        assert_int_equal(self.vm.deficit, 8);
        assert_int_equal(gate_free_frames(&self.gate), cases[i].floor);
        vm_close(&self);
    }
}

/* A machine of 64 frames, whose thresholds are 45, 46, 44 (wake-up, min, severe), crossed down, up, down.
 * Expect a wake-up at each downward crossing, and the sets by level. */
static void test_thresholds(void **state)
{
    struct vm_rig self;
    (void)state;
    vm_open(&self);
    leave_free(&self, 45);
    assert_int_equal(self.vm.wakeups, 0);
    assert_true(self.vm.in_min_set);
    assert_false(self.vm.in_severe_set);
    struct freebsd_page *page = freebsd_page_alloc_noobj(&self.vm, self.cpu, 0);
    assert_int_equal(self.vm.wakeups, 1);
    leave_free(&self, 30);
    assert_int_equal(self.vm.wakeups, 1);
    assert_true(self.vm.in_severe_set);
    assert_true(freebsd_page_free(&self.vm, self.cpu, page));
    assert_int_equal(self.vm.wakeups, 1);
    vm_close(&self);
}

/* The kernel malloc's flags.
 * Expect INTERRUPT for the reserve, SYSTEM for all else, a trap for the reserve without NOWAIT (2.2.5). */
static void test_malloc_flags(void **state)
{
    struct trap trap = {0};
    (void)state;
    assert_int_equal(freebsd_malloc_to_alloc(&trap, FREEBSD_M_WAITOK) & 3u, FREEBSD_ALLOC_SYSTEM);
    assert_int_equal(freebsd_malloc_to_alloc(&trap, FREEBSD_M_NOWAIT) & 3u, FREEBSD_ALLOC_SYSTEM);
    assert_int_equal(freebsd_malloc_to_alloc(&trap, FREEBSD_M_NOWAIT | FREEBSD_M_USE_RESERVE) & 3u,
                     FREEBSD_ALLOC_INTERRUPT);
    assert_int_equal(freebsd_malloc_to_alloc(&trap, FREEBSD_M_NOWAIT | FREEBSD_M_ZERO | FREEBSD_M_NODUMP),
                     FREEBSD_ALLOC_SYSTEM | FREEBSD_ALLOC_NOWAIT | FREEBSD_ALLOC_ZERO | FREEBSD_ALLOC_NODUMP);
    assert_int_equal(trap.count, 0);
    assert_int_equal(freebsd_malloc_to_alloc(&trap, FREEBSD_M_USE_RESERVE) & 3u, FREEBSD_ALLOC_SYSTEM);
    assert_string_equal(trap.rule, "2.2.5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_illegal_requests), cmocka_unit_test(test_class_three_is_normal),
        cmocka_unit_test(test_preconditions),    cmocka_unit_test(test_the_page_returned),
        cmocka_unit_test(test_bounds),           cmocka_unit_test(test_floors_and_deficit),
        cmocka_unit_test(test_thresholds),       cmocka_unit_test(test_malloc_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
