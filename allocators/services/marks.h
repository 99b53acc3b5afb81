/* A bit a frame: is it one that this service handed out? So a wrong release is refused by the service itself,
 * whatever the allocator below checks. Set and cleared in one step, from any CPU. */
#ifndef SERVICES_MARKS_H
#define SERVICES_MARKS_H

#include <stdatomic.h>

#include <pagelab/check.h>
#include <pagelab/machine.h>

struct marks {
    uint64_t first; /* frame of bit 0 */
    uint64_t span;
    _Atomic uint64_t *words; /* behind the service's struct, zero at first */
};

PL_INLINE size_t marks_bytes(const struct pl_machine *machine)
{
    return (size_t)((machine->span + 63) / 64) * sizeof(uint64_t);
}

PL_INLINE void marks_init(struct marks *marks, const struct pl_machine *machine, void *words)
{
    *marks = (struct marks){.first = machine->first.number, .span = machine->span, .words = words};
}

PL_INLINE void marks_set(struct marks *marks, pl_frame frame)
{
    uint64_t at = frame.number - marks->first;
    PL_ASSERT(at < marks->span);
    atomic_fetch_or_explicit(&marks->words[at / 64], UINT64_C(1) << (at % 64), memory_order_relaxed);
}

/* False, and nothing changed, if it was not set. */
PL_INLINE bool marks_clear(struct marks *marks, pl_frame frame)
{
    uint64_t at = frame.number - marks->first;
    uint64_t bit = UINT64_C(1) << (at % 64);
    if (at >= marks->span)
        return false;
    return (atomic_fetch_and_explicit(&marks->words[at / 64], ~bit, memory_order_relaxed) & bit) != 0;
}

PL_INLINE bool marks_test(const struct marks *marks, pl_frame frame)
{
    uint64_t at = frame.number - marks->first;
    return at < marks->span &&
           (atomic_load_explicit(&marks->words[at / 64], memory_order_relaxed) >> (at % 64) & 1) != 0;
}

PL_INLINE uint64_t marks_count(const struct marks *marks)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < (marks->span + 63) / 64; i++)
        count += PL_POPCOUNT64(atomic_load_explicit(&marks->words[i], memory_order_relaxed));
    return count;
}

#endif
