/* What the oracle sees of memory: counters around a call, segments, frames, bytes. */
#include <inttypes.h>
#include <string.h>

#include "engine/oracle/buffer.h"

uint64_t buffer_page_count(const struct expected *expected)
{
    return (expected->capacity + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES;
}

/* --- around a call --- */

static uint64_t objects_of(const struct iokit *iokit)
{
    return iokit->buffers.objects + iokit->ranges.objects + iokit->heap_pages.objects + iokit->heap_objects;
}

static uint64_t slab_pages_of(const struct iokit *iokit)
{
    return iokit->buffers.pages + iokit->ranges.pages + iokit->heap_pages.pages;
}

void buffer_begin(struct buffer_oracle *oracle)
{
    const struct gate *gate = &oracle->services->nodes[0].gate;
    oracle->before = (struct buffer_before){
        .held = services_held(oracle->services, 0),
        .calls = gate->calls,
        .grants = gate->grants,
        .sleeps = gate->sleeps,
        .would_sleep = gate->would_sleep,
        .injected = gate->injected,
        .freed = services_freed(oracle->services),
        .traps = oracle->services->trap.count,
        .objects = objects_of(&oracle->iokit),
        .pages = slab_pages_of(&oracle->iokit),
        .pinned = oracle->iokit.pinned,
        .free_frames = gate_free_frames(gate),
        .may_inject = gate->fail_in != 0,
    };
}

void buffer_finish(struct buffer_oracle *oracle, uint64_t traps, struct finding *finding)
{
    const struct trap *trap = &oracle->services->trap;
    if (!finding->found && trap->count - oracle->before.traps != traps) {
        finding_set(finding, "X-10 X-3",
                    traps == 0 ? "no rule was broken, so nothing is trapped" : "the broken rule is trapped");
        finding_actual(finding, "%s", trap->count == oracle->before.traps ? "no trap" : trap->words);
    }
    if (!finding->found && oracle->iokit.live != oracle->live) {
        finding_set(finding, "B-19 B-22", "");
        finding_expected(finding, "%" PRIu64 " buffers live", oracle->live);
        finding_actual(finding, "the system counts %" PRIu64, oracle->iokit.live);
    }
}

void buffer_floor(const struct buffer_oracle *oracle, uint32_t options, struct finding *finding)
{
    const struct gate *gate = &oracle->services->nodes[0].gate;
    const struct pl_floors *floors = &gate->machine->floors;
    uint64_t floor = options & IOKIT_USE_RESERVE ? floors->system : floors->normal;
    if (finding->found || gate->grants == oracle->before.grants || gate_free_frames(gate) >= floor)
        return;
    finding_set(finding, "X-7 F-7", "");
    finding_expected(finding, "a grant %s leaves %" PRIu64 " frames free",
                     options & IOKIT_USE_RESERVE ? "from the reserve" : "of the normal class", floor);
    finding_actual(finding, "%" PRIu64 " are", gate_free_frames(gate));
}

bool buffer_was_short(const struct buffer_oracle *oracle)
{
    const struct gate *gate = &oracle->services->nodes[0].gate;
    return oracle->before.may_inject || gate->injected != oracle->before.injected ||
           gate->would_sleep != oracle->before.would_sleep;
}

/* The page daemon may have taken frames meanwhile, where other systems live with them also such as this gate
 * does not hold; nothing else may have moved. */
void buffer_unchanged(struct buffer_oracle *oracle, const char *ids, struct finding *finding)
{
    const struct buffer_before *before = &oracle->before;
    uint64_t freed = services_freed(oracle->services) - before->freed;
    uint64_t held = services_held(oracle->services, 0);
    if (finding->found)
        return;
    if (objects_of(&oracle->iokit) != before->objects || slab_pages_of(&oracle->iokit) != before->pages ||
        oracle->iokit.pinned != before->pinned) {
        finding_set(finding, ids, "");
        finding_expected(finding,
                         "after a failure still %" PRIu64 " objects in %" PRIu64 " pages, %" PRIu64 " pinned",
                         before->objects, before->pages, before->pinned);
        finding_actual(finding, "%" PRIu64 " objects in %" PRIu64 " pages, %" PRIu64 " pinned",
                       objects_of(&oracle->iokit), slab_pages_of(&oracle->iokit), oracle->iokit.pinned);
    } else if (held > before->held || held + freed < before->held ||
               (oracle->services->family == OP_FAMILY_BUFFER && held + freed != before->held)) {
        finding_set(finding, ids, "");
        finding_expected(finding,
                         "after a failure %" PRIu64 " frames are held as before, but for %" PRIu64 " taken",
                         before->held, freed);
        finding_actual(finding, "%" PRIu64 " are held", held);
    }
}

/* --- segments --- */

static uint8_t *owner_of(struct buffer_oracle *oracle, uint64_t frame)
{
    return &oracle->owner[frame - oracle->services->nodes[0].machine->first.number];
}

bool buffer_claim(struct buffer_oracle *oracle, struct expected *expected, uint64_t page, uint64_t frame,
                  struct finding *finding)
{
    const struct services_node *node = &oracle->services->nodes[0];
    uint8_t self = (uint8_t)(expected - oracle->slots + 1);
    bool inside = shadow_in_machine(node->shadow, pl_frame_at(frame), 1);
    if (!inside || node->shadow->owner[frame - node->machine->first.number] == 0) {
        finding_set(finding, "X-8 B-18", "a segment shows frames that are granted");
        finding_actual(finding, "page %" PRIu64 " is frame 0x%" PRIx64 ", %s", page, frame,
                       inside ? "which is free" : "which is nowhere");
        return false;
    }
    uint8_t *owner = owner_of(oracle, frame);
    bool free = *owner == 0 || (!expected->granular && *owner == BUFFER_SHARED);
    if (!free) {
        finding_set(finding, "B-18 X-2 B-20", "live buffers have no frame in common");
        finding_actual(finding, "page %" PRIu64 " is frame 0x%" PRIx64 ", owner %u", page, frame, *owner);
        return false;
    }
    *owner = expected->granular ? self : BUFFER_SHARED;
    expected->frames[page] = frame;
    return true;
}

static bool same_frame(const struct expected *expected, uint64_t page, uint64_t frame,
                       struct finding *finding)
{
    if (expected->frames[page] == frame)
        return true;
    finding_set(finding, expected->wired ? "B-8" : "B-9", "");
    finding_expected(finding, "page %" PRIu64 " stays in frame 0x%" PRIx64 " while pinned", page,
                     expected->frames[page]);
    finding_actual(finding, "it is in 0x%" PRIx64, frame);
    return false;
}

/* The pages of one segment. */
static bool walk_pages(struct buffer_oracle *oracle, struct expected *expected, uint64_t at, uint64_t addr,
                       uint64_t bytes, bool learn, struct buffer_walk *walk, struct finding *finding)
{
    for (uint64_t done = 0; done < bytes;) {
        uint64_t physical = expected->mapped ? iokit_io_translate(&oracle->iokit, addr + done) : addr + done;
        uint64_t page = expected->granular ? (at + done) / PL_FRAME_BYTES : 0;
        uint64_t frame = physical / PL_FRAME_BYTES;
        if (expected->granular && physical % PL_FRAME_BYTES != (at + done) % PL_FRAME_BYTES) {
            finding_set(finding, "B-6 B-5", "a byte is at its own place in a page");
            finding_actual(finding, "byte %" PRIu64 " is at 0x%" PRIx64, at + done, physical);
            return false;
        }
        if (at + done == 0 && learn)
            expected->first_byte = physical;
        bool first_seen = learn && expected->frames[page] == BUFFER_UNKNOWN;
        if (first_seen ? !buffer_claim(oracle, expected, page, frame, finding)
                       : !same_frame(expected, page, frame, finding))
            return false;
        if (page != 0 && expected->frames[page] != expected->frames[page - 1] + 1)
            walk->consecutive = false;
        done += PL_FRAME_BYTES - physical % PL_FRAME_BYTES;
    }
    return true;
}

void buffer_walk(struct buffer_oracle *oracle, struct expected *expected, bool learn,
                 struct buffer_walk *walk, struct finding *finding)
{
    uint64_t end = UINT64_MAX; /* address behind the segment before */
    *walk = (struct buffer_walk){.consecutive = true};
    for (uint64_t at = 0; at < expected->length && !finding->found;) {
        uint64_t bytes = 0;
        uint64_t addr = iokit_memory_segment(expected->memory, at, &bytes);
        if (bytes == 0) {
            finding_set(finding, expected->wired ? "B-8 B-6 B-16" : "B-9 B-6 B-16",
                        "wired memory has a segment for each of its bytes");
            finding_actual(finding, "none at %" PRIu64 " of %" PRIu64, at, expected->length);
            return;
        }
        if (bytes > expected->length - at) {
            finding_set(finding, "B-6", "the segments add up to the length");
            finding_actual(finding, "at %" PRIu64 " of %" PRIu64 " one of %" PRIu64, at, expected->length,
                           bytes);
            return;
        }
        if (at == 0) {
            walk->first_bytes = bytes;
            if (expected->mapped)
                expected->io_addr = addr;
        }
        if (addr == end) {
            finding_set(finding, "B-6", "a segment reaches as far as the memory does without a gap");
            finding_actual(finding, "one ends at 0x%" PRIx64 ", where the next begins", addr);
            return;
        }
        end = addr + bytes;
        walk->segments++;
        if (!walk_pages(oracle, expected, at, addr, bytes, learn, walk, finding))
            return;
        at += bytes;
    }
}

void buffer_forget(struct buffer_oracle *oracle, struct expected *expected)
{
    if (!expected->known)
        return;
    expected->known = false;
    for (uint64_t page = 0; page < buffer_page_count(expected); page++) {
        uint64_t frame = expected->frames[page];
        bool shared = false;
        if (frame == BUFFER_UNKNOWN)
            continue;
        for (uint32_t i = 0; i < BUFFER_SLOTS && !expected->granular; i++) {
            const struct expected *other = &oracle->slots[i];
            shared = shared ||
                     (other != expected && other->known && !other->granular && other->frames[0] == frame);
        }
        *owner_of(oracle, frame) = shared ? BUFFER_SHARED : 0;
        expected->frames[page] = BUFFER_UNKNOWN;
    }
}

void buffer_identity(struct buffer_oracle *oracle, const struct expected *expected, bool all,
                     struct finding *finding)
{
    uint64_t pages = buffer_page_count(expected);
    (void)oracle;
    for (uint64_t page = 0; page < pages && !finding->found;
         page = all || page + 1 >= pages ? page + 1 : pages - 1) {
        if (expected->frames[page] != BUFFER_UNKNOWN)
            (void)same_frame(expected, page, iokit_buffer_frame(expected->memory, page).number, finding);
    }
}

/* --- bytes --- */

/* A row of 256 bytes, whose like are 1 more each: the offset of a byte shows in it, and so does the pattern.
 */
void buffer_fill(unsigned char *to, uint64_t offset, uint64_t bytes, unsigned pattern)
{
    for (uint64_t i = 0; i < bytes;) {
        uint64_t row = (offset + i) / 256;
        uint64_t end = (row + 1) * 256 - offset < bytes ? (row + 1) * 256 - offset : bytes;
        unsigned char value = (unsigned char)(pattern * 37u + (unsigned)row + (unsigned)((offset + i) * 11u));
        for (; i < end; i++, value = (unsigned char)(value + 11u))
            to[i] = value;
    }
}

void buffer_expect(struct expected *expected, uint64_t offset, const unsigned char *from, uint64_t bytes)
{
    if (offset >= BUFFER_BYTES_MAX)
        return;
    uint64_t known = BUFFER_BYTES_MAX - offset < bytes ? BUFFER_BYTES_MAX - offset : bytes;
    memcpy(expected->bytes + offset, from, known);
}

static void report_difference(const struct expected *expected, uint64_t at, const unsigned char *actual,
                              uint64_t bytes, const char *ids, struct finding *finding)
{
    uint64_t i = 0;
    while (i + 1 < bytes && actual[i] == expected->bytes[at + i])
        i++;
    finding_set(finding, ids, "");
    finding_expected(finding, "byte %" PRIu64 " of %" PRIu64 " is 0x%02x", at + i, expected->capacity,
                     expected->bytes[at + i]);
    finding_actual(finding, "it is 0x%02x", actual[i]);
}

void buffer_compare(struct buffer_oracle *oracle, const struct expected *expected, uint64_t from, uint64_t to,
                    const char *ids, struct finding *finding)
{
    const struct gate *gate = &oracle->services->nodes[0].gate;
    uint64_t end = expected->capacity < BUFFER_BYTES_MAX ? expected->capacity : BUFFER_BYTES_MAX;
    to = to < end ? to : end;
    if (expected->vague)
        return;
    for (uint64_t at = from; at < to && !finding->found;) {
        uint64_t page = expected->granular ? at / PL_FRAME_BYTES : 0;
        uint64_t in_page =
            expected->granular ? at % PL_FRAME_BYTES : expected->first_byte % PL_FRAME_BYTES + at;
        uint64_t bytes = PL_FRAME_BYTES - in_page < to - at ? PL_FRAME_BYTES - in_page : to - at;
        pl_frame frame = expected->known && expected->frames[page] != BUFFER_UNKNOWN
                             ? pl_frame_at(expected->frames[page])
                             : iokit_buffer_frame(expected->memory, page);
        if (!pl_frame_is_none(frame)) {
            const unsigned char *actual = gate_bytes(gate, frame) + in_page;
            if (memcmp(actual, expected->bytes + at, bytes) != 0)
                report_difference(expected, at, actual, bytes, ids, finding);
        }
        at += bytes;
    }
}

/* --- fields --- */

void buffer_fields(const struct expected *expected, struct finding *finding)
{
    const struct iokit_memory *memory = expected->memory;
    if (memory->wire_count != expected->wire_count) {
        finding_set(finding, "B-16", "");
        finding_expected(finding, "wire count %" PRIu32 ": prepares minus completes, and one if born wired",
                         expected->wire_count);
        finding_actual(finding, "%" PRIu32, memory->wire_count);
    } else if (memory->length != expected->length) {
        finding_set(finding, "B-14 B-1", "");
        finding_expected(finding, "length %" PRIu64 " of %" PRIu64, expected->length, expected->capacity);
        finding_actual(finding, "%" PRIu64, memory->length);
    } else if (iokit_buffer_capacity(memory) != expected->capacity) {
        finding_set(finding, "B-14 B-1", "");
        finding_expected(finding, "capacity %" PRIu64 ", for ever", expected->capacity);
        finding_actual(finding, "%" PRIu64, iokit_buffer_capacity(memory));
    } else if ((memory->direction & IOKIT_DIRECTION_INOUT) != (expected->direction & IOKIT_DIRECTION_INOUT)) {
        finding_set(finding, "B-23", "");
        finding_expected(finding, "direction %" PRIu32, expected->direction & IOKIT_DIRECTION_INOUT);
        finding_actual(finding, "%" PRIu32, memory->direction & IOKIT_DIRECTION_INOUT);
    }
}

/* Volatile memory may have been emptied, by the page daemon only and never while pinned. */
void buffer_sync(struct buffer_oracle *oracle, struct pl_cpu *cpu, struct expected *expected,
                 struct finding *finding)
{
    uint32_t state = 0;
    if (!expected->live || expected->purge_state != IOKIT_PURGE_VOLATILE || cpu->context != PL_CONTEXT_TASK)
        return;
    uint32_t result = iokit_buffer_set_purgeable(expected->memory, cpu, IOKIT_PURGE_KEEP, &state);
    bool could = expected->wire_count == 0 && expected->range_pins == 0 &&
                 oracle->services->pageout.steps != expected->volatile_since;
    bool must = expected->must_be_empty;
    expected->must_be_empty = false;
    if (must && state != IOKIT_PURGE_EMPTY) {
        finding_set(finding, "B-12", "a volatile buffer that lost pages is empty, and says so");
        finding_actual(finding, "result 0x%" PRIx32 ", state %" PRIu32, result, state);
    } else if (result != IOKIT_SUCCESS ||
               (state != IOKIT_PURGE_VOLATILE && !(state == IOKIT_PURGE_EMPTY && could))) {
        finding_set(finding, "B-12 B-9",
                    could ? "a volatile buffer is volatile, or was emptied"
                          : "a volatile buffer that nobody could empty is volatile");
        finding_actual(finding, "result 0x%" PRIx32 ", state %" PRIu32, result, state);
    } else if (state == IOKIT_PURGE_EMPTY) {
        expected->purge_state = state;
        expected->vague = true;
    }
}
