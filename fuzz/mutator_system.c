/* Edits of the systems' records: byte 0 the kind, byte 1 the handles, then operands as the kind's table has
 * them (engine/program_operands.c). What makes, uses and releases one handle belongs together; sizes are
 * mostly small or edges; and now and then a grant fails. */
#include <string.h>

#include "engine/op_common.h"
#include "engine/program_operands.h"
#include "fuzz/boundary.h"
#include "fuzz/life.h"
#include "fuzz/mutator_internal.h"

#define CPU_BIT       0x80u
#define KIND_BITS     0x7fu
#define FRESH_HANDLES 4u /* where a handle is drawn from if none is used yet */
#define USES_MAX      4u
#define FAIL_MAX      6u /* mostly one of the next so many grants fails */
#define OPERANDS_AT   2u

static unsigned kind_of(const struct mutator_list *list, const uint8_t *record)
{
    return op_family_kind(list->family, record[0] & KIND_BITS);
}

static uint8_t near_handle(struct mutator_list *list, bool other)
{
    if (list->count == 0 || mutator_draw(list, 4) == 0)
        return (uint8_t)mutator_draw(list, mutator_draw(list, 4) == 0 ? 16 : FRESH_HANDLES);
    uint8_t handles = list->records[mutator_draw(list, list->count)][1];
    return other ? handles >> 4 : handles & 15u;
}

static void put_handle(uint8_t *record, bool other, unsigned handle)
{
    record[1] = (uint8_t)(other ? (record[1] & 0x0fu) | handle << 4 : (record[1] & 0xf0u) | handle);
}

/* --- operands --- */

/* A code of two bytes for a size or offset: some pages, an edge, a page or two beside an edge, some bytes. */
static unsigned bytes_code(struct mutator_list *list)
{
    switch (mutator_draw(list, 8)) {
    case 0:
    case 1:
    case 2:
        return 1 + mutator_draw(list, 8);
    case 3:
    case 4:
        return boundary_edge_code(mutator_draw(list, op_edge_count), 0);
    case 5:
        return boundary_edge_code(mutator_draw(list, op_edge_count), (int)mutator_draw(list, 5) - 2);
    case 6:
        return 0x4000u | mutator_draw(list, 0x4000);
    default:
        return mutator_draw(list, 0x10000);
    }
}

static unsigned bits_code(struct mutator_list *list, unsigned count)
{
    unsigned code = 0;
    for (uint32_t left = mutator_draw(list, 4); left > 0 && count > 0; left--)
        code |= 1u << mutator_draw(list, count);
    return code;
}

static unsigned operand_code(struct mutator_list *list, const struct op_operand *operand)
{
    unsigned names = boundary_name_count(operand);
    switch (operand->form) {
    case OP_BYTES:
    case OP_EDGE32:
        return bytes_code(list);
    case OP_ALIGN:
        return mutator_draw(list, 2) == 0 ? 0 : mutator_draw(list, op_alignment_count);
    case OP_NAME:
        return mutator_draw(list, 2) == 0 || names == 0 ? 0 : mutator_draw(list, names);
    case OP_BITS:
    case OP_BITS16:
        return bits_code(list, names);
    case OP_NUMBER16:
        return mutator_draw(list, 8) == 0 ? mutator_draw(list, 0x10000) : mutator_draw(list, 8);
    case OP_NUMBER8:
        break;
    }
    return mutator_draw(list, 4) == 0 ? mutator_byte(list) : mutator_draw(list, 4);
}

static void put_code(uint8_t *record, unsigned at, unsigned bytes, unsigned code)
{
    record[at] = (uint8_t)code;
    if (bytes == 2)
        record[at + 1] = (uint8_t)(code >> 8);
}

/* A frame's operation in a program of a system: only starve, feed, alloc, free and drain are there. */
static void fill_frames(struct mutator_list *list, uint8_t *record)
{
    record[1] = (uint8_t)(mutator_draw(list, 4) | mutator_draw(list, 4) << 4);
    record[3] = (uint8_t)mutator_draw(list, 16);
    record[4] = (uint8_t)mutator_draw(list, 4);
}

/* All but byte 0, by the kind that byte 0 names. */
static void fill_record(struct mutator_list *list, uint8_t *record)
{
    unsigned kind = kind_of(list, record);
    unsigned at = OPERANDS_AT;
    memset(record + 1, 0, PROGRAM_RECORD_BYTES - 1);
    if (kind < OP_PAGE_END) {
        fill_frames(list, record);
        return;
    }
    record[1] = (uint8_t)(near_handle(list, false) | near_handle(list, true) << 4);
    for (const struct op_operand *operand = op_info(kind)->operands; operand->name != NULL; operand++) {
        unsigned bytes = operands_form_bytes(operand->form);
        if (operand->place == OP_AT_SLOT || operand->place == OP_AT_OTHER)
            continue;
        if (at + bytes > PROGRAM_RECORD_BYTES)
            break;
        put_code(record, at, bytes, operand_code(list, operand));
        at += bytes;
    }
    if (at < PROGRAM_RECORD_BYTES && mutator_draw(list, 16) == 0)
        record[PROGRAM_RECORD_BYTES - 1] = (uint8_t)(13 + mutator_draw(list, 2));
}

/* One of the record's operands that are no handles, drawn; NULL if it has none. */
static const struct op_operand *draw_operand(struct mutator_list *list, const uint8_t *record,
                                             unsigned *where)
{
    const struct op_operand *drawn = NULL;
    unsigned kind = kind_of(list, record);
    unsigned at = OPERANDS_AT;
    uint32_t seen = 0;
    if (kind < OP_PAGE_END)
        return NULL;
    for (const struct op_operand *operand = op_info(kind)->operands; operand->name != NULL; operand++) {
        unsigned bytes = operands_form_bytes(operand->form);
        if (operand->place == OP_AT_SLOT || operand->place == OP_AT_OTHER)
            continue;
        if (at + bytes > PROGRAM_RECORD_BYTES)
            break;
        if (mutator_draw(list, ++seen) == 0) {
            drawn = operand;
            *where = at;
        }
        at += bytes;
    }
    return drawn;
}

/* --- the edits --- */

/* Mostly of a system that is there already: operations of strangers do not meet. */
static uint8_t draw_kind(struct mutator_list *list)
{
    uint8_t fresh = (uint8_t)mutator_draw(list, OP_FAMILY_INDEXES);
    unsigned near = list->count == 0 ? OP_NOP : kind_of(list, list->records[mutator_draw(list, list->count)]);
    for (unsigned tries = 0; tries < 8 && near >= OP_PAGE_END && mutator_draw(list, 4) != 0; tries++) {
        if (system_of(op_family_kind(list->family, fresh)) == system_of(near))
            break;
        fresh = (uint8_t)mutator_draw(list, OP_FAMILY_INDEXES);
    }
    return fresh;
}

static uint8_t draw_cpu(struct mutator_list *list)
{
    return mutator_draw(list, 4) == 0 ? CPU_BIT : 0;
}

static bool insert_record(struct mutator_list *list, uint32_t at, const uint8_t *record)
{
    if (!mutator_open_gap(list, at, 1))
        return false;
    memcpy(list->records[at], record, PROGRAM_RECORD_BYTES);
    return true;
}

static bool edit_insert(struct mutator_list *list)
{
    uint8_t record[PROGRAM_RECORD_BYTES] = {(uint8_t)(draw_kind(list) | draw_cpu(list))};
    fill_record(list, record);
    return insert_record(list, mutator_draw(list, list->count + 1), record);
}

/* The same with a kind and a handle that are given. False: no room, or no such kind in this family. */
static bool insert_kind(struct mutator_list *list, uint32_t at, unsigned kind, bool other, uint8_t handle)
{
    unsigned index = family_index_of(list->family, kind);
    uint8_t record[PROGRAM_RECORD_BYTES] = {(uint8_t)(index | draw_cpu(list))};
    if (index == OP_FAMILY_INDEXES)
        return false;
    fill_record(list, record);
    put_handle(record, other, handle);
    return insert_record(list, at, record);
}

/* A kind of the same system that works on such a handle; OP_NOP if the draws miss it. */
static unsigned draw_use(struct mutator_list *list, const struct life *life)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        unsigned kind = op_family_kind(list->family, mutator_draw(list, OP_FAMILY_INDEXES));
        if (kind != life->make && kind != life->release && system_of(kind) == system_of(life->make) &&
            kind_has_place(kind, life->other ? OP_AT_OTHER : OP_AT_SLOT))
            return kind;
    }
    return OP_NOP;
}

/* Make, use, release. */
static bool edit_pair(struct mutator_list *list)
{
    const struct life *life = &lives[mutator_draw(list, life_count)];
    for (unsigned tries = 0; tries < 16 && !life_in_family(life, list->family); tries++)
        life = &lives[mutator_draw(list, life_count)];
    if (!life_in_family(life, list->family) || list->limit - list->count < 2)
        return false;
    uint8_t handle = near_handle(list, life->other);
    uint32_t at = mutator_draw(list, list->count + 1);
    (void)insert_kind(list, at, life->make, life->other, handle);
    for (uint32_t left = mutator_draw(list, USES_MAX); left > 0; left--) {
        unsigned kind = draw_use(list, life);
        at += 1 + (mutator_draw(list, 2) == 0 ? mutator_draw(list, list->count - at) : 0);
        if (kind == OP_NOP || !insert_kind(list, at, kind, life->other, handle))
            break;
    }
    if (at < list->count)
        at++;
    at += mutator_draw(list, 2) == 0 ? mutator_draw(list, list->count - at + 1) : 0;
    (void)insert_kind(list, at, life->release, life->other, handle);
    return true;
}

static bool edit_series(struct mutator_list *list)
{
    uint32_t at = mutator_draw(list, list->count + 1);
    uint32_t count = 1 + mutator_block_length(list, MUTATOR_BLOCK_MAX);
    uint8_t record[PROGRAM_RECORD_BYTES] = {(uint8_t)(draw_kind(list) | draw_cpu(list))};
    fill_record(list, record);
    unsigned kind = kind_of(list, record);
    bool other = kind >= OP_PAGE_END && !kind_has_place(kind, OP_AT_SLOT);
    if (!mutator_open_gap(list, at, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(list->records[at + i], record, sizeof(record));
        if (kind < OP_PAGE_END)
            record[3]++;
        else if (other)
            record[1] = (uint8_t)(record[1] + 0x10u);
        else
            record[1] = (uint8_t)((record[1] & 0xf0u) | ((record[1] + 1u) & 0x0fu));
    }
    return true;
}

static bool edit_slot(struct mutator_list *list)
{
    uint32_t a;
    uint32_t b;
    if (!mutator_draw_two(list, &a, &b))
        return false;
    uint8_t mask = mutator_draw(list, 3) == 0 ? 0xf0u : 0x0fu;
    list->records[a][1] = (uint8_t)((list->records[a][1] & ~mask) | (list->records[b][1] & mask));
    return true;
}

static void tweak_operand(struct mutator_list *list, uint8_t *record)
{
    unsigned at = 0;
    const struct op_operand *operand = draw_operand(list, record, &at);
    if (operand == NULL) {
        record[1] = (uint8_t)(near_handle(list, false) | near_handle(list, true) << 4);
        return;
    }
    unsigned bytes = operands_form_bytes(operand->form);
    unsigned code = record[at] | (bytes == 2 ? (unsigned)record[at + 1] << 8 : 0u);
    switch (mutator_draw(list, 4)) {
    case 0: /* nearly the same: for a size of pages, a page more or less */
        code += 1u + mutator_draw(list, 2);
        break;
    case 1:
        code -= 1u + mutator_draw(list, 2);
        break;
    case 2: /* one bit, or one name further */
        code ^= 1u << mutator_draw(list, 8 * bytes);
        break;
    default:
        code = operand_code(list, operand);
        break;
    }
    put_code(record, at, bytes, code);
}

static bool edit_tweak(struct mutator_list *list)
{
    if (list->count == 0)
        return false;
    uint8_t *record = list->records[mutator_draw(list, list->count)];
    switch (mutator_draw(list, 16)) {
    case 0: /* another kind, the same handles */
        record[0] = (uint8_t)((record[0] & CPU_BIT) | draw_kind(list));
        break;
    case 1:
        record[0] ^= CPU_BIT;
        break;
    case 2:
        put_handle(record, false, near_handle(list, false));
        break;
    case 3:
        put_handle(record, true, near_handle(list, true));
        break;
    case 4: /* perhaps the context */
        record[7] = (uint8_t)(mutator_draw(list, 2) == 0 ? 0 : 13 + mutator_draw(list, 2));
        break;
    default:
        tweak_operand(list, record);
        break;
    }
    return true;
}

static bool edit_edge(struct mutator_list *list)
{
    unsigned at = 0;
    if (list->count == 0)
        return false;
    uint8_t *record = list->records[mutator_draw(list, list->count)];
    const struct op_operand *operand = draw_operand(list, record, &at);
    if (operand == NULL)
        return false;
    unsigned edge = mutator_draw(list, boundary_code_count(operand));
    put_code(record, at, operands_form_bytes(operand->form), boundary_code(operand, edge));
    return true;
}

/* What makes the next grants fail, right before an operation; hunger ends some operations later. */
static bool edit_trouble(struct mutator_list *list)
{
    uint32_t at = mutator_draw(list, list->count + 1);
    switch (mutator_draw(list, 8)) {
    case 0:
        return insert_kind(list, at, OP_PAGEOUT, false, 0);
    case 1:
        return insert_kind(list, at, OP_FEED, false, 0);
    case 2:
    case 3:
        if (!insert_kind(list, at, OP_STARVE, false, 0))
            return false;
        at += 1 + mutator_draw(list, list->count - at);
        return insert_kind(list, at, OP_FEED, false, 0);
    default:
        if (!insert_kind(list, at, OP_FAIL_NTH, false, 0))
            return false;
        if (mutator_draw(list, 8) != 0)
            list->records[at][OPERANDS_AT] = (uint8_t)(1 + mutator_draw(list, FAIL_MAX));
        return true;
    }
}

mutator_edit_function *const mutator_system_edits[MUTATOR_EDIT_COUNT] = {
    [MUTATOR_INSERT] = edit_insert,   [MUTATOR_PAIR] = edit_pair,   [MUTATOR_SERIES] = edit_series,
    [MUTATOR_SLOT] = edit_slot,       [MUTATOR_TWEAK] = edit_tweak, [MUTATOR_EDGE] = edit_edge,
    [MUTATOR_TROUBLE] = edit_trouble,
};
