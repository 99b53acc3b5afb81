/* What the tests of the non-blocking buddy systems share: both candidates on a machine that is a stub. */
#ifndef NBBS_FIXTURE_H
#define NBBS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../allocators/nbbs/nbbs_internal.h"
#include "machine_stub.h"

#define RUN_LIMIT 10000u

extern const struct pl_candidate pl_candidate_nbbs;
extern const struct pl_candidate pl_candidate_nbbs_hint;

static const struct pl_candidate *const candidates[] = {&pl_candidate_nbbs, &pl_candidate_nbbs_hint};

static struct pl_run runs[RUN_LIMIT];

PL_UNUSED static void open_at(struct stub *stub, const struct pl_candidate *candidate, uint64_t first,
                              uint64_t frame_count)
{
    struct pl_range range = {.first = pl_frame_at(first), .frame_count = frame_count};
    assert_int_equal(stub_open(stub, candidate, &range, 1), PL_OK);
}

PL_UNUSED static enum pl_status alloc_on(struct stub *stub, uint32_t cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    return stub->ops->alloc(stub->self, stub->cpus[cpu], &request, run);
}

PL_UNUSED static void expect_sound(const struct stub *stub, uint64_t free_frames)
{
    struct stub_audit audit;
    if (stub_audit(stub, &audit) != 0)
        fail_msg("%s", audit.words);
    assert_int_equal(audit.frames, free_frames);
    assert_int_equal(stub_free_frames(stub), free_frames);
}

#endif
