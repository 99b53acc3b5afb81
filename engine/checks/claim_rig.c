/* See claim_rig.h. */
#include "engine/checks/claim_rig.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES 256u
#define TAG    1u

/* In no way aligned. */
#define FIRST_FRAME UINT64_C(0x1234567)

/* --- its life --- */

static bool give_up(struct claim_rig *rig, enum pl_status status, bool claimed_shape, const char *words)
{
    if (status == PL_UNSUPPORTED && claimed_shape)
        check_broken(rig->check, "a machine of this shape is refused: %s", words);
    else if (status == PL_UNSUPPORTED)
        check_na(rig->check, "capability: this machine");
    else
        check_na(rig->check, words);
    claim_close(rig);
    return false;
}

static bool open_machine(struct claim_rig *rig, struct check *check, const struct native_shape *shape,
                         bool claimed_shape)
{
    struct spec_error error = {.text = "out of memory"};
    struct native_shape own = *shape;
    memset(rig, 0, sizeof(*rig));
    rig->check = check;
    rig->seed = 7;
    runner_fit_shape(check->spec, &own);
    if (own.range_count != shape->range_count ||
        (shape->ranges[0].first.number != 0 && own.ranges[0].first.number == 0))
        return give_up(rig, PL_UNSUPPORTED, false, "");
    rig->native = native_machine_new(&own, error.text, sizeof(error.text));
    if (rig->native == NULL)
        return give_up(rig, PL_NO_MEMORY, false, error.text);
    rig->machine = native_machine_view(rig->native);
    enum pl_status status = instance_init(&rig->instance, check->spec, rig->machine, false, &error);
    if (status != PL_OK)
        return give_up(rig, status, claimed_shape, error.text);
    rig->runs = calloc((size_t)rig->machine->frame_count, sizeof(*rig->runs));
    if (rig->runs == NULL || shadow_init(&rig->shadow, rig->machine) != 0)
        return give_up(rig, PL_NO_MEMORY, false, "out of memory");
    return true;
}

bool claim_open(struct claim_rig *rig, struct check *check)
{
    const struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 2};
    return open_machine(rig, check, &shape, false);
}

bool claim_open_shape(struct claim_rig *rig, struct check *check, const struct native_shape *shape)
{
    return open_machine(rig, check, shape, true);
}

bool claim_open_widest(struct claim_rig *rig, struct check *check)
{
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 2};
    struct spec_error error;
    uint64_t caps = 0;
    if (claim_capabilities(check->spec, &caps, &error) != PL_OK || spec_base(check->spec)->fixed_frames != 0)
        return claim_open(rig, check);
    if (caps & PL_CAP_HOLES) {
        shape.ranges[0].frame_count = FRAMES / 2;
        shape.ranges[1] = (struct pl_range){.first = {FRAMES / 2 + 3}, .frame_count = FRAMES / 2};
        shape.range_count = 2;
    }
    for (uint32_t i = 0; i < shape.range_count && caps & PL_CAP_BASE; i++)
        shape.ranges[i].first.number += FIRST_FRAME;
    return open_machine(rig, check, &shape, false);
}

void claim_close(struct claim_rig *rig)
{
    if (rig->shadow.owner != NULL)
        shadow_fini(&rig->shadow);
    if (rig->instance.live)
        instance_fini(&rig->instance);
    native_machine_delete(rig->native);
    free(rig->runs);
    memset(rig, 0, sizeof(*rig));
}

/* --- calls --- */

/* Another promise is broken: this claim has no verdict. */
static bool stray(struct claim_rig *rig, const struct finding *finding)
{
    struct check *check = rig->check;
    check->verdict = CHECK_BROKEN;
    snprintf(check->words, sizeof(check->words), "%s: expected %.150s; actual %.150s", finding->ids,
             finding->expected, finding->actual);
    snprintf(check->ids, sizeof(check->ids), "%s", finding->ids);
    return false;
}

bool claim_enter(struct claim_rig *rig, const struct pl_run *run)
{
    struct finding finding = {.found = false};
    if (rig->run_count == rig->machine->frame_count) {
        finding_set(&finding, "F-1 X-2", "no more grants than frames");
        finding_actual(&finding, "%" PRIu64, rig->run_count + 1);
    }
    if (!finding.found)
        shadow_grant(&rig->shadow, run, TAG, &finding);
    if (finding.found)
        return stray(rig, &finding);
    rig->runs[rig->run_count++] = *run;
    return true;
}

static enum pl_status enter_if(struct claim_rig *rig, enum pl_status status, const struct pl_run *run)
{
    return status == PL_OK && !claim_enter(rig, run) ? PL_REFUSED : status;
}

enum pl_status claim_take(struct claim_rig *rig, uint32_t cpu, const struct pl_request *request)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_run run = {0};
    enum pl_status status = page->ops->alloc(page->self, native_cpu(rig->native, cpu), request, &run);
    return enter_if(rig, status, &run);
}

enum pl_status claim_take_run(struct claim_rig *rig, uint32_t cpu, const struct pl_constraints *constraints)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_request request = claim_request(0);
    struct pl_run run = {0};
    enum pl_status status =
        page->ops->alloc_run(page->self, native_cpu(rig->native, cpu), &request, constraints, &run);
    return enter_if(rig, status, &run);
}

bool claim_give(struct claim_rig *rig, uint32_t cpu, uint64_t at)
{
    const struct pl_page *page = &rig->instance.page;
    struct finding finding = {.found = false};
    struct pl_run run = rig->runs[at];
    run.flags &= ~PL_RUN_ZERO;
    rig->runs[at] = rig->runs[--rig->run_count];
    shadow_release(&rig->shadow, &run, TAG);
    enum pl_status status = page->ops->free(page->self, native_cpu(rig->native, cpu), &run);
    if (status == PL_OK)
        return true;
    finding_set(&finding, "X-3 X-4", "a live grant can be freed");
    finding_actual(&finding, "0x%" PRIx64 "+%" PRIu64 ": %s", run.first.number, run.frame_count,
                   pl_status_name(status));
    return stray(rig, &finding);
}

bool claim_give_all(struct claim_rig *rig)
{
    while (rig->run_count > 0) {
        if (!claim_give(rig, (uint32_t)rig->run_count % 2, rig->run_count / 2))
            return false;
    }
    return true;
}

void claim_step(struct claim_rig *rig, uint32_t top)
{
    uint32_t cpu = check_number(&rig->seed) % 2;
    if (check_number(&rig->seed) % 8 < 5) {
        struct pl_request request = claim_request(check_number(&rig->seed) % (top + 1));
        (void)claim_take(rig, cpu, &request);
    } else if (rig->run_count > 0) {
        (void)claim_give(rig, cpu, check_number(&rig->seed) % rig->run_count);
    }
}

/* --- views --- */

void claim_drain(struct claim_rig *rig)
{
    const struct pl_page *page = &rig->instance.page;
    for (uint32_t cpu = 0; cpu < rig->machine->cpu_count && page->ops->drain != NULL; cpu++)
        page->ops->drain(page->self, native_cpu(rig->native, 0), native_cpu(rig->native, cpu));
}

bool claim_audit(struct claim_rig *rig)
{
    struct finding finding = {.found = false};
    shadow_audit(&rig->shadow, &rig->instance, &finding);
    return !finding.found || stray(rig, &finding);
}

uint64_t claim_counted_free(const struct claim_rig *rig)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_page_counts counts = {0};
    if (!instance_has_count(&rig->instance))
        return UINT64_MAX;
    page->ops->count(page->self, &counts);
    return counts.free;
}
