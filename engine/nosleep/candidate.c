/* A candidate as it is called by those who must not sleep: class INTERRUPT, no wait flag, every hook that the
 * contract says never blocks. The calls go straight to it; admission would only hide its last frames. */
#include <stdlib.h>

#include "engine/nosleep/watch.h"
#include "engine/runner.h"

#define FRAMES          1024u /* libraries get larger machines: runner_fit_shape */
#define FIRST_CALLS     96u
#define WARM_ROUNDS     40u
#define BEYOND          64u
#define CONTENDED_CALLS 60000u
#define SHELVES         64u /* where one CPU leaves a grant for whoever comes next */

struct load {
    struct watch *watch;
    struct native_machine *native;
    struct instance instance;
    struct tap tap;
    struct pl_page page; /* the tapped one */
    struct pl_cpu *cpu;  /* CPU 0 */
    struct pl_run *runs; /* as many as the machine has frames */
    uint64_t frame_count;
    _Atomic(struct pl_run *) shelves[SHELVES]; /* contended */
};

static bool load_open(struct load *load, const struct watch_job *job, uint32_t cpu_count)
{
    struct native_shape shape = {
        .ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = cpu_count};
    struct spec_error error = {""};
    load->watch = job->watch;
    runner_fit_shape(job->spec, &shape);
    load->native = native_machine_new(&shape, error.text, sizeof(error.text));
    if (load->native == NULL)
        return watch_cannot(load->watch, "%.150s", error.text);
    native_watch_sleep(load->native, watch_sleep, load->watch);
    const struct pl_machine *machine = native_machine_view(load->native);
    if (instance_init(&load->instance, job->spec, machine, false, &error) != PL_OK)
        return watch_cannot(load->watch, "%.150s", error.text);
    if (cpu_count > 1 && !(load->instance.caps & PL_CAP_CONCURRENT))
        return watch_cannot(load->watch, "not concurrent");
    struct tap_listener listener = watch_listener(load->watch);
    instance_set_tap(&load->instance, &load->tap, &listener);
    load->page = load->instance.page;
    load->cpu = native_cpu(load->native, 0);
    load->frame_count = machine->frame_count;
    load->runs = calloc(load->frame_count, sizeof(*load->runs));
    return load->runs != NULL || watch_cannot(load->watch, "out of memory");
}

static void load_close(struct load *load)
{
    free(load->runs);
    if (load->instance.live)
        instance_fini(&load->instance);
    native_machine_delete(load->native);
}

static bool take(struct load *load, struct pl_cpu *cpu, uint32_t order, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)(order < load->instance.max_order ? order : 0),
                                 .alloc_class = PL_CLASS_INTERRUPT,
                                 .node = PL_NODE_ANY};
    *run = (struct pl_run){0};
    return load->page.ops->alloc(load->page.self, cpu, &request, run) == PL_OK;
}

static void give(struct load *load, struct pl_cpu *cpu, const struct pl_run *run)
{
    (void)load->page.ops->free(load->page.self, cpu, run);
}

/* Mostly single frames, as in life. */
static uint32_t mixed_order(uint64_t number)
{
    return number % 4 == 3 ? (uint32_t)(1 + number / 4 % 4) : 0;
}

/* Up to `most` grants of mixed orders; returns how many. */
static uint64_t take_many(struct load *load, uint64_t most)
{
    uint64_t count = 0;
    while (count < most && take(load, load->cpu, mixed_order(count), &load->runs[count]))
        count++;
    return count;
}

/* Every second one first, so that neighbours meet at the end. */
static void give_many(struct load *load, uint64_t count)
{
    for (uint64_t start = 0; start < 2; start++) {
        for (uint64_t i = start; i < count; i += 2)
            give(load, load->cpu, &load->runs[i]);
    }
}

/* The other hooks: a run, a split, a drain. */
static void other_hooks(struct load *load)
{
    const struct pl_page_ops *ops = load->page.ops;
    struct pl_request request = {.alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
    struct pl_constraints want = {.frame_count = 3, .high = {UINT64_MAX}, .alignment = 1};
    struct pl_run run = {0};
    uint64_t caps = load->instance.caps;
    if ((caps & PL_CAP_RUNS) && ops->alloc_run(load->page.self, load->cpu, &request, &want, &run) == PL_OK)
        give(load, load->cpu, &run);
    if ((caps & PL_CAP_SPLIT) && load->instance.max_order > 1 && take(load, load->cpu, 1, &run)) {
        struct pl_run half = run;
        bool split = ops->split(load->page.self, load->cpu, &run, 0) == PL_OK;
        half.frame_count = split ? 1 : 2;
        half.order = split ? 0 : 1;
        give(load, load->cpu, &half);
        half.first.number++;
        if (split)
            give(load, load->cpu, &half);
    }
    if (ops->drain != NULL)
        ops->drain(load->page.self, load->cpu, load->cpu);
}

/* --- the scenarios --- */

static void run_cold(struct load *load)
{
    load->watch->armed = true;
    uint64_t count = take_many(load, FIRST_CALLS);
    give_many(load, count);
    other_hooks(load);
}

static void run_warm(struct load *load)
{
    for (unsigned round = 0; round < 2 * WARM_ROUNDS; round++) {
        load->watch->armed = round >= WARM_ROUNDS;
        give_many(load, take_many(load, load->frame_count / 16));
        for (unsigned i = 0; i < FIRST_CALLS; i++) {
            if (take(load, load->cpu, mixed_order(i), &load->runs[0]))
                give(load, load->cpu, &load->runs[0]);
        }
        other_hooks(load);
    }
}

static void run_exhausted(struct load *load)
{
    load->watch->armed = true;
    for (unsigned round = 0; round < 2; round++) {
        struct pl_run extra;
        uint64_t count = take_many(load, load->frame_count);
        while (count < load->frame_count && take(load, load->cpu, 0, &load->runs[count]))
            count++;
        for (unsigned i = 0; i < BEYOND; i++) {
            if (count < load->frame_count && take(load, load->cpu, mixed_order(i), &extra))
                load->runs[count++] = extra; /* who refuses at random may still have some */
        }
        other_hooks(load);
        give_many(load, count);
    }
}

/* A grant goes to a shelf; what lay there, whoever left it, is freed. */
static void contended_thread(struct pl_cpu *cpu, void *argument)
{
    struct load *load = argument;
    struct pl_run *spare = &load->runs[cpu->id];
    uint32_t seed = cpu->id + 1;
    watch_start(load->watch, cpu);
    for (uint32_t i = 0; i < CONTENDED_CALLS; i++) {
        seed = seed * UINT32_C(1664525) + UINT32_C(1013904223);
        if (!take(load, cpu, mixed_order(i), spare))
            spare->frame_count = 0;
        spare = atomic_exchange_explicit(&load->shelves[(seed >> 16) % SHELVES], spare, memory_order_acq_rel);
        if (spare->frame_count != 0)
            give(load, cpu, spare);
        spare->frame_count = 0;
    }
    watch_stop(load->watch);
}

static void run_contended(struct load *load)
{
    for (unsigned i = 0; i < SHELVES; i++)
        atomic_init(&load->shelves[i], &load->runs[WATCH_CPU_LIMIT + i]);
    load->watch->armed = true;
    if (native_run_on_cpus(load->native, WATCH_CPU_LIMIT, contended_thread, load) != 0)
        (void)watch_cannot(load->watch, "no threads could be had");
}

void watch_candidate(const struct watch_job *job)
{
    static struct load load;
    bool threads = job->scenario == NOSLEEP_CONTENDED;
    if (load_open(&load, job, threads ? WATCH_CPU_LIMIT : 1)) {
        if (threads) {
            run_contended(&load);
        } else {
            watch_start(job->watch, load.cpu);
            if (job->scenario == NOSLEEP_COLD)
                run_cold(&load);
            else if (job->scenario == NOSLEEP_WARM)
                run_warm(&load);
            else
                run_exhausted(&load);
            watch_stop(job->watch);
        }
        load.watch->armed = false;
        watch_report(load.watch); /* before fini: a library that it closes takes its names along */
    }
    load_close(&load);
}
