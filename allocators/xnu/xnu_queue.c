/* The queues of the colours, and what passes between them and a CPU's list: refills in rotating colours, and
 * drains. */
#include "xnu_internal.h"

void xnu_enter(struct xnu *self, uint64_t index)
{
    struct xnu_queue *queue = &self->queue[xnu_colour_of(self, index)];
    struct xnu_page *page = &self->page[index];
    PL_ASSERT(index < self->page_count);
    PL_ASSERT((queue->first == XNU_NONE) == (queue->last == XNU_NONE));
    page->next = XNU_NONE;
    page->before = queue->last;
    if (queue->last != XNU_NONE)
        self->page[queue->last].next = (uint32_t)index;
    else
        queue->first = (uint32_t)index;
    queue->last = (uint32_t)index;
    xnu_set_state(page, XNU_FREE);
}

void xnu_remove(struct xnu *self, uint64_t index)
{
    struct xnu_queue *queue = &self->queue[xnu_colour_of(self, index)];
    const struct xnu_page *page = &self->page[index];
    PL_ASSERT(index < self->page_count);
    PL_ASSERT(xnu_state_of(page) == XNU_FREE);
    if (page->before != XNU_NONE)
        self->page[page->before].next = page->next;
    else
        queue->first = page->next;
    if (page->next != XNU_NONE)
        self->page[page->next].before = page->before;
    else
        queue->last = page->before;
}

/* Near the reserve a refill takes no more than it must, so that the last frames are not spread over CPUs. */
static uint64_t xnu_refill_count(const struct xnu *self, uint64_t free_count)
{
    PL_ASSERT(free_count > 0);
    PL_ASSERT(self->params.batch > 0);
    if (free_count <= self->reserve && PL_MUTANT("xnu-reserve-wraps"))
        PL_MUTANT_TRIGGERED("xnu-reserve-wraps", true);
    else if (free_count <= self->reserve)
        return 1;
    uint64_t most = free_count - self->reserve;
    return most < self->params.batch ? most : self->params.batch;
}

/* Takes `count` frames, which there are, from the fronts of the queues, a colour further after each, and
 * strings them together in that order. */
static void xnu_steal(struct xnu *self, struct xnu_cpu *local, uint64_t count)
{
    uint32_t mask = self->params.colours - 1;
    uint32_t colour = local->colour & mask;
    uint32_t *link = &local->first;
    PL_ASSERT(local->first == XNU_NONE);
    PL_ASSERT(count <= xnu_free_count(self));
    for (uint64_t i = 0; i < count; i++) {
        while (self->queue[colour].first == XNU_NONE)
            colour = (colour + 1) & mask;
        uint32_t index = self->queue[colour].first;
        xnu_remove(self, index);
        xnu_set_state(&self->page[index], XNU_LOCAL);
        *link = index;
        link = &self->page[index].next;
        colour = (colour + 1) & mask;
    }
    *link = XNU_NONE;
    local->colour = colour;
}

bool xnu_refill(struct xnu *self, struct pl_cpu *cpu)
{
    struct xnu_cpu *local = &self->cpu[cpu->id];
    PL_ASSERT(atomic_load_explicit(&cpu->masked, memory_order_relaxed) != 0);
    pl_lock_take(&self->lock, cpu);
    uint64_t free_count = xnu_free_count(self);
    if (free_count != 0) {
        uint64_t count = xnu_refill_count(self, free_count);
        xnu_steal(self, local, count);
        pl_point(cpu, self);
        xnu_set_free_count(self, free_count - count);
        atomic_store_explicit(&local->count, (uint32_t)count, memory_order_relaxed);
    }
    pl_lock_drop(&self->lock, cpu);
    return free_count != 0;
}

void xnu_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct xnu *self = instance;
    struct xnu_cpu *local = &self->cpu[of->id];
    uint64_t count = 0;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(of->id < self->machine->cpu_count);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    for (uint32_t index = local->first; index != XNU_NONE; count++) {
        uint32_t next = self->page[index].next;
        PL_ASSERT(xnu_state_of(&self->page[index]) == XNU_LOCAL);
        xnu_enter(self, index);
        index = next;
    }
    PL_ASSERT(count == atomic_load_explicit(&local->count, memory_order_relaxed));
    local->first = XNU_NONE;
    atomic_store_explicit(&local->count, 0, memory_order_relaxed);
    if (PL_MUTANT("xnu-drain-uncounted"))
        PL_MUTANT_TRIGGERED("xnu-drain-uncounted", count != 0);
    else
        xnu_set_free_count(self, xnu_free_count(self) + count);
    pl_unlock_masked(&self->lock, cpu, before);
}
