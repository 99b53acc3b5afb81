/* See conformance.h. Every grant goes through the shadow, so each case also checks that frames are exclusive
 * and inside the machine. */
#include "tests/conformance/conformance.h"

#include <string.h>

#include "engine/runner.h"

#define SHADOW_TAG 1u

void check_failed(const char *file, int line, const char *words, uint64_t expected, uint64_t actual)
{
    fprintf(stderr, "%s:%d: %s: expected %" PRIu64 " (0x%" PRIx64 "), got %" PRIu64 " (0x%" PRIx64 ")\n",
            file, line, words, expected, expected, actual, actual);
    exit(1);
}

void not_applicable(const char *what)
{
    fprintf(stderr, "not applicable: not claimed: %s\n", what);
    exit(EXIT_NOT_APPLICABLE);
}

static void finding_check(const struct finding *finding)
{
    if (!finding->found)
        return;
    fprintf(stderr, "%s: expected: %s; got: %s\n", finding->ids, finding->expected, finding->actual);
    exit(1);
}

void need(struct context *context, uint64_t caps, const char *what)
{
    bool was_open = context->open;
    if (!was_open)
        open_frames(context, 64, 1);
    bool claimed = (context->instance.caps & caps) == caps;
    if (!was_open)
        close_machine(context);
    if (!claimed)
        not_applicable(what);
}

/* --- the machine --- */

/* Is this refusal one that the candidate's claims allow? */
static bool may_refuse(const struct context *context, const struct native_shape *shape)
{
    uint64_t caps = spec_base(&context->spec)->page->caps;
    bool holes = shape->range_count > 1;
    bool base = shape->ranges[0].first.number != 0;
    bool nodes = shape->ranges[shape->range_count - 1].node != 0;
    return (holes && !(caps & PL_CAP_HOLES)) || (base && !(caps & PL_CAP_BASE)) ||
           (nodes && !(caps & PL_CAP_NODES)) || (caps & PL_CAP_NEEDS_CONTENTS);
}

void open_machine(struct context *context, const struct native_shape *shape, enum admission_mode mode)
{
    struct native_shape own = *shape;
    struct spec_error error = {.text = ""};
    close_machine(context);
    runner_fit_shape(&context->spec, &own);
    context->scale = own.ranges[0].frame_count / shape->ranges[0].frame_count;
    context->native = native_machine_new(&own, error.text, sizeof(error.text));
    if (context->native == NULL) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    context->machine = native_machine_view(context->native);
    context->cpu = native_cpu(context->native, 0);
    context->open = true;
    enum pl_status status = instance_init(&context->instance, &context->spec, context->machine, true, &error);
    if (status == PL_UNSUPPORTED && may_refuse(context, shape))
        not_applicable("this shape of machine");
    if (status != PL_OK) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    context->fresh = counts_of(context);
    admission_init(&context->admission, context->instance.page, context->machine, mode);
    context->grants = calloc((size_t)context->machine->frame_count, sizeof(*context->grants));
    if (context->grants == NULL || shadow_init(&context->shadow, context->machine) != 0)
        check_failed(__FILE__, __LINE__, "memory for the shadow", 1, 0);
}

void open_floored(struct context *context, uint64_t frame_count, uint32_t cpu_count,
                  const struct pl_floors *floors)
{
    struct native_shape shape = {.ranges = {{.frame_count = frame_count}},
                                 .range_count = 1,
                                 .cpu_count = cpu_count,
                                 .floors = *floors};
    open_machine(context, &shape, ADMISSION_EXACT);
}

void open_frames(struct context *context, uint64_t frame_count, uint32_t cpu_count)
{
    struct pl_floors none = {0};
    open_floored(context, frame_count, cpu_count, &none);
}

void close_machine(struct context *context)
{
    if (context->shadow.owner != NULL)
        shadow_fini(&context->shadow);
    instance_fini(&context->instance);
    native_machine_delete(context->native);
    free(context->grants);
    context->native = NULL;
    context->grants = NULL;
    context->grant_count = 0;
    context->open = false;
}

struct pl_floors reachable_floors(struct context *context, uint64_t frame_count)
{
    bool was_open = context->open;
    if (!was_open)
        open_frames(context, 64, 1);
    struct pl_floors floors = {.interrupt = 0, .system = 2, .normal = 8};
    if (!(context->instance.caps & PL_CAP_ALL_FRAMES)) {
        uint64_t top = frame_count * context->scale - 64;
        floors = (struct pl_floors){.interrupt = top - 8, .system = top - 6, .normal = top};
    }
    if (!was_open)
        close_machine(context);
    return floors;
}

uint64_t floor_of(const struct context *context, unsigned alloc_class)
{
    const struct pl_floors *floors = &context->machine->floors;
    return alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
           : alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                             : floors->normal;
}

/* --- calls --- */

struct pl_request request_of(unsigned order, unsigned alloc_class)
{
    return (struct pl_request){
        .order = (uint8_t)order, .alloc_class = (uint8_t)alloc_class, .node = PL_NODE_ANY};
}

void note(struct context *context, const struct pl_run *run)
{
    struct finding finding = {.found = false};
    shadow_grant(&context->shadow, run, SHADOW_TAG, &finding);
    finding_check(&finding);
    context->grants[context->grant_count++] = *run;
}

enum pl_status take_request(struct context *context, struct pl_cpu *cpu, const struct pl_request *request)
{
    struct pl_run run = {0};
    enum pl_status status = admission_alloc(&context->admission, cpu, request, &run);
    CHECK_EQUAL(0, cpu->lock_depth);
    CHECK_EQUAL(0, atomic_load(&cpu->masked));
    if (status != PL_OK)
        return status;
    CHECK_EQUAL(UINT64_C(1) << request->order, run.frame_count);
    CHECK_EQUAL(request->order, run.order);
    CHECK_EQUAL(0, run.first.number % run.frame_count);
    note(context, &run);
    return status;
}

enum pl_status take(struct context *context, unsigned order, unsigned alloc_class)
{
    struct pl_request request = request_of(order, alloc_class);
    return take_request(context, context->cpu, &request);
}

enum pl_status take_run(struct context *context, unsigned alloc_class,
                        const struct pl_constraints *constraints)
{
    struct pl_request request = request_of(0, alloc_class);
    struct pl_run run = {0};
    enum pl_status status =
        admission_alloc_run(&context->admission, context->cpu, &request, constraints, &run);
    CHECK_EQUAL(0, context->cpu->lock_depth);
    if (status != PL_OK)
        return status;
    CHECK_EQUAL(constraints->frame_count, run.frame_count);
    note(context, &run);
    return status;
}

const struct pl_run *last_grant(const struct context *context)
{
    CHECK(context->grant_count > 0);
    return &context->grants[context->grant_count - 1];
}

void give(struct context *context, struct pl_cpu *cpu, uint64_t at)
{
    struct pl_run run = context->grants[at];
    CHECK(at < context->grant_count);
    CHECK_EQUAL(PL_OK, admission_free(&context->admission, cpu, &run));
    CHECK_EQUAL(0, cpu->lock_depth);
    shadow_release(&context->shadow, &run, SHADOW_TAG);
    context->grants[at] = context->grants[--context->grant_count];
}

void give_all(struct context *context)
{
    while (context->grant_count > 0)
        give(context, context->cpu, context->grant_count - 1);
}

void starve(struct context *context, uint64_t left)
{
    unsigned order = context->instance.max_order > 5 ? 5 : context->instance.max_order;
    while (shadow_free_frames(&context->shadow) > left) {
        uint64_t more = shadow_free_frames(&context->shadow) - left;
        while (order > 0 && UINT64_C(1) << order > more)
            order--;
        enum pl_status status = take(context, order, PL_CLASS_INTERRUPT);
        if (status == PL_NO_MEMORY && order > 0)
            order--;
        else if (status == PL_NO_MEMORY && !(context->instance.caps & PL_CAP_ALL_FRAMES))
            return; /* as starved as it can be */
        else
            CHECK_EQUAL(PL_OK, status);
    }
}

/* --- views --- */

struct pl_page_counts counts_of(const struct context *context)
{
    struct pl_page_counts counts = {0};
    const struct pl_page *page = &context->instance.page;
    if (page->ops->count != NULL)
        page->ops->count(page->self, &counts);
    return counts;
}

void check_views(struct context *context)
{
    struct finding finding = {.found = false};
    shadow_audit(&context->shadow, &context->instance, &finding);
    finding_check(&finding);
    if (context->instance.caps & PL_CAP_EXACT_COUNT)
        shadow_check_counts(&context->shadow, &context->instance, &finding);
    finding_check(&finding);
    CHECK_EQUAL(shadow_free_frames(&context->shadow), admission_free_frames(&context->admission));
}

void check_restored(struct context *context)
{
    CHECK_EQUAL(0, context->shadow.live);
    admission_drain_all(&context->admission, context->cpu);
    check_views(context);
    if (context->instance.page.ops->count == NULL || !(context->instance.caps & PL_CAP_ALL_FRAMES))
        return;
    struct pl_page_counts counts = counts_of(context);
    check_same_counts(&context->fresh, &counts);
    CHECK_EQUAL(0, counts.cached);
    CHECK_EQUAL(context->machine->frame_count, counts.free + counts.metadata + counts.lost);
}

void check_same_counts(const struct pl_page_counts *before, const struct pl_page_counts *after)
{
    CHECK_EQUAL(before->free, after->free);
    CHECK_EQUAL(before->cached, after->cached);
    CHECK_EQUAL(before->reserved_frames, after->reserved_frames);
    CHECK_EQUAL(before->metadata, after->metadata);
    CHECK_EQUAL(before->lost, after->lost);
}

uint32_t next_number(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}
