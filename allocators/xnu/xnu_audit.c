/* Walks the records range by range, then every queue and every CPU's list, and compares. Each frame is told
 * as a block of its own: nothing here knows larger ones. */
#include <stdio.h>

#include "xnu_internal.h"

struct xnu_walker {
    const struct xnu *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t frames[XNU_INSIDE + 1]; /* met in the ranges, by state */
    uint64_t wired;                  /* frames of WIRED grants */
};

/* One line: "xnu: <what> 0x<number> <problem>". */
static void xnu_broken(struct xnu_walker *walker, const char *what, uint64_t number, const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "xnu: %s 0x%llx %s", what, (unsigned long long)number, problem);
    walker->broken++;
    walker->visitor->broken(walker->visitor, words);
}

static void xnu_tell_block(struct xnu_walker *walker, uint64_t index, enum pl_block_state state)
{
    struct pl_block block = {
        .first = pl_frame_at(walker->self->base + index), .order = 0, .state = (uint32_t)state};
    PL_ASSERT(index < walker->self->page_count);
    PL_ASSERT(state == PL_BLOCK_FREE || state == PL_BLOCK_CACHED);
    walker->visitor->block(walker->visitor, &block);
}

/* Checks the wired grant that begins here; returns the record behind it. */
static uint64_t xnu_audit_wired(struct xnu_walker *walker, uint64_t index, uint64_t end)
{
    const struct xnu *self = walker->self;
    uint64_t frame_count = self->page[index].before;
    PL_ASSERT(index < end);
    PL_ASSERT(end <= self->page_count);
    if (frame_count == 0 || frame_count > end - index) {
        xnu_broken(walker, "frame", self->base + index, "begins a grant of an impossible length");
        return index + 1;
    }
    walker->wired += frame_count;
    for (uint64_t at = index + 1; at < index + frame_count; at++)
        if (xnu_state_of(&self->page[at]) != XNU_INSIDE)
            xnu_broken(walker, "frame", self->base + at, "is inside a grant and marked as something else");
    walker->frames[XNU_INSIDE] += frame_count - 1;
    return index + frame_count;
}

static void xnu_audit_range(struct xnu_walker *walker, uint64_t index, uint64_t end)
{
    const struct xnu *self = walker->self;
    PL_ASSERT(index < end);
    PL_ASSERT(end <= self->page_count);
    while (index < end) {
        uint8_t state = xnu_state_of(&self->page[index]);
        if (state <= XNU_INSIDE)
            walker->frames[state]++;
        if (state == XNU_WIRED) {
            index = xnu_audit_wired(walker, index, end);
            continue;
        }
        if (state == XNU_FREE)
            xnu_tell_block(walker, index, PL_BLOCK_FREE);
        else if (state == XNU_LOCAL)
            xnu_tell_block(walker, index, PL_BLOCK_CACHED);
        else if (state != XNU_GRABBED)
            xnu_broken(walker, "frame", self->base + index, "is neither free nor of a grant");
        index++;
    }
}

static void xnu_audit_hole(struct xnu_walker *walker, uint64_t index, uint64_t end)
{
    PL_ASSERT(index <= end);
    PL_ASSERT(end <= walker->self->page_count);
    for (; index < end; index++)
        if (xnu_state_of(&walker->self->page[index]) != XNU_HOLE)
            xnu_broken(walker, "frame", walker->self->base + index, "lies in a hole but is marked");
}

/* Returns the entries of the queue. A queue longer than the free frames has a ring in it. */
static uint64_t xnu_audit_queue(struct xnu_walker *walker, uint32_t colour)
{
    const struct xnu *self = walker->self;
    const struct xnu_queue *queue = &self->queue[colour];
    uint32_t before = XNU_NONE;
    uint64_t found = 0;
    PL_ASSERT(colour < XNU_COLOUR_LIMIT);
    for (uint32_t index = queue->first; index != XNU_NONE; index = self->page[index].next) {
        if (index >= self->page_count || xnu_state_of(&self->page[index]) != XNU_FREE) {
            xnu_broken(walker, "the queue of colour", colour, "has an entry that is no free frame");
            return found;
        }
        if (xnu_colour_of(self, index) != colour)
            xnu_broken(walker, "the queue of colour", colour, "has a frame of another colour");
        if (self->page[index].before != before)
            xnu_broken(walker, "the queue of colour", colour, "has a wrong link backwards");
        if (++found > walker->frames[XNU_FREE]) {
            xnu_broken(walker, "the queue of colour", colour, "runs in a ring");
            return found;
        }
        before = index;
    }
    if (queue->last != before)
        xnu_broken(walker, "the queue of colour", colour, "ends elsewhere than it says");
    return found;
}

/* Returns the entries of a CPU's list. */
static uint64_t xnu_audit_list(struct xnu_walker *walker, uint32_t id)
{
    const struct xnu *self = walker->self;
    const struct xnu_cpu *local = &self->cpu[id];
    uint64_t found = 0;
    PL_ASSERT(id < self->machine->cpu_count);
    for (uint32_t index = local->first; index != XNU_NONE; index = self->page[index].next) {
        if (index >= self->page_count || xnu_state_of(&self->page[index]) != XNU_LOCAL) {
            xnu_broken(walker, "the list of CPU", id, "has an entry that is not on a list");
            return found;
        }
        if (++found > walker->frames[XNU_LOCAL]) {
            xnu_broken(walker, "the list of CPU", id, "runs in a ring");
            return found;
        }
    }
    if (found != atomic_load_explicit(&local->count, memory_order_relaxed))
        xnu_broken(walker, "the list of CPU", id, "is not as long as it says");
    return found;
}

/* The same number, found in two ways. */
static void xnu_compare(struct xnu_walker *walker, const char *what, uint64_t counted, uint64_t found)
{
    PL_ASSERT(what != NULL);
    PL_ASSERT(walker->visitor != NULL);
    if (counted != found)
        xnu_broken(walker, what, counted, "is not what the records say");
}

uint64_t xnu_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct xnu *self = instance;
    struct xnu_walker walker = {.self = self, .visitor = visitor};
    uint64_t end = 0;
    uint64_t queued = 0;
    uint64_t listed = 0;
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    for (uint32_t i = 0; i < self->machine->range_count; i++) {
        const struct pl_range *range = &self->machine->ranges[i];
        uint64_t first = range->first.number - self->base;
        xnu_audit_hole(&walker, end, first);
        end = first + range->frame_count;
        xnu_audit_range(&walker, first, end);
    }
    for (uint32_t colour = 0; colour < self->params.colours; colour++)
        queued += xnu_audit_queue(&walker, colour);
    for (uint32_t id = 0; id < self->machine->cpu_count; id++)
        listed += xnu_audit_list(&walker, id);
    xnu_compare(&walker, "the count of free frames", xnu_free_count(self), walker.frames[XNU_FREE]);
    xnu_compare(&walker, "the length of all queues", queued, walker.frames[XNU_FREE]);
    xnu_compare(&walker, "the length of all lists", listed, walker.frames[XNU_LOCAL]);
    xnu_compare(&walker, "the count of wired frames", self->wired_count, walker.wired);
    if (self->search_from > self->page_count)
        xnu_broken(&walker, "the walk would begin at record", self->search_from, "which is beyond the last");
    return walker.broken;
}
