/* Walks the tree in order without recursion: order, gaps, largest gaps, colours, black heights, parents,
 * counts. */
#include "allocators/services/va_rbtree/rbtree_internal.h"

struct rbtree_walk {
    const struct rbtree *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t bytes;
    uint64_t end; /* of the area met last */
    uint32_t nodes;
    uint32_t blacks; /* on the way to the first leaf, plus 1; 0: not known yet */
};

static void rbtree_say(struct rbtree_walk *walk, uint32_t at, const char *problem)
{
    const struct rbtree *self = walk->self;
    area_broken(walk->visitor, &walk->broken, "rbtree", self->space.window.addr + self->nodes[at].start,
                problem);
}

/* Black nodes from this one up to the root; a way longer than the tree has nodes is a ring. */
static uint32_t rbtree_blacks_above(const struct rbtree *self, uint32_t at)
{
    uint32_t blacks = 0;
    for (uint32_t steps = 0; at != RBTREE_NIL && steps <= self->space.area_count + 1; steps++) {
        blacks += self->nodes[at].red == 0;
        at = self->nodes[at].parent;
    }
    return blacks;
}

static void rbtree_audit_shape(struct rbtree_walk *walk, uint32_t at)
{
    const struct rbtree_node *nodes = walk->self->nodes;
    const struct rbtree_node *node = &nodes[at];
    uint64_t most = node->gap;
    for (unsigned side = 0; side < 2; side++) {
        uint32_t child = node->child[side];
        if (child >= walk->self->fresh) {
            rbtree_say(walk, at, "has a child that is no node");
            return;
        }
        most = most > nodes[child].most ? most : nodes[child].most;
        if (child != RBTREE_NIL && nodes[child].parent != at)
            rbtree_say(walk, at, "has a child that does not know it");
        if (node->red != 0 && nodes[child].red != 0)
            rbtree_say(walk, at, "is red and has a red child");
    }
    if (most != node->most)
        rbtree_say(walk, at, "does not know the largest gap under it");
    if (node->child[RBTREE_LEFT] != RBTREE_NIL && node->child[RBTREE_RIGHT] != RBTREE_NIL)
        return;
    uint32_t blacks = 1 + rbtree_blacks_above(walk->self, at);
    if (walk->blacks == 0)
        walk->blacks = blacks;
    if (walk->blacks != blacks)
        rbtree_say(walk, at, "is not as deep in black nodes as the others");
}

static void rbtree_audit_node(struct rbtree_walk *walk, uint32_t at)
{
    const struct rbtree *self = walk->self;
    const struct rbtree_node *node = &self->nodes[at];
    rbtree_audit_shape(walk, at);
    if (node->start < walk->end)
        rbtree_say(walk, at, "begins before the one below it ends (L-1)");
    if (node->gap != node->start - walk->end)
        rbtree_say(walk, at, "has a gap below it that is not as long as it thinks");
    if (node->bytes > self->space.window.bytes || node->start > self->space.window.bytes - node->bytes)
        rbtree_say(walk, at, "leaves the window");
    if ((node->bytes == 0) != (at == RBTREE_END) ||
        ((node->start + self->space.window.addr) | node->bytes) % PL_FRAME_BYTES != 0)
        rbtree_say(walk, at, "is not whole frames");
    walk->end = node->start + node->bytes;
    walk->bytes += node->bytes;
    walk->nodes++;
}

/* In order, by the links upwards; stops where there are more nodes than counted. */
static void rbtree_audit_tree(struct rbtree_walk *walk)
{
    const struct rbtree *self = walk->self;
    uint32_t at = self->root;
    uint32_t from = RBTREE_NIL;
    uint64_t steps = 3 * ((uint64_t)self->space.area_count + 1);
    while (at != RBTREE_NIL) {
        const struct rbtree_node *node = &self->nodes[at];
        if (at >= self->fresh || steps-- == 0) {
            rbtree_say(walk, RBTREE_END, "closes a tree with more in it than there is");
            return;
        }
        bool from_above = from == node->parent;
        uint32_t next = node->parent;
        if (from_above && node->child[RBTREE_LEFT] != RBTREE_NIL) {
            next = node->child[RBTREE_LEFT];
        } else if (from_above || from == node->child[RBTREE_LEFT]) {
            rbtree_audit_node(walk, at);
            if (node->child[RBTREE_RIGHT] != RBTREE_NIL)
                next = node->child[RBTREE_RIGHT];
        }
        from = at;
        at = next;
    }
}

/* Nodes on the stack of unused ones; more than there are if it has a ring, or one that is in use. */
static uint32_t rbtree_count_unused(const struct rbtree *self)
{
    uint32_t count = 0;
    for (uint32_t at = self->unused; at != RBTREE_NIL && count <= self->fresh;
         at = self->nodes[at].child[0]) {
        if (at >= self->fresh || self->nodes[at].bytes != 0)
            return UINT32_MAX;
        count++;
    }
    return count;
}

uint64_t rbtree_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct rbtree *self = instance;
    struct rbtree_walk walk = {.self = self, .visitor = visitor};
    const struct rbtree_node *nil = &self->nodes[RBTREE_NIL];
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    if (nil->red != 0 || nil->most != 0 || (nil->child[RBTREE_LEFT] | nil->child[RBTREE_RIGHT]) != RBTREE_NIL)
        rbtree_say(&walk, RBTREE_NIL, "is none, but has something");
    if (self->root >= self->fresh)
        rbtree_say(&walk, RBTREE_END, "is under a root that is no node");
    else if (self->nodes[self->root].red != 0 || self->nodes[self->root].parent != RBTREE_NIL)
        rbtree_say(&walk, self->root, "is the root, but red or under another");
    rbtree_audit_tree(&walk);
    if (walk.broken == 0 && walk.end != self->space.window.bytes)
        rbtree_say(&walk, RBTREE_END, "is not the last");
    if (walk.nodes != self->space.area_count + 1 || walk.bytes != self->space.bytes_reserved)
        rbtree_say(&walk, RBTREE_END, "and those below it are not as many as counted");
    if (self->fresh > RBTREE_FIRST + self->space.areas_max ||
        rbtree_count_unused(self) != self->fresh - RBTREE_FIRST - self->space.area_count)
        rbtree_say(&walk, RBTREE_END, "and those below it are not all nodes that are in use");
    return walk.broken;
}
