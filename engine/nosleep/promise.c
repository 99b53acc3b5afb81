/* Promises not to allocate, on every candidate: the gate counts what reaches its allocator while the calls
 * run, as everywhere, and their system calls are noted besides. Mapping also promises not to sleep; an
 * ORB's setCommandBuffers does not, for it may wait for its turn. */
#include <stdlib.h>

#include "engine/lent.h"
#include "engine/nosleep/watch.h"
#include "engine/runner.h"
#include "systems/iokit/iokit.h"
#include "systems/linux/area.h"
#include "systems/sbp2/sbp2.h"

#define FRAMES       1024u
#define PAGES        16u
#define ROUNDS       64u
#define WINDOW_ADDR  UINT64_C(0xffffc90000000000)
#define WINDOW_BYTES (UINT64_C(16) << 20)

struct desk {
    struct watch *watch;
    struct runner runner; /* its machine and instance only */
    struct pageout pageout;
    struct gate gate;
    struct trap trap;
    struct lent lent;
    struct pl_cpu *cpu;
    struct linux_mm mm;
    struct iokit iokit;
};

static uint64_t gate_count_calls(const struct desk *desk)
{
    return desk->gate.calls + desk->gate.frees;
}

static bool desk_open(struct desk *desk, const struct watch_job *job)
{
    struct native_shape shape = {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 1};
    struct spec_error error = {""};
    const struct pl_candidate *base = spec_base(job->spec);
    desk->watch = job->watch;
    if (base->kind == PL_KIND_FLOOR && !(base->page->caps & PL_CAP_ALL_FRAMES))
        return watch_cannot(desk->watch, "a rod that gives the same frame to everybody");
    runner_fit_shape(job->spec, &shape);
    shape.contents = true;
    struct runner *runner = &desk->runner;
    if (runner_init(runner, job->spec, &shape, &error) != PL_OK)
        return watch_cannot(desk->watch, "%.150s", error.text);
    native_watch_sleep(runner->native, watch_sleep, desk->watch);
    admission_init(&runner->admission, runner->instance.page, runner->machine, ADMISSION_EXACT);
    pageout_init(&desk->pageout);
    gate_init(&desk->gate, &runner->admission, runner->machine, &desk->pageout, 0);
    if (lent_init(&desk->lent, job->spec, runner->machine, gate_page(&desk->gate), WINDOW_ADDR, WINDOW_BYTES,
                  &error) != PL_OK)
        return watch_cannot(desk->watch, "%.150s", error.text);
    desk->cpu = native_cpu(runner->native, 0);
    lent_start(&desk->lent, desk->cpu);
    watch_start(desk->watch, desk->cpu);
    return true;
}

static void desk_close(struct desk *desk)
{
    watch_stop(desk->watch);
    if (desk->lent.live)
        lent_fini(&desk->lent);
    if (desk->runner.native != NULL)
        runner_fini(&desk->runner);
}

/* Around one call that promised to allocate nothing. May it sleep, for another reason? */
static void begin(struct desk *desk, bool may_sleep)
{
    desk->watch->cpus[0].calls++;
    desk->watch->allocator_calls -= gate_count_calls(desk);
    desk->watch->armed = true;
    watch_enter(&desk->watch->cpus[0], desk->cpu);
    if (may_sleep)
        desk->cpu->no_sleep_depth = 0;
}

static void end(struct desk *desk)
{
    watch_leave(&desk->watch->cpus[0], desk->cpu);
    desk->watch->armed = false;
    desk->watch->allocator_calls += gate_count_calls(desk);
}

/* Linux: alloc_vm_area gave the tables and the ptes beforehand; mapping is storing. */
static bool run_map(struct desk *desk)
{
    static uint64_t *ptes[PAGES];
    struct linux_mm_config config = {
        .contract = CONTRACT_DOC,
        .trap = &desk->trap,
        .gates = {&desk->gate},
        .node_count = 1,
        .va = desk->lent.va,
        .tables = desk->lent.tables,
        .window_addr = WINDOW_ADDR,
        .window_bytes = WINDOW_BYTES,
    };
    struct pl_page page = gate_page(&desk->gate);
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_run run = {0};
    linux_mm_init(&desk->mm, &config);
    if (page.ops->alloc(page.self, desk->cpu, &request, &run) != PL_OK ||
        linux_alloc_vm_area(&desk->mm, desk->cpu, PAGES * PL_FRAME_BYTES, ptes) == NULL)
        return watch_cannot(desk->watch, "no memory for an area of %u pages", PAGES);
    for (unsigned i = 0; i < ROUNDS; i++) {
        begin(desk, false);
        linux_set_pte(ptes[i % PAGES], linux_entry_of(run.first));
        end(desk);
        begin(desk, false);
        linux_set_pte(ptes[i % PAGES], 0);
        end(desk);
    }
    return true;
}

/* Address 0 is no segment to an ORB, so a buffer that got frame 0 keeps it and another one is made. */
static struct iokit_memory *make_buffer(struct desk *desk, uint64_t bytes)
{
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        bool has_zero = false;
        struct iokit_memory *memory =
            iokit_buffer_with_options(&desk->iokit, desk->cpu, IOKIT_DIRECTION_OUT, bytes, 1);
        if (memory == NULL || iokit_memory_prepare(memory, desk->cpu, IOKIT_DIRECTION_NONE) != IOKIT_SUCCESS)
            return NULL;
        for (uint64_t page = 0; page < bytes / PL_FRAME_BYTES; page++)
            has_zero = has_zero || iokit_buffer_frame(memory, page).number == 0;
        if (!has_zero)
            return memory;
    }
    return NULL;
}

/* SBP-2: the ORB's page table is there, of fixed size; setting command buffers is walking and writing. */
static bool set_buffers(struct desk *desk, struct sbp2 *login)
{
    uint64_t bytes = PAGES * PL_FRAME_BYTES;
    struct sbp2_orb *orb = sbp2_orb_new(login, desk->cpu);
    struct iokit_memory *memory = make_buffer(desk, bytes);
    if (orb == NULL || memory == NULL ||
        sbp2_orb_allocate_page_table(login, desk->cpu, orb, 2 * PAGES) != IOKIT_SUCCESS)
        return watch_cannot(desk->watch, "no memory for an ORB and a buffer of %u pages", PAGES);
    sbp2_orb_set_flags(login, orb, SBP2_NORMAL_ORB | SBP2_FIXED_SIZE);
    for (unsigned i = 0; i < ROUNDS; i++) {
        begin(desk, true);
        uint32_t status = sbp2_orb_set_command_buffers(login, desk->cpu, orb, memory, i, bytes - i);
        end(desk);
        if (status != IOKIT_SUCCESS)
            return watch_cannot(desk->watch, "the ORB does not take the buffer: 0x%x %.100s", status,
                                desk->trap.words);
    }
    return true;
}

static bool run_orb(struct desk *desk)
{
    struct sbp2_config config = {
        .contract = CONTRACT_DOC,
        .gate = &desk->gate,
        .buffer = desk->lent.buffer,
        .iokit = &desk->iokit,
        .trap = &desk->trap,
        .orb_limit = 2,
        .runs_per_table = PAGES,
        .command_bytes_max = 16,
        .node_id = 0xffc0,
        .speed = 2,
    };
    struct iokit_config iokit_config = {
        .contract = CONTRACT_DOC, .gate = &desk->gate, .buffer = desk->lent.buffer, .trap = &desk->trap};
    size_t iokit_size = (iokit_bytes(desk->runner.machine, 0) + 63) / 64 * 64;
    void *iokit_memory = aligned_alloc(64, iokit_size);
    void *login_memory = calloc(1, sbp2_bytes(&config) + 1);
    bool done = iokit_memory != NULL && login_memory != NULL;
    if (done) {
        iokit_init(&desk->iokit, &iokit_config, iokit_memory);
        done = set_buffers(desk, sbp2_init(login_memory, &config));
    } else {
        (void)watch_cannot(desk->watch, "out of memory");
    }
    free(iokit_memory);
    free(login_memory);
    return done;
}

void watch_promise(const struct watch_job *job)
{
    static struct desk desk;
    if (desk_open(&desk, job))
        (void)(job->scenario == NOSLEEP_MAP ? run_map(&desk) : run_orb(&desk));
    watch_report(desk.watch);
    desk_close(&desk);
}
