/* The zones straight at their calls: who sleeps, who is trapped, which node, which frames, and that whatever
 * fails leaves everything as it was. */
#include "tests/unit/unit.h"

#include <string.h>

#include "systems/linux/zone.h"

#define NODE_FRAMES (UINT64_C(1) << 32)

/* Two nodes of 256 frames: min 32, low 40, high 48. */
struct world {
    struct rig rigs[2];
    struct gate gates[2];
    struct pageout pageout;
    struct trap trap;
    struct linux_zones zones;
    uint8_t pages[2][256];
    struct pl_cpu *cpu;
    struct pl_run taken[512];
    unsigned taken_count;
    pl_frame spare[8]; /* what the page daemon can have */
    unsigned spare_count;
};

static void world_open(struct world *world, uint32_t node_count)
{
    static const struct native_shape shape = {
        .ranges = {{.frame_count = 256}}, .range_count = 1, .cpu_count = 2, .contents = true};
    memset(world, 0, sizeof(*world));
    pageout_init(&world->pageout);
    linux_zones_init(&world->zones, &world->trap);
    for (uint32_t i = 0; i < node_count; i++) {
        struct rig *rig = &world->rigs[i];
        rig_open_shape(rig, "reference", &shape, ADMISSION_EXACT);
        gate_init(&world->gates[i], &rig->admission, rig->machine, &world->pageout, i * NODE_FRAMES);
        linux_zones_add(&world->zones, &world->gates[i], rig->machine, world->pages[i], true, PL_ORDER_LIMIT);
    }
    world->cpu = world->rigs[0].cpu;
}

static void world_close(struct world *world)
{
    for (uint32_t i = 0; i < world->zones.node_count; i++)
        rig_close(&world->rigs[i]);
}

/* Takes frames of a node past its watermarks until so many are free. */
static void leave(struct world *world, uint32_t node, uint64_t free_frames)
{
    struct pl_page page = gate_page(&world->gates[node]);
    struct pl_request request = {.alloc_class = PL_CLASS_INTERRUPT, .node = PL_NODE_ANY};
    while (gate_free_frames(&world->gates[node]) > free_frames)
        assert_int_equal(
            page.ops->alloc(page.self, world->cpu, &request, &world->taken[world->taken_count++]), PL_OK);
}

static enum pl_status grab(struct world *world, uint32_t gfp, uint32_t order, struct pl_run *run)
{
    return linux_alloc_pages(&world->zones, world->cpu, 0, gfp, order, run);
}

static void check_trapped(struct world *world, const char *rule, uint64_t count)
{
    assert_int_equal(world->trap.count, count);
    assert_string_equal(world->trap.rule, rule);
}

/* --- the calls --- */

/* Every order that fits, zeroed and not.
 * Expect aligned blocks whose head alone says its order, zero bytes where asked, all free again in the end.
 */
static void test_alloc_and_free(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1);
    memset(gate_bytes(&world.gates[0], pl_frame_at(0)), 0xa5, 256 * PL_FRAME_BYTES);
    for (uint32_t order = 0; order <= 6; order++) {
        struct pl_run run = {0};
        uint32_t says = 99;
        uint32_t gfp = order % 2 == 0 ? LINUX_GFP_KERNEL : LINUX_GFP_KERNEL | LINUX_GFP_ZERO;
        assert_int_equal(grab(&world, gfp, order, &run), PL_OK);
        assert_int_equal(run.frame_count, 1u << order);
        assert_int_equal(run.first.number % run.frame_count, 0);
        assert_true(linux_page_is_head(&world.zones, run.first, &says) && says == order);
        if (order > 0)
            assert_false(linux_page_is_head(&world.zones, pl_frame_at(run.first.number + 1), &says));
        const unsigned char *bytes = gate_bytes(&world.gates[0], run.first);
        for (uint64_t i = 0; i < run.frame_count * PL_FRAME_BYTES; i++)
            assert_int_equal(bytes[i], order % 2 == 0 ? 0xa5 : 0);
        assert_int_equal(world.zones.nodes[0].allocated, run.frame_count);
        assert_int_equal(linux_free_pages(&world.zones, world.cpu, run.first, order), PL_OK);
        memset(gate_bytes(&world.gates[0], pl_frame_at(0)), 0xa5, 256 * PL_FRAME_BYTES);
        assert_int_equal(linux_zone_free_frames(&world.zones.nodes[0]), 256);
    }
    assert_int_equal(world.trap.count, 0);
    assert_int_equal(world.gates[0].held, 0);
    world_close(&world);
}

/* Orders beyond the machine, the candidate, the interface. Expect no memory, nothing changed, nothing
 * trapped. */
static void test_orders_too_large(void **state)
{
    static const uint32_t orders[] = {8, 9, PL_ORDER_LIMIT, PL_ORDER_LIMIT + 1, 63, 64, 65, UINT32_MAX};
    struct world world;
    (void)state;
    world_open(&world, 2);
    for (size_t i = 0; i < PL_COUNT_OF(orders); i++) {
        struct pl_run run = {0};
        assert_int_equal(grab(&world, LINUX_GFP_ATOMIC | LINUX_GFP_MEMALLOC, orders[i], &run),
                         orders[i] == 8 ? PL_OK : PL_NO_MEMORY);
        if (orders[i] == 8)
            assert_int_equal(linux_free_pages(&world.zones, world.cpu, run.first, 8), PL_OK);
        assert_int_equal(linux_zone_free_frames(&world.zones.nodes[0]), 256);
    }
    assert_int_equal(world.trap.count, 0);
    world_close(&world);
}

/* Wrong frees of a block of order 2. Expect each trapped by X-10 and the block still there; a second right
 * one trapped, too. */
static void test_wrong_frees(void **state)
{
    static const struct {
        uint64_t offset;
        uint32_t order;
    } wrong[] = {{0, 1},   {0, 3},           {0, 0},          {1, 0},  {2, 1}, {4, 0},
                 {256, 0}, {NODE_FRAMES, 2}, {UINT64_MAX, 0}, {0, 26}, {0, 64}};
    struct world world;
    struct pl_run run = {0};
    (void)state;
    world_open(&world, 1);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 2, &run), PL_OK);
    uint64_t frees = world.gates[0].frees;
    for (size_t i = 0; i < PL_COUNT_OF(wrong); i++) {
        assert_int_equal(linux_free_pages(&world.zones, world.cpu,
                                          pl_frame_at(run.first.number + wrong[i].offset), wrong[i].order),
                         PL_REFUSED);
        check_trapped(&world, "X-10", i + 1);
    }
    assert_int_equal(world.gates[0].frees, frees);
    assert_int_equal(world.zones.nodes[0].allocated, 4);
    assert_int_equal(linux_free_pages(&world.zones, world.cpu, run.first, 2), PL_OK);
    assert_int_equal(linux_free_pages(&world.zones, world.cpu, run.first, 2), PL_REFUSED);
    assert_int_equal(world.zones.nodes[0].allocated, 0);
    world_close(&world);
}

/* Masks that may sleep, at every level above a task's; bits and nodes that do not exist.
 * Expect a trap each, nothing done; and the same mask without DIRECT_RECLAIM to succeed there. */
static void test_illegal_masks(void **state)
{
    static const uint32_t sleeping[] = {LINUX_GFP_KERNEL, LINUX_GFP_NOIO, LINUX_GFP_NOFS,
                                        LINUX_GFP_DIRECT_RECLAIM};
    struct world world;
    struct pl_run run = {0};
    uint64_t traps = 0;
    (void)state;
    world_open(&world, 2);
    for (unsigned context = PL_CONTEXT_SOFTIRQ; context <= PL_CONTEXT_NMI; context++) {
        world.cpu->context = context;
        for (size_t i = 0; i < PL_COUNT_OF(sleeping); i++) {
            assert_int_equal(grab(&world, sleeping[i], 0, &run), PL_INVALID);
            check_trapped(&world, "L-17", ++traps);
        }
        assert_int_equal(grab(&world, LINUX_GFP_ATOMIC, 0, &run), PL_OK);
        assert_int_equal(linux_free_pages(&world.zones, world.cpu, run.first, 0), PL_OK);
    }
    world.cpu->context = PL_CONTEXT_TASK;
    assert_int_equal(grab(&world, 0x200, 0, &run), PL_INVALID);
    check_trapped(&world, "3.4", ++traps);
    assert_int_equal(grab(&world, 0x800000, 0, &run), PL_INVALID);
    check_trapped(&world, "3.4", ++traps);
    assert_int_equal(linux_alloc_pages(&world.zones, world.cpu, 2, LINUX_GFP_KERNEL, 0, &run), PL_INVALID);
    check_trapped(&world, "3.3", ++traps);
    assert_int_equal(world.gates[0].held + world.gates[1].held, 0);
    world_close(&world);
}

/* --- the edges --- */

/* Each kind of caller on the candidate at the first free count that is refused, and one above. */
static void test_edges(void **state)
{
    static const struct {
        uint32_t gfp;
        struct linux_task task;
        uint64_t floor;
    } rows[] = {
        {LINUX_GFP_NOWAIT, {0}, 32},
        {LINUX_GFP_KERNEL | LINUX_GFP_NORETRY, {0}, 32},
        {LINUX_GFP_KERNEL | LINUX_GFP_NORETRY, {.realtime = true}, 16},
        {LINUX_GFP_HIGH | LINUX_GFP_NOMEMALLOC, {0}, 16},
        {LINUX_GFP_ATOMIC, {0}, 12},
        {LINUX_GFP_KERNEL | LINUX_GFP_NORETRY, {.oom_victim = true}, 16},
        {LINUX_GFP_ATOMIC, {.oom_victim = true}, 6},
        {LINUX_GFP_NOWAIT | LINUX_GFP_HIGHMEM, {0}, 40},
    };
    struct world world;
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        struct pl_run run = {0};
        world_open(&world, 1);
        world.zones.task = rows[i].task;
        leave(&world, 0, rows[i].floor + 1);
        assert_int_equal(grab(&world, rows[i].gfp, 0, &run), PL_OK);
        assert_int_equal(grab(&world, rows[i].gfp, 0, &run), PL_NO_MEMORY);
        assert_int_equal(gate_free_frames(&world.gates[0]), rows[i].floor);
        assert_int_equal(grab(&world, LINUX_GFP_NOWAIT | LINUX_GFP_MEMALLOC, 0, &run), PL_OK);
        world_close(&world);
    }
}

/* NO_WATERMARKS takes the zone to 0, and not below. */
static void test_last_frame(void **state)
{
    struct world world;
    struct pl_run run = {0};
    (void)state;
    world_open(&world, 1);
    leave(&world, 0, 1);
    assert_int_equal(grab(&world, LINUX_GFP_ATOMIC, 0, &run), PL_NO_MEMORY);
    assert_int_equal(grab(&world, LINUX_GFP_MEMALLOC | LINUX_GFP_NOMEMALLOC, 0, &run), PL_NO_MEMORY);
    assert_int_equal(grab(&world, LINUX_GFP_MEMALLOC, 0, &run), PL_OK);
    assert_int_equal(gate_free_frames(&world.gates[0]), 0);
    assert_int_equal(grab(&world, LINUX_GFP_MEMALLOC, 0, &run), PL_NO_MEMORY);
    world_close(&world);
}

/* Node 0 refuses. Expect node 1's frames, by their own numbers, unless THISNODE; and the other way round. */
static void test_fallback(void **state)
{
    struct world world;
    struct pl_run run = {0};
    (void)state;
    world_open(&world, 2);
    leave(&world, 0, 20);
    assert_int_equal(grab(&world, LINUX_GFP_NOWAIT | LINUX_GFP_THISNODE, 0, &run), PL_NO_MEMORY);
    assert_int_equal(grab(&world, LINUX_GFP_NOWAIT, 0, &run), PL_OK);
    assert_true(run.first.number >= NODE_FRAMES && run.first.number < NODE_FRAMES + 256);
    assert_int_equal(linux_free_pages(&world.zones, world.cpu, run.first, 0), PL_OK);
    assert_int_equal(grab(&world, LINUX_GFP_ATOMIC | LINUX_GFP_THISNODE, 0, &run), PL_OK);
    assert_true(run.first.number < 256);
    leave(&world, 1, 0);
    assert_int_equal(linux_alloc_pages(&world.zones, world.cpu, 1, LINUX_GFP_ATOMIC, 0, &run), PL_OK);
    assert_true(run.first.number < 256);
    world_close(&world);
}

/* --- sleep --- */

static uint64_t give_spare(void *client, struct pl_cpu *cpu, uint64_t wanted)
{
    struct world *world = client;
    (void)wanted;
    if (world->spare_count == 0)
        return 0;
    assert_int_equal(linux_free_pages(&world->zones, cpu, world->spare[--world->spare_count], 0), PL_OK);
    return 1;
}

/* Nothing left but what the page daemon can take, one frame a pass. */
static void test_reclaim(void **state)
{
    struct world world;
    struct pl_run run = {0};
    (void)state;
    world_open(&world, 1);
    pageout_join(&world.pageout, give_spare, &world);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 0, &run), PL_OK);
        world.spare[world.spare_count++] = run.first;
    }
    leave(&world, 0, 30);
    /* Who may not sleep does not, and wakes the daemon only if the mask says so. */
    assert_int_equal(grab(&world, LINUX_GFP_NOWAIT, 0, &run), PL_NO_MEMORY);
    assert_int_equal(grab(&world, LINUX_GFP_NOFAIL, 0, &run), PL_NO_MEMORY);
    assert_int_equal(world.gates[0].sleeps + world.pageout.steps, 0);
    assert_int_equal(world.zones.daemon_wakes, 1);
    /* 30 free: three frames must come before KERNEL gets one; one retry is not enough. */
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL | LINUX_GFP_NORETRY, 0, &run), PL_NO_MEMORY);
    assert_int_equal(world.spare_count, 7);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 0, &run), PL_OK);
    assert_int_equal(world.spare_count, 5);
    assert_int_equal(world.gates[0].sleeps, 3);
    assert_int_equal(world.zones.direct_reclaims, 3);
    /* The rest goes for nothing: one frame short in the end. */
    leave(&world, 0, 20);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 0, &run), PL_NO_MEMORY);
    assert_int_equal(world.spare_count, 0);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL | LINUX_GFP_NOFAIL, 0, &run), PL_WOULD_SLEEP);
    assert_int_equal(world.gates[0].would_sleep, 1);
    assert_int_equal(gate_free_frames(&world.gates[0]), 25);
    world_close(&world);
}

/* Memory is there between MIN and LOW. Expect no sleep: only the daemon's bell. */
static void test_no_sleep_above_min(void **state)
{
    struct world world;
    struct pl_run run = {0};
    (void)state;
    world_open(&world, 1);
    leave(&world, 0, 41);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL | LINUX_GFP_RECLAIMABLE, 0, &run), PL_OK);
    assert_int_equal(world.zones.daemon_wakes, 0);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 0, &run), PL_OK);
    assert_int_equal(world.zones.daemon_wakes, 1);
    assert_int_equal(world.gates[0].sleeps, 0);
    world_close(&world);
}

/* --- exact pages --- */

/* Sizes around every edge. Expect the rounded number of single pages, each freed by itself, and no more. */
static void test_exact_sizes(void **state)
{
    static const struct {
        uint64_t bytes;
        uint64_t pages; /* 0: NULL */
    } rows[] = {
        {0, 0},
        {1, 1},
        {4095, 1},
        {4096, 1},
        {4097, 2},
        {8192, 2},
        {8193, 3},
        {12288, 3},
        {20480, 5},
        {65537, 17},
        {UINT64_C(128) * 4096, 128},
        {UINT64_C(128) * 4096 + 1, 0},
        {UINT64_MAX, 0},
        {UINT64_MAX - 4094, 0},
        {UINT64_MAX - 4095, 0},
        {UINT64_C(1) << 63, 0},
        {(UINT64_C(1) << 37) + 1, 0},
    };
    struct world world;
    (void)state;
    world_open(&world, 1);
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        pl_frame first = pl_frame_none();
        enum pl_status status =
            linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, rows[i].bytes, LINUX_GFP_ATOMIC, &first);
        assert_int_equal(status, rows[i].pages == 0 ? PL_NO_MEMORY : PL_OK);
        assert_int_equal(world.gates[0].held, rows[i].pages);
        assert_int_equal(world.zones.nodes[0].allocated, rows[i].pages);
        if (i % 2 == 0 && rows[i].pages != 0)
            assert_int_equal(linux_free_pages_exact(&world.zones, world.cpu, first, rows[i].bytes), PL_OK);
        for (uint64_t page = rows[i].pages; i % 2 != 0 && page > 0; page--)
            assert_int_equal(
                linux_free_pages(&world.zones, world.cpu, pl_frame_at(first.number + page - 1), 0), PL_OK);
        assert_int_equal(gate_free_frames(&world.gates[0]), 256);
    }
    assert_int_equal(world.trap.count, 0);
    world_close(&world);
}

/* Frees of exact pages with a wrong size, twice, and after one page went alone; masks that it does not take.
 */
static void test_exact_mistakes(void **state)
{
    static const uint64_t sizes[] = {0, UINT64_C(4) * 4096, UINT64_MAX, UINT64_MAX - 4095, UINT64_C(1) << 44};
    struct world world;
    pl_frame first = pl_frame_none();
    (void)state;
    world_open(&world, 1);
    assert_int_equal(linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, 12288, LINUX_GFP_KERNEL, &first),
                     PL_OK);
    for (size_t i = 0; i < PL_COUNT_OF(sizes); i++) {
        assert_int_equal(linux_free_pages_exact(&world.zones, world.cpu, first, sizes[i]), PL_REFUSED);
        check_trapped(&world, "X-10", i + 1);
        assert_int_equal(world.zones.nodes[0].allocated, 3);
    }
    assert_int_equal(linux_free_pages(&world.zones, world.cpu, pl_frame_at(first.number + 1), 0), PL_OK);
    assert_int_equal(linux_free_pages_exact(&world.zones, world.cpu, first, 12288), PL_REFUSED);
    assert_int_equal(world.zones.nodes[0].allocated, 2);
    assert_int_equal(linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, 4096,
                                                 LINUX_GFP_KERNEL | LINUX_GFP_COMP, &first),
                     PL_INVALID);
    check_trapped(&world, "3.3", PL_COUNT_OF(sizes) + 2);
    assert_int_equal(linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, 4096,
                                                 LINUX_GFP_KERNEL | LINUX_GFP_HIGHMEM, &first),
                     PL_INVALID);
    world_close(&world);
}

/* What can never be granted, or may not be asked. Expect no reclaim for the first, and the trap of the mask
 * before any other answer. */
static void test_hopeless(void **state)
{
    static const uint64_t sizes[] = {0, 4096, 8192, UINT64_MAX};
    struct world world;
    struct pl_run run = {0};
    pl_frame first = pl_frame_none();
    (void)state;
    world_open(&world, 2);
    world.zones.nodes[1].max_order = 3;
    const uint32_t nofail = LINUX_GFP_KERNEL | LINUX_GFP_NOFAIL;
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 9, &run), PL_NO_MEMORY);
    assert_int_equal(grab(&world, nofail, 20, &run), PL_NO_MEMORY);
    assert_int_equal(linux_alloc_pages(&world.zones, world.cpu, 1, nofail | LINUX_GFP_THISNODE, 4, &run),
                     PL_NO_MEMORY);
    assert_int_equal(world.gates[0].calls + world.gates[1].calls, 0);
    assert_int_equal(world.zones.direct_reclaims, 0);
    world.zones.nodes[0].can_split = false;
    world.cpu->context = PL_CONTEXT_HARDIRQ;
    for (size_t i = 0; i < PL_COUNT_OF(sizes); i++) {
        assert_int_equal(
            linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, sizes[i], LINUX_GFP_KERNEL, &first),
            PL_INVALID);
        check_trapped(&world, "L-17", i + 1);
    }
    world.cpu->context = PL_CONTEXT_TASK;
    world_close(&world);
}

/* A candidate that does not split. Expect one page to work, and more to be unsupported before any grant. */
static void test_exact_without_split(void **state)
{
    struct world world;
    pl_frame first = pl_frame_none();
    (void)state;
    world_open(&world, 1);
    world.zones.nodes[0].can_split = false;
    assert_int_equal(linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, 4097, LINUX_GFP_KERNEL, &first),
                     PL_UNSUPPORTED);
    assert_int_equal(world.gates[0].calls, 0);
    assert_int_equal(linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, 9, LINUX_GFP_KERNEL, &first),
                     PL_OK);
    assert_int_equal(linux_free_pages_exact(&world.zones, world.cpu, first, 9), PL_OK);
    world_close(&world);
}

/* The nth grant fails, for each n until the call succeeds. Expect nothing held after each failure. */
static void test_nth_grant_fails(void **state)
{
    struct world world;
    pl_frame first = pl_frame_none();
    enum pl_status status = PL_NO_MEMORY;
    uint64_t n = 0;
    (void)state;
    world_open(&world, 2);
    while (status != PL_OK) {
        /* Between MIN and LOW, on one node: each pass asks once. */
        leave(&world, 0, 38);
        world.gates[0].fail_in = ++n;
        status = linux_alloc_pages_exact_nid(&world.zones, world.cpu, 0, 8193,
                                             LINUX_GFP_NOWAIT | LINUX_GFP_THISNODE, &first);
        assert_int_equal(world.zones.nodes[0].allocated, status == PL_OK ? 3 : 0);
        assert_int_equal(gate_free_frames(&world.gates[0]), status == PL_OK ? 35 : 38);
        assert_true(n < 10);
    }
    assert_int_equal(n, 2);
    world_close(&world);
}

/* --- pageblocks for atomic requests --- */

/* Up to the cap and down to nothing. 256 frames: blocks of 8, a hundredth is 2, so one block. */
static void test_highatomic(void **state)
{
    struct world world;
    (void)state;
    world_open(&world, 1);
    struct linux_zone *zone = &world.zones.nodes[0];
    assert_int_equal(zone->pageblock_order, 3);
    assert_int_equal(linux_zone_highatomic_cap(zone), 8);
    assert_false(linux_zone_unreserve_highatomic(zone));
    assert_true(linux_zone_reserve_highatomic(zone));
    assert_false(linux_zone_reserve_highatomic(zone));
    assert_int_equal(zone->marks.reserved_highatomic, 8);
    assert_true(linux_zone_unreserve_highatomic(zone));
    assert_int_equal(zone->marks.reserved_highatomic, 0);
    world_close(&world);
}

/* After grants that nobody gave back. Expect reset to forget them, and the marks that were changed. */
static void test_reset(void **state)
{
    struct world world;
    struct pl_run run = {0};
    uint32_t order = 0;
    (void)state;
    world_open(&world, 1);
    assert_int_equal(grab(&world, LINUX_GFP_KERNEL, 4, &run), PL_OK);
    world.zones.nodes[0].marks.boost = 9;
    world.zones.task.realtime = true;
    linux_zones_reset(&world.zones);
    assert_false(linux_page_is_head(&world.zones, run.first, &order));
    assert_int_equal(world.zones.nodes[0].marks.boost, 0);
    assert_int_equal(world.zones.nodes[0].allocated, 0);
    assert_false(world.zones.task.realtime);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_and_free),
        cmocka_unit_test(test_orders_too_large),
        cmocka_unit_test(test_wrong_frees),
        cmocka_unit_test(test_illegal_masks),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_last_frame),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_reclaim),
        cmocka_unit_test(test_no_sleep_above_min),
        cmocka_unit_test(test_exact_sizes),
        cmocka_unit_test(test_exact_mistakes),
        cmocka_unit_test(test_hopeless),
        cmocka_unit_test(test_exact_without_split),
        cmocka_unit_test(test_nth_grant_fails),
        cmocka_unit_test(test_highatomic),
        cmocka_unit_test(test_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
