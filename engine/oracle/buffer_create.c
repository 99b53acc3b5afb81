/* Creation: what must be refused, what must succeed, and everything that is promised of a buffer just made.
 */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/buffer.h"

/* A creation as the specification sees it. */
struct asked {
    unsigned how;
    enum iokit_task task;
    uint32_t options;
    uint64_t capacity;
    uint64_t alignment; /* after the mask's */
    uint64_t mask;      /* UINT64_MAX: none */
    bool limited;       /* by a mask, if only by that of all ones */
    bool guarded;
    bool contiguous; /* of withCapacity, withBytes */
};

static const uint32_t with_bits[OP_BUFFER_WITH_COUNT] = {
    [OP_BUFFER_WITH_PLAIN] = 0,
    [OP_BUFFER_WITH_SHARED] = IOKIT_KERNEL_USER_SHARED,
    [OP_BUFFER_WITH_SHARING2] = 2 * IOKIT_KERNEL_USER_SHARED,
    [OP_BUFFER_WITH_INHIBIT] = 1u << IOKIT_CACHE_SHIFT,
    [OP_BUFFER_WITH_COMBINE] = 4u << IOKIT_CACHE_SHIFT,
    [OP_BUFFER_WITH_CACHE7] = 7u << IOKIT_CACHE_SHIFT,
    [OP_BUFFER_WITH_CACHE8] = 8u << IOKIT_CACHE_SHIFT,
    [OP_BUFFER_WITH_CACHE9] = 9u << IOKIT_CACHE_SHIFT,
    [OP_BUFFER_WITH_ENCRYPT] = IOKIT_CLEAR_ENCRYPT,
    [OP_BUFFER_WITH_PREFAULT] = IOKIT_MAP_PREFAULT,
};

static void read_asked(const struct op *op, struct asked *asked)
{
    static const enum iokit_task tasks[OP_BUFFER_HOW_COUNT] = {
        [OP_BUFFER_HOW_KERNEL] = IOKIT_TASK_KERNEL,   [OP_BUFFER_HOW_USER] = IOKIT_TASK_USER,
        [OP_BUFFER_HOW_OTHER] = IOKIT_TASK_OTHER,     [OP_BUFFER_HOW_NONE] = IOKIT_TASK_NONE,
        [OP_BUFFER_HOW_WIDE] = IOKIT_TASK_KERNEL,     [OP_BUFFER_HOW_GUARDED] = IOKIT_TASK_KERNEL,
        [OP_BUFFER_HOW_CAPACITY] = IOKIT_TASK_KERNEL, [OP_BUFFER_HOW_CAPACITY_CONTIGUOUS] = IOKIT_TASK_KERNEL,
        [OP_BUFFER_HOW_BYTES] = IOKIT_TASK_KERNEL,    [OP_BUFFER_HOW_BYTES_CONTIGUOUS] = IOKIT_TASK_KERNEL,
    };
    *asked = (struct asked){
        .how = op->mobility % OP_BUFFER_HOW_COUNT,
        .options = op->extra | with_bits[op->order % OP_BUFFER_WITH_COUNT],
        .capacity = op->value,
        .alignment = op->count,
        .mask = UINT64_MAX,
    };
    asked->task = tasks[asked->how];
    asked->contiguous =
        asked->how == OP_BUFFER_HOW_CAPACITY_CONTIGUOUS || asked->how == OP_BUFFER_HOW_BYTES_CONTIGUOUS;
    if (asked->how == OP_BUFFER_HOW_WIDE)
        asked->alignment |= asked->alignment << 32;
    asked->guarded = asked->how == OP_BUFFER_HOW_GUARDED;
    if (asked->guarded)
        asked->alignment = 1;
    if (asked->how >= OP_BUFFER_HOW_CAPACITY) {
        asked->options =
            (op->extra & IOKIT_DIRECTION_INOUT) | (asked->contiguous ? IOKIT_PHYSICALLY_CONTIGUOUS : 0);
        asked->alignment = asked->contiguous ? asked->capacity : 1;
    }
}

static void read_mask(const struct op *op, struct asked *asked)
{
    unsigned bits = op->count & 63u;
    unsigned hole = op->mobility % 32u;
    uint64_t low = (UINT64_C(1) << hole) - 1;
    *asked = (struct asked){
        .how = OP_BUFFER_HOW_COUNT,
        .options = op->extra | with_bits[op->order % OP_BUFFER_WITH_COUNT],
        .capacity = op->value,
        .mask = ((bits == 0 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) & ~low),
    };
    asked->task = asked->options & IOKIT_PAGEABLE ? IOKIT_TASK_USER : IOKIT_TASK_KERNEL;
    asked->limited = asked->mask != 0;
    asked->alignment = asked->limited ? low + 1 : 1;
    if (!asked->limited)
        asked->mask = UINT64_MAX; /* no limit at all */
}

static struct iokit_memory *make(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                                 const struct asked *asked)
{
    struct iokit *iokit = &oracle->iokit;
    uint32_t direction = asked->options & IOKIT_DIRECTION_MASK;
    switch (asked->how) {
    case OP_BUFFER_HOW_COUNT: {
        unsigned bits = op->count & 63u;
        uint64_t mask = (bits == 0 ? UINT64_MAX : (UINT64_C(1) << bits) - 1) &
                        ~((UINT64_C(1) << (op->mobility % 32u)) - 1);
        return iokit_buffer_with_mask(iokit, cpu, asked->task, asked->options, asked->capacity, mask);
    }
    case OP_BUFFER_HOW_GUARDED:
        return iokit_buffer_guarded(iokit, cpu, asked->task, asked->options, asked->capacity);
    case OP_BUFFER_HOW_CAPACITY:
    case OP_BUFFER_HOW_CAPACITY_CONTIGUOUS:
        return iokit_buffer_with_capacity(iokit, cpu, asked->capacity, direction, asked->contiguous);
    case OP_BUFFER_HOW_BYTES:
    case OP_BUFFER_HOW_BYTES_CONTIGUOUS:
        buffer_fill(oracle->scratch, 0, asked->capacity <= BUFFER_BYTES_MAX ? asked->capacity : 0, op->extra);
        return iokit_buffer_with_bytes(iokit, cpu, oracle->scratch, asked->capacity, direction,
                                       asked->contiguous);
    case OP_BUFFER_HOW_KERNEL:
    case OP_BUFFER_HOW_WIDE:
        if (asked->task == IOKIT_TASK_KERNEL && op->cpu % 2 == 1)
            return iokit_buffer_with_options(iokit, cpu, asked->options, asked->capacity, asked->alignment);
        break;
    default:
        break;
    }
    return iokit_buffer_in_task(iokit, cpu, asked->task, asked->options, asked->capacity, asked->alignment);
}

/* Which promise says that this is NULL; NULL: none does. */
static const char *must_fail(const struct buffer_oracle *oracle, const struct asked *asked)
{
    uint64_t frames = oracle->services->nodes[0].machine->frame_count;
    bool pageable = asked->options & IOKIT_PAGEABLE;
    if (asked->capacity == 0 || asked->capacity > UINT64_MAX - (PL_FRAME_BYTES - 1))
        return "B-2 X-6";
    /* Neither may their sum wrap when the capacity is rounded up to pages. */
    uint64_t rounded = (asked->capacity + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES * PL_FRAME_BYTES;
    if (asked->alignment > UINT64_MAX - rounded)
        return "B-2 X-6";
    if (asked->task != IOKIT_TASK_KERNEL && !pageable)
        return "B-10";
    if (pageable ? asked->capacity > IOKIT_OBJECT_BYTES_MAX : asked->capacity > frames * PL_FRAME_BYTES)
        return "B-2 X-6";
    if (!pageable && asked->alignment > UINT32_MAX)
        return "B-3 B-2";
    return NULL;
}

/* Does the buffer take whole pages, or may others be in its page? */
static bool is_granular(const struct asked *asked)
{
    uint32_t page_bits = IOKIT_SHARING_MASK | IOKIT_CACHE_MASK | IOKIT_CLEAR_ENCRYPT;
    return (asked->options & (page_bits | IOKIT_PAGEABLE)) != 0 || asked->guarded || asked->limited ||
           asked->capacity > BUFFER_HEAP_MAX || asked->alignment > BUFFER_HEAP_MAX;
}

#define SLACK_FRAMES 4u /* for the descriptor, what is known of a heap page, and that page */

static uint64_t floor_of(const struct buffer_oracle *oracle, const struct asked *asked)
{
    const struct pl_floors *floors = &oracle->services->nodes[0].machine->floors;
    return asked->options & IOKIT_USE_RESERVE ? floors->system : floors->normal;
}

/* Can any frames do? Not if they must be consecutive, or lie below a limit that this machine exceeds. */
static bool is_anywhere(const struct buffer_oracle *oracle, const struct asked *asked)
{
    const struct pl_machine *machine = oracle->services->nodes[0].machine;
    uint64_t end = (machine->first.number + machine->span) * PL_FRAME_BYTES;
    uint64_t reach = asked->mask | (asked->limited ? asked->alignment - 1 : 0);
    uint32_t contiguous = IOKIT_PHYSICALLY_CONTIGUOUS | IOKIT_HOST_PHYSICALLY_CONTIGUOUS;
    return (asked->options & IOKIT_PAGEABLE) || !is_granular(asked) ||
           ((asked->options & contiguous) == 0 && asked->alignment <= PL_FRAME_BYTES && end - 1 <= reach);
}

/* Is there a free run several times as long as needed? Then the descriptor's own frame cannot spoil it, nor
 * is an aligned block of the next power of two missing in it. Asked of those who cache nothing and find any
 * block that is there. */
static bool has_long_run(const struct buffer_oracle *oracle, const struct asked *asked)
{
    const struct services_node *node = &oracle->services->nodes[0];
    const uint64_t caps = PL_CAP_COMPLETE | PL_CAP_EXACT_COUNT;
    /* No overflow: the capacity fits the machine, the alignment 32 bits. */
    uint64_t frames = asked->capacity / PL_FRAME_BYTES + asked->alignment / PL_FRAME_BYTES + 2;
    struct pl_constraints wanted = {.frame_count = 4 * frames, .high = {UINT64_MAX}, .alignment = 1};
    return (node->instance->caps & caps) == caps && asked->mask == UINT64_MAX &&
           2 * frames <= UINT64_C(1) << node->instance->max_order &&
           services_freed(oracle->services) == oracle->before.freed &&
           shadow_has_run(node->shadow, &wanted, false);
}

/* Nothing stands in the way but memory, of which there is plenty. */
static bool must_succeed(const struct buffer_oracle *oracle, const struct asked *asked)
{
    uint64_t pages = asked->options & IOKIT_PAGEABLE ? 0 : asked->capacity / PL_FRAME_BYTES + 1;
    return !oracle->before.may_inject && (oracle->services->nodes[0].instance->caps & PL_CAP_ALL_FRAMES) &&
           oracle->before.free_frames >= floor_of(oracle, asked) + pages + SLACK_FRAMES &&
           (is_anywhere(oracle, asked) || has_long_run(oracle, asked));
}

/* Where any frame will do, every failure is one of a grant; and grants wait until nothing is left to take. */
static bool has_no_excuse(const struct buffer_oracle *oracle, const struct asked *asked)
{
    uint64_t frames = oracle->services->nodes[0].machine->frame_count;
    return is_anywhere(oracle, asked) && !buffer_was_short(oracle) && floor_of(oracle, asked) < frames;
}

static void check_refusal(struct buffer_oracle *oracle, const struct asked *asked, bool deserved,
                          struct finding *finding)
{
    buffer_unchanged(oracle, "B-22 X-3", finding);
    if (finding->found || deserved)
        return;
    if (must_succeed(oracle, asked)) {
        finding_set(finding, "B-1 X-7", "");
        finding_expected(finding, "%" PRIu64 " frames are free, so there is memory for %" PRIu64 " bytes",
                         oracle->before.free_frames, asked->capacity);
        finding_actual(finding, "NULL");
    } else if (has_no_excuse(oracle, asked)) {
        finding_set(finding, "B-1 X-7", "a creation gives up only when waiting for memory would be for ever");
        finding_actual(finding, "NULL for %" PRIu64 " bytes, and nobody waited in vain", asked->capacity);
    }
}

/* --- of a buffer just made --- */

static void fill_expected(struct buffer_oracle *oracle, const struct asked *asked,
                          struct iokit_memory *memory, struct expected *expected)
{
    uint64_t *frames = expected->frames;
    unsigned char *bytes = expected->bytes;
    bool wired = (asked->options & IOKIT_PAGEABLE) == 0;
    *expected = (struct expected){
        .memory = memory,
        .serial = memory->serial,
        .used = true,
        .live = true,
        .wired = wired,
        .purgeable = !wired && (asked->options & IOKIT_PURGEABLE),
        .mapped = oracle->iommu && (asked->options & IOKIT_MAPPER_NONE) == 0,
        .granular = is_granular(asked),
        .guarded = asked->guarded,
        .options = asked->options,
        .direction = asked->options & IOKIT_DIRECTION_MASK,
        .wire_count = wired,
        .wire_direction = asked->options & IOKIT_DIRECTION_INOUT,
        .purge_state = IOKIT_PURGE_NON_VOLATILE,
        .task = asked->task,
        .capacity = asked->capacity,
        .length = asked->capacity,
        .alignment = asked->alignment == 0 ? 1 : asked->alignment,
        .mask = asked->mask,
        .address = iokit_buffer_address(memory),
        .frames = frames,
        .bytes = bytes,
    };
    uint64_t pages = buffer_page_count(expected);
    uint64_t limit = oracle->services->nodes[0].machine->frame_count;
    for (uint64_t page = 0; page < pages && page < limit; page++)
        frames[page] = BUFFER_UNKNOWN;
    memset(bytes, 0, asked->capacity < BUFFER_BYTES_MAX ? asked->capacity : BUFFER_BYTES_MAX);
}

static uint64_t seen_bytes(const struct expected *expected)
{
    return expected->granular ? buffer_page_count(expected) * PL_FRAME_BYTES : expected->capacity;
}

static void check_address(struct buffer_oracle *oracle, const struct expected *expected,
                          struct finding *finding)
{
    uint64_t alignment = expected->wired ? expected->alignment : PL_FRAME_BYTES;
    bool power = (alignment & (alignment - 1)) == 0;
    uint32_t page_bits = IOKIT_SHARING_MASK | IOKIT_CACHE_MASK;
    if ((expected->address == 0) != (expected->task == IOKIT_TASK_NONE)) {
        finding_set(finding, "B-1", "a buffer has an address if and only if it is in a task");
        finding_actual(finding, "task %d, address 0x%" PRIx64, (int)expected->task, expected->address);
        return;
    }
    if (power && expected->address % alignment != 0) {
        finding_set(finding, "B-3", "");
        finding_expected(finding, "an address aligned to %" PRIu64, alignment);
        finding_actual(finding, "0x%" PRIx64, expected->address);
        return;
    }
    if (expected->mapped && expected->wired && power && expected->io_addr % alignment != 0) {
        finding_set(finding, "B-3", "");
        finding_expected(finding, "an IO-virtual address aligned to %" PRIu64, alignment);
        finding_actual(finding, "0x%" PRIx64, expected->io_addr);
        return;
    }
    uint64_t backing = iokit_buffer_backing_bytes(expected->memory);
    bool contiguous = expected->options & (IOKIT_PHYSICALLY_CONTIGUOUS | IOKIT_HOST_PHYSICALLY_CONTIGUOUS);
    uint64_t heap_max = contiguous ? (PL_FRAME_BYTES - IOKIT_HEAP_HEADER) / 2 : BUFFER_HEAP_MAX;
    if (expected->wired && !expected->granular && expected->capacity <= heap_max &&
        backing != expected->capacity) {
        finding_set(finding, "B-5 R-25", "a small buffer comes from the heap, a contiguous one, too");
        finding_actual(finding, "%" PRIu64 " bytes are seen of %" PRIu64, backing, expected->capacity);
        return;
    }
    if ((expected->options & page_bits) &&
        (expected->address % PL_FRAME_BYTES != 0 || backing % PL_FRAME_BYTES != 0)) {
        finding_set(finding, "B-20", "shared or specially cached memory is whole pages");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64, expected->address, backing);
        return;
    }
    for (uint32_t i = 0; i < BUFFER_SLOTS && expected->address != 0; i++) {
        const struct expected *other = &oracle->slots[i];
        uint64_t guard = expected->guarded || other->guarded ? PL_FRAME_BYTES : 0;
        if (other == expected || !other->live || other->address == 0 || other->task != expected->task)
            continue;
        if (expected->address < other->address + seen_bytes(other) + guard &&
            other->address < expected->address + seen_bytes(expected) + guard) {
            finding_set(finding, "B-18 X-2", "live buffers have no address in common");
            finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 " and 0x%" PRIx64 "+%" PRIu64, expected->address,
                           seen_bytes(expected), other->address, seen_bytes(other));
            return;
        }
    }
}

/* The first and the last byte are reached at the address, a page around a guarded buffer is not. */
static void check_reach(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct expected *expected,
                        struct finding *finding)
{
    uint64_t bytes = 0;
    struct iokit *iokit = &oracle->iokit;
    if (expected->address == 0 || !expected->wired)
        return;
    if (iokit_resolve(iokit, cpu, expected->address, true, &bytes) == NULL ||
        iokit_resolve(iokit, cpu, expected->address + expected->capacity - 1, true, &bytes) == NULL) {
        finding_set(finding, "B-1", "every byte of [0, capacity) is reached at the buffer's address");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 " is not", expected->address, expected->capacity);
    } else if (expected->guarded &&
               (iokit_resolve(iokit, cpu, expected->address - 1, true, &bytes) != NULL ||
                iokit_resolve(iokit, cpu, expected->address + seen_bytes(expected), true, &bytes) != NULL)) {
        finding_set(finding, "B-18 B-1", "nothing is on the pages around a guarded buffer");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 " has a neighbour", expected->address,
                       expected->capacity);
    }
}

static void check_contiguity(const struct buffer_oracle *oracle, const struct expected *expected,
                             const struct buffer_walk *walk, struct finding *finding)
{
    bool host = expected->options & IOKIT_HOST_PHYSICALLY_CONTIGUOUS;
    bool asked = expected->options & IOKIT_PHYSICALLY_CONTIGUOUS;
    bool wide = oracle->services->contract == CONTRACT_REAL && expected->alignment > PL_FRAME_BYTES;
    const char *ids = host ? "B-4" : asked ? "B-5" : expected->mapped ? "B-5 B-6" : "B-24";
    bool one = host || asked || wide || expected->mapped;
    if (one && (walk->segments != 1 || walk->first_bytes != expected->length)) {
        finding_set(finding, ids, "one segment holds all of a contiguous buffer");
        finding_actual(finding, "%" PRIu64 " segments, the first of %" PRIu64 " of %" PRIu64 " bytes",
                       walk->segments, walk->first_bytes, expected->length);
    } else if ((host || (asked && !expected->mapped) || wide) && !walk->consecutive) {
        finding_set(finding, ids, "a contiguous buffer's frames are consecutive");
        finding_actual(finding, "they are not");
    }
}

static void check_mask(const struct expected *expected, struct finding *finding)
{
    uint64_t pages = buffer_page_count(expected);
    if (expected->mask == UINT64_MAX || expected->mapped)
        return;
    for (uint64_t page = 0; page < pages && !finding->found; page++) {
        uint64_t addr = expected->frames[page] * PL_FRAME_BYTES;
        bool starts = page == 0 || expected->frames[page - 1] + 1 != expected->frames[page];
        uint64_t hole = ~expected->mask & (expected->mask - 1);
        if (((starts ? addr : addr & ~hole) & ~expected->mask) != 0) {
            finding_set(finding, "B-7", "");
            finding_expected(finding, "no address has a bit outside 0x%" PRIx64, expected->mask);
            finding_actual(finding, "page %" PRIu64 " is at 0x%" PRIx64, page, addr);
        }
    }
}

/* Two small buffers may be in one page, but not on the same bytes. */
static void check_neighbours(const struct buffer_oracle *oracle, const struct expected *expected,
                             struct finding *finding)
{
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found; i++) {
        const struct expected *other = &oracle->slots[i];
        if (other == expected || !other->known || other->granular || expected->granular)
            continue;
        if (expected->first_byte < other->first_byte + other->capacity &&
            other->first_byte < expected->first_byte + expected->capacity) {
            finding_set(finding, "B-18 X-2", "live buffers have no byte in common");
            finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 " and 0x%" PRIx64 "+%" PRIu64,
                           expected->first_byte, expected->capacity, other->first_byte, other->capacity);
        }
    }
    for (uint32_t i = 0; i < BUFFER_SLOTS && !finding->found && expected->mapped; i++) {
        const struct expected *other = &oracle->slots[i];
        if (other == expected || !other->known || !other->mapped || other->wire_count == 0)
            continue;
        if (expected->io_addr < other->io_addr + other->capacity &&
            other->io_addr < expected->io_addr + expected->capacity) {
            finding_set(finding, "B-18 X-2", "live buffers have no IO-virtual address in common");
            finding_actual(finding, "0x%" PRIx64 " and 0x%" PRIx64, expected->io_addr, other->io_addr);
        }
    }
}

/* What is behind the capacity in the last page, before anybody wrote. */
static void check_tail(const struct buffer_oracle *oracle, const struct expected *expected,
                       struct finding *finding)
{
    uint64_t in_page = expected->capacity % PL_FRAME_BYTES;
    if (!expected->granular || in_page == 0)
        return;
    const struct gate *gate = &oracle->services->nodes[0].gate;
    uint64_t last = buffer_page_count(expected) - 1;
    const unsigned char *page = gate_bytes(gate, pl_frame_at(expected->frames[last]));
    for (uint64_t i = in_page; i < PL_FRAME_BYTES; i++) {
        if (page[i] == 0)
            continue;
        finding_set(finding, "B-21 X-9", "behind the capacity, the last page is zero");
        finding_actual(finding, "byte %" PRIu64 " of it is 0x%02x", i, page[i]);
        return;
    }
}

/* Where the real code does not ask for zeroes, what is there becomes what is expected. */
static void learn_contents(const struct buffer_oracle *oracle, struct expected *expected)
{
    uint32_t bits = IOKIT_PHYSICALLY_CONTIGUOUS | IOKIT_HOST_PHYSICALLY_CONTIGUOUS;
    if (oracle->services->contract != CONTRACT_REAL || expected->granular || (expected->options & bits) == 0)
        return;
    const struct gate *gate = &oracle->services->nodes[0].gate;
    memcpy(expected->bytes,
           gate_bytes(gate, pl_frame_at(expected->frames[0])) + expected->first_byte % PL_FRAME_BYTES,
           expected->capacity);
}

static void check_wired(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct asked *asked,
                        const struct op *op, struct expected *expected, struct finding *finding)
{
    struct buffer_walk walk;
    expected->known = true;
    buffer_walk(oracle, expected, true, &walk, finding);
    if (!finding->found)
        check_contiguity(oracle, expected, &walk, finding);
    if (!finding->found)
        check_mask(expected, finding);
    if (!finding->found)
        check_neighbours(oracle, expected, finding);
    if (!finding->found)
        check_reach(oracle, cpu, expected, finding);
    if (!finding->found)
        check_tail(oracle, expected, finding);
    if (finding->found)
        return;
    learn_contents(oracle, expected);
    bool given = asked->how == OP_BUFFER_HOW_BYTES || asked->how == OP_BUFFER_HOW_BYTES_CONTIGUOUS;
    if (given) {
        buffer_fill(oracle->scratch, 0, expected->capacity, op->extra);
        buffer_expect(expected, 0, oracle->scratch, expected->capacity);
    }
    buffer_compare(oracle, expected, 0, expected->capacity, given ? "B-1" : "B-13", finding);
}

/* Not pinned: nothing is resident that nobody touched, and there is no segment. */
static void check_pageable(struct buffer_oracle *oracle, const struct expected *expected,
                           struct finding *finding)
{
    uint64_t bytes = 0;
    uint64_t traps = oracle->services->contract == CONTRACT_REAL;
    buffer_begin(oracle);
    uint64_t addr = iokit_memory_segment(expected->memory, 0, &bytes);
    buffer_finish(oracle, traps, finding);
    if (!finding->found &&
        (addr != 0 || bytes != 0 || !pl_frame_is_none(iokit_buffer_frame(expected->memory, 0)))) {
        finding_set(finding, "B-9 R-19", "pageable memory that nobody prepared or touched is nowhere");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64, addr, bytes);
    }
}

void buffer_run_create(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding)
{
    struct expected *expected = &oracle->slots[op->slot % BUFFER_SLOTS];
    struct asked asked;
    if (expected->live)
        return;
    if (op->kind == OP_BUFFER_MASK)
        read_mask(op, &asked);
    else
        read_asked(op, &asked);
    uint64_t all = oracle->services->nodes[0].machine->frame_count * PL_FRAME_BYTES;
    bool bytes = asked.how == OP_BUFFER_HOW_BYTES || asked.how == OP_BUFFER_HOW_BYTES_CONTIGUOUS;
    if (bytes && asked.capacity > BUFFER_BYTES_MAX && asked.capacity <= all)
        return; /* more bytes than the oracle has at hand */
    bool forbidden = cpu->context != PL_CONTEXT_TASK;
    buffer_begin(oracle);
    struct iokit_memory *memory = make(oracle, cpu, op, &asked);
    const char *refused = forbidden ? "X-5" : must_fail(oracle, &asked);
    oracle->live += memory != NULL;
    buffer_finish(oracle, forbidden, finding);
    if (finding->found)
        return;
    if (memory == NULL) {
        check_refusal(oracle, &asked, refused != NULL, finding);
        return;
    }
    if (refused != NULL) {
        finding_set(finding, refused, "");
        finding_expected(finding, "NULL for task %d, %" PRIu64 " bytes aligned to %" PRIu64, (int)asked.task,
                         asked.capacity, asked.alignment);
        finding_actual(finding, "a buffer of %" PRIu64 " bytes", iokit_buffer_capacity(memory));
        return;
    }
    fill_expected(oracle, &asked, memory, expected);
    buffer_floor(oracle, asked.options, finding);
    if (finding->found)
        return;
    if (memory->length != asked.capacity || iokit_buffer_capacity(memory) < asked.capacity) {
        finding_set(finding, "B-1", "");
        finding_expected(finding, "length and capacity %" PRIu64, asked.capacity);
        finding_actual(finding, "length %" PRIu64 ", capacity %" PRIu64, memory->length,
                       iokit_buffer_capacity(memory));
        return;
    }
    if (expected->wired && memory->wire_count == 0) {
        finding_set(finding, "B-8 B-16", "wired memory is born prepared");
        finding_actual(finding, "wire count 0");
        return;
    }
    buffer_fields(expected, finding);
    if (!finding->found && expected->wired)
        check_wired(oracle, cpu, &asked, op, expected, finding);
    else if (!finding->found)
        check_pageable(oracle, expected, finding);
    if (!finding->found)
        check_address(oracle, expected, finding);
}
