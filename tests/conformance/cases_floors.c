/* Admission over a real backend: floors to the frame, classes in order. */
#include "tests/conformance/conformance.h"

/* For each class, and floor - 1, floor, floor + 1 frames free: one request of one frame.
 *
 *        free:    floor-1   floor   floor+1
 *        answer:  refused  refused  granted
 *
 * Expect exactly that, and the budget to move by exactly what was granted. */
void case_floors_exact_at_edge(struct context *context)
{
    struct pl_floors floors = reachable_floors(context, 256);
    open_floored(context, 256, 1, &floors);
    for (unsigned alloc_class = 0; alloc_class < PL_CLASS_COUNT; alloc_class++) {
        uint64_t floor = floor_of(context, alloc_class);
        uint64_t lowest = floor == floor_of(context, PL_CLASS_INTERRUPT) ? floor : floor - 1;
        for (uint64_t left = lowest; left <= floor + 1; left++) {
            starve(context, left);
            CHECK_EQUAL(left, admission_free_frames(&context->admission));
            CHECK_EQUAL(left > floor ? PL_OK : PL_NO_MEMORY, take(context, 0, alloc_class));
            CHECK_EQUAL(left > floor ? left - 1 : left, admission_free_frames(&context->admission));
            give_all(context);
        }
    }
    check_restored(context);
}

/* Floors of 0, 2 and 8; the machine is granted down to one frame.
 * Expect NORMAL and SYSTEM to be refused it, INTERRUPT to get it from interrupt level, and then nobody. */
void case_interrupt_takes_last_frame(struct context *context)
{
    need(context, PL_CAP_ALL_FRAMES, "all-frames");
    const struct pl_floors floors = {.interrupt = 0, .system = 2, .normal = 8};
    open_floored(context, 96, 2, &floors);
    starve(context, 1);
    CHECK_EQUAL(PL_NO_MEMORY, take(context, 0, PL_CLASS_NORMAL));
    CHECK_EQUAL(PL_NO_MEMORY, take(context, 0, PL_CLASS_SYSTEM));
    struct pl_cpu *other = native_cpu(context->native, 1);
    struct pl_request request = request_of(0, PL_CLASS_INTERRUPT);
    other->context = PL_CONTEXT_HARDIRQ;
    CHECK_EQUAL(PL_OK, take_request(context, other, &request));
    CHECK_EQUAL(PL_NO_MEMORY, take_request(context, other, &request));
    other->context = PL_CONTEXT_TASK;
    CHECK_EQUAL(0, shadow_free_frames(&context->shadow));
    give_all(context);
    check_restored(context);
}

/* At each number of free frames around the three floors, one request of each class, taken back at once.
 * Expect: what NORMAL gets, SYSTEM gets; what SYSTEM gets, INTERRUPT gets. */
void case_class_monotone(struct context *context)
{
    struct pl_floors floors = reachable_floors(context, 256);
    open_floored(context, 256, 1, &floors);
    for (uint64_t left = floors.interrupt; left <= floors.normal + 2; left++) {
        bool granted[PL_CLASS_COUNT];
        starve(context, left);
        for (unsigned alloc_class = 0; alloc_class < PL_CLASS_COUNT; alloc_class++) {
            granted[alloc_class] = take(context, 0, alloc_class) == PL_OK;
            if (granted[alloc_class])
                give(context, context->cpu, context->grant_count - 1);
        }
        CHECK(granted[PL_CLASS_SYSTEM] || !granted[PL_CLASS_NORMAL]);
        CHECK(granted[PL_CLASS_INTERRUPT] || !granted[PL_CLASS_SYSTEM]);
        CHECK_EQUAL(left > floors.normal, granted[PL_CLASS_NORMAL]);
        give_all(context);
    }
    check_restored(context);
}

/* Eleven frames are free, eight of them consecutive, and NORMAL must leave eight.
 * Expect a NORMAL run of 4 to be refused although it would fit, one of 3 to be granted, and INTERRUPT to get
 * the 8 (F-8). */
void case_run_refused_below_floor(struct context *context)
{
    need(context, PL_CAP_RUNS | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE, "runs, all-frames, complete");
    const struct pl_floors floors = {.interrupt = 0, .system = 2, .normal = 8};
    struct pl_constraints run = {.frame_count = 8, .high = {UINT64_MAX}, .alignment = 1};
    open_floored(context, 128, 1, &floors);
    CHECK_EQUAL(PL_OK, take_run(context, PL_CLASS_INTERRUPT, &run));
    struct pl_run kept = *last_grant(context);
    starve(context, 3);
    CHECK_EQUAL(kept.first.number, context->grants[0].first.number);
    give(context, context->cpu, 0);
    admission_drain_all(&context->admission, context->cpu);
    CHECK_EQUAL(11, admission_free_frames(&context->admission));
    run.frame_count = 4;
    CHECK(shadow_has_run(&context->shadow, &run, false));
    CHECK_EQUAL(PL_NO_MEMORY, take_run(context, PL_CLASS_NORMAL, &run));
    CHECK_EQUAL(11, admission_free_frames(&context->admission));
    run.frame_count = 3;
    CHECK_EQUAL(PL_OK, take_run(context, PL_CLASS_NORMAL, &run));
    give(context, context->cpu, context->grant_count - 1);
    run.frame_count = 8;
    CHECK_EQUAL(PL_OK, take_run(context, PL_CLASS_INTERRUPT, &run));
    check_views(context);
    give_all(context);
    check_restored(context);
}
