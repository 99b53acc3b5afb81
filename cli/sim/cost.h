/* Between cost.c, which prints, and cost_hunt.c, which looks for the dearest calls in a process of its own.
 */
#ifndef CLI_SIM_COST_H
#define CLI_SIM_COST_H

#include <signal.h>

#include "engine/schedule/cost_worst.h"
#include "report/table.h"

#define COST_NAMES      96u
#define COST_PATH_BYTES 256u /* of what is shown */

/* Shared with the child: who is asked to end stores what was found first. */
extern volatile sig_atomic_t *cost_stop;

struct cost_wish {
    enum report_format format;
    const char *seeds;
    const char *stored;
    const char *out;
    const char *backends[COST_NAMES];
    size_t backend_count;
    const char *inputs[COST_NAMES];
    size_t input_count;
};

/* The dearest of a kind. */
struct cost_found {
    uint64_t count; /* 0: nothing is known */
    uint64_t frames;
    enum tap_hook hook;
    bool granted;
    char operation[120];
    char path[COST_PATH_BYTES];
};

/* What a child brings back. */
struct cost_answer {
    uint64_t seeds[COST_KINDS];
    uint64_t stored[COST_KINDS]; /* 0: none is */
    struct cost_found worst[COST_KINDS];
    uint32_t programs;
    uint32_t mute; /* files that were named and say nothing; of the first: */
    char mute_words[600];
    int code;
    char words[200];
};

struct cost_job {
    const struct cost_wish *wish;
    const struct spec *spec;
};

/* For isolate_run: `argument` is a struct cost_job, `result` a struct cost_answer. */
void cost_work(void *argument, void *result);

#endif
