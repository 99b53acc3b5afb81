/* One operation of the one vocabulary. Fuzz input decodes to operations, a kernel trace converts to them, a
 * workload generates them, a crash prints as them, and one runner executes them on any candidate.
 *
 * Grants are named by slots: OP_ALLOC puts its grant into `slot`, OP_FREE frees what is there. An operation
 * on a slot in the wrong state (alloc into a full one, free of an empty one) is a no-op, so that any list is
 * a legal program. */
#ifndef ENGINE_OP_H
#define ENGINE_OP_H

#include <stdbool.h>
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
    OP_INTERRUPT = 11, /* an interrupt at the count-th labelled point from here on (`cpu`, `context`), which
                        * does `flags`, enum op_interrupt, with 2^order frames */
    OP_PAGE_END = 16,
};

/* Where the operations of the systems begin: names and operands in engine/op_*.c, meaning in engine/oracle/.
 * Macros, for they are counted with kinds of several enumerations. */
#define OP_COMMON     16  /* op_common.h: what belongs to no system */
#define OP_VM         24  /* op_vm.h: FreeBSD */
#define OP_AREA       48  /* op_area.h: Linux, address space */
#define OP_ZONE       64  /* op_zone.h: Linux, zones and watermarks */
#define OP_ORB        80  /* op_orb.h: SBP-2 */
#define OP_BUFFER     112 /* op_buffer.h: IOKit */
#define OP_KIND_COUNT 144

/* What a program exercises; decides which systems are made, and how binary records are read. */
enum op_family {
    OP_FAMILY_PAGE = 0, /* frames only */
    OP_FAMILY_VM = 1,
    OP_FAMILY_AREA = 2,
    OP_FAMILY_ORB = 3,
    OP_FAMILY_BUFFER = 4,
    OP_FAMILY_ALL = 5, /* everything interleaved */
    OP_FAMILY_COUNT = 6,
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

/* What an interrupt's handler does, with class INTERRUPT. */
enum op_interrupt {
    OP_INTERRUPT_MIXED = 0, /* takes two, gives the first back, frees an older grant, keeps the second */
    OP_INTERRUPT_PAIR = 1,  /* takes one and gives it back */
    OP_INTERRUPT_KEEP = 2,  /* takes one; it is given back later */
    OP_INTERRUPT_FREE = 3,  /* frees a grant from before */
    OP_INTERRUPT_COUNT = 4,
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
        uint64_t value; /* systems: bytes, a page index, an offset ... */
    };
    uint8_t alignment_log2;
    uint8_t boundary_log2; /* 0: no boundary */
    uint16_t other;        /* systems: a second handle */
    uint32_t extra;        /* systems: a third number */
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
#define OP_HAS_POINT    0x100u /* count from 1, and what the handler does in flags */

/* --- operands of the systems' operations --- */

/* Where an operand lives in struct op. `slot` and `other` are handles; text s3, o3. */
enum op_place {
    OP_AT_NONE = 0,
    OP_AT_SLOT,   /* which object of the operation's own kind: 0 to 15 */
    OP_AT_OTHER,  /* a second one: 0 to 15 */
    OP_AT_FLAGS,  /* 16 bits */
    OP_AT_COUNT,  /* 32 bits */
    OP_AT_VALUE,  /* 64 bits */
    OP_AT_EXTRA,  /* 32 bits */
    OP_AT_ORDER,  /* 8 bits */
    OP_AT_CLASS,  /* 2 bits: 3 is a value too */
    OP_AT_CHOICE, /* 8 bits, lives in `mobility` */
};

/* How it is written: in text, and in how many bytes of a binary record (six are free for operands that are no
 * handles). */
enum op_form {
    OP_NUMBER8,  /* decimal; 1 byte */
    OP_NUMBER16, /* decimal; 2 bytes */
    OP_BYTES,  /* decimal, or 0x above a million; 2 bytes by the table of edges: sizes, offsets, capacities */
    OP_EDGE32, /* the same, cut to 32 bits */
    OP_ALIGN,  /* decimal; 1 byte by the table of alignments, illegal ones included */
    OP_NAME,   /* one of `names` by its value; 1 byte */
    OP_BITS,   /* `names` joined by commas, or a number; 1 byte, whose bit i is names[i] */
    OP_BITS16, /* the same, 2 bytes */
};

struct op_name {
    const char *name; /* NULL ends the list */
    uint32_t value;   /* OP_BITS*: the bits that it stands for */
};

struct op_operand {
    const char *name; /* text: name=...; NULL ends the list. Handles have none: "s", "o" */
    enum op_place place;
    enum op_form form;
    const struct op_name *names; /* OP_NAME, OP_BITS*; at most 16 */
};

#define OP_OPERAND_LIMIT 8u

struct op_kind_info {
    const char *name;
    unsigned fields;                   /* OP_HAS_*: frames' operations; 0 for the systems' */
    const struct op_operand *operands; /* the systems' operations; NULL for frames' */
};

/* By enum op_kind; name NULL where there is none. */
const struct op_kind_info *op_info(unsigned kind);

/* The operand's value, and its place. Values are cut to the place's width. */
uint64_t op_operand_get(const struct op *op, enum op_place place);
void op_operand_set(struct op *op, enum op_place place, uint64_t value);

/* The edges of OP_BYTES and OP_ALIGN (7.3 of the specification). */
extern const uint64_t op_edges[];
extern const unsigned op_edge_count;
extern const uint64_t op_alignments[];
extern const unsigned op_alignment_count;

/* The kind that a binary record of a system's family names by a number of 7 bits: mostly the system's own,
 * some of frames, some that belong to nobody. Not for OP_FAMILY_PAGE. */
#define OP_FAMILY_INDEXES 128u
unsigned op_family_kind(enum op_family family, unsigned index);

extern const char *const op_family_names[OP_FAMILY_COUNT];

/* The family of a list of operations: PAGE, one system's, or ALL. */
enum op_family op_family_of(const struct op *ops, uint32_t op_count);

extern const char *const op_mistake_names[OP_MISTAKE_COUNT];
extern const char *const op_illegal_names[OP_ILLEGAL_COUNT];
extern const char *const op_interrupt_names[OP_INTERRUPT_COUNT];

_Static_assert(sizeof(struct op) == 32, "two operations a cache line");

#endif
