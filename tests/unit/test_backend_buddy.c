/* The buddy allocator: merging in any order, the cache of kept blocks, runs cut out of blocks, nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/buddy/buddy_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 6000u

extern const struct pl_candidate pl_candidate_buddy;

static struct pl_run runs[RUN_LIMIT];

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, &pl_candidate_buddy, &range, 1), PL_OK);
}

enum free_order { ASCENDING, DESCENDING, SHUFFLED, FREE_ORDER_COUNT };

static void free_all(struct stub *stub, uint64_t count, enum free_order how)
{
    uint64_t seed = 7;
    for (uint64_t left = count; left > 0; left--) {
        uint64_t pick = how == ASCENDING ? count - left : left - 1;
        if (how == SHUFFLED) {
            uint64_t other = stub_random(&seed) % left;
            struct pl_run swap = runs[other];
            runs[other] = runs[left - 1];
            runs[left - 1] = swap;
        }
        assert_int_equal(stub_free(stub, &runs[pick]), PL_OK);
    }
}

/* 4 largest blocks are cut into single frames and freed in three orders. Expect 4 largest blocks again. */
static void test_merges_to_the_top_in_any_order(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 4096, 4096);
    for (int how = ASCENDING; how < FREE_ORDER_COUNT; how++) {
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 4096);
        free_all(&stub, 4096, (enum free_order)how);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        assert_int_equal(audit.frames, 4096);
        /* A run merges what was kept, so what is left after it is on lists in full. */
        assert_int_equal(stub_alloc_run(&stub, 1024, 0, UINT64_MAX, 1024, &run), PL_OK);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        assert_int_equal(audit.blocks[BUDDY_MAX_ORDER], 3);
        assert_int_equal(stub_free(&stub, &run), PL_OK);
        assert_int_equal(stub_drain(&stub, BUDDY_MAX_ORDER, runs, RUN_LIMIT), 4);
        free_all(&stub, 4, SHUFFLED);
    }
    stub_close(&stub);
}

/* Expect every shape to give each frame once, twice over, and its largest blocks after that. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        struct stub_audit audit;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_buddy, shape->ranges, shape->range_count), PL_OK);
        uint64_t largest = stub_drain(&stub, BUDDY_MAX_ORDER, runs, RUN_LIMIT);
        free_all(&stub, largest, DESCENDING);
        for (int round = 0; round < 2; round++) {
            uint64_t count = stub_drain(&stub, 0, runs, RUN_LIMIT);
            assert_int_equal(count, stub.machine.frame_count);
            assert_int_equal(stub_audit(&stub, &audit), 0);
            assert_int_equal(audit.frames, 0);
            free_all(&stub, count, SHUFFLED);
        }
        assert_int_equal(stub_drain(&stub, BUDDY_MAX_ORDER, runs, RUN_LIMIT), largest);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        stub_close(&stub);
    }
}

static struct pl_page_counts counts_of(const struct stub *stub)
{
    struct pl_page_counts counts;
    stub->ops->count(stub->self, &counts);
    return counts;
}

static void expect_counts(const struct stub *stub, uint64_t free_frames, uint64_t cached)
{
    struct pl_page_counts counts = counts_of(stub);
    assert_int_equal(counts.free, free_frames);
    assert_int_equal(counts.cached, cached);
}

/*  frame  0 1 2 3    0 and 1 are freed: 1 stays kept, unmerged
 * Expect last freed, first granted; and order 1 served although its block has to be merged first. The kept
 * block is counted as cached, not as free. */
static void test_kept_block_is_merged_when_needed(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 4);
    assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 4);
    assert_int_equal(stub_free_at(&stub, 0, 1, 0), PL_OK);
    assert_int_equal(stub_free_at(&stub, 1, 1, 0), PL_OK);
    expect_counts(&stub, 1, 1);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(audit.blocks[0], 2);
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(run.first.number, 1);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_alloc(&stub, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 0);
    expect_counts(&stub, 0, 0);
    stub_close(&stub);
}

/* The same frames, then a drain of another CPU.
 * Expect one block of order 1, free, and nothing cached: what is kept is no CPU's own. */
static void test_any_drain_merges_what_is_kept(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    open_at(&stub, 0, 4);
    assert_true((stub.ops->caps & PL_CAP_BUDDY) != 0);
    assert_true((stub.ops->caps & PL_CAP_EXACT_COUNT) == 0);
    assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 4);
    assert_int_equal(stub_free_at(&stub, 0, 1, 0), PL_OK);
    assert_int_equal(stub_free_at(&stub, 1, 1, 0), PL_OK);
    stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[3]);
    expect_counts(&stub, 2, 0);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(audit.blocks[0], 0);
    assert_int_equal(audit.blocks[1], 1);
    stub_close(&stub);
}

struct pairs {
    struct pl_visitor visitor;
    unsigned char listed[BUDDY_ORDER_COUNT][64];
    uint64_t broken;
};

static void hear_listed(struct pl_visitor *visitor, const struct pl_block *block)
{
    if (block->state == PL_BLOCK_FREE)
        ((struct pairs *)visitor)->listed[block->order][block->first.number >> block->order] = 1;
}

static void hear_nothing(struct pl_visitor *visitor, const char *words)
{
    (void)words;
    ((struct pairs *)visitor)->broken++;
}

/* No two buddies below the largest order are both on the lists (F-22). */
static void expect_no_pair(const struct stub *stub)
{
    struct pairs pairs = {.visitor = {.block = hear_listed, .broken = hear_nothing}};
    assert_int_equal(stub->ops->audit(stub->self, &pairs.visitor), 0);
    for (uint32_t order = 0; order < BUDDY_MAX_ORDER; order++)
        for (uint64_t at = 0; at < 64; at += 2)
            assert_false(pairs.listed[order][at] && pairs.listed[order][at + 1]);
}

/* 4,000 random allocations, frees, runs and drains on 64 frames; most calls on a machine that is nearly full.
 * Expect no pair of buddies on the lists after any of them, and a call that fails to leave both counts and
 * the blocks of every order as they were, whatever it merged to find that out. */
static void test_lists_are_merged_after_every_operation(void **state)
{
    (void)state;
    struct stub stub;
    uint64_t seed = 11;
    uint64_t count = 0;
    uint64_t failed = 0;
    open_at(&stub, 0, 64);
    for (int step = 0; step < 4000; step++) {
        uint64_t dice = stub_random(&seed);
        struct stub_audit before;
        struct stub_audit after;
        struct pl_page_counts counts = counts_of(&stub);
        enum pl_status status = PL_OK;
        assert_int_equal(stub_audit(&stub, &before), 0);
        if (dice % 9 < 4) {
            status = stub_alloc(&stub, (uint32_t)(dice >> 8) % 5, &runs[count]);
            count += status == PL_OK;
        } else if (dice % 9 == 4) {
            status = stub_alloc_run(&stub, 1 + (dice >> 8) % 13, 0, UINT64_MAX, 1, &runs[count]);
            count += status == PL_OK;
        } else if (dice % 9 < 8 && count > 0) {
            uint64_t pick = (dice >> 8) % count;
            assert_int_equal(stub_free(&stub, &runs[pick]), PL_OK);
            runs[pick] = runs[--count];
        } else if (dice % 64 == 8) {
            stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[0]);
        }
        expect_no_pair(&stub);
        if (status == PL_OK)
            continue;
        failed++;
        expect_counts(&stub, counts.free, counts.cached);
        assert_int_equal(stub_audit(&stub, &after), 0);
        assert_memory_equal(before.blocks, after.blocks, sizeof(before.blocks));
    }
    assert_true(failed > 100);
    stub_close(&stub);
}

/*  frame  0  1  2  3  4  5  6  7  8  9 10 .. 15
 *         .  .  .  R  P  .  .  .  P  .  .          a run of 7 from 3 to 9
 * Expect the ends on the lists as the largest blocks, each half of the run refused, and one block after the
 * run is freed. */
static void test_run_is_cut_out_and_merges_back(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 16);
    assert_int_equal(stub_alloc_run(&stub, 7, 3, 10, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 3);
    assert_int_equal(run.order, PL_ORDER_NONE);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(audit.blocks[0], 1); /* 2 */
    assert_int_equal(audit.blocks[1], 2); /* 0, 10 */
    assert_int_equal(audit.blocks[2], 1); /* 12 */
    assert_int_equal(stub_free_at(&stub, 3, 1, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 4, 4, 2), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 8, 2, 1), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 3, 6, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 1), PL_INVALID);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_alloc(&stub, 4, &run), PL_OK);
    stub_close(&stub);
}

/* Two nodes; node 1 has 8 frames. Expect them to go to who asks for node 1, then node 0's unless forbidden.
 */
static void test_prefers_the_wanted_node(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 100},
                                      {.first = pl_frame_at(104), .frame_count = 8, .node = 1}};
    assert_int_equal(stub_open(&stub, &pl_candidate_buddy, ranges, 2), PL_OK);
    struct pl_request request = {.order = 1, .node = 1};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &runs[i]), PL_OK);
        assert_true(runs[i].first.number >= 104);
    }
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_NO_MEMORY);
    request.flags = 0;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
    assert_true(run.first.number < 100);
    /* Freed in halves: the block of order 1 on node 1 exists only after a merge. */
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &runs[0], 0), PL_OK);
    assert_int_equal(stub_free_at(&stub, runs[0].first.number, 1, 0), PL_OK);
    assert_int_equal(stub_free_at(&stub, runs[0].first.number + 1, 1, 0), PL_OK);
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.first.number, runs[0].first.number);
    stub_close(&stub);
}

/* Expect all wrong frees of a full and of an empty machine refused, and no count changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 64, 16);
    for (int full = 0; full < 2; full++) {
        if (full)
            assert_int_equal(stub_alloc(&stub, 4, &run), PL_OK);
        for (uint64_t frame = 60; frame < 84; frame++)
            for (uint32_t order = 0; order < 12; order++)
                if (!full || frame != 64 || order != 4)
                    assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
        assert_int_equal(stub_free_at(&stub, 64, 16, 3), PL_REFUSED);
        assert_int_equal(stub_free_at(&stub, 64, 0, 0), PL_REFUSED);
        assert_int_equal(stub_free_at(&stub, UINT64_MAX, 1, 0), PL_REFUSED);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        assert_int_equal(stub_free_frames(&stub), full ? 0 : 16);
    }
    stub_close(&stub);
}

/* States, links, bits and counts are made wrong one at a time. Expect audit to say so each time. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 64);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct buddy *self = stub.self;
    uint8_t *const bytes[] = {&self->state[0], &self->state[1], &self->state[8], &self->state[100]};
    for (size_t i = 0; i < PL_COUNT_OF(bytes); i++) {
        *bytes[i] ^= 1;
        assert_true(stub_audit(&stub, &audit) > 0);
        *bytes[i] ^= 1;
    }
    uint32_t *const words[] = {&self->node[0].nonempty, &self->node[0].head[3], &self->link[4].before,
                               &self->link[16].next};
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 16;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "buddy: ", 7) == 0);
        *words[i] ^= 16;
        assert_int_equal(stub_audit(&stub, &audit), 0);
    }
    stub_close(&stub);
}

/* Whole blocks are made wrong: not aligned, not merged, part of no run, listed for no frame, kept for nobody.
 * Expect audit to say each in its words. */
static void test_audit_names_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        uint64_t index;
        uint8_t state;
        const char *words;
    } wrong[] = {{8, BUDDY_FREE | 5, "is not aligned"},
                 {0, BUDDY_FREE | 3, "not merged (F-22)"},
                 {0, BUDDY_PART | 3, "is part of no run"},
                 {0, BUDDY_KEPT | 3, "knows nothing of it"}};
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 64);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct buddy *self = stub.self;
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        uint8_t before = self->state[wrong[i].index];
        self->state[wrong[i].index] = wrong[i].state;
        assert_true(stub_audit(&stub, &audit) > 0);
        if (strstr(audit.words, wrong[i].words) == NULL)
            fail_msg("'%s' is not '%s'", audit.words, wrong[i].words);
        self->state[wrong[i].index] = before;
    }
    uint32_t head = self->node[0].head[3];
    self->node[0].head[3] = 200; /* frame 400 is in no range */
    assert_true(stub_audit(&stub, &audit) >= 2);
    self->node[0].head[3] = head;
    buddy_kept_set(&self->node[0], 2, 4);
    assert_int_equal(stub_audit(&stub, &audit), 1);
    assert_non_null(strstr(audit.words, "is not marked so"));
    buddy_kept_set(&self->node[0], 2, BUDDY_NO_INDEX);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges_to_the_top_in_any_order),
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_kept_block_is_merged_when_needed),
        cmocka_unit_test(test_any_drain_merges_what_is_kept),
        cmocka_unit_test(test_lists_are_merged_after_every_operation),
        cmocka_unit_test(test_run_is_cut_out_and_merges_back),
        cmocka_unit_test(test_prefers_the_wanted_node),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_audit_names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
