/* Opening and closing mimalloc, and the segments that it is given. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "mimalloc_library.h"
#include <mimalloc.h>
#include <pagelab/check.h>

#define MIMALLOC_NAME "libmimalloc.so.2"

/* 2.0 keeps no more arenas; a range is one. */
#define MIMALLOC_ARENA_LIMIT 112u

/* What is called once, when it is opened. */
struct mimalloc_setup {
    int (*version)(void);
    void (*option_set)(mi_option_t option, long value);
    bool (*manage)(void *start, size_t bytes, bool is_committed, bool is_large, bool is_zero, int numa_node,
                   bool exclusive, mi_arena_id_t *arena_id);
};

/* The whole segments of a range. Addresses, not frame numbers, are aligned. */
static uint64_t mimalloc_segments_of(const struct pl_machine *machine, const struct pl_range *range,
                                     uintptr_t *start)
{
    uintptr_t begin = (uintptr_t)pl_frame_address(machine, range->first);
    uintptr_t end = begin + range->frame_count * PL_FRAME_BYTES;
    PL_ASSERT(end > begin);
    *start = (begin + MIMALLOC_SEGMENT_BYTES - 1) & ~(uintptr_t)(MIMALLOC_SEGMENT_BYTES - 1);
    return *start < end ? (end - *start) / MIMALLOC_SEGMENT_BYTES : 0;
}

uint64_t mimalloc_library_segments(const struct pl_machine *machine)
{
    uint64_t segments = 0;
    uint32_t arenas = 0;
    PL_ASSERT(machine->contents != NULL);
    for (uint32_t i = 0; i < machine->range_count && arenas < MIMALLOC_ARENA_LIMIT; i++) {
        uintptr_t start;
        uint64_t here = mimalloc_segments_of(machine, &machine->ranges[i], &start);
        segments += here;
        arenas += here != 0;
    }
    return segments;
}

/* A function from the library. POSIX has object and function pointers alike; C does not, so it is copied. */
static bool mimalloc_find(const struct mimalloc_library *library, const char *name, void *function)
{
    void *symbol = dlsym(library->handle, name);
    PL_ASSERT(name != NULL);
    PL_ASSERT(function != NULL);
    memcpy(function, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static bool mimalloc_find_all(struct mimalloc_library *library, struct mimalloc_setup *setup)
{
    return mimalloc_find(library, "mi_malloc", &library->malloc) &&
           mimalloc_find(library, "mi_malloc_aligned", &library->malloc_aligned) &&
           mimalloc_find(library, "mi_free", &library->free) &&
           mimalloc_find(library, "mi_collect", &library->collect) &&
           mimalloc_find(library, "mi_version", &setup->version) &&
           mimalloc_find(library, "mi_option_set", &setup->option_set) &&
           mimalloc_find(library, "mi_manage_os_memory_ex", &setup->manage);
}

/* Nothing from outside the arenas, nothing by the clock, no words, whatever the environment says. Without the
 * delay of eager commit a young heap is given pinned arenas, too. */
static void mimalloc_set_options(const struct mimalloc_setup *setup)
{
    static const struct {
        mi_option_t option;
        long value;
    } options[] = {
        {mi_option_limit_os_alloc, 1},  {mi_option_eager_commit_delay, 0},
        {mi_option_allow_decommit, 0},  {mi_option_page_reset, 0},
        {mi_option_use_numa_nodes, 1},  {mi_option_show_errors, 0},
        {mi_option_show_stats, 0},      {mi_option_verbose, 0},
        {mi_option_destroy_on_exit, 0},
    };
    for (size_t i = 0; i < PL_COUNT_OF(options); i++)
        setup->option_set(options[i].option, options[i].value);
}

/* "Large" means pinned: never given back to the system. Not exclusive: every thread's heap may use it. */
static bool mimalloc_give_segments(const struct mimalloc_setup *setup, const struct pl_machine *machine)
{
    uint64_t wanted = mimalloc_library_segments(machine);
    uint64_t given = 0;
    for (uint32_t i = 0; i < machine->range_count && given < wanted; i++) {
        uintptr_t start;
        uint64_t here = mimalloc_segments_of(machine, &machine->ranges[i], &start);
        if (here == 0)
            continue;
        /* 2.0.9 believes that what it never used is zero, whatever it is told, and there are its
         * descriptions. */
        for (uint64_t at = 0; at < here * MIMALLOC_SEGMENT_BYTES; at += MIMALLOC_SEGMENT_BYTES)
            memset((unsigned char *)start + at, 0, MIMALLOC_SEGMENT_META_BYTES);
        mi_arena_id_t arena;
        if (!setup->manage((void *)start, here * MIMALLOC_SEGMENT_BYTES, true, true, false, -1, false,
                           &arena))
            return false;
        given += here;
    }
    PL_ASSERT(given == wanted);
    return true;
}

static enum pl_status mimalloc_refuse(struct mimalloc_library *library, const char *why)
{
    PL_ASSERT(why != NULL);
    fprintf(stderr, "pagelab: mimalloc: %s\n", why);
    if (library->handle != NULL)
        mimalloc_library_close(library);
    return PL_UNSUPPORTED;
}

/* mimalloc makes one key, for threads that end, while it is opened. Keys are handed out lowest first, so it
 * gets the one that was just given back; that its value is set in this thread proves it. */
static bool mimalloc_open_with_key(struct mimalloc_library *library)
{
    if (pthread_key_create(&library->thread_key, NULL) != 0)
        return false;
    pthread_key_delete(library->thread_key);
    library->handle = dlopen(MIMALLOC_NAME, RTLD_NOW | RTLD_LOCAL);
    return library->handle != NULL;
}

enum pl_status mimalloc_library_open(struct mimalloc_library *library, const struct pl_machine *machine)
{
    struct mimalloc_setup setup;
    PL_ASSERT(library->handle == NULL);
    void *other = dlopen(MIMALLOC_NAME, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (other != NULL) {
        dlclose(other);
        return mimalloc_refuse(library, MIMALLOC_NAME ": already in this process; one instance at a time");
    }
    if (!mimalloc_open_with_key(library))
        return mimalloc_refuse(library, MIMALLOC_NAME ": cannot be opened; the package is libmimalloc2.0");
    if (pthread_getspecific(library->thread_key) == NULL) {
        /* Its key is unknown, so it has to stay: a thread that ends would call into what was closed. */
        library->handle = NULL;
        return mimalloc_refuse(library, MIMALLOC_NAME ": its thread key was not found");
    }
    if (!mimalloc_find_all(library, &setup))
        return mimalloc_refuse(library, MIMALLOC_NAME ": a function is missing; version 2.0 was expected");
    library->version = setup.version();
    if (library->version < 200 || library->version >= 210)
        return mimalloc_refuse(library, MIMALLOC_NAME ": another version than 2.0");
    mimalloc_set_options(&setup);
    if (!mimalloc_give_segments(&setup, machine))
        return mimalloc_refuse(library, MIMALLOC_NAME ": did not take the machine's frames");
    return PL_OK;
}

void mimalloc_library_close(struct mimalloc_library *library)
{
    PL_ASSERT(library->handle != NULL);
    pthread_key_delete(library->thread_key);
    int failed = dlclose(library->handle);
    PL_ASSERT(failed == 0);
    (void)failed;
    library->handle = NULL;
}
