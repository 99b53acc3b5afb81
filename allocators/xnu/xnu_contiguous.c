/* Consecutive frames: a walk over the records, one after the other, from where the last successful walk ended
 * to the end and from the beginning to there. It holds the lock, lets go of it every thousand records, and
 * knows nothing of the frames but their states. */
#include "xnu_internal.h"

/* What a walk looks for; frames are counted from base. */
struct xnu_search {
    uint64_t low;
    uint64_t high;
    uint64_t frame_count;
    uint64_t alignment; /* these two of frame numbers */
    uint64_t boundary;  /* 0: none */
    uint32_t before;    /* the mask to restore whenever the lock is dropped */
};

static bool xnu_is_legal_start(const struct xnu *self, const struct xnu_search *search, uint64_t index)
{
    uint64_t number = self->base + index;
    PL_ASSERT(index < self->page_count);
    PL_ASSERT(search->frame_count > 0);
    if ((number & (search->alignment - 1)) != 0)
        return false;
    if (index < search->low || search->frame_count > search->high - index)
        return false;
    if (search->boundary == 0)
        return true;
    return search->frame_count <= search->boundary - (number & (search->boundary - 1));
}

/* Lets interrupts and other CPUs in. Whatever the walk knew of frames is old after this. */
static void xnu_yield(struct xnu *self, struct pl_cpu *cpu, struct xnu_search *search)
{
    PL_ASSERT(cpu->lock_depth > 0);
    pl_unlock_masked(&self->lock, cpu, search->before);
    pl_relax(cpu);
    search->before = pl_lock_masked(&self->lock, cpu);
}

/* The first run that begins in [from, to), or XNU_NO_PAGE. It may end behind `to`. */
static uint64_t xnu_walk(struct xnu *self, struct pl_cpu *cpu, struct xnu_search *search, uint64_t from,
                         uint64_t to)
{
    uint64_t length = 0; /* frames before `at` are free, and the first of them is a legal start */
    uint32_t considered = 0;
    PL_ASSERT(search->high <= self->page_count);
    PL_ASSERT(search->frame_count > 0);
    for (uint64_t at = from; at < search->high && (length != 0 || at < to); at++) {
        if (considered > XNU_YIELD_AFTER && length <= 1) {
            xnu_yield(self, cpu, search);
            at -= length;
            length = 0;
            considered = 0;
        }
        considered++;
        if (xnu_state_of(&self->page[at]) != XNU_FREE ||
            (length == 0 && !xnu_is_legal_start(self, search, at)))
            length = 0;
        else if (++length == search->frame_count)
            return at + 1 - length;
    }
    return XNU_NO_PAGE;
}

/* Takes the frames off their queues: one wired grant. */
static void xnu_wire(struct xnu *self, struct pl_cpu *cpu, uint64_t index, uint64_t frame_count)
{
    PL_ASSERT(frame_count <= self->page_count - index);
    for (uint64_t at = index; at < index + frame_count; at++) {
        xnu_remove(self, at);
        xnu_set_state(&self->page[at], XNU_INSIDE);
    }
    pl_point(cpu, self);
    xnu_set_state(&self->page[index], XNU_WIRED);
    self->page[index].before = (uint32_t)frame_count;
    xnu_set_free_count(self, xnu_free_count(self) - frame_count);
    self->wired_count += frame_count;
    PL_ASSERT(self->wired_count <= self->machine->frame_count);
    self->search_from = index + frame_count;
}

/* Both rounds of the walk. A walk that finds nothing leaves the place to begin where it was. */
static enum pl_status xnu_find(struct xnu *self, struct pl_cpu *cpu, struct xnu_search *search,
                               struct pl_run *run)
{
    uint64_t found = XNU_NO_PAGE;
    PL_ASSERT(search->frame_count > 0);
    PL_ASSERT(pl_is_power_of_two(search->alignment));
    search->before = pl_lock_masked(&self->lock, cpu);
    /* XNU gives up a run that would leave less than the reserve; here the reserve is the caller's affair. */
    if (xnu_free_count(self) >= search->frame_count) {
        uint64_t from = self->search_from;
        found = xnu_walk(self, cpu, search, from, self->page_count);
        if (found == XNU_NO_PAGE)
            found = xnu_walk(self, cpu, search, 0, from);
    }
    if (found != XNU_NO_PAGE)
        xnu_wire(self, cpu, found, search->frame_count);
    pl_unlock_masked(&self->lock, cpu, search->before);
    if (found == XNU_NO_PAGE)
        return PL_NO_MEMORY;
    uint32_t order = pl_is_power_of_two(search->frame_count) ? PL_CTZ64(search->frame_count) : PL_ORDER_NONE;
    *run = (struct pl_run){
        .first = pl_frame_at(self->base + found), .frame_count = search->frame_count, .order = order};
    return PL_OK;
}

PL_NOINLINE enum pl_status xnu_alloc_block(struct xnu *self, struct pl_cpu *cpu, uint32_t order,
                                           struct pl_run *run)
{
    uint64_t frame_count = UINT64_C(1) << order;
    struct xnu_search search = {
        .low = 0, .high = self->page_count, .frame_count = frame_count, .alignment = frame_count};
    PL_ASSERT(order <= XNU_MAX_ORDER);
    return xnu_find(self, cpu, &search, run);
}

enum pl_status xnu_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                             const struct pl_constraints *constraints, struct pl_run *run)
{
    struct xnu *self = instance;
    uint64_t low = constraints->low.number;
    uint64_t high = constraints->high.number;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || constraints->frame_count == 0)
        return PL_INVALID;
    if (!pl_is_power_of_two(constraints->alignment))
        return PL_INVALID;
    if (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    PL_ASSERT(high > self->base);
    struct xnu_search search = {.low = low > self->base ? low - self->base : 0,
                                .high = high - self->base < self->page_count ? high - self->base
                                                                             : self->page_count,
                                .frame_count = constraints->frame_count,
                                .alignment = constraints->alignment,
                                .boundary = constraints->boundary};
    return xnu_find(self, cpu, &search, run);
}
