/* Pointing ORBs at memory: the outcome of each call is known before it is made, except whether a growing
 * table gets its memory. */
#include "engine/oracle/orb.h"

#include <inttypes.h>
#include <string.h>

#define ENTRY_BYTES 8u
#define COUNT_MAX   65535u

/* What a call must come to. */
struct verdict {
    uint32_t status;
    const char *ids;  /* of a wrong status */
    const char *trap; /* rule, or NULL */
    bool grows;       /* may fail for want of memory */
    bool fixed_fails; /* FixedSize, and too small a table */
};

static struct verdict judge(const struct orb_oracle *oracle, const struct orb_view *view,
                            const struct orb_expect *expect)
{
    bool fixed = (view->flags & SBP2_FIXED_SIZE) != 0;
    uint64_t written = expect->count < view->capacity ? expect->count : view->capacity;
    struct verdict verdict = {.status = IOKIT_SUCCESS, .ids = fixed ? "S-11 S-19" : "S-12 S-19"};
    if (view->capacity != 0 && written * ENTRY_BYTES > view->table.bytes) {
        verdict.status = IOKIT_NO_MEMORY;
        verdict.ids = verdict.trap = "S-3";
    } else if (expect->bad) {
        verdict.status = IOKIT_BAD_ARGUMENT;
        verdict.ids = "S-16 S-7 X-6";
    } else if (expect->count > view->capacity && fixed) {
        verdict.status = IOKIT_NO_MEMORY;
        verdict.fixed_fails = true;
        verdict.ids = "S-10";
    } else if (expect->count > COUNT_MAX && !oracle->real) {
        verdict.status = IOKIT_BAD_ARGUMENT;
        verdict.ids = "S-8";
    } else {
        verdict.grows = expect->count > view->capacity;
    }
    return verdict;
}

/* --- after the call --- */

/* The mapping stands: fields as they must be, entries in memory piece by piece. */
static void view_fill(struct orb_oracle *oracle, struct orb_view *view, const struct orb_expect *expect,
                      struct finding *finding)
{
    const struct orb_piece *first = &oracle->pieces[0];
    bool direct = expect->count == 1 && first->addr % 4 == 0 && (oracle->real || first->addr >> 32 == 0);
    if (expect->count == 0)
        return;
    if (direct) {
        view->data = first->addr & UINT32_MAX;
        view->data_size = (uint32_t)first->bytes;
        return;
    }
    uint64_t bytes = (uint64_t)expect->count * ENTRY_BYTES;
    view->uses_table = true;
    view->in_use = expect->count;
    view->data_size = expect->count & 0xFFFFu;
    view->data =
        bytes <= view->table.first_segment_bytes ? view->table.physical_addr : view->table.pseudo_addr;
    if (orb_check_entries(oracle, view, expect->count, finding))
        orb_entries_sum(oracle, view, &view->entries_sum, finding);
}

/* Pieces cover the requested bytes: no more, no less. The expectation checks itself. */
static bool sum_is_right(const struct orb_oracle *oracle, const struct orb_expect *expect,
                         struct finding *finding)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < expect->count; i++)
        sum += oracle->pieces[i].bytes;
    return orb_number(finding, "S-4", "bytes of all segments", expect->length, sum);
}

/* An allocation-free path allocated: which promise that breaks depends on the path. */
static bool allocates_nothing(const struct orb_oracle *oracle, const struct orb_before *before,
                              const struct orb_view *view, const struct verdict *verdict,
                              struct finding *finding)
{
    const char *ids = "S-12 X-5";
    if (verdict->fixed_fails)
        ids = "S-10 X-5";
    else if (view->flags & SBP2_FIXED_SIZE)
        ids = "S-11 X-5";
    return orb_number(finding, ids, "calls of the allocator", before->calls, oracle->gate->calls);
}

static void after_growth(struct orb_oracle *oracle, const struct orb_before *before, struct orb_view *view,
                         const struct orb_expect *expect, uint32_t status, struct finding *finding)
{
    if (status == IOKIT_SUCCESS) {
        if (orb_left_reserve(oracle, before, finding))
            orb_learn_table(oracle, view, expect->count, false, finding);
        return;
    }
    uint64_t frames = (uint64_t)expect->count * ENTRY_BYTES / PL_FRAME_BYTES + 3;
    if (!orb_had_reason(oracle, before, frames))
        orb_number(finding, "S-12", "the table grows while there is memory (1: yes)", 1, 0);
    if (oracle->real) {
        view->capacity = 0;
        memset(&view->table, 0, sizeof(view->table));
    }
}

struct call {
    uint32_t slot;
    uint32_t memory; /* a slot, or ORB_MEMORY_RANGES */
    const struct orb_source *source;
    uint64_t offset;
    struct orb_before before;
    struct orb_expect expect;
    struct verdict verdict;
    unsigned char peek[ORB_PEEK_BYTES];
    size_t peek_bytes;
};

/* DOC: a refused mapping leaves the entries of the last one. REAL: it overwrites the first ones with
 * what fits of the refused, and nothing behind them. */
static bool entries_kept(struct orb_oracle *oracle, const struct call *call, struct finding *finding)
{
    unsigned char now[ORB_PEEK_BYTES];
    const struct orb_view *view = &oracle->views[call->slot];
    const uint32_t refused = call->expect.count;
    uint32_t written = !oracle->real ? 0 : refused < view->capacity ? refused : view->capacity;
    uint64_t bytes = (uint64_t)written * ENTRY_BYTES;
    size_t changed = bytes < ORB_PEEK_BYTES ? (size_t)bytes : ORB_PEEK_BYTES;
    if (call->peek_bytes == 0 || orb_peek_table(oracle, view, now) == 0)
        return true;
    if (!orb_check_entries(oracle, view, written, finding)) {
        finding_set(finding, "S-10 X-3", "");
        finding_expected(finding, "a refused mapping's first %" PRIu32 " pieces are in the table", written);
        finding_actual(finding, "they are not");
        return false;
    }
    return orb_number(finding, "S-10 X-3",
                      "a refused mapping leaves the entries that it did not reach (1: yes)", 1,
                      memcmp(now + changed, call->peek + changed, ORB_PEEK_BYTES - changed) == 0);
}

static void check_failure(struct orb_oracle *oracle, const struct call *call, struct finding *finding)
{
    const struct orb_view *view = &oracle->views[call->slot];
    if (sbp2_orb_memory(oracle->login, view->orb) != NULL && !finding->found) {
        finding_set(finding, "S-13 S-19", "after a failure no buffer is attached");
        finding_actual(finding, "one is");
        return;
    }
    if (call->verdict.status != IOKIT_SUCCESS && !entries_kept(oracle, call, finding))
        return;
    orb_check(oracle, view, finding);
}

/* The call was made and neither trapped nor was refused at the door. */
static void settle(struct orb_oracle *oracle, struct call *call, uint32_t status, struct finding *finding)
{
    struct orb_view *view = &oracle->views[call->slot];
    const struct verdict *verdict = &call->verdict;
    uint32_t in_use = view->in_use;
    bool failed_to_grow = verdict->grows && status == IOKIT_NO_MEMORY;
    if (!failed_to_grow && !orb_number(finding, verdict->ids, "status", verdict->status, status))
        return;
    if (!verdict->grows && call->memory != ORB_MEMORY_RANGES &&
        !allocates_nothing(oracle, &call->before, view, verdict, finding))
        return;
    if (status != IOKIT_SUCCESS && sbp2_orb_memory(oracle->login, view->orb) != NULL) {
        check_failure(oracle, call, finding);
        return;
    }
    if (status == IOKIT_SUCCESS && call->memory != ORB_MEMORY_RANGES)
        oracle->memories[call->memory].attached++;
    orb_view_detach(oracle, call->slot, finding);
    if (verdict->grows)
        after_growth(oracle, &call->before, view, &call->expect, status, finding);
    if (status != IOKIT_SUCCESS) {
        /* The original forgets to forget how many entries were in use. */
        if (oracle->real && verdict->fixed_fails && view->capacity != 0)
            view->in_use = in_use;
        check_failure(oracle, call, finding);
        return;
    }
    view->memory = call->memory;
    view->offset = call->offset;
    view->attached = sbp2_orb_memory(oracle->login, view->orb);
    if (call->memory != ORB_MEMORY_RANGES) {
        view->attached = oracle->memories[call->memory].memory;
        orb_memory_settle(oracle, call->memory, finding);
    }
    if (sum_is_right(oracle, &call->expect, finding))
        view_fill(oracle, view, &call->expect, finding);
    if (!finding->found)
        orb_check_pattern(oracle, call->source, call->offset, call->expect.count, finding);
    orb_check(oracle, view, finding);
}

/* --- operations --- */

static void refused(struct orb_oracle *oracle, const struct call *call, uint32_t expected, uint32_t status,
                    const char *rule, struct finding *finding)
{
    if (orb_after(oracle, &call->before, rule, finding) &&
        orb_number(finding, "X-3 S-16", "status of a call that is trapped", expected, status) &&
        orb_unchanged(oracle, &call->before, "X-3", finding))
        orb_check(oracle, &oracle->views[call->slot], finding);
}

void orb_buffers(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct call call = {.slot = op->slot % ORB_SLOTS, .memory = op->other % ORB_SLOTS};
    struct orb_view *view = &oracle->views[call.slot];
    struct orb_memory *memory = &oracle->memories[call.memory];
    if (view->orb == NULL || memory->memory == NULL)
        return;
    struct orb_source source = {.from = memory, .whole = memory->memory->length};
    call.source = &source;
    call.offset = op->value;
    bool prepared = memory->memory->wire_count != 0;
    if (prepared && !orb_expect(oracle, view, &source, op->value, op->extra, &call.expect))
        return;
    call.verdict = judge(oracle, view, &call.expect);
    call.peek_bytes = call.verdict.status == IOKIT_SUCCESS ? 0 : orb_peek_table(oracle, view, call.peek);
    bool gated = op->mobility & 1u;
    if (gated)
        sbp2_gate_close(oracle->login);
    orb_note(oracle, &call.before);
    uint32_t status =
        sbp2_orb_set_command_buffers(oracle->login, cpu, view->orb, memory->memory, op->value, op->extra);
    if (cpu->context != PL_CONTEXT_TASK) {
        refused(oracle, &call, IOKIT_NOT_PERMITTED, status, "6", finding);
    } else if (view->execution.executing) {
        refused(oracle, &call, IOKIT_BUSY, status, "4.4", finding);
    } else if (!prepared) {
        refused(oracle, &call, IOKIT_NOT_READY, status, "4.4", finding);
    } else if (call.verdict.trap != NULL) {
        refused(oracle, &call, call.verdict.status, status, call.verdict.trap, finding);
    } else if (orb_after(oracle, &call.before, NULL, finding)) {
        settle(oracle, &call, status, finding);
    }
    if (gated && !finding->found)
        sbp2_gate_open(oracle->login);
}

void orb_buffers_none(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                      struct finding *finding)
{
    struct call call = {.slot = op->slot % ORB_SLOTS, .memory = ORB_MEMORY_NONE};
    struct orb_view *view = &oracle->views[call.slot];
    if (view->orb == NULL)
        return;
    orb_note(oracle, &call.before);
    uint32_t status = sbp2_orb_release_command_buffers(oracle->login, cpu, view->orb);
    if (cpu->context != PL_CONTEXT_TASK) {
        refused(oracle, &call, IOKIT_NOT_PERMITTED, status, "6", finding);
        return;
    }
    if (view->execution.executing) {
        refused(oracle, &call, IOKIT_BUSY, status, "4.4", finding);
        return;
    }
    if (!orb_after(oracle, &call.before, NULL, finding) ||
        !orb_number(finding, "S-14", "status", IOKIT_SUCCESS, status) ||
        !orb_number(finding, "S-14 X-5", "calls of the allocator", call.before.calls, oracle->gate->calls) ||
        !orb_number(finding, "S-14", "capacity", view->capacity, sbp2_orb_capacity(oracle->login, view->orb)))
        return;
    orb_view_detach(oracle, call.slot, finding);
    orb_check(oracle, view, finding);
}

/* The descriptor's bytes as ranges, the last part first, so that the order in memory is another one. Returns
 * their number. */
static uint32_t make_ranges(const struct orb_memory *memory, uint32_t wanted, struct orb_source *source,
                            struct iokit_range ranges[ORB_RANGE_LIMIT])
{
    uint64_t length = memory->memory->length;
    uint64_t addr = iokit_buffer_address(memory->memory);
    uint32_t count = wanted > ORB_RANGE_LIMIT ? ORB_RANGE_LIMIT : wanted;
    if (count > length)
        count = (uint32_t)length;
    uint64_t part = count == 0 ? 0 : length / count;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = (count - 1 - i) * part;
        uint64_t bytes = i == 0 ? length - offset : part;
        source->ranges[i].offset = offset;
        source->ranges[i].bytes = bytes;
        ranges[i] = (struct iokit_range){.addr = addr + offset, .bytes = bytes};
    }
    source->range_count = count;
    source->whole = count == 0 ? 0 : length;
    return count;
}

/* What is refused before a descriptor is made; false: nothing is. */
static bool refused_early(const struct orb_oracle *oracle, const struct op *op, const struct pl_cpu *cpu,
                          uint32_t count, uint64_t length, uint32_t *status, const char **rule)
{
    bool wide = op->mobility != OP_ORB_WIDTH_32;
    *rule = NULL;
    if (cpu->context != PL_CONTEXT_TASK) {
        *status = IOKIT_NOT_PERMITTED;
        *rule = "6";
    } else if (oracle->views[op->slot % ORB_SLOTS].execution.executing) {
        *status = IOKIT_BUSY;
        *rule = "4.4";
    } else if (count == 0) {
        *status = wide && oracle->real ? IOKIT_NO_MEMORY : IOKIT_BAD_ARGUMENT;
    } else if (!wide && oracle->real) {
        *status = IOKIT_ERROR;
        *rule = "R-26";
    } else if (wide && !oracle->real && (op->value > UINT32_MAX || length > UINT32_MAX)) {
        *status = IOKIT_BAD_ARGUMENT;
    } else {
        return false;
    }
    return true;
}

void orb_ranges(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding)
{
    struct call call = {.slot = op->slot % ORB_SLOTS, .memory = ORB_MEMORY_RANGES};
    struct orb_view *view = &oracle->views[call.slot];
    struct orb_memory *memory = &oracle->memories[op->other % ORB_SLOTS];
    struct iokit_range ranges[ORB_RANGE_LIMIT] = {{0}};
    uint32_t early = IOKIT_SUCCESS, status;
    const char *rule = NULL;
    if (view->orb == NULL || memory->memory == NULL || !memory->real || memory->pageable || !memory->owned ||
        memory->memory->wire_count == 0)
        return;
    struct orb_source source = {.from = memory};
    uint32_t count = make_ranges(memory, op->count, &source, ranges);
    call.source = &source;
    call.offset = (uint32_t)op->value;
    uint64_t length = op->extra | (op->mobility == OP_ORB_WIDTH_WIDE ? UINT64_C(1) << 32 : 0);
    bool refuses = refused_early(oracle, op, cpu, count, length, &early, &rule);
    if (!refuses && !orb_expect(oracle, view, &source, (uint32_t)op->value, (uint32_t)length, &call.expect))
        return;
    call.verdict = judge(oracle, view, &call.expect);
    if (call.verdict.trap != NULL && !refuses)
        return;
    call.peek_bytes = call.verdict.status == IOKIT_SUCCESS ? 0 : orb_peek_table(oracle, view, call.peek);
    orb_note(oracle, &call.before);
    if (op->mobility == OP_ORB_WIDTH_32)
        status = sbp2_orb_set_ranges(oracle->login, cpu, view->orb, ranges, count, IOKIT_DIRECTION_INOUT,
                                     (uint32_t)op->value, op->extra);
    else
        status = sbp2_orb_set_ranges64(oracle->login, cpu, view->orb, ranges, count, IOKIT_DIRECTION_INOUT,
                                       op->value, length);
    if (refuses) {
        refused(oracle, &call, early, status, rule, finding);
        return;
    }
    if (!orb_after(oracle, &call.before, NULL, finding))
        return;
    /* No memory for the descriptor: then the ORB was not touched. */
    uint64_t calls = oracle->gate->calls - call.before.calls;
    if (status == IOKIT_NO_MEMORY && calls != oracle->gate->grants - call.before.grants &&
        sbp2_orb_memory(oracle->login, view->orb) == view->attached &&
        sbp2_orb_capacity(oracle->login, view->orb) == view->capacity) {
        orb_check(oracle, view, finding);
        return;
    }
    memory->range_uses += status == IOKIT_SUCCESS;
    settle(oracle, &call, status, finding);
    if (!finding->found && status == IOKIT_SUCCESS) {
        oracle->range_slot[call.slot] = op->other % ORB_SLOTS;
        orb_number(finding, "S-18", "references of the descriptor over ranges", 1,
                   view->attached == NULL ? 0 : view->attached->references);
    }
}
