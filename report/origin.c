/* See origin.h. What is in a folder is as hostile as any result. */
#include "report/origin.h"

#include "report/result.h"

#include <stdio.h>
#include <string.h>

void origin_of_context(const cJSON *context, struct origin *origin)
{
    const cJSON *pagelab = cJSON_GetObjectItemCaseSensitive(context, "pagelab");
    const char *model = result_text(pagelab, "cpu_model");
    double cpus = 0;
    bool counted = result_number(context, "num_cpus", &cpus);

    *origin = (struct origin){.date = result_text(context, "date"), .commit = result_text(pagelab, "commit")};
    if (model[0] != '\0' && counted) {
        snprintf(origin->machine, sizeof origin->machine, "%.200s, %.0f CPU%s", model, cpus,
                 cpus == 1 ? "" : "s");
    } else {
        snprintf(origin->machine, sizeof origin->machine, "%.200s", model);
    }
}

bool origin_find(const cJSON *origins, const char *file, const cJSON *document, struct origin *origin)
{
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(document, "context");
    const cJSON *one = NULL;

    cJSON_ArrayForEach(one, origins)
    {
        if (strcmp(result_text(one, "file"), file) == 0) {
            *origin = (struct origin){.date = result_text(one, "date"), .commit = result_text(one, "commit")};
            snprintf(origin->machine, sizeof origin->machine, "%s", result_text(one, "machine"));
            return true;
        }
    }
    origin_of_context(context, origin);
    return context != NULL;
}

bool origin_add(cJSON *into, const struct origin *origin)
{
    return cJSON_AddStringToObject(into, "date", origin->date) != NULL &&
           cJSON_AddStringToObject(into, "commit", origin->commit) != NULL &&
           cJSON_AddStringToObject(into, "machine", origin->machine) != NULL;
}
