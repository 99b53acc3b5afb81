/* area-alloc, area-map: Linux's alloc_vm_area. What it costs to have an area and its tables, and what it
 * costs then to put a page there and take it away: two stores, and no allocator.
 *
 * A second area lives all the time, so that the page of descriptors and the upper tables are not made and
 * given back with every area; no kernel has only one. */
#include "systems/linux/area.h"
#include "bench/workloads/stand.h"

struct area_bench {
    struct stand stand;
    struct linux_mm mm;
    uint64_t **ptes; /* in stand.memory */
    uint64_t pages;
    uint64_t entry; /* area-map: names the frame that is mapped */
};

static struct area_bench *area_open(struct cell *cell)
{
    uint64_t pages = UINT64_C(1) << cell->params.order;
    if (pages > STAND_WINDOW_BYTES / PL_FRAME_BYTES / 4) {
        (void)workload_cannot(cell, "%llu pages: more than a quarter of the window of addresses",
                              (unsigned long long)pages);
        return NULL;
    }
    struct area_bench *bench = stand_new(cell, sizeof(*bench), pages * sizeof(*bench->ptes));
    if (bench == NULL)
        return NULL;
    struct linux_mm_config config = {
        .contract = CONTRACT_DOC,
        .trap = &bench->stand.trap,
        .gates = {&bench->stand.gate},
        .node_count = 1,
        .va = bench->stand.lent.va,
        .tables = bench->stand.lent.tables,
        .window_addr = STAND_WINDOW_ADDR,
        .window_bytes = STAND_WINDOW_BYTES,
    };
    linux_mm_init(&bench->mm, &config);
    bench->ptes = bench->stand.memory;
    bench->pages = pages;
    if (linux_alloc_vm_area(&bench->mm, bench->stand.cpu, PL_FRAME_BYTES, NULL) != NULL)
        return bench;
    (void)stand_cannot(cell, &bench->stand, "no memory for an area of one page");
    return NULL;
}

static bool area_alloc_prepare(struct cell *cell)
{
    struct area_bench *bench = area_open(cell);
    return bench != NULL && stand_ready(cell, &bench->stand);
}

static void area_alloc_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct area_bench *bench = cell->shared;
    uint64_t bytes = bench->pages * PL_FRAME_BYTES;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        struct linux_area *area = linux_alloc_vm_area(&bench->mm, bench->stand.cpu, bytes, bench->ptes);
        if (PL_LIKELY(area != NULL))
            linux_free_vm_area(&bench->mm, bench->stand.cpu, area);
        else
            failures++;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

static bool area_map_prepare(struct cell *cell)
{
    struct area_bench *bench = area_open(cell);
    if (bench == NULL)
        return false;
    struct pl_page from = gate_page(&bench->stand.gate);
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_run run = {0};
    if (from.ops->alloc(from.self, bench->stand.cpu, &request, &run) != PL_OK)
        return workload_cannot(cell, "no frame to map");
    if (linux_alloc_vm_area(&bench->mm, bench->stand.cpu, bench->pages * PL_FRAME_BYTES, bench->ptes) == NULL)
        return stand_cannot(cell, &bench->stand, "no memory for the area");
    bench->entry = linux_entry_of(run.first);
    return stand_ready(cell, &bench->stand);
}

static void area_map_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    (void)workload_thread(cell, state);
    struct area_bench *bench = cell->shared;
    uint64_t mask = bench->pages - 1;
    uint64_t page = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        linux_set_pte(bench->ptes[page], bench->entry);
        linux_set_pte(bench->ptes[page], 0);
        page = (page + 1) & mask;
    }
    stand_stop(cell, &bench->stand, state);
}

const struct workload workloads_area[WORKLOADS_AREA] = {
    {
        .name = "area-alloc",
        .summary = "Linux: alloc_vm_area of 2^ORDER pages with their ptes, and free_vm_area",
        .section = SECTION_SYSTEMS,
        .takes_pages = true,
        .needs_contents = true,
        .default_order = 4,
        .memory_bytes = STAND_MACHINE_BYTES,
        .prepare = area_alloc_prepare,
        .body = area_alloc_body,
        .drop = stand_drop,
    },
    {
        .name = "area-map",
        .summary = "Linux: map and unmap a page of an area of 2^ORDER pages through its preallocated ptes",
        .section = SECTION_SYSTEMS,
        .takes_pages = true,
        .needs_contents = true,
        .default_order = 9,
        .memory_bytes = STAND_MACHINE_BYTES,
        .prepare = area_map_prepare,
        .body = area_map_body,
        .drop = stand_drop,
    },
};
