/* orb-fixed, orb-growing: SBP-2's setCommandBuffers of a scattered buffer. With a table that was allocated
 * beforehand it is walking and writing; without, the table is allocated in every call, which is what
 * allocatePageTable is there to spare the paging path.
 *
 * The buffer is a descriptor of the workload's own: single frames, each below the one before it, so that
 * there is an entry a page whatever the candidate hands out. Another ORB lives all the time, so that the
 * pages of small objects are not made and given back with every table. */
#include <stdlib.h>

#include "bench/workloads/stand.h"
#include "systems/sbp2/sbp2.h"

#define RUNS_PER_TABLE 64u
#define GROWING        1u

struct scattered {
    struct iokit_memory memory; /* first: it is a descriptor */
    uint64_t pages;
    pl_frame frames[]; /* descending */
};

struct orb_bench {
    struct stand stand;
    struct sbp2 *login;
    struct sbp2_orb *orb;
    struct scattered *buffer;
};

/* --- the descriptor --- */

static uint32_t scattered_wire(struct iokit_memory *self, struct pl_cpu *cpu, uint32_t direction)
{
    (void)self;
    (void)cpu;
    (void)direction;
    return IOKIT_SUCCESS;
}

static void scattered_unwire(struct iokit_memory *self, struct pl_cpu *cpu)
{
    (void)self;
    (void)cpu;
}

static uint64_t scattered_segment(const struct iokit_memory *self, uint64_t offset, uint64_t *bytes)
{
    const struct scattered *buffer = (const struct scattered *)(const void *)self;
    uint64_t inside = offset % PL_FRAME_BYTES;
    *bytes = PL_FRAME_BYTES - inside;
    return buffer->frames[offset / PL_FRAME_BYTES].number * PL_FRAME_BYTES + inside;
}

static unsigned char *scattered_touch(struct iokit_memory *self, struct pl_cpu *cpu, uint64_t offset,
                                      bool write, uint64_t *bytes)
{
    (void)cpu;
    (void)write;
    const struct scattered *buffer = (const struct scattered *)(const void *)self;
    uint64_t inside = offset % PL_FRAME_BYTES;
    *bytes = PL_FRAME_BYTES - inside;
    return gate_bytes(self->system->config.gate, buffer->frames[offset / PL_FRAME_BYTES]) + inside;
}

static const struct iokit_memory_ops scattered_ops = {
    .kind = "scattered",
    .wire = scattered_wire,
    .unwire = scattered_unwire,
    .segment = scattered_segment,
    .touch = scattered_touch,
    .destroy = scattered_unwire,
};

static int descending(const void *a, const void *b)
{
    uint64_t x = ((const pl_frame *)a)->number;
    uint64_t y = ((const pl_frame *)b)->number;
    return (x < y) - (x > y);
}

static bool scatter(struct cell *cell, struct orb_bench *bench, uint64_t pages)
{
    struct pl_page from = gate_page(&bench->stand.gate);
    struct pl_request request = {.node = PL_NODE_ANY};
    struct scattered *buffer = bench->buffer;
    while (buffer->pages < pages) {
        struct pl_run run;
        if (from.ops->alloc(from.self, bench->stand.cpu, &request, &run) != PL_OK)
            return workload_cannot(cell, "no memory for a buffer of %llu pages", (unsigned long long)pages);
        /* Address 0 is no segment to the original. */
        if (run.first.number != 0)
            buffer->frames[buffer->pages++] = run.first;
    }
    qsort(buffer->frames, pages, sizeof(buffer->frames[0]), descending);
    iokit_memory_init(&buffer->memory, &scattered_ops, bench->stand.iokit, pages * PL_FRAME_BYTES,
                      IOKIT_DIRECTION_OUT);
    return iokit_memory_prepare(&buffer->memory, bench->stand.cpu, IOKIT_DIRECTION_NONE) == IOKIT_SUCCESS ||
           stand_cannot(cell, &bench->stand, "the buffer cannot be prepared");
}

/* --- the workload --- */

static bool make_orb(struct cell *cell, struct orb_bench *bench, const struct sbp2_config *config,
                     uint32_t pages)
{
    struct pl_cpu *cpu = bench->stand.cpu;
    bench->login = sbp2_init((unsigned char *)bench->stand.memory, config);
    struct sbp2_orb *other = sbp2_orb_new(bench->login, cpu);
    bench->orb = sbp2_orb_new(bench->login, cpu);
    if (other == NULL || bench->orb == NULL)
        return stand_cannot(cell, &bench->stand, "no memory for two ORBs");
    if (cell->workload->choice != GROWING) {
        if (sbp2_orb_allocate_page_table(bench->login, cpu, bench->orb, pages) != IOKIT_SUCCESS)
            return stand_cannot(cell, &bench->stand, "no memory for the page table");
        sbp2_orb_set_flags(bench->login, bench->orb, SBP2_NORMAL_ORB | SBP2_FIXED_SIZE);
    }
    if (sbp2_orb_set_command_buffers(bench->login, cpu, bench->orb, &bench->buffer->memory, 0, 0) !=
            IOKIT_SUCCESS ||
        sbp2_orb_entries_in_use(bench->login, bench->orb) != (pages == 1 ? 0 : pages))
        return stand_cannot(cell, &bench->stand, "the ORB does not take the buffer, an entry a page");
    return true;
}

static bool orb_prepare(struct cell *cell)
{
    uint64_t pages = UINT64_C(1) << cell->params.order;
    struct sbp2_config config = {
        .contract = CONTRACT_DOC,
        .orb_limit = 2,
        .runs_per_table = RUNS_PER_TABLE,
        .command_bytes_max = 16,
        .node_id = 0xffc0,
        .speed = 2,
    };
    if (pages > SBP2_ENTRY_COUNT_MAX)
        return workload_cannot(cell, "a page table has at most %u entries", SBP2_ENTRY_COUNT_MAX);
    struct orb_bench *bench = stand_new(cell, sizeof(*bench), sbp2_bytes(&config));
    if (bench == NULL || !stand_iokit(cell, &bench->stand))
        return false;
    config.gate = &bench->stand.gate;
    config.buffer = bench->stand.lent.buffer;
    config.iokit = bench->stand.iokit;
    config.trap = &bench->stand.trap;
    bench->buffer = calloc(1, sizeof(*bench->buffer) + pages * sizeof(bench->buffer->frames[0]));
    if (bench->buffer == NULL)
        return workload_cannot(cell, "out of memory");
    return scatter(cell, bench, pages) && make_orb(cell, bench, &config, (uint32_t)pages) &&
           stand_ready(cell, &bench->stand);
}

static void orb_drop(struct cell *cell)
{
    struct orb_bench *bench = cell->shared;
    if (bench != NULL)
        free(bench->buffer);
    stand_drop(cell);
}

static void orb_fixed_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct orb_bench *bench = cell->shared;
    struct pl_cpu *cpu = bench->stand.cpu;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        failures += sbp2_orb_set_command_buffers(bench->login, cpu, bench->orb, &bench->buffer->memory, 0,
                                                 0) != IOKIT_SUCCESS;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

/* A table never shrinks by itself, so each round begins without one. */
static void orb_growing_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct orb_bench *bench = cell->shared;
    struct pl_cpu *cpu = bench->stand.cpu;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        sbp2_orb_deallocate_page_table(bench->login, cpu, bench->orb);
        failures += sbp2_orb_set_command_buffers(bench->login, cpu, bench->orb, &bench->buffer->memory, 0,
                                                 0) != IOKIT_SUCCESS;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

const struct workload workloads_orb[WORKLOADS_ORB] = {
    {
        .name = "orb-fixed",
        .summary =
            "SBP-2: setCommandBuffers of 2^ORDER scattered pages into a preallocated table of fixed size",
        .section = SECTION_SYSTEMS,
        .takes_pages = true,
        .needs_contents = true,
        .default_order = 4,
        .memory_bytes = STAND_MACHINE_BYTES,
        .prepare = orb_prepare,
        .body = orb_fixed_body,
        .drop = orb_drop,
    },
    {
        .name = "orb-growing",
        .summary = "SBP-2: the same with a table that has to be allocated each time",
        .section = SECTION_SYSTEMS,
        .takes_pages = true,
        .needs_contents = true,
        .default_order = 4,
        .choice = GROWING,
        .memory_bytes = STAND_MACHINE_BYTES,
        .prepare = orb_prepare,
        .body = orb_growing_body,
        .drop = orb_drop,
    },
};
