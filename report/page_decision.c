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
    char root[4096];

    for (size_t i = 0; i < SHIPPED; i++) {
        snprintf(path, sizeof path, "%.4000s/profiles/%s.txt", reference_root(root, sizeof root), shipped[i]);
        if (!decide_profile_read(path, &profiles[i], error)) {
            return false;
        }
    }
    return true;
}

/* Does anybody remain for any profile? Else the run lacks what is decided by. */
static bool says_something(const cJSON *decision)
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

static cJSON *decide(const cJSON *result, const char *folder, bool reference,
                     const struct decide_profile *profiles, struct report_error *error)
{
    const struct decide_sources sources = {
        .result = result,
        .file = reference ? "results/reference/result.json" : "result.json",
        .which = reference ? "the reference" : "this run",
        .reference = reference,
        .folder = reference ? folder : NULL,
        .committed = folder,
    };

    return decide_json(&sources, profiles, SHIPPED, error);
}

cJSON *page_decision(const cJSON *result, const cJSON *stored, const char *folder)
{
    struct decide_profile *profiles = calloc(SHIPPED, sizeof *profiles);
    const char *words = "the profiles that pagelab comes with are not here";
    struct report_error error; /* names paths of this machine, which stay out of a page */
    cJSON *decision = NULL;

    if (profiles != NULL && profiles_read(profiles, &error)) {
        words = "a stored check cannot be read";
        decision = decide(result, folder, false, profiles, &error);
        if (decision != NULL && stored != NULL && !says_something(decision)) {
            cJSON_Delete(decision);
            decision = decide(stored, folder, true, profiles, &error);
        }
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
