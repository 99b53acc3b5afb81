/* Buffers that live: wiring, segments, bytes, the purge states, the page daemon, descriptors over ranges. */
#include "tests/unit/test_buffer_rig.h"

static void fill(struct desk *desk, struct iokit_memory *memory, unsigned char with)
{
    unsigned char bytes[P];
    memset(bytes, with, sizeof(bytes));
    for (uint64_t at = 0; at < memory->length; at += P) {
        uint64_t here = memory->length - at < P ? memory->length - at : P;
        assert_int_equal(iokit_memory_write(memory, desk->cpu, at, bytes, here), here);
    }
}

static void expect_all(struct desk *desk, struct iokit_memory *memory, unsigned char with)
{
    unsigned char bytes[P];
    for (uint64_t at = 0; at < memory->length; at += P) {
        uint64_t here = memory->length - at < P ? memory->length - at : P;
        assert_int_equal(iokit_memory_read(memory, desk->cpu, at, bytes, here), here);
        for (uint64_t i = 0; i < here; i++)
            assert_int_equal(bytes[i], with);
    }
}

/* Everything is taken but `leave` frames. */
static struct pl_run *hold_all_but(struct desk *desk, uint64_t leave, uint64_t *count)
{
    struct pl_page page = gate_page(&desk->gate);
    struct pl_request request = {.node = PL_NODE_ANY, .alloc_class = PL_CLASS_INTERRUPT};
    struct pl_run *runs = calloc(DESK_FRAMES, sizeof(*runs));
    assert_non_null(runs);
    *count = 0;
    while (gate_free_frames(&desk->gate) > leave)
        assert_int_equal(page.ops->alloc(page.self, desk->cpu, &request, &runs[(*count)++]), PL_OK);
    return runs;
}

static void let_go(struct desk *desk, struct pl_run *runs, uint64_t count)
{
    struct pl_page page = gate_page(&desk->gate);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(page.ops->free(page.self, desk->cpu, &runs[i]), PL_OK);
    free(runs);
}

static void prepare_and_complete_are_counted(void **state)
{
    struct desk desk;
    (void)state;
    for (enum contract contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        desk_open(&desk, contract);
        struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT, 3 * P);
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_SUCCESS);
        assert_int_equal(desk.trap.count, contract == CONTRACT_DOC);
        assert_int_equal(memory->wire_count, 0);
        for (uint32_t i = 1; i <= 3; i++) {
            assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_SUCCESS);
            assert_int_equal(memory->wire_count, i);
        }
        assert_int_equal(desk.iokit.pinned, 1);
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_SUCCESS);
        assert_int_equal(memory->wire_count, 2);
        desk_release(&desk, memory); /* completes the rest */
        assert_int_equal(desk.iokit.pinned, 0);
        desk_close(&desk);
    }
}

/* Out, then anything that writes: NotWritable; None is the descriptor's own direction. */
static void wired_for_reading_is_not_written(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT, 100);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, IOKIT_DIRECTION_OUT), IOKIT_SUCCESS);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, IOKIT_DIRECTION_IN), IOKIT_NOT_WRITABLE);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, DESK_IN_OUT), IOKIT_NOT_WRITABLE);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, IOKIT_DIRECTION_NONE), IOKIT_NOT_WRITABLE);
    assert_int_equal(memory->wire_count, 1);
    assert_int_equal(iokit_memory_write(memory, desk.cpu, 0, NULL, 10), 0);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, IOKIT_DIRECTION_OUT), IOKIT_SUCCESS);
    (void)iokit_memory_complete(memory, desk.cpu);
    (void)iokit_memory_complete(memory, desk.cpu);
    assert_int_equal(iokit_memory_write(memory, desk.cpu, 0, NULL, 10), 10);
    iokit_buffer_set_direction(memory, IOKIT_DIRECTION_OUT);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, IOKIT_DIRECTION_NONE), IOKIT_SUCCESS);
    assert_int_equal(iokit_memory_write(memory, desk.cpu, 0, NULL, 10), 0);
    desk_release(&desk, memory);
    desk_close(&desk);
}

static void segments_of_unwired_memory(void **state)
{
    struct desk desk;
    uint64_t bytes = 1;
    (void)state;
    for (enum contract contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        desk_open(&desk, contract);
        struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT, 3 * P);
        assert_int_equal(iokit_memory_segment(memory, 0, &bytes), 0);
        assert_int_equal(bytes, 0);
        assert_int_equal(desk.trap.count, contract == CONTRACT_REAL);
        assert_int_equal(iokit_memory_segment(memory, 3 * P, &bytes),
                         0); /* past the end: no trap either way */
        assert_int_equal(desk.trap.count, contract == CONTRACT_REAL);
        if (contract == CONTRACT_REAL)
            assert_string_equal(desk.trap.rule, "R-19");
        desk_release(&desk, memory);
        desk_close(&desk);
    }
}

static void bounds_do_not_wrap(void **state)
{
    static const struct {
        uint64_t offset;
        uint64_t bytes;
        uint64_t moved;
    } table[] = {
        {0, 100, 100},
        {0, 101, 0},
        {99, 1, 1},
        {100, 0, 0},
        {100, 1, 0},
        {UINT64_MAX, 2, 0},
        {UINT64_MAX, 1, 0},
        {1, UINT64_MAX, 0},
        {50, 50, 50},
        {50, 51, 0},
        {UINT64_MAX - 49, 100, 0},
    };
    struct desk desk;
    unsigned char bytes[128];
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT, 120, 1);
    iokit_buffer_set_length(memory, 100);
    for (size_t i = 0; i < PL_COUNT_OF(table); i++) {
        assert_int_equal(iokit_memory_read(memory, desk.cpu, table[i].offset, bytes, table[i].bytes),
                         table[i].moved);
        assert_int_equal(iokit_memory_write(memory, desk.cpu, table[i].offset, NULL, table[i].bytes),
                         table[i].moved);
        bool inside = table[i].moved != 0;
        assert_int_equal(iokit_buffer_address_at(memory, table[i].offset, table[i].bytes) != 0, inside);
    }
    desk_release(&desk, memory);
    desk_close(&desk);
}

static void lengths_and_appends_stay_in_the_capacity(void **state)
{
    struct desk desk;
    unsigned char bytes[64] = {1};
    (void)state;
    for (enum contract contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
        desk_open(&desk, contract);
        struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT, 100, 1);
        iokit_buffer_set_length(memory, 101);
        assert_int_equal(memory->length, 100);
        assert_int_equal(desk.trap.count, contract == CONTRACT_DOC);
        iokit_buffer_set_length(memory, 50);
        assert_true(iokit_buffer_append(memory, desk.cpu, bytes, 40));
        assert_int_equal(memory->length, 90);
        assert_int_equal(iokit_buffer_append(memory, desk.cpu, bytes, 40),
                         contract == CONTRACT_REAL); /* */
        assert_int_equal(memory->length, 100);
        assert_int_equal(iokit_buffer_capacity(memory), 100);
        desk_release(&desk, memory);
        desk_close(&desk);
    }
}

/* The table of 5.7: codes, modifiers, who is purgeable at all. */
static void purge_states(void **state)
{
    struct desk desk;
    uint32_t old = 0;
    (void)state;
    desk_open(&desk, CONTRACT_REAL);
    struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT | IOKIT_PURGEABLE, 3 * P);
    struct iokit_memory *plain = desk_user(&desk, DESK_IN_OUT, P);
    struct iokit_memory *wired = desk_make(&desk, DESK_IN_OUT | IOKIT_PURGEABLE, P, 1);
    for (uint32_t code = 0; code < 16; code++) {
        bool known = code >= 1 && code <= 4;
        assert_int_equal(iokit_buffer_set_purgeable(plain, desk.cpu, code, &old),
                         known ? KERN_INVALID_ARGUMENT : IOKIT_BAD_ARGUMENT);
        assert_int_equal(iokit_buffer_set_purgeable(wired, desk.cpu, code, &old),
                         known ? KERN_INVALID_ARGUMENT : IOKIT_BAD_ARGUMENT);
        if (!known)
            assert_int_equal(iokit_buffer_set_purgeable(memory, desk.cpu, code, &old), IOKIT_BAD_ARGUMENT);
    }
    for (uint32_t bit = 4; bit < 32; bit++) {
        bool legal = (IOKIT_PURGE_MODIFIERS >> bit & 1u) != 0;
        assert_int_equal(iokit_buffer_set_purgeable(memory, desk.cpu, IOKIT_PURGE_VOLATILE | 1u << bit, &old),
                         legal ? IOKIT_SUCCESS : KERN_INVALID_ARGUMENT);
        assert_int_equal(
            iokit_buffer_set_purgeable(memory, desk.cpu, IOKIT_PURGE_NON_VOLATILE | 1u << bit, &old),
            IOKIT_SUCCESS); /* not looked at */
    }
    fill(&desk, memory, 9);
    static const struct {
        uint32_t code;
        uint32_t old;
    } moves[] = {{1, 2}, {3, 2}, {1, 3}, {3, 3}, {2, 3}, {3, 2},
                 {4, 3}, {4, 4}, {3, 4}, {1, 4}, {2, 4}, {1, 2}};
    for (size_t i = 0; i < PL_COUNT_OF(moves); i++) {
        if (i == 6)
            expect_all(&desk, memory, 9);
        assert_int_equal(iokit_buffer_set_purgeable(memory, desk.cpu, moves[i].code, &old), IOKIT_SUCCESS);
        assert_int_equal(old, moves[i].old);
    }
    expect_all(&desk, memory, 0);
    desk_release(&desk, memory);
    desk_release(&desk, plain);
    desk_release(&desk, wired);
    desk_close(&desk);
}

/* Volatile first, then others to the swap store, pinned ones never; what was written comes back. */
static void the_page_daemon_takes_in_order(void **state)
{
    struct desk desk;
    uint32_t old = 0;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *plain = desk_user(&desk, DESK_IN_OUT, 4 * P);
    struct iokit_memory *lazy = desk_user(&desk, DESK_IN_OUT | IOKIT_PURGEABLE, 4 * P);
    struct iokit_memory *pinned = desk_user(&desk, DESK_IN_OUT | IOKIT_PURGEABLE, 4 * P);
    fill(&desk, plain, 1);
    fill(&desk, lazy, 2);
    fill(&desk, pinned, 3);
    assert_int_equal(iokit_memory_prepare(pinned, desk.cpu, 0), IOKIT_SUCCESS);
    assert_int_equal(iokit_buffer_set_purgeable(lazy, desk.cpu, IOKIT_PURGE_VOLATILE, &old), IOKIT_SUCCESS);
    assert_int_equal(iokit_buffer_set_purgeable(pinned, desk.cpu, IOKIT_PURGE_VOLATILE, &old), IOKIT_SUCCESS);
    assert_int_equal(pageout_step(&desk.pageout, desk.cpu, 1), 4); /* all of it or none */
    assert_int_equal(iokit_buffer_set_purgeable(lazy, desk.cpu, IOKIT_PURGE_KEEP, &old), IOKIT_SUCCESS);
    assert_int_equal(old, IOKIT_PURGE_EMPTY);
    assert_int_equal(desk.iokit.swapped_out, 0);
    assert_int_equal(pageout_step(&desk.pageout, desk.cpu, 100), 4);
    assert_int_equal(desk.iokit.swapped_out, 4);
    assert_true(pl_frame_is_none(iokit_buffer_frame(plain, 0)));
    assert_int_equal(pageout_step(&desk.pageout, desk.cpu, 100), 0);
    expect_all(&desk, pinned, 3);
    expect_all(&desk, plain, 1);
    assert_int_equal(desk.iokit.slots_used, 0);
    desk_release(&desk, plain);
    desk_release(&desk, lazy);
    desk_release(&desk, pinned);
    desk_close(&desk);
}

/* Two buffers larger together than what is free: each access brings one page in and sends another out. */
static void memory_pressure_swaps_and_loses_nothing(void **state)
{
    struct desk desk;
    uint64_t count = 0;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *first = desk_user(&desk, DESK_IN_OUT, 10 * P);
    struct iokit_memory *second = desk_user(&desk, DESK_IN_OUT, 10 * P);
    struct pl_run *runs = hold_all_but(&desk, 6, &count);
    for (unsigned char round = 1; round <= 3; round++) {
        fill(&desk, first, round);
        fill(&desk, second, round + 10);
        expect_all(&desk, first, round);
        expect_all(&desk, second, round + 10);
    }
    assert_true(desk.iokit.swapped_out > 20 && desk.iokit.swapped_in > 20);
    /* A transfer of more than there is moves nothing. */
    unsigned char *bytes = malloc(10 * P);
    assert_non_null(bytes);
    assert_int_equal(iokit_memory_read(first, desk.cpu, 0, bytes, 10 * P), 0);
    free(bytes);
    /* So does a prepare, and what was in the swap store is there again. */
    uint64_t held = desk.gate.held;
    assert_int_equal(iokit_memory_prepare(first, desk.cpu, 0), IOKIT_CANNOT_WIRE);
    assert_int_equal(first->wire_count, 0);
    assert_true(desk.gate.held <= held);
    assert_int_equal(desk.iokit.pinned, 0);
    expect_all(&desk, first, 3);
    expect_all(&desk, second, 13);
    let_go(&desk, runs, count);
    assert_int_equal(iokit_memory_prepare(first, desk.cpu, 0), IOKIT_SUCCESS);
    expect_all(&desk, first, 3);
    desk_release(&desk, first);
    desk_release(&desk, second);
    desk_close(&desk);
}

/* Nowhere to put a page: creation and access fail, nothing hangs. */
static void without_a_swap_store_memory_just_ends(void **state)
{
    struct desk desk;
    uint64_t count = 0;
    (void)state;
    desk_open_swap(&desk, CONTRACT_DOC, false, 0);
    struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT, 4 * P);
    struct pl_run *runs = hold_all_but(&desk, 2, &count);
    assert_int_equal(iokit_memory_write(memory, desk.cpu, 0, "x", 1), 1);
    assert_int_equal(iokit_memory_write(memory, desk.cpu, P, "x", 1), 1);
    assert_int_equal(iokit_memory_write(memory, desk.cpu, 2 * P, "x", 1), 0);
    assert_true(desk.gate.would_sleep > 0);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_CANNOT_WIRE);
    let_go(&desk, runs, count);
    desk_release(&desk, memory);
    desk_close(&desk);
}

/* The n-th page of a prepare cannot be had: as if it had not been called. */
static void any_page_of_a_prepare_may_fail(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT, 6 * P);
    fill(&desk, memory, 5);
    assert_int_equal(pageout_step(&desk.pageout, desk.cpu, 3), 3);
    for (uint64_t n = 1; n <= 3; n++) {
        uint64_t held = desk.gate.held;
        desk.gate.fail_in = n;
        assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_CANNOT_WIRE);
        assert_int_equal(desk.gate.held, held);
        assert_int_equal(desk.iokit.slots_used, 3);
        assert_int_equal(memory->wire_count, 0);
    }
    desk.gate.fail_in = 0;
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_SUCCESS);
    assert_int_equal(desk.iokit.slots_used, 0);
    expect_all(&desk, memory, 5);
    desk_release(&desk, memory);
    desk_close(&desk);
}

static void ranges_read_what_buffers_hold(void **state)
{
    enum { COUNT = 200 }; /* some chunks of entries */
    struct desk desk;
    struct iokit_range ranges[COUNT];
    unsigned char bytes[COUNT];
    (void)state;
    for (int iommu = 0; iommu < 2; iommu++) {
        desk_open_swap(&desk, CONTRACT_DOC, iommu, DESK_SWAP);
        struct iokit_memory *buffer = desk_user(&desk, DESK_IN_OUT, 3 * P);
        for (uint32_t i = 0; i < COUNT; i++) {
            unsigned char value = (unsigned char)i;
            ranges[i] =
                (struct iokit_range){.addr = iokit_buffer_address(buffer) + i * UINT64_C(60), .bytes = 1};
            assert_int_equal(iokit_memory_write(buffer, desk.cpu, i * UINT64_C(60), &value, 1), 1);
        }
        struct iokit_memory *memory =
            iokit_memory_with_ranges(&desk.iokit, desk.cpu, ranges, COUNT, IOKIT_DIRECTION_OUT);
        assert_non_null(memory);
        assert_int_equal(memory->length, COUNT);
        assert_int_equal(iokit_memory_read(memory, desk.cpu, 0, bytes, COUNT), COUNT);
        assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_SUCCESS);
        assert_int_equal(buffer->references, 1 + COUNT); /* each range holds one */
        assert_int_equal(buffer->wire_count, 0);
        assert_int_equal(pageout_step(&desk.pageout, desk.cpu, 10), 0);
        for (uint32_t i = 0; i < COUNT; i++) {
            uint64_t here = 0;
            uint64_t addr = iokit_memory_segment(memory, i, &here);
            uint64_t physical = iommu ? iokit_io_translate(&desk.iokit, addr) : addr;
            assert_int_equal(bytes[i], (unsigned char)i);
            assert_int_equal(here, 1);
            assert_int_equal(physical, iokit_buffer_frame(buffer, i * UINT64_C(60) / P).number * P +
                                           i * UINT64_C(60) % P);
        }
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_SUCCESS);
        assert_int_equal(buffer->references, 1);
        desk_release(&desk, memory);
        desk_release(&desk, buffer);
        /* Their memory is gone: nowhere. */
        assert_null(iokit_memory_with_ranges(&desk.iokit, desk.cpu, ranges, COUNT, IOKIT_DIRECTION_OUT));
        desk_close(&desk);
    }
}

static void ranges_that_are_nowhere_are_refused(void **state)
{
    struct desk desk;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *buffer = desk_make(&desk, DESK_IN_OUT, 100, 1);
    uint64_t addr = iokit_buffer_address(buffer);
    const struct iokit_range bad[] = {
        {0, 1}, {addr, 101}, {addr + 100, 1}, {addr, UINT64_MAX}, {UINT64_MAX, 2}};
    for (size_t i = 0; i < PL_COUNT_OF(bad); i++)
        assert_null(iokit_memory_with_ranges(&desk.iokit, desk.cpu, &bad[i], 1, DESK_IN_OUT));
    assert_null(iokit_memory_with_ranges(&desk.iokit, desk.cpu, bad, 0, DESK_IN_OUT));
    /* The buffer goes while it is described, but not prepared: the next prepare says so. */
    struct iokit_range good = {addr, 100};
    struct iokit_memory *memory = iokit_memory_with_ranges(&desk.iokit, desk.cpu, &good, 1, DESK_IN_OUT);
    assert_non_null(memory);
    desk_release(&desk, buffer);
    assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_CANNOT_WIRE);
    assert_int_equal(iokit_memory_read(memory, desk.cpu, 0, &good, 1), 0);
    desk_release(&desk, memory);
    desk_close(&desk);
}

/* Each grant of a descriptor over many ranges fails in turn. */
static void any_grant_of_ranges_may_fail(void **state)
{
    enum { COUNT = 200 };
    struct desk desk;
    struct iokit_range ranges[COUNT];
    struct iokit_memory *memory = NULL;
    (void)state;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *buffer = desk_make(&desk, DESK_IN_OUT, 100, 1);
    for (uint32_t i = 0; i < COUNT; i++)
        ranges[i] = (struct iokit_range){.addr = iokit_buffer_address(buffer) + i % 100, .bytes = 1};
    uint64_t held = desk.gate.held;
    uint64_t n = 0;
    while (memory == NULL) {
        desk.gate.fail_in = ++n;
        memory = iokit_memory_with_ranges(&desk.iokit, desk.cpu, ranges, COUNT, DESK_IN_OUT);
        assert_true(memory != NULL || desk.gate.held == held);
        assert_true(n < 16);
    }
    desk.gate.fail_in = 0;
    assert_true(n > 3);
    desk_release(&desk, memory);
    desk_release(&desk, buffer);
    desk_close(&desk);
}

/* --- handles, and who holds the memory --- */

static void held_memory_is_neither_unwired_nor_destroyed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct desk desk;
        desk_open(&desk, i == 0 ? CONTRACT_DOC : CONTRACT_REAL);
        struct iokit_memory *memory = desk_user(&desk, DESK_IN_OUT, 2 * P);
        assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_SUCCESS);
        assert_int_equal(iokit_memory_prepare(memory, desk.cpu, 0), IOKIT_SUCCESS);
        iokit_memory_hold(memory);
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_SUCCESS);
        assert_int_equal(desk.trap.count, 0);
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_BUSY);
        assert_string_equal(desk.trap.rule, "5.5");
        iokit_memory_release(memory, desk.cpu);
        assert_int_equal(desk.trap.count, 2);
        assert_int_equal(memory->wire_count, 1);
        assert_int_equal(memory->references, 1);
        assert_int_equal(pageout_step(&desk.pageout, desk.cpu, 100), 0);
        iokit_memory_unhold(memory);
        iokit_memory_unhold(memory);
        assert_string_equal(desk.trap.rule, "X-10");
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_SUCCESS);
        desk_release(&desk, memory);
        desk_close(&desk);
    }
}

static void stale_and_forged_handles_stop_at_the_door(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, CONTRACT_DOC);
    struct iokit_memory *keep = desk_make(&desk, DESK_IN_OUT, 100, 1);
    struct iokit_memory *dead = desk_make(&desk, DESK_IN_OUT, 100, 1);
    struct iokit_range range = {.addr = iokit_buffer_address(keep), .bytes = 100};
    struct iokit_memory *over = iokit_memory_with_ranges(&desk.iokit, desk.cpu, &range, 1, DESK_IN_OUT);
    uint64_t serial = dead->serial;
    assert_true(iokit_memory_check(&desk.iokit, dead));
    assert_true(iokit_memory_check(&desk.iokit, over));
    desk_release(&desk, dead);
    assert_false(iokit_memory_check(&desk.iokit, dead));
    assert_false(iokit_memory_check(&desk.iokit, NULL));
    assert_false(iokit_memory_check(&desk.iokit, (struct iokit_memory *)(void *)((char *)keep + 16)));
    assert_false(iokit_memory_check(&desk.iokit, (struct iokit_memory *)(void *)((char *)keep + 1)));
    uint64_t over_serial = over->serial;
    assert_true(iokit_memory_door(&desk.iokit, over, over_serial, "prepare"));
    desk_release(&desk, over);
    uint64_t traps = desk.trap.count;
    assert_false(iokit_memory_door(&desk.iokit, over, over_serial, "prepare"));
    assert_false(iokit_memory_door(&desk.iokit, dead, serial, "readBytes"));
    assert_false(iokit_memory_door(&desk.iokit, keep, keep->serial - 1, "setPurgeable"));
    assert_int_equal(desk.trap.count, traps + 3);
    assert_string_equal(desk.trap.rule, "X-10");
    desk_release(&desk, keep);
    desk_close(&desk);
}

static void ranges_are_no_buffer(void **state)
{
    (void)state;
    struct desk desk;
    desk_open(&desk, CONTRACT_DOC);
    uint32_t old = 99;
    struct iokit_memory *buffer = desk_make(&desk, DESK_IN_OUT, 100, 1);
    struct iokit_range range = {.addr = iokit_buffer_address(buffer), .bytes = 100};
    struct iokit_memory *over = iokit_memory_with_ranges(&desk.iokit, desk.cpu, &range, 1, DESK_IN_OUT);
    assert_false(iokit_buffer_is(over));
    assert_int_equal(iokit_buffer_set_purgeable(over, desk.cpu, IOKIT_PURGE_VOLATILE, &old), IOKIT_NOT_READY);
    assert_int_equal(old, 99);
    assert_int_equal(desk.trap.count, 0);
    iokit_buffer_set_length(over, 50);
    assert_int_equal(over->length, 100);
    assert_false(iokit_buffer_append(over, desk.cpu, "x", 1));
    assert_int_equal(iokit_buffer_capacity(over), 0);
    assert_int_equal(desk.trap.count, 3);
    desk_release(&desk, over);
    desk_release(&desk, buffer);
    desk_close(&desk);
}

static void a_wired_buffer_stays_wired_by_the_document(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct desk desk;
        desk_open(&desk, i == 0 ? CONTRACT_DOC : CONTRACT_REAL);
        struct iokit_memory *memory = desk_make(&desk, DESK_IN_OUT, P, 1);
        assert_int_equal(iokit_memory_complete(memory, desk.cpu), IOKIT_SUCCESS);
        assert_int_equal(memory->wire_count, i == 0);
        assert_int_equal(desk.trap.count, i == 0);
        desk_release(&desk, memory);
        assert_int_equal(desk.iokit.pinned, 0);
        desk_close(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare_and_complete_are_counted),
        cmocka_unit_test(wired_for_reading_is_not_written),
        cmocka_unit_test(segments_of_unwired_memory),
        cmocka_unit_test(bounds_do_not_wrap),
        cmocka_unit_test(lengths_and_appends_stay_in_the_capacity),
        cmocka_unit_test(purge_states),
        cmocka_unit_test(the_page_daemon_takes_in_order),
        cmocka_unit_test(memory_pressure_swaps_and_loses_nothing),
        cmocka_unit_test(without_a_swap_store_memory_just_ends),
        cmocka_unit_test(any_page_of_a_prepare_may_fail),
        cmocka_unit_test(ranges_read_what_buffers_hold),
        cmocka_unit_test(ranges_that_are_nowhere_are_refused),
        cmocka_unit_test(any_grant_of_ranges_may_fail),
        cmocka_unit_test(held_memory_is_neither_unwired_nor_destroyed),
        cmocka_unit_test(stale_and_forged_handles_stop_at_the_door),
        cmocka_unit_test(ranges_are_no_buffer),
        cmocka_unit_test(a_wired_buffer_stays_wired_by_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
