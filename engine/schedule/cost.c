/* See cost.h. */
#include "engine/schedule/cost.h"

#include <string.h>

const char *const cost_names[COST_KINDS] = {"accesses", "locked", "retries"};

static struct sim_own less(struct sim_own from, const struct sim_own *what)
{
    from.accesses -= what->accesses;
    from.locked -= what->locked;
    from.cas_failed -= what->cas_failed;
    return from;
}

static uint32_t operation_of(const struct cost *cost, const struct pl_cpu *cpu)
{
    if (cost->bare)
        return cost->schedule->runner.at;
    const struct schedule_cpu *self = &cost->schedule->cpus[cpu->id];
    return self->depth == 0 ? SCHEDULE_NO_OP : self->calls[self->depth - 1].op;
}

static void on_enter(void *argument, struct pl_cpu *cpu, enum tap_hook hook)
{
    struct cost *cost = argument;
    uint32_t depth = cost->depth[cpu->id]++;
    (void)hook;
    if (depth >= COST_DEPTH)
        return;
    cost->open[cpu->id][depth].inner = (struct sim_own){0};
    cost->open[cpu->id][depth].begin = sim_own_counts();
}

static void keep(struct cost *cost, const struct cost_call *call)
{
    uint64_t *most = cost->most[2u * (uint32_t)call->hook + (call->granted ? 1u : 0u)];
    for (uint32_t kind = 0; kind < COST_KINDS; kind++) {
        if (call->counts[kind] > most[kind])
            most[kind] = call->counts[kind];
        if (call->counts[kind] > cost->worst[kind].counts[kind])
            cost->worst[kind] = *call;
    }
}

static void on_leave(void *argument, struct pl_cpu *cpu, enum tap_hook hook, enum pl_status status)
{
    struct cost *cost = argument;
    struct sim_own now = sim_own_counts();
    uint32_t depth = --cost->depth[cpu->id];
    if (depth >= COST_DEPTH)
        return;
    struct sim_own whole = less(now, &cost->open[cpu->id][depth].begin);
    struct sim_own own = less(whole, &cost->open[cpu->id][depth].inner);
    const struct cost_call call = {
        .call = cost->calls++,
        .op = operation_of(cost, cpu),
        .hook = hook,
        .granted = status == PL_OK,
        .counts =
            {[COST_ACCESSES] = own.accesses, [COST_LOCKED] = own.locked, [COST_RETRIES] = own.cas_failed},
    };
    if (depth > 0) {
        struct sim_own *outer = &cost->open[cpu->id][depth - 1].inner;
        outer->accesses += whole.accesses;
        outer->locked += whole.locked;
        outer->cas_failed += whole.cas_failed;
    }
    keep(cost, &call);
}

void cost_watch(struct cost *cost, struct schedule *schedule)
{
    struct tap_listener listener = {on_enter, on_leave, cost};
    memset(cost, 0, sizeof(*cost));
    cost->schedule = schedule;
    instance_set_tap(&schedule->runner.instance, &cost->tap, &listener);
}

void cost_begin(struct cost *cost, bool bare)
{
    cost->bare = bare;
    cost->calls = 0;
    memset(cost->most, 0, sizeof(cost->most));
    memset(cost->worst, 0, sizeof(cost->worst));
    memset(cost->depth, 0, sizeof(cost->depth)); /* a run that was stopped has calls that never end */
}

uint32_t cost_bucket(uint64_t count)
{
    if (count < 4)
        return (uint32_t)count;
    uint32_t log = 63u - PL_CLZ64(count);
    uint32_t bucket = 4u * (log - 1u) + (uint32_t)(count >> (log - 2u) & 3u);
    return bucket < COST_BUCKETS - 1u ? bucket : COST_BUCKETS - 1u;
}

void cost_mark(const struct cost *cost, uint8_t *counters)
{
    const uint64_t *most = &cost->most[0][0];
    for (uint32_t i = 0; i < COST_CELLS * COST_KINDS; i++)
        memset(counters + (size_t)i * COST_BUCKETS, 1, cost_bucket(most[i]));
}
