/* jemalloc: bounded by the machine's ranges, whole again after everything is freed, and no leak from one
 * instance to the next. Each case runs on both candidates. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_stub2.h"
#include <jemalloc/jemalloc.h>

extern const struct pl_candidate pl_candidate_jemalloc;
extern const struct pl_candidate pl_candidate_jemalloc_notcache;

#define FRAMES_64_MIB 16384u

static const struct pl_candidate *const candidates[] = {&pl_candidate_jemalloc,
                                                        &pl_candidate_jemalloc_notcache};

static enum pl_status get(struct stub2 *stub, const struct pl_page *page, uint32_t cpu, uint32_t order,
                          struct pl_run *run)
{
    struct pl_request request = stub2_request(order);
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

static void drain(struct stub2 *stub, const struct pl_page *page)
{
    for (uint32_t i = 0; i < stub->machine.cpu_count && page->ops->drain != NULL; i++)
        page->ops->drain(page->self, &stub->cpus[0], &stub->cpus[i]);
}

/* Fills the machine with blocks of one order, writes to each, and frees all. Returns how many there were. */
static uint64_t fill_and_empty(struct stub2 *stub, const struct pl_page *page, uint32_t order,
                               struct pl_run *runs)
{
    uint64_t count = 0;
    struct pl_page_counts counts;
    while (get(stub, page, (uint32_t)(count % 2), order, &runs[count]) == PL_OK) {
        memset(pl_frame_address(&stub->machine, runs[count].first), 0xa5, runs[count].frame_count * 4096);
        count++;
    }
    page->ops->count(page->self, &counts);
    assert_int_equal(counts.free + counts.metadata + counts.lost + (count << order),
                     stub->machine.frame_count);
    for (uint64_t i = 0; i < count; i++)
        put(stub, page, (uint32_t)(i / 2 % 2), &runs[i]);
    drain(stub, page);
    return count;
}

/* Every order to exhaustion, and again in a second lap. Expect no overlap, nothing outside the ranges, the
 * metadata unharmed by writes to the frames, and as many blocks the second time. */
static void test_fill_empty_fill(void **state)
{
    const struct pl_range plain = {.frame_count = FRAMES_64_MIB};
    const struct pl_range holes[] = {{.first = pl_frame_at(77), .frame_count = 100},
                                     {.first = pl_frame_at(300), .frame_count = 4000},
                                     {.first = pl_frame_at(5000), .frame_count = 9000}};
    static struct pl_run runs[FRAMES_64_MIB];
    (void)state;
    for (uint32_t i = 0; i < PL_COUNT_OF(candidates) * 2; i++) {
        struct stub2 stub;
        enum pl_status status;
        stub2_make(&stub, i % 2 == 0 ? &plain : holes, i % 2 == 0 ? 1 : 3, 2, true);
        struct pl_page page = stub2_init(&stub, candidates[i / 2], NULL, 0, NULL, &status);
        assert_int_equal(status, PL_OK);
        for (uint32_t order = 0; order <= 10; order++) {
            uint64_t first = fill_and_empty(&stub, &page, order, runs);
            uint64_t second = fill_and_empty(&stub, &page, order, runs);
            uint64_t difference = first > second ? first - second : second - first;
            assert_true(difference <= 1 + first / 50);
            if (order == 0)
                assert_true(first * 10 >= stub.machine.frame_count * 9);
        }
        struct pl_run run;
        assert_int_equal(get(&stub, &page, 0, 11, &run), PL_UNSUPPORTED);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

/* All frames free but scattered over single extents, then a block of order 9; and the other way round. Expect
 * both served: what is free merges, and splits. */
static void test_orders_after_one_another(void **state)
{
    const struct pl_range range = {.frame_count = FRAMES_64_MIB};
    static struct pl_run runs[FRAMES_64_MIB];
    (void)state;
    for (uint32_t i = 0; i < PL_COUNT_OF(candidates); i++) {
        struct stub2 stub;
        enum pl_status status;
        stub2_make(&stub, &range, 1, 2, true);
        struct pl_page page = stub2_init(&stub, candidates[i], NULL, 0, NULL, &status);
        uint64_t singles = fill_and_empty(&stub, &page, 0, runs);
        assert_true(fill_and_empty(&stub, &page, 9, runs) > 0);
        uint64_t again = fill_and_empty(&stub, &page, 0, runs);
        assert_true(again + again / 50 >= singles);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

/* Frames that jemalloc says it uses for its base, and ours. Expect its number within the blocks that we
 * count: the hooks tell metadata from the rest by an observation that its manual does not promise. */
static void test_metadata_is_counted(void **state)
{
    const struct pl_range range = {.frame_count = FRAMES_64_MIB};
    static struct pl_run runs[FRAMES_64_MIB];
    (void)state;
    for (uint32_t i = 0; i < PL_COUNT_OF(candidates); i++) {
        struct stub2 stub;
        struct pl_page_counts counts;
        enum pl_status status;
        char text[300];
        char name[64];
        unsigned arenas;
        size_t bytes = sizeof(arenas);
        stub2_make(&stub, &range, 1, 2, true);
        struct pl_page page = stub2_init(&stub, candidates[i], NULL, 0, NULL, &status);
        (void)fill_and_empty(&stub, &page, 0, runs);
        page.ops->count(page.self, &counts);
        assert_true(counts.metadata >= 512);

        /* Ours is the arena that the last thread to create one was given, or a recycled one: look at all. */
        uint64_t epoch = 1;
        assert_int_equal(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
        assert_int_equal(mallctl("arenas.narenas", &arenas, &bytes, NULL, 0), 0);
        uint64_t base = 0;
        for (unsigned arena = 0; arena < arenas; arena++) {
            extent_hooks_t *hooks = NULL;
            bytes = sizeof(hooks);
            snprintf(name, sizeof(name), "arena.%u.extent_hooks", arena);
            if (mallctl(name, &hooks, &bytes, NULL, 0) != 0)
                continue;
            uintptr_t offset = (uintptr_t)hooks - (uintptr_t)page.self;
            if (offset >= 65536)
                continue;
            bytes = sizeof(base);
            snprintf(name, sizeof(name), "stats.arenas.%u.base", arena);
            assert_int_equal(mallctl(name, &base, &bytes, NULL, 0), 0);
        }
        assert_true(base > 0);
        assert_true(base <= counts.metadata * 4096);
        assert_true(base * 2 > counts.metadata * 4096);

        page.ops->settings(page.self, text, sizeof(text));
        assert_memory_equal(text, "version=5.", 10);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

/* What jemalloc holds for itself in the whole process: arenas, and bytes of metadata. */
struct holdings {
    unsigned arenas;
    size_t metadata_bytes;
};

static struct holdings holdings(void)
{
    struct holdings now;
    uint64_t epoch = 1;
    size_t bytes = sizeof(now.arenas);
    assert_int_equal(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
    assert_int_equal(mallctl("arenas.narenas", &now.arenas, &bytes, NULL, 0), 0);
    bytes = sizeof(now.metadata_bytes);
    assert_int_equal(mallctl("stats.metadata", &now.metadata_bytes, &bytes, NULL, 0), 0);
    return now;
}

/* Hundreds of instances on one machine, one after another, frames still granted when each ends. Expect each
 * to begin whole, and jemalloc to hold no more after the last than after the first ones. */
static void test_many_instances(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(1), .frame_count = 4096};
    struct stub2 stub;
    struct holdings before = {0};
    (void)state;
    stub2_make(&stub, &range, 1, 2, true);
    for (uint32_t cycle = 0; cycle < 600; cycle++) {
        enum pl_status status;
        struct pl_page page =
            stub2_init(&stub, candidates[cycle % PL_COUNT_OF(candidates)], NULL, 0, NULL, &status);
        assert_int_equal(status, PL_OK);
        for (uint32_t i = 0; i < 1000; i++) {
            struct pl_run run;
            assert_int_equal(get(&stub, &page, i % 2, i % 100 == 0 ? 3 : 0, &run), PL_OK);
            if (i % 4 == 0)
                put(&stub, &page, 0, &run);
        }
        stub2_fini(&page);
        memset(stub.owned, 0, stub.machine.span);
        if (cycle == 100)
            before = holdings();
    }
    struct holdings after = holdings();
    assert_int_equal(after.arenas, before.arenas);
    assert_true(after.metadata_bytes <= before.metadata_bytes + 65536);
    stub2_destroy(&stub);
}

/* Two instances alive at once, on machines of their own. Expect each to keep to its own frames. */
static void test_two_instances(void **state)
{
    const struct pl_range range = {.frame_count = 4096};
    static struct pl_run runs[2][4096];
    struct stub2 stubs[2];
    struct pl_page pages[2];
    enum pl_status status;
    uint64_t count[2] = {0, 0};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        stub2_make(&stubs[i], &range, 1, 2, true);
        pages[i] = stub2_init(&stubs[i], candidates[0], NULL, 0, NULL, &status);
    }
    for (uint32_t i = 0; i < 8000; i++)
        if (get(&stubs[i % 2], &pages[i % 2], 0, 0, &runs[i % 2][count[i % 2]]) == PL_OK)
            count[i % 2]++;
    assert_true(count[0] == count[1] && count[0] >= 3500);
    for (uint32_t i = 0; i < 2; i++) {
        stub2_fini(&pages[i]);
        stub2_destroy(&stubs[i]);
    }
}

/* Machines that it cannot manage: too small, metadata only, two nodes, addresses out of step with frame
 * numbers. Expect a refusal, not a crash. */
static void test_refused_machines(void **state)
{
    const struct pl_range nodes[] = {{.frame_count = 4096},
                                     {.first = pl_frame_at(5000), .frame_count = 4096, .node = 1}};
    (void)state;
    for (uint32_t i = 0; i < PL_COUNT_OF(candidates); i++) {
        struct stub2 stub;
        enum pl_status status;
        static const uint64_t frame_counts[] = {1, 2, 511};
        for (uint32_t j = 0; j < PL_COUNT_OF(frame_counts); j++) {
            const struct pl_range tiny = {.frame_count = frame_counts[j]};
            stub2_make(&stub, &tiny, 1, 1, true);
            assert_null(stub2_init(&stub, candidates[i], NULL, 0, NULL, &status).self);
            assert_int_equal(status, PL_UNSUPPORTED);
            stub2_destroy(&stub);
        }
        for (uint32_t j = 0; j < 3; j++) {
            stub2_make(&stub, nodes, j == 0 ? 2 : 1, 1, j != 1);
            if (j == 2)
                stub.machine.contents += 4096;
            assert_null(stub2_init(&stub, candidates[i], NULL, 0, NULL, &status).self);
            assert_int_equal(status, PL_UNSUPPORTED);
            stub2_destroy(&stub);
        }
        /* Room for its metadata and for nothing else. */
        const struct pl_range bare = {.frame_count = 512};
        struct pl_run run;
        stub2_make(&stub, &bare, 1, 1, true);
        struct pl_page page = stub2_init(&stub, candidates[i], NULL, 0, NULL, &status);
        assert_int_equal(status, PL_OK);
        assert_int_equal(get(&stub, &page, 0, 0, &run), PL_NO_MEMORY);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

/* The interrupt: takes a frame and gives it back. */
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
    nested->wrong |= bits != 1 || atomic_load(&cpu->masked) != 0;
    nested->wrong |= nested->page.ops->alloc(nested->page.self, cpu, &request, &run) != PL_OK;
    nested->wrong |= nested->page.ops->free(nested->page.self, cpu, &run) != PL_OK;
}

/* An interrupt is pending during each call. Expect it delivered when the call is done. */
static void test_interrupts(void **state)
{
    const struct pl_range range = {.frame_count = 4096};
    struct stub2 stub;
    struct pl_run runs[100];
    enum pl_status status;
    (void)state;
    stub2_make(&stub, &range, 1, 1, true);
    struct nested nested = {.handler = {.run = nested_run}};
    nested.page = stub2_init(&stub, candidates[0], NULL, 0, NULL, &status);
    stub.cpus[0].platform_data = &nested;
    for (uint32_t i = 0; i < 100; i++) {
        atomic_store(&stub.cpus[0].pending, 1);
        assert_int_equal(get(&stub, &nested.page, 0, i % 3, &runs[i]), PL_OK);
    }
    for (uint32_t i = 0; i < 100; i++) {
        atomic_store(&stub.cpus[0].pending, 1);
        put(&stub, &nested.page, 0, &runs[i]);
    }
    assert_int_equal(nested.times, 200);
    assert_false(nested.wrong);
    stub2_fini(&nested.page);
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
    static _Thread_local struct pl_run held[3000];
    for (uint32_t lap = 0; lap < 20; lap++) {
        uint32_t count = 0;
        for (; count < 3000; count++) {
            struct pl_request request = stub2_request(count % 50 == 0 ? 2 : 0);
            struct pl_run *run = &held[count];
            if (stress->page.ops->alloc(stress->page.self, stress->cpu, &request, run) != PL_OK)
                break;
            for (uint64_t i = 0; i < run->frame_count; i++)
                stress->wrong |= atomic_exchange(&stress->owned[run->first.number + i], 1) != 0;
        }
        while (count-- > 0) {
            for (uint64_t i = 0; i < held[count].frame_count; i++)
                atomic_store(&stress->owned[held[count].first.number + i], 0);
            stress->page.ops->free(stress->page.self, stress->cpu, &held[count]);
        }
    }
    return NULL;
}

/* Two threads on a machine too small for both. Expect no frame held twice, and the counts whole at the end.
 */
static void test_two_threads(void **state)
{
    const struct pl_range range = {.frame_count = 5000};
    (void)state;
    for (uint32_t j = 0; j < PL_COUNT_OF(candidates); j++) {
        struct stub2 stub;
        struct stress stress[2];
        pthread_t threads[2];
        enum pl_status status;
        struct pl_page_counts counts;
        stub2_make(&stub, &range, 1, 2, true);
        struct pl_page page = stub2_init(&stub, candidates[j], NULL, 0, NULL, &status);
        assert_int_equal(status, PL_OK);
        atomic_uchar *owned = calloc(5000, sizeof(*owned));
        assert_non_null(owned);
        for (uint32_t i = 0; i < 2; i++) {
            stress[i] = (struct stress){.page = page, .cpu = &stub.cpus[i], .owned = owned};
            assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
        }
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(stress[0].wrong || stress[1].wrong);
        page.ops->count(page.self, &counts);
        assert_int_equal(counts.free + counts.metadata, 5000);
        assert_int_equal(counts.lost, 0);
        free(owned);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_empty_fill),     cmocka_unit_test(test_orders_after_one_another),
        cmocka_unit_test(test_metadata_is_counted), cmocka_unit_test(test_many_instances),
        cmocka_unit_test(test_two_instances),       cmocka_unit_test(test_refused_machines),
        cmocka_unit_test(test_interrupts),          cmocka_unit_test(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
