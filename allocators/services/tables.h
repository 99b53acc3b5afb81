/* What the two table services share: a frame taken from the page allocator and made zero, and given back. */
#ifndef SERVICES_TABLES_H
#define SERVICES_TABLES_H

#include <stdio.h>
#include <string.h>

#include <pagelab/candidate.h>

#include "allocators/services/marks.h"

struct tables {
    const struct pl_machine *machine;
    struct pl_page page;
    struct marks live; /* frames handed out */
    _Atomic uint64_t live_count;
};

/* `words` is where the marks are, behind the service's struct. */
PL_INLINE enum pl_status tables_init(struct tables *tables, const struct pl_page_table_config *config,
                                     void *words)
{
    if (config->machine->contents == NULL)
        return PL_UNSUPPORTED;
    tables->machine = config->machine;
    tables->page = config->page;
    marks_init(&tables->live, config->machine, words);
    return PL_OK;
}

/* A table is one frame, whatever order the request names. */
PL_INLINE bool tables_request_is_legal(const struct pl_request *request)
{
    const uint32_t waits = PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL;
    return request->alloc_class < PL_CLASS_COUNT && (request->flags & waits) != waits;
}

/* A zero frame from the page allocator, not handed out yet. Sleeps iff the request allows it. */
PL_INLINE enum pl_status tables_take(struct tables *tables, struct pl_cpu *cpu,
                                     const struct pl_request *request, struct pl_run *run)
{
    struct pl_request single = *request;
    single.order = 0;
    single.flags |= PL_REQUEST_ZERO;
    enum pl_status status = tables->page.ops->alloc(tables->page.self, cpu, &single, run);
    if (status != PL_OK)
        return status;
    PL_ASSERT(run->frame_count == 1);
    if ((run->flags & PL_RUN_ZERO) == 0)
        memset(pl_frame_address(tables->machine, run->first), 0, PL_FRAME_BYTES);
    run->flags |= PL_RUN_ZERO;
    return PL_OK;
}

/* Back to the page allocator. */
PL_INLINE enum pl_status tables_give(struct tables *tables, struct pl_cpu *cpu, const struct pl_run *run,
                                     bool zero)
{
    struct pl_run own = *run;
    own.flags = (own.flags & ~PL_RUN_ZERO) | (zero ? PL_RUN_ZERO : 0);
    return tables->page.ops->free(tables->page.self, cpu, &own);
}

PL_INLINE void tables_hand_out(struct tables *tables, const struct pl_run *run)
{
    PL_ASSERT(!marks_test(&tables->live, run->first));
    marks_set(&tables->live, run->first);
    atomic_fetch_add_explicit(&tables->live_count, 1, memory_order_relaxed);
}

/* False, and nothing changed, if it is no table. */
PL_INLINE bool tables_take_in(struct tables *tables, const struct pl_run *run)
{
    if (run->frame_count != 1 || !marks_clear(&tables->live, run->first))
        return false;
    atomic_fetch_sub_explicit(&tables->live_count, 1, memory_order_relaxed);
    return true;
}

PL_INLINE uint64_t tables_live_count(const struct tables *tables)
{
    return atomic_load_explicit(&tables->live_count, memory_order_relaxed);
}

/* One line: "<who>: frame 0x... <problem>". */
PL_INLINE void tables_broken(struct pl_visitor *visitor, uint64_t *broken, const char *who, uint64_t number,
                             const char *problem)
{
    char words[160];
    snprintf(words, sizeof(words), "%s: 0x%llx %s", who, (unsigned long long)number, problem);
    visitor->broken(visitor, words);
    ++*broken;
}

PL_INLINE uint64_t tables_audit(const struct tables *tables, struct pl_visitor *visitor, const char *who)
{
    uint64_t broken = 0;
    if (marks_count(&tables->live) != tables_live_count(tables))
        tables_broken(visitor, &broken, who, tables_live_count(tables), "tables are counted, but not marked");
    return broken;
}

#endif
