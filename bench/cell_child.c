/* See cell_child.h. */
#include "bench/cell_child.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cell_row.h"
#include "bench/child.h"
#include "bench/memory_guard.h"

void cell_arguments_make(const char *program, const struct cell_params *params,
                         struct cell_arguments *arguments)
{
    size_t n = 0;
#define ARGUMENT(...) snprintf(arguments->store[n++], CELL_ARGUMENT_BYTES, __VA_ARGS__)
    memset(arguments, 0, sizeof(*arguments));
    ARGUMENT("bench-cell");
    ARGUMENT("--backend=%s", params->backend);
    ARGUMENT("--workload=%s", params->workload);
    ARGUMENT("--order=%u", params->order);
    ARGUMENT("--cpus=%u", params->cpus);
    ARGUMENT("--memory=%" PRIu64, params->memory_bytes);
    if (params->cap_bytes != 0)
        ARGUMENT("--memory-cap=%" PRIu64, params->cap_bytes);
    ARGUMENT("--min-time=%.6f", params->min_time_s);
    ARGUMENT("--admission=%s", params->admission == ADMISSION_EXACT ? "exact" : "batched");
    if (params->own_floors)
        ARGUMENT("--floors=%" PRIu64 "/%" PRIu64 "/%" PRIu64, params->floors.interrupt, params->floors.system,
                 params->floors.normal);
    if (params->operations != 0)
        ARGUMENT("--operations=%" PRIu64, params->operations);
    if (params->parallel)
        ARGUMENT("--parallel");
    if (params->smoke)
        ARGUMENT("--smoke");
#undef ARGUMENT
    arguments->argv[0] = (char *)(uintptr_t)program;
    for (size_t i = 0; i < n; i++)
        arguments->argv[i + 1] = arguments->store[i];
}

/* A child that gave no row becomes one. */
static cJSON *row_of_failure(const struct cell_params *params, const struct child_result *child)
{
    cJSON *row = cell_row_new(params);
    char words[400];
    child_describe(child, words, sizeof(words));
    cJSON_AddStringToObject(row, "admission", params->admission == ADMISSION_EXACT ? "exact" : "batched");
    cJSON_AddNumberToObject(row, "failures", 0);
    if (child->end == CHILD_EXITED && memory_guard_ended(child->code, child->last_words)) {
        snprintf(words, sizeof(words), "n/a (machine): %s", child->last_words);
        cell_row_fail(row, "n/a", words);
    } else {
        cell_row_fail(row, child->end == CHILD_TIMED_OUT ? "timeout" : "crashed", words);
    }
    return row;
}

cJSON *cell_child_row(const struct cell_child *how, const struct cell_params *params, char *mistake,
                      size_t mistake_bytes)
{
    struct cell_arguments arguments;
    struct child_result child;
    cell_arguments_make(how->program, params, &arguments);
    child_run(arguments.argv, how->limit_s, how->stop, &child);
    mistake[0] = '\0';
    if (child.end == CHILD_INTERRUPTED) {
        free(child.output);
        return NULL;
    }
    /* Only what the child wrote counts: a candidate may exit with any code it likes. */
    cJSON *row = child.end == CHILD_EXITED && child.code == 0 ? cJSON_Parse(child.output) : NULL;
    const char *words = cJSON_GetStringValue(cJSON_GetObjectItem(row, "mistake"));
    if (words != NULL) {
        snprintf(mistake, mistake_bytes, "%s", words);
        cJSON_Delete(row);
        row = NULL;
    } else if (row == NULL) {
        row = row_of_failure(params, &child);
    }
    free(child.output);
    return row;
}
