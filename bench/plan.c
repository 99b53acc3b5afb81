/* See plan.h. */
#include "bench/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/workload.h"

#define SYSTEMS_TIME_SHARE (1.0 / 3)
#define TAIL_TIME_S        1.0 /* 200,000 arrivals: 20 of them are the last 0.01 percent */
#define TAIL_QUICK_TIME_S  0.2
/* In each round instead: 30,000 arrivals have 30 above their p99.9, and rounds say how well it repeats. */
#define TAIL_ROUND_TIME_S       0.3
#define TAIL_QUICK_ROUND_TIME_S 0.15
#define TWIN_ROD                "magazine"

static int plan_add(struct plan *plan, const struct plan_options *options, const struct cell_params *cell,
                    const char *backend)
{
    if (plan->cell_count == plan->cell_capacity) {
        size_t capacity = plan->cell_capacity == 0 ? 64 : plan->cell_capacity * 2;
        struct cell_params *cells = realloc(plan->cells, capacity * sizeof(*cells));
        if (cells == NULL)
            return -1;
        plan->cells = cells;
        plan->cell_capacity = capacity;
    }
    struct cell_params *added = &plan->cells[plan->cell_count++];
    *added = *cell;
    snprintf(added->backend, sizeof(added->backend), "%s", backend);
    added->admission = options->admission;
    added->smoke = options->smoke;
    added->own_floors = options->own_floors;
    added->floors = options->floors;
    added->min_time_s = options->min_time_s;
    added->memory_bytes = options->memory_bytes;
    return 0;
}

static bool is_named(const struct plan_options *options, const char *name)
{
    for (size_t i = 0; i < options->spec_count; i++) {
        if (strcmp(options->specs[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The clock on the schedule of this workload, once in a plan. */
static int plan_clock(struct plan *plan, const struct plan_options *options, const struct workload *workload,
                      const struct cell_params *like)
{
    const struct workload *clock = workload_clock_of(workload);
    struct cell_params cell = *like;
    if (clock == NULL || !options->rods)
        return 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (strcmp(plan->cells[i].workload, clock->name) == 0)
            return 0;
    }
    snprintf(cell.workload, sizeof(cell.workload), "%s", clock->name);
    return plan_add(plan, options, &cell, "null");
}

/* Not where a cell is long, or is more than one time. */
static bool takes_twin(const struct workload *workload)
{
    static const char *const sections[] = {SECTION_FRAMES, SECTION_SYSTEMS, SECTION_SERVICES};
    if (workload == NULL || (workload->takes_trace && !workload->is_replay) ||
        strcmp(workload->name, "age") == 0)
        return false;
    for (size_t i = 0; i < PL_COUNT_OF(sections); i++) {
        if (strcmp(workload->section, sections[i]) == 0)
            return true;
    }
    return false;
}

/* The candidate that is measured twice. */
static size_t twin_of(const struct plan_options *options)
{
    for (size_t i = 0; i < options->spec_count; i++) {
        if (strcmp(options->specs[i].name, "percpu+buddy") == 0)
            return i;
    }
    return 0;
}

static int plan_twin(struct plan *plan, const struct plan_options *options, const struct cell_params *cell,
                     const char *backend)
{
    struct cell_params twin = *cell;
    twin.twin = true;
    return plan_add(plan, options, &twin, backend);
}

/* The specs; where a twin is due, it is as far from its original as candidates are from each other. */
static int plan_specs(struct plan *plan, const struct plan_options *options, const struct cell_params *cell,
                      bool twin)
{
    const char *name = twin ? options->specs[twin_of(options)].name : NULL;
    bool early = twin && twin_of(options) >= (options->spec_count + 1) / 2;
    if (early && plan_twin(plan, options, cell, name) != 0)
        return -1;
    for (size_t i = 0; i < options->spec_count; i++) {
        if (plan_add(plan, options, cell, options->specs[i].name) != 0)
            return -1;
    }
    return twin && !early ? plan_twin(plan, options, cell, name) : 0;
}

int plan_workload(struct plan *plan, const struct plan_options *options, const struct cell_params *cell)
{
    static const char *const rods[] = {"null", "magazine"};
    const struct workload *workload = workload_find(cell->workload);
    const char *section = workload == NULL ? SECTION_FRAMES : workload->section;
    if (workload != NULL && plan_clock(plan, options, workload, cell) != 0)
        return -1;
    for (size_t i = 0; i < PL_COUNT_OF(rods) && options->rods; i++) {
        if (section_has_rod(section, rods[i]) && !is_named(options, rods[i]) &&
            plan_add(plan, options, cell, rods[i]) != 0)
            return -1;
    }
    bool twin = options->twin && options->spec_count != 0 && takes_twin(workload);
    if (plan_specs(plan, options, cell, twin) != 0)
        return -1;
    /* The rod's twin is cheap, and doubles what is known. */
    return twin && options->rods && section_has_rod(section, TWIN_ROD) && !is_named(options, TWIN_ROD)
               ? plan_twin(plan, options, cell, TWIN_ROD)
               : 0;
}

/* Once: what comes of a life is the same each time, and it is long; recordings take longest. */
static int plan_ages(struct plan *plan, const struct plan_options *options)
{
    struct cell_params cell = {.cpus = 1, .operations = options->age_operations, .once = true};
    snprintf(cell.workload, sizeof(cell.workload), "age");
    int result = plan_workload(plan, options, &cell);
    size_t count = options->extras_once ? 0 : options->trace_count;
    for (size_t t = 0; result == 0 && t < count; t++) {
        snprintf(cell.workload, sizeof(cell.workload), "age:%s", options->traces[t]);
        result = plan_workload(plan, options, &cell);
    }
    return result;
}

static int plan_calibrations(struct plan *plan, const struct plan_options *options)
{
    static const char *const names[] = {"calibrate-calls", "calibrate-cas"};
    struct plan_options own = *options;
    own.memory_bytes = 0; /* what they time is no machine */
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct cell_params cell = {.cpus = 1};
        snprintf(cell.workload, sizeof(cell.workload), "%s", names[i]);
        if (plan_add(plan, &own, &cell, "null") != 0)
            return -1;
    }
    return 0;
}

int plan_rods_check(struct plan *plan, const struct plan_options *options)
{
    struct cell_params cell = {.cpus = 1};
    snprintf(cell.workload, sizeof(cell.workload), "repeat");
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell_params *have = &plan->cells[i];
        if (strcmp(have->workload, cell.workload) == 0 && have->order == 0 && have->cpus == 1)
            return plan_calibrations(plan, options);
    }
    struct plan_options rods_only = *options;
    rods_only.spec_count = 0;
    return plan_calibrations(plan, options) != 0 ? -1 : plan_workload(plan, &rods_only, &cell);
}

/* Every call of a system that is measured, on one size each, and on one CPU. */
static int plan_systems(struct plan *plan, const struct plan_options *options)
{
    struct plan_options shorter = *options;
    shorter.min_time_s *= SYSTEMS_TIME_SHARE;
    for (size_t i = 0; workloads[i] != NULL; i++) {
        struct cell_params cell = {
            .order = workloads[i]->default_order, .cpus = 1, .once = options->extras_once};
        if (strcmp(workloads[i]->section, SECTION_SYSTEMS) != 0)
            continue;
        snprintf(cell.workload, sizeof(cell.workload), "%s", workloads[i]->name);
        if (plan_workload(plan, &shorter, &cell) != 0)
            return -1;
    }
    return 0;
}

/* Is it in a short run, too? */
static bool is_brief_tail(const char *name)
{
    static const char *const names[] = {"irq-preempt", "nosleep-floor", "masked-time"};
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

/* Does a decision look at its p99.9 in the profiles that are shipped? */
static bool decides_tail(const char *name)
{
    return strcmp(name, "irq-preempt") == 0 || strcmp(name, "nosleep-floor") == 0;
}

static double tail_time(bool once, bool quick)
{
    return once ? (quick ? TAIL_QUICK_TIME_S : TAIL_TIME_S)
                : (quick ? TAIL_QUICK_ROUND_TIME_S : TAIL_ROUND_TIME_S);
}

/* Once, and longer instead: the last 0.01 percent take many arrivals; but those that decide in each round,
 * for one round does not say how well a p99.9 repeats. And what masking and labelled points cost on this
 * machine, on the null rod. */
static int plan_tail(struct plan *plan, const struct plan_options *options)
{
    static const char *const levels[] = {"calibrate-mask", "calibrate-point"};
    struct plan_options own = *options;
    struct cell_params cell = {.cpus = 1, .once = true};
    for (size_t i = 0; workloads[i] != NULL; i++) {
        if (strcmp(workloads[i]->section, SECTION_TAIL) != 0 ||
            (options->extras_once && !is_brief_tail(workloads[i]->name)))
            continue;
        cell.once = !decides_tail(workloads[i]->name);
        own.min_time_s = tail_time(cell.once, options->extras_once);
        snprintf(cell.workload, sizeof(cell.workload), "%s", workloads[i]->name);
        if (plan_workload(plan, &own, &cell) != 0)
            return -1;
    }
    cell.once = true;
    own.min_time_s = tail_time(true, options->extras_once);
    for (size_t i = 0; i < PL_COUNT_OF(levels) && options->rods; i++) {
        snprintf(cell.workload, sizeof(cell.workload), "%s", levels[i]);
        if (plan_add(plan, &own, &cell, "null") != 0)
            return -1;
    }
    return 0;
}

/* Once: what is counted is the same each time, and the times are medians already. */
static int plan_worst(struct plan *plan, const struct plan_options *options)
{
    struct plan_options own = *options;
    struct cell_params cell = {.cpus = 1, .once = true};
    own.memory_bytes = 0; /* the machine is the stored program's */
    own.min_time_s = options->extras_once ? TAIL_QUICK_TIME_S : TAIL_TIME_S;
    for (size_t i = 0; i < WORKLOADS_WORST - (options->extras_once ? 1 : 0); i++) {
        snprintf(cell.workload, sizeof(cell.workload), "%s", workloads_worst[i].name);
        if (plan_workload(plan, &own, &cell) != 0)
            return -1;
    }
    return 0;
}

int plan_matrix(struct plan *plan, const struct plan_options *options)
{
    static const char *const names[] = {"repeat", "bulk", "replace", "remote"};
    static const unsigned orders[] = {0, 9};
    if (options->rods && plan_calibrations(plan, options) != 0)
        return -1;
    for (size_t w = 0; w < PL_COUNT_OF(names); w++) {
        for (size_t o = 0; o < PL_COUNT_OF(orders); o++) {
            for (unsigned cpus = 1; cpus <= 2; cpus++) {
                struct cell_params cell = {
                    .order = orders[o], .cpus = cpus, .once = options->extras_once && orders[o] != 0};
                snprintf(cell.workload, sizeof(cell.workload), "%s", names[w]);
                if (plan_workload(plan, options, &cell) != 0)
                    return -1;
            }
        }
    }
    for (size_t t = 0; t < options->trace_count; t++) {
        struct cell_params cell = {.cpus = 1, .once = options->extras_once};
        snprintf(cell.workload, sizeof(cell.workload), "replay:%s", options->traces[t]);
        if (plan_workload(plan, options, &cell) != 0)
            return -1;
    }
    if (plan_ages(plan, options) != 0 || plan_systems(plan, options) != 0)
        return -1;
    return plan_tail(plan, options) != 0 ? -1 : plan_worst(plan, options);
}

void plan_fini(struct plan *plan)
{
    free(plan->cells);
    memset(plan, 0, sizeof(*plan));
}
