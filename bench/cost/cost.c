/* See cost.h. */
#include "bench/cost/cost.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cell_row.h"
#include "bench/environment.h"
#include "bench/workloads/workload.h"
#include "engine/registry.h"

/* Lackey prints each instruction, so a tenth of the operations is enough of them. */
#define LINE_SHARE 10u
#define ROUNDED    1e4

struct session {
    const struct cost_options *options;
    cJSON *rows;
    struct cost_error *error;
    size_t done;
    bool broken;
};

/* One cell: what its runs counted, per operation. */
struct measured {
    const struct cell_params *params;
    struct cost_profile first; /* of the first run: by function */
    double low[COST_COUNTS];
    double high[COST_COUNTS];
    double operations; /* of the first run */
    double line_operations;
    double memory_bytes;
    const char *status; /* NULL as long as all is well */
    char reason[512];
};

static double rounded(double value)
{
    return round(value * ROUNDED) / ROUNDED;
}

/* A grant and its end are one operation; in a recording each is one. */
static double operations_of(const cJSON *row, bool is_replay)
{
    double allocs = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "allocs"));
    double frees = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "frees"));
    return is_replay ? allocs + frees : allocs;
}

/* Takes what the child said of itself. False: nothing was counted, and `measured` says why. */
static bool take_row(struct measured *measured, const cJSON *row)
{
    static const char *const statuses[] = {"n/a", "failed", "broken"};
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(row, "reason"));
    double failures = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "failures"));
    if (status != NULL && strcmp(status, "ok") == 0) {
        measured->memory_bytes = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "memory_bytes"));
        if (failures == 0)
            return true;
        measured->status = "failed"; /* a refusal is cheap, so what is counted is not the workload */
        snprintf(measured->reason, sizeof(measured->reason), "%.0f calls of the candidate failed", failures);
        return false;
    }
    measured->status = "crashed";
    for (size_t i = 0; i < PL_COUNT_OF(statuses); i++) {
        if (status != NULL && strcmp(status, statuses[i]) == 0)
            measured->status = statuses[i];
    }
    snprintf(measured->reason, sizeof(measured->reason), "%s", reason == NULL ? "no row" : reason);
    return false;
}

/* One tool, once. False: go no further with this cell; *end says whether with any. */
static bool run_tool(struct session *session, struct measured *measured, enum cost_tool tool,
                     struct cost_profile *profile, double *operations, enum session_end *end)
{
    struct cell_params params = *measured->params;
    cJSON *row = NULL;
    if (tool == COST_LACKEY)
        params.operations = (params.operations + LINE_SHARE - 1) / LINE_SHARE;
    enum cost_run_end run = cost_run(&session->options->runner, tool, &params, profile, &row, session->error);
    *end = run == COST_RUN_MISTAKE || run == COST_RUN_TOOL ? SESSION_MISTAKE
           : run == COST_RUN_INTERRUPTED                   ? SESSION_INTERRUPTED
                                                           : SESSION_DONE;
    bool good = run == COST_RUN_OK && take_row(measured, row);
    if (good)
        *operations = operations_of(row, workload_find(params.workload)->is_replay);
    if (run == COST_RUN_ENDED || run == COST_RUN_TIMED_OUT) {
        measured->status = run == COST_RUN_ENDED ? "crashed" : "timeout";
        snprintf(measured->reason, sizeof(measured->reason), "%s", session->error->text);
    } else if (good && *operations <= 0) {
        measured->status = "failed";
        snprintf(measured->reason, sizeof(measured->reason), "made no call of the candidate");
        good = false;
    }
    cJSON_Delete(row);
    return good;
}

/* Both tools once, into the ranges; the first run into the functions, too. */
static enum session_end run_once(struct session *session, struct measured *measured, unsigned run)
{
    enum session_end end = SESSION_DONE;
    struct cost_profile profile = {0};
    double operations[2] = {0};
    bool good = run_tool(session, measured, COST_CALLGRIND, &profile, &operations[0], &end);
    if (good && session->options->lines)
        good = run_tool(session, measured, COST_LACKEY, &profile, &operations[1], &end);
    for (unsigned i = 0; good && i < COST_COUNTS; i++) {
        if (i == COST_LINES && !session->options->lines)
            continue;
        double value = rounded((double)profile.totals[i] / operations[i == COST_LINES]);
        measured->low[i] = run == 0 || value < measured->low[i] ? value : measured->low[i];
        measured->high[i] = run == 0 || value > measured->high[i] ? value : measured->high[i];
    }
    if (!good || run != 0) {
        cost_profile_fini(&profile);
        return end;
    }
    measured->first = profile;
    measured->operations = operations[0];
    measured->line_operations = operations[1];
    return end;
}

/* --- the row --- */

static int by_cost(const void *a, const void *b)
{
    const struct cost_function *x = a;
    const struct cost_function *y = b;
    for (unsigned i = 0; i < COST_COUNTS; i++) {
        if (x->counts[i] != y->counts[i])
            return x->counts[i] < y->counts[i] ? 1 : -1;
    }
    return strcmp(x->name, y->name);
}

static void add_functions(const struct cost_options *options, cJSON *row, struct measured *measured)
{
    struct cost_profile *profile = &measured->first;
    cJSON *array = cJSON_AddArrayToObject(row, "functions");
    if (profile->function_count != 0)
        qsort(profile->functions, profile->function_count, sizeof(profile->functions[0]), by_cost);
    for (size_t i = 0; i < profile->function_count; i++) {
        const struct cost_function *function = &profile->functions[i];
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "name", function->name);
        for (unsigned k = 0; k < COST_COUNTS; k++) {
            double operations = k == COST_LINES ? measured->line_operations : measured->operations;
            if (k != COST_LINES || options->lines)
                cJSON_AddNumberToObject(entry, cost_count_names[k],
                                        rounded((double)function->counts[k] / operations));
        }
        cJSON_AddItemToArray(array, entry);
    }
}

static void add_identity(const struct cost_options *options, const struct cell_params *params,
                         const char *shown, cJSON *row)
{
    char text[CELL_NAME_BYTES];
    char backend[2 * SPEC_NAME_BYTES];
    char workload[2 * sizeof(params->workload)];
    char command[sizeof(backend) + sizeof(workload) + 200];
    bool takes_order = workload_find(params->workload)->takes_order;
    cell_name(params, text);
    cJSON_AddStringToObject(row, "name", text);
    cJSON_AddStringToObject(row, "candidate", params->backend);
    cell_label(params->workload, text, sizeof(text));
    cJSON_AddStringToObject(row, "workload", text);
    if (takes_order)
        cJSON_AddNumberToObject(row, "order", params->order);
    else
        cJSON_AddNullToObject(row, "order");
    cell_word(params->backend, backend, sizeof(backend));
    cell_word(shown, workload, sizeof(workload));
    int n =
        snprintf(command, sizeof(command), "./pagelab cost --backend %s --workload %s --operations %" PRIu64,
                 backend, workload, params->operations);
    if (takes_order)
        n += snprintf(command + n, sizeof(command) - (size_t)n, " --order %u", params->order);
    if (params->memory_bytes != 0)
        n += snprintf(command + n, sizeof(command) - (size_t)n, " --memory %" PRIu64, params->memory_bytes);
    if (options->runs != 0)
        n += snprintf(command + n, sizeof(command) - (size_t)n, " --runs %u", options->runs);
    if (options->runner.limit_s != COST_TIME_LIMIT_S)
        n +=
            snprintf(command + n, sizeof(command) - (size_t)n, " --time-limit %.0f", options->runner.limit_s);
    snprintf(command + n, sizeof(command) - (size_t)n, "%s", options->lines ? "" : " --no-lines");
    cJSON_AddStringToObject(row, "command", command);
}

static cJSON *make_row(const struct cost_options *options, const char *shown, unsigned runs,
                       struct measured *measured)
{
    cJSON *row = cJSON_CreateObject();
    add_identity(options, measured->params, shown, row);
    cJSON_AddStringToObject(row, "status", measured->status == NULL ? "ok" : measured->status);
    cJSON_AddStringToObject(row, "reason", measured->reason);
    if (measured->status != NULL)
        return row;
    cJSON_AddNumberToObject(row, "memory_bytes", measured->memory_bytes);
    cJSON_AddNumberToObject(row, "operations", measured->operations);
    cJSON_AddNumberToObject(row, "line_operations", measured->line_operations);
    cJSON_AddNumberToObject(row, "runs", runs);
    for (unsigned i = 0; i < COST_COUNTS; i++) {
        char high[32];
        snprintf(high, sizeof(high), "%s_high", cost_count_names[i]);
        if (i == COST_LINES && !options->lines)
            continue;
        cJSON_AddNumberToObject(row, cost_count_names[i], measured->low[i]);
        cJSON_AddNumberToObject(row, high, measured->high[i]);
    }
    if (options->lines)
        cJSON_AddNumberToObject(row, "working_lines", (double)measured->first.working_lines);
    add_functions(options, row, measured);
    return row;
}

/* --- the cells --- */

/* Whose state is not all in its metadata does not repeat: a library's heap has its own clock and addresses. A
 * plug-in may be anything. */
static unsigned runs_of(const struct cost_options *options, const struct spec *spec)
{
    if (options->runs != 0)
        return options->runs;
    const struct pl_candidate *base = spec_base(spec);
    bool ours =
        registry_find(base->name, strlen(base->name)) == base && !(base->page->caps & PL_CAP_OUTSIDE_STATE);
    return ours ? 1 : COST_LIBRARY_RUNS;
}

static enum session_end run_cell(struct session *session, const struct spec *spec,
                                 const struct cost_workload *workload, unsigned order)
{
    const struct cost_options *options = session->options;
    struct cell_params params = {
        .order = order, .cpus = 1, .memory_bytes = options->memory_bytes, .operations = options->operations};
    struct measured measured = {.params = &params};
    enum session_end end = SESSION_DONE;
    unsigned runs = runs_of(options, spec);
    char name[CELL_NAME_BYTES];
    snprintf(params.backend, sizeof(params.backend), "%s", spec->name);
    snprintf(params.workload, sizeof(params.workload), "%s", workload->real);
    params.admission = ADMISSION_BATCHED;
    params.min_time_s = 1; /* what bench-cell wants to hear; no clock decides anything */
    if (params.memory_bytes == 0 && workload_file(workload->real) == NULL)
        params.memory_bytes = COST_MEMORY_BYTES;
    cell_name(&params, name);
    if (options->progress != NULL)
        fprintf(options->progress, "\r\033[K[%zu] %s ", ++session->done, name);
    for (unsigned run = 0; run < runs && end == SESSION_DONE && measured.status == NULL; run++)
        end = run_once(session, &measured, run);
    if (end == SESSION_DONE) {
        cJSON_AddItemToArray(session->rows, make_row(options, workload->shown, runs, &measured));
        session->broken =
            session->broken || (measured.status != NULL && strcmp(measured.status, "n/a") != 0 &&
                                strcmp(measured.status, "failed") != 0);
    }
    cost_profile_fini(&measured.first);
    return end;
}

static enum session_end run_cells(struct session *session)
{
    const struct cost_options *options = session->options;
    for (size_t w = 0; w < options->workload_count; w++) {
        bool takes_order = workload_find(options->workloads[w].real)->takes_order;
        for (size_t o = 0; o < (takes_order ? options->order_count : 1); o++) {
            for (size_t i = 0; i < options->spec_count; i++) {
                enum session_end end = run_cell(session, &options->specs[i], &options->workloads[w],
                                                takes_order ? options->orders[o] : 0);
                if (end != SESSION_DONE)
                    return end;
            }
        }
    }
    return SESSION_DONE;
}

/* Its version belongs to the record. */
static void add_valgrind(const struct cost_runner *runner, cJSON *ours)
{
    struct child_result result;
    char *argv[] = {(char *)(uintptr_t)runner->valgrind, (char *)(uintptr_t)"--version", NULL};
    child_run(argv, runner->limit_s, runner->stop, &result);
    if (result.output != NULL)
        result.output[strcspn(result.output, "\n")] = '\0';
    cJSON_AddStringToObject(ours, "valgrind", result.output == NULL ? "unknown" : result.output);
    free(result.output);
}

enum session_end cost_session(const struct cost_options *options, cJSON **document, struct cost_error *error)
{
    struct session session = {.options = options, .error = error};
    time_t start = time(NULL);
    cJSON *root = cJSON_CreateObject();
    cJSON *context = environment_context("cost");
    cJSON *ours = cJSON_GetObjectItem(context, "pagelab");
    cJSON_AddItemToObject(root, "context", context);
    cJSON_AddItemToObject(ours, "candidates", environment_candidates(options->specs, options->spec_count));
    add_valgrind(&options->runner, ours);
    session.rows = cJSON_AddArrayToObject(root, "cost");
    enum session_end end = run_cells(&session);
    if (options->progress != NULL)
        fputs("\r\033[K", options->progress);
    if (end == SESSION_DONE)
        cJSON_ReplaceItemInObject(ours, "complete", cJSON_CreateTrue());
    cJSON_ReplaceItemInObject(ours, "seconds", cJSON_CreateNumber(difftime(time(NULL), start)));
    *document = root;
    if (end == SESSION_MISTAKE) {
        cJSON_Delete(root);
        *document = NULL;
    }
    return end == SESSION_DONE && session.broken ? SESSION_BROKEN : end;
}
