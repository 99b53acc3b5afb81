/* Operands of the systems' operations: where they live in struct op, and the values that are worth trying
 * (7.3 of the specification, restated). */
#include <pagelab/compiler.h>
#include <pagelab/types.h>

#include "engine/op.h"

#define P   PL_FRAME_BYTES
#define KIB UINT64_C(1024)

uint64_t op_operand_get(const struct op *op, enum op_place place)
{
    switch (place) {
    case OP_AT_SLOT:
        return op->slot;
    case OP_AT_OTHER:
        return op->other;
    case OP_AT_FLAGS:
        return op->flags;
    case OP_AT_COUNT:
        return op->count;
    case OP_AT_VALUE:
        return op->value;
    case OP_AT_EXTRA:
        return op->extra;
    case OP_AT_ORDER:
        return op->order;
    case OP_AT_CLASS:
        return op->alloc_class;
    case OP_AT_CHOICE:
        return op->mobility;
    case OP_AT_NONE:
        break;
    }
    return 0;
}

void op_operand_set(struct op *op, enum op_place place, uint64_t value)
{
    switch (place) {
    case OP_AT_SLOT:
        op->slot = (uint32_t)value;
        break;
    case OP_AT_OTHER:
        op->other = (uint16_t)value;
        break;
    case OP_AT_FLAGS:
        op->flags = (uint16_t)value;
        break;
    case OP_AT_COUNT:
        op->count = (uint32_t)value;
        break;
    case OP_AT_VALUE:
        op->value = value;
        break;
    case OP_AT_EXTRA:
        op->extra = (uint32_t)value;
        break;
    case OP_AT_ORDER:
        op->order = (uint8_t)value;
        break;
    case OP_AT_CLASS:
        op->alloc_class = (uint8_t)(value & 3u);
        break;
    case OP_AT_CHOICE:
        op->mobility = (uint8_t)value;
        break;
    case OP_AT_NONE:
        break;
    }
}

/* Appending is safe up to 64; changing an entry changes the meaning of stored inputs. */
const uint64_t op_edges[] = {
    0,
    1,
    2,
    4,
    8,
    P - 1,
    P,
    P + 1,
    2 * P,
    511,
    512,
    513,
    1024,
    512 * P,
    513 * P,
    511 * P,
    1024 * P,
    0xEFFF,
    0xF000,
    0xF001,
    0x10000,
    0xFFFF,
    UINT64_C(2) * 0xF000,
    64 * KIB,
    KIB *KIB,
    64 * KIB *KIB,
    64 * KIB *KIB - P,
    64 * KIB *KIB - 2 * P,
    UINT64_C(0x1FFFFFFF),
    UINT64_C(0x20000000),
    UINT64_C(0x20000001),
    UINT64_C(0x7FFFFFFF),
    UINT64_C(0x80000000),
    UINT64_C(0xFFFFFFFF),
    UINT64_C(0xFFFFF000),
    UINT64_C(0xFFFFF001),
    UINT64_C(0x100000000),
    UINT64_C(0x100001000),
    UINT64_C(1) << 47,
    UINT64_C(1) << 48,
    (UINT64_C(1) << 48) - P,
    UINT64_C(1) << 52,
    UINT64_C(1) << 63,
    (UINT64_C(1) << 63) - 1,
    UINT64_MAX,
    UINT64_MAX - 1,
    UINT64_MAX - P,
    UINT64_MAX - P + 1,
    UINT64_MAX - P + 2,
    (UINT64_C(1) << 52) - 1,
    100,
    3,
};
const unsigned op_edge_count = (unsigned)PL_COUNT_OF(op_edges);

const uint64_t op_alignments[] = {
    1,
    0,
    P,
    2,
    4,
    16,
    64,
    256,
    3,
    P - 1,
    P + 1,
    2 * P,
    4 * P,
    16 * P,
    3 * P,
    512 * P,
    2048,
    UINT64_C(1) << 31,
    UINT64_C(1) << 32,
    UINT64_C(1) << 63,
};
const unsigned op_alignment_count = (unsigned)PL_COUNT_OF(op_alignments);

_Static_assert(PL_COUNT_OF(op_edges) <= 64, "six bits name an edge");
