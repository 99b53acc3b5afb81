/* The free list: what the frames hold, and what its audit sees of the mistakes that it cannot refuse. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/freelist/freelist_internal.h"
#include "machine_stub.h"
#include "machine_stub2.h"

#define FRAME_COUNT 600u

extern const struct pl_candidate pl_candidate_freelist;

static struct pl_run runs[6000];

static struct pl_page open_at(struct stub2 *stub, const struct pl_range *ranges, uint32_t range_count)
{
    enum pl_status status;
    stub2_make(stub, ranges, range_count, 2, true);
    struct pl_page page = stub2_init(stub, &pl_candidate_freelist, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    return page;
}

static enum pl_status take(struct stub2 *stub, struct pl_page *page, struct pl_run *run)
{
    struct pl_request request = stub2_request(0);
    return page->ops->alloc(page->self, &stub->cpus[0], &request, run);
}

static void give(struct stub2 *stub, struct pl_page *page, const struct pl_run *run)
{
    stub2_ungrant(stub, run);
    assert_int_equal(page->ops->free(page->self, &stub->cpus[1], run), PL_OK);
}

static uint64_t free_frames(const struct pl_page *page)
{
    struct pl_page_counts counts;
    page->ops->count(page->self, &counts);
    assert_int_equal(counts.cached, 0);
    return counts.free;
}

/* Shapes of one node are filled and emptied. Expect each frame granted once, in ascending order, then no
 * memory; after the frees the audit hears every frame. */
static void test_fills_and_empties_every_shape(void **state)
{
    (void)state;
    for (size_t s = 0; s < PL_COUNT_OF(stub_shapes); s++) {
        const struct stub_shape *shape = &stub_shapes[s];
        struct stub2_listener listener;
        struct stub2 stub;
        uint64_t count = 0;
        if (shape->ranges[shape->range_count - 1].node != 0)
            continue;
        struct pl_page page = open_at(&stub, shape->ranges, shape->range_count);
        while (take(&stub, &page, &runs[count]) == PL_OK) {
            assert_true(stub2_grant(&stub, &runs[count]));
            assert_true(count == 0 || runs[count].first.number > runs[count - 1].first.number);
            count++;
        }
        assert_int_equal(count, stub.machine.frame_count);
        assert_int_equal(free_frames(&page), 0);
        while (count > 0)
            give(&stub, &page, &runs[--count]);
        assert_int_equal(stub2_audit(&stub, &page, &listener), 0);
        assert_int_equal(listener.frames[PL_BLOCK_FREE], stub.machine.frame_count);
        assert_int_equal(listener.overlaps, 0);
        stub2_fini(&page);
        stub2_destroy(&stub);
    }
}

/* Random grants and frees, the granted frames scribbled over. Expect every free frame heard all along. */
static void test_random_operations(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(0x1234), .frame_count = FRAME_COUNT};
    struct stub2_listener listener;
    struct stub2 stub;
    uint64_t seed = 7;
    uint64_t count = 0;
    (void)state;
    struct pl_page page = open_at(&stub, &range, 1);
    for (int step = 0; step < 20000; step++) {
        if (stub_random(&seed) % 100 < 55 && take(&stub, &page, &runs[count]) == PL_OK) {
            assert_true(stub2_grant(&stub, &runs[count]));
            memset(pl_frame_address(&stub.machine, runs[count].first), 0xff, 64);
            count++;
        } else if (count > 0) {
            uint64_t pick = stub_random(&seed) % count;
            give(&stub, &page, &runs[pick]);
            runs[pick] = runs[--count];
        }
        if (step % 64 != 0)
            continue;
        assert_int_equal(stub2_audit(&stub, &page, &listener), 0);
        assert_int_equal(listener.frames[PL_BLOCK_FREE], FRAME_COUNT - count);
        assert_int_equal(listener.overlaps, 0);
    }
    stub2_fini(&page);
    stub2_destroy(&stub);
}

/* Larger orders, an illegal class, another node only. Expect a word for each and the list as it was. */
static void test_refuses_what_it_does_not_do(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(0), .frame_count = 8};
    struct pl_request request = stub2_request(1);
    struct stub2 stub;
    struct pl_run run;
    (void)state;
    struct pl_page page = open_at(&stub, &range, 1);
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_UNSUPPORTED);
    request = stub2_request(0);
    request.alloc_class = PL_CLASS_COUNT;
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_INVALID);
    request = stub2_request(0);
    request.node = 3;
    request.flags = PL_REQUEST_NODE_ONLY;
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_NO_MEMORY);
    assert_int_equal(free_frames(&page), 8);
    request.flags = 0;
    assert_int_equal(page.ops->alloc(page.self, &stub.cpus[0], &request, &run), PL_OK);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

/* No contents, or two nodes. Expect the machine refused. */
static void test_refuses_the_machine(void **state)
{
    const struct pl_range ranges[] = {{.first = pl_frame_at(0), .frame_count = 8},
                                      {.first = pl_frame_at(16), .frame_count = 8, .node = 1}};
    struct stub2 stub;
    enum pl_status status;
    (void)state;
    stub2_make(&stub, ranges, 1, 1, false);
    stub2_init(&stub, &pl_candidate_freelist, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_UNSUPPORTED);
    stub2_destroy(&stub);
    stub2_make(&stub, ranges, 2, 1, true);
    stub2_init(&stub, &pl_candidate_freelist, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_UNSUPPORTED);
    stub2_destroy(&stub);
}

/* A frame freed twice, a link overwritten after the free, and a count that is wrong. Expect the audit to name
 * each. */
static void test_audit_sees_a_broken_list(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(64), .frame_count = 8};
    struct stub2_listener listener;
    struct stub2 stub;
    (void)state;
    struct pl_page page = open_at(&stub, &range, 1);
    struct freelist *self = page.self;
    assert_int_equal(take(&stub, &page, &runs[0]), PL_OK);
    assert_int_equal(take(&stub, &page, &runs[1]), PL_OK);
    assert_int_equal(take(&stub, &page, &runs[2]), PL_OK);
    give(&stub, &page, &runs[0]);
    give(&stub, &page, &runs[1]);
    assert_int_equal(stub2_audit(&stub, &page, &listener), 0);
    give(&stub, &page, &runs[0]);
    assert_int_equal(stub2_audit(&stub, &page, &listener), 1);
    assert_string_equal(listener.first_broken, "freelist: the list from 0x40 runs in a ring: freed twice");

    memset(pl_frame_address(&stub.machine, runs[0].first), 0x11, 8);
    assert_int_equal(stub2_audit(&stub, &page, &listener), 1);
    assert_string_equal(listener.first_broken,
                        "freelist: the list has 0x1111111111111111 which is no frame of the machine");
    self->head = runs[1].first.number;
    freelist_link_of(self, self->head)->next = PL_FRAME_NONE;
    assert_int_equal(stub2_audit(&stub, &page, &listener), 1);
    atomic_store(&self->free_count, 1);
    assert_int_equal(stub2_audit(&stub, &page, &listener), 0);
    atomic_store(&self->free_count, 0);
    assert_int_equal(stub2_audit(&stub, &page, &listener), 1);
    atomic_store(&self->free_count, 9);
    assert_int_equal(stub2_audit(&stub, &page, &listener), 1);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

struct worker {
    struct stub2 *stub;
    struct pl_page *page;
    struct pl_cpu *cpu;
};

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct pl_request request = stub2_request(0);
    struct pl_run own[40];
    for (uint64_t round = 0; round < 3000; round++) {
        uint64_t count = 0;
        while (count < PL_COUNT_OF(own) &&
               worker->page->ops->alloc(worker->page->self, worker->cpu, &request, &own[count]) == PL_OK)
            memset(pl_frame_address(&worker->stub->machine, own[count++].first), (int)worker->cpu->id, 64);
        while (count > 0) {
            const unsigned char *bytes = pl_frame_address(&worker->stub->machine, own[--count].first);
            if (bytes[0] != worker->cpu->id || bytes[63] != worker->cpu->id)
                return argument;
            worker->page->ops->free(worker->page->self, worker->cpu, &own[count]);
        }
    }
    return NULL;
}

/* Two CPUs on 64 frames, each writing its name into what it holds. Expect no frame to have two owners, and
 * all of them back. */
static void test_two_cpus_at_once(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(0), .frame_count = 64};
    struct stub2_listener listener;
    struct stub2 stub;
    pthread_t threads[2];
    struct worker workers[2];
    (void)state;
    struct pl_page page = open_at(&stub, &range, 1);
    for (uint32_t i = 0; i < 2; i++) {
        workers[i] = (struct worker){.stub = &stub, .page = &page, .cpu = &stub.cpus[i]};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(stub2_audit(&stub, &page, &listener), 0);
    assert_int_equal(listener.frames[PL_BLOCK_FREE], 64);
    stub2_fini(&page);
    stub2_destroy(&stub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_and_empties_every_shape), cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_refuses_what_it_does_not_do),   cmocka_unit_test(test_refuses_the_machine),
        cmocka_unit_test(test_audit_sees_a_broken_list),      cmocka_unit_test(test_two_cpus_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
