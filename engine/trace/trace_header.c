/* See trace_header.h. */
#include "engine/trace/trace_header.h"

#include <string.h>

#define MAGIC_BYTES     8u
#define VERSION         1u
#define CHECKSUM_OFFSET 88u

_Static_assert(CHECKSUM_OFFSET + 8 == TRACE_HEADER_BYTES, "the checksum comes last");

static const unsigned char magic[MAGIC_BYTES] = {'P', 'L', 'T', 'R', 'A', 'C', 'E', '1'};

static void put(unsigned char *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static uint64_t fnv(uint64_t hash, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t checksum(const unsigned char *header, const unsigned char *stored, size_t stored_bytes)
{
    const uint64_t hash = fnv(UINT64_C(0xcbf29ce484222325), header, CHECKSUM_OFFSET);
    return fnv(hash, stored, stored_bytes);
}

void trace_header_write(const struct trace_header *header, const unsigned char *stored, unsigned char *bytes)
{
    memset(bytes, 0, TRACE_HEADER_BYTES);
    memcpy(bytes, magic, MAGIC_BYTES);
    put(bytes + 8, VERSION, 4);
    put(bytes + 12, TRACE_HEADER_BYTES, 4);
    put(bytes + 16, header->op_count, 8);
    put(bytes + 24, header->alloc_count, 8);
    put(bytes + 32, header->free_count, 8);
    put(bytes + 40, header->invented_count, 8);
    put(bytes + 48, header->peak_frames, 8);
    put(bytes + 56, header->slot_count, 4);
    put(bytes + 60, header->cpu_count, 4);
    put(bytes + 64, header->body_bytes, 8);
    put(bytes + 72, header->stored_bytes, 8);
    put(bytes + CHECKSUM_OFFSET, checksum(bytes, stored, (size_t)header->stored_bytes), 8);
}

const char *trace_header_read(const unsigned char *bytes, size_t count, struct trace_header *header)
{
    if (count == 0)
        return "is empty; expected a compact trace";
    if (count < MAGIC_BYTES || memcmp(bytes, magic, MAGIC_BYTES) != 0)
        return "no compact trace; expected what `pagelab import` writes";
    if (count < TRACE_HEADER_BYTES)
        return "header is cut off; expected 96 bytes";
    if (get(bytes + 8, 4) != VERSION)
        return "of another version; expected version 1";
    if (get(bytes + 12, 4) != TRACE_HEADER_BYTES || get(bytes + 80, 8) != 0)
        return "header is damaged; expected 96 bytes of version 1";
    *header = (struct trace_header){
        .op_count = get(bytes + 16, 8),
        .alloc_count = get(bytes + 24, 8),
        .free_count = get(bytes + 32, 8),
        .invented_count = get(bytes + 40, 8),
        .peak_frames = get(bytes + 48, 8),
        .slot_count = (uint32_t)get(bytes + 56, 4),
        .cpu_count = (uint32_t)get(bytes + 60, 4),
        .body_bytes = get(bytes + 64, 8),
        .stored_bytes = get(bytes + 72, 8),
    };
    return NULL;
}

bool trace_header_checks(const unsigned char *bytes, size_t count)
{
    return get(bytes + CHECKSUM_OFFSET, 8) ==
           checksum(bytes, bytes + TRACE_HEADER_BYTES, count - TRACE_HEADER_BYTES);
}
