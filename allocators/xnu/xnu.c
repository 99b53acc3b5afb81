/* The model of XNU's resident page allocator, macOS 14: the hooks. One frame comes from the CPU's own list,
 * all else from a walk; every free goes to the queues of the colours. */
#include <stdio.h>

#include "xnu_internal.h"

static void xnu_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* Takes the first frame of a list that has one. Masked. */
PL_INLINE void xnu_grab(struct xnu *self, struct xnu_cpu *local, struct pl_run *run)
{
    uint32_t index = local->first;
    struct xnu_page *page = &self->page[index];
    uint32_t count = atomic_load_explicit(&local->count, memory_order_relaxed);
    PL_ASSERT(count > 0);
    PL_ASSERT(xnu_state_of(page) == XNU_LOCAL);
    local->first = page->next;
    atomic_store_explicit(&local->count, count - 1, memory_order_relaxed);
    xnu_set_state(page, XNU_GRABBED);
    *run = (struct pl_run){.first = pl_frame_at(self->base + index), .frame_count = 1, .order = 0};
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status xnu_alloc_empty(struct xnu *self, struct pl_cpu *cpu, struct pl_run *run,
                                                  uint32_t before)
{
    bool filled = xnu_refill(self, cpu);
    PL_ASSERT(filled == (self->cpu[cpu->id].first != XNU_NONE));
    if (filled)
        xnu_grab(self, &self->cpu[cpu->id], run);
    pl_unmask(cpu, before);
    return filled ? PL_OK : PL_NO_MEMORY;
}

static enum pl_status xnu_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                struct pl_run *run)
{
    struct xnu *self = instance;
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(request->order > XNU_MAX_ORDER))
        return PL_UNSUPPORTED;
    if (PL_UNLIKELY(!xnu_serves_node(request)))
        return PL_NO_MEMORY;
    if (PL_UNLIKELY(request->order != 0))
        return xnu_alloc_block(self, cpu, request->order, run);
    struct xnu_cpu *local = &self->cpu[cpu->id];
    uint32_t before = pl_mask(cpu);
    if (PL_UNLIKELY(local->first == XNU_NONE))
        return xnu_alloc_empty(self, cpu, run, before);
    xnu_grab(self, local, run);
    if (PL_MUTANT("xnu-pending-missed")) {
        atomic_store_explicit(&cpu->masked, before, memory_order_relaxed);
        PL_MUTANT_TRIGGERED("xnu-pending-missed", before == 0 && atomic_load(&cpu->pending) != 0);
        return PL_OK;
    }
    pl_unmask(cpu, before);
    return PL_OK;
}

/* True iff `run` is exactly one grant. Lock held. */
PL_INLINE bool xnu_is_grant(const struct xnu *self, const struct pl_run *run)
{
    uint64_t index = run->first.number - self->base;
    if (run->first.number < self->base || index >= self->page_count)
        return false;
    const struct xnu_page *page = &self->page[index];
    uint8_t state = xnu_state_of(page);
    if (PL_LIKELY(state == XNU_GRABBED))
        return run->frame_count == 1 && run->order == 0;
    if (state != XNU_WIRED || run->frame_count != page->before)
        return false;
    return !pl_is_power_of_two(run->frame_count) || run->order == PL_CTZ64(run->frame_count);
}

static enum pl_status xnu_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct xnu *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool granted = xnu_is_grant(self, run);
    if (PL_LIKELY(granted)) {
        uint64_t index = run->first.number - self->base;
        if (xnu_state_of(&self->page[index]) == XNU_WIRED) {
            PL_ASSERT(self->wired_count >= run->frame_count);
            self->wired_count -= run->frame_count;
        }
        for (uint64_t end = index + run->frame_count; index < end; index++)
            xnu_enter(self, index);
        pl_point(cpu, self);
        xnu_set_free_count(self, xnu_free_count(self) + run->frame_count);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

/* Each part begins with its own length. A grant whose parts would not be naturally aligned is not cut. */
static enum pl_status xnu_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct xnu *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > XNU_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t part = UINT64_C(1) << order;
    enum pl_status status = PL_OK;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    if (!xnu_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else if (run->frame_count > part) {
        uint64_t at = run->first.number - self->base;
        for (uint64_t end = at + run->frame_count; at < end; at += part) {
            xnu_set_state(&self->page[at], XNU_WIRED);
            if (PL_MUTANT("xnu-split-length"))
                PL_MUTANT_TRIGGERED("xnu-split-length", self->page[at].before != part);
            else
                self->page[at].before = (uint32_t)part;
        }
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return status;
}

static void xnu_count(const void *instance, struct pl_page_counts *counts)
{
    const struct xnu *self = instance;
    uint64_t cached = 0;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    for (uint32_t id = 0; id < self->machine->cpu_count; id++)
        cached += atomic_load_explicit(&self->cpu[id].count, memory_order_relaxed);
    *counts = (struct pl_page_counts){.free = xnu_free_count(self), .cached = cached};
}

static void xnu_settings(const void *instance, char *text, size_t bytes)
{
    const struct xnu *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(
        text, bytes,
        "policy=first-freed-first-of-a-colour orders=0-%u colours=%u batch=%u reserve=%llu search=next-fit "
        "metadata=records",
        XNU_MAX_ORDER, self->params.colours, self->params.batch, (unsigned long long)self->reserve);
}

static const struct pl_page_ops xnu_page_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE |
            PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE,
    .max_order = XNU_MAX_ORDER,
    .meta_bytes = xnu_meta_bytes,
    .init = xnu_init,
    .fini = xnu_fini,
    .alloc = xnu_alloc,
    .free = xnu_free,
    .split = xnu_split,
    .alloc_run = xnu_alloc_run,
    .drain = xnu_drain,
    .count = xnu_count,
    .audit = xnu_audit,
    .settings = xnu_settings,
};

extern const struct pl_candidate pl_candidate_xnu;
const struct pl_candidate pl_candidate_xnu = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "xnu",
    .summary = "XNU's resident pages: queues by colour, refilled per CPU, contiguous by a walk",
    .model_of = "XNU 10002",
    .kind = PL_KIND_CANDIDATE,
    .page = &xnu_page_ops,
    .frames_max = XNU_NONE - 1,
    .params = "colours=N,batch=N",
    .services = "va=list,tables=direct,buf=pages",
};
