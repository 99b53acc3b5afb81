/* See memory.h. What all descriptors share: counting of references and of prepares, the bound checks, and the
 * rule that a call which may sleep is not made where sleeping is forbidden. */
#include "systems/iokit/memory.h"

#include <pagelab/check.h>

#include <inttypes.h>
#include <string.h>

#include "systems/iokit/iokit.h"
#include <pagelab/mutant.h>

#include "systems/lie.h"

/* Traps a call that may sleep where the caller must not (X-5; 5.5, "not from interrupt level"). */
static bool memory_may_sleep(const struct iokit_memory *memory, const struct pl_cpu *cpu, const char *call)
{
    return iokit_may_sleep(memory->system, cpu, call);
}

void iokit_memory_init(struct iokit_memory *memory, const struct iokit_memory_ops *ops, struct iokit *system,
                       uint64_t length, uint32_t direction)
{
    memory->ops = ops;
    memory->system = system;
    memory->length = length;
    memory->direction = direction & IOKIT_DIRECTION_MASK;
    memory->references = 1;
    memory->wire_count = 0;
    memory->wire_direction = 0;
    memory->born_wired = false;
    memory->dma_holds = 0;
    memory->serial = ++system->serial;
    memory->self = memory;
}

/* Does the caller hold what he says? A dead descriptor is poisoned, so that this sees it. */
static void memory_assert(const struct iokit_memory *memory)
{
    PL_ASSERT(memory->self == memory && memory->references > 0);
    (void)memory;
}

void iokit_memory_hold(struct iokit_memory *memory)
{
    memory_assert(memory);
    PL_ASSERT(memory->dma_holds < UINT32_MAX);
    memory->dma_holds++;
}

void iokit_memory_unhold(struct iokit_memory *memory)
{
    memory_assert(memory);
    if (memory->dma_holds == 0) {
        trap_take(memory->system->config.trap, "unhold", "X-10", "no DMA command holds the memory");
        return;
    }
    memory->dma_holds--;
}

/* Traps the call that would take the pages away under a DMA command. */
static bool memory_is_held(const struct iokit_memory *memory, const char *call)
{
    if (memory->dma_holds == 0)
        return false;
    trap_take(memory->system->config.trap, call, "5.5", "%" PRIu32 " DMA commands still hold the memory",
              memory->dma_holds);
    return true;
}

void iokit_memory_retain(struct iokit_memory *memory)
{
    memory_assert(memory);
    memory->references++;
}

void iokit_memory_release(struct iokit_memory *memory, struct pl_cpu *cpu)
{
    memory_assert(memory);
    if (memory->references > 1) {
        memory->references--;
        return;
    }
    if (memory_is_held(memory, "release") || !memory_may_sleep(memory, cpu, "release"))
        return;
    memory->references = 0;
    if (memory->wire_count != 0) {
        memory->wire_count = 0;
        memory->ops->unwire(memory, cpu);
    }
    memory->ops->destroy(memory, cpu);
}

/* Only a pure Out is wired read-only: the device reads memory. None is wired for both, as In is. */
static bool memory_reads_only(uint32_t direction)
{
    return (direction & IOKIT_DIRECTION_INOUT) == IOKIT_DIRECTION_OUT;
}

uint32_t iokit_memory_prepare(struct iokit_memory *memory, struct pl_cpu *cpu, uint32_t direction)
{
    memory_assert(memory);
    if (!memory_may_sleep(memory, cpu, "prepare"))
        return IOKIT_NOT_PERMITTED;
    if ((direction & IOKIT_DIRECTION_INOUT) == IOKIT_DIRECTION_NONE)
        direction = memory->direction;
    direction &= IOKIT_DIRECTION_INOUT;
    if (memory->wire_count != 0) {
        if (memory_reads_only(memory->wire_direction) && !memory_reads_only(direction) && !LIE("B-17"))
            return IOKIT_NOT_WRITABLE;
        if (memory->wire_count == UINT32_MAX)
            return IOKIT_NO_RESOURCES;
        memory->wire_count++;
        return IOKIT_SUCCESS;
    }
    uint32_t result = memory->ops->wire(memory, cpu, direction);
    if (result != IOKIT_SUCCESS)
        return result;
    memory->wire_count = 1;
    memory->wire_direction = direction;
    return IOKIT_SUCCESS;
}

/* Without a prepare: the development kernel asserts, the release kernel ignores it; success either way. */
uint32_t iokit_memory_complete(struct iokit_memory *memory, struct pl_cpu *cpu)
{
    memory_assert(memory);
    if (!memory_may_sleep(memory, cpu, "complete"))
        return IOKIT_NOT_PERMITTED;
    bool real = memory->system->config.contract == CONTRACT_REAL;
    uint32_t least = memory->born_wired && !real ? 1u : 0u;
    if (memory->wire_count == least && least != 0 && PL_MUTANT("iokit-birth-wire-dropped")) {
        PL_MUTANT_TRIGGERED("iokit-birth-wire-dropped", true);
        least = 0;
    }
    if (memory->wire_count <= least) {
        if (!real)
            trap_take(memory->system->config.trap, "complete", "B-16", "without a prepare");
        return IOKIT_SUCCESS;
    }
    if (memory->wire_count == 1 && memory_is_held(memory, "complete"))
        return IOKIT_BUSY;
    if (LIE("B-16"))
        return IOKIT_SUCCESS;
    if (--memory->wire_count == 0)
        memory->ops->unwire(memory, cpu);
    return IOKIT_SUCCESS;
}

uint64_t iokit_memory_segment(struct iokit_memory *memory, uint64_t offset, uint64_t *bytes)
{
    memory_assert(memory);
    *bytes = 0;
    if (offset >= memory->length)
        return 0;
    if (memory->wire_count == 0) {
        if (memory->system->config.contract == CONTRACT_REAL)
            trap_take(memory->system->config.trap, "getPhysicalSegment", "R-19", "memory is not wired");
        return 0;
    }
    uint64_t addr = memory->ops->segment(memory, offset, bytes);
    if (*bytes > memory->length - offset)
        *bytes = memory->length - offset;
    if (*bytes == memory->length - offset && LIE("B-6"))
        ++*bytes;
    return *bytes == 0 ? 0 : addr;
}

/* Both bounds at once: no sum is formed that could wrap. */
static bool memory_covers(const struct iokit_memory *memory, uint64_t offset, uint64_t bytes)
{
    uint64_t length = memory->length + LIE("B-15");
    return offset <= length && bytes <= length - offset;
}

/* Makes every byte's page resident, so that a transfer for which there is no memory moves nothing. */
static bool memory_touch_all(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset, uint64_t bytes,
                             bool write)
{
    while (bytes != 0) {
        uint64_t here = 0;
        if (memory->ops->touch(memory, cpu, offset, write, &here) == NULL)
            return false;
        here = here < bytes ? here : bytes;
        offset += here;
        bytes -= here;
    }
    return true;
}

/* The pages are resident: touching them again cannot fail. */
static void memory_copy_out(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset, void *to,
                            uint64_t bytes)
{
    for (uint64_t moved = 0, here = 0; moved < bytes; moved += here) {
        const unsigned char *from = memory->ops->touch(memory, cpu, offset + moved, false, &here);
        PL_ASSERT(from != NULL);
        here = here < bytes - moved ? here : bytes - moved;
        memcpy((unsigned char *)to + moved, from, here);
    }
}

static void memory_copy_in(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset, const void *from,
                           uint64_t bytes)
{
    for (uint64_t moved = 0, here = 0; moved < bytes; moved += here) {
        unsigned char *to = memory->ops->touch(memory, cpu, offset + moved, true, &here);
        PL_ASSERT(to != NULL);
        here = here < bytes - moved ? here : bytes - moved;
        if (from == NULL)
            memset(to, 0, here);
        else
            memcpy(to, (const unsigned char *)from + moved, here);
    }
}

uint64_t iokit_memory_read(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset, void *to,
                           uint64_t bytes)
{
    memory_assert(memory);
    if (bytes == 0 || !memory_covers(memory, offset, bytes) || !memory_may_sleep(memory, cpu, "readBytes"))
        return 0;
    iokit_transfer_begin(memory->system);
    bool resident = memory_touch_all(memory, cpu, offset, bytes, false);
    if (resident)
        memory_copy_out(memory, cpu, offset, to, bytes);
    iokit_transfer_end(memory->system);
    return resident ? bytes : 0;
}

uint64_t iokit_memory_write(struct iokit_memory *memory, struct pl_cpu *cpu, uint64_t offset,
                            const void *from, uint64_t bytes)
{
    memory_assert(memory);
    if (bytes == 0 || !memory_covers(memory, offset, bytes))
        return 0;
    if (memory->wire_count != 0 && memory_reads_only(memory->wire_direction))
        return 0;
    if (!memory_may_sleep(memory, cpu, "writeBytes"))
        return 0;
    iokit_transfer_begin(memory->system);
    bool resident = memory_touch_all(memory, cpu, offset, bytes, true);
    if (resident)
        memory_copy_in(memory, cpu, offset, from, bytes);
    iokit_transfer_end(memory->system);
    return resident ? bytes : 0;
}
