/* A page: what the kernel knows of one frame (2.6). Pages are an array by frame; a page lies there whether
 * its frame is granted or not. */
#ifndef SYSTEMS_FREEBSD_PAGE_H
#define SYSTEMS_FREEBSD_PAGE_H

#include <pagelab/types.h>

/* flags */
#define FREEBSD_PG_PCPU_CACHE 0x0001u /* came from a per-CPU cache */
#define FREEBSD_PG_ZERO       0x0008u /* every byte is 0; the converse does not hold */
#define FREEBSD_PG_NODUMP     0x0080u
#define FREEBSD_PG_NOFREE     0x0100u

/* oflags */
#define FREEBSD_VPO_UNMANAGED 0x04u /* mappings are not tracked, the page daemon leaves it alone */

/* The busy word: bit 0 shared, bit 1 exclusive, bit 2 waiters; from bit 3 the sharers, or the thread that has
 * it exclusively. Our threads are CPUs. */
#define FREEBSD_BUSY_SHARED         UINT32_C(0x1)
#define FREEBSD_BUSY_EXCLUSIVE      UINT32_C(0x2)
#define FREEBSD_BUSY_UNBUSIED       FREEBSD_BUSY_SHARED /* shared by nobody */
#define FREEBSD_BUSY_SHARERS(count) (((uint32_t)(count) << 3) | FREEBSD_BUSY_SHARED)
#define FREEBSD_BUSY_BY(cpu_id)     (((uint32_t)(cpu_id) + 1) << 3 | FREEBSD_BUSY_EXCLUSIVE)
#define FREEBSD_BUSY_FREED          UINT32_MAX /* nobody can busy a page that is not allocated */

/* The reference word. */
#define FREEBSD_REF_OBJECT UINT32_C(0x80000000)
#define FREEBSD_REF_WIRES  UINT32_C(0x7fffffff)

#define FREEBSD_PINDEX_POISON UINT64_C(0xdeadc0dedeadc0de) /* of a page without object: not to be read */

enum freebsd_queue {
    FREEBSD_PQ_NONE = 0,
    FREEBSD_PQ_INACTIVE = 1,
    FREEBSD_PQ_ACTIVE = 2,
};

struct freebsd_object;

struct freebsd_page {
    struct freebsd_object *object; /* NULL: in none */
    uint64_t pindex;
    pl_frame frame;
    uint32_t busy;
    uint32_t ref;   /* FREEBSD_REF_OBJECT and the wirings */
    uint32_t maps;  /* mappings of a managed page */
    uint16_t flags; /* FREEBSD_PG_* */
    uint8_t oflags; /* FREEBSD_VPO_* */
    uint8_t queue;  /* enum freebsd_queue */
    uint8_t valid;  /* bit mask of valid parts */
    uint8_t dirty;
    uint8_t attribute; /* memory attribute; 0 is the default */
    uint8_t reserved8;
    uint32_t epoch; /* of the run of programs that this struct was last used in; older: as if all zero */
    /* How the frame goes back: alone, or, where the candidate cannot split a run, when the last of the run's
     * pages is free. */
    struct freebsd_page *run_leader; /* NULL: alone */
    uint32_t run_frames;             /* of a leader: of the whole run ... */
    uint32_t run_left;               /* ... and not yet freed */
    /* All allocated pages, oldest first. */
    struct freebsd_page *next;
    struct freebsd_page *previous;
    struct freebsd_page *next_block; /* of the first page of a never-free block: the block before it */
};

PL_INLINE uint32_t freebsd_page_wires(const struct freebsd_page *page)
{
    return page->ref & FREEBSD_REF_WIRES;
}

PL_INLINE bool freebsd_page_is_managed(const struct freebsd_page *page)
{
    return (page->oflags & FREEBSD_VPO_UNMANAGED) == 0;
}

#endif
