/* See tail_steps.h. */
#include "bench/workloads/tail_steps.h"

#include <stdlib.h>

#include "platform/native/step.h"

#define TIMES       9u
#define LIMIT       30000u /* of one operation: at 15 us a step, half a second */
#define LIMIT_TOTAL 30000u /* then those that there are have to do */

/* A sanitizer's own instructions are not what is asked for, and its runtime cannot be stopped in its midst.
 */
#ifdef PL_SANITIZED
#define CAN_STEP false
#else
#define CAN_STEP true
#endif

struct count {
    uint64_t now;
    uint64_t seen[TIMES];
};

static void one_more(void *argument, uintptr_t pc)
{
    struct count *count = argument;
    (void)pc;
    if (++count->now > LIMIT)
        step_disarm();
}

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

void tail_steps_arm(uintptr_t entry)
{
    step_arm(entry);
}

void tail_steps_count(struct tail *tail, tail_operation *operation, bool in_part)
{
    struct count count = {0};
    unsigned times = 0;
    uint64_t total = 0;
    if (!CAN_STEP || step_begin(one_more, &count) != 0)
        return;
    while (times < TIMES && total < LIMIT_TOTAL) {
        count.now = 0;
        if (!in_part)
            step_arm((uintptr_t)operation);
        operation(tail);
        step_disarm();
        if (count.now == 0 || count.now > LIMIT)
            break;
        total += count.now;
        count.seen[times++] = count.now;
    }
    step_end();
    if (times == 0)
        return;
    qsort(count.seen, times, sizeof(count.seen[0]), by_value);
    uint64_t median = count.seen[times / 2];
    workload_count(tail->cell, "instructions", (double)median);
}
