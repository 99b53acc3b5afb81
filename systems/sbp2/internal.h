/* What the files of the SBP-2 system share. */
#ifndef SYSTEMS_SBP2_INTERNAL_H
#define SYSTEMS_SBP2_INTERNAL_H

#include "systems/sbp2/sbp2.h"

/* Addresses served in software: 4 GiB windows above the physical ones, numbered in turn, so that an address
 * that outlived its table is answered by nobody until the numbers have come round. */
#define PSEUDO_TABLES  UINT64_C(0x100000000000)
#define PSEUDO_ORBS    UINT64_C(0x900000000000)
#define PSEUDO_WINDOWS UINT64_C(0x6000)
#define PSEUDO_SHIFT   32u

/* A page table: its buffer descriptor and its two address spaces. From a slab. */
struct sbp2_table {
    uint32_t capacity; /* entries */
    uint32_t store;    /* which part of the login's run store holds its runs */
    uint64_t bytes;
    uint64_t physical_addr;
    uint64_t first_segment_bytes;
    uint64_t pseudo_addr;
    uint64_t run_count;
};

/* The DMA command and buffer space of an ORB: what attached buffers are cut by. From a slab. */
struct sbp2_command {
    struct sbp2_constraints constraints;
};

struct sbp2_orb {
    struct sbp2 *login;
    struct sbp2_table *table;     /* NULL: capacity 0 */
    struct sbp2_command *command; /* NULL: nothing can be attached */
    struct iokit_memory *memory;  /* attached, one reference held */
    uint32_t references;
    bool executing;
    bool appended;   /* while executing: to the list of the login */
    uint32_t in_use; /* entries */
    uint32_t flags;
    uint32_t generation;
    uint32_t timeout_ms;
    uint32_t payload_max;
    uint64_t timer_us;
    uint64_t refcon;
    uint64_t pseudo_addr;
    unsigned char bytes[]; /* as the target sees it: 20, and the command block */
};

struct sbp2 {
    struct sbp2_config config;
    struct sbp2_limits limits;
    struct slab orbs;
    struct slab tables;
    struct slab commands;
    uint64_t serial;
    uint32_t bus_generation;
    uint32_t gate_depth;
    uint32_t live_count;
    struct sbp2_orb *live[SBP2_ORB_LIMIT];
    /* Parts of the run store that no table has: one more than ORBs, for a table stands until the next one
     * does. */
    uint32_t spare_count;
    uint32_t spare[SBP2_ORB_LIMIT + 1];
    struct pl_run store[];
};

/* Is this a live ORB of the login? Traps if not. */
bool sbp2_check(const struct sbp2 *login, const struct sbp2_orb *orb, const char *call);

/* May the call sleep here? Traps if not. */
bool sbp2_may_sleep(struct sbp2 *login, const struct pl_cpu *cpu, const char *call);

/* Is nobody executing the ORB? Traps if not. */
bool sbp2_is_idle(const struct sbp2 *login, const struct sbp2_orb *orb, const char *call);

/* Is this memory live? Traps if not. Only with an IOKit to ask. */
bool sbp2_memory_check(const struct sbp2 *login, const struct iokit_memory *memory, const char *call);

/* The next window behind `base` that no live ORB or table has. There are far more windows than ORBs. */
uint64_t sbp2_window(struct sbp2 *login, uint64_t base);

/* What kernel objects and tables are asked for with: any node, may sleep until memory comes. */
struct pl_request sbp2_request(void);

/* table.c */
uint32_t sbp2_table_replace(struct sbp2_orb *orb, struct pl_cpu *cpu, uint32_t entry_count);
void sbp2_table_drop(struct sbp2_orb *orb, struct pl_cpu *cpu);
PL_INLINE struct pl_run *sbp2_table_runs(const struct sbp2 *login, const struct sbp2_table *table)
{
    return (struct pl_run *)login->store + (size_t)table->store * login->config.runs_per_table;
}

/* Writes a table from its first entry on. */
struct sbp2_writer {
    const struct sbp2_orb *orb;
    const struct pl_run *run; /* of the next entry */
    unsigned char *at;
    uint64_t left; /* bytes of that run from there on */
};
void sbp2_writer_start(struct sbp2_writer *writer, const struct sbp2_orb *orb);
void sbp2_writer_put(struct sbp2_writer *writer, uint64_t addr, uint32_t bytes);

/* buffers.c: detaches, under whatever lock. */
void sbp2_detach(struct sbp2_orb *orb, struct pl_cpu *cpu);
/* The ORB's data part becomes zero: the target is told of no data. */
void sbp2_make_inert(struct sbp2_orb *orb);

/* fields.c: bytes of the largest packet, and its logarithm as the options word has it. */
uint32_t sbp2_payload_bytes(const struct sbp2_orb *orb);
uint32_t sbp2_payload_log(const struct sbp2_orb *orb);
/* The longest segment that an entry may have, clipped to what adapter and unit can take at once. */
uint32_t sbp2_clip(const struct sbp2_orb *orb);

PL_INLINE uint32_t sbp2_capacity(const struct sbp2_orb *orb)
{
    return orb->table == NULL ? 0 : orb->table->capacity;
}

PL_INLINE bool sbp2_is_real(const struct sbp2 *login)
{
    return login->config.contract == CONTRACT_REAL;
}

#endif
