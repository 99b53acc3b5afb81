/* magazine: a measuring rod, but one that grants each frame once and gives it back. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_stub2.h"

extern const struct pl_candidate pl_candidate_magazine;

#define BATCH    32u
#define CAPACITY 64u

static struct pl_page open_on(struct stub2 *stub, const struct pl_range *ranges, uint32_t range_count)
{
    enum pl_status status;
    stub2_make(stub, ranges, range_count, 2, false);
    struct pl_page page = stub2_init(stub, &pl_candidate_magazine, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    return page;
}

static enum pl_status get(struct stub2 *stub, const struct pl_page *page, uint32_t cpu, struct pl_run *run)
{
    struct pl_request request = stub2_request(0);
    enum pl_status status = page->ops->alloc(page->self, &stub->cpus[cpu], &request, run);
    if (status == PL_OK)
        assert_true(stub2_grant(stub, run));
    return status;
}

static void put(struct stub2 *stub, const struct pl_page *page, uint32_t cpu, const struct pl_run *run)
{
    stub2_ungrant(stub, run);
    assert_int_equal(page->ops->free(page->self, &stub->cpus[cpu], run), PL_OK);
}

static void expect_counts(struct stub2 *stub, const struct pl_page *page, uint64_t free_frames,
                          uint64_t cached)
{
    struct pl_page_counts counts;
    struct stub2_listener listener;
    page->ops->count(page->self, &counts);
    assert_int_equal(counts.free, free_frames);
    assert_int_equal(counts.cached, cached);
    assert_int_equal(stub2_audit(stub, page, &listener), 0);
    assert_int_equal(listener.broken, 0);
    assert_int_equal(listener.overlaps, 0);
    assert_int_equal(listener.frames[PL_BLOCK_FREE], free_frames);
    assert_int_equal(listener.frames[PL_BLOCK_CACHED], cached);
}

/* Every frame of the ranges out and back, twice, freed on both CPUs. Expect no frame twice, none outside, and
 * PL_NO_MEMORY only when all are out. */
static void fill_and_empty(const struct pl_range *ranges, uint32_t range_count)
{
    struct stub2 stub;
    struct pl_page page = open_on(&stub, ranges, range_count);
    uint64_t all = stub.machine.frame_count;
    struct pl_run *runs = calloc(all + 1, sizeof(*runs));
    assert_non_null(runs);
    for (uint32_t lap = 0; lap < 2; lap++) {
        for (uint64_t i = 0; i < all; i++)
            assert_int_equal(get(&stub, &page, 0, &runs[i]), PL_OK);
        expect_counts(&stub, &page, 0, 0);
        assert_int_equal(get(&stub, &page, 0, &runs[all]), PL_NO_MEMORY);
        assert_int_equal(get(&stub, &page, 1, &runs[all]), PL_NO_MEMORY);
        expect_counts(&stub, &page, 0, 0);
        for (uint64_t i = 0; i < all; i++)
            put(&stub, &page, i % 3 == 0, &runs[i]);
        page.ops->drain(page.self, &stub.cpus[0], &stub.cpus[1]);
        page.ops->drain(page.self, &stub.cpus[0], &stub.cpus[0]);
        expect_counts(&stub, &page, all, 0);
    }
    free(runs);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

static void test_fill_and_empty(void **state)
{
    const struct pl_range plain = {.frame_count = 1000};
    const struct pl_range one = {.first = pl_frame_at(9), .frame_count = 1};
    const struct pl_range holes[] = {{.first = pl_frame_at(5), .frame_count = 77},
                                     {.first = pl_frame_at(100), .frame_count = 1},
                                     {.first = pl_frame_at(200), .frame_count = 131}};
    (void)state;
    fill_and_empty(&plain, 1);
    fill_and_empty(&one, 1);
    fill_and_empty(holes, 3);
}

/* A span that 32 bits do not hold. Expect wide slots, and frames beyond 2^32 granted. */
static void test_a_wide_span(void **state)
{
    const struct pl_range ranges[] = {{.first = pl_frame_at(1), .frame_count = 50},
                                      {.first = pl_frame_at(UINT64_C(1) << 33), .frame_count = 50}};
    struct pl_machine machine = {.ranges = ranges,
                                 .range_count = 2,
                                 .node_count = 1,
                                 .cpu_count = 1,
                                 .first = ranges[0].first,
                                 .span = (UINT64_C(1) << 33) + 49,
                                 .frame_count = 100};
    struct pl_page_config config = {.machine = &machine};
    const struct pl_platform platform = {.bytes = sizeof(platform), .abi = PL_ABI};
    struct pl_cpu cpu = {.id = 0, .platform = &platform};
    struct pl_request request = stub2_request(0);
    struct pl_run runs[101];
    uint64_t low = 0;
    uint64_t high = 0;
    char text[100];
    (void)state;
    const struct pl_page_ops *ops = pl_candidate_magazine.page;
    size_t bytes = (ops->meta_bytes(&config) + 4095) / 4096 * 4096;
    void *self = aligned_alloc(PL_FRAME_BYTES, bytes);
    assert_non_null(self);
    memset(self, 0, bytes);
    assert_int_equal(ops->init(self, &config), PL_OK);
    ops->settings(self, text, sizeof(text));
    assert_string_equal(text, "batch=32 capacity=64 slot_bytes=8");
    for (uint32_t lap = 0; lap < 2; lap++) {
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(ops->alloc(self, &cpu, &request, &runs[i]), PL_OK);
            low += runs[i].first.number - 1 < 50;
            high += runs[i].first.number - (UINT64_C(1) << 33) < 50;
        }
        assert_int_equal(ops->alloc(self, &cpu, &request, &runs[100]), PL_NO_MEMORY);
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(ops->free(self, &cpu, &runs[i]), PL_OK);
    }
    assert_int_equal(low, 100);
    assert_int_equal(high, 100);
    free(self);
}

/* CAPACITY + 1 frees. Expect one batch pushed down by the last, and the frame freed last on top. */
static void test_overflow(void **state)
{
    const struct pl_range range = {.frame_count = 500};
    struct stub2 stub;
    struct pl_run runs[CAPACITY + 1];
    struct pl_run again;
    (void)state;
    struct pl_page page = open_on(&stub, &range, 1);
    for (uint32_t i = 0; i < PL_COUNT_OF(runs); i++)
        assert_int_equal(get(&stub, &page, 0, &runs[i]), PL_OK);
    page.ops->drain(page.self, &stub.cpus[0], &stub.cpus[0]);
    for (uint32_t i = 0; i < CAPACITY; i++)
        put(&stub, &page, 0, &runs[i]);
    expect_counts(&stub, &page, 500 - CAPACITY - 1, CAPACITY);
    put(&stub, &page, 0, &runs[CAPACITY]);
    expect_counts(&stub, &page, 500 - CAPACITY - 1 + BATCH, CAPACITY - BATCH + 1);
    assert_int_equal(get(&stub, &page, 0, &again), PL_OK);
    assert_int_equal(again.first.number, runs[CAPACITY].first.number);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

/* The interrupt: takes a frame and gives it back, on the CPU that it interrupted. */
struct nested {
    struct stub2_handler handler;
    struct pl_page page;
    uint32_t times;
    bool wrong;
};

static void nested_run(struct stub2_handler *handler, struct pl_cpu *cpu, unsigned bits)
{
    struct nested *nested = (struct nested *)handler;
    struct pl_request request = stub2_request(0);
    struct pl_run run;
    nested->times++;
    nested->wrong |= bits != 1 || atomic_load(&cpu->masked) != 0 || cpu->lock_depth != 0;
    nested->wrong |= nested->page.ops->alloc(nested->page.self, cpu, &request, &run) != PL_OK;
    nested->wrong |= nested->page.ops->free(nested->page.self, cpu, &run) != PL_OK;
}

/* An interrupt is pending during each call: on the fast path, in a refill, in a push-down, in a drain. Expect
 * it delivered when the call unmasks, once a call, unless the caller had masked itself. */
static void test_interrupts(void **state)
{
    const struct pl_range range = {.frame_count = 500};
    struct stub2 stub;
    struct pl_run runs[200];
    (void)state;
    struct pl_page page = open_on(&stub, &range, 1);
    struct nested nested = {.handler = {.run = nested_run}, .page = page};
    struct pl_cpu *cpu = &stub.cpus[0];
    cpu->platform_data = &nested;
    for (uint32_t i = 0; i < 200; i++) {
        atomic_store(&cpu->pending, 1);
        assert_int_equal(get(&stub, &page, 0, &runs[i]), PL_OK);
    }
    assert_int_equal(nested.times, 200);
    for (uint32_t i = 0; i < 200; i++) {
        atomic_store(&cpu->pending, 1);
        put(&stub, &page, 0, &runs[i]);
    }
    assert_int_equal(nested.times, 400);
    uint32_t before = pl_mask(cpu);
    atomic_store(&cpu->pending, 1);
    page.ops->drain(page.self, cpu, cpu);
    assert_int_equal(get(&stub, &page, 0, &runs[0]), PL_OK);
    assert_int_equal(nested.times, 400);
    pl_unmask(cpu, before);
    assert_int_equal(nested.times, 401);
    assert_false(nested.wrong);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

/* Orders above 0. Expect PL_UNSUPPORTED, and the magazine untouched. */
static void test_other_orders(void **state)
{
    const struct pl_range range = {.frame_count = 500};
    struct stub2 stub;
    struct pl_run run;
    (void)state;
    struct pl_page page = open_on(&stub, &range, 1);
    struct pl_request request = stub2_request(1);
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_UNSUPPORTED);
    expect_counts(&stub, &page, 500, 0);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

struct stress {
    struct pl_page page;
    struct pl_cpu *cpu;
    atomic_uchar *owned;
    bool wrong;
};

static void *stress_run(void *argument)
{
    struct stress *stress = argument;
    struct pl_run held[150];
    struct pl_request request = stub2_request(0);
    for (uint32_t lap = 0; lap < 300; lap++) {
        uint32_t count = 0;
        while (count < 100 + lap % 50 &&
               stress->page.ops->alloc(stress->page.self, stress->cpu, &request, &held[count]) == PL_OK) {
            stress->wrong |= atomic_exchange(&stress->owned[held[count].first.number], 1) != 0;
            count++;
        }
        while (count > 0) {
            count--;
            atomic_store(&stress->owned[held[count].first.number], 0);
            stress->wrong |= stress->page.ops->free(stress->page.self, stress->cpu, &held[count]) != PL_OK;
        }
    }
    return NULL;
}

/* Two threads on a machine too small for both. Expect no frame held twice, and all back at the end. */
static void test_two_threads(void **state)
{
    const struct pl_range range = {.frame_count = 240};
    struct stub2 stub;
    struct stress stress[2];
    pthread_t threads[2];
    (void)state;
    struct pl_page page = open_on(&stub, &range, 1);
    atomic_uchar *owned = calloc(240, sizeof(*owned));
    assert_non_null(owned);
    for (uint32_t i = 0; i < 2; i++) {
        stress[i] = (struct stress){.page = page, .cpu = &stub.cpus[i], .owned = owned};
        assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(stress[0].wrong || stress[1].wrong);
    page.ops->drain(page.self, &stub.cpus[0], &stub.cpus[0]);
    page.ops->drain(page.self, &stub.cpus[0], &stub.cpus[1]);
    expect_counts(&stub, &page, 240, 0);
    free(owned);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_and_empty), cmocka_unit_test(test_a_wide_span),
        cmocka_unit_test(test_overflow),       cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_other_orders),   cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
