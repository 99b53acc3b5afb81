/* The binary form. Decoding maps every byte to something legal, so mutation never yields a dead input;
 * encoding looks for bytes that decode to the same operation and gives up if there are none. */
#include <string.h>

#include <pagelab/request.h>

#include "engine/op_common.h"
#include "engine/program_operands.h"
#include "engine/program_tables.h"

static uint8_t byte_at(const uint8_t *bytes, size_t byte_count, size_t at)
{
    return at < byte_count ? bytes[at] : 0;
}

/* A bound of a run, as 1/256 of the span; 0 is "no limit". */
static uint32_t decode_bound(uint8_t byte, uint64_t span)
{
    return (uint32_t)((span * byte + 255) / 256);
}

/* What `count` may be, for the kinds that have it. */
static unsigned count_limit(unsigned kind)
{
    switch (kind) {
    case OP_BAD_FREE:
        return OP_MISTAKE_COUNT;
    case OP_BAD_ALLOC:
        return OP_ILLEGAL_COUNT;
    default:
        return 4; /* OP_STARVE: floor - 1 to floor + 2 */
    }
}

#define NOTHING 0xffu /* in the place of a slot: no interrupt either */

/* The last number was nothing before there were interrupts, and still is where the header does not say so.
 * The systems are not interrupted: what they may do at interrupt level is theirs to say. */
static unsigned record_kind(const struct program *program, const uint8_t *record)
{
    uint8_t byte = record[0];
    bool page = program->family == OP_FAMILY_PAGE;
    if (page && program->interrupts && (byte & 31u) == 31u && record[3] != NOTHING)
        return OP_INTERRUPT;
    return page ? program_kinds[byte & 31u] : op_family_kind(program->family, byte & 127u);
}

static void decode_op(const uint8_t *record, const struct program *program, uint64_t span, uint16_t swarm,
                      struct op *op)
{
    memset(op, 0, sizeof(*op));
    bool page = program->family == OP_FAMILY_PAGE;
    unsigned kind = record_kind(program, record);
    if (kind != OP_PREEMPT && (swarm >> kind % 16 & 1u))
        kind = OP_NOP;
    if (kind == OP_NOP)
        return;
    op->kind = (uint8_t)kind;
    op->cpu = (uint8_t)((unsigned)record[0] >> (page ? 5 : 7)) % (uint8_t)program->shape.cpu_count;
    if (kind >= OP_PAGE_END) {
        operands_decode(record, op);
        if (kind == OP_PREEMPT && op->mobility == OP_DO_NOTHING) /* how a program of frames says OP_NOP */
            memset(op, 0, sizeof(*op));
        return;
    }
    unsigned fields = op_info(kind)->fields;
    op->context = (uint8_t)((record[1] >> 6) % 3u);
    if (fields & OP_HAS_ORDER)
        op->order = record[1] & 15u;
    if (fields & OP_HAS_CLASS)
        op->alloc_class = (uint8_t)((record[1] >> 4 & 3u) % PL_CLASS_COUNT);
    if (fields & OP_HAS_MOBILITY)
        op->mobility = (uint8_t)((record[2] & 3u) % PL_MOBILITY_COUNT);
    if (fields & OP_HAS_FLAGS)
        op->flags = (uint16_t)(record[2] >> 2 & 7u);
    if (fields & OP_HAS_SLOT)
        op->slot = record[3];
    if (fields & OP_HAS_OWNER) {
        op->owner = record[4];
        op->index = (uint32_t)record[5] | (uint32_t)record[6] << 8;
    }
    if (fields & OP_HAS_RUN) {
        op->count = program_run_frames(record[4]);
        op->low = decode_bound(record[5], span);
        op->high = decode_bound(record[6], span);
        op->alignment_log2 = record[7] & 15u;
        op->boundary_log2 = record[7] >> 4;
    }
    if (fields & OP_HAS_COUNT)
        op->count = record[4] % count_limit(kind);
    if (fields & OP_HAS_POINT) {
        op->count = record[4] + 1u;
        op->flags = record[2] >> 2 & (OP_INTERRUPT_COUNT - 1u);
    }
}

void program_decode(const uint8_t *bytes, size_t byte_count, struct op *ops, struct program *program)
{
    memset(program, 0, sizeof(*program));
    uint16_t swarm = (uint16_t)(byte_at(bytes, byte_count, 0) | byte_at(bytes, byte_count, 1) << 8);
    program->shape = program_shapes[byte_at(bytes, byte_count, 2) % PROGRAM_SHAPE_COUNT];
    program->shape.floors = program_floors(byte_at(bytes, byte_count, 3), shape_frame_count(&program->shape));
    program->shape.cpu_count = 1u + byte_at(bytes, byte_count, 4) % 4u;
    program->family = (enum op_family)(byte_at(bytes, byte_count, 5) % OP_FAMILY_COUNT);
    program->contract = (enum contract)(byte_at(bytes, byte_count, 6) & 1u);
    program->interrupts = (byte_at(bytes, byte_count, 7) & PROGRAM_HAS_INTERRUPTS) != 0;
    program->ops = ops;
    uint64_t span = shape_span(&program->shape);
    for (size_t at = PROGRAM_HEADER_BYTES; at < byte_count && program->op_count < PROGRAM_OP_LIMIT;
         at += PROGRAM_RECORD_BYTES) {
        uint8_t record[PROGRAM_RECORD_BYTES] = {0};
        size_t left = byte_count - at;
        memcpy(record, bytes + at, left < sizeof(record) ? left : sizeof(record));
        decode_op(record, program, span, swarm, &ops[program->op_count++]);
    }
}

static bool has_interrupts(const struct program *program)
{
    for (uint32_t i = 0; i < program->op_count; i++) {
        if (program->ops[i].kind == OP_INTERRUPT)
            return true;
    }
    return false;
}

static bool encode_header(const struct program *program, uint8_t *bytes)
{
    unsigned shape = 0;
    unsigned floors = 0;
    while (shape < PROGRAM_SHAPE_COUNT && !shape_same_ranges(&program_shapes[shape], &program->shape))
        shape++;
    if (shape == PROGRAM_SHAPE_COUNT || program->shape.cpu_count > 4)
        return false;
    for (; floors < PROGRAM_FLOORS_COUNT; floors++) {
        struct pl_floors wanted = program_floors(floors, shape_frame_count(&program->shape));
        if (memcmp(&wanted, &program->shape.floors, sizeof(wanted)) == 0)
            break;
    }
    if (floors == PROGRAM_FLOORS_COUNT)
        return false;
    bytes[2] = (uint8_t)shape;
    bytes[3] = (uint8_t)floors;
    bytes[4] = (uint8_t)(program->shape.cpu_count - 1);
    bytes[5] = (uint8_t)program->family;
    bytes[6] = (uint8_t)program->contract;
    bytes[7] = has_interrupts(program) ? PROGRAM_HAS_INTERRUPTS : 0;
    return true;
}

static uint8_t encode_bound(uint32_t bound, uint64_t span)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        if (decode_bound((uint8_t)byte, span) == bound)
            return (uint8_t)byte;
    }
    return 0;
}

static uint8_t encode_run_frames(uint32_t frames)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        if (program_run_frames((uint8_t)byte) == frames)
            return (uint8_t)byte;
    }
    return 0;
}

/* Byte 0: the first number that names the kind. */
static uint8_t encode_kind(const struct op *op, enum op_family family)
{
    unsigned kind = 0;
    if (family == OP_FAMILY_PAGE) { /* an interrupt's is the last */
        while (kind < 31 && program_kinds[kind] != op->kind)
            kind++;
        return (uint8_t)(kind | (unsigned)op->cpu << 5);
    }
    while (kind < OP_FAMILY_INDEXES - 1 && op_family_kind(family, kind) != op->kind)
        kind++;
    return (uint8_t)(kind | (unsigned)op->cpu << 7);
}

static void encode_op(const struct op *op, enum op_family family, uint64_t span, uint8_t *record)
{
    record[0] = encode_kind(op, family);
    if (op->kind >= OP_PAGE_END) {
        operands_encode(op, record);
        return;
    }
    record[1] = (uint8_t)((op->order & 15u) | (unsigned)op->alloc_class << 4 | (unsigned)op->context << 6);
    record[2] = (uint8_t)(op->mobility | (op->flags & 7u) << 2);
    record[3] = (uint8_t)op->slot;
    unsigned fields = op_info(op->kind)->fields;
    if (fields & OP_HAS_RUN) {
        record[4] = encode_run_frames(op->count);
        record[5] = encode_bound(op->low, span);
        record[6] = encode_bound(op->high, span);
        record[7] = (uint8_t)(op->alignment_log2 | op->boundary_log2 << 4);
    } else if (fields & OP_HAS_COUNT) {
        record[4] = (uint8_t)op->count;
    } else if (fields & OP_HAS_POINT) {
        record[4] = (uint8_t)(op->count - 1);
    } else {
        record[4] = (uint8_t)op->owner;
        record[5] = (uint8_t)op->index;
        record[6] = (uint8_t)(op->index >> 8);
    }
}

size_t program_encode(const struct program *program, uint8_t bytes[PROGRAM_BYTES_MAX])
{
    memset(bytes, 0, PROGRAM_BYTES_MAX);
    if (program->op_count > PROGRAM_OP_LIMIT || !encode_header(program, bytes))
        return 0;
    struct program check = {
        .shape = program->shape, .family = program->family, .interrupts = has_interrupts(program)};
    uint64_t span = shape_span(&program->shape);
    for (uint32_t i = 0; i < program->op_count; i++) {
        uint8_t *record = bytes + PROGRAM_HEADER_BYTES + (size_t)i * PROGRAM_RECORD_BYTES;
        struct op again;
        encode_op(&program->ops[i], program->family, span, record);
        if (check.interrupts && program->ops[i].kind == OP_NOP)
            record[3] = NOTHING;
        decode_op(record, &check, span, 0, &again);
        if (memcmp(&again, &program->ops[i], sizeof(again)) != 0)
            return 0;
    }
    return PROGRAM_HEADER_BYTES + (size_t)program->op_count * PROGRAM_RECORD_BYTES;
}
