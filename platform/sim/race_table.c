/* See race.h: who accessed which eight bytes last, and whether that came before. */
#include "platform/sim/race_internal.h"

#include <pagelab/cpu.h>

#include <stdio.h>
#include <string.h>

struct race_granule *race_granule(struct race *race, uint64_t key)
{
    for (uint32_t at = race_place(key);; at = (at + 1) % RACE_GRANULES) {
        struct race_granule *granule = &race->granules[at];
        if (granule->run == race->run && granule->key == key)
            return granule;
        if (granule->run == race->run)
            continue;
        if (race->granule_count >= RACE_GRANULES / 2) {
            race->threads = 0; /* who does not follow everything reports nothing: an order could be missed */
            return NULL;
        }
        race->granule_count++;
        granule->key = key;
        granule->run = race->run;
        granule->used = 0;
        granule->next_out = 0;
        granule->streak = 0;
        granule->sync = 0;
        return granule;
    }
}

struct race_sync *race_sync(struct race *race, struct race_granule *granule)
{
    if (granule->sync != 0)
        return &race->syncs[granule->sync - 1];
    if (race->sync_count == RACE_SYNCS) {
        race->threads = 0; /* likewise */
        return NULL;
    }
    struct race_sync *sync = &race->syncs[race->sync_count++];
    granule->sync = race->sync_count & 0x7ffu;
    sync->released.full = false;
    sync->storer = RACE_THREADS;
    return sync;
}

PL_INLINE uint32_t thread_of(race_cell cell)
{
    return (uint8_t)(cell >> RACE_CELL_THREAD);
}

PL_INLINE bool has(race_cell cell, race_cell what)
{
    return (cell & what) != 0;
}

static struct race_side side_of(race_cell cell, const struct race_past *past)
{
    static const uint32_t contexts[RACE_LEVELS] = {PL_CONTEXT_TASK, PL_CONTEXT_HARDIRQ, PL_CONTEXT_NMI};
    return (struct race_side){.cpu = thread_of(cell) / RACE_LEVELS,
                              .context = contexts[thread_of(cell) % RACE_LEVELS],
                              .write = has(cell, RACE_CELL_WRITE),
                              .atomic = has(cell, RACE_CELL_ATOMIC),
                              .pc = past->pc,
                              .point = past->point};
}

static const char *const level_names[RACE_LEVELS] = {"", " at interrupt level", " in an NMI"};

static PL_COLD PL_NORETURN void report(struct race *race, race_cell first, const struct race_past *past,
                                       const struct race_access *access)
{
    char words[160];
    race_cell second = access->cell;
    uint32_t one = thread_of(first);
    uint32_t other = thread_of(second);
    const struct race_past now = {.pc = access->pc, .point = sim_points()};
    race->report = (struct race_report){.found = true,
                                        .address = access->address,
                                        .bytes = access->bytes,
                                        .first = side_of(first, past),
                                        .second = side_of(second, &now)};
    snprintf(words, sizeof(words), "data race: CPU %u%s %s%s, CPU %u%s %s%s, and nothing orders the two",
             one / RACE_LEVELS, level_names[one % RACE_LEVELS],
             has(first, RACE_CELL_WRITE) ? "wrote" : "read",
             has(first, RACE_CELL_ATOMIC) ? " atomically" : "", other / RACE_LEVELS,
             level_names[other % RACE_LEVELS], has(second, RACE_CELL_WRITE) ? "writes" : "reads",
             has(second, RACE_CELL_ATOMIC) ? " atomically" : "");
    sim_stop(words);
}

/* Is what `cell` tells of in this clock, and so before whatever its thread does now? */
PL_INLINE bool is_before(const struct race_clock *clock, race_cell cell)
{
    return (uint32_t)(cell >> RACE_CELL_CLOCK) <= clock->at[thread_of(cell)];
}

/* Has the thread of `access` done as much here already, by its `cell`, and published nothing since? Then
 * whoever came in between without order was compared with that. */
PL_INLINE bool is_known(race_cell cell, race_cell access)
{
    return (cell ^ access) >> RACE_CELL_THREAD == 0 &&
           !has(access & ~cell, RACE_CELL_MASK | RACE_CELL_WRITE) && !has(cell & ~access, RACE_CELL_ATOMIC);
}

/* Neither may go before the other: one writes, not both are atomic, and they share a byte. */
PL_INLINE bool is_conflict(race_cell cell, race_cell access)
{
    return has(cell & access, RACE_CELL_MASK) && has(cell | access, RACE_CELL_WRITE) &&
           !has(cell & access, RACE_CELL_ATOMIC);
}

/* A later race with the cell is a race with the access, too, if that excuses no less. */
PL_INLINE bool is_replaced(race_cell cell, race_cell access)
{
    return !has(cell & ~access, RACE_CELL_MASK | RACE_CELL_WRITE) && !has(access & ~cell, RACE_CELL_ATOMIC);
}

static uint32_t next_out(struct race_granule *granule)
{
    uint32_t place = granule->next_out;
    granule->next_out = (place + 1) % RACE_CELLS & 0xfu;
    return place;
}

/* One look at each cell. It is recorded over one like it of its own thread, else over what it replaces, what
 * is empty, or whose turn it is. */
void race_check(struct race *race, struct race_granule *granule, const struct race_access *whole)
{
    race_cell access = whole->cell;
    const race_cell like = RACE_CELL_WRITE | RACE_CELL_ATOMIC | UINT64_C(0xff) << RACE_CELL_THREAD;
    uint32_t thread = thread_of(access);
    const struct race_clock *clock = &race->clocks[thread];
    uint32_t used = granule->used;
    uint32_t twin = RACE_CELLS;
    uint32_t replaced = RACE_CELLS;
    uint32_t racer = RACE_CELLS;
    for (uint32_t i = used; i-- > 0;) {
        race_cell cell = granule->cells[i];
        if (is_known(cell, access))
            return;
        if (!has(cell ^ access, like) && !has(cell & ~access, RACE_CELL_MASK))
            twin = i;
        else if (!is_before(clock, cell)) /* whoever made it himself has it in his clock */
            racer = is_conflict(cell, access) ? i : racer;
        else if (is_replaced(cell, access))
            replaced = i;
    }
    if (PL_UNLIKELY(racer != RACE_CELLS))
        report(race, granule->cells[racer], &granule->pasts[racer], whole);
    uint32_t place = twin != RACE_CELLS ? twin : replaced;
    if (place == RACE_CELLS)
        place = used < RACE_CELLS ? granule->used++ : next_out(granule);
    granule->streak = (granule->last == thread ? granule->streak : 0u) | 1u << place;
    granule->last = thread & 0x1fu;
    race_record(granule, place, access, whole->pc);
}
