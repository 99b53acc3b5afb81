/* See sim.h: virtual CPUs as stacks that take turns, and the events at which they do. */
#define _GNU_SOURCE /* MAP_STACK */
#include <pagelab/cpu.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "platform/sim/sim_internal.h"

#define STACK_BYTES ((size_t)256 << 10)
#define GUARD_BYTES ((size_t)4096)

/* Points that somebody may run while nothing is finished until the others are looked after. */
#define SLICE_POINTS 4096

struct sim_counts sim_now;
struct sim_hot sim_hot = {.left = INT64_MAX};
struct sim *sim_running;

static uint64_t last_points; /* of the run that ended */

const char *const sim_end_names[SIM_ENDS] = {
    "done", "deadlock", "livelock", "lost wake-up", "sleep", "lock rule", "panic", "stopped",
};

/* --- points --- */

static void settle(struct sim *sim)
{
    uint64_t passed = sim_passed(sim);
    sim->points += passed;
    sim_self(sim)->own += passed;
    sim->armed -= (int64_t)passed;
}

void sim_close(struct sim *sim, enum sim_place place, uintptr_t pc)
{
    struct sim_cpu *self = sim_self(sim);
    settle(sim);
    self->place = place;
    self->pc = pc;
}

void sim_open(struct sim *sim)
{
    struct sim_chooser *chooser = sim->setup.chooser;
    uint64_t wanted = chooser->arm(chooser, sim->current, sim_self(sim)->own);
    sim->sliced = wanted > SLICE_POINTS;
    sim->armed = sim->sliced ? SLICE_POINTS : wanted == 0 ? 1 : (int64_t)wanted;
    sim_hot.rest = sim_hot.attended ? sim->armed : 0;
    sim_hot.origin = (int64_t)sim->points + sim->armed;
    sim_hot.left = sim_hot.attended ? UINT64_MAX : (uint64_t)sim->armed - 1;
}

static void digest(struct sim *sim, uint64_t word)
{
    uint64_t mixed = (sim->report->digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    sim->report->digest = mixed ^ mixed >> 29;
}

static void digest_event(struct sim *sim, enum sim_place place, enum sim_deed deed, uint32_t cpu)
{
    sim->report->events++;
    digest(sim, sim->points);
    digest(sim, (uint64_t)place << 40 | (uint64_t)deed << 32 | (uint64_t)sim->current << 8 | cpu);
}

/* --- who goes on --- */

uint32_t sim_next_cpu(uint64_t runnable, uint32_t cpu)
{
    uint64_t above = cpu + 1 >= 64 ? 0 : runnable >> (cpu + 1) << (cpu + 1);
    return above != 0 ? PL_CTZ64(above) : PL_CTZ64(runnable);
}

struct sim_choice sim_choose_round(const struct sim_moment *moment)
{
    if (moment->place == SIM_AT_POINT || moment->place == SIM_AT_BOUNDARY)
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    return (struct sim_choice){SIM_SWITCH, sim_next_cpu(moment->runnable, moment->cpu)};
}

static struct sim_choice ask(struct sim *sim, enum sim_place place, uintptr_t pc)
{
    const struct sim_cpu *self = sim_self(sim);
    struct sim_moment moment = {
        .place = place,
        .cpu = sim->current,
        .open = atomic_load_explicit(&self->cpu->masked, memory_order_relaxed) == 0 &&
                self->depth < sim->setup.depth_limit && sim->setup.handler != NULL,
        .depth = self->depth,
        .runnable = sim->runnable,
        .point = sim->points,
        .own = self->own,
        .pc = pc,
    };
    struct sim_chooser *chooser = sim->setup.chooser;
    struct sim_choice choice = chooser->choose(chooser, &moment);
    bool able = choice.deed != SIM_SWITCH || (choice.cpu < 64 && (sim->runnable >> choice.cpu & 1) != 0);
    if (able && (choice.deed == SIM_SWITCH || place == SIM_AT_POINT))
        return choice;
    bool may_stay = place != SIM_AT_START && (sim->runnable >> sim->current & 1) != 0;
    return (struct sim_choice){may_stay ? SIM_GO_ON : SIM_SWITCH, sim_next_cpu(sim->runnable, sim->current)};
}

static void cover(const struct sim *sim, uintptr_t left_pc, uintptr_t next_pc)
{
    /* Both relative to this program, wherever it was loaded. */
    uint64_t base = (uintptr_t)&sim_platform;
    uint64_t pair = (left_pc - base) * UINT64_C(0x9e3779b97f4a7c15) ^ (next_pc - base);
    uint64_t at = pair * UINT64_C(0xd6e8feb86659fd93) >> (64 - sim->setup.coverage_bits);
    volatile uint8_t *counter = &sim->setup.coverage[at];
    *counter = (uint8_t)(*counter + (*counter != UINT8_MAX));
}

static void run_as(struct sim *sim, uint32_t cpu)
{
    sim->current = cpu;
    sim_hot.cpu = sim->cpus[cpu].cpu;
}

static void turn_to(struct sim *sim, enum sim_place place, uint32_t to, uintptr_t pc)
{
    uint32_t from = sim->current;
    if (to == from)
        return;
    struct sim_cpu *next = &sim->cpus[to];
    digest_event(sim, place, SIM_SWITCH, to);
    sim_now.switches++;
    sim->report->switches++;
    sim->seen |= UINT64_C(1) << to;
    if (sim->setup.coverage != NULL)
        cover(sim, pc, next->pc);
    if (sim->setup.watch != NULL && sim->setup.watch->turn != NULL)
        sim->setup.watch->turn(sim->setup.watch, place, from, pc, to, next->pc);
    sim_own_settle(sim);
    run_as(sim, to);
    fiber_switch(&sim->cpus[from].fiber, &next->fiber);
}

void sim_yield(struct sim *sim, enum sim_place place, uintptr_t pc)
{
    struct sim_choice choice = ask(sim, place, pc);
    if (choice.deed == SIM_SWITCH)
        turn_to(sim, place, choice.cpu, pc);
}

/* --- events --- */

void sim_run_handler(struct sim *sim, bool nmi, uintptr_t pc)
{
    struct sim_cpu *self = sim_self(sim);
    struct pl_cpu *cpu = self->cpu;
    struct sim_watch *watch = sim->setup.watch;
    uint32_t context = cpu->context;
    const void *word = self->word;
    uint32_t masked = atomic_exchange_explicit(&cpu->masked, 1, memory_order_relaxed);
    cpu->context = nmi ? PL_CONTEXT_NMI : PL_CONTEXT_HARDIRQ;
    self->depth++;
    sim->report->interrupts++;
    if (watch != NULL && watch->interrupt != NULL)
        watch->interrupt(watch, cpu, true, pc);
    sim_open(sim);
    sim->setup.handler(cpu, sim->setup.argument);
    sim_close(sim, self->place, pc);
    if (watch != NULL && watch->interrupt != NULL)
        watch->interrupt(watch, cpu, false, pc);
    self->depth--;
    self->word = word;
    cpu->context = context;
    atomic_store_explicit(&cpu->masked, masked, memory_order_relaxed);
}

void sim_deliver_pending(struct sim *sim, uintptr_t pc)
{
    struct sim_cpu *self = sim_self(sim);
    while (atomic_load_explicit(&self->cpu->masked, memory_order_relaxed) == 0 &&
           atomic_exchange_explicit(&self->cpu->pending, 0, memory_order_relaxed) != 0) {
        if (sim->setup.handler != NULL && self->depth < sim->setup.depth_limit)
            sim_run_handler(sim, false, pc);
    }
}

static void raise_interrupt(struct sim *sim, bool nmi, uintptr_t pc)
{
    struct sim_cpu *self = sim_self(sim);
    bool deep = self->depth >= sim->setup.depth_limit;
    if (sim->setup.handler == NULL || (nmi && deep))
        return;
    digest_event(sim, SIM_AT_POINT, nmi ? SIM_NMI : SIM_INTERRUPT, sim->current);
    if (!nmi && (deep || atomic_load_explicit(&self->cpu->masked, memory_order_relaxed) != 0)) {
        atomic_fetch_or_explicit(&self->cpu->pending, 1, memory_order_relaxed);
        return;
    }
    sim_run_handler(sim, nmi, pc);
    sim_deliver_pending(sim, pc); /* what was raised while the handler held interrupts off */
}

void sim_raise(struct pl_cpu *cpu)
{
    struct sim *sim = sim_running;
    (void)cpu;
    sim_close(sim, sim_self(sim)->place, 0);
    raise_interrupt(sim, false, 0);
    sim_open(sim);
}

static void flush_one(struct sim *sim, uint32_t cpu)
{
    if (sim_hot.memory != NULL && cpu < sim->setup.cpu_count && sim_hot.memory->flush(sim_hot.memory, cpu))
        digest_event(sim, SIM_AT_POINT, SIM_FLUSH, cpu);
}

void sim_drain(uint32_t cpu)
{
    while (sim_hot.memory->flush(sim_hot.memory, cpu))
        ;
}

/* Nothing was finished for a while: the others go on, and if that went on for too long, it is a livelock. */
static void look_after(struct sim *sim, uintptr_t pc)
{
    uint64_t stale = sim->points - sim->progress_points;
    if (stale < 2 * (uint64_t)SLICE_POINTS)
        return;
    if (stale >= sim->setup.patience && (sim->seen & sim->runnable) == sim->runnable)
        sim_finish(sim, SIM_LIVELOCK, "many accesses were made and no operation finished");
    turn_to(sim, SIM_AT_PATIENCE, sim_next_cpu(sim->runnable, sim->current), pc);
}

static void event(struct sim *sim, uintptr_t pc)
{
    bool sliced = sim->sliced;
    sim_close(sim, SIM_AT_POINT, pc);
    if (sliced) {
        look_after(sim, pc);
    } else {
        struct sim_choice choice = ask(sim, SIM_AT_POINT, pc);
        if (choice.deed == SIM_SWITCH)
            turn_to(sim, SIM_AT_POINT, choice.cpu, pc);
        else if (choice.deed == SIM_FLUSH)
            flush_one(sim, choice.cpu);
        else if (choice.deed != SIM_GO_ON)
            raise_interrupt(sim, choice.deed == SIM_NMI, pc);
    }
    sim_open(sim);
}

void sim_due(uintptr_t pc)
{
    struct sim *sim = sim_running;
    if (sim == NULL)
        sim_hot.left = INT64_MAX;
    else
        event(sim, pc);
}

void sim_tell_fence(enum sim_order order, uintptr_t pc)
{
    struct sim_watch *watch = sim_running->setup.watch;
    if (watch->fence != NULL)
        watch->fence(watch, sim_self(sim_running)->cpu, order, pc);
}

void sim_progress(struct pl_cpu *cpu)
{
    struct sim *sim = sim_running;
    settle(sim);
    sim->cpus[cpu->id].progress++;
    sim->stale_relaxes = 0;
    sim->progress_points = sim->points;
    sim->seen = UINT64_C(1) << sim->current;
}

void sim_boundary(struct pl_cpu *cpu)
{
    struct sim *sim = sim_running;
    struct sim_watch *watch = sim->setup.watch;
    sim_progress(cpu);
    sim_close(sim, SIM_AT_BOUNDARY, 0);
    if (watch != NULL && watch->boundary != NULL)
        watch->boundary(watch, cpu);
    sim_yield(sim, SIM_AT_BOUNDARY, 0);
    sim_open(sim);
}

void sim_give(struct pl_cpu *cpu, uint32_t key)
{
    struct sim_watch *watch = sim_running == NULL ? NULL : sim_running->setup.watch;
    if (watch != NULL && watch->give != NULL)
        watch->give(watch, cpu, key);
}

void sim_take(struct pl_cpu *cpu, uint32_t key)
{
    struct sim_watch *watch = sim_running == NULL ? NULL : sim_running->setup.watch;
    if (watch != NULL && watch->take != NULL)
        watch->take(watch, cpu, key);
}

bool sim_is_private(const volatile void *address)
{
    return sim_is_of_one_cpu((uintptr_t)address);
}

void sim_rearm(void)
{
    settle(sim_running);
    sim_open(sim_running);
}

uint64_t sim_own_points(void)
{
    settle(sim_running);
    return sim_self(sim_running)->own;
}

uint64_t sim_points(void)
{
    if (sim_running == NULL)
        return last_points;
    settle(sim_running);
    return sim_running->points;
}

const struct sim_counts *sim_counts_now(void)
{
    return &sim_now;
}

/* --- a run --- */

static void stand(const struct sim *sim, uint32_t cpu, struct sim_standing *standing)
{
    const struct sim_cpu *self = &sim->cpus[cpu];
    *standing = (struct sim_standing){
        .returned = self->returned,
        .waits = self->waits,
        .spins = self->place == SIM_AT_RELAX,
        .pc = self->pc,
        .word = self->word,
        .holder = UINT32_MAX,
        .points = self->own,
        .progress = self->progress,
    };
}

static void close_report(struct sim *sim, enum sim_end end, const char *words)
{
    struct sim_report *report = sim->report;
    report->end = end;
    report->cpu = sim->current;
    report->points = sim->points;
    report->cpu_count = sim->setup.cpu_count;
    digest(sim, sim->points);
    digest(sim, (uint64_t)end);
    if (words[0] != '\0')
        snprintf(report->words, sizeof(report->words), "%s", words);
    for (uint32_t i = 0; i < sim->setup.cpu_count; i++)
        stand(sim, i, &report->cpus[i]);
    if (end != SIM_DONE)
        sim_lock_report(sim);
}

void sim_finish(struct sim *sim, enum sim_end end, const char *words)
{
    struct fiber *fiber = &sim_self(sim)->fiber;
    settle(sim);
    close_report(sim, end, words);
    fiber_switch(fiber, &sim->home);
    abort(); /* nobody goes on from here */
}

void sim_stop(const char *words)
{
    sim_finish(sim_running, SIM_STOPPED, words);
}

static void nobody_left(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->setup.cpu_count; i++) {
        if (!sim->cpus[i].returned)
            sim_finish(sim, SIM_LOST_WAKE,
                       "every CPU that has not returned waits, and nobody is left to wake it");
    }
    sim_finish(sim, SIM_DONE, "");
}

/* Runs on the stack of the fiber that was entered. */
static void fiber_main(void)
{
    struct sim *sim = sim_running;
    struct sim_cpu *self = sim_self(sim);
    sim_open(sim);
    sim->setup.function(self->cpu, sim->setup.argument);
    sim_close(sim, SIM_AT_END, 0);
    if (sim_hot.memory != NULL)
        sim_drain(sim->current);
    self->returned = true;
    sim->runnable &= ~(UINT64_C(1) << sim->current);
    if (sim->runnable == 0)
        nobody_left(sim);
    sim_yield(sim, SIM_AT_END, 0);
}

static void prepare(struct sim *sim, const struct sim_setup *setup)
{
    sim->setup = *setup;
    if (setup->depth_limit == 0)
        sim->setup.depth_limit = 1;
    if (setup->relax_limit == 0)
        sim->setup.relax_limit = SIM_RELAX_LIMIT;
    if (setup->patience == 0)
        sim->setup.patience = SIM_PATIENCE;
    sim->runnable = setup->cpu_count == 64 ? UINT64_MAX : (UINT64_C(1) << setup->cpu_count) - 1;
    sim->points = sim->stale_relaxes = sim->progress_points = 0;
    sim->generation++;
    sim->counted = (struct sim_own){0};
    for (uint32_t i = 0; i < setup->cpu_count; i++) {
        unsigned char *stack = sim->stacks + i * sim->stack_bytes + GUARD_BYTES;
        sim->cpus[i] = (struct sim_cpu){.cpu = native_cpu(setup->native, i), .place = SIM_AT_START};
        fiber_prepare(&sim->cpus[i].fiber, stack, sim->stack_bytes - GUARD_BYTES, fiber_main);
    }
}

/* What each access of this run does. */
static void attend(const struct sim *sim)
{
    const struct sim_setup *setup = &sim->setup;
    struct sim_watch *watch = setup->watch != NULL && setup->watch->access != NULL ? setup->watch : NULL;
    const struct pl_cpu *cpus = native_cpu(setup->native, 0); /* an array */
    sim_hot = (struct sim_hot){
        .plain_cost = setup->atomics_only ? 0 : 1,
        .attended = watch != NULL || setup->memory != NULL || setup->atomics_only,
        .watch = watch,
        .memory = setup->memory,
        .stacks = (uintptr_t)sim->stacks,
        .stacks_bytes = sim->cpu_limit * sim->stack_bytes,
        .cpus = (uintptr_t)cpus,
        .cpus_bytes = setup->cpu_count * sizeof(*cpus),
    };
}

enum sim_end sim_go(struct sim *sim, const struct sim_setup *setup, struct sim_report *report)
{
    const struct pl_platform *before = native_cpu(setup->native, 0)->platform;
    prepare(sim, setup);
    memset(report, 0, offsetof(struct sim_report, cpus));
    memset(&sim_now, 0, sizeof(sim_now));
    sim->report = report;
    for (uint32_t i = 0; i < setup->cpu_count; i++)
        sim->cpus[i].cpu->platform = &sim_platform;
    attend(sim);
    if (setup->watch != NULL && setup->watch->begin != NULL)
        setup->watch->begin(setup->watch, setup->cpu_count);
    if (setup->memory != NULL && setup->memory->begin != NULL)
        setup->memory->begin(setup->memory);
    sim->current = 0;
    sim->armed = 0;
    run_as(sim, ask(sim, SIM_AT_START, 0).cpu);
    sim->seen = UINT64_C(1) << sim->current;
    sim_running = sim;
    fiber_switch(&sim->home, &sim_self(sim)->fiber);
    sim_running = NULL;
    last_points = sim->points;
    sim_hot = (struct sim_hot){.left = INT64_MAX};
    for (uint32_t i = 0; i < setup->cpu_count; i++)
        sim->cpus[i].cpu->platform = before;
    return report->end;
}

/* Each stack has a page below it that nobody may touch. */
struct sim *sim_new(uint32_t cpu_count)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    if (sim == NULL || cpu_count > PL_CPU_LIMIT) {
        free(sim);
        return NULL;
    }
    sim->cpu_limit = cpu_count;
    sim->stack_bytes = STACK_BYTES;
    sim->stacks = mmap(NULL, cpu_count * STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    bool good = sim->stacks != MAP_FAILED;
    for (uint32_t i = 0; good && i < cpu_count; i++)
        good = mprotect(sim->stacks + i * STACK_BYTES, GUARD_BYTES, PROT_NONE) == 0;
    if (good)
        return sim;
    sim_delete(sim);
    return NULL;
}

void sim_delete(struct sim *sim)
{
    if (sim == NULL)
        return;
    if (sim->stacks != MAP_FAILED && sim->stacks != NULL)
        munmap(sim->stacks, sim->cpu_limit * sim->stack_bytes);
    free(sim);
}
