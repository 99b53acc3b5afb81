/* The chooser that draws, and counting with it. */
#include "platform/sim/sim_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* xorshift64 */
static uint64_t next_random(struct sim_random *random)
{
    uint64_t x = random->state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return random->state = x;
}

static uint32_t below(struct sim_random *random, uint32_t limit)
{
    return (uint32_t)((next_random(random) >> 32) * limit >> 32);
}

static uint64_t random_arm(struct sim_chooser *chooser, uint32_t cpu, uint64_t own)
{
    struct sim_random *random = (struct sim_random *)chooser;
    (void)cpu;
    (void)own;
    return random->mean == 1 ? 1 : 1 + below(random, 2 * random->mean - 1);
}

static struct sim_choice random_choose(struct sim_chooser *chooser, const struct sim_moment *moment)
{
    struct sim_random *random = (struct sim_random *)chooser;
    if (moment->place == SIM_AT_POINT && random->interrupt_one_in != 0 &&
        below(random, random->interrupt_one_in) == 0)
        return (struct sim_choice){SIM_INTERRUPT, moment->cpu};
    if (moment->place == SIM_AT_BOUNDARY)
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    uint64_t left = moment->runnable;
    for (uint32_t drop = below(random, PL_POPCOUNT64(left)); drop > 0; drop--)
        left &= left - 1;
    return (struct sim_choice){SIM_SWITCH, PL_CTZ64(left)};
}

void sim_random_init(struct sim_random *random, uint64_t seed, uint32_t mean, uint32_t interrupt_one_in)
{
    *random = (struct sim_random){
        .chooser = {random_arm, random_choose},
        .state = seed | 1, /* xorshift has no way out of 0 */
        .mean = mean == 0 ? 1 : mean,
        .interrupt_one_in = interrupt_one_in,
    };
}

int sim_run(struct native_machine *native, uint32_t cpu_count, sim_thread *function, void *argument,
            uint64_t seed, struct sim_counts *counts)
{
    struct sim *sim = sim_new(cpu_count);
    struct sim_random random;
    struct sim_report *report = malloc(sizeof(*report));
    if (sim == NULL || report == NULL) {
        sim_delete(sim);
        free(report);
        return -1;
    }
    sim_random_init(&random, seed, 1, 0);
    /* Whoever counts has no limit: a spin loop of 64 CPUs may well relax for long. */
    const struct sim_setup setup = {
        .native = native,
        .cpu_count = cpu_count,
        .function = function,
        .argument = argument,
        .chooser = &random.chooser,
        .relax_limit = UINT32_MAX,
        .patience = UINT64_MAX,
        .atomics_only = true,
    };
    enum sim_end end = sim_go(sim, &setup, report);
    *counts = sim_now;
    if (end != SIM_DONE) {
        fprintf(stderr, "pagelab: %s on CPU %u: %s\n", sim_end_names[end], report->cpu, report->words);
        abort();
    }
    sim_delete(sim);
    free(report);
    return 0;
}
