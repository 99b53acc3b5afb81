/* See load.h. */
#include "bench/workloads/load.h"

#include <string.h>

#define LARGE_ORDER 9u
#define LARGE_EACH  8u

void load_init(struct load *load, struct cell *cell, struct pl_cpu *cpu)
{
    memset(load, 0, sizeof(*load));
    load->cell = cell;
    load->cpu = cpu;
}

static bool take(struct load *load, unsigned order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY};
    if (load->before != NULL)
        load->before(load->owner);
    load->allocating = true;
    enum pl_status status = admission_alloc(&load->cell->admission, load->cpu, &request, run);
    load->allocating = false;
    if (load->after != NULL)
        load->after(load->owner);
    return status == PL_OK;
}

static void give(struct load *load, const struct pl_run *run)
{
    if (load->before != NULL)
        load->before(load->owner);
    (void)admission_free(&load->cell->admission, load->cpu, run);
    if (load->after != NULL)
        load->after(load->owner);
}

void load_wave(struct load *load)
{
    unsigned most = load->cell->instance.max_order;
    struct pl_run large;
    unsigned held = 0;
    bool has_large =
        load->waves % LARGE_EACH == 0 && take(load, most < LARGE_ORDER ? most : LARGE_ORDER, &large);
    while (held < LOAD_WAVE && take(load, 0, &load->runs[held]))
        held++;
    load->failures += held < LOAD_WAVE;
    for (unsigned i = 0; i < held; i++)
        give(load, &load->runs[load->waves % 2 == 0 ? i : held - 1 - i]);
    if (has_large)
        give(load, &large);
    load->waves++;
}
