/* Prepare and complete of the SBP-2 oracle's descriptors, among them pageable buffers, whose frames move
 * unless they are prepared: while an ORB refers to them, the complete that would let them go is trapped
 * (5.5). */
#include "engine/oracle/orb.h"

#define PATTERN_BYTES_MAX (UINT64_C(64) * PL_FRAME_BYTES)

unsigned char orb_pattern(uint64_t offset)
{
    uint64_t word = (offset / 8 + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return (unsigned char)(word >> (offset % 8 * 8));
}

void orb_memory_mark(struct orb_memory *memory, struct pl_cpu *cpu)
{
    unsigned char bytes[PL_FRAME_BYTES];
    uint64_t length = memory->memory->length;
    memory->patterned = length <= PATTERN_BYTES_MAX;
    for (uint64_t at = 0; at < length && memory->patterned; at += sizeof(bytes)) {
        uint64_t part = length - at < sizeof(bytes) ? length - at : sizeof(bytes);
        for (uint64_t i = 0; i < part; i++)
            bytes[i] = orb_pattern(at + i);
        memory->patterned = iokit_memory_write(memory->memory, cpu, at, bytes, part) == part;
    }
}

void orb_pageable(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_memory *memory = &oracle->memories[op->other % ORB_SLOTS];
    uint64_t count = op->count == 0 ? 1 : op->count & 0xFFu;
    uint64_t bytes = op->extra == 0 ? 1 : op->extra;
    (void)finding;
    count = count == 0 ? 1 : count;
    if (memory->memory != NULL)
        return;
    *memory = (struct orb_memory){.real = true, .pageable = true};
    memory->memory = iokit_buffer_in_task(&oracle->iokit, cpu, IOKIT_TASK_USER,
                                          IOKIT_DIRECTION_INOUT | IOKIT_PAGEABLE, count * bytes, 1);
    memory->owned = memory->memory != NULL;
    memory->serial = memory->owned ? memory->memory->serial : 0;
    if (memory->owned)
        orb_memory_mark(memory, cpu);
}

void orb_wire(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_memory *memory = &oracle->memories[op->other % ORB_SLOTS];
    struct iokit_memory *wired = memory->memory;
    struct orb_before before;
    if (wired == NULL || !memory->owned || op->mobility >= OP_ORB_WIRE_COUNT)
        return;
    uint32_t count = wired->wire_count;
    bool completes = op->mobility == OP_ORB_WIRE_COMPLETE;
    /* A complete too many is iokit's own to judge. */
    if ((completes && count == 0) || (!completes && count == UINT32_MAX))
        return;
    /* What was wired at its creation stays so for life under `doc`. */
    bool born = completes && count == 1 && memory->real && !memory->pageable && !oracle->real;
    bool held = completes && count == 1 && memory->attached != 0 && !born;
    orb_note(oracle, &before);
    uint32_t status = completes ? iokit_memory_complete(wired, cpu)
                                : iokit_memory_prepare(wired, cpu, IOKIT_DIRECTION_NONE);
    if (!orb_after(oracle, &before, born ? "B-16" : held ? "5.5" : NULL, finding))
        return;
    bool failed = !completes && count == 0 && status != IOKIT_SUCCESS && memory->pageable;
    if (!failed && !orb_number(finding, "S-18", "status of prepare, complete",
                               held ? IOKIT_BUSY : IOKIT_SUCCESS, status))
        return;
    uint32_t wanted = completes ? count - !(held || born) : count + !failed;
    if (orb_number(finding, "S-18", "prepares less completes", wanted, wired->wire_count))
        orb_check_all(oracle, finding);
}
