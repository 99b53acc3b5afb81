/* ORBs that are made and released, their tables, and the mistakes that a caller can make with either. */
#include "engine/oracle/orb.h"

#include <inttypes.h>
#include <string.h>

#define NEW_REFERENCES 2u
#define ENTRY_BYTES    8u

/* Frames that a table and one page of each slab take, at most. */
static uint64_t frames_of(uint64_t entries)
{
    return (entries * ENTRY_BYTES + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES + 3;
}

static void view_new(struct orb_view *view, struct sbp2_orb *orb)
{
    memset(view, 0, sizeof(*view));
    view->orb = orb;
    view->references = NEW_REFERENCES;
    view->memory = ORB_MEMORY_NONE;
    view->constraints = (struct sbp2_constraints){.segment_bytes_max = 0xF000, .alignment = 1};
}

void orb_new(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct orb_before before;
    if (view->orb != NULL)
        return;
    orb_note(oracle, &before);
    bool may_sleep = cpu->context == PL_CONTEXT_TASK;
    struct sbp2_orb *orb = sbp2_orb_new(oracle->login, cpu);
    if (!orb_after(oracle, &before, may_sleep ? NULL : "6", finding))
        return;
    if (orb == NULL) {
        if (!may_sleep || orb_had_reason(oracle, &before, frames_of(SBP2_DEFAULT_ENTRIES)))
            orb_unchanged(oracle, &before, "X-3 X-4", finding);
        else
            orb_number(finding, "S-1 X-3", "an ORB is made while there is memory (1: yes)", 1, 0);
        return;
    }
    view_new(view, orb);
    if (orb_left_reserve(oracle, &before, finding) &&
        orb_learn_table(oracle, view, SBP2_DEFAULT_ENTRIES, true, finding))
        orb_check(oracle, view, finding);
}

void orb_view_inert(struct orb_view *view)
{
    view->data = 0;
    view->data_size = 0;
    view->uses_table = false;
    view->in_use = 0;
    view->entries_sum = 0;
}

void orb_view_detach(struct orb_oracle *oracle, uint32_t slot, struct finding *finding)
{
    struct orb_view *view = &oracle->views[slot];
    uint32_t memory = view->memory;
    view->memory = ORB_MEMORY_NONE;
    view->attached = NULL;
    orb_view_inert(view);
    if (memory == ORB_MEMORY_RANGES) {
        oracle->memories[oracle->range_slot[slot]].range_uses--;
    } else if (memory != ORB_MEMORY_NONE) {
        oracle->memories[memory].attached--;
        orb_memory_settle(oracle, memory, finding);
    }
}

void orb_view_gone(struct orb_oracle *oracle, uint32_t slot, struct finding *finding)
{
    struct orb_view *view = &oracle->views[slot];
    unsigned char byte;
    orb_view_detach(oracle, slot, finding);
    view->gone = view->orb;
    view->orb = NULL;
    if (view->pseudo_addr != 0)
        orb_number(finding, "X-8", "bytes that a destroyed virtual ORB still answers", 0,
                   sbp2_pseudo_read(oracle->login, view->pseudo_addr, &byte, 1));
    if (view->table.pseudo_addr != 0)
        orb_number(finding, "X-8", "bytes that a destroyed table still answers", 0,
                   sbp2_pseudo_read(oracle->login, view->table.pseudo_addr, &byte, 1));
}

void orb_release(struct orb_oracle *oracle, struct pl_cpu *cpu, uint32_t slot, struct finding *finding)
{
    struct orb_view *view = &oracle->views[slot];
    struct orb_before before;
    struct sbp2_counts counts;
    if (view->orb == NULL)
        return;
    orb_note(oracle, &before);
    bool may_sleep = cpu->context == PL_CONTEXT_TASK;
    sbp2_orb_release(oracle->login, cpu, view->orb);
    /* While it executes, the last one is the target's. */
    bool none = view->execution.executing && view->references == NEW_REFERENCES;
    if (!orb_after(oracle, &before, !may_sleep ? "6" : none ? "X-10" : NULL, finding))
        return;
    sbp2_count(oracle->login, &counts);
    if (!may_sleep || none || view->references > NEW_REFERENCES) {
        view->references -= may_sleep && !none ? 1 : 0;
        orb_check(oracle, view, finding);
        return;
    }
    orb_number(finding, "X-4 X-10", "ORBs after the last release", before.counts.orbs - 1, counts.orbs);
    orb_number(finding, "X-5", "allocations of a release", before.calls, oracle->gate->calls);
    orb_view_gone(oracle, slot, finding);
}

/* The table is gone, and what the ORB said of it. */
static void view_no_table(struct orb_view *view)
{
    if (view->in_use != 0)
        orb_view_inert(view);
    view->capacity = 0;
    memset(&view->table, 0, sizeof(view->table));
}

void orb_table(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct orb_before before;
    if (view->orb == NULL)
        return;
    uint64_t bytes = (uint64_t)op->count * ENTRY_BYTES;
    if (oracle->real)
        bytes &= UINT32_MAX;
    bool may_sleep = cpu->context == PL_CONTEXT_TASK;
    bool executing = view->execution.executing;
    orb_note(oracle, &before);
    uint32_t status = sbp2_orb_allocate_page_table(oracle->login, cpu, view->orb, op->count);
    if (!orb_after(oracle, &before, !may_sleep ? "6" : executing ? "4.4" : NULL, finding))
        return;
    if (!may_sleep || executing) {
        orb_number(finding, "X-3", "status of a call that is trapped",
                   may_sleep ? IOKIT_BUSY : IOKIT_NOT_PERMITTED, status);
        orb_check(oracle, view, finding);
        return;
    }
    if (status == IOKIT_SUCCESS) {
        if (bytes == 0 &&
            !orb_number(finding, "S-2 S-1", "status of a table of no entries", IOKIT_NO_MEMORY, status))
            return;
        view_no_table(view);
        if (orb_left_reserve(oracle, &before, finding) &&
            orb_learn_table(oracle, view, op->count, true, finding))
            orb_check(oracle, view, finding);
        return;
    }
    if (!orb_number(finding, bytes == 0 ? "S-2" : "S-1", "status", IOKIT_NO_MEMORY, status))
        return;
    if (bytes != 0 && !orb_had_reason(oracle, &before, frames_of(bytes / ENTRY_BYTES + 1))) {
        orb_number(finding, "S-1", "a table is made while there is memory (1: yes)", 1, 0);
        return;
    }
    if (oracle->real)
        view_no_table(view);
    else if (!orb_unchanged(oracle, &before, bytes == 0 ? "S-2 X-3" : "S-1 X-3", finding))
        return;
    orb_check(oracle, view, finding);
}

void orb_table_drop(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                    struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct orb_before before;
    if (view->orb == NULL)
        return;
    orb_note(oracle, &before);
    sbp2_orb_deallocate_page_table(oracle->login, cpu, view->orb);
    bool executing = view->execution.executing;
    uint64_t answered = view->table.pseudo_addr;
    unsigned char byte;
    if (!orb_after(oracle, &before, executing ? "4.4" : NULL, finding))
        return;
    if (!executing)
        view_no_table(view);
    if (!executing && answered != 0)
        orb_number(finding, "X-8", "bytes that a table that is gone still answers", 0,
                   sbp2_pseudo_read(oracle->login, answered, &byte, 1));
    orb_number(finding, "X-5", "allocations of deallocatePageTable", before.calls, oracle->gate->calls);
    orb_check(oracle, view, finding);
}

/* --- mistakes: each is trapped, and changes nothing --- */

static bool is_live(const struct orb_oracle *oracle, const struct sbp2_orb *orb)
{
    for (uint32_t i = 0; i < ORB_SLOTS; i++) {
        if (orb != NULL && oracle->views[i].orb == orb)
            return true;
    }
    return false;
}

static void set_stale(struct sbp2 *login, struct sbp2_orb *orb, unsigned which)
{
    switch (which % 6) {
    case 0:
        sbp2_orb_set_flags(login, orb, UINT32_MAX);
        break;
    case 1:
        sbp2_orb_set_generation(login, orb, UINT32_MAX);
        break;
    case 2:
        sbp2_orb_set_payload(login, orb, UINT32_MAX);
        break;
    case 3:
        sbp2_orb_set_refcon(login, orb, login);
        break;
    case 4:
        sbp2_orb_set_refcon64(login, orb, UINT64_MAX);
        break;
    default:
        sbp2_orb_prepare(login, orb);
        break;
    }
}

/* What is not live has nothing to say. */
static uint64_t ask_stale(const struct sbp2 *login, const struct sbp2_orb *orb, unsigned which)
{
    struct sbp2_table_view table;
    switch (which % 12) {
    case 0:
        return sbp2_orb_references(login, orb);
    case 1:
        return sbp2_orb_capacity(login, orb);
    case 2:
        return sbp2_orb_entries_in_use(login, orb);
    case 3:
        sbp2_orb_table(login, orb, &table);
        return table.bytes + table.run_count;
    case 4:
        return sbp2_orb_memory(login, orb) != NULL;
    case 5:
        return sbp2_orb_constraints(login, orb).segment_bytes_max;
    case 6:
        return sbp2_orb_address(login, orb);
    case 7:
        return sbp2_orb_flags(login, orb);
    case 8:
        return sbp2_orb_generation(login, orb);
    case 9:
        return sbp2_orb_refcon(login, orb) != NULL;
    case 10:
        return sbp2_orb_refcon64(login, orb);
    default:
        return sbp2_orb_login(login, orb) != NULL;
    }
}

static uint32_t make_mistake(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct orb_view *view,
                             const struct op *op)
{
    struct iokit_memory *memory = oracle->memories[op->other % ORB_SLOTS].memory;
    uint32_t status = IOKIT_BAD_ARGUMENT;
    switch (op->mobility) {
    case OP_ORB_MISTAKE_STALE:
        sbp2_orb_release(oracle->login, cpu, view->gone);
        break;
    case OP_ORB_MISTAKE_FOREIGN:
        status =
            sbp2_orb_allocate_page_table(oracle->login, cpu, (struct sbp2_orb *)(void *)oracle->views, 1);
        break;
    case OP_ORB_MISTAKE_NULL:
        status = sbp2_orb_set_constraints(oracle->login, cpu, NULL, 0, 0, 0);
        break;
    case OP_ORB_MISTAKE_STALE_BUFFERS:
        status = sbp2_orb_set_command_buffers(oracle->login, cpu, view->gone, memory, 0, 0);
        break;
    case OP_ORB_MISTAKE_IRQ_TABLE:
        status = sbp2_orb_allocate_page_table(oracle->login, cpu, view->orb, 1);
        break;
    case OP_ORB_MISTAKE_STALE_SET:
        set_stale(oracle->login, view->gone, op->other);
        break;
    case OP_ORB_MISTAKE_STALE_ASK:
        if (ask_stale(oracle->login, view->gone, op->other) != 0)
            status = IOKIT_SUCCESS;
        break;
    case OP_ORB_MISTAKE_NO_SLEEP_BUFFERS:
        status = sbp2_orb_release_command_buffers(oracle->login, cpu, view->orb);
        break;
    case OP_ORB_MISTAKE_FOREIGN_MEMORY:
        status = sbp2_orb_set_command_buffers(oracle->login, cpu, view->orb,
                                              (struct iokit_memory *)(void *)view->orb, 0, 0);
        break;
    case OP_ORB_MISTAKE_NO_SLEEP_RELEASE:
        sbp2_orb_release(oracle->login, cpu, view->orb);
        status = IOKIT_NOT_PERMITTED;
        break;
    default:
        status = sbp2_orb_set_command_buffers(oracle->login, cpu, view->orb, memory, 0, 0);
        break;
    }
    return status;
}

void orb_bad(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    struct orb_before before;
    unsigned mistake = op->mobility;
    bool irq = mistake == OP_ORB_MISTAKE_IRQ_TABLE || mistake == OP_ORB_MISTAKE_IRQ_BUFFERS;
    bool awake = mistake == OP_ORB_MISTAKE_NO_SLEEP_BUFFERS || mistake == OP_ORB_MISTAKE_NO_SLEEP_RELEASE;
    bool stale = mistake == OP_ORB_MISTAKE_STALE || mistake == OP_ORB_MISTAKE_STALE_BUFFERS ||
                 mistake == OP_ORB_MISTAKE_STALE_SET || mistake == OP_ORB_MISTAKE_STALE_ASK;
    bool foreign = mistake == OP_ORB_MISTAKE_FOREIGN_MEMORY;
    if (mistake >= OP_ORB_MISTAKE_COUNT || ((irq || awake || foreign) && view->orb == NULL) ||
        (foreign && view->execution.executing) ||
        (stale && (view->gone == NULL || is_live(oracle, view->gone))))
        return;
    cpu->context = irq ? PL_CONTEXT_HARDIRQ : PL_CONTEXT_TASK;
    cpu->no_sleep_depth += awake;
    orb_note(oracle, &before);
    uint32_t status = make_mistake(oracle, cpu, view, op);
    cpu->no_sleep_depth -= awake;
    cpu->context = PL_CONTEXT_TASK;
    bool sleeps = irq || awake;
    if (orb_after(oracle, &before, sleeps ? "6" : "X-10", finding) &&
        orb_number(finding, "X-10 X-3", "status", sleeps ? IOKIT_NOT_PERMITTED : IOKIT_BAD_ARGUMENT,
                   status) &&
        orb_unchanged(oracle, &before, "X-10 X-3", finding))
        orb_check_all(oracle, finding);
}
