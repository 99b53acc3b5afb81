/* What entering and leaving a no-sleep region costs, on the CPU and with the selector that a row uses. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <time.h>

#include "engine/nosleep/watch.h"

#define CALLS  200000u
#define ROUNDS 25u

static void empty_call(struct pl_cpu *cpu)
{
    (void)cpu;
}

/* So that the compiler knows nothing of the call, as of a candidate's. */
static void (*volatile call)(struct pl_cpu *cpu) = empty_call;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double plain_round(struct pl_cpu *cpu)
{
    double begin = now_ns();
    for (uint32_t i = 0; i < CALLS; i++)
        call(cpu);
    return (now_ns() - begin) / CALLS;
}

/* Regions with nothing in them, one behind the other: nothing hides their stores. */
static double alone_round(struct watch_cpu *watch, struct pl_cpu *cpu)
{
    double begin = now_ns();
    for (uint32_t i = 0; i < CALLS; i++) {
        watch_enter(watch, cpu);
        PL_COMPILER_BARRIER();
        watch_leave(watch, cpu);
        PL_COMPILER_BARRIER();
    }
    return (now_ns() - begin) / CALLS;
}

static double watched_round(struct watch_cpu *watch, struct pl_cpu *cpu)
{
    double begin = now_ns();
    for (uint32_t i = 0; i < CALLS; i++) {
        watch_enter(watch, cpu);
        call(cpu);
        watch_leave(watch, cpu);
    }
    return (now_ns() - begin) / CALLS;
}

struct nosleep_cost nosleep_measure_region(void)
{
    static struct watch_cpu watch;
    static struct pl_cpu cpu = {.bytes = sizeof(cpu)};
    struct nosleep_cost best = {1e9, 1e9, 1e9};
    bool watched = dispatch_missing() == NULL && dispatch_start(&watch.dispatch) == 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        double alone = alone_round(&watch, &cpu);
        double empty = plain_round(&cpu);
        double inside = watched_round(&watch, &cpu);
        best.alone_ns = alone < best.alone_ns ? alone : best.alone_ns;
        best.empty_ns = empty < best.empty_ns ? empty : best.empty_ns;
        best.inside_ns = inside < best.inside_ns ? inside : best.inside_ns;
    }
    if (watched)
        dispatch_stop();
    return best;
}
