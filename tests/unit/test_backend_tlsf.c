/* Two-level segregated fit: classes against brute force, joining, what one call may touch, bounded runs. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/tlsf/tlsf_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 6000u

extern const struct pl_candidate pl_candidate_tlsf;
extern const struct pl_candidate pl_candidate_tlsf_runs;

static struct pl_run runs[RUN_LIMIT];

static void open_as(struct stub *stub, const struct pl_candidate *candidate, uint64_t first,
                    uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, candidate, &range, 1), PL_OK);
}

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count)
{
    open_as(stub, &pl_candidate_tlsf, first, frame_count);
}

static void expect_sound(const struct stub *stub)
{
    struct stub_audit audit;
    uint64_t broken = stub_audit(stub, &audit);
    if (broken != 0)
        fprintf(stderr, "%s\n", audit.words);
    assert_int_equal(broken, 0);
    assert_int_equal(audit.frames, stub_free_frames(stub));
}

/* Takes every frame singly, so that a test can free the ones it wants; runs[i] is frame first + i. */
static void take_all(struct stub *stub)
{
    uint64_t count = stub_drain(stub, 0, runs, RUN_LIMIT);
    assert_int_equal(count, stub->machine.frame_count);
    assert_int_equal(runs[count - 1].first.number, runs[0].first.number + count - 1);
}

static void give(struct stub *stub, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(stub_free(stub, &runs[i]), PL_OK);
}

/* Every block of up to 200 frames at every place modulo 64, and some large ones.
 * Expect the first level to be the largest order of which it holds a natural block, by trying. */
static void test_first_level_is_the_largest_aligned_order(void **state)
{
    (void)state;
    for (uint64_t number = 64; number < 128; number++) {
        struct tlsf self = {.shift = number - 1};
        for (uint64_t length = 1; length < 200; length++) {
            uint32_t best = 0;
            for (uint32_t order = 0; order < 8; order++)
                for (uint64_t at = number; at + (UINT64_C(1) << order) <= number + length; at++)
                    if (at % (UINT64_C(1) << order) == 0)
                        best = order;
            struct tlsf_class at = tlsf_class_of(&self, 1, length);
            assert_int_equal(at.first, best);
            /* Longer blocks of a first level are on later lists. */
            if (length > 1 && tlsf_class_of(&self, 1, length - 1).first == best)
                assert_true(tlsf_class_of(&self, 1, length - 1).second <= at.second);
        }
    }
    struct tlsf self = {.shift = UINT64_MAX};
    assert_int_equal(tlsf_class_of(&self, 1, TLSF_SPAN_MAX - 2).first, 31);
    assert_int_equal(tlsf_class_of(&self, 2, (UINT64_C(1) << 31) - 1).first, 30);
    assert_int_equal(tlsf_class_of(&self, 2, TLSF_SPAN_MAX - 3).second, TLSF_SECOND_COUNT - 1);
}

/* Expect every shape to give each frame once, twice over, and to be one block a range after that. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_tlsf, shape->ranges, shape->range_count), PL_OK);
        const struct tlsf *self = stub.self;
        for (int round = 0; round < 2; round++) {
            uint64_t count = stub_drain(&stub, 0, runs, RUN_LIMIT);
            uint64_t seed = 7;
            assert_int_equal(count, stub.machine.frame_count);
            expect_sound(&stub);
            for (uint64_t left = count; left > 0; left--) {
                uint64_t pick = stub_random(&seed) % left;
                assert_int_equal(stub_free(&stub, &runs[pick]), PL_OK);
                runs[pick] = runs[left - 1];
            }
            expect_sound(&stub);
        }
        for (uint32_t i = 0; i < shape->range_count; i++) {
            uint64_t index = shape->ranges[i].first.number - self->shift;
            assert_int_equal(self->record[index].kind, TLSF_FREE);
            assert_int_equal(self->record[index].frame_count, shape->ranges[i].frame_count);
        }
        stub_close(&stub);
    }
}

/* Is there a natural block of this order among the frames that are not owned? */
static bool has_block(const unsigned char *owned, uint64_t first, uint64_t frame_count, uint32_t order)
{
    uint64_t length = 0;
    for (uint64_t i = 0; i < frame_count; i++) {
        length = owned[i] ? 0 : length + 1;
        uint64_t end = first + i + 1;
        if (length >= UINT64_C(1) << order && end % (UINT64_C(1) << order) == 0)
            return true;
    }
    return false;
}

/* 6,000 random calls on 300 frames at an odd base, most of the time nearly full, with splits.
 * Expect each request served iff a natural block is free, no frame owned twice, and a sound structure. */
static void test_finds_every_block_there_is(void **state)
{
    (void)state;
    enum { FIRST = 1237, FRAMES = 300 };
    struct stub stub;
    unsigned char owned[FRAMES] = {0};
    uint64_t seed = 5;
    uint64_t count = 0;
    uint64_t failed = 0;
    open_at(&stub, FIRST, FRAMES);
    for (int step = 0; step < 6000; step++) {
        uint64_t dice = stub_random(&seed);
        uint32_t order = (uint32_t)(dice >> 8) % 7;
        struct pl_run run;
        if (dice % 16 < 8) {
            enum pl_status status = stub_alloc(&stub, order, &run);
            assert_int_equal(status, has_block(owned, FIRST, FRAMES, order) ? PL_OK : PL_NO_MEMORY);
            failed += status != PL_OK;
            for (uint64_t i = 0; status == PL_OK && i < run.frame_count; i++)
                assert_int_equal(owned[run.first.number - FIRST + i]++, 0);
            if (status == PL_OK)
                runs[count++] = run;
        } else if (count > 0) {
            uint64_t pick = (dice >> 16) % count;
            run = runs[pick];
            if (dice % 16 == 8 && run.order > 0) {
                assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, run.order - 1), PL_OK);
                assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
                runs[pick].frame_count /= 2;
                runs[pick].order--;
                runs[count] = runs[pick];
                runs[count++].first.number += runs[pick].frame_count;
                continue;
            }
            assert_int_equal(stub_free(&stub, &run), PL_OK);
            memset(&owned[run.first.number - FIRST], 0, run.frame_count);
            runs[pick] = runs[--count];
        }
        expect_sound(&stub);
    }
    assert_true(failed > 100);
    stub_close(&stub);
}

static uint64_t records_changed(const struct stub *stub, const struct tlsf_record *before)
{
    const struct tlsf *self = stub->self;
    uint64_t changed = 0;
    for (uint64_t i = 0; i < self->index_count; i++)
        changed += memcmp(&self->record[i], &before[i], sizeof(before[i])) != 0;
    return changed;
}

/*  frame   0 .. 1023  1024 .. 2047  2048 .. 4095
 *          free       granted       free          and free blocks of each class on lists
 * The middle is freed, then a block is taken and freed. Expect each call to change at most ten records,
 * however many frames it joins or cuts: its own ends, those of two neighbours, and the links of three lists.
 */
static void test_touches_ends_only(void **state)
{
    (void)state;
    static struct tlsf_record before[RUN_LIMIT];
    struct stub stub;
    open_at(&stub, 0, 5000);
    const struct tlsf *self = stub.self;
    for (int i = 0; i < 4; i++)
        assert_int_equal(stub_alloc(&stub, 10, &runs[i]), PL_OK);
    const int order_of_frees[] = {0, 2, 1, 3};
    for (int i = 0; i < 4; i++) {
        memcpy(before, self->record, self->index_count * sizeof(*before));
        assert_int_equal(stub_free(&stub, &runs[order_of_frees[i]]), PL_OK);
        assert_true(records_changed(&stub, before) <= 10);
        assert_true(records_changed(&stub, before) > 0);
    }
    assert_int_equal(self->record[1].frame_count, 5000);
    for (uint32_t order = 0; order <= TLSF_MAX_ORDER; order++) {
        memcpy(before, self->record, self->index_count * sizeof(*before));
        assert_int_equal(stub_alloc(&stub, order, &runs[order]), PL_OK);
        assert_true(records_changed(&stub, before) <= 10);
    }
    expect_sound(&stub);
    stub_close(&stub);
}

/*  frame  3  4  5  6  7  8  9        free: 4 to 6, and 8
 * Expect one block of three although 4 and 5 are no pair with 6; 8 served first, as the tightest, then the
 * three from below. */
static void test_joins_what_is_no_pair(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_at(&stub, 0, 64);
    const struct tlsf *self = stub.self;
    take_all(&stub);
    give(&stub, 8, 9);
    give(&stub, 5, 7);
    give(&stub, 4, 5);
    assert_int_equal(self->record[4 - self->shift].frame_count, 3);
    assert_int_equal(self->record[6 - self->shift].kind, TLSF_TAIL);
    static const uint64_t wanted[] = {8, 4, 5, 6};
    for (size_t i = 0; i < PL_COUNT_OF(wanted); i++) {
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_int_equal(run.first.number, wanted[i]);
    }
    expect_sound(&stub);
    stub_close(&stub);
}

/* Two nodes; node 1 has 8 frames. Expect them to go to who asks for node 1, then node 0's unless forbidden;
 * a frame freed goes back to its own node. */
static void test_prefers_the_wanted_node(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 100},
                                      {.first = pl_frame_at(104), .frame_count = 8, .node = 1}};
    assert_int_equal(stub_open(&stub, &pl_candidate_tlsf, ranges, 2), PL_OK);
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
    assert_int_equal(stub_free(&stub, &runs[2]), PL_OK);
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.first.number, runs[2].first.number);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Expect all wrong frees of a full and of an empty machine refused, and no count changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
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
        assert_int_equal(stub_free_at(&stub, 0, 1, 0), PL_REFUSED);
        expect_sound(&stub);
        assert_int_equal(stub_free_frames(&stub), full ? 0 : 16);
    }
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 5), PL_INVALID);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 11), PL_UNSUPPORTED);
    run.first.number++;
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 0), PL_REFUSED);
    stub_close(&stub);
}

/* A run of 7 without a window, out of blocks of 6, 9 and 40. Expect the 9, which is the shortest that a good
 * fit is sure of; with an alignment of 8, the 40; and halves of the run refused. */
static void test_run_takes_the_tightest(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_as(&stub, &pl_candidate_tlsf_runs, 0, 128);
    take_all(&stub);
    give(&stub, 1, 7);
    give(&stub, 10, 19);
    give(&stub, 60, 100);
    assert_int_equal(stub_alloc_run(&stub, 7, 0, UINT64_MAX, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 10);
    assert_int_equal(run.order, PL_ORDER_NONE);
    assert_int_equal(stub_free_at(&stub, 10, 1, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 12, 4, 2), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 10, 6, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 1), PL_INVALID);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 7, 0, UINT64_MAX, 8, &run), PL_OK);
    assert_int_equal(run.first.number, 64);
    expect_sound(&stub);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 7, 80, 90, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 80);
    assert_int_equal(stub_alloc_run(&stub, 20, 80, 90, 1, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, 20, 80, 100, 1, &run), PL_NO_MEMORY);
    assert_int_equal(stub_alloc_run(&stub, 20, 0, 128, 3, &run), PL_INVALID);
    assert_int_equal(stub_alloc_run(&stub, 0, 0, 128, 1, &run), PL_INVALID);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, 128, UINT64_C(1) << 63, &run), PL_NO_MEMORY);
    give(&stub, 0, 1);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, 128, UINT64_C(1) << 63, &run), PL_OK);
    assert_int_equal(run.first.number, 0);
    assert_int_equal(stub_alloc_run(&stub, 1, 1, 128, UINT64_C(1) << 63, &run), PL_NEVER);
    stub_close(&stub);
}

/* 40 holes of two frames; the one in the window was freed first, so it is last on its list.
 * Expect no memory: a bounded search does not get there. Without a window any of them serves. */
static void test_run_search_is_bounded(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_as(&stub, &pl_candidate_tlsf_runs, 0, 128);
    take_all(&stub);
    for (uint64_t i = 0; i < 40; i++)
        give(&stub, i * 3, i * 3 + 2);
    assert_int_equal(stub_alloc_run(&stub, 2, 0, 3, 1, &run), PL_NO_MEMORY);
    expect_sound(&stub);
    assert_int_equal(stub_alloc_run(&stub, 2, 0, UINT64_MAX, 1, &run), PL_OK);
    /* Freed last of all, it is found. */
    assert_int_equal(stub_alloc_run(&stub, 2, 111, 114, 1, &run), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_true((pl_candidate_tlsf_runs.page->caps & PL_CAP_COMPLETE) == 0);
    assert_true((pl_candidate_tlsf.page->caps & (PL_CAP_COMPLETE | PL_CAP_RUNS)) == PL_CAP_COMPLETE);
    stub_close(&stub);
}

/* 20,000 random runs with all constraints. Expect each grant legal; and where no window was given, success
 * whenever some free block is as long as a run wherever it lies plus one step, or half as long again. */
static void test_random_runs_are_legal(void **state)
{
    (void)state;
    struct stub stub;
    uint64_t seed = 3;
    uint64_t count = 0;
    uint64_t granted = 0;
    open_as(&stub, &pl_candidate_tlsf_runs, 517, 700);
    const struct tlsf *self = stub.self;
    for (int step = 0; step < 20000; step++) {
        uint64_t dice = stub_random(&seed);
        if (dice % 2 == 0 || count > 80) {
            if (count > 0)
                assert_int_equal(stub_free(&stub, &runs[(dice >> 8) % count]), PL_OK);
            if (count > 0)
                runs[(dice >> 8) % count] = runs[count - 1], count--;
            continue;
        }
        struct pl_request request = {.node = PL_NODE_ANY};
        bool window = dice >> 60 < 8;
        struct pl_constraints c = {.frame_count = 1 + (dice >> 8) % 50,
                                   .low = {window ? 500 + (dice >> 16) % 600 : 0},
                                   .high = {window ? 600 + (dice >> 32) % 600 : UINT64_MAX},
                                   .alignment = UINT64_C(1) << (dice >> 40) % 6,
                                   .boundary = (dice >> 48) % 3 == 0 ? UINT64_C(1) << (dice >> 50) % 8 : 0};
        uint64_t longest = 0;
        for (uint64_t i = 0; i < self->index_count; i++)
            if (self->record[i].kind == TLSF_FREE && self->record[i].frame_count > longest)
                longest = self->record[i].frame_count;
        struct pl_run run;
        enum pl_status status = stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &c, &run);
        uint64_t ample = c.frame_count + c.alignment - 1;
        if (!window && c.boundary == 0 && longest > ample + ample / 8 + 1)
            assert_int_equal(status, PL_OK);
        if (status != PL_OK)
            continue;
        granted++;
        uint64_t first = run.first.number;
        uint64_t last = first + run.frame_count - 1;
        assert_int_equal(run.frame_count, c.frame_count);
        assert_true(first >= c.low.number && last < c.high.number && first % c.alignment == 0);
        assert_true(c.boundary == 0 || first / c.boundary == last / c.boundary);
        runs[count++] = run;
        if (step % 16 == 0)
            expect_sound(&stub);
    }
    assert_true(granted > 4000);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Records, links, bits and counts are made wrong one at a time. Expect audit to say so each time. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 64);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct tlsf *self = stub.self;
    struct tlsf_node *node = &self->node[0];
    uint32_t *const words[] = {&self->record[1].kind,
                               &self->record[2].kind,
                               &self->record[9].kind,
                               &self->record[9].frame_count,
                               &self->record[9].before,
                               &self->record[9].next,
                               &self->record[64].kind,
                               &self->record[64].frame_count,
                               &self->record[0].kind,
                               &self->record[65].kind,
                               &node->first_level,
                               &node->second_level[5],
                               &node->head[5][0],
                               &self->record[1].frame_count,
                               (uint32_t *)&self->free_count,
                               &node->second_level[0]};
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 1;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "tlsf: ", 6) == 0);
        *words[i] ^= 1;
        assert_int_equal(stub_audit(&stub, &audit), 0);
    }
    stub_close(&stub);
}

/* Machines beyond it. Expect no metadata, or no instance. */
static void test_limits(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_range range = {.frame_count = TLSF_SPAN_MAX - 2};
    stub_machine(&stub, &range, 1);
    assert_true(pl_candidate_tlsf.page->meta_bytes(&stub.config) > range.frame_count * 16);
    assert_int_equal(pl_candidate_tlsf.frames_max, range.frame_count);
    range.frame_count++;
    stub_machine(&stub, &range, 1);
    assert_int_equal(pl_candidate_tlsf.page->meta_bytes(&stub.config), 0);
    range = (struct pl_range){.first = pl_frame_at(UINT64_MAX - 100), .frame_count = 10};
    stub_machine(&stub, &range, 1);
    assert_int_equal(pl_candidate_tlsf.page->meta_bytes(&stub.config), 0);
    const struct pl_range touching[] = {{.frame_count = 4}, {.first = pl_frame_at(4), .frame_count = 4}};
    assert_int_equal(stub_open(&stub, &pl_candidate_tlsf, touching, 2), PL_UNSUPPORTED);
    free(stub.self);
}

struct stress {
    struct stub *stub;
    struct pl_cpu *cpu;
    atomic_uchar *owned;
    bool wrong;
};

/* Before it is freed: afterwards the frames may be somebody else's. */
static void stress_give(struct stress *stress, struct pl_run *run)
{
    for (uint64_t i = 0; i < run->frame_count; i++)
        stress->wrong |= atomic_exchange(&stress->owned[run->first.number + i], 0) != 1;
    stress->wrong |= stress->stub->ops->free(stress->stub->self, stress->cpu, run) != PL_OK;
    run->frame_count = 0;
}

static void *stress_run(void *argument)
{
    struct stress *stress = argument;
    const struct pl_page_ops *ops = stress->stub->ops;
    uint64_t seed = stress->cpu->id;
    static _Thread_local struct pl_run held[64];
    memset(held, 0, sizeof(held));
    for (uint32_t step = 0; step < 60000; step++) {
        uint64_t dice = stub_random(&seed);
        struct pl_run *run = &held[dice % 64];
        if (run->frame_count != 0) {
            stress_give(stress, run);
            continue;
        }
        struct pl_request request = {.order = (uint8_t)(dice >> 8 & 3), .node = PL_NODE_ANY};
        if (ops->alloc(stress->stub->self, stress->cpu, &request, run) != PL_OK)
            continue;
        for (uint64_t i = 0; i < run->frame_count; i++)
            stress->wrong |= atomic_exchange(&stress->owned[run->first.number + i], 1) != 0;
    }
    for (uint32_t i = 0; i < 64; i++)
        if (held[i].frame_count != 0)
            stress_give(stress, &held[i]);
    return NULL;
}

/* Two threads on a machine too small for both. Expect no frame held twice, and one block in the end. */
static void test_two_threads(void **state)
{
    (void)state;
    struct stub stub;
    struct stress stress[2];
    pthread_t threads[2];
    static atomic_uchar owned[256];
    open_at(&stub, 0, 256);
    for (uint32_t i = 0; i < 2; i++) {
        stress[i] = (struct stress){.stub = &stub, .cpu = stub.cpus[i], .owned = owned};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(stress[0].wrong || stress[1].wrong);
    expect_sound(&stub);
    assert_int_equal(((const struct tlsf *)stub.self)->record[1].frame_count, 256);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_level_is_the_largest_aligned_order),
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_finds_every_block_there_is),
        cmocka_unit_test(test_touches_ends_only),
        cmocka_unit_test(test_joins_what_is_no_pair),
        cmocka_unit_test(test_prefers_the_wanted_node),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_run_takes_the_tightest),
        cmocka_unit_test(test_run_search_is_bounded),
        cmocka_unit_test(test_random_runs_are_legal),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
