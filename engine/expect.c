/* See expect.h. The floors are exact: one frame more or less at the edge is a finding. */
#include "engine/expect.h"

#include <inttypes.h>
#include <stdio.h>

struct expectation expect_order(const struct shadow *shadow, const struct instance *instance,
                                unsigned alloc_class, unsigned order)
{
    struct expectation expected = {
        .alloc_class = alloc_class,
        .frames = UINT64_C(1) << order,
        .order = order,
        .served = order <= instance->max_order,
    };
    expected.admitted = shadow_admits(shadow, alloc_class, expected.frames);
    return expected;
}

struct expectation expect_run(const struct shadow *shadow, const struct instance *instance,
                              unsigned alloc_class, const struct pl_constraints *constraints)
{
    struct expectation expected = {
        .alloc_class = alloc_class,
        .frames = constraints->frame_count,
        .order = PL_ORDER_NONE,
        .constraints = constraints,
        .served = (instance->caps & PL_CAP_RUNS) != 0,
    };
    expected.admitted = shadow_admits(shadow, alloc_class, expected.frames);
    return expected;
}

static uint64_t floor_of(const struct shadow *shadow, unsigned alloc_class)
{
    const struct pl_floors *floors = &shadow->machine->floors;
    return alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
           : alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                             : floors->normal;
}

/* A wrong answer of the gate: which numbers it breaks depends on class, count and how near the edge it is. */
static void wrong_admission(const struct expectation *expected, const struct shadow *shadow,
                            enum pl_status status, struct finding *finding)
{
    static const char *const single[PL_CLASS_COUNT] = {"F-3c", "F-3b", "F-3a"};
    uint64_t floor = floor_of(shadow, expected->alloc_class);
    uint64_t free_frames = shadow_free_frames(shadow);
    uint64_t edge = floor + expected->frames;
    bool near = free_frames + 1 >= edge && free_frames <= edge + 1;
    char ids[48];
    snprintf(ids, sizeof(ids), "%s%s%s", expected->frames == 1 ? single[expected->alloc_class] : "F-8",
             status == PL_OK ? " F-7" : "", near ? " X-7" : "");
    finding_set(finding, ids, "");
    finding_expected(finding, "%" PRIu64 " free, floor %" PRIu64 ", %" PRIu64 " wanted: %s", free_frames,
                     floor, expected->frames, status == PL_OK ? "no-memory" : "granted");
    finding_actual(finding, "%s", pl_status_name(status));
}

bool expect_must_find(const struct expectation *expected, const struct shadow *shadow,
                      const struct instance *instance)
{
    if (expected->constraints != NULL)
        return (instance->caps & PL_CAP_COMPLETE) && shadow_has_run(shadow, expected->constraints, false);
    if (expected->order == 0)
        return (instance->caps & PL_CAP_ALL_FRAMES) != 0;
    return (instance->caps & PL_CAP_COMPLETE) && shadow_has_block(shadow, expected->order);
}

static void check_refusal(const struct expectation *expected, const struct shadow *shadow,
                          const struct instance *instance, enum pl_status status, struct finding *finding)
{
    bool legal = status == PL_NO_MEMORY || (status == PL_UNSUPPORTED && !expected->served) ||
                 (status == PL_NEVER && expected->constraints != NULL);
    if (!legal) {
        char what[64];
        instance_status_text(status, what, sizeof(what));
        finding_set(finding, "X-3", "a legal request is granted or has no-memory");
        finding_actual(finding, "%s", what);
        return;
    }
    if (!expected->served)
        return;
    if (status == PL_NEVER && shadow_has_run(shadow, expected->constraints, true)) {
        finding_set(finding, "F-24", "an empty machine has such a run, so the answer is not 'never'");
        finding_actual(finding, "never");
        return;
    }
    if (status == PL_NO_MEMORY && expected->admitted && expect_must_find(expected, shadow, instance)) {
        wrong_admission(expected, shadow, status, finding);
        if (expected->frames != 1)
            finding_expected(finding,
                             "%" PRIu64 " free, and %" PRIu64 " consecutive frames that fit are among them",
                             shadow_free_frames(shadow), expected->frames);
    }
}

static void check_placement(const struct expectation *expected, const struct pl_run *run,
                            struct finding *finding)
{
    const struct pl_constraints *c = expected->constraints;
    uint64_t first = run->first.number;
    if (run->frame_count != expected->frames) {
        finding_set(finding, "F-6", "");
        finding_expected(finding, "%" PRIu64 " frames", expected->frames);
        finding_actual(finding, "%" PRIu64 " frames at 0x%" PRIx64, run->frame_count, first);
    } else if (c == NULL && (first & (expected->frames - 1)) != 0) {
        finding_set(finding, "X-2", "");
        finding_expected(finding, "a first frame that is a multiple of %" PRIu64, expected->frames);
        finding_actual(finding, "0x%" PRIx64, first);
    } else if (c != NULL) {
        uint64_t last = first + c->frame_count - 1;
        bool crosses = c->boundary != 0 && first / c->boundary != last / c->boundary;
        if (first % c->alignment != 0 || crosses || first < c->low.number || last >= c->high.number) {
            finding_set(finding, "F-24", "");
            finding_expected(finding,
                             "alignment %" PRIu64 ", boundary %" PRIu64 ", in [0x%" PRIx64 ", 0x%" PRIx64 ")",
                             c->alignment, c->boundary, c->low.number, c->high.number);
            finding_actual(finding, "0x%" PRIx64 " to 0x%" PRIx64, first, last);
        }
    }
}

void expect_check(const struct expectation *expected, const struct shadow *shadow,
                  const struct instance *instance, enum pl_status status, const struct pl_run *run,
                  struct finding *finding)
{
    if (status != PL_OK) {
        check_refusal(expected, shadow, instance, status, finding);
    } else if (expected->frames > shadow->machine->frame_count) {
        finding_set(finding, "X-6", "");
        finding_expected(finding, "%" PRIu64 " frames of %" PRIu64 " are never granted", expected->frames,
                         shadow->machine->frame_count);
        finding_actual(finding, "granted");
    } else if (!expected->admitted) {
        wrong_admission(expected, shadow, status, finding);
    } else if (!expected->served) {
        finding_set(finding, "X-3", "an order above what is claimed is unsupported");
        finding_actual(finding, "granted");
    } else {
        check_placement(expected, run, finding);
    }
}
