/* Walks the free list. A list that was broken by a wrong free or by a late write may have a ring or lead
 * anywhere, so each link is looked at before it is followed, and the walk is no longer than the count. */
#include <stdio.h>

#include "freelist_internal.h"

/* One line: "freelist: <what> 0x<number> <problem>". */
static uint64_t freelist_broken(struct pl_visitor *visitor, const char *what, uint64_t number,
                                const char *problem)
{
    char words[160];
    PL_ASSERT(what != NULL);
    PL_ASSERT(problem != NULL);
    snprintf(words, sizeof(words), "freelist: %s 0x%llx %s", what, (unsigned long long)number, problem);
    visitor->broken(visitor, words);
    return 1;
}

static bool freelist_has_frame(const struct pl_machine *machine, uint64_t frame)
{
    PL_ASSERT(machine->range_count > 0);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        if (frame >= range->first.number && frame - range->first.number < range->frame_count)
            return true;
    }
    return false;
}

/* Tortoise and hare: does the list come back to itself within `steps`? Stops at links that lead outside. */
static bool freelist_has_ring(const struct freelist *self, uint64_t steps)
{
    uint64_t slow = self->head;
    uint64_t fast = self->head;
    PL_ASSERT(steps <= self->machine->frame_count);
    for (uint64_t i = 0; i < steps; i++) {
        for (int twice = 0; twice < 2; twice++) {
            if (fast == PL_FRAME_NONE || !freelist_has_frame(self->machine, fast))
                return false;
            fast = freelist_link_of(self, fast)->next;
        }
        slow = freelist_link_of(self, slow)->next;
        if (slow == fast)
            return slow != PL_FRAME_NONE;
    }
    return false;
}

uint64_t freelist_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct freelist *self = instance;
    uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    uint64_t found = 0;
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->block != NULL);
    PL_ASSERT(visitor->broken != NULL);
    if (free_count > self->machine->frame_count)
        return freelist_broken(visitor, "the count", free_count, "is more than the machine has");
    if (freelist_has_ring(self, self->machine->frame_count))
        return freelist_broken(visitor, "the list from", self->head, "runs in a ring: freed twice");
    uint64_t frame = self->head;
    for (; frame != PL_FRAME_NONE && found < free_count; found++) {
        if (!freelist_has_frame(self->machine, frame))
            return freelist_broken(visitor, "the list has", frame, "which is no frame of the machine");
        struct pl_block block = {.first = pl_frame_at(frame), .order = 0, .state = PL_BLOCK_FREE};
        visitor->block(visitor, &block);
        frame = freelist_link_of(self, frame)->next;
    }
    if (found != free_count)
        return freelist_broken(visitor, "the list ends after", found, "frames: the count is another");
    if (frame != PL_FRAME_NONE)
        return freelist_broken(visitor, "the list goes on with", frame, "after as many as are counted");
    return 0;
}
