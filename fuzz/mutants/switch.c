/* The switches, in the mutant drivers only: which mutant is alive, and what became of it. Never compiled with
 * a driver's instrumentation, so that asking is no access to memory that a schedule could turn on. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagelab/compiler.h>
#include <pagelab/mutant.h>

#include "fuzz/mutants/mutants.h"

#define COUNTS 4096u

static struct mutant_record nowhere;
static _Atomic(const char *) alive; /* NULL: not asked yet; "": none */
static _Atomic(struct mutant_record *) record = &nowhere;
static _Atomic uintptr_t kept;
static _Atomic uint64_t counted[COUNTS];

static PL_COLD PL_NORETURN void give_up(const char *name, const char *expected)
{
    fprintf(stderr, "pagelab-fuzz: %s '%s': %s expected\n", MUTANT_VARIABLE, name, expected);
    exit(2);
}

/* A shared mapping outlives abort() and a kill. Several threads may come here at once: all do the same. */
static PL_COLD void ask(void)
{
    const char *name = getenv(MUTANT_VARIABLE);
    const char *path = getenv(MUTANT_RECORD_VARIABLE);
    if (name == NULL)
        name = "";
    if (name[0] != '\0' && mutant_find(name) == NULL)
        give_up(name, "a mutant of fuzz/mutants/list.c");
    if (path != NULL) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        void *shared = MAP_FAILED;
        if (file >= 0 && ftruncate(file, sizeof(struct mutant_record)) == 0)
            shared = mmap(NULL, sizeof(struct mutant_record), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (shared == MAP_FAILED)
            give_up(path, "a file that can be written");
        close(file);
        atomic_store(&record, (struct mutant_record *)shared);
    }
    atomic_store(&alive, name);
}

bool pl_mutant_alive(const char *name)
{
    const char *now = atomic_load_explicit(&alive, memory_order_relaxed);
    if (PL_UNLIKELY(now == NULL)) {
        ask();
        now = atomic_load_explicit(&alive, memory_order_relaxed);
    }
    return now[0] == name[0] && strcmp(now, name) == 0;
}

/* Written once: a store at each call would cost more than the question. */
static void note(_Atomic uint64_t *fact)
{
    if (atomic_load_explicit(fact, memory_order_relaxed) == 0)
        atomic_store_explicit(fact, 1, memory_order_relaxed);
}

bool pl_mutant_reached(const char *name)
{
    if (PL_LIKELY(!pl_mutant_alive(name)))
        return false;
    note(&atomic_load_explicit(&record, memory_order_relaxed)->reached);
    return true;
}

void pl_mutant_triggered(void)
{
    note(&atomic_load_explicit(&record, memory_order_relaxed)->triggered);
}

void pl_mutant_keep(uintptr_t word)
{
    atomic_store_explicit(&kept, word, memory_order_relaxed);
}

uintptr_t pl_mutant_kept(void)
{
    return atomic_load_explicit(&kept, memory_order_relaxed);
}

static _Atomic uint64_t *count_of(const volatile void *address)
{
    return &counted[(uintptr_t)address / sizeof(uint64_t) % COUNTS];
}

void pl_mutant_count(const volatile void *address)
{
    atomic_fetch_add_explicit(count_of(address), 1, memory_order_relaxed);
}

uint64_t pl_mutant_counted(const volatile void *address)
{
    return atomic_load_explicit(count_of(address), memory_order_relaxed);
}

uint64_t pl_mutant_peek(const volatile void *word)
{
    return atomic_load_explicit((const volatile _Atomic uint64_t *)word, memory_order_relaxed);
}
