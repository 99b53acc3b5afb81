/* The non-blocking buddy system: words, marks, index and hints while nobody comes between. */
#include "nbbs_fixture.h"

/* Every shape is filled and emptied by each order. Expect as many blocks as an empty machine has, twice, and
 * in the end every frame, one by one. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * PL_COUNT_OF(stub_shapes); c++) {
        struct stub stub;
        const struct stub_shape *shape = &stub_shapes[c / 2];
        assert_int_equal(stub_open(&stub, candidates[c % 2], shape->ranges, shape->range_count), PL_OK);
        for (uint32_t order = 0; order <= NBBS_MAX_ORDER; order++) {
            uint64_t count = stub_drain(&stub, order, runs, RUN_LIMIT);
            expect_sound(&stub, stub.machine.frame_count - (count << order));
            for (uint64_t i = 0; i < count; i++)
                assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
            assert_int_equal(stub_drain(&stub, order, runs, RUN_LIMIT), count);
            while (count > 0)
                assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        }
        /* From a start in the middle, all the way round. */
        uint64_t frames = 0;
        while (alloc_on(&stub, STUB_CPU_COUNT - 1, 0, &runs[frames]) == PL_OK)
            frames++;
        assert_int_equal(frames, stub.machine.frame_count);
        expect_sound(&stub, 0);
        stub_close(&stub);
    }
}

/* Random blocks of all orders on four CPUs in turn, on 10,000 frames from an odd base. Expect marks, index
 * and hints to agree all along, and the machine whole again in the end. */
static void test_words_agree_after_random_operations(void **state)
{
    (void)state;
    for (size_t c = 0; c < PL_COUNT_OF(candidates); c++) {
        struct stub stub;
        struct stub_audit fresh;
        struct stub_audit audit;
        uint64_t seed = 42;
        uint64_t count = 0;
        uint64_t held = 0;
        open_at(&stub, candidates[c], 0x1234567, 10000);
        assert_int_equal(stub_audit(&stub, &fresh), 0);
        for (int step = 0; step < 20000; step++) {
            uint64_t dice = stub_random(&seed);
            if (count > 0 && dice % 100 < 48) {
                uint64_t pick = stub_random(&seed) % count;
                assert_int_equal(stub_free(&stub, &runs[pick]), PL_OK);
                held -= runs[pick].frame_count;
                runs[pick] = runs[--count];
            } else if (count < RUN_LIMIT) {
                uint32_t order = (uint32_t)(dice >> 32) % (NBBS_MAX_ORDER + 1);
                if (dice % 100 < 90)
                    order %= 4;
                if (alloc_on(&stub, (uint32_t)(dice >> 40) % STUB_CPU_COUNT, order, &runs[count]) == PL_OK)
                    held += runs[count++].frame_count;
            }
            if (step % 128 == 0)
                expect_sound(&stub, 10000 - held);
        }
        while (count > 0)
            assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        assert_memory_equal(audit.blocks, fresh.blocks, sizeof(fresh.blocks));
        stub_close(&stub);
    }
}

/*  word of tier 0      1.......   one frame granted
 *  word of tier 1      left mark of its first leaf
 *  word of tier 2      left mark of its first leaf
 * Expect exactly these bits while the frame is granted, and none of them afterwards. */
static void test_marks_climb_and_go(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_at(&stub, &pl_candidate_nbbs, 0, 2048);
    const struct nbbs *self = stub.self;
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(run.first.number, 0);
    assert_int_equal(self->tier[0][0] & NBBS_STATUS, 1);
    assert_int_equal(self->tier[1][0] & NBBS_STATUS, UINT64_C(1) << NBBS_LEFT);
    assert_int_equal(self->tier[2][0] & NBBS_STATUS, UINT64_C(1) << NBBS_LEFT);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    for (uint32_t tier = 0; tier < NBBS_TIERS; tier++)
        assert_int_equal(self->tier[tier][0] & NBBS_STATUS, 0);
    expect_sound(&stub, 2048);
    stub_close(&stub);
}

/* What grants a block over `word` of tier 0 while its frame is being taken: a watcher of the labelled point
 * between the two steps. */
static struct nbbs *watched;
static uint32_t watched_tier;

static void grant_above(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    (void)cpu;
    (void)object;
    if (kind == PL_POINT_LABEL && watched != NULL)
        watched->tier[watched_tier][0] |= 1;
}

/* A frame is taken below a block that is granted already, or that is granted between the take and its climb.
 * Expect the take to fail, to leave no bit, and to go on behind the block. */
static void test_take_below_a_grant_fails(void **state)
{
    (void)state;
    for (uint32_t tier = 1; tier < NBBS_TIERS; tier++) {
        for (int64_t races = 0; races < 2; races++) {
            struct stub stub;
            uint64_t next;
            open_at(&stub, &pl_candidate_nbbs_hint, 0, 4096);
            struct nbbs *self = stub.self;
            stub.platform.point = races ? grant_above : NULL;
            watched = self;
            watched_tier = tier;
            if (!races)
                self->tier[tier][0] |= 1;
            assert_int_equal(nbbs_take(self, stub.cpus[0], 0, 1, NBBS_ALL_LEAVES, &next), NBBS_NONE);
            assert_int_equal(next, tier == 1 ? 2 : 32);
            assert_int_equal(self->cpus[0].undone, races);
            assert_int_equal(self->tier[tier][0] & NBBS_STATUS, 1);
            self->tier[tier][0] &= ~UINT64_C(1);
            watched = NULL;
            expect_sound(&stub, 4096);
            stub_close(&stub);
        }
    }
}

/* A free has made a word 0 and stops there; its mark is still above. Another CPU takes in that word and
 * comes by; then the free goes on. Expect the mark to stay. And the other way round: the second grant is gone
 * again before the free goes on. Expect the mark to go. */
static void test_late_unmark_respects_a_new_grant(void **state)
{
    (void)state;
    for (int stays = 0; stays < 2; stays++) {
        struct stub stub;
        struct pl_run run;
        struct pl_run other = {0};
        open_at(&stub, &pl_candidate_nbbs, 0, 2048);
        struct nbbs *self = stub.self;
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_int_equal(stub_alloc(&stub, 0, &other), PL_OK);
        /* The word loses its only other bit by hand, as if that free were in front of its second half. */
        assert_int_equal(stub_free(&stub, &run), PL_OK);
        assert_int_equal(self->tier[0][0] & NBBS_STATUS, 2);
        self->tier[0][0] &= ~UINT64_C(2);
        self->index[1] = 0;
        if (stays)
            assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        self->tier[0][0] |= 2;
        nbbs_release(self, stub.cpus[1], 0, 0, 2);
        nbbs_add(stub.cpus[1], &self->cpus[1].given, 1);
        expect_sound(&stub, stays ? 2047 : 2048);
        stub_close(&stub);
    }
}

/* By free leaves, of all 256 words. Expect the table to say what the nodes are. */
static void test_fit_is_the_largest_node(void **state)
{
    (void)state;
    for (uint32_t leaves = 0; leaves <= NBBS_ALL_LEAVES; leaves++)
        for (uint32_t k = 0; k < NBBS_TIER_ORDER; k++)
            assert_int_equal(k < nbbs_fit[leaves], nbbs_nodes(leaves, k) != 0);
}

/* Frames at both sides of a hole, and the hole itself. Expect refusals only, and not a bit changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(60), .frame_count = 4},
                                      {.first = pl_frame_at(70), .frame_count = 10}};
    assert_int_equal(stub_open(&stub, &pl_candidate_nbbs_hint, ranges, 2), PL_OK);
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
    assert_int_equal(stub_free_at(&stub, 60, 4, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, 5, 2), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, UINT64_MAX, 1, 0), PL_REFUSED);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    free(before);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    stub_close(&stub);
}

/* Two nodes whose frames share a word. Expect a node's frames while it has any, then none with NODE_ONLY. */
static void test_nodes_share_a_word(void **state)
{
    (void)state;
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 3},
                                      {.first = pl_frame_at(4), .frame_count = 4, .node = 1}};
    for (size_t c = 0; c < PL_COUNT_OF(candidates); c++) {
        struct stub stub;
        struct pl_run run;
        struct pl_request request = {.node = 1, .flags = PL_REQUEST_NODE_ONLY};
        assert_int_equal(stub_open(&stub, candidates[c], ranges, 2), PL_OK);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[i % 4], &request, &run), PL_OK);
            assert_true(run.first.number >= 4);
        }
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_NO_MEMORY);
        request.flags = 0;
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
        assert_true(run.first.number < 3);
        expect_sound(&stub, 2);
        stub_close(&stub);
    }
}

/* All frames are granted, one far away is freed: the hints were all taken away before. Expect it to be found,
 * and every hint of an order that it cannot serve to be gone. */
static void test_hints_follow_what_is_free(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_at(&stub, &pl_candidate_nbbs_hint, 0, 8192);
    struct nbbs *self = stub.self;
    assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 8192);
    assert_int_equal(stub_alloc(&stub, 1, &run), PL_NO_MEMORY);
    for (uint32_t order = 0; order < 2; order++)
        assert_int_equal(nbbs_hint_next(self, order, 0), NBBS_NONE);
    assert_int_equal(stub_free_at(&stub, 7777, 1, 0), PL_OK);
    assert_int_equal(nbbs_hint_next(self, 0, 0), 7777 / 8);
    assert_int_equal(nbbs_hint_next(self, 0, 7777 / 8 + 1), NBBS_NONE);
    assert_int_equal(nbbs_hint_next(self, 1, 0), NBBS_NONE);
    expect_sound(&stub, 1);
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(run.first.number, 7777);
    stub_close(&stub);
}

/* A block of order 11 is granted, and looked into in vain, which takes the hints below it away. Expect them
 * back with the block. */
static void test_freed_block_brings_its_hints_back(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct pl_run frame;
    open_at(&stub, &pl_candidate_nbbs_hint, 0, 2048);
    struct nbbs *self = stub.self;
    assert_int_equal(stub_alloc(&stub, 11, &run), PL_OK);
    for (uint32_t order = 0; order < NBBS_MAX_ORDER; order++) {
        assert_int_equal(nbbs_scan(self, stub.cpus[0], order, 0, 1, &self->whole), NBBS_NONE);
        assert_int_equal(stub_alloc(&stub, order, &frame), PL_NO_MEMORY);
        assert_int_equal(nbbs_hint_next(self, order, 0), NBBS_NONE);
    }
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    expect_sound(&stub, 2048);
    for (uint32_t order = 0; order <= NBBS_MAX_ORDER; order++)
        assert_int_equal(nbbs_hint_next(self, order, 0), 0);
    stub_close(&stub);
}

/* start=last: a frame freed behind the CPU's start, in a word of its own. Expect it next, where start=cpu
 * takes the first free frame from the CPU's start. */
static void test_start_is_a_parameter(void **state)
{
    static const struct {
        const char *text;
        enum pl_status status;
        uint64_t frame;
    } cases[] = {
        {NULL, PL_OK, 5},
        {"", PL_OK, 5},
        {"start=cpu", PL_OK, 5},
        {"start=last", PL_OK, 90},
        {"start=", PL_INVALID, 0},
        {"start", PL_INVALID, 0},
        {"start=last,", PL_INVALID, 0},
        {"start=lastx", PL_INVALID, 0},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct stub stub;
        struct pl_run run;
        char text[120];
        open_at(&stub, &pl_candidate_nbbs, 0, 1024);
        memset(stub.self, 0, stub.meta_bytes);
        stub.config.params = cases[i].text;
        assert_int_equal(stub.ops->init(stub.self, &stub.config), cases[i].status);
        if (cases[i].status != PL_OK) {
            stub.ops = NULL;
            stub_close(&stub);
            continue;
        }
        for (uint32_t frame = 0; frame < 100; frame++)
            assert_int_equal(stub_alloc(&stub, 0, &runs[frame]), PL_OK);
        assert_int_equal(stub_free_at(&stub, 5, 1, 0), PL_OK);
        assert_int_equal(stub_free_at(&stub, 90, 1, 0), PL_OK);
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_int_equal(run.first.number, cases[i].frame);
        stub.ops->settings(stub.self, text, sizeof(text));
        assert_non_null(strstr(text, cases[i].frame == 90 ? "start=last" : "start=cpu"));
        stub_close(&stub);
    }
    struct stub stub;
    open_at(&stub, &pl_candidate_nbbs_hint, 0, 64);
    stub.config.params = "start=last";
    assert_int_equal(stub.ops->init(stub.self, &stub.config), PL_INVALID);
    stub_close(&stub);
}

/* A bit of each structure is turned. Expect audit to say so each time. */
static void test_audit_sees_every_wrong_bit(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, &pl_candidate_nbbs_hint, 0, 8192);
    assert_int_equal(stub_alloc(&stub, 2, &run), PL_OK);
    assert_int_equal(stub_alloc(&stub, 5, &run), PL_OK);
    struct nbbs *self = stub.self;
    nbbs_word *const words[] = {&self->tier[0][0], &self->tier[0][9], &self->tier[1][0],
                                &self->tier[1][7], &self->tier[2][0], &self->tier[2][1]};
    for (size_t i = 0; i < 3 * PL_COUNT_OF(words); i++) {
        uint64_t bit = UINT64_C(1) << (8 * (i % 3));
        *words[i / 3] ^= bit;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "nbbs: ", 6) == 0);
        *words[i / 3] ^= bit;
    }
    const uint64_t frames[] = {0, 1, 4, 32, 48, 64, 100, 8191};
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        self->index[frames[i]] ^= 6;
        assert_true(stub_audit(&stub, &audit) > 0);
        self->index[frames[i]] ^= 6;
    }
    for (uint32_t order = 0; order <= NBBS_MAX_ORDER; order++) {
        nbbs_word *hint = self->hint[order / 4][order % 4].level[0];
        uint64_t before = *hint;
        *hint = 0;
        assert_true(stub_audit(&stub, &audit) > 0);
        *hint = before;
    }
    self->cpus[0].given++;
    assert_true(stub_audit(&stub, &audit) > 0);
    self->cpus[0].given--;
    expect_sound(&stub, 8192 - 4 - 32);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_words_agree_after_random_operations),
        cmocka_unit_test(test_marks_climb_and_go),
        cmocka_unit_test(test_take_below_a_grant_fails),
        cmocka_unit_test(test_late_unmark_respects_a_new_grant),
        cmocka_unit_test(test_fit_is_the_largest_node),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_nodes_share_a_word),
        cmocka_unit_test(test_hints_follow_what_is_free),
        cmocka_unit_test(test_freed_block_brings_its_hints_back),
        cmocka_unit_test(test_start_is_a_parameter),
        cmocka_unit_test(test_audit_sees_every_wrong_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
