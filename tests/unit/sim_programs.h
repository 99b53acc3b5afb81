/* Tiny programs whose atomic accesses are known by heart. They are compiled with the instrumentation of the
 * simulated platform; the test that counts them is not. */
#ifndef UNIT_SIM_PROGRAMS_H
#define UNIT_SIM_PROGRAMS_H

#include <pagelab/lock.h>

#define SIM_ROUNDS UINT64_C(100)

struct sim_words {
    _Atomic uint8_t bits8;
    _Atomic uint16_t bits16;
    _Atomic uint32_t bits32;
    _Atomic uint64_t bits64;
    struct pl_lock lock;
    uint64_t plain;
    uint64_t order; /* of CPUs: a hash of who came when */
};

/* Each width once: load, store, exchange, add, sub, or, and, xor, and a compare-and-swap that succeeds. Then
 * a store and a fence that are sequentially consistent, and one of each that is not. */
void sim_every_access(struct pl_cpu *cpu, void *words);

/* SIM_ROUNDS increments of bits64 by compare-and-swap; a failed one tries again. */
void sim_cas_loop(struct pl_cpu *cpu, void *words);

/* The same by a load and a store: increments get lost where others come between. */
void sim_racy_loop(struct pl_cpu *cpu, void *words);

/* SIM_ROUNDS increments of `plain` under the lock. */
void sim_locked_loop(struct pl_cpu *cpu, void *words);

#endif
