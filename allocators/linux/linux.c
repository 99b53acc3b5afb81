/* linux(batch=N,high=N): a model of Linux's page allocator, state 6.8. Zones by frame number on each node, a
 * buddy allocator in each that keeps movable and other grants apart by pageblock, a cache of small blocks per
 * CPU and zone in front of it, watermarks that send a request to another zone while it has one, and a few
 * pageblocks kept for atomic requests of more than one frame. Here: the hooks. */
#include <stdio.h>

#include "linux_cache.h"

extern const struct pl_candidate pl_candidate_linux;

/* --- alloc --- */

PL_INLINE void lx_grant(struct lx *self, uint32_t index, const struct pl_request *request, uint32_t flags,
                        struct pl_run *run)
{
    uint32_t kind = request->mobility == PL_MOBILITY_MOVABLE ? LX_GRANT_MOVABLE : LX_GRANT;
    lx_state_set(self, index, kind | request->order);
    *run = (struct pl_run){.first = pl_frame_at(self->base + index),
                           .frame_count = UINT64_C(1) << request->order,
                           .order = request->order,
                           .flags = flags};
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status lx_alloc_slow(struct lx *self, struct pl_cpu *cpu,
                                                const struct pl_request *request, struct pl_run *run,
                                                uint32_t before)
{
    uint32_t count = self->machine->node_count;
    uint32_t index = LX_NONE;
    uint32_t node = request->node < count ? request->node : cpu->node < count ? cpu->node : 0;
    bool only = (request->flags & PL_REQUEST_NODE_ONLY) != 0 && request->node != PL_NODE_ANY;
    PL_ASSERT(count > 0);
    /* Who names a node gets its last frame before another's first. */
    if (request->node < count)
        index = lx_try_all(self, cpu, request, node, true);
    if (index == LX_NONE && !only)
        index = lx_try_all(self, cpu, request, node, false);
    if (index != LX_NONE)
        lx_grant(self, index, request, 0, run);
    pl_unmask(cpu, before);
    return index == LX_NONE ? PL_NO_MEMORY : PL_OK;
}

/* The first zone of the wanted node, or of this CPU's; NULL: whatever the long way finds. */
PL_INLINE struct lx_zone *lx_first_zone(const struct lx *self, const struct pl_cpu *cpu, uint32_t wanted)
{
    uint32_t count = self->machine->node_count;
    uint32_t node = 0;
    if (PL_UNLIKELY(count > 1))
        node = wanted < count ? wanted : cpu->node < count ? cpu->node : 0;
    if (PL_UNLIKELY(wanted != PL_NODE_ANY && wanted >= count))
        return NULL;
    return self->node_first[node] < self->node_first[node + 1] ? &self->zones[self->node_first[node]] : NULL;
}

static enum pl_status lx_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                               struct pl_run *run)
{
    struct lx *self = instance;
    uint32_t order = request->order;
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(order > LX_MAX_ORDER))
        return PL_UNSUPPORTED;
    const struct lx_zone *zone = lx_first_zone(self, cpu, request->node);
    uint32_t before = pl_mask(cpu);
    PL_MUTANT_TRIGGERED("linux-list-unmasked", PL_MUTANT_KEPT((uintptr_t)cpu));
    if (PL_LIKELY(lx_is_cached_order(order) && zone != NULL && request->mobility < PL_MOBILITY_COUNT)) {
        struct lx_cache *cache = lx_cache_of(self, cpu, zone);
        struct lx_list *list = &cache->lists[lx_slot(order, request->mobility)];
        uint64_t kept = (uint64_t)lx_reserve_blocks(zone) * LX_BLOCK;
        uint64_t mark = zone->fast_mark[lx_is_below_high(zone)];
        if (PL_LIKELY(list->head != LX_NONE &&
                      lx_free_count(zone) > mark + kept + (UINT64_C(1) << order) - 1)) {
            PL_MUTANT_KEEP("linux-list-unmasked", (uintptr_t)cpu);
            if (PL_MUTANT("linux-list-unmasked"))
                pl_unmask(cpu, before);
            lx_grant(self, lx_cache_pop(self, cache, list, order), request, PL_RUN_FROM_CACHE, run);
            PL_MUTANT_KEEP("linux-list-unmasked", 0);
            pl_unmask(cpu, before);
            return PL_OK;
        }
    }
    return lx_alloc_slow(self, cpu, request, run, before);
}

/* --- free and split --- */

/* Is it a whole grant? Only its owner may ask; whoever is not gets a no, unless it was handed on just now. */
static bool lx_is_whole_grant(const struct lx *self, const struct pl_run *run)
{
    uint64_t index = run->first.number - self->base;
    if (index >= self->index_count)
        return false;
    uint32_t state = lx_state(self, index);
    if (!LX_IS_GRANT(state) && LX_KIND(state) != LX_RUN)
        return false;
    uint64_t end = index + (UINT64_C(1) << LX_ORDER(state));
    while (LX_KIND(state) == LX_RUN && end < self->index_count && LX_KIND(lx_state(self, end)) == LX_PART)
        end += UINT64_C(1) << LX_ORDER(lx_state(self, end));
    uint64_t frames = end - index;
    PL_ASSERT(end <= self->index_count);
    if ((frames & (frames - 1)) == 0 && run->order != PL_CTZ64(frames))
        return false;
    return run->frame_count == frames;
}

/* Onto its zone's lists. The CPU is masked. */
static void lx_free_listed(struct lx *self, struct pl_cpu *cpu, uint64_t index, uint32_t order)
{
    struct lx_zone *zone = lx_zone_of(self, index);
    PL_ASSERT(order <= LX_MAX_ORDER);
    pl_lock_take(&zone->lock, cpu);
    pl_point(cpu, self);
    lx_release(self, zone, index, order);
    lx_count_free(zone, UINT64_C(1) << order);
    pl_lock_drop(&zone->lock, cpu);
}

/* Entered masked, returns unmasked. The last block goes first: the head marks the grant as whole until the
 * end, and no other CPU's run can come to lie in front of parts that are still to go. */
static PL_NOINLINE enum pl_status lx_free_slow(struct lx *self, struct pl_cpu *cpu, const struct pl_run *run,
                                               uint32_t before)
{
    bool is_grant = lx_is_whole_grant(self, run);
    uint64_t first = run->first.number - self->base;
    uint64_t at = first + run->frame_count;
    while (is_grant && at > first) {
        uint64_t part = at - 1; /* back to where the last block begins: each step is to a larger alignment */
        while (lx_state(self, part) == LX_INSIDE)
            part &= part - 1;
        PL_ASSERT(part >= first);
        PL_ASSERT(part + (UINT64_C(1) << LX_ORDER(lx_state(self, part))) == at);
        lx_free_listed(self, cpu, part, LX_ORDER(lx_state(self, part)));
        at = part;
    }
    pl_unmask(cpu, before);
    return is_grant ? PL_OK : PL_REFUSED;
}

/* Entered masked, returns unmasked. */
static PL_NOINLINE enum pl_status lx_free_full(struct lx *self, struct pl_cpu *cpu, struct lx_zone *zone,
                                               struct lx_cache *cache, uint32_t slot, uint32_t before)
{
    PL_ASSERT(lx_cache_count(cache) > 0);
    lx_cache_freed(self, cpu, zone, cache, slot);
    pl_unmask(cpu, before);
    return PL_OK;
}

static enum pl_status lx_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct lx *self = instance;
    uint64_t index = run->first.number - self->base;
    uint32_t order = run->order;
    PL_ASSERT(cpu != NULL);
    uint32_t before = pl_mask(cpu);
    PL_MUTANT_TRIGGERED("linux-list-unmasked", PL_MUTANT_KEPT((uintptr_t)cpu));
    if (PL_UNLIKELY(index >= self->index_count || order > LX_MAX_ORDER || !lx_is_cached_order(order) ||
                    run->frame_count != UINT64_C(1) << order ||
                    (lx_state(self, index) | (LX_GRANT ^ LX_GRANT_MOVABLE)) != (LX_GRANT_MOVABLE | order)))
        return lx_free_slow(self, cpu, run, before);
    struct lx_zone *zone = lx_zone_of(self, index);
    uint32_t group = LX_BLOCK_GROUP(lx_pageblock(self, index));
    struct lx_cache *cache = lx_cache_of(self, cpu, zone);
    uint32_t slot = lx_slot(order, group == LX_HIGHATOMIC ? LX_MOVABLE : group);
    lx_state_set(self, index, LX_CACHED | order);
    lx_list_push(self, &cache->lists[slot], (uint32_t)index);
    uint32_t count = lx_cache_count(cache) + (1u << order);
    lx_cache_set_count(cache, count);
    cache->scale >>= 1;
    if (PL_UNLIKELY(count >= cache->high || order - 1u < LX_CACHED_TOP ||
                    (cache->was_small | lx_is_below_high(zone)) != 0))
        return lx_free_full(self, cpu, zone, cache, slot, before);
    lx_cache_count_freed(zone, cache, order);
    pl_unmask(cpu, before);
    return PL_OK;
}

/* Each part gets its own head, the first last: until then a walk over the pageblock passes the old block by.
 * A grant whose parts would not be naturally aligned is not cut: PL_INVALID. */
static enum pl_status lx_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct lx *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > LX_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t part = UINT64_C(1) << order;
    enum pl_status status = PL_OK;
    uint32_t before = pl_mask(cpu);
    if (!lx_is_whole_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else {
        uint64_t first = run->first.number - self->base;
        uint32_t kind = LX_KIND(lx_state(self, first)) == LX_GRANT_MOVABLE ? LX_GRANT_MOVABLE : LX_GRANT;
        for (uint64_t at = first + run->frame_count; at > first; at -= part)
            lx_state_set(self, at - part, kind | order);
    }
    pl_unmask(cpu, before);
    return status;
}

/* --- drain, count --- */

/* What Linux does when reclaim has brought nothing: empties the caches, and lets the reserve go. It is the
 * only sign of time that there is here, so `high` comes down by an eighth as it does there every second. */
static void lx_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct lx *self = instance;
    PL_ASSERT(of->id < self->machine->cpu_count);
    for (uint32_t z = 0; z < self->zone_count; z++) {
        struct lx_zone *zone = &self->zones[z];
        struct lx_cache *cache = lx_cache_of(self, of, zone);
        uint32_t before = pl_mask(cpu);
        if (lx_cache_count(cache) > 0)
            lx_cache_empty(self, cpu, zone, cache);
        cache->high -= cache->high >> 3;
        cache->high = cache->high > zone->high_min ? cache->high : zone->high_min;
        pl_lock_take(&zone->lock, cpu);
        lx_unreserve_all(self, zone);
        pl_unlock_masked(&zone->lock, cpu, before);
    }
}

static void lx_count(const void *instance, struct pl_page_counts *counts)
{
    const struct lx *self = instance;
    *counts = (struct pl_page_counts){0};
    PL_ASSERT(self->zone_count > 0);
    for (uint32_t z = 0; z < self->zone_count; z++) {
        const struct lx_zone *zone = &self->zones[z];
        counts->free += lx_free_count(zone);
        counts->reserved_frames += atomic_load_explicit(&zone->reserve_free, memory_order_relaxed);
        counts->reserve_blocks += lx_reserve_blocks(zone);
    }
    for (uint32_t i = 0; i < self->machine->cpu_count * self->zone_count; i++)
        counts->cached += lx_cache_count(&self->caches[i]);
}

static void lx_settings(const void *instance, char *text, size_t bytes)
{
    const struct lx *self = instance;
    PL_ASSERT(self->zone_count > 0);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes,
             "zones=%u nodes=%u orders=0-%u pageblock=%u batch=%u<<%u high=%u-%u low=%llu "
             "metadata=links+bytes",
             self->zone_count, self->machine->node_count, LX_MAX_ORDER, LX_BLOCK, self->zones[0].batch,
             LX_SCALE_MAX, self->zones[0].high_min, self->zones[0].high_max,
             (unsigned long long)self->zones[0].mark[LX_MARK_LOW]);
}

static void lx_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

static const struct pl_page_ops lx_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE |
            PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES | PL_CAP_BUDDY |
            PL_CAP_ZONES,
    .max_order = LX_MAX_ORDER,
    .meta_bytes = lx_meta_bytes,
    .init = lx_init,
    .fini = lx_fini,
    .alloc = lx_alloc,
    .free = lx_free,
    .split = lx_split,
    .alloc_run = lx_alloc_run,
    .drain = lx_drain,
    .count = lx_count,
    .audit = lx_audit,
    .settings = lx_settings,
};

const struct pl_candidate pl_candidate_linux = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "linux",
    .summary = "zones, buddy lists by mobility and pageblock, per-CPU lists, a high-atomic reserve",
    .model_of = "Linux 6.8",
    .kind = PL_KIND_CANDIDATE,
    .page = &lx_page,
    .frames_max = (UINT64_C(1) << 32) - 4096,
    .params = "batch=N,high=N",
    .services = "va=rbtree,tables=stack,buf=pages",
};
