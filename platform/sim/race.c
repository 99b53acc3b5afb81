/* See race.h: what passes order from one thread to another. A thread's own entry of its clock grows whenever
 * it publishes, so what it does later is not covered by what others learned before. */
#include "platform/sim/race_internal.h"

#include <pagelab/check.h>
#include <pagelab/cpu.h>

#include <stdlib.h>
#include <string.h>

static struct race *race_of(struct sim_watch *watch)
{
    return (struct race *)watch;
}

static uint32_t thread_of(const struct race *race, const struct pl_cpu *cpu)
{
    return cpu->id * RACE_LEVELS + race->levels[cpu->id];
}

static void join(const struct race *race, struct race_clock *to, const struct race_clock *from)
{
    for (uint32_t i = 0; i < race->threads; i++)
        to->at[i] = to->at[i] > from->at[i] ? to->at[i] : from->at[i];
}

static void publish(struct race *race, uint32_t thread, struct race_clock *to)
{
    join(race, to, &race->clocks[thread]);
    race->clocks[thread].at[thread]++;
}

/* For other CPUs: what this one did comes before, its interrupts and what they interrupted included, for it
 * is one processor. Not for the mask: that is between the levels of one CPU. */
static void publish_all(struct race *race, uint32_t thread, struct race_clock *to)
{
    uint32_t first = thread - thread % RACE_LEVELS;
    for (uint32_t i = first; i < first + RACE_LEVELS; i++)
        publish(race, i, to);
}

/* --- atomics --- */

static bool acquires(enum sim_order order)
{
    return order == SIM_CONSUME || order == SIM_ACQUIRE || order >= SIM_ACQ_REL;
}

static bool releases(enum sim_order order)
{
    return order >= SIM_RELEASE;
}

static void follow_load(struct race *race, uint32_t thread, const struct race_sync *sync,
                        enum sim_order order)
{
    join(race, acquires(order) ? &race->clocks[thread] : &race->acquired[thread], &sync->released);
    if (sync->cpu == thread / RACE_LEVELS)
        join(race, &race->clocks[thread], &sync->stored);
}

/* A plain store ends what others released here; a read-modify-write passes it on. */
static void follow_store(struct race *race, uint32_t thread, struct race_sync *sync, enum sim_order order,
                         bool update)
{
    if (!update)
        memset(&sync->released, 0, sizeof(sync->released));
    sync->stored = race->clocks[thread];
    sync->cpu = thread / RACE_LEVELS;
    if (releases(order)) {
        publish_all(race, thread, &sync->released);
        return;
    }
    join(race, &sync->released, &race->fenced[thread]);
    race->clocks[thread].at[thread]++;
}

static void follow_atomic(struct race *race, uint32_t thread, struct race_granule *granule,
                          const struct sim_access *access)
{
    struct race_sync *sync = race_sync(race, granule);
    if (sync == NULL)
        return;
    if (access->kind != SIM_ATOMIC_WRITE)
        follow_load(race, thread, sync, access->order);
    if (access->kind == SIM_ATOMIC_WRITE || access->kind == SIM_ATOMIC_UPDATE)
        follow_store(race, thread, sync, access->order, access->kind == SIM_ATOMIC_UPDATE);
}

/* --- what is told --- */

static void on_access(struct sim_watch *watch, struct pl_cpu *cpu, const struct sim_access *access)
{
    struct race *race = race_of(watch);
    uintptr_t address = (uintptr_t)access->address;
    if (race->threads == 0 || sim_is_private(access->address))
        return;
    uint32_t thread = thread_of(race, cpu);
    bool write =
        access->kind == SIM_WRITE || access->kind == SIM_ATOMIC_WRITE || access->kind == SIM_ATOMIC_UPDATE;
    struct race_cell cell = {
        .thread = (uint8_t)thread, .write = write, .atomic = access->kind > SIM_WRITE, .pc = access->pc};
    for (uintptr_t end = address + access->bytes; address < end;) {
        uintptr_t stop = (address | 7) + 1 < end ? (address | 7) + 1 : end;
        struct race_granule *granule = race_granule(race, address / 8);
        if (granule == NULL)
            return;
        cell.mask = (uint8_t)(((1u << (stop - address)) - 1) << address % 8);
        cell.clock = race->clocks[thread].at[thread];
        race_check(race, granule, &cell, access);
        if (cell.atomic)
            follow_atomic(race, thread, granule, access);
        address = stop;
    }
}

static void on_fence(struct sim_watch *watch, struct pl_cpu *cpu, enum sim_order order, uintptr_t pc)
{
    struct race *race = race_of(watch);
    (void)pc;
    if (race->threads == 0)
        return;
    uint32_t thread = thread_of(race, cpu);
    if (acquires(order))
        join(race, &race->clocks[thread], &race->acquired[thread]);
    if (releases(order))
        publish_all(race, thread, &race->fenced[thread]);
}

static void on_mask(struct sim_watch *watch, struct pl_cpu *cpu, bool masked, uintptr_t pc)
{
    struct race *race = race_of(watch);
    (void)pc;
    if (race->threads == 0)
        return;
    uint32_t thread = thread_of(race, cpu);
    if (masked)
        join(race, &race->clocks[thread], &race->masks[cpu->id]);
    else
        publish(race, thread, &race->masks[cpu->id]);
}

/* A handler has the mask, an NMI has not. */
static void on_interrupt(struct sim_watch *watch, struct pl_cpu *cpu, bool enter, uintptr_t pc)
{
    struct race *race = race_of(watch);
    bool nmi = cpu->context == PL_CONTEXT_NMI;
    (void)pc;
    if (race->threads == 0)
        return;
    uint32_t *depth = &race->depth[cpu->id];
    if (enter) {
        PL_ASSERT(*depth < RACE_DEPTH);
        race->outer[cpu->id][(*depth)++] = race->levels[cpu->id];
        race->levels[cpu->id] = nmi ? RACE_LEVELS - 1 : 1;
        if (!nmi)
            join(race, &race->clocks[thread_of(race, cpu)], &race->masks[cpu->id]);
        return;
    }
    if (!nmi)
        publish(race, thread_of(race, cpu), &race->masks[cpu->id]);
    race->levels[cpu->id] = race->outer[cpu->id][--*depth];
}

static void on_wake(struct sim_watch *watch, uint32_t waker, uint32_t woken)
{
    struct race *race = race_of(watch);
    if (race->threads == 0)
        return;
    uint32_t from = waker * RACE_LEVELS + race->levels[waker];
    publish_all(race, from, &race->clocks[woken * RACE_LEVELS + race->levels[woken]]);
}

static void on_give(struct sim_watch *watch, struct pl_cpu *cpu, uint32_t key)
{
    struct race *race = race_of(watch);
    if (race->threads == 0)
        return;
    PL_ASSERT(key < RACE_GIFTS);
    if (race->gift_runs[key] != race->run)
        memset(&race->gifts[key], 0, sizeof(race->gifts[key]));
    race->gift_runs[key] = race->run;
    publish_all(race, thread_of(race, cpu), &race->gifts[key]);
}

static void on_take(struct sim_watch *watch, struct pl_cpu *cpu, uint32_t key)
{
    struct race *race = race_of(watch);
    PL_ASSERT(key < RACE_GIFTS);
    if (race->threads != 0 && race->gift_runs[key] == race->run)
        join(race, &race->clocks[thread_of(race, cpu)], &race->gifts[key]);
}

static void on_begin(struct sim_watch *watch, uint32_t cpu_count)
{
    struct race *race = race_of(watch);
    race->threads = cpu_count > RACE_CPU_LIMIT ? 0 : cpu_count * RACE_LEVELS;
    race->run++;
    race->granule_count = 0;
    race->sync_count = 0;
    race->report = (struct race_report){.found = false};
    memset(race->levels, 0, sizeof(race->levels));
    memset(race->depth, 0, sizeof(race->depth));
    memset(race->clocks, 0, sizeof(race->clocks));
    memset(race->acquired, 0, sizeof(race->acquired));
    memset(race->fenced, 0, sizeof(race->fenced));
    memset(race->masks, 0, sizeof(race->masks));
    for (uint32_t i = 0; i < race->threads; i++)
        race->clocks[i].at[i] = 1;
}

struct race *race_new(void)
{
    struct race *race = calloc(1, sizeof(*race));
    if (race == NULL)
        return NULL;
    race->watch = (struct sim_watch){
        .begin = on_begin,
        .access = on_access,
        .fence = on_fence,
        .mask = on_mask,
        .interrupt = on_interrupt,
        .wake = on_wake,
        .give = on_give,
        .take = on_take,
    };
    return race;
}

void race_delete(struct race *race)
{
    free(race);
}

struct sim_watch *race_watch(struct race *race)
{
    return &race->watch;
}

const struct race_report *race_found(const struct race *race)
{
    return &race->report;
}
