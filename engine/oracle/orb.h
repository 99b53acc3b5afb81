/* The SBP-2 oracle's own view: what each ORB and each memory descriptor must look like, and the pieces that a
 * table must hold, cut by the oracle's own arithmetic from its own knowledge of the segments. It then looks
 * at the bytes in memory as the target would. Files: orb.c (programs), orb_memory.c (descriptors),
 * orb_pieces.c (arithmetic), orb_device.c (the target's eyes), orb_life.c, orb_buffers.c, orb_fields.c,
 * orb_wire.c, orb_submit.c (operations). */
#ifndef ENGINE_ORACLE_ORB_H
#define ENGINE_ORACLE_ORB_H

#include "engine/op_orb.h"
#include "engine/oracle/oracle.h"
#include "systems/iokit/iokit.h"
#include "systems/sbp2/sbp2.h"

#define ORB_SLOTS         16u
#define ORB_COMMAND_BYTES 64u
#define ORB_NODE_ID       0xFFC0u
#define ORB_SPEED         2u
#define ORB_RUN_LIMIT     UINT64_C(16384)
#define ORB_RANGE_LIMIT   16u
/* A walk over so many pieces is slow: one operation has at most this many, a program a few such. */
#define ORB_PIECE_LIMIT  70000u
#define ORB_PIECE_BUDGET 150000u

struct orb_piece {
    uint64_t addr;
    uint64_t bytes;
};

/* A descriptor, synthetic (its segments are a formula, its bytes are nowhere) or a real buffer. */
struct orb_memory {
    struct iokit_memory synthetic; /* first: the hooks get a pointer to it */
    struct iokit_memory *memory;   /* NULL: the slot is empty */
    uint64_t serial;
    bool real;
    bool pageable;
    bool patterned;      /* its bytes are orb_pattern's */
    bool owned;          /* the slot's own reference is held */
    uint32_t attached;   /* ORBs that hold one */
    uint32_t range_uses; /* ORBs with ranges over it */
    uint64_t base;       /* synthetic: segment i is [base + i * stride, + piece_bytes) */
    uint64_t stride;
    uint64_t piece_bytes;
    uint64_t piece_count;
    uint32_t piece_shift; /* piece_bytes is 2 to that; 0: divide */
};

/* Bytes [offset, offset + length) of a descriptor, or ranges of one. */
struct orb_source {
    const struct orb_memory *from;
    uint32_t range_count; /* 0: the descriptor itself */
    struct {
        uint64_t offset; /* in the descriptor */
        uint64_t bytes;
    } ranges[ORB_RANGE_LIMIT];
    uint64_t whole; /* bytes */
};

/* What a write must come to. */
struct orb_expect {
    uint32_t count; /* pieces, up to the mistake if there is one */
    bool bad;       /* the range leaves the memory, or a segment cannot be named */
    uint64_t length;
};

struct orb_view {
    struct sbp2_orb *orb;  /* NULL: the slot is empty */
    struct sbp2_orb *gone; /* the last one that was destroyed here */
    uint32_t references;
    struct sbp2_execution execution;
    uint64_t pseudo_addr; /* where it answered as a virtual ORB; 0: not known */
    uint32_t capacity;
    struct sbp2_table_view table; /* as it was when it was made; runs may not be looked at */
    uint32_t memory;              /* slot of the attached descriptor, or one of ORB_MEMORY_* */
    struct iokit_memory *attached;
    uint64_t offset; /* in it */
    uint64_t data;   /* the descriptor field, less the node */
    uint32_t data_size;
    bool uses_table;
    uint32_t in_use;
    uint64_t entries_sum; /* of the table's entries in use */
    struct sbp2_constraints constraints;
    uint32_t options; /* less the table's bits */
    uint32_t flags;
    uint32_t generation;
    uint32_t timeout_ms;
    uint64_t timer_us;
    uint32_t payload;
    uint64_t refcon;
    unsigned char command[ORB_COMMAND_BYTES];
};

#define ORB_MEMORY_NONE   UINT32_MAX
#define ORB_MEMORY_RANGES (UINT32_MAX - 1)

struct orb_oracle {
    struct services *services;
    struct gate *gate;
    struct trap *trap;
    struct sbp2 *login;
    struct iokit iokit;
    void *iokit_memory;
    bool real; /* the contract */
    struct sbp2_limits limits;
    uint32_t bus_generation;
    uint32_t budget;                /* pieces */
    uint32_t range_slot[ORB_SLOTS]; /* by ORB: the memory that its ranges are of */
    struct orb_view views[ORB_SLOTS];
    struct orb_memory memories[ORB_SLOTS];
    struct orb_piece pieces[ORB_PIECE_LIMIT]; /* of the last expectation */
};

/* What is noted before a call. */
struct orb_before {
    uint64_t calls;
    uint64_t grants;
    uint64_t frees;
    uint64_t held;
    uint64_t sleeps;
    uint64_t traps;
    uint32_t depth;
    struct sbp2_counts counts;
};

/* --- orb.c --- */
void orb_note(const struct orb_oracle *oracle, struct orb_before *before);
/* Gate depth and traps after a call (S-17). False: a finding. `rule` NULL: no trap is expected. */
bool orb_after(const struct orb_oracle *oracle, const struct orb_before *before, const char *rule,
               struct finding *finding);
/* After a success that took frames: tables and kernel objects are NORMAL, so that they leave what is below
 * that floor to others. */
bool orb_left_reserve(const struct orb_oracle *oracle, const struct orb_before *before,
                      struct finding *finding);
/* A failure without a grant that failed, while there is memory, has no reason. */
bool orb_had_reason(const struct orb_oracle *oracle, const struct orb_before *before, uint64_t frames);
/* Everything but documented counters is as before: frames held and objects. */
bool orb_unchanged(const struct orb_oracle *oracle, const struct orb_before *before, const char *ids,
                   struct finding *finding);
bool orb_number(struct finding *finding, const char *ids, const char *what, uint64_t expected,
                uint64_t actual);

/* --- orb_memory.c --- */
void orb_memory_make(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding);
void orb_pageable(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                  struct finding *finding);
/* prepare, complete. */
void orb_wire(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
/* The bytes that stand in a real buffer, and the writing of them. */
unsigned char orb_pattern(uint64_t offset);
void orb_memory_mark(struct orb_memory *memory, struct pl_cpu *cpu);
/* The slot's own reference goes. */
void orb_memory_drop(struct orb_oracle *oracle, struct pl_cpu *cpu, struct orb_memory *memory);
/* After references changed: what nobody holds any more is gone. Asserts the count (S-18). */
void orb_memory_settle(struct orb_oracle *oracle, uint32_t slot, struct finding *finding);
/* The segment at `offset`: bytes that are certainly adjacent, at least 1. */
struct orb_piece orb_memory_at(const struct orb_memory *memory, uint64_t offset);

/* --- orb_pieces.c --- */
uint32_t orb_payload_bytes(const struct orb_oracle *oracle, const struct orb_view *view);
uint32_t orb_payload_log(uint32_t bytes);
uint32_t orb_clip(const struct orb_oracle *oracle, const struct orb_view *view);
/* False: too many pieces for an operation; it is a no-op then. */
bool orb_expect(struct orb_oracle *oracle, const struct orb_view *view, const struct orb_source *source,
                uint64_t offset, uint64_t length, struct orb_expect *expect);

/* --- orb_device.c --- */
/* Everything of an ORB that can be seen cheaply, against its view. */
bool orb_check(struct orb_oracle *oracle, const struct orb_view *view, struct finding *finding);
bool orb_check_all(struct orb_oracle *oracle, struct finding *finding);
/* The table's entries against oracle->pieces[0 .. count). */
bool orb_check_entries(struct orb_oracle *oracle, const struct orb_view *view, uint32_t count,
                       struct finding *finding);
/* The bytes that the first `count` pieces send the target to are the source's from `offset` on (S-5). */
bool orb_check_pattern(struct orb_oracle *oracle, const struct orb_source *source, uint64_t offset,
                       uint32_t count, struct finding *finding);
/* A sum over the entries in use as the target reads them. */
bool orb_entries_sum(struct orb_oracle *oracle, const struct orb_view *view, uint64_t *sum,
                     struct finding *finding);
/* Learns where a new table is; asserts that it is whole, zero and as large as it says (S-1, S-3). */
bool orb_learn_table(struct orb_oracle *oracle, struct orb_view *view, uint32_t capacity, bool zero,
                     struct finding *finding);
/* The first bytes of the table's memory. */
#define ORB_PEEK_BYTES PL_FRAME_BYTES
size_t orb_peek_table(struct orb_oracle *oracle, const struct orb_view *view,
                      unsigned char bytes[ORB_PEEK_BYTES]);

/* --- operations --- */
void orb_new(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_release(struct orb_oracle *oracle, struct pl_cpu *cpu, uint32_t slot, struct finding *finding);
void orb_table(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_table_drop(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                    struct finding *finding);
void orb_bad(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_buffers(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_buffers_none(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                      struct finding *finding);
void orb_ranges(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_constraints(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op,
                     struct finding *finding);
void orb_command(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_field(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
void orb_submit(struct orb_oracle *oracle, struct pl_cpu *cpu, const struct op *op, struct finding *finding);
/* What execution makes of the options word. */
void orb_view_prepare(const struct orb_oracle *oracle, struct orb_view *view);
void orb_limit(struct orb_oracle *oracle, const struct op *op);

/* The view after the ORB was destroyed. */
void orb_view_gone(struct orb_oracle *oracle, uint32_t slot, struct finding *finding);
/* The view after buffers went: no data. */
void orb_view_inert(struct orb_view *view);
/* Lets go of what the view says is attached, and asserts that the descriptor knows. */
void orb_view_detach(struct orb_oracle *oracle, uint32_t slot, struct finding *finding);

#endif
