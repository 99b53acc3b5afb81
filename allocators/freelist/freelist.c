/* The allocator of every first kernel: free frames on one list, the link inside each, one lock. What is freed
 * last is granted first. One frame at a time; a wrong free is taken, and the list is broken from then on. */
#include <stdio.h>

#include "freelist_internal.h"

static size_t freelist_meta_bytes(const struct pl_page_config *config)
{
    PL_ASSERT(config != NULL);
    return sizeof(struct freelist);
}

/* Frees every frame from the top down, so that the lowest is granted first: each frame is written to once. */
static enum pl_status freelist_init(void *instance, const struct pl_page_config *config)
{
    struct freelist *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (machine->contents == NULL || machine->node_count > 1)
        return PL_UNSUPPORTED;
    self->machine = machine;
    self->head = PL_FRAME_NONE;
    for (uint32_t i = machine->range_count; i-- > 0;)
        for (uint64_t at = machine->ranges[i].frame_count; at-- > 0;)
            freelist_push(self, machine->ranges[i].first.number + at);
    atomic_store_explicit(&self->free_count, machine->frame_count, memory_order_relaxed);
    return PL_OK;
}

static void freelist_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* There is one node and one list: another node has nothing. */
PL_INLINE bool freelist_serves(const struct pl_request *request)
{
    return request->node == PL_NODE_ANY || request->node == 0 || (request->flags & PL_REQUEST_NODE_ONLY) == 0;
}

static enum pl_status freelist_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                     struct pl_run *run)
{
    struct freelist *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(request->order != 0))
        return PL_UNSUPPORTED;
    if (PL_UNLIKELY(!freelist_serves(request)))
        return PL_NO_MEMORY;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    uint64_t frame = self->head;
    if (PL_LIKELY(frame != PL_FRAME_NONE)) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count > 0);
        pl_point(cpu, self);
        uint64_t next = freelist_link_of(self, frame)->next;
        if (PL_MUTANT("freelist-last-kept") && next == PL_FRAME_NONE) {
            PL_MUTANT_TRIGGERED("freelist-last-kept", true);
            next = frame;
        }
        self->head = next;
        atomic_store_explicit(&self->free_count, free_count - 1, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (PL_UNLIKELY(frame == PL_FRAME_NONE))
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(frame), .frame_count = 1, .order = 0};
    return PL_OK;
}

/* Takes the lock of a call that frees. Interrupts allocate, too, so they are held off. */
PL_INLINE uint32_t freelist_lock_to_free(struct freelist *self, struct pl_cpu *cpu)
{
    if (PL_MUTANT("freelist-lock-unmasked")) {
        uint32_t masked = atomic_load_explicit(&cpu->masked, memory_order_relaxed);
        PL_MUTANT_TRIGGERED("freelist-lock-unmasked", masked == 0);
        pl_lock_take(&self->lock, cpu);
        return masked;
    }
    return pl_lock_masked(&self->lock, cpu);
}

/* Believes the caller: nothing is written down that could contradict. */
static enum pl_status freelist_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct freelist *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    PL_ASSERT(run->frame_count == 1);
    uint32_t before = freelist_lock_to_free(self, cpu);
    uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    PL_ASSERT(free_count < self->machine->frame_count);
    if (free_count == 0 && PL_MUTANT("freelist-first-unlinked")) {
        self->head = run->first.number;
        PL_MUTANT_TRIGGERED("freelist-first-unlinked",
                            freelist_link_of(self, self->head)->next != PL_FRAME_NONE);
    } else {
        freelist_push(self, run->first.number);
    }
    pl_point(cpu, self);
    atomic_store_explicit(&self->free_count, free_count + 1, memory_order_relaxed);
    pl_unlock_masked(&self->lock, cpu, before);
    return PL_OK;
}

static void freelist_count(const void *instance, struct pl_page_counts *counts)
{
    const struct freelist *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){.free = atomic_load_explicit(&self->free_count, memory_order_relaxed)};
}

static void freelist_settings(const void *instance, char *text, size_t bytes)
{
    PL_ASSERT(instance != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=last-freed-first orders=0 metadata=in-frames");
}

static const struct pl_page_ops freelist_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE |
            PL_CAP_META_IN_FRAMES | PL_CAP_HOLES | PL_CAP_BASE,
    .max_order = 0,
    .meta_bytes = freelist_meta_bytes,
    .init = freelist_init,
    .fini = freelist_fini,
    .alloc = freelist_alloc,
    .free = freelist_free,
    .count = freelist_count,
    .audit = freelist_audit,
    .settings = freelist_settings,
};

extern const struct pl_candidate pl_candidate_freelist;
const struct pl_candidate pl_candidate_freelist = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "freelist",
    .summary = "textbook free list: links inside the free frames, one lock, no checks",
    .kind = PL_KIND_CANDIDATE,
    .page = &freelist_page,
};
