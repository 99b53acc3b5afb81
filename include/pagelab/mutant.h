/* Mutants: bugs on purpose, each a few lines in the code that it harms, so that a fuzzer that does not find
 * them is seen to be blind. In the product PL_MUTANT("name") is the constant false and nothing of a mutant is
 * compiled. The mutant drivers compile the same sources with PL_MUTANTS; there one mutant at a time is alive,
 * the one that PAGELAB_MUTANT names. fuzz/mutants/list.c has a row for each; docs/mutants.md has the words.
 */
#ifndef PAGELAB_MUTANT_H
#define PAGELAB_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

#if defined(PL_MUTANTS)

/* Is this the mutant that is alive? `pl_mutant_reached` also records that its altered code runs. */
bool pl_mutant_alive(const char *name);
bool pl_mutant_reached(const char *name);
/* Records that the condition of the mutant that is alive held. */
void pl_mutant_triggered(void);
/* One word for the mutant that is alive, to remember something from one place of the code to another. */
void pl_mutant_keep(uintptr_t word);
uintptr_t pl_mutant_kept(void);
/* A count for each address, shared by all CPUs; addresses may share one. And an atomic word's value, read
 * without being an access that a schedule could turn on. */
void pl_mutant_count(const volatile void *address);
uint64_t pl_mutant_counted(const volatile void *address);
uint64_t pl_mutant_peek(const volatile void *word);

#define PL_MUTANT(name)            pl_mutant_reached(name)
#define PL_MUTANT_ALIVE(name)      pl_mutant_alive(name)
#define PL_MUTANT_KEEP(name, word) (pl_mutant_alive(name) ? pl_mutant_keep(word) : (void)0)
#define PL_MUTANT_KEPT(word)       (pl_mutant_kept() == (word))
#define PL_MUTANT_COUNT(name, at)  (pl_mutant_alive(name) ? pl_mutant_count(at) : (void)0)
#define PL_MUTANT_COUNTED(at)      pl_mutant_counted(at)
#define PL_MUTANT_PEEK(at)         pl_mutant_peek(at)
#define PL_MUTANT_TRIGGERED(name, condition)                                                                 \
    (pl_mutant_alive(name) && (condition) ? pl_mutant_triggered() : (void)0)

#else

/* True where the altered code is to run. */
#define PL_MUTANT(name)                      false
/* The same without recording that the altered code was reached. */
#define PL_MUTANT_ALIVE(name)                false
/* Remembers a word; does the word remembered equal this one? The latter only in a condition below. */
#define PL_MUTANT_KEEP(name, word)           ((void)sizeof(word))
#define PL_MUTANT_KEPT(word)                 (sizeof(word) == 0)
/* Counts at an address; how often that was; the word there. The latter two only for a condition below. */
#define PL_MUTANT_COUNT(name, at)            ((void)sizeof(at))
#define PL_MUTANT_COUNTED(at)                ((uint64_t)0)
#define PL_MUTANT_PEEK(at)                   ((uint64_t)0)
/* Records that behaviour differed from the unaltered code's, if the condition holds. */
#define PL_MUTANT_TRIGGERED(name, condition) ((void)sizeof((condition) ? 1 : 0))

#endif

#endif
