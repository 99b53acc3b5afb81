/* Operations of the Linux system: address space; operands in op_area.c, meaning in oracle/area*.c. */
#ifndef ENGINE_OP_AREA_H
#define ENGINE_OP_AREA_H

#include "engine/op.h"

/* Three kinds of handle, 16 of each: areas are slots; pages and vmas are others; views are slots of the two
 * operations that make and drop them, and a name where they are used. */
enum op_area_kind {
    OP_AREA_ALLOC = OP_AREA, /* area s = alloc_vm_area(value = bytes, choice: with ptes or without) */
    OP_AREA_USER,            /* area s = vmalloc_user(value = bytes) on node `choice` */
    OP_AREA_FREE,            /* free_vm_area or vfree of area s */
    OP_AREA_PAGE,            /* page o = a frame of node `choice` */
    OP_AREA_PAGE_FREE,       /* gives page o back, unless it is mapped */
    OP_AREA_MAP,             /* ptes[count] of area s = page o; or by choice an entry that is not present */
    OP_AREA_UNMAP,           /* ptes[count] of area s = nothing */
    OP_AREA_TOUCH,           /* stores in page `count` of area s by view `extra`, loads by view `choice` */
    OP_AREA_VIEW,            /* view s = a process's copy of the kernel's top-level table */
    OP_AREA_VIEW_DROP,
    OP_AREA_REMAP,   /* vma o of view `extra`, `count` bytes = area s from page `value` on; choice: mistake */
    OP_AREA_UNREMAP, /* unmaps vma o */
    OP_AREA_BAD,     /* choice: enum op_area_mistake, with area s; must trap and change nothing */
    OP_AREA_END,
};

enum op_area_mistake {
    OP_AREA_BAD_TWICE = 0, /* frees the area that slot s had last */
    OP_AREA_BAD_FORGED,    /* frees by a copy of the descriptor */
    OP_AREA_BAD_FOREIGN,   /* frees a descriptor whose address is inside an area */
    OP_AREA_BAD_NULL,
    OP_AREA_BAD_KIND,      /* vfree of an area without pages, free_vm_area of one with pages */
    OP_AREA_BAD_INTERRUPT, /* every call that may sleep, from interrupt level */
    OP_AREA_BAD_SIZE,      /* a size that is no whole number of pages */
    OP_AREA_BAD_VIEW,      /* drops a view that does not exist */
    OP_AREA_BAD_VMA,       /* unmaps a copy of each vma that has pages of area s, and such a copy elsewhere */
};

/* What an OP_AREA_REMAP does wrong with addresses. */
enum op_area_remap_mistake {
    OP_AREA_REMAP_RIGHT = 0,
    OP_AREA_REMAP_USER_ADDR, /* the vma starts inside a page */
    OP_AREA_REMAP_ADDR,      /* the area's address is inside a page */
    OP_AREA_REMAP_INSIDE,    /* it is that of the area's second page */
    OP_AREA_REMAP_UNKNOWN,   /* no area is there */
};

/* By kind - OP_AREA. */
extern const struct op_kind_info op_area_kinds[OP_AREA_END - OP_AREA];

#endif
