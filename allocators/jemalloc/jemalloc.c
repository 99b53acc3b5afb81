/* The Debian library jemalloc 5.3 as a page allocator: one arena of its own for each instance, fed by extent
 * hooks with the frames of the machine. Two candidates: `jemalloc` with an explicit thread cache for each
 * CPU, `jemalloc-notcache` without. Here: from pl_page calls to mallocx and sdallocx.
 *
 * jemalloc knows no interrupts; each call is masked, so none comes while its locks are held or a cache is
 * half changed. Frames are where their contents are: an address is a frame, nothing is translated but the
 * base. */
#include <stdio.h>

#include "jemalloc_arena.h"
#include <jemalloc/jemalloc.h>
#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_jemalloc;
extern const struct pl_candidate pl_candidate_jemalloc_notcache;

/* Counters are per CPU and may go negative: a grant of one CPU is freed on another. */
PL_INLINE void jemalloc_add(_Atomic int64_t *counter, int64_t amount)
{
    int64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + amount, memory_order_relaxed);
}

/* Notes that a block was granted (sign 1) or freed (sign -1). Caller masks. */
PL_INLINE void jemalloc_account(const struct jemalloc_state *state, struct jemalloc_cpu *line, uint32_t order,
                                int64_t sign)
{
    jemalloc_add(&line->granted, sign * ((int64_t)1 << order));
    if (order != 0)
        jemalloc_add(&line->padding, sign * jemalloc_arena_padding(state, order));
}

/* A second try. Free extents join their neighbours, and large ones are split for small blocks, only after a
 * purge, which gives no memory away here: the hooks opt out of it. Caller masks. */
static PL_COLD void *jemalloc_alloc_again(const struct jemalloc_state *state, uint32_t order, int flags)
{
    jemalloc_arena_merge(state);
    return mallocx((size_t)PL_FRAME_BYTES << order, flags);
}

static enum pl_status jemalloc_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                     struct pl_run *run)
{
    struct jemalloc_state *state = self;
    struct jemalloc_cpu *line = &state->cpus[cpu->id];
    uint32_t order = request->order;
    if (PL_UNLIKELY(order > JEMALLOC_MAX_ORDER))
        return PL_UNSUPPORTED;
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    uint32_t before = pl_mask(cpu);
    void *block = mallocx((size_t)PL_FRAME_BYTES << order, line->flags[order]);
    if (PL_UNLIKELY(block == NULL))
        block = jemalloc_alloc_again(state, order, line->flags[order]);
    if (PL_LIKELY(block != NULL)) {
        uint64_t number = ((uintptr_t)block - state->addr_of_frame_0) / PL_FRAME_BYTES;
        PL_ASSERT(number % ((uint64_t)1 << order) == 0);
        jemalloc_account(state, line, order, 1);
        *run = (struct pl_run){
            .first = pl_frame_at(number), .frame_count = (uint64_t)1 << order, .order = order};
    }
    pl_unmask(cpu, before);
    return block != NULL ? PL_OK : PL_NO_MEMORY;
}

static enum pl_status jemalloc_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct jemalloc_state *state = self;
    struct jemalloc_cpu *line = &state->cpus[cpu->id];
    uint32_t order = run->order;
    PL_ASSERT(order <= JEMALLOC_MAX_ORDER);
    PL_ASSERT(run->frame_count == (uint64_t)1 << order);
    void *block = (void *)(state->addr_of_frame_0 + run->first.number * PL_FRAME_BYTES);
    uint32_t before = pl_mask(cpu);
    sdallocx(block, (size_t)PL_FRAME_BYTES << order, line->flags[order]);
    jemalloc_account(state, line, order, -1);
    pl_unmask(cpu, before);
    return PL_OK;
}

static size_t jemalloc_meta_bytes(const struct pl_page_config *config)
{
    if (!jemalloc_arena_takes(config->machine))
        return 0;
    return sizeof(struct jemalloc_state) +
           jemalloc_pool_holes_max(config->machine) * sizeof(struct jemalloc_hole);
}

static enum pl_status jemalloc_init(void *self, const struct pl_page_config *config)
{
    return jemalloc_arena_init(self, config->machine, true);
}

static enum pl_status jemalloc_init_notcache(void *self, const struct pl_page_config *config)
{
    return jemalloc_arena_init(self, config->machine, false);
}

static void jemalloc_fini(void *self)
{
    jemalloc_arena_fini(self);
}

static void jemalloc_drain(void *self, struct pl_cpu *cpu, struct pl_cpu *of)
{
    uint32_t before = pl_mask(cpu);
    jemalloc_arena_flush(self, of->id);
    pl_unmask(cpu, before);
}

/* As far as it can be known from outside: what sits in thread caches is counted as free. */
static void jemalloc_count(const void *self, struct pl_page_counts *counts)
{
    const struct jemalloc_state *state = self;
    int64_t granted = 0;
    int64_t padding = 0;
    for (uint32_t i = 0; i < state->machine->cpu_count; i++) {
        granted += atomic_load_explicit(&state->cpus[i].granted, memory_order_relaxed);
        padding += atomic_load_explicit(&state->cpus[i].padding, memory_order_relaxed);
    }
    uint64_t metadata = atomic_load_explicit(&state->pool.bytes_base, memory_order_relaxed) / PL_FRAME_BYTES;
    *counts = (struct pl_page_counts){
        .free = state->machine->frame_count - (uint64_t)(granted + padding) - metadata,
        .metadata = metadata,
        .lost = (uint64_t)padding,
    };
}

static void jemalloc_settings(const void *self, char *text, size_t bytes)
{
    jemalloc_arena_settings(self, text, bytes);
}

#define JEMALLOC_CAPS                                                                                        \
    (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_MAY_SLEEP | PL_CAP_OWN_LOCK | PL_CAP_NEEDS_SIZE |          \
     PL_CAP_NEEDS_CONTENTS | PL_CAP_OUTSIDE_STATE | PL_CAP_HOLES | PL_CAP_BASE)

static const struct pl_page_ops jemalloc_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = JEMALLOC_CAPS,
    .max_order = JEMALLOC_MAX_ORDER,
    .meta_bytes = jemalloc_meta_bytes,
    .init = jemalloc_init,
    .fini = jemalloc_fini,
    .alloc = jemalloc_alloc,
    .free = jemalloc_free,
    .drain = jemalloc_drain,
    .count = jemalloc_count,
    .settings = jemalloc_settings,
};

static const struct pl_page_ops jemalloc_notcache_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = JEMALLOC_CAPS,
    .max_order = JEMALLOC_MAX_ORDER,
    .meta_bytes = jemalloc_meta_bytes,
    .init = jemalloc_init_notcache,
    .fini = jemalloc_fini,
    .alloc = jemalloc_alloc,
    .free = jemalloc_free,
    .count = jemalloc_count,
    .settings = jemalloc_settings,
};

const struct pl_candidate pl_candidate_jemalloc = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "jemalloc",
    .summary = "jemalloc 5.3, an arena of its own, a thread cache per CPU",
    .kind = PL_KIND_CANDIDATE,
    .page = &jemalloc_ops,
    .arena_alignment = JEMALLOC_ARENA_ALIGNMENT,
};

const struct pl_candidate pl_candidate_jemalloc_notcache = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "jemalloc-notcache",
    .summary = "jemalloc 5.3, an arena of its own, no thread cache",
    .kind = PL_KIND_CANDIDATE,
    .page = &jemalloc_notcache_ops,
    .arena_alignment = JEMALLOC_ARENA_ALIGNMENT,
};
