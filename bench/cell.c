/* See cell.h: build the machine and the candidate, let the workload run under libbench, turn what came out
 * into a row. */
#define _POSIX_C_SOURCE 200809L /* fileno */
#include "bench/cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cell_row.h"
#include "bench/workloads/workload.h"
#include "engine/replay.h"
#include "engine/trace/trace.h"
#include "systems/freebsd/reserve.h"

#define MEMORY_BYTES       (UINT64_C(1) << 30)
#define SMOKE_MEMORY_BYTES (UINT64_C(64) << 20)
#define WARM_UP_PART       0.125
#define COUNT_TRIES        4u

static int load_trace(struct cell *cell, struct spec_error *error)
{
    struct trace_error trace_error;
    const char *path = cell->params.trace_path;
    if (path == NULL)
        path = workload_file(cell->params.workload);
    cell->trace = calloc(1, sizeof(*cell->trace));
    if (cell->trace == NULL) {
        snprintf(error->text, sizeof(error->text), "%.100s: out of memory", path);
        return -1;
    }
    if (trace_read(path, cell->trace, &trace_error) != 0) {
        snprintf(error->text, sizeof(error->text), "%s", trace_error.text);
        return -1;
    }
    return 0;
}

/* The machine: as asked, or the fixed pool, or 1.25 x the recording's peak (1.5 x where there are survivors,
 * too), or what the workload is measured on, mostly 1 GiB. */
static uint64_t frames_wanted(const struct cell *cell, const struct spec *spec)
{
    if (cell->params.memory_bytes != 0)
        return cell->params.memory_bytes / PL_FRAME_BYTES;
    if (spec_base(spec)->fixed_frames != 0)
        return spec_base(spec)->fixed_frames;
    if (cell->trace != NULL)
        return cell->workload->is_replay ? (cell->trace->peak_frames * 5 + 3) / 4
                                         : (cell->trace->peak_frames * 3 + 1) / 2;
    if (cell->params.smoke)
        return SMOKE_MEMORY_BYTES / PL_FRAME_BYTES;
    return (cell->workload->memory_bytes != 0 ? cell->workload->memory_bytes : MEMORY_BYTES) / PL_FRAME_BYTES;
}

static int make_machine(struct cell *cell, const struct spec *spec, struct spec_error *error)
{
    uint32_t cpus = cell->trace != NULL ? cell->trace->cpu_count : cell->params.cpus;
    struct native_shape shape = {
        .ranges = {{.first = {0}, .frame_count = frames_wanted(cell, spec)}},
        .range_count = 1,
        .cpu_count = cpus < 2 ? 2 : cpus, /* `remote` on one thread plays two */
        .contents = cell->workload->needs_contents || spec_needs_contents(spec),
        .contents_alignment = spec_base(spec)->arena_alignment,
    };
    shape.floors =
        cell->params.own_floors ? cell->params.floors : freebsd_floors_of(shape.ranges[0].frame_count);
    cell->native = native_machine_new(&shape, error->text, sizeof(error->text));
    if (cell->native == NULL)
        return -1;
    cell->machine = native_machine_view(cell->native);
    for (uint32_t i = 0; i < shape.cpu_count; i++)
        cell->threads[i].cpu = native_cpu(cell->native, i);
    return 0;
}

static unsigned cell_threads(const struct cell *cell)
{
    return cell->workload->one_thread ? 1 : cell->params.cpus;
}

/* Cells that the candidate does not claim: n/a, with the reason. */
static bool within_claims(struct cell *cell)
{
    const struct instance *instance = &cell->instance;
    if (cell->workload->takes_order && cell->params.order > instance->max_order)
        return workload_cannot(cell, "n/a (capability): serves orders up to %u", instance->max_order);
    uint32_t threads = cell->params.parallel ? cell->machine->cpu_count : cell_threads(cell);
    if (threads > native_real_cpu_count())
        return workload_cannot(cell, "n/a (machine): %u CPUs wanted, %u real ones", threads,
                               native_real_cpu_count());
    if (threads > 1 && !(instance->caps & PL_CAP_CONCURRENT))
        return workload_cannot(cell, "n/a (capability): not concurrent");
    return true;
}

static int make_replay(struct cell *cell, struct spec_error *error)
{
    cell->replay = calloc(1, sizeof(*cell->replay));
    if (cell->replay == NULL ||
        replay_init(cell->replay, cell->trace->ops, cell->trace->op_count, cell->trace->slot_count,
                    &cell->admission, cell->native, cell->params.parallel) != 0) {
        snprintf(error->text, sizeof(error->text), "replay: out of memory");
        return -1;
    }
    return 0;
}

/* Everything up to the point where only the clock is missing. 0: ready, or cell->cannot is set. */
static int cell_prepare(struct cell *cell, const struct spec *spec, struct spec_error *error)
{
    cell->spec = spec;
    if (cell->workload->takes_trace && load_trace(cell, error) != 0)
        return -1;
    if (cell->params.cpus > 1 && !cell->workload->takes_cpus && !cell->workload->is_replay) {
        (void)workload_cannot(cell, "n/a (workload): its callers take turns, so it runs on 1 CPU");
        return 0;
    }
    if (cell->workload->makes_machine) {
        (void)native_pin_self(0);
        (void)cell->workload->prepare(cell);
        return 0;
    }
    if (make_machine(cell, spec, error) != 0)
        return -1;
    struct spec_error why;
    enum pl_status status = instance_init(&cell->instance, spec, cell->machine, false, &why);
    if (status == PL_INVALID) {
        *error = why;
        return -1;
    }
    if (!pl_status_is_known(status))
        snprintf(cell->broken, sizeof(cell->broken), "%.190s", why.text);
    if (status != PL_OK) {
        (void)workload_cannot(cell, "%s%.150s", status == PL_UNSUPPORTED ? "n/a (machine): " : "", why.text);
        return 0;
    }
    admission_init(&cell->admission, cell->instance.page, cell->machine, cell->params.admission);
    cell->admission.threaded = cell_threads(cell) > 1 || cell->params.parallel;
    if (!within_claims(cell))
        return 0;
    if (cell->workload->is_replay && make_replay(cell, error) != 0)
        return -1;
    (void)native_pin_self(0);
    (void)cell->workload->prepare(cell);
    return 0;
}

void cell_close(struct cell *cell)
{
    if (cell->workload->drop != NULL)
        cell->workload->drop(cell);
    /* A replay's runs are the replay's. */
    for (unsigned i = 0; i < CELL_CPU_LIMIT; i++) {
        if (cell->replay == NULL)
            free(cell->threads[i].runs);
    }
    if (cell->replay != NULL)
        replay_fini(cell->replay);
    if (cell->trace != NULL)
        trace_fini(cell->trace);
    free(cell->replay);
    free(cell->trace);
    free(cell->shared);
    cJSON_Delete(cell->maps);
    instance_fini(&cell->instance);
    native_machine_delete(cell->native);
    free(cell);
}

/* Runs libbench once, into a temporary file, and returns its only row. `iterations` a thread; 0: libbench
 * finds out how many take the time. */
static cJSON *run_libbench(struct cell *cell, double min_time_s, uint64_t iterations)
{
    char name[CELL_NAME_BYTES];
    FILE *file = tmpfile();
    if (file == NULL)
        return NULL;
    char path[32];
    snprintf(path, sizeof(path), "/dev/fd/%d", fileno(file));
    cell_name(&cell->params, name);
    lb_clear();
    struct lb_bench *bench = lb_register(name, cell->workload->body, cell);
    if (cell->workload->own_time)
        lb_use_manual_time(bench);
    else
        lb_use_real_time(bench);
    if (cell_threads(cell) > 1 && !cell->workload->is_replay)
        lb_threads(bench, (int)cell->params.cpus);
    if (iterations != 0)
        lb_iterations(bench, (int64_t)iterations);
    struct lb_run_options options = {
        .json_path = path,
        .min_time_s = min_time_s,
        .quiet = true,
        .anonymous = true,
    };
    cJSON *row = NULL;
    if (lb_run_json(&options) == 0) {
        long bytes = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : 0;
        char *text = bytes > 0 ? calloc(1, (size_t)bytes + 1) : NULL;
        if (text != NULL && fseek(file, 0, SEEK_SET) == 0 &&
            fread(text, 1, (size_t)bytes, file) == (size_t)bytes) {
            cJSON *root = cJSON_Parse(text);
            row = cJSON_DetachItemFromArray(cJSON_GetObjectItem(root, "benchmarks"), 0);
            cJSON_Delete(root);
        }
        free(text);
    }
    fclose(file);
    return row;
}

/* Short operations on one list of threads, so many that their number is ours to choose: the calibrations,
 * too, since the rods' validity hangs on one. */
static bool is_plain(const struct cell *cell)
{
    const struct workload *workload = cell->workload;
    return cell->iterations == 0 && !cell->params.smoke && !workload->own_time && !workload->takes_trace &&
           !workload->one_thread && !workload->makes_machine &&
           (strcmp(workload->section, SECTION_FRAMES) == 0 ||
            strcmp(workload->section, SECTION_SYSTEMS) == 0 ||
            strcmp(workload->section, SECTION_SERVICES) == 0 ||
            strncmp(workload->name, "calibrate-", 10) == 0);
}

/* Warms up for a part of the time, and then measures as many operations as fill it. Libbench alone takes the
 * first run that was long enough, were it one operation during which the host took the CPU away; here a count
 * that filled less than half of the time is found to be such a mistake, and is corrected. */
cJSON *cell_measure(struct cell *cell)
{
    double min_time_s = cell->params.smoke ? 0.001 : cell->params.min_time_s;
    if (!is_plain(cell))
        return run_libbench(cell, min_time_s, cell->iterations);
    cJSON *row = run_libbench(cell, min_time_s * WARM_UP_PART, 0);
    double threads = cell_threads(cell);
    for (unsigned i = 0; i < COUNT_TRIES && row != NULL; i++) {
        double ns = threads * cJSON_GetNumberValue(cJSON_GetObjectItem(row, "real_time"));
        double count = ns > 0 ? min_time_s * 1e9 / ns + 1 : 1;
        if (!(ns > 0) || cJSON_HasObjectItem(row, "error_message"))
            break;
        cJSON_Delete(row);
        row = run_libbench(cell, min_time_s, (uint64_t)count);
        ns = threads * cJSON_GetNumberValue(cJSON_GetObjectItem(row, "real_time"));
        if (ns * count >= 0.5e9 * min_time_s)
            break;
    }
    return row;
}

struct cell *cell_open(const struct cell_params *params, const struct spec *spec, struct spec_error *error)
{
    struct cell *cell = aligned_alloc(PL_CPU_LINE_BYTES, sizeof(*cell));
    if (cell == NULL) {
        snprintf(error->text, sizeof(error->text), "bench: out of memory");
        return NULL;
    }
    memset(cell, 0, sizeof(*cell));
    cell->params = *params;
    cell->workload = workload_find(params->workload);
    if (cell->workload == NULL) {
        snprintf(error->text, sizeof(error->text),
                 "workload '%.80s': unknown; 'pagelab list --workloads' names those there are",
                 params->workload);
        free(cell);
        return NULL;
    }
    if (cell_prepare(cell, spec, error) == 0)
        return cell;
    cell_close(cell);
    return NULL;
}

cJSON *cell_run(const struct cell_params *params, struct spec_error *error)
{
    struct spec spec;
    if (spec_parse(params->backend, &spec, error) != 0)
        return NULL;
    struct cell *cell = cell_open(params, &spec, error);
    if (cell == NULL)
        return NULL;
    cJSON *row = NULL;
    if (!cell->cannot)
        row = cell_measure(cell);
    if (!cell->cannot && row == NULL)
        (void)workload_cannot(cell, "libbench gave no result");
    if (!cell->cannot && cell->workload->finish != NULL)
        cell->workload->finish(cell);
    row = cell_row(cell, row);
    cell_close(cell);
    return row;
}
