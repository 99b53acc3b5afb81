/* See scale_cell.h. Touched memory is what the kernel says is resident, not what the candidate says. */
#define _GNU_SOURCE /* MADV_DONTDUMP */
#include "bench/scale_cell.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/memory_guard.h"
#include "engine/instance.h"
#include "platform/native/native.h"

#define LIVE_MAX   UINT64_C(100000)
#define BATCHES    9u
#define INITS      5u
#define INITS_S    0.2
#define PAIRS_MAX  (UINT64_C(1) << 26)
#define ORDER_NINE 9u

struct rig {
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    double min_time_s;
    atomic_int nonsense; /* a number that a hook returned and that is no status; 0: none was */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- memory --- */

static bool overlaps(uint64_t start, uint64_t end, const void *base, uint64_t bytes)
{
    uint64_t first = (uint64_t)(uintptr_t)base;
    return base != NULL && start < first + bytes && first < end;
}

/* The kernel joins neighbouring mappings of one kind, and malloc's may be neighbours: ours become another
 * kind, one that is left out of core dumps. */
static void set_apart(void *base, uint64_t bytes)
{
    if (base != NULL)
        (void)madvise(base, (size_t)bytes, MADV_DONTDUMP);
}

/* Resident bytes of the mappings that hold metadata or contents, each once. */
static uint64_t touched_bytes(struct rig *rig)
{
    set_apart(rig->instance.meta, rig->instance.meta_bytes);
    set_apart(rig->machine->contents, rig->machine->span * PL_FRAME_BYTES);
    FILE *file = fopen("/proc/self/smaps", "re");
    char line[512];
    uint64_t sum_kib = 0;
    bool ours = false;
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *end = NULL;
        uint64_t start = strtoull(line, &end, 16);
        if (end != line && *end == '-')
            ours =
                overlaps(start, strtoull(end + 1, NULL, 16), rig->instance.meta, rig->instance.meta_bytes) ||
                overlaps(start, strtoull(end + 1, NULL, 16), rig->machine->contents,
                         rig->machine->span * PL_FRAME_BYTES);
        else if (ours && strncmp(line, "Rss:", 4) == 0)
            sum_kib += strtoull(line + 4, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return sum_kib << 10;
}

/* --- times --- */

/* Is it PL_OK? Notes what is no status at all. */
PL_INLINE bool went_well(struct rig *rig, enum pl_status status)
{
    if (PL_LIKELY(status == PL_OK))
        return true;
    if (!pl_status_is_known(status))
        atomic_store_explicit(&rig->nonsense, (int)status, memory_order_relaxed);
    return false;
}

/* Seconds for so many pairs; below 0: an allocation failed. */
static double run_pairs(struct rig *rig, struct pl_cpu *cpu, uint32_t order, uint64_t pairs)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_request request = {.order = (uint8_t)order, .node = PL_NODE_ANY, .count_hint = 1};
    struct pl_run run;
    double start_s = now_s();
    for (uint64_t i = 0; i < pairs; i++) {
        if (!went_well(rig, page->ops->alloc(page->self, cpu, &request, &run)) ||
            !went_well(rig, page->ops->free(page->self, cpu, &run)))
            return -1;
    }
    return now_s() - start_s;
}

/* As many pairs as fill a batch's share of the time; 0: an allocation failed. */
static uint64_t pairs_of_batch(struct rig *rig, uint32_t order)
{
    struct pl_cpu *cpu = rig->machine->cpus[0];
    for (uint64_t pairs = 1;; pairs *= 2) {
        double taken_s = run_pairs(rig, cpu, order, pairs);
        if (taken_s < 0)
            return 0;
        if (taken_s >= rig->min_time_s / BATCHES || pairs >= PAIRS_MAX)
            return pairs;
    }
}

/* The least of the batches: whatever else the host does only adds to them. */
static double repeat_ns(struct rig *rig, uint32_t order)
{
    double least_s = 0;
    uint64_t pairs = order > rig->instance.max_order ? 0 : pairs_of_batch(rig, order);
    if (pairs == 0)
        return 0;
    for (unsigned i = 0; i < BATCHES; i++) {
        double taken_s = run_pairs(rig, rig->machine->cpus[0], order, pairs);
        if (i == 0 || taken_s < least_s)
            least_s = taken_s;
    }
    return least_s * 1e9 / (double)pairs;
}

struct held {
    struct pl_run *runs;
    uint64_t count;
    uint64_t rng;
};

/* Frees one at random and allocates another; below 0: that failed. */
static double run_replace(struct rig *rig, struct held *held, uint64_t pairs)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_cpu *cpu = rig->machine->cpus[0];
    struct pl_request request = {.node = PL_NODE_ANY, .count_hint = 1};
    uint64_t x = held->rng;
    double start_s = now_s();
    for (uint64_t i = 0; i < pairs; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        struct pl_run *run = &held->runs[(x >> 32) * held->count >> 32];
        if (!went_well(rig, page->ops->free(page->self, cpu, run)) ||
            !went_well(rig, page->ops->alloc(page->self, cpu, &request, run)))
            return -1;
    }
    held->rng = x;
    return now_s() - start_s;
}

/* Holds half of the machine, but no more than LIVE_MAX blocks, so that the cost of filling stays bounded. */
static double replace_ns(struct rig *rig, uint64_t *live)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_request request = {.node = PL_NODE_ANY, .count_hint = 1};
    uint64_t wanted = rig->machine->frame_count / 2 < LIVE_MAX ? rig->machine->frame_count / 2 : LIVE_MAX;
    struct held held = {.runs = calloc(wanted, sizeof(*held.runs)), .rng = UINT64_C(0x9e3779b97f4a7c15)};
    while (
        held.runs != NULL && held.count < wanted &&
        went_well(rig, page->ops->alloc(page->self, rig->machine->cpus[0], &request, &held.runs[held.count])))
        held.count++;
    *live = held.count;
    /* Mixes once, so that what is timed is a machine in use and not one freshly filled. */
    bool usable = held.count == wanted && run_replace(rig, &held, wanted) >= 0;
    uint64_t pairs = 1024;
    for (; usable && pairs < PAIRS_MAX; pairs *= 2) {
        double taken_s = run_replace(rig, &held, pairs);
        usable = taken_s >= 0;
        if (taken_s >= rig->min_time_s / BATCHES)
            break;
    }
    double least_s = 0;
    for (unsigned i = 0; usable && i < BATCHES; i++) {
        double taken_s = run_replace(rig, &held, pairs);
        usable = taken_s >= 0;
        if (i == 0 || taken_s < least_s)
            least_s = taken_s;
    }
    free(held.runs);
    return usable ? least_s * 1e9 / (double)pairs : 0;
}

/* --- cells --- */

/* The least of some inits, on fresh memory each, while they are quick; one where frames were written. */
static enum pl_status init_timed(struct rig *rig, const struct spec *spec, double *init_ms,
                                 struct spec_error *error)
{
    double sum_s = 0;
    for (unsigned i = 1;; i++) {
        double start_s = now_s();
        enum pl_status status = instance_init(&rig->instance, spec, rig->machine, false, error);
        double taken_s = now_s() - start_s;
        if (i == 1 || taken_s * 1e3 < *init_ms)
            *init_ms = taken_s * 1e3;
        sum_s += taken_s;
        if (status != PL_OK || i == INITS || sum_s > INITS_S || rig->machine->contents != NULL)
            return status;
        instance_fini(&rig->instance);
    }
}

/* The candidate on its machine. False: cell->reason says what stops it. */
static bool rig_init(struct rig *rig, const struct scale_cell_params *params, struct scale_cell *cell)
{
    struct spec_error error;
    const struct pl_candidate *base = spec_base(params->spec);
    struct native_shape shape = {
        .ranges = {{.frame_count = params->memory_bytes / PL_FRAME_BYTES}},
        .range_count = 1,
        .cpu_count = params->cpus,
        .contents = spec_needs_contents(params->spec),
        .contents_alignment = base->arena_alignment,
    };
    memset(cell, 0, sizeof(*cell));
    memset(rig, 0, sizeof(*rig));
    rig->min_time_s = params->min_time_s;
    cell->frame_count = shape.ranges[0].frame_count;
    cell->contents = shape.contents;
    if (base->frames_max != 0 && cell->frame_count > base->frames_max) {
        snprintf(cell->reason, sizeof(cell->reason), "manages at most %" PRIu64 " frames", base->frames_max);
        return false;
    }
    rig->native = native_machine_new(&shape, cell->reason, sizeof(cell->reason));
    if (rig->native == NULL)
        return false;
    rig->machine = native_machine_view(rig->native);
    (void)native_pin_self(0);
    memory_guard_start(params->cap_bytes, -1);
    enum pl_status status = init_timed(rig, params->spec, &cell->init_ms, &error);
    if (status != PL_OK) {
        snprintf(cell->reason, sizeof(cell->reason), "%.190s", error.text);
        cell->broken = !pl_status_is_known(status);
        native_machine_delete(rig->native);
        return false;
    }
    cell->reserved_bytes = rig->instance.meta_bytes;
    return true;
}

/* What the cell has come to, besides its numbers. */
static void rig_fini(struct rig *rig, struct scale_cell *cell)
{
    int nonsense = atomic_load_explicit(&rig->nonsense, memory_order_relaxed);
    memory_guard_stop();
    if (nonsense != 0) {
        cell->done = false;
        cell->broken = true;
        snprintf(cell->reason, sizeof(cell->reason),
                 "broke X-3: alloc or free returned %d, which is no status", nonsense);
    } else if (!cell->done && cell->reason[0] == '\0') {
        snprintf(cell->reason, sizeof(cell->reason), "an allocation or a free failed on a fresh machine");
    }
    instance_fini(&rig->instance);
    native_machine_delete(rig->native);
}

void scale_cell_memory(const struct scale_cell_params *params, struct scale_cell *cell)
{
    struct rig rig;
    if (!rig_init(&rig, params, cell))
        return;
    cell->touched_init_bytes = touched_bytes(&rig);
    cell->repeat_ns = repeat_ns(&rig, 0);
    cell->order9_ns = repeat_ns(&rig, ORDER_NINE);
    cell->replace_ns = replace_ns(&rig, &cell->live);
    cell->touched_bytes = touched_bytes(&rig);
    cell->done = cell->repeat_ns > 0;
    rig_fini(&rig, cell);
}

struct crowd {
    struct rig *rig;
    uint64_t pairs;
    double seconds[PL_CPU_LIMIT];
};

static void crowd_main(struct pl_cpu *cpu, void *argument)
{
    struct crowd *crowd = argument;
    crowd->seconds[cpu->id] = run_pairs(crowd->rig, cpu, 0, crowd->pairs);
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Seconds, the mean over the CPUs, for crowd->pairs each; below 0: an allocation failed, or no threads. */
static double crowd_s(struct crowd *crowd, struct native_machine *native, uint32_t cpus)
{
    double sum_s = 0;
    if (native_run_on_cpus(native, cpus, crowd_main, crowd) != 0)
        return -1;
    for (uint32_t i = 0; i < cpus; i++) {
        if (crowd->seconds[i] < 0)
            return -1;
        sum_s += crowd->seconds[i];
    }
    return sum_s / cpus;
}

void scale_cell_threads(const struct scale_cell_params *params, struct scale_cell *cell)
{
    struct rig rig;
    if (!rig_init(&rig, params, cell))
        return;
    if (params->cpus > 1 && (rig.instance.caps & PL_CAP_CONCURRENT) == 0) {
        snprintf(cell->reason, sizeof(cell->reason), "n/a (capability): not concurrent");
        rig_fini(&rig, cell);
        return;
    }
    struct crowd crowd = {.rig = &rig, .pairs = pairs_of_batch(&rig, 0)};
    double taken_s[BATCHES];
    cell->done = crowd.pairs > 0;
    for (unsigned i = 0; i < BATCHES && cell->done; i++) {
        taken_s[i] = crowd_s(&crowd, rig.native, params->cpus);
        cell->done = taken_s[i] >= 0;
    }
    if (cell->done) {
        /* Not the least: that is a round in which the host did not let the CPUs meet. */
        qsort(taken_s, BATCHES, sizeof(taken_s[0]), by_value);
        cell->repeat_ns = taken_s[BATCHES / 2] * 1e9 / (double)crowd.pairs;
    }
    rig_fini(&rig, cell);
}
