/* What the workloads share; see workload.h. */
#include "bench/workloads/workload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct workload *const workloads[] = {
    &workload_repeat,       &workload_bulk,         &workload_replace,
    &workload_remote,       &workloads_vm_alloc[0], &workloads_vm_alloc[1],
    &workloads_vm_alloc[2], &workloads_vm_alloc[3], &workloads_vm_alloc[4],
    &workloads_vm_alloc[5], &workloads_area[0],     &workloads_area[1],
    &workloads_orb[0],      &workloads_orb[1],      &workloads_buffer[0],
    &workloads_buffer[1],   &workloads_buffer[2],   &workloads_buffer[3],
    &workloads_buffer[4],   &workloads_buffer[5],   &workloads_space[0],
    &workloads_space[1],    &workloads_space[2],    &workloads_space[3],
    &workloads_tables[0],   &workloads_tables[1],   &workloads_tables[2],
    &workloads_plan[0],     &workloads_plan[1],     &workloads_plan[2],
    &workloads_programs[0], &workloads_programs[1], &workloads_irq[0],
    &workloads_irq[1],      &workloads_irq[2],      &workloads_irq[3],
    &workloads_nosleep[0],  &workloads_nosleep[1],  &workloads_nosleep[2],
    &workloads_nosleep[3],  &workloads_nosleep[4],  &workloads_nosleep[5],
    &workloads_masked[0],   &workloads_masked[1],   &workloads_worst[0],
    &workloads_worst[1],    &workloads_worst[2],    &workload_age,
    &workload_age_trace,    &workload_replay,       NULL,
};

/* Measured beside the others; named by nobody but who wants to see them alone. */
static const struct workload *const calibrations[] = {
    &workload_calls,     &workload_cas,       &workloads_clock[0],
    &workloads_clock[1], &workloads_level[0], &workloads_level[1],
};

const char *workload_file(const char *name)
{
    static const char *const starts[] = {"replay:", "age:"};
    for (size_t i = 0; i < PL_COUNT_OF(starts); i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return name + strlen(starts[i]);
    }
    return NULL;
}

const struct workload *workload_find(const char *name)
{
    if (workload_file(name) != NULL)
        return name[0] == 'r' ? &workload_replay : &workload_age_trace;
    for (size_t i = 0; workloads[i] != NULL; i++) {
        if (!workloads[i]->takes_trace && strcmp(workloads[i]->name, name) == 0)
            return workloads[i];
    }
    for (size_t i = 0; i < PL_COUNT_OF(calibrations); i++) {
        if (strcmp(calibrations[i]->name, name) == 0)
            return calibrations[i];
    }
    return NULL;
}

/* Where frames hold somebody's objects, a rod that gives the same ones to everybody is none; services are
 * held against each other, and the harness and a program that is one candidate's own have no rod at all. */
bool section_has_rod(const char *section, const char *rod)
{
    if (strcmp(section, SECTION_SYSTEMS) == 0)
        return strcmp(rod, "magazine") == 0;
    return strcmp(section, SECTION_HARNESS) != 0 && strcmp(section, SECTION_SERVICES) != 0 &&
           strcmp(section, SECTION_WORST) != 0;
}

void workload_count(struct cell *cell, const char *name, double value)
{
    unsigned at = 0;
    while (at < cell->counter_count && strcmp(cell->counters[at].name, name) != 0)
        at++;
    if (at == CELL_COUNTER_LIMIT)
        return;
    if (at == cell->counter_count)
        cell->counter_count++;
    cell->counters[at].name = name;
    cell->counters[at].value = value;
}

struct cell_thread *workload_thread(struct cell *cell, const struct lb_state *state)
{
    struct cell_thread *thread = &cell->threads[lb_thread_index(state)];
    /* libbench starts new threads for each run, except for thread 0, which is the caller's. */
    if (lb_thread_count(state) > 1 || !thread->pinned)
        (void)native_pin_self(thread->cpu->id);
    thread->pinned = true;
    thread->failures = 0;
    return thread;
}

struct pl_request workload_request(const struct cell *cell)
{
    return (struct pl_request){.order = (uint8_t)cell->params.order, .node = PL_NODE_ANY};
}

bool workload_cannot(struct cell *cell, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(cell->reason, sizeof(cell->reason), format, args);
    va_end(args);
    cell->cannot = true;
    return false;
}

bool workload_hold(struct cell *cell, size_t count)
{
    for (unsigned i = 0; i < cell->params.cpus; i++) {
        cell->threads[i].runs = calloc(count + 1, sizeof(struct pl_run));
        cell->threads[i].run_count = count;
        if (cell->threads[i].runs == NULL)
            return workload_cannot(cell, "out of memory for %zu grants", count);
    }
    return true;
}
