/* See reference.h. What is in the folder is as hostile as any result. */
#define _POSIX_C_SOURCE 200809L

#include "report/reference.h"

#include "report/origin.h"
#include "report/result.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

static const struct {
    const char *key;
    const char *file;
    const char *also; /* another name that it has beside a result; NULL: none */
    const char *command;
} sources[] = {
    {"claims", "claims.json", NULL, "./pagelab check --claims --format json >results/reference/claims.json"},
    {"conformance_doc", "conformance.doc.json", "conformance.json",
     "./pagelab check --contract doc --format json >results/reference/conformance.doc.json"},
    {"conformance_real", "conformance.real.json", NULL,
     "./pagelab check --contract real --format json >results/reference/conformance.real.json"},
    {"cost", "cost.json", NULL, "./pagelab cost --format json >results/reference/cost.json"},
    {"interrupts", "interrupts.json", NULL,
     "./pagelab interrupt --format json >results/reference/interrupts.json"},
    {"interrupts_libraries", "interrupts.libraries.json", NULL,
     "./pagelab interrupt --backend jemalloc,jemalloc-notcache,mimalloc --limit 120 --format json "
     ">results/reference/interrupts.libraries.json"},
    {"interrupts_linux", "interrupts.linux.json", NULL,
     "./pagelab interrupt --backend linux --format json >results/reference/interrupts.linux.json"},
    {"interrupts_points", "interrupts.points.json", NULL,
     "./pagelab interrupt --mode points --format json >results/reference/interrupts.points.json"},
    {"masked", "masked.json", NULL, "./pagelab masked --format json >results/reference/masked.json"},
    {"nosleep", "nosleep.json", NULL, "./pagelab nosleep --format json >results/reference/nosleep.json"},
    {"scale", "scale.json", NULL, "./pagelab scale --out results/reference/scale.json"},
    {"score", "score.json", NULL, "./pagelab score --format json >results/reference/score.json"},
    {"worst_call", "worst.call.json", NULL,
     "./pagelab bench --workload worst-call --out results/reference/worst.call.json"},
};

bool reference_is_own(const struct report_places *places)
{
    struct stat own;
    struct stat reference;

    return places->own != NULL && places->reference != NULL && stat(places->own, &own) == 0 &&
           stat(places->reference, &reference) == 0 && own.st_dev == reference.st_dev &&
           own.st_ino == reference.st_ino;
}

static const char torn[] = "the stored file cannot be read";

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
    *missing = torn;
    return document;
}

/* Where a document was looked for and found, and what its folder says of files. */
struct found {
    cJSON *document; /* NULL: none */
    const char *file;
    const char *missing;
    const cJSON *origins;
    bool own;
};

/* The document belongs to the object afterwards, also where that fails. */
static cJSON *source_object(size_t place, const struct found *found)
{
    cJSON *object = cJSON_CreateObject();
    struct origin origin;

    if (object == NULL || cJSON_AddStringToObject(object, "file", found->file) == NULL ||
        cJSON_AddStringToObject(object, "command", sources[place].command) == NULL) {
        goto fail;
    }
    if (found->document == NULL) {
        if (cJSON_AddStringToObject(object, "missing", found->missing) == NULL) {
            goto fail;
        }
        return object;
    }
    (void)origin_find(found->origins, found->file, found->document, &origin);
    if ((found->own && cJSON_AddTrueToObject(object, "own") == NULL) || !origin_add(object, &origin) ||
        !cJSON_AddItemToObject(object, "document", found->document)) {
        goto fail;
    }
    return object;

fail:
    cJSON_Delete(object);
    cJSON_Delete(found->document);
    return NULL;
}

/* Beside the result, by its name or by that which `choose` reads, too; else in the reference. A file that is
 * beside the result and cannot be read is not replaced by another's. */
static struct found document_find(size_t place, const struct report_places *places, const cJSON *own_origins,
                                  const cJSON *origins)
{
    const char *const names[] = {sources[place].file, sources[place].also};
    struct found found = {.origins = own_origins, .own = true};

    for (size_t i = 0; i < 2 && places->own != NULL && names[i] != NULL; i++) {
        found.file = names[i];
        found.document = document_read(places->own, found.file, &found.missing);
        if (found.document != NULL || found.missing == torn) {
            return found;
        }
    }
    found = (struct found){.file = sources[place].file, .origins = origins};
    found.document = document_read(places->reference, found.file, &found.missing);
    return found;
}

cJSON *reference_collect(const struct report_places *places)
{
    const char *missing = NULL;
    cJSON *own_origins = document_read(places->own, "evidence.json", &missing);
    cJSON *origins = document_read(places->reference, "evidence.json", &missing);
    cJSON *all = cJSON_CreateObject();

    for (size_t i = 0; all != NULL && i < sizeof sources / sizeof sources[0]; i++) {
        const struct found found = document_find(i, places, own_origins, origins);
        cJSON *object = source_object(i, &found);

        if (!cJSON_AddItemToObject(all, sources[i].key, object)) {
            cJSON_Delete(object);
            cJSON_Delete(all);
            all = NULL;
        }
    }
    cJSON_Delete(own_origins);
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
