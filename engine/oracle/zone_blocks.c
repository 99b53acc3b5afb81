/* What a candidate says of its own high-atomic reserve, where it claims to have one (L-18): the audit's
 * blocks against the count, pageblock by pageblock, and against the cap. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/oracle/zone.h"

#define ZONE_KIND_COUNT 3u

/* Bits of a pageblock: what was heard of its frames. Neither: all are granted or cached, or holes. */
#define HEARD_RESERVED 1u
#define HEARD_FREE     2u

struct reserve_ear {
    struct pl_visitor visitor; /* first: the hooks get a pointer to it */
    const struct pl_machine *machine;
    struct finding *finding;
    uint8_t *pageblocks;
    uint64_t first; /* number of the first pageblock */
    uint64_t count;
    uint64_t reserved_frames;
};

static void hear_block(struct pl_visitor *visitor, const struct pl_block *block)
{
    struct reserve_ear *ear = (struct reserve_ear *)visitor;
    bool is_reserved = block->state == PL_BLOCK_RESERVED;
    uint64_t frames = UINT64_C(1) << (block->order & 63u);
    uint64_t at = block->first.number / PL_ZONE_BLOCK - ear->first;
    if (!is_reserved && block->state != PL_BLOCK_FREE)
        return;
    if (is_reserved && (frames > PL_ZONE_BLOCK || block->first.number % frames != 0) &&
        !ear->finding->found) {
        finding_set(ear->finding, "L-18", "what is kept lies in one pageblock, aligned");
        finding_actual(ear->finding, "0x%" PRIx64 " order %" PRIu32, block->first.number, block->order);
    }
    ear->reserved_frames += is_reserved ? frames : 0;
    for (uint64_t end = at + (frames + PL_ZONE_BLOCK - 1) / PL_ZONE_BLOCK; at < end && at < ear->count; at++)
        ear->pageblocks[at] |= is_reserved ? HEARD_RESERVED : HEARD_FREE;
}

static void hear_broken(struct pl_visitor *visitor, const char *words)
{
    (void)visitor;
    (void)words; /* the shadow's audit reports it */
}

static unsigned kind_of(uint64_t frame)
{
    return frame < PL_ZONE_DMA_END ? 0 : frame < PL_ZONE_DMA32_END ? 1 : 2;
}

/* Frames of [from, to) that a zone has. */
static uint64_t frames_of(const struct pl_machine *machine, uint32_t node, unsigned kind, uint64_t from,
                          uint64_t to)
{
    const uint64_t borders[ZONE_KIND_COUNT + 1] = {0, PL_ZONE_DMA_END, PL_ZONE_DMA32_END, UINT64_MAX};
    uint64_t frames = 0;
    from = from > borders[kind] ? from : borders[kind];
    to = to < borders[kind + 1] ? to : borders[kind + 1];
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        uint64_t low = range->first.number > from ? range->first.number : from;
        uint64_t high = range->first.number + range->frame_count;
        high = high < to ? high : to;
        frames += range->node == node && low < high ? high - low : 0;
    }
    return frames;
}

/* Is the machine's part of this pageblock not empty, and this node's? */
static bool is_of(const struct pl_machine *machine, uint32_t node, uint64_t pageblock)
{
    uint64_t frame = pageblock * PL_ZONE_BLOCK;
    return frames_of(machine, node, kind_of(frame), frame, frame + PL_ZONE_BLOCK) > 0;
}

/* One zone keeps at most a hundredth of its frames and a pageblock. Returns how many pageblocks that is. */
static uint64_t check_zone(const struct reserve_ear *ear, uint32_t node, unsigned kind)
{
    uint64_t frames = frames_of(ear->machine, node, kind, 0, UINT64_MAX);
    uint64_t most = frames == 0 ? 0 : (frames / 100 + PL_ZONE_BLOCK) / PL_ZONE_BLOCK;
    uint64_t kept = 0;
    for (uint64_t at = 0; at < ear->count; at++)
        kept += ear->pageblocks[at] & HEARD_RESERVED && kind_of((ear->first + at) * PL_ZONE_BLOCK) == kind &&
                is_of(ear->machine, node, ear->first + at);
    if (kept > most && !ear->finding->found) {
        finding_set(ear->finding, "L-18", "");
        finding_expected(ear->finding,
                         "of %" PRIu64 " frames of a zone a hundredth and a pageblock are kept at most",
                         frames);
        finding_actual(ear->finding, "%" PRIu64 " pageblocks of %" PRIu64 " frames", kept, PL_ZONE_BLOCK);
    }
    return most;
}

/* Every frame of a kept pageblock that is free is kept; counts agree with what was heard. A kept pageblock of
 * which nothing is free is heard of by the count alone. */
static void check_sums(const struct reserve_ear *ear, const struct pl_page_counts *counts, uint64_t most)
{
    struct finding *finding = ear->finding;
    uint64_t kept = 0;
    uint64_t silent = 0;
    for (uint64_t at = 0; at < ear->count && !finding->found; at++) {
        unsigned heard = ear->pageblocks[at];
        kept += (heard & HEARD_RESERVED) != 0;
        silent += heard == 0;
        if (heard != (HEARD_RESERVED | HEARD_FREE))
            continue;
        finding_set(finding, "L-18", "a pageblock is kept as a whole");
        finding_actual(finding, "some free frames of the one at 0x%" PRIx64 " are, others are not",
                       (ear->first + at) * PL_ZONE_BLOCK);
    }
    if (finding->found)
        return;
    if (counts->reserved_frames != ear->reserved_frames) {
        finding_set(finding, "L-18 F-2", "");
        finding_expected(finding, "%" PRIu64 " frames are kept in blocks", ear->reserved_frames);
        finding_actual(finding, "count says %" PRIu64, counts->reserved_frames);
    } else if (counts->reserve_blocks < kept || counts->reserve_blocks > kept + silent ||
               counts->reserve_blocks > most) {
        finding_set(finding, "L-18", "");
        finding_expected(finding,
                         "%" PRIu64 " pageblocks have frames that are kept, %" PRIu64
                         " have none that are free, %" PRIu64 " is the cap",
                         kept, silent, most);
        finding_actual(finding, "count says %" PRIu64 " are kept", counts->reserve_blocks);
    }
}

void zone_audit_reserve(const struct zone_oracle *oracle, uint32_t node, struct finding *finding)
{
    const struct services_node *at = &oracle->services->nodes[node];
    const struct pl_page *page = &at->instance->page;
    const struct pl_machine *machine = at->machine;
    struct pl_page_counts counts = {0};
    uint64_t most = 0;
    if (finding->found || !(at->instance->caps & PL_CAP_ZONES) || !instance_has_audit(at->instance) ||
        !instance_has_count(at->instance))
        return;
    struct reserve_ear ear = {
        .visitor = {.bytes = sizeof(ear.visitor), .block = hear_block, .broken = hear_broken},
        .machine = machine,
        .finding = finding,
        .first = machine->first.number / PL_ZONE_BLOCK};
    ear.count = (machine->first.number + machine->span - 1) / PL_ZONE_BLOCK + 1 - ear.first;
    ear.pageblocks = calloc((size_t)ear.count, 1);
    if (ear.pageblocks == NULL)
        return;
    (void)page->ops->audit(page->self, &ear.visitor);
    page->ops->count(page->self, &counts);
    for (uint32_t n = 0; n < machine->node_count; n++)
        for (unsigned kind = 0; kind < ZONE_KIND_COUNT; kind++)
            most += check_zone(&ear, n, kind);
    check_sums(&ear, &counts, most);
    free(ear.pageblocks);
}
