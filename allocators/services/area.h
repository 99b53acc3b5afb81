/* What the address-space services share: the window, the counts, a request checked and turned into offsets,
 * and the place where it fits into a gap. Everything is an offset from the window's first byte, at most the
 * window's length, so that nothing wraps even in a window that ends at 2^64.
 *
 *     window   |....gap....[area].....gap.....[area][area]..gap..|
 *              0                                            window_bytes */
#ifndef SERVICES_AREA_H
#define SERVICES_AREA_H

#include <stdio.h>
#include <string.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

#include "allocators/services/params.h"

#define AREA_COUNT_DEFAULT 1024u
#define AREA_COUNT_LIMIT   (UINT32_C(1) << 24)
#define AREA_NO_PLACE      UINT64_MAX

struct area_window {
    uint64_t addr;
    uint64_t bytes;
};

/* The head of each such service's struct. */
struct area_space {
    struct area_window window;
    uint32_t areas_max; /* one more is refused although there is room */
    uint32_t area_count;
    uint64_t bytes_reserved;
};

/* A request in offsets: [start, start + bytes) inside [low, high), with window.addr + start aligned. */
struct area_want {
    uint64_t bytes;
    uint64_t alignment;
    uint64_t low;
    uint64_t high;
};

/* Whole frames, not empty, and its last byte has an address. */
PL_INLINE bool area_window_is_legal(const struct pl_page_table_config *config)
{
    uint64_t last = config->window_addr + config->window_bytes - 1;
    return config->window_bytes != 0 && last >= config->window_addr &&
           ((config->window_addr | config->window_bytes) & (PL_FRAME_BYTES - 1)) == 0;
}

/* The parameter that all of them have. */
#define AREA_PARAM {.name = "areas", .least = 1, .most = AREA_COUNT_LIMIT, .value = AREA_COUNT_DEFAULT}

/* Reads "areas=N", 1 to AREA_COUNT_LIMIT; no text is the default. 0 if it is anything else. */
PL_INLINE uint32_t area_parse_count(const char *params)
{
    struct param areas = AREA_PARAM;
    return params_parse(params, &areas, 1) ? (uint32_t)areas.value : 0;
}

/* PL_OK; PL_INVALID: `areas_max` is 0, as of parameters that are wrong; PL_UNSUPPORTED: no such window. */
PL_INLINE enum pl_status area_space_init(struct area_space *space, const struct pl_page_table_config *config,
                                         uint32_t areas_max)
{
    if (areas_max == 0)
        return PL_INVALID;
    if (!area_window_is_legal(config))
        return PL_UNSUPPORTED;
    *space = (struct area_space){.window = {.addr = config->window_addr, .bytes = config->window_bytes},
                                 .areas_max = areas_max};
    return PL_OK;
}

/* An area as its caller sees it. */
PL_INLINE struct pl_area area_of(const struct area_space *space, uint64_t start, uint64_t bytes)
{
    PL_ASSERT(bytes <= space->window.bytes);
    PL_ASSERT(start <= space->window.bytes - bytes);
    return (struct pl_area){.addr = space->window.addr + start, .area_bytes = bytes};
}

/* Is this exactly the area that a caller means? */
PL_INLINE bool area_is(const struct area_space *space, uint64_t start, uint64_t bytes,
                       const struct pl_area *area)
{
    return area->addr - space->window.addr == start && area->area_bytes == bytes;
}

/* One more, one fewer. */

PL_INLINE struct pl_area area_entered(struct area_space *space, uint64_t start, uint64_t bytes)
{
    space->area_count++;
    space->bytes_reserved += bytes;
    return area_of(space, start, bytes);
}

PL_INLINE void area_left(struct area_space *space, uint64_t bytes)
{
    PL_ASSERT(space->area_count > 0);
    PL_ASSERT(space->bytes_reserved >= bytes);
    space->area_count--;
    space->bytes_reserved -= bytes;
}

/* The hooks that know only the head. */

PL_INLINE void area_space_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

PL_INLINE void area_space_settings(const struct area_space *space, const char *policy, char *text,
                                   size_t bytes)
{
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=%s areas=%u", policy, space->areas_max);
}

PL_INLINE void area_space_count(const void *instance, struct pl_page_table_counts *counts)
{
    const struct area_space *space = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_table_counts){
        .areas = space->area_count, .bytes_reserved = space->bytes_reserved, .areas_most = space->areas_max};
}

/* The lowest start of what is wanted in the gap [from, to), or AREA_NO_PLACE. */
PL_INLINE uint64_t area_fit(const struct area_window *window, const struct area_want *want, uint64_t from,
                            uint64_t to)
{
    from = from > want->low ? from : want->low;
    to = to < want->high ? to : want->high;
    uint64_t skip = (0 - (window->addr + from)) & (want->alignment - 1);
    if (from > to || skip > to - from || want->bytes > to - from - skip)
        return AREA_NO_PLACE;
    return from + skip;
}

/* PL_INVALID: illegal; PL_NEVER: would not fit into the empty window; else PL_OK and `want`. */
PL_INLINE enum pl_status area_want_of(const struct area_window *window, const struct pl_area_request *request,
                                      struct area_want *want)
{
    const uint32_t waits = PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL;
    if (request->bytes_wanted == 0 || (request->bytes_wanted & (PL_FRAME_BYTES - 1)) != 0)
        return PL_INVALID;
    if (!pl_is_power_of_two(request->alignment) || (request->flags & waits) == waits ||
        (request->flags & ~waits) != 0)
        return PL_INVALID;
    uint64_t low = request->low_addr > window->addr ? request->low_addr - window->addr : 0;
    uint64_t high = window->bytes;
    if (request->high_addr != 0 && request->high_addr <= window->addr)
        return PL_NEVER;
    if (request->high_addr != 0 && request->high_addr - window->addr < high)
        high = request->high_addr - window->addr;
    *want = (struct area_want){.bytes = request->bytes_wanted,
                               .alignment =
                                   request->alignment > PL_FRAME_BYTES ? request->alignment : PL_FRAME_BYTES,
                               .low = low,
                               .high = high};
    return area_fit(window, want, 0, window->bytes) == AREA_NO_PLACE ? PL_NEVER : PL_OK;
}

/* There is no room. Addresses come back only when a caller releases some, which no waiting brings about here:
 * who would wait for ever is told so, who waits once has waited. */
PL_INLINE enum pl_status area_no_room(const struct pl_area_request *request)
{
    return (request->flags & PL_REQUEST_WAIT_OK) != 0 ? PL_WOULD_SLEEP : PL_NO_MEMORY;
}

/* A caller that allows waiting could sleep, whether or not there is room (Linux: might_sleep() at entry). */
PL_INLINE void area_might_sleep(struct pl_cpu *cpu, const struct pl_area_request *request)
{
    if (request->flags != 0)
        cpu->platform->might_sleep(cpu, "address space");
}

/* One line: "<who>: area at 0x... <problem>". */
PL_INLINE void area_broken(struct pl_visitor *visitor, uint64_t *broken, const char *who, uint64_t addr,
                           const char *problem)
{
    char words[160];
    snprintf(words, sizeof(words), "%s: area at 0x%llx %s", who, (unsigned long long)addr, problem);
    visitor->broken(visitor, words);
    ++*broken;
}

#endif
