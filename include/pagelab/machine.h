/* The machine that an allocator manages: ranges of frames with holes between them, nodes, CPUs, and contents
 * if anybody needs to touch them. Owned by the platform; constant while an instance lives. */
#ifndef PAGELAB_MACHINE_H
#define PAGELAB_MACHINE_H

#include <pagelab/cpu.h>

/* Frames [first, first + frame_count) of one node. Ranges ascend and do not touch: what is between is a hole.
 */
struct pl_range {
    pl_frame first;
    uint64_t frame_count;
    uint32_t node;
    uint32_t reserved32;
    uint64_t reserved[2];
};

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

/* The address of a frame's first byte. Only on a machine with contents, only for frames of a range. */
PL_INLINE unsigned char *pl_frame_address(const struct pl_machine *machine, pl_frame frame)
{
    return machine->contents + (frame.number - machine->first.number) * PL_FRAME_BYTES;
}

#endif
