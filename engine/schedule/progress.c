/* See progress.h. Two CPUs allocate and free, orders 0 and 1. First CPU 0 is stopped before each of its
 * accesses, once a run, and CPU 1 has to come to its end without it. Then CPU 1 does one operation each few
 * accesses of CPU 0, which has to come to its end all the same. */
#include "engine/schedule/progress.h"

#include <stdio.h>
#include <string.h>

#include "engine/instance.h"

#define FRAMES      256u
#define RETRIES     2000u /* of CPU 1, until it counts as held up */
#define POINTS_MOST 20000u
#define STEPS       8u /* CPU 1 comes each 1, 2 .. 8 accesses */
#define OPS         8u
#define FOREVER     2000u /* operations of CPU 1 in one call of CPU 0 */

const char *const progress_names[PROGRESS_CLASSES] = {"blocking", "lock-free", "wait-free"};

struct trial {
    struct sim_chooser chooser;
    struct sim_watch watch;
    const struct pl_page *page;
    struct sim *sim;
    struct native_machine *native;
    struct sim_report report;
    uint64_t stop_at; /* point of CPU 0 at which it is stopped; 0: it is starved */
    uint32_t step;    /* points between two operations of CPU 1 */
    uint64_t own;     /* of CPU 0, when it was left last */
    uint64_t retries; /* of CPU 1 while CPU 0 stood */
    uint64_t intrusions;
    uint64_t longest; /* operations of CPU 1 within one of CPU 0 */
    uintptr_t stopped;
    uintptr_t held_up;
    bool reached;
    bool blocked;
    bool done; /* CPU 0 has returned */
};

/* --- stopped --- */

static uint64_t stop_arm(struct sim_chooser *chooser, uint32_t cpu, uint64_t own)
{
    const struct trial *trial = (const struct trial *)chooser;
    return cpu != 0 || trial->reached || own >= trial->stop_at ? SIM_NO_EVENT : trial->stop_at - own;
}

static struct sim_choice stop_choose(struct sim_chooser *chooser, const struct sim_moment *moment)
{
    struct trial *trial = (struct trial *)chooser;
    struct sim_choice stay = {SIM_GO_ON, moment->cpu};
    switch (moment->place) {
    case SIM_AT_START:
        return (struct sim_choice){SIM_SWITCH, 0};
    case SIM_AT_POINT:
        trial->reached = true;
        trial->stopped = moment->pc;
        return (struct sim_choice){SIM_SWITCH, 1};
    case SIM_AT_RELAX:
        if (moment->cpu == 0 || trial->blocked)
            return sim_choose_round(moment);
        trial->blocked = ++trial->retries >= RETRIES;
        trial->held_up = moment->pc;
        return stay;
    case SIM_AT_BOUNDARY:
        return stay;
    default:
        return sim_choose_round(moment);
    }
}

/* Whoever runs for long without finishing spins without saying so. */
static void stop_turn(struct sim_watch *watch, enum sim_place place, uint32_t from, uintptr_t from_pc,
                      uint32_t to, uintptr_t to_pc)
{
    struct trial *trial = (struct trial *)((char *)watch - offsetof(struct trial, watch));
    (void)to;
    (void)to_pc;
    if (place != SIM_AT_PATIENCE || from != 1)
        return;
    trial->blocked = true;
    trial->held_up = from_pc;
}

/* --- starved --- */

static uint64_t starve_arm(struct sim_chooser *chooser, uint32_t cpu, uint64_t own)
{
    struct trial *trial = (struct trial *)chooser;
    (void)own;
    return cpu == 0 && trial->intrusions < FOREVER ? trial->step : SIM_NO_EVENT;
}

static struct sim_choice starve_choose(struct sim_chooser *chooser, const struct sim_moment *moment)
{
    struct trial *trial = (struct trial *)chooser;
    if (moment->place == SIM_AT_START)
        return (struct sim_choice){SIM_SWITCH, 0};
    if (moment->place == SIM_AT_POINT) {
        trial->stopped = moment->pc;
        return (struct sim_choice){SIM_SWITCH, 1};
    }
    if (moment->place == SIM_AT_BOUNDARY && moment->cpu == 1 && !trial->done) {
        if (++trial->intrusions > trial->longest)
            trial->longest = trial->intrusions;
        return (struct sim_choice){SIM_SWITCH, 0};
    }
    if (moment->place == SIM_AT_BOUNDARY) {
        trial->intrusions = 0;
        return (struct sim_choice){SIM_GO_ON, moment->cpu};
    }
    return sim_choose_round(moment);
}

/* --- what they do --- */

static void work(struct pl_cpu *cpu, void *argument)
{
    struct trial *trial = argument;
    const struct pl_page *page = trial->page;
    struct pl_run held[OPS];
    uint32_t count = 0;
    bool starver = cpu->id == 1 && trial->stop_at == 0;
    for (uint32_t i = 0; i < OPS || (starver && !trial->done); i++) {
        /* Two of each in turn: one allocation and one free would leave all as it was. */
        struct pl_request request = {.order = (uint8_t)(i / 4 % 2), .node = PL_NODE_ANY};
        if (i % 4 < 2 && count < OPS) {
            if (page->ops->alloc(page->self, cpu, &request, &held[count]) == PL_OK)
                count++;
        } else if (count > 0) {
            (void)page->ops->free(page->self, cpu, &held[--count]);
        }
        sim_boundary(cpu);
    }
    if (cpu->id == 0)
        trial->done = true;
}

/* False: the candidate failed in a way that is no matter of progress. */
static bool go(struct trial *trial)
{
    const struct sim_setup setup = {
        .native = trial->native,
        .cpu_count = 2,
        .function = work,
        .argument = trial,
        .chooser = &trial->chooser,
        .watch = &trial->watch,
        .relax_limit = UINT32_MAX,
        .patience = UINT64_MAX,
    };
    trial->reached = trial->blocked = trial->done = false;
    trial->retries = trial->intrusions = trial->longest = 0;
    return sim_go(trial->sim, &setup, &trial->report) == SIM_DONE;
}

static enum pl_status measure(struct instance *instance, struct trial *trial, struct progress *progress)
{
    enum pl_status status = PL_OK;
    trial->chooser = (struct sim_chooser){stop_arm, stop_choose};
    trial->watch = (struct sim_watch){.turn = stop_turn};
    do {
        status = instance_reset(instance);
        trial->stop_at = progress->points + 1;
        if (status != PL_OK)
            return status;
        if (!go(trial))
            return PL_REFUSED;
        if (trial->blocked && progress->blocking++ == 0) {
            progress->stopped = trial->stopped;
            progress->held_up = trial->held_up;
        }
        progress->points += trial->reached;
    } while (trial->reached && progress->points < POINTS_MOST);
    if (progress->blocking != 0) {
        progress->class = PROGRESS_BLOCKING;
        return PL_OK;
    }
    progress->class = PROGRESS_WAIT_FREE;
    trial->chooser = (struct sim_chooser){starve_arm, starve_choose};
    trial->watch = (struct sim_watch){0};
    trial->stop_at = 0;
    for (trial->step = 1; trial->step <= STEPS && progress->class == PROGRESS_WAIT_FREE; trial->step++) {
        status = instance_reset(instance);
        if (status != PL_OK)
            return status;
        if (!go(trial))
            return PL_REFUSED;
        if (trial->longest < FOREVER)
            continue;
        progress->class = PROGRESS_LOCK_FREE;
        progress->retried = trial->longest;
        progress->stopped = trial->stopped;
    }
    return PL_OK;
}

int progress_measure(const struct spec *spec, struct sim *sim, struct progress *progress,
                     struct spec_error *error)
{
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 2};
    struct instance instance;
    struct trial trial = {.sim = sim};
    memset(progress, 0, sizeof(*progress));
    shape.contents = spec_needs_contents(spec);
    shape.contents_alignment = spec_base(spec)->arena_alignment;
    trial.native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (trial.native == NULL)
        return -1;
    enum pl_status status = instance_init(&instance, spec, native_machine_view(trial.native), true, error);
    if (status == PL_OK) {
        trial.page = &instance.page;
        bool able = (instance.caps & PL_CAP_CONCURRENT) != 0;
        if (able)
            status = measure(&instance, &trial, progress);
        if (!able || status != PL_OK)
            snprintf(error->text, sizeof(error->text), "n/a (capability): %s",
                     !able                  ? "not concurrent"
                     : status == PL_REFUSED ? trial.report.words
                                            : pl_status_name(status));
        instance_fini(&instance);
        status = able ? status : PL_UNSUPPORTED;
    }
    native_machine_delete(trial.native);
    return status == PL_OK ? 0 : -1;
}
