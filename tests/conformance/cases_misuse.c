/* The caller's mistakes, and what must stay as it was. */
#include "tests/conformance/conformance.h"

/* Frees it through the contract. Expect PL_REFUSED and nothing changed. */
static void free_wrongly(struct context *context, const struct pl_run *run)
{
    const struct pl_page *page = &context->instance.page;
    struct pl_page_counts before = counts_of(context);
    CHECK_EQUAL(PL_REFUSED, page->ops->free(page->self, context->cpu, run));
    CHECK_EQUAL(0, context->cpu->lock_depth);
    CHECK_EQUAL(0, atomic_load(&context->cpu->masked));
    struct pl_page_counts after = counts_of(context);
    check_same_counts(&before, &after);
    check_views(context);
}

static bool is_granted(const struct context *context, const struct pl_run *run)
{
    for (uint64_t i = 0; i < context->grant_count; i++) {
        const struct pl_run *grant = &context->grants[i];
        if (grant->first.number == run->first.number && grant->frame_count == run->frame_count)
            return true;
    }
    return false;
}

/* A grant of each small order is freed, and freed again; also after its frames went to somebody else in
 * other sizes.
 * Expect the second free refused, and the new owner undisturbed. */
void case_double_free_refused(struct context *context)
{
    need(context, PL_CAP_CHECKS_FREE, "checks-free");
    open_frames(context, 64, 1);
    unsigned top = context->instance.max_order > 3 ? 3 : context->instance.max_order;
    for (unsigned order = 0; order <= top; order++) {
        CHECK_EQUAL(PL_OK, take(context, order, PL_CLASS_NORMAL));
        struct pl_run run = *last_grant(context);
        give(context, context->cpu, 0);
        free_wrongly(context, &run);
        starve(context, 0);
        for (unsigned other = 0; other <= top; other++) {
            struct pl_run wrong = {.first = run.first, .frame_count = UINT64_C(1) << other, .order = other};
            if (!is_granted(context, &wrong))
                free_wrongly(context, &wrong);
        }
        give_all(context);
    }
    check_restored(context);
}

/* Parts of a grant of four frames, and the grant with its neighbours.
 *
 *      grant      [ 0 1 2 3 ]
 *      wrong      [ 0 1 ]  [ 2 3 ]  [ 1 ]  [ 3 ]  [ 0 .. 7 ]
 *
 * Expect each refused and the grant whole: its own free succeeds. */
void case_half_free_refused(struct context *context)
{
    need(context, PL_CAP_CHECKS_FREE, "checks-free");
    open_frames(context, 64, 1);
    if (context->instance.max_order < 3)
        not_applicable("orders up to 3");
    CHECK_EQUAL(PL_OK, take(context, 2, PL_CLASS_NORMAL));
    uint64_t first = last_grant(context)->first.number;
    const struct pl_run wrong[] = {
        {.first = {first}, .frame_count = 2, .order = 1},
        {.first = {first + 2}, .frame_count = 2, .order = 1},
        {.first = {first}, .frame_count = 1, .order = 0},
        {.first = {first + 1}, .frame_count = 1, .order = 0},
        {.first = {first + 3}, .frame_count = 1, .order = 0},
        {.first = {first & ~UINT64_C(7)}, .frame_count = 8, .order = 3},
    };
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++)
        free_wrongly(context, &wrong[i]);
    give_all(context);
    check_restored(context);
}

/* Frames below the machine, in its hole, behind its end, at the largest numbers there are; and a run that
 * begins inside and ends outside.
 * Expect each refused and nothing changed. */
void case_foreign_free_refused(struct context *context)
{
    need(context, PL_CAP_CHECKS_FREE | PL_CAP_HOLES | PL_CAP_BASE, "checks-free, holes, base");
    const struct native_shape shape = {
        .ranges = {{.first = {64}, .frame_count = 40}, {.first = {128}, .frame_count = 64}},
        .range_count = 2,
        .cpu_count = 1};
    open_machine(context, &shape, ADMISSION_EXACT);
    uint64_t scale = context->scale;
    uint64_t end = 192 * scale;
    const struct pl_run wrong[] = {
        {.first = {0}, .frame_count = 1, .order = 0},
        {.first = {64 * scale - 1}, .frame_count = 1, .order = 0},
        {.first = {104 * scale}, .frame_count = 1, .order = 0},
        {.first = {127 * scale}, .frame_count = 1, .order = 0},
        {.first = {end}, .frame_count = 1, .order = 0},
        {.first = {end + (UINT64_C(1) << 40)}, .frame_count = 1, .order = 0},
        {.first = {UINT64_MAX}, .frame_count = 1, .order = 0},
        {.first = {UINT64_MAX - 7}, .frame_count = 8, .order = 3},
        {.first = {96 * scale}, .frame_count = 16 * scale, .order = PL_ORDER_NONE},
    };
    for (int full = 0; full < 2; full++) {
        for (size_t i = 0; i < PL_COUNT_OF(wrong); i++)
            free_wrongly(context, &wrong[i]);
        while (take(context, 0, PL_CLASS_INTERRUPT) == PL_OK) {
        }
    }
    give_all(context);
    check_restored(context);
}

static void check_illegal_run(struct context *context, const struct pl_constraints *constraints)
{
    const struct pl_page *page = &context->instance.page;
    struct pl_request request = request_of(0, PL_CLASS_NORMAL);
    struct pl_run run = {0};
    enum pl_status wanted = context->instance.caps & PL_CAP_RUNS ? PL_INVALID : PL_UNSUPPORTED;
    if (page->ops->alloc_run != NULL)
        CHECK_EQUAL(wanted, page->ops->alloc_run(page->self, context->cpu, &request, constraints, &run));
    enum pl_status gate = admission_alloc_run(&context->admission, context->cpu, &request, constraints, &run);
    CHECK(gate == wanted || (constraints->frame_count == 0 && gate == PL_INVALID));
}

/* A class that does not exist, orders beyond what is served, runs of nothing, alignments and boundaries that
 * are no powers of two; at the gate and, but for measuring rods, at the backend.
 * Expect PL_INVALID or PL_UNSUPPORTED, and nothing changed (F-27, X-6). */
void case_illegal_requests_refused(struct context *context)
{
    open_frames(context, 64, 1);
    const struct pl_page *page = &context->instance.page;
    bool rod = spec_base(&context->spec)->kind == PL_KIND_FLOOR;
    CHECK_EQUAL(PL_OK, take(context, 0, PL_CLASS_NORMAL)); /* a cache is warm, and could answer unasked */
    give_all(context);
    struct pl_page_counts before = counts_of(context);
    static const uint8_t classes[] = {3, 4, 255};
    for (size_t i = 0; i < PL_COUNT_OF(classes); i++) {
        struct pl_request request = request_of(0, classes[i]);
        struct pl_run run = {0};
        CHECK_EQUAL(PL_INVALID, admission_alloc(&context->admission, context->cpu, &request, &run));
        if (!rod)
            CHECK_EQUAL(PL_INVALID, page->ops->alloc(page->self, context->cpu, &request, &run));
    }
    static const uint8_t orders[] = {PL_ORDER_LIMIT, PL_ORDER_LIMIT + 1, 63, 64, 128, 255};
    for (size_t i = 0; i < PL_COUNT_OF(orders); i++) {
        struct pl_request request = request_of(orders[i], PL_CLASS_NORMAL);
        struct pl_run run = {0};
        enum pl_status status = admission_alloc(&context->admission, context->cpu, &request, &run);
        CHECK(status == PL_UNSUPPORTED || (orders[i] <= PL_ORDER_LIMIT && status == PL_NO_MEMORY));
        CHECK_EQUAL(PL_UNSUPPORTED, page->ops->alloc(page->self, context->cpu, &request, &run));
    }
    const struct pl_constraints illegal[] = {
        {.frame_count = 0, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = 1, .high = {UINT64_MAX}, .alignment = 0},
        {.frame_count = 1, .high = {UINT64_MAX}, .alignment = 3},
        {.frame_count = 1, .high = {UINT64_MAX}, .alignment = UINT64_MAX},
        {.frame_count = 1, .high = {UINT64_MAX}, .alignment = 1, .boundary = 6},
    };
    for (size_t i = 0; i < PL_COUNT_OF(illegal); i++)
        check_illegal_run(context, &illegal[i]);
    struct pl_page_counts after = counts_of(context);
    check_same_counts(&before, &after);
    check_restored(context);
}
