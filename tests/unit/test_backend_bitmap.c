/* The bitmap allocator: the summaries, the one word that may lag, and runs over word and group borders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/bitmap/bitmap_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 10000u

extern const struct pl_candidate pl_candidate_bitmap;

static struct pl_run runs[RUN_LIMIT];

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, &pl_candidate_bitmap, &range, 1), PL_OK);
}

/* Every shape is filled and emptied by each order. Expect as many blocks as an empty machine has, twice. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        struct stub_audit audit;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_bitmap, shape->ranges, shape->range_count), PL_OK);
        for (uint32_t order = 0; order <= BITMAP_MAX_ORDER; order++) {
            uint64_t count = stub_drain(&stub, order, runs, RUN_LIMIT);
            assert_int_equal(stub_audit(&stub, &audit), 0);
            assert_int_equal(audit.frames, stub.machine.frame_count - (count << order));
            for (uint64_t i = 0; i < count; i++)
                assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
            assert_int_equal(stub_drain(&stub, order, runs, RUN_LIMIT), count);
            while (count > 0)
                assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        }
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), stub.machine.frame_count);
        stub_close(&stub);
    }
}

/* Random blocks and runs on 10,000 frames. Expect every summary to agree with the words all along. */
static void test_summaries_agree_after_random_operations(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    uint64_t seed = 42;
    uint64_t count = 0;
    open_at(&stub, 0x1234567, 10000);
    for (int step = 0; step < 20000; step++) {
        uint64_t dice = stub_random(&seed);
        if (count > 0 && (dice % 100 < 45 || count == RUN_LIMIT)) {
            uint64_t pick = stub_random(&seed) % count;
            assert_int_equal(stub_free(&stub, &runs[pick]), PL_OK);
            runs[pick] = runs[--count];
        } else if (dice % 100 < 90) {
            count += stub_alloc(&stub, (uint32_t)(dice >> 32) % 8, &runs[count]) == PL_OK;
        } else {
            count += stub_alloc_run(&stub, 1 + (dice >> 32) % 300, 0, UINT64_MAX, 1, &runs[count]) == PL_OK;
        }
        if (step % 64 == 0 && stub_audit(&stub, &audit) != 0)
            fail_msg("step %d: %s", step, audit.words);
    }
    stub_close(&stub);
}

/* All frames of a word are granted, then freed one by one, so that its fit lags. Expect the order-6 block to
 * be found nevertheless, and a failed order-10 request to change no count. */
static void test_late_word_hides_no_block(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run block;
    open_at(&stub, 0, 128);
    assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 128);
    for (uint32_t i = 64; i < 128; i++)
        assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(stub_alloc(&stub, 10, &block), PL_NO_MEMORY);
    assert_int_equal(stub_free_frames(&stub), 64);
    assert_int_equal(stub_alloc(&stub, 6, &block), PL_OK);
    assert_int_equal(block.first.number, 64);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    stub_close(&stub);
}

/*  frames  .... 4090 [ 4091 ........ 8200 ] 8201 ....    over word and group borders
 * Expect the run where only it fits, its halves refused, and the machine whole again after it is freed. */
static void test_run_crosses_groups(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 12288);
    assert_int_equal(stub_alloc_run(&stub, 4110, 4091, 8201, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 4091);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(audit.frames, 12288 - 4110);
    assert_int_equal(stub_free_at(&stub, 4091, 4109, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 4092, 4109, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 4091, 4111, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(audit.blocks[BITMAP_MAX_ORDER], 12);
    stub_close(&stub);
}

/* Frames at both sides of a hole, and the hole itself. Expect refusals only, and not a bit changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(60), .frame_count = 4},
                                      {.first = pl_frame_at(70), .frame_count = 10}};
    assert_int_equal(stub_open(&stub, &pl_candidate_bitmap, ranges, 2), PL_OK);
    assert_int_equal(stub_alloc(&stub, 2, &run), PL_OK);
    assert_int_equal(run.first.number, 60);
    unsigned char *before = malloc(stub.meta_bytes);
    assert_non_null(before);
    memcpy(before, stub.self, stub.meta_bytes);
    for (uint64_t frame = 55; frame < 85; frame++)
        for (uint32_t order = 0; order < 5; order++)
            if (frame != 60 || order != 2)
                assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, 4, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, UINT64_MAX, PL_ORDER_NONE), PL_REFUSED);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    free(before);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    stub_close(&stub);
}

/* A grant of order 3 becomes four of order 1. Expect the whole refused, each part taken back, and the block
 * whole again. */
static void test_split_parts_come_back(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_at(&stub, 0, 8);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 1), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    for (uint64_t frame = 0; frame < 8; frame += 2)
        assert_int_equal(stub_free_at(&stub, frame, 2, 1), PL_OK);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    stub_close(&stub);
}

/* A bit of each structure is turned. Expect audit to say so each time. */
static void test_audit_sees_every_wrong_bit(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 8192);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct bitmap *self = stub.self;
    uint64_t *const bits[] = {&self->word[0].free,         &self->word[1].free,
                              &self->word[0].head,         &self->tree[0].level[0][0],
                              &self->tree[0].level[1][0],  &self->tree[3].level[0][1],
                              &self->tree[10].level[0][0], &self->tree[6].level[0][0],
                              &self->word[128].head,       &self->word[128].free};
    for (size_t i = 0; i < PL_COUNT_OF(bits); i++) {
        *bits[i] ^= 1;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "bitmap: ", 8) == 0);
        *bits[i] ^= 1;
        assert_int_equal(stub_audit(&stub, &audit), 0);
    }
    self->group_fit[0] ^= 1;
    assert_true(stub_audit(&stub, &audit) > 0);
    self->group_fit[0] ^= 1;
    stub_close(&stub);
}

/* Machines that contradict themselves, wrap, or are beyond what six levels can name.
 * Expect no metadata for those that cannot be measured, and a refusal of the others. */
static void test_refuses_machines_that_cannot_be(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_range two[] = {{.first = pl_frame_at(0), .frame_count = 64},
                             {.first = pl_frame_at(100), .frame_count = 28}};
    for (int wrong = 0; wrong < 7; wrong++) {
        stub_machine(&stub, two, 2);
        size_t bytes = pl_candidate_bitmap.page->meta_bytes(&stub.config);
        assert_true(bytes > 0);
        switch (wrong) {
        case 0:
            stub.ranges[1].first = pl_frame_at(64); /* touches */
            break;
        case 1:
            stub.ranges[1].frame_count = 0;
            break;
        case 2:
            stub.ranges[1].frame_count = 29; /* beyond the span */
            break;
        case 3:
            stub.ranges[1].node = 1; /* there is one node */
            break;
        case 4:
            stub.ranges[0].first = pl_frame_at(1); /* not where the machine begins */
            stub.ranges[0].frame_count = 63;
            break;
        case 5:
            stub.machine.frame_count--;
            break;
        default:
            stub.ranges[1].first = pl_frame_at(128); /* behind the end */
        }
        void *self = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
        assert_non_null(self);
        memset(self, 0, bytes);
        assert_int_equal(pl_candidate_bitmap.page->init(self, &stub.config), PL_UNSUPPORTED);
        free(self);
    }
    stub_machine(&stub, two, 1);
    stub.machine.span = BITMAP_SPAN_MAX;
    assert_int_equal(pl_candidate_bitmap.page->meta_bytes(&stub.config), 0);
    stub.machine.span = 0;
    assert_int_equal(pl_candidate_bitmap.page->meta_bytes(&stub.config), 0);
    stub.machine.span = 64;
    stub.machine.first = pl_frame_at(UINT64_MAX - 64);
    assert_int_equal(pl_candidate_bitmap.page->meta_bytes(&stub.config), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_refuses_machines_that_cannot_be),
        cmocka_unit_test(test_summaries_agree_after_random_operations),
        cmocka_unit_test(test_late_word_hides_no_block),
        cmocka_unit_test(test_run_crosses_groups),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_split_parts_come_back),
        cmocka_unit_test(test_audit_sees_every_wrong_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
