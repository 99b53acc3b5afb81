/* The one place for GNU extensions (gcc 12, clang 19). Everything else in the tree is plain C17.
 * Source: the compilers' manuals, "Common Function Attributes" and "Extended Asm". */
#ifndef PAGELAB_COMPILER_H
#define PAGELAB_COMPILER_H

#if !defined(__GNUC__)
#error "pagelab needs gcc or clang: attributes and builtins"
#endif

#define PL_INLINE                     static inline __attribute__((always_inline, unused))
#define PL_NOINLINE                   __attribute__((noinline))
#define PL_COLD                       __attribute__((cold, noinline))
#define PL_NORETURN                   __attribute__((noreturn))
#define PL_SECTION(name)              __attribute__((section(name), used))
#define PL_CONSTRUCTOR                __attribute__((constructor))
#define PL_UNUSED                     __attribute__((unused))
#define PL_MUST_CHECK                 __attribute__((warn_unused_result))
#define PL_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define PL_EXPORT                     __attribute__((visibility("default")))
#define PL_HIDDEN                     __attribute__((visibility("hidden")))
#define PL_LIKELY(condition)          __builtin_expect(!!(condition), 1)
#define PL_UNLIKELY(condition)        __builtin_expect(!!(condition), 0)
#define PL_PREFETCH(address)          __builtin_prefetch(address)
#define PL_UNREACHABLE()              __builtin_unreachable()

/* Bytes of one cache line on every machine that we run on. Per-CPU data is aligned to two of them, because
 * the adjacent-line prefetcher fetches lines in pairs. */
#define PL_CACHE_LINE_BYTES 64
#define PL_CPU_LINE_BYTES   128
#define PL_CPU_ALIGNED      _Alignas(PL_CPU_LINE_BYTES)

#define PL_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Forbids the compiler to move memory accesses across; costs no instruction. */
#define PL_COMPILER_BARRIER() __asm__ __volatile__("" ::: "memory")

/* Where the running function returns to. */
#define PL_CALLER() __builtin_return_address(0)

/* Trailing and leading zero bits. The value must not be 0. */
#define PL_CTZ64(value)      ((unsigned)__builtin_ctzll(value))
#define PL_CLZ64(value)      ((unsigned)__builtin_clzll(value))
#define PL_POPCOUNT64(value) ((unsigned)__builtin_popcountll(value))

/* Tells the core that this is a spin loop. */
#if defined(__x86_64__) || defined(__i386__)
#define PL_PAUSE() __builtin_ia32_pause()
#else
#define PL_PAUSE() PL_COMPILER_BARRIER()
#endif

/* The time stamp counter, and what keeps it and the instructions around it in order. 0 and nothing elsewhere.
 */
#if defined(__x86_64__)
#define PL_HAS_CYCLES    1
#define PL_CYCLES()      __builtin_ia32_rdtsc()
#define PL_CYCLE_FENCE() __builtin_ia32_lfence()
#else
#define PL_HAS_CYCLES    0
#define PL_CYCLES()      0
#define PL_CYCLE_FENCE() PL_COMPILER_BARRIER()
#endif

#endif
