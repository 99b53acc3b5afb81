/* Assertions by price: PL_ASSERT is cheap and on everywhere but release; the audit hooks walk whole
 * structures, in tests and fuzzing; _Static_assert is for layouts. Conditions have no side effects. */
#ifndef PAGELAB_CHECK_H
#define PAGELAB_CHECK_H

#include <stdlib.h>

#include <pagelab/compiler.h>

#if defined(PL_COVERAGE)
/* Evaluated and not judged: the way to a failed assertion is no edge that a program should reach. */
#define PL_TIER              "coverage"
#define PL_ASSERT(condition) ((void)(condition))
#elif defined(PL_RELEASE)
#define PL_TIER              "release"
#define PL_ASSERT(condition) ((void)sizeof((condition) ? 1 : 0))
#elif defined(PL_SIMULATED)
/* Told to the simulated platform, which knows the schedule that led here. */
#define PL_TIER "checked"
PL_NORETURN void pl_simulated_assert(const char *words, const char *file, int line);
#define PL_ASSERT(condition)                                                                                 \
    (PL_LIKELY(condition) ? (void)0 : pl_simulated_assert(#condition, __FILE__, __LINE__))
#else
#include <stdio.h>
#define PL_TIER "checked"
PL_INLINE PL_NORETURN void pl_assert_failed(const char *words, const char *file, int line)
{
    fprintf(stderr, "pagelab: %s:%d: assertion failed: %s\n", file, line, words);
    abort();
}
#define PL_ASSERT(condition)                                                                                 \
    (PL_LIKELY(condition) ? (void)0 : pl_assert_failed(#condition, __FILE__, __LINE__))
#endif

#endif
