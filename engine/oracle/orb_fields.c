/* Constraints, command blocks and plain cells of an ORB, limits of the login. */
#include "engine/oracle/orb.h"

#include <inttypes.h>
#include <string.h>

void orb_constraints(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct orb_before before;
    uint32_t alignment = (uint32_t)op->value;
    if (view->orb == NULL)
        return;
    bool may_sleep = cpu->context == PL_CONTEXT_TASK;
    orb_note(oracle, &before);
    uint32_t status =
        sbp2_orb_set_constraints(oracle->login, cpu, view->orb, op->count, alignment, op->extra);
    if (!orb_after(oracle, &before, may_sleep ? NULL : "6", finding))
        return;
    uint32_t expected = IOKIT_SUCCESS;
    if (!may_sleep)
        expected = IOKIT_NOT_PERMITTED;
    else if (view->attached != NULL)
        expected = IOKIT_BUSY;
    else if (status == IOKIT_NO_MEMORY && orb_had_reason(oracle, &before, 1))
        expected = IOKIT_NO_MEMORY;
    if (!orb_number(finding, "S-15", "status", expected, status))
        return;
    /* REAL: the old command goes first, and with the only one its page. */
    if (oracle->real && expected != IOKIT_BUSY && may_sleep && before.counts.commands == 1 &&
        view->constraints.segment_bytes_max != 0 &&
        !orb_number(finding, "S-15", "a page is asked for, the old command's being gone (1: yes)", 1,
                    oracle->gate->calls != before.calls))
        return;
    if (status == IOKIT_SUCCESS) {
        view->constraints = (struct sbp2_constraints){
            .segment_bytes_max = op->count == 0 || op->count > 0xF000 ? 0xF000 : op->count,
            .alignment = alignment == 0 ? 1 : alignment,
            .options = op->extra};
    } else if (status == IOKIT_NO_MEMORY && oracle->real) {
        view->constraints = (struct sbp2_constraints){0};
    } else if (!orb_unchanged(oracle, &before, "S-15 X-3", finding)) {
        return;
    }
    orb_check(oracle, view, finding);
}

void orb_command(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct iokit_memory *memory = oracle->memories[op->other % ORB_SLOTS].memory;
    bool real_memory = oracle->memories[op->other % ORB_SLOTS].real;
    struct orb_before before;
    unsigned char bytes[UINT8_MAX];
    uint32_t status;
    uint64_t length = op->count & UINT8_MAX;
    bool from_memory = op->mobility & 1u;
    /* Reading what is pageable may take frames. */
    if (view->orb == NULL ||
        (from_memory && (memory == NULL || oracle->memories[op->other % ORB_SLOTS].pageable)))
        return;
    cpu->context = PL_CONTEXT_TASK;
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(op->extra + i);
    if (from_memory) {
        length = memory->length;
        if (real_memory && length != 0)
            iokit_memory_write(memory, cpu, 0, bytes, length < sizeof(bytes) ? length : sizeof(bytes));
    }
    orb_note(oracle, &before);
    if (from_memory)
        status = sbp2_orb_set_command_memory(oracle->login, cpu, view->orb, memory);
    else
        status = sbp2_orb_set_command(oracle->login, view->orb, bytes, (uint32_t)length);
    uint32_t expected = length > ORB_COMMAND_BYTES ? IOKIT_NO_MEMORY : IOKIT_SUCCESS;
    if (from_memory && real_memory && oracle->memories[op->other % ORB_SLOTS].patterned)
        orb_memory_mark(&oracle->memories[op->other % ORB_SLOTS], cpu);
    if (!orb_after(oracle, &before, NULL, finding) ||
        !orb_number(finding, "X-3", "status of setCommandBlock", expected, status) ||
        !orb_unchanged(oracle, &before, "X-5", finding))
        return;
    if (status == IOKIT_SUCCESS) {
        memset(view->command, 0, ORB_COMMAND_BYTES);
        /* What lies nowhere cannot be read, and the call does not notice. */
        if (!from_memory || real_memory)
            memcpy(view->command, bytes, (size_t)length);
    }
    orb_check(oracle, view, finding);
}

static void set_timeout(struct orb_oracle *oracle, struct pl_cpu *cpu, struct orb_view *view,
                        uint32_t timeout_ms)
{
    sbp2_orb_set_timeout(oracle->login, cpu, view->orb, timeout_ms);
    if (cpu->context != PL_CONTEXT_TASK)
        return;
    view->timeout_ms = timeout_ms;
    view->timer_us = (uint64_t)timeout_ms * 1000;
    if (oracle->real)
        view->timer_us &= UINT32_MAX;
}

void orb_view_prepare(const struct orb_oracle *oracle, struct orb_view *view)
{
    static const struct {
        uint32_t flag;
        uint32_t option;
    } options[] = {{SBP2_NOTIFY, 0x8000},
                   {SBP2_FROM_TARGET, 0x0800},
                   {SBP2_RESERVED_ORB, 0x2000},
                   {SBP2_VENDOR_ORB, 0x4000},
                   {SBP2_DUMMY_ORB, 0x6000}};
    view->options = ORB_SPEED << 8 | orb_payload_log(orb_payload_bytes(oracle, view)) << 4;
    for (unsigned i = 0; i < PL_COUNT_OF(options); i++)
        view->options |= view->flags & options[i].flag ? options[i].option : 0;
}

void orb_field(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct orb_before before;
    bool trapped = op->mobility == OP_ORB_FIELD_TIMEOUT && cpu->context != PL_CONTEXT_TASK;
    if (view->orb == NULL)
        return;
    orb_note(oracle, &before);
    switch (op->mobility) {
    case OP_ORB_FIELD_GENERATION:
        view->generation = (uint32_t)op->value;
        sbp2_orb_set_generation(oracle->login, view->orb, view->generation);
        break;
    case OP_ORB_FIELD_TIMEOUT:
        set_timeout(oracle, cpu, view, (uint32_t)op->value);
        break;
    case OP_ORB_FIELD_REFCON:
        view->refcon = (uintptr_t)op->value;
        sbp2_orb_set_refcon(oracle->login, view->orb, (void *)(uintptr_t)op->value);
        break;
    case OP_ORB_FIELD_REFCON64:
        view->refcon = op->value;
        sbp2_orb_set_refcon64(oracle->login, view->orb, op->value);
        break;
    case OP_ORB_FIELD_PREPARE:
        sbp2_orb_prepare(oracle->login, view->orb);
        orb_view_prepare(oracle, view);
        break;
    default:
        return;
    }
    if (!orb_after(oracle, &before, trapped ? "6" : NULL, finding) ||
        !orb_unchanged(oracle, &before, "X-5", finding))
        return;
    orb_number(finding, "X-3", "the pointer form of the reference constant", (uintptr_t)view->refcon,
               (uintptr_t)sbp2_orb_refcon(oracle->login, view->orb));
    orb_check(oracle, view, finding);
}

void orb_limit(struct orb_oracle *oracle, const struct op *op)
{
    switch (op->mobility) {
    case OP_ORB_LIMIT_READ_DMA:
        oracle->limits.read_dma_max = op->count;
        break;
    case OP_ORB_LIMIT_LOGIN:
        oracle->limits.login_max = op->count;
        break;
    case OP_ORB_LIMIT_UNIT_PACK:
        oracle->limits.unit_pack_max = op->count;
        break;
    case OP_ORB_LIMIT_OPT_OUT:
        oracle->limits.clip_opt_out = op->count != 0;
        break;
    default:
        break;
    }
    sbp2_set_limits(oracle->login, &oracle->limits);
}
