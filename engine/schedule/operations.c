/* What the virtual CPUs execute, and what is checked while other calls are unfinished. This file is not
 * instrumented: between the calls of the candidate nobody comes in between, so the shadow changes in one
 * step. */
#include <inttypes.h>
#include <string.h>

#include "engine/expect.h"
#include "engine/op_common.h"
#include "engine/runner_internal.h"
#include "engine/schedule/schedule_internal.h"

#define STARVE_TAG UINT32_C(0x80000000)
#define IRQ_TAG    UINT32_C(0x40000000)

/* A grant goes from who got it to who frees it by the slots, which nobody sees being accessed: sim_give(). */
static uint32_t gift_key(uint32_t tag)
{
    if (tag >= STARVE_TAG)
        return 0; /* one for all that was starved */
    return tag < IRQ_TAG ? tag : PROGRAM_SLOT_LIMIT + 1 + (tag - IRQ_TAG);
}

bool schedule_is_interrupt(const struct schedule *schedule, const struct op *op)
{
    bool able =
        op->kind == OP_ALLOC || op->kind == OP_FREE || op->kind == OP_ALLOC_RUN || op->kind == OP_SPLIT;
    return able && schedule->interrupts && op->context == PL_CONTEXT_HARDIRQ;
}

/* --- calls --- */

void schedule_disturb(struct schedule *schedule)
{
    uint64_t free_frames = shadow_free_frames(&schedule->runner.shadow);
    for (uint32_t i = 0; i < schedule->cpu_count; i++) {
        for (uint32_t k = 0; k < schedule->cpus[i].depth; k++) {
            struct schedule_call *call = &schedule->cpus[i].calls[k];
            call->disturbed = true;
            call->most = free_frames > call->most ? free_frames : call->most;
        }
    }
}

/* A call of so many frames begins. Ends with call_end. */
static struct schedule_call *call_begin(struct schedule *schedule, const struct pl_cpu *cpu, uint64_t frames)
{
    struct schedule_cpu *self = &schedule->cpus[cpu->id];
    struct schedule_call *call = &self->calls[self->depth - 1];
    schedule_disturb(schedule);
    call->frames = frames;
    call->disturbed = false;
    call->most = shadow_free_frames(&schedule->runner.shadow);
    return call;
}

static void call_end(struct schedule *schedule, struct schedule_call *call)
{
    schedule_disturb(schedule);
    call->frames = 0;
}

/* Frames that the other unfinished calls may have; `calls`: how many there are. */
static uint64_t frames_in_flight(const struct schedule *schedule, const struct schedule_call *own,
                                 uint32_t *calls)
{
    uint64_t frames = 0;
    *calls = 0;
    for (uint32_t i = 0; i < schedule->cpu_count; i++) {
        for (uint32_t k = 0; k < schedule->cpus[i].depth; k++) {
            const struct schedule_call *call = &schedule->cpus[i].calls[k];
            if (call == own || call->frames == 0)
                continue;
            frames += call->frames;
            ++*calls;
        }
    }
    return frames;
}

/* What a CPU must have again when a call returns. */
struct state_before {
    uint32_t lock_depth;
    uint32_t masked;
};

static struct state_before call_enter(const struct schedule *schedule, struct pl_cpu *cpu)
{
    if ((schedule->runner.instance.caps & PL_CAP_MAY_SLEEP) == 0)
        cpu->no_sleep_depth++;
    return (struct state_before){cpu->lock_depth, atomic_load_explicit(&cpu->masked, memory_order_relaxed)};
}

static void call_leave(const struct schedule *schedule, struct pl_cpu *cpu, struct state_before before)
{
    uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    if ((schedule->runner.instance.caps & PL_CAP_MAY_SLEEP) == 0)
        cpu->no_sleep_depth--;
    bool missed = masked == 0 && cpu->context == PL_CONTEXT_TASK &&
                  atomic_load_explicit(&cpu->pending, memory_order_relaxed) != 0;
    if (missed && before.masked == 0) {
        finding_set(schedule->finding, "X-4", "what was raised while masked has run when a call returns");
        finding_actual(schedule->finding, "it is pending");
        return;
    }
    if (cpu->lock_depth == before.lock_depth && masked == before.masked)
        return;
    finding_set(schedule->finding, "X-4", "");
    finding_expected(schedule->finding, "as before the call: %" PRIu32 " locks held, masked %" PRIu32,
                     before.lock_depth, before.masked);
    finding_actual(schedule->finding, "when it returns: %" PRIu32 " locks held, masked %" PRIu32,
                   cpu->lock_depth, masked);
}

/* --- allocation and release --- */

/* A failure is wrong only if frames were free all the time, and for all that is known within reach. */
static void judge_failure(struct schedule *schedule, const struct schedule_call *call,
                          const struct expectation *expected, enum pl_status status)
{
    const struct runner *runner = &schedule->runner;
    uint64_t caps = runner->instance.caps;
    struct finding *finding = schedule->finding;
    uint32_t others;
    bool known = status == PL_NO_MEMORY || (status == PL_UNSUPPORTED && !expected->served) ||
                 (status == PL_NEVER && expected->constraints != NULL);
    if (!known) {
        finding_set(finding, "X-3", "a legal request is granted or has no-memory");
        finding_actual(finding, "%s", pl_status_name(status));
        return;
    }
    if (call->disturbed || !expected->served || expected->constraints != NULL)
        return;
    bool admitted = schedule->scope == SCHEDULE_ALL;
    (void)frames_in_flight(schedule, call, &others);
    /* Caches of others are emptied by admission only, and only if nobody else is inside. */
    if ((caps & PL_CAP_EXACT_COUNT) == 0 && !(admitted && others == 0))
        return;
    if (admitted && (others != 0 || !expected->admitted))
        return;
    uint64_t gone = runner->machine->frame_count - runner->fresh_counts.free; /* never anybody's */
    uint64_t free_frames = shadow_free_frames(&runner->shadow);
    uint64_t taken = frames_in_flight(schedule, call, &others) + gone;
    /* Who waits for nobody cannot wait for numbers that an unfinished call or drain has in its hands. */
    bool in_hands = (caps & PL_CAP_NMI_SAFE) != 0 && (others != 0 || schedule->draining != 0);
    bool wrong = expected->order == 0 ? (caps & PL_CAP_ALL_FRAMES) && !in_hands && free_frames > taken
                                      : (caps & PL_CAP_COMPLETE) && others == 0 &&
                                            shadow_has_block(&runner->shadow, expected->order);
    if (!wrong)
        return;
    finding_set(finding, "X-3 F-7", "");
    finding_expected(finding,
                     "%" PRIu64 " frames free all the time, %" PRIu64 " at most in unfinished calls: granted",
                     free_frames, taken);
    finding_actual(finding, "%s", pl_status_name(status));
}

/* Through admission: were so many frames free at any time of the call? */
static void judge_floor(const struct schedule *schedule, const struct schedule_call *call,
                        const struct expectation *expected)
{
    const struct pl_floors *floors = &schedule->runner.machine->floors;
    uint64_t floor = expected->alloc_class == PL_CLASS_INTERRUPT ? floors->interrupt
                     : expected->alloc_class == PL_CLASS_SYSTEM  ? floors->system
                                                                 : floors->normal;
    if (schedule->scope != SCHEDULE_ALL || call->most >= floor + expected->frames)
        return;
    finding_set(schedule->finding, "F-3 X-7 X-11", "");
    finding_expected(schedule->finding, "at most %" PRIu64 " frames were free, floor %" PRIu64 ": no-memory",
                     call->most, floor);
    finding_actual(schedule->finding, "%" PRIu64 " frames granted", expected->frames);
}

static void judge_shape(const struct expectation *expected, const struct pl_run *run, struct finding *finding)
{
    if (run->frame_count != expected->frames) {
        finding_set(finding, "F-6", "");
        finding_expected(finding, "%" PRIu64 " frames", expected->frames);
        finding_actual(finding, "%" PRIu64 " frames at 0x%" PRIx64, run->frame_count, run->first.number);
    } else if (expected->constraints == NULL && (run->first.number & (expected->frames - 1)) != 0) {
        finding_set(finding, "X-2", "");
        finding_expected(finding, "a first frame that is a multiple of %" PRIu64, expected->frames);
        finding_actual(finding, "0x%" PRIx64, run->first.number);
    }
}

static enum pl_status call_alloc(struct schedule *schedule, struct pl_cpu *cpu,
                                 const struct pl_request *request, const struct pl_constraints *constraints,
                                 struct pl_run *run)
{
    const struct pl_page *page = &schedule->runner.instance.page;
    struct admission *admission = &schedule->runner.admission;
    if (schedule->scope == SCHEDULE_ALL)
        return constraints == NULL ? admission_alloc(admission, cpu, request, run)
                                   : admission_alloc_run(admission, cpu, request, constraints, run);
    return constraints == NULL ? page->ops->alloc(page->self, cpu, request, run)
                               : page->ops->alloc_run(page->self, cpu, request, constraints, run);
}

/* On PL_OK the shadow has the run under `tag`. */
static enum pl_status checked_alloc(struct schedule *schedule, struct pl_cpu *cpu,
                                    const struct pl_request *request,
                                    const struct pl_constraints *constraints, uint32_t tag,
                                    struct pl_run *run)
{
    struct runner *runner = &schedule->runner;
    struct expectation expected =
        constraints == NULL
            ? expect_order(&runner->shadow, &runner->instance, request->alloc_class, request->order)
            : expect_run(&runner->shadow, &runner->instance, request->alloc_class, constraints);
    struct schedule_call *call = call_begin(schedule, cpu, expected.frames);
    struct state_before before = call_enter(schedule, cpu);
    enum pl_status status = call_alloc(schedule, cpu, request, constraints, run);
    call_leave(schedule, cpu, before);
    runner->calls++;
    if (status != PL_OK) {
        runner->denied++;
        judge_failure(schedule, call, &expected, status);
    } else {
        judge_shape(&expected, run, schedule->finding);
        if (!schedule->finding->found)
            judge_floor(schedule, call, &expected);
        if (!schedule->finding->found)
            shadow_grant(&runner->shadow, run, tag, schedule->finding);
        sim_give(cpu, gift_key(tag));
        if (!schedule->finding->found)
            contents_granted(runner->machine, run, schedule->finding);
    }
    call_end(schedule, call);
    return status;
}

static void checked_free(struct schedule *schedule, struct pl_cpu *cpu, const struct pl_run *run,
                         uint32_t tag)
{
    struct runner *runner = &schedule->runner;
    const struct pl_page *page = &runner->instance.page;
    contents_released(runner->machine, run, schedule->finding);
    if (schedule->finding->found)
        return;
    shadow_release(&runner->shadow, run, tag);
    sim_take(cpu, gift_key(tag));
    struct schedule_call *call = call_begin(schedule, cpu, run->frame_count);
    struct state_before before = call_enter(schedule, cpu);
    enum pl_status status = schedule->scope == SCHEDULE_ALL ? admission_free(&runner->admission, cpu, run)
                                                            : page->ops->free(page->self, cpu, run);
    call_leave(schedule, cpu, before);
    runner->calls++;
    call_end(schedule, call);
    if (status == PL_OK || schedule->finding->found)
        return;
    finding_set(schedule->finding, "X-3 X-4", "");
    finding_expected(schedule->finding, "0x%" PRIx64 "+%" PRIu64 " is granted, so its free succeeds",
                     run->first.number, run->frame_count);
    finding_actual(schedule->finding, "%s", pl_status_name(status));
}

/* --- table memory --- */

static bool is_zero_frame(const struct runner *runner, pl_frame frame)
{
    const unsigned char *bytes = pl_frame_address(runner->machine, frame);
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PL_FRAME_BYTES - 1) == 0;
}

/* One frame of the service's, which is nobody else's, and all zero. */
static void take_table(struct schedule *schedule, struct pl_cpu *cpu, const struct pl_request *request,
                       uint32_t slot)
{
    struct runner *runner = &schedule->runner;
    const struct pl_page_table *tables = &schedule->lent.tables;
    struct finding *finding = schedule->finding;
    struct pl_run run;
    struct schedule_call *call = call_begin(schedule, cpu, 1);
    struct state_before before = call_enter(schedule, cpu);
    enum pl_status status = tables->ops->table_get(tables->self, cpu, request, &run);
    call_leave(schedule, cpu, before);
    runner->calls++;
    call_end(schedule, call);
    if (status != PL_OK || finding->found)
        return;
    bool inside = run.frame_count == 1 && shadow_in_machine(&runner->shadow, run.first, 1);
    uint32_t *owner = inside ? &runner->shadow.owner[run.first.number - runner->machine->first.number] : NULL;
    if (owner == NULL || *owner != SCHEDULE_TABLE_TAG || !is_zero_frame(runner, run.first)) {
        finding_set(finding, "F-1 X-2 F-11", "a table is one zero frame of the service's, in nobody's hands");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 ", owner %" PRIx32, run.first.number,
                       run.frame_count, owner == NULL ? 0 : *owner);
        return;
    }
    *owner = slot + 1;
    memset(pl_frame_address(runner->machine, run.first), 0xa5, sizeof(uint64_t)); /* it is used */
    runner->slots[slot] = (struct runner_slot){.run = run, .live = true, .used = true};
    schedule->table[slot] = 1;
    sim_give(cpu, gift_key(slot + 1));
}

static void give_table(struct schedule *schedule, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct runner *runner = &schedule->runner;
    const struct pl_page_table *tables = &schedule->lent.tables;
    runner->shadow.owner[run->first.number - runner->machine->first.number] = SCHEDULE_TABLE_TAG;
    struct schedule_call *call = call_begin(schedule, cpu, 1);
    struct state_before before = call_enter(schedule, cpu);
    enum pl_status status = tables->ops->table_put(tables->self, cpu, run);
    call_leave(schedule, cpu, before);
    runner->calls++;
    call_end(schedule, call);
    if (status == PL_OK || schedule->finding->found)
        return;
    finding_set(schedule->finding, "X-3 X-4", "a table that was handed out can be given back");
    finding_actual(schedule->finding, "%s", pl_status_name(status));
}

/* --- operations --- */

static void do_alloc(struct schedule *schedule, struct pl_cpu *cpu, const struct op *op)
{
    struct runner *runner = &schedule->runner;
    struct runner_slot *slot = &runner->slots[op->slot];
    struct pl_request request = runner_request(op);
    struct pl_constraints constraints = runner_constraints(runner, op);
    bool run_wanted = op->kind == OP_ALLOC_RUN;
    struct pl_run run;
    if (slot->live || schedule->busy[op->slot] || (!run_wanted && op->order > PL_ORDER_LIMIT))
        return;
    if (run_wanted && (op->count == 0 || op->count > runner->machine->frame_count ||
                       runner->instance.page.ops->alloc_run == NULL))
        return;
    if (cpu->context != PL_CONTEXT_TASK)
        request.alloc_class = PL_CLASS_INTERRUPT;
    schedule->busy[op->slot] = 1;
    if (schedule->scope == SCHEDULE_ALL && !run_wanted && op->order == 0 && (op->flags & OP_FLAG_ZERO) != 0)
        take_table(schedule, cpu, &request, op->slot);
    else if (checked_alloc(schedule, cpu, &request, run_wanted ? &constraints : NULL, op->slot + 1, &run) ==
             PL_OK)
        *slot = (struct runner_slot){.run = run, .live = true, .used = true};
    schedule->busy[op->slot] = 0;
}

static void do_free(struct schedule *schedule, struct pl_cpu *cpu, const struct op *op)
{
    struct runner_slot *slot = &schedule->runner.slots[op->slot];
    struct pl_run run = slot->run;
    if (!slot->live)
        return;
    slot->live = false;
    run.flags &= ~PL_RUN_ZERO;
    if (schedule->table[op->slot]) {
        schedule->table[op->slot] = 0;
        sim_take(cpu, gift_key(op->slot + 1));
        give_table(schedule, cpu, &run);
        return;
    }
    checked_free(schedule, cpu, &run, op->slot + 1);
}

static void do_split(struct schedule *schedule, struct pl_cpu *cpu, const struct op *op)
{
    struct runner *runner = &schedule->runner;
    const struct pl_page *page = &runner->instance.page;
    uint32_t found[PROGRAM_SLOT_LIMIT];
    /* Splitting and draining go past admission, which must know of every call: they are SCHEDULE_PAGE's. */
    uint32_t parts = schedule->scope == SCHEDULE_PAGE ? runner_parts(runner, op, found) : 0;
    for (uint32_t i = 0; i < parts; i++) {
        if (schedule->busy[found[i]])
            return;
    }
    if (parts == 0)
        return;
    struct pl_run whole = runner->slots[op->slot].run;
    runner->slots[op->slot].live = false;
    for (uint32_t i = 0; i < parts; i++)
        schedule->busy[found[i]] = 1;
    sim_take(cpu, gift_key(op->slot + 1));
    struct schedule_call *call = call_begin(schedule, cpu, whole.frame_count);
    struct state_before before = call_enter(schedule, cpu);
    enum pl_status status = page->ops->split(page->self, cpu, &whole, op->order);
    call_leave(schedule, cpu, before);
    runner->calls++;
    call_end(schedule, call);
    if (status != PL_OK && !schedule->finding->found) {
        finding_set(schedule->finding, "X-3", "a live grant of a larger order can be split");
        finding_actual(schedule->finding, "%s", pl_status_name(status));
    }
    for (uint32_t i = 0; i < parts; i++) {
        struct pl_run part = runner_part(&whole, op->order, i);
        schedule->busy[found[i]] = 0;
        if (schedule->finding->found)
            continue;
        if (found[i] >= runner->slot_top)
            runner->slot_top = found[i] + 1;
        runner->slots[found[i]] = (struct runner_slot){.run = part, .live = true, .used = true};
        shadow_retag(&runner->shadow, &part, found[i] + 1);
        sim_give(cpu, gift_key(found[i] + 1));
    }
}

/* Large blocks first: hunger in a few calls. */
static void do_starve(struct schedule *schedule, struct pl_cpu *cpu, const struct op *op)
{
    struct runner *runner = &schedule->runner;
    uint64_t leave = runner_leaves(runner, op);
    int order = (int)runner->instance.max_order;
    while (!schedule->finding->found && runner->starved_count < runner->machine->frame_count) {
        uint64_t free_frames = shadow_free_frames(&runner->shadow);
        while (order >= 0 && free_frames < leave + (UINT64_C(1) << order))
            order--;
        if (order < 0)
            return;
        const struct pl_request request = {
            .order = (uint8_t)order, .alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
        uint64_t at = runner->starved_count++;
        struct pl_run run;
        runner->starved[at].frame_count = 0; /* nobody feeds it before it is there */
        if (checked_alloc(schedule, cpu, &request, NULL, STARVE_TAG | (uint32_t)at, &run) == PL_OK)
            runner->starved[at] = run;
        else
            order--;
        sim_progress(cpu);
    }
}

static void do_feed(struct schedule *schedule, struct pl_cpu *cpu)
{
    struct runner *runner = &schedule->runner;
    for (uint64_t at = runner->starved_count; at-- > 0 && !schedule->finding->found;) {
        struct pl_run run = runner->starved[at];
        if (run.frame_count == 0)
            continue;
        runner->starved[at].frame_count = 0;
        checked_free(schedule, cpu, &run, STARVE_TAG | (uint32_t)at);
        sim_progress(cpu);
    }
}

static void call_drain(struct schedule *schedule, struct pl_cpu *cpu, struct pl_cpu *of)
{
    const struct pl_page *page = &schedule->runner.instance.page;
    struct state_before before = call_enter(schedule, cpu);
    schedule_disturb(schedule);
    schedule->draining++;
    page->ops->drain(page->self, cpu, of);
    schedule->draining--;
    call_leave(schedule, cpu, before);
    schedule_disturb(schedule);
}

static void run_kind(struct schedule *schedule, struct pl_cpu *cpu, const struct op *op)
{
    switch (op->kind) {
    case OP_ALLOC:
    case OP_ALLOC_RUN:
        do_alloc(schedule, cpu, op);
        break;
    case OP_FREE:
        do_free(schedule, cpu, op);
        break;
    case OP_SPLIT:
        do_split(schedule, cpu, op);
        break;
    case OP_STARVE:
        do_starve(schedule, cpu, op);
        break;
    case OP_FEED:
        do_feed(schedule, cpu);
        break;
    case OP_DRAIN:
        if (schedule->runner.instance.page.ops->drain != NULL && schedule->scope == SCHEDULE_PAGE)
            call_drain(schedule, cpu, cpu);
        break;
    default: /* misuse is for one CPU: engine/runner.c */
        break;
    }
}

static void enter(struct schedule *schedule, const struct pl_cpu *cpu, uint32_t index)
{
    struct schedule_cpu *self = &schedule->cpus[cpu->id];
    self->calls[self->depth++] = (struct schedule_call){
        .op = index,
        .next = index == SCHEDULE_NO_OP ? schedule->op_count : schedule_first_preempt(schedule, index),
        .begin = sim_own_points(),
    };
    sim_rearm();
}

static void leave(struct schedule *schedule, const struct pl_cpu *cpu)
{
    struct schedule_cpu *self = &schedule->cpus[cpu->id];
    self->depth--;
    if (self->depth > 0) /* whom it interrupted counts its own points only */
        self->calls[self->depth - 1].begin += sim_own_points() - self->calls[self->depth].begin;
}

void schedule_operation(struct schedule *schedule, struct pl_cpu *cpu, uint32_t index)
{
    const struct op *op = &schedule->ops[index];
    struct finding *finding = schedule->finding;
    bool task = cpu->context == PL_CONTEXT_TASK;
    if (task && op->context == PL_CONTEXT_SOFTIRQ)
        cpu->context = PL_CONTEXT_SOFTIRQ;
    enter(schedule, cpu, index);
    run_kind(schedule, cpu, op);
    leave(schedule, cpu);
    if (task)
        cpu->context = PL_CONTEXT_TASK;
    if (finding->found) {
        finding->step = index;
        finding->op = *op;
        sim_stop(finding->ids);
    }
}

void schedule_idle_interrupt(struct schedule *schedule, struct pl_cpu *cpu)
{
    struct schedule_cpu *self = &schedule->cpus[cpu->id];
    const struct pl_request request = {.alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
    struct pl_run run = self->irq_run;
    enter(schedule, cpu, SCHEDULE_NO_OP);
    if (self->irq_live) {
        self->irq_live = false;
        checked_free(schedule, cpu, &run, IRQ_TAG | cpu->id);
    } else if (checked_alloc(schedule, cpu, &request, NULL, IRQ_TAG | cpu->id, &run) == PL_OK) {
        self->irq_run = run;
        self->irq_live = true;
    }
    leave(schedule, cpu);
    if (schedule->finding->found) {
        uint32_t index = self->depth > 0 ? self->calls[self->depth - 1].op : SCHEDULE_NO_OP;
        schedule->finding->step = index == SCHEDULE_NO_OP ? schedule->op_count : index;
        sim_stop(schedule->finding->ids);
    }
}

void schedule_give_back(struct schedule *schedule, struct pl_cpu *cpu)
{
    struct runner *runner = &schedule->runner;
    enter(schedule, cpu, SCHEDULE_NO_OP);
    do_feed(schedule, cpu);
    for (uint32_t i = 0; i < schedule->cpu_count && !schedule->finding->found; i++) {
        struct schedule_cpu *self = &schedule->cpus[i];
        if (self->irq_live)
            checked_free(schedule, cpu, &self->irq_run, IRQ_TAG | i);
        self->irq_live = false;
    }
    for (uint32_t i = 0; i < runner->slot_top && !schedule->finding->found; i++) {
        const struct op op = {.kind = OP_FREE, .slot = i};
        do_free(schedule, cpu, &op);
        sim_progress(cpu);
    }
    if (schedule->scope == SCHEDULE_ALL && !schedule->finding->found)
        lent_drain(&schedule->lent, cpu);
    bool drains = schedule->drains && runner->instance.page.ops->drain != NULL;
    for (uint32_t i = 0; drains && i < runner->machine->cpu_count; i++) {
        if (!schedule->finding->found)
            call_drain(schedule, cpu, native_cpu(runner->native, i));
        sim_progress(cpu);
    }
    leave(schedule, cpu);
    if (schedule->finding->found)
        sim_stop(schedule->finding->ids);
}
