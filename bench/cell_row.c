/* See cell_row.h. What the machine looks like comes from the harness's own record of what is granted, never
 * from the candidate. */
#include "bench/cell_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/workloads/workload.h"

static void set_number(cJSON *object, const char *key, double value)
{
    cJSON_DeleteItemFromObject(object, key);
    cJSON_AddNumberToObject(object, key, value);
}

static void set_string(cJSON *object, const char *key, const char *value)
{
    cJSON_DeleteItemFromObject(object, key);
    cJSON_AddStringToObject(object, key, value);
}

void cell_row_fail(cJSON *row, const char *status, const char *reason)
{
    set_string(row, "status", status);
    set_string(row, "reason", reason);
    cJSON_DeleteItemFromObject(row, "error_occurred");
    cJSON_AddTrueToObject(row, "error_occurred");
    set_string(row, "error_message", reason);
    set_number(row, "real_time", 0);
    set_number(row, "cpu_time", 0);
    set_number(row, "iterations", 0);
}

/* A model of a kernel's allocator is called that on every row. */
static void add_model(cJSON *row, const char *backend)
{
    struct spec spec;
    struct spec_error error;
    if (spec_parse(backend, &spec, &error) == 0 && spec_base(&spec)->model_of != NULL)
        cJSON_AddStringToObject(row, "model_of", spec_base(&spec)->model_of);
}

cJSON *cell_row_new(const struct cell_params *params)
{
    char name[CELL_NAME_BYTES];
    char label[64];
    char command[512];
    const struct workload *workload = workload_find(params->workload);
    cell_name(params, name);
    cell_label(params->workload, label, sizeof(label));
    cell_command(params, command, sizeof(command));
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "name", name);
    cJSON_AddStringToObject(row, "run_name", name);
    cJSON_AddStringToObject(row, "run_type", "iteration");
    cJSON_AddNumberToObject(row, "repetitions", 1);
    cJSON_AddNumberToObject(row, "repetition_index", 0);
    cJSON_AddNumberToObject(row, "threads", params->cpus);
    cJSON_AddNumberToObject(row, "iterations", 0);
    cJSON_AddNumberToObject(row, "real_time", 0);
    cJSON_AddNumberToObject(row, "cpu_time", 0);
    cJSON_AddStringToObject(row, "time_unit", "ns");
    cJSON_AddStringToObject(row, "candidate", params->backend);
    add_model(row, params->backend);
    cJSON_AddStringToObject(row, "workload", label);
    if (workload != NULL)
        cJSON_AddStringToObject(row, "section", workload->section);
    if (workload != NULL && workload_has_order(workload))
        cJSON_AddNumberToObject(row, "order", params->order);
    cJSON_AddNumberToObject(row, "cpus", params->cpus);
    cJSON_AddStringToObject(row, "status", "ok");
    cJSON_AddStringToObject(row, "reason", "");
    cJSON_AddStringToObject(row, "command", command);
    return row;
}

/* --- the state of the machine at the end --- */

bool cell_record_grants(const struct cell *cell, struct shadow *shadow, struct finding *finding)
{
    for (unsigned i = 0; i < CELL_CPU_LIMIT && !finding->found; i++) {
        const struct cell_thread *thread = &cell->threads[i];
        for (size_t k = 0; thread->runs != NULL && k < thread->run_count && !finding->found; k++) {
            if (thread->runs[k].frame_count != 0)
                shadow_grant(shadow, &thread->runs[k], 1, finding);
        }
    }
    return !finding->found;
}

/* One character a cell: tenths of its frames that are granted, '.' for a hole. */
cJSON *cell_frame_map(const struct shadow *shadow, size_t cell_limit)
{
    uint64_t span = shadow->machine->span;
    char cells[CELL_MAP_LIMIT + 1];
    cell_limit = cell_limit > CELL_MAP_LIMIT ? CELL_MAP_LIMIT : cell_limit;
    uint64_t per_cell = (span + cell_limit - 1) / cell_limit;
    size_t count = 0;
    for (uint64_t at = 0; at < span; at += per_cell) {
        uint64_t frames = 0;
        uint64_t granted = 0;
        for (uint64_t i = at; i < at + per_cell && i < span; i++) {
            frames += shadow->owner[i] != SHADOW_HOLE;
            granted += shadow->owner[i] != SHADOW_HOLE && shadow->owner[i] != 0;
        }
        /* 0 only for none and 9 only for all, so that both can be told from "nearly". */
        uint64_t tenths = frames == 0 ? 0 : granted * 10 / frames;
        if (tenths == 0 && granted != 0)
            tenths = 1;
        if (tenths >= 9)
            tenths = granted == frames ? 9 : 8;
        cells[count++] = frames == 0 ? '.' : (char)('0' + tenths);
    }
    cells[count] = '\0';
    cJSON *map = cJSON_CreateObject();
    cJSON_AddNumberToObject(map, "frame_count", (double)span);
    cJSON_AddNumberToObject(map, "frames_per_cell", (double)per_cell);
    cJSON_AddStringToObject(map, "cells", cells);
    return map;
}

/* Counters and the map from what is granted. A candidate that granted a frame twice has broken its contract;
 * a rod does not claim to have none. */
static void describe_machine(const struct cell *cell, cJSON *row)
{
    struct shadow shadow;
    struct finding finding = {0};
    if (shadow_init(&shadow, cell->machine) != 0)
        return;
    bool floor = spec_base(&cell->instance.spec)->kind == PL_KIND_FLOOR;
    if (cell_record_grants(cell, &shadow, &finding)) {
        /* What a system or a service holds, it holds: nobody's list of runs says where. */
        if (strcmp(cell->workload->section, SECTION_SYSTEMS) != 0 &&
            strcmp(cell->workload->section, SECTION_SERVICES) != 0)
            set_number(row, "largest_free_order", shadow_largest_free_order(&shadow));
        if (cell->workload->is_replay)
            cJSON_AddItemToObject(row, "frame_map", cell_frame_map(&shadow, CELL_MAP_LIMIT));
    } else if (!floor) {
        char reason[480];
        snprintf(reason, sizeof(reason), "broke %s: %s; %s", finding.ids, finding.expected, finding.actual);
        cell_row_fail(row, "broken", reason);
    }
    shadow_fini(&shadow);
}

/* What was seen beside the map; whether the workload could be measured or not. */
static void describe_breach(struct cell *cell, cJSON *row)
{
    int nonsense = atomic_load_explicit(&cell->admission.nonsense, memory_order_relaxed);
    if (nonsense != 0 && cell->broken[0] == '\0')
        snprintf(cell->broken, sizeof(cell->broken),
                 "broke X-3: alloc, alloc_run or free returned %d, which is no status", nonsense);
    if (cell->broken[0] != '\0' && spec_base(cell->spec)->kind != PL_KIND_FLOOR)
        cell_row_fail(row, "broken", cell->broken);
}

/* --- the row --- */

static void take_times(const struct cell *cell, cJSON *row, cJSON *measured)
{
    /* Google Benchmark divides wall time by the iterations of all threads; a row says ns an operation on each
     * CPU. CPU time is a sum over the threads, so it is that already. */
    bool alone = cell->workload->is_replay || cell->workload->one_thread;
    double scale = alone ? 1.0 : cell->params.cpus;
    set_number(row, "real_time", scale * cJSON_GetNumberValue(cJSON_GetObjectItem(measured, "real_time")));
    set_number(row, "cpu_time", cJSON_GetNumberValue(cJSON_GetObjectItem(measured, "cpu_time")));
    set_number(row, "iterations", cJSON_GetNumberValue(cJSON_GetObjectItem(measured, "iterations")));
    const cJSON *error = cJSON_GetObjectItem(measured, "error_message");
    if (cJSON_IsString(error))
        cell_row_fail(row, "failed", error->valuestring);
}

cJSON *cell_row(struct cell *cell, cJSON *measured)
{
    cJSON *row = cell_row_new(&cell->params);
    char text[512];
    uint64_t failures = 0;
    if (cell->params.admission == ADMISSION_EXACT || cell->workload->makes_machine)
        snprintf(text, sizeof(text), "exact");
    else
        snprintf(text, sizeof(text), "batched (within %lld frames a CPU)",
                 (long long)admission_slack(&cell->admission));
    cJSON_AddStringToObject(row, "admission", text);
    if (cell->machine != NULL) {
        const struct pl_floors *floors = &cell->machine->floors;
        snprintf(text, sizeof(text), "%s %llu/%llu/%llu", cell->params.own_floors ? "explicit" : "freebsd",
                 (unsigned long long)floors->interrupt, (unsigned long long)floors->system,
                 (unsigned long long)floors->normal);
        cJSON_AddStringToObject(row, "floors", text);
    }
    if (cell->cannot) {
        bool not_applicable = strncmp(cell->reason, "n/a", 3) == 0;
        cell_row_fail(row, not_applicable ? "n/a" : "failed", cell->reason);
    } else {
        take_times(cell, row, measured);
        for (unsigned i = 0; i < cell->counter_count; i++)
            set_number(row, cell->counters[i].name, cell->counters[i].value);
        if (cell->operation[0] != '\0')
            set_string(row, "operation", cell->operation);
    }
    for (unsigned i = 0; i < CELL_CPU_LIMIT; i++)
        failures += cell->threads[i].failures;
    set_number(row, "failures", (double)failures);
    if (failures != 0 && !cell->workload->may_fail) {
        snprintf(text, sizeof(text), "%llu allocations failed while measured", (unsigned long long)failures);
        cell_row_fail(row, "failed", text);
    }
    if (cell->instance.live) {
        /* Where allocations failed, the workload held less than it meant to. */
        if (failures == 0 || cell->workload->may_fail)
            set_number(row, "occupancy", (double)cell->granted_frames / (double)cell->machine->frame_count);
        set_number(row, "machine_frames", (double)cell->machine->frame_count);
        set_number(row, "metadata_bytes_per_frame", instance_metadata_bytes_per_frame(&cell->instance));
        if (cell->workload->is_replay)
            set_number(row, "events", (double)cell->events);
        instance_settings(&cell->instance, text, sizeof(text));
        set_string(row, "settings", text);
    }
    if (cell->maps != NULL)
        cJSON_AddItemToObject(row, "age_maps", cell->maps);
    cell->maps = NULL;
    if (cell->instance.live && !cell->cannot)
        describe_machine(cell, row);
    describe_breach(cell, row);
    cJSON_Delete(measured);
    return row;
}
