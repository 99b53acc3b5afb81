/* Counts of one virtual CPU: what was counted since the turn before is of whoever had it. */
#include "platform/sim/sim_internal.h"

static struct sim_own all_own(void)
{
    return (struct sim_own){
        .accesses = sim_now.plain + sim_now.loads + sim_now.stores + sim_now.locked,
        .locked = sim_now.locked,
        .cas_failed = sim_now.cas_failed,
    };
}

static void add_since(struct sim_own *sum, const struct sim_own *now, const struct sim_own *before)
{
    sum->accesses += now->accesses - before->accesses;
    sum->locked += now->locked - before->locked;
    sum->cas_failed += now->cas_failed - before->cas_failed;
}

void sim_own_settle(struct sim *sim)
{
    struct sim_own now = all_own();
    add_since(&sim_self(sim)->counted, &now, &sim->counted);
    sim->counted = now;
}

struct sim_own sim_own_counts(void)
{
    struct sim_own now = all_own();
    if (sim_running == NULL)
        return now;
    struct sim_own own = sim_self(sim_running)->counted;
    add_since(&own, &now, &sim_running->counted);
    return own;
}
