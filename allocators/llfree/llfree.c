/* LLFree (Wrenger and others, USENIX ATC 2023): no lock anywhere. A CPU reserves a tree of frames and takes
 * from it with three compare-and-swaps: its own number, the child's number, the bits. */
#include <stdio.h>

#include "llfree_internal.h"

static void llfree_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* From the CPU's own tree, where the last search ended; else from wherever there is one. */
PL_INLINE uint64_t llfree_take(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                               uint32_t order, uint32_t kind)
{
    _Atomic uint64_t *local = &zone->local[cpu->id].entry[kind];
    uint64_t entry = atomic_load_explicit(local, memory_order_relaxed);
    uint64_t frame_count = UINT64_C(1) << order;
    PL_ASSERT(cpu->id < zone->cpu_count);
    if (PL_UNLIKELY((entry & LLFREE_LOCAL_FREE) < frame_count) ||
        PL_UNLIKELY(!atomic_compare_exchange_strong_explicit(local, &entry, entry - frame_count,
                                                             memory_order_acquire, memory_order_relaxed)))
        return llfree_take_slow(self, zone, cpu, order, kind);
    PL_ASSERT((entry & LLFREE_LOCAL_PRESENT) != 0);
    uint64_t tree = entry >> LLFREE_TREE_SHIFT;
    uint64_t found = llfree_lower_take_short(zone, cpu, llfree_row(zone, cpu->id, kind, tree), order);
    if (PL_UNLIKELY(found == LLFREE_NONE)) {
        llfree_number_undo(zone, cpu, tree, frame_count);
        return llfree_take_slow(self, zone, cpu, order, kind);
    }
    if (PL_LIKELY(order <= LLFREE_WORD_ORDER))
        llfree_row_set(zone, cpu, kind, found);
    return found;
}

static enum pl_status llfree_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    struct llfree *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(request->order > LLFREE_MAX_ORDER))
        return PL_UNSUPPORTED;
    uint32_t first = llfree_zone_first(self, cpu, request);
    uint32_t limit = llfree_zone_limit(self, request);
    for (uint32_t i = 0; i < limit; i++) {
        const struct llfree_zone *zone =
            &self->zone[first + i < self->zone_count ? first + i : first + i - self->zone_count];
        if (PL_UNLIKELY(zone->tree_count == 0))
            continue;
        uint32_t kind = llfree_kind_of(zone, request->mobility, request->order);
        uint64_t found = PL_LIKELY(request->order == 0) ? llfree_take(self, zone, cpu, 0, kind)
                                                        : llfree_take(self, zone, cpu, request->order, kind);
        if (PL_UNLIKELY(found == LLFREE_NONE))
            continue;
        *run = (struct pl_run){.first = pl_frame_at(zone->base + found),
                               .frame_count = UINT64_C(1) << request->order,
                               .order = request->order};
        return PL_OK;
    }
    return PL_NO_MEMORY;
}

/* The range with the whole run in it, or NULL. Ranges ascend: halves the list until one is left. */
PL_INLINE const struct pl_range *llfree_range_of(const struct pl_machine *machine, const struct pl_run *run)
{
    const struct pl_range *range = machine->ranges;
    uint32_t left = machine->range_count;
    PL_ASSERT(left > 0);
    while (left > 1) {
        uint32_t half = left / 2;
        if (range[half].first.number <= run->first.number)
            range += half;
        left -= half;
    }
    uint64_t offset = run->first.number - range->first.number;
    if (offset >= range->frame_count || run->frame_count > range->frame_count - offset)
        return NULL;
    return range;
}

PL_INLINE bool llfree_is_run(const struct pl_run *run)
{
    if (PL_LIKELY(run->frame_count == 1))
        return run->order == 0;
    return run->frame_count != 0 &&
           (!pl_is_power_of_two(run->frame_count) || run->order == PL_CTZ64(run->frame_count));
}

/* The upper level hears of freed frames of one tree. */
PL_INLINE void llfree_freed(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                            uint64_t index, uint64_t frame_count)
{
    uint64_t tree = index >> zone->tree_order;
    _Atomic uint64_t *last = &zone->local[cpu->id].last;
    if (PL_UNLIKELY(!llfree_number_give(zone, cpu, tree, frame_count)))
        llfree_follow(self, zone, cpu, index, frame_count);
    else if (PL_UNLIKELY(atomic_load_explicit(last, memory_order_relaxed) >> 8 != tree))
        atomic_store_explicit(last, tree << 8, memory_order_relaxed);
}

/* Any frames that are granted can be freed, wherever grants begin and end: bits do not know. What is visibly
 * not granted, or the part of a child that was granted whole, is refused. */
static enum pl_status llfree_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct llfree *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    const struct pl_range *range = llfree_range_of(self->machine, run);
    if (PL_UNLIKELY(range == NULL || !llfree_is_run(run)))
        return PL_REFUSED;
    const struct llfree_zone *zone = &self->zone[range->node];
    uint64_t index = run->first.number - zone->base;
    uint64_t end = index + run->frame_count;
    if (PL_LIKELY(index % 64 + run->frame_count <= 64)) {
        uint64_t child = index / LLFREE_CHILD_FRAMES;
        uint64_t bits = run->frame_count;
        if (PL_MUTANT("llfree-free-head")) {
            PL_MUTANT_TRIGGERED("llfree-free-head", bits != 1);
            bits = 1;
        }
        if (PL_UNLIKELY(llfree_child(zone, child, memory_order_relaxed) >= LLFREE_HUGE) ||
            !llfree_bits_give(&zone->word[index / 64], llfree_mask(index % 64, bits)))
            return PL_REFUSED;
        pl_point(cpu, zone); /* the bits are clear, and no number knows */
        llfree_child_add(zone, child, run->frame_count);
        llfree_freed(self, zone, cpu, index, run->frame_count);
        return PL_OK;
    }
    if (PL_UNLIKELY(!llfree_lower_is_granted(zone, index, run->frame_count)))
        return PL_REFUSED;
    while (index < end) {
        uint64_t tree_end = ((index >> zone->tree_order) + 1) << zone->tree_order;
        uint64_t here = (tree_end < end ? tree_end : end) - index;
        llfree_lower_give(zone, cpu, index, here);
        llfree_freed(self, zone, cpu, index, here);
        index += here;
    }
    return PL_OK;
}

/* Bits need no splitting; only a child that was granted whole and is cut becomes bits. */
static enum pl_status llfree_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run,
                                   uint32_t order)
{
    struct llfree *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > LLFREE_MAX_ORDER)
        return PL_UNSUPPORTED;
    const struct pl_range *range = llfree_range_of(self->machine, run);
    if (range == NULL || !llfree_is_run(run))
        return PL_REFUSED;
    const struct llfree_zone *zone = &self->zone[range->node];
    uint64_t index = run->first.number - zone->base;
    if (!llfree_lower_is_granted(zone, index, run->frame_count))
        return PL_REFUSED;
    if (((run->first.number | run->frame_count) & ((UINT64_C(1) << order) - 1)) != 0)
        return PL_INVALID;
    if (order < LLFREE_CHILD_ORDER)
        llfree_lower_split(zone, index, run->frame_count);
    return PL_OK;
}

static void llfree_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct llfree *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(of != NULL);
    for (uint32_t i = 0; i < self->zone_count; i++) {
        const struct llfree_zone *zone = &self->zone[i];
        for (uint32_t kind = 0; zone->tree_count > 0 && kind < zone->kind_count; kind++)
            if (atomic_load_explicit(&zone->local[of->id].entry[kind], memory_order_relaxed) &
                LLFREE_LOCAL_PRESENT)
                llfree_move(self, zone, cpu, of, kind, 0);
    }
}

/* What a CPU has reserved is free for everybody: nothing is cached. */
static void llfree_count(const void *instance, struct pl_page_counts *counts)
{
    const struct llfree *self = instance;
    uint64_t free = 0;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    for (uint32_t z = 0; z < self->zone_count; z++) {
        const struct llfree_zone *zone = &self->zone[z];
        for (uint64_t i = 0; i < zone->tree_count; i++)
            free += atomic_load_explicit(&zone->tree[i].entry, memory_order_relaxed) & LLFREE_TREE_FREE;
        for (uint32_t i = 0; zone->tree_count > 0 && i < zone->cpu_count * zone->kind_count; i++)
            free += atomic_load_explicit(&zone->local[i / zone->kind_count].entry[i % zone->kind_count],
                                         memory_order_relaxed) &
                    LLFREE_LOCAL_FREE;
    }
    *counts = (struct pl_page_counts){.free = free};
}

static void llfree_settings(const void *instance, char *text, size_t bytes)
{
    const struct llfree *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "tree=%u tree_frames=%u child_frames=%u orders=0-%u follow=%u metadata=bits",
             1u << (self->tree_order - LLFREE_CHILD_ORDER), 1u << self->tree_order,
             (unsigned)LLFREE_CHILD_FRAMES, LLFREE_MAX_ORDER, LLFREE_FOLLOW);
}

static const struct pl_page_ops llfree_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_NMI_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES |
            PL_CAP_COMPLETE | PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_NEEDS_SIZE | PL_CAP_HOLES | PL_CAP_BASE |
            PL_CAP_NODES,
    .max_order = LLFREE_MAX_ORDER,
    .meta_bytes = llfree_meta_bytes,
    .init = llfree_init,
    .fini = llfree_fini,
    .alloc = llfree_alloc,
    .free = llfree_free,
    .split = llfree_split,
    .alloc_run = llfree_alloc_run,
    .drain = llfree_drain,
    .count = llfree_count,
    .audit = llfree_audit,
    .settings = llfree_settings,
};

extern const struct pl_candidate pl_candidate_llfree;
const struct pl_candidate pl_candidate_llfree = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "llfree",
    .summary = "lock-free bits and numbers in two levels, a tree of frames reserved by each CPU",
    .kind = PL_KIND_CANDIDATE,
    .page = &llfree_page,
    .frames_max = LLFREE_SPAN_MAX,
    .params = "tree=N",
};
