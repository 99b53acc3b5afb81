/* See profile.h. */
#include "bench/cost/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cost/counted.h"

const char *const cost_count_names[COST_COUNTS] = {"instructions", "locked", "cache_lines"};

void cost_plain_name(char *name)
{
    static const char *const parts[] = {".part.", ".constprop.", ".isra.", ".cold"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char *at = strstr(name, parts[i]);
        if (at != NULL)
            *at = '\0';
    }
    char *tick = strrchr(name, '\'');
    if (tick != NULL && tick[1 + strspn(tick + 1, "0123456789")] == '\0')
        *tick = '\0';
}

size_t cost_profile_at(struct cost_profile *profile, const char *full_name)
{
    char name[COST_NAME_BYTES];
    snprintf(name, sizeof(name), "%s", full_name);
    cost_plain_name(name);
    for (size_t i = 0; i < profile->function_count; i++) {
        if (strcmp(profile->functions[i].name, name) == 0)
            return i;
    }
    if (profile->function_count == profile->function_capacity) {
        size_t capacity = profile->function_capacity == 0 ? 32 : profile->function_capacity * 2;
        struct cost_function *functions = realloc(profile->functions, capacity * sizeof(*functions));
        if (functions == NULL)
            return SIZE_MAX;
        profile->functions = functions;
        profile->function_capacity = capacity;
    }
    struct cost_function *function = &profile->functions[profile->function_count];
    *function = (struct cost_function){0};
    snprintf(function->name, sizeof(function->name), "%s", name);
    return profile->function_count++;
}

bool cost_profile_add(struct cost_profile *profile, const char *name, enum cost_count which, uint64_t count)
{
    size_t at = cost_profile_at(profile, name);
    if (at == SIZE_MAX)
        return false;
    profile->functions[at].counts[which] += count;
    profile->totals[which] += count;
    return true;
}

void cost_profile_fini(struct cost_profile *profile)
{
    free(profile->functions);
    *profile = (struct cost_profile){0};
}

bool cost_is_harness(const char *name)
{
    return strcmp(name, COST_HOOK_ALLOC) == 0 || strcmp(name, COST_HOOK_FREE) == 0;
}
