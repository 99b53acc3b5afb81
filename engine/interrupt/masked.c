/* See masked.h. */
#define _POSIX_C_SOURCE 200809L
#include "engine/interrupt/masked.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/runner_bare.h"
#include "platform/native/step.h"

#define PENDING    1u /* any bit of cpu->pending */
#define TIMES      7u
#define CALL_LIMIT UINT64_C(400000) /* instructions: six seconds */
#define RUNS       1000u
#define SHARE      8u /* of the longest section by the clock: the rest is not stepped */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t masked_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t masked_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* --- what a call tells --- */

static void on_deliver(struct pl_cpu *cpu)
{
    struct masked_rig *rig = (struct masked_rig *)(uintptr_t)cpu->platform;
    if (!rig->inside || !rig->by_clock || rig->whole) {
        rig->before->deliver(cpu);
        return;
    }
    uint64_t length = masked_now_ns() - rig->opened_ns;
    if (length > rig->longest_ns)
        rig->longest_ns = length;
    rig->opened_ns = masked_now_ns();
}

static void on_enter(void *argument, struct pl_cpu *cpu, enum tap_hook hook)
{
    struct masked_rig *rig = argument;
    rig->inside = false;
    if (rig->at >= MASKED_CALLS)
        return;
    struct masked_call *call = &rig->calls[rig->at];
    if (rig->by_clock && rig->first)
        *call = (struct masked_call){.op = rig->runner.at, .hook = hook, .ns = UINT64_MAX};
    rig->longest_ns = 0;
    if (!rig->whole && atomic_load_explicit(&cpu->masked, memory_order_relaxed) != 0)
        return;
    if (rig->by_clock) {
        rig->inside = true;
        if (!rig->whole)
            atomic_store_explicit(&cpu->pending, PENDING, memory_order_relaxed);
        rig->opened_ns = masked_now_ns();
    } else if (rig->at == rig->step_at) {
        rig->cpu = cpu;
        rig->inside = true;
        rig->count = (struct masked_count){0};
        step_arm(tap_entry(&rig->tap, hook));
    }
}

static void on_leave(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    struct masked_rig *rig = argument;
    (void)hook;
    if (rig->inside && rig->by_clock && rig->whole)
        rig->longest_ns = masked_now_ns() - rig->opened_ns;
    else if (rig->inside && rig->by_clock)
        atomic_store_explicit(&cpu->pending, 0, memory_order_relaxed);
    rig->inside = false;
    if (rig->at >= MASKED_CALLS)
        return;
    if (rig->by_clock) {
        struct masked_call *call = &rig->calls[rig->at];
        call->granted = status == PL_OK;
        call->ns = rig->longest_ns < call->ns ? rig->longest_ns : call->ns;
    }
    rig->at++;
}

static void on_instruction(void *argument, uintptr_t pc)
{
    struct masked_rig *rig = argument;
    if (!rig->whole)
        (void)masked_count(&rig->count, rig->cpu, pc);
    else if (rig->count.longest++ == 0)
        rig->count.longest_pc = pc;
    if (++rig->steps >= rig->limit)
        step_disarm();
}

/* --- the rig --- */

bool masked_supported(char *why, size_t why_bytes)
{
#ifdef PL_SANITIZED
    snprintf(why, why_bytes, "not under a sanitizer, whose instructions are none of the candidate's");
    return false;
#else
    return step_supported(why, why_bytes);
#endif
}

enum pl_status masked_init(struct masked_rig *rig, const struct spec *spec, const struct native_shape *shape,
                           struct spec_error *error)
{
    struct native_shape own = *shape;
    memset(rig, 0, sizeof(*rig));
    runner_fit_shape(spec, &own);
    enum pl_status status = runner_init(&rig->runner, spec, &own, error);
    if (status != PL_OK)
        return status;
    struct tap_listener listener = {on_enter, on_leave, rig};
    instance_set_tap(&rig->runner.instance, &rig->tap, &listener);
    rig->before = native_cpu(rig->runner.native, 0)->platform;
    rig->platform = *rig->before;
    rig->platform.deliver = on_deliver;
    for (uint32_t i = 0; i < rig->runner.machine->cpu_count; i++)
        native_cpu(rig->runner.native, i)->platform = &rig->platform;
    return PL_OK;
}

void masked_fini(struct masked_rig *rig)
{
    runner_fini(&rig->runner);
}

static enum pl_status run(struct masked_rig *rig, const struct program *program)
{
    rig->at = 0;
    rig->inside = false;
    return runner_bare_run(&rig->runner, program->ops, program->op_count);
}

enum pl_status masked_time(struct masked_rig *rig, const struct program *program, unsigned times, bool again)
{
    enum pl_status status = PL_OK;
    rig->by_clock = true;
    rig->first = !again;
    for (unsigned i = 0; i < times && status == PL_OK; i++) {
        status = run(rig, program);
        rig->first = false;
        rig->call_count = rig->at;
    }
    return status;
}

bool masked_step(struct masked_rig *rig, const struct program *program, uint32_t call, uint64_t limit,
                 struct masked_section *section)
{
    if (call >= rig->call_count || step_begin(on_instruction, rig) != 0)
        return false;
    rig->by_clock = false;
    rig->step_at = call;
    rig->count = (struct masked_count){0};
    rig->limit = rig->steps + limit;
    enum pl_status status = run(rig, program);
    step_end();
    *section = (struct masked_section){.instructions = rig->count.longest,
                                       .op = rig->calls[call].op,
                                       .call = call,
                                       .hook = rig->calls[call].hook,
                                       .pc = rig->count.longest_pc};
    return status == PL_OK;
}

uint32_t masked_next(const struct masked_rig *rig)
{
    uint32_t best = MASKED_NONE;
    for (uint32_t i = 0; i < rig->call_count; i++) {
        if (rig->calls[i].stepped || rig->calls[i].ns == 0)
            continue;
        if (best == MASKED_NONE || rig->calls[i].ns > rig->calls[best].ns)
            best = i;
    }
    return best;
}

bool masked_longest(struct masked_rig *rig, const struct program *program, uint64_t step_limit,
                    struct masked_section *section)
{
    char why[100];
    memset(section, 0, sizeof(*section));
    if (!masked_supported(why, sizeof(why)) || masked_time(rig, program, TIMES, false) != PL_OK)
        return false;
    uint64_t end = rig->steps + step_limit;
    uint64_t least = UINT64_MAX;
    for (;;) {
        struct masked_section one;
        uint32_t call = masked_next(rig);
        if (call == MASKED_NONE || rig->steps >= end)
            return true;
        if (least == UINT64_MAX)
            least = rig->calls[call].ns / SHARE;
        if (rig->calls[call].ns < least)
            return true;
        rig->calls[call].stepped = true;
        if (!masked_step(rig, program, call, CALL_LIMIT, &one))
            return false;
        if (one.instructions > section->instructions)
            *section = one;
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

void masked_clock(struct masked_rig *rig, const struct program *program, uint32_t call, uint64_t limit_ns,
                  struct masked_ns *ns)
{
    uint64_t seen[RUNS];
    uint64_t end = masked_cpu_ns() + limit_ns;
    memset(ns, 0, sizeof(*ns));
    while (ns->runs < RUNS && masked_cpu_ns() < end && masked_time(rig, program, 1, false) == PL_OK) {
        if (call >= rig->call_count)
            return;
        seen[ns->runs++] = rig->calls[call].ns;
    }
    if (ns->runs == 0)
        return;
    qsort(seen, ns->runs, sizeof(seen[0]), by_value);
    ns->least = seen[0];
    ns->median = seen[ns->runs / 2];
    ns->longest = seen[ns->runs - 1];
}
