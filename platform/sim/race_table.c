/* See race.h: who accessed which eight bytes last, and whether that came before. */
#include "platform/sim/race_internal.h"

#include <pagelab/cpu.h>

#include <stdio.h>
#include <string.h>

struct race_granule *race_granule(struct race *race, uint64_t key)
{
    uint32_t at = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - RACE_GRANULE_BITS));
    for (;; at = (at + 1) % RACE_GRANULES) {
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
        *granule = (struct race_granule){.key = key, .run = race->run};
        return granule;
    }
}

struct race_sync *race_sync(struct race *race, struct race_granule *granule)
{
    if (granule->sync == NULL && race->sync_count == RACE_SYNCS)
        race->threads = 0; /* likewise */
    if (granule->sync == NULL && race->sync_count < RACE_SYNCS) {
        granule->sync = &race->syncs[race->sync_count++];
        memset(granule->sync, 0, sizeof(*granule->sync));
        granule->sync->cpu = UINT32_MAX;
    }
    return granule->sync;
}

static struct race_side side_of(const struct race_cell *cell)
{
    static const uint32_t contexts[RACE_LEVELS] = {PL_CONTEXT_TASK, PL_CONTEXT_HARDIRQ, PL_CONTEXT_NMI};
    return (struct race_side){.cpu = cell->thread / RACE_LEVELS,
                              .context = contexts[cell->thread % RACE_LEVELS],
                              .write = cell->write,
                              .atomic = cell->atomic,
                              .pc = cell->pc,
                              .point = cell->point};
}

static const char *const level_names[RACE_LEVELS] = {"", " at interrupt level", " in an NMI"};

static PL_COLD PL_NORETURN void report(struct race *race, const struct race_cell *first,
                                       const struct race_cell *second, const struct sim_access *whole)
{
    char words[160];
    struct race_cell now = *second;
    now.point = (uint32_t)sim_points();
    race->report = (struct race_report){.found = true,
                                        .address = whole->address,
                                        .bytes = whole->bytes,
                                        .first = side_of(first),
                                        .second = side_of(&now)};
    snprintf(words, sizeof(words), "data race: CPU %u%s %s%s, CPU %u%s %s%s, and nothing orders the two",
             first->thread / RACE_LEVELS, level_names[first->thread % RACE_LEVELS],
             first->write ? "wrote" : "read", first->atomic ? " atomically" : "",
             second->thread / RACE_LEVELS, level_names[second->thread % RACE_LEVELS],
             second->write ? "writes" : "reads", second->atomic ? " atomically" : "");
    sim_stop(words);
}

/* Is what `cell` tells of known to `thread`, and so before whatever it does now? */
static bool is_before(const struct race *race, const struct race_cell *cell, uint32_t thread)
{
    return cell->clock <= race->clocks[thread].at[cell->thread];
}

/* Where to record: over what it replaces, what is empty, what came before, or whose turn it is. */
static struct race_cell *place_for(struct race *race, struct race_granule *granule,
                                   const struct race_cell *access)
{
    struct race_cell *place = NULL;
    for (uint32_t i = 0; i < RACE_CELLS; i++) {
        struct race_cell *cell = &granule->cells[i];
        if (cell->mask == 0)
            return place != NULL ? place : cell;
        bool covered = (cell->mask & ~access->mask) == 0;
        if (cell->thread == access->thread && covered && cell->atomic == access->atomic &&
            cell->write == access->write)
            return cell;
        /* A later race with the older one is a race with the newer one, too, if that excuses no less. */
        if (place == NULL && covered && is_before(race, cell, access->thread) &&
            (access->write || !cell->write) && (!access->atomic || cell->atomic))
            place = cell;
    }
    return place != NULL ? place : &granule->cells[granule->next_out++ % RACE_CELLS];
}

/* Has this thread done as much here already, and published nothing since? Then whoever came in between
 * without order was compared with that. */
static bool is_known(const struct race_granule *granule, const struct race_cell *access)
{
    for (uint32_t i = 0; i < RACE_CELLS; i++) {
        const struct race_cell *cell = &granule->cells[i];
        if (cell->thread == access->thread && cell->clock == access->clock &&
            (access->mask & ~cell->mask) == 0 && (cell->write || !access->write) &&
            (!cell->atomic || access->atomic))
            return true;
    }
    return false;
}

void race_check(struct race *race, struct race_granule *granule, const struct race_cell *access,
                const struct sim_access *whole)
{
    if (is_known(granule, access))
        return;
    for (uint32_t i = 0; i < RACE_CELLS; i++) {
        const struct race_cell *cell = &granule->cells[i];
        if (cell->mask == 0)
            break;
        if (cell->thread != access->thread && (cell->mask & access->mask) != 0 &&
            (cell->write || access->write) && !(cell->atomic && access->atomic) &&
            !is_before(race, cell, access->thread))
            report(race, cell, access, whole);
    }
    struct race_cell *place = place_for(race, granule, access);
    *place = *access;
    place->point = (uint32_t)sim_points();
}
