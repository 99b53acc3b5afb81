/* tables-*: the lent table memory alone: one table at a time, as many at once as an area may need, and those
 * that can still be had when the candidate has nothing left (what counts there is the failures). Each table
 * gets one entry, as it would. */
#include "bench/workloads/stand.h"

#define DRY 1u

struct tables_bench {
    struct stand stand;
    struct pl_run *runs; /* in stand.memory */
    uint64_t count;
};

/* Whatever class NORMAL gets. */
static void take_all(struct tables_bench *bench)
{
    struct pl_page page = gate_page(&bench->stand.gate);
    const struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_run run;
    while (page.ops->alloc(page.self, bench->stand.cpu, &request, &run) == PL_OK) {
    }
}

static bool tables_prepare(struct cell *cell)
{
    uint64_t count = UINT64_C(1) << cell->params.order;
    if (count > STAND_MACHINE_BYTES / PL_FRAME_BYTES / 4)
        return workload_cannot(cell, "%llu tables: more than a quarter of the machine",
                               (unsigned long long)count);
    struct tables_bench *bench = stand_new(cell, sizeof(*bench), count * sizeof(*bench->runs));
    if (bench == NULL)
        return false;
    bench->runs = bench->stand.memory;
    bench->count = count;
    if (cell->workload->choice == DRY)
        take_all(bench);
    return stand_ready(cell, &bench->stand);
}

static void tables_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct tables_bench *bench = cell->shared;
    const struct pl_page_table *tables = &bench->stand.lent.tables;
    const struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_cpu *cpu = bench->stand.cpu;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        uint64_t got = 0;
        while (got < bench->count &&
               tables->ops->table_get(tables->self, cpu, &request, &bench->runs[got]) == PL_OK) {
            *(volatile unsigned char *)pl_frame_address(cell->machine, bench->runs[got].first) = 1;
            got++;
        }
        failures += got < bench->count;
        while (got > 0)
            failures += tables->ops->table_put(tables->self, cpu, &bench->runs[--got]) != PL_OK;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

#define OF_SIZE(NAME, SUMMARY, PAGES, ORDER, CHOICE)                                                         \
    {                                                                                                        \
        .name = NAME,                                                                                        \
        .summary = SUMMARY,                                                                                  \
        .section = SECTION_SERVICES,                                                                         \
        .takes_pages = PAGES,                                                                                \
        .needs_contents = true,                                                                              \
        .default_order = ORDER,                                                                              \
        .choice = CHOICE,                                                                                    \
        .memory_bytes = STAND_MACHINE_BYTES,                                                                 \
        .prepare = tables_prepare,                                                                           \
        .body = tables_body,                                                                                 \
        .drop = stand_drop,                                                                                  \
    }

const struct workload workloads_tables[WORKLOADS_TABLES] = {
    OF_SIZE("tables-churn", "tables=: get a table and put it back", false, 0, 0),
    OF_SIZE("tables-burst", "tables=: get 2^ORDER tables, then put them all back", true, 5, 0),
    OF_SIZE("tables-dry", "tables=: the same where no frame is left for class NORMAL", true, 3, DRY),
};
