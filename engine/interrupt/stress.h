/* Interrupts that nobody can replay: CPUs as threads allocate and free while signals from another thread and
 * from timers raise interrupts wherever they hit. Bounded by work, by time, which ends it early and says
 * nothing of the candidate, and by a watchdog, which sees who never comes to an end. */
#ifndef ENGINE_INTERRUPT_STRESS_H
#define ENGINE_INTERRUPT_STRESS_H

#include "engine/interrupt/interrupt.h"

struct stress_options {
    const struct spec *spec;
    enum interrupt_level level;
    uint64_t operations; /* of each CPU */
    double limit_s;      /* of wall clock; then it is partial */
};

struct stress_result {
    bool supported; /* else `words` says what is missing */
    bool broken;    /* `words` says what was seen */
    bool endless;   /* one operation ran and ran: `words` */
    bool deadlock;  /* all that still worked were asleep: `words` */
    bool partial;   /* the limit came first */
    uint64_t caps;
    uint32_t cpu_count;  /* 2, or 1 for candidates that do not claim to be concurrent */
    uint64_t operations; /* that came to an end */
    uint64_t asked;
    uint64_t signals; /* that another thread sent */
    uint64_t timers;  /* that expired */
    uint64_t taken;   /* handlers run: less than both, what is held off is merged */
    uint64_t denied;
    char words[300];
};

void stress_run(const struct stress_options *options, struct stress_result *result);

#endif
