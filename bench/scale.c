/* See scale.h: walks the two axes, a child a cell, and writes down what came of each. */
#include "bench/scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/environment.h"
#include "bench/memory_guard.h"
#include "bench/scale_cell.h"
#include "bench/scale_fit.h"
#include "bench/scale_sim.h"
#include "engine/instance.h"
#include "engine/isolate.h"
#include "platform/native/native.h"

#define POINT_LIMIT 24u

/* The CPU axis: a GiB a CPU, so that those who give each CPU a region of its own can; less where all frames
 * may be written. */
#define CPU_MEMORY_BYTES          (UINT64_C(1) << 30)
#define CPU_MEMORY_CONTENTS_BYTES (UINT64_C(256) << 20)

#define GIB ((double)(UINT64_C(1) << 30))

/* Who is required to reach the top of the memory axis. */
static const char *const required[] = {"bitmap", "llfree", "slate"};

struct walk {
    const struct scale_options *options;
    uint64_t cap_bytes;
    cJSON *memory;
    cJSON *growth;
    cJSON *cpus;
};

static bool stopped(const struct walk *walk)
{
    return walk->options->stop != NULL && *walk->options->stop != 0;
}

static void add_time(cJSON *row, const char *key, double value)
{
    if (value > 0)
        cJSON_AddNumberToObject(row, key, value);
    else
        cJSON_AddNullToObject(row, key);
}

/* --- a cell in a child --- */

struct work {
    struct scale_cell_params params;
    bool threads;
};

static void work_main(void *argument, void *result)
{
    const struct work *work = argument;
    (void)isolate_stdout();
    if (work->threads)
        scale_cell_threads(&work->params, result);
    else
        scale_cell_memory(&work->params, result);
}

static void run_cell(const struct walk *walk, struct work *work, struct scale_cell *cell)
{
    char how[100] = "";
    char guarded[32];
    unsigned limit_s = walk->options->limit_s;
    memset(cell, 0, sizeof(*cell));
    work->params.min_time_s = walk->options->min_time_s;
    work->params.cap_bytes = walk->cap_bytes;
    enum isolate_outcome outcome =
        isolate_run(work_main, work, cell, sizeof(*cell), limit_s, walk->options->stop, how, sizeof(how));
    if (outcome == ISOLATE_DONE)
        return;
    memset(cell, 0, sizeof(*cell));
    snprintf(guarded, sizeof(guarded), "exit code %d", MEMORY_GUARD_STATUS);
    if (outcome == ISOLATE_INTERRUPTED)
        snprintf(cell->reason, sizeof(cell->reason), "interrupted");
    else if (outcome == ISOLATE_TIMED_OUT)
        snprintf(cell->reason, sizeof(cell->reason), "init and measuring take more than %u s", limit_s);
    else if (strcmp(how, guarded) == 0)
        memory_guard_words(walk->cap_bytes, cell->reason, sizeof(cell->reason));
    else if (outcome == ISOLATE_NO_PROCESS)
        snprintf(cell->reason, sizeof(cell->reason), "no process could be started for this cell");
    else {
        snprintf(cell->reason, sizeof(cell->reason), "the process of this cell died: %s", how);
        cell->broken = true;
    }
}

static const char *status_of(const struct scale_cell *cell)
{
    return cell->done ? "ok" : cell->broken ? "broken" : "stopped";
}

/* --- the memory axis --- */

struct points {
    size_t count;
    double frames[POINT_LIMIT];
    double init_ms[POINT_LIMIT];
    double touched[POINT_LIMIT];
    double repeat_ns[POINT_LIMIT];
    double replace_ns[POINT_LIMIT];
};

/* What the next machine would touch if it grew as from the point before the last to the last. */
static double foreseen_bytes(const struct points *points)
{
    size_t count = points->count;
    if (count == 0)
        return 0;
    double growth = SCALE_FACTOR;
    if (count >= 2 && points->touched[count - 2] > 0)
        growth = points->touched[count - 1] / points->touched[count - 2];
    return points->touched[count - 1] * growth;
}

static void add_memory_row(struct walk *walk, const struct spec *spec, uint64_t bytes,
                           const struct scale_cell *cell)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "candidate", spec->name);
    cJSON_AddNumberToObject(row, "memory_bytes", (double)bytes);
    uint64_t frames = bytes / PL_FRAME_BYTES;
    cJSON_AddNumberToObject(row, "frames", (double)frames);
    cJSON_AddStringToObject(row, "status", status_of(cell));
    cJSON_AddStringToObject(row, "reason", cell->reason);
    if (cell->done) {
        cJSON_AddBoolToObject(row, "contents", cell->contents);
        cJSON_AddNumberToObject(row, "init_ms", cell->init_ms);
        cJSON_AddNumberToObject(row, "metadata_reserved_bytes", (double)cell->reserved_bytes);
        cJSON_AddNumberToObject(row, "metadata_touched_init_bytes", (double)cell->touched_init_bytes);
        cJSON_AddNumberToObject(row, "metadata_touched_bytes", (double)cell->touched_bytes);
        cJSON_AddNumberToObject(row, "live_blocks", (double)cell->live);
        add_time(row, "repeat_ns", cell->repeat_ns);
        add_time(row, "replace_ns", cell->replace_ns);
        add_time(row, "repeat_order9_ns", cell->order9_ns);
    }
    cJSON_AddItemToArray(walk->memory, row);
}

static void add_fit(cJSON *row, const char *key, const struct points *points, const double *values)
{
    struct scale_fit fit = scale_fit(points->frames, values, points->count);
    cJSON *object = cJSON_AddObjectToObject(row, key);
    if (fit.points >= 2)
        cJSON_AddNumberToObject(object, "exponent", fit.exponent);
    else
        cJSON_AddNullToObject(object, "exponent");
    cJSON_AddNumberToObject(object, "points", (double)fit.points);
}

static void add_growth_row(struct walk *walk, const struct spec *spec, const struct points *points)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "candidate", spec->name);
    add_fit(row, "init", points, points->init_ms);
    add_fit(row, "metadata", points, points->touched);
    add_fit(row, "repeat", points, points->repeat_ns);
    add_fit(row, "replace", points, points->replace_ns);
    cJSON_AddItemToArray(walk->growth, row);
}

static void walk_memory(struct walk *walk, const struct spec *spec)
{
    struct points points = {0};
    struct scale_cell cell = {.done = true};
    uint64_t bytes = walk->options->from_bytes;
    for (; cell.done && bytes <= walk->options->to_bytes && points.count < POINT_LIMIT;
         bytes *= SCALE_FACTOR) {
        struct work work = {.params = {.spec = spec, .memory_bytes = bytes, .cpus = 1}};
        double foreseen = foreseen_bytes(&points);
        if (walk->options->progress != NULL)
            fprintf(walk->options->progress, "\rscale: %s, %" PRIu64 " MiB \033[K", spec->name, bytes >> 20);
        if (foreseen > (double)walk->cap_bytes) {
            memset(&cell, 0, sizeof(cell));
            snprintf(cell.reason, sizeof(cell.reason),
                     "would touch %.2f GiB of memory, by what it touched before; the cap is %.3g GiB",
                     foreseen / GIB, (double)walk->cap_bytes / GIB);
        } else {
            run_cell(walk, &work, &cell);
        }
        add_memory_row(walk, spec, bytes, &cell);
        if (!cell.done)
            break;
        points.frames[points.count] = (double)cell.frame_count;
        points.init_ms[points.count] = cell.init_ms;
        points.touched[points.count] = (double)cell.touched_bytes;
        points.repeat_ns[points.count] = cell.repeat_ns;
        points.replace_ns[points.count] = cell.replace_ns;
        points.count++;
    }
    add_growth_row(walk, spec, &points);
}

/* --- the CPU axis --- */

/* False: the candidate goes no further. */
static bool walk_cpu(struct walk *walk, const struct spec *spec, uint32_t cpus)
{
    uint64_t bytes = spec_needs_contents(spec) ? CPU_MEMORY_CONTENTS_BYTES : CPU_MEMORY_BYTES * cpus;
    struct work work = {.params = {.spec = spec, .memory_bytes = bytes, .cpus = cpus}, .threads = true};
    struct scale_sim asked = {.program = walk->options->sim,
                              .candidate = spec->name,
                              .cpus = cpus,
                              .memory_bytes = bytes,
                              .cap_bytes = walk->cap_bytes,
                              .limit_s = walk->options->limit_s,
                              .stop = walk->options->stop};
    struct scale_cell cell = {.done = true};
    if (walk->options->progress != NULL)
        fprintf(walk->options->progress, "\rscale: %s, %u CPUs \033[K", spec->name, cpus);
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "candidate", spec->name);
    cJSON_AddNumberToObject(row, "cpus", cpus);
    cJSON_AddNumberToObject(row, "memory_bytes", (double)bytes);
    if (cpus <= native_real_cpu_count()) {
        run_cell(walk, &work, &cell);
    }
    add_time(row, "repeat_ns", cell.repeat_ns);
    cell.broken = cell.broken || (cell.done && !scale_sim_add(row, &asked));
    cJSON_AddStringToObject(row, "status", cell.broken ? "broken" : status_of(&cell));
    cJSON_AddStringToObject(row, "reason", cell.reason);
    cJSON_AddItemToArray(walk->cpus, row);
    /* What cannot be counted at all needs no row for each number of CPUs beyond the real ones. */
    return cell.done && (cpus < native_real_cpu_count() || cJSON_GetObjectItem(row, "sim_reason") == NULL);
}

cJSON *scale_run(const struct scale_options *options)
{
    cJSON *document = cJSON_CreateObject();
    struct walk walk = {.options = options, .cap_bytes = memory_guard_cap(options->cap_bytes)};
    cJSON_AddItemToObject(document, "context", environment_context("scale"));
    cJSON_AddNumberToObject(document, "from_bytes", (double)options->from_bytes);
    cJSON_AddNumberToObject(document, "to_bytes", (double)options->to_bytes);
    cJSON_AddNumberToObject(document, "cap_bytes", (double)walk.cap_bytes);
    cJSON_AddNumberToObject(document, "real_cpus", native_real_cpu_count());
    walk.memory = cJSON_AddArrayToObject(document, "memory");
    walk.growth = cJSON_AddArrayToObject(document, "growth");
    walk.cpus = cJSON_AddArrayToObject(document, "cpus");
    if (walk.memory == NULL || walk.growth == NULL || walk.cpus == NULL) {
        cJSON_Delete(document);
        return NULL;
    }
    for (size_t i = 0; i < options->spec_count && !stopped(&walk); i++)
        walk_memory(&walk, &options->specs[i]);
    for (size_t i = 0; i < options->spec_count; i++) {
        bool on = true;
        for (size_t c = 0; c < options->cpu_count && on && !stopped(&walk); c++)
            on = walk_cpu(&walk, &options->specs[i], options->cpus[c]);
    }
    if (options->progress != NULL)
        fputs("\r\033[K", options->progress);
    return document;
}

const char *scale_missed(const cJSON *document)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, "memory"))
    {
        const char *name = cJSON_GetObjectItem(row, "candidate")->valuestring;
        if (strcmp(cJSON_GetObjectItem(row, "status")->valuestring, "ok") == 0)
            continue;
        for (size_t i = 0; i < PL_COUNT_OF(required); i++) {
            if (strcmp(name, required[i]) == 0)
                return name;
        }
    }
    return NULL;
}

const char *scale_broken(const cJSON *document)
{
    static const char *const axes[] = {"memory", "cpus"};
    const cJSON *row;
    for (size_t i = 0; i < PL_COUNT_OF(axes); i++) {
        cJSON_ArrayForEach(row, cJSON_GetObjectItem(document, axes[i]))
        {
            if (strcmp(cJSON_GetObjectItem(row, "status")->valuestring, "broken") == 0)
                return cJSON_GetObjectItem(row, "candidate")->valuestring;
        }
    }
    return NULL;
}
