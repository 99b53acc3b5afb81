/* The tables: made on the way down, undone when a way cannot be finished, copied into every view. */
#ifndef SYSTEMS_LINUX_TABLES_H
#define SYSTEMS_LINUX_TABLES_H

#include "systems/linux/mm.h"

/* The entry for `addr` in its table of `level`, or NULL if the levels above lack a table. */
uint64_t *linux_entry_at(const struct linux_mm *mm, uint64_t *top, uint64_t addr, unsigned level);

/* The leaf entry for `addr`, making the missing tables; NULL: no memory for one, those made so far stay. The
 * new ones of the kernel are marked until linux_tables_keep or linux_tables_undo says what becomes of them.
 * May sleep. */
uint64_t *linux_leaf_make(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t *top, uint64_t addr);

/* Of the kernel's tables of [addr, addr + bytes), those that are marked stay, or go back. */
void linux_tables_keep(struct linux_mm *mm, uint64_t addr, uint64_t bytes);
void linux_tables_undo(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr, uint64_t bytes);

/* Copies into all views what is new in the kernel's upper half. Linux lost this step for alloc_vm_area in 5.8
 * and nobody saw it before the call was removed in 5.10; here neither contract loses it, for the register of
 * differences has no line on it. */
void linux_tables_sync(struct linux_mm *mm);

/* Gives back the tables below entries [first, end) of a top-level table, and clears these. */
void linux_tables_put(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t *top, unsigned first, unsigned end);

/* What pl_run a frame in an entry was granted as, for giving it back. */
struct pl_run linux_entry_run(uint64_t entry);

/* The bits of an entry in which a run's flags are kept. */
uint64_t linux_entry_flags(const struct pl_run *run);

/* An empty table; not PL_OK: none. Tables are the first node's, for their service stands on that machine:
 * when it is at its watermark there is no table, whatever other nodes have, and whatever the service may
 * keep. May sleep. */
enum pl_status linux_table_get(struct linux_mm *mm, struct pl_cpu *cpu, struct pl_run *run);
void linux_table_put(struct linux_mm *mm, struct pl_cpu *cpu, const struct pl_run *run);

#endif
