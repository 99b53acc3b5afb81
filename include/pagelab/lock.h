/* A spin lock that knows its owner. Taking it twice on one CPU is a panic with both sides named, not a hang;
 * releasing another CPU's is one too. A lock that interrupts also take must be taken with them masked:
 * pl_lock_masked does both. Never sleeps. */
#ifndef PAGELAB_LOCK_H
#define PAGELAB_LOCK_H

#include <pagelab/cpu.h>

/* owner: 0 when free, CPU id + 1 while held. */
struct pl_lock {
    atomic_uint owner;
    uint32_t reserved32;
    uint64_t reserved;
};

PL_INLINE void pl_lock_take(struct pl_lock *lock, struct pl_cpu *cpu)
{
    unsigned self = cpu->id + 1;
    unsigned seen = 0;
    while (PL_UNLIKELY(!atomic_compare_exchange_weak_explicit(&lock->owner, &seen, self, memory_order_acquire,
                                                              memory_order_relaxed))) {
        if (seen == self)
            cpu->platform->panic(cpu, "lock: taken twice by one CPU");
        PL_SIM_TELL(cpu, PL_POINT_WANT, lock);
        while (atomic_load_explicit(&lock->owner, memory_order_relaxed) != 0)
            pl_relax(cpu);
        seen = 0;
    }
    cpu->lock_depth++;
    PL_SIM_TELL(cpu, PL_POINT_LOCK, lock);
}

PL_INLINE void pl_lock_drop(struct pl_lock *lock, struct pl_cpu *cpu)
{
    if (PL_UNLIKELY(atomic_load_explicit(&lock->owner, memory_order_relaxed) != cpu->id + 1))
        cpu->platform->panic(cpu, "lock: dropped by a CPU that does not hold it");
    PL_SIM_TELL(cpu, PL_POINT_UNLOCK, lock);
    cpu->lock_depth--;
    atomic_store_explicit(&lock->owner, 0, memory_order_release);
}

/* Masks, then takes. Returns the mask state for pl_unlock_masked. */
PL_INLINE uint32_t pl_lock_masked(struct pl_lock *lock, struct pl_cpu *cpu)
{
    uint32_t before = pl_mask(cpu);
    pl_lock_take(lock, cpu);
    return before;
}

PL_INLINE void pl_unlock_masked(struct pl_lock *lock, struct pl_cpu *cpu, uint32_t before)
{
    pl_lock_drop(lock, cpu);
    pl_unmask(cpu, before);
}

#endif
