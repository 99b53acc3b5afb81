/* Buffers as ranges of addresses: a descriptor is made, prepared, and left to the ORB, so that letting it go
 * destroys it and undoes the prepare. */
#include "systems/sbp2/internal.h"

/* A call that the ORB refuses for its handle or context must not make a descriptor first. */
static bool may_enter(struct sbp2 *login, const struct pl_cpu *cpu, const struct sbp2_orb *orb,
                      const char *call, uint32_t *status)
{
    *status = IOKIT_BAD_ARGUMENT;
    if (!sbp2_check(login, orb, call))
        return false;
    *status = IOKIT_NOT_PERMITTED;
    if (!sbp2_may_sleep(login, cpu, call))
        return false;
    *status = IOKIT_BUSY;
    return sbp2_is_idle(login, orb, call);
}

static uint32_t set_ranges(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                           const struct iokit_range *ranges, uint32_t range_count, uint32_t direction,
                           uint64_t offset, uint64_t length)
{
    struct iokit_memory *memory = NULL;
    if (login->config.iokit != NULL && range_count != 0)
        memory = iokit_memory_with_ranges(login->config.iokit, cpu, ranges, range_count, direction);
    if (memory == NULL)
        return IOKIT_NO_MEMORY;
    uint32_t status = iokit_memory_prepare(memory, cpu, IOKIT_DIRECTION_NONE);
    if (status == IOKIT_SUCCESS)
        status = sbp2_orb_set_command_buffers(login, cpu, orb, memory, offset, length);
    iokit_memory_release(memory, cpu);
    return status;
}

uint32_t sbp2_orb_set_ranges(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                             const struct iokit_range *ranges, uint32_t range_count, uint32_t direction,
                             uint32_t offset, uint32_t length)
{
    static const char call[] = "sbp2_orb_set_ranges";
    uint32_t status;
    if (!may_enter(login, cpu, orb, call, &status))
        return status;
    if (range_count == 0)
        return IOKIT_BAD_ARGUMENT;
    if (sbp2_is_real(login)) {
        trap_take(login->config.trap, call, "R-26", "the original writes through a null array of ranges");
        return IOKIT_ERROR;
    }
    return set_ranges(login, cpu, orb, ranges, range_count, direction, offset, length);
}

uint32_t sbp2_orb_set_ranges64(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                               const struct iokit_range *ranges, uint64_t range_count, uint32_t direction,
                               uint64_t offset, uint64_t length)
{
    uint32_t status;
    if (!may_enter(login, cpu, orb, "sbp2_orb_set_ranges64", &status))
        return status;
    bool narrow = (range_count | offset | length) <= UINT32_MAX;
    if (!sbp2_is_real(login) && (range_count == 0 || !narrow))
        return IOKIT_BAD_ARGUMENT;
    return set_ranges(login, cpu, orb, ranges, (uint32_t)range_count, direction, (uint32_t)offset,
                      (uint32_t)length);
}
