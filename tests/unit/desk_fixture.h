/* What the tests of buffer services share: a service on a candidate behind the counting fixture, its calls in
 * short, and what every plan must be. */
#ifndef DESK_FIXTURE_H
#define DESK_FIXTURE_H

#include "service_fixture.h"

#include "../../allocators/services/plan.h"

#define P          PL_FRAME_BYTES
#define FRAMES     128u
#define FIRST      1000u /* not a multiple of anything large */
#define RUN_LIMIT  FRAMES
#define CONTIGUOUS PL_BUFFER_CONTIGUOUS

extern const struct pl_candidate pl_candidate_pages;
extern const struct pl_candidate pl_candidate_run;
extern const struct pl_candidate pl_candidate_pool;
extern const struct pl_candidate pl_candidate_reference;
extern const struct pl_candidate pl_candidate_bitmap;
extern const struct pl_candidate pl_candidate_buddy;

static const struct pl_range ranges[] = {{.first = {FIRST}, .frame_count = 100},
                                         {.first = {FIRST + 110}, .frame_count = FRAMES - 100}};

struct desk {
    struct fixture fixture;
    const struct pl_buffer_ops *ops;
    void *self;
    struct pl_run runs[RUN_LIMIT];
    size_t run_count;
    uint64_t own; /* frames that the test itself holds */
};

PL_INLINE void desk_open_with(struct desk *desk, const struct pl_candidate *service,
                              const struct pl_candidate *pages, bool with_runs, const char *params)
{
    memset(desk, 0, sizeof(*desk));
    fixture_open(&desk->fixture, pages, ranges, 2, with_runs);
    const struct pl_buffer_config config = {.bytes = sizeof(config),
                                            .machine = &desk->fixture.stub.machine,
                                            .page = desk->fixture.page,
                                            .params = params};
    desk->ops = service->buffer;
    desk->self = service_metadata(desk->ops->meta_bytes(&config));
    assert_int_equal(desk->ops->init(desk->self, &config), PL_OK);
}

PL_INLINE void desk_open(struct desk *desk, const struct pl_candidate *service,
                         const struct pl_candidate *pages, bool with_runs)
{
    desk_open_with(desk, service, pages, with_runs, NULL);
}

PL_INLINE void desk_drain(struct desk *desk)
{
    if (desk->ops->drain != NULL)
        desk->ops->drain(desk->self, fixture_cpu(&desk->fixture));
}

/* Frames that are in no buffer. */
PL_INLINE uint64_t desk_kept(const struct desk *desk)
{
    struct pl_buffer_counts counts;
    desk->ops->count(desk->self, &counts);
    return counts.frames_kept;
}

PL_INLINE void desk_close(struct desk *desk)
{
    desk_drain(desk);
    desk->ops->fini(desk->self);
    free(desk->self);
    fixture_close(&desk->fixture);
}

PL_INLINE struct pl_buffer_constraints plain(void)
{
    return (struct pl_buffer_constraints){
        .alignment = 1, .address_mask = UINT64_MAX, .request = {.node = PL_NODE_ANY}};
}

PL_INLINE enum pl_status plan_into(struct desk *desk, uint64_t bytes,
                                   const struct pl_buffer_constraints *want, size_t capacity)
{
    return desk->ops->plan(desk->self, fixture_cpu(&desk->fixture), bytes, want, desk->runs, capacity,
                           &desk->run_count);
}

PL_INLINE enum pl_status plan(struct desk *desk, uint64_t bytes, const struct pl_buffer_constraints *want)
{
    return plan_into(desk, bytes, want, RUN_LIMIT);
}

PL_INLINE enum pl_status release(struct desk *desk, const struct pl_run *runs, size_t run_count)
{
    return desk->ops->release(desk->self, fixture_cpu(&desk->fixture), runs, run_count);
}

PL_INLINE void expect_sound(struct desk *desk, uint64_t held_least)
{
    struct service_listener listener = service_listener();
    if (desk->ops->audit(desk->self, &listener.visitor) != 0)
        fail_msg("%s", listener.words);
    struct pl_buffer_counts counts;
    desk->ops->count(desk->self, &counts);
    assert_int_equal(counts.frames_held + desk->own, desk->fixture.held);
    assert_true(counts.frames_kept <= counts.frames_held);
    assert_true(desk->fixture.held >= held_least);
}

/* What every plan must be: exactly the frames asked for, each granted and in one run only, every constraint
 * obeyed, zero if that was asked for. */
PL_INLINE void expect_runs(struct desk *desk, uint64_t bytes, const struct pl_buffer_constraints *want)
{
    uint64_t frames = 0;
    unsigned char *owned = desk->fixture.stub.owned;
    assert_true(desk->run_count > 0 && desk->run_count <= RUN_LIMIT);
    if (want->segment_count_max != 0)
        assert_true(desk->run_count <= want->segment_count_max);
    if ((want->flags & CONTIGUOUS) != 0)
        assert_int_equal(desk->run_count, 1);
    for (size_t i = 0; i < desk->run_count; i++) {
        const struct pl_run *run = &desk->runs[i];
        uint64_t addr = run->first.number * P;
        uint64_t last = addr + run->frame_count * P - 1;
        assert_true(run->frame_count > 0);
        assert_int_equal(addr & (want->alignment - 1), 0);
        assert_int_equal(addr & ~want->address_mask, 0);
        assert_int_equal(last & ~want->address_mask, 0);
        if (want->boundary != 0)
            assert_int_equal(addr / want->boundary, last / want->boundary);
        if (want->segment_bytes_max != 0)
            assert_true(last - addr < want->segment_bytes_max);
        for (uint64_t k = 0; k < run->frame_count; k++) {
            assert_int_equal(owned[run->first.number - FIRST + k], 2);
            owned[run->first.number - FIRST + k] = 4; /* met */
        }
        unsigned char *contents = pl_frame_address(&desk->fixture.stub.machine, run->first);
        for (uint64_t at = 0; (want->flags & PL_BUFFER_ZERO) != 0 && at < run->frame_count * P; at += 61)
            assert_int_equal(contents[at], 0);
        frames += run->frame_count;
    }
    assert_int_equal(frames, (bytes + P - 1) / P);
    for (size_t i = 0; i < desk->fixture.stub.machine.span; i++)
        owned[i] = owned[i] == 4 ? 2 : owned[i];
    expect_sound(desk, frames);
}

/* Takes frames one by one and gives every `step`-th back: what is free then lies in pieces. */
PL_INLINE uint64_t break_up(struct desk *desk, struct pl_run *kept, uint64_t step)
{
    struct pl_request request = stub2_request(0);
    struct pl_run all[FRAMES];
    uint64_t count = 0;
    uint64_t taken = 0;
    struct pl_cpu *cpu = fixture_cpu(&desk->fixture);
    while (taken < FRAMES && fixture_alloc(&desk->fixture, cpu, &request, &all[taken]) == PL_OK)
        taken++;
    for (uint64_t i = 0; i < taken; i++) {
        if (all[i].first.number % step == 0)
            assert_int_equal(fixture_free(&desk->fixture, cpu, &all[i]), PL_OK);
        else
            kept[count++] = all[i];
    }
    desk->own = count;
    return count;
}

PL_INLINE void give_back(struct desk *desk, const struct pl_run *kept, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(fixture_free(&desk->fixture, fixture_cpu(&desk->fixture), &kept[i]), PL_OK);
    desk->own = 0;
}

#endif
