/* See schedule.h: a run from the fresh state to the end, and how its end reads. */
#include "engine/schedule/schedule.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op_common.h"
#include "engine/runner_internal.h"
#include "engine/schedule/schedule_internal.h"

/* Counts are compared after every run. Full audits, and draining all caches at the end to audit once more,
 * take half of the time: not after each run, but always after the same. */
#define AUDIT_ONE_IN 4u
#define DRAIN_ONE_IN 8u

enum pl_status schedule_init_scope(struct schedule *schedule, const struct spec *spec,
                                   const struct native_shape *shape, enum schedule_scope scope,
                                   struct sim *sim, struct spec_error *error)
{
    struct native_shape own = *shape;
    memset(schedule, 0, sizeof(*schedule));
    own.contents = scope == SCHEDULE_ALL; /* tables are zero; else as the candidate needs */
    enum pl_status status = runner_init(&schedule->runner, spec, &own, error);
    if (status != PL_OK)
        return status;
    schedule->scope = scope;
    uint64_t caps = schedule->runner.instance.caps;
    schedule->cpu_count = (caps & PL_CAP_CONCURRENT) != 0 ? schedule->runner.machine->cpu_count : 1;
    schedule->interrupts = (caps & PL_CAP_IRQ_SAFE) != 0;
    schedule->nmis = (caps & PL_CAP_NMI_SAFE) != 0;
    schedule->sim = sim;
    schedule_listed_init(schedule);
    if (scope == SCHEDULE_ALL && (status = schedule_lend(schedule, spec, error)) != PL_OK)
        runner_fini(&schedule->runner);
    return status;
}

enum pl_status schedule_init(struct schedule *schedule, const struct spec *spec,
                             const struct native_shape *shape, struct sim *sim, struct spec_error *error)
{
    return schedule_init_scope(schedule, spec, shape, SCHEDULE_PAGE, sim, error);
}

void schedule_fini(struct schedule *schedule)
{
    if (schedule->scope == SCHEDULE_ALL)
        lent_fini(&schedule->lent);
    runner_fini(&schedule->runner);
    memset(schedule, 0, sizeof(*schedule));
}

/* --- what the CPUs run --- */

/* The next operation of this CPU at task level, or op_count. */
static uint32_t next_task(struct schedule *schedule, uint32_t cpu)
{
    uint32_t at = schedule->cpus[cpu].task_at;
    while (at < schedule->op_count &&
           (schedule->done[at] || schedule->ops[at].cpu % schedule->cpu_count != cpu))
        at++;
    schedule->cpus[cpu].task_at = at;
    return at;
}

/* The next one for an interrupt of this CPU, or op_count. */
static uint32_t next_interrupt(struct schedule *schedule, uint32_t cpu)
{
    uint32_t at = schedule->cpus[cpu].irq_at;
    while (at < schedule->op_count &&
           (!schedule->irq[at] || schedule->ops[at].cpu % schedule->cpu_count != cpu))
        at++;
    schedule->cpus[cpu].irq_at = at;
    return at;
}

static void handle(struct pl_cpu *cpu, void *argument)
{
    struct schedule *schedule = argument;
    struct schedule_cpu *self = &schedule->cpus[cpu->id];
    uint32_t index = next_interrupt(schedule, cpu->id);
    if (self->depth == SCHEDULE_DEPTH)
        return;
    bool nested = schedule->runner.admission.nested;
    if (schedule->cpu_count == 1) /* of several, admission's gate knows who is inside */
        schedule->runner.admission.nested = self->depth > 0;
    if (index == schedule->op_count) {
        schedule_idle_interrupt(schedule, cpu);
    } else {
        self->irq_at++;
        schedule_operation(schedule, cpu, index);
    }
    schedule->runner.admission.nested = nested;
}

static void cpu_main(struct pl_cpu *cpu, void *argument)
{
    struct schedule *schedule = argument;
    struct schedule_cpu *self = &schedule->cpus[cpu->id];
    for (uint32_t at; (at = next_task(schedule, cpu->id)) < schedule->op_count;) {
        schedule_operation(schedule, cpu, at);
        schedule->done[at] = 1;
        self->finished = at;
        sim_boundary(cpu);
    }
    while (next_interrupt(schedule, cpu->id) < schedule->op_count) { /* which nobody has raised */
        sim_raise(cpu);
        self->finished = SCHEDULE_NO_OP;
        sim_boundary(cpu);
    }
}

static void end_main(struct pl_cpu *cpu, void *argument)
{
    schedule_give_back(argument, cpu);
}

/* --- the end --- */

static void end_finding(const struct sim_report *report, struct schedule *schedule)
{
    static const struct {
        const char *id;
        const char *expected;
    } ends[SIM_ENDS] = {
        [SIM_DEADLOCK] = {"deadlock", "some operation finishes while every CPU is scheduled"},
        [SIM_LIVELOCK] = {"livelock", "some operation finishes while every CPU is scheduled"},
        [SIM_LOST_WAKE] = {"lost-wakeup", "who waits is woken"},
        [SIM_SLEPT] = {"sleep X-5", "nobody sleeps where nobody may"},
        [SIM_LOCK_RULE] = {"lock-rule", "a lock that interrupts take is held with interrupts masked only"},
        [SIM_PANIC] = {"panic", "no assertion fails, and the platform has nothing to object to"},
        [SIM_STOPPED] = {"race", "accesses of one place are ordered, or all are atomic, or none writes"},
    };
    struct finding *finding = schedule->finding;
    const struct schedule_cpu *self = &schedule->cpus[report->cpu];
    uint32_t step = self->depth > 0 ? self->calls[self->depth - 1].op : SCHEDULE_NO_OP;
    finding_set(finding, ends[report->end].id, ends[report->end].expected);
    finding_actual(finding, "%s", report->words);
    finding->step = step < schedule->op_count ? step : schedule->op_count;
    if (step < schedule->op_count)
        finding->op = schedule->ops[step];
}

/* Everything is freed; what caches hold is free, too. */
static void check_counts(struct schedule *schedule, bool drained)
{
    const struct runner *runner = &schedule->runner;
    const struct pl_page_counts *fresh = &runner->fresh_counts;
    struct pl_page_counts counts = {0};
    struct finding *finding = schedule->finding;
    if (!instance_has_count(&runner->instance) || (runner->instance.caps & PL_CAP_ALL_FRAMES) == 0)
        return;
    runner->instance.page.ops->count(runner->instance.page.self, &counts);
    uint64_t cached = drained ? 0 : counts.cached;
    if (counts.free + cached == fresh->free && counts.cached == cached &&
        counts.metadata == fresh->metadata && counts.lost == fresh->lost)
        return;
    finding_set(finding, "X-4", "");
    finding_expected(finding, "all is freed%s: %" PRIu64 " free%s, %" PRIu64 " lost",
                     drained ? " and drained" : "", fresh->free, drained ? ", 0 cached" : " or cached",
                     fresh->lost);
    finding_actual(finding, "count says %" PRIu64 " free, %" PRIu64 " cached, %" PRIu64 " lost", counts.free,
                   counts.cached, counts.lost);
}

/* No call is unfinished. */
static void check_quiet(struct schedule *schedule)
{
    struct runner *runner = &schedule->runner;
    int64_t budget = admission_free_frames(&runner->admission);
    if (schedule->scope == SCHEDULE_ALL && budget != (int64_t)shadow_free_frames(&runner->shadow)) {
        finding_set(schedule->finding, "F-6 X-11", "");
        finding_expected(schedule->finding, "%" PRIu64 " frames are not granted",
                         shadow_free_frames(&runner->shadow));
        finding_actual(schedule->finding, "admission's budget is %" PRId64, budget);
        return;
    }
    shadow_check_counts(&runner->shadow, &runner->instance, schedule->finding);
    if (schedule->report.digest / DRAIN_ONE_IN % AUDIT_ONE_IN == 0)
        shadow_audit(&runner->shadow, &runner->instance, schedule->finding);
}

static uint64_t never(struct sim_chooser *chooser, uint32_t cpu, uint64_t own)
{
    (void)chooser;
    (void)cpu;
    (void)own;
    return SIM_NO_EVENT;
}

static struct sim_choice round_off(struct sim_chooser *chooser, const struct sim_moment *moment)
{
    (void)chooser;
    return sim_choose_round(moment);
}

static void run_end(struct schedule *schedule, const struct sim_setup *run)
{
    struct sim_chooser quiet = {never, round_off};
    struct sim_setup setup = *run;
    schedule->finding->step = schedule->op_count;
    schedule->drains = schedule->report.digest % DRAIN_ONE_IN == 0;
    check_quiet(schedule);
    if (schedule->finding->found)
        return;
    setup.cpu_count = 1;
    setup.function = end_main;
    setup.chooser = &quiet;
    setup.handler = NULL;
    setup.watch = NULL;
    setup.memory = NULL;
    setup.coverage = NULL;
    enum sim_end end = sim_go(schedule->sim, &setup, &schedule->ending);
    schedule->finding->step = schedule->op_count;
    if (end != SIM_DONE && !schedule->finding->found)
        end_finding(&schedule->ending, schedule);
    if (!schedule->finding->found)
        check_counts(schedule, schedule->drains);
    if (!schedule->finding->found && schedule->drains)
        shadow_audit(&schedule->runner.shadow, &schedule->runner.instance, schedule->finding);
}

/* --- a run --- */

static enum pl_status reset(struct schedule *schedule)
{
    struct runner *runner = &schedule->runner;
    enum pl_status status = instance_reset(&runner->instance);
    if (status != PL_OK)
        return status;
    native_machine_reset(runner->native);
    if (instance_has_count(&runner->instance))
        runner->instance.page.ops->count(runner->instance.page.self, &runner->fresh_counts);
    shadow_reset(&runner->shadow);
    memset(runner->slots, 0, runner->slot_top * sizeof(*runner->slots));
    runner->slot_top = 0;
    runner->starved_count = 0;
    memset(schedule->table, 0, sizeof(schedule->table));
    return schedule->scope == SCHEDULE_ALL ? schedule_lend_again(schedule) : PL_OK;
}

static void plan(struct schedule *schedule)
{
    struct runner *runner = &schedule->runner;
    memset(schedule->busy, 0, sizeof(schedule->busy));
    schedule->first_open = 0;
    for (uint32_t i = 0; i < schedule->cpu_count; i++)
        schedule->cpus[i].finished = SCHEDULE_NO_OP;
    for (uint32_t i = 0; i < schedule->op_count; i++) {
        const struct op *op = &schedule->ops[i];
        bool skipped = runner_skips(runner, op) || op->kind >= OP_COMMON;
        schedule->irq[i] = !skipped && schedule_is_interrupt(schedule, op);
        schedule->done[i] = skipped || schedule->irq[i];
        if (op->kind < OP_COMMON && op->slot < runner->slot_count && op->slot >= runner->slot_top)
            runner->slot_top = op->slot + 1;
    }
}

enum pl_status schedule_run(struct schedule *schedule, const struct op *ops, uint32_t op_count,
                            struct sim_chooser *chooser, struct finding *finding)
{
    memset(finding, 0, sizeof(*finding));
    memset(schedule->cpus, 0, schedule->cpu_count * sizeof(schedule->cpus[0]));
    schedule->draining = 0;
    schedule->finding = finding;
    enum pl_status status = reset(schedule);
    if (status != PL_OK)
        return status;
    schedule->ops = ops;
    schedule->op_count = op_count < PROGRAM_OP_LIMIT ? op_count : PROGRAM_OP_LIMIT;
    schedule->chooser = chooser == NULL ? &schedule->listed.chooser : chooser;
    plan(schedule);
    const struct sim_setup setup = {
        .native = schedule->runner.native,
        .cpu_count = schedule->cpu_count,
        .function = cpu_main,
        .argument = schedule,
        .chooser = schedule->chooser,
        .handler = schedule->interrupts ? handle : NULL,
        .watch = schedule->watch,
        .memory = schedule->memory,
        .depth_limit = SCHEDULE_DEPTH - 1,
        .coverage = schedule->coverage,
        .coverage_bits = schedule->coverage_bits,
    };
    enum sim_end end = sim_go(schedule->sim, &setup, &schedule->report);
    schedule->points += schedule->report.points;
    schedule->switches += schedule->report.switches;
    if (end == SIM_DONE)
        run_end(schedule, &setup);
    else if (!finding->found)
        end_finding(&schedule->report, schedule);
    return PL_OK;
}

uint32_t schedule_where(const struct schedule *schedule, uint32_t cpu, uint64_t own, uint64_t *points)
{
    const struct schedule_cpu *self = &schedule->cpus[cpu];
    *points = 0;
    if (self->depth == 0)
        return SCHEDULE_NO_OP;
    *points = own - self->calls[self->depth - 1].begin;
    return self->calls[self->depth - 1].op;
}
