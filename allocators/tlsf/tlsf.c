/* Two-level segregated fit: free blocks of any length on lists by class, two levels of bits that say which
 * lists have any, neighbours joined in every free. No loop on the way of alloc and free, so the worst call
 * costs little more than the usual one. One lock.
 *
 * Two candidates: `tlsf` serves orders only, and finds every block that there is; `tlsf-runs` serves runs of
 * any length, too, and looks at a bounded number of blocks for them. */
#include <stdio.h>

#include "tlsf_internal.h"

static void tlsf_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* The wanted node, or the caller's, if it has a block that serves, else the first that has one, if any other
 * may be taken. */
PL_INLINE struct tlsf_node *tlsf_choose_node(struct tlsf *self, const struct pl_cpu *cpu,
                                             const struct pl_request *request)
{
    uint32_t node_count = self->machine->node_count;
    uint32_t wanted = request->node == PL_NODE_ANY ? cpu->node : request->node;
    PL_ASSERT(node_count <= PL_NODE_LIMIT);
    if (wanted < node_count && self->node[wanted].first_level >> request->order != 0)
        return &self->node[wanted];
    if (request->node != PL_NODE_ANY && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
        return NULL;
    for (uint32_t n = 0; n < node_count; n++)
        if (self->node[n].first_level >> request->order != 0)
            return &self->node[n];
    return NULL;
}

/* Index of a grant out of the lowest class that serves, whose blocks all do. */
PL_INLINE uint64_t tlsf_take(struct tlsf *self, struct tlsf_node *node, struct pl_cpu *cpu, uint32_t order)
{
    PL_ASSERT(node->first_level >> order != 0);
    uint32_t first = order + PL_CTZ64((uint64_t)(node->first_level >> order));
    PL_ASSERT(node->second_level[first] != 0);
    uint32_t second = PL_CTZ64((uint64_t)node->second_level[first]);
    uint64_t frame_count = UINT64_C(1) << order;
    uint64_t block = node->head[first][second];
    uint64_t index = tlsf_up(block + self->shift, frame_count) - self->shift;
    tlsf_carve(self, node, cpu, block, index, frame_count);
    return index;
}

static enum pl_status tlsf_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    struct tlsf *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(request->order > TLSF_MAX_ORDER))
        return PL_UNSUPPORTED;
    uint64_t frame_count = UINT64_C(1) << request->order;
    uint64_t index = TLSF_NONE;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    struct tlsf_node *node = tlsf_choose_node(self, cpu, request);
    if (PL_LIKELY(node != NULL)) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count >= frame_count);
        index = tlsf_take(self, node, cpu, request->order);
        if (free_count == frame_count && PL_MUTANT("tlsf-last-uncounted")) {
            PL_MUTANT_TRIGGERED("tlsf-last-uncounted", true);
            free_count += frame_count;
        }
        atomic_store_explicit(&self->free_count, free_count - frame_count, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (PL_UNLIKELY(index == TLSF_NONE))
        return PL_NO_MEMORY;
    *run = (struct pl_run){
        .first = pl_frame_at(index + self->shift), .frame_count = frame_count, .order = request->order};
    PL_ASSERT(run->first.number % frame_count == 0);
    return PL_OK;
}

/* True iff `run` is exactly one grant. */
PL_INLINE bool tlsf_is_grant(const struct tlsf *self, const struct pl_run *run)
{
    uint64_t index = run->first.number - self->shift;
    if (index >= self->index_count) /* below the first frame it wraps, or is 0: nobody's */
        return false;
    const struct tlsf_record *record = &self->record[index];
    if (record->kind != TLSF_GRANT || run->frame_count != record->frame_count)
        return false;
    PL_ASSERT(record->frame_count > 0);
    return !pl_is_power_of_two(run->frame_count) || run->order == PL_CTZ64(run->frame_count);
}

/* Joins frames of nobody with the free blocks on either side, and makes the whole free. */
PL_INLINE void tlsf_release(struct tlsf *self, struct tlsf_node *node, struct pl_cpu *cpu, uint64_t index,
                            uint64_t frame_count)
{
    PL_ASSERT(index > 0);
    PL_ASSERT(index + frame_count < self->index_count);
    const struct tlsf_record *last = &self->record[index - 1];
    bool next_is_free = self->record[index + frame_count].kind == TLSF_FREE;
    if (next_is_free && PL_MUTANT("tlsf-next-unmerged")) {
        PL_MUTANT_TRIGGERED("tlsf-next-unmerged", true);
        next_is_free = false;
    }
    if (next_is_free)
        frame_count += tlsf_remove(self, node, index + frame_count);
    pl_point(cpu, self);
    if (last->kind == TLSF_TAIL || last->kind == TLSF_FREE) {
        uint64_t block = index - last->frame_count;
        PL_ASSERT(self->record[block].kind == TLSF_FREE);
        frame_count += tlsf_remove(self, node, block);
        index = block;
    }
    tlsf_insert(self, node, index, frame_count);
}

static enum pl_status tlsf_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct tlsf *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool granted = tlsf_is_grant(self, run);
    if (PL_LIKELY(granted)) {
        uint64_t index = run->first.number - self->shift;
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        struct tlsf_node *node = self->node;
        if (self->machine->node_count > 1)
            node += tlsf_range_of(self->machine, run->first.number)->node;
        PL_ASSERT(free_count + run->frame_count <= self->machine->frame_count);
        self->record[index].kind = TLSF_INSIDE;
        tlsf_release(self, node, cpu, index, run->frame_count);
        atomic_store_explicit(&self->free_count, free_count + run->frame_count, memory_order_relaxed);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return granted ? PL_OK : PL_REFUSED;
}

/* A mark for each part: the one hook whose cost grows, with the number of grants that it makes. */
static enum pl_status tlsf_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct tlsf *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > TLSF_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint32_t part = UINT32_C(1) << order;
    enum pl_status status = PL_OK;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    if (!tlsf_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else {
        struct tlsf_record *record = &self->record[run->first.number - self->shift];
        for (uint64_t at = 0; at < run->frame_count; at += part)
            record[at] = (struct tlsf_record){.kind = TLSF_GRANT, .frame_count = part};
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return status;
}

static void tlsf_count(const void *instance, struct pl_page_counts *counts)
{
    const struct tlsf *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){.free = atomic_load_explicit(&self->free_count, memory_order_relaxed)};
}

static void tlsf_settings(const void *instance, char *text, size_t bytes)
{
    const struct tlsf *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes,
             "policy=good-fit,last-freed-first first-level=aligned-order second-level=length/%u orders=0-%u "
             "nodes=%u metadata=16-byte-records",
             1u << TLSF_STEP_SHIFT, TLSF_MAX_ORDER, self->machine->node_count);
}

#define TLSF_CAPS                                                                                            \
    (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_CHECKS_FREE |     \
     PL_CAP_SPLIT | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES)

/* Two tables, because whoever claims runs and completeness has to find every run, and no bounded search
 * does. */
static const struct pl_page_ops tlsf_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = TLSF_CAPS | PL_CAP_COMPLETE,
    .max_order = TLSF_MAX_ORDER,
    .meta_bytes = tlsf_meta_bytes,
    .init = tlsf_init,
    .fini = tlsf_fini,
    .alloc = tlsf_alloc,
    .free = tlsf_free,
    .split = tlsf_split,
    .count = tlsf_count,
    .audit = tlsf_audit,
    .settings = tlsf_settings,
};

static const struct pl_page_ops tlsf_runs_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = TLSF_CAPS | PL_CAP_RUNS,
    .max_order = TLSF_MAX_ORDER,
    .meta_bytes = tlsf_meta_bytes,
    .init = tlsf_init,
    .fini = tlsf_fini,
    .alloc = tlsf_alloc,
    .free = tlsf_free,
    .split = tlsf_split,
    .alloc_run = tlsf_alloc_run,
    .count = tlsf_count,
    .audit = tlsf_audit,
    .settings = tlsf_settings,
};

extern const struct pl_candidate pl_candidate_tlsf;
const struct pl_candidate pl_candidate_tlsf = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "tlsf",
    .summary = "two-level segregated fit by aligned order, bounded time, one lock",
    .kind = PL_KIND_CANDIDATE,
    .page = &tlsf_page,
    .frames_max = TLSF_SPAN_MAX - 2,
};

extern const struct pl_candidate pl_candidate_tlsf_runs;
const struct pl_candidate pl_candidate_tlsf_runs = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "tlsf-runs",
    .summary = "tlsf that serves runs, too, where a bounded search finds one",
    .kind = PL_KIND_CANDIDATE,
    .page = &tlsf_runs_page,
    .frames_max = TLSF_SPAN_MAX - 2,
};
