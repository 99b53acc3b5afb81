/* What the tests of the SBP-2 system share: a login on a machine with contents, a buffer service that
 * scatters on request, and descriptors over any segments at all. */
#ifndef UNIT_TEST_ORB_RIG_H
#define UNIT_TEST_ORB_RIG_H

#include <stdlib.h>
#include <string.h>

#include "systems/iokit/iokit.h"
#include "systems/sbp2/sbp2.h"
#include "tests/unit/unit.h"

#define STAND_FRAMES   512u
#define STAND_ORBS     4u
#define STAND_COMMAND  32u
#define STAND_RUNS     256u
#define STAND_NODE     0xFFC1u
#define STAND_SEGMENTS 8u

struct stand {
    struct rig rig;
    struct pageout pageout;
    struct gate gate;
    struct pl_page page;
    struct trap trap;
    struct iokit iokit; /* only its trap is used */
    struct sbp2 *login;
    bool scatter; /* no two frames of a table are neighbours */
};

static enum pl_status stand_take(struct stand *stand, struct pl_cpu *cpu, uint8_t order, struct pl_run *run)
{
    struct pl_request request = {.node = PL_NODE_ANY, .order = order};
    memset(run, 0, sizeof(*run));
    return stand->page.ops->alloc(stand->page.self, cpu, &request, run);
}

static void stand_give(struct stand *stand, struct pl_cpu *cpu, const struct pl_run *run)
{
    assert_int_equal(stand->page.ops->free(stand->page.self, cpu, run), PL_OK);
}

static enum pl_status stand_release(void *self, struct pl_cpu *cpu, const struct pl_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stand_give(self, cpu, &runs[i]);
    return PL_OK;
}

/* Scattered: a frame, and one that is put aside until the plan is made. */
static enum pl_status stand_plan(void *self, struct pl_cpu *cpu, uint64_t bytes,
                                 const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                                 size_t capacity, size_t *run_count)
{
    struct stand *stand = self;
    struct pl_run aside[STAND_RUNS];
    size_t frames = (size_t)((bytes + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES), count = 0, held = 0;
    enum pl_status status = PL_OK;
    assert_int_equal(constraints->alignment, PL_FRAME_BYTES);
    if (frames > capacity)
        return PL_NO_MEMORY;
    if (!stand->scatter) {
        uint8_t order = 0;
        while ((UINT64_C(1) << order) < frames)
            order++;
        status = stand_take(stand, cpu, order, &runs[count++]);
    }
    while (stand->scatter && count < frames && status == PL_OK) {
        status = stand_take(stand, cpu, 0, &runs[count++]);
        if (status == PL_OK && count < frames)
            held += stand_take(stand, cpu, 0, &aside[held]) == PL_OK;
    }
    stand_release(stand, cpu, aside, held);
    if (status != PL_OK) {
        stand_release(stand, cpu, runs, count - 1);
        return status;
    }
    for (size_t i = 0; i < count; i++)
        memset(gate_bytes(&stand->gate, runs[i].first), 0, (size_t)(runs[i].frame_count * PL_FRAME_BYTES));
    *run_count = count;
    return PL_OK;
}

static const struct pl_buffer_ops stand_buffer = {
    .bytes = sizeof(stand_buffer), .abi = PL_ABI, .plan = stand_plan, .release = stand_release};

static void stand_open(struct stand *stand, enum contract contract)
{
    struct native_shape shape = {.ranges = {{.first = {16}, .frame_count = STAND_FRAMES}},
                                 .range_count = 1,
                                 .cpu_count = 1,
                                 .contents = true};
    memset(stand, 0, sizeof(*stand));
    rig_open_shape(&stand->rig, "buddy", &shape, ADMISSION_EXACT);
    pageout_init(&stand->pageout);
    gate_init(&stand->gate, &stand->rig.admission, stand->rig.machine, &stand->pageout, 0);
    stand->page = gate_page(&stand->gate);
    stand->iokit.config.trap = &stand->trap;
    struct sbp2_config config = {.gate = &stand->gate,
                                 .buffer = {.ops = &stand_buffer, .self = stand},
                                 .trap = &stand->trap,
                                 .contract = contract,
                                 .orb_limit = STAND_ORBS,
                                 .runs_per_table = STAND_RUNS,
                                 .command_bytes_max = STAND_COMMAND,
                                 .node_id = STAND_NODE,
                                 .speed = 3};
    void *memory = malloc(sbp2_bytes(&config));
    assert_non_null(memory);
    stand->login = sbp2_init(memory, &config);
}

/* Nothing may be left. */
static void stand_close(struct stand *stand)
{
    struct sbp2_counts counts;
    sbp2_count(stand->login, &counts);
    assert_int_equal(counts.orbs, 0);
    assert_int_equal(counts.tables, 0);
    assert_int_equal(counts.commands, 0);
    assert_int_equal(counts.slab_pages, 0);
    assert_int_equal(stand->gate.held, 0);
    assert_int_equal(sbp2_gate_depth(stand->login), 0);
    free(stand->login);
    rig_close(&stand->rig);
}

/* --- descriptors --- */

struct segments {
    struct iokit_memory memory; /* first */
    uint32_t count;
    struct iokit_range segments[STAND_SEGMENTS];
    bool destroyed;
};

static uint32_t segments_wire(struct iokit_memory *self, struct pl_cpu *cpu, uint32_t direction)
{
    (void)self;
    (void)cpu;
    (void)direction;
    return IOKIT_SUCCESS;
}

static void segments_unwire(struct iokit_memory *self, struct pl_cpu *cpu)
{
    (void)self;
    (void)cpu;
}

static uint64_t segments_segment(const struct iokit_memory *self, uint64_t offset, uint64_t *bytes)
{
    const struct segments *memory = (const struct segments *)self;
    const struct iokit_range *at = memory->segments;
    while (offset >= at->bytes)
        offset -= at++->bytes;
    *bytes = at->bytes - offset;
    return at->addr + offset;
}

static unsigned char *segments_touch(struct iokit_memory *self, struct pl_cpu *cpu, uint64_t offset,
                                     bool write, uint64_t *bytes)
{
    (void)self;
    (void)cpu;
    (void)offset;
    (void)write;
    *bytes = 0;
    return NULL;
}

static void segments_destroy(struct iokit_memory *self, struct pl_cpu *cpu)
{
    (void)cpu;
    ((struct segments *)self)->destroyed = true;
}

static const struct iokit_memory_ops segments_ops = {"segments",       segments_wire,  segments_unwire,
                                                     segments_segment, segments_touch, segments_destroy};

/* Prepared, one reference. */
static void segments_open(struct stand *stand, struct segments *memory, const struct iokit_range *segments,
                          uint32_t count)
{
    uint64_t length = 0;
    memset(memory, 0, sizeof(*memory));
    for (uint32_t i = 0; i < count; i++) {
        memory->segments[i] = segments[i];
        length += segments[i].bytes;
    }
    memory->count = count;
    iokit_memory_init(&memory->memory, &segments_ops, &stand->iokit, length, IOKIT_DIRECTION_INOUT);
    assert_int_equal(iokit_memory_prepare(&memory->memory, stand->rig.cpu, IOKIT_DIRECTION_INOUT), 0);
}

/* --- memory as the target sees it --- */

static const unsigned char *orb_bytes(struct stand *stand, const struct sbp2_orb *orb)
{
    uint64_t addr = sbp2_orb_address(stand->login, orb);
    return gate_bytes(&stand->gate, pl_frame_at(addr / PL_FRAME_BYTES)) + addr % PL_FRAME_BYTES;
}

static uint64_t orb_big(struct stand *stand, const struct sbp2_orb *orb, unsigned at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | orb_bytes(stand, orb)[at + i];
    return value;
}

static void expect_inert(struct stand *stand, const struct sbp2_orb *orb)
{
    assert_null(sbp2_orb_memory(stand->login, orb));
    assert_int_equal(orb_big(stand, orb, 8, 8), 0);
    assert_int_equal(orb_big(stand, orb, 16, 2) & 0xF, 0);
    assert_int_equal(orb_big(stand, orb, 18, 2), 0);
}

#endif
