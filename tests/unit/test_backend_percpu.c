/* percpu: what a magazine holds is exact at every step, whatever fails below it and whoever interrupts. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_stub2.h"

extern const struct pl_candidate pl_candidate_fault;
extern const struct pl_candidate pl_candidate_percpu;
extern const struct pl_candidate pl_candidate_reference;

#define BATCH  4u
#define HIGH   8u
#define PARAMS "batch=4,high=8"

/* An instance of percpu over reference, on one range of `frame_count` frames from frame 7. */
struct fixture {
    struct pl_range range;
    struct stub2 stub;
    struct pl_page inner;
    struct pl_page fault; /* between the two, if wanted */
    struct pl_page page;
};

static void fixture_open(struct fixture *fixture, uint64_t frame_count, const char *params,
                         const char *fault_params)
{
    enum pl_status status;
    fixture->range = (struct pl_range){.first = pl_frame_at(7), .frame_count = frame_count};
    stub2_make(&fixture->stub, &fixture->range, 1, 2, false);
    uint64_t caps = pl_candidate_reference.page->caps;
    fixture->inner = stub2_init(&fixture->stub, &pl_candidate_reference, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    fixture->fault = fixture->inner;
    if (fault_params != NULL) {
        fixture->fault =
            stub2_init(&fixture->stub, &pl_candidate_fault, &fixture->inner, caps, fault_params, &status);
        assert_int_equal(status, PL_OK);
    }
    fixture->page = stub2_init(&fixture->stub, &pl_candidate_percpu, &fixture->fault, caps, params, &status);
    assert_int_equal(status, PL_OK);
}

static void fixture_close(struct fixture *fixture)
{
    stub2_fini(&fixture->page);
    if (fixture->fault.self != fixture->inner.self)
        stub2_fini(&fixture->fault);
    stub2_fini(&fixture->inner);
    stub2_destroy(&fixture->stub);
}

static enum pl_status get(struct fixture *fixture, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = stub2_request(order);
    enum pl_status status =
        fixture->page.ops->alloc(fixture->page.self, &fixture->stub.cpus[cpu], &request, run);
    if (status == PL_OK)
        assert_true(stub2_grant(&fixture->stub, run));
    return status;
}

static void put(struct fixture *fixture, uint32_t cpu, const struct pl_run *run)
{
    stub2_ungrant(&fixture->stub, run);
    assert_int_equal(fixture->page.ops->free(fixture->page.self, &fixture->stub.cpus[cpu], run), PL_OK);
}

static void drain(struct fixture *fixture, uint32_t by, uint32_t of)
{
    fixture->page.ops->drain(fixture->page.self, &fixture->stub.cpus[by], &fixture->stub.cpus[of]);
}

static void expect_counts(struct fixture *fixture, uint64_t free_frames, uint64_t cached)
{
    struct pl_page_counts counts;
    struct stub2_listener listener;
    fixture->page.ops->count(fixture->page.self, &counts);
    assert_int_equal(counts.free, free_frames);
    assert_int_equal(counts.cached, cached);
    assert_int_equal(stub2_audit(&fixture->stub, &fixture->page, &listener), 0);
    assert_int_equal(listener.broken, 0);
    assert_int_equal(listener.overlaps, 0);
    assert_int_equal(listener.frames[PL_BLOCK_FREE], free_frames);
    assert_int_equal(listener.frames[PL_BLOCK_CACHED], cached);
}

/* One allocation on an empty magazine. Expect a whole batch taken below, all but one of it cached. */
static void test_refill_takes_one_batch(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
    assert_int_equal(run.frame_count, 1);
    assert_int_equal(run.order, 0);
    expect_counts(&fixture, 100 - BATCH, BATCH - 1);
    put(&fixture, 0, &run);
    expect_counts(&fixture, 100 - BATCH, BATCH);
    fixture_close(&fixture);
}

/* HIGH + 1 frees on one CPU. Expect one batch pushed down by the last, the frame freed last on top. */
static void test_overflow_pushes_one_batch_down(void **state)
{
    struct fixture fixture;
    struct pl_run runs[HIGH + 1];
    struct pl_run again;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    drain(&fixture, 0, 0);
    expect_counts(&fixture, 100 - PL_COUNT_OF(runs), 0);
    for (uint32_t i = 0; i < HIGH; i++)
        put(&fixture, 0, &runs[i]);
    expect_counts(&fixture, 100 - PL_COUNT_OF(runs), HIGH);
    put(&fixture, 0, &runs[HIGH]);
    expect_counts(&fixture, 100 - PL_COUNT_OF(runs) + BATCH, HIGH - BATCH + 1);
    assert_int_equal(get(&fixture, 0, 0, &again), PL_OK);
    assert_int_equal(again.first.number, runs[HIGH].first.number);
    fixture_close(&fixture);
}

/* All frames of a machine that no batch divides, one by one. Expect every one granted, then PL_NO_MEMORY with
 * nothing changed; and after a drain the largest block again. */
static void test_exhaustion_reaches_every_frame(void **state)
{
    struct fixture fixture;
    struct pl_run runs[101];
    struct pl_run large;
    (void)state;
    fixture_open(&fixture, 101, PARAMS, NULL);
    for (uint32_t i = 0; i < 101; i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    expect_counts(&fixture, 0, 0);
    assert_int_equal(get(&fixture, 0, 0, &large), PL_NO_MEMORY);
    expect_counts(&fixture, 0, 0);
    for (uint32_t i = 0; i < 101; i++)
        put(&fixture, i % 2, &runs[i]);
    drain(&fixture, 1, 0);
    drain(&fixture, 0, 1);
    expect_counts(&fixture, 101, 0);
    assert_int_equal(get(&fixture, 0, 5, &large), PL_OK);
    put(&fixture, 0, &large);
    fixture_close(&fixture);
}

/* The n-th inner grant fails, for each n that three refills can meet. Expect that a refill keeps what it got,
 * that only a refill that got nothing fails, and that a failure changes nothing and does not last. */
static void test_each_inner_failure(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 3 * BATCH; n++) {
        struct fixture fixture;
        struct pl_run runs[3 * BATCH];
        uint32_t granted = 0;
        uint32_t failures = 0;
        char params[32];
        snprintf(params, sizeof(params), "after=%u", n);
        fixture_open(&fixture, 100, PARAMS, params);
        while (granted < 3 * BATCH) {
            struct pl_page_counts before;
            fixture.page.ops->count(fixture.page.self, &before);
            if (get(&fixture, 0, 0, &runs[granted]) == PL_OK) {
                granted++;
                continue;
            }
            failures++;
            expect_counts(&fixture, before.free, before.cached);
        }
        assert_int_equal(failures, n % BATCH == 1 ? 1 : 0);
        for (uint32_t i = 0; i < granted; i++)
            put(&fixture, 0, &runs[i]);
        drain(&fixture, 0, 0);
        expect_counts(&fixture, 100, 0);
        fixture_close(&fixture);
    }
}

/* Frames freed on CPU 1 are cached there, and CPU 0 cannot have them. Expect a drain of CPU 1, asked for by
 * CPU 0, to bring them back. */
static void test_two_cpus(void **state)
{
    struct fixture fixture;
    struct pl_run runs[HIGH];
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, HIGH, PARAMS, NULL);
    for (uint32_t i = 0; i < HIGH; i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    for (uint32_t i = 0; i < HIGH; i++)
        put(&fixture, 1, &runs[i]);
    expect_counts(&fixture, 0, HIGH);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_NO_MEMORY);
    expect_counts(&fixture, 0, HIGH);
    drain(&fixture, 0, 1);
    expect_counts(&fixture, HIGH, 0);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    fixture_close(&fixture);
}

/* Larger orders, runs and their frees. Expect them answered by the inner one, the magazine untouched. */
static void test_other_orders_pass_through(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    struct pl_run five;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 3, &run), PL_OK);
    assert_int_equal(run.flags, 0);
    expect_counts(&fixture, 92, 0);
    struct pl_request request = stub2_request(0);
    struct pl_constraints constraints = {.frame_count = 5, .high = pl_frame_at(1000), .alignment = 1};
    assert_int_equal(
        fixture.page.ops->alloc_run(fixture.page.self, &fixture.stub.cpus[0], &request, &constraints, &five),
        PL_OK);
    assert_true(stub2_grant(&fixture.stub, &five));
    expect_counts(&fixture, 87, 0);
    put(&fixture, 0, &five);
    put(&fixture, 0, &run);
    expect_counts(&fixture, 100, 0);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[0], &run), PL_REFUSED);
    request.order = 11;
    assert_int_equal(fixture.page.ops->alloc(fixture.page.self, &fixture.stub.cpus[0], &request, &run),
                     PL_UNSUPPORTED);
    request = stub2_request(0);
    request.alloc_class = PL_CLASS_COUNT;
    assert_int_equal(fixture.page.ops->alloc(fixture.page.self, &fixture.stub.cpus[0], &request, &run),
                     PL_INVALID);
    expect_counts(&fixture, 100, 0);
    fixture_close(&fixture);
}

/* A grant of 8 split into single frames, which are freed through the magazine. Expect the inner one to take
 * them all back one by one. */
static void test_split_parts_go_down_singly(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 3, &run), PL_OK);
    assert_int_equal(fixture.page.ops->split(fixture.page.self, &fixture.stub.cpus[0], &run, 0), PL_OK);
    for (uint64_t i = 0; i < 8; i++) {
        struct pl_run part = {.first = pl_frame_at(run.first.number + i), .frame_count = 1};
        put(&fixture, 0, &part);
    }
    expect_counts(&fixture, 92, 8);
    drain(&fixture, 0, 0);
    expect_counts(&fixture, 100, 0);
    fixture_close(&fixture);
}

/* Two nodes. Expect a request that names one to reach the inner one and get its frame, cached ones or not. */
static void test_a_wanted_node_passes_through(void **state)
{
    struct pl_range ranges[2] = {{.first = pl_frame_at(0), .frame_count = 50, .node = 0},
                                 {.first = pl_frame_at(64), .frame_count = 50, .node = 1}};
    struct stub2 stub;
    struct pl_run run;
    enum pl_status status;
    (void)state;
    stub2_make(&stub, ranges, 2, 1, false);
    uint64_t caps = pl_candidate_reference.page->caps;
    struct pl_page inner = stub2_init(&stub, &pl_candidate_reference, NULL, 0, NULL, &status);
    struct pl_page page = stub2_init(&stub, &pl_candidate_percpu, &inner, caps, PARAMS, &status);
    struct pl_request request = stub2_request(0);
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.flags, PL_RUN_FROM_CACHE);
    request.node = 1;
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_OK);
    assert_int_equal(run.flags, 0);
    assert_true(run.first.number >= 64);
    stub2_fini(&page);
    stub2_fini(&inner);
    stub2_destroy(&stub);
}

/* A frame freed twice, and a frame freed that was never granted. Expect the audit to name both. */
static void test_audit_sees_wrong_frees(void **state)
{
    struct fixture fixture;
    struct stub2_listener listener;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    put(&fixture, 0, &run);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[1], &run), PL_OK);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 1);
    assert_int_equal(listener.broken, 1);
    assert_string_equal(listener.first_broken, "percpu: frame 10 is cached twice");
    fixture_close(&fixture);

    fixture_open(&fixture, 100, PARAMS, NULL);
    run = (struct pl_run){.first = pl_frame_at(50), .frame_count = 1};
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[0], &run), PL_OK);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 1);
    assert_string_equal(listener.first_broken,
                        "percpu: frame 50 is cached and not granted by the inner allocator");
    fixture_close(&fixture);
}

/* More frames cached than one chunk of the audit holds. Expect each heard once, and a twin in another chunk
 * found. */
static void test_audit_in_several_chunks(void **state)
{
    static struct pl_run runs[1300];
    struct fixture fixture;
    struct stub2_listener listener;
    (void)state;
    fixture_open(&fixture, 2000, "batch=1,high=1400", NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        assert_int_equal(get(&fixture, 0, 0, &runs[i]), PL_OK);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        put(&fixture, 0, &runs[i]);
    expect_counts(&fixture, 700, 1300);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, &fixture.stub.cpus[1], &runs[0]), PL_OK);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 1);
    assert_string_equal(listener.first_broken, "percpu: frame 7 is cached twice");
    fixture_close(&fixture);
}

/* Texts in parentheses. Expect the good ones shown by settings, the bad ones PL_INVALID or no metadata. */
static void test_params(void **state)
{
    static const struct {
        const char *text;
        const char *settings; /* NULL: bad */
    } cases[] = {
        {NULL, "batch=32 high=64 guard=none "},
        {"", "batch=32 high=64 guard=none "},
        {"batch=8", "batch=8 high=16 guard=none "},
        {"high=100", "batch=32 high=100 guard=none "},
        {"high=9,batch=9", "batch=9 high=9 guard=none "},
        {"batch=0", NULL},
        {"high=5", NULL},
        {"batch=99999999999999999999", NULL},
        {"batch=8,", NULL},
        {"batch", NULL},
        {"batch=8 high=9", NULL},
        {"colour=blue", NULL},
        {"batch=-1", NULL},
    };
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, 10, NULL, NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(cases); i++) {
        enum pl_status status;
        char text[200];
        struct pl_page page = stub2_init(&fixture.stub, &pl_candidate_percpu, &fixture.inner,
                                         pl_candidate_reference.page->caps, cases[i].text, &status);
        assert_int_equal(page.self != NULL, cases[i].settings != NULL);
        if (page.self == NULL)
            continue;
        page.ops->settings(page.self, text, sizeof(text));
        assert_memory_equal(text, cases[i].settings, strlen(cases[i].settings));
        page.ops->settings(page.self, text, 4);
        assert_string_equal(text, "bat");
        stub2_fini(&page);
    }
    fixture_close(&fixture);
}

/* Expect exactly the capabilities that a magazine takes away or gives, whatever the inner one has. */
static void test_capabilities(void **state)
{
    uint64_t kept = PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES;
    uint64_t lost = PL_CAP_EXACT_COUNT | PL_CAP_CHECKS_FREE | PL_CAP_KNOWS_ZERO | PL_CAP_NMI_SAFE;
    struct pl_page_config config = {.inner_caps = kept | lost};
    (void)state;
    assert_int_equal(pl_candidate_percpu.page->caps_of(&config), kept | PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE);
}

/* What the spy below stands for, and what it saw. */
struct spy {
    struct pl_page inner;
    uint32_t lock_depth; /* expected on each call */
    uint32_t masked;
    unsigned raise; /* bits to raise on each call, as an interrupt would that finds the CPU masked */
    uint64_t calls;
    bool wrong;
};

static void spy_look(struct spy *spy, struct pl_cpu *cpu, uint32_t flags)
{
    spy->calls++;
    if (cpu->lock_depth != spy->lock_depth || atomic_load(&cpu->masked) != spy->masked)
        spy->wrong = true;
    if (spy->masked != 0 && (flags & (PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL)) != 0)
        spy->wrong = true;
    atomic_fetch_or(&cpu->pending, spy->raise);
}

static enum pl_status spy_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                struct pl_run *run)
{
    struct spy *spy = self;
    spy_look(spy, cpu, request->flags);
    return spy->inner.ops->alloc(spy->inner.self, cpu, request, run);
}

static enum pl_status spy_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct spy *spy = self;
    spy_look(spy, cpu, 0);
    return spy->inner.ops->free(spy->inner.self, cpu, run);
}

static const struct pl_page_ops spy_ops = {
    .bytes = sizeof(struct pl_page_ops), .abi = PL_ABI, .alloc = spy_alloc, .free = spy_free};

static struct pl_page spied(struct fixture *fixture, struct spy *spy, uint64_t caps)
{
    enum pl_status status;
    *spy = (struct spy){.inner = fixture->inner};
    struct pl_page page = {.ops = &spy_ops, .self = spy};
    page = stub2_init(&fixture->stub, &pl_candidate_percpu, &page, caps, PARAMS, &status);
    assert_int_equal(status, PL_OK);
    return page;
}

/* An inner one that is neither concurrent nor interrupt-safe, or only the former, or both. Expect its calls
 * under the lock, masked, and plain; and never a request that may sleep while masked. */
static void test_guards(void **state)
{
    static const struct {
        uint64_t caps;
        uint32_t lock_depth;
        uint32_t masked;
    } cases[] = {{0, 1, 1},
                 {PL_CAP_IRQ_SAFE, 1, 1},
                 {PL_CAP_CONCURRENT, 0, 1},
                 {PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE, 0, 0}};
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    for (uint32_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct spy spy;
        struct pl_cpu *cpu = &fixture.stub.cpus[0];
        struct pl_page page = spied(&fixture, &spy, cases[i].caps);
        struct pl_request request = stub2_request(3);
        struct pl_run run;
        request.flags = PL_REQUEST_WAIT_OK;
        spy.lock_depth = cases[i].lock_depth;
        spy.masked = cases[i].masked;
        assert_int_equal(page.ops->alloc(page.self, cpu, &request, &run), PL_OK);
        assert_int_equal(page.ops->free(page.self, cpu, &run), PL_OK);
        assert_int_equal(spy.calls, 2);
        request.order = 0;
        spy.masked = 1; /* batches are masked under any guard */
        assert_int_equal(page.ops->alloc(page.self, cpu, &request, &run), PL_OK);
        assert_int_equal(spy.calls, 2 + BATCH);
        assert_int_equal(page.ops->free(page.self, cpu, &run), PL_OK);
        page.ops->drain(page.self, cpu, cpu);
        assert_int_equal(spy.calls, 2 + 2 * BATCH);
        assert_false(spy.wrong);
        assert_int_equal(cpu->lock_depth, 0);
        assert_int_equal(atomic_load(&cpu->masked), 0);
        stub2_fini(&page);
    }
    fixture_close(&fixture);
}

/* The interrupt: takes three frames and gives one back, on the instance that it interrupted. */
struct greedy {
    struct stub2_handler handler;
    struct fixture *fixture;
    struct pl_page page;
    struct spy *spy;
    struct pl_run kept[64];
    uint32_t kept_count;
    uint32_t times;
    bool wrong;
};

static void greedy_run(struct stub2_handler *handler, struct pl_cpu *cpu, unsigned bits)
{
    struct greedy *greedy = (struct greedy *)handler;
    struct pl_request request = stub2_request(0);
    greedy->times++;
    greedy->spy->raise = 0;
    if (bits != 2 || atomic_load(&cpu->masked) != 0)
        greedy->wrong = true;
    for (uint32_t i = 0; i < 3; i++) {
        struct pl_run *run = &greedy->kept[greedy->kept_count++];
        if (greedy->page.ops->alloc(greedy->page.self, cpu, &request, run) != PL_OK ||
            !stub2_grant(&greedy->fixture->stub, run))
            greedy->wrong = true;
    }
    struct pl_run *last = &greedy->kept[--greedy->kept_count];
    stub2_ungrant(&greedy->fixture->stub, last);
    if (greedy->page.ops->free(greedy->page.self, cpu, last) != PL_OK)
        greedy->wrong = true;
}

/* An interrupt is raised while a refill, then a push-down, is in progress. Expect it delivered once, when the
 * call unmasks and not before, and its own calls on the same magazine to be right. */
static void test_interrupt_inside_a_batch(void **state)
{
    struct fixture fixture;
    struct spy spy;
    struct pl_run runs[HIGH + 4];
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    struct greedy greedy = {.handler = {.run = greedy_run}, .fixture = &fixture, .spy = &spy};
    greedy.page = spied(&fixture, &spy, 0);
    struct pl_cpu *cpu = &fixture.stub.cpus[0];
    struct pl_request request = stub2_request(0);
    cpu->platform_data = &greedy;
    spy.lock_depth = 1;
    spy.masked = 1;
    spy.raise = 2;
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++) {
        assert_int_equal(greedy.page.ops->alloc(greedy.page.self, cpu, &request, &runs[i]), PL_OK);
        assert_true(stub2_grant(&fixture.stub, &runs[i]));
        assert_int_equal(atomic_load(&cpu->pending), 0);
    }
    assert_int_equal(greedy.times, 1);
    spy.raise = 2;
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++) {
        stub2_ungrant(&fixture.stub, &runs[i]);
        assert_int_equal(greedy.page.ops->free(greedy.page.self, cpu, &runs[i]), PL_OK);
    }
    assert_int_equal(greedy.times, 2);
    assert_false(greedy.wrong);
    assert_false(spy.wrong);
    assert_int_equal(atomic_load(&cpu->masked), 0);
    stub2_fini(&greedy.page);
    fixture_close(&fixture);
}

/* An interrupt is pending before a call that the magazine serves alone. Expect it delivered at the call's
 * end. */
static void test_interrupt_on_the_fast_path(void **state)
{
    struct fixture fixture;
    struct spy spy;
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    struct greedy greedy = {.handler = {.run = greedy_run}, .fixture = &fixture, .spy = &spy};
    greedy.page = spied(&fixture, &spy, PL_CAP_CONCURRENT);
    struct pl_cpu *cpu = &fixture.stub.cpus[0];
    struct pl_request request = stub2_request(0);
    cpu->platform_data = &greedy;
    spy.masked = 1;
    assert_int_equal(greedy.page.ops->alloc(greedy.page.self, cpu, &request, &run), PL_OK);
    assert_true(stub2_grant(&fixture.stub, &run));
    atomic_store(&cpu->pending, 2);
    stub2_ungrant(&fixture.stub, &run);
    assert_int_equal(greedy.page.ops->free(greedy.page.self, cpu, &run), PL_OK);
    assert_int_equal(greedy.times, 1);
    assert_false(greedy.wrong);
    stub2_fini(&greedy.page);
    fixture_close(&fixture);
}

/* Saved, used, restored by memcpy at the same address. Expect the instance to go on from where it was saved.
 */
static void test_snapshot(void **state)
{
    struct fixture fixture;
    struct pl_run run;
    struct pl_run again;
    (void)state;
    fixture_open(&fixture, 100, PARAMS, NULL);
    struct pl_page_config config = {
        .bytes = sizeof(config), .machine = &fixture.stub.machine, .params = PARAMS};
    size_t outer_bytes = pl_candidate_percpu.page->meta_bytes(&config);
    size_t inner_bytes = pl_candidate_reference.page->meta_bytes(&config);
    unsigned char *saved = malloc(outer_bytes + inner_bytes);
    assert_non_null(saved);
    memcpy(saved, fixture.page.self, outer_bytes);
    memcpy(saved + outer_bytes, fixture.inner.self, inner_bytes);
    assert_int_equal(get(&fixture, 0, 0, &run), PL_OK);
    stub2_ungrant(&fixture.stub, &run);
    memcpy(fixture.page.self, saved, outer_bytes);
    memcpy(fixture.inner.self, saved + outer_bytes, inner_bytes);
    expect_counts(&fixture, 100, 0);
    assert_int_equal(get(&fixture, 0, 0, &again), PL_OK);
    assert_int_equal(again.first.number, run.first.number);
    free(saved);
    fixture_close(&fixture);
}

#define STRESS_STEPS 20000u
#define STRESS_HELD  40u

struct stress {
    struct pl_page page;
    struct pl_cpu *cpu;
    atomic_uchar *owned; /* of the machine's frames, by frame - first */
    uint64_t first;
    bool wrong;
};

/* Holds up to STRESS_HELD frames of orders 0 and 2, each marked while it is held. */
static void *stress_run(void *argument)
{
    struct stress *stress = argument;
    struct pl_run held[STRESS_HELD];
    uint32_t count = 0;
    uint32_t random = stress->cpu->id + 1;
    for (uint32_t step = 0; step < STRESS_STEPS || count > 0; step++) {
        random = random * 1664525u + 1013904223u;
        bool grow = step < STRESS_STEPS && count < STRESS_HELD && (random >> 16) % 2 == 0;
        struct pl_request request = stub2_request((random >> 20) % 8 == 0 ? 2 : 0);
        if (grow) {
            if (stress->page.ops->alloc(stress->page.self, stress->cpu, &request, &held[count]) != PL_OK)
                continue;
            for (uint64_t i = 0; i < held[count].frame_count; i++)
                if (atomic_exchange(&stress->owned[held[count].first.number - stress->first + i], 1) != 0)
                    stress->wrong = true;
            count++;
        } else if (count > 0) {
            struct pl_run run = held[--count];
            for (uint64_t i = 0; i < run.frame_count; i++)
                atomic_store(&stress->owned[run.first.number - stress->first + i], 0);
            if (stress->page.ops->free(stress->page.self, stress->cpu, &run) != PL_OK)
                stress->wrong = true;
        }
    }
    return NULL;
}

/* Two threads over an inner one that is said to be neither concurrent nor interrupt-safe. Expect no frame
 * held twice, and all back after a drain. */
static void test_two_threads(void **state)
{
    struct fixture fixture;
    struct spy spy;
    struct stress stress[2];
    pthread_t threads[2];
    struct pl_page_counts counts;
    (void)state;
    fixture_open(&fixture, 150, PARAMS, NULL);
    struct pl_page page = spied(&fixture, &spy, 0);
    spy.lock_depth = 1;
    spy.masked = 1;
    atomic_uchar *owned = calloc(150, sizeof(*owned));
    assert_non_null(owned);
    for (uint32_t i = 0; i < 2; i++) {
        stress[i] = (struct stress){.page = page, .cpu = &fixture.stub.cpus[i], .owned = owned, .first = 7};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(stress[0].wrong || stress[1].wrong || spy.wrong);
    page.ops->drain(page.self, &fixture.stub.cpus[0], &fixture.stub.cpus[0]);
    page.ops->drain(page.self, &fixture.stub.cpus[0], &fixture.stub.cpus[1]);
    fixture.inner.ops->count(fixture.inner.self, &counts);
    assert_int_equal(counts.free, 150);
    free(owned);
    stub2_fini(&page);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refill_takes_one_batch),
        cmocka_unit_test(test_overflow_pushes_one_batch_down),
        cmocka_unit_test(test_exhaustion_reaches_every_frame),
        cmocka_unit_test(test_each_inner_failure),
        cmocka_unit_test(test_two_cpus),
        cmocka_unit_test(test_other_orders_pass_through),
        cmocka_unit_test(test_split_parts_go_down_singly),
        cmocka_unit_test(test_a_wanted_node_passes_through),
        cmocka_unit_test(test_audit_sees_wrong_frees),
        cmocka_unit_test(test_audit_in_several_chunks),
        cmocka_unit_test(test_params),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_interrupt_inside_a_batch),
        cmocka_unit_test(test_interrupt_on_the_fast_path),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
