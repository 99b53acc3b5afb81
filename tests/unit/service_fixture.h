/* What the tests of services share: a machine with contents, a candidate on it, and in front of that a page
 * table of hooks that counts, fails the n-th grant, may do without runs, refuses overlaps, and fills what it
 * grants with somebody else's bytes. */
#ifndef SERVICE_FIXTURE_H
#define SERVICE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "machine_stub2.h"

#define FIXTURE_DIRT 0xa5

struct fixture {
    struct stub2 stub;
    struct pl_page inner;
    struct pl_page page;    /* this proxy: what the service is given */
    struct pl_page_ops ops; /* of the proxy */
    uint64_t calls;         /* of alloc and alloc_run */
    uint64_t run_calls;     /* of alloc_run */
    uint64_t held;          /* frames granted */
    uint64_t fail_in;       /* 1: the next grant fails ...; 0: none */
    uint64_t fail_from;     /* grants from this number of calls on fail; 0: none */
    uint32_t wait_flags;    /* seen, or-ed together */
    uint64_t wait_calls;    /* calls that had one */
};

PL_INLINE bool fixture_fails(struct fixture *fixture, const struct pl_request *request)
{
    const uint32_t waits = PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL;
    fixture->calls++;
    fixture->wait_flags |= request->flags & waits;
    fixture->wait_calls += (request->flags & waits) != 0;
    if (fixture->fail_from != 0 && fixture->calls >= fixture->fail_from)
        return true;
    if (fixture->fail_in == 0)
        return false;
    fixture->fail_in--;
    return fixture->fail_in == 0;
}

PL_INLINE void fixture_granted(struct fixture *fixture, const struct pl_run *run)
{
    struct pl_run any = *run;
    any.order = PL_ORDER_NONE;
    assert_true(stub2_grant(&fixture->stub, &any));
    fixture->held += run->frame_count;
    memset(pl_frame_address(&fixture->stub.machine, run->first), FIXTURE_DIRT,
           (size_t)(run->frame_count * PL_FRAME_BYTES));
}

PL_INLINE enum pl_status fixture_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                       struct pl_run *run)
{
    struct fixture *fixture = self;
    assert_int_equal(cpu->lock_depth, 0);
    if (fixture_fails(fixture, request))
        return PL_NO_MEMORY;
    enum pl_status status = fixture->inner.ops->alloc(fixture->inner.self, cpu, request, run);
    if (status == PL_OK)
        fixture_granted(fixture, run);
    return status;
}

PL_INLINE enum pl_status fixture_alloc_run(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                           const struct pl_constraints *constraints, struct pl_run *run)
{
    struct fixture *fixture = self;
    fixture->run_calls++;
    if (fixture_fails(fixture, request))
        return PL_NO_MEMORY;
    enum pl_status status =
        fixture->inner.ops->alloc_run(fixture->inner.self, cpu, request, constraints, run);
    if (status == PL_OK)
        fixture_granted(fixture, run);
    return status;
}

PL_INLINE enum pl_status fixture_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct fixture *fixture = self;
    assert_int_equal(cpu->lock_depth, 0);
    enum pl_status status = fixture->inner.ops->free(fixture->inner.self, cpu, run);
    assert_int_equal(status, PL_OK); /* a service never passes a wrong release on */
    stub2_ungrant(&fixture->stub, run);
    fixture->held -= run->frame_count;
    return status;
}

/* `runs`: does the proxy have alloc_run? */
PL_INLINE void fixture_open(struct fixture *fixture, const struct pl_candidate *candidate,
                            const struct pl_range *ranges, uint32_t range_count, bool runs)
{
    enum pl_status status;
    memset(fixture, 0, sizeof(*fixture));
    stub2_make(&fixture->stub, ranges, range_count, 2, true);
    fixture->inner = stub2_init(&fixture->stub, candidate, NULL, 0, NULL, &status);
    assert_int_equal(status, PL_OK);
    fixture->ops = (struct pl_page_ops){.bytes = sizeof(struct pl_page_ops),
                                        .abi = PL_ABI,
                                        .max_order = PL_ORDER_LIMIT,
                                        .alloc = fixture_alloc,
                                        .free = fixture_free,
                                        .alloc_run = runs ? fixture_alloc_run : NULL};
    fixture->page = (struct pl_page){.ops = &fixture->ops, .self = fixture};
}

PL_INLINE void fixture_close(struct fixture *fixture)
{
    assert_int_equal(fixture->held, 0);
    stub2_fini(&fixture->inner);
    stub2_destroy(&fixture->stub);
}

PL_INLINE struct pl_cpu *fixture_cpu(struct fixture *fixture)
{
    return &fixture->stub.cpus[0];
}

/* Zeroed, page-aligned metadata; the test frees it. */
PL_INLINE void *service_metadata(size_t bytes)
{
    size_t rounded = (bytes + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES * PL_FRAME_BYTES;
    void *meta = aligned_alloc(PL_FRAME_BYTES, rounded);
    assert_true(bytes != 0);
    assert_non_null(meta);
    return memset(meta, 0, rounded);
}

struct service_listener {
    struct pl_visitor visitor;
    char words[200]; /* of the first thing broken */
};

PL_INLINE void service_hear(struct pl_visitor *visitor, const char *words)
{
    struct service_listener *listener = (struct service_listener *)visitor;
    if (listener->words[0] == '\0')
        snprintf(listener->words, sizeof(listener->words), "%s", words);
}

PL_INLINE struct service_listener service_listener(void)
{
    return (struct service_listener){.visitor = {.bytes = sizeof(struct pl_visitor), .broken = service_hear}};
}

/* A small generator (splitmix64, public domain algorithm by S. Vigna), seeded by the test. */
PL_INLINE uint64_t service_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#endif
