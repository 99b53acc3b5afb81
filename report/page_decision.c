/* See page_decision.h. */
#include "report/page_decision.h"

#include "report/decide.h"
#include "report/reference.h"

#include <stdio.h>
#include <stdlib.h>

/* Hard time first: who may not wait has the fewest to choose from. */
static const char *const shipped[] = {"rtos", "hypervisor", "server", "teaching"};

enum { SHIPPED = sizeof shipped / sizeof shipped[0] };

static bool profiles_read(const char *folder, struct decide_profile *profiles, struct report_error *error)
{
    char path[4096];

    for (size_t i = 0; i < SHIPPED; i++) {
        snprintf(path, sizeof path, "%.4000s/%s.txt", folder, shipped[i]);
        if (!decide_profile_read(path, NULL, &profiles[i], error)) {
            return false;
        }
    }
    return true;
}

bool page_decision_says_something(const cJSON *decision)
{
    const cJSON *profile = NULL;

    cJSON_ArrayForEach(profile, cJSON_GetObjectItemCaseSensitive(decision, "profiles"))
    {
        if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(profile, "front")) > 0) {
            return true;
        }
    }
    return false;
}

static cJSON *decide(const struct decide_sources *sources, const char *folder)
{
    struct decide_profile *profiles = calloc(SHIPPED, sizeof *profiles);
    const char *words = "the profiles that pagelab comes with are not here";
    struct report_error error; /* names paths of this machine, which stay out of a page */
    cJSON *decision = NULL;

    if (profiles != NULL && folder != NULL && profiles_read(folder, profiles, &error)) {
        words = "a stored check cannot be read";
        decision = decide_json(sources, profiles, SHIPPED, &error);
    }
    free(profiles);
    if (decision == NULL) {
        decision = cJSON_CreateObject();
        if (cJSON_AddStringToObject(decision, "missing", words) == NULL) {
            cJSON_Delete(decision);
            return NULL;
        }
    }
    return decision;
}

cJSON *page_decision_stored(const cJSON *stored, const struct report_places *places)
{
    const struct decide_sources sources = {.result = stored,
                                           .file = "results/reference/result.json",
                                           .which = "the reference",
                                           .reference = true,
                                           .folder = places->reference};

    return decide(&sources, places->profiles);
}

cJSON *page_decision(const cJSON *result, const struct report_places *places)
{
    const struct decide_sources sources = {.result = result,
                                           .file = "result.json",
                                           .which = "this run",
                                           .folder = places->own,
                                           .committed = places->reference};

    return reference_is_own(places) ? page_decision_stored(result, places)
                                    : decide(&sources, places->profiles);
}
