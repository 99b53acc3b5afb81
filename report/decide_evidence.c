/* What is known: the run's cells, and the files of checks beside it and in the reference. */
#define _POSIX_C_SOURCE 200809L

#include "report/decide_parts.h"
#include "report/error.h"
#include "report/origin.h"
#include "report/result.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const struct {
    const char *prefix;
    enum evidence_kind kind;
} prefixes[] = {
    {"claims", EVIDENCE_CLAIMS},   {"conformance", EVIDENCE_CONFORMANCE},
    {"nosleep", EVIDENCE_NOSLEEP}, {"interrupts", EVIDENCE_INTERRUPTS},
    {"scale", EVIDENCE_SCALE},     {"worst", EVIDENCE_WORST},
    {"masked", EVIDENCE_MASKED},
};

static bool kind_of(const char *name, enum evidence_kind *kind)
{
    size_t length = strlen(name);

    if (length < 5 || strcmp(name + length - 5, ".json") != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t prefix = strlen(prefixes[i].prefix);

        if (strncmp(name, prefixes[i].prefix, prefix) == 0 && name[prefix] == '.') {
            *kind = prefixes[i].kind;
            return true;
        }
    }
    return false;
}

/* A list of objects, each with a text `name`. */
static bool is_list(const cJSON *list, const char *name)
{
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, list)
    {
        if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(one, name))) {
            return false;
        }
    }
    return cJSON_IsArray(list);
}

/* Is it what the command of its kind writes? A result is checked elsewhere. */
static bool shape_fits(const cJSON *document, enum evidence_kind kind)
{
    const cJSON *promise = NULL;

    switch (kind) {
    case EVIDENCE_CLAIMS:
    case EVIDENCE_INTERRUPTS:
    case EVIDENCE_MASKED:
        return is_list(document, "candidate");
    case EVIDENCE_NOSLEEP:
        return is_list(cJSON_GetObjectItemCaseSensitive(document, "rows"), "candidate");
    case EVIDENCE_SCALE:
        return is_list(cJSON_GetObjectItemCaseSensitive(document, "memory"), "candidate") &&
               is_list(cJSON_GetObjectItemCaseSensitive(document, "cpus"), "candidate");
    case EVIDENCE_CONFORMANCE:
        cJSON_ArrayForEach(promise, document)
        {
            if (!cJSON_IsObject(promise)) {
                return false;
            }
        }
        return cJSON_IsObject(document);
    default:
        return true;
    }
}

/* --- where it is from --- */

/* Of a file that nobody says it of, it is the file's own time. */
static void file_date(const cJSON *origins, const char *path, const char *name, struct evidence_file *into)
{
    struct origin origin;
    struct stat status;
    struct tm utc;

    if (origin_find(origins, name, into->document, &origin)) {
        snprintf(into->date, sizeof into->date, "%s", origin.date);
        snprintf(into->commit, sizeof into->commit, "%s", origin.commit);
    } else if (stat(path, &status) == 0 && gmtime_r(&status.st_mtime, &utc) != NULL &&
               strftime(into->date, sizeof into->date, "%Y-%m-%dT%H:%M:%S+00:00", &utc) != 0) {
        snprintf(into->commit, sizeof into->commit, "unknown");
    }
}

/* For people: beside the result as it is called, or in the reference. Where that is on this machine is
 * nobody's business, for a page may travel. */
static void name_shown(const struct decide_sources *sources, bool reference, const char *name, char *text,
                       size_t bytes)
{
    const char *slash = strrchr(sources->file, '/');

    if (reference && !sources->reference) {
        snprintf(text, bytes, "results/reference/%.120s", name);
    } else {
        snprintf(text, bytes, "%.*s%.120s", slash == NULL ? 0 : (int)(slash - sources->file) + 1,
                 sources->file, name);
    }
}

static bool file_load(struct evidence *evidence, const char *folder, const char *name,
                      enum evidence_kind kind, const cJSON *origins, bool reference,
                      struct report_error *error)
{
    struct evidence_file *file = &evidence->files[evidence->file_count];
    char path[4096];

    if (evidence->file_count == EVIDENCE_FILES_MAX) {
        report_error_set(error, "%s: at most %d files of evidence expected", folder, EVIDENCE_FILES_MAX);
        return false;
    }
    memset(file, 0, sizeof *file);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file->document = result_read(path, error);
    if (file->document == NULL) {
        report_error_set(error, "%s: a JSON file expected", path);
        return false;
    }
    if (!shape_fits(file->document, kind)) {
        report_error_set(error, "%s: what the command of that name prints with --format json expected", path);
        cJSON_Delete(file->document);
        file->document = NULL;
        return !evidence->sources->strict;
    }
    evidence->file_count++;
    file->kind = kind;
    file->reference = reference;
    name_shown(evidence->sources, reference, name, file->name, sizeof file->name);
    file_date(origins, path, name, file);
    if (kind == EVIDENCE_WORST &&
        (!result_check(file->document, path, error) || !cells_collect(file->document, &file->cells))) {
        return false;
    }
    return true;
}

static int names_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool folder_load(struct evidence *evidence, const char *folder, bool reference,
                        struct report_error *error)
{
    char *names[EVIDENCE_FILES_MAX + 1]; /* one more than can be loaded, which then says so */
    size_t count = 0;
    char path[4096];
    enum evidence_kind kind;
    struct report_error no_origins;
    const struct dirent *entry;
    DIR *directory = opendir(folder);
    bool good = true;

    if (directory == NULL) {
        return true; /* there is no evidence, which is no mistake */
    }
    while ((entry = readdir(directory)) != NULL && count <= EVIDENCE_FILES_MAX) {
        if (kind_of(entry->d_name, &kind)) {
            names[count] = strdup(entry->d_name);
            count += names[count] != NULL;
        }
    }
    closedir(directory);
    qsort(names, count, sizeof names[0], names_compare);
    snprintf(path, sizeof path, "%s/evidence.json", folder);

    cJSON *origins = result_read(path, &no_origins);

    for (size_t i = 0; i < count; i++) {
        if (good && kind_of(names[i], &kind)) {
            good = file_load(evidence, folder, names[i], kind, origins, reference, error);
        }
        free(names[i]);
    }
    cJSON_Delete(origins);
    return good;
}

bool evidence_load(struct evidence *evidence, const struct decide_sources *sources,
                   struct report_error *error)
{
    const char *folder = sources->folder;
    const char *committed = sources->committed;

    memset(evidence, 0, sizeof *evidence);
    evidence->sources = sources;
    if (!cells_collect(sources->result, &evidence->cells)) {
        report_error_set(error, "out of memory");
        return false;
    }
    if ((folder != NULL && !folder_load(evidence, folder, sources->reference, error)) ||
        (committed != NULL && (folder == NULL || strcmp(folder, committed) != 0) &&
         !folder_load(evidence, committed, true, error))) {
        evidence_free(evidence);
        return false;
    }
    return true;
}

void evidence_free(struct evidence *evidence)
{
    for (size_t i = 0; i < evidence->file_count; i++) {
        if (evidence->files[i].cells.list != NULL) {
            cells_free(&evidence->files[i].cells);
        }
        cJSON_Delete(evidence->files[i].document);
    }
    cells_free(&evidence->cells);
    memset(evidence, 0, sizeof *evidence);
}

/* --- finding --- */

const struct report_cell *evidence_cell(const struct evidence *evidence, const char *candidate,
                                        const struct decide_cell *wanted)
{
    for (size_t i = 0; i < evidence->cells.count; i++) {
        const struct report_cell *cell = &evidence->cells.list[i];

        if (strcmp(cell->candidate, candidate) == 0 && strcmp(cell->workload, wanted->workload) == 0 &&
            (wanted->order < 0 || cell->order == wanted->order) &&
            (wanted->cpus < 0 || cell->cpus == wanted->cpus)) {
            return cell;
        }
    }
    return NULL;
}

const char *evidence_cell_file(const struct evidence *evidence, const struct report_cell *cell)
{
    const char *kept = cell == NULL ? "" : result_text(cell->row, DECIDE_KEPT);

    return kept[0] != '\0' ? kept : evidence->sources->file;
}

const cJSON *evidence_candidate(const struct evidence *evidence, const char *candidate)
{
    const cJSON *list =
        cJSON_GetObjectItemCaseSensitive(result_pagelab(evidence->sources->result), "candidates");
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, list)
    {
        if (strcmp(result_text(one, "name"), candidate) == 0) {
            return one;
        }
    }
    return NULL;
}

bool evidence_claims(const struct evidence *evidence, const char *candidate, const char *capability)
{
    const cJSON *list =
        cJSON_GetObjectItemCaseSensitive(evidence_candidate(evidence, candidate), "capabilities");
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, list)
    {
        const char *text = cJSON_GetStringValue(one);

        if (text != NULL && strcmp(text, capability) == 0) {
            return true;
        }
    }
    return false;
}
