/* See session.h. */
#define _GNU_SOURCE
#include "bench/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/cell_child.h"
#include "bench/environment.h"
#include "bench/load.h"
#include "bench/rows.h"

#define SAVE_PAUSE 20 /* times what the last writing took */

struct session {
    double save_next_s; /* not before then, but at the end */
    const struct plan *plan;
    const struct session_options *options;
    struct session_error *error;
    cJSON *root;
    cJSON *benchmarks;
    cJSON *ours;
    cJSON *twins; /* in ours */
    double start_s;
    struct load load;         /* at the start */
    struct load_shares worst; /* of a round */
    cJSON *earlier;           /* load and marks of the sittings before; NULL: none */
    size_t done;
    bool broken;
    bool annotated; /* the medians are final */
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- the result file --- */

int session_write(const cJSON *root, const char *path, struct session_error *error)
{
    char beside[4096];
    char *text = cJSON_Print(root);
    /* What is no regular file, a device or a pipe, is written to and not replaced. */
    struct stat status;
    bool direct = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    snprintf(beside, sizeof(beside), "%s%s", path, direct ? "" : ".part");
    FILE *file = text == NULL ? NULL : fopen(beside, "w");
    bool good = file != NULL && fputs(text, file) >= 0 && fputc('\n', file) != EOF;
    if (file != NULL && fclose(file) != 0)
        good = false;
    free(text);
    if (good && (direct || rename(beside, path) == 0))
        return 0;
    snprintf(error->text, sizeof(error->text), "%s: cannot be written: %s", path, strerror(errno));
    if (!direct)
        unlink(beside);
    return -1;
}

static int save(struct session *session)
{
    const char *path = session->options->result_path;
    if (path == NULL)
        return 0;
    if (!session->annotated) {
        rows_finish(session->root);
        load_record(session->ours, &session->load, &session->worst, session->earlier);
    }
    cJSON_ReplaceItemInObject(session->ours, "seconds", cJSON_CreateNumber(now_s() - session->start_s));
    return session_write(session->root, path, session->error);
}

/* After a row: the file is whole at any time, and so little behind that writing takes no more than a
 * twentieth of the run, however long it grows. */
static int save_in_time(struct session *session)
{
    double now = now_s();
    if (now < session->save_next_s)
        return 0;
    int result = save(session);
    double after = now_s();
    session->save_next_s = after + SAVE_PAUSE * (after - now);
    return result;
}

static cJSON *read_document(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t bytes = 0;
    if (file == NULL)
        return NULL;
    ssize_t n = getdelim(&text, &bytes, '\0', file);
    cJSON *root = n > 0 ? cJSON_Parse(text) : NULL;
    free(text);
    fclose(file);
    return root;
}

static void note_settings(struct session *session, const cJSON *row)
{
    const cJSON *settings = cJSON_GetObjectItem(row, "settings");
    const cJSON *candidate = cJSON_GetObjectItem(row, "candidate");
    cJSON *entry;
    if (!cJSON_IsString(settings) || !cJSON_IsString(candidate))
        return;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(session->ours, "candidates"))
    {
        if (strcmp(cJSON_GetObjectItem(entry, "name")->valuestring, candidate->valuestring) == 0)
            cJSON_ReplaceItemInObject(entry, "settings", cJSON_CreateString(settings->valuestring));
    }
}

/* Rows of another build or another kind of run cannot stand beside ours. */
static bool same_kind(const cJSON *ours, const cJSON *theirs)
{
    static const char *const keys[] = {"commit",    "dirty", "version",   "tier",      "compiler",
                                       "cpu_model", "mode",  "admission", "min_time_s"};
    for (size_t i = 0; i < PL_COUNT_OF(keys); i++) {
        if (!cJSON_Compare(cJSON_GetObjectItem(ours, keys[i]), cJSON_GetObjectItem(theirs, keys[i]), true))
            return false;
    }
    return true;
}

/* Takes over the rows of an earlier run. Those of crashed and hung cells are left out: they are tried again.
 */
static int resume(struct session *session)
{
    cJSON *old = read_document(session->options->result_path);
    cJSON *rows = cJSON_GetObjectItem(old, "benchmarks");
    const cJSON *theirs = cJSON_GetObjectItem(cJSON_GetObjectItem(old, "context"), "pagelab");
    if (!cJSON_IsArray(rows) || !same_kind(session->ours, theirs)) {
        snprintf(
            session->error->text, sizeof(session->error->text), "%s: %s; start without --resume",
            session->options->result_path,
            cJSON_IsArray(rows)
                ? "a result of the same commit, build, processor, mode, admission and time a cell expected"
                : "a result to resume expected");
        cJSON_Delete(old);
        return -1;
    }
    while (rows->child != NULL) {
        cJSON *row = cJSON_DetachItemViaPointer(rows, rows->child);
        const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
        if (status == NULL || strcmp(status, "crashed") == 0 || strcmp(status, "timeout") == 0) {
            cJSON_Delete(row);
            continue;
        }
        session->broken = session->broken || strcmp(status, "broken") == 0;
        note_settings(session, row);
        cJSON_AddItemToArray(session->benchmarks, row);
    }
    cJSON *twins = cJSON_DetachItemFromObject((cJSON *)(uintptr_t)theirs, "twins");
    while (twins != NULL && twins->child != NULL)
        cJSON_AddItemToArray(session->twins, cJSON_DetachItemViaPointer(twins, twins->child));
    cJSON_Delete(twins);
    session->earlier = load_earlier(theirs);
    cJSON_Delete(old);
    return 0;
}

static bool have_row(const cJSON *rows, const char *name, unsigned round)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *run_name = cJSON_GetObjectItem(row, "run_name");
        const cJSON *index = cJSON_GetObjectItem(row, "repetition_index");
        if (cJSON_IsString(run_name) && cJSON_IsNumber(index) && strcmp(run_name->valuestring, name) == 0 &&
            index->valueint == (int)round)
            return true;
    }
    return false;
}

/* --- one cell --- */

static void show_progress(struct session *session, const char *name, const cJSON *row)
{
    const struct session_options *options = session->options;
    size_t total = session->plan->cell_count * options->rounds;
    for (size_t i = 0; i < session->plan->cell_count; i++)
        total -= session->plan->cells[i].once ? options->rounds - 1 : 0;
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
    double ns = cJSON_GetNumberValue(cJSON_GetObjectItem(row, "real_time"));
    bool ok = status != NULL && strcmp(status, "ok") == 0;
    /* A terminal sees every cell on one line; a log sees whatever went wrong, and nothing else. */
    bool bad = !ok && status != NULL && strcmp(status, "n/a") != 0;
    if (options->progress == NULL || (!options->progress_is_tty && !bad))
        return;
    fprintf(options->progress, "%s[%zu/%zu, %.0f s] %s ", options->progress_is_tty ? "\r\033[K" : "",
            session->done, total, now_s() - session->start_s, name);
    if (ok)
        fprintf(options->progress, "%.1f ns", ns);
    else
        fprintf(options->progress, "%s", status == NULL ? "" : status);
    if (!options->progress_is_tty || bad)
        fputc('\n', options->progress);
    fflush(options->progress);
}

/* Of a twin only the time counts, and only beside its original's; what went wrong with it went wrong with the
 * candidate, and is a row like any other. Takes the row. */
static void add_twin(struct session *session, cJSON *row, const char *status)
{
    static const char *const keys[] = {"run_name", "candidate",        "workload", "section",
                                       "status",   "repetition_index", "real_time"};
    if (status == NULL || (strcmp(status, "ok") != 0 && strcmp(status, "n/a") != 0)) {
        cJSON_AddItemToArray(session->benchmarks, row);
        return;
    }
    cJSON *twin = cJSON_CreateObject();
    for (size_t i = 0; i < PL_COUNT_OF(keys); i++)
        cJSON_AddItemToObject(twin, keys[i], cJSON_DetachItemFromObject(row, keys[i]));
    cJSON_AddItemToArray(session->twins, twin);
    cJSON_Delete(row);
}

/* False: interrupted, or the result cannot be written. */
static bool run_cell(struct session *session, const struct cell_params *params, unsigned round)
{
    char name[CELL_NAME_BYTES];
    const struct session_options *options = session->options;
    const struct cell_child how = {options->program, options->limit_s, options->stop};
    cell_name(params, name);
    session->done++;
    if (options->resume && have_row(params->twin ? session->twins : session->benchmarks, name, round))
        return true;
    cJSON *row = cell_child_row(&how, params, session->error->text, sizeof(session->error->text));
    if (row == NULL)
        return false;
    note_settings(session, row);
    cJSON_ReplaceItemInObject(row, "repetition_index", cJSON_CreateNumber(round));
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
    if (status == NULL || strcmp(status, "crashed") == 0 || strcmp(status, "timeout") == 0 ||
        strcmp(status, "broken") == 0)
        session->broken = true;
    show_progress(session, name, row);
    if (params->twin)
        add_twin(session, row, status);
    else
        cJSON_AddItemToArray(session->benchmarks, row);
    return save_in_time(session) == 0;
}

static bool run_rounds(struct session *session)
{
    for (unsigned round = 0; round < session->options->rounds; round++) {
        struct load before;
        (void)load_now(&before);
        for (size_t i = 0; i < session->plan->cell_count; i++) {
            /* Every other round runs backwards: nobody always comes after the same one. */
            size_t at = round % 2 == 0 ? i : session->plan->cell_count - 1 - i;
            if (round > 0 && session->plan->cells[at].once)
                continue;
            if (*session->options->stop || !run_cell(session, &session->plan->cells[at], round))
                return false;
        }
        struct load_shares shares = load_since(&before);
        load_worst(&session->worst, &shares);
    }
    return true;
}

static enum session_end give_up(struct session *session)
{
    cJSON_Delete(session->root);
    cJSON_Delete(session->earlier);
    return SESSION_MISTAKE;
}

enum session_end session_run(const struct plan *plan, const struct spec *specs, size_t spec_count,
                             const struct session_options *options, cJSON **result,
                             struct session_error *error)
{
    struct session session = {.plan = plan, .options = options, .error = error, .start_s = now_s()};
    error->text[0] = '\0';
    *result = NULL;
    (void)load_now(&session.load);
    session.root = cJSON_CreateObject();
    cJSON_AddItemToObject(session.root, "context", environment_context(options->mode));
    session.ours = cJSON_GetObjectItem(cJSON_GetObjectItem(session.root, "context"), "pagelab");
    cJSON_AddItemToObject(session.ours, "candidates", environment_candidates(specs, spec_count));
    session.twins = cJSON_AddArrayToObject(session.ours, "twins");
    session.benchmarks = cJSON_AddArrayToObject(session.root, "benchmarks");
    if (plan->cell_count != 0) {
        const struct cell_params *cell = &plan->cells[0];
        cJSON_AddStringToObject(session.ours, "admission",
                                cell->admission == ADMISSION_EXACT ? "exact" : "batched");
        cJSON_AddNumberToObject(session.ours, "min_time_s", cell->min_time_s);
    }
    if ((options->resume && resume(&session) != 0) || save(&session) != 0)
        return give_up(&session);
    if (options->progress != NULL && options->progress_is_tty)
        fprintf(options->progress, "%zu cells x %u rounds\n", plan->cell_count, options->rounds);
    bool whole = run_rounds(&session);
    if (options->progress != NULL && options->progress_is_tty)
        fputs("\r\033[K", options->progress);
    if (error->text[0] != '\0')
        return give_up(&session);
    if (whole)
        cJSON_ReplaceItemInObject(session.ours, "complete", cJSON_CreateTrue());
    rows_finish(session.root);
    load_record(session.ours, &session.load, &session.worst, session.earlier);
    if (options->annotate != NULL)
        options->annotate(session.root);
    session.annotated = true;
    if (save(&session) != 0)
        return give_up(&session);
    *result = session.root;
    cJSON_Delete(session.earlier);
    if (!whole)
        return SESSION_INTERRUPTED;
    return session.broken ? SESSION_BROKEN : SESSION_DONE;
}
