/* fault: the grant that was named fails, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine_stub2.h"

extern const struct pl_candidate pl_candidate_fault;
extern const struct pl_candidate pl_candidate_reference;

struct fixture {
    struct pl_range range;
    struct stub2 stub;
    struct pl_page inner;
    struct pl_page page;
};

static void fixture_open(struct fixture *fixture, const char *params)
{
    enum pl_status status;
    fixture->range = (struct pl_range){.first = pl_frame_at(32), .frame_count = 64};
    stub2_make(&fixture->stub, &fixture->range, 1, 1, false);
    fixture->inner = stub2_init(&fixture->stub, &pl_candidate_reference, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    fixture->page = stub2_init(&fixture->stub, &pl_candidate_fault, &fixture->inner,
                               pl_candidate_reference.page->caps, params, &status);
    assert_int_equal(status, PL_OK);
}

static void fixture_close(struct fixture *fixture)
{
    stub2_fini(&fixture->page);
    stub2_fini(&fixture->inner);
    stub2_destroy(&fixture->stub);
}

static enum pl_status get(struct fixture *fixture, uint32_t order, struct pl_run *run)
{
    struct pl_request request = stub2_request(order);
    return fixture->page.ops->alloc(fixture->page.self, &fixture->stub.cpus[0], &request, run);
}

static uint64_t free_frames(struct fixture *fixture)
{
    struct pl_page_counts counts;
    fixture->page.ops->count(fixture->page.self, &counts);
    return counts.free;
}

/* after=n for each n up to 8, orders mixed. Expect the n-th call to fail, once, `run` and the counts
 * untouched. */
static void test_after(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 8; n++) {
        struct fixture fixture;
        char params[16];
        snprintf(params, sizeof(params), "after=%u", n);
        fixture_open(&fixture, params);
        for (uint32_t call = 1; call <= 12; call++) {
            struct pl_run run = {.frame_count = 99};
            uint64_t before = free_frames(&fixture);
            enum pl_status status = get(&fixture, call % 3, &run);
            assert_int_equal(status, call == n ? PL_NO_MEMORY : PL_OK);
            assert_int_equal(run.frame_count, call == n ? 99 : UINT64_C(1) << (call % 3));
            assert_int_equal(free_frames(&fixture), before - (call == n ? 0 : run.frame_count));
        }
        fixture_close(&fixture);
    }
}

/* every=3, with runs among the calls, and failures of the inner one's own between them. Expect each third
 * grant to fail, and the inner one's own answers neither counted nor changed. */
static void test_every(void **state)
{
    struct fixture fixture;
    struct pl_request request = stub2_request(0);
    struct pl_constraints constraints = {.frame_count = 3, .high = pl_frame_at(96), .alignment = 1};
    struct pl_run run;
    (void)state;
    fixture_open(&fixture, "every=3");
    for (uint32_t grant = 1; grant <= 12; grant++) {
        enum pl_status status = grant % 2 == 0
                                    ? get(&fixture, 0, &run)
                                    : fixture.page.ops->alloc_run(fixture.page.self, &fixture.stub.cpus[0],
                                                                  &request, &constraints, &run);
        assert_int_equal(status, grant % 3 == 0 ? PL_NO_MEMORY : PL_OK);
        assert_int_equal(get(&fixture, 6, &run), PL_NO_MEMORY);
        assert_int_equal(get(&fixture, 11, &run), PL_UNSUPPORTED);
    }
    fixture_close(&fixture);
}

/* Frees, splits, audits and a wrong free. Expect the inner one's answers. */
static void test_the_rest_passes(void **state)
{
    struct fixture fixture;
    struct stub2_listener listener;
    struct pl_run run;
    char text[128];
    (void)state;
    fixture_open(&fixture, "after=2");
    struct pl_cpu *cpu = &fixture.stub.cpus[0];
    assert_int_equal(get(&fixture, 1, &run), PL_OK);
    assert_int_equal(fixture.page.ops->split(fixture.page.self, cpu, &run, 0), PL_OK);
    assert_int_equal(fixture.page.ops->free(fixture.page.self, cpu, &run), PL_REFUSED);
    run.frame_count = 1;
    run.order = 0;
    assert_int_equal(fixture.page.ops->free(fixture.page.self, cpu, &run), PL_OK);
    run.first.number++;
    assert_int_equal(fixture.page.ops->free(fixture.page.self, cpu, &run), PL_OK);
    fixture.page.ops->drain(fixture.page.self, cpu, cpu);
    assert_int_equal(stub2_audit(&fixture.stub, &fixture.page, &listener), 0);
    assert_int_equal(listener.frames[PL_BLOCK_FREE], 64);
    fixture.page.ops->settings(fixture.page.self, text, sizeof(text));
    assert_memory_equal(text, "after=2 policy", 14);
    fixture_close(&fixture);
}

/* An inner one that has only what it must have. Expect what it has not to be PL_UNSUPPORTED, and an audit
 * that finds nothing. And one whose run fails: its answer, not counted. */
static void test_an_inner_one_that_can_little(void **state)
{
    struct fixture fixture;
    struct stub2_listener listener;
    struct pl_request request = stub2_request(0);
    struct pl_constraints constraints = {.frame_count = 65, .high = pl_frame_at(UINT64_MAX), .alignment = 1};
    struct pl_run run;
    char text[64];
    enum pl_status status;
    (void)state;
    fixture_open(&fixture, "every=1");
    struct pl_cpu *cpu = &fixture.stub.cpus[0];
    assert_int_equal(fixture.page.ops->alloc_run(fixture.page.self, cpu, &request, &constraints, &run),
                     PL_NEVER);
    fixture.page.ops->settings(fixture.page.self, text, sizeof(text));
    assert_memory_equal(text, "every=1 policy", 14);
    struct pl_page_ops little = {.bytes = sizeof(little),
                                 .abi = PL_ABI,
                                 .alloc = pl_candidate_reference.page->alloc,
                                 .free = pl_candidate_reference.page->free};
    struct pl_page inner = {.ops = &little, .self = fixture.inner.self};
    struct pl_page page = stub2_init(&fixture.stub, &pl_candidate_fault, &inner, 0, "every=2", &status);
    assert_int_equal(status, PL_OK);
    assert_int_equal(page.ops->alloc(page.self, cpu, &request, &run), PL_OK);
    assert_int_equal(page.ops->alloc_run(page.self, cpu, &request, &constraints, &run), PL_UNSUPPORTED);
    assert_int_equal(page.ops->split(page.self, cpu, &run, 0), PL_UNSUPPORTED);
    assert_int_equal(stub2_audit(&fixture.stub, &page, &listener), 0);
    page.ops->settings(page.self, text, sizeof(text));
    assert_string_equal(text, "every=2 ");
    assert_int_equal(page.ops->free(page.self, cpu, &run), PL_OK);
    stub2_fini(&page);
    fixture_close(&fixture);
}

/* Expect a wrong text to be PL_INVALID, and two promises taken away. */
static void test_params_and_capabilities(void **state)
{
    static const char *const bad[] = {NULL,      "",         "after=",          "after=0",
                                      "every=x", "after=1x", "after=1,every=2", "after=99999999999999999999"};
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, "every=1000000000000000000");
    for (uint32_t i = 0; i < PL_COUNT_OF(bad); i++) {
        enum pl_status status;
        struct pl_page page =
            stub2_init(&fixture.stub, &pl_candidate_fault, &fixture.inner, 0, bad[i], &status);
        assert_null(page.self);
        assert_int_equal(status, PL_INVALID);
    }
    struct pl_page_config config = {.inner_caps = PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_EXACT_COUNT};
    assert_int_equal(pl_candidate_fault.page->caps_of(&config), PL_CAP_EXACT_COUNT);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_every),
        cmocka_unit_test(test_the_rest_passes),
        cmocka_unit_test(test_an_inner_one_that_can_little),
        cmocka_unit_test(test_params_and_capabilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
