/* Names for grants: small numbers, the last one freed is the first to be used again. Both import and the
 * compact form number grants through this, so that the file need not store the numbers of allocations. */
#ifndef ENGINE_TRACE_TRACE_SLOTS_H
#define ENGINE_TRACE_TRACE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/trace/trace_grow.h"

/* All zero at the start; `spare` is released by free(). */
struct trace_slots {
    uint32_t *spare;
    size_t spare_count;
    size_t spare_capacity;
    uint32_t count; /* slots ever used */
};

PL_INLINE uint32_t trace_slots_get(struct trace_slots *slots)
{
    return slots->spare_count != 0 ? slots->spare[--slots->spare_count] : slots->count++;
}

/* False without memory. */
PL_INLINE bool trace_slots_put(struct trace_slots *slots, uint32_t slot)
{
    uint32_t *grown =
        trace_grow(slots->spare, &slots->spare_capacity, slots->spare_count + 1, sizeof(*slots->spare));
    if (grown == NULL)
        return false;
    slots->spare = grown;
    slots->spare[slots->spare_count++] = slot;
    return true;
}

#endif
