/* Red-black insertion and erasure, each side written once, with the largest gap carried along. Source:
 * Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", chapters 13 and 14.2 (augmenting). */
#include "allocators/services/va_rbtree/rbtree_internal.h"

static void rbtree_most_from_children(struct rbtree *self, uint32_t at)
{
    struct rbtree_node *node = &self->nodes[at];
    PL_ASSERT(at != RBTREE_NIL);
    node->most = node->gap;
    for (unsigned side = 0; side < 2; side++) {
        uint64_t most = self->nodes[node->child[side]].most;
        node->most = node->most > most ? node->most : most;
    }
}

void rbtree_gap_changed(struct rbtree *self, uint32_t at)
{
    for (; at != RBTREE_NIL; at = self->nodes[at].parent)
        rbtree_most_from_children(self, at);
}

/* Puts `below` where `at` hangs. */
static void rbtree_replace_in_parent(struct rbtree *self, uint32_t at, uint32_t below)
{
    uint32_t parent = self->nodes[at].parent;
    if (parent == RBTREE_NIL)
        self->root = below;
    else
        self->nodes[parent].child[self->nodes[parent].child[RBTREE_RIGHT] == at] = below;
    self->nodes[below].parent = parent;
}

/* Turns `at` down to `side`; its child on the other side comes up.
 *
 *       at                up
 *      /  \      left    /  \
 *     a    up    -->    at   c
 *         /  \         /  \
 *        b    c       a    b          */
static void rbtree_rotate(struct rbtree *self, uint32_t at, unsigned side)
{
    struct rbtree_node *nodes = self->nodes;
    uint32_t up = nodes[at].child[!side];
    PL_ASSERT(up != RBTREE_NIL);
    rbtree_replace_in_parent(self, at, up);
    nodes[at].child[!side] = nodes[up].child[side];
    if (nodes[up].child[side] != RBTREE_NIL)
        nodes[nodes[up].child[side]].parent = at;
    nodes[up].child[side] = at;
    nodes[at].parent = up;
    rbtree_most_from_children(self, at);
    rbtree_most_from_children(self, up);
}

void rbtree_insert(struct rbtree *self, uint32_t at, uint32_t parent, unsigned side)
{
    struct rbtree_node *nodes = self->nodes;
    PL_ASSERT(parent == RBTREE_NIL || nodes[parent].child[side] == RBTREE_NIL);
    nodes[at].child[RBTREE_LEFT] = RBTREE_NIL;
    nodes[at].child[RBTREE_RIGHT] = RBTREE_NIL;
    nodes[at].parent = parent;
    nodes[at].red = 1;
    if (parent == RBTREE_NIL)
        self->root = at;
    else
        nodes[parent].child[side] = at;
    rbtree_gap_changed(self, at);
    while (nodes[nodes[at].parent].red != 0) {
        uint32_t top = nodes[nodes[at].parent].parent;
        unsigned on = nodes[top].child[RBTREE_RIGHT] == nodes[at].parent;
        uint32_t uncle = nodes[top].child[!on];
        if (nodes[uncle].red != 0) {
            nodes[nodes[at].parent].red = 0;
            nodes[uncle].red = 0;
            nodes[top].red = 1;
            at = top;
            continue;
        }
        if (at == nodes[nodes[at].parent].child[!on]) {
            at = nodes[at].parent;
            rbtree_rotate(self, at, on);
        }
        nodes[nodes[at].parent].red = 0;
        nodes[top].red = 1;
        rbtree_rotate(self, top, !on);
    }
    nodes[self->root].red = 0;
}

/* The ways through `at` are one black node short. */
static void rbtree_balance_erased(struct rbtree *self, uint32_t at)
{
    struct rbtree_node *nodes = self->nodes;
    while (at != self->root && nodes[at].red == 0) {
        uint32_t parent = nodes[at].parent;
        unsigned on = nodes[parent].child[RBTREE_RIGHT] == at;
        uint32_t other = nodes[parent].child[!on];
        PL_ASSERT(other != RBTREE_NIL);
        if (nodes[other].red != 0) {
            nodes[other].red = 0;
            nodes[parent].red = 1;
            rbtree_rotate(self, parent, on);
            other = nodes[parent].child[!on];
        }
        if (nodes[nodes[other].child[RBTREE_LEFT]].red == 0 &&
            nodes[nodes[other].child[RBTREE_RIGHT]].red == 0) {
            nodes[other].red = 1;
            at = parent;
            continue;
        }
        if (nodes[nodes[other].child[!on]].red == 0) {
            nodes[nodes[other].child[on]].red = 0;
            nodes[other].red = 1;
            rbtree_rotate(self, other, !on);
            other = nodes[parent].child[!on];
        }
        nodes[other].red = nodes[parent].red;
        nodes[parent].red = 0;
        nodes[nodes[other].child[!on]].red = 0;
        rbtree_rotate(self, parent, on);
        break;
    }
    nodes[at].red = 0;
}

void rbtree_erase(struct rbtree *self, uint32_t at)
{
    struct rbtree_node *nodes = self->nodes;
    PL_ASSERT(at != RBTREE_NIL);
    uint32_t gone_red = nodes[at].red;
    uint32_t below; /* takes the place of the node that leaves its place */
    uint32_t lowest;
    if (nodes[at].child[RBTREE_LEFT] == RBTREE_NIL || nodes[at].child[RBTREE_RIGHT] == RBTREE_NIL) {
        below = nodes[at].child[nodes[at].child[RBTREE_LEFT] == RBTREE_NIL];
        lowest = nodes[at].parent;
        rbtree_replace_in_parent(self, at, below);
    } else { /* two children: the node behind it takes its place and its colour */
        uint32_t heir = nodes[at].child[RBTREE_RIGHT];
        while (nodes[heir].child[RBTREE_LEFT] != RBTREE_NIL)
            heir = nodes[heir].child[RBTREE_LEFT];
        gone_red = nodes[heir].red;
        below = nodes[heir].child[RBTREE_RIGHT];
        lowest = heir;
        if (nodes[heir].parent != at) {
            lowest = nodes[heir].parent;
            rbtree_replace_in_parent(self, heir, below);
            nodes[heir].child[RBTREE_RIGHT] = nodes[at].child[RBTREE_RIGHT];
            nodes[nodes[heir].child[RBTREE_RIGHT]].parent = heir;
        } else {
            nodes[below].parent = heir;
        }
        rbtree_replace_in_parent(self, at, heir);
        nodes[heir].child[RBTREE_LEFT] = nodes[at].child[RBTREE_LEFT];
        nodes[nodes[heir].child[RBTREE_LEFT]].parent = heir;
        nodes[heir].red = nodes[at].red;
    }
    rbtree_gap_changed(self, lowest);
    if (gone_red == 0)
        rbtree_balance_erased(self, below);
    nodes[RBTREE_NIL] = (struct rbtree_node){.start = 0};
}
