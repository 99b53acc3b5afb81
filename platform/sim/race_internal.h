/* Between the files of the race detector only. */
#ifndef PLATFORM_SIM_RACE_INTERNAL_H
#define PLATFORM_SIM_RACE_INTERNAL_H

#include "platform/sim/race.h"

/* A CPU is three threads: its task, its interrupts, its NMIs. */
#define RACE_LEVELS  3u
#define RACE_THREADS (RACE_CPU_LIMIT * RACE_LEVELS)

struct race_clock {
    uint32_t at[RACE_THREADS];
};

#define RACE_DEPTH 8u /* interrupts inside one another */

#define RACE_CELLS 6u

/* An access that was made: by whom, when of his own clock. */
struct race_cell {
    uint8_t thread;
    uint8_t mask; /* bytes of the granule; 0: empty */
    bool write;
    bool atomic;
    uint32_t clock;
    uint32_t point;
    uintptr_t pc;
};

/* What atomics of a granule carry from one thread to another. */
struct race_sync {
    struct race_clock released; /* for those who acquire */
    struct race_clock stored;   /* of the last store, for the other levels of its CPU */
    uint32_t cpu;               /* that CPU */
};

/* Eight bytes of memory. */
struct race_granule {
    uint64_t key; /* address / 8 */
    uint32_t run; /* of another run: free */
    uint32_t next_out;
    struct race_sync *sync; /* or NULL */
    struct race_cell cells[RACE_CELLS];
};

#define RACE_GRANULE_BITS 13u
#define RACE_GRANULES     (1u << RACE_GRANULE_BITS)
#define RACE_SYNCS        1024u
#define RACE_GIFTS        512u

struct race {
    struct sim_watch watch;
    struct race_report report;
    uint32_t run; /* counts runs, so that nothing is cleared between them */
    uint32_t threads;
    uint32_t levels[RACE_CPU_LIMIT];            /* who of a CPU's threads runs */
    uint32_t outer[RACE_CPU_LIMIT][RACE_DEPTH]; /* who did before each interrupt */
    uint32_t depth[RACE_CPU_LIMIT];
    uint32_t granule_count;
    uint32_t sync_count;
    struct race_clock clocks[RACE_THREADS];
    struct race_clock acquired[RACE_THREADS]; /* seen by relaxed loads: for an acquire fence */
    struct race_clock fenced[RACE_THREADS];   /* at the last release fence */
    struct race_clock masks[RACE_CPU_LIMIT];
    uint32_t gift_runs[RACE_GIFTS];
    struct race_clock gifts[RACE_GIFTS];
    struct race_granule granules[RACE_GRANULES];
    struct race_sync syncs[RACE_SYNCS];
};

/* The granule of an address, made if there is none; NULL: the table is full, and it is not followed. */
struct race_granule *race_granule(struct race *race, uint64_t key);

/* Its carrier of clocks, made if there is none; NULL likewise. */
struct race_sync *race_sync(struct race *race, struct race_granule *granule);

/* Compares an access of these bytes with what is known, then records it. Does not return if it races. */
void race_check(struct race *race, struct race_granule *granule, const struct race_cell *access,
                const struct sim_access *whole);

#endif
