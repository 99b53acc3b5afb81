/* The tree's structures. Areas in order of their addresses; a node knows the gap below its area, and the
 * largest such gap among itself and all nodes under it. A node that stands for the window's end owns the gap
 * above the last area, so that every gap of the window has an owner.
 *
 *     window   |--gap--[A]-gap-[B][C]---gap---|end        gap(A) gap(B) gap(C)=0 gap(end)
 *
 *                   B: most 7                             red and black as in any such tree:
 *                  /        \                             no red node has a red child, and every
 *           A: most 2     end: most 7                     way down has as many black ones
 *                        /
 *                  C: most 0 */
#ifndef SERVICES_RBTREE_INTERNAL_H
#define SERVICES_RBTREE_INTERNAL_H

#include "allocators/services/area.h"

#define RBTREE_NIL   0u /* black, no children, no gap; its parent is scratch of an erasure */
#define RBTREE_END   1u /* the window's end: an area of 0 bytes that nobody can release */
#define RBTREE_FIRST 2u /* nodes from here on are areas */

#define RBTREE_LEFT  0u
#define RBTREE_RIGHT 1u

struct rbtree_node {
    uint64_t start; /* offset in the window */
    uint64_t bytes;
    uint64_t gap;      /* free bytes right below start */
    uint64_t most;     /* largest gap of this subtree */
    uint32_t child[2]; /* of a node not in use: child[0] is the next such one */
    uint32_t parent;
    uint32_t red;
};

struct rbtree {
    struct area_space space; /* first: hooks that are shared know only that */
    uint32_t root;
    uint32_t unused; /* stack of nodes given back, RBTREE_NIL at its end */
    uint32_t fresh;  /* nodes from here on were never used */
    uint32_t reserved32;
    struct rbtree_node nodes[]; /* RBTREE_FIRST + areas_max */
};

/* Hangs the node into the empty place on that side of `parent`, and balances. All gaps are right already. */
void rbtree_insert(struct rbtree *self, uint32_t at, uint32_t parent, unsigned side);

/* Takes the node out, and balances. The gap of the node behind it is the caller's to correct. */
void rbtree_erase(struct rbtree *self, uint32_t at);

/* A gap changed: corrects `most` from this node up to the root. */
void rbtree_gap_changed(struct rbtree *self, uint32_t at);

uint64_t rbtree_audit(const void *instance, struct pl_visitor *visitor);

#endif
