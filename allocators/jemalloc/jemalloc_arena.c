/* The arena's life: hooks, decay settings, thread caches, and everything that goes through mallctl. */
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "jemalloc_arena.h"
#include <pagelab/check.h>

/* Extents of two grow steps never merge, so a step must hold several of the largest blocks; a step beyond
 * what the pool has left is refused, and jemalloc then asks for each block alone, so it must not be large
 * either. The default doubles without limit. */
#define JEMALLOC_GROW_BYTES ((size_t)16 << 20)

/* jemalloc asks for zeroed memory only for its own metadata. */
static void *jemalloc_hook_alloc(extent_hooks_t *hooks, void *new_addr, size_t size, size_t alignment,
                                 bool *zero, bool *commit, unsigned arena)
{
    struct jemalloc_state *state =
        (struct jemalloc_state *)((uintptr_t)hooks - offsetof(struct jemalloc_state, hooks));
    (void)arena;
    if (new_addr != NULL)
        return NULL; /* no growing in place */
    void *addr = jemalloc_pool_take(&state->pool, size, alignment, *zero);
    if (addr == NULL)
        return NULL;
    if (*zero)
        memset(addr, 0, size);
    *commit = true;
    return addr;
}

/* Extents may be cut anywhere and joined with any neighbour: ranges do not touch, so neighbours are always of
 * one range. */
static bool jemalloc_hook_split(extent_hooks_t *hooks, void *addr, size_t size, size_t size_a, size_t size_b,
                                bool committed, unsigned arena)
{
    (void)hooks, (void)addr, (void)size, (void)size_a, (void)size_b, (void)committed, (void)arena;
    return false;
}

static bool jemalloc_hook_merge(extent_hooks_t *hooks, void *addr_a, size_t size_a, void *addr_b,
                                size_t size_b, bool committed, unsigned arena)
{
    (void)hooks, (void)addr_a, (void)size_a, (void)addr_b, (void)size_b, (void)committed, (void)arena;
    return false;
}

/* mallctl on "arena.<i>.<leaf>". */
static int arena_ctl(const struct jemalloc_state *state, const char *leaf, void *value, size_t bytes)
{
    char name[64];
    snprintf(name, sizeof(name), "arena.%u.%s", state->arena, leaf);
    return mallctl(name, NULL, NULL, value, bytes);
}

static bool range_has_base(const struct pl_machine *machine, const struct pl_range *range)
{
    uintptr_t begin = (uintptr_t)pl_frame_address(machine, range->first);
    uintptr_t end = begin + range->frame_count * PL_FRAME_BYTES;
    uintptr_t aligned = (begin + JEMALLOC_BASE_BYTES - 1) & ~(uintptr_t)(JEMALLOC_BASE_BYTES - 1);
    return aligned < end && end - aligned >= JEMALLOC_BASE_BYTES;
}

bool jemalloc_arena_takes(const struct pl_machine *machine)
{
    if (machine->contents == NULL || machine->node_count > 1)
        return false;
    uintptr_t addr_of_frame_0 = (uintptr_t)machine->contents - machine->first.number * PL_FRAME_BYTES;
    if (addr_of_frame_0 % JEMALLOC_ARENA_ALIGNMENT != 0)
        return false;
    for (uint32_t i = 0; i < machine->range_count; i++)
        if (range_has_base(machine, &machine->ranges[i]))
            return true;
    return false;
}

static bool arena_create(struct jemalloc_state *state)
{
    extent_hooks_t *hooks = &state->hooks;
    size_t bytes = sizeof(state->arena);
    if (mallctl("arenas.create", &state->arena, &bytes, &hooks, sizeof(hooks)) != 0)
        return false;
    /* Nothing happens by the clock: no decay, so a run repeats. */
    ssize_t never = -1;
    size_t grow = JEMALLOC_GROW_BYTES;
    int failed = arena_ctl(state, "dirty_decay_ms", &never, sizeof(never)) |
                 arena_ctl(state, "muzzy_decay_ms", &never, sizeof(never)) |
                 arena_ctl(state, "retain_grow_limit", &grow, sizeof(grow));
    PL_ASSERT(failed == 0);
    (void)failed;
    return true;
}

/* False if a thread cache is not to be had. Only order 0 goes through it: jemalloc takes blocks aligned to
 * more than a page past the cache, but would put them there when freed, and nobody would get them back. */
static bool cpu_init(struct jemalloc_state *state, struct jemalloc_cpu *line)
{
    size_t bytes = sizeof(line->tcache);
    line->has_tcache = state->with_tcache && mallctl("tcache.create", &line->tcache, &bytes, NULL, 0) == 0;
    for (uint32_t order = 0; order <= JEMALLOC_MAX_ORDER; order++) {
        bool cached = order == 0 && line->has_tcache;
        line->flags[order] = MALLOCX_LG_ALIGN(PL_FRAME_SHIFT + order) | (int)MALLOCX_ARENA(state->arena) |
                             (cached ? (int)MALLOCX_TCACHE(line->tcache) : MALLOCX_TCACHE_NONE);
    }
    return line->has_tcache == state->with_tcache;
}

enum pl_status jemalloc_arena_init(struct jemalloc_state *state, const struct pl_machine *machine,
                                   bool with_tcache)
{
    if (!jemalloc_arena_takes(machine))
        return PL_UNSUPPORTED;
    PL_ASSERT(machine->cpu_count <= PL_CPU_LIMIT);
    state->machine = machine;
    state->with_tcache = with_tcache;
    state->addr_of_frame_0 = (uintptr_t)machine->contents - machine->first.number * PL_FRAME_BYTES;
    jemalloc_pool_init(&state->pool, machine, (struct jemalloc_hole *)(void *)(state + 1));
    /* The hooks that are not here opt out: memory stays mapped and committed, and is kept for reuse. */
    state->hooks = (extent_hooks_t){
        .alloc = jemalloc_hook_alloc, .split = jemalloc_hook_split, .merge = jemalloc_hook_merge};
    if (!arena_create(state))
        return PL_NO_MEMORY;
    size_t bytes = sizeof(state->is_oblivious);
    (void)mallctl("opt.cache_oblivious", &state->is_oblivious, &bytes, NULL, 0);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        if (!cpu_init(state, &state->cpus[i])) {
            jemalloc_arena_fini(state);
            return PL_NO_MEMORY;
        }
    }
    return PL_OK;
}

void jemalloc_arena_fini(struct jemalloc_state *state)
{
    /* Caches first: what they hold belongs to the arena. */
    for (uint32_t i = 0; i < state->machine->cpu_count; i++) {
        struct jemalloc_cpu *line = &state->cpus[i];
        if (line->has_tcache) {
            int failed = mallctl("tcache.destroy", NULL, NULL, &line->tcache, sizeof(line->tcache));
            PL_ASSERT(failed == 0);
            (void)failed;
        }
        line->has_tcache = false;
    }
    int failed = arena_ctl(state, "destroy", NULL, 0);
    PL_ASSERT(failed == 0);
    (void)failed;
}

void jemalloc_arena_merge(const struct jemalloc_state *state)
{
    int failed = arena_ctl(state, "purge", NULL, 0);
    PL_ASSERT(failed == 0);
    (void)failed;
}

void jemalloc_arena_flush(const struct jemalloc_state *state, uint32_t cpu_id)
{
    unsigned tcache = state->cpus[cpu_id].tcache;
    PL_ASSERT(state->cpus[cpu_id].has_tcache);
    int failed = mallctl("tcache.flush", NULL, NULL, &tcache, sizeof(tcache));
    PL_ASSERT(failed == 0);
    (void)failed;
}

void jemalloc_arena_settings(const struct jemalloc_state *state, char *text, size_t bytes)
{
    const char *version = "unknown";
    size_t version_bytes = sizeof(version);
    (void)mallctl("version", &version, &version_bytes, NULL, 0);
    snprintf(text, bytes,
             "version=%s arena=own tcache=%s dirty_decay_ms=-1 muzzy_decay_ms=-1 retain_grow_limit=%zu "
             "cache_oblivious=%s purge=on-failure",
             version, state->with_tcache ? "per-cpu,order-0" : "none", JEMALLOC_GROW_BYTES,
             state->is_oblivious ? "true" : "false");
}
