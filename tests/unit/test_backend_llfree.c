/* LLFree: numbers against bits, reservations, and calls that are left in the middle, by interrupts that
 * ignore every mask and by other CPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#include "../../allocators/llfree/llfree_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT   40000u
#define TREE_FRAMES UINT64_C(1024) /* with SMALL */
#define SMALL       "tree=2"

extern const struct pl_candidate pl_candidate_llfree;

static struct pl_run runs[RUN_LIMIT];

static enum pl_status open_ranges(struct stub *stub, const struct pl_range *ranges, uint32_t range_count,
                                  const char *params)
{
    stub_machine(stub, ranges, range_count);
    stub->ops = pl_candidate_llfree.page;
    stub->config.params = params;
    stub->meta_bytes = stub->ops->meta_bytes(&stub->config);
    size_t bytes =
        ((stub->meta_bytes != 0 ? stub->meta_bytes : sizeof(struct llfree)) + 4095) & ~(size_t)4095;
    stub->self = aligned_alloc(4096, bytes);
    assert_non_null(stub->self);
    memset(stub->self, 0, bytes);
    return stub->ops->init(stub->self, &stub->config);
}

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count, const char *params)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(open_ranges(stub, &range, 1, params), PL_OK);
}

static enum pl_status take_on(struct stub *stub, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    return stub->ops->alloc(stub->self, stub->cpus[cpu], &request, run);
}

static enum pl_status give_on(struct stub *stub, uint32_t cpu, const struct pl_run *run)
{
    return stub->ops->free(stub->self, stub->cpus[cpu], run);
}

static void expect_sound(struct stub *stub, uint64_t free_frames)
{
    struct stub_audit audit;
    if (stub_audit(stub, &audit) != 0)
        fail_msg("%s", audit.words);
    assert_int_equal(audit.frames, free_frames);
    assert_int_equal(stub_free_frames(stub), free_frames);
}

/* CPU 0's reservation for small blocks that cannot move. */
static uint64_t entry_of(const struct stub *stub, uint32_t cpu)
{
    const struct llfree *self = stub->self;
    return atomic_load(&self->zone[0].local[cpu].entry[0]);
}

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

/* One random step of a CPU: a block or a run taken, one given back, one split, a drain. */
static void random_step(struct stub *stub, uint64_t *seed, uint64_t *count)
{
    uint64_t dice = stub_random(seed);
    uint32_t cpu = (uint32_t)(dice >> 40) % 4;
    uint64_t pick = *count > 0 ? stub_random(seed) % *count : 0;
    if (*count > 0 && (dice % 100 < 45 || *count + 1024 > RUN_LIMIT)) {
        assert_int_equal(give_on(stub, cpu, &runs[pick]), PL_OK);
        runs[pick] = runs[--*count];
    } else if (dice % 100 < 85) {
        struct pl_request request = {.order = (uint8_t)((dice >> 32) % (LLFREE_MAX_ORDER + 1)),
                                     .mobility = (uint8_t)((dice >> 50) % PL_MOBILITY_COUNT),
                                     .node = PL_NODE_ANY};
        *count += stub->ops->alloc(stub->self, stub->cpus[cpu], &request, &runs[*count]) == PL_OK;
    } else if (dice % 100 < 90) {
        uint64_t frames = 1 + (dice >> 32) % 2000;
        *count += stub_alloc_run(stub, frames, 0, UINT64_MAX, 1, &runs[*count]) == PL_OK;
    } else if (dice % 100 < 95) {
        stub->ops->drain(stub->self, stub->cpus[0], stub->cpus[cpu]);
    } else if (*count > 0 && runs[pick].order != PL_ORDER_NONE && runs[pick].order > 6 &&
               stub->ops->split(stub->self, stub->cpus[cpu], &runs[pick], 5) == PL_OK) {
        struct pl_run whole = runs[pick];
        runs[pick] = (struct pl_run){.first = whole.first, .frame_count = 32, .order = 5};
        for (uint64_t at = 32; at < whole.frame_count; at += 32)
            runs[(*count)++] =
                (struct pl_run){.first = pl_frame_at(whole.first.number + at), .frame_count = 32, .order = 5};
    }
}

/* Machines of three trees, which four CPUs share, of ten, where each has one for everything, and of twenty,
 * where each has three. */
static const uint64_t machine_frames[] = {3000, 10000, 20000};

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

static struct {
    struct stub *stub;
    uint64_t calls;
    bool is_inside;
} second;

/* What CPU 1 does while CPU 0 is stopped. */
static void second_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct pl_run run;
    (void)cpu;
    (void)object;
    if (kind != PL_POINT_LABEL || second.is_inside)
        return;
    second.is_inside = true;
    second.calls++;
    assert_int_equal(take_on(second.stub, 1, 0, &run), PL_OK);
    assert_int_equal(give_on(second.stub, 1, &run), PL_OK);
    second.is_inside = false;
}

/* Three trees for four CPUs. CPU 0 takes nearly all frames one by one and gives them back, and is stopped at
 * each labelled point. Expect CPU 1 to be served each time, for one frame at most is in no number; and
 * nothing reserved. */
static void test_a_stopped_cpu_hides_no_shared_tree(void **state)
{
    (void)state;
    struct stub stub;
    open_at(&stub, 0, 3 * TREE_FRAMES, SMALL);
    memset(&second, 0, sizeof(second));
    second.stub = &stub;
    stub.platform.point = second_point;
    for (uint32_t round = 0; round < 2; round++) {
        uint64_t count = 0;
        while (count < 3 * TREE_FRAMES - 2)
            assert_int_equal(take_on(&stub, 0, 0, &runs[count++]), PL_OK);
        assert_int_equal(entry_of(&stub, 0) | entry_of(&stub, 1), 0);
        while (count > 0)
            assert_int_equal(give_on(&stub, 0, &runs[--count]), PL_OK);
        stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[0]);
    }
    stub.platform.point = NULL;
    assert_true(second.calls > 6 * TREE_FRAMES);
    expect_sound(&stub, 3 * TREE_FRAMES);
    stub_close(&stub);
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

/* ---- left in the middle ---- */

static struct {
    struct stub *stub;
    uint64_t seed;
    uint32_t depth;
    uint64_t calls;
    uint64_t misses;
    struct pl_run kept[64];
} nmi;

/* Runs at every labelled point, mask or no mask: takes a block, gives an old one back. */
static void nmi_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    (void)object;
    if (kind != PL_POINT_LABEL || nmi.depth > 1)
        return;
    nmi.depth++;
    uint64_t dice = stub_random(&nmi.seed);
    struct pl_run *kept = &nmi.kept[dice % PL_COUNT_OF(nmi.kept)];
    struct pl_request request = {.order = (uint8_t)((dice >> 32) % 12 < 8 ? 0 : (dice >> 40) % 11),
                                 .mobility = (uint8_t)((dice >> 52) % PL_MOBILITY_COUNT),
                                 .node = PL_NODE_ANY};
    struct pl_run run;
    nmi.calls++;
    if (kept->frame_count != 0) {
        run = *kept;
        kept->frame_count = 0;
        assert_int_equal(nmi.stub->ops->free(nmi.stub->self, cpu, &run), PL_OK);
    } else if (nmi.stub->ops->alloc(nmi.stub->self, cpu, &request, &run) != PL_OK) {
        nmi.misses += request.order == 0;
    } else if (kept->frame_count == 0) {
        *kept = run;
    } else { /* the deeper one was here */
        assert_int_equal(nmi.stub->ops->free(nmi.stub->self, cpu, &run), PL_OK);
    }
    if (dice >> 60 == 0)
        nmi.stub->ops->drain(nmi.stub->self, cpu, nmi.stub->cpus[dice >> 50 & 3]);
    nmi.depth--;
}

/* Random steps, and at each labelled point another call on the same CPU, with yet another inside it. Expect
 * no call to hang, no frame granted twice, and all numbers right whenever no call is unfinished. */
static void test_may_be_entered_at_every_point(void **state)
{
    (void)state;
    for (size_t m = 0; m < PL_COUNT_OF(machine_frames); m++) {
        struct stub stub;
        struct stub_audit audit;
        uint64_t seed = 7;
        uint64_t count = 0;
        open_at(&stub, 0x1234567, machine_frames[m], SMALL);
        memset(&nmi, 0, sizeof(nmi));
        nmi.stub = &stub;
        for (int step = 0; step < 20000; step++) {
            stub.platform.point = nmi_point;
            random_step(&stub, &seed, &count);
            stub.platform.point = NULL;
            if (step % 64 == 0 && stub_audit(&stub, &audit) != 0)
                fail_msg("step %d: %s", step, audit.words);
        }
        assert_true(nmi.calls > 20000);
        while (count > 0)
            assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
        for (size_t i = 0; i < PL_COUNT_OF(nmi.kept); i++)
            if (nmi.kept[i].frame_count != 0)
                assert_int_equal(stub_free(&stub, &nmi.kept[i]), PL_OK);
        expect_sound(&stub, machine_frames[m]);
        stub_close(&stub);
    }
}

/* ---- several CPUs ---- */

enum { CREW_FRAMES = 14000, CREW_STEPS = 20000, CREW_SLOTS = 200 };

static struct {
    struct stub *stub;
    uint64_t frames;
    atomic_uint owner[CREW_FRAMES]; /* CPU + 1 */
    atomic_uint mistakes;
    struct pl_run slots[STUB_CPU_COUNT][CREW_SLOTS];
} crew;

static void crew_mark(const struct pl_run *run, uint32_t from, uint32_t to)
{
    for (uint64_t i = 0; i < run->frame_count; i++)
        if (atomic_exchange_explicit(&crew.owner[run->first.number + i], to, memory_order_relaxed) != from)
            atomic_fetch_add(&crew.mistakes, 1);
}

static void *crew_member(void *argument)
{
    struct pl_cpu *cpu = argument;
    const struct stub *stub = crew.stub;
    uint64_t seed = cpu->id;
    for (int step = 0; step < CREW_STEPS; step++) {
        uint64_t dice = stub_random(&seed);
        struct pl_run *slot = &crew.slots[cpu->id][dice % CREW_SLOTS];
        if (slot->frame_count != 0) {
            crew_mark(slot, cpu->id + 1, 0);
            if (stub->ops->free(stub->self, cpu, slot) != PL_OK)
                atomic_fetch_add(&crew.mistakes, 1);
            slot->frame_count = 0;
            continue;
        }
        struct pl_request request = {.order = (uint8_t)((dice >> 32) % 4 != 0 ? 0 : (dice >> 40) % 11),
                                     .mobility = (uint8_t)((dice >> 52) % PL_MOBILITY_COUNT),
                                     .node = PL_NODE_ANY};
        struct pl_constraints want = {
            .frame_count = 1 + (dice >> 40) % 700, .high = {crew.frames}, .alignment = 1};
        enum pl_status status = (dice >> 32) % 64 == 0
                                    ? stub->ops->alloc_run(stub->self, cpu, &request, &want, slot)
                                    : stub->ops->alloc(stub->self, cpu, &request, slot);
        if (status == PL_OK)
            crew_mark(slot, 0, cpu->id + 1);
        else
            slot->frame_count = 0;
    }
    return NULL;
}

/* Four threads on three, five and fourteen trees, blocks of all orders and runs, with frames running out.
 * Expect no frame with two owners, no free refused, and all numbers right in the end. */
static void test_threads(void **state)
{
    static const uint64_t frames[] = {2100, 5000, CREW_FRAMES};
    (void)state;
    for (size_t f = 0; f < PL_COUNT_OF(frames); f++) {
        struct stub stub;
        pthread_t threads[STUB_CPU_COUNT];
        memset(&crew, 0, sizeof(crew));
        crew.stub = &stub;
        crew.frames = frames[f];
        open_at(&stub, 0, frames[f], SMALL);
        for (uint32_t i = 0; i < STUB_CPU_COUNT; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, crew_member, stub.cpus[i]), 0);
        for (uint32_t i = 0; i < STUB_CPU_COUNT; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crew.mistakes, 0);
        uint64_t granted = 0;
        for (uint32_t i = 0; i < STUB_CPU_COUNT * CREW_SLOTS; i++)
            granted += crew.slots[i / CREW_SLOTS][i % CREW_SLOTS].frame_count;
        expect_sound(&stub, frames[f] - granted);
        stub_close(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_numbers_agree_after_random_operations),
        cmocka_unit_test(test_reservations_keep_cpus_apart),
        cmocka_unit_test(test_kinds_have_trees_of_their_own),
        cmocka_unit_test(test_nothing_reserved_is_out_of_reach),
        cmocka_unit_test(test_a_stopped_cpu_hides_no_shared_tree),
        cmocka_unit_test(test_whole_children_touch_no_bits),
        cmocka_unit_test(test_a_take_of_several_words_is_undone),
        cmocka_unit_test(test_reservation_follows_frees),
        cmocka_unit_test(test_refuses_what_bits_can_see),
        cmocka_unit_test(test_audit_sees_every_wrong_bit),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_large_machines),
        cmocka_unit_test(test_may_be_entered_at_every_point),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
