/* Who looks on while a schedule runs: the race detector, and store buffers between the CPUs and memory. */
#ifndef ENGINE_SCHEDULE_OBSERVERS_H
#define ENGINE_SCHEDULE_OBSERVERS_H

#include <stdio.h>

#include "engine/schedule/schedule.h"
#include "platform/sim/race.h"
#include "platform/sim/store_buffer.h"

struct observers {
    struct race *race; /* NULL: not wanted */
    bool buffers;
    struct store_buffer buffer;
};

/* 0, or -1: no memory. */
int observers_init(struct observers *observers, bool races, bool buffers);
void observers_fini(struct observers *observers);

/* They look on from the next run. One schedule at a time. */
void observers_watch(struct observers *observers, struct schedule *schedule);

/* The race that ended the last run, both sides with function and line; nothing if none did. */
void observers_print_race(const struct observers *observers, FILE *out);

#endif
