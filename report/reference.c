/*
 * See reference.h. A document with a context of its own says where it is from; evidence.json does for others,
 * and has the last word. What is in the folder is as hostile as any result.
 */
#define _POSIX_C_SOURCE 200809L

#include "report/reference.h"

#include "report/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static const struct {
    const char *key;
    const char *file;
    const char *command;
} sources[] = {
    {"claims", "claims.json", "./pagelab check --claims --format json >results/reference/claims.json"},
    {"conformance_doc", "conformance.doc.json",
     "./pagelab check --contract doc --format json >results/reference/conformance.doc.json"},
    {"conformance_real", "conformance.real.json",
     "./pagelab check --contract real --format json >results/reference/conformance.real.json"},
    {"cost", "cost.json", "./pagelab cost --format json >results/reference/cost.json"},
    {"interrupts", "interrupts.json", "./pagelab interrupt --format json >results/reference/interrupts.json"},
    {"interrupts_libraries", "interrupts.libraries.json",
     "./pagelab interrupt --backend jemalloc,jemalloc-notcache,mimalloc --limit 120 --format json "
     ">results/reference/interrupts.libraries.json"},
    {"interrupts_linux", "interrupts.linux.json",
     "./pagelab interrupt --backend linux --format json >results/reference/interrupts.linux.json"},
    {"nosleep", "nosleep.json", "./pagelab nosleep --format json >results/reference/nosleep.json"},
    {"scale", "scale.json", "./pagelab scale --out results/reference/scale.json"},
    {"score", "score.json", "./pagelab score --format json >results/reference/score.json"},
};

const char *reference_root(char *buffer, size_t bytes)
{
    const char *root = getenv("PAGELAB_ROOT");
    ssize_t length;

    if (root != NULL && root[0] != '\0') {
        return root;
    }
    length = access("profiles", R_OK) == 0 ? -1 : readlink("/proc/self/exe", buffer, bytes - 1);
    buffer[length < 0 ? 0 : length] = '\0';

    char *slash = strrchr(buffer, '/');

    if (length < 0 || slash == NULL || bytes - (size_t)(slash - buffer) < sizeof "/../share/pagelab") {
        return ".";
    }
    strcpy(slash, "/../share/pagelab");
    return buffer;
}

const char *reference_folder(char *buffer, size_t bytes)
{
    char root[PATH_BYTES];
    struct stat status;
    int n = snprintf(buffer, bytes, "%s/results/reference", reference_root(root, sizeof root));

    return n > 0 && (size_t)n < bytes && stat(buffer, &status) == 0 && S_ISDIR(status.st_mode) ? buffer
                                                                                               : NULL;
}

/* NULL, and *missing says why. */
static cJSON *document_read(const char *folder, const char *file, const char **missing)
{
    char path[PATH_BYTES];
    struct report_error error;
    struct stat status;
    cJSON *document;

    *missing = folder == NULL ? "there is no folder of stored results" : "it was never stored";
    if (folder == NULL || snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path ||
        stat(path, &status) != 0) {
        return NULL;
    }
    document = result_read(path, &error);
    *missing = "the stored file cannot be read";
    return document;
}

static bool add_text(cJSON *into, const char *key, const char *text)
{
    return cJSON_AddStringToObject(into, key, text) != NULL;
}

bool reference_add_origin(cJSON *into, const cJSON *context)
{
    const cJSON *pagelab = cJSON_GetObjectItemCaseSensitive(context, "pagelab");
    char machine[256];
    double cpus = 0;

    snprintf(machine, sizeof machine, "%.200s", result_text(pagelab, "cpu_model"));
    if (machine[0] != '\0' && result_number(context, "num_cpus", &cpus)) {
        snprintf(machine + strlen(machine), sizeof machine - strlen(machine), ", %.0f CPUs", cpus);
    }
    return add_text(into, "date", result_text(context, "date")) &&
           add_text(into, "commit", result_text(pagelab, "commit")) && add_text(into, "machine", machine);
}

/* evidence.json is a list of objects, one a file. */
static const cJSON *origin_find(const cJSON *origins, const char *file)
{
    const cJSON *origin = NULL;

    cJSON_ArrayForEach(origin, origins)
    {
        if (strcmp(result_text(origin, "file"), file) == 0) {
            return origin;
        }
    }
    return NULL;
}

static bool add_origin(cJSON *into, const cJSON *origin)
{
    return add_text(into, "date", result_text(origin, "date")) &&
           add_text(into, "commit", result_text(origin, "commit")) &&
           add_text(into, "machine", result_text(origin, "machine"));
}

/* `document` may be NULL, and belongs to the object afterwards, also where that fails. */
static cJSON *source_object(size_t place, cJSON *document, const char *missing, const cJSON *origins)
{
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(document, "context");
    const cJSON *origin = origin_find(origins, sources[place].file);
    cJSON *object = cJSON_CreateObject();

    if (object == NULL || !add_text(object, "file", sources[place].file) ||
        !add_text(object, "command", sources[place].command)) {
        goto fail;
    }
    if (document == NULL) {
        if (!add_text(object, "missing", missing)) {
            goto fail;
        }
        return object;
    }
    if (!(origin == NULL && context != NULL ? reference_add_origin(object, context)
                                            : add_origin(object, origin)) ||
        !cJSON_AddItemToObject(object, "document", document)) {
        goto fail;
    }
    return object;

fail:
    cJSON_Delete(object);
    cJSON_Delete(document);
    return NULL;
}

cJSON *reference_collect(const char *folder)
{
    const char *missing = NULL;
    cJSON *origins = document_read(folder, "evidence.json", &missing);
    cJSON *all = cJSON_CreateObject();

    for (size_t i = 0; all != NULL && i < sizeof sources / sizeof sources[0]; i++) {
        cJSON *document = document_read(folder, sources[i].file, &missing);
        cJSON *object = source_object(i, document, missing, origins);

        if (!cJSON_AddItemToObject(all, sources[i].key, object)) {
            cJSON_Delete(object);
            cJSON_Delete(all);
            all = NULL;
        }
    }
    cJSON_Delete(origins);
    return all;
}

cJSON *reference_result(const char *folder)
{
    char path[PATH_BYTES];
    struct report_error error;

    if (folder == NULL || snprintf(path, sizeof path, "%s/result.json", folder) >= (int)sizeof path) {
        return NULL;
    }
    return report_read(path, &error);
}
