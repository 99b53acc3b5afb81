/* percpu: how it calls what it wraps, whoever interrupts; snapshots; threads. */
#include "percpu_fixture.h"

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
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_interrupt_inside_a_batch),
        cmocka_unit_test(test_interrupt_on_the_fast_path),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
