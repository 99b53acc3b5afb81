/* What gcc and clang call where they compile with -fsanitize=thread, by their names: each access is counted,
 * and before it somebody else may go on. All CPUs are one thread, so the access itself is plain. Memory
 * orders matter for the counts and for who watches. clang calls memcpy and memset by names of their own, gcc
 * asks for ranges. Source of the names: LLVM's sanitizer/tsan_interface_atomic.h. */
#include "platform/sim/sim_internal.h"

#include <string.h>

#define CALLER() ((uintptr_t)__builtin_return_address(0))

/* One point; the rest is for who watches. */
#define POINT(cost)                                                                                          \
    do {                                                                                                     \
        if (PL_UNLIKELY((sim_hot.left -= (cost)) <= 0))                                                      \
            sim_due((cost), CALLER());                                                                       \
    } while (0)

#define TELL(at, bytes, kind, order)                                                                         \
    do {                                                                                                     \
        if (PL_UNLIKELY(sim_hot.watched))                                                                    \
            sim_tell((at), (bytes), (kind), (enum sim_order)(order), CALLER());                              \
    } while (0)

/* A prototype for each, for they are called by the compiler and no header of ours names them. */
#define HOOK(type, name, arguments)                                                                          \
    type name arguments;                                                                                     \
    type name arguments

HOOK(void, __tsan_init, (void))
{
}

HOOK(void, __tsan_func_entry, (void *caller))
{
    (void)caller;
}

HOOK(void, __tsan_func_exit, (void))
{
}

/* --- plain --- */

/* However long, one access. Out of line: once in many times. */
static PL_NOINLINE void plain_due(const volatile void *at, size_t bytes, enum sim_access_kind kind,
                                  uintptr_t pc)
{
    sim_due(sim_hot.plain_cost, pc);
    if (sim_hot.watched)
        sim_tell(at, bytes, kind, SIM_RELAXED, pc);
}

/* A plain access sees, and comes after, what this CPU has stored to the same bytes. */
static PL_NOINLINE void plain_settle(const volatile void *at, size_t bytes)
{
    if (sim_running != NULL)
        sim_hot.memory->plain(sim_hot.memory, sim_running->current, at, bytes);
}

PL_INLINE void plain(const volatile void *at, size_t bytes, enum sim_access_kind kind, uintptr_t pc)
{
    sim_now.plain++;
    if (PL_UNLIKELY((sim_hot.left -= sim_hot.plain_cost) <= 0))
        plain_due(at, bytes, kind, pc);
    if (PL_UNLIKELY(sim_hot.memory != NULL))
        plain_settle(at, bytes);
}

#define PLAIN(name, bytes, kind)                                                                             \
    HOOK(void, __tsan_##name, (void *at))                                                                    \
    {                                                                                                        \
        plain(at, bytes, kind, CALLER());                                                                    \
    }
#define PLAIN_PAIR(bytes)                                                                                    \
    PLAIN(read##bytes, bytes, SIM_READ)                                                                      \
    PLAIN(write##bytes, bytes, SIM_WRITE)                                                                    \
    PLAIN(volatile_read##bytes, bytes, SIM_READ)                                                             \
    PLAIN(volatile_write##bytes, bytes, SIM_WRITE)
PLAIN_PAIR(1)
PLAIN_PAIR(2)
PLAIN_PAIR(4)
PLAIN_PAIR(8)
PLAIN_PAIR(16)
#define UNALIGNED_PAIR(bytes)                                                                                \
    PLAIN(unaligned_read##bytes, bytes, SIM_READ)                                                            \
    PLAIN(unaligned_write##bytes, bytes, SIM_WRITE)
UNALIGNED_PAIR(2)
UNALIGNED_PAIR(4)
UNALIGNED_PAIR(8)
UNALIGNED_PAIR(16)

HOOK(void, __tsan_read_range, (void *at, size_t bytes))
{
    plain(at, bytes, SIM_READ, CALLER());
}

HOOK(void, __tsan_write_range, (void *at, size_t bytes))
{
    plain(at, bytes, SIM_WRITE, CALLER());
}

/* A copy is two accesses, so that somebody may come between what it reads and what it writes. */
HOOK(void *, __tsan_memcpy, (void *to, const void *from, size_t bytes))
{
    plain(from, bytes, SIM_READ, CALLER());
    plain(to, bytes, SIM_WRITE, CALLER());
    return memcpy(to, from, bytes);
}

HOOK(void *, __tsan_memmove, (void *to, const void *from, size_t bytes))
{
    plain(from, bytes, SIM_READ, CALLER());
    plain(to, bytes, SIM_WRITE, CALLER());
    return memmove(to, from, bytes);
}

HOOK(void *, __tsan_memset, (void *to, int byte, size_t bytes))
{
    plain(to, bytes, SIM_WRITE, CALLER());
    return memset(to, byte, bytes);
}

/* --- atomic --- */

/* What stands between atomics and memory, if anybody does, gives up what it keeps of this CPU. */
PL_INLINE void settle_stores(void)
{
    if (PL_UNLIKELY(sim_hot.memory != NULL) && sim_running != NULL)
        sim_drain(sim_running->current);
}

/* A read-modify-write that cannot fail; `now` is made of before and value. */
#define UPDATE(type, bits, name, now)                                                                        \
    HOOK(type, __tsan_atomic##bits##_##name, (volatile type * at, type value, int order))                    \
    {                                                                                                        \
        POINT(1);                                                                                            \
        settle_stores();                                                                                     \
        TELL(at, sizeof(type), SIM_ATOMIC_UPDATE, order);                                                    \
        sim_now.locked++;                                                                                    \
        type before = *at;                                                                                   \
        *at = (type)(now);                                                                                   \
        return before;                                                                                       \
    }

/* Weak ones fail only where strong ones do, as on x86-64. */
#define COMPARE(type, bits, strength)                                                                        \
    HOOK(int, __tsan_atomic##bits##_compare_exchange_##strength,                                             \
         (volatile type * at, type * expected, type value, int order, int order_failed))                     \
    {                                                                                                        \
        type before = swap_if_##bits(at, *expected, value, order, order_failed, CALLER());                   \
        bool done = before == *expected;                                                                     \
        *expected = before;                                                                                  \
        return done;                                                                                         \
    }

#define ATOMIC(type, bits)                                                                                   \
    HOOK(type, __tsan_atomic##bits##_load, (const volatile type *at, int order))                             \
    {                                                                                                        \
        uint64_t own;                                                                                        \
        POINT(1);                                                                                            \
        TELL(at, sizeof(type), SIM_ATOMIC_READ, order);                                                      \
        sim_now.loads++;                                                                                     \
        if (PL_UNLIKELY(sim_hot.memory != NULL) && sim_load(at, sizeof(type), &own))                         \
            return (type)own;                                                                                \
        return *at;                                                                                          \
    }                                                                                                        \
    HOOK(void, __tsan_atomic##bits##_store, (volatile type * at, type value, int order))                     \
    {                                                                                                        \
        POINT(1);                                                                                            \
        TELL(at, sizeof(type), SIM_ATOMIC_WRITE, order);                                                     \
        if (order == SIM_SEQ_CST) {                                                                          \
            sim_now.locked++;                                                                                \
            settle_stores();                                                                                 \
        } else {                                                                                             \
            sim_now.stores++;                                                                                \
            if (PL_UNLIKELY(sim_hot.memory != NULL) && sim_store(at, sizeof(type), value))                   \
                return;                                                                                      \
        }                                                                                                    \
        *at = value;                                                                                         \
    }                                                                                                        \
    static type swap_if_##bits(volatile type *at, type expected, type value, int order, int order_failed,    \
                               uintptr_t pc)                                                                 \
    {                                                                                                        \
        if (PL_UNLIKELY(--sim_hot.left <= 0))                                                                \
            sim_due(1, pc);                                                                                  \
        settle_stores();                                                                                     \
        sim_now.locked++;                                                                                    \
        sim_now.cas++;                                                                                       \
        type before = *at;                                                                                   \
        bool done = before == expected;                                                                      \
        if (PL_UNLIKELY(sim_hot.watched))                                                                    \
            sim_tell(at, sizeof(type), done ? SIM_ATOMIC_UPDATE : SIM_COMPARE_FAILED,                        \
                     (enum sim_order)(done ? order : order_failed), pc);                                     \
        if (done)                                                                                            \
            *at = value;                                                                                     \
        else                                                                                                 \
            sim_now.cas_failed++;                                                                            \
        return before;                                                                                       \
    }                                                                                                        \
    COMPARE(type, bits, strong)                                                                              \
    COMPARE(type, bits, weak)                                                                                \
    HOOK(type, __tsan_atomic##bits##_compare_exchange_val,                                                   \
         (volatile type * at, type expected, type value, int order, int order_failed))                       \
    {                                                                                                        \
        return swap_if_##bits(at, expected, value, order, order_failed, CALLER());                           \
    }                                                                                                        \
    UPDATE(type, bits, exchange, value)                                                                      \
    UPDATE(type, bits, fetch_add, before + value)                                                            \
    UPDATE(type, bits, fetch_sub, before - value)                                                            \
    UPDATE(type, bits, fetch_and, before &value)                                                             \
    UPDATE(type, bits, fetch_or, before | value)                                                             \
    UPDATE(type, bits, fetch_xor, before ^ value)                                                            \
    UPDATE(type, bits, fetch_nand, ~(before & value))

static PL_NOINLINE bool sim_load(const volatile void *at, size_t bytes, uint64_t *value)
{
    return sim_running != NULL &&
           sim_hot.memory->load(sim_hot.memory, sim_running->current, at, bytes, value);
}

static PL_NOINLINE bool sim_store(volatile void *at, size_t bytes, uint64_t value)
{
    /* A CPU's own flags are looked at by the platform, which is no other processor. */
    return sim_running != NULL && !sim_is_private(at) &&
           sim_hot.memory->store(sim_hot.memory, sim_running->current, at, bytes, value);
}

ATOMIC(uint8_t, 8)
ATOMIC(uint16_t, 16)
ATOMIC(uint32_t, 32)
ATOMIC(uint64_t, 64)

HOOK(void, __tsan_atomic_thread_fence, (int order))
{
    POINT(1);
    if (PL_UNLIKELY(sim_hot.watched))
        sim_tell_fence((enum sim_order)order, CALLER());
    if (order != SIM_SEQ_CST)
        return;
    sim_now.locked++;
    settle_stores();
}

/* Orders the compiler only. */
HOOK(void, __tsan_atomic_signal_fence, (int order))
{
    (void)order;
}
