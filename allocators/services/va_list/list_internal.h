/* The list's structures. Areas in ascending order, doubly linked by index; nodes that were never used follow
 * `fresh`, those given back form a stack. */
#ifndef SERVICES_LIST_INTERNAL_H
#define SERVICES_LIST_INTERNAL_H

#include "allocators/services/area.h"

#define LIST_NONE UINT32_MAX

struct list_node {
    uint64_t start; /* offset in the window */
    uint64_t bytes;
    uint32_t next; /* LIST_NONE at the end; of a node not in use: the next such one */
    uint32_t before;
};

/* `packed` is the last of the areas that follow one another without a gap from the window's start, LIST_NONE
 * if the window starts with a gap: no search needs to look below it. */
struct list {
    struct area_space space; /* first: hooks that are shared know only that */
    uint32_t head;
    uint32_t packed;
    uint32_t unused; /* stack of nodes given back */
    uint32_t fresh;  /* nodes from here on were never used */
    struct list_node nodes[];
};

PL_INLINE uint64_t list_end_of(const struct list *self, uint32_t at)
{
    return at == LIST_NONE ? 0 : self->nodes[at].start + self->nodes[at].bytes;
}

/* Where the gap behind `at` ends; LIST_NONE: the gap at the window's start. */
PL_INLINE uint64_t list_gap_end(const struct list *self, uint32_t at)
{
    uint32_t next = at == LIST_NONE ? self->head : self->nodes[at].next;
    return next == LIST_NONE ? self->space.window.bytes : self->nodes[next].start;
}

uint64_t list_audit(const void *instance, struct pl_visitor *visitor);

#endif
