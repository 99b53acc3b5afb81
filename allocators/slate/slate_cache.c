/* Between a CPU's stacks and what is shared: whole batches, one lock. All of it runs masked, so no handler on
 * this CPU sees a stack half filled, and none can have filled it in between. */
#include <string.h>

#include "slate_internal.h"

PL_INLINE uint32_t slate_held(const struct slate_cpu *own, uint32_t order)
{
    return atomic_load_explicit(&own->held[order], memory_order_relaxed);
}

PL_INLINE uint32_t slate_depot_get(const struct slate *self)
{
    return atomic_load_explicit(&self->depot_count, memory_order_relaxed);
}

PL_INLINE void slate_depot_set(struct slate *self, uint32_t count)
{
    PL_ASSERT(count <= self->depot_max);
    atomic_store_explicit(&self->depot_count, count, memory_order_relaxed);
}

/* ---- all that is cached, for the length of a search or for good ---- */

bool slate_has_spill(const struct slate *self, const struct slate_cpu *own)
{
    uint32_t held = slate_depot_get(self) | atomic_load_explicit(&own->count, memory_order_relaxed);
    for (uint32_t order = 1; order < SLATE_ORDER_COUNT; order++)
        held |= slate_held(own, order);
    return held != 0;
}

void slate_spill(struct slate *self, const struct slate_cpu *own, bool is_free)
{
    uint32_t count = atomic_load_explicit(&own->count, memory_order_relaxed);
    slate_mark_blocks(self, 0, own->frames, count, is_free);
    PL_MUTANT_TRIGGERED("slate-publish-first", slate_depot_get(self) > 0 && PL_MUTANT_KEPT(1));
    slate_mark_blocks(self, 0, self->depot, slate_depot_get(self) * self->batch, is_free);
    for (uint32_t order = 1; order < SLATE_ORDER_COUNT; order++) {
        PL_ASSERT(slate_held(own, order) <= self->slots[order]);
        slate_mark_blocks(self, order, own->blocks + slate_slot_offset(order), slate_held(own, order),
                          is_free);
    }
}

void slate_spilled(struct slate *self, struct slate_cpu *own)
{
    atomic_store_explicit(&own->count, 0, memory_order_relaxed);
    if (PL_MUTANT("slate-depot-left"))
        PL_MUTANT_TRIGGERED("slate-depot-left", slate_depot_get(self) != 0);
    else
        slate_depot_set(self, 0);
    for (uint32_t order = 1; order < SLATE_ORDER_COUNT; order++)
        atomic_store_explicit(&own->held[order], 0, memory_order_relaxed);
}

/* ---- downwards and upwards ---- */

/* Caller holds the lock. The slots are of a stack that is empty, so a spill does not read them. */
static uint32_t slate_fetch_locked(struct slate *self, struct pl_cpu *cpu, const struct pl_request *request,
                                   uint64_t *slots, uint32_t wanted)
{
    struct slate_cpu *own = slate_cpu_at(self, cpu->id);
    uint32_t taken = slate_take_near(self, cpu, request, slots, wanted);
    PL_ASSERT(taken <= wanted);
    if (PL_LIKELY(taken > 0) || !slate_has_spill(self, own))
        return taken;
    slate_spill(self, own, true);
    pl_point(cpu, self);
    taken = slate_take_near(self, cpu, request, slots, wanted);
    if (taken > 0)
        slate_spilled(self, own);
    else if (PL_MUTANT("slate-spill-kept"))
        PL_MUTANT_TRIGGERED("slate-spill-kept", true);
    else
        slate_spill(self, own, false);
    return taken;
}

uint32_t slate_fetch(struct slate *self, struct pl_cpu *cpu, const struct pl_request *request,
                     uint64_t *slots, uint32_t wanted)
{
    PL_ASSERT(wanted > 0);
    pl_lock_take(&self->lock, cpu);
    uint32_t taken = slate_fetch_locked(self, cpu, request, slots, wanted);
    pl_lock_drop(&self->lock, cpu);
    return taken;
}

bool slate_refill(struct slate *self, struct pl_cpu *cpu, const struct pl_request *request)
{
    struct slate_cpu *own = slate_cpu_at(self, cpu->id);
    uint32_t taken = self->batch;
    PL_ASSERT(atomic_load_explicit(&own->count, memory_order_relaxed) == 0);
    pl_lock_take(&self->lock, cpu);
    uint32_t batches = slate_depot_get(self);
    PL_MUTANT_TRIGGERED("slate-publish-first", batches > 0 && PL_MUTANT_KEPT(1));
    if (batches > 0) {
        memcpy(own->frames, self->depot + (size_t)(batches - 1) * taken, taken * sizeof(own->frames[0]));
        slate_depot_set(self, batches - 1);
    } else {
        taken = slate_fetch_locked(self, cpu, request, own->frames, taken);
    }
    pl_point(cpu, self);
    pl_lock_drop(&self->lock, cpu);
    atomic_store_explicit(&own->count, taken, memory_order_relaxed);
    return taken > 0;
}

void slate_push_down(struct slate *self, struct pl_cpu *cpu)
{
    struct slate_cpu *own = slate_cpu_at(self, cpu->id);
    uint32_t batch = self->batch;
    PL_ASSERT(atomic_load_explicit(&own->count, memory_order_relaxed) == own->capacity);
    PL_ASSERT(own->capacity == 2 * batch);
    pl_lock_take(&self->lock, cpu);
    uint32_t batches = slate_depot_get(self);
    /* The colder half goes down. */
    if (batches < self->depot_max && PL_MUTANT("slate-publish-first")) {
        slate_depot_set(self, batches + 1);
        PL_MUTANT_KEEP("slate-publish-first", memcmp(self->depot + (size_t)batches * batch, own->frames,
                                                     batch * sizeof(own->frames[0])) != 0);
        pl_lock_drop(&self->lock, cpu);
        memcpy(self->depot + (size_t)batches * batch, own->frames, batch * sizeof(own->frames[0]));
        pl_lock_take(&self->lock, cpu);
        PL_MUTANT_KEEP("slate-publish-first", 0);
    } else if (batches < self->depot_max) {
        memcpy(self->depot + (size_t)batches * batch, own->frames, batch * sizeof(own->frames[0]));
        slate_depot_set(self, batches + 1);
    } else {
        slate_mark_blocks(self, 0, own->frames, batch, true);
    }
    pl_point(cpu, self);
    pl_lock_drop(&self->lock, cpu);
    memcpy(own->frames, own->frames + batch, batch * sizeof(own->frames[0]));
    if (PL_MUTANT("slate-half-plus-one")) {
        PL_MUTANT_TRIGGERED("slate-half-plus-one", true);
        batch++;
    }
    atomic_store_explicit(&own->count, batch, memory_order_relaxed);
}

void slate_give(struct slate *self, struct pl_cpu *cpu, uint32_t order, const uint64_t *slots, uint32_t count)
{
    PL_ASSERT(order <= SLATE_MAX_ORDER);
    pl_lock_take(&self->lock, cpu);
    slate_mark_blocks(self, order, slots, count, true);
    pl_lock_drop(&self->lock, cpu);
}

/* The depot is emptied as well: what is in it was cached for nobody else. */
void slate_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of)
{
    struct slate *self = instance;
    struct slate_cpu *drained = slate_cpu_at(self, of->id);
    PL_ASSERT(of->id < self->machine->cpu_count);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    slate_spill(self, drained, true);
    pl_point(cpu, self);
    slate_spilled(self, drained);
    pl_unlock_masked(&self->lock, cpu, before);
}

uint64_t slate_cached(const struct slate *self)
{
    uint64_t cached = (uint64_t)slate_depot_get(self) * self->batch;
    for (uint32_t i = 0; i < self->machine->cpu_count; i++) {
        const struct slate_cpu *own = slate_cpu_at(self, i);
        cached += atomic_load_explicit(&own->count, memory_order_relaxed);
        for (uint32_t order = 1; order < SLATE_ORDER_COUNT; order++)
            cached += (uint64_t)slate_held(own, order) << order;
    }
    return cached;
}
