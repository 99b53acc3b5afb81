/* What IOKit's buffers are made of: the search for addresses, and the parts of a page that small buffers get.
 */
#include "systems/iokit/iokit_internal.h"
#include "tests/unit/test_buffer_rig.h"

#define WINDOW (16 * P)
#define AREAS  16u

/* A window is filled page by page, then areas 3, 4, 5 and 9 go.
 *
 *      0 1 2 . . . 6 7 8 . 10 ... 15
 *
 * Expect one page where the search goes on, three pages in the gap of three only, four nowhere, and nothing
 * changed by a search that fails. */
static void gaps_are_found_and_only_those(void **state)
{
    struct iokit_window window;
    struct iokit_area area[AREAS];
    struct iokit_area more[3];
    (void)state;
    window_init(&window, 0x10000, WINDOW);
    assert_false(window_take(&window, &more[0], WINDOW + P, 1));
    for (unsigned i = 0; i < AREAS; i++) {
        assert_true(window_take(&window, &area[i], P, P));
        assert_int_equal(area[i].addr, 0x10000 + i * P);
    }
    assert_false(window_take(&window, &more[0], P, 1));
    for (unsigned i = 3; i <= 5; i++)
        window_give(&window, &area[i]);
    window_give(&window, &area[9]);
    assert_false(window_take(&window, &more[0], 4 * P, P));
    assert_true(window_take(&window, &more[0], 3 * P, P));
    assert_int_equal(more[0].addr, 0x10000 + 3 * P);
    assert_true(window_take(&window, &more[1], P, P));
    assert_int_equal(more[1].addr, 0x10000 + 9 * P);
    assert_false(window_take(&window, &more[2], 1, 1));
    unsigned found = 0;
    for (const struct iokit_area *at = window.first; at != NULL; at = at->next) {
        if (at->next != NULL)
            assert_true(at->addr + at->bytes <= at->next->addr);
        found++;
    }
    assert_int_equal(found, AREAS - 4 + 2);
}

/* The only gap begins before its alignment. Expect the aligned address, and none where the alignment leaves
 * too little or passes the last address there is. */
static void alignment_is_part_of_the_gap(void **state)
{
    struct iokit_window window;
    struct iokit_area area[3];
    (void)state;
    window_init(&window, 0x1800, 0x4000);
    assert_true(window_take(&window, &area[0], 0x1000, 0x1000));
    assert_int_equal(area[0].addr, 0x2000);
    assert_false(window_take(&window, &area[1], 0x1801, 0x4000));
    assert_true(window_take(&window, &area[1], 0x1000, 0x4000));
    assert_int_equal(area[1].addr, 0x4000);
    window_init(&window, UINT64_MAX - 0x2fff, 0x2000);
    assert_false(window_take(&window, &area[2], 0x1000, UINT64_C(1) << 63));
}

/* 600 parts of 16 bytes take three pages; the middle page's go first, then one by one those of the others.
 * Expect distinct parts, pages back when their last part goes, and new parts from pages with room. */
static void parts_of_pages_come_and_go(void **state)
{
    static struct iokit_heap_page *page[600];
    static uint32_t at[600];
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    uint64_t held = desk.gate.held;
    for (unsigned i = 0; i < 600; i++) {
        page[i] = heap_get(&desk.iokit, desk.cpu, 0, IOKIT_HEAP_CLASS_MIN, &at[i]);
        assert_non_null(page[i]);
        assert_int_equal(at[i] % 16, 0);
        for (unsigned before = 0; before < i; before++)
            assert_false(page[before] == page[i] && at[before] == at[i]);
    }
    for (unsigned i = 0; i < 600; i += 3) /* every page has room now */
        heap_put(&desk.iokit, desk.cpu, page[i], at[i]);
    uint64_t full = desk.gate.held;
    for (unsigned i = 0; i < 200; i++)
        page[(size_t)i * 3] = heap_get(&desk.iokit, desk.cpu, 0, IOKIT_HEAP_CLASS_MIN, &at[(size_t)i * 3]);
    assert_int_equal(desk.gate.held, full);
    struct iokit_heap_page *middle = page[300];
    for (unsigned i = 0; i < 600; i++) {
        if (page[i] == middle)
            heap_put(&desk.iokit, desk.cpu, page[i], at[i]);
    }
    assert_int_equal(desk.gate.held, full - 1);
    unsigned first = 0; /* so that another page is listed before the last one, which then goes first */
    while (page[first] == middle || page[first] == page[599])
        first++;
    heap_put(&desk.iokit, desk.cpu, page[first], at[first]);
    for (unsigned i = 600; i-- > 0;) {
        if (i != first && page[i] != middle)
            heap_put(&desk.iokit, desk.cpu, page[i], at[i]);
    }
    assert_int_equal(desk.iokit.heap_objects, 0);
    assert_true(desk.gate.held <= held + 1); /* the slab of page records may keep its page */
    desk_close(&desk);
}

/* An IOMMU with one page of addresses, then a task with as few. Expect buffers and ranges of two pages
 * refused, traceless, and those of one page made. */
static void addresses_run_out(void **state)
{
    struct desk desk;
    (void)state;
    desk_open_swap(&desk, CONTRACT_DOC, true, DESK_SWAP);
    struct iokit_memory *source = desk_user(&desk, DESK_IN_OUT, 3 * P);
    assert_non_null(source);
    struct iokit_range whole = {.addr = iokit_buffer_address(source) + 16, .bytes = 3 * P - 16};
    struct iokit_memory *over = iokit_memory_with_ranges(&desk.iokit, desk.cpu, &whole, 1, DESK_IN_OUT);
    assert_int_equal(iokit_memory_prepare(over, desk.cpu, DESK_IN_OUT), IOKIT_SUCCESS);
    for (uint64_t offset = 0; offset < whole.bytes; offset += P) {
        uint64_t bytes = 0;
        uint64_t addr = iokit_memory_segment(over, offset, &bytes);
        assert_int_equal(iokit_io_translate(&desk.iokit, addr),
                         iokit_buffer_frame(source, offset / P).number * P + 16);
    }
    assert_int_equal(iokit_memory_complete(over, desk.cpu), IOKIT_SUCCESS);
    desk_release(&desk, over);
    desk_release(&desk, source);
    window_init(&desk.iokit.io, P, P);
    desk_refuses(&desk, IOKIT_TASK_KERNEL, DESK_IN_OUT, 2 * P, P);
    struct iokit_memory *user = desk_user(&desk, DESK_IN_OUT, 2 * P);
    assert_non_null(user);
    assert_int_equal(iokit_memory_prepare(user, desk.cpu, DESK_IN_OUT), IOKIT_NO_RESOURCES);
    struct iokit_range both = {.addr = iokit_buffer_address(user), .bytes = 2 * P};
    struct iokit_memory *ranges[3];
    for (int i = 0; i < 3; i++) {
        ranges[i] = iokit_memory_with_ranges(&desk.iokit, desk.cpu, &both, 1, DESK_IN_OUT);
        assert_non_null(ranges[i]);
        if (i == 0)
            assert_int_equal(iokit_memory_prepare(ranges[i], desk.cpu, DESK_IN_OUT), IOKIT_NO_RESOURCES);
        both.bytes = P;
    }
    /* What a descriptor that is no buffer is asked in vain. */
    assert_int_equal(iokit_buffer_address(ranges[0]), 0);
    assert_int_equal(iokit_buffer_address_at(ranges[0], 0, 1), 0);
    assert_int_equal(iokit_buffer_backing_bytes(ranges[0]), 0);
    assert_true(pl_frame_is_none(iokit_buffer_frame(ranges[0], 0)));
    assert_int_equal(iokit_memory_prepare(ranges[1], desk.cpu, DESK_IN_OUT), IOKIT_SUCCESS);
    assert_int_equal(iokit_memory_complete(ranges[1], desk.cpu), IOKIT_SUCCESS);
    desk_release(&desk, ranges[1]); /* between two others that live */
    desk_release(&desk, ranges[2]);
    desk_release(&desk, ranges[0]);
    desk_release(&desk, user);
    desk_close(&desk);

    desk_open(&desk, CONTRACT_DOC);
    window_init(&desk.iokit.tasks[IOKIT_TASK_USER], P, P);
    desk_refuses(&desk, IOKIT_TASK_USER, DESK_IN_OUT | IOKIT_PAGEABLE, 2 * P, 1);
    user = desk_user(&desk, DESK_IN_OUT, P);
    assert_non_null(user);
    assert_int_equal(iokit_memory_prepare(user, desk.cpu, DESK_IN_OUT), IOKIT_SUCCESS);
    desk.cpu->context = PL_CONTEXT_HARDIRQ;
    assert_int_equal(iokit_memory_write(user, desk.cpu, 0, "x", 1), 0);
    desk.cpu->context = PL_CONTEXT_TASK;
    user->wire_count = UINT32_MAX; /* as if prepared so often */
    assert_int_equal(iokit_memory_prepare(user, desk.cpu, DESK_IN_OUT), IOKIT_NO_RESOURCES);
    user->wire_count = 1;
    assert_int_equal(iokit_memory_complete(user, desk.cpu), IOKIT_SUCCESS);
    desk_release(&desk, user);
    desk_close(&desk);
}

/* The frames of a purgeable buffer are held by a descriptor over ranges while it is emptied. Expect them to
 * stay and to be zero. */
static void what_is_held_is_emptied_in_place(void **state)
{
    struct desk desk;
    uint32_t old = 0;
    unsigned char byte = 0xff;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *user = desk_user(&desk, DESK_IN_OUT | IOKIT_PURGEABLE, P);
    assert_non_null(user);
    assert_int_equal(iokit_memory_write(user, desk.cpu, 0, &byte, 1), 1);
    struct iokit_range whole = {.addr = iokit_buffer_address(user), .bytes = P};
    struct iokit_memory *over = iokit_memory_with_ranges(&desk.iokit, desk.cpu, &whole, 1, DESK_IN_OUT);
    assert_int_equal(iokit_memory_prepare(over, desk.cpu, DESK_IN_OUT), IOKIT_SUCCESS);
    uint64_t number = iokit_buffer_frame(user, 0).number;
    assert_int_equal(iokit_buffer_set_purgeable(user, desk.cpu, IOKIT_PURGE_EMPTY, &old), IOKIT_SUCCESS);
    assert_int_equal(iokit_buffer_frame(user, 0).number, number);
    assert_int_equal(*gate_bytes(&desk.gate, pl_frame_at(number)), 0);
    assert_int_equal(iokit_memory_complete(over, desk.cpu), IOKIT_SUCCESS);
    desk_release(&desk, over);
    desk_release(&desk, user);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_are_found_and_only_those),    cmocka_unit_test(alignment_is_part_of_the_gap),
        cmocka_unit_test(parts_of_pages_come_and_go),       cmocka_unit_test(addresses_run_out),
        cmocka_unit_test(what_is_held_is_emptied_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
