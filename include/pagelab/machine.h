/* The machine that an allocator manages: ranges of frames with holes between them, nodes, CPUs, and contents
 * if anybody needs to touch them. Owned by the platform; constant while an instance lives. */
#ifndef PAGELAB_MACHINE_H
#define PAGELAB_MACHINE_H

#include <pagelab/cpu.h>
#include <pagelab/request.h>

/* Frames [first, first + frame_count) of one node. Ranges ascend and do not touch: what is between is a hole.
 */
struct pl_range {
    pl_frame first;
    uint64_t frame_count;
    uint32_t node;
    uint32_t reserved32;
    uint64_t reserved[2];
};

/* The frame behind the last one. */
PL_INLINE uint64_t pl_range_end(const struct pl_range *range)
{
    return range->first.number + range->frame_count;
}

/* Is it of the node that is asked for, if one is? */
PL_INLINE bool pl_range_is_wanted(const struct pl_range *range, const struct pl_request *request)
{
    return request->node == PL_NODE_ANY || range->node == request->node;
}

/* Free frames that a class must leave (2.5 of FreeBSD's page(9) arithmetic): a request of n frames is
 * admitted iff free >= floor + n. Units: frames. */
struct pl_floors {
    uint64_t interrupt;
    uint64_t system;
    uint64_t normal;
    uint64_t reserved;
};

struct pl_machine {
    uint32_t bytes; /* sizeof(struct pl_machine) of whoever made it */
    uint32_t abi;
    const struct pl_range *ranges;
    uint32_t range_count;
    uint32_t node_count;
    uint32_t cpu_count;
    uint32_t reserved32;
    pl_frame first;          /* first frame of the first range */
    uint64_t span;           /* frames from first to the end of the last range, holes included */
    uint64_t frame_count;    /* frames in ranges, holes not included */
    unsigned char *contents; /* byte 0 of frame `first`, span * PL_FRAME_BYTES long, or NULL: metadata only */
    struct pl_cpu *const *cpus;
    struct pl_floors floors;
    uint64_t reserved[8];
};

/* Do ranges ascend with a hole between any two, and are they what first, span and frame_count say? Whoever
 * makes a machine promises that; init may ask. */
PL_INLINE bool pl_machine_is_legal(const struct pl_machine *machine)
{
    uint64_t frame_count = 0;
    uint64_t end = 0; /* offset behind the range before */
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        if (range->first.number < machine->first.number || range->node >= machine->node_count)
            return false;
        uint64_t offset = range->first.number - machine->first.number;
        if (offset >= machine->span || (i == 0 && offset != 0) || (i > 0 && offset <= end))
            return false;
        if (range->frame_count == 0 || range->frame_count > machine->span - offset)
            return false;
        end = offset + range->frame_count;
        frame_count += range->frame_count;
    }
    return end != 0 && end == machine->span && frame_count == machine->frame_count;
}

/* The node of a frame of the machine. */
PL_INLINE uint16_t pl_machine_node(const struct pl_machine *machine, pl_frame frame)
{
    uint32_t at = 0;
    while (at + 1 < machine->range_count && machine->ranges[at + 1].first.number <= frame.number)
        at++;
    return (uint16_t)machine->ranges[at].node;
}

/* Would the run fit into a range that the request may be served from, if every frame were free? If not, the
 * answer is PL_NEVER. The constraints are legal. */
PL_INLINE bool pl_machine_could_fit(const struct pl_machine *machine, const struct pl_request *request,
                                    const struct pl_constraints *want)
{
    bool only = (request->flags & PL_REQUEST_NODE_ONLY) != 0 && request->node != PL_NODE_ANY;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        uint64_t low = range->first.number;
        if ((!only || range->node == request->node) &&
            pl_legal_fit(want, low, low + range->frame_count) != PL_FRAME_NONE)
            return true;
    }
    return false;
}

/* The address of a frame's first byte. Only on a machine with contents, only for frames of a range. */
PL_INLINE unsigned char *pl_frame_address(const struct pl_machine *machine, pl_frame frame)
{
    return machine->contents + (frame.number - machine->first.number) * PL_FRAME_BYTES;
}

#endif
