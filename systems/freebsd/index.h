/* The index of an object: page index -> page, a path-compressed radix tree of 16-way nodes, as the kernel's.
 * A node stands only where two keys part, so filing one page takes at most one node; nodes come from a slab,
 * and that may fail.
 *
 *     root -> node(level 1) -> [2] node(level 0) -> [0] page 0x20
 *                              |                    [7] page 0x27
 *                              [9] page 0x91
 */
#ifndef SYSTEMS_FREEBSD_INDEX_H
#define SYSTEMS_FREEBSD_INDEX_H

#include "systems/freebsd/page.h"
#include "systems/slab/slab.h"

#define FREEBSD_INDEX_WIDTH 16u

struct freebsd_index_node {
    uint64_t prefix; /* what all keys below share, from the nibble above `level` on; the rest is 0 */
    uint32_t level;  /* the nibble that tells the children apart; 0 is the lowest */
    uint32_t count;  /* children; at least 2 */
    uintptr_t child[FREEBSD_INDEX_WIDTH]; /* 0, a node, or a page with bit 0 set */
};

struct freebsd_index {
    uintptr_t root;   /* like a child */
    uint64_t entries; /* pages filed */
};

struct freebsd_page *freebsd_index_lookup(const struct freebsd_index *index, uint64_t pindex);

/* Files the page under page->pindex, which must be vacant. A node, if one is needed, comes by `request`;
 * status other than PL_OK: nothing changed. */
enum pl_status freebsd_index_insert(struct freebsd_index *index, struct slab *nodes, struct pl_cpu *cpu,
                                    const struct pl_request *request, struct freebsd_page *page);

/* Takes it out; it must be there. Never sleeps, never fails. */
void freebsd_index_remove(struct freebsd_index *index, struct slab *nodes, struct pl_cpu *cpu,
                          const struct freebsd_page *page);

PL_INLINE bool freebsd_index_is_page(uintptr_t child)
{
    return (child & 1u) != 0;
}

PL_INLINE struct freebsd_page *freebsd_index_page(uintptr_t child)
{
    return (struct freebsd_page *)(child & ~(uintptr_t)1);
}

PL_INLINE struct freebsd_index_node *freebsd_index_node(uintptr_t child)
{
    return (struct freebsd_index_node *)child;
}

#endif
