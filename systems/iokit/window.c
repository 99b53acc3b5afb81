/* Addresses, first fit from where the last area was put: a task's window, or the IOMMU's. The areas are the
 * list, in ascending order; nothing is allocated here, so nothing but a full window can fail. */
#include <pagelab/check.h>

#include "systems/iokit/iokit_internal.h"
#include "systems/lie.h"

void window_init(struct iokit_window *window, uint64_t addr, uint64_t bytes)
{
    *window = (struct iokit_window){.addr = addr, .bytes = bytes};
}

/* Does it fit between `before` (NULL: the window's start) and what follows? */
static bool gap_fits(const struct iokit_window *window, const struct iokit_area *before, uint64_t bytes,
                     uint64_t alignment, uint64_t *addr)
{
    uint64_t low = before == NULL ? window->addr : before->addr + before->bytes;
    const struct iokit_area *after = before == NULL ? window->first : before->next;
    uint64_t high = after == NULL ? window->addr + window->bytes : after->addr;
    uint64_t aligned = (low + alignment - 1) & ~(alignment - 1);
    if (aligned < low || aligned > high || high - aligned < bytes)
        return false;
    *addr = aligned;
    return true;
}

static void link_after(struct iokit_window *window, struct iokit_area *before, struct iokit_area *area)
{
    area->previous = before;
    area->next = before == NULL ? window->first : before->next;
    if (before == NULL)
        window->first = area;
    else
        before->next = area;
    if (area->next != NULL)
        area->next->previous = area;
    window->hint = area;
}

bool window_take(struct iokit_window *window, struct iokit_area *area, uint64_t bytes, uint64_t alignment)
{
    PL_ASSERT(bytes != 0 && (alignment & (alignment - 1)) == 0);
    struct iokit_area *before = window->hint;
    uint64_t addr = 0;
    if (bytes > window->bytes)
        return false;
    while (!gap_fits(window, before, bytes, alignment, &addr)) {
        before = before == NULL ? window->first : before->next;
        if (before == window->hint)
            return false;
    }
    if (LIE("B-18") && before != NULL)
        addr = before->addr;
    area->addr = addr;
    area->bytes = bytes;
    link_after(window, before, area);
    return true;
}

void window_give(struct iokit_window *window, struct iokit_area *area)
{
    if (area->previous == NULL)
        window->first = area->next;
    else
        area->previous->next = area->next;
    if (area->next != NULL)
        area->next->previous = area->previous;
    if (window->hint == area)
        window->hint = area->previous;
    area->bytes = 0;
}
