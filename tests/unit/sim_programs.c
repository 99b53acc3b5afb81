/* See sim_programs.h. */
#include "tests/unit/sim_programs.h"

#define EVERY(word)                                                                                          \
    do {                                                                                                     \
        uint8_t expected = 9;                                                                                \
        (void)atomic_load_explicit(word, memory_order_acquire);                                              \
        atomic_store_explicit(word, 1, memory_order_release);                                                \
        (void)atomic_exchange_explicit(word, 2, memory_order_acq_rel);                                       \
        (void)atomic_fetch_add_explicit(word, 7, memory_order_relaxed);                                      \
        (void)atomic_fetch_sub_explicit(word, 1, memory_order_relaxed);                                      \
        (void)atomic_fetch_or_explicit(word, 1, memory_order_relaxed);                                       \
        (void)atomic_fetch_and_explicit(word, 13, memory_order_relaxed);                                     \
        (void)atomic_fetch_xor_explicit(word, 0, memory_order_relaxed);                                      \
        swap_once(word, expected);                                                                           \
    } while (0)

/* 9 becomes 5. */
#define swap_once(word, found)                                                                               \
    _Generic((word),                                                                                         \
        _Atomic uint8_t *: swap_8,                                                                           \
        _Atomic uint16_t *: swap_16,                                                                         \
        _Atomic uint32_t *: swap_32,                                                                         \
        _Atomic uint64_t *: swap_64)(word, found)
#define SWAP(bits)                                                                                           \
    static void swap_##bits(_Atomic uint##bits##_t *word, uint##bits##_t expected)                           \
    {                                                                                                        \
        (void)atomic_compare_exchange_strong(word, &expected, 5);                                            \
    }
SWAP(8)
SWAP(16)
SWAP(32)
SWAP(64)

void sim_every_access(struct pl_cpu *cpu, void *words)
{
    struct sim_words *self = words;
    (void)cpu;
    EVERY(&self->bits8);
    EVERY(&self->bits16);
    EVERY(&self->bits32);
    EVERY(&self->bits64);
    atomic_store(&self->bits64, 11);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_store_explicit(&self->bits64, 12, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
}

void sim_cas_loop(struct pl_cpu *cpu, void *words)
{
    struct sim_words *self = words;
    for (uint64_t i = 0; i < SIM_ROUNDS; i++) {
        uint64_t seen = atomic_load_explicit(&self->bits64, memory_order_relaxed);
        while (!atomic_compare_exchange_weak_explicit(&self->bits64, &seen, seen + 1, memory_order_acq_rel,
                                                      memory_order_relaxed))
            ;
        self->order = self->order * 31 + cpu->id;
    }
}

void sim_racy_loop(struct pl_cpu *cpu, void *words)
{
    struct sim_words *self = words;
    (void)cpu;
    for (uint64_t i = 0; i < SIM_ROUNDS; i++) {
        uint64_t seen = atomic_load_explicit(&self->bits64, memory_order_relaxed);
        atomic_store_explicit(&self->bits64, seen + 1, memory_order_relaxed);
    }
}

void sim_locked_loop(struct pl_cpu *cpu, void *words)
{
    struct sim_words *self = words;
    for (uint64_t i = 0; i < SIM_ROUNDS; i++) {
        uint32_t before = pl_lock_masked(&self->lock, cpu);
        uint64_t seen = self->plain;
        (void)atomic_load_explicit(&self->bits8, memory_order_relaxed); /* somebody else's turn */
        self->plain = seen + 1;
        pl_unlock_masked(&self->lock, cpu, before);
    }
}
