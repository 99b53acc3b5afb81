/* What the tests of LLFree share: a stub with small trees, calls on a CPU, random steps. */
#ifndef LLFREE_FIXTURE_H
#define LLFREE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/llfree/llfree_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT   40000u
#define TREE_FRAMES UINT64_C(1024) /* with SMALL */
#define SMALL       "tree=2"

extern const struct pl_candidate pl_candidate_llfree;

static struct pl_run runs[RUN_LIMIT];

PL_UNUSED static enum pl_status open_ranges(struct stub *stub, const struct pl_range *ranges,
                                            uint32_t range_count, const char *params)
{
    stub_machine(stub, ranges, range_count);
    stub->ops = pl_candidate_llfree.page;
    stub->config.params = params;
    stub->meta_bytes = stub->ops->meta_bytes(&stub->config);
    size_t bytes =
        ((stub->meta_bytes != 0 ? stub->meta_bytes : sizeof(struct llfree)) + 4095) & ~(size_t)4095;
    stub->self = aligned_alloc(4096, bytes);
    assert_non_null(stub->self);
    memset(stub->self, 0, bytes);
    return stub->ops->init(stub->self, &stub->config);
}

PL_UNUSED static void open_at(struct stub *stub, uint64_t first, uint64_t frame_count, const char *params)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(open_ranges(stub, &range, 1, params), PL_OK);
}

PL_UNUSED static enum pl_status take_on(struct stub *stub, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    return stub->ops->alloc(stub->self, stub->cpus[cpu], &request, run);
}

PL_UNUSED static enum pl_status give_on(struct stub *stub, uint32_t cpu, const struct pl_run *run)
{
    return stub->ops->free(stub->self, stub->cpus[cpu], run);
}

PL_UNUSED static void expect_sound(struct stub *stub, uint64_t free_frames)
{
    struct stub_audit audit;
    if (stub_audit(stub, &audit) != 0)
        fail_msg("%s", audit.words);
    assert_int_equal(audit.frames, free_frames);
    assert_int_equal(stub_free_frames(stub), free_frames);
}

/* CPU 0's reservation for small blocks that cannot move. */
PL_UNUSED static uint64_t entry_of(const struct stub *stub, uint32_t cpu)
{
    const struct llfree *self = stub->self;
    return atomic_load(&self->zone[0].local[cpu].entry[0]);
}

/* One random step of a CPU: a block or a run taken, one given back, one split, a drain. */
PL_UNUSED static void random_step(struct stub *stub, uint64_t *seed, uint64_t *count)
{
    uint64_t dice = stub_random(seed);
    uint32_t cpu = (uint32_t)(dice >> 40) % 4;
    uint64_t pick = *count > 0 ? stub_random(seed) % *count : 0;
    if (*count > 0 && (dice % 100 < 45 || *count + 1024 > RUN_LIMIT)) {
        assert_int_equal(give_on(stub, cpu, &runs[pick]), PL_OK);
        runs[pick] = runs[--*count];
    } else if (dice % 100 < 85) {
        struct pl_request request = {.order = (uint8_t)((dice >> 32) % (LLFREE_MAX_ORDER + 1)),
                                     .mobility = (uint8_t)((dice >> 50) % PL_MOBILITY_COUNT),
                                     .node = PL_NODE_ANY};
        *count += stub->ops->alloc(stub->self, stub->cpus[cpu], &request, &runs[*count]) == PL_OK;
    } else if (dice % 100 < 90) {
        uint64_t frames = 1 + (dice >> 32) % 2000;
        *count += stub_alloc_run(stub, frames, 0, UINT64_MAX, 1, &runs[*count]) == PL_OK;
    } else if (dice % 100 < 95) {
        stub->ops->drain(stub->self, stub->cpus[0], stub->cpus[cpu]);
    } else if (*count > 0 && runs[pick].order != PL_ORDER_NONE && runs[pick].order > 6 &&
               stub->ops->split(stub->self, stub->cpus[cpu], &runs[pick], 5) == PL_OK) {
        struct pl_run whole = runs[pick];
        runs[pick] = (struct pl_run){.first = whole.first, .frame_count = 32, .order = 5};
        for (uint64_t at = 32; at < whole.frame_count; at += 32)
            runs[(*count)++] =
                (struct pl_run){.first = pl_frame_at(whole.first.number + at), .frame_count = 32, .order = 5};
    }
}

/* Machines of three trees, which four CPUs share, of ten, where each has one for everything, and of twenty,
 * where each has three. */
PL_UNUSED static const uint64_t machine_frames[] = {3000, 10000, 20000};

#endif
