/* See trace_pack.h; trace_read_memory is its other half. */
#include "engine/trace/trace_pack.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>

#include "engine/trace/trace_codec.h"
#include "engine/trace/trace_error.h"
#include "engine/trace/trace_grow.h"
#include "engine/trace/trace_header.h"
#include "engine/trace/trace_measure.h"

/* Measured: level 19 saves another 10 % of the file and takes longer than all the rest of an import. */
#define LEVEL 10

/* Grows by what really comes out, so that a header's claim costs nothing. */
#define STEP_BYTES ((size_t)1 << 16)

static int compress(const struct trace *exact, const unsigned char *body, size_t body_bytes,
                    unsigned char **bytes, size_t *count)
{
    const size_t bound = ZSTD_compressBound(body_bytes);
    unsigned char *out = malloc(TRACE_HEADER_BYTES + bound);
    if (out == NULL)
        return -1;
    const size_t stored = ZSTD_compress(out + TRACE_HEADER_BYTES, bound, body, body_bytes, LEVEL);
    if (ZSTD_isError(stored)) {
        free(out);
        return -1;
    }
    const struct trace_header header = {
        .op_count = exact->op_count,
        .alloc_count = exact->alloc_count,
        .free_count = exact->free_count,
        .invented_count = exact->invented_count,
        .peak_frames = exact->peak_frames,
        .slot_count = (uint32_t)exact->peak_grants, /* as trace_decode numbers them */
        .cpu_count = exact->cpu_count,
        .body_bytes = body_bytes,
        .stored_bytes = stored,
    };
    trace_header_write(&header, out + TRACE_HEADER_BYTES, out);
    *bytes = out;
    *count = TRACE_HEADER_BYTES + stored;
    return 0;
}

int trace_pack(const struct trace *trace, const char *name, unsigned char **bytes, size_t *count,
               struct trace_error *error)
{
    struct trace exact = *trace;
    const char *complaint = trace_measure(&exact);
    if (complaint != NULL)
        return trace_fail(error, name, "not written: %s", complaint);
    unsigned char *body;
    size_t body_bytes;
    if (trace_encode(&exact, &body, &body_bytes) != 0)
        return trace_fail_memory(error, name);
    const int result = compress(&exact, body, body_bytes, bytes, count);
    free(body);
    return result == 0 ? 0 : trace_fail_memory(error, name);
}

/* Decompresses exactly `wanted` bytes out of exactly one frame. NULL and *body, or what is wrong. */
static const char *decompress(const unsigned char *stored, size_t stored_bytes, uint64_t wanted,
                              unsigned char **body)
{
    static const char *const damaged = "compressed part is damaged; expected one whole zstd stream";
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {stored, stored_bytes, 0};
    ZSTD_outBuffer out = {NULL, 0, 0};
    size_t capacity = 0;
    const char *complaint = stream == NULL ? "out of memory; expected a smaller trace" : NULL;
    size_t status = 1;
    while (complaint == NULL && status != 0) {
        /* One byte more than is wanted makes an excess visible. */
        unsigned char *grown = trace_grow(out.dst, &capacity, out.pos + STEP_BYTES, 1);
        if (grown == NULL) {
            complaint = "out of memory; expected a smaller trace";
            break;
        }
        out.dst = grown;
        out.size = capacity;
        const size_t before = in.pos + out.pos;
        status = ZSTD_decompressStream(stream, &out, &in);
        if (ZSTD_isError(status) || (status != 0 && in.pos + out.pos == before))
            complaint = damaged;
        else if (out.pos > wanted)
            complaint = "more data than the header says; expected a true count";
    }
    ZSTD_freeDStream(stream);
    if (complaint == NULL && in.pos != in.size)
        complaint = damaged;
    if (complaint == NULL && out.pos != wanted)
        complaint = "less data than the header says; expected a true count";
    if (complaint != NULL)
        free(out.dst);
    else
        *body = out.dst;
    return complaint;
}

static bool counts_agree(const struct trace_header *header, const struct trace *trace)
{
    return header->alloc_count == trace->alloc_count && header->free_count == trace->free_count &&
           header->invented_count == trace->invented_count && header->peak_frames == trace->peak_frames &&
           header->slot_count == trace->slot_count && header->cpu_count == trace->cpu_count;
}

static const char *unpack(const unsigned char *bytes, size_t count, struct trace *trace)
{
    struct trace_header header;
    const char *complaint = trace_header_read(bytes, count, &header);
    if (complaint != NULL)
        return complaint;
    if (header.stored_bytes > count - TRACE_HEADER_BYTES)
        return "is cut off; expected as many bytes as the header says";
    if (header.stored_bytes < count - TRACE_HEADER_BYTES)
        return "has bytes after its end; expected as many as the header says";
    if (!trace_header_checks(bytes, count))
        return "is damaged: the checksum differs; expected the file as it was written";
    if (header.op_count > TRACE_OP_LIMIT || header.body_bytes / TRACE_CODEC_OP_BYTES_MAX > header.op_count)
        return "header with impossible counts; expected at most 2^28 operations of 32 bytes";
    unsigned char *body;
    complaint = decompress(bytes + TRACE_HEADER_BYTES, (size_t)header.stored_bytes, header.body_bytes, &body);
    if (complaint != NULL)
        return complaint;
    complaint = trace_decode(body, (size_t)header.body_bytes, header.op_count, trace);
    free(body);
    if (complaint == NULL)
        complaint = trace_measure(trace);
    if (complaint == NULL && !counts_agree(&header, trace))
        complaint = "header with counts that are not the body's; expected the same";
    if (complaint != NULL)
        trace_fini(trace);
    return complaint;
}

int trace_read_memory(const void *bytes, size_t count, const char *name, struct trace *trace,
                      struct trace_error *error)
{
    *trace = (struct trace){0};
    const char *complaint = unpack(bytes, count, trace);
    return complaint == NULL ? 0 : trace_fail(error, name, "%s", complaint);
}
