/* The kernel's page allocator: a stack of free page numbers. The caller holds its lock. */
#ifndef MM_RUNS_H
#define MM_RUNS_H

#include <stdint.h>

#define MM_NO_PAGE UINT64_MAX

struct mm_runs {
    uint64_t count;
    uint64_t page[]; /* the free ones; the last is taken next */
};

void mm_runs_add(struct mm_runs *runs, uint64_t first, uint64_t count);
uint64_t mm_runs_take(struct mm_runs *runs);
void mm_runs_give(struct mm_runs *runs, uint64_t page);

#endif
