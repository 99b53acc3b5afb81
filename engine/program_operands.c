/* See program_operands.h. In a record, byte 1 is slot | other << 4, then each operand takes one or two bytes
 * in the order of its table; what is left over at the end says the context. */
#include "engine/program_operands.h"

#include <pagelab/cpu.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define OPERANDS_AT 2u /* byte of the record */

static bool is_handle(const struct op_operand *operand)
{
    return operand->place == OP_AT_SLOT || operand->place == OP_AT_OTHER;
}

static unsigned name_count(const struct op_operand *operand)
{
    unsigned count = 0;
    while (operand->names != NULL && operand->names[count].name != NULL)
        count++;
    return count;
}

/* --- text --- */

static void print_bits(const struct op_operand *operand, uint64_t value, FILE *out)
{
    const char *separator = "";
    for (unsigned i = 0; i < name_count(operand) && value != 0; i++) {
        uint64_t bits = operand->names[i].value;
        if (bits != 0 && (value & bits) == bits) {
            fprintf(out, "%s%s", separator, operand->names[i].name);
            separator = ",";
            value &= ~bits;
        }
    }
    if (value != 0)
        fprintf(out, "%s0x%" PRIx64, separator, value);
}

static void print_value(const struct op_operand *operand, uint64_t value, FILE *out)
{
    if (operand->form == OP_BITS || operand->form == OP_BITS16) {
        print_bits(operand, value, out);
        return;
    }
    for (unsigned i = 0; operand->form == OP_NAME && i < name_count(operand); i++) {
        if (operand->names[i].value == value) {
            fputs(operand->names[i].name, out);
            return;
        }
    }
    fprintf(out, value > 1000000 ? "0x%" PRIx64 : "%" PRIu64, value);
}

void operands_print(const struct op *op, FILE *out)
{
    for (const struct op_operand *operand = op_info(op->kind)->operands; operand->name != NULL; operand++) {
        uint64_t value = op_operand_get(op, operand->place);
        if (is_handle(operand)) {
            fprintf(out, " %c%" PRIu64, operand->place == OP_AT_SLOT ? 's' : 'o', value);
        } else if (value != 0) {
            fprintf(out, " %s=", operand->name);
            print_value(operand, value, out);
        }
    }
}

static bool parse_number(const char *word, uint64_t *value)
{
    char *end;
    errno = 0;
    if (word[0] < '0' || word[0] > '9')
        return false;
    *value = strtoull(word, &end, 0);
    return errno == 0 && *end == '\0';
}

static bool find_name(const struct op_operand *operand, const char *word, size_t bytes, uint64_t *value)
{
    for (unsigned i = 0; i < name_count(operand); i++) {
        if (strlen(operand->names[i].name) == bytes && memcmp(operand->names[i].name, word, bytes) == 0) {
            *value = operand->names[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_bits(const struct op_operand *operand, char *word, uint64_t *value)
{
    *value = 0;
    for (char *at = word; *at != '\0';) {
        size_t bytes = strcspn(at, ",");
        uint64_t bits = 0;
        char *next = at + bytes + (at[bytes] == ',');
        if (!find_name(operand, at, bytes, &bits)) {
            at[bytes] = '\0';
            if (!parse_number(at, &bits))
                return false;
        }
        *value |= bits;
        at = next;
    }
    return true;
}

static bool parse_value(const struct op_operand *operand, char *word, uint64_t *value)
{
    if (operand->form == OP_BITS || operand->form == OP_BITS16)
        return parse_bits(operand, word, value);
    if (operand->form == OP_NAME && find_name(operand, word, strlen(word), value))
        return true;
    return parse_number(word, value);
}

bool operands_parse(char *word, struct op *op)
{
    char *equals = strchr(word, '=');
    enum op_place handle = OP_AT_NONE;
    uint64_t value = 0;
    if (equals == NULL && (word[0] == 's' || word[0] == 'o')) {
        handle = word[0] == 's' ? OP_AT_SLOT : OP_AT_OTHER;
        if (!parse_number(word + 1, &value) || value > 15)
            return false;
    } else if (equals == NULL) {
        return false;
    } else {
        *equals = '\0';
    }
    for (const struct op_operand *operand = op_info(op->kind)->operands; operand->name != NULL; operand++) {
        bool match = handle != OP_AT_NONE ? operand->place == handle
                                          : !is_handle(operand) && strcmp(operand->name, word) == 0;
        if (!match)
            continue;
        if (handle == OP_AT_NONE && !parse_value(operand, equals + 1, &value))
            return false;
        op_operand_set(op, operand->place, value);
        return op_operand_get(op, operand->place) == value;
    }
    return false;
}

/* --- binary --- */

unsigned operands_form_bytes(enum op_form form)
{
    switch (form) {
    case OP_NUMBER16:
    case OP_BYTES:
    case OP_EDGE32:
    case OP_BITS16:
        return 2;
    default:
        return 1;
    }
}

/* The two top bits say how: frames, bytes, an edge, an edge and some frames more or less. */
static uint64_t decode_bytes(unsigned code)
{
    unsigned low = code & 0x3fffu;
    switch (code >> 14) {
    case 0:
        return (uint64_t)(low % 64) * PL_FRAME_BYTES;
    case 1:
        return low;
    case 2:
        return op_edges[low % 64 % op_edge_count];
    default:
        return op_edges[low % 64 % op_edge_count] + ((uint64_t)(low >> 6) - 128) * PL_FRAME_BYTES;
    }
}

static uint64_t decode_bits(const struct op_operand *operand, unsigned code)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < name_count(operand); i++) {
        if (code >> i & 1u)
            value |= operand->names[i].value;
    }
    return value;
}

static uint64_t decode_value(const struct op_operand *operand, unsigned code)
{
    switch (operand->form) {
    case OP_NUMBER8:
    case OP_NUMBER16:
        return code;
    case OP_BYTES:
        return decode_bytes(code);
    case OP_EDGE32:
        return (uint32_t)decode_bytes(code);
    case OP_ALIGN:
        return op_alignments[code % op_alignment_count];
    case OP_NAME:
        return operand->names[code % name_count(operand)].value;
    case OP_BITS:
    case OP_BITS16:
        return decode_bits(operand, code);
    }
    return 0;
}

/* A spare last byte: mostly a task. */
static uint8_t decode_context(uint8_t byte)
{
    switch (byte & 15u) {
    case 13:
        return PL_CONTEXT_SOFTIRQ;
    case 14:
        return PL_CONTEXT_HARDIRQ;
    default:
        return PL_CONTEXT_TASK;
    }
}

void operands_decode(const uint8_t record[OPERAND_RECORD_BYTES], struct op *op)
{
    unsigned at = OPERANDS_AT;
    for (const struct op_operand *operand = op_info(op->kind)->operands; operand->name != NULL; operand++) {
        if (is_handle(operand)) {
            op_operand_set(op, operand->place,
                           operand->place == OP_AT_SLOT ? record[1] & 15u : (unsigned)record[1] >> 4);
            continue;
        }
        unsigned bytes = operands_form_bytes(operand->form);
        if (at + bytes > OPERAND_RECORD_BYTES)
            break;
        unsigned code = record[at];
        if (bytes == 2)
            code |= (unsigned)record[at + 1] << 8;
        at += bytes;
        op_operand_set(op, operand->place, decode_value(operand, code));
    }
    if (at < OPERAND_RECORD_BYTES)
        op->context = decode_context(record[OPERAND_RECORD_BYTES - 1]);
}

/* The lowest code that means the value in this place; 0 if there is none. */
static unsigned encode_value(const struct op_operand *operand, const struct op *op)
{
    struct op again;
    uint64_t value = op_operand_get(op, operand->place);
    unsigned limit = operands_form_bytes(operand->form) == 2 ? 0x10000u : 0x100u;
    memset(&again, 0, sizeof(again));
    for (unsigned code = 0; code < limit; code++) {
        op_operand_set(&again, operand->place, decode_value(operand, code));
        if (op_operand_get(&again, operand->place) == value)
            return code;
    }
    return 0;
}

void operands_encode(const struct op *op, uint8_t record[OPERAND_RECORD_BYTES])
{
    unsigned at = OPERANDS_AT;
    for (const struct op_operand *operand = op_info(op->kind)->operands; operand->name != NULL; operand++) {
        if (is_handle(operand)) {
            unsigned handle = (unsigned)op_operand_get(op, operand->place) & 15u;
            record[1] |= (uint8_t)(operand->place == OP_AT_SLOT ? handle : handle << 4);
            continue;
        }
        unsigned bytes = operands_form_bytes(operand->form);
        if (at + bytes > OPERAND_RECORD_BYTES)
            break;
        unsigned code = encode_value(operand, op);
        record[at] = (uint8_t)code;
        if (bytes == 2)
            record[at + 1] = (uint8_t)(code >> 8);
        at += bytes;
    }
    if (at < OPERAND_RECORD_BYTES && op->context == PL_CONTEXT_SOFTIRQ)
        record[OPERAND_RECORD_BYTES - 1] = 13;
    else if (at < OPERAND_RECORD_BYTES && op->context == PL_CONTEXT_HARDIRQ)
        record[OPERAND_RECORD_BYTES - 1] = 14;
}
