/* The model of XNU's resident page allocator: a record a frame, a queue of free frames for each colour under
 * one lock, and a list for each CPU that only `alloc` takes from.
 *
 * A frame's colour is the low bits of its number. A refill takes frames of one colour after the other, each
 * from the front of its queue; a free frame joins its queue at the end, whoever freed it.
 *
 *   colour 0   first -> 0 <-> 4 <-> 8  <- last        a free goes to the end
 *   colour 1   first -> 1 <-> 5 <- last
 *   colour 2   empty                                  | a refill takes 0, 1, 3, 4, 5, 7, ...
 *   colour 3   first -> 3 <-> 7 <- last               v
 *   CPU 0      first -> 0 -> 1 -> 3 -> 4              one at a time, only masked
 *
 * Every larger grant comes from a walk over the records that begins where the last successful one ended. */
#ifndef XNU_INTERNAL_H
#define XNU_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define XNU_MAX_ORDER      10u
#define XNU_COLOUR_LIMIT   128u
#define XNU_COLOUR_DEFAULT 32u   /* where the cache's geometry is not known */
#define XNU_COLOUR_GROUPS  4u    /* a refill is this many rounds over the colours */
#define XNU_BATCH_LIMIT    8192u /* frames of a refill */
#define XNU_YIELD_AFTER    1000u /* records that a walk looks at before it lets others at the lock */
#define XNU_NONE           UINT32_MAX
#define XNU_NO_PAGE        UINT64_MAX

/* What a frame is. Zero is a hole, so that fresh metadata is nothing but holes. */
enum xnu_state {
    XNU_HOLE = 0,
    XNU_FREE = 1,    /* on the queue of its colour */
    XNU_LOCAL = 2,   /* on a CPU's list */
    XNU_GRABBED = 3, /* a grant of one frame that came from a CPU's list */
    XNU_WIRED = 4,  /* first frame of a grant that a walk found, or of a part of it; `before` is its length */
    XNU_INSIDE = 5, /* a further one */
};

/* The record of one frame. Links are indexes of records. `state` is read by walks that hold the lock while
 * its own CPU turns LOCAL into GRABBED without; to a walk these are the same: not free. */
struct xnu_page {
    uint32_t next;   /* FREE and LOCAL: the next of the queue or list, XNU_NONE at the end */
    uint32_t before; /* FREE: the one before; WIRED: frames of the grant */
    _Atomic uint8_t state;
    uint8_t reserved[3];
};

_Static_assert(sizeof(struct xnu_page) == 12, "metadata bytes a frame");

/* Both XNU_NONE or neither. */
struct xnu_queue {
    uint32_t first;
    uint32_t last;
};

/* Only its own CPU touches it, masked; the count is also read by count(). */
struct xnu_cpu {
    PL_CPU_ALIGNED uint32_t first; /* XNU_NONE iff count is 0 */
    atomic_uint count;
    uint32_t colour; /* where the next refill begins */
};

struct xnu_params {
    uint32_t colours; /* a power of two */
    uint32_t batch;   /* frames of a refill at most */
};

struct xnu {
    PL_CPU_ALIGNED struct pl_lock lock;
    _Atomic uint64_t free_count; /* on queues; written with the lock held, read at any time */
    uint64_t wired_count;        /* frames of WIRED grants; with the lock held */
    uint64_t search_from;        /* record where the next walk begins; with the lock held */
    struct xnu_queue queue[XNU_COLOUR_LIMIT];
    /* Constant after init. */
    PL_CPU_ALIGNED const struct pl_machine *machine;
    struct xnu_page *page; /* [page_count] */
    struct xnu_cpu *cpu;   /* [machine->cpu_count] */
    uint64_t base;         /* frame of record 0: the machine's first */
    uint64_t page_count;   /* the machine's span */
    uint64_t reserve;      /* free frames at which a refill takes one only */
    struct xnu_params params;
};

PL_INLINE uint8_t xnu_state_of(const struct xnu_page *page)
{
    return atomic_load_explicit(&page->state, memory_order_relaxed);
}

PL_INLINE void xnu_set_state(struct xnu_page *page, enum xnu_state state)
{
    atomic_store_explicit(&page->state, (uint8_t)state, memory_order_relaxed);
}

PL_INLINE uint64_t xnu_free_count(const struct xnu *self)
{
    return atomic_load_explicit(&self->free_count, memory_order_relaxed);
}

PL_INLINE void xnu_set_free_count(struct xnu *self, uint64_t count)
{
    PL_ASSERT(count <= self->machine->frame_count);
    atomic_store_explicit(&self->free_count, count, memory_order_relaxed);
}

PL_INLINE uint32_t xnu_colour_of(const struct xnu *self, uint64_t index)
{
    return (uint32_t)(self->base + index) & (self->params.colours - 1);
}

/* Puts a frame that is nobody's at the end of its colour's queue. The count is the caller's. Lock held, or
 * init.
 */
void xnu_enter(struct xnu *self, uint64_t index);

/* Takes a free frame off its queue, from anywhere in it; its state is the caller's to set. Lock held. */
void xnu_remove(struct xnu *self, uint64_t index);

/* Fills the CPU's empty list; false, and still empty, if no frame is free. Masked. */
bool xnu_refill(struct xnu *self, struct pl_cpu *cpu);

/* Puts the whole list of CPU `of` at the ends of the queues. */
void xnu_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of);

/* A naturally aligned block by the walk, any order. PL_OK or PL_NO_MEMORY. */
enum pl_status xnu_alloc_block(struct xnu *self, struct pl_cpu *cpu, uint32_t order, struct pl_run *run);

enum pl_status xnu_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                             const struct pl_constraints *constraints, struct pl_run *run);

/* There is one node; a request for another alone is not served. */
PL_INLINE bool xnu_serves_node(const struct pl_request *request)
{
    return request->node == PL_NODE_ANY || request->node == 0 || (request->flags & PL_REQUEST_NODE_ONLY) == 0;
}

/* Reads "colours=N,batch=N", either or both or neither. */
bool xnu_parse(const char *text, struct xnu_params *params);

size_t xnu_meta_bytes(const struct pl_page_config *config);
enum pl_status xnu_init(void *instance, const struct pl_page_config *config);
uint64_t xnu_audit(const void *instance, struct pl_visitor *visitor);

#endif
