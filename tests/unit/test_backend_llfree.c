/* LLFree: numbers against bits, reservations and kinds of trees. */
#include "llfree_fixture.h"

/* Every shape is filled and emptied by each order, with the smallest and the largest trees. Expect as many
 * blocks as an empty machine has, twice, and at last every frame. */
static void test_fills_and_empties_every_shape(void **state)
{
    static const char *const params[] = {SMALL, NULL};
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes) * PL_COUNT_OF(params); s++) {
        struct stub stub;
        const struct stub_shape *shape = &stub_shapes[s / 2];
        assert_int_equal(open_ranges(&stub, shape->ranges, shape->range_count, params[s % 2]), PL_OK);
        for (uint32_t order = 0; order <= LLFREE_MAX_ORDER; order++) {
            uint64_t count = stub_drain(&stub, order, runs, RUN_LIMIT);
            expect_sound(&stub, stub.machine.frame_count - (count << order));
            for (uint64_t i = 0; i < count; i++)
                assert_int_equal(give_on(&stub, (uint32_t)i % 4, &runs[i]), PL_OK);
            assert_int_equal(stub_drain(&stub, order, runs, RUN_LIMIT), count);
            while (count > 0)
                assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        }
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), stub.machine.frame_count);
        expect_sound(&stub, 0);
        stub_close(&stub);
    }
}

/* Random blocks, runs and splits of all orders and mobilities on four CPUs, from an odd base. Expect numbers,
 * bits and reservations to agree all along, and the machine whole again at the end. */
static void test_numbers_agree_after_random_operations(void **state)
{
    (void)state;
    for (size_t m = 0; m < PL_COUNT_OF(machine_frames); m++) {
        struct stub stub;
        struct stub_audit audit;
        uint64_t seed = 42;
        uint64_t count = 0;
        open_at(&stub, 0x1234567, machine_frames[m], SMALL);
        for (int step = 0; step < 20000; step++) {
            random_step(&stub, &seed, &count);
            if (step % 64 == 0 && stub_audit(&stub, &audit) != 0)
                fail_msg("step %d: %s", step, audit.words);
        }
        while (count > 0)
            assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        expect_sound(&stub, machine_frames[m]);
        stub_close(&stub);
    }
}

/* One of four CPUs asks in turn for a frame that cannot move, for one that can, and now and then for a block
 * of order 9, of 16 trees. Expect three trees that have one kind each, and every frame of them to be had when
 * one kind wants all. */
static void test_kinds_have_trees_of_their_own(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    uint64_t tree_of[LLFREE_KINDS] = {LLFREE_NONE, LLFREE_NONE, LLFREE_NONE};
    uint64_t left = 16 * TREE_FRAMES;
    open_at(&stub, 0, left, SMALL);
    for (uint32_t i = 0; i < 1500; i++) {
        struct pl_request request = {.node = PL_NODE_ANY};
        uint32_t kind = i % 512 == 2 ? LLFREE_WHOLE : i % 2 == 0 ? LLFREE_FIXED : LLFREE_MOVABLE;
        if (kind == LLFREE_WHOLE && i > 1000)
            continue; /* a tree has two */
        request.order = kind == LLFREE_WHOLE ? 9 : 0;
        request.mobility = i % 2 == 0 ? PL_MOBILITY_RECLAIMABLE : PL_MOBILITY_MOVABLE;
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[1], &request, &run), PL_OK);
        if (tree_of[kind] == LLFREE_NONE)
            tree_of[kind] = run.first.number / TREE_FRAMES;
        assert_int_equal(run.first.number / TREE_FRAMES, tree_of[kind]);
        left -= run.frame_count;
    }
    assert_int_not_equal(tree_of[LLFREE_FIXED], tree_of[LLFREE_MOVABLE]);
    assert_int_not_equal(tree_of[LLFREE_FIXED], tree_of[LLFREE_WHOLE]);
    assert_int_not_equal(tree_of[LLFREE_MOVABLE], tree_of[LLFREE_WHOLE]);
    expect_sound(&stub, left);
    assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), left);
    expect_sound(&stub, 0);
    stub_close(&stub);
}

/* CPU 0 fills a tree with frames that cannot move, CPU 1 frees them all, and CPU 2 takes blocks of order 9
 * until one is of that tree, which CPU 0 still has. Expect the tree to stay what it is reserved for. */
static void test_reserved_tree_stays_of_its_kind(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run = {.frame_count = 0};
    uint64_t left = 16 * TREE_FRAMES;
    open_at(&stub, 0, left, SMALL);
    for (uint64_t i = 0; i < TREE_FRAMES; i++)
        assert_int_equal(take_on(&stub, 0, 0, &runs[i]), PL_OK);
    uint64_t tree = runs[0].first.number / TREE_FRAMES;
    for (uint64_t i = 0; i < TREE_FRAMES; i++)
        assert_int_equal(give_on(&stub, 1, &runs[i]), PL_OK);
    do {
        assert_int_equal(take_on(&stub, 2, 9, &run), PL_OK);
        left -= run.frame_count;
    } while (run.first.number / TREE_FRAMES != tree);
    assert_int_equal(entry_of(&stub, 0) >> LLFREE_TREE_SHIFT, tree);
    expect_sound(&stub, left);
    assert_int_equal(take_on(&stub, 0, 0, &run), PL_OK);
    assert_int_equal(run.first.number / TREE_FRAMES, tree);
    expect_sound(&stub, left - 1);
    stub_close(&stub);
}

/* Two of four CPUs allocate in turn, 1000 frames each, from four trees. Expect each in a tree of its own,
 * next to where it was, and nothing reserved after a drain. */
static void test_reservations_keep_cpus_apart(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    uint64_t last[2] = {0, 0};
    open_at(&stub, 0, 4 * TREE_FRAMES, SMALL);
    for (uint32_t i = 0; i < 2000; i++) {
        assert_int_equal(take_on(&stub, i % 2, 0, &run), PL_OK);
        if (i >= 2)
            assert_int_equal(run.first.number, last[i % 2] + 1);
        last[i % 2] = run.first.number;
        assert_int_equal(entry_of(&stub, i % 2) >> LLFREE_TREE_SHIFT, run.first.number / TREE_FRAMES);
    }
    assert_int_not_equal(last[0] / TREE_FRAMES, last[1] / TREE_FRAMES);
    for (uint32_t cpu = 0; cpu < 4; cpu++)
        stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[cpu]);
    assert_int_equal(entry_of(&stub, 0) | entry_of(&stub, 1), 0);
    expect_sound(&stub, 4 * TREE_FRAMES - 2000);
    stub_close(&stub);
}

/* All of four trees is granted, the last by CPU 0, which leaves two frames of it, one in its own number and
 * one that CPU 1 freed. Expect CPU 2 to get a pair only if they are one, and each single frame in any case.
 */
static void test_nothing_reserved_is_out_of_reach(void **state)
{
    (void)state;
    for (uint32_t apart = 0; apart < 2; apart++) {
        struct stub stub;
        struct pl_run run = {.frame_count = 1};
        open_at(&stub, 0, 4 * TREE_FRAMES, SMALL);
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 4 * TREE_FRAMES);
        run.first.number = (entry_of(&stub, 0) >> LLFREE_TREE_SHIFT) * TREE_FRAMES + 10;
        assert_int_equal(give_on(&stub, 0, &run), PL_OK);
        run.first.number += 1 + apart;
        assert_int_equal(give_on(&stub, 1, &run), PL_OK);
        assert_int_equal(entry_of(&stub, 0) & LLFREE_LOCAL_FREE, 1);
        assert_int_equal(take_on(&stub, 2, 1, &run), apart ? PL_NO_MEMORY : PL_OK);
        expect_sound(&stub, apart ? 2 : 0);
        for (uint32_t i = 0; i < 2 && apart; i++)
            assert_int_equal(take_on(&stub, 3, 0, &run), PL_OK);
        assert_int_equal(take_on(&stub, 3, 0, &run), PL_NO_MEMORY);
        expect_sound(&stub, 0);
        stub_close(&stub);
    }
}

/* Blocks of order 9 and 10. Expect not a bit changed, by alloc or free; a split into order 8 to set them, and
 * a part of what was not split to be refused. */
static void test_whole_children_touch_no_bits(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run nine;
    struct pl_run ten;
    open_at(&stub, 0, 4 * TREE_FRAMES, SMALL);
    const struct llfree_zone *zone = &((struct llfree *)stub.self)->zone[0];
    assert_int_equal(stub_alloc(&stub, 9, &nine), PL_OK);
    assert_int_equal(stub_alloc(&stub, 10, &ten), PL_OK);
    for (uint64_t w = 0; w < 4 * TREE_FRAMES / 64; w++)
        assert_int_equal(zone->word[w], 0);
    assert_int_equal(llfree_child(zone, nine.first.number / 512, memory_order_relaxed), LLFREE_HUGE);
    assert_int_equal(stub_free_at(&stub, nine.first.number, 1, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, nine.first.number + 256, 256, 8), PL_REFUSED);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &nine, 8), PL_OK);
    for (uint64_t w = 0; w < 8; w++)
        assert_int_equal(zone->word[nine.first.number / 64 + w], UINT64_MAX);
    assert_int_equal(stub_free_at(&stub, nine.first.number + 256, 256, 8), PL_OK);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &ten, 9), PL_OK);
    assert_int_equal(stub_free_at(&stub, ten.first.number + 512, 512, 9), PL_OK);
    expect_sound(&stub, 4 * TREE_FRAMES - 256 - 512);
    stub_close(&stub);
}

/*  word   0          1            2
 *         [ clear ]  [ ..1..... ]  [ clear ]
 * Frames 10 to 180 are to be taken, which one granted frame in the middle forbids. Expect word 0 and the
 * child's number as they were; then, without that frame, all of them taken. */
static void test_a_take_of_several_words_is_undone(void **state)
{
    (void)state;
    struct stub stub;
    open_at(&stub, 0, 512, SMALL);
    const struct llfree_zone *zone = &((struct llfree *)stub.self)->zone[0];
    struct pl_run middle;
    assert_int_equal(stub_alloc_run(&stub, 1, 100, 101, 1, &middle), PL_OK);
    assert_false(llfree_lower_take_at(zone, 10, 170));
    assert_int_equal(zone->word[0], 0);
    assert_int_equal(zone->word[2], 0);
    expect_sound(&stub, 511);
    assert_int_equal(stub_alloc_run(&stub, 170, 10, 180, 1, &runs[0]), PL_NO_MEMORY);
    assert_int_equal(stub_free(&stub, &middle), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 170, 10, 180, 1, &runs[0]), PL_OK);
    expect_sound(&stub, 512 - 170);
    assert_int_equal(stub_free(&stub, &runs[0]), PL_OK);
    stub_close(&stub);
}

/* A CPU frees into a tree that is not its own. Expect its reservation there with the fourth free in a row,
 * not before, and not if a free into its own tree came between. */
static void test_reservation_follows_frees(void **state)
{
    (void)state;
    for (uint32_t between = 0; between < 2; between++) {
        struct stub stub;
        struct pl_run own[2];
        open_at(&stub, 0, 4 * TREE_FRAMES, SMALL);
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(take_on(&stub, 0, 0, &own[i]), PL_OK);
        assert_int_equal(stub_alloc_run(&stub, 512, 3 * TREE_FRAMES, 4 * TREE_FRAMES, 1, &runs[0]), PL_OK);
        assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &runs[0], 0), PL_OK);
        assert_int_not_equal(own[0].first.number / TREE_FRAMES, 3);
        for (uint64_t i = 0; i < 4; i++) {
            assert_int_equal(entry_of(&stub, 0) >> LLFREE_TREE_SHIFT, own[0].first.number / TREE_FRAMES);
            if (i == 2 && between != 0)
                assert_int_equal(give_on(&stub, 0, &own[1]), PL_OK);
            assert_int_equal(stub_free_at(&stub, 3 * TREE_FRAMES + i, 1, 0), PL_OK);
        }
        assert_int_equal(entry_of(&stub, 0) >> LLFREE_TREE_SHIFT == 3, between == 0);
        expect_sound(&stub, 4 * TREE_FRAMES - 512 - 2 + 4 + between);
        stub_close(&stub);
    }
}

/* Words that wrong frees name, and words that they do not. Expect what is visibly wrong refused, and nothing
 * changed by it. */
static void test_refuses_what_bits_can_see(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(60), .frame_count = 4},
                                      {.first = pl_frame_at(70), .frame_count = 10}};
    assert_int_equal(open_ranges(&stub, ranges, 2, NULL), PL_OK);
    assert_int_equal(stub_alloc(&stub, 2, &run), PL_OK);
    unsigned char *before = malloc(stub.meta_bytes);
    assert_non_null(before);
    memcpy(before, stub.self, stub.meta_bytes);
    for (uint64_t frame = 0; frame < 200; frame++)
        for (uint32_t order = 0; order < 5; order++)
            if (frame < run.first.number || frame + (1u << order) > run.first.number + 4)
                assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, run.first.number, 4, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, run.first.number, 0, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, run.first.number, UINT64_MAX, PL_ORDER_NONE), PL_REFUSED);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    free(before);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    expect_sound(&stub, 14);
    stub_close(&stub);
}

/* A bit of each structure is turned. Expect audit to say so each time. */
static void test_audit_sees_every_wrong_bit(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 2000, SMALL);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct llfree *self = stub.self;
    struct llfree_zone *zone = &self->zone[0];
    uint64_t tree = run.first.number / TREE_FRAMES;
    _Atomic uint64_t *const words[] = {&zone->word[0], &zone->word[31], &zone->local[0].entry[0],
                                       &zone->local[1].entry[0], &self->moves.begun};
    _Atomic uint32_t *const halves[] = {&zone->pair[0], &zone->pair[1], &zone->tree[0].entry,
                                        &zone->tree[1].entry};
    for (size_t i = 0; i < PL_COUNT_OF(words) + 2 * PL_COUNT_OF(halves); i++) {
        size_t half = i - PL_COUNT_OF(words);
        uint32_t turn = half % 2 == 0 ? 1 : LLFREE_RESERVED;
        for (int round = 0; round < 2; round++) {
            if (i < PL_COUNT_OF(words))
                *words[i] ^= i == 1 ? UINT64_C(1) << 40 : 1; /* frames 2000 and up are none */
            else
                *halves[half / 2] ^= turn;
            if (round == 0) {
                assert_true(stub_audit(&stub, &audit) > 0);
                assert_true(strncmp(audit.words, "llfree: ", 8) == 0);
            }
        }
        assert_int_equal(stub_audit(&stub, &audit), 0);
    }
    assert_true(tree < 2);
    stub_close(&stub);
}

static void test_params(void **state)
{
    static const struct {
        const char *text;
        uint32_t children; /* 0: bad */
    } cases[] = {{NULL, 32},      {"", 32},        {"tree=2", 2},  {"tree=4", 4},   {"tree=8", 8},
                 {"tree=16", 16}, {"tree=32", 32}, {"tree=1", 0},  {"tree=64", 0},  {"tree=", 0},
                 {"tree=3", 0},   {"tree=8,", 0},  {"tree=08", 0}, {"colour=1", 0}, {"tree=-2", 0}};
    const struct pl_range range = {.frame_count = 10};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct stub stub;
        char text[200];
        char wanted[20];
        enum pl_status status = open_ranges(&stub, &range, 1, cases[i].text);
        assert_int_equal(status, cases[i].children != 0 ? PL_OK : PL_INVALID);
        assert_int_equal(stub.meta_bytes != 0, cases[i].children != 0);
        if (status == PL_OK) {
            stub.ops->settings(stub.self, text, sizeof(text));
            snprintf(wanted, sizeof(wanted), "tree=%u ", cases[i].children);
            assert_memory_equal(text, wanted, strlen(wanted));
        }
        stub_close(&stub);
    }
}

/* 16 TiB. Expect less metadata than 0.14 bytes a frame; and a span that no number can count to be refused. */
static void test_large_machines(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_range range = {.frame_count = UINT64_C(1) << 32};
    stub_machine(&stub, &range, 1);
    size_t bytes = pl_candidate_llfree.page->meta_bytes(&stub.config);
    assert_true(bytes > (UINT64_C(1) << 29));
    assert_true(bytes < (UINT64_C(1) << 32) / 100 * 14);
    stub.machine.span = stub.ranges[0].frame_count = stub.machine.frame_count = UINT64_C(1) << 43;
    assert_int_equal(pl_candidate_llfree.page->meta_bytes(&stub.config), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_numbers_agree_after_random_operations),
        cmocka_unit_test(test_reservations_keep_cpus_apart),
        cmocka_unit_test(test_kinds_have_trees_of_their_own),
        cmocka_unit_test(test_reserved_tree_stays_of_its_kind),
        cmocka_unit_test(test_nothing_reserved_is_out_of_reach),
        cmocka_unit_test(test_whole_children_touch_no_bits),
        cmocka_unit_test(test_a_take_of_several_words_is_undone),
        cmocka_unit_test(test_reservation_follows_frees),
        cmocka_unit_test(test_refuses_what_bits_can_see),
        cmocka_unit_test(test_audit_sees_every_wrong_bit),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_large_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
