/* See trace_codec.h. */
#include "engine/trace/trace_codec.h"

#include <stdlib.h>
#include <string.h>

#include <pagelab/check.h>
#include <pagelab/types.h>

#include "engine/trace/trace_grow.h"
#include "engine/trace/trace_slots.h"

#define SHAPE_BYTES      8u
#define VARINT_BYTES_MAX 10u

/* The part of an operation that repeats. Little-endian within the word: byte 0 is the kind. */
static uint64_t shape_of(const struct op *op)
{
    return (uint64_t)op->kind | (uint64_t)op->cpu << 8 | (uint64_t)op->context << 16 |
           (uint64_t)op->order << 24 | (uint64_t)op->alloc_class << 32 | (uint64_t)op->mobility << 40 |
           (uint64_t)op->flags << 48;
}

static struct op op_of(uint64_t shape)
{
    return (struct op){
        .kind = (uint8_t)shape,
        .cpu = (uint8_t)(shape >> 8),
        .context = (uint8_t)(shape >> 16),
        .order = (uint8_t)(shape >> 24),
        .alloc_class = (uint8_t)(shape >> 32),
        .mobility = (uint8_t)(shape >> 40),
        .flags = (uint16_t)(shape >> 48),
    };
}

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (0 - (difference >> 63));
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

/* --- Writing. --- */

struct column {
    unsigned char *bytes;
    size_t count;
    size_t capacity;
};

static bool column_room(struct column *column, size_t extra)
{
    unsigned char *grown = trace_grow(column->bytes, &column->capacity, column->count + extra, 1);
    if (grown == NULL)
        return false;
    column->bytes = grown;
    return true;
}

static bool put_varint(struct column *column, uint64_t value)
{
    if (!column_room(column, VARINT_BYTES_MAX))
        return false;
    for (; value >= 0x80; value >>= 7)
        column->bytes[column->count++] = (unsigned char)(value | 0x80);
    column->bytes[column->count++] = (unsigned char)value;
    return true;
}

static bool put_bytes(struct column *column, const struct column *from)
{
    if (!column_room(column, from->count))
        return false;
    if (from->count != 0)
        memcpy(column->bytes + column->count, from->bytes, from->count);
    column->count += from->count;
    return true;
}

#define SHAPE_CACHE 1024u

struct encoder {
    struct column shapes;
    struct column what;
    struct column which;
    uint64_t shape_count;
    uint64_t cache_shape[SHAPE_CACHE]; /* by hash; a number that is lost is found by search */
    uint64_t cache_number[SHAPE_CACHE];
    uint64_t alloc_count;
    uint64_t *grant_in; /* number of the allocation in a slot */
    uint64_t last_freed[PL_CPU_LIMIT];
};

static uint64_t shape_at(const struct encoder *encoder, uint64_t number)
{
    uint64_t shape = 0;
    for (unsigned i = 0; i < SHAPE_BYTES; i++)
        shape |= (uint64_t)encoder->shapes.bytes[number * SHAPE_BYTES + i] << (8 * i);
    return shape;
}

static bool find_shape(struct encoder *encoder, uint64_t shape, uint64_t *number)
{
    const size_t hash = (size_t)(shape * UINT64_C(0x9e3779b97f4a7c15) >> 54) % SHAPE_CACHE;
    if (encoder->cache_shape[hash] == shape) {
        *number = encoder->cache_number[hash];
        return true;
    }
    for (*number = 0; *number < encoder->shape_count; ++*number) {
        if (shape_at(encoder, *number) == shape)
            break;
    }
    if (*number == encoder->shape_count) {
        if (!column_room(&encoder->shapes, SHAPE_BYTES))
            return false;
        for (unsigned i = 0; i < SHAPE_BYTES; i++)
            encoder->shapes.bytes[encoder->shapes.count++] = (unsigned char)(shape >> (8 * i));
        encoder->shape_count++;
    }
    encoder->cache_shape[hash] = shape;
    encoder->cache_number[hash] = *number;
    return true;
}

static bool encode_op(struct encoder *encoder, const struct op *op)
{
    uint64_t number;
    if (!find_shape(encoder, shape_of(op), &number) || !put_varint(&encoder->what, number))
        return false;
    if (op->kind == OP_ALLOC) {
        encoder->grant_in[op->slot] = encoder->alloc_count++;
        return true;
    }
    const uint64_t grant = encoder->grant_in[op->slot];
    uint64_t *last = &encoder->last_freed[op->cpu];
    const uint64_t difference = grant - *last - 1;
    *last = grant;
    return put_varint(&encoder->which, zigzag(difference));
}

int trace_encode(const struct trace *trace, unsigned char **body, size_t *body_bytes)
{
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return -1;
    encoder->grant_in = calloc((size_t)trace->slot_count + 1, sizeof(*encoder->grant_in));
    bool is_whole = encoder->grant_in != NULL;
    for (size_t i = 0; i < trace->op_count && is_whole; i++)
        is_whole = encode_op(encoder, &trace->ops[i]);
    struct column out = {0};
    is_whole = is_whole && put_varint(&out, encoder->shape_count) && put_bytes(&out, &encoder->shapes) &&
               put_varint(&out, encoder->what.count) && put_bytes(&out, &encoder->what) &&
               put_bytes(&out, &encoder->which);
    free(encoder->grant_in);
    free(encoder->shapes.bytes);
    free(encoder->what.bytes);
    free(encoder->which.bytes);
    free(encoder);
    if (!is_whole) {
        free(out.bytes);
        return -1;
    }
    *body = out.bytes;
    *body_bytes = out.count;
    return 0;
}

/* --- Reading. --- */

struct reader {
    const unsigned char *at;
    const unsigned char *end;
};

static size_t left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static bool get_varint(struct reader *reader, uint64_t *value)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        const uint64_t byte = *reader->at++;
        sum |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *value = sum;
            return true;
        }
    }
    return false;
}

#define GRANT_FREED UINT32_MAX

struct decoder {
    struct reader what;
    struct reader which;
    const unsigned char *shapes;
    uint64_t shape_count;
    struct op *ops;
    size_t op_count;
    struct trace_slots slots;
    uint32_t *slot_of; /* by number of the allocation; GRANT_FREED after its free */
    size_t grant_count;
    size_t grant_capacity;
    uint64_t last_freed[PL_CPU_LIMIT];
};

static const char *const no_memory = "out of memory; expected a smaller trace or a larger machine";

static const char *decode_alloc(struct decoder *decoder, struct op *op)
{
    uint32_t *grown = trace_grow(decoder->slot_of, &decoder->grant_capacity, decoder->grant_count + 1,
                                 sizeof(*decoder->slot_of));
    if (grown == NULL)
        return no_memory;
    decoder->slot_of = grown;
    op->slot = trace_slots_get(&decoder->slots);
    decoder->slot_of[decoder->grant_count++] = op->slot;
    return NULL;
}

static const char *decode_free(struct decoder *decoder, struct op *op)
{
    uint64_t difference;
    if (op->cpu >= PL_CPU_LIMIT || !get_varint(&decoder->which, &difference))
        return "free without its allocation; expected as many as there are frees";
    uint64_t *last = &decoder->last_freed[op->cpu];
    const uint64_t grant = *last + 1 + unzigzag(difference);
    if (grant >= decoder->grant_count || decoder->slot_of[grant] == GRANT_FREED)
        return "free of a grant that is not live; expected slots in range";
    *last = grant;
    op->slot = decoder->slot_of[grant];
    decoder->slot_of[grant] = GRANT_FREED;
    return trace_slots_put(&decoder->slots, op->slot) ? NULL : no_memory;
}

static const char *decode_op(struct decoder *decoder)
{
    uint64_t number;
    if (!get_varint(&decoder->what, &number) || number >= decoder->shape_count)
        return "operation of unknown shape; expected one of the table";
    uint64_t shape = 0;
    for (unsigned i = 0; i < SHAPE_BYTES; i++)
        shape |= (uint64_t)decoder->shapes[number * SHAPE_BYTES + i] << (8 * i);
    struct op *op = &decoder->ops[decoder->op_count++];
    *op = op_of(shape);
    if (op->kind == OP_ALLOC)
        return decode_alloc(decoder, op);
    if (op->kind == OP_FREE)
        return decode_free(decoder, op);
    return "neither an allocation nor a free; expected only these";
}

/* Finds the columns. */
static const char *open_body(struct decoder *decoder, const unsigned char *body, size_t body_bytes,
                             uint64_t op_count)
{
    struct reader reader = {body, body + body_bytes};
    if (!get_varint(&reader, &decoder->shape_count) || decoder->shape_count > left(&reader) / SHAPE_BYTES)
        return "table of shapes is cut off; expected 8 bytes each";
    decoder->shapes = reader.at;
    reader.at += decoder->shape_count * SHAPE_BYTES;
    uint64_t what_bytes;
    if (!get_varint(&reader, &what_bytes) || what_bytes > left(&reader))
        return "column of operations is cut off; expected the bytes that it says";
    /* A byte for each at least: the bound on what we allocate. */
    if (op_count > what_bytes || op_count > TRACE_OP_LIMIT)
        return "more operations than there are bytes for; expected a true count";
    decoder->what = (struct reader){reader.at, reader.at + what_bytes};
    decoder->which = (struct reader){reader.at + what_bytes, reader.end};
    return NULL;
}

const char *trace_decode(const unsigned char *body, size_t body_bytes, uint64_t op_count, struct trace *trace)
{
    *trace = (struct trace){0};
    struct decoder decoder = {0};
    const char *complaint = open_body(&decoder, body, body_bytes, op_count);
    if (complaint != NULL)
        return complaint;
    decoder.ops = malloc(((size_t)op_count + 1) * sizeof(*decoder.ops));
    if (decoder.ops == NULL)
        return no_memory;
    while (decoder.op_count < op_count && complaint == NULL)
        complaint = decode_op(&decoder);
    if (complaint == NULL && (left(&decoder.what) != 0 || left(&decoder.which) != 0))
        complaint = "bytes left over; expected as many operations as the header says";
    free(decoder.slot_of);
    free(decoder.slots.spare);
    if (complaint != NULL) {
        free(decoder.ops);
        return complaint;
    }
    trace->ops = decoder.ops;
    trace->op_count = decoder.op_count;
    trace->slot_count = decoder.slots.count;
    return NULL;
}
