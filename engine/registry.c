/* See registry.h. */
#include "engine/registry.h"

#include <string.h>

const struct pl_candidate *registry_find(const char *name, size_t bytes)
{
    for (const struct pl_candidate *const *entry = registry_candidates; *entry != NULL; entry++) {
        if (strlen((*entry)->name) == bytes && memcmp((*entry)->name, name, bytes) == 0)
            return *entry;
    }
    return NULL;
}

const char *registry_kind_name(uint32_t kind)
{
    switch (kind) {
    case PL_KIND_CANDIDATE:
        return "candidate";
    case PL_KIND_WRAPPER:
        return "wrapper";
    case PL_KIND_FLOOR:
        return "floor";
    case PL_KIND_CANARY:
        return "canary";
    default:
        return "unknown";
    }
}
