/* Who decides what a simulation does next. A chooser is asked at each *event*: when the points that it wanted
 * to let pass have passed, and wherever somebody else must or may go on. All that decides a schedule is in
 * its answers, so the same answers give the same run, to the last access.
 *
 * A *point* is one load, store, atomic operation or fence of instrumented code; it is counted before the
 * access is made, so who is chosen at a point comes before that access. */
#ifndef PLATFORM_SIM_CHOOSER_H
#define PLATFORM_SIM_CHOOSER_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_NO_EVENT UINT64_MAX

/* Where a chooser is asked. */
enum sim_place {
    SIM_AT_POINT,    /* the points of arm() have passed: every answer is possible */
    SIM_AT_BOUNDARY, /* sim_boundary(): between two operations of a CPU: go on, or switch */
    SIM_AT_RELAX,    /* once around a spin loop: go on, or switch */
    SIM_AT_WAIT,     /* this CPU waits now: switch */
    SIM_AT_END,      /* this CPU has returned: switch */
    SIM_AT_START,    /* nobody has run yet: switch */
    SIM_AT_PATIENCE, /* not asked, only told (sim_watch.turn): somebody had run for long without finishing
                        anything */
    SIM_PLACES,
};

enum sim_deed {
    SIM_GO_ON,
    SIM_SWITCH,    /* `cpu` goes on */
    SIM_INTERRUPT, /* of this CPU: its handler runs now, or at unmask if interrupts are masked */
    SIM_NMI,       /* the handler runs now, masked or not */
    SIM_FLUSH,     /* sim_memory.flush of `cpu`: its oldest store becomes visible */
};

struct sim_choice {
    enum sim_deed deed;
    uint32_t cpu; /* SIM_SWITCH, SIM_FLUSH */
};

/* What a chooser is told. */
struct sim_moment {
    enum sim_place place;
    uint32_t cpu;      /* who ran */
    bool open;         /* an interrupt of this CPU would run at once */
    uint32_t depth;    /* interrupts that it is inside of */
    uint64_t runnable; /* a bit for each CPU that can go on, `cpu` included if it can; not 0 */
    uint64_t point;    /* points so far, of all CPUs */
    uint64_t own;      /* points so far, of this CPU, its interrupts included */
    uintptr_t pc;      /* of the access or call in instrumented code; 0 where there is none */
};

/* An answer that is not possible (somebody who cannot run, an interrupt beyond the depth) is taken as: go on,
 * and where that is not possible either, the next CPU that can run. So any answers make a legal schedule. */
struct sim_chooser {
    /* How many points of `cpu` may pass until choose() is asked, if nothing else happens; 0 and 1: at the
     * next one. Asked each time that somebody begins to run: after each event, and after sim_rearm(). `own`
     * as above. */
    uint64_t (*arm)(struct sim_chooser *self, uint32_t cpu, uint64_t own);
    struct sim_choice (*choose)(struct sim_chooser *self, const struct sim_moment *moment);
};

/* The next runnable CPU after `cpu`, going round; `cpu` itself if it is the only one. */
uint32_t sim_next_cpu(uint64_t runnable, uint32_t cpu);

/* Goes on where it may, else round: what a chooser answers that does not care. */
struct sim_choice sim_choose_round(const struct sim_moment *moment);

/* --- a chooser that draws --- */

/* All from a seed. Each run of points has a length of 1 to 2 * mean - 1; then anybody who can run goes on,
 * the same CPU included, or, once in `interrupt_one_in` times, an interrupt comes (0: never). */
struct sim_random {
    struct sim_chooser chooser;
    uint64_t state;
    uint32_t mean;
    uint32_t interrupt_one_in;
};

void sim_random_init(struct sim_random *random, uint64_t seed, uint32_t mean, uint32_t interrupt_one_in);

#endif
