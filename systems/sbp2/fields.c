/* An ORB's plain cells, its command block, and what execution makes of them. */
#include <pagelab/mutant.h>

#include "systems/sbp2/internal.h"

#include <string.h>

#define PACKET_BYTES_MAX 4096u
#define TIMER_US_A_MS    1000u

static uint32_t smaller(uint32_t bytes, uint32_t limit)
{
    return limit != 0 && limit < bytes ? limit : bytes;
}

/* What login and ORB agree on, the adapter aside. */
static uint32_t agreed_bytes(const struct sbp2_orb *orb)
{
    return smaller(smaller(PACKET_BYTES_MAX, orb->login->limits.login_max), orb->payload_max);
}

uint32_t sbp2_payload_bytes(const struct sbp2_orb *orb)
{
    return smaller(agreed_bytes(orb), orb->login->limits.read_dma_max);
}

uint32_t sbp2_payload_log(const struct sbp2_orb *orb)
{
    uint32_t bytes = sbp2_payload_bytes(orb);
    uint32_t log = 0;
    while (bytes >> (log + 1) != 0)
        log++;
    return log < 2 ? 0 : log - 2;
}

uint32_t sbp2_clip(const struct sbp2_orb *orb)
{
    const struct sbp2_limits *limits = &orb->login->limits;
    uint32_t bytes = sbp2_payload_bytes(orb);
    bool clipped = bytes < agreed_bytes(orb) || (limits->unit_pack_max != 0 && limits->unit_pack_max < bytes);
    if (!clipped || limits->clip_opt_out)
        return SBP2_SEGMENT_BYTES_MAX;
    switch (sbp2_payload_log(orb)) {
    case 10:
        return 4096;
    case 9:
        return 2048;
    case 8:
        return 1024;
    default:
        return 512;
    }
}

uint32_t sbp2_orb_set_command(struct sbp2 *login, struct sbp2_orb *orb, const void *command, uint32_t bytes)
{
    if (!sbp2_check(login, orb, "sbp2_orb_set_command"))
        return IOKIT_BAD_ARGUMENT;
    if (bytes > login->config.command_bytes_max)
        return IOKIT_NO_MEMORY;
    memset(orb->bytes + SBP2_ORB_COMMAND_AT, 0, login->config.command_bytes_max);
    if (bytes != 0)
        memcpy(orb->bytes + SBP2_ORB_COMMAND_AT, command, bytes);
    return IOKIT_SUCCESS;
}

uint32_t sbp2_orb_set_command_memory(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                     struct iokit_memory *memory)
{
    if (!sbp2_check(login, orb, "sbp2_orb_set_command_memory"))
        return IOKIT_BAD_ARGUMENT;
    if (!sbp2_may_sleep(login, cpu, "sbp2_orb_set_command_memory"))
        return IOKIT_NOT_PERMITTED;
    if (!sbp2_memory_check(login, memory, "sbp2_orb_set_command_memory"))
        return IOKIT_BAD_ARGUMENT;
    if (memory->length > login->config.command_bytes_max) {
        PL_MUTANT_TRIGGERED("sbp2-gate-kept", true);
        if (PL_MUTANT("sbp2-gate-kept"))
            sbp2_gate_close(login);
        return IOKIT_NO_MEMORY;
    }
    memset(orb->bytes + SBP2_ORB_COMMAND_AT, 0, login->config.command_bytes_max);
    iokit_memory_read(memory, cpu, 0, orb->bytes + SBP2_ORB_COMMAND_AT, memory->length);
    return IOKIT_SUCCESS;
}

void sbp2_orb_prepare(struct sbp2 *login, struct sbp2_orb *orb)
{
    if (!sbp2_check(login, orb, "sbp2_orb_prepare"))
        return;
    uint32_t options = sbp2_get16(orb->bytes + SBP2_ORB_OPTIONS_AT);
    options &= SBP2_OPTION_TABLE | SBP2_OPTION_PAGE_BYTES;
    options |= (orb->flags & SBP2_NOTIFY) != 0 ? SBP2_OPTION_NOTIFY : 0;
    options |= (orb->flags & SBP2_FROM_TARGET) != 0 ? SBP2_OPTION_TO_HOST : 0;
    options |= (orb->flags & SBP2_RESERVED_ORB) != 0 ? SBP2_FORMAT_RESERVED : 0;
    options |= (orb->flags & SBP2_VENDOR_ORB) != 0 ? SBP2_FORMAT_VENDOR : 0;
    options |= (orb->flags & SBP2_DUMMY_ORB) != 0 ? SBP2_FORMAT_DUMMY : 0;
    options |= (uint32_t)login->config.speed << SBP2_SPEED_SHIFT & SBP2_OPTION_SPEED;
    options |= sbp2_payload_log(orb) << SBP2_PAYLOAD_SHIFT & SBP2_OPTION_PAYLOAD;
    sbp2_put16(orb->bytes + SBP2_ORB_OPTIONS_AT, options);
}

uint64_t sbp2_orb_address(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    const struct gate *gate = login->config.gate;
    const struct pl_machine *machine = gate->machine;
    if (!sbp2_check(login, orb, "sbp2_orb_address"))
        return 0;
    if (orb->flags & SBP2_VIRTUAL_ORBS)
        return orb->pseudo_addr;
    return (uint64_t)(orb->bytes - machine->contents) +
           (machine->first.number + gate->frame_offset) * PL_FRAME_BYTES;
}

void sbp2_orb_set_flags(struct sbp2 *login, struct sbp2_orb *orb, uint32_t flags)
{
    if (sbp2_check(login, orb, "sbp2_orb_set_flags"))
        orb->flags = flags;
}

uint32_t sbp2_orb_flags(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_flags") ? orb->flags : 0;
}

void sbp2_orb_set_generation(struct sbp2 *login, struct sbp2_orb *orb, uint32_t generation)
{
    if (sbp2_check(login, orb, "sbp2_orb_set_generation"))
        orb->generation = generation;
}

uint32_t sbp2_orb_generation(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_generation") ? orb->generation : 0;
}

void sbp2_orb_set_payload(struct sbp2 *login, struct sbp2_orb *orb, uint32_t bytes)
{
    if (sbp2_check(login, orb, "sbp2_orb_set_payload"))
        orb->payload_max = bytes;
}

uint32_t sbp2_orb_payload(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_payload") ? orb->payload_max : 0;
}

void sbp2_orb_set_refcon(struct sbp2 *login, struct sbp2_orb *orb, void *refcon)
{
    if (sbp2_check(login, orb, "sbp2_orb_set_refcon"))
        orb->refcon = (uintptr_t)refcon;
}

void *sbp2_orb_refcon(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_refcon") ? (void *)(uintptr_t)orb->refcon : NULL;
}

void sbp2_orb_set_refcon64(struct sbp2 *login, struct sbp2_orb *orb, uint64_t refcon)
{
    if (sbp2_check(login, orb, "sbp2_orb_set_refcon64"))
        orb->refcon = refcon;
}

uint64_t sbp2_orb_refcon64(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_refcon64") ? orb->refcon : 0;
}

struct sbp2 *sbp2_orb_login(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_login") ? orb->login : NULL;
}

void sbp2_orb_set_timeout(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb, uint32_t timeout_ms)
{
    if (!sbp2_check(login, orb, "sbp2_orb_set_timeout") ||
        !sbp2_may_sleep(login, cpu, "sbp2_orb_set_timeout"))
        return;
    sbp2_gate_close(login);
    orb->timeout_ms = timeout_ms;
    orb->timer_us = (uint64_t)timeout_ms * TIMER_US_A_MS;
    if (sbp2_is_real(login))
        orb->timer_us = (uint32_t)orb->timer_us;
    sbp2_gate_open(login);
}

uint32_t sbp2_orb_timeout(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_timeout") ? orb->timeout_ms : 0;
}

uint64_t sbp2_orb_timer_us(const struct sbp2 *login, const struct sbp2_orb *orb)
{
    return sbp2_check(login, orb, "sbp2_orb_timer_us") ? orb->timer_us : 0;
}
