/* See race_programs.h. */
#include "tests/unit/race_programs.h"

#define LOAD(word, order)         atomic_load_explicit((word), memory_order_##order)
#define STORE(word, value, order) atomic_store_explicit((word), (value), memory_order_##order)

void race_nothing(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    self->plain += cpu->id;
}

void race_locked(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    pl_lock_take(&self->lock, cpu);
    self->plain++;
    pl_lock_drop(&self->lock, cpu);
}

void race_message(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0) {
        self->plain = 7;
        STORE(&self->flag, 1, release);
    } else if (LOAD(&self->flag, acquire) != 0) {
        self->got[1] = (uint32_t)self->plain;
    }
}

void race_relaxed(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0) {
        self->plain = 7;
        STORE(&self->flag, 1, relaxed);
    } else if (LOAD(&self->flag, acquire) != 0) {
        self->got[1] = (uint32_t)self->plain;
    }
}

void race_fences(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0) {
        self->plain = 7;
        atomic_thread_fence(memory_order_release);
        STORE(&self->flag, 1, relaxed);
    } else if (LOAD(&self->flag, relaxed) != 0) {
        atomic_thread_fence(memory_order_acquire);
        self->got[1] = (uint32_t)self->plain;
    }
}

void race_half_fence(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0) {
        self->plain = 7;
        atomic_thread_fence(memory_order_release);
        STORE(&self->flag, 1, relaxed);
    } else if (LOAD(&self->flag, relaxed) != 0) {
        self->got[1] = (uint32_t)self->plain;
    }
}

static void chain(struct pl_cpu *cpu, struct race_words *self, bool update)
{
    if (cpu->id == 0) {
        self->plain = 7;
        STORE(&self->flag, 1, release);
        if (update)
            (void)atomic_fetch_add_explicit(&self->flag, 1, memory_order_relaxed);
        else
            STORE(&self->flag, 2, relaxed);
    } else if (LOAD(&self->flag, acquire) == 2) {
        self->got[1] = (uint32_t)self->plain;
    }
}

void race_update_chain(struct pl_cpu *cpu, void *words)
{
    chain(cpu, words, true);
}

void race_store_chain(struct pl_cpu *cpu, void *words)
{
    chain(cpu, words, false);
}

void race_wait(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0) {
        self->plain = 7;
        while (LOAD(&self->other, relaxed) == 0) {
            cpu->platform->wake(cpu, &self->slept, 1);
            pl_relax(cpu);
        }
        return;
    }
    cpu->platform->wait(cpu, &self->slept, 0); /* the word never changes */
    STORE(&self->other, 1, relaxed);
    self->got[1] = (uint32_t)self->plain;
}

void race_neighbours(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    self->bytes[cpu->id] = 1;
}

void race_mixed(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0)
        STORE(&self->flag, 1, release);
    else
        self->got[1] = *(volatile uint32_t *)&self->flag;
}

void race_atomics(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    STORE(&self->flag, cpu->id, relaxed);
}

void race_task_masked(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id != 0)
        return;
    uint32_t before = pl_mask(cpu);
    self->plain++;
    self->plain++;
    pl_unmask(cpu, before);
    STORE(&self->other, 1, relaxed);
}

void race_task_open(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id != 0)
        return;
    self->plain++;
    STORE(&self->other, 1, relaxed);
}

void race_handler(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0)
        self->plain++;
}

void race_task_flag(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id != 0)
        return;
    self->plain = 7;
    atomic_signal_fence(memory_order_release);
    STORE(&self->flag, 1, relaxed);
    STORE(&self->other, 1, relaxed);
}

void race_handler_flag(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    if (cpu->id == 0 && LOAD(&self->flag, relaxed) != 0)
        self->got[0] = (uint32_t)self->plain;
}

void race_store_load(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    STORE(cpu->id == 0 ? &self->flag : &self->other, 1, release);
    self->got[cpu->id] = LOAD(cpu->id == 0 ? &self->other : &self->flag, acquire);
}

void race_store_load_ordered(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    STORE(cpu->id == 0 ? &self->flag : &self->other, 1, relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    self->got[cpu->id] = LOAD(cpu->id == 0 ? &self->other : &self->flag, relaxed);
}

void race_own_store(struct pl_cpu *cpu, void *words)
{
    struct race_words *self = words;
    STORE(&self->flag, 5 + cpu->id, relaxed);
    self->got[cpu->id] = LOAD(&self->flag, relaxed);
}
