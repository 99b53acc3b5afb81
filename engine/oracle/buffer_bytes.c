/* Calls that move bytes or set their bounds: all or nothing, inside the length, and what was written is what
 * is read, whichever way it took meanwhile. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/buffer.h"

#define SCRATCH_BYTES (BUFFER_BYTES_MAX + 2 * PL_FRAME_BYTES)
#define GUARD         0xC3u
#define GUARD_BYTES   256u

/* Bytes that the oracle cannot hold are not moved, unless the bounds refuse them with room to spare. */
static bool too_many(const struct expected *expected, uint64_t offset, uint64_t bytes)
{
    return bytes > BUFFER_BYTES_MAX && (offset > expected->capacity || bytes - 1 <= expected->capacity);
}

static bool in_bounds(const struct expected *expected, uint64_t offset, uint64_t bytes)
{
    return offset <= expected->length && bytes <= expected->length - offset;
}

/* The outcome of a transfer of so many bytes, `moved` of which moved; true: as predicted, or out of memory.
 */
static bool check_moved(struct buffer_oracle *oracle, const struct expected *expected, uint64_t offset,
                        uint64_t bytes, uint64_t predicted, uint64_t moved, const char *ids,
                        struct finding *finding)
{
    if (moved != 0)
        buffer_floor(oracle, expected->options, finding);
    if (moved == predicted || finding->found)
        return !finding->found;
    if (moved == 0 && !expected->wired && buffer_was_short(oracle)) {
        buffer_compare(oracle, expected, 0, expected->capacity, "B-15 X-3", finding);
        return !finding->found;
    }
    finding_set(finding, ids, "");
    finding_expected(finding, "%" PRIu64 " bytes move at %" PRIu64 "+%" PRIu64 " of %" PRIu64, predicted,
                     offset, bytes, expected->length);
    finding_actual(finding, "%" PRIu64 " did", moved);
    return false;
}

void buffer_run_write(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                      const struct op *op, struct finding *finding)
{
    uint64_t offset = op->value;
    uint64_t bytes = op->extra;
    if (too_many(expected, offset, bytes))
        return;
    bool fits = in_bounds(expected, offset, bytes) && bytes != 0;
    bool read_only = expected->wire_count != 0 && buffer_reads_only(expected->wire_direction);
    bool refused = cpu->context != PL_CONTEXT_TASK;
    uint64_t filled = bytes < SCRATCH_BYTES ? bytes : SCRATCH_BYTES;
    if (!fits || read_only || refused)
        filled =
            filled < GUARD_BYTES ? filled : GUARD_BYTES; /* what must not be looked at needs no pattern */
    if (op->mobility != 0)
        buffer_fill(oracle->scratch, offset, filled, op->mobility);
    else
        memset(oracle->scratch, 0, filled);
    buffer_begin(oracle);
    uint64_t moved =
        iokit_memory_write(expected->memory, cpu, offset, op->mobility == 0 ? NULL : oracle->scratch, bytes);
    buffer_finish(oracle, refused && fits && !read_only, finding);
    const char *ids = fits && read_only ? "B-17" : fits ? "B-1 B-15" : "B-15 X-6";
    if (!check_moved(oracle, expected, offset, bytes, fits && !read_only && !refused ? bytes : 0, moved, ids,
                     finding))
        return;
    if (moved != 0)
        buffer_expect(expected, offset, oracle->scratch, moved);
    uint64_t from = offset > 64 ? offset - 64 : 0;
    if (moved != 0)
        buffer_compare(oracle, expected, from, offset + moved + 64, "B-15 B-1", finding);
}

/* All of them as they were; a byte that is not differs from its neighbour. */
static bool is_guard(const unsigned char *bytes, uint64_t count)
{
    return bytes[0] == GUARD && memcmp(bytes, bytes + 1, count - 1) == 0;
}

void buffer_run_read(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                     uint64_t offset, uint64_t bytes, struct finding *finding)
{
    if (too_many(expected, offset, bytes))
        return;
    bool fits = in_bounds(expected, offset, bytes) && bytes != 0;
    bool refused = cpu->context != PL_CONTEXT_TASK;
    uint64_t filled = bytes < BUFFER_BYTES_MAX ? bytes : BUFFER_BYTES_MAX;
    filled = fits ? filled : 0;
    memset(oracle->scratch, GUARD, filled + GUARD_BYTES);
    buffer_begin(oracle);
    uint64_t moved = iokit_memory_read(expected->memory, cpu, offset, oracle->scratch, bytes);
    buffer_finish(oracle, refused && fits, finding);
    if (!check_moved(oracle, expected, offset, bytes, fits && !refused ? bytes : 0, moved,
                     fits ? "B-1 B-15" : "B-15 X-6", finding))
        return;
    if (!is_guard(oracle->scratch + moved, filled + GUARD_BYTES - moved)) {
        finding_set(finding, "B-15", "a read writes what it says that it moved, no more");
        finding_actual(finding, "bytes behind the %" PRIu64 " that moved are written, too", moved);
        return;
    }
    uint64_t known = offset < BUFFER_BYTES_MAX ? BUFFER_BYTES_MAX - offset : 0;
    known = moved < known ? moved : known;
    if (!expected->vague && known != 0 && memcmp(oracle->scratch, expected->bytes + offset, known) != 0) {
        uint64_t i = 0;
        while (oracle->scratch[i] == expected->bytes[offset + i])
            i++;
        finding_set(finding, "B-1 B-15 B-12", "");
        finding_expected(finding, "byte %" PRIu64 " reads as it was written, 0x%02x", offset + i,
                         expected->bytes[offset + i]);
        finding_actual(finding, "0x%02x", oracle->scratch[i]);
    }
}

void buffer_run_append(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                       const struct op *op, struct finding *finding)
{
    uint64_t room = expected->capacity - expected->length;
    uint64_t bytes = op->extra;
    uint64_t fits = bytes < room ? bytes : room;
    bool refused = cpu->context != PL_CONTEXT_TASK;
    bool real = oracle->services->contract == CONTRACT_REAL;
    if (fits > BUFFER_BYTES_MAX)
        return;
    buffer_fill(oracle->scratch, expected->length, fits, op->mobility);
    buffer_begin(oracle);
    bool said = iokit_buffer_append(expected->memory, cpu, oracle->scratch, bytes);
    buffer_finish(oracle, refused, finding);
    if (finding->found)
        return;
    bool happened = !refused && (expected->memory->length != expected->length || fits == 0);
    if (!happened && !refused && !expected->wired && buffer_was_short(oracle) && !said)
        return;
    if (said != (!refused && (real || fits == bytes)) || happened == refused) {
        finding_set(finding, "B-14 B-1", "");
        finding_expected(finding, "%" PRIu64 " of %" PRIu64 " bytes are appended, and %s is said", fits,
                         bytes, !refused && (real || fits == bytes) ? "so" : "otherwise");
        finding_actual(finding, "length %" PRIu64 " from %" PRIu64 ", %s", expected->memory->length,
                       expected->length, said ? "true" : "false");
        return;
    }
    uint64_t from = expected->length;
    if (happened) {
        buffer_expect(expected, expected->length, oracle->scratch, fits);
        expected->length += fits;
    }
    buffer_fields(expected, finding);
    if (!finding->found)
        buffer_compare(oracle, expected, from > 64 ? from - 64 : 0, from + fits + 64, "B-15 B-1", finding);
}

void buffer_run_length(struct buffer_oracle *oracle, struct expected *expected, uint64_t length,
                       struct finding *finding)
{
    bool beyond = length > expected->capacity;
    buffer_begin(oracle);
    iokit_buffer_set_length(expected->memory, length);
    if (!beyond)
        expected->length = length;
    /* The document's reader expects to be told: there it is a trap. */
    buffer_finish(oracle, beyond && oracle->services->contract == CONTRACT_DOC, finding);
    if (finding->found && beyond && expected->memory->length == length)
        finding_set(finding, "B-14 R-21", "a length beyond the capacity is not taken");
    if (!finding->found)
        buffer_fields(expected, finding);
}

void buffer_run_direction(struct buffer_oracle *oracle, struct expected *expected, uint32_t direction,
                          struct finding *finding)
{
    buffer_begin(oracle);
    iokit_buffer_set_direction(expected->memory, direction);
    expected->direction = direction & IOKIT_DIRECTION_MASK;
    buffer_finish(oracle, 0, finding);
    if (!finding->found)
        buffer_fields(expected, finding);
}

/* --- through the task's address --- */

/* Writes the pattern, or compares what is there, page by page; a page may be out of memory. */
static void through_address(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                            const struct op *op, uint64_t bytes, struct finding *finding)
{
    for (uint64_t done = 0, here = 0; done < bytes && !finding->found; done += here) {
        uint64_t at = op->value + done;
        unsigned char *place =
            iokit_resolve(&oracle->iokit, cpu, expected->address + at, op->mobility != 0, &here);
        if (place == NULL) {
            if (expected->wired || !buffer_was_short(oracle)) {
                finding_set(finding, "B-1", "");
                finding_expected(finding, "byte %" PRIu64 " is reached at 0x%" PRIx64, at,
                                 expected->address + at);
                finding_actual(finding, "there is nothing");
            }
            return;
        }
        /* Making the page resident may have cost the others of a volatile buffer. */
        buffer_sync(oracle, cpu, expected, finding);
        here = here < bytes - done ? here : bytes - done;
        if (op->mobility != 0) {
            buffer_fill(place, at, here, op->mobility);
            buffer_expect(expected, at, place, here);
        } else if (at < BUFFER_BYTES_MAX && !expected->vague) {
            uint64_t known = BUFFER_BYTES_MAX - at < here ? BUFFER_BYTES_MAX - at : here;
            if (memcmp(place, expected->bytes + at, known) != 0) {
                finding_set(finding, "B-1 B-12", "a task sees at the address what was written");
                finding_actual(finding, "between %" PRIu64 " and %" PRIu64 " it does not", at, at + known);
            }
        }
    }
}

void buffer_run_nocopy(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                       const struct op *op, struct finding *finding)
{
    uint64_t offset = op->value;
    uint64_t bytes = op->extra;
    bool inside = offset < expected->length && bytes <= expected->length - offset;
    uint64_t wanted = inside && expected->address != 0 ? expected->address + offset : 0;
    buffer_begin(oracle);
    uint64_t addr = iokit_buffer_address_at(expected->memory, offset, bytes);
    if (addr != wanted) {
        finding_set(finding, "B-15 X-6", "");
        finding_expected(finding, "0x%" PRIx64 " for %" PRIu64 "+%" PRIu64 " of %" PRIu64, wanted, offset,
                         bytes, expected->length);
        finding_actual(finding, "0x%" PRIx64, addr);
        return;
    }
    if (wanted == 0 || cpu->context != PL_CONTEXT_TASK || bytes > BUFFER_BYTES_MAX)
        return;
    through_address(oracle, cpu, expected, op, bytes, finding);
    buffer_finish(oracle, 0, finding);
}

/* --- descriptors over ranges --- */

/* What a range of a buffer must read as; false: not known, or not to be described. */
static bool range_of(const struct expected *expected, uint64_t offset, uint64_t bytes,
                     struct iokit_range *range)
{
    if (!expected->live || expected->address == 0 || offset > expected->capacity ||
        bytes > expected->capacity - offset || offset + bytes > BUFFER_BYTES_MAX / 4)
        return false;
    *range = (struct iokit_range){.addr = expected->address + offset, .bytes = bytes};
    return true;
}

/* The bytes of both ranges, one after the other, through the descriptor. */
static void read_ranges(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct iokit_memory *memory,
                        const struct expected *first, const struct expected *second, const struct op *op,
                        struct finding *finding)
{
    uint64_t bytes = op->extra;
    uint64_t sum = 0;
    for (uint64_t at = 0, here = 1; at < memory->length && here != 0; at += here) {
        (void)iokit_memory_segment(memory, at, &here);
        sum += here;
    }
    if (sum != 2 * bytes || iokit_memory_read(memory, cpu, 0, oracle->scratch, 2 * bytes) != 2 * bytes) {
        finding_set(finding, "B-6 B-15", "");
        finding_expected(finding, "segments of %" PRIu64 " bytes, all of which can be read", 2 * bytes);
        finding_actual(finding, "%" PRIu64, sum);
        return;
    }
    if ((!first->vague && memcmp(oracle->scratch, first->bytes + op->value, bytes) != 0) ||
        (!second->vague && memcmp(oracle->scratch + bytes, second->bytes + op->value, bytes) != 0)) {
        finding_set(finding, "B-15 B-1", "a descriptor over ranges reads what the buffers hold");
        finding_actual(finding, "it does not");
    }
}

/* While it is prepared its pages stay, whatever the page daemon wants, and so do the buffers. */
static void use_ranges(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct iokit_memory *memory,
                       struct expected *first, struct expected *second, const struct op *op,
                       struct finding *finding)
{
    uint64_t bytes = 0;
    uint64_t addr = iokit_memory_segment(memory, 0, &bytes);
    uint64_t bytes_after = 0;
    uint32_t holds = first == second ? 2 : 1;
    if (first->memory->references != 1 + holds || second->memory->references != 1 + holds) {
        finding_set(finding, "B-9 X-8", "a prepared descriptor over ranges holds the buffers under it");
        finding_actual(finding, "references %" PRIu32 " and %" PRIu32, first->memory->references,
                       second->memory->references);
        return;
    }
    first->range_pins++;
    second->range_pins++;
    (void)pageout_step(&oracle->services->pageout, cpu, op->value + 1);
    buffer_sync(oracle, cpu, first, finding);
    buffer_sync(oracle, cpu, second, finding);
    if (!finding->found &&
        (iokit_memory_segment(memory, 0, &bytes_after) != addr || bytes_after != bytes || bytes == 0)) {
        finding_set(finding, "B-9 B-6", "a prepared descriptor over ranges keeps its pages where they are");
        finding_actual(finding, "0x%" PRIx64 "+%" PRIu64 ", and then +%" PRIu64, addr, bytes, bytes_after);
    }
    if (!finding->found)
        read_ranges(oracle, cpu, memory, first, second, op, finding);
    first->range_pins--;
    second->range_pins--;
}

void buffer_run_ranges(struct buffer_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                       struct finding *finding)
{
    struct expected *first = &oracle->slots[op->slot % BUFFER_SLOTS];
    struct expected *second = &oracle->slots[op->other % BUFFER_SLOTS];
    struct iokit_range ranges[3] = {{0}};
    if (cpu->context != PL_CONTEXT_TASK || op->extra == 0 ||
        !range_of(first, op->value, op->extra, &ranges[0]) ||
        !range_of(second, op->value, op->extra, &ranges[2]))
        return;
    buffer_begin(oracle);
    struct iokit_memory *memory =
        iokit_memory_with_ranges(&oracle->iokit, cpu, ranges, 3, IOKIT_DIRECTION_INOUT);
    buffer_finish(oracle, 0, finding);
    if (memory == NULL) {
        buffer_unchanged(oracle, "B-22 X-3", finding);
        return;
    }
    uint32_t result = iokit_memory_prepare(memory, cpu, IOKIT_DIRECTION_NONE);
    /* What one of them needed may have emptied the other before it was pinned. */
    buffer_sync(oracle, cpu, first, finding);
    buffer_sync(oracle, cpu, second, finding);
    if (result == IOKIT_SUCCESS && !finding->found)
        use_ranges(oracle, cpu, memory, first, second, op, finding);
    if (result == IOKIT_SUCCESS)
        (void)iokit_memory_complete(memory, cpu);
    iokit_memory_release(memory, cpu);
    if (!finding->found &&
        (first->memory->references != 1 || second->memory->references != 1 ||
         oracle->iokit.ranges.objects != 0 || oracle->iokit.pinned != oracle->before.pinned)) {
        finding_set(finding, "B-16 B-19", "a descriptor over ranges lets go of the buffers under it");
        finding_actual(finding, "references %" PRIu32 " and %" PRIu32, first->memory->references,
                       second->memory->references);
    }
    if (!finding->found)
        buffer_fields(first, finding);
    if (!finding->found)
        buffer_fields(second, finding);
}
