/* Tells threads that never come to an end from threads on a slow machine. By the clock alone nobody can: so
 * what counts is a thread's own processor time within one operation, and whether all of them sleep. */
#ifndef ENGINE_INTERRUPT_WATCHDOG_H
#define ENGINE_INTERRUPT_WATCHDOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WATCHDOG_CPUS  8u
#define WATCHDOG_CPU_S 3.0 /* of its own processor time: an operation takes a hundred-thousandth of it */
#define WATCHDOG_NAP_S 3.0 /* in which everybody was asleep whenever one looked, that often at least: */
#define WATCHDOG_LOOKS 30u

enum watchdog_verdict { WATCHDOG_GOES_ON, WATCHDOG_SPINS, WATCHDOG_SLEEPS };

/* One thread; what it writes itself is atomic. */
struct watchdog_thread {
    pthread_t thread;
    pid_t tid;
    _Atomic uint64_t done; /* operations that it has ended */
    atomic_bool begun;     /* the two above are there */
    atomic_bool ended;     /* no more operations come */
    uint64_t seen;         /* `done` at the last change of anybody's */
    double cpu_s;          /* processor time at that moment */
};

struct watchdog {
    struct watchdog_thread *threads[WATCHDOG_CPUS];
    uint32_t thread_count;
    uint32_t running; /* that had begun and not ended at the last look */
    uint32_t culprit; /* WATCHDOG_SPINS: who */
    double next_s;    /* when to look again */
    double awake_s;   /* when somebody was last seen awake, or came to an end */
    uint32_t naps;    /* looks since then */
};

/* Called as often as one likes; looks ten times a second. The threads that have begun and not ended must
 * exist. */
enum watchdog_verdict watchdog_look(struct watchdog *watchdog);

#endif
