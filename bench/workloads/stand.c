/* See stand.h. */
#include "bench/workloads/stand.h"

#include <stdlib.h>

/* A rod that gives one frame to everybody serves nobody who keeps objects in frames. */
static bool keeps_frames_apart(const struct cell *cell)
{
    return spec_base(&cell->instance.spec)->kind != PL_KIND_FLOOR ||
           (cell->instance.caps & PL_CAP_ALL_FRAMES);
}

void *stand_new(struct cell *cell, size_t bytes, size_t memory_bytes)
{
    struct spec_error error = {""};
    if (!keeps_frames_apart(cell)) {
        (void)workload_cannot(cell,
                              "n/a (capability): systems keep objects in frames, and this rod gives the "
                              "same ones to everybody");
        return NULL;
    }
    struct stand *stand = calloc(1, bytes);
    cell->shared = stand;
    if (stand == NULL) {
        (void)workload_cannot(cell, "out of memory");
        return NULL;
    }
    stand->cpu = cell->threads[0].cpu;
    stand->memory = calloc(1, memory_bytes + 1);
    if (stand->memory == NULL) {
        (void)workload_cannot(cell, "out of memory for the system");
        return NULL;
    }
    pageout_init(&stand->pageout);
    gate_init(&stand->gate, &cell->admission, cell->machine, &stand->pageout, 0);
    enum pl_status status = lent_init(&stand->lent, &cell->instance.spec, cell->machine,
                                      gate_page(&stand->gate), STAND_WINDOW_ADDR, STAND_WINDOW_BYTES, &error);
    if (status == PL_OK) {
        lent_start(&stand->lent, stand->cpu);
        return stand;
    }
    (void)workload_cannot(cell, "%s%.150s", status == PL_UNSUPPORTED ? "n/a (capability): " : "", error.text);
    return NULL;
}

bool stand_iokit(struct cell *cell, struct stand *stand)
{
    struct iokit_config config = {
        .contract = CONTRACT_DOC,
        .gate = &stand->gate,
        .buffer = stand->lent.buffer,
        .trap = &stand->trap,
    };
    stand->iokit = calloc(1, sizeof(*stand->iokit));
    stand->iokit_memory = aligned_alloc(64, (iokit_bytes(cell->machine, 0) + 63) / 64 * 64);
    if (stand->iokit == NULL || stand->iokit_memory == NULL)
        return workload_cannot(cell, "out of memory for the system");
    iokit_init(stand->iokit, &config, stand->iokit_memory);
    return true;
}

bool stand_scatter(struct cell *cell, struct stand *stand)
{
    struct pl_page page = gate_page(&stand->gate);
    struct pl_request request = {.node = PL_NODE_ANY};
    size_t count = 0;
    struct pl_run *runs = calloc(cell->machine->frame_count, sizeof(*runs));
    if (runs == NULL)
        return workload_cannot(cell, "out of memory");
    while (count < cell->machine->frame_count &&
           page.ops->alloc(page.self, stand->cpu, &request, &runs[count]) == PL_OK)
        count++;
    for (size_t i = 0; i < count; i++) {
        if (runs[i].first.number % 2 == 0)
            (void)page.ops->free(page.self, stand->cpu, &runs[i]);
    }
    free(runs);
    return true;
}

void stand_drop(struct cell *cell)
{
    struct stand *stand = cell->shared;
    if (stand == NULL)
        return;
    if (stand->lent.live)
        lent_fini(&stand->lent);
    free(stand->memory);
    free(stand->iokit);
    free(stand->iokit_memory);
}

static uint64_t calls_of(const struct stand *stand)
{
    return stand->gate.calls + stand->gate.frees;
}

void stand_start(struct stand *stand)
{
    stand->calls = calls_of(stand);
}

void stand_stop(struct cell *cell, struct stand *stand, struct lb_state *state)
{
    int64_t iterations = lb_iteration_count(state);
    if (iterations > 0)
        workload_count(cell, "allocator_calls",
                       (double)(calls_of(stand) - stand->calls) / (double)iterations);
    if (stand->trap.count != 0)
        lb_skip(state, stand->trap.words);
}

bool stand_ready(struct cell *cell, const struct stand *stand)
{
    cell->granted_frames = stand->gate.held;
    return stand->trap.count == 0 || stand_cannot(cell, stand, "");
}

bool stand_cannot(struct cell *cell, const struct stand *stand, const char *words)
{
    return workload_cannot(cell, "%s", stand->trap.count != 0 ? stand->trap.words : words);
}
