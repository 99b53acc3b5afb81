/* See runs.h. It knows nothing of pagelab. */
#include "runs.h"

void mm_runs_add(struct mm_runs *runs, uint64_t first, uint64_t count)
{
    for (uint64_t at = count; at > 0; at--)
        runs->page[runs->count++] = first + at - 1;
}

uint64_t mm_runs_take(struct mm_runs *runs)
{
    return runs->count == 0 ? MM_NO_PAGE : runs->page[--runs->count];
}

void mm_runs_give(struct mm_runs *runs, uint64_t page)
{
    runs->page[runs->count++] = page;
}
