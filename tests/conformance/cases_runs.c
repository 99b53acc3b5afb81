/* Runs by constraints, and grants that are split. */
#include "tests/conformance/conformance.h"

#include "engine/expect.h"

/* Every combination of a few counts, windows, alignments and boundaries, on a machine in which every third
 * frame of the first half is granted.
 * Expect from each the constraints obeyed, and a grant wherever the shadow knows one (F-24). */
void case_run_obeys_constraints(struct context *context)
{
    static const uint64_t counts[] = {1, 2, 3, 5, 8, 17, 64};
    static const uint64_t alignments[] = {1, 2, 8, 64};
    static const uint64_t boundaries[] = {0, 1, 4, 16, 128};
    static const uint64_t windows[][2] = {{0, UINT64_MAX},   {100, 140}, {0, 60},
                                          {250, UINT64_MAX}, {33, 34},   {40, 40}};
    need(context, PL_CAP_RUNS, "runs");
    open_frames(context, 256, 1);
    while (context->grant_count < 128)
        CHECK_EQUAL(PL_OK, take(context, 0, PL_CLASS_NORMAL));
    for (uint64_t i = 0; i < context->grant_count; i++)
        give(context, context->cpu, i);
    admission_drain_all(&context->admission, context->cpu);
    for (size_t i = 0; i < PL_COUNT_OF(counts) * PL_COUNT_OF(alignments); i++) {
        for (size_t j = 0; j < PL_COUNT_OF(boundaries) * PL_COUNT_OF(windows); j++) {
            struct pl_constraints c = {
                .frame_count = counts[i % PL_COUNT_OF(counts)],
                .low = {windows[j % PL_COUNT_OF(windows)][0]},
                .high = {windows[j % PL_COUNT_OF(windows)][1]},
                .alignment = alignments[i / PL_COUNT_OF(counts)],
                .boundary = boundaries[j / PL_COUNT_OF(windows)],
            };
            struct finding finding = {.found = false};
            struct expectation expected =
                expect_run(&context->shadow, &context->instance, PL_CLASS_NORMAL, &c);
            struct shadow before = context->shadow;
            struct pl_run run = {0};
            struct pl_request request = request_of(0, PL_CLASS_NORMAL);
            enum pl_status status =
                admission_alloc_run(&context->admission, context->cpu, &request, &c, &run);
            expect_check(&expected, &before, &context->instance, status, &run, &finding);
            if (finding.found)
                fprintf(stderr, "%s: expected: %s; got: %s (run %" PRIu64 " boundary %" PRIu64 ")\n",
                        finding.ids, finding.expected, finding.actual, c.frame_count, c.boundary);
            CHECK(!finding.found);
            if (status == PL_OK) {
                note(context, &run);
                give(context, context->cpu, context->grant_count - 1);
            }
        }
    }
    give_all(context);
    check_restored(context);
}

/* Runs that no state of this machine could serve: too long, a window too small or outside, across a boundary
 * whatever the place.
 * Expect PL_NEVER from each on an empty and on a full machine, and nothing changed. */
void case_run_never_when_impossible(struct context *context)
{
    need(context, PL_CAP_RUNS, "runs");
    open_frames(context, 64, 1);
    uint64_t frames = context->machine->frame_count;
    const struct pl_constraints never[] = {
        {.frame_count = frames + 1, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = UINT64_MAX, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = UINT64_MAX - 4095, .high = {UINT64_MAX}, .alignment = 4096},
        {.frame_count = 8, .low = {10}, .high = {17}, .alignment = 1},
        {.frame_count = 8, .low = {9}, .high = {23}, .alignment = 8},
        {.frame_count = 1, .low = {frames}, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = 1, .low = {5}, .high = {5}, .alignment = 1},
        {.frame_count = 5, .high = {UINT64_MAX}, .alignment = 1, .boundary = 4},
        {.frame_count = 1, .low = {1}, .high = {UINT64_MAX}, .alignment = UINT64_C(1) << 40},
    };
    for (int full = 0; full < 2; full++) {
        struct pl_page_counts before = counts_of(context);
        for (size_t i = 0; i < PL_COUNT_OF(never); i++) {
            const struct pl_page *page = &context->instance.page;
            struct pl_request request = request_of(0, PL_CLASS_INTERRUPT);
            struct pl_run run = {0};
            enum pl_status status = page->ops->alloc_run(page->self, context->cpu, &request, &never[i], &run);
            if (status != PL_NEVER)
                fprintf(stderr, "constraints %zu, machine %s\n", i, full ? "full" : "empty");
            CHECK_EQUAL(PL_NEVER, status);
        }
        struct pl_page_counts after = counts_of(context);
        check_same_counts(&before, &after);
        while (take(context, 0, PL_CLASS_INTERRUPT) == PL_OK) {
        }
        admission_drain_all(&context->admission, context->cpu);
    }
    give_all(context);
    check_restored(context);
}

/* A grant of the largest order up to 4 is split down to order 0 in two steps; its parts are freed in an odd
 * order, some of them after other grants.
 *
 *     [ . . . . . . . . . . . . . . . . ]  ->  [..][..][..][..]  ->  [.] each
 *
 * Expect each part freed once and alone, and at the end the whole block again. */
void case_split_parts_free_separately(struct context *context)
{
    need(context, PL_CAP_SPLIT, "split");
    open_frames(context, 128, 2);
    const struct pl_page *page = &context->instance.page;
    unsigned order = context->instance.max_order > 4 ? 4 : context->instance.max_order;
    CHECK_EQUAL(PL_OK, take(context, order, PL_CLASS_NORMAL));
    struct pl_run whole = context->grants[--context->grant_count];
    unsigned middle = order / 2;
    CHECK_EQUAL(PL_OK, page->ops->split(page->self, context->cpu, &whole, middle));
    for (uint64_t at = 0; at < whole.frame_count; at += UINT64_C(1) << middle) {
        struct pl_run part = {
            .first = {whole.first.number + at}, .frame_count = UINT64_C(1) << middle, .order = middle};
        if (middle > 0 && at != 0)
            CHECK_EQUAL(PL_OK, page->ops->split(page->self, context->cpu, &part, 0));
        unsigned step = at != 0 ? 0 : middle;
        for (uint64_t i = 0; i < part.frame_count; i += UINT64_C(1) << step)
            context->grants[context->grant_count++] = (struct pl_run){
                .first = {part.first.number + i}, .frame_count = UINT64_C(1) << step, .order = step};
    }
    check_views(context);
    CHECK_EQUAL(PL_OK, take(context, 0, PL_CLASS_NORMAL));
    for (uint64_t at = 3; context->grant_count > 0; at += 5) {
        give(context, native_cpu(context->native, at & 1), at % context->grant_count);
        check_views(context);
    }
    check_restored(context);
    if (context->instance.caps & PL_CAP_COMPLETE)
        CHECK_EQUAL(PL_OK, take(context, order, PL_CLASS_NORMAL));
}

/* A run of four frames that begins at an odd number is to be split in pairs, and into single frames.
 *
 *     . [ 5 6 7 8 ]      pairs would begin at 5 and 7
 *
 * Expect PL_INVALID for the pairs and the run still whole; single frames are always aligned. A split into
 * parts as large as the grant, or larger, or of what is not a grant, changes nothing either. */
void case_split_keeps_alignment(struct context *context)
{
    need(context, PL_CAP_SPLIT | PL_CAP_RUNS, "split, runs");
    open_frames(context, 128, 1);
    const struct pl_page *page = &context->instance.page;
    const struct pl_constraints odd = {.frame_count = 4, .low = {5}, .high = {9}, .alignment = 1};
    CHECK_EQUAL(PL_OK, take_run(context, PL_CLASS_NORMAL, &odd));
    struct pl_run run = *last_grant(context);
    struct pl_page_counts before = counts_of(context);
    CHECK_EQUAL(PL_INVALID, page->ops->split(page->self, context->cpu, &run, 1));
    struct pl_run half = {.first = {5}, .frame_count = 2, .order = 1};
    if (context->instance.caps & PL_CAP_CHECKS_FREE) /* who does not know grants cannot tell a part */
        CHECK(page->ops->split(page->self, context->cpu, &half, 0) != PL_OK);
    CHECK(page->ops->split(page->self, context->cpu, &run, 3) != PL_OK);
    struct pl_page_counts after = counts_of(context);
    check_same_counts(&before, &after);
    check_views(context);
    CHECK_EQUAL(PL_OK, page->ops->split(page->self, context->cpu, &run, 0));
    context->grant_count = 0;
    for (uint64_t i = 0; i < 4; i++)
        context->grants[context->grant_count++] = (struct pl_run){.first = {5 + i}, .frame_count = 1};
    check_views(context);
    give_all(context);
    check_restored(context);
}
