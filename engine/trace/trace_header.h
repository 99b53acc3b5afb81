/* The head of a compact file: 96 bytes, numbers little-endian.
 *
 *    0  "PLTRACE1"
 *    8  u32 version, 1             12  u32 bytes of the header, 96
 *   16  u64 operations             24  u64 allocations, the invented ones included
 *   32  u64 frees                  40  u64 invented allocations
 *   48  u64 peak frames            56  u32 slots
 *   60  u32 CPUs                   64  u64 bytes of the body (trace_codec.h)
 *   72  u64 bytes of the body as stored after the header, one zstd stream
 *   80  u64 0                      88  u64 checksum: FNV-1a over all else
 *
 * The counts repeat what the body holds: a reader can print them, and trace_read compares them. */
#ifndef ENGINE_TRACE_TRACE_HEADER_H
#define ENGINE_TRACE_TRACE_HEADER_H

#include <stdbool.h>

#include "engine/trace/trace.h"

#define TRACE_HEADER_BYTES 96u

struct trace_header {
    uint64_t op_count;
    uint64_t alloc_count;
    uint64_t free_count;
    uint64_t invented_count;
    uint64_t peak_frames;
    uint32_t slot_count;
    uint32_t cpu_count;
    uint64_t body_bytes;
    uint64_t stored_bytes;
};

/* Writes TRACE_HEADER_BYTES to `bytes`, with the checksum over them and `stored`. */
void trace_header_write(const struct trace_header *header, const unsigned char *stored, unsigned char *bytes);

/* Looks at the head only; `count` bytes are there. NULL, or what is wrong. */
const char *trace_header_read(const unsigned char *bytes, size_t count, struct trace_header *header);

/* Is the checksum that of bytes[0, count), header and stored body? */
bool trace_header_checks(const unsigned char *bytes, size_t count);

#endif
