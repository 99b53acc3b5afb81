/* What the tests of buffer descriptors share: the IOKit system on a real candidate, with the buffer service
 * that is lent to it. */
#ifndef UNIT_TEST_BUFFER_RIG_H
#define UNIT_TEST_BUFFER_RIG_H

#include <stdlib.h>
#include <string.h>

#include "engine/lent.h"
#include "systems/iokit/iokit.h"
#include "tests/unit/unit.h"

#define DESK_FRAMES 256u
#define DESK_SWAP   32u
#define DESK_IN_OUT (IOKIT_DIRECTION_IN | IOKIT_DIRECTION_OUT)
#define P           PL_FRAME_BYTES

struct desk {
    struct rig rig;
    struct pageout pageout;
    struct gate gate;
    struct trap trap;
    struct lent lent;
    struct iokit iokit;
    struct pl_cpu *cpu;
    void *host;
};

PL_INLINE void desk_open_swap(struct desk *desk, enum contract contract, bool iommu, uint32_t swap_pages)
{
    struct native_shape shape = {
        .ranges = {{.frame_count = DESK_FRAMES}}, .range_count = 1, .cpu_count = 1, .contents = true};
    struct spec_error error = {.text = ""};
    memset(desk, 0, sizeof(*desk));
    rig_open_shape(&desk->rig, "buddy", &shape, ADMISSION_EXACT);
    desk->cpu = desk->rig.cpu;
    pageout_init(&desk->pageout);
    gate_init(&desk->gate, &desk->rig.admission, desk->rig.machine, &desk->pageout, 0);
    if (lent_init(&desk->lent, &desk->rig.instance.spec, desk->rig.machine, gate_page(&desk->gate),
                  UINT64_C(1) << 40, UINT64_C(1) << 30, &error) != PL_OK)
        fail_msg("%s", error.text);
    desk->host = aligned_alloc(64, iokit_bytes(desk->rig.machine, swap_pages));
    assert_non_null(desk->host);
    struct iokit_config config = {.contract = contract,
                                  .iommu = iommu,
                                  .gate = &desk->gate,
                                  .buffer = desk->lent.buffer,
                                  .trap = &desk->trap,
                                  .swap_pages = swap_pages};
    iokit_init(&desk->iokit, &config, desk->host);
}

PL_INLINE void desk_open(struct desk *desk, enum contract contract)
{
    desk_open_swap(desk, contract, false, DESK_SWAP);
}

/* Nothing may be left. */
PL_INLINE void desk_close(struct desk *desk)
{
    assert_int_equal(desk->iokit.live, 0);
    assert_int_equal(desk->iokit.buffers.objects, 0);
    assert_int_equal(desk->iokit.ranges.objects, 0);
    assert_int_equal(desk->iokit.heap_objects, 0);
    assert_int_equal(desk->iokit.slots_used, 0);
    assert_int_equal(desk->iokit.pinned, 0);
    lent_drain(&desk->lent, desk->cpu);
    assert_int_equal(desk->gate.held, 0);
    lent_fini(&desk->lent);
    free(desk->host);
    rig_close(&desk->rig);
}

PL_INLINE struct iokit_memory *desk_make(struct desk *desk, uint32_t options, uint64_t capacity,
                                         uint64_t alignment)
{
    return iokit_buffer_with_options(&desk->iokit, desk->cpu, options, capacity, alignment);
}

PL_INLINE struct iokit_memory *desk_user(struct desk *desk, uint32_t options, uint64_t capacity)
{
    return iokit_buffer_in_task(&desk->iokit, desk->cpu, IOKIT_TASK_USER, options | IOKIT_PAGEABLE, capacity,
                                1);
}

PL_INLINE void desk_release(struct desk *desk, struct iokit_memory *memory)
{
    iokit_memory_release(memory, desk->cpu);
}

/* Must be refused, trace-free. */
PL_INLINE void desk_refuses(struct desk *desk, enum iokit_task task, uint32_t options, uint64_t capacity,
                            uint64_t alignment)
{
    uint64_t held = desk->gate.held;
    struct iokit_memory *memory =
        iokit_buffer_in_task(&desk->iokit, desk->cpu, task, options, capacity, alignment);
    if (memory != NULL)
        fail_msg("task %d, options 0x%x, capacity 0x%llx, alignment 0x%llx is a buffer", (int)task, options,
                 (unsigned long long)capacity, (unsigned long long)alignment);
    assert_int_equal(desk->gate.held, held);
    assert_int_equal(desk->trap.count, 0);
}

#endif
