/* What the tests of the model of Linux share: an instance on the stub, and its calls. */
#ifndef LINUX_FIXTURE_H
#define LINUX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/linux/linux_cache.h"
#include "machine_stub.h"

#define NORMAL 0x100000u /* first frame of a zone NORMAL */

extern const struct pl_candidate pl_candidate_linux;

PL_UNUSED static struct lx *open_range(struct stub *stub, uint64_t first, uint64_t frame_count,
                                       const char *params)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, &pl_candidate_linux, &range, 1), PL_OK);
    if (params != NULL) {
        memset(stub->self, 0, stub->meta_bytes);
        stub->config.params = params;
        assert_int_equal(stub->ops->init(stub->self, &stub->config), PL_OK);
    }
    return stub->self;
}

PL_UNUSED static enum pl_status take(struct stub *stub, uint32_t cpu, uint32_t order, uint32_t mobility,
                                     uint32_t alloc_class, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order,
                                 .alloc_class = (uint8_t)alloc_class,
                                 .mobility = (uint8_t)mobility,
                                 .node = PL_NODE_ANY};
    return stub->ops->alloc(stub->self, stub->cpus[cpu], &request, run);
}

PL_UNUSED static void give(struct stub *stub, uint32_t cpu, const struct pl_run *run)
{
    assert_int_equal(stub->ops->free(stub->self, stub->cpus[cpu], run), PL_OK);
}

PL_UNUSED static void drain_all(struct stub *stub)
{
    for (uint32_t cpu = 0; cpu < STUB_CPU_COUNT; cpu++)
        stub->ops->drain(stub->self, stub->cpus[0], stub->cpus[cpu]);
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
    if (stub_audit(stub, &audit) != 0)
        fail_msg("%s", audit.words);
    struct pl_page_counts counts = counts_of(stub);
    assert_int_equal(audit.frames, counts.free + counts.cached);
}

PL_UNUSED static uint32_t group_at(const struct lx *self, uint64_t frame)
{
    return LX_BLOCK_GROUP(lx_pageblock(self, frame - self->base));
}

#endif
