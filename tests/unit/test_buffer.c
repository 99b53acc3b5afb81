/* Creation of buffer descriptors: the decision procedure step by step, at the numbers where it could go
 * wrong. */
#include "tests/unit/test_buffer_rig.h"

static uint64_t segment_count(struct iokit_memory *memory)
{
    uint64_t count = 0;
    uint64_t bytes = 1;
    for (uint64_t at = 0; at < memory->length && bytes != 0; at += bytes, count++)
        (void)iokit_memory_segment(memory, at, &bytes);
    return count;
}

/* Takes `pages` single frames and gives every second one back: memory in pieces. Returns what is kept. */
static uint32_t cut_to_pieces(struct desk *desk, struct pl_run *kept, uint32_t pages)
{
    struct pl_page page = gate_page(&desk->gate);
    struct pl_request request = {.node = PL_NODE_ANY};
    uint32_t count = 0;
    for (uint32_t i = 0; i < pages; i++)
        assert_int_equal(page.ops->alloc(page.self, desk->cpu, &request, &kept[i]), PL_OK);
    for (uint32_t i = 0; i < pages; i++) {
        if (kept[i].first.number % 2 == 0)
            assert_int_equal(page.ops->free(page.self, desk->cpu, &kept[i]), PL_OK);
        else
            kept[count++] = kept[i];
    }
    return count;
}

static void mend(struct desk *desk, const struct pl_run *kept, uint32_t count)
{
    struct pl_page page = gate_page(&desk->gate);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(page.ops->free(page.self, desk->cpu, &kept[i]), PL_OK);
}

static void capacities_that_cannot_be_are_refused(void **state)
{
    static const uint64_t capacities[] = {
        0,
        UINT64_C(0xFFFFFFFF),
        UINT64_C(1) << 32,
        (UINT64_C(1) << 32) + 1,
        (UINT64_C(1) << 32) + 100,
        UINT64_C(1) << 63,
        UINT64_MAX,
        UINT64_MAX - 1,
        UINT64_MAX - P,
        UINT64_MAX - P + 1,
        UINT64_MAX - P + 2,
    };
    static const uint64_t alignments[] = {
        0, 1, 3, P - 1, P, P + 1, 2 * P, UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 63};
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    for (size_t c = 0; c < PL_COUNT_OF(capacities); c++) {
        for (size_t a = 0; a < PL_COUNT_OF(alignments); a++) {
            desk_refuses(&desk, IOKIT_TASK_KERNEL, DESK_IN_OUT, capacities[c], alignments[a]);
            desk_refuses(&desk, IOKIT_TASK_KERNEL, DESK_IN_OUT | IOKIT_HOST_PHYSICALLY_CONTIGUOUS,
                         capacities[c], alignments[a]);
            desk_refuses(&desk, IOKIT_TASK_USER, DESK_IN_OUT | IOKIT_PAGEABLE, capacities[c], alignments[a]);
        }
        assert_null(iokit_buffer_with_mask(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT,
                                           capacities[c], UINT32_MAX));
        assert_null(
            iokit_buffer_guarded(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT, capacities[c]));
        assert_null(
            iokit_buffer_with_capacity(&desk.iokit, desk.cpu, capacities[c], IOKIT_DIRECTION_IN, true));
    }
    /* Nothing was asked of the candidate for what cannot be. */
    assert_int_equal(desk.gate.sleeps, 0);
    desk_close(&desk);
}

static void tasks_other_than_the_kernels_need_pageable(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    for (enum iokit_task task = IOKIT_TASK_NONE; task < IOKIT_TASK_COUNT; task++) {
        if (task != IOKIT_TASK_KERNEL)
            desk_refuses(&desk, task, DESK_IN_OUT | IOKIT_PURGEABLE | IOKIT_PHYSICALLY_CONTIGUOUS, 100, 1);
        struct iokit_memory *memory =
            iokit_buffer_in_task(&desk.iokit, desk.cpu, task, DESK_IN_OUT | IOKIT_PAGEABLE, 100, 1);
        assert_non_null(memory);
        assert_true((iokit_buffer_address(memory) == 0) == (task == IOKIT_TASK_NONE));
        assert_int_equal(memory->wire_count, 0);
        desk_release(&desk, memory);
    }
    desk_close(&desk);
}

/* Capacity, length, wire count and alignment at the page's edge and at every alignment of 7.3. */
static void wired_buffers_are_as_asked(void **state)
{
    static const uint64_t capacities[] = {1,    2,    16,    17, 100,   2032,  2033,
                                          2048, 2049, P - 1, P,  P + 1, 2 * P, 5 * P + 7};
    static const uint64_t alignments[] = {0,    1,     2, 3,     16,    64,    256,   2048,
                                          3000, P - 1, P, P + 1, 2 * P, 3 * P, 16 * P};
    static const uint32_t kinds[] = {0,
                                     IOKIT_PHYSICALLY_CONTIGUOUS,
                                     IOKIT_HOST_PHYSICALLY_CONTIGUOUS,
                                     IOKIT_KERNEL_USER_SHARED,
                                     1u << IOKIT_CACHE_SHIFT,
                                     IOKIT_MAPPER_NONE};
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_REAL);
    struct iokit_memory *neighbour = desk_make(&desk, DESK_IN_OUT, 10, 1);
    for (size_t c = 0; c < PL_COUNT_OF(capacities); c++) {
        for (size_t a = 0; a < PL_COUNT_OF(alignments) * PL_COUNT_OF(kinds); a++) {
            uint64_t alignment = alignments[a % PL_COUNT_OF(alignments)];
            uint32_t kind = kinds[a / PL_COUNT_OF(alignments)];
            struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT | kind, capacities[c], alignment);
            assert_non_null(memory);
            assert_int_equal(memory->length, capacities[c]);
            assert_int_equal(iokit_buffer_capacity(memory), capacities[c]);
            assert_int_equal(memory->wire_count, 1);
            assert_int_equal(memory->direction, DESK_IN_OUT);
            if (alignment != 0 && (alignment & (alignment - 1)) == 0)
                assert_int_equal(iokit_buffer_address(memory) % alignment, 0);
            if (alignment == 3)
                assert_int_equal(iokit_buffer_address(memory) % 4, 0);
            if ((kind & (IOKIT_SHARING_MASK | IOKIT_CACHE_MASK)) != 0)
                assert_int_equal(iokit_buffer_backing_bytes(memory) % P, 0);
            if (alignment > P ||
                (kind & (IOKIT_PHYSICALLY_CONTIGUOUS | IOKIT_HOST_PHYSICALLY_CONTIGUOUS)) != 0)
                assert_int_equal(segment_count(memory), 1);
            desk_release(&desk, memory);
        }
    }
    desk_release(&desk, neighbour);
    desk_close(&desk);
}

/* 2 x capacity + header <= page: from the heap, so it does not cross a page; not zeroed by the real code
 * (R-25). */
static void small_contiguous_buffers_do_not_cross_a_page(void **state)
{
    struct desk desk;
    (void)state;
    for (enum contract contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        unsigned char bytes[200];
        desk_open(&desk, contract);
        struct iokit_memory *keeper = desk_make(&desk, DESK_IN_OUT, 200, 1);
        struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT, 200, 1);
        memset(bytes, 7, sizeof(bytes));
        assert_int_equal(iokit_memory_write(memory, desk.cpu, 0, bytes, 200), 200);
        desk_release(&desk, memory);
        memory = desk_make(&desk, DESK_IN_OUT | IOKIT_PHYSICALLY_CONTIGUOUS, 200, 1);
        assert_int_equal(segment_count(memory), 1);
        assert_int_equal(iokit_memory_read(memory, desk.cpu, 0, bytes, 200), 200);
        assert_int_equal(bytes[100], contract == CONTRACT_DOC ? 0 : 7);
        desk_release(&desk, memory);
        desk_release(&desk, keeper);
        desk_close(&desk);
    }
}

static void without_an_iommu_contiguous_means_frames(void **state)
{
    struct desk desk;
    struct pl_run kept[64];
    (void)state;
    desk_open(&desk, CONTRACT_REAL);
    uint32_t count = cut_to_pieces(&desk, kept, 64);
    struct iokit_memory *scattered = desk_make(&desk, DESK_IN_OUT, 20 * P, 1);
    struct iokit_memory *contiguous = desk_make(&desk, DESK_IN_OUT | IOKIT_PHYSICALLY_CONTIGUOUS, 20 * P, 1);
    struct iokit_memory *aligned = desk_make(&desk, DESK_IN_OUT, 8 * P, 2 * P);
    assert_true(segment_count(scattered) > 1);
    assert_int_equal(segment_count(contiguous), 1);
    assert_int_equal(segment_count(aligned), 1);
    for (uint64_t page = 1; page < 20; page++)
        assert_int_equal(iokit_buffer_frame(contiguous, page).number,
                         iokit_buffer_frame(contiguous, 0).number + page);
    desk_release(&desk, scattered);
    desk_release(&desk, contiguous);
    desk_release(&desk, aligned);
    mend(&desk, kept, count);
    desk_close(&desk);
}

/* behind the IOMMU any buffer is one IO-virtual run; cache values from 8 switch it off. */
static void with_an_iommu_contiguous_means_addresses(void **state)
{
    struct desk desk;
    struct pl_run kept[64];
    uint64_t bytes = 0;
    (void)state;
    desk_open_swap(&desk, CONTRACT_REAL, true, DESK_SWAP);
    uint32_t count = cut_to_pieces(&desk, kept, 64);
    struct iokit_memory *mapped = desk_make(&desk, DESK_IN_OUT | IOKIT_PHYSICALLY_CONTIGUOUS, 8 * P + 5, 1);
    struct iokit_memory *plain = desk_make(&desk, DESK_IN_OUT | IOKIT_MAPPER_NONE, 8 * P, 1);
    struct iokit_memory *cached = desk_make(&desk, DESK_IN_OUT | 9u << IOKIT_CACHE_SHIFT, 8 * P, 1);
    struct iokit_memory *host = desk_make(&desk, DESK_IN_OUT | IOKIT_HOST_PHYSICALLY_CONTIGUOUS, 4 * P, 1);
    uint64_t addr = iokit_memory_segment(mapped, 0, &bytes);
    assert_int_equal(bytes, 8 * P + 5);
    bool consecutive = true;
    for (uint64_t page = 0; page < 9; page++) {
        uint64_t physical = iokit_io_translate(&desk.iokit, addr + page * P);
        assert_int_equal(physical, iokit_buffer_frame(mapped, page).number * P);
        consecutive = consecutive && physical == iokit_buffer_frame(mapped, 0).number * P + page * P;
    }
    assert_false(consecutive);
    assert_int_equal(iokit_io_translate(&desk.iokit, addr - 1), UINT64_MAX);
    assert_true(segment_count(plain) > 1);
    assert_true(segment_count(cached) > 1);
    for (uint64_t page = 1; page < 4; page++)
        assert_int_equal(iokit_buffer_frame(host, page).number, iokit_buffer_frame(host, 0).number + page);
    (void)iokit_memory_complete(mapped, desk.cpu);
    assert_int_equal(iokit_io_translate(&desk.iokit, addr), UINT64_MAX);
    desk_release(&desk, mapped);
    desk_release(&desk, plain);
    desk_release(&desk, cached);
    desk_release(&desk, host);
    mend(&desk, kept, count);
    desk_close(&desk);
}

static void masks_limit_addresses(void **state)
{
    struct desk desk;
    uint64_t bytes = 0;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    assert_null(
        iokit_buffer_with_mask(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT, 20 * P, 0xFFFF));
    struct iokit_memory *low =
        iokit_buffer_with_mask(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT, P, 0xFFFF);
    assert_non_null(low);
    assert_int_equal(iokit_memory_segment(low, 0, &bytes) & ~UINT64_C(0xFFFF), 0);
    /* A hole below the mask's lowest bit is an alignment. */
    struct iokit_memory *wide =
        iokit_buffer_with_mask(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT, 3 * P, 0xFC000);
    assert_non_null(wide);
    assert_int_equal(iokit_memory_segment(wide, 0, &bytes) % 0x4000, 0);
    assert_int_equal(bytes, 3 * P);
    desk_release(&desk, low);
    desk_release(&desk, wide);
    desk_close(&desk);
}

static void guard_pages_are_nowhere(void **state)
{
    struct desk desk;
    uint64_t bytes = 0;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *first =
        iokit_buffer_guarded(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT, P + 1);
    struct iokit_memory *second =
        iokit_buffer_guarded(&desk.iokit, desk.cpu, IOKIT_TASK_KERNEL, DESK_IN_OUT, P);
    uint64_t addr = iokit_buffer_address(first);
    assert_non_null(iokit_resolve(&desk.iokit, desk.cpu, addr, true, &bytes));
    assert_non_null(iokit_resolve(&desk.iokit, desk.cpu, addr + 2 * P - 1, true, &bytes));
    assert_null(iokit_resolve(&desk.iokit, desk.cpu, addr - 1, true, &bytes));
    assert_null(iokit_resolve(&desk.iokit, desk.cpu, addr + 2 * P, true, &bytes));
    desk_release(&desk, first);
    assert_null(iokit_resolve(&desk.iokit, desk.cpu, addr, true, &bytes));
    desk_release(&desk, second);
    desk_close(&desk);
}

/* For n = 1, 2 ... the n-th grant fails, until creation succeeds; each time nothing has changed. */
static void any_grant_may_fail(void **state)
{
    static const struct {
        uint32_t options;
        uint64_t capacity;
        uint64_t grants_min;
    } paths[] = {
        {DESK_IN_OUT, 100, 3},
        {DESK_IN_OUT, 10 * P, 2},
        {DESK_IN_OUT | IOKIT_PHYSICALLY_CONTIGUOUS, 10 * P, 2},
        {DESK_IN_OUT | IOKIT_PAGEABLE | IOKIT_PURGEABLE, 10 * P, 1},
        {DESK_IN_OUT | IOKIT_KERNEL_USER_SHARED | IOKIT_USE_RESERVE, 100, 2},
    };
    struct desk desk;
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(paths); i++) {
        struct iokit_memory *memory = NULL;
        uint64_t n = 0;
        desk_open(&desk, CONTRACT_DOC);
        while (memory == NULL) {
            desk.gate.fail_in = ++n;
            memory = desk_make(&desk, paths[i].options, paths[i].capacity, 1);
            assert_true(memory != NULL || desk.gate.held == 0);
            assert_int_equal(desk.iokit.live, memory != NULL);
            assert_int_equal(desk.iokit.buffers.objects, memory != NULL);
            assert_true(n < 64);
        }
        desk.gate.fail_in = 0;
        assert_true(n > paths[i].grants_min);
        desk_release(&desk, memory);
        assert_int_equal(desk.gate.held, 0);
        desk_close(&desk);
    }
}

/* At interrupt level nothing may sleep: trapped, and nothing happens. */
static void nothing_that_sleeps_is_called_from_an_interrupt(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT, 100, 1);
    uint64_t bytes = 0;
    desk.cpu->context = PL_CONTEXT_HARDIRQ;
    assert_null(desk_make(&desk, DESK_IN_OUT, 100, 1));
    assert_int_equal(desk.trap.count, 1);
    assert_string_equal(desk.trap.rule, "X-5");
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_NOT_PERMITTED);
    assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_NOT_PERMITTED);
    assert_int_equal(iokit_buffer_set_purgeable(memory, desk.cpu, 1, NULL), IOKIT_NOT_PERMITTED);
    iokit_memory_release(memory, desk.cpu);
    assert_int_equal(desk.trap.count, 5);
    assert_int_equal(memory->references, 1);
    assert_int_equal(memory->wire_count, 1);
    (void)iokit_memory_segment(memory, 0, &bytes);
    assert_int_equal(bytes, 100);
    assert_int_equal(desk.trap.count, 5);
    desk.cpu->context = PL_CONTEXT_TASK;
    desk_release(&desk, memory);
    desk_close(&desk);
}

static void stale_and_forged_buffers_are_not_released(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT, 100, 1);
    uint64_t serial = memory->serial;
    struct iokit_memory *inside = (struct iokit_memory *)(void *)((unsigned char *)memory + 16);
    assert_false(iokit_buffer_release(&desk.iokit, desk.cpu, memory, serial + 1));
    assert_false(iokit_buffer_release(&desk.iokit, desk.cpu, inside, serial));
    assert_false(iokit_buffer_release(&desk.iokit, desk.cpu, NULL, serial));
    assert_true(iokit_buffer_release(&desk.iokit, desk.cpu, memory, serial));
    assert_false(iokit_buffer_release(&desk.iokit, desk.cpu, memory, serial));
    assert_int_equal(desk.trap.count, 4);
    assert_string_equal(desk.trap.rule, "X-10");
    desk_close(&desk);
}

static void siblings_decide_as_the_original_does(void **state)
{
    struct desk desk;
    char text[12] = "hello world";
    char back[12];
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *bytes =
        iokit_buffer_with_bytes(&desk.iokit, desk.cpu, text, 12, IOKIT_DIRECTION_OUT, true);
    assert_int_equal(bytes->length, 12);
    assert_int_equal(iokit_memory_read(bytes, desk.cpu, 0, back, 12), 12);
    assert_string_equal(back, text);
    /* Born wired for reading only: writeBytes moves nothing, appendBytes does not mind. */
    assert_int_equal(iokit_memory_write(bytes, desk.cpu, 0, text, 1), 0);
    struct iokit_memory *run =
        iokit_buffer_with_capacity(&desk.iokit, desk.cpu, 4 * P, IOKIT_DIRECTION_IN, true);
    assert_int_equal(iokit_buffer_address(run) % (4 * P), 0); /* aligned to its capacity */
    desk_release(&desk, bytes);
    desk_release(&desk, run);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacities_that_cannot_be_are_refused),
        cmocka_unit_test(tasks_other_than_the_kernels_need_pageable),
        cmocka_unit_test(wired_buffers_are_as_asked),
        cmocka_unit_test(small_contiguous_buffers_do_not_cross_a_page),
        cmocka_unit_test(without_an_iommu_contiguous_means_frames),
        cmocka_unit_test(with_an_iommu_contiguous_means_addresses),
        cmocka_unit_test(masks_limit_addresses),
        cmocka_unit_test(guard_pages_are_nowhere),
        cmocka_unit_test(any_grant_may_fail),
        cmocka_unit_test(nothing_that_sleeps_is_called_from_an_interrupt),
        cmocka_unit_test(stale_and_forged_buffers_are_not_released),
        cmocka_unit_test(siblings_decide_as_the_original_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
