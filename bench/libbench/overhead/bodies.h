/*
 * The bodies both halves of the overhead program time, so that only the registration and the loop differ.
 * Valid in C and in C++.
 */
#ifndef LIBBENCH_OVERHEAD_BODIES_H
#define LIBBENCH_OVERHEAD_BODIES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Without the barrier the compiler deletes the whole loop, on both sides. */
static inline void body_empty(void)
{
    __asm__ volatile("" : : : "memory");
}

/* In a file of its own, so that it stays a call. */
uint64_t body_call(uint64_t value);

extern uint64_t body_counter;

static inline void body_atomic(void)
{
    __atomic_fetch_add(&body_counter, 1, __ATOMIC_SEQ_CST);
}

/* Registers the half written in C. */
void overhead_register_libbench(void);

#ifdef __cplusplus
}
#endif

#endif
