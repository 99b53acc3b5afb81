/* The model of Linux: zones and their marks, runs, mistakes, threads. Pageblocks, caches and the reserve have
 * their own file. */
#include <pthread.h>

#include "linux_fixture.h"

#define RUN_LIMIT 12000u

static struct pl_run runs[RUN_LIMIT];

/* --- all of the machine --- */

/* Expect every shape to give each frame once, twice over, and as many largest blocks after that as before. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_linux, shape->ranges, shape->range_count), PL_OK);
        uint64_t largest = stub_drain(&stub, LX_MAX_ORDER, runs, RUN_LIMIT);
        for (uint64_t i = 0; i < largest; i++)
            give(&stub, 0, &runs[i]);
        for (int round = 0; round < 2; round++) {
            uint64_t count = stub_drain(&stub, 0, runs, RUN_LIMIT);
            assert_int_equal(count, stub.machine.frame_count);
            expect_sound(&stub);
            for (uint64_t i = 0; i < count; i++)
                give(&stub, (uint32_t)i % STUB_CPU_COUNT, &runs[(i * 7919) % count]);
            expect_sound(&stub);
            drain_all(&stub);
            assert_int_equal(counts_of(&stub).free, stub.machine.frame_count);
        }
        assert_int_equal(stub_drain(&stub, LX_MAX_ORDER, runs, RUN_LIMIT), largest);
        expect_sound(&stub);
        stub_close(&stub);
    }
}

struct pool {
    struct stub stub;
    uint64_t seed;
    uint64_t count;
    uint64_t failed;
};

/* One random call. A call that fails leaves the counts, and the blocks of every order, as they were. */
static void random_step(struct pool *pool)
{
    struct stub *stub = &pool->stub;
    struct stub_audit before;
    struct stub_audit after;
    uint64_t dice = stub_random(&pool->seed);
    uint32_t cpu = (uint32_t)(dice >> 40) % STUB_CPU_COUNT;
    struct pl_page_counts counts = counts_of(stub);
    enum pl_status status = PL_OK;
    assert_int_equal(stub_audit(stub, &before), 0);
    if (dice % 16 < 8) {
        uint32_t order = dice % 3 == 0 ? (uint32_t)(dice >> 8) % LX_ORDER_COUNT : (uint32_t)(dice >> 8) % 4;
        status = take(stub, cpu, order, (uint32_t)(dice >> 16) % 3, (uint32_t)(dice >> 24) % 3,
                      &runs[pool->count]);
        pool->count += status == PL_OK;
    } else if (dice % 16 == 8) {
        status = stub_alloc_run(stub, 1 + (dice >> 8) % 700, 0, UINT64_MAX, 1, &runs[pool->count]);
        pool->count += status == PL_OK;
    } else if (dice % 16 == 9 && (dice >> 20) % 8 == 0) {
        stub->ops->drain(stub->self, stub->cpus[cpu], stub->cpus[(cpu + 1) % STUB_CPU_COUNT]);
    } else if (pool->count > 0) {
        uint64_t pick = (dice >> 8) % pool->count;
        give(stub, cpu, &runs[pick]);
        runs[pick] = runs[--pool->count];
    }
    expect_sound(stub);
    if (status == PL_OK)
        return;
    pool->failed++;
    struct pl_page_counts now = counts_of(stub);
    assert_memory_equal(&counts, &now, sizeof(counts));
    assert_int_equal(stub_audit(stub, &after), 0);
    assert_memory_equal(before.blocks, after.blocks, sizeof(before.blocks));
}

/* 4,000 random calls on two nodes, the first with two zones, an odd border between the nodes inside one
 * pageblock; most calls on a machine that is nearly full. Expect an audit without a word after each. */
static void test_is_sound_after_every_operation(void **state)
{
    (void)state;
    struct pool pool = {.seed = 5};
    const struct pl_range ranges[] = {
        {.first = pl_frame_at(3000), .frame_count = 2700},
        {.first = pl_frame_at(5705), .frame_count = 1500, .node = 1},
    };
    assert_int_equal(stub_open(&pool.stub, &pl_candidate_linux, ranges, 2), PL_OK);
    const struct lx *self = pool.stub.self;
    assert_int_equal(self->zone_count, 3);
    assert_true((lx_pageblock(self, 5705 - self->base) & LX_BLOCK_SHARED) != 0);
    for (int step = 0; step < 4000; step++)
        random_step(&pool);
    assert_true(pool.failed > 100);
    while (pool.count > 0)
        give(&pool.stub, 0, &runs[--pool.count]);
    drain_all(&pool.stub);
    expect_sound(&pool.stub);
    assert_int_equal(counts_of(&pool.stub).free, 4200);
    assert_int_equal(counts_of(&pool.stub).reserve_blocks, 0);
    stub_close(&pool.stub);
}

/* --- zones --- */

/* A GiB from frame 0 on: 16 MiB of it DMA. Expect Linux's numbers: 4 MiB kept free, shared by size, batches
 * of 63; and DMA untouched while the other zone is above its mark, and used before anybody fails. */
static void test_zones_and_their_numbers(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct lx *self = open_range(&stub, 0, 262144, NULL);
    const struct lx_zone *dma32 = &self->zones[0];
    const struct lx_zone *dma = &self->zones[1];
    assert_int_equal(self->zone_count, 2);
    assert_int_equal(dma32->kind, LX_ZONE_DMA32);
    assert_int_equal(dma32->frames, 262144 - 4096);
    assert_int_equal(dma32->mark[LX_MARK_MIN], 1008);
    assert_int_equal(dma32->mark[LX_MARK_LOW], 1266); /* a thousandth is more than a quarter of MIN */
    assert_int_equal(dma32->mark[LX_MARK_HIGH], 1524);
    assert_int_equal(dma32->batch, 63);
    assert_int_equal(dma32->high_min, 1266 / STUB_CPU_COUNT);
    assert_int_equal(dma32->high_max, (262144 - 4096) / 8 / STUB_CPU_COUNT);
    assert_int_equal(dma32->protection, 0);
    assert_int_equal(dma32->reserve_most, 6);
    assert_int_equal(dma->frames, 4096);
    assert_int_equal(dma->protection, (262144 - 4096) / 256);
    assert_int_equal(dma->batch, 1);
    uint64_t large = 0;
    while (take(&stub, 0, 10, LX_MOVABLE, PL_CLASS_NORMAL, &run) == PL_OK && run.first.number >= 4096)
        large++;
    assert_int_equal(large, 250); /* 252 there are; the rest would go below LOW, and DMA has enough */
    stub_close(&stub);
}

/* The border of 4 GiB. Expect the higher zone first, whatever the order, and both to the last frame. */
static void test_falls_back_to_the_lower_zone(void **state)
{
    (void)state;
    struct stub stub;
    open_range(&stub, NORMAL - 2048, 4096, NULL);
    uint64_t count = stub_drain(&stub, 0, runs, RUN_LIMIT);
    assert_int_equal(count, 4096);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(runs[i].first.number >= NORMAL);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Two nodes; node 1 has 8 frames. Expect them to go to who asks for node 1, then node 0's unless forbidden;
 * and a CPU of node 1 that names none to begin at home. */
static void test_prefers_the_wanted_node(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 100},
                                      {.first = pl_frame_at(104), .frame_count = 8, .node = 1}};
    assert_int_equal(stub_open(&stub, &pl_candidate_linux, ranges, 2), PL_OK);
    struct pl_request request = {.order = 1, .node = 1};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &runs[i]), PL_OK);
        assert_true(runs[i].first.number >= 104);
    }
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_NO_MEMORY);
    request.node = 7;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_NO_MEMORY);
    request.node = 1;
    request.flags = 0;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
    assert_true(run.first.number < 100);
    give(&stub, 0, &runs[0]);
    stub.ops->drain(stub.self, stub.cpus[0], stub.cpus[0]);
    stub.cpu[1].node = 1;
    request.node = PL_NODE_ANY;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[1], &request, &run), PL_OK);
    assert_true(run.first.number < 100); /* node 1 is below its mark: a node above it is preferred */
    expect_sound(&stub);
    stub_close(&stub);
}

/* --- runs, mistakes --- */

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
    open_range(&stub, 0, 16, "high=0");
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
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 1), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    for (uint64_t frame = 0; frame < 16; frame += 2)
        assert_int_equal(stub_free_at(&stub, frame, 2, 1), PL_OK);
    expect_sound(&stub);
    assert_int_equal(counts_of(&stub).free, 16);
    stub_close(&stub);
}

/* A run over the border of two zones, larger than any block. Expect it granted, and freed to both. */
static void test_run_crosses_zones(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct lx *self = open_range(&stub, 4096 - 2048, 4096, NULL);
    assert_int_equal(stub_alloc_run(&stub, 3000, 2600, UINT64_MAX, 8, &run), PL_OK);
    assert_int_equal(run.first.number, 2600);
    assert_int_equal(lx_free_count(&self->zones[1]), 2600 - 2048);
    expect_sound(&stub);
    assert_int_equal(stub_alloc_run(&stub, 4096, 0, 4096, 1, &runs[0]), PL_NEVER);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    expect_sound(&stub);
    assert_int_equal(counts_of(&stub).free, 4096);
    stub_close(&stub);
}

/* Expect all wrong frees of a full and of an empty machine refused, and no count changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_range(&stub, 64, 16, NULL);
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
        assert_int_equal(stub_free_at(&stub, 0, 1, PL_ORDER_NONE), PL_REFUSED);
        expect_sound(&stub);
        assert_int_equal(stub_free_frames(&stub), full ? 0 : 16);
    }
    stub_close(&stub);
    open_range(&stub, 0, 64, NULL);
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    give(&stub, 0, &run);
    assert_int_equal(counts_of(&stub).cached, 1); /* cached is not granted */
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    expect_sound(&stub);
    stub_close(&stub);
}

/* States, links, bits, pageblocks and counts are made wrong one at a time. Expect audit to say so. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    struct lx *self = open_range(&stub, NORMAL, 2048, "batch=8,high=64");
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    struct lx_cache *cache = lx_cache_of(self, stub.cpus[0], &self->zones[0]);
    uint32_t hot = cache->lists[lx_slot(0, LX_UNMOVABLE)].head;
    uint32_t *const words[] = {&self->zones[0].nonempty[LX_MOVABLE],
                               &self->zones[0].lists[LX_MOVABLE][10].head,
                               &self->zones[0].lists[LX_UNMOVABLE][5].tail,
                               &self->frames[1024].next,
                               &self->frames[hot].before,
                               &cache->lists[lx_slot(0, LX_UNMOVABLE)].head};
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 16;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "linux: ", 7) == 0);
        *words[i] ^= 16;
        expect_sound(&stub);
    }
    const uint64_t frames[] = {0, 1, 1024, hot, 2048};
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        uint32_t right = lx_state(self, frames[i]);
        lx_state_set(self, frames[i], right ^ 0x11);
        assert_true(stub_audit(&stub, &audit) > 0);
        lx_state_set(self, frames[i], right);
        expect_sound(&stub);
    }
    lx_pageblock_set_group(self, 1024, LX_HIGHATOMIC);
    assert_true(stub_audit(&stub, &audit) > 0);
    lx_pageblock_set_group(self, 1024, LX_MOVABLE);
    atomic_store(&self->zones[0].reserve_blocks, 2);
    assert_true(stub_audit(&stub, &audit) > 0);
    atomic_store(&self->zones[0].reserve_blocks, 0);
    cache->high++;
    assert_true(stub_audit(&stub, &audit) > 0);
    cache->high--;
    expect_sound(&stub);
    lx_cache_set_count(cache, 3);
    assert_true(stub_audit(&stub, &audit) > 0);
    stub_close(&stub);
}

/* Texts in parentheses. Expect the good ones to be read, the bad ones PL_INVALID. */
static void test_params(void **state)
{
    static const char *const bad[] = {
        "batch=0",  "batch=1025",     "batch=",        "high=",    "batch",
        "low=3",    "batch=4,",       ",batch=4",      "batch=+4", "batch=4,batch=5",
        "batch=4 ", "batch=8,high=4", "high=99999999", "high=1x"};
    (void)state;
    struct lx_params params;
    assert_true(lx_parse(NULL, &params));
    assert_int_equal(params.batch, 0);
    assert_int_equal(params.high, LX_NONE);
    assert_true(lx_parse("batch=63,high=0", &params));
    assert_int_equal(params.batch, 63);
    assert_int_equal(params.high, 0);
    assert_true(lx_parse("high=1048576", &params));
    for (size_t i = 0; i < PL_COUNT_OF(bad); i++)
        if (lx_parse(bad[i], &params))
            fail_msg("'%s' is taken", bad[i]);
    struct stub stub;
    open_range(&stub, 0, 64, NULL);
    stub.config.params = "batch=0";
    assert_int_equal(stub.ops->init(stub.self, &stub.config), PL_INVALID);
    stub_close(&stub);
}

/* --- threads --- */

#define THREAD_STEPS 20000
#define THREAD_SLOTS 64u

struct thread {
    struct stub *stub;
    uint32_t cpu;
    uint32_t refused;
};

static atomic_uint slot_busy[THREAD_SLOTS];
static struct pl_run slot_run[THREAD_SLOTS];

static void thread_step(struct thread *thread, uint64_t dice)
{
    struct stub *stub = thread->stub;
    struct pl_cpu *cpu = stub->cpus[thread->cpu];
    struct pl_run run = {0};
    uint32_t slot = (uint32_t)(dice >> 8) % THREAD_SLOTS;
    if (dice % 64 == 0) {
        struct pl_request request = {.node = PL_NODE_ANY};
        struct pl_constraints want = {
            .frame_count = 1 + (dice >> 16) % 90, .high = pl_frame_at(UINT64_MAX), .alignment = 1};
        (void)stub->ops->alloc_run(stub->self, cpu, &request, &want, &run);
    } else {
        (void)take(stub, thread->cpu, (uint32_t)(dice >> 16) % (dice % 8 == 0 ? 10 : 3),
                   (uint32_t)(dice >> 24) % 3, (uint32_t)(dice >> 32) % 3, &run);
    }
    if (run.frame_count == 4 && run.first.number % 4 == 0 && dice % 5 == 0) {
        struct pl_run half = {.first = run.first, .frame_count = 2, .order = 1};
        thread->refused += stub->ops->split(stub->self, cpu, &run, 1) != PL_OK;
        thread->refused += stub->ops->free(stub->self, cpu, &half) != PL_OK;
        run = (struct pl_run){.first = pl_frame_at(run.first.number + 2), .frame_count = 2, .order = 1};
    }
    if (atomic_exchange(&slot_busy[slot], 1) == 0) {
        struct pl_run other = slot_run[slot];
        slot_run[slot] = run;
        atomic_store(&slot_busy[slot], 0);
        run = other;
    }
    if (run.frame_count != 0)
        thread->refused += stub->ops->free(stub->self, cpu, &run) != PL_OK;
}

static void *thread_main(void *argument)
{
    struct thread *thread = argument;
    uint64_t seed = thread->cpu + 1;
    for (int step = 0; step < THREAD_STEPS; step++)
        thread_step(thread, stub_random(&seed));
    return NULL;
}

/* Three CPUs allocate blocks and runs and free one another's on two zones that run out. Expect nothing
 * refused, an audit without a word, and every frame back in the end. */
static void test_threads(void **state)
{
    (void)state;
    struct stub stub;
    struct thread threads[3];
    pthread_t ids[3];
    open_range(&stub, 4096 - 1500, 3000, "batch=8,high=40");
    memset(slot_run, 0, sizeof(slot_run));
    for (uint32_t i = 0; i < 3; i++) {
        threads[i] = (struct thread){.stub = &stub, .cpu = i};
        assert_int_equal(pthread_create(&ids[i], NULL, thread_main, &threads[i]), 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(ids[i], NULL), 0);
        assert_int_equal(threads[i].refused, 0);
    }
    expect_sound(&stub);
    for (uint32_t i = 0; i < THREAD_SLOTS; i++)
        if (slot_run[i].frame_count != 0)
            give(&stub, 0, &slot_run[i]);
    drain_all(&stub);
    expect_sound(&stub);
    assert_int_equal(counts_of(&stub).free, 3000);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_is_sound_after_every_operation),
        cmocka_unit_test(test_zones_and_their_numbers),
        cmocka_unit_test(test_falls_back_to_the_lower_zone),
        cmocka_unit_test(test_prefers_the_wanted_node),
        cmocka_unit_test(test_run_is_cut_out_and_merges_back),
        cmocka_unit_test(test_run_crosses_zones),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
