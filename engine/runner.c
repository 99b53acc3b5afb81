/* See runner.h. Each operation: predict from the shadow, call, compare, record, check what every call must
 * leave as it was. Full audits every 64 operations, after each failure, and at the end. */
#include "engine/runner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/expect.h"
#include "engine/interrupt/interrupt.h"
#include "engine/runner_internal.h"

/* Libraries manage no machine of a few frames: 64 of them become at least one aligned arena. */
#define LIBRARY_SCALE 16u
#define ARENA_FRAMES  64u
#define STARVE_TAG    UINT32_C(0x80000000)

void runner_fit_shape(const struct spec *spec, struct native_shape *shape)
{
    uint64_t fixed_frames = spec_base(spec)->fixed_frames;
    if (fixed_frames != 0) {
        shape->ranges[0].first = pl_frame_at(0);
        shape->ranges[0].frame_count = fixed_frames;
        shape->range_count = 1;
    }
    if (!spec_needs_contents(spec))
        return;
    shape->contents = true;
    shape->contents_alignment = spec_base(spec)->arena_alignment;
    if (fixed_frames != 0 || !spec_needs_large_machine(spec))
        return;
    uint64_t scale = shape->contents_alignment / PL_FRAME_BYTES / ARENA_FRAMES;
    scale = scale > LIBRARY_SCALE ? scale : LIBRARY_SCALE;
    for (uint32_t i = 0; i < shape->range_count; i++) {
        shape->ranges[i].first.number *= scale;
        shape->ranges[i].frame_count *= scale;
    }
}

enum pl_status runner_init(struct runner *runner, const struct spec *spec, const struct native_shape *shape,
                           struct spec_error *error)
{
    return runner_init_slots(runner, spec, shape, PROGRAM_SLOT_LIMIT, error);
}

enum pl_status runner_init_slots(struct runner *runner, const struct spec *spec,
                                 const struct native_shape *shape, uint32_t slot_count,
                                 struct spec_error *error)
{
    return runner_init_family(runner, spec, shape, slot_count, OP_FAMILY_PAGE, error);
}

static enum pl_status make_services(struct runner *runner, enum op_family family, struct spec_error *error)
{
    struct services *services = aligned_alloc(_Alignof(struct services), sizeof(*services));
    if (services == NULL) {
        snprintf(error->text, sizeof(error->text), "runner: out of memory for the systems");
        return PL_NO_MEMORY;
    }
    enum pl_status status = services_init(services, runner, family, error);
    if (status != PL_OK) {
        free(services);
        return status;
    }
    runner->services = services;
    return PL_OK;
}

enum pl_status runner_init_family(struct runner *runner, const struct spec *spec,
                                  const struct native_shape *shape, uint32_t slot_count,
                                  enum op_family family, struct spec_error *error)
{
    memset(runner, 0, sizeof(*runner));
    runner->shape = *shape;
    struct native_shape *own = &runner->shape;
    own->contents = own->contents || spec_needs_contents(spec) || family != OP_FAMILY_PAGE;
    own->contents_alignment = spec_base(spec)->arena_alignment;
    runner->native = native_machine_new(own, error->text, sizeof(error->text));
    if (runner->native == NULL)
        return PL_NO_MEMORY;
    runner->machine = native_machine_view(runner->native);
    runner_hear_sleep(runner);
    enum pl_status status = instance_init(&runner->instance, spec, runner->machine, true, error);
    if (status != PL_OK) {
        runner_fini(runner);
        return status;
    }
    runner->starved = malloc((size_t)runner->machine->frame_count * sizeof(*runner->starved));
    runner->slots = calloc(slot_count, sizeof(*runner->slots));
    runner->slot_count = slot_count;
    runner->audit_every = RUNNER_AUDIT_EVERY;
    runner->audits = true;
    if (runner->starved == NULL || runner->slots == NULL ||
        shadow_init(&runner->shadow, runner->machine) != 0) {
        snprintf(error->text, sizeof(error->text),
                 "runner: out of memory for the shadow of %" PRIu64 " frames", runner->machine->frame_count);
        runner_fini(runner);
        return PL_NO_MEMORY;
    }
    status = family == OP_FAMILY_PAGE ? PL_OK : make_services(runner, family, error);
    if (status != PL_OK)
        runner_fini(runner);
    return status;
}

void runner_set_contract(struct runner *runner, enum contract contract)
{
    if (runner->services != NULL)
        runner->services->contract = contract;
}

void runner_fini(struct runner *runner)
{
    if (runner->services != NULL)
        services_fini(runner->services);
    interrupts_delete(runner->interrupts);
    free(runner->services);
    if (runner->shadow.owner != NULL)
        shadow_fini(&runner->shadow);
    free(runner->starved);
    free(runner->slots);
    instance_fini(&runner->instance);
    native_machine_delete(runner->native);
    memset(runner, 0, sizeof(*runner));
}

/* --- what holds after every call --- */

static void check_step(struct runner *runner, const struct pl_cpu *cpu, struct finding *finding)
{
    if (finding->found)
        return;
    runner_check_cpu(runner, cpu, finding);
    int64_t budget = admission_free_frames(&runner->admission);
    if (!finding->found && budget != (int64_t)shadow_free_frames(&runner->shadow)) {
        finding_set(finding, "F-6 F-2 X-3", "");
        finding_expected(finding, "%" PRIu64 " frames are not granted", shadow_free_frames(&runner->shadow));
        finding_actual(finding, "admission's budget is %" PRId64, budget);
    }
    if (runner->instance.caps & (PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES))
        shadow_check_counts(&runner->shadow, &runner->instance, finding);
}

/* --- allocation --- */

static void log_outcome(struct runner *runner, const struct op *op, enum pl_status status,
                        const struct pl_run *run)
{
    if (runner->log == NULL)
        return;
    if (status == PL_OK && run != NULL)
        fprintf(runner->log, "      -> 0x%" PRIx64 "+%" PRIu64 "\n", run->first.number, run->frame_count);
    else if (status != PL_OK || op->kind == OP_BAD_FREE)
        fprintf(runner->log, "      -> %s\n", pl_status_name(status));
}

static enum pl_status call_alloc(struct runner *runner, struct pl_cpu *cpu, const struct pl_request *request,
                                 const struct pl_constraints *constraints, struct pl_run *run)
{
    enum pl_status status;
    memset(run, 0, sizeof(*run));
    cpu->no_sleep_depth++;
    if (constraints != NULL)
        status = admission_alloc_run(&runner->admission, cpu, request, constraints, run);
    else
        status = admission_alloc(&runner->admission, cpu, request, run);
    cpu->no_sleep_depth--;
    return status;
}

/* One allocation, by order or by constraints, checked. On PL_OK the shadow has it under `tag`. */
static enum pl_status checked_alloc(struct runner *runner, struct pl_cpu *cpu,
                                    const struct pl_request *request, struct expectation *expected,
                                    uint32_t tag, struct pl_run *run, struct finding *finding)
{
    runner->calls++;
    interrupts_open(runner->interrupts);
    enum pl_status status = call_alloc(runner, cpu, request, expected->constraints, run);
    interrupts_close(runner->interrupts);
    if (status == PL_NO_MEMORY && interrupts_explain(runner->interrupts, expected)) {
        expected->admitted = shadow_admits(&runner->shadow, expected->alloc_class, expected->frames);
        status = call_alloc(runner, cpu, request, expected->constraints, run);
    }
    expect_check(expected, &runner->shadow, &runner->instance, status, run, finding);
    if (finding->found)
        return status;
    if (status == PL_OK) {
        shadow_grant(&runner->shadow, run, tag, finding);
        if (!finding->found)
            contents_granted(runner->machine, run, finding);
    } else {
        runner->denied++;
    }
    return status;
}

/* After a refusal of a class, no lower class may succeed (F-4). Who cannot give every frame may refuse at
 * random. */
static void probe_lower_class(struct runner *runner, struct pl_cpu *cpu, const struct pl_request *request,
                              struct finding *finding)
{
    if (request->alloc_class == PL_CLASS_NORMAL || finding->found ||
        !(runner->instance.caps & PL_CAP_ALL_FRAMES) || interrupts_taken(runner->interrupts))
        return;
    struct pl_request lower = *request;
    struct pl_run run = {0};
    lower.alloc_class--;
    if (admission_alloc(&runner->admission, cpu, &lower, &run) == PL_OK) {
        finding_set(finding, "F-4", "a class that was refused just now, so a lower one is refused too");
        finding_actual(finding, "class %u was refused, class %u granted", request->alloc_class,
                       lower.alloc_class);
    }
}

static void after_alloc(struct runner *runner, const struct op *op, enum pl_status status,
                        const struct pl_run *run, struct finding *finding)
{
    log_outcome(runner, op, status, run);
    if (status == PL_OK)
        runner_holds(runner, op->slot, run);
    else if (!finding->found && runner->audits) {
        shadow_audit(&runner->shadow, &runner->instance, finding);
        runner->calls_audited = runner->calls;
    }
}

static void do_alloc(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    if (runner->slots[op->slot].live || op->order > PL_ORDER_LIMIT)
        return;
    struct pl_run run;
    struct pl_request request = runner_request(op);
    struct expectation expected =
        expect_order(&runner->shadow, &runner->instance, op->alloc_class, op->order);
    enum pl_status status = checked_alloc(runner, cpu, &request, &expected, op->slot + 1, &run, finding);
    if (status == PL_NO_MEMORY && op->order == 0)
        probe_lower_class(runner, cpu, &request, finding);
    after_alloc(runner, op, status, &run, finding);
}

static void do_alloc_run(struct runner *runner, struct pl_cpu *cpu, const struct op *op,
                         struct finding *finding)
{
    if (runner->slots[op->slot].live || op->count == 0)
        return;
    struct pl_constraints constraints = runner_constraints(runner, op);
    struct pl_run run;
    struct pl_request request = runner_request(op);
    struct expectation expected =
        expect_run(&runner->shadow, &runner->instance, op->alloc_class, &constraints);
    enum pl_status status = checked_alloc(runner, cpu, &request, &expected, op->slot + 1, &run, finding);
    after_alloc(runner, op, status, &run, finding);
}

/* --- release --- */

static void checked_free(struct runner *runner, struct pl_cpu *cpu, const struct pl_run *run, uint32_t tag,
                         struct finding *finding)
{
    runner->calls++;
    contents_released(runner->machine, run, finding);
    if (finding->found)
        return;
    shadow_release(&runner->shadow, run, tag); /* from here on an interrupt may have it */
    interrupts_open(runner->interrupts);
    cpu->no_sleep_depth++;
    enum pl_status status = admission_free(&runner->admission, cpu, run);
    cpu->no_sleep_depth--;
    interrupts_close(runner->interrupts);
    if (status != PL_OK) {
        finding_set(finding, "X-3 X-4", "");
        finding_expected(finding, "0x%" PRIx64 "+%" PRIu64 " is granted, so its free succeeds",
                         run->first.number, run->frame_count);
        char what[64];
        instance_status_text(status, what, sizeof(what));
        finding_actual(finding, "%s", what);
    }
}

static void do_free(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct pl_run run;
    if (runner_lets_go(runner, op, &run))
        checked_free(runner, cpu, &run, op->slot + 1, finding);
}

static void do_split(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    const struct pl_page *page = &runner->instance.page;
    uint32_t found[PROGRAM_SLOT_LIMIT];
    uint32_t parts = runner_parts(runner, op, found);
    if (parts == 0)
        return;
    struct pl_run whole = runner->slots[op->slot].run;
    runner->calls++;
    interrupts_open(runner->interrupts);
    cpu->no_sleep_depth++;
    enum pl_status status = page->ops->split(page->self, cpu, &whole, op->order);
    cpu->no_sleep_depth--;
    interrupts_close(runner->interrupts);
    log_outcome(runner, op, status, NULL);
    if (status != PL_OK) {
        finding_set(finding, "X-3", "a live grant of a larger order can be split");
        finding_actual(finding, "%s", pl_status_name(status));
        return;
    }
    for (uint32_t i = 0; i < parts; i++) {
        struct pl_run part = runner_part(&whole, op->order, i);
        runner_holds(runner, found[i], &part);
        shadow_retag(&runner->shadow, &part, found[i] + 1);
    }
}

static void do_drain(struct runner *runner, struct pl_cpu *cpu)
{
    const struct pl_page *page = &runner->instance.page;
    runner->calls++;
    if (page->ops->drain == NULL)
        return;
    interrupts_open(runner->interrupts);
    cpu->no_sleep_depth++;
    page->ops->drain(page->self, cpu, cpu);
    cpu->no_sleep_depth--;
    interrupts_close(runner->interrupts);
}

/* --- hunger --- */

static void do_starve(struct runner *runner, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    uint64_t leave = runner_leaves(runner, op);
    uint32_t order = runner->instance.max_order;
    while (!finding->found && shadow_free_frames(&runner->shadow) > leave) {
        struct pl_request request = runner_hunger(shadow_free_frames(&runner->shadow) - leave, &order);
        struct pl_run run;
        struct expectation expected =
            expect_order(&runner->shadow, &runner->instance, PL_CLASS_INTERRUPT, order);
        uint32_t tag = STARVE_TAG | (uint32_t)runner->starved_count;
        if (checked_alloc(runner, cpu, &request, &expected, tag, &run, finding) == PL_OK)
            runner->starved[runner->starved_count++] = run;
        else if (order-- == 0)
            return; /* a candidate that cannot give every frame */
    }
}

static void do_feed(struct runner *runner, struct pl_cpu *cpu, struct finding *finding)
{
    while (runner->starved_count > 0 && !finding->found) {
        uint64_t last = --runner->starved_count;
        checked_free(runner, cpu, &runner->starved[last], STARVE_TAG | (uint32_t)last, finding);
    }
}

/* --- the program --- */

static void audit_all(struct runner *runner, struct finding *finding)
{
    if (!runner->audits)
        return;
    shadow_audit(&runner->shadow, &runner->instance, finding);
    if (runner->services != NULL && !finding->found)
        services_audit(runner->services, finding);
}

/* Whatever an interrupt left wrong is seen now, when no call is unfinished. */
static void after_interrupts(struct runner *runner, const struct pl_cpu *cpu, struct finding *finding)
{
    bool taken = interrupts_taken(runner->interrupts);
    interrupts_settle(runner->interrupts, cpu, finding);
    if (taken && !finding->found)
        audit_all(runner, finding);
}

static void run_op(struct runner *runner, const struct op *op, struct finding *finding)
{
    struct pl_cpu *cpu = native_cpu(runner->native, op->cpu);
    runner_level_enter(cpu, op);
    if (op->kind >= OP_COMMON && runner->services != NULL) {
        runner->calls++;
        services_run(runner->services, cpu, op, finding);
    }
    switch (op->kind) {
    case OP_ALLOC:
        do_alloc(runner, cpu, op, finding);
        break;
    case OP_FREE:
        do_free(runner, cpu, op, finding);
        break;
    case OP_ALLOC_RUN:
        do_alloc_run(runner, cpu, op, finding);
        break;
    case OP_SPLIT:
        do_split(runner, cpu, op, finding);
        break;
    case OP_DRAIN:
        do_drain(runner, cpu);
        break;
    case OP_AUDIT:
        audit_all(runner, finding);
        break;
    case OP_STARVE:
        do_starve(runner, cpu, op, finding);
        break;
    case OP_FEED:
        do_feed(runner, cpu, finding);
        break;
    case OP_BAD_FREE:
        do_bad_free(runner, cpu, op, finding);
        break;
    case OP_BAD_ALLOC:
        do_bad_alloc(runner, cpu, op, finding);
        break;
    case OP_INTERRUPT:
        if (runner->services == NULL) /* the systems' oracles know of no interrupt */
            interrupts_arm(runner, op);
        break;
    default:
        break;
    }
    runner_level_leave(cpu, op, finding);
    after_interrupts(runner, cpu, finding);
    check_step(runner, cpu, finding);
    if (runner->services != NULL && !finding->found)
        services_step(runner->services, finding);
}

/* Everything is given back: counts are what they were at the start. */
static void run_end(struct runner *runner, struct finding *finding)
{
    struct pl_cpu *cpu = native_cpu(runner->native, 0);
    if (runner->calls != runner->calls_audited)
        audit_all(runner, finding);
    do_feed(runner, cpu, finding);
    if (runner->services != NULL && !finding->found)
        services_end(runner->services, cpu, finding);
    for (uint32_t i = 0; i < runner->slot_top && !finding->found; i++) {
        struct runner_slot *slot = &runner->slots[i];
        if (slot->live) {
            slot->live = false;
            checked_free(runner, cpu, &slot->run, i + 1, finding);
        }
    }
    after_interrupts(runner, cpu, finding);
    interrupts_end(runner->interrupts, cpu, finding);
    if (finding->found)
        return;
    admission_drain_all(&runner->admission, cpu);
    check_step(runner, cpu, finding);
    if (runner->audits)
        shadow_audit(&runner->shadow, &runner->instance, finding);
    struct pl_page_counts counts = {0};
    const struct pl_page_counts *fresh = &runner->fresh_counts;
    if (finding->found || !instance_has_count(&runner->instance) ||
        !(runner->instance.caps & PL_CAP_ALL_FRAMES))
        return;
    runner->instance.page.ops->count(runner->instance.page.self, &counts);
    if (counts.free != fresh->free || counts.cached != 0 || counts.metadata != fresh->metadata ||
        counts.lost != fresh->lost) {
        finding_set(finding, "X-4", "");
        finding_expected(finding, "all is freed and drained: %" PRIu64 " free, 0 cached, %" PRIu64 " lost",
                         fresh->free, fresh->lost);
        finding_actual(finding, "count says %" PRIu64 " free, %" PRIu64 " cached, %" PRIu64 " lost",
                       counts.free, counts.cached, counts.lost);
    }
}

enum pl_status runner_run(struct runner *runner, const struct op *ops, uint32_t op_count,
                          struct finding *finding)
{
    memset(finding, 0, sizeof(*finding));
    enum pl_status status = runner_fresh(runner);
    if (status != PL_OK)
        return status;
    runner->slept_at[0] = '\0';
    if (instance_has_count(&runner->instance))
        runner->instance.page.ops->count(runner->instance.page.self, &runner->fresh_counts);
    shadow_reset(&runner->shadow);
    interrupts_reset(runner->interrupts);
    status = runner->services == NULL ? PL_OK : services_reset(runner->services, finding);
    if (status != PL_OK)
        return status;
    for (uint32_t i = 0; i < op_count && !finding->found; i++) {
        if (runner_skips(runner, &ops[i]))
            continue;
        if (runner->log != NULL) {
            fprintf(runner->log, "%4" PRIu32 "  ", i);
            program_print_op(&ops[i], runner->log);
        }
        runner->op = &ops[i];
        runner->at = i;
        run_op(runner, &ops[i], finding);
        if (i % runner->audit_every == runner->audit_every - 1 && !finding->found)
            audit_all(runner, finding);
        if (finding->found) {
            finding->step = i;
            finding->op = ops[i];
            return PL_OK;
        }
    }
    runner->op = NULL;
    runner->at = op_count;
    if (!finding->found) {
        run_end(runner, finding);
        finding->step = op_count;
    }
    return PL_OK;
}
