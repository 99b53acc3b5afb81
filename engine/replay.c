/* See replay.h. The serial loop is the measured one: per operation a sequential load, the slot, and the call.
 */
#define _DEFAULT_SOURCE /* sched_yield */
#include "engine/replay.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op_level.h"

/* Spins before a waiting thread lets another one have its core. */
#define SPIN_LIMIT 100000u

static void count_sleep(struct pl_cpu *cpu, const char *where, void *argument)
{
    struct replay *replay = argument;
    (void)cpu;
    (void)where;
    atomic_fetch_add_explicit(&replay->sleeps, 1, memory_order_relaxed);
}

int replay_init(struct replay *replay, const struct op *ops, size_t op_count, uint32_t slot_count,
                struct admission *admission, struct native_machine *native, bool parallel)
{
    memset(replay, 0, sizeof(*replay));
    replay->ops = ops;
    replay->op_count = op_count;
    replay->slot_count = slot_count;
    replay->admission = admission;
    replay->native = native;
    native_watch_sleep(native, count_sleep, replay);
    replay->runs = calloc((size_t)slot_count + 1, sizeof(*replay->runs));
    if (replay->runs == NULL)
        return -1;
    if (!parallel)
        return 0;
    replay->turns = calloc((size_t)slot_count + 1, sizeof(*replay->turns));
    replay->tickets = calloc(op_count + 1, sizeof(*replay->tickets));
    uint32_t *next = calloc((size_t)slot_count + 1, sizeof(*next));
    if (replay->turns == NULL || replay->tickets == NULL || next == NULL) {
        free(next);
        replay_fini(replay);
        return -1;
    }
    for (size_t i = 0; i < op_count; i++)
        replay->tickets[i] = next[ops[i].slot]++;
    free(next);
    return 0;
}

void replay_fini(struct replay *replay)
{
    if (replay->native != NULL)
        native_watch_sleep(replay->native, NULL, NULL);
    free(replay->runs);
    free(replay->turns);
    free(replay->tickets);
    memset(replay, 0, sizeof(*replay));
}

/* One operation; returns 1 if it was an allocation that failed. */
PL_INLINE unsigned replay_op(struct replay *replay, const struct op *op, struct pl_cpu *cpu)
{
    struct pl_run *run = &replay->runs[op->slot];
    op_level(cpu, op);
    if (op->kind == OP_ALLOC) {
        struct pl_request request = {
            .order = op->order,
            .alloc_class = op->alloc_class,
            .mobility = op->mobility,
            .node = PL_NODE_ANY,
            .flags = op->flags & OP_FLAG_ZERO ? PL_REQUEST_ZERO : 0,
        };
        if (PL_LIKELY(admission_alloc(replay->admission, cpu, &request, run) == PL_OK))
            return 0;
        run->frame_count = 0;
        return 1;
    }
    if (PL_LIKELY(run->frame_count != 0)) {
        (void)admission_free(replay->admission, cpu, run);
        run->frame_count = 0;
    }
    return 0;
}

static void all_levels_end(struct replay *replay)
{
    for (uint32_t i = 0; i < native_machine_view(replay->native)->cpu_count; i++)
        op_level_end(native_machine_view(replay->native)->cpus[i]);
}

void replay_serial(struct replay *replay)
{
    struct pl_cpu *const *cpus = native_machine_view(replay->native)->cpus;
    uint64_t failures = 0;
    for (size_t i = 0; i < replay->op_count; i++) {
        /* Grants are scattered over the slots: the line is asked for a few operations ahead. */
        if (i + 8 < replay->op_count)
            PL_PREFETCH(&replay->runs[replay->ops[i + 8].slot]);
        failures += replay_op(replay, &replay->ops[i], cpus[replay->ops[i].cpu]);
    }
    all_levels_end(replay);
    replay->failures += failures;
}

void replay_watched(struct replay *replay, struct replay_watch *watch)
{
    struct pl_cpu *const *cpus = native_machine_view(replay->native)->cpus;
    for (size_t i = 0; i < replay->op_count; i++) {
        const struct op *op = &replay->ops[i];
        if (i + 8 < replay->op_count)
            PL_PREFETCH(&replay->runs[replay->ops[i + 8].slot]);
        uint64_t before = watch->clock();
        replay->failures += replay_op(replay, op, cpus[op->cpu]);
        watch->done(watch, op, watch->clock() - before);
    }
    all_levels_end(replay);
}

uint64_t replay_release(struct replay *replay)
{
    struct pl_cpu *cpu = native_cpu(replay->native, 0);
    uint64_t released = 0;
    for (uint32_t slot = 0; slot < replay->slot_count; slot++) {
        struct pl_run *run = &replay->runs[slot];
        if (run->frame_count == 0)
            continue;
        (void)admission_free(replay->admission, cpu, run);
        run->frame_count = 0;
        released++;
    }
    return released;
}

static void parallel_thread(struct pl_cpu *cpu, void *argument)
{
    struct replay *replay = argument;
    uint64_t failures = 0;
    for (size_t i = 0; i < replay->op_count; i++) {
        const struct op *op = &replay->ops[i];
        if (op->cpu != cpu->id)
            continue;
        atomic_uint *turn = &replay->turns[op->slot];
        for (unsigned spins = 1; atomic_load_explicit(turn, memory_order_acquire) != replay->tickets[i];
             spins++) {
            pl_relax(cpu);
            if (spins % SPIN_LIMIT == 0)
                sched_yield();
        }
        failures += replay_op(replay, op, cpu);
        atomic_store_explicit(turn, replay->tickets[i] + 1, memory_order_release);
    }
    op_level_end(cpu);
    atomic_fetch_add_explicit(&replay->parallel_failures, failures, memory_order_relaxed);
}

int replay_parallel(struct replay *replay)
{
    for (uint32_t slot = 0; slot < replay->slot_count; slot++)
        atomic_store_explicit(&replay->turns[slot], 0, memory_order_relaxed);
    atomic_store_explicit(&replay->parallel_failures, 0, memory_order_relaxed);
    uint32_t cpu_count = native_machine_view(replay->native)->cpu_count;
    if (native_run_on_cpus(replay->native, cpu_count, parallel_thread, replay) != 0)
        return -1;
    replay->failures += atomic_load_explicit(&replay->parallel_failures, memory_order_relaxed);
    return 0;
}
