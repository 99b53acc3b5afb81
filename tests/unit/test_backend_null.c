/* null: always a frame of the machine, aligned, whatever is asked for and whoever asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_stub2.h"

extern const struct pl_candidate pl_candidate_null;

/* Many laps of every order on two CPUs. Expect each run inside one range, aligned to its size. */
static void serve(const struct pl_range *ranges, uint32_t range_count, uint32_t order_max)
{
    struct stub2 stub;
    enum pl_status status;
    stub2_make(&stub, ranges, range_count, 2, false);
    struct pl_page page = stub2_init(&stub, &pl_candidate_null, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    for (uint32_t i = 0; i < 40000; i++) {
        struct pl_run run;
        uint32_t order = i / 7 % 12;
        struct pl_request request = stub2_request(order);
        status = page.ops->alloc(page.self, &stub.cpus[i % 2], &request, &run);
        if (order > order_max) {
            assert_int_equal(status, order > 10 ? PL_UNSUPPORTED : PL_NO_MEMORY);
            continue;
        }
        assert_int_equal(status, PL_OK);
        assert_int_equal(run.order, order);
        assert_true(stub2_grant(&stub, &run));
        stub2_ungrant(&stub, &run);
        assert_int_equal(page.ops->free(page.self, &stub.cpus[0], &run), PL_OK);
    }
    stub2_fini(&page);
    stub2_destroy(&stub);
}

static void test_a_plain_machine(void **state)
{
    const struct pl_range range = {.frame_count = 4096};
    (void)state;
    serve(&range, 1, 10);
}

/* Holes, a first frame that no order divides, the largest range in the middle. */
static void test_holes(void **state)
{
    const struct pl_range ranges[] = {{.first = pl_frame_at(3), .frame_count = 5},
                                      {.first = pl_frame_at(1001), .frame_count = 3000},
                                      {.first = pl_frame_at(5000), .frame_count = 900}};
    (void)state;
    serve(ranges, 3, 10);
}

/* Machines that have no aligned block of the larger orders. Expect PL_NO_MEMORY for those only. */
static void test_tiny_machines(void **state)
{
    const struct pl_range one = {.first = pl_frame_at(5), .frame_count = 1};
    const struct pl_range three = {.first = pl_frame_at(5), .frame_count = 3};
    (void)state;
    serve(&one, 1, 0);
    serve(&three, 1, 1);
}

/* The largest machine: metadata does not grow with it. */
static void test_a_huge_machine(void **state)
{
    const struct pl_range range = {.first = pl_frame_at(1), .frame_count = UINT64_C(1) << 32};
    struct pl_machine machine = {.ranges = &range, .range_count = 1, .node_count = 1, .cpu_count = 64};
    struct pl_page_config config = {.machine = &machine};
    struct pl_cpu cpu = {.id = 63};
    struct pl_request request = stub2_request(10);
    struct pl_run run;
    (void)state;
    size_t bytes = pl_candidate_null.page->meta_bytes(&config);
    assert_true(bytes <= 16384);
    void *self = aligned_alloc(PL_FRAME_BYTES, (bytes + 4095) / 4096 * 4096);
    assert_non_null(self);
    assert_int_equal(pl_candidate_null.page->init(self, &config), PL_OK);
    assert_int_equal(pl_candidate_null.page->alloc(self, &cpu, &request, &run), PL_OK);
    assert_true(run.first.number + run.frame_count <= range.first.number + range.frame_count);
    free(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_machine),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_tiny_machines),
        cmocka_unit_test(test_a_huge_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
