/* What gcc and clang call where they compile with -fsanitize=thread, by their names: each access is counted,
 * and before an atomic one somebody else may go on. All CPUs are one thread, so the access itself is plain.
 * Memory orders matter for the count only: what is interleaved here is sequentially consistent. Source of
 * the names: LLVM's sanitizer/tsan_interface_atomic.h. */
#include "platform/sim/sim_internal.h"

#include <string.h>

/* As the compilers pass memory orders: their __ATOMIC_SEQ_CST. */
#define ORDER_SEQ_CST 5

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

#define PLAIN(name)                                                                                          \
    HOOK(void, __tsan_##name, (void *at))                                                                    \
    {                                                                                                        \
        (void)at;                                                                                            \
        sim_now.plain++;                                                                                     \
    }
PLAIN(read1)
PLAIN(read2)
PLAIN(read4)
PLAIN(read8)
PLAIN(read16)
PLAIN(write1)
PLAIN(write2)
PLAIN(write4)
PLAIN(write8)
PLAIN(write16)
PLAIN(unaligned_read2)
PLAIN(unaligned_read4)
PLAIN(unaligned_read8)
PLAIN(unaligned_read16)
PLAIN(unaligned_write2)
PLAIN(unaligned_write4)
PLAIN(unaligned_write8)
PLAIN(unaligned_write16)

/* However long, one access. */
HOOK(void, __tsan_read_range, (void *at, size_t bytes))
{
    (void)at;
    (void)bytes;
    sim_now.plain++;
}

HOOK(void, __tsan_write_range, (void *at, size_t bytes))
{
    (void)at;
    (void)bytes;
    sim_now.plain++;
}

HOOK(void *, __tsan_memcpy, (void *to, const void *from, size_t bytes))
{
    sim_now.plain++;
    return memcpy(to, from, bytes);
}

HOOK(void *, __tsan_memmove, (void *to, const void *from, size_t bytes))
{
    sim_now.plain++;
    return memmove(to, from, bytes);
}

HOOK(void *, __tsan_memset, (void *to, int byte, size_t bytes))
{
    sim_now.plain++;
    return memset(to, byte, bytes);
}

/* --- atomic --- */

/* A read-modify-write that cannot fail; `now` is made of *at and value. */
#define UPDATE(type, bits, name, now)                                                                        \
    HOOK(type, __tsan_atomic##bits##_##name, (volatile type * at, type value, int order))                    \
    {                                                                                                        \
        (void)order;                                                                                         \
        sim_step();                                                                                          \
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
        (void)order;                                                                                         \
        (void)order_failed;                                                                                  \
        type before = swap_if_##bits(at, *expected, value);                                                  \
        bool done = before == *expected;                                                                     \
        *expected = before;                                                                                  \
        return done;                                                                                         \
    }

#define ATOMIC(type, bits)                                                                                   \
    HOOK(type, __tsan_atomic##bits##_load, (const volatile type *at, int order))                             \
    {                                                                                                        \
        (void)order;                                                                                         \
        sim_step();                                                                                          \
        sim_now.loads++;                                                                                     \
        return *at;                                                                                          \
    }                                                                                                        \
    HOOK(void, __tsan_atomic##bits##_store, (volatile type * at, type value, int order))                     \
    {                                                                                                        \
        sim_step();                                                                                          \
        if (order == ORDER_SEQ_CST)                                                                          \
            sim_now.locked++;                                                                                \
        else                                                                                                 \
            sim_now.stores++;                                                                                \
        *at = value;                                                                                         \
    }                                                                                                        \
    static type swap_if_##bits(volatile type *at, type expected, type value)                                 \
    {                                                                                                        \
        sim_step();                                                                                          \
        sim_now.locked++;                                                                                    \
        sim_now.cas++;                                                                                       \
        type before = *at;                                                                                   \
        if (before == expected)                                                                              \
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
        (void)order;                                                                                         \
        (void)order_failed;                                                                                  \
        return swap_if_##bits(at, expected, value);                                                          \
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
    sim_step();
    if (order == ORDER_SEQ_CST)
        sim_now.locked++;
}

/* Orders the compiler only. */
HOOK(void, __tsan_atomic_signal_fence, (int order))
{
    (void)order;
}
