/* See page_data.h. */
#include "report/page_data.h"

#include "report/cells.h"
#include "report/origin.h"
#include "report/page_decision.h"
#include "report/print_age.h"
#include "report/print_context.h"
#include "report/print_tail.h"
#include "report/print_worst.h"
#include "report/reference.h"
#include "report/result.h"

#include <string.h>

/* Copies `item`'s fields `keys` that are there. False: no memory. */
static bool fields_copy(cJSON *into, const cJSON *from, const char *const *keys, size_t key_count)
{
    for (size_t i = 0; i < key_count; i++) {
        const cJSON *field = cJSON_GetObjectItemCaseSensitive(from, keys[i]);

        if (field != NULL) {
            cJSON *copy = cJSON_Duplicate(field, true);

            if (!cJSON_AddItemToObject(into, keys[i], copy)) {
                cJSON_Delete(copy);
                return false;
            }
        }
    }
    return true;
}

/* Host name and paths stay out: a page travels further than the machine's owner may think. */
static cJSON *page_context(const cJSON *result)
{
    static const char *const keys[] = {"date",   "num_cpus", "mhz_per_cpu", "library_build_type",
                                       "caches", "load_avg", "pagelab"};
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(result, "context");
    cJSON *context = cJSON_CreateObject();

    if (context != NULL && !fields_copy(context, from, keys, sizeof keys / sizeof keys[0])) {
        cJSON_Delete(context);
        return NULL;
    }
    return context;
}

static bool cell_add_samples(cJSON *object, const struct report_cell *cell)
{
    cJSON *samples = cJSON_AddArrayToObject(object, "samples");

    for (size_t i = 0; samples != NULL && i < cell->sample_count; i++) {
        cJSON *sample = cJSON_CreateNumber(cell->samples[i]);

        if (!cJSON_AddItemToArray(samples, sample)) {
            cJSON_Delete(sample);
            return false;
        }
    }
    return samples != NULL;
}

static cJSON *page_cell(const struct report_cell *cell, bool ratios_count)
{
    static const char *const facts[] = {"order",
                                        "cpus",
                                        "admission",
                                        "command",
                                        "failures",
                                        "occupancy",
                                        "metadata_bytes_per_frame",
                                        "largest_free_order",
                                        "section",
                                        "allocator_calls",
                                        "segments",
                                        "frame_map",
                                        "age_maps",
                                        "operations",
                                        "requests",
                                        "operation",
                                        "events",
                                        "noise",
                                        "ci_low",
                                        "ci_high",
                                        "bimodal"};
    static const char *const ratios[] = {"ratio_to_floor", "ratio_to_magazine"};
    cJSON *object = cJSON_CreateObject();

    if (object == NULL || cJSON_AddStringToObject(object, "name", cell->name) == NULL ||
        cJSON_AddStringToObject(object, "candidate", cell->candidate) == NULL ||
        cJSON_AddStringToObject(object, "workload", cell->workload) == NULL ||
        cJSON_AddStringToObject(object, "variant", cell->variant) == NULL ||
        cJSON_AddStringToObject(object, "status", cell->status) == NULL ||
        cJSON_AddStringToObject(object, "reason", cell->reason) == NULL ||
        !fields_copy(object, cell->row, facts, sizeof facts / sizeof facts[0]) ||
        !fields_copy(object, cell->row, age_keys, AGE_KEYS) ||
        !fields_copy(object, cell->row, context_keys, CONTEXT_KEYS) ||
        !fields_copy(object, cell->row, tail_keys, TAIL_KEYS) ||
        !fields_copy(object, cell->row, worst_keys, WORST_KEYS)) {
        goto fail;
    }
    if (cell_ok(cell)) {
        if (cJSON_AddNumberToObject(object, "ns", cell->ns) == NULL || !cell_add_samples(object, cell)) {
            goto fail;
        }
        if (ratios_count && !fields_copy(object, cell->row, ratios, sizeof ratios / sizeof ratios[0])) {
            goto fail;
        }
    }
    return object;

fail:
    cJSON_Delete(object);
    return NULL;
}

/* `list` takes the object, or it is gone. */
static bool list_add(cJSON *list, cJSON *object)
{
    if (cJSON_AddItemToArray(list, object)) {
        return true;
    }
    cJSON_Delete(object);
    return false;
}

static bool object_add(cJSON *into, const char *key, cJSON *object)
{
    if (cJSON_AddItemToObject(into, key, object)) {
        return true;
    }
    cJSON_Delete(object);
    return false;
}

struct run {
    const cJSON *result;
    struct report_cells cells;
};

static bool is_rod(const cJSON *result, const char *name)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "candidates");
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, list)
    {
        if (strcmp(result_text(one, "name"), name) == 0) {
            return strcmp(result_text(one, "kind"), "floor") == 0;
        }
    }
    return false;
}

/* Was it measured? The rods alone, for their own check, are no measurement of it. */
static bool run_has(const struct run *run, const char *workload)
{
    for (size_t i = 0; i < run->cells.count; i++) {
        const struct report_cell *cell = &run->cells.list[i];

        if (strcmp(cell->workload, workload) == 0 &&
            (strcmp(result_text(cell->row, "section"), "harness") == 0 ||
             !is_rod(run->result, cell->candidate))) {
            return true;
        }
    }
    return false;
}

/* All cells; or, of a stored result, those of workloads that `run` lacks, marked as the reference's. A
 * workload is never mixed of two runs: their nanoseconds do not compare. */
static bool cells_add(cJSON *list, const cJSON *result, const struct report_cells *cells,
                      const struct run *run)
{
    const char *words = NULL;
    const char *before = NULL;
    bool ratios_count = result_rods(result, &words) != RODS_VOID;
    bool wanted = true;

    for (size_t i = 0; i < cells->count; i++) {
        const struct report_cell *cell = &cells->list[i];

        if (run != NULL && (before == NULL || strcmp(before, cell->workload) != 0)) {
            wanted = !run_has(run, cell->workload);
            before = cell->workload;
        }
        if (!wanted) {
            continue;
        }

        cJSON *object = page_cell(cell, ratios_count);

        if ((run != NULL && cJSON_AddTrueToObject(object, "reference") == NULL) || !list_add(list, object)) {
            return false;
        }
    }
    return true;
}

/* Where the stored result is from, and who ran in it. */
static bool stored_add_origin(cJSON *data, const cJSON *stored)
{
    static const char *const keys[] = {"candidates", "rods"};
    cJSON *object = cJSON_CreateObject();
    struct origin origin;

    origin_of_context(cJSON_GetObjectItemCaseSensitive(stored, "context"), &origin);
    return object_add(data, "reference", object) && origin_add(object, &origin) &&
           fields_copy(object, result_pagelab(stored), keys, sizeof keys / sizeof keys[0]);
}

static bool stored_add(cJSON *data, cJSON *list, const cJSON *stored, const struct run *run)
{
    struct report_cells cells;

    if (stored == NULL) {
        return true;
    }
    if (!cells_collect(stored, &cells)) {
        return false;
    }
    cells_sort(&cells);

    bool good = stored_add_origin(data, stored) && cells_add(list, stored, &cells, run);

    cells_free(&cells);
    return good;
}

/* Where the run decides nothing, what the stored result decides stands below it, marked. */
static bool decision_add_stored(cJSON *data, const cJSON *stored, const struct report_places *places)
{
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(data, "decision");

    return stored == NULL || page_decision_says_something(own) ||
           object_add(data, "decision_reference", page_decision_stored(stored, places));
}

char *page_data(const cJSON *result, const struct report_places *places)
{
    struct run run = {.result = result};
    cJSON *data = cJSON_CreateObject();
    cJSON *stored = NULL;
    char *text = NULL;

    if (!cells_collect(result, &run.cells)) {
        cJSON_Delete(data);
        return NULL;
    }
    cells_sort(&run.cells);
    stored = reference_result(places->reference);

    cJSON *list = cJSON_AddArrayToObject(data, "cells");

    if (object_add(data, "context", page_context(result)) &&
        object_add(data, "decision", page_decision(result, places)) &&
        decision_add_stored(data, stored, places) && cells_add(list, result, &run.cells, NULL) &&
        stored_add(data, list, stored, &run) && object_add(data, "evidence", reference_collect(places))) {
        text = cJSON_PrintUnformatted(data);
    }
    cJSON_Delete(stored);
    cJSON_Delete(data);
    cells_free(&run.cells);
    return text;
}
