/* XNU's resident pages: queues and lists agree with the records, walks find what there is and let others in.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/xnu/xnu_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 10000u

extern const struct pl_candidate pl_candidate_xnu;

static struct pl_run runs[RUN_LIMIT];

static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, &pl_candidate_xnu, &range, 1), PL_OK);
}

static struct pl_page_counts counts_of(const struct stub *stub)
{
    struct pl_page_counts counts;
    stub->ops->count(stub->self, &counts);
    return counts;
}

static void drain(struct stub *stub, uint32_t id)
{
    stub->ops->drain(stub->self, stub->cpus[0], stub->cpus[id]);
}

/* Every shape of one node is filled and emptied by each order. Expect the same number of blocks twice, and a
 * machine of two nodes refused. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        struct stub stub;
        struct stub_audit audit;
        const struct stub_shape *shape = &stub_shapes[s];
        bool two_nodes = shape->ranges[shape->range_count - 1].node != 0;
        assert_int_equal(stub_open(&stub, &pl_candidate_xnu, shape->ranges, shape->range_count),
                         two_nodes ? PL_UNSUPPORTED : PL_OK);
        for (uint32_t order = 0; !two_nodes && order <= XNU_MAX_ORDER; order++) {
            uint64_t count = stub_drain(&stub, order, runs, RUN_LIMIT);
            assert_int_equal(stub_audit(&stub, &audit), 0);
            assert_int_equal(audit.frames, stub.machine.frame_count - (count << order));
            for (uint64_t i = 0; i < count; i++)
                assert_int_equal(stub_free(&stub, &runs[i]), PL_OK);
            drain(&stub, 0);
            assert_int_equal(stub_drain(&stub, order, runs, RUN_LIMIT), count);
            while (count > 0)
                assert_int_equal(stub_free(&stub, &runs[--count]), PL_OK);
            drain(&stub, 0);
        }
        if (!two_nodes)
            assert_int_equal(stub_audit(&stub, &audit), 0);
        stub_close(&stub);
    }
}

/* Random blocks, runs, splits, drains and frees on two CPUs. Expect queues, lists and counts to agree with
 * the records all along. */
static void test_records_agree_after_random_operations(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    uint64_t seed = 42;
    uint64_t count = 0;
    open_at(&stub, 0x1234567, 4000);
    for (int step = 0; step < 20000; step++) {
        uint64_t dice = stub_random(&seed);
        struct pl_request request = {.order = (uint8_t)((dice >> 32) % 6), .node = PL_NODE_ANY};
        if (count > 0 && (dice % 100 < 40 || count == RUN_LIMIT)) {
            uint64_t pick = stub_random(&seed) % count;
            assert_int_equal(stub_free(&stub, &runs[pick]), PL_OK);
            runs[pick] = runs[--count];
        } else if (dice % 100 < 85) {
            count += stub.ops->alloc(stub.self, stub.cpus[dice >> 60 & 1], &request, &runs[count]) == PL_OK;
        } else if (dice % 100 < 95) {
            count += stub_alloc_run(&stub, 1 + (dice >> 32) % 300, 0, UINT64_MAX, 1, &runs[count]) == PL_OK;
        } else {
            drain(&stub, (uint32_t)(dice >> 60 & 1));
        }
        if (step % 64 == 0 && stub_audit(&stub, &audit) != 0)
            fail_msg("step %d: %s", step, audit.words);
    }
    struct pl_page_counts counts = counts_of(&stub);
    uint64_t granted = 0;
    for (uint64_t i = 0; i < count; i++)
        granted += runs[i].frame_count;
    assert_int_equal(counts.free + counts.cached + granted, 4000);
    stub_close(&stub);
}

/* Colours 0 and 1 have frames, the other two none; two refills of three follow. Expect the second to go on
 * with the colour behind the last one. */
static void test_refill_goes_on_with_the_next_colour(void **state)
{
    static const uint64_t freed[] = {0, 4, 8, 1, 5, 9};
    static const uint64_t expected[] = {0, 1, 4, 5, 8, 9};
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range range = {.first = pl_frame_at(0), .frame_count = 16};
    assert_int_equal(stub_open(&stub, &pl_candidate_xnu, &range, 1), PL_OK);
    memset(stub.self, 0, stub.meta_bytes);
    stub.config.params = "colours=4,batch=3";
    assert_int_equal(stub.ops->init(stub.self, &stub.config), PL_OK);
    for (int i = 0; i < 16; i++)
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(counts_of(&stub).cached, 0);
    struct xnu *self = stub.self;
    self->cpu[0].colour = 0;
    for (size_t i = 0; i < PL_COUNT_OF(freed); i++)
        assert_int_equal(stub_free_at(&stub, freed[i], 1, 0), PL_OK);
    for (size_t i = 0; i < PL_COUNT_OF(expected); i++) {
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_int_equal(run.first.number, expected[i]);
        assert_int_equal(counts_of(&stub).cached, 2 - i % 3);
    }
    stub_close(&stub);
}

/* A reserve of 10 on 20 frames. Expect one refill down to the reserve, then refills of one. */
static void test_refill_spares_the_reserve(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    const struct pl_range range = {.first = pl_frame_at(0), .frame_count = 20};
    stub_machine(&stub, &range, 1);
    stub.machine.floors.normal = 10;
    stub.ops = pl_candidate_xnu.page;
    stub.meta_bytes = stub.ops->meta_bytes(&stub.config);
    stub.self = aligned_alloc(4096, (stub.meta_bytes + 4095) & ~(size_t)4095);
    assert_non_null(stub.self);
    memset(stub.self, 0, stub.meta_bytes);
    assert_int_equal(stub.ops->init(stub.self, &stub.config), PL_OK);
    for (int i = 0; i < 10; i++)
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(counts_of(&stub).free, 10);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
        assert_int_equal(counts_of(&stub).free, 10 - i);
        assert_int_equal(counts_of(&stub).cached, 0);
    }
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_NO_MEMORY);
    stub_close(&stub);
}

/* Walks with a low end, a high end, an alignment and a boundary, from a place that is behind all of them.
 * Expect legal runs, PL_NEVER for what no state could serve, and every illegal request named. */
static void test_runs_obey_constraints(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct pl_request request = {.node = PL_NODE_ANY};
    open_at(&stub, 100, 1000);
    assert_int_equal(stub_alloc_run(&stub, 900, 0, UINT64_MAX, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 100);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_alloc_run(&stub, 7, 205, 225, 16, &run), PL_OK);
    assert_int_equal(run.first.number, 208);
    assert_int_equal(stub_alloc_run(&stub, 7, 205, 225, 16, &run), PL_NO_MEMORY);
    assert_int_equal(stub_alloc_run(&stub, 7, 209, 225, 16, &run), PL_NEVER);
    struct pl_constraints want = {
        .frame_count = 24, .low = {250}, .high = {UINT64_MAX}, .alignment = 1, .boundary = 32};
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_OK);
    assert_int_equal(run.first.number, 256);
    want.boundary = 16;
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_NEVER);
    want.boundary = 6;
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_INVALID);
    want.boundary = 0;
    request.node = 1;
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(stub.ops->alloc_run(stub.self, stub.cpus[0], &request, &want, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, 100, 1, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, 1, 1100, UINT64_MAX, 1, &run), PL_NEVER);
    assert_int_equal(stub_alloc_run(&stub, 1, 0, UINT64_MAX, UINT64_C(1) << 63, &run), PL_NEVER);
    stub_close(&stub);
}

/* The place to begin lies inside the only free run of eight. Expect the second round to find it, beyond that
 * place. */
static void test_walk_crosses_where_it_began(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    open_at(&stub, 0, 64);
    assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 64);
    for (uint64_t frame = 20; frame < 28; frame++)
        assert_int_equal(stub_free_at(&stub, frame, 1, 0), PL_OK);
    struct xnu *self = stub.self;
    self->search_from = 24;
    assert_int_equal(stub_alloc_run(&stub, 9, 0, UINT64_MAX, 1, &run), PL_NO_MEMORY);
    assert_int_equal(self->search_from, 24);
    assert_int_equal(stub_alloc_run(&stub, 8, 0, UINT64_MAX, 1, &run), PL_OK);
    assert_int_equal(run.first.number, 20);
    assert_int_equal(self->search_from, 28);
    assert_int_equal(self->wired_count, 8);
    stub_close(&stub);
}

/* What another CPU does when a walk lets it in: takes all that is free, then frees eight frames elsewhere. */
static struct stub *meddler;
static unsigned yields;

static void meddle(struct pl_cpu *cpu)
{
    struct pl_run run;
    struct pl_request request = {.node = PL_NODE_ANY};
    assert_int_equal(cpu->lock_depth, 0);
    assert_int_equal(atomic_load(&cpu->masked), 0);
    if (yields++ != 0)
        return;
    assert_int_equal(meddler->ops->alloc(meddler->self, meddler->cpus[1], &request, &run), PL_OK);
    for (uint64_t frame = 4000; frame < 4008; frame++)
        assert_int_equal(stub_free_at(meddler, frame, 1, 0), PL_OK);
}

/*  frames  0 .... [995 .. 1002] ........ [4000 .. 4007] ... 5000      the first free at the start, then taken
 * Expect the walk to yield in the middle of the first, to forget it, and to find the second. */
static void test_walk_lets_others_in(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    for (uint64_t free_at = 993; free_at < 1003; free_at++) {
        open_at(&stub, 0, 5000);
        assert_int_equal(stub_drain(&stub, 0, runs, RUN_LIMIT), 5000);
        for (uint64_t frame = free_at; frame < free_at + 8; frame++)
            assert_int_equal(stub_free_at(&stub, frame, 1, 0), PL_OK);
        meddler = &stub;
        yields = 0;
        stub.platform.relax = meddle;
        assert_int_equal(stub_alloc_run(&stub, 8, 0, UINT64_MAX, 1, &run), PL_OK);
        /* A run that has begun is not let go of: the yield comes behind it, or there is none. */
        bool kept = yields == 0;
        assert_int_equal(run.first.number, kept ? free_at : 4000);
        assert_int_equal(kept, free_at < 1000);
        assert_int_equal(stub_audit(&stub, &audit), 0);
        stub_close(&stub);
    }
}

/* Frames at both sides of a hole, cached and free ones. Expect refusals only, and not a byte changed. */
static void test_refuses_every_mistake(void **state)
{
    (void)state;
    struct stub stub;
    struct pl_run run;
    struct pl_run single;
    const struct pl_range ranges[] = {{.first = pl_frame_at(60), .frame_count = 4},
                                      {.first = pl_frame_at(70), .frame_count = 10}};
    assert_int_equal(stub_open(&stub, &pl_candidate_xnu, ranges, 2), PL_OK);
    assert_int_equal(stub_alloc(&stub, 2, &run), PL_OK);
    assert_int_equal(run.first.number, 60);
    assert_int_equal(stub_alloc(&stub, 0, &single), PL_OK);
    unsigned char *before = malloc(stub.meta_bytes);
    assert_non_null(before);
    memcpy(before, stub.self, stub.meta_bytes);
    for (uint64_t frame = 55; frame < 85; frame++)
        for (uint32_t order = 0; order < 5; order++)
            if ((frame != 60 || order != 2) && (frame != single.first.number || order != 0))
                assert_int_equal(stub_free_at(&stub, frame, UINT64_C(1) << order, order), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, 4, 0), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 60, UINT64_MAX, PL_ORDER_NONE), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, UINT64_MAX, 1, 0), PL_REFUSED);
    assert_memory_equal(before, stub.self, stub.meta_bytes);
    free(before);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    assert_int_equal(stub_free(&stub, &single), PL_OK);
    assert_int_equal(stub_free(&stub, &single), PL_REFUSED);
    stub_close(&stub);
}

/* A grant of order 3 becomes four of order 1. Expect the whole and halves of parts refused, each part taken
 * back, and nothing wired in the end. */
static void test_split_parts_come_back(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 8);
    struct xnu *self = stub.self;
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 4), PL_INVALID);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 1), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_REFUSED);
    assert_int_equal(stub_free_at(&stub, 3, 1, 0), PL_REFUSED);
    assert_int_equal(self->wired_count, 8);
    assert_int_equal(stub_audit(&stub, &audit), 0);
    for (uint64_t frame = 0; frame < 8; frame += 2)
        assert_int_equal(stub_free_at(&stub, frame, 2, 1), PL_OK);
    assert_int_equal(self->wired_count, 0);
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(stub.ops->split(stub.self, stub.cpus[0], &run, 0), PL_OK);
    assert_int_equal(stub_free(&stub, &run), PL_OK);
    stub_close(&stub);
}

/* One thing of each structure is made wrong. Expect audit to say so each time. */
static void test_audit_sees_every_wrong_thing(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    struct pl_run run;
    open_at(&stub, 0, 1024);
    assert_int_equal(stub_alloc(&stub, 0, &run), PL_OK);
    assert_int_equal(stub_alloc(&stub, 3, &run), PL_OK);
    struct xnu *self = stub.self;
    uint64_t block = run.first.number;
    uint32_t *const links[] = {&self->page[200].next,     &self->page[200].before,
                               &self->page[block].before, &self->page[1].next,
                               &self->queue[3].first,     &self->queue[3].last,
                               &self->cpu[0].first,       (uint32_t *)&self->wired_count};
    for (size_t i = 0; i < PL_COUNT_OF(links); i++) {
        *links[i] ^= 1;
        assert_true(stub_audit(&stub, &audit) > 0);
        assert_true(strncmp(audit.words, "xnu: ", 5) == 0);
        *links[i] ^= 1;
        assert_int_equal(stub_audit(&stub, &audit), 0);
    }
    const uint64_t pages[] = {0, 1, 200, block, block + 1};
    for (size_t i = 0; i < PL_COUNT_OF(pages); i++) {
        uint8_t before = xnu_state_of(&self->page[pages[i]]);
        for (uint8_t wrong = 0; wrong < 8; wrong++) {
            atomic_store(&self->page[pages[i]].state, wrong);
            assert_int_equal(stub_audit(&stub, &audit) == 0, wrong == before);
        }
        atomic_store(&self->page[pages[i]].state, before);
    }
    atomic_store(&self->cpu[0].count, 5);
    assert_true(stub_audit(&stub, &audit) > 0);
    stub_close(&stub);
}

static void test_params(void **state)
{
    static const struct {
        const char *text;
        uint32_t colours; /* 0: bad */
        uint32_t batch;
    } cases[] = {{NULL, 32, 128},
                 {"", 32, 128},
                 {"colours=1", 1, 4},
                 {"batch=7", 32, 7},
                 {"batch=7,colours=64", 64, 7},
                 {"colours=128", 128, 512},
                 {"colours=256", 0, 0},
                 {"colours=3", 0, 0},
                 {"colours=0", 0, 0},
                 {"batch=0", 0, 0},
                 {"batch=8193", 0, 0},
                 {"batch=8,", 0, 0},
                 {"batch", 0, 0},
                 {"batch=-1", 0, 0},
                 {"colour=blue", 0, 0},
                 {"batch=8 colours=2", 0, 0}};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct xnu_params params;
        assert_int_equal(xnu_parse(cases[i].text, &params), cases[i].colours != 0);
        if (cases[i].colours == 0)
            continue;
        assert_int_equal(params.colours, cases[i].colours);
        assert_int_equal(params.batch, cases[i].batch);
    }
    struct stub stub;
    open_at(&stub, 0, 64);
    stub.config.params = "batch=none";
    assert_int_equal(stub.ops->init(stub.self, &stub.config), PL_INVALID);
    stub_close(&stub);
}

/* A span of 2^32 frames. Expect no metadata, rather than links that wrap. */
static void test_limits(void **state)
{
    struct stub stub;
    struct pl_range range = {.first = pl_frame_at(0), .frame_count = UINT64_C(1) << 32};
    (void)state;
    stub_machine(&stub, &range, 1);
    assert_int_equal(pl_candidate_xnu.page->meta_bytes(&stub.config), 0);
    stub_machine(&stub, &range, 1);
    range.first.number = UINT64_MAX - 10;
    range.frame_count = 10;
    stub_machine(&stub, &range, 1);
    assert_true(pl_candidate_xnu.page->meta_bytes(&stub.config) > 0);
}

struct worker {
    struct stub *stub;
    uint32_t id;
};

static atomic_uchar owner[512];

/* Blocks, frames and runs on one CPU; a frame that is granted while somebody has it fails the test. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    struct stub *stub = worker->stub;
    struct pl_cpu *cpu = stub->cpus[worker->id];
    uint64_t seed = worker->id + 1;
    struct pl_run own[32];
    uint32_t count = 0;
    for (uint32_t step = 0; step < 40000 || count > 0; step++) {
        uint64_t dice = stub_random(&seed);
        if (count > 0 && (count == PL_COUNT_OF(own) || step >= 40000 || dice % 100 < 45)) {
            const struct pl_run *run = &own[--count];
            for (uint64_t i = 0; i < run->frame_count; i++)
                atomic_store(&owner[run->first.number + i], 0);
            if (stub->ops->free(stub->self, cpu, run) != PL_OK)
                return argument;
            continue;
        }
        struct pl_request request = {.order = dice % 100 < 85 ? 0 : (uint8_t)(dice >> 32) % 4,
                                     .node = PL_NODE_ANY};
        if (stub->ops->alloc(stub->self, cpu, &request, &own[count]) != PL_OK)
            continue;
        for (uint64_t i = 0; i < own[count].frame_count; i++)
            if (atomic_exchange(&owner[own[count].first.number + i], 1) != 0)
                return argument;
        count++;
    }
    return NULL;
}

/* Four CPUs on 512 frames. Expect no frame to have two owners, and all of them back. */
static void test_four_cpus_at_once(void **state)
{
    (void)state;
    struct stub stub;
    struct stub_audit audit;
    pthread_t threads[STUB_CPU_COUNT];
    struct worker workers[STUB_CPU_COUNT];
    open_at(&stub, 0, 512);
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
        workers[i] = (struct worker){.stub = &stub, .id = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(stub_audit(&stub, &audit), 0);
    assert_int_equal(audit.frames, 512);
    for (uint32_t i = 0; i < STUB_CPU_COUNT; i++)
        drain(&stub, i);
    assert_int_equal(stub_free_frames(&stub), 512);
    stub_close(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape),
        cmocka_unit_test(test_records_agree_after_random_operations),
        cmocka_unit_test(test_refill_goes_on_with_the_next_colour),
        cmocka_unit_test(test_refill_spares_the_reserve),
        cmocka_unit_test(test_runs_obey_constraints),
        cmocka_unit_test(test_walk_crosses_where_it_began),
        cmocka_unit_test(test_walk_lets_others_in),
        cmocka_unit_test(test_refuses_every_mistake),
        cmocka_unit_test(test_split_parts_come_back),
        cmocka_unit_test(test_audit_sees_every_wrong_thing),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_four_cpus_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
