/* mimalloc: bounded by the machine's whole segments, closed without a trace, heaps of threads that come and
 * go, wrong frees that never reach the library. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_stub2.h"

extern const struct pl_candidate pl_candidate_mimalloc;

#define SEGMENT_FRAMES UINT64_C(8192) /* 32 MiB */
#define META_FRAMES    UINT64_C(16)   /* of each segment */
#define RUN_LIMIT      (4u * SEGMENT_FRAMES)

static struct pl_run runs[RUN_LIMIT];

/* Contents at a multiple of 32 MiB minus the first frame's place in it. */
static void make(struct stub2 *stub, const struct pl_range *ranges, uint32_t range_count, uint32_t cpu_count)
{
    stub2_make(stub, ranges, range_count, cpu_count, false);
    size_t block = (size_t)SEGMENT_FRAMES * PL_FRAME_BYTES;
    int zero = open("/dev/zero", O_RDWR);
    stub->mapped_bytes = stub->machine.span * PL_FRAME_BYTES + 2 * block;
    stub->mapped = mmap(NULL, stub->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    close(zero);
    assert_true(stub->mapped != MAP_FAILED);
    uintptr_t aligned = ((uintptr_t)stub->mapped + block - 1) / block * block;
    stub->machine.contents = (unsigned char *)aligned + stub->machine.first.number * PL_FRAME_BYTES % block;
}

static struct pl_page open_on(struct stub2 *stub)
{
    enum pl_status status;
    struct pl_page page = stub2_init(stub, &pl_candidate_mimalloc, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    return page;
}

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

static struct pl_page_counts counts_of(const struct pl_page *page)
{
    struct pl_page_counts counts;
    page->ops->count(page->self, &counts);
    return counts;
}

/* Fills the machine with blocks of one order, writes to each, and frees all. Returns how many there were. */
static uint64_t fill_and_empty(struct stub2 *stub, const struct pl_page *page, uint32_t order)
{
    uint64_t count = 0;
    while (get(stub, page, (uint32_t)(count % 2), order, &runs[count]) == PL_OK) {
        memset(pl_frame_address(&stub->machine, runs[count].first), 0xa5, runs[count].frame_count * 4096);
        count++;
    }
    struct pl_page_counts counts = counts_of(page);
    assert_int_equal(counts.free + counts.metadata + counts.lost + (count << order),
                     stub->machine.frame_count);
    for (uint64_t i = 0; i < count; i++)
        put(stub, page, (uint32_t)(i / 2 % 2), &runs[i]);
    page->ops->drain(page->self, &stub->cpus[0], &stub->cpus[0]);
    return count;
}

/* Every order to exhaustion, twice, on one range and on three of which one is too short.
 * Expect no overlap, nothing outside the segments, as many blocks the second time; of single frames all but
 * the metadata; of order 5 half. */
static void test_fill_empty_fill(void **state)
{
    const struct pl_range plain = {.frame_count = 2 * SEGMENT_FRAMES};
    const struct pl_range holes[] = {
        {.first = pl_frame_at(77), .frame_count = 100},
        {.first = pl_frame_at(SEGMENT_FRAMES), .frame_count = SEGMENT_FRAMES},
        {.first = pl_frame_at(3 * SEGMENT_FRAMES - 9), .frame_count = SEGMENT_FRAMES + 500}};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct stub2 stub;
        make(&stub, i == 0 ? &plain : holes, i == 0 ? 1 : 3, 2);
        struct pl_page page = open_on(&stub);
        struct pl_page_counts fresh = counts_of(&page);
        assert_int_equal(fresh.metadata, 2 * META_FRAMES);
        assert_int_equal(fresh.lost, stub.machine.frame_count - 2 * SEGMENT_FRAMES);
        for (uint32_t order = 0; order <= 10; order++) {
            uint64_t first = fill_and_empty(&stub, &page, order);
            assert_int_equal(fill_and_empty(&stub, &page, order), first);
            if (order == 0)
                assert_int_equal(first, fresh.free);
            if (order == 5)
                assert_true(first * 64 > fresh.free / 100 * 95 && first * 64 <= fresh.free);
            struct pl_page_counts after = counts_of(&page);
            assert_memory_equal(&after, &fresh, sizeof(after));
        }
        struct pl_run run;
        assert_int_equal(get(&stub, &page, 0, 11, &run), PL_UNSUPPORTED);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

static uint64_t maps_lines(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    uint64_t lines = 0;
    assert_non_null(maps);
    for (int c = getc(maps); c != EOF; c = getc(maps))
        lines += c == '\n';
    fclose(maps);
    return lines;
}

/* 300 instances, one after another, frames still granted when each ends, each on memory of its own.
 * Expect each to begin whole, the library gone after each, no key of its left, and less than a mapping an
 * instance. */
static void test_many_instances(void **state)
{
    const struct pl_range range = {.frame_count = SEGMENT_FRAMES};
    pthread_key_t before;
    pthread_key_t after;
    (void)state;
    assert_int_equal(pthread_key_create(&before, NULL), 0);
    pthread_key_delete(before);
    uint64_t lines = 0;
    for (uint32_t cycle = 0; cycle < 300; cycle++) {
        struct stub2 stub;
        struct pl_run run;
        make(&stub, &range, 1, 2);
        struct pl_page page = open_on(&stub);
        for (uint32_t i = 0; i < 500; i++) {
            assert_int_equal(get(&stub, &page, i % 2, i % 100 == 0 ? 3 : 0, &run), PL_OK);
            if (i % 4 == 0)
                put(&stub, &page, 0, &run);
        }
        stub2_fini(&page);
        assert_null(dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_NOLOAD));
        stub2_destroy(&stub);
        if (cycle == 100) /* a sanitizer has mapped most of its own by then */
            lines = maps_lines();
    }
    assert_int_equal(pthread_key_create(&after, NULL), 0);
    pthread_key_delete(after);
    assert_int_equal(before, after);
    assert_in_range(maps_lines(), 0, lines + 100);
}

/* Expect the process's malloc not to be mimalloc's, nor any of its names to be seen by others. */
static void test_replaces_nothing(void **state)
{
    const struct pl_range range = {.frame_count = SEGMENT_FRAMES};
    struct stub2 stub;
    (void)state;
    make(&stub, &range, 1, 1);
    void *main_program = dlopen(NULL, RTLD_NOW);
    void *malloc_before = dlsym(main_program, "malloc");
    struct pl_page page = open_on(&stub);
    void *block = malloc(100000);
    uintptr_t offset = (uintptr_t)block - (uintptr_t)stub.machine.contents;
    assert_true(offset >= stub.machine.span * PL_FRAME_BYTES);
    assert_null(dlsym(main_program, "mi_malloc"));
    assert_ptr_equal(dlsym(main_program, "malloc"), malloc_before);
    free(block);
    stub2_fini(&page);
    dlclose(main_program);
    stub2_destroy(&stub);
}

/* Two machines at once. Expect the second refused, and served when the first is gone. */
static void test_one_instance(void **state)
{
    const struct pl_range range = {.frame_count = SEGMENT_FRAMES};
    struct stub2 stubs[2];
    enum pl_status status;
    (void)state;
    make(&stubs[0], &range, 1, 1);
    make(&stubs[1], &range, 1, 1);
    struct pl_page page = open_on(&stubs[0]);
    assert_null(stub2_init(&stubs[1], &pl_candidate_mimalloc, NULL, 0, NULL, &status).self);
    assert_int_equal(status, PL_UNSUPPORTED);
    assert_true((page.ops->caps & PL_CAP_ONE_INSTANCE) != 0);
    stub2_fini(&page);
    page = open_on(&stubs[1]);
    stub2_fini(&page);
    stub2_destroy(&stubs[0]);
    stub2_destroy(&stubs[1]);
}

/* Machines that it cannot manage: less than a segment, two nodes, metadata only, addresses out of step with
 * frame numbers. Expect a refusal. */
static void test_refused_machines(void **state)
{
    const struct pl_range cases[] = {
        {.frame_count = 1},
        {.frame_count = SEGMENT_FRAMES - 1},
        {.first = pl_frame_at(1), .frame_count = 2 * SEGMENT_FRAMES - 2},
        {.frame_count = SEGMENT_FRAMES, .node = 1},
        {.frame_count = SEGMENT_FRAMES},
        {.frame_count = SEGMENT_FRAMES},
    };
    (void)state;
    for (uint32_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct stub2 stub;
        enum pl_status status;
        make(&stub, &cases[i], 1, 1);
        if (i == 4)
            stub.machine.contents = NULL;
        if (i == 5)
            stub.machine.contents += 4096;
        assert_null(stub2_init(&stub, &pl_candidate_mimalloc, NULL, 0, NULL, &status).self);
        assert_int_equal(status, PL_UNSUPPORTED);
        stub2_destroy(&stub);
    }
}

/* Expect all wrong frees refused, and the grant whole. */
static void test_refuses_every_mistake(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(SEGMENT_FRAMES), .frame_count = SEGMENT_FRAMES};
    struct stub2 stub;
    struct pl_run grant;
    (void)state;
    make(&stub, &range, 1, 1);
    struct pl_page page = open_on(&stub);
    assert_int_equal(get(&stub, &page, 0, 2, &grant), PL_OK);
    struct pl_page_counts before = counts_of(&page);
    for (uint64_t frame = grant.first.number - 6; frame < grant.first.number + 10; frame++) {
        for (uint32_t order = 0; order < 13; order++) {
            struct pl_run wrong = {
                .first = pl_frame_at(frame), .frame_count = UINT64_C(1) << order, .order = order};
            if (frame == grant.first.number && order == 2)
                wrong.frame_count--;
            assert_int_equal(page.ops->free(page.self, &stub.cpus[0], &wrong), PL_REFUSED);
        }
    }
    const uint64_t foreign[] = {0, SEGMENT_FRAMES - 1, 2 * SEGMENT_FRAMES, UINT64_MAX};
    for (size_t i = 0; i < PL_COUNT_OF(foreign); i++) {
        struct pl_run wrong = {.first = pl_frame_at(foreign[i]), .frame_count = 1};
        assert_int_equal(page.ops->free(page.self, &stub.cpus[0], &wrong), PL_REFUSED);
    }
    struct pl_page_counts after = counts_of(&page);
    assert_memory_equal(&before, &after, sizeof(after));
    put(&stub, &page, 0, &grant);
    assert_int_equal(page.ops->free(page.self, &stub.cpus[0], &grant), PL_REFUSED);
    stub2_fini(&page);
    stub2_destroy(&stub);
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
    const struct pl_range range = {.frame_count = SEGMENT_FRAMES};
    struct stub2 stub;
    (void)state;
    make(&stub, &range, 1, 1);
    struct nested nested = {.handler = {.run = nested_run}};
    nested.page = open_on(&stub);
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
    atomic_uint *stage; /* NULL, or becomes 1 when the work is done, and the thread ends when it is 2 */
    uint64_t granted;
    bool wrong;
};

static void await(const atomic_uint *stage, unsigned wanted)
{
    while (atomic_load(stage) != wanted)
        PL_PAUSE();
}

static void *stress_run(void *argument)
{
    struct stress *stress = argument;
    static _Thread_local struct pl_run held[3000];
    for (uint32_t lap = 0; lap < 10; lap++) {
        uint32_t count = 0;
        for (; count < 3000; count++) {
            struct pl_request request = stub2_request(count % 50 == 0 ? 2 : 0);
            struct pl_run *run = &held[count];
            if (stress->page.ops->alloc(stress->page.self, stress->cpu, &request, run) != PL_OK)
                break;
            stress->granted++;
            for (uint64_t i = 0; i < run->frame_count; i++)
                stress->wrong |= atomic_exchange(&stress->owned[run->first.number + i], 1) != 0;
        }
        while (count-- > 0) {
            for (uint64_t i = 0; i < held[count].frame_count; i++)
                atomic_store(&stress->owned[held[count].first.number + i], 0);
            stress->wrong |= stress->page.ops->free(stress->page.self, stress->cpu, &held[count]) != PL_OK;
        }
    }
    if (stress->stage != NULL) {
        atomic_store(stress->stage, 1);
        await(stress->stage, 2);
    }
    return NULL;
}

/* Two threads, a segment each. Expect both served, no frame held twice, and the counts whole at the end. */
static void test_two_threads(void **state)
{
    const struct pl_range range = {.frame_count = 3 * SEGMENT_FRAMES};
    static atomic_uchar owned[3 * SEGMENT_FRAMES];
    struct stub2 stub;
    (void)state;
    make(&stub, &range, 1, 2);
    struct pl_page page = open_on(&stub);
    uint64_t fresh = counts_of(&page).free;
    for (int lap = 0; lap < 20; lap++) { /* each thread new: what the last ones held has to be found again */
        struct stress stress[2];
        pthread_t threads[2];
        for (uint32_t i = 0; i < 2; i++) {
            stress[i] = (struct stress){.page = page, .cpu = &stub.cpus[i], .owned = owned};
            assert_int_equal(pthread_create(&threads[i], NULL, stress_run, &stress[i]), 0);
        }
        for (uint32_t i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(stress[0].wrong || stress[1].wrong);
        assert_int_equal(stress[0].granted, 30000);
        assert_int_equal(stress[1].granted, 30000);
        assert_int_equal(counts_of(&page).free, fresh);
    }
    stub2_fini(&page);
    stub2_destroy(&stub);
}

/* A thread that used an instance ends after it is closed, while another is open.
 * Expect no call into what was closed, and the new instance whole. */
static void test_thread_outlives_the_instance(void **state)
{
    const struct pl_range range = {.frame_count = 2 * SEGMENT_FRAMES};
    static atomic_uchar owned[2 * SEGMENT_FRAMES];
    struct stub2 stub;
    pthread_t thread;
    (void)state;
    make(&stub, &range, 1, 2);
    for (int again = 0; again < 2; again++) {
        struct pl_page page = open_on(&stub);
        atomic_uint stage = 0;
        struct stress stress = {.page = page, .cpu = &stub.cpus[1], .owned = owned, .stage = &stage};
        assert_int_equal(pthread_create(&thread, NULL, stress_run, &stress), 0);
        await(&stage, 1);
        stub2_fini(&page);
        if (again == 1)
            page = open_on(&stub);
        atomic_store(&stage, 2);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_false(stress.wrong);
        if (again == 1) {
            assert_int_equal(fill_and_empty(&stub, &page, 0), 2 * (SEGMENT_FRAMES - META_FRAMES));
            stub2_fini(&page);
        }
    }
    stub2_destroy(&stub);
}

/* No thread key is left in the process. Expect a refusal that leaves nothing open, and an instance when there
 * is one. */
static void test_without_a_thread_key(void **state)
{
    static pthread_key_t keys[4096];
    const struct pl_range range = {.frame_count = 2 * SEGMENT_FRAMES};
    struct stub2 stub;
    enum pl_status status;
    size_t count = 0;
    (void)state;
    make(&stub, &range, 1, 1);
    while (count < PL_COUNT_OF(keys) && pthread_key_create(&keys[count], NULL) == 0)
        count++;
    struct pl_page page = stub2_init(&stub, &pl_candidate_mimalloc, NULL, 0, NULL, &status);
    while (count > 0)
        assert_int_equal(pthread_key_delete(keys[--count]), 0);
    assert_null(page.self);
    assert_int_equal(status, PL_UNSUPPORTED);
    page = open_on(&stub);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill_empty_fill),       cmocka_unit_test(test_many_instances),
        cmocka_unit_test(test_replaces_nothing),      cmocka_unit_test(test_one_instance),
        cmocka_unit_test(test_refused_machines),      cmocka_unit_test(test_without_a_thread_key),
        cmocka_unit_test(test_refuses_every_mistake), cmocka_unit_test(test_interrupts),
        cmocka_unit_test(test_two_threads),           cmocka_unit_test(test_thread_outlives_the_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
