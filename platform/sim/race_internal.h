/* Between the files of the race detector only. */
#ifndef PLATFORM_SIM_RACE_INTERNAL_H
#define PLATFORM_SIM_RACE_INTERNAL_H

#include "platform/sim/race.h"
#include "platform/sim/sim_internal.h"

/* A CPU is three threads: its task, its interrupts, its NMIs. */
#define RACE_LEVELS  3u
#define RACE_THREADS (RACE_CPU_LIMIT * RACE_LEVELS)

struct race_clock {
    uint32_t at[RACE_THREADS];
};

/* Entries that are joined together. */
#define RACE_LANES 4u
_Static_assert(RACE_THREADS % RACE_LANES == 0, "a clock is whole vectors");

#define RACE_DEPTH 8u /* interrupts inside one another */

/* A clock that is handed on. */
struct race_parcel {
    bool full; /* else nothing is in it, whatever the clock holds */
    struct race_clock clock;
};

#define RACE_CELLS 6u

/* What atomics of a granule carry from one thread to another. */
struct race_sync {
    struct race_parcel released; /* for those who acquire */
    struct race_clock stored;    /* of the last store, for the other levels of its CPU */
    uint32_t storer;             /* its thread; RACE_THREADS: there was none */
};

/* An access that was made: by whom, when of his own clock. In one word, so that two are compared at once. */
typedef uint64_t race_cell;
#define RACE_CELL_MASK   UINT64_C(0xff) /* bytes of the granule, not 0 */
#define RACE_CELL_WRITE  (1u << 8)
#define RACE_CELL_ATOMIC (1u << 9)
#define RACE_CELL_THREAD 16u /* 8 bits from here */
#define RACE_CELL_CLOCK  32u

/* Where and when in the run, for the report. */
struct race_past {
    uintptr_t pc;
    uint64_t point;
};

/* Eight bytes of memory. What accesses compare is one cache line; what they only write follows. */
struct race_granule {
    _Alignas(PL_CACHE_LINE_BYTES) uint64_t key; /* address / 8 */
    uint32_t run;                               /* of another run: free */
    uint32_t used : 4;                          /* of the cells, from the first */
    uint32_t next_out : 4;
    uint32_t last : 5;   /* the thread that recorded last */
    uint32_t streak : 6; /* a bit for each cell that it has recorded since another thread did */
    uint32_t sync : 11;  /* its place in syncs[] plus one; 0: none */
    race_cell cells[RACE_CELLS];
    struct race_past pasts[RACE_CELLS];
};

#define RACE_GRANULE_BITS 13u
#define RACE_GRANULES     (1u << RACE_GRANULE_BITS)
#define RACE_SYNCS        1024u
#define RACE_GIFTS        512u
_Static_assert(RACE_THREADS <= 32 && RACE_CELLS <= 6 && RACE_SYNCS < 2048, "the fields of a granule");

struct race {
    struct sim_watch watch;
    struct race_report report;
    uint32_t run; /* counts runs, so that nothing is cleared between them */
    uint32_t threads;
    uint32_t lanes;                             /* threads, in whole vectors */
    uint32_t levels[RACE_CPU_LIMIT];            /* who of a CPU's threads runs */
    uint32_t outer[RACE_CPU_LIMIT][RACE_DEPTH]; /* who did before each interrupt */
    uint32_t depth[RACE_CPU_LIMIT];
    uint32_t granule_count;
    uint32_t sync_count;
    struct race_clock clocks[RACE_THREADS];
    bool learned[RACE_THREADS];                /* its clock holds more than its own entry */
    struct race_parcel acquired[RACE_THREADS]; /* seen by relaxed loads: for an acquire fence */
    struct race_parcel fenced[RACE_THREADS];   /* at the last release fence */
    struct race_parcel masks[RACE_CPU_LIMIT];
    uint32_t gift_runs[RACE_GIFTS];
    struct race_parcel gifts[RACE_GIFTS];
    struct race_granule granules[RACE_GRANULES];
    struct race_sync syncs[RACE_SYNCS];
};

/* Where the search for a granule begins. Neighbours of one line of memory stay neighbours: what is touched
 * together is found together. */
PL_INLINE uint32_t race_place(uint64_t key)
{
    uint64_t line = (key >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - (RACE_GRANULE_BITS - 3));
    return (uint32_t)(line << 3 | (key & 7));
}

/* The granule of an address, made if there is none; NULL: the table is full, and it is not followed. */
struct race_granule *race_granule(struct race *race, uint64_t key);

/* Its carrier of clocks, made if there is none; NULL likewise. */
struct race_sync *race_sync(struct race *race, struct race_granule *granule);

/* One access, or the part of it that lies in one granule; the rest is for the report. */
struct race_access {
    race_cell cell;
    const volatile void *address;
    size_t bytes;
    uintptr_t pc;
};

PL_INLINE void race_record(struct race_granule *granule, uint32_t place, race_cell cell, uintptr_t pc)
{
    granule->cells[place] = cell;
    granule->pasts[place] = (struct race_past){.pc = pc, .point = sim_points_now()};
}

/* When a thread does what it does now. */
PL_INLINE race_cell race_now(const struct race *race, uint32_t thread)
{
    return (race_cell)race->clocks[thread].at[thread] << RACE_CELL_CLOCK;
}

/* The same once more (`what` is its cell without the clock), and nobody else has recorded anything since:
 * whatever is here was compared with that. */
PL_INLINE bool race_repeats(const struct race *race, struct race_granule *granule, uint32_t thread,
                            uint32_t what, uintptr_t pc)
{
    uint32_t place = 0;
    uint32_t used = granule->used;
    if (granule->last != thread)
        return false;
    while (place < used && ((uint32_t)granule->cells[place] != what || (granule->streak >> place & 1u) == 0))
        place++;
    if (place == used)
        return false;
    race_cell cell = race_now(race, thread) | what;
    if (granule->cells[place] != cell)
        race_record(granule, place, cell, pc);
    return true;
}

/* Compares an access with what is known of the granule, then records it. Does not return if it races. For
 * those that race_repeats() does not know. */
void race_check(struct race *race, struct race_granule *granule, const struct race_access *access);

#endif
