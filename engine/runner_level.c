/* Where a checked operation runs, and what it must leave behind there: masks, locks, and nobody asleep. */
#include "engine/runner_internal.h"

#include <inttypes.h>
#include <stdio.h>

void runner_level_enter(struct pl_cpu *cpu, const struct op *op)
{
    cpu->context = op->context;
    if (op->kind < OP_COMMON && op->context != PL_CONTEXT_TASK)
        (void)pl_mask(cpu);
}

void runner_level_leave(struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    uint32_t context = cpu->context;
    cpu->context = PL_CONTEXT_TASK;
    if (op->kind >= OP_COMMON || context == PL_CONTEXT_TASK)
        return;
    if (!finding->found && atomic_load_explicit(&cpu->masked, memory_order_relaxed) == 0) {
        finding_set(finding, "X-4", "interrupts that were masked before a call are masked behind it");
        finding_actual(finding, "they are not");
    }
    pl_unmask(cpu, 0);
}

/* Who claims that calls may sleep has promised nothing. */
static bool may_sleep(const struct runner *runner)
{
    return (runner->instance.caps & PL_CAP_MAY_SLEEP) != 0;
}

static void on_sleep(struct pl_cpu *cpu, const char *where, void *argument)
{
    struct runner *runner = argument;
    (void)cpu;
    if (runner->slept_at[0] == '\0' && !may_sleep(runner))
        snprintf(runner->slept_at, sizeof(runner->slept_at), "%s", where);
}

void runner_hear_sleep(struct runner *runner)
{
    native_watch_sleep(runner->native, on_sleep, runner);
}

void runner_check_cpu(const struct runner *runner, const struct pl_cpu *cpu, struct finding *finding)
{
    uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
    if (cpu->lock_depth != 0 || masked != 0) {
        finding_set(finding, "X-4", "no lock is held and nothing is masked when a call returns");
        finding_actual(finding, "%" PRIu32 " locks held, masked %" PRIu32, cpu->lock_depth, masked);
    } else if (runner->slept_at[0] != '\0') {
        finding_set(finding, "X-5 F-18",
                    "a call without a wait flag does not sleep, nor come to where it could");
        finding_actual(finding, "it could have slept: %s", runner->slept_at);
    } else if (cpu->sleeps != 0 && !may_sleep(runner)) {
        finding_set(finding, "X-5 F-18", "a call without a wait flag does not sleep");
        finding_actual(finding, "it slept %" PRIu64 " times", cpu->sleeps);
    }
}
