/* SBP-2 over FireWire, the host's part: command blocks (ORBs) that a disk fetches from memory, and the page
 * tables in memory that tell it where a command's data lies. The idea of allocatePageTable: a driver on the
 * paging path pays for the table beforehand and allocates nothing during I/O. Source: IOFireWireSBP2-454;
 * docs/invariants.md, section S.
 *
 *     struct sbp2 (a login) -> ORB in a slab -> page table, memory from the candidate's buffer hooks
 *
 * Errors are IOReturn codes (systems/iokit/memory.h). A handle that is no live ORB of the login is trapped.
 * Not concurrent: the caller serialises, as the original asks. Calls that say "may sleep" are trapped at
 * interrupt level. */
#ifndef SYSTEMS_SBP2_SBP2_H
#define SYSTEMS_SBP2_SBP2_H

#include <pagelab/buffer.h>

#include "systems/contract.h"
#include "systems/iokit/memory.h"
#include "systems/sbp2/format.h"
#include "systems/slab/slab.h"
#include "systems/trap.h"

#define SBP2_ORB_LIMIT           64u
#define SBP2_COMMAND_BYTES_LIMIT 1024u
#define SBP2_DEFAULT_ENTRIES     512u /* of a new ORB's table: one page */

/* Command flags. */
#define SBP2_NOTIFY           (UINT32_C(1) << 0)
#define SBP2_FROM_TARGET      (UINT32_C(1) << 1)
#define SBP2_IMMEDIATE        (UINT32_C(1) << 2)
#define SBP2_NORMAL_ORB       (UINT32_C(1) << 5)
#define SBP2_RESERVED_ORB     (UINT32_C(1) << 6)
#define SBP2_VENDOR_ORB       (UINT32_C(1) << 7)
#define SBP2_DUMMY_ORB        (UINT32_C(1) << 8)
#define SBP2_CHECK_GENERATION (UINT32_C(1) << 9)
#define SBP2_FIXED_SIZE       (UINT32_C(1) << 10) /* a write that does not fit the table fails */
#define SBP2_VIRTUAL_ORBS     (UINT32_C(1) << 11) /* the ORB is served by software */

/* kIOFireWireBusReset: the command was meant for a bus that has been reset since. */
#define SBP2_BUS_RESET UINT32_C(0xE0008023)

/* Option of sbp2_orb_set_constraints. */
#define SBP2_FORCE_DOUBLE_BUFFER (UINT32_C(1) << 0)

struct sbp2;
struct sbp2_orb;

/* All borrowed; they outlive the login. */
struct sbp2_config {
    struct gate *gate;       /* its machine has contents */
    struct pl_buffer buffer; /* where table memory comes from */
    struct iokit *iokit;     /* makes descriptors over ranges; NULL: sbp2_orb_set_ranges fails */
    struct trap *trap;
    enum contract contract;
    uint32_t orb_limit;         /* ORBs that may live at a time, at most SBP2_ORB_LIMIT */
    uint32_t runs_per_table;    /* pieces that a table's memory may be in */
    uint32_t command_bytes_max; /* the login's maximum command block, at most SBP2_COMMAND_BYTES_LIMIT */
    uint16_t node_id;           /* in the top 16 bits of a data descriptor */
    uint16_t speed;             /* 0 (S100) .. 3 (S800) */
};

/* Limits in bytes, 0: none. Change at any time; take effect at the next write of a table. */
struct sbp2_limits {
    uint32_t read_dma_max;  /* of the adapter */
    uint32_t login_max;     /* payload that the login agreed on */
    uint32_t unit_pack_max; /* of the unit */
    bool clip_opt_out;      /* the target asks not to have its segments clipped */
};

/* --- the login --- */

/* Host memory that a login needs. */
size_t sbp2_bytes(const struct sbp2_config *config);

/* Makes a login in `memory` (aligned as malloc does), with no ORB and no limit. */
struct sbp2 *sbp2_init(void *memory, const struct sbp2_config *config);

/* As after init. Whatever ORBs lived is forgotten, for the frames are reset too. */
void sbp2_reset(struct sbp2 *login, enum contract contract);

void sbp2_set_limits(struct sbp2 *login, const struct sbp2_limits *limits);

/* The controller's gate, a recursive lock that may sleep. Depth 0: open. */
void sbp2_gate_close(struct sbp2 *login);
void sbp2_gate_open(struct sbp2 *login);
uint32_t sbp2_gate_depth(const struct sbp2 *login);

/* Reads what the login serves in software (tables that are in pieces, virtual ORBs), as the target does over
 * the bus. Returns the bytes read: all, or 0 where nobody answers. Never sleeps. */
size_t sbp2_pseudo_read(const struct sbp2 *login, uint64_t addr, void *to, size_t bytes);

/* What lives, for counts: ORBs, page tables, DMA commands. */
struct sbp2_counts {
    uint64_t orbs;
    uint64_t tables;
    uint64_t commands;
    uint64_t slab_pages;
};
void sbp2_count(const struct sbp2 *login, struct sbp2_counts *counts);

/* --- an ORB's life --- */

/* With a table of SBP2_DEFAULT_ENTRIES and constraints (0xF000, 1, 0); NULL and nothing changed if any part
 * of it cannot be had. References: the caller's and one held inside, so 2. May sleep. */
struct sbp2_orb *sbp2_orb_new(struct sbp2 *login, struct pl_cpu *cpu);
void sbp2_orb_retain(struct sbp2 *login, struct sbp2_orb *orb);
/* Destroys the ORB at the call that finds 2 references: buffers detached, table released. May sleep. */
void sbp2_orb_release(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb);
uint32_t sbp2_orb_references(const struct sbp2 *login, const struct sbp2_orb *orb);

/* --- the page table --- */

/* A table of `entry_count` entries instead of the present one. IOKIT_NO_MEMORY: nothing changed (DOC); the
 * ORB has no table (REAL, R-12). A written mapping does not survive it: the ORB's data part is zero after
 * success. FixedSize does not prevent it. May sleep. */
uint32_t sbp2_orb_allocate_page_table(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                      uint32_t entry_count);
/* Capacity 0. Idempotent. Never sleeps. */
void sbp2_orb_deallocate_page_table(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb);

uint32_t sbp2_orb_capacity(const struct sbp2 *login, const struct sbp2_orb *orb); /* entries */
/* The length of the fast-start packet: entries of the table that the ORB refers to, 0 if it refers to none.
 */
uint32_t sbp2_orb_entries_in_use(const struct sbp2 *login, const struct sbp2_orb *orb);

/* Where the table is; all zero without one. */
struct sbp2_table_view {
    uint64_t bytes;               /* of its buffer */
    uint64_t physical_addr;       /* of the first byte */
    uint64_t first_segment_bytes; /* that follow it without a gap */
    uint64_t pseudo_addr;         /* of the whole table, served in software */
    const struct pl_run *runs;    /* its frames, in order */
    size_t run_count;
};
void sbp2_orb_table(const struct sbp2 *login, const struct sbp2_orb *orb, struct sbp2_table_view *view);

/* --- buffers --- */

/* Points the ORB at bytes [offset, offset + length) of `memory`, which the caller prepared; the former buffer
 * is let go first, whatever comes of it. length 0: to the end (DOC), the whole length (REAL, R-13). `memory`
 * NULL: no buffer. Retains it until the next call. On error no buffer is attached and the ORB's data part is
 * zero. While attached it is held for DMA (iokit_memory_hold). IOKIT_BAD_ARGUMENT: the range leaves the
 * memory, a segment is at address 0 or ends above 2^48, or (DOC) more than 65535 entries; IOKIT_NO_MEMORY:
 * FixedSize and too small a table (entries unchanged: DOC; overwritten: REAL, R-11), or the table did not
 * grow. Memory that is not prepared, or not live, and an ORB that is executing are trapped, as in the calls
 * below. May sleep; with FixedSize it allocates nothing. */
uint32_t sbp2_orb_set_command_buffers(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                      struct iokit_memory *memory, uint64_t offset, uint64_t length);
/* Success, always. */
uint32_t sbp2_orb_release_command_buffers(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb);

/* The same over ranges of addresses: makes a descriptor, prepares it, and leaves it to the ORB. The first
 * form is trapped under CONTRACT_REAL. The second one takes 64-bit numbers: those above 32 bits are
 * IOKIT_BAD_ARGUMENT (DOC) or cut to 32 bits (REAL). May sleep. */
uint32_t sbp2_orb_set_ranges(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                             const struct iokit_range *ranges, uint32_t range_count, uint32_t direction,
                             uint32_t offset, uint32_t length);
uint32_t sbp2_orb_set_ranges64(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                               const struct iokit_range *ranges, uint64_t range_count, uint32_t direction,
                               uint64_t offset, uint64_t length);

/* The attached descriptor or NULL; not retained for the caller. */
struct iokit_memory *sbp2_orb_memory(const struct sbp2 *login, const struct sbp2_orb *orb);

/* Longest segment (0 or above 0xF000: 0xF000) and alignment (0: 1) that buffers are cut by. The alignment is
 * remembered, not enforced: a bounce buffer would hide it. IOKIT_BUSY while a buffer is attached;
 * IOKIT_NO_MEMORY: nothing changed (DOC), or nothing can be attached until it succeeds (REAL). May sleep. */
uint32_t sbp2_orb_set_constraints(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                  uint32_t segment_bytes_max, uint32_t alignment, uint32_t options);
struct sbp2_constraints {
    uint32_t segment_bytes_max; /* 0: there are none, and nothing can be attached */
    uint32_t alignment;
    uint32_t options;
};
struct sbp2_constraints sbp2_orb_constraints(const struct sbp2 *login, const struct sbp2_orb *orb);

/* --- the command --- */

/* Copies `bytes` bytes, zeros behind them. IOKIT_NO_MEMORY if they are more than the login's maximum. */
uint32_t sbp2_orb_set_command(struct sbp2 *login, struct sbp2_orb *orb, const void *command, uint32_t bytes);
/* The same from a descriptor; what cannot be read is zero. May sleep. */
uint32_t sbp2_orb_set_command_memory(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb,
                                     struct iokit_memory *memory);

/* Completes the options word as execution does: notify, format, direction, speed, payload. */
void sbp2_orb_prepare(struct sbp2 *login, struct sbp2_orb *orb);

/* Of the ORB's bytes in memory, 20 and the command block: physical, or in software with VirtualORBs. */
uint64_t sbp2_orb_address(const struct sbp2 *login, const struct sbp2_orb *orb);

/* Plain cells: any value, no lock, never sleep. Whatever is asked of an ORB that is not live: 0, and a trap.
 */
void sbp2_orb_set_flags(struct sbp2 *login, struct sbp2_orb *orb, uint32_t flags);
uint32_t sbp2_orb_flags(const struct sbp2 *login, const struct sbp2_orb *orb);
void sbp2_orb_set_generation(struct sbp2 *login, struct sbp2_orb *orb, uint32_t generation);
uint32_t sbp2_orb_generation(const struct sbp2 *login, const struct sbp2_orb *orb);
/* bytes 0: no limit of its own */
void sbp2_orb_set_payload(struct sbp2 *login, struct sbp2_orb *orb, uint32_t bytes);
uint32_t sbp2_orb_payload(const struct sbp2 *login, const struct sbp2_orb *orb);
void sbp2_orb_set_refcon(struct sbp2 *login, struct sbp2_orb *orb, void *refcon); /* one cell with the next */
void *sbp2_orb_refcon(const struct sbp2 *login, const struct sbp2_orb *orb);
void sbp2_orb_set_refcon64(struct sbp2 *login, struct sbp2_orb *orb, uint64_t refcon);
uint64_t sbp2_orb_refcon64(const struct sbp2 *login, const struct sbp2_orb *orb);
struct sbp2 *sbp2_orb_login(const struct sbp2 *login, const struct sbp2_orb *orb);

/* --- execution --- */

/* Of the last bus reset; 0 at first. */
void sbp2_set_bus_generation(struct sbp2 *login, uint32_t generation);

/* Gives the ORB to the target, and completes its options word. Holds a reference until sbp2_complete.
 * IOKIT_BUSY: it is executing already; SBP2_BUS_RESET: it has SBP2_CHECK_GENERATION and another generation
 * than the bus. Nothing changed then. May sleep. */
uint32_t sbp2_submit(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb);
/* The target is done with it. Destroys the ORB if nobody else holds it. May sleep. */
void sbp2_complete(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb);

struct sbp2_execution {
    bool executing;
    bool appended;    /* to the list of the login; an immediate command is not */
    bool timer_armed; /* with sbp2_orb_timer_us, unless that is 0 */
};
struct sbp2_execution sbp2_orb_execution(const struct sbp2 *login, const struct sbp2_orb *orb);

/* Milliseconds, 0: none. Sets the timer under the gate; may sleep. The timer counts microseconds, in 32 bits
 * under CONTRACT_REAL. */
void sbp2_orb_set_timeout(struct sbp2 *login, struct pl_cpu *cpu, struct sbp2_orb *orb, uint32_t timeout_ms);
uint32_t sbp2_orb_timeout(const struct sbp2 *login, const struct sbp2_orb *orb);
uint64_t sbp2_orb_timer_us(const struct sbp2 *login, const struct sbp2_orb *orb);

#endif
