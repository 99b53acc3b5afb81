/* The non-blocking buddy system: the hooks of both candidates. No lock, no mask: what is exact is so because
 * one byte or one word is swapped. */
#include <stdio.h>

#include "nbbs_internal.h"

static void nbbs_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* Remembers the word where a scan for this order may well begin. */
PL_INLINE void nbbs_keep_cursor(struct nbbs *self, const struct pl_cpu *cpu, uint32_t order, uint64_t offset)
{
    PL_ASSERT(offset < self->whole.high);
    if (self->keeps_cursor)
        atomic_store_explicit(&self->cpus[cpu->id].cursor[order],
                              (unsigned)(offset >> nbbs_word_shift(nbbs_tier_of(order))),
                              memory_order_relaxed);
}

static enum pl_status nbbs_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    struct nbbs *self = instance;
    uint32_t order = request->order;
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(order > NBBS_MAX_ORDER))
        return PL_UNSUPPORTED;
    uint64_t found = nbbs_search(self, cpu, request);
    if (PL_UNLIKELY(found == NBBS_NONE))
        return PL_NO_MEMORY;
    PL_ASSERT(atomic_load_explicit(&self->index[found], memory_order_relaxed) == 0);
    atomic_store_explicit(&self->index[found], (uint8_t)(order + 1), memory_order_release);
    if (PL_MUTANT("nbbs-count-narrow")) {
        PL_MUTANT_TRIGGERED("nbbs-count-narrow", order > 3);
        nbbs_add(cpu, &self->cpus[cpu->id].taken, INT64_C(1) << (order & 3));
    } else {
        nbbs_add(cpu, &self->cpus[cpu->id].taken, INT64_C(1) << order);
    }
    nbbs_keep_cursor(self, cpu, order, found);
    *run = (struct pl_run){
        .first = pl_frame_at(self->base + found), .frame_count = UINT64_C(1) << order, .order = order};
    return PL_OK;
}

/* Of two calls that free the same grant, the one that swaps its byte has it. */
static enum pl_status nbbs_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct nbbs *self = instance;
    uint32_t order = run->order;
    uint64_t offset = run->first.number - self->base;
    PL_ASSERT(cpu->id < self->machine->cpu_count);
    PL_ASSERT(self->index != NULL);
    if (PL_UNLIKELY(order > NBBS_MAX_ORDER || run->frame_count != UINT64_C(1) << order))
        return PL_REFUSED;
    if (PL_UNLIKELY(offset >= self->whole.high))
        return PL_REFUSED;
    uint8_t seen = (uint8_t)(order + 1);
    if (PL_MUTANT("nbbs-order-believed") && atomic_load(&self->index[offset]) != 0) {
        PL_MUTANT_TRIGGERED("nbbs-order-believed", atomic_load(&self->index[offset]) != seen);
        seen = atomic_load(&self->index[offset]);
    }
    if (atomic_load_explicit(&self->index[offset], memory_order_relaxed) != seen)
        return PL_REFUSED;
    if (!atomic_compare_exchange_strong_explicit(&self->index[offset], &seen, 0, memory_order_acquire,
                                                 memory_order_relaxed))
        return PL_REFUSED;
    uint32_t tier = nbbs_tier_of(order);
    uint32_t leaf = (uint32_t)(offset >> nbbs_leaf_shift(tier)) % NBBS_LEAVES;
    pl_point(cpu, self);
    nbbs_release(self, cpu, tier, offset >> nbbs_word_shift(tier),
                 nbbs_leaf_mask(order % NBBS_TIER_ORDER) << leaf);
    nbbs_add(cpu, &self->cpus[cpu->id].given, INT64_C(1) << order);
    nbbs_keep_cursor(self, cpu, order, offset);
    return PL_OK;
}

/* Reads what was taken first: while others work, the sum may be too large, not too small. */
uint64_t nbbs_free_count(const struct nbbs *self)
{
    const struct pl_machine *machine = self->machine;
    int64_t taken = 0;
    int64_t given = 0;
    PL_ASSERT(machine->cpu_count > 0);
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        taken += nbbs_read(&self->cpus[i].taken);
    atomic_thread_fence(memory_order_acquire);
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        given += nbbs_read(&self->cpus[i].given);
    PL_ASSERT(taken >= 0);
    return machine->frame_count + (uint64_t)given - (uint64_t)taken;
}

static void nbbs_count(const void *instance, struct pl_page_counts *counts)
{
    const struct nbbs *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){.free = nbbs_free_count(self)};
}

static void nbbs_settings(const void *instance, char *text, size_t bytes)
{
    const struct nbbs *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "levels_per_word=4 orders=0-%u search=%s start=%s", NBBS_MAX_ORDER,
             self->has_hints ? "hints" : "scan", self->keeps_cursor ? "last" : "cpu");
}

/* The counters are one instruction each on x86 only; elsewhere they are masked, which an NMI ignores. */
#if defined(__x86_64__)
#define NBBS_CAP_NMI PL_CAP_NMI_SAFE
#else
#define NBBS_CAP_NMI 0
#endif

#define NBBS_CAPS                                                                                            \
    (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | NBBS_CAP_NMI | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES |           \
     PL_CAP_COMPLETE | PL_CAP_CHECKS_FREE | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES | PL_CAP_BUDDY)

static const struct pl_page_ops nbbs_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = NBBS_CAPS,
    .max_order = NBBS_MAX_ORDER,
    .meta_bytes = nbbs_meta_bytes,
    .init = nbbs_init,
    .fini = nbbs_fini,
    .alloc = nbbs_alloc,
    .free = nbbs_free,
    .count = nbbs_count,
    .audit = nbbs_audit,
    .settings = nbbs_settings,
};

static const struct pl_page_ops nbbs_hint_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = NBBS_CAPS,
    .max_order = NBBS_MAX_ORDER,
    .meta_bytes = nbbs_meta_bytes_hint,
    .init = nbbs_init_hint,
    .fini = nbbs_fini,
    .alloc = nbbs_alloc,
    .free = nbbs_free,
    .count = nbbs_count,
    .audit = nbbs_audit,
    .settings = nbbs_settings,
};

extern const struct pl_candidate pl_candidate_nbbs;
const struct pl_candidate pl_candidate_nbbs = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "nbbs",
    .summary = "non-blocking buddy system: four levels a word, no lock, a linear scan",
    .kind = PL_KIND_CANDIDATE,
    .page = &nbbs_page,
    .frames_max = NBBS_SPAN_MAX,
    .params = "start=cpu|last",
};

extern const struct pl_candidate pl_candidate_nbbs_hint;
const struct pl_candidate pl_candidate_nbbs_hint = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "nbbs-hint",
    .summary = "nbbs with lock-free hints to words with free nodes instead of the scan",
    .kind = PL_KIND_CANDIDATE,
    .page = &nbbs_hint_page,
    .frames_max = NBBS_SPAN_MAX,
};
