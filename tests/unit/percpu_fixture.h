/* percpu over reference, with fault between them if wanted: for the tests of percpu. */
#ifndef TESTS_UNIT_PERCPU_FIXTURE_H
#define TESTS_UNIT_PERCPU_FIXTURE_H

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

PL_UNUSED static void fixture_open(struct fixture *fixture, uint64_t frame_count, const char *params,
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

PL_UNUSED static void fixture_close(struct fixture *fixture)
{
    stub2_fini(&fixture->page);
    if (fixture->fault.self != fixture->inner.self)
        stub2_fini(&fixture->fault);
    stub2_fini(&fixture->inner);
    stub2_destroy(&fixture->stub);
}

PL_UNUSED static enum pl_status get(struct fixture *fixture, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = stub2_request(order);
    enum pl_status status =
        fixture->page.ops->alloc(fixture->page.self, &fixture->stub.cpus[cpu], &request, run);
    if (status == PL_OK)
        assert_true(stub2_grant(&fixture->stub, run));
    return status;
}

PL_UNUSED static void put(struct fixture *fixture, uint32_t cpu, const struct pl_run *run)
{
    stub2_ungrant(&fixture->stub, run);
    assert_int_equal(fixture->page.ops->free(fixture->page.self, &fixture->stub.cpus[cpu], run), PL_OK);
}

PL_UNUSED static void drain(struct fixture *fixture, uint32_t by, uint32_t of)
{
    fixture->page.ops->drain(fixture->page.self, &fixture->stub.cpus[by], &fixture->stub.cpus[of]);
}

PL_UNUSED static void expect_counts(struct fixture *fixture, uint64_t free_frames, uint64_t cached)
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

#endif
