/* The body of the compact form: operations as three columns, each of which zstd finds easy.
 *
 *   varint          number of shapes
 *   shapes          8 bytes each: kind, cpu, context, order, class, mobility, flags (2, little-endian)
 *   varint          bytes of the next column
 *   what            for each operation its shape, a varint
 *   which           for each free, which allocation, a zigzag varint
 *
 * Allocations are numbered from 0; "which" is the difference to the one after the last that the same CPU
 * freed. Slots are not stored; see trace_slots.h. Varints are little-endian groups of 7 bits. */
#ifndef ENGINE_TRACE_TRACE_CODEC_H
#define ENGINE_TRACE_TRACE_CODEC_H

#include "engine/trace/trace.h"

/* An operation takes at most this much, its shape included. */
#define TRACE_CODEC_OP_BYTES_MAX 32u

/* The caller frees *body. 0, or -1 without memory. *trace must have passed trace_measure. */
PL_MUST_CHECK int trace_encode(const struct trace *trace, unsigned char **body, size_t *body_bytes);

/* Fills trace->ops, op_count and slot_count from a body of `op_count` operations. Memory is in proportion to
 * `body_bytes`. NULL, or what is wrong, and *trace is empty. Does not check what trace_measure does. */
const char *trace_decode(const unsigned char *body, size_t body_bytes, uint64_t op_count,
                         struct trace *trace);

#endif
