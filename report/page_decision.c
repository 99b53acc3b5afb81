/* See page_decision.h. */
#include "report/page_decision.h"

#include "report/decide.h"
#include "report/reference.h"

#include <stdio.h>
#include <stdlib.h>

/* Hard time first: who may not wait has the fewest to choose from. */
static const char *const shipped[] = {"rtos", "hypervisor", "server", "teaching"};

enum { SHIPPED = sizeof shipped / sizeof shipped[0] };

static bool profiles_read(struct decide_profile *profiles, struct report_error *error)
{
    char path[4096];

    for (size_t i = 0; i < SHIPPED; i++) {
        snprintf(path, sizeof path, "%.4000s/profiles/%s.txt", reference_root(), shipped[i]);
        if (!decide_profile_read(path, &profiles[i], error)) {
            return false;
        }
    }
    return true;
}

cJSON *page_decision(const cJSON *result, const char *folder)
{
    struct decide_profile *profiles = calloc(SHIPPED, sizeof *profiles);
    const struct decide_sources sources = {
        .result = result, .file = "result.json", .which = "this run", .committed = folder};
    struct report_error error = {"no memory"};
    cJSON *decision = NULL;

    if (profiles != NULL && profiles_read(profiles, &error)) {
        decision = decide_json(&sources, profiles, SHIPPED, &error);
    }
    free(profiles);
    if (decision == NULL) {
        decision = cJSON_CreateObject();
        if (cJSON_AddStringToObject(decision, "missing", error.line) == NULL) {
            cJSON_Delete(decision);
            return NULL;
        }
    }
    return decision;
}
