/* Counts, told of each instruction before it runs, how many of a call run with interrupts held off. */
#ifndef ENGINE_INTERRUPT_MASKED_COUNT_H
#define ENGINE_INTERRUPT_MASKED_COUNT_H

#include <pagelab/cpu.h>

struct masked_count {
    uint64_t now; /* instructions since the mask was set; to be 0 when a call begins */
    uintptr_t pc; /* the first of them */
    uint64_t longest;
    uintptr_t longest_pc; /* `pc` of the longest section */
};

/* True: the longest section has grown. */
PL_INLINE bool masked_count(struct masked_count *count, const struct pl_cpu *cpu, uintptr_t pc)
{
    if (atomic_load_explicit(&cpu->masked, memory_order_relaxed) == 0) {
        count->now = 0;
        return false;
    }
    if (count->now++ == 0)
        count->pc = pc;
    if (count->now <= count->longest)
        return false;
    count->longest = count->now;
    count->longest_pc = count->pc;
    return true;
}

#endif
