/* See orb.h: a login and an IOKit on the runner's machine, programs over them. */
#include "engine/oracle/orb.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SWAP_PAGES 16u

/* --- what all operations ask --- */

bool orb_number(struct finding *finding, const char *ids, const char *what, uint64_t expected,
                uint64_t actual)
{
    if (finding->found)
        return false;
    if (expected == actual)
        return true;
    finding_set(finding, ids, "");
    finding_expected(finding, "%s: 0x%" PRIx64, what, expected);
    finding_actual(finding, "it is 0x%" PRIx64, actual);
    return false;
}

void orb_note(const struct orb_oracle *oracle, struct orb_before *before)
{
    const struct gate *gate = oracle->gate;
    before->calls = gate->calls;
    before->grants = gate->grants;
    before->frees = gate->frees;
    before->held = services_held(oracle->services, 0);
    before->sleeps = gate->sleeps;
    before->traps = oracle->trap->count;
    before->depth = sbp2_gate_depth(oracle->login);
    sbp2_count(oracle->login, &before->counts);
}

bool orb_after(const struct orb_oracle *oracle, const struct orb_before *before, const char *rule,
               struct finding *finding)
{
    uint64_t traps = oracle->trap->count - before->traps;
    if (!orb_number(finding, "S-17", "depth of the gate", before->depth, sbp2_gate_depth(oracle->login)))
        return false;
    if (traps == (rule != NULL) && (rule == NULL || strcmp(oracle->trap->rule, rule) == 0))
        return true;
    finding_set(finding, rule == NULL ? "X-3" : "X-10 X-3", "");
    finding_expected(finding, "%s%s", rule == NULL ? "no trap" : "one trap of rule ",
                     rule == NULL ? "" : rule);
    finding_actual(finding, "%" PRIu64 " traps; the last one: %s", traps,
                   traps == 0 ? "none" : oracle->trap->words);
    return false;
}

bool orb_had_reason(const struct orb_oracle *oracle, const struct orb_before *before, uint64_t frames)
{
    const struct gate *gate = oracle->gate;
    uint64_t floor = gate->machine->floors.normal;
    bool failed = gate->calls - before->calls != gate->grants - before->grants;
    return failed || frames > ORB_RUN_LIMIT || gate_free_frames(gate) < floor + frames;
}

bool orb_left_reserve(const struct orb_oracle *oracle, const struct orb_before *before,
                      struct finding *finding)
{
    const struct gate *gate = oracle->gate;
    uint64_t floor = gate->machine->floors.normal, left = gate_free_frames(gate);
    if (gate->grants == before->grants || left >= floor)
        return true;
    return orb_number(finding, "X-7 F-7", "free frames after a grant of class NORMAL, at least", floor, left);
}

bool orb_unchanged(const struct orb_oracle *oracle, const struct orb_before *before, const char *ids,
                   struct finding *finding)
{
    struct sbp2_counts counts;
    sbp2_count(oracle->login, &counts);
    /* Who slept may have had the page daemon take frames from others. */
    if (oracle->gate->sleeps == before->sleeps &&
        !orb_number(finding, ids, "frames that the systems hold", before->held,
                    services_held(oracle->services, 0)))
        return false;
    return orb_number(finding, ids, "ORBs", before->counts.orbs, counts.orbs) &&
           orb_number(finding, ids, "page tables", before->counts.tables, counts.tables) &&
           orb_number(finding, ids, "DMA commands", before->counts.commands, counts.commands) &&
           orb_number(finding, ids, "pages of slabs", before->counts.slab_pages, counts.slab_pages);
}

/* --- a program --- */

static struct sbp2_config config_of(struct orb_oracle *oracle)
{
    const struct pl_machine *machine = oracle->gate->machine;
    uint64_t runs = machine->frame_count < ORB_RUN_LIMIT ? machine->frame_count : ORB_RUN_LIMIT;
    return (struct sbp2_config){.gate = oracle->gate,
                                .buffer = oracle->services->lent.buffer,
                                .iokit = &oracle->iokit,
                                .trap = oracle->trap,
                                .contract = oracle->services->contract,
                                .orb_limit = ORB_SLOTS,
                                .runs_per_table = (uint32_t)runs,
                                .command_bytes_max = ORB_COMMAND_BYTES,
                                .node_id = ORB_NODE_ID,
                                .speed = ORB_SPEED};
}

static void orb_fini(void *self)
{
    struct orb_oracle *oracle = self;
    free(oracle->login);
    free(oracle->iokit_memory);
    free(oracle);
}

static int orb_init(struct services *services, void **self)
{
    struct orb_oracle *oracle = calloc(1, sizeof(*oracle));
    if (oracle == NULL)
        return -1;
    oracle->services = services;
    oracle->gate = &services->nodes[0].gate;
    oracle->trap = &services->trap;
    struct sbp2_config config = config_of(oracle);
    void *memory = malloc(sbp2_bytes(&config));
    size_t bytes = iokit_bytes(oracle->gate->machine, SWAP_PAGES);
    oracle->iokit_memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (memory == NULL || oracle->iokit_memory == NULL) {
        free(memory);
        orb_fini(oracle);
        return -1;
    }
    oracle->login = sbp2_init(memory, &config);
    *self = oracle;
    return 0;
}

static void orb_reset(void *self)
{
    struct orb_oracle *oracle = self;
    oracle->real = oracle->services->contract == CONTRACT_REAL;
    struct iokit_config iokit = {.contract = oracle->services->contract,
                                 .gate = oracle->gate,
                                 .buffer = oracle->services->lent.buffer,
                                 .trap = oracle->trap,
                                 .swap_pages = SWAP_PAGES};
    iokit_init(&oracle->iokit, &iokit, oracle->iokit_memory);
    struct sbp2_config config = config_of(oracle);
    oracle->login = sbp2_init(oracle->login, &config);
    memset(&oracle->limits, 0, sizeof(oracle->limits));
    oracle->bus_generation = 0;
    oracle->budget = ORB_PIECE_BUDGET;
    for (uint32_t i = 0; i < ORB_SLOTS; i++) {
        oracle->views[i].orb = NULL;
        oracle->views[i].gone = NULL;
        oracle->memories[i].memory = NULL;
        oracle->memories[i].serial = 0;
        oracle->memories[i].owned = false;
        oracle->memories[i].attached = 0;
        oracle->memories[i].range_uses = 0;
    }
}

/* An ORB is served in software while it is virtual, and not a byte of it afterwards. */
static void orb_virtual(struct orb_oracle *oracle, struct orb_view *view, struct finding *finding)
{
    unsigned char byte;
    if (view->flags & SBP2_VIRTUAL_ORBS)
        view->pseudo_addr = sbp2_orb_address(oracle->login, view->orb);
    else if (view->pseudo_addr != 0)
        orb_number(finding, "X-8", "bytes that answer where the ORB was virtual", 0,
                   sbp2_pseudo_read(oracle->login, view->pseudo_addr, &byte, 1));
}

/* Plain cells: no lock, no check, any context. */
static void orb_cell(struct orb_oracle *oracle, const struct op *op, struct finding *finding)
{
    struct orb_view *view = &oracle->views[op->slot % ORB_SLOTS];
    if (view->orb == NULL)
        return;
    switch (op->kind) {
    case OP_ORB_FLAGS:
        view->flags = op->flags;
        sbp2_orb_set_flags(oracle->login, view->orb, op->flags);
        orb_virtual(oracle, view, finding);
        break;
    case OP_ORB_PAYLOAD:
        view->payload = op->count;
        sbp2_orb_set_payload(oracle->login, view->orb, op->count);
        break;
    default:
        if (view->references < UINT32_MAX) {
            view->references++;
            sbp2_orb_retain(oracle->login, view->orb);
        }
        break;
    }
    orb_check(oracle, view, finding);
}

static void orb_run(void *self, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct orb_oracle *oracle = self;
    switch (op->kind) {
    case OP_ORB_NEW:
        orb_new(oracle, cpu, op, finding);
        break;
    case OP_ORB_MEMORY:
        cpu->context = PL_CONTEXT_TASK;
        orb_memory_make(oracle, cpu, op, finding);
        break;
    case OP_ORB_TABLE:
        orb_table(oracle, cpu, op, finding);
        break;
    case OP_ORB_BUFFERS:
        orb_buffers(oracle, cpu, op, finding);
        break;
    case OP_ORB_BUFFERS_NONE:
        orb_buffers_none(oracle, cpu, op, finding);
        break;
    case OP_ORB_RANGES:
        orb_ranges(oracle, cpu, op, finding);
        break;
    case OP_ORB_CONSTRAINTS:
        orb_constraints(oracle, cpu, op, finding);
        break;
    case OP_ORB_LIMIT:
        orb_limit(oracle, op);
        break;
    case OP_ORB_COMMAND:
        orb_command(oracle, cpu, op, finding);
        break;
    case OP_ORB_FIELD:
        orb_field(oracle, cpu, op, finding);
        break;
    case OP_ORB_TABLE_DROP:
        cpu->context = PL_CONTEXT_TASK;
        orb_table_drop(oracle, cpu, op, finding);
        break;
    case OP_ORB_RELEASE:
        orb_release(oracle, cpu, op->slot % ORB_SLOTS, finding);
        break;
    case OP_ORB_BAD:
        orb_bad(oracle, cpu, op, finding);
        break;
    case OP_ORB_PAGEABLE:
        cpu->context = PL_CONTEXT_TASK;
        orb_pageable(oracle, cpu, op, finding);
        break;
    case OP_ORB_WIRE:
        cpu->context = PL_CONTEXT_TASK;
        orb_wire(oracle, cpu, op, finding);
        break;
    case OP_ORB_SUBMIT:
        orb_submit(oracle, cpu, op, finding);
        break;
    case OP_ORB_FLAGS:
    case OP_ORB_PAYLOAD:
    case OP_ORB_RETAIN:
        orb_cell(oracle, op, finding);
        break;
    default:
        break;
    }
}

static void orb_step(void *self, struct finding *finding)
{
    const struct orb_oracle *oracle = self;
    orb_number(finding, "S-17", "depth of the gate between calls", 0, sbp2_gate_depth(oracle->login));
}

static void orb_audit(void *self, struct finding *finding)
{
    orb_check_all(self, finding);
}

static void orb_end(void *self, struct pl_cpu *cpu, struct finding *finding)
{
    struct orb_oracle *oracle = self;
    struct sbp2_counts counts;
    for (uint32_t i = 0; i < ORB_SLOTS; i++) {
        struct op complete = {.kind = OP_ORB_SUBMIT, .slot = i, .mobility = OP_ORB_STEP_COMPLETE};
        if (oracle->views[i].orb != NULL && oracle->views[i].execution.executing && !finding->found)
            orb_submit(oracle, cpu, &complete, finding);
        while (oracle->views[i].orb != NULL && !finding->found)
            orb_release(oracle, cpu, i, finding);
    }
    for (uint32_t i = 0; i < ORB_SLOTS && !finding->found; i++) {
        struct orb_memory *memory = &oracle->memories[i];
        orb_number(finding, "S-18 X-4", "users of ranges at the end", 0, memory->range_uses);
        if (memory->memory != NULL && memory->owned) {
            orb_memory_drop(oracle, cpu, memory);
            orb_memory_settle(oracle, i, finding);
        }
    }
    sbp2_count(oracle->login, &counts);
    orb_number(finding, "X-4", "ORBs at the end", 0, counts.orbs);
    orb_number(finding, "X-4", "page tables at the end", 0, counts.tables);
    orb_number(finding, "X-4", "DMA commands at the end", 0, counts.commands);
    orb_number(finding, "X-4", "pages of slabs at the end", 0, counts.slab_pages);
    orb_number(finding, "S-18 X-4", "descriptors over ranges at the end", 0, oracle->iokit.ranges.objects);
}

const struct oracle_ops oracle_orb = {
    .name = "orb",
    .init = orb_init,
    .fini = orb_fini,
    .reset = orb_reset,
    .run = orb_run,
    .step = orb_step,
    .audit = orb_audit,
    .end = orb_end,
};
