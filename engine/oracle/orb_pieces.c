/* The oracle's own arithmetic: what a table over this memory must hold. Byte runs are put together one after
 * the other; the system under test walks segments and cuts them. */
#include "engine/oracle/orb.h"

#define LIMIT_ADDR (UINT64_C(1) << 48)
#define LONGEST    0xF000u

static uint32_t least(uint32_t a, uint32_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

uint32_t orb_payload_bytes(const struct orb_oracle *oracle, const struct orb_view *view)
{
    return least(least(4096, oracle->limits.read_dma_max), least(oracle->limits.login_max, view->payload));
}

/* 2^(v+2) bytes. */
uint32_t orb_payload_log(uint32_t bytes)
{
    uint32_t v = 0;
    while (v < 15 && (8u << v) <= bytes)
        v++;
    return v;
}

uint32_t orb_clip(const struct orb_oracle *oracle, const struct orb_view *view)
{
    const struct sbp2_limits *limits = &oracle->limits;
    uint32_t bytes = orb_payload_bytes(oracle, view);
    bool by_adapter = bytes != least(4096, least(limits->login_max, view->payload));
    bool by_unit = limits->unit_pack_max != 0 && limits->unit_pack_max < bytes;
    if (limits->clip_opt_out || (!by_adapter && !by_unit))
        return LONGEST;
    if (bytes >= 1024)
        return bytes == 4096 ? 4096 : bytes >= 2048 ? 2048 : 1024;
    return 512;
}

static struct orb_piece source_at(const struct orb_source *source, uint64_t offset)
{
    if (source->range_count == 0)
        return orb_memory_at(source->from, offset);
    uint32_t i = 0;
    while (offset >= source->ranges[i].bytes)
        offset -= source->ranges[i++].bytes;
    struct orb_piece piece = orb_memory_at(source->from, source->ranges[i].offset + offset);
    if (piece.bytes > source->ranges[i].bytes - offset)
        piece.bytes = source->ranges[i].bytes - offset;
    return piece;
}

/* Pieces at most, roughly. */
static uint64_t cost(const struct orb_source *source, uint64_t bytes, uint64_t piece_max)
{
    uint64_t segment = source->from->real ? PL_FRAME_BYTES : source->from->piece_bytes;
    return 2 * (bytes / piece_max) + bytes / segment + 2 + source->range_count;
}

struct cutter {
    struct orb_oracle *oracle;
    uint64_t segment_max;
    uint64_t piece_max;
    uint64_t next_addr;     /* behind the last byte */
    uint64_t segment_bytes; /* of the present DMA segment */
    uint32_t segment_first; /* its first piece */
    uint32_t count;
    bool bad;
};

/* Adds adjacent bytes. */
static void cutter_add(struct cutter *cutter, uint64_t addr, uint64_t bytes)
{
    while (bytes > 0) {
        bool joins =
            cutter->count > 0 && addr == cutter->next_addr && cutter->segment_bytes < cutter->segment_max;
        struct orb_piece *piece = &cutter->oracle->pieces[cutter->count == 0 ? 0 : cutter->count - 1];
        if (!joins) {
            cutter->segment_first = cutter->count;
            cutter->segment_bytes = 0;
        }
        if (!joins || piece->bytes == cutter->piece_max) {
            piece = &cutter->oracle->pieces[cutter->count++];
            *piece = (struct orb_piece){.addr = addr};
        }
        uint64_t take = cutter->piece_max - piece->bytes;
        if (take > cutter->segment_max - cutter->segment_bytes)
            take = cutter->segment_max - cutter->segment_bytes;
        if (take > bytes)
            take = bytes;
        if ((!joins && addr == 0) || addr > LIMIT_ADDR || addr + take > LIMIT_ADDR) {
            cutter->bad = true;
            cutter->count = cutter->segment_first;
            return;
        }
        piece->bytes += take;
        cutter->segment_bytes += take;
        addr += take;
        bytes -= take;
        cutter->next_addr = addr;
    }
}

bool orb_expect(struct orb_oracle *oracle, const struct orb_view *view, const struct orb_source *source,
                uint64_t offset, uint64_t length, struct orb_expect *expect)
{
    struct cutter cutter = {.oracle = oracle,
                            .segment_max = view->constraints.segment_bytes_max,
                            .piece_max = orb_clip(oracle, view)};
    uint64_t whole = source->whole;
    uint64_t at = offset < whole ? offset : whole;
    if (length == 0)
        length = oracle->real ? whole : whole - at;
    *expect = (struct orb_expect){.length = length};
    bool outside = offset > whole || length > whole - at;
    uint64_t end = outside ? whole : at + length;
    if (cutter.segment_max == 0) {
        expect->bad = true;
        return true;
    }
    uint64_t smaller = cutter.piece_max < cutter.segment_max ? cutter.piece_max : cutter.segment_max;
    uint64_t pieces = cost(source, end - at, smaller);
    if (pieces > ORB_PIECE_LIMIT || pieces > oracle->budget)
        return false;
    oracle->budget -= (uint32_t)pieces;
    while (at < end && !cutter.bad) {
        struct orb_piece bytes = source_at(source, at);
        if (bytes.bytes > end - at)
            bytes.bytes = end - at;
        cutter_add(&cutter, bytes.addr, bytes.bytes);
        at += bytes.bytes;
    }
    expect->count = cutter.count;
    expect->bad = outside || cutter.bad;
    return true;
}
