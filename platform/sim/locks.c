/* Who holds which lock, and the rule that a lock which interrupts take is never held with interrupts on:
 * broken as soon as both were seen of one lock, whether or not an interrupt came in between this time. */
#include "platform/sim/sim_internal.h"

static struct sim_lock *find(struct sim *sim, const void *object, bool make)
{
    uint64_t hash = (uint64_t)(uintptr_t)object * UINT64_C(0x9e3779b97f4a7c15) >> 56;
    for (uint32_t i = 0; i < SIM_LOCK_LIMIT; i++) {
        struct sim_lock *lock = &sim->locks[(hash + i) % SIM_LOCK_LIMIT];
        if (lock->generation == sim->generation && lock->object == object)
            return lock;
        if (lock->generation == sim->generation)
            continue;
        if (make)
            *lock = (struct sim_lock){.object = object, .generation = sim->generation, .owner = UINT32_MAX};
        return make ? lock : NULL;
    }
    return NULL; /* of that many locks the rest is not followed */
}

void sim_lock_wanted(struct sim *sim, const void *lock, uintptr_t pc)
{
    (void)pc;
    sim_self(sim)->word = lock;
}

void sim_lock_taken(struct sim *sim, const void *object, uintptr_t pc)
{
    struct sim_cpu *self = sim_self(sim);
    struct sim_lock *lock = find(sim, object, true);
    self->word = NULL;
    if (lock == NULL)
        return;
    lock->owner = sim->current;
    lock->pc = pc;
    if (self->cpu->context == PL_CONTEXT_HARDIRQ)
        lock->irq_pc = pc;
    else if (atomic_load_explicit(&self->cpu->masked, memory_order_relaxed) == 0)
        lock->open_pc = pc;
    if (lock->irq_pc == 0 || lock->open_pc == 0)
        return;
    self->pc = pc;
    sim->report->object = object;
    sim->report->other_pc = lock->pc == lock->irq_pc ? lock->open_pc : lock->irq_pc;
    sim_finish(sim, SIM_LOCK_RULE,
               pc == lock->irq_pc
                   ? "a lock was taken at interrupt level that was taken with interrupts on before"
                   : "a lock was taken with interrupts on that was taken at interrupt level before");
}

void sim_lock_dropped(struct sim *sim, const void *object)
{
    struct sim_lock *lock = find(sim, object, false);
    if (lock != NULL)
        lock->owner = UINT32_MAX;
}

void sim_lock_report(struct sim *sim)
{
    struct sim_report *report = sim->report;
    for (uint32_t i = 0; i < sim->setup.cpu_count; i++) {
        struct sim_standing *standing = &report->cpus[i];
        for (uint32_t k = 0; k < SIM_LOCK_LIMIT; k++) {
            const struct sim_lock *lock = &sim->locks[k];
            if (lock->generation != sim->generation || lock->owner == UINT32_MAX)
                continue;
            if (lock->object == standing->word) {
                standing->holder = lock->owner;
                standing->holder_pc = lock->pc;
            }
            if (lock->owner != i)
                continue;
            if (standing->lock_count < SIM_LOCKS_SHOWN) {
                standing->locks[standing->lock_count].lock = lock->object;
                standing->locks[standing->lock_count].pc = lock->pc;
            }
            standing->lock_count++;
        }
    }
}
