/* The target's eyes: it fetches the ORB at its address and the table at the address that the ORB gives, byte
 * by byte as they lie in memory, and asks software for what lies nowhere. */
#include "engine/oracle/orb.h"

#include <inttypes.h>
#include <string.h>

#define ORB_BYTES     (20u + ORB_COMMAND_BYTES)
#define TABLE_BIT     0x0008u
#define TABLE_BITS    0x000Fu
#define NODE_SHIFT    48u
#define ADDR_MASK     ((UINT64_C(1) << NODE_SHIFT) - 1)
#define LONGEST       0xF000u
#define ENTRY_BYTES   8u
#define PATTERN_STEP  61u /* bytes of a buffer that are looked at: one in so many, and each piece's last */
#define DIRECT_FRAMES (UINT64_C(1) << (32 - PL_FRAME_SHIFT)) /* whose addresses the direct form can say */
#define ZERO_FRAMES   16u                                    /* of a new table that are looked at */

static uint64_t big(const unsigned char *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* Bytes at a bus address; false where nobody answers. */
static bool bus_read(const struct orb_oracle *oracle, uint64_t addr, unsigned char *to, size_t bytes)
{
    const struct gate *gate = oracle->gate;
    while (bytes > 0) {
        pl_frame frame = pl_frame_at(addr / PL_FRAME_BYTES);
        size_t inside = (size_t)(addr % PL_FRAME_BYTES);
        size_t part = PL_FRAME_BYTES - inside < bytes ? (size_t)PL_FRAME_BYTES - inside : bytes;
        if (!gate_owns(gate, frame))
            return sbp2_pseudo_read(oracle->login, addr, to, bytes) == bytes;
        memcpy(to, gate_bytes(gate, frame) + inside, part);
        addr += part;
        to += part;
        bytes -= part;
    }
    return true;
}

static bool check_constraints(const struct orb_oracle *oracle, const struct orb_view *view,
                              struct finding *finding)
{
    struct sbp2_constraints seen = sbp2_orb_constraints(oracle->login, view->orb);
    const char *ids = "S-15 X-3";
    return orb_number(finding, ids, "longest segment", view->constraints.segment_bytes_max,
                      seen.segment_bytes_max) &&
           orb_number(finding, ids, "alignment", view->constraints.alignment, seen.alignment) &&
           orb_number(finding, ids, "options of the constraints", view->constraints.options, seen.options);
}

static bool check_execution(const struct orb_oracle *oracle, const struct orb_view *view,
                            struct finding *finding)
{
    struct sbp2_execution seen = sbp2_orb_execution(oracle->login, view->orb);
    const struct sbp2_execution *wanted = &view->execution;
    const char *ids = "X-3";
    return orb_number(finding, ids, "executing (1: yes)", wanted->executing, seen.executing) &&
           orb_number(finding, ids, "appended (1: yes)", wanted->appended, seen.appended) &&
           orb_number(finding, "X-6 X-3", "timer armed (1: yes)", wanted->executing && view->timer_us != 0,
                      seen.timer_armed);
}

static bool check_cells(const struct orb_oracle *oracle, const struct orb_view *view, struct finding *finding)
{
    const struct sbp2_orb *orb = view->orb;
    const char *ids = "X-3";
    return orb_number(finding, ids, "flags", view->flags, sbp2_orb_flags(oracle->login, orb)) &&
           orb_number(finding, ids, "generation", view->generation,
                      sbp2_orb_generation(oracle->login, orb)) &&
           orb_number(finding, ids, "timeout", view->timeout_ms, sbp2_orb_timeout(oracle->login, orb)) &&
           orb_number(finding, "X-6 X-3", "timer", view->timer_us, sbp2_orb_timer_us(oracle->login, orb)) &&
           orb_number(finding, ids, "payload limit", view->payload, sbp2_orb_payload(oracle->login, orb)) &&
           orb_number(finding, ids, "reference constant", view->refcon,
                      sbp2_orb_refcon64(oracle->login, orb)) &&
           orb_number(finding, "X-10", "references of the ORB", view->references,
                      sbp2_orb_references(oracle->login, orb));
}

static bool check_table(const struct orb_oracle *oracle, const struct orb_view *view, struct finding *finding)
{
    struct sbp2_table_view seen;
    sbp2_orb_table(oracle->login, view->orb, &seen);
    const char *ids = "S-1 S-12 S-14";
    return orb_number(finding, ids, "capacity", view->capacity,
                      sbp2_orb_capacity(oracle->login, view->orb)) &&
           orb_number(finding, "S-3 S-1", "bytes of the table", view->table.bytes, seen.bytes) &&
           orb_number(finding, ids, "address of the table", view->table.physical_addr, seen.physical_addr) &&
           orb_number(finding, ids, "pseudo address", view->table.pseudo_addr, seen.pseudo_addr) &&
           orb_number(finding, ids, "runs of the table", view->table.run_count, seen.run_count);
}

/* The 20 bytes and the command block, as the target fetches them. */
static bool check_bytes(struct orb_oracle *oracle, const struct orb_view *view, struct finding *finding)
{
    unsigned char bytes[ORB_BYTES];
    uint64_t node = view->data_size != 0 || view->uses_table ? (uint64_t)ORB_NODE_ID << NODE_SHIFT : 0;
    if (!bus_read(oracle, sbp2_orb_address(oracle->login, view->orb), bytes, sizeof(bytes)))
        return orb_number(finding, "X-8", "bytes that answer at the ORB's address", sizeof(bytes), 0);
    uint64_t options = big(bytes + 16, 2);
    uint64_t size = big(bytes + 18, 2);
    if (!finding->found && (options & TABLE_BIT) == 0 && size > LONGEST)
        return orb_number(finding, "S-6 S-9", "bytes of a direct segment, at most", LONGEST, size);
    if (!orb_number(finding, "S-9 S-20 S-13", "table bits", view->uses_table ? TABLE_BIT : 0,
                    options & TABLE_BITS) ||
        !orb_number(finding, "S-8 S-4 S-13", "data size", view->data_size, size) ||
        !orb_number(finding, "S-9 S-7 S-5 S-13", "data descriptor", node | view->data, big(bytes + 8, 8)) ||
        !orb_number(finding, "X-3", "options", view->options, options & ~(uint64_t)TABLE_BITS) ||
        !orb_number(finding, "X-3", "next ORB", UINT64_C(1) << 63, big(bytes, 8)))
        return false;
    return orb_number(finding, "X-3", "the command block is as it was set (1: yes)", 1,
                      memcmp(bytes + 20, view->command, ORB_COMMAND_BYTES) == 0);
}

bool orb_check(struct orb_oracle *oracle, const struct orb_view *view, struct finding *finding)
{
    if (view->orb == NULL || finding->found)
        return !finding->found;
    if (sbp2_orb_login(oracle->login, view->orb) != oracle->login)
        return orb_number(finding, "X-3", "the ORB's login is this one (1: yes)", 1, 0);
    if (sbp2_orb_memory(oracle->login, view->orb) != view->attached) {
        finding_set(finding, "S-19 S-13", "");
        finding_expected(finding, "%s buffer is attached", view->attached == NULL ? "no" : "the last call's");
        finding_actual(finding, "%s",
                       sbp2_orb_memory(oracle->login, view->orb) == NULL ? "none is" : "another one is");
        return false;
    }
    return check_table(oracle, view, finding) && check_bytes(oracle, view, finding) &&
           orb_number(finding, "S-20", "entries in use", view->in_use,
                      sbp2_orb_entries_in_use(oracle->login, view->orb)) &&
           check_constraints(oracle, view, finding) && check_cells(oracle, view, finding) &&
           check_execution(oracle, view, finding);
}

/* Where the ORB sends the target for its table: only what lies in one piece may be fetched directly. */
static uint64_t table_addr(const struct orb_view *view, uint64_t bytes)
{
    return bytes <= view->table.first_segment_bytes ? view->table.physical_addr : view->table.pseudo_addr;
}

/* The next entries of the table at `addr`, a buffer full at a time. */
struct entries {
    uint64_t addr;
    uint32_t left;
    uint32_t here;
    uint32_t at;
    unsigned char bytes[ENTRY_BYTES * 64];
};

static bool next_entry(struct orb_oracle *oracle, struct entries *entries, const unsigned char **entry,
                       struct finding *finding)
{
    if (entries->at == entries->here) {
        entries->here = entries->left < 64 ? entries->left : 64;
        entries->at = 0;
        size_t bytes = (size_t)entries->here * ENTRY_BYTES;
        if (!bus_read(oracle, entries->addr, entries->bytes, bytes))
            return orb_number(finding, "X-8 S-8", "bytes that answer at the table's address", bytes, 0);
        entries->addr += bytes;
        entries->left -= entries->here;
    }
    *entry = entries->bytes + (size_t)entries->at++ * ENTRY_BYTES;
    return true;
}

static bool check_entry(const struct orb_piece *piece, uint32_t index, const unsigned char *entry,
                        struct finding *finding)
{
    uint64_t bytes = big(entry, 2), addr = big(entry + 2, 6);
    if (addr == piece->addr && bytes == piece->bytes)
        return true;
    const char *ids = "S-4 S-5";
    if (bytes == 0 || bytes > LONGEST)
        ids = "S-6 S-4";
    else if (addr != piece->addr)
        ids = ((addr ^ piece->addr) & UINT32_MAX) == 0 ? "S-7 S-5" : "S-5 S-7";
    finding_set(finding, ids, "");
    finding_expected(finding, "entry %" PRIu32 " is 0x%" PRIx64 "+0x%" PRIx64, index, piece->addr,
                     piece->bytes);
    finding_actual(finding, "it is 0x%" PRIx64 "+0x%" PRIx64, addr, bytes);
    return false;
}

bool orb_check_entries(struct orb_oracle *oracle, const struct orb_view *view, uint32_t count,
                       struct finding *finding)
{
    struct entries entries = {.addr = table_addr(view, (uint64_t)count * ENTRY_BYTES), .left = count};
    const unsigned char *entry = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!next_entry(oracle, &entries, &entry, finding) ||
            !check_entry(&oracle->pieces[i], i, entry, finding))
            return false;
    }
    return true;
}

/* Which byte of the descriptor is byte `at` of the source. */
static uint64_t source_offset(const struct orb_source *source, uint64_t at)
{
    for (uint32_t i = 0; i < source->range_count; i++) {
        if (at < source->ranges[i].bytes)
            return source->ranges[i].offset + at;
        at -= source->ranges[i].bytes;
    }
    return at;
}

static bool check_byte(struct orb_oracle *oracle, const struct orb_source *source, uint64_t at, uint64_t addr,
                       struct finding *finding)
{
    unsigned char byte;
    if (!bus_read(oracle, addr, &byte, 1))
        return orb_number(finding, "S-5 X-8", "bytes that answer at a segment's address", 1, 0);
    return byte == orb_pattern(source_offset(source, at)) ||
           orb_number(finding, "S-5 X-8", "a byte of the buffer, where its segment is",
                      orb_pattern(source_offset(source, at)), byte);
}

bool orb_check_pattern(struct orb_oracle *oracle, const struct orb_source *source, uint64_t offset,
                       uint32_t count, struct finding *finding)
{
    if (!source->from->patterned)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        const struct orb_piece *piece = &oracle->pieces[i];
        for (uint64_t at = 0; at < piece->bytes; at += PATTERN_STEP) {
            if (!check_byte(oracle, source, offset + at, piece->addr + at, finding))
                return false;
        }
        if (!check_byte(oracle, source, offset + piece->bytes - 1, piece->addr + piece->bytes - 1, finding))
            return false;
        offset += piece->bytes;
    }
    return true;
}

bool orb_entries_sum(struct orb_oracle *oracle, const struct orb_view *view, uint64_t *sum,
                     struct finding *finding)
{
    uint32_t count = view->in_use;
    struct entries entries = {.addr = table_addr(view, (uint64_t)count * ENTRY_BYTES), .left = count};
    const unsigned char *entry = NULL;
    *sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!next_entry(oracle, &entries, &entry, finding))
            return false;
        *sum = *sum * 31 + big(entry, 8);
    }
    return true;
}

/* One segment that the ORB gives the target, of a real buffer: granted frames, and the buffer's bytes. */
static bool check_segment(struct orb_oracle *oracle, const struct orb_source *source, uint64_t at,
                          const struct orb_piece *piece, struct finding *finding)
{
    const struct shadow *shadow = oracle->services->nodes[0].shadow;
    for (uint64_t done = 0; done < piece->bytes; done += PL_FRAME_BYTES) {
        pl_frame frame = pl_frame_at((piece->addr + done) / PL_FRAME_BYTES);
        if (!shadow_in_machine(shadow, frame, 1) ||
            shadow->owner[frame.number - shadow->machine->first.number] == 0)
            return orb_number(finding, "X-8 S-5", "the frames that the ORB points at are granted (1: yes)", 1,
                              0);
    }
    return !source->from->patterned || check_byte(oracle, source, at, piece->addr, finding);
}

/* Frames move unless they are prepared: the ORB still points at its buffer's. */
static bool check_target(struct orb_oracle *oracle, const struct orb_view *view, struct finding *finding)
{
    if (view->memory >= ORB_SLOTS || view->data_size == 0 || !oracle->memories[view->memory].real)
        return true;
    struct orb_source source = {.from = &oracle->memories[view->memory]};
    struct orb_piece piece = {.addr = view->data, .bytes = view->data_size};
    /* Under `real` the direct form loses the upper 16 bits of the address: it may point anywhere. */
    if (!view->uses_table)
        return (oracle->real &&
                oracle->services->nodes[0].machine->first.number + oracle->services->nodes[0].machine->span >
                    DIRECT_FRAMES) ||
               check_segment(oracle, &source, view->offset, &piece, finding);
    struct entries entries = {.addr = table_addr(view, (uint64_t)view->in_use * ENTRY_BYTES),
                              .left = view->in_use};
    const unsigned char *entry = NULL;
    uint64_t at = view->offset;
    for (uint32_t i = 0; i < view->in_use; i++) {
        if (!next_entry(oracle, &entries, &entry, finding))
            return false;
        piece = (struct orb_piece){.addr = big(entry + 2, 6), .bytes = big(entry, 2)};
        if (!check_segment(oracle, &source, at, &piece, finding))
            return false;
        at += piece.bytes;
    }
    return true;
}

bool orb_check_all(struct orb_oracle *oracle, struct finding *finding)
{
    uint64_t orbs = 0, tables = 0, commands = 0, ranges = 0;
    struct sbp2_counts counts;
    for (uint32_t i = 0; i < ORB_SLOTS; i++) {
        const struct orb_view *view = &oracle->views[i];
        uint64_t sum = 0;
        if (view->orb == NULL)
            continue;
        orbs++;
        tables += view->capacity != 0;
        commands += view->constraints.segment_bytes_max != 0;
        ranges += view->memory == ORB_MEMORY_RANGES;
        if (!orb_check(oracle, view, finding) || !check_target(oracle, view, finding))
            return false;
        if (view->uses_table && orb_entries_sum(oracle, view, &sum, finding) &&
            !orb_number(finding, "S-5 S-4", "sum over the entries in use", view->entries_sum, sum))
            return false;
    }
    sbp2_count(oracle->login, &counts);
    for (uint32_t i = 0; i < ORB_SLOTS; i++)
        orb_memory_settle(oracle, i, finding);
    return orb_number(finding, "X-4", "ORBs that live", orbs, counts.orbs) &&
           orb_number(finding, "S-1 X-4", "page tables that live", tables, counts.tables) &&
           orb_number(finding, "X-4", "DMA commands that live", commands, counts.commands) &&
           orb_number(finding, "S-18", "descriptors over ranges that live", ranges,
                      oracle->iokit.ranges.objects);
}

/* Every frame of the table is granted, and the first segment is what it says. */
static bool check_runs(struct orb_oracle *oracle, const struct sbp2_table_view *table, uint64_t bytes,
                       struct finding *finding)
{
    const struct shadow *shadow = oracle->services->nodes[0].shadow;
    uint64_t frames = 0, first = 0;
    for (size_t i = 0; i < table->run_count; i++) {
        const struct pl_run *run = &table->runs[i];
        if (!shadow_in_machine(shadow, run->first, run->frame_count))
            return orb_number(finding, "X-1", "the table lies in the machine (1: yes)", 1, 0);
        for (uint64_t f = 0; f < run->frame_count; f++) {
            if (shadow->owner[run->first.number - shadow->machine->first.number + f] == 0)
                return orb_number(finding, "X-1 X-8", "the table's frames are granted (1: yes)", 1, 0);
        }
        if (first == frames && run->first.number == table->runs[0].first.number + frames)
            first += run->frame_count;
        frames += run->frame_count;
    }
    uint64_t whole = first * PL_FRAME_BYTES < bytes ? first * PL_FRAME_BYTES : bytes;
    return orb_number(finding, "S-3", "frames of the table", (bytes + PL_FRAME_BYTES - 1) / PL_FRAME_BYTES,
                      frames) &&
           orb_number(finding, "S-3", "bytes of the first segment", whole, table->first_segment_bytes) &&
           orb_number(finding, "S-1", "address of the table", table->runs[0].first.number * PL_FRAME_BYTES,
                      table->physical_addr);
}

static bool check_zero(struct orb_oracle *oracle, const struct sbp2_table_view *table,
                       struct finding *finding)
{
    uint64_t left = ZERO_FRAMES;
    for (size_t i = 0; i < table->run_count && left > 0; i++) {
        uint64_t frames = table->runs[i].frame_count < left ? table->runs[i].frame_count : left;
        const unsigned char *bytes = gate_bytes(oracle->gate, table->runs[i].first);
        if (bytes[0] != 0 || memcmp(bytes, bytes + 1, (size_t)(frames * PL_FRAME_BYTES) - 1) != 0)
            return orb_number(finding, "X-9", "a new table is zero (1: yes)", 1, 0);
        left -= frames;
    }
    return true;
}

bool orb_learn_table(struct orb_oracle *oracle, struct orb_view *view, uint32_t capacity, bool zero,
                     struct finding *finding)
{
    uint64_t bytes = (uint64_t)capacity * ENTRY_BYTES;
    if (oracle->real)
        bytes &= UINT32_MAX;
    view->capacity = capacity;
    sbp2_orb_table(oracle->login, view->orb, &view->table);
    return orb_number(finding, "S-3 S-1 X-6", "bytes of the table", bytes, view->table.bytes) &&
           orb_number(finding, "S-1 S-12", "capacity", capacity,
                      sbp2_orb_capacity(oracle->login, view->orb)) &&
           check_runs(oracle, &view->table, bytes, finding) &&
           (!zero || check_zero(oracle, &view->table, finding));
}

size_t orb_peek_table(struct orb_oracle *oracle, const struct orb_view *view,
                      unsigned char bytes[ORB_PEEK_BYTES])
{
    if (view->capacity == 0)
        return 0;
    memcpy(bytes, gate_bytes(oracle->gate, pl_frame_at(view->table.physical_addr / PL_FRAME_BYTES)),
           ORB_PEEK_BYTES);
    return ORB_PEEK_BYTES;
}
