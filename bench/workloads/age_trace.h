/* A recording that is lived through again and again: each generation is the whole of it, and one allocation
 * of 64 outlives its own. Survivors are freed at random, once they have more than a quarter of the machine.
 * What the recording leaves granted is freed before the next generation, but not after the last one. */
#ifndef BENCH_WORKLOADS_AGE_TRACE_H
#define BENCH_WORKLOADS_AGE_TRACE_H

#include "engine/trace/trace.h"

#define AGE_SURVIVOR_SHARE 64u /* one of so many */
#define AGE_SURVIVOR_LIMIT 4u  /* a quarter of the machine */

struct age_trace {
    const struct trace *trace; /* borrowed */
    uint64_t rng;
    uint64_t frame_count;
    unsigned generation; /* 0: the first */
    unsigned end;        /* where a fill stops; may be raised */
    size_t at;           /* in the recording; behind its end, the slot that is to be emptied */
    uint32_t slot_count; /* below: slots of ours */
    uint32_t *names;     /* by slot of the recording: ours, or UINT32_MAX */
    uint8_t *lasts;      /* by slot of the recording: this grant is to survive */
    uint8_t *orders;     /* by slot of ours */
    uint32_t *spare;
    size_t spare_count;
    uint32_t *survivors; /* slots of ours */
    size_t survivor_count;
    uint64_t survivor_frames;
};

/* `generations`: where the first fills stop. 0, or -1: out of memory. */
int age_trace_init(struct age_trace *age, const struct trace *trace, uint64_t frame_count,
                   unsigned generations);
void age_trace_fini(struct age_trace *age);

/* The next operations, at most `limit`; 0: generation `end` is reached. Raise `end` to go on. */
size_t age_trace_fill(struct age_trace *age, struct op *ops, size_t limit);

#endif
