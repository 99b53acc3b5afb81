/* The watched side of a row: regions around calls, and what is noted in them. Lies in memory that the row's
 * process shares with the one that reports, so that a process that never comes back has still told. */
#ifndef ENGINE_NOSLEEP_WATCH_H
#define ENGINE_NOSLEEP_WATCH_H

#include "engine/instance.h"
#include "engine/nosleep/nosleep.h"
#include "platform/native/dispatch.h"
#include "platform/native/native.h"

#define WATCH_CPU_LIMIT 2u

/* Numbers of what is no system call. */
#define WATCH_WAIT        (-1)
#define WATCH_MIGHT_SLEEP (-2)

struct watch_cpu {
    PL_CPU_ALIGNED struct dispatch dispatch;
    uint64_t calls;
};

struct watch {
    struct watch_cpu cpus[WATCH_CPU_LIMIT];
    uint64_t allocator_calls;
    bool armed;             /* calls through the tap are regions, and waits are noted */
    bool blind;             /* system calls are not seen */
    bool told;              /* `row` was filled before the process ended */
    char na[200];           /* why the scenario cannot be; empty: it can */
    struct nosleep_row row; /* the counts and findings */
};

/* Inside, nothing on `cpu` may sleep, and the thread's system calls are noted. Regions do not nest, so these
 * are four plain stores. */
PL_INLINE void watch_enter(struct watch_cpu *watch, struct pl_cpu *cpu)
{
    cpu->no_sleep_depth = 1;
    dispatch_enter(&watch->dispatch);
}

PL_INLINE void watch_leave(struct watch_cpu *watch, struct pl_cpu *cpu)
{
    dispatch_leave(&watch->dispatch);
    cpu->no_sleep_depth = 0;
}

/* The listener that makes a region of each call through a tap while the watch is armed. */
struct tap_listener watch_listener(struct watch *watch);

/* The platform's word that somebody would sleep; for native_watch_sleep, with the watch. */
void watch_sleep(struct pl_cpu *cpu, const char *where, void *argument);

/* The calling thread runs as this CPU from now on, until watch_stop. */
void watch_start(struct watch *watch, const struct pl_cpu *cpu);
void watch_stop(const struct watch *watch);

/* Why the scenario cannot be; a line. Returns false. */
bool watch_cannot(struct watch *watch, const char *format, ...) PL_PRINTF(2, 3);

/* --- scenarios: in the row's process --- */

struct watch_job {
    struct watch *watch;
    const struct spec *spec;
    enum nosleep_scenario scenario;
};

void watch_candidate(const struct watch_job *job); /* cold, warm, exhausted, contended */
void watch_promise(const struct watch_job *job);   /* map, orb */

/* --- reporting: afterwards --- */

/* The system call's name, or NULL; `blocks`: does it block, or give the CPU away? `detail` is its second
 * argument. */
const char *system_call_name(int64_t number, uint64_t detail, bool *blocks);

/* Fills the counts and the findings of watch->row from what was noted. Best in the row's process, which has
 * the libraries that it opened; whoever comes later knows their functions by address only. */
void watch_report(struct watch *watch);

#endif
