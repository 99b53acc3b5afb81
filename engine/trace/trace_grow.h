/* Arrays that double. */
#ifndef ENGINE_TRACE_TRACE_GROW_H
#define ENGINE_TRACE_TRACE_GROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <pagelab/compiler.h>

/* Makes room for `needed` items of `item_bytes` in `items`, which holds *capacity of them. Returns the array,
 * perhaps moved, or NULL without memory: the old array is then as it was and still the caller's. */
PL_INLINE void *trace_grow(void *items, size_t *capacity, size_t needed, size_t item_bytes)
{
    if (PL_LIKELY(needed <= *capacity))
        return items;
    size_t wanted = *capacity < 512 ? 512 : *capacity;
    while (wanted < needed) {
        if (wanted > SIZE_MAX / 2)
            return NULL;
        wanted *= 2;
    }
    if (wanted > SIZE_MAX / item_bytes)
        return NULL;
    void *grown = realloc(items, wanted * item_bytes);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}

#endif
