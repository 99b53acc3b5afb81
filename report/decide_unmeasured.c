/* Whom the stored checks know and the run has not: nobody should take their absence for a verdict. */
#include "report/decide_parts.h"
#include "report/result.h"

#include <string.h>

#define NAMES_MAX 64

/* Once each, in the order in which they are met. */
static void take(cJSON *names, const struct evidence *evidence, const char *name)
{
    const cJSON *one = NULL;

    if (name[0] == '\0' || evidence_candidate(evidence, name) != NULL ||
        cJSON_GetArraySize(names) == NAMES_MAX) {
        return;
    }
    cJSON_ArrayForEach(one, names)
    {
        if (strcmp(cJSON_GetStringValue(one), name) == 0) {
            return;
        }
    }
    cJSON_AddItemToArray(names, cJSON_CreateString(name));
}

static void take_list(cJSON *names, const struct evidence *evidence, const cJSON *list)
{
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, list) take(names, evidence, result_text(one, "candidate"));
}

static void take_file(cJSON *names, const struct evidence *evidence, const struct evidence_file *file)
{
    const cJSON *promise = NULL;
    const cJSON *one = NULL;

    switch (file->kind) {
    case EVIDENCE_CONFORMANCE:
        cJSON_ArrayForEach(promise, file->document)
        {
            cJSON_ArrayForEach(one, promise) take(names, evidence, one->string);
        }
        break;
    case EVIDENCE_NOSLEEP:
        take_list(names, evidence, cJSON_GetObjectItemCaseSensitive(file->document, "rows"));
        break;
    case EVIDENCE_CLAIMS:
    case EVIDENCE_INTERRUPTS:
    case EVIDENCE_MASKED:
        take_list(names, evidence, file->document);
        break;
    default: /* scale and the worst calls are of those that were measured */
        break;
    }
}

void decide_unmeasured_add(cJSON *decision, const struct evidence *evidence)
{
    cJSON *names = cJSON_AddArrayToObject(decision, "unmeasured");

    for (size_t i = 0; i < evidence->file_count; i++) {
        take_file(names, evidence, &evidence->files[i]);
    }
}
