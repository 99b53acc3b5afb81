/* See count.h. */
#include "bench/sim/count.h"

#include <stdio.h>
#include <string.h>

#include "engine/instance.h"

/* Blocks that all CPUs together allocate while they are counted, and that each one allocates at least. */
#define BLOCKS_WANTED 8192u
#define BLOCKS_LEAST  128u

struct work {
    const struct pl_page *page;
    enum count_pattern pattern;
    uint32_t blocks; /* that each CPU allocates */
    uint64_t calls;
    uint64_t failures;
};

static void call_free(struct work *work, struct pl_cpu *cpu, const struct pl_run *run)
{
    work->calls++;
    work->failures += work->page->ops->free(work->page->self, cpu, run) != PL_OK;
}

static bool call_alloc(struct work *work, struct pl_cpu *cpu, struct pl_run *run)
{
    struct pl_request request = {.node = PL_NODE_ANY, .count_hint = 1};
    work->calls++;
    bool done = work->page->ops->alloc(work->page->self, cpu, &request, run) == PL_OK;
    work->failures += !done;
    return done;
}

/* Frees every fifth block, five times: all of them once, neighbours apart. */
static void bulk_round(struct work *work, struct pl_cpu *cpu)
{
    struct pl_run runs[COUNT_BULK_BLOCKS];
    uint32_t held = 0;
    while (held < COUNT_BULK_BLOCKS && call_alloc(work, cpu, &runs[held]))
        held++;
    for (uint32_t start = 0; start < 5; start++) {
        for (uint32_t i = start; i < held; i += 5)
            call_free(work, cpu, &runs[i]);
    }
}

static void work_main(struct pl_cpu *cpu, void *argument)
{
    struct work *work = argument;
    struct pl_run run;
    if (work->pattern == COUNT_BULK) {
        for (uint32_t i = 0; i < work->blocks; i += COUNT_BULK_BLOCKS)
            bulk_round(work, cpu);
        return;
    }
    for (uint32_t i = 0; i < work->blocks; i++) {
        if (call_alloc(work, cpu, &run))
            call_free(work, cpu, &run);
    }
}

static int count_on(struct native_machine *native, const struct instance *instance, uint64_t seed,
                    enum count_pattern pattern, struct count_result *result)
{
    uint32_t cpus = native_machine_view(native)->cpu_count;
    struct work work = {.page = &instance->page, .pattern = pattern, .blocks = COUNT_BULK_BLOCKS};
    if (sim_run(native, cpus, work_main, &work, seed, &result->counts) != 0)
        return -1;
    work.blocks = BLOCKS_WANTED / cpus > BLOCKS_LEAST ? BLOCKS_WANTED / cpus : BLOCKS_LEAST;
    work.calls = 0;
    if (sim_run(native, cpus, work_main, &work, seed, &result->counts) != 0)
        return -1;
    result->calls = work.calls;
    result->failures = work.failures;
    return 0;
}

int count_run(const struct spec *spec, uint32_t cpus, uint64_t memory_bytes, uint64_t seed,
              enum count_pattern pattern, struct count_result *result, struct spec_error *error)
{
    struct instance instance;
    struct native_shape shape = {
        .ranges = {{.frame_count = memory_bytes / PL_FRAME_BYTES}},
        .range_count = 1,
        .cpu_count = cpus,
        .contents = spec_needs_contents(spec),
        .contents_alignment = spec_base(spec)->arena_alignment,
    };
    memset(result, 0, sizeof(*result));
    struct native_machine *native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (native == NULL)
        return -1;
    int status = -1;
    if (instance_init(&instance, spec, native_machine_view(native), false, error) == PL_OK) {
        if (cpus > 1 && !(instance.caps & PL_CAP_CONCURRENT))
            snprintf(error->text, sizeof(error->text), "n/a (capability): not concurrent");
        else if (count_on(native, &instance, seed, pattern, result) != 0)
            snprintf(error->text, sizeof(error->text), "no memory for the stacks of %u CPUs", cpus);
        else
            status = 0;
        instance_fini(&instance);
    }
    native_machine_delete(native);
    return status;
}
