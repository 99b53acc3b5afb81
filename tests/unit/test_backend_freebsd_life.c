/* The model of FreeBSD's allocator, everything at once: shapes, random calls, mistakes, threads; and what its
 * audit sees. */
#include <pthread.h>
#include <sched.h>

#include "freebsd_fixture.h"

static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        const struct stub_shape *shape = &stub_shapes[s];
        assert_int_equal(stub_open(&stub, &pl_candidate_freebsd, shape->ranges, shape->range_count), PL_OK);
        for (int round = 0; round < 3; round++) {
            uint64_t count = 0;
            while (take_owned(&stub, round == 1 ? 0 : 1 + count / 100, count * 3, 0, &runs[count]) == PL_OK)
                count++;
            /* Every frame is taken: this CPU's caches are at hand, and nobody else has any. */
            assert_int_equal(count, stub.machine.frame_count);
            expect_sound(&stub);
            for (uint64_t i = 0; i < count; i++)
                assert_int_equal(stub_free(&stub, &runs[round == 0 ? i : count - 1 - i]), PL_OK);
            expect_sound(&stub);
            drain_all(&stub);
            assert_int_equal(stub_free_frames(&stub), stub.machine.frame_count);
            assert_int_equal(counts_of(&stub).reserved_frames, 0);
        }
        stub_close(&stub);
    }
}

struct chaos {
    struct stub *stub;
    uint64_t seed;
    uint64_t count;
    uint8_t *held;
};

static void chaos_mark(struct chaos *chaos, const struct pl_run *run, uint8_t before)
{
    uint64_t first = run->first.number - chaos->stub->machine.first.number;
    for (uint64_t i = 0; i < run->frame_count; i++) {
        assert_true(first + i < chaos->stub->machine.span);
        assert_int_equal(chaos->held[first + i], before);
        chaos->held[first + i] = !before;
    }
}

static void chaos_take(struct chaos *chaos, uint64_t dice, struct pl_cpu *cpu)
{
    struct stub *stub = chaos->stub;
    struct pl_page_counts before = counts_of(stub);
    struct pl_run *run = &runs[chaos->count];
    struct pl_request request = {.node = (dice & 3) == 0 ? (uint16_t)(dice >> 40 & 1) : PL_NODE_ANY};
    enum pl_status status;
    if ((dice >> 2 & 7) == 0)
        request.flags |= PL_REQUEST_NO_RECLAIM;
    if ((dice >> 5 & 15) == 0)
        request.flags |= PL_REQUEST_NEVER_FREE;
    if ((dice >> 9 & 3) != 0) {
        request.owner = dice >> 11 & 3;
        request.index = (dice >> 13) % 1500;
        request.order = (dice >> 50 & 7) == 0 ? (uint8_t)((dice >> 53) % 11) : 0;
        status = stub->ops->alloc(stub->self, cpu, &request, run);
    } else {
        struct pl_constraints want = {.frame_count = 1 + (dice >> 13) % 700,
                                      .high = {UINT64_MAX},
                                      .alignment = UINT64_C(1) << (dice >> 24 & 7),
                                      .boundary = (dice >> 28 & 1) * 1024};
        status = stub->ops->alloc_run(stub->self, cpu, &request, &want, run);
    }
    if (status == PL_OK) {
        chaos_mark(chaos, run, 0);
        chaos->count++;
        return;
    }
    struct pl_page_counts after = counts_of(stub);
    assert_true(status == PL_NO_MEMORY || status == PL_NEVER);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_true(request.order != 0 || (dice >> 9 & 3) == 0 || before.free == 0 || request.flags != 0);
}

static void chaos_split(struct chaos *chaos, uint64_t pick)
{
    struct stub *stub = chaos->stub;
    struct pl_run whole = runs[pick];
    if (whole.frame_count < 2 || whole.frame_count > 64 ||
        stub->ops->split(stub->self, stub->cpus[0], &whole, 0) != PL_OK)
        return;
    for (uint64_t i = 0; i < whole.frame_count; i++)
        runs[i == 0 ? pick : chaos->count++] =
            (struct pl_run){.first = pl_frame_at(whole.first.number + i), .frame_count = 1};
}

/* 12,000 random calls of every kind on four CPUs and two nodes. Expect an audit without complaint after each
 * 8th, no frame given twice, failures without a trace, and the fresh machine at the end. */
static void test_chaos(void **state)
{
    (void)state;
    struct stub stub;
    const struct pl_range ranges[] = {{.first = pl_frame_at(3000), .frame_count = 3500},
                                      {.first = pl_frame_at(6501), .frame_count = 1500, .node = 1}};
    assert_int_equal(stub_open(&stub, &pl_candidate_freebsd, ranges, 2), PL_OK);
    struct chaos chaos = {.stub = &stub, .seed = 5, .held = calloc(stub.machine.span, 1)};
    assert_non_null(chaos.held);
    for (int step = 0; step < 12000; step++) {
        uint64_t dice = stub_random(&chaos.seed);
        struct pl_cpu *cpu = stub.cpus[dice >> 62];
        uint64_t fill = (step / 1500) % 2 == 0 ? 10 : 6;
        dice >>= 4;
        uint64_t pick = chaos.count == 0 ? 0 : (dice >> 8) % chaos.count;
        if (dice % 16 < fill || chaos.count == 0) {
            chaos_take(&chaos, stub_random(&chaos.seed), cpu);
        } else if (dice % 16 == 14) {
            chaos_split(&chaos, pick);
        } else if (dice % 256 == 15) {
            stub.ops->drain(stub.self, cpu, stub.cpus[(dice >> 8) & 3]);
        } else {
            chaos_mark(&chaos, &runs[pick], 1);
            assert_int_equal(stub.ops->free(stub.self, cpu, &runs[pick]), PL_OK);
            assert_int_equal(stub.ops->free(stub.self, cpu, &runs[pick]), PL_REFUSED);
            runs[pick] = runs[--chaos.count];
        }
        if (step % 8 == 0)
            expect_sound(&stub);
    }
    while (chaos.count > 0)
        assert_int_equal(stub_free(&stub, &runs[--chaos.count]), PL_OK);
    drain_all(&stub);
    expect_sound(&stub);
    assert_int_equal(stub_free_frames(&stub), 5000);
    free(chaos.held);
    stub_close(&stub);
}

/* Wrong frees around a reservation, a cached frame, a run and a block. Expect each refused and no count
 * changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run owned;
    struct pl_run page;
    struct pl_run block;
    struct pl_run odd;
    open_with(&stub, 64, 4096, NULL);
    assert_int_equal(take_owned(&stub, 1, 5, 0, &owned), PL_OK);
    assert_int_equal(stub_alloc(&stub, 0, &page), PL_OK);
    assert_int_equal(stub_alloc(&stub, 4, &block), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 7, 0, UINT64_MAX, 1, &odd), PL_OK);
    const struct pl_run *const granted[] = {&owned, &page, &block, &odd};
    struct pl_page_counts before = counts_of(&stub);
    for (uint64_t frame = 60; frame < 64 + 4096 + 5000; frame++) {
        for (uint32_t order = 0; order < 14; order += order < 5 ? 1 : 4) {
            bool is_one = false;
            for (size_t i = 0; i < PL_COUNT_OF(granted); i++)
                is_one |= granted[i]->first.number == frame && granted[i]->frame_count == UINT64_C(1)
                                                                                              << order;
            if (!is_one)
                assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
        }
    }
    assert_int_equal(stub_free_at(&stub, page.first.number, 1, 1), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, owned.first.number, 0, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, UINT64_MAX, 1, 0), PL_REFUSED);
    struct pl_page_counts after = counts_of(&stub);
    assert_memory_equal(&before, &after, sizeof(before));
    expect_sound(&stub);
    for (size_t i = 0; i < PL_COUNT_OF(granted); i++)
        assert_int_equal(stub_free(&stub, granted[i]), PL_OK);
    expect_sound(&stub);
    stub_close(&stub);
}

/* Two nodes. Expect an owner's reservation where it is wanted, found from elsewhere, but not by who insists
 * on another node. */
static void test_reservations_have_a_node(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 2000},
                                      {.first = pl_frame_at(2048), .frame_count = 2000, .node = 1}};
    assert_int_equal(stub_open(&stub, &pl_candidate_freebsd, ranges, 2), PL_OK);
    struct pl_request request = {.owner = 4, .index = 0, .node = 1};
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &runs[0]), PL_OK);
    assert_true(runs[0].first.number >= 2048);
    request.node = 0;
    request.index = 1;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.first.number, runs[0].first.number + 1);
    request.index = 2;
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_OK);
    assert_true(run.first.number < 2000);
    request.node = 5;
    assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[0], &request, &run), PL_NO_MEMORY);
    expect_sound(&stub);
    stub_close(&stub);
}

static void test_params_and_limits(void **state)
{
    (void)state;
    struct stub stub;
    static const char *const wrong[] = {"bucket",        "bucket=",   "bucket=0",          "bucket=257",
                                        "bucket=0256",   "bucket=4,", "bucket=4x",         "reservations=2",
                                        "reservations=", "cache=3",   "bucket=4;bucket=5", ",",
                                        "bucket= 4",     "Bucket=4",  "reservations=01x"};
    static const char *const right[] = {"", "bucket=1", "bucket=256", "reservations=0",
                                        "reservations=1,bucket=7"};
    for (size_t i = 0; i < PL_COUNT_OF(right); i++) {
        open_with(&stub, 5, 100, right[i]);
        stub_close(&stub);
    }
    open_with(&stub, 5, 100, NULL);
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        memset(stub.self, 0, stub.meta_bytes);
        stub.config.params = wrong[i];
        assert_true(stub.ops->meta_bytes(&stub.config) <= stub.meta_bytes);
        assert_int_equal(stub.ops->init(stub.self, &stub.config), PL_INVALID);
    }
    stub.config.params = NULL;
    stub.machine.span = UINT64_C(1) << 32;
    stub.machine.first = pl_frame_at(4096);
    assert_true(stub.ops->meta_bytes(&stub.config) > 0);
    stub.machine.first = pl_frame_at(4097);
    assert_int_equal(stub.ops->meta_bytes(&stub.config), 0);
    stub_close(&stub);
}

/* States, links, counts and reservations are made wrong one at a time. Expect the audit to say so. */
static void test_audit_sees_what_is_wrong(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    struct pl_run page;
    open_with(&stub, 0, 8192, NULL);
    assert_int_equal(take_owned(&stub, 1, 700, 0, &run), PL_OK);
    assert_int_equal(stub_alloc(&stub, 0, &page), PL_OK);
    struct freebsd *self = stub.self;
    struct freebsd_reserv *reserv = &self->reserv[run.first.number / 512];
    struct freebsd_cache *cache = freebsd_cache_of(self, 0, 0, FREEBSD_POOL_DIRECT);
    uint32_t *const words[] = {&self->domain[0].partial_head,
                               &self->domain[0].partial_tail,
                               freebsd_reserv_chain(self, &self->domain[0], 1, 1),
                               &reserv->before,
                               &reserv->next,
                               &cache->alloc->frames[2],
                               &self->domain[0].queues[0][0].nonempty,
                               &self->domain[0].queues[2][0].head[FREEBSD_MAX_ORDER],
                               &self->domain[0].queues[2][0].tail[FREEBSD_MAX_ORDER],
                               &self->domain[0].arena};
    for (size_t i = 0; i < PL_COUNT_OF(words); i++) {
        *words[i] ^= 1;
        if (stub_audit(&stub, &audit) == 0)
            fail_msg("word %zu goes unseen", i);
        assert_true(strncmp(audit.words, "freebsd: ", 9) == 0);
        *words[i] ^= 1;
        expect_sound(&stub);
    }
    reserv->popmap[3] ^= 1;
    assert_true(stub_audit(&stub, &audit) > 0);
    reserv->popmap[3] ^= 1;
    reserv->count++;
    assert_true(stub_audit(&stub, &audit) > 0);
    reserv->count--;
    _Atomic uint64_t *const counts[] = {&self->domain[0].queued, &self->domain[0].unpopulated};
    for (size_t i = 0; i < PL_COUNT_OF(counts); i++) {
        freebsd_count_add(counts[i], 1);
        assert_true(stub_audit(&stub, &audit) > 0);
        freebsd_count_add(counts[i], UINT64_MAX);
    }
    for (uint64_t index = 0; index < 8192; index += 61) {
        uint32_t before = freebsd_state_get(self, index);
        freebsd_state_set(self, index, before ^ FREEBSD_PART);
        assert_true(stub_audit(&stub, &audit) > 0);
        freebsd_state_set(self, index, before);
    }
    expect_sound(&stub);
    stub_close(&stub);
}

/* --- threads --- */

enum { STRESS_STEPS = 30000, STRESS_HELD = 400 };

struct stress {
    struct stub *stub;
    struct pl_cpu *cpu;
    atomic_uchar *held;
    uint64_t wrong;
};

/* Pages of nobody and of owners that the CPUs share, blocks, and a run now and then. */
static void *stress_run(void *argument)
{
    struct stress *stress = argument;
    struct stub *stub = stress->stub;
    struct pl_run own[STRESS_HELD];
    uint64_t count = 0;
    uint64_t seed = 100 + stress->cpu->id;
    for (int step = 0; step < STRESS_STEPS || count > 0; step++) {
        uint64_t dice = stub_random(&seed);
        bool takes = step < STRESS_STEPS && count < STRESS_HELD && dice % 8 < 5;
        if (takes) {
            struct pl_request request = {.node = PL_NODE_ANY,
                                         .owner = (dice >> 8 & 1) * (1 + (dice >> 9 & 3)),
                                         .index = (dice >> 16) % 2000,
                                         .order = (dice >> 32 & 15) == 0 ? 2 : 0};
            struct pl_constraints want = {.frame_count = 5, .high = {UINT64_MAX}, .alignment = 1};
            enum pl_status status =
                (dice >> 40 & 63) == 0
                    ? stub->ops->alloc_run(stub->self, stress->cpu, &request, &want, &own[count])
                    : stub->ops->alloc(stub->self, stress->cpu, &request, &own[count]);
            if (status != PL_OK)
                continue;
            for (uint64_t i = 0; i < own[count].frame_count; i++)
                stress->wrong += atomic_exchange(&stress->held[own[count].first.number + i], 1) != 0;
            count++;
        } else if (count > 0) {
            struct pl_run run = own[(dice >> 8) % count];
            own[(dice >> 8) % count] = own[count - 1];
            count--;
            for (uint64_t i = 0; i < run.frame_count; i++)
                atomic_store(&stress->held[run.first.number + i], 0);
            stress->wrong += stub->ops->free(stub->self, stress->cpu, &run) != PL_OK;
        }
    }
    return NULL;
}

/* Three CPUs on a machine too small for them. Expect no frame held twice, no free refused, and the machine as
 * it was. */
static void test_threads(void **state)
{
    (void)state;
    struct stub stub;
    struct stress stress[3];
    pthread_t threads[3];
    open_with(&stub, 0, 1100, "bucket=16");
    atomic_uchar *held = calloc(1100, sizeof(*held));
    assert_non_null(held);
    for (uint32_t i = 0; i < 3; i++) {
        stress[i] = (struct stress){.stub = &stub, .cpu = stub.cpus[i], .held = held};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
    }
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(stress[i].wrong, 0);
    }
    expect_sound(&stub);
    drain_all(&stub);
    assert_int_equal(stub_free_frames(&stub), 1100);
    assert_int_equal(counts_of(&stub).reserved_frames, 0);
    free(held);
    stub_close(&stub);
}

enum { RACE_ROUNDS = 300 };

struct race {
    struct stub *stub;
    struct pl_cpu *cpu;
    atomic_uint *turn;
    const struct pl_run *run;
    atomic_uint done; /* the last round that this CPU has finished */
    uint64_t taken;
};

static void *race_run(void *argument)
{
    struct race *race = argument;
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        while (atomic_load(race->turn) < round)
            sched_yield();
        race->taken += race->stub->ops->free(race->stub->self, race->cpu, race->run) == PL_OK;
        atomic_store(&race->done, round);
    }
    return NULL;
}

/* Two CPUs free one cached page at once, many times. Expect one of each two frees refused. */
static void test_one_of_two_frees_is_refused(void **state)
{
    (void)state;
    struct stub stub;
    struct race race[2];
    struct pl_run run;
    pthread_t threads[2];
    atomic_uint turn = 0;
    open_with(&stub, 0, 1000, "bucket=4");
    for (uint32_t i = 0; i < 2; i++) {
        race[i] = (struct race){.stub = &stub, .cpu = stub.cpus[i], .turn = &turn, .run = &run};
        assert_int_equal(pthread_create(&threads[i], NULL, race_run, &race[i]), 0);
    }
    for (unsigned round = 1; round <= RACE_ROUNDS; round++) {
        struct pl_request request = {.node = PL_NODE_ANY};
        assert_int_equal(stub.ops->alloc(stub.self, stub.cpus[2], &request, &run), PL_OK);
        assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
        atomic_store(&turn, round);
        while (atomic_load(&race[0].done) != round || atomic_load(&race[1].done) != round)
            sched_yield();
        assert_int_equal(race[0].taken + race[1].taken, round);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    expect_sound(&stub);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_chaos),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_reservations_have_a_node),
        cmocka_unit_test(test_params_and_limits),
        cmocka_unit_test(test_audit_sees_what_is_wrong),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_one_of_two_frees_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
