/* Operations of the SBP-2 system; operands in op_orb.c, meaning in oracle/orb*.c. `slot` is an ORB, `other` a
 * memory descriptor. */
#ifndef ENGINE_OP_ORB_H
#define ENGINE_OP_ORB_H

#include "engine/op.h"

enum op_orb_kind {
    OP_ORB_NEW = OP_ORB,
    OP_ORB_MEMORY,  /* other: choice = what kind, count pieces of `extra` bytes; OP_ORB_MAKE_NONE drops */
    OP_ORB_TABLE,   /* count: entries */
    OP_ORB_BUFFERS, /* other; value: offset, extra: length; choice: under the gate */
    OP_ORB_FLAGS,   /* flags */
    OP_ORB_BUFFERS_NONE, /* releaseCommandBuffers */
    OP_ORB_RANGES,       /* other's bytes as `count` ranges; value: offset, extra: length; choice: width */
    OP_ORB_CONSTRAINTS,  /* count: longest segment, value: alignment, extra: options */
    OP_ORB_LIMIT,        /* the login's; choice: which, count: bytes */
    OP_ORB_PAYLOAD,      /* count: bytes */
    OP_ORB_COMMAND,      /* choice: from where, count: bytes, extra: seed of the bytes */
    OP_ORB_FIELD,        /* choice: which, value */
    OP_ORB_TABLE_DROP,
    OP_ORB_RETAIN,
    OP_ORB_RELEASE,
    OP_ORB_BAD,      /* choice: enum op_orb_mistake */
    OP_ORB_PAGEABLE, /* other: a pageable buffer of count pieces of `extra` bytes, unprepared */
    OP_ORB_WIRE,     /* other; choice: prepare or complete */
    OP_ORB_SUBMIT,   /* choice: enum op_orb_step; value: a bus generation */
    OP_ORB_END,
};

/* What OP_ORB_MEMORY makes. Those up to MANY_65536 are synthetic: segments that real frames cannot have. */
enum op_orb_make {
    OP_ORB_MAKE_NONE = 0,
    OP_ORB_MAKE_GAPS,
    OP_ORB_MAKE_TOUCHING,
    OP_ORB_MAKE_ODD1, /* the address is 1, 2, 3 modulo 4 */
    OP_ORB_MAKE_ODD2,
    OP_ORB_MAKE_ODD3,
    OP_ORB_MAKE_HIGH,    /* above 2^32 */
    OP_ORB_MAKE_EDGE32,  /* across 2^32 */
    OP_ORB_MAKE_EDGE48,  /* the last piece ends at 2^48 */
    OP_ORB_MAKE_ABOVE48, /* the last piece crosses 2^48 */
    OP_ORB_MAKE_NULL,    /* begins at address 0 */
    OP_ORB_MAKE_MANY_65535,
    OP_ORB_MAKE_MANY_65536,
    OP_ORB_MAKE_UNPREPARED,
    OP_ORB_MAKE_BUFFER,     /* a real one, count * extra bytes */
    OP_ORB_MAKE_CONTIGUOUS, /* likewise, in one run */
    OP_ORB_MAKE_COUNT,
};

enum op_orb_field {
    OP_ORB_FIELD_GENERATION = 0,
    OP_ORB_FIELD_TIMEOUT,
    OP_ORB_FIELD_REFCON,
    OP_ORB_FIELD_REFCON64,
    OP_ORB_FIELD_PREPARE, /* no value: completes the options word */
    OP_ORB_FIELD_COUNT,
};

enum op_orb_limit {
    OP_ORB_LIMIT_READ_DMA = 0,
    OP_ORB_LIMIT_LOGIN,
    OP_ORB_LIMIT_UNIT_PACK,
    OP_ORB_LIMIT_OPT_OUT, /* bytes 0: no, else yes */
    OP_ORB_LIMIT_COUNT,
};

enum op_orb_width {
    OP_ORB_WIDTH_32 = 0,
    OP_ORB_WIDTH_64,
    OP_ORB_WIDTH_WIDE, /* 64, with a length above 32 bits */
    OP_ORB_WIDTH_COUNT,
};

enum op_orb_wire {
    OP_ORB_WIRE_PREPARE = 0,
    OP_ORB_WIRE_COMPLETE,
    OP_ORB_WIRE_COUNT,
};

enum op_orb_step {
    OP_ORB_STEP_SUBMIT = 0,
    OP_ORB_STEP_COMPLETE,
    OP_ORB_STEP_RESET, /* of the bus, to a generation */
    OP_ORB_STEP_COUNT,
};

enum op_orb_mistake {
    OP_ORB_MISTAKE_STALE = 0, /* releases the slot's ORB that is gone */
    OP_ORB_MISTAKE_FOREIGN,   /* a table for what is no ORB */
    OP_ORB_MISTAKE_NULL,
    OP_ORB_MISTAKE_STALE_BUFFERS,
    OP_ORB_MISTAKE_IRQ_TABLE, /* a table at interrupt level */
    OP_ORB_MISTAKE_IRQ_BUFFERS,
    OP_ORB_MISTAKE_STALE_SET,        /* a plain cell of what is gone; other: which */
    OP_ORB_MISTAKE_STALE_ASK,        /* likewise, read */
    OP_ORB_MISTAKE_NO_SLEEP_BUFFERS, /* lets buffers go where nothing may sleep */
    OP_ORB_MISTAKE_NO_SLEEP_RELEASE,
    OP_ORB_MISTAKE_FOREIGN_MEMORY, /* an ORB as a descriptor */
    OP_ORB_MISTAKE_COUNT,
};

/* By kind - OP_ORB. */
extern const struct op_kind_info op_orb_kinds[OP_ORB_END - OP_ORB];

#endif
