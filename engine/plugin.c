/* See plugin.h. */
#include "engine/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/isolate.h"

#define PATH_BYTES   256u
#define STRUCTURES   (PL_CAP_BUDDY | PL_CAP_RESERVATIONS | PL_CAP_ZONES)
#define OPEN_LIMIT_S 10u /* for its constructors */

struct plugin {
    char path[PATH_BYTES]; /* as given */
    const struct pl_candidate *candidate;
};

static struct plugin plugins[PLUGIN_LIMIT];
static unsigned plugin_count;

bool plugin_is_path(const char *name, size_t bytes)
{
    return memchr(name, '/', bytes) != NULL;
}

/* --- what was built elsewhere --- */

static bool name_is_legal(const char *name)
{
    size_t bytes = name == NULL ? 0 : strlen(name);
    return bytes > 0 && bytes < 40 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == bytes;
}

const char *plugin_page_fault(const struct pl_page_ops *ops)
{
    if (ops == NULL)
        return "it has no page hooks";
    if (ops->abi != PL_ABI)
        return "its page hooks were built for another ABI number";
    if (ops->bytes < sizeof(*ops))
        return "its page hooks were built against a shorter table";
    if (ops->meta_bytes == NULL || ops->init == NULL || ops->fini == NULL || ops->alloc == NULL ||
        ops->free == NULL)
        return "a required hook is missing (meta_bytes, init, fini, alloc, free)";
    if (ops->max_order > PL_ORDER_LIMIT)
        return "its largest order is above the interface's, 25";
    if (ops->caps_of == NULL && (((ops->caps & PL_CAP_RUNS) != 0 && ops->alloc_run == NULL) ||
                                 ((ops->caps & PL_CAP_SPLIT) != 0 && ops->split == NULL) ||
                                 ((ops->caps & PL_CAP_EXACT_COUNT) != 0 && ops->count == NULL) ||
                                 ((ops->caps & STRUCTURES) != 0 && ops->audit == NULL)))
        return "it claims a capability whose hook is missing (alloc_run, split, count, audit)";
    return NULL;
}

/* Hooks that come with one another. */
static const char *page_table_fault(const struct pl_page_table_ops *ops)
{
    if (ops->abi != PL_ABI || ops->bytes < sizeof(*ops))
        return "its page-table hooks were built for another ABI";
    if (ops->reserve == NULL && ops->table_get == NULL)
        return "its table of page-table hooks is empty";
    if (ops->meta_bytes == NULL || ops->init == NULL || ops->fini == NULL ||
        (ops->reserve != NULL && (ops->release == NULL || ops->lookup == NULL)) ||
        (ops->table_get != NULL && ops->table_put == NULL))
        return "a required page-table hook is missing";
    return NULL;
}

static const char *buffer_fault(const struct pl_buffer_ops *ops)
{
    if (ops->abi != PL_ABI || ops->bytes < sizeof(*ops))
        return "its buffer hooks were built for another ABI";
    if (ops->meta_bytes == NULL || ops->init == NULL || ops->fini == NULL || ops->plan == NULL ||
        ops->release == NULL)
        return "a required buffer hook is missing";
    return NULL;
}

const char *plugin_fault(const struct pl_candidate *candidate)
{
    if (candidate->abi != PL_ABI)
        return "it was built for another ABI number than 1";
    if (candidate->bytes < sizeof(*candidate))
        return "it was built against a shorter struct pl_candidate";
    if (!name_is_legal(candidate->name))
        return "its name is not of a-z, 0-9 and '-', at most 39 of them";
    if (candidate->summary == NULL)
        return "it has no summary";
    if (candidate->kind != PL_KIND_CANDIDATE && candidate->kind != PL_KIND_WRAPPER)
        return "its kind is neither candidate nor wrapper";
    const char *fault = plugin_page_fault(candidate->page);
    if (fault == NULL && candidate->page_table != NULL)
        fault = page_table_fault(candidate->page_table);
    if (fault == NULL && candidate->buffer != NULL)
        fault = buffer_fault(candidate->buffer);
    return fault;
}

/* --- opening --- */

/* One line of at most `bytes`. NULL if it could not be opened. */
static const struct pl_candidate *open_here(const char *path, char *words, size_t bytes)
{
    words[0] = '\0';
    int own_stdout = isolate_stdout(); /* its constructors may print */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    isolate_stdout_back(own_stdout);
    if (handle == NULL) {
        snprintf(words, bytes, "%s", dlerror());
        return NULL;
    }
    const struct pl_candidate *candidate = dlsym(handle, PL_EXPORT_SYMBOL);
    if (candidate == NULL) {
        snprintf(words, bytes, "it does not export '%s'", PL_EXPORT_SYMBOL);
        return NULL;
    }
    const char *fault = plugin_fault(candidate);
    if (fault != NULL)
        snprintf(words, bytes, "%s", fault);
    return fault == NULL ? candidate : NULL;
}

struct probe {
    char words[150]; /* empty: it can be opened */
};

static void probe(void *argument, void *result)
{
    struct probe *probe = result;
    memset(probe, 0, sizeof(*probe));
    (void)open_here(argument, probe->words, sizeof(probe->words));
}

/* Empty words if the library can be opened without harm. */
static void probe_in_child(char *path, struct probe *result)
{
    char how[100] = "";
    memset(result, 0, sizeof(*result));
    switch (isolate_run(probe, path, result, sizeof(*result), OPEN_LIMIT_S, NULL, how, sizeof(how))) {
    case ISOLATE_DONE:
        return;
    case ISOLATE_NO_PROCESS:
        snprintf(result->words, sizeof(result->words), "no process could be started to try it");
        return;
    case ISOLATE_DIED:
    case ISOLATE_TIMED_OUT:
    case ISOLATE_INTERRUPTED:
        snprintf(result->words, sizeof(result->words), "opening it ended the process: %s", how);
    }
}

const struct pl_candidate *plugin_open(const char *path, size_t path_bytes, char *error, size_t error_bytes)
{
    for (unsigned i = 0; i < plugin_count; i++) {
        if (strlen(plugins[i].path) == path_bytes && memcmp(plugins[i].path, path, path_bytes) == 0)
            return plugins[i].candidate;
    }
    struct plugin *plugin = &plugins[plugin_count];
    struct probe tried;
    if (path_bytes >= sizeof(plugin->path) || plugin_count == PLUGIN_LIMIT) {
        snprintf(error, error_bytes,
                 "plug-in '%.*s': at most %u of them, with paths of at most %u bytes, expected",
                 (int)path_bytes, path, PLUGIN_LIMIT, PATH_BYTES - 1);
        return NULL;
    }
    memcpy(plugin->path, path, path_bytes);
    plugin->path[path_bytes] = '\0';
    probe_in_child(plugin->path, &tried);
    if (tried.words[0] == '\0')
        plugin->candidate = open_here(plugin->path, tried.words, sizeof(tried.words));
    if (tried.words[0] != '\0') {
        snprintf(error, error_bytes, "plug-in '%s': %s", plugin->path, tried.words);
        return NULL;
    }
    plugin_count++;
    return plugin->candidate;
}
