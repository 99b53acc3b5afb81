/* One operation of the one vocabulary. Fuzz input decodes to operations, a kernel trace converts to them, a
 * workload generates them, a crash prints as them, and one runner executes them on any candidate.
 *
 * Grants are named by slots: OP_ALLOC puts its grant into `slot`, OP_FREE frees what is there. An operation
 * on a slot in the wrong state (alloc into a full one, free of an empty one) is a no-op, so that any list is
 * a legal program. */
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include <stdint.h>

enum op_kind {
    OP_NOP = 0,
    OP_ALLOC = 1,     /* slot = alloc(order, class, mobility, flags, owner, index) */
    OP_FREE = 2,      /* free(slot), flags: OP_FLAG_ZERO says that the frames are zero */
    OP_ALLOC_RUN = 3, /* slot = alloc_run(count, low, high, alignment, boundary) */
    OP_SPLIT =
        4, /* splits slot's grant into grants of `order`; slot keeps the first, the others go to free slots */
    OP_DRAIN = 5,  /* drains the cache of CPU `cpu` */
    OP_AUDIT = 6,  /* full audit now */
    OP_STARVE = 7, /* order-0 INTERRUPT allocations until free == floor(class) + count: the edge of a floor */
    OP_FEED = 8,   /* frees what OP_STARVE took */
    OP_BAD_FREE =
        9, /* a wrong free: enum op_mistake in `count`; must be refused, or is skipped if never checked */
    OP_BAD_ALLOC =
        10, /* an illegal request: enum op_illegal in `count`; must be PL_INVALID or PL_UNSUPPORTED */
    OP_KIND_COUNT = 11,
};

/* What OP_BAD_FREE does wrong, with slot's grant. */
enum op_mistake {
    OP_MISTAKE_TWICE = 0,     /* frees the slot's last grant again */
    OP_MISTAKE_FOREIGN = 1,   /* a frame outside the machine, or in a hole */
    OP_MISTAKE_HALF = 2,      /* half of a grant of order > 0 */
    OP_MISTAKE_INSIDE = 3,    /* the second frame of a grant */
    OP_MISTAKE_TOO_LARGE = 4, /* the grant and its buddy */
    OP_MISTAKE_COUNT = 5,
};

enum op_illegal {
    OP_ILLEGAL_CLASS = 0,     /* class value 3 (F-27, documented contract: rejected) */
    OP_ILLEGAL_ORDER = 1,     /* an order above what the candidate serves */
    OP_ILLEGAL_RUN_ZERO = 2,  /* a run of 0 frames */
    OP_ILLEGAL_ALIGNMENT = 3, /* alignment not a power of two */
    OP_ILLEGAL_BOUNDARY = 4,  /* boundary not a power of two */
    OP_ILLEGAL_COUNT = 5,
};

#define OP_FLAG_ZERO       0x0001u /* alloc: wants zero; free: known zero */
#define OP_FLAG_MAY_SLEEP  0x0002u /* the recorded caller could sleep */
#define OP_FLAG_NEVER_FREE 0x0004u
#define OP_FLAG_INVENTED   0x0008u /* not in the recording: stands for an allocation before it */
#define OP_FLAG_SPLIT      0x0010u /* free: only part of the recorded grant */

/* Fixed size: a million of them is a 32 MB array that replay reads straight through. */
struct op {
    uint8_t kind;    /* enum op_kind */
    uint8_t cpu;     /* virtual CPU that runs it */
    uint8_t context; /* enum pl_context */
    uint8_t order;
    uint8_t alloc_class; /* enum pl_class */
    uint8_t mobility;    /* enum pl_mobility */
    uint16_t flags;      /* OP_FLAG_* */
    uint32_t slot;
    uint32_t count; /* frames of a run, or what the kind says */
    union {
        struct {
            uint32_t owner;
            uint32_t index;
        };
        struct {
            uint32_t low;  /* frames above the machine's first; 0 for no limit */
            uint32_t high; /* likewise, exclusive; 0 for no limit */
        };
    };
    uint8_t alignment_log2;
    uint8_t boundary_log2; /* 0: no boundary */
    uint8_t reserved[6];
};

/* Which fields a kind reads; the others are zero. cpu and context belong to every kind but OP_NOP. */
#define OP_HAS_SLOT     0x01u
#define OP_HAS_ORDER    0x02u
#define OP_HAS_CLASS    0x04u
#define OP_HAS_MOBILITY 0x08u
#define OP_HAS_FLAGS    0x10u
#define OP_HAS_OWNER    0x20u /* owner and index */
#define OP_HAS_RUN      0x40u /* count, low, high, alignment_log2, boundary_log2 */
#define OP_HAS_COUNT    0x80u

struct op_kind_info {
    const char *name;
    unsigned fields; /* OP_HAS_* */
};

/* Indexed by enum op_kind. */
extern const struct op_kind_info op_kinds[OP_KIND_COUNT];
extern const char *const op_mistake_names[OP_MISTAKE_COUNT];
extern const char *const op_illegal_names[OP_ILLEGAL_COUNT];

_Static_assert(sizeof(struct op) == 32, "two operations a cache line");

#endif
