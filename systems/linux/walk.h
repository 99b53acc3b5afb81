/* The walk that a processor makes: from a view's top-level table down to a page, and the loads and stores
 * that begin with one. Nothing here allocates or sleeps; any context. */
#ifndef SYSTEMS_LINUX_WALK_H
#define SYSTEMS_LINUX_WALK_H

#include "systems/linux/mm.h"

struct linux_walked {
    uint64_t *slot; /* the leaf entry; NULL: a table on the way is missing */
    uint64_t entry; /* what it holds; 0 if there is none */
    bool present;
};

/* Addresses that are not canonical, and views that do not exist, lead nowhere. */
struct linux_walked linux_walk(struct linux_mm *mm, uint32_t view, uint64_t addr);

/* Moves 8 bytes at an address that is a multiple of 8; false: a page fault. */
bool linux_load(struct linux_mm *mm, uint32_t view, uint64_t addr, uint64_t *value);
bool linux_store(struct linux_mm *mm, uint32_t view, uint64_t addr, uint64_t value);

#endif
