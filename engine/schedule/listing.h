/* How a schedule reads: who ran, where it was interrupted, who went on; and where everybody stood at the end,
 * with the locks. */
#ifndef ENGINE_SCHEDULE_LISTING_H
#define ENGINE_SCHEDULE_LISTING_H

#include <stdio.h>

#include "engine/schedule/schedule.h"

#define LISTING_LIMIT 65536u /* entries; the rest is counted only */

enum listing_what {
    LISTING_TURN,      /* another CPU goes on */
    LISTING_INTERRUPT, /* a handler begins */
    LISTING_RETURN,    /* and ends */
    LISTING_END,       /* an operation ends */
    LISTING_ACCESS,    /* `all` only */
};

struct listing_entry {
    enum listing_what what;
    enum sim_place place; /* LISTING_TURN */
    uint32_t cpu;
    uint32_t to; /* LISTING_TURN */
    uint32_t op; /* that the CPU runs; SCHEDULE_NO_OP: none */
    uint64_t point;
    uintptr_t pc;
    bool known; /* the access that it stands before: */
    enum sim_access_kind kind;
    uint32_t bytes;
};

struct listing {
    struct sim_watch watch;
    const struct schedule *schedule;
    bool all; /* every access, not only where something happened */
    uint32_t count;
    uint64_t missed;
    struct listing_entry *entries;
    uint32_t stands[PL_CPU_LIMIT]; /* entry whose access the CPU makes next, plus 1 */
};

/* 0, or -1: no memory. Then schedule->watch = &listing->watch records the next run; reset between two. */
int listing_init(struct listing *listing, const struct schedule *schedule, bool all);
void listing_reset(struct listing *listing);
void listing_fini(struct listing *listing);

/* After the run: a line an entry, a column a CPU and one for interrupts. */
void listing_print(const struct listing *listing, FILE *out);

/* "preempted", "spins" ... */
const char *listing_place(enum sim_place place);

/* "before the read of 4 bytes"; empty where the access is not known. */
void listing_access(const struct listing_entry *entry, char *text, size_t bytes);

/* Where each entry was, by its number; the caller frees it. NULL: no memory. */
struct symbol *listing_symbols(const struct listing *listing);

/* Where everybody stands, and who holds what; nothing of a run that ended well. */
void listing_print_end(const struct sim_report *report, FILE *out);

#endif
