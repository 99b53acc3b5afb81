/* An instance of the model of FreeBSD's allocator on a stub, and what its tests share. */
#ifndef TESTS_UNIT_FREEBSD_FIXTURE_H
#define TESTS_UNIT_FREEBSD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/freebsd/freebsd_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 9000u

extern const struct pl_candidate pl_candidate_freebsd;

PL_UNUSED static struct pl_run runs[RUN_LIMIT];

PL_UNUSED static void open_with(struct stub *stub, uint64_t first, uint64_t frame_count, const char *params)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    stub_machine(stub, &range, 1);
    stub->config.params = params;
    stub->ops = pl_candidate_freebsd.page;
    stub->meta_bytes = stub->ops->meta_bytes(&stub->config);
    assert_true(stub->meta_bytes > 0);
    size_t bytes = (stub->meta_bytes + 4095) & ~(size_t)4095;
    stub->self = aligned_alloc(4096, bytes);
    assert_non_null(stub->self);
    memset(stub->self, 0, bytes);
    assert_int_equal(stub->ops->init(stub->self, &stub->config), PL_OK);
}

PL_UNUSED static struct pl_page_counts counts_of(const struct stub *stub)
{
    struct pl_page_counts counts;
    stub->ops->count(stub->self, &counts);
    return counts;
}

PL_UNUSED static void expect_sound(const struct stub *stub)
{
    struct stub_audit audit;
    uint64_t broken = stub_audit(stub, &audit);
    if (broken != 0)
        fail_msg("%s", audit.words);
    struct pl_page_counts counts = counts_of(stub);
    assert_int_equal(audit.frames, counts.free + counts.cached);
}

PL_UNUSED static enum pl_status take_owned(struct stub *stub, uint64_t owner, uint64_t index, uint32_t flags,
                                           struct pl_run *run)
{
    struct pl_request request = {.owner = owner, .index = index, .node = PL_NODE_ANY, .flags = flags};
    return stub->ops->alloc(stub->self, stub->cpus[0], &request, run);
}

PL_UNUSED static void drain_all(struct stub *stub)
{
    for (uint32_t cpu = 0; cpu < STUB_CPU_COUNT; cpu++)
        stub->ops->drain(stub->self, stub->cpus[0], stub->cpus[cpu]);
}

#endif
