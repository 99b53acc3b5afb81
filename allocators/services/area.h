/* What the two address-space services share: a request checked and turned into offsets, and the place where
 * it fits into a gap. Everything is an offset from the window's first byte, at most the window's length, so
 * that nothing wraps even in a window that ends at 2^64.
 *
 *     window   |....gap....[area].....gap.....[area][area]..gap..|
 *              0                                            window_bytes */
#ifndef SERVICES_AREA_H
#define SERVICES_AREA_H

#include <stdio.h>
#include <string.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

#define AREA_COUNT_DEFAULT 1024u
#define AREA_COUNT_LIMIT   (UINT32_C(1) << 24)
#define AREA_NO_PLACE      UINT64_MAX

struct area_window {
    uint64_t addr;
    uint64_t bytes;
};

/* A request in offsets: [start, start + bytes) inside [low, high), with window.addr + start aligned. */
struct area_want {
    uint64_t bytes;
    uint64_t alignment;
    uint64_t low;
    uint64_t high;
};

PL_INLINE bool area_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Whole frames, not empty, and its last byte has an address. */
PL_INLINE bool area_window_is_legal(const struct pl_page_table_config *config)
{
    uint64_t last = config->window_addr + config->window_bytes - 1;
    return config->window_bytes != 0 && last >= config->window_addr &&
           ((config->window_addr | config->window_bytes) & (PL_FRAME_BYTES - 1)) == 0;
}

/* Reads "areas=N", 1 to AREA_COUNT_LIMIT; no text is the default. 0 if it is anything else. */
PL_INLINE uint32_t area_parse_count(const char *params)
{
    if (params == NULL || *params == '\0')
        return AREA_COUNT_DEFAULT;
    if (strncmp(params, "areas=", 6) != 0)
        return 0;
    uint32_t count = 0;
    const char *digit = params + 6;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        count = count * 10 + (uint32_t)(*digit - '0');
        if (count > AREA_COUNT_LIMIT)
            return 0;
    }
    return *digit == '\0' ? count : 0;
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
    if (!area_is_power_of_two(request->alignment) || (request->flags & waits) == waits ||
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
