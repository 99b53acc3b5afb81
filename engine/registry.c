/* See registry.h. */
#include "engine/registry.h"

#include <string.h>

static const struct pl_candidate *find_in(const struct pl_candidate *const *entry, const char *name,
                                          size_t bytes)
{
    for (; *entry != NULL; entry++) {
        if (strlen((*entry)->name) == bytes && memcmp((*entry)->name, name, bytes) == 0)
            return *entry;
    }
    return NULL;
}

const struct pl_candidate *registry_find(const char *name, size_t bytes)
{
    return find_in(registry_candidates, name, bytes);
}

const struct pl_candidate *registry_find_service(const char *name, size_t bytes)
{
    return find_in(registry_services, name, bytes);
}

unsigned registry_lends(const struct pl_candidate *candidate)
{
    unsigned lends = candidate->buffer != NULL ? REGISTRY_BUF : 0;
    if (candidate->page_table != NULL && candidate->page_table->reserve != NULL)
        lends |= REGISTRY_VA;
    if (candidate->page_table != NULL && candidate->page_table->table_get != NULL)
        lends |= REGISTRY_TABLES;
    return lends;
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
    case PL_KIND_SERVICE:
        return "service";
    default:
        return "unknown";
    }
}
