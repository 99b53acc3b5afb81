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

/* Fours, for the compiler. What lies above the threads of the run is copied along and never looked at. */
static void join(const struct race *race, struct race_clock *to, const struct race_clock *from)
{
    for (uint32_t i = 0; i < race->lanes; i += RACE_LANES) {
        for (uint32_t k = i; k < i + RACE_LANES; k++)
            to->at[k] = to->at[k] > from->at[k] ? to->at[k] : from->at[k];
    }
}

/* A thread takes over what another one published. */
static void learn(struct race *race, uint32_t thread, const struct race_clock *from)
{
    join(race, &race->clocks[thread], from);
    race->learned[thread] = true;
}

static void learn_parcel(struct race *race, uint32_t thread, const struct race_parcel *from)
{
    if (from->full)
        learn(race, thread, &from->clock);
}

static void put(const struct race *race, struct race_parcel *to, const struct race_clock *from)
{
    if (to->full)
        join(race, &to->clock, from);
    else
        to->clock = *from;
    to->full = true;
}

static void publish(struct race *race, uint32_t thread, struct race_parcel *to)
{
    put(race, to, &race->clocks[thread]);
    race->clocks[thread].at[thread]++;
}

/* For other CPUs: what this one did comes before, its interrupts and what they interrupted included, for it
 * is one processor. Not for the mask: that is between the levels of one CPU. */
static void publish_all(struct race *race, uint32_t thread, struct race_parcel *to)
{
    uint32_t first = thread - thread % RACE_LEVELS;
    publish(race, thread, to);
    for (uint32_t i = first; i < first + RACE_LEVELS; i++) {
        if (i == thread)
            continue;
        if (race->learned[i]) {
            publish(race, i, to);
        } else { /* most are never interrupted: its own entry is all */
            uint32_t own = race->clocks[i].at[i]++;
            to->clock.at[i] = to->clock.at[i] > own ? to->clock.at[i] : own;
        }
    }
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
    if (acquires(order))
        learn_parcel(race, thread, &sync->released);
    else if (sync->released.full)
        put(race, &race->acquired[thread], &sync->released.clock);
    /* What he stored himself he knows. */
    if (sync->storer != thread && sync->storer / RACE_LEVELS == thread / RACE_LEVELS)
        learn(race, thread, &sync->stored);
}

/* A plain store ends what others released here; a read-modify-write passes it on. */
static void follow_store(struct race *race, uint32_t thread, struct race_sync *sync, enum sim_order order,
                         bool update)
{
    if (!update)
        sync->released.full = false;
    sync->stored = race->clocks[thread];
    sync->storer = thread;
    if (releases(order)) {
        publish_all(race, thread, &sync->released);
        return;
    }
    if (race->fenced[thread].full)
        put(race, &sync->released, &race->fenced[thread].clock);
    race->clocks[thread].at[thread]++;
}

static void follow_atomic(struct race *race, uint32_t thread, struct race_granule *granule,
                          struct sim_how how)
{
    struct race_sync *sync = race_sync(race, granule);
    if (sync == NULL)
        return;
    if (how.kind != SIM_ATOMIC_WRITE)
        follow_load(race, thread, sync, how.order);
    if (how.kind == SIM_ATOMIC_WRITE || how.kind == SIM_ATOMIC_UPDATE)
        follow_store(race, thread, sync, how.order, how.kind == SIM_ATOMIC_UPDATE);
}

/* --- what is told --- */

/* The cell, but for its clock, of an access of these bytes, which lie in one granule. */
PL_INLINE uint32_t cell_of(uint32_t thread, uintptr_t address, size_t bytes, enum sim_access_kind kind)
{
    static const uint32_t kinds[] = {
        [SIM_READ] = 0,
        [SIM_WRITE] = RACE_CELL_WRITE,
        [SIM_ATOMIC_READ] = RACE_CELL_ATOMIC,
        [SIM_ATOMIC_WRITE] = RACE_CELL_WRITE | RACE_CELL_ATOMIC,
        [SIM_ATOMIC_UPDATE] = RACE_CELL_WRITE | RACE_CELL_ATOMIC,
        [SIM_COMPARE_FAILED] = RACE_CELL_ATOMIC,
    };
    return thread << RACE_CELL_THREAD | kinds[kind] | ((1u << bytes) - 1) << address % 8;
}

/* An access, granule by granule. */
static PL_NOINLINE void follow_access(struct race *race, uint32_t thread, const volatile void *whole,
                                      size_t whole_bytes, struct sim_how how, uintptr_t pc)
{
    uintptr_t address = (uintptr_t)whole;
    for (size_t left = whole_bytes; left > 0;) {
        size_t bytes = 8 - address % 8 < left ? 8 - address % 8 : left;
        struct race_granule *granule = race_granule(race, address / 8);
        if (granule == NULL)
            return;
        uint32_t what = cell_of(thread, address, bytes, how.kind);
        const struct race_access access = {race_now(race, thread) | what, whole, whole_bytes, pc};
        if (!race_repeats(race, granule, thread, what, pc))
            race_check(race, granule, &access);
        if (how.kind > SIM_WRITE)
            follow_atomic(race, thread, granule, how);
        address += bytes;
        left -= bytes;
    }
}

/* Nearly all are plain, lie in one granule, are of who made one like it before, and save no registers. */
static void on_access(struct sim_watch *watch, struct pl_cpu *cpu, const volatile void *whole, size_t bytes,
                      struct sim_how how, uintptr_t pc)
{
    struct race *race = race_of(watch);
    uintptr_t address = (uintptr_t)whole;
    if (PL_UNLIKELY(race->threads == 0) || sim_is_of_one_cpu(address))
        return;
    uint32_t thread = thread_of(race, cpu);
    if (PL_LIKELY(how.kind <= SIM_WRITE && address % 8 + bytes <= 8)) {
        struct race_granule *granule = &race->granules[race_place(address / 8)];
        if (PL_LIKELY(granule->key == address / 8 && granule->run == race->run) &&
            race_repeats(race, granule, thread, cell_of(thread, address, bytes, how.kind), pc))
            return;
    }
    follow_access(race, thread, whole, bytes, how, pc);
}

static void on_fence(struct sim_watch *watch, struct pl_cpu *cpu, enum sim_order order, uintptr_t pc)
{
    struct race *race = race_of(watch);
    (void)pc;
    if (race->threads == 0)
        return;
    uint32_t thread = thread_of(race, cpu);
    if (acquires(order))
        learn_parcel(race, thread, &race->acquired[thread]);
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
        learn_parcel(race, thread, &race->masks[cpu->id]);
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
            learn_parcel(race, thread_of(race, cpu), &race->masks[cpu->id]);
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
    struct race_parcel parcel = {.full = false};
    publish_all(race, waker * RACE_LEVELS + race->levels[waker], &parcel);
    learn(race, woken * RACE_LEVELS + race->levels[woken], &parcel.clock);
}

static void on_give(struct sim_watch *watch, struct pl_cpu *cpu, uint32_t key)
{
    struct race *race = race_of(watch);
    if (race->threads == 0)
        return;
    PL_ASSERT(key < RACE_GIFTS);
    if (race->gift_runs[key] != race->run)
        race->gifts[key].full = false;
    race->gift_runs[key] = race->run;
    publish_all(race, thread_of(race, cpu), &race->gifts[key]);
}

static void on_take(struct sim_watch *watch, struct pl_cpu *cpu, uint32_t key)
{
    struct race *race = race_of(watch);
    PL_ASSERT(key < RACE_GIFTS);
    if (race->threads != 0 && race->gift_runs[key] == race->run)
        learn_parcel(race, thread_of(race, cpu), &race->gifts[key]);
}

/* The next number. When all were used, what the runs of the same numbers left is cleared; 0 is nobody's. */
static void number_run(struct race *race)
{
    if (++race->run != 0)
        return;
    race->run = 1;
    memset(race->gift_runs, 0, sizeof(race->gift_runs));
    for (uint32_t i = 0; i < RACE_GRANULES; i++)
        race->granules[i].run = 0;
}

static void on_begin(struct sim_watch *watch, uint32_t cpu_count)
{
    struct race *race = race_of(watch);
    race->threads = cpu_count > RACE_CPU_LIMIT ? 0 : cpu_count * RACE_LEVELS;
    race->lanes = (race->threads + RACE_LANES - 1) / RACE_LANES * RACE_LANES;
    number_run(race);
    race->granule_count = 0;
    race->sync_count = 0;
    race->report = (struct race_report){.found = false};
    memset(race->levels, 0, sizeof(race->levels));
    memset(race->depth, 0, sizeof(race->depth));
    memset(race->clocks, 0, sizeof(race->clocks));
    memset(race->learned, 0, sizeof(race->learned));
    for (uint32_t i = 0; i < race->threads; i++) {
        race->clocks[i].at[i] = 1;
        race->acquired[i].full = race->fenced[i].full = false;
        race->masks[i / RACE_LEVELS].full = false;
    }
}

struct race *race_new(void)
{
    /* Its granules are cache lines, which calloc does not promise. */
    struct race *race = aligned_alloc(_Alignof(struct race), sizeof(*race));
    if (race == NULL)
        return NULL;
    memset(race, 0, sizeof(*race));
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
