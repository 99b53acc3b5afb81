/* The simulated platform's table of services. A wait is a turn for somebody else: it may return early. */
#include "platform/sim/sim_internal.h"

#include <stdio.h>
#include <stdlib.h>

static PL_NORETURN void sim_panic(struct pl_cpu *cpu, const char *words)
{
    fprintf(stderr, "pagelab: panic on CPU %u: %s\n", cpu->id, words);
    abort();
}

static void sim_relax(struct pl_cpu *cpu)
{
    (void)cpu;
    sim_now.relaxes++;
    sim_step();
}

/* Nobody raises interrupts here. */
static void sim_deliver(struct pl_cpu *cpu)
{
    atomic_store_explicit(&cpu->pending, 0, memory_order_relaxed);
}

static void sim_might_sleep(struct pl_cpu *cpu, const char *where)
{
    (void)where;
    if (cpu->no_sleep_depth != 0)
        sim_panic(cpu, "a call that was promised not to sleep could sleep (X-5)");
}

static void sim_wait(struct pl_cpu *cpu, const atomic_uint *word, uint32_t expected)
{
    sim_might_sleep(cpu, "wait");
    cpu->sleeps++;
    if (atomic_load_explicit(word, memory_order_relaxed) == expected)
        sim_step();
}

static void sim_wake(struct pl_cpu *cpu, const atomic_uint *word, uint32_t count)
{
    (void)cpu;
    (void)word;
    (void)count;
}

const struct pl_platform sim_platform = {
    .bytes = sizeof(struct pl_platform),
    .abi = PL_ABI,
    .name = "sim",
    .relax = sim_relax,
    .deliver = sim_deliver,
    .wait = sim_wait,
    .wake = sim_wake,
    .might_sleep = sim_might_sleep,
    .panic = sim_panic,
};
