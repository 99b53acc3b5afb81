/* See trace_gfp.h. */
#include "engine/trace/trace_gfp.h"

#include <string.h>

#include <pagelab/compiler.h>

#include "engine/trace/trace_number.h"

struct gfp_name {
    const char *text;
    uint32_t bits;
};

#define WAITS TRACE_GFP_DIRECT_RECLAIM

/* Only names that say something; GFP_NOWAIT and GFP_TRANSHUGE_LIGHT imply none of the three bits. */
static const struct gfp_name names[] = {
    {"GFP_KERNEL", WAITS},
    {"GFP_KERNEL_ACCOUNT", WAITS},
    {"GFP_USER", WAITS},
    {"GFP_HIGHUSER", WAITS},
    {"GFP_HIGHUSER_MOVABLE", WAITS},
    {"GFP_NOFS", WAITS},
    {"GFP_NOIO", WAITS},
    {"GFP_TRANSHUGE", WAITS},
    {"GFP_TEMPORARY", WAITS}, /* until 4.13 */
    {"__GFP_RECLAIM", WAITS},
    {"__GFP_DIRECT_RECLAIM", WAITS},
    {"__GFP_WAIT", WAITS}, /* until 4.3 */
    {"GFP_WAIT", WAITS},   /* until 4.4, as it was printed */
    {"GFP_ATOMIC", TRACE_GFP_HIGH},
    {"__GFP_ATOMIC", TRACE_GFP_HIGH}, /* until 6.2 */
    {"__GFP_HIGH", TRACE_GFP_HIGH},
    {"GFP_HIGH", TRACE_GFP_HIGH},
    {"__GFP_ZERO", TRACE_GFP_ZERO},
    {"GFP_ZERO", TRACE_GFP_ZERO},
};

static bool is_name(const char *text, size_t length)
{
    const bool has_prefix =
        (length > 4 && memcmp(text, "GFP_", 4) == 0) || (length > 6 && memcmp(text, "__GFP_", 6) == 0);
    if (!has_prefix)
        return false;
    for (size_t i = 0; i < length; i++) {
        const char c = text[i];
        if (!(c == '_' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

static uint32_t name_bits(const char *text, size_t length)
{
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        if (strlen(names[i].text) == length && memcmp(names[i].text, text, length) == 0)
            return names[i].bits;
    }
    return 0;
}

/* A mask is names and numbers joined by '|'. A number after names is what the printing tool had no name for,
 * in the recording kernel's layout: it says nothing. */
static bool parse(const char *text, size_t length, uint32_t *mask)
{
    if (length == 4 && memcmp(text, "none", 4) == 0) {
        *mask = 0;
        return true;
    }
    uint32_t set = 0;
    uint32_t removed = 0;
    const char *end = text + length;
    bool is_first = true;
    for (;;) {
        const char *bar = memchr(text, '|', (size_t)(end - text));
        const char *stop = bar != NULL ? bar : end;
        const bool removes = text < stop && *text == '~';
        text += removes;
        const size_t token = (size_t)(stop - text);
        uint64_t number;
        if (is_name(text, token))
            *(removes ? &removed : &set) |= name_bits(text, token);
        else if (removes || !trace_number_hex(text, token, &number))
            return false;
        else if (is_first)
            set |= (uint32_t)number;
        if (bar == NULL)
            break;
        text = bar + 1;
        is_first = false;
    }
    *mask = set & ~removed & (TRACE_GFP_HIGH | TRACE_GFP_ZERO | TRACE_GFP_DIRECT_RECLAIM);
    return true;
}

/* Masks differ in their length, and in their ends. */
static size_t slot_of(const char *text, size_t length)
{
    const size_t last = (unsigned char)text[length - 1];
    const size_t middle = (unsigned char)text[length / 2];
    return (length * 5 + last * 3 + middle) % TRACE_GFP_SLOTS;
}

bool trace_gfp_parse(struct trace_gfp_cache *cache, const char *text, size_t length, uint32_t *mask)
{
    if (length == 0)
        return false;
    const size_t slot = slot_of(text, length);
    if (PL_LIKELY(cache->slots[slot].length == length &&
                  memcmp(cache->slots[slot].text, text, length) == 0)) {
        *mask = cache->slots[slot].mask;
        return true;
    }
    if (!parse(text, length, mask))
        return false;
    if (length <= TRACE_GFP_TEXT_BYTES) {
        memcpy(cache->slots[slot].text, text, length);
        cache->slots[slot].length = (uint32_t)length;
        cache->slots[slot].mask = *mask;
    }
    return true;
}
