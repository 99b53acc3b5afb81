/* The simulated platform's table of services, and what instrumented headers tell of locks and masks. */
#include "platform/sim/sim_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define CALLER() ((uintptr_t)__builtin_return_address(0))

static PL_NORETURN void sim_panic(struct pl_cpu *cpu, const char *words)
{
    struct sim *sim = sim_running;
    if (sim != NULL) {
        sim_self(sim)->pc = CALLER();
        sim_finish(sim, SIM_PANIC, words);
    }
    fprintf(stderr, "pagelab: panic on CPU %u: %s\n", cpu->id, words);
    abort();
}

/* See PL_SIMULATED in pagelab/check.h. */
PL_NORETURN void pl_simulated_assert(const char *words, const char *file, int line);
PL_NORETURN void pl_simulated_assert(const char *words, const char *file, int line)
{
    char text[160];
    snprintf(text, sizeof(text), "%s:%d: assertion failed: %s", file, line, words);
    if (sim_running != NULL) {
        sim_self(sim_running)->pc = CALLER();
        sim_finish(sim_running, SIM_PANIC, text);
    }
    fprintf(stderr, "pagelab: %s\n", text);
    abort();
}

static void sim_relax(struct pl_cpu *cpu)
{
    struct sim *sim = sim_running;
    (void)cpu;
    sim_now.relaxes++;
    if (sim == NULL)
        return;
    sim_close(sim, SIM_AT_RELAX, CALLER());
    if (sim_hot.memory != NULL)
        sim_drain(sim->current);
    if (++sim->stale_relaxes >= sim->setup.relax_limit && (sim->seen & sim->runnable) == sim->runnable)
        sim_finish(sim, SIM_DEADLOCK, "every CPU that can run retries, and no operation finishes");
    sim_yield(sim, SIM_AT_RELAX, CALLER());
    sim_open(sim);
}

static void sim_deliver(struct pl_cpu *cpu)
{
    struct sim *sim = sim_running;
    if (sim == NULL) {
        atomic_store_explicit(&cpu->pending, 0, memory_order_relaxed);
        return;
    }
    sim_close(sim, SIM_AT_POINT, CALLER());
    sim_deliver_pending(sim, CALLER());
    sim_open(sim);
}

/* Whether or not it sleeps this time. */
static void check_sleep(struct pl_cpu *cpu, const char *where, uintptr_t pc)
{
    const char *why = NULL;
    if (cpu->lock_depth != 0)
        why = "holds a spin lock";
    else if (cpu->context != PL_CONTEXT_TASK)
        why = "is at interrupt level";
    else if (atomic_load_explicit(&cpu->masked, memory_order_relaxed) != 0)
        why = "has interrupts masked";
    else if (cpu->no_sleep_depth != 0)
        why = "is in a call that was promised not to sleep (X-5)";
    if (why == NULL)
        return;
    char words[120];
    snprintf(words, sizeof(words), "CPU %u could sleep in '%s' and %s", cpu->id, where, why);
    if (sim_running == NULL)
        sim_panic(cpu, words);
    sim_self(sim_running)->pc = pc;
    sim_finish(sim_running, SIM_SLEPT, words);
}

static void sim_might_sleep(struct pl_cpu *cpu, const char *where)
{
    check_sleep(cpu, where, CALLER());
}

static void sim_wait(struct pl_cpu *cpu, const atomic_uint *word, uint32_t expected)
{
    struct sim *sim = sim_running;
    check_sleep(cpu, "wait", CALLER());
    cpu->sleeps++;
    if (sim == NULL)
        return;
    struct sim_cpu *self = sim_self(sim);
    sim_close(sim, SIM_AT_WAIT, CALLER());
    if (sim_hot.memory != NULL)
        sim_drain(sim->current);
    if (atomic_load_explicit(word, memory_order_relaxed) == expected) {
        self->waits = true;
        self->word = (const void *)word;
        sim->runnable &= ~(UINT64_C(1) << sim->current);
        if (sim->runnable == 0)
            sim_finish(sim, SIM_LOST_WAKE,
                       "every CPU that has not returned waits, and nobody is left to wake it");
        sim_yield(sim, SIM_AT_WAIT, CALLER());
        self->word = NULL;
    }
    sim_open(sim);
}

static void sim_wake(struct pl_cpu *cpu, const atomic_uint *word, uint32_t count)
{
    struct sim *sim = sim_running;
    if (sim == NULL)
        return;
    if (sim_hot.memory != NULL)
        sim_drain(cpu->id);
    for (uint32_t i = 0; i < sim->setup.cpu_count && count > 0; i++) {
        struct sim_cpu *other = &sim->cpus[i];
        if (!other->waits || other->word != (const void *)word)
            continue;
        other->waits = false;
        sim->runnable |= UINT64_C(1) << i;
        count--;
        if (sim->setup.watch != NULL && sim->setup.watch->wake != NULL)
            sim->setup.watch->wake(sim->setup.watch, cpu->id, i);
    }
}

/* See PL_SIMULATED in pagelab/cpu.h, which declares it where it is defined. */
void pl_simulated_point(struct pl_cpu *cpu, uint32_t kind, const void *object);
void pl_simulated_point(struct pl_cpu *cpu, uint32_t kind, const void *object)
{
    struct sim *sim = sim_running;
    if (sim == NULL)
        return;
    struct sim_watch *watch = sim->setup.watch;
    if (kind == PL_POINT_MASK || kind == PL_POINT_UNMASK) {
        if (watch != NULL && watch->mask != NULL)
            watch->mask(watch, cpu, kind == PL_POINT_MASK, CALLER());
        return;
    }
    if (kind == PL_POINT_WANT)
        sim_lock_wanted(sim, object, CALLER());
    else if (kind == PL_POINT_LOCK)
        sim_lock_taken(sim, object, CALLER());
    else if (kind == PL_POINT_UNLOCK)
        sim_lock_dropped(sim, object);
    if (watch != NULL && watch->lock != NULL && kind != PL_POINT_WANT)
        watch->lock(watch, cpu, (enum pl_point)kind, object, CALLER());
}

const struct pl_platform sim_platform = {
    .bytes = sizeof(struct pl_platform),
    .abi = PL_ABI,
    .name = "sim",
    .relax = sim_relax,
    .deliver = sim_deliver,
    .wait = sim_wait,
    .wake = sim_wake,
    .might_sleep = sim_might_sleep,
    .panic = sim_panic,
};
