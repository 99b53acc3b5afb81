/* Shared by the files that make and end areas. */
#ifndef SYSTEMS_LINUX_AREA_INTERNAL_H
#define SYSTEMS_LINUX_AREA_INTERNAL_H

#include "systems/linux/area.h"

/* Descriptor and addresses for `bytes` usable ones, whole pages; the area is live then. NULL: 0 bytes, or
 * none to be had of either. May sleep. */
struct linux_area *area_make(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t bytes, uint32_t flags);

/* The inverse. Leaf entries are the caller's affair. */
void area_drop(struct linux_mm *mm, struct pl_cpu *cpu, struct linux_area *area);

/* All tables for [addr, addr + bytes); as it goes, fills `ptes` unless NULL. False: no memory; then some are
 * there. Either way area_settle_tables follows, which keeps or undoes the new ones as the contract wants, and
 * tells the views. May sleep. */
bool area_make_tables(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr, uint64_t bytes,
                      uint64_t **ptes);
void area_settle_tables(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t addr, uint64_t bytes, bool made);

/* Empties the area's leaf entries; `visit`, unless NULL, gets those that were present. */
typedef void area_visit(struct linux_mm *mm, struct pl_cpu *cpu, uint64_t entry);
void area_clear(struct linux_mm *mm, struct pl_cpu *cpu, const struct linux_area *area, area_visit *visit);

#endif
