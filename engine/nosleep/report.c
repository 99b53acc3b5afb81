/* What was noted, in words: the call, the function that made it, and the way there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/nosleep/watch.h"
#include "platform/native/symbol.h"

/* The watcher's and the platform's own frames above a wait. */
static bool is_ours(const char *name)
{
    return strncmp(name, "watch_", 6) == 0 || strncmp(name, "native_", 7) == 0;
}

/* Beyond this one there is only the scenario. */
static bool is_end(const char *name)
{
    return strncmp(name, "tap_", 4) == 0 || strcmp(name, "watch_promise") == 0;
}

/* A return address is behind its call, perhaps in the next function. */
static const void *call_before(const void *return_address)
{
    return (const char *)return_address - 1;
}

static void append(struct nosleep_found *found, const char *name)
{
    size_t used = strlen(found->stack);
    if (used + 1 < sizeof(found->stack))
        snprintf(found->stack + used, sizeof(found->stack) - used, "%s%s", used == 0 ? "" : " < ", name);
}

/* The innermost function with a name that is not the C library's; and where in a file without names the
 * call came from before that. */
static void name_caller(struct nosleep_found *found, const char *name, char *nameless, size_t bytes)
{
    bool named = strchr(name, '+') == NULL;
    if (!named && nameless[0] == '\0')
        snprintf(nameless, bytes, "%s", name);
    if (!named || found->caller[0] != '\0')
        return;
    if (nameless[0] == '\0')
        snprintf(found->caller, sizeof(found->caller), "%s", name);
    else
        snprintf(found->caller, sizeof(found->caller), "%.40s (%.36s)", name, nameless);
}

static void describe_stack(const struct dispatch_trap *trap, struct nosleep_found *found)
{
    char name[80];
    char before[80] = "";
    char nameless[80] = "";
    size_t offset;
    bool system_call = trap->number >= 0;
    for (uint32_t i = 0; i < trap->frame_count; i++) {
        const void *address = call_before(trap->frames[i]);
        symbol_name(address, name, sizeof(name), &offset);
        if (i == 0 && system_call)
            snprintf(found->at, sizeof(found->at), offset != 0 ? "%.60s+0x%zx" : "%.60s", name, offset + 1);
        if (is_end(name))
            break;
        if (!system_call && found->caller[0] == '\0' && is_ours(name))
            continue;
        if (!symbol_is_library_of_c(address))
            name_caller(found, name, nameless, sizeof(nameless));
        /* Of a file without names the first frame is enough. */
        size_t file = strcspn(name, "+");
        if (name[file] == '\0' || strncmp(name, before, file + 1) != 0)
            append(found, name);
        memcpy(before, name, sizeof(before));
    }
    if (found->caller[0] == '\0')
        snprintf(found->caller, sizeof(found->caller), "%.79s", nameless[0] == '\0' ? "somewhere" : nameless);
}

static void describe(const struct dispatch_trap *trap, struct nosleep_found *found)
{
    bool blocks = true;
    *found = (struct nosleep_found){.kind = NOSLEEP_WAIT, .count = trap->count};
    if (trap->number < 0) {
        bool waits = trap->number == WATCH_WAIT;
        snprintf(found->name, sizeof(found->name), "%s", waits ? "wait" : "might_sleep");
        snprintf(found->at, sizeof(found->at), "pl_platform.%s", found->name);
    } else {
        const char *name = system_call_name(trap->number, trap->detail, &blocks);
        found->kind = blocks ? NOSLEEP_BLOCK : NOSLEEP_CALL;
        if (name != NULL)
            snprintf(found->name, sizeof(found->name), "%s", name);
        else
            snprintf(found->name, sizeof(found->name), "system call %" PRId64, trap->number);
    }
    describe_stack(trap, found);
}

/* The same thing from the same function counts on; what blocks comes first. */
static void add(struct nosleep_row *row, const struct nosleep_found *found)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < row->found_count; i++) {
        struct nosleep_found *seen = &row->found[i];
        if (seen->kind == found->kind && strcmp(seen->name, found->name) == 0 &&
            strcmp(seen->caller, found->caller) == 0) {
            seen->count += found->count;
            return;
        }
        at = seen->kind <= found->kind ? i + 1 : at;
    }
    if (at == NOSLEEP_FOUND_LIMIT)
        return;
    if (row->found_count == NOSLEEP_FOUND_LIMIT) /* the last one is of a lesser kind */
        row->found_count--;
    memmove(&row->found[at + 1], &row->found[at], (row->found_count - at) * sizeof(row->found[0]));
    row->found[at] = *found;
    row->found_count++;
}

void watch_report(struct watch *watch)
{
    struct nosleep_row *row = &watch->row;
    *row = (struct nosleep_row){0};
    row->allocator_calls = watch->allocator_calls;
    for (uint32_t cpu = 0; cpu < WATCH_CPU_LIMIT; cpu++) {
        const struct dispatch *dispatch = &watch->cpus[cpu].dispatch;
        uint64_t waits = 0;
        row->calls += watch->cpus[cpu].calls;
        for (uint32_t i = 0; i < dispatch->trap_count; i++) {
            struct nosleep_found found;
            describe(&dispatch->traps[i], &found);
            waits += found.kind == NOSLEEP_WAIT ? found.count : 0;
            add(row, &found);
        }
        row->waits += waits;
        row->trapped += dispatch->total - waits;
    }
    watch->told = true;
}
