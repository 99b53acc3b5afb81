/* Operations of the IOKit system; operands in op_buffer.c, meaning in oracle/buffer*.c. */
#ifndef ENGINE_OP_BUFFER_H
#define ENGINE_OP_BUFFER_H

#include "engine/op.h"

enum op_buffer_kind {
    OP_BUFFER_CREATE = OP_BUFFER, /* slot = how(options, capacity, alignment) */
    OP_BUFFER_MASK,               /* slot = inTaskWithPhysicalMask(options, capacity, mask of `bits` ones, the
                                     lowest `hole` of them zero); in the user's task if pageable */
    OP_BUFFER_RELEASE,
    OP_BUFFER_PREPARE, /* with a direction, 0: its own */
    OP_BUFFER_COMPLETE,
    OP_BUFFER_WRITE, /* writeBytes of a pattern; pattern 0: a null source */
    OP_BUFFER_READ,
    OP_BUFFER_APPEND,
    OP_BUFFER_LENGTH,
    OP_BUFFER_PURGE,     /* setPurgeable(state | modifiers) */
    OP_BUFFER_SEGMENTS,  /* walks all, and asks for the one at `offset` */
    OP_BUFFER_DIRECTION, /* setDirection */
    OP_BUFFER_NOCOPY, /* getBytesNoCopy(offset, bytes), then the task writes a pattern there, or reads (0) */
    OP_BUFFER_IOMMU,  /* there is one; only before the first buffer */
    OP_BUFFER_RANGES, /* a descriptor over parts of slot and other: prepared, read, completed, released */
    OP_BUFFER_BAD,    /* enum op_buffer_mistake: must be trapped */
    OP_BUFFER_END,
};

/* How OP_BUFFER_CREATE makes it. */
enum op_buffer_how {
    OP_BUFFER_HOW_KERNEL = 0, /* inTaskWithOptions, kernel task */
    OP_BUFFER_HOW_USER,
    OP_BUFFER_HOW_OTHER, /* a second user's task */
    OP_BUFFER_HOW_NONE,  /* inTask NULL */
    OP_BUFFER_HOW_WIDE,  /* kernel task, the alignment in both halves of the 64 bits */
    OP_BUFFER_HOW_GUARDED,
    OP_BUFFER_HOW_CAPACITY,            /* withCapacity */
    OP_BUFFER_HOW_CAPACITY_CONTIGUOUS, /* the same, contiguous */
    OP_BUFFER_HOW_BYTES,               /* withBytes */
    OP_BUFFER_HOW_BYTES_CONTIGUOUS,
    OP_BUFFER_HOW_COUNT,
};

/* One option more, whose number is the operand. */
enum op_buffer_with {
    OP_BUFFER_WITH_PLAIN = 0,
    OP_BUFFER_WITH_SHARED,   /* KernelUserShared */
    OP_BUFFER_WITH_SHARING2, /* another value of the sharing field */
    OP_BUFFER_WITH_INHIBIT,  /* cache modes 1, 4, 7, and those that are MapperNone, too */
    OP_BUFFER_WITH_COMBINE,
    OP_BUFFER_WITH_CACHE7,
    OP_BUFFER_WITH_CACHE8,
    OP_BUFFER_WITH_CACHE9,
    OP_BUFFER_WITH_ENCRYPT,
    OP_BUFFER_WITH_PREFAULT,
    OP_BUFFER_WITH_COUNT,
};

enum op_buffer_mistake {
    OP_BUFFER_MISTAKE_TWICE =
        0,                    /* releases the slot's last buffer again, or a live one under a stale serial */
    OP_BUFFER_MISTAKE_FORGED, /* a pointer into the middle of a live descriptor */
    OP_BUFFER_MISTAKE_NULL,
    OP_BUFFER_MISTAKE_PREPARE, /* of what "twice" would release */
    OP_BUFFER_MISTAKE_READ,
    OP_BUFFER_MISTAKE_PURGE,
    OP_BUFFER_MISTAKE_COUNT,
};

/* By kind - OP_BUFFER. */
extern const struct op_kind_info op_buffer_kinds[OP_BUFFER_END - OP_BUFFER];

#endif
