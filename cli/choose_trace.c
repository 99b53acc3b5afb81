/* choose --trace: a recording of the user's own, replayed by the candidates of a result if it was not yet. */
#define _GNU_SOURCE
#include <pagelab/check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/environment.h"
#include "bench/session.h"
#include "cli/choose.h"
#include "cli/cli.h"
#include "engine/trace/trace.h"
#include "report/result.h"

#define KEPT_FOLDER "results/traces"
#define ROUNDS      3u
#define MIN_TIME_S  0.25
#define LIMIT_S     120.0
#define NAME_BYTES  256u

/* Is it a replay of this file? Two recordings may have one name. */
static bool replays(const cJSON *row, const char *workload, const char *trace)
{
    char wanted[4096];
    const char *command = result_text(row, "command");
    if (strcmp(result_text(row, "workload"), workload) != 0)
        return false;
    snprintf(wanted, sizeof(wanted), "replay:%s", trace);
    const char *at = strstr(command, wanted);
    return at != NULL && strchr("' ", at[strlen(wanted)]) != NULL; /* strchr finds the end, too */
}

static bool has_replay(const cJSON *result, const char *candidate, const char *workload, const char *trace)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "benchmarks"))
    {
        if (strcmp(result_text(row, "candidate"), candidate) == 0 && replays(row, workload, trace))
            return true;
    }
    return false;
}

/* Has `replayed` a row of each candidate of `result`, the rods aside? */
static bool has_replays(const cJSON *replayed, const cJSON *result, const char *workload, const char *trace)
{
    const cJSON *one = NULL;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "candidates"))
    {
        if (strcmp(result_text(one, "kind"), "floor") != 0 &&
            !has_replay(replayed, result_text(one, "name"), workload, trace))
            return false;
    }
    return true;
}

/* Its times are those of this build, at this commit. */
static bool of_this_build(const cJSON *kept)
{
    return strcmp(result_text(result_pagelab(kept), "tier"), PL_TIER) == 0 &&
           strcmp(result_text(result_pagelab(kept), "commit"), environment_commit()) == 0;
}

/* The rows of `from` come into `result`, in the place of another recording's of that name; each says which
 * file keeps it, and the result says when and how that was measured. */
static void take_rows(cJSON *result, cJSON *from, const char *workload, const char *kept)
{
    cJSON *origin = cJSON_AddObjectToObject(result, DECIDE_KEPT);
    cJSON_AddStringToObject(origin, "file", kept);
    cJSON_AddItemToObject(origin, "context", cJSON_DetachItemFromObjectCaseSensitive(from, "context"));
    cJSON *into = cJSON_GetObjectItemCaseSensitive(result, "benchmarks");
    cJSON *rows = cJSON_GetObjectItemCaseSensitive(from, "benchmarks");
    for (cJSON *row = into->child, *next; row != NULL; row = next) {
        next = row->next;
        if (strcmp(result_text(row, "workload"), workload) == 0)
            cJSON_Delete(cJSON_DetachItemViaPointer(into, row));
    }
    while (rows != NULL && rows->child != NULL) {
        cJSON *row = cJSON_DetachItemFromArray(rows, 0);
        cJSON_AddStringToObject(row, DECIDE_KEPT, kept);
        cJSON_AddItemToArray(into, row);
    }
}

/* What an earlier call left, if the recording did not change since, this build measured it, and no candidate
 * is missing. NULL: nothing. */
static cJSON *read_kept(const char *path, const char *real, const cJSON *wanted, const char *workload,
                        const char *trace)
{
    struct report_error error;
    struct stat kept;
    struct stat recorded;
    if (stat(path, &kept) != 0 || stat(real, &recorded) != 0 || kept.st_mtime < recorded.st_mtime)
        return NULL;
    cJSON *result = report_read(path, &error);
    if (result != NULL && of_this_build(result) && has_replays(result, wanted, workload, trace))
        return result;
    cJSON_Delete(result);
    return NULL;
}

/* The candidates of a result, as specs. -1 after an error was printed. */
static int find_specs(const cJSON *result, struct spec *specs)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "candidates");
    const cJSON *one = NULL;
    struct spec_error error;
    size_t bytes = 1;
    size_t used = 0;
    cJSON_ArrayForEach(one, list) bytes += strlen(result_text(one, "name")) + 1;
    char *names = calloc(bytes, 1);
    cJSON_ArrayForEach(one, list)
    {
        if (names != NULL && strcmp(result_text(one, "kind"), "floor") != 0)
            used += (size_t)snprintf(names + used, bytes - used, "%s%s", used == 0 ? "" : ",",
                                     result_text(one, "name"));
    }
    int count = names == NULL ? -1 : spec_parse_list(names, specs, &error);
    free(names);
    return cli_check_specs("choose", specs, count, &error) == CLI_OK ? count : -1;
}

static int measure(const cJSON *result, const char *trace, const char *kept, cJSON **measured)
{
    static struct spec specs[SPEC_LIST_LIMIT];
    struct session_error error = {""};
    struct plan plan = {0};
    struct cell_params cell = {.cpus = 1};
    int count = find_specs(result, specs);
    if (count < 0)
        return CLI_MISTAKE;
    if (snprintf(cell.workload, sizeof(cell.workload), "replay:%s", trace) >= (int)sizeof(cell.workload))
        return cli_mistake("choose", "--trace '%.80s': a shorter path expected", trace);
    if (cli_make_directory(KEPT_FOLDER) != 0)
        return cli_mistake("choose", KEPT_FOLDER ": a directory that can be written expected");
    fprintf(stderr, "pagelab choose: %s was not replayed yet: now, %d candidates, %u rounds%s; kept in %s\n",
            trace, count, ROUNDS,
            strcmp(PL_TIER, "release") == 0 ? "" : " (by a " PL_TIER " build: its times say little)", kept);
    struct plan_options planned = {.specs = specs,
                                   .spec_count = (size_t)count,
                                   .admission = ADMISSION_BATCHED,
                                   .min_time_s = MIN_TIME_S};
    struct session_options options = {.program = cli_program(),
                                      .result_path = kept,
                                      .mode = "bench",
                                      .rounds = ROUNDS,
                                      .limit_s = LIMIT_S,
                                      .progress = isatty(STDERR_FILENO) ? stderr : NULL,
                                      .progress_is_tty = true,
                                      .stop = &cli_stop};
    if (plan_workload(&plan, &planned, &cell) != 0)
        return cli_mistake("choose", "out of memory");
    enum session_end end = session_run(&plan, specs, (size_t)count, &options, measured, &error);
    plan_fini(&plan);
    if (end == SESSION_MISTAKE)
        return cli_mistake("choose", "%s", error.text);
    return end == SESSION_INTERRUPTED ? CLI_INTERRUPTED : CLI_OK; /* who broke is out by its row */
}

int choose_trace(cJSON *result, const char *trace)
{
    char workload[NAME_BYTES];
    char found[4096];
    char kept[NAME_BYTES + 64];
    const char *real = cli_find(trace, found, sizeof(found));
    struct trace read;
    struct trace_error error;
    decide_trace_workload(trace, workload, sizeof(workload));
    if (trace_read(real, &read, &error) != 0)
        return cli_mistake("choose", "%s ('pagelab import' makes one)", error.text);
    trace_fini(&read);
    if (has_replays(result, result, workload, trace))
        return CLI_OK;
    snprintf(kept, sizeof(kept), KEPT_FOLDER "/%s.json", workload);
    cJSON *rows = read_kept(kept, real, result, workload, trace);
    int code = rows != NULL ? CLI_OK : measure(result, trace, kept, &rows);
    if (code == CLI_OK)
        take_rows(result, rows, workload, kept);
    cJSON_Delete(rows);
    return code;
}
