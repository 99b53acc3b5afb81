/* The reference allocator: what can be seen must be so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/reference/reference_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 6000u

extern const struct pl_candidate pl_candidate_reference;

static struct pl_run runs[RUN_LIMIT];

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, &pl_candidate_reference, &range, 1), PL_OK);
}

/* Every shape is filled frame by frame, emptied, and filled again. Expect each frame once, lowest first, then
 * no memory; and an audit without complaint at both ends. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        struct stub_audit audit;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_reference, shape->ranges, shape->range_count), PL_OK);
        for (int round = 0; round < 2; round++) {
            uint64_t count = stub_drain(&stub, 0, runs, RUN_LIMIT);
            assert_int_equal(count, stub.machine.frame_count);
            for (uint64_t i = 1; i < count; i++)
                assert_true(runs[i - 1].first.number < runs[i].first.number);
            assert_int_equal(stub_audit(&stub, &audit), 0);
            assert_int_equal(audit.frames, 0);
            while (count > 0)
                assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
            assert_int_equal(stub_audit(&stub, &audit), 0);
            assert_int_equal(audit.frames, stub.machine.frame_count);
        }
        stub_close(&stub);
    }
}

/*  frame   0 1 2 3 4 5 6 7
 *          G . . . G . . .      two grants of order 2
 * Expect every free that is not one of them refused, and not a byte changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    open_at(&stub, 0x1234560, 8);
    struct pl_run first;
    struct pl_run second;
    assert_int_equal(stub_alloc(&stub, 2, &first), PL_OK);
    assert_int_equal(stub_alloc(&stub, 2, &second), PL_OK);
    unsigned char *before = malloc(stub.meta_bytes);
    assert_non_null(before);
    memcpy(before, stub.self, stub.meta_bytes);
    for (uint64_t frame = 0x123455e; frame < 0x123456a; frame++)
        for (uint32_t order = 0; order < 5; order++)
            if (order != 2 || frame % 4 != 0 || frame < 0x1234560 || frame > 0x1234564)
                assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, UINT64_MAX, 1, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 0x1234560, UINT64_MAX, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 0x1234560, 4, 3), PL_REFUSED);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    assert_int_equal(stub_free(&stub, &first), PL_OK);
    assert_int_equal(stub_free(&stub, &first), PL_REFUSED);
    free(before);
    stub_close(&stub);
}

/* Illegal and impossible requests. Expect the status that the contract names, and nothing granted. */
static void test_names_each_bad_request(void **state)
{
    (void)state;
    struct stub stub;
    open_at(&stub, 100, 1000);
    struct pl_request request = {.node = PL_NODE_ANY, .alloc_class = PL_CLASS_COUNT};
    struct pl_run run;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_INVALID);
    assert_int_equal(stub_alloc(&stub, REFERENCE_MAX_ORDER + 1, &run), PL_UNSUPPORTED);
    assert_int_equal(stub_alloc_run(&stub, 0, 0, UINT64_MAX, 1, &run), PL_INVALID);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, UINT64_MAX, 0, &run), PL_INVALID);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, UINT64_MAX, 3, &run), PL_INVALID);
    assert_int_equal(stub_alloc_run(&stub, 1001, 0, UINT64_MAX, 1, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, UINT64_MAX, 0, UINT64_MAX, 1, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, 2, 0, 101, 1, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, UINT64_MAX, UINT64_C(1) << 63, &run), PL_NEVER);
    assert_int_equal(stub_free_frames(&stub), 1000);
    assert_int_equal(stub_alloc_run(&stub, 1000, 0, UINT64_MAX, 1, &run), PL_OK);
    assert_int_equal(run.order, PL_ORDER_NONE);
    assert_int_equal(stub_alloc_run(&stub, 1000, 0, UINT64_MAX, 1, &run), PL_NO_MEMORY);
    stub_close(&stub);
}

/* A run of 5 that must not cross a multiple of 8, on frames 5 .. 20. Expect 8, not 5; then 16, not 13. */
static void test_run_respects_boundary(void **state)
{
    (void)state;
    struct stub stub;
    open_at(&stub, 5, 16);
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_constraints want = {
        .frame_count = 5, .high = pl_frame_at(UINT64_MAX), .alignment = 1, .boundary = 8};
    struct pl_run run;
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_OK);
    assert_int_equal(run.first.number, 8);
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_OK);
    assert_int_equal(run.first.number, 16);
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_NO_MEMORY);
    stub_close(&stub);
}

/* One byte at a time is made wrong. Expect audit to say so each time. */
static void test_audit_sees_every_wrong_byte(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 8, 64);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct reference *self = stub.self;
    static const struct {
        uint64_t index;
        unsigned char value;
    } wrong[] = {{0, REFERENCE_FREE}, {0, REFERENCE_TAIL}, {9, REFERENCE_TAIL},
                 {3, REFERENCE_HOLE}, {9, REFERENCE_HEAD}, {64, REFERENCE_FREE}};
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        unsigned char before = self->state[wrong[i].index];
        self->state[wrong[i].index] = wrong[i].value;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "reference: ", 11) == 0);
        self->state[wrong[i].index] = before;
        assert_int_equal(stub_audit(&stub, &audit), 0);
    }
    self->hint = 65;
    assert_true(stub_audit(&stub, &audit) > 0);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape), cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_names_each_bad_request),        cmocka_unit_test(test_run_respects_boundary),
        cmocka_unit_test(test_audit_sees_every_wrong_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
