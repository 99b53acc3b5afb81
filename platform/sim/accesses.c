/* What gcc and clang call where they compile with -fsanitize=thread, by their names: each access is counted,
 * and before it somebody else may go on. All CPUs are one thread, so the access itself is plain. Memory
 * orders matter for the counts and for who watches. clang calls memcpy and memset by names of their own, gcc
 * asks for ranges. Source of the names: LLVM's sanitizer/tsan_interface_atomic.h. */
#include "platform/sim/sim_internal.h"

#include <string.h>

#define CALLER() ((uintptr_t)__builtin_return_address(0))

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

/* Every hook is a decrement, a branch and a count; a point that is due, or looked at by somebody, ends in a
 * call of its own, so that the others save no registers. Atomics are counted after the point: whoever comes
 * before the access finds it neither counted nor made. */

/* --- plain --- */

static PL_NOINLINE void plain_in_memory(const volatile void *at, size_t bytes, enum sim_access_kind kind,
                                        uintptr_t pc)
{
    if (sim_hot.watch != NULL)
        sim_tell(at, bytes, kind, SIM_RELAXED, pc);
    if (sim_running != NULL)
        sim_hot.memory->plain(sim_hot.memory, sim_running->current, at, bytes);
}

/* However long, one access. It sees, and comes after, what this CPU has stored to the same bytes. */
PL_INLINE void plain_told(const volatile void *at, size_t bytes, enum sim_access_kind kind, uintptr_t pc)
{
    if (PL_UNLIKELY(sim_hot.memory != NULL))
        plain_in_memory(at, bytes, kind, pc);
    else if (sim_hot.watch != NULL)
        sim_tell(at, bytes, kind, SIM_RELAXED, pc);
}

static PL_NOINLINE void plain_due(const volatile void *at, size_t bytes, enum sim_access_kind kind,
                                  uintptr_t pc)
{
    sim_due(pc);
    plain_told(at, bytes, kind, pc);
}

/* Each of its ways ends in a jump, so that it saves no registers either. */
static PL_NOINLINE void plain_attended(const volatile void *at, size_t bytes, enum sim_access_kind kind,
                                       uintptr_t pc)
{
    if (PL_UNLIKELY((sim_hot.rest -= sim_hot.plain_cost) <= 0))
        plain_due(at, bytes, kind, pc);
    else
        plain_told(at, bytes, kind, pc);
}

PL_INLINE void plain(const volatile void *at, size_t bytes, enum sim_access_kind kind, uintptr_t pc)
{
    sim_now.plain++;
    if (PL_UNLIKELY(sim_is_due()))
        plain_attended(at, bytes, kind, pc);
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
static void settle_stores(void)
{
    if (PL_UNLIKELY(sim_hot.memory != NULL) && sim_running != NULL)
        sim_drain(sim_running->current);
}

static void tell(const volatile void *at, size_t bytes, enum sim_access_kind kind, int order, uintptr_t pc)
{
    if (sim_hot.watch != NULL)
        sim_tell(at, bytes, kind, (enum sim_order)order, pc);
}

static PL_NOINLINE void update_attended(const volatile void *at, size_t bytes, int order, uintptr_t pc)
{
    sim_pass(1, pc);
    settle_stores();
    tell(at, bytes, SIM_ATOMIC_UPDATE, order, pc);
}

/* True: *value is the CPU's own latest store. */
static bool load_attended(const volatile void *at, size_t bytes, int order, uint64_t *value, uintptr_t pc)
{
    sim_pass(1, pc);
    tell(at, bytes, SIM_ATOMIC_READ, order, pc);
    sim_now.loads++;
    return PL_UNLIKELY(sim_hot.memory != NULL) && sim_running != NULL &&
           sim_hot.memory->load(sim_hot.memory, sim_running->current, at, bytes, value);
}

PL_INLINE void count_store(int order)
{
    if (order == SIM_SEQ_CST)
        sim_now.locked++;
    else
        sim_now.stores++;
}

/* True: it waits in the CPU's buffer. */
static bool store_attended(volatile void *at, size_t bytes, uint64_t value, int order, uintptr_t pc)
{
    sim_pass(1, pc);
    tell(at, bytes, SIM_ATOMIC_WRITE, order, pc);
    count_store(order);
    if (PL_LIKELY(sim_hot.memory == NULL) || sim_running == NULL)
        return false;
    if (order == SIM_SEQ_CST) {
        settle_stores();
        return false;
    }
    /* A CPU's own flags are looked at by the platform, which is no other processor. */
    return !sim_is_private(at) &&
           sim_hot.memory->store(sim_hot.memory, sim_running->current, at, bytes, value);
}

PL_INLINE void count_swap(void)
{
    sim_now.locked++;
    sim_now.cas++;
}

/* A read-modify-write that cannot fail; `now` is made of before and value. */
#define UPDATE(type, bits, name, now)                                                                        \
    HOOK(type, __tsan_atomic##bits##_##name, (volatile type * at, type value, int order))                    \
    {                                                                                                        \
        if (PL_UNLIKELY(sim_is_due()))                                                                       \
            update_attended(at, sizeof(type), order, CALLER());                                              \
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
    static PL_NOINLINE type load_attended_##bits(const volatile type *at, int order, uintptr_t pc)           \
    {                                                                                                        \
        uint64_t own;                                                                                        \
        if (load_attended(at, sizeof(type), order, &own, pc))                                                \
            return (type)own;                                                                                \
        return *at;                                                                                          \
    }                                                                                                        \
    HOOK(type, __tsan_atomic##bits##_load, (const volatile type *at, int order))                             \
    {                                                                                                        \
        if (PL_UNLIKELY(sim_is_due()))                                                                       \
            return load_attended_##bits(at, order, CALLER());                                                \
        sim_now.loads++;                                                                                     \
        return *at;                                                                                          \
    }                                                                                                        \
    static PL_NOINLINE void store_attended_##bits(volatile type *at, type value, int order, uintptr_t pc)    \
    {                                                                                                        \
        if (!store_attended(at, sizeof(type), value, order, pc))                                             \
            *at = value;                                                                                     \
    }                                                                                                        \
    HOOK(void, __tsan_atomic##bits##_store, (volatile type * at, type value, int order))                     \
    {                                                                                                        \
        if (PL_UNLIKELY(sim_is_due())) {                                                                     \
            store_attended_##bits(at, value, order, CALLER());                                               \
            return;                                                                                          \
        }                                                                                                    \
        count_store(order);                                                                                  \
        *at = value;                                                                                         \
    }                                                                                                        \
    /* Whether it writes is known before it is told. */                                                      \
    static PL_NOINLINE type swap_attended_##bits(volatile type *at, type expected, type value, int order,    \
                                                 int order_failed, uintptr_t pc)                             \
    {                                                                                                        \
        sim_pass(1, pc);                                                                                     \
        settle_stores();                                                                                     \
        type before = *at;                                                                                   \
        bool done = before == expected;                                                                      \
        count_swap();                                                                                        \
        tell(at, sizeof(type), done ? SIM_ATOMIC_UPDATE : SIM_COMPARE_FAILED, done ? order : order_failed,   \
             pc);                                                                                            \
        if (done)                                                                                            \
            *at = value;                                                                                     \
        sim_now.cas_failed += !done;                                                                         \
        return before;                                                                                       \
    }                                                                                                        \
    PL_INLINE type swap_if_##bits(volatile type *at, type expected, type value, int order, int order_failed, \
                                  uintptr_t pc)                                                              \
    {                                                                                                        \
        if (PL_UNLIKELY(sim_is_due()))                                                                       \
            return swap_attended_##bits(at, expected, value, order, order_failed, pc);                       \
        count_swap();                                                                                        \
        type before = *at;                                                                                   \
        if (before == expected)                                                                              \
            *at = value;                                                                                     \
        sim_now.cas_failed += before != expected;                                                            \
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

ATOMIC(uint8_t, 8)
ATOMIC(uint16_t, 16)
ATOMIC(uint32_t, 32)
ATOMIC(uint64_t, 64)

HOOK(void, __tsan_atomic_thread_fence, (int order))
{
    if (PL_UNLIKELY(sim_is_due()))
        sim_pass(1, CALLER());
    if (PL_UNLIKELY(sim_hot.watch != NULL))
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
