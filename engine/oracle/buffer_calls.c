/* Calls on a buffer that are not about its bytes: release, wiring, segments, the purge states, mistakes. */
#include <inttypes.h>

#include "engine/oracle/buffer.h"

/* Is this a call that may sleep, made where nothing may? Then it is trapped and nothing else happens. */
static uint64_t forbidden(const struct pl_cpu *cpu)
{
    return cpu->context != PL_CONTEXT_TASK;
}

void buffer_run_release(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                        struct finding *finding)
{
    const struct iokit *iokit = &oracle->iokit;
    uint64_t refused = forbidden(cpu);
    bool pinned = expected->wire_count != 0;
    buffer_begin(oracle);
    (void)iokit_buffer_release(&oracle->iokit, cpu, expected->memory, expected->serial);
    if (refused == 0) {
        oracle->live--;
        buffer_forget(oracle, expected);
        expected->live = false;
        expected->wire_count = 0;
    }
    buffer_finish(oracle, refused, finding);
    if (finding->found)
        return;
    if (refused != 0) {
        buffer_unchanged(oracle, "X-5 X-3", finding);
    } else if (iokit->pinned != oracle->before.pinned - pinned) {
        finding_set(finding, "B-16 B-19", "release completes what was prepared");
        finding_actual(finding, "%" PRIu64 " buffers pinned, before %" PRIu64, iokit->pinned,
                       oracle->before.pinned);
    } else if (oracle->live == 0 &&
               (iokit->buffers.objects != 0 || iokit->buffers.pages != 0 || iokit->heap_objects != 0 ||
                iokit->heap_pages.pages != 0 || iokit->slots_used != 0 || iokit->io.first != NULL)) {
        finding_set(finding, "B-19 X-4",
                    "without buffers there are no descriptors, heap pages, swap slots, mappings");
        finding_actual(finding, "%" PRIu64 " descriptors, %" PRIu64 " heap objects, %" PRIu32 " slots",
                       iokit->buffers.objects, iokit->heap_objects, iokit->slots_used);
    }
}

/* --- wiring --- */

/* Plenty of memory, so that wiring has no excuse. */
static bool has_plenty(const struct buffer_oracle *oracle, const struct expected *expected)
{
    const struct services_node *node = &oracle->services->nodes[0];
    const struct pl_floors *floors = &node->machine->floors;
    uint64_t floor = expected->options & IOKIT_USE_RESERVE ? floors->system : floors->normal;
    return !oracle->before.may_inject && (node->instance->caps & PL_CAP_ALL_FRAMES) &&
           buffer_page_count(expected) < node->machine->frame_count &&
           oracle->before.free_frames >= floor + buffer_page_count(expected);
}

static uint32_t expect_prepare(const struct expected *expected, uint32_t direction, uint64_t refused)
{
    if (refused != 0)
        return IOKIT_NOT_PERMITTED;
    if (expected->wire_count != 0 && buffer_reads_only(expected->wire_direction) &&
        !buffer_reads_only(direction))
        return IOKIT_NOT_WRITABLE;
    return IOKIT_SUCCESS;
}

static void wired_first(struct buffer_oracle *oracle, struct expected *expected, struct finding *finding)
{
    struct buffer_walk walk;
    bool learn = !expected->known;
    expected->known = true;
    buffer_walk(oracle, expected, learn, &walk, finding);
    /* A length below the capacity hides pages that are pinned all the same. */
    for (uint64_t page = 0; learn && !finding->found && page < buffer_page_count(expected); page++) {
        pl_frame frame = iokit_buffer_frame(expected->memory, page);
        if (expected->frames[page] != BUFFER_UNKNOWN)
            continue;
        if (pl_frame_is_none(frame)) {
            finding_set(finding, "B-9", "prepared memory is resident, all of it");
            finding_actual(finding, "page %" PRIu64 " is not", page);
        } else {
            (void)buffer_claim(oracle, expected, page, frame.number, finding);
        }
    }
    if (!finding->found)
        buffer_compare(oracle, expected, 0, expected->length, "B-9 B-1", finding);
}

void buffer_run_prepare(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                        uint32_t direction, struct finding *finding)
{
    uint64_t refused = forbidden(cpu);
    uint32_t meant = direction & IOKIT_DIRECTION_INOUT;
    meant = meant == IOKIT_DIRECTION_NONE ? expected->direction & IOKIT_DIRECTION_INOUT : meant;
    uint32_t wanted = expect_prepare(expected, meant, refused);
    buffer_begin(oracle);
    uint32_t result = iokit_memory_prepare(expected->memory, cpu, direction);
    buffer_finish(oracle, refused, finding);
    if (finding->found)
        return;
    bool short_of = wanted == IOKIT_SUCCESS && expected->wire_count == 0 && !expected->wired &&
                    (result == IOKIT_CANNOT_WIRE || result == IOKIT_NO_MEMORY);
    bool excused = short_of && !has_plenty(oracle, expected) &&
                   (buffer_was_short(oracle) ||
                    buffer_page_count(expected) > oracle->services->nodes[0].machine->frame_count);
    if (result != wanted && !excused) {
        finding_set(finding, wanted == IOKIT_NOT_WRITABLE ? "B-17" : "B-16 B-9", "");
        finding_expected(
            finding, "result 0x%" PRIx32 " for direction %" PRIu32 ", wired %" PRIu32 " times with %" PRIu32,
            wanted, meant, expected->wire_count, expected->wire_direction);
        finding_actual(finding, "0x%" PRIx32, result);
        return;
    }
    if (result != IOKIT_SUCCESS) {
        buffer_fields(expected, finding);
        buffer_unchanged(oracle, "B-22 B-17 X-3", finding);
        return;
    }
    buffer_floor(oracle, expected->options, finding);
    if (expected->wire_count++ == 0) {
        expected->wire_direction = meant;
        wired_first(oracle, expected, finding);
    }
    if (!finding->found)
        buffer_fields(expected, finding);
}

void buffer_run_complete(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                         struct finding *finding)
{
    uint64_t refused = forbidden(cpu);
    bool development = oracle->services->contract == CONTRACT_DOC;
    /* The reader of the document expects a wired buffer to stay so. */
    bool unmatched = expected->wire_count == (expected->wired && development ? 1u : 0u);
    buffer_begin(oracle);
    uint32_t result = iokit_memory_complete(expected->memory, cpu);
    buffer_finish(oracle, refused != 0 || (unmatched && development), finding);
    if (finding->found)
        return;
    if (result != (refused != 0 ? IOKIT_NOT_PERMITTED : IOKIT_SUCCESS)) {
        finding_set(finding, "B-16", "complete always succeeds");
        finding_actual(finding, "0x%" PRIx32, result);
        return;
    }
    if (refused == 0 && !unmatched && --expected->wire_count == 0 && !expected->wired)
        buffer_forget(oracle, expected);
    buffer_fields(expected, finding);
}

/* --- segments --- */

void buffer_run_segments(struct buffer_oracle *oracle, struct expected *expected, uint64_t offset,
                         struct finding *finding)
{
    uint64_t bytes = 1;
    bool inside = offset < expected->length;
    bool wired = expected->wire_count != 0;
    uint64_t traps = inside && !wired && oracle->services->contract == CONTRACT_REAL;
    buffer_begin(oracle);
    uint64_t addr = iokit_memory_segment(expected->memory, offset, &bytes);
    buffer_finish(oracle, traps, finding);
    if (finding->found)
        return;
    if (oracle->services->nodes[0].gate.calls != oracle->before.calls ||
        oracle->services->nodes[0].gate.sleeps != oracle->before.sleeps) {
        finding_set(finding, "X-5", "asking for a segment neither allocates nor sleeps");
        finding_actual(finding, "it did");
    } else if ((bytes != 0) != (inside && wired) || (bytes == 0 && addr != 0)) {
        finding_set(finding, "B-6 R-19", inside && wired ? "a segment" : "address 0 and no bytes");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 " at %" PRIu64 " of %" PRIu64, addr, bytes, offset,
                       expected->length);
    } else if (wired) {
        struct buffer_walk walk;
        if (inside && bytes > expected->length - offset) {
            finding_set(finding, "B-6", "no segment goes past the end");
            finding_actual(finding, "%" PRIu64 " bytes at %" PRIu64 " of %" PRIu64, bytes, offset,
                           expected->length);
            return;
        }
        buffer_walk(oracle, expected, false, &walk, finding);
    }
}

/* --- purgeable memory --- */

static uint32_t expect_purge(const struct expected *expected, uint32_t state, uint64_t refused)
{
    uint32_t code = state & IOKIT_PURGE_STATE_MASK;
    bool looked_at = code == IOKIT_PURGE_VOLATILE || code == IOKIT_PURGE_EMPTY;
    if (refused != 0)
        return IOKIT_NOT_PERMITTED;
    if (code < IOKIT_PURGE_KEEP || code > IOKIT_PURGE_EMPTY)
        return IOKIT_BAD_ARGUMENT;
    if ((looked_at && (state & ~(IOKIT_PURGE_STATE_MASK | IOKIT_PURGE_MODIFIERS)) != 0) ||
        !expected->purgeable)
        return KERN_INVALID_ARGUMENT;
    return IOKIT_SUCCESS;
}

static void zero_expected(struct expected *expected)
{
    uint64_t bytes = expected->capacity < BUFFER_BYTES_MAX ? expected->capacity : BUFFER_BYTES_MAX;
    for (uint64_t i = 0; i < bytes; i++)
        expected->bytes[i] = 0;
}

static void move_state(struct buffer_oracle *oracle, struct expected *expected, uint32_t code)
{
    bool empty = expected->purge_state == IOKIT_PURGE_EMPTY;
    if (code == IOKIT_PURGE_KEEP || (code == IOKIT_PURGE_VOLATILE && empty))
        return;
    if (code == IOKIT_PURGE_EMPTY || empty)
        zero_expected(expected);
    expected->vague = code == IOKIT_PURGE_EMPTY;
    expected->purge_state = code;
    expected->volatile_since = oracle->services->pageout.steps;
}

void buffer_run_purge(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                      uint32_t state, struct finding *finding)
{
    uint32_t old = 0xdead;
    uint64_t refused = forbidden(cpu);
    uint32_t wanted = expect_purge(expected, state, refused);
    uint32_t before = expected->purge_state;
    buffer_begin(oracle);
    uint32_t result = iokit_buffer_set_purgeable(expected->memory, cpu, state, &old);
    buffer_finish(oracle, refused, finding);
    if (finding->found)
        return;
    if (result != wanted) {
        finding_set(finding, expected->purgeable ? "B-12" : "B-11", "");
        finding_expected(finding, "0x%" PRIx32 " for state 0x%" PRIx32 " of %s buffer", wanted, state,
                         expected->purgeable ? "a purgeable" : "an ordinary");
        finding_actual(finding, "0x%" PRIx32, result);
    } else if (old != (wanted == IOKIT_SUCCESS ? before : 0xdead)) {
        finding_set(finding, "B-12", "");
        finding_expected(finding, "the old state is %" PRIu32 ", told on success only", before);
        finding_actual(finding, "%" PRIu32, old);
    }
    if (finding->found || wanted != IOKIT_SUCCESS)
        return;
    move_state(oracle, expected, state & IOKIT_PURGE_STATE_MASK);
    (void)iokit_buffer_set_purgeable(expected->memory, cpu, IOKIT_PURGE_KEEP, &old);
    if (old != expected->purge_state) {
        finding_set(finding, "B-12", "");
        finding_expected(finding, "from state %" PRIu32 " by %" PRIu32 " to %" PRIu32, before,
                         state & IOKIT_PURGE_STATE_MASK, expected->purge_state);
        finding_actual(finding, "to %" PRIu32, old);
        return;
    }
    buffer_compare(oracle, expected, 0, expected->capacity, "B-12", finding);
}

/* --- mistakes --- */

/* What the caller's handle lets him do; true: something. Nothing is read of memory that is dead. */
static bool use_badly(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct iokit_memory *memory,
                      uint64_t serial, unsigned mistake)
{
    struct iokit *iokit = &oracle->iokit;
    if (mistake == OP_BUFFER_MISTAKE_PREPARE)
        return iokit_memory_door(iokit, memory, serial, "prepare");
    if (mistake == OP_BUFFER_MISTAKE_READ)
        return iokit_memory_door(iokit, memory, serial, "readBytes");
    if (mistake == OP_BUFFER_MISTAKE_PURGE)
        return iokit_memory_door(iokit, memory, serial, "setPurgeable");
    return iokit_buffer_release(iokit, cpu, memory, serial);
}

void buffer_run_bad(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                    unsigned mistake, struct finding *finding)
{
    struct iokit_memory *memory = expected->memory;
    uint64_t serial = expected->serial;
    if (mistake == OP_BUFFER_MISTAKE_FORGED) {
        if (!expected->live)
            return;
        memory = (struct iokit_memory *)(void *)((unsigned char *)memory + 16);
    } else if (mistake == OP_BUFFER_MISTAKE_NULL) {
        memory = NULL;
    } else {
        if (!expected->used)
            return;
        serial -= expected->live; /* a live one under the name of one that is gone */
    }
    buffer_begin(oracle);
    bool let_in = use_badly(oracle, cpu, memory, serial, mistake);
    buffer_finish(oracle, 1, finding);
    if (!finding->found && let_in) {
        finding_set(finding, "X-10 B-19", "what is no live buffer is neither released nor used");
        finding_actual(finding, "it was");
    }
    buffer_unchanged(oracle, "X-10 X-3", finding);
}
