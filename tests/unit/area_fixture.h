/* A kernel address space for unit tests: one or two nodes, a first-fit service of addresses, and a service of
 * tables that has a frame for each. Everything can be counted, and told to fail. */
#ifndef UNIT_AREA_FIXTURE_H
#define UNIT_AREA_FIXTURE_H

#include <string.h>

#include "systems/linux/area.h"
#include "systems/linux/remap.h"
#include "systems/linux/walk.h"
#include "tests/unit/unit.h"

#define FIX_WINDOW_ADDR  UINT64_C(0xffffc90000000000)
#define FIX_WINDOW_BYTES (UINT64_C(64) << 20)
#define FIX_NODE_FRAMES  (UINT64_C(1) << 32)
#define FIX_AREA_LIMIT   64u

struct area_fixture {
    struct rig rigs[2];
    struct gate gates[2];
    struct pageout pageout;
    struct trap trap;
    struct linux_mm mm;
    struct pl_cpu *cpu;
    struct pl_area areas[FIX_AREA_LIMIT]; /* reserved; area_bytes 0: free */
    uint64_t bytes_reserved;
    uint64_t tables_live;
};

static enum pl_status fix_reserve(void *self, struct pl_cpu *cpu, const struct pl_area_request *request,
                                  struct pl_area *area)
{
    struct area_fixture *fix = self;
    uint64_t addr = request->low_addr;
    (void)cpu;
    for (unsigned i = 0; i < FIX_AREA_LIMIT; i++) {
        const struct pl_area *other = &fix->areas[i];
        addr = (addr + request->alignment - 1) & ~(request->alignment - 1);
        if (other->area_bytes == 0 || addr >= other->addr + other->area_bytes ||
            addr + request->bytes_wanted <= other->addr)
            continue;
        addr = other->addr + other->area_bytes;
        i = UINT32_MAX; /* again from the first */
    }
    if (addr >= request->high_addr || request->bytes_wanted > request->high_addr - addr)
        return PL_NO_MEMORY;
    unsigned at = 0;
    while (fix->areas[at].area_bytes != 0)
        at++;
    fix->areas[at] = (struct pl_area){.addr = addr, .area_bytes = request->bytes_wanted};
    fix->bytes_reserved += request->bytes_wanted;
    *area = fix->areas[at];
    return PL_OK;
}

static enum pl_status fix_release(void *self, struct pl_cpu *cpu, const struct pl_area *area)
{
    struct area_fixture *fix = self;
    (void)cpu;
    for (unsigned i = 0; i < FIX_AREA_LIMIT; i++) {
        if (fix->areas[i].addr == area->addr && fix->areas[i].area_bytes == area->area_bytes) {
            fix->bytes_reserved -= area->area_bytes;
            fix->areas[i].area_bytes = 0;
            return PL_OK;
        }
    }
    return PL_REFUSED;
}

static enum pl_status fix_table_get(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                    struct pl_run *run)
{
    struct area_fixture *fix = self;
    struct pl_page from = gate_page(&fix->gates[0]);
    enum pl_status status = from.ops->alloc(from.self, cpu, request, run);
    if (status != PL_OK)
        return status;
    memset(gate_bytes(&fix->gates[0], run->first), 0, PL_FRAME_BYTES);
    fix->tables_live++;
    return PL_OK;
}

static enum pl_status fix_table_put(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct area_fixture *fix = self;
    struct pl_page to = gate_page(&fix->gates[0]);
    fix->tables_live--;
    return to.ops->free(to.self, cpu, run);
}

static const struct pl_page_table_ops fix_ops = {
    .bytes = sizeof(fix_ops),
    .abi = PL_ABI,
    .reserve = fix_reserve,
    .release = fix_release,
    .table_get = fix_table_get,
    .table_put = fix_table_put,
};

PL_INLINE void fix_open(struct area_fixture *fix, enum contract contract, uint64_t frames, uint32_t nodes)
{
    memset(fix, 0, sizeof(*fix));
    pageout_init(&fix->pageout);
    struct native_shape shape = {
        .ranges = {{.frame_count = frames}}, .range_count = 1, .cpu_count = 1, .contents = true};
    struct linux_mm_config config = {
        .contract = contract,
        .trap = &fix->trap,
        .node_count = nodes,
        .va = {.ops = &fix_ops, .self = fix},
        .tables = {.ops = &fix_ops, .self = fix},
        .window_addr = FIX_WINDOW_ADDR,
        .window_bytes = FIX_WINDOW_BYTES,
    };
    for (uint32_t i = 0; i < nodes; i++) {
        rig_open_shape(&fix->rigs[i], "reference", &shape, ADMISSION_EXACT);
        gate_init(&fix->gates[i], &fix->rigs[i].admission, fix->rigs[i].machine, &fix->pageout,
                  i * FIX_NODE_FRAMES);
        config.gates[i] = &fix->gates[i];
    }
    fix->cpu = fix->rigs[0].cpu;
    linux_mm_init(&fix->mm, &config);
}

/* Everything was freed: no frame is held, no address, nothing was refused. */
PL_INLINE void fix_close(struct area_fixture *fix)
{
    linux_mm_fini(&fix->mm, fix->cpu);
    assert_int_equal(fix->tables_live, 0);
    assert_int_equal(fix->bytes_reserved, 0);
    assert_int_equal(fix->mm.refused, 0);
    for (uint32_t i = 0; i < fix->mm.config.node_count; i++) {
        assert_int_equal(fix->gates[i].held, 0);
        rig_close(&fix->rigs[i]);
    }
}

/* Asserts one trap more than `before`, by this rule. */
PL_INLINE void fix_trapped(const struct area_fixture *fix, uint64_t before, const char *rule)
{
    assert_int_equal(fix->trap.count, before + 1);
    assert_string_equal(fix->trap.rule, rule);
}

#endif
