/* What gfp_flags says about a caller: may it sleep, must the page be zero, may it use the reserve.
 *
 * Names are those that any kernel since 2.6.32 prints; one that is not known says nothing about the three. A
 * kernel prints a composite name (GFP_KERNEL) only if all of its bits are set, so that the names present are
 * the whole truth; "~NAME" takes a bit away. A number stands for the layout of Linux 4.20 and later:
 * DIRECT_RECLAIM 0x400, ZERO 0x100, HIGH 0x20. */
#ifndef ENGINE_TRACE_TRACE_GFP_H
#define ENGINE_TRACE_TRACE_GFP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_GFP_HIGH           0x020u
#define TRACE_GFP_ZERO           0x100u
#define TRACE_GFP_DIRECT_RECLAIM 0x400u

/* A recording has a few dozen different masks: remembers them. All zero is empty. */
#define TRACE_GFP_SLOTS      64u
#define TRACE_GFP_TEXT_BYTES 184u

struct trace_gfp_cache {
    struct {
        uint32_t mask;
        uint32_t length; /* 0: empty */
        char text[TRACE_GFP_TEXT_BYTES];
    } slots[TRACE_GFP_SLOTS];
};

/* TRACE_GFP_* bits of the mask in text[0, length). False: not a mask. */
bool trace_gfp_parse(struct trace_gfp_cache *cache, const char *text, size_t length, uint32_t *mask);

#endif
