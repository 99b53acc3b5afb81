/* Walks the list from its head: order, links, the hint, the counts, and that each node is either in use or
 * not. */
#include "allocators/services/va_list/list_internal.h"

struct list_walk {
    const struct list *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t bytes;
    uint32_t areas;
    uint32_t packed; /* what the hint ought to be */
};

static void list_say(struct list_walk *walk, uint64_t offset, const char *problem)
{
    area_broken(walk->visitor, &walk->broken, "list", walk->self->space.window.addr + offset, problem);
}

static void list_audit_node(struct list_walk *walk, uint32_t at, uint32_t before)
{
    const struct list *self = walk->self;
    const struct list_node *node = &self->nodes[at];
    if (node->before != before)
        list_say(walk, node->start, "has a wrong link backwards");
    if (((node->start + self->space.window.addr) | node->bytes) % PL_FRAME_BYTES != 0 || node->bytes == 0)
        list_say(walk, node->start, "is not whole frames");
    if (node->bytes > self->space.window.bytes || node->start > self->space.window.bytes - node->bytes)
        list_say(walk, node->start, "leaves the window");
    if (node->start < list_end_of(self, before))
        list_say(walk, node->start, "begins before the one below it ends (L-1)");
    if (walk->packed == before && node->start == list_end_of(self, before))
        walk->packed = at;
    walk->bytes += node->bytes;
}

/* Nodes on the stack of unused ones; more than there are if it has a ring, or one that is in use. */
static uint32_t list_count_unused(const struct list *self)
{
    uint32_t count = 0;
    for (uint32_t at = self->unused; at != LIST_NONE && count <= self->fresh; at = self->nodes[at].next) {
        if (at >= self->fresh || self->nodes[at].bytes != 0)
            return UINT32_MAX;
        count++;
    }
    return count;
}

uint64_t list_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct list *self = instance;
    struct list_walk walk = {.self = self, .visitor = visitor, .packed = LIST_NONE};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    uint32_t before = LIST_NONE;
    uint32_t at = self->head;
    for (; at != LIST_NONE; at = self->nodes[at].next) {
        if (at >= self->fresh || walk.areas++ >= self->space.area_count) {
            list_say(&walk, list_end_of(self, before), "is followed by more than there is");
            return walk.broken;
        }
        list_audit_node(&walk, at, before);
        before = at;
    }
    if (walk.packed != self->packed)
        list_say(&walk, list_end_of(self, walk.packed), "ends below the first gap, and the hint is another");
    if (walk.areas != self->space.area_count || walk.bytes != self->space.bytes_reserved)
        list_say(&walk, 0, "and those behind it are not as many as counted");
    if (self->fresh > self->space.areas_max || list_count_unused(self) != self->fresh - walk.areas)
        list_say(&walk, 0, "and those behind it are not all nodes that are in use");
    return walk.broken;
}
