/* A model of FreeBSD 14's page allocator: what its files share.
 *
 *     cache      a pair of buckets a CPU, domain and pool                       masked
 *     reserv     a superpage set aside for an owner, frame by frame             domain lock
 *     phys       FIFO queues of buddies by freelist, pool and order             domain lock
 *
 * A byte a frame says what begins there; inside a block the bytes are 0. Blocks tile each range. Frames are
 * counted from `base`, the machine's first frame rounded down to a whole largest block, so that an index is
 * aligned where its frame is. Two buddies are never both on the queues, so of each pair of frames at most one
 * begins a queued block, and the links need one entry a pair.
 *
 *     7 6 5   4      3 2 1 0
 *     kind    pool   order          a state */
#ifndef FREEBSD_INTERNAL_H
#define FREEBSD_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define FREEBSD_MAX_ORDER      12u /* VM_NFREEORDER is 13 on amd64 */
#define FREEBSD_ORDER_COUNT    (FREEBSD_MAX_ORDER + 1u)
#define FREEBSD_RESERV_ORDER   9u /* a superpage of amd64 */
#define FREEBSD_RESERV_FRAMES  512u
#define FREEBSD_POPMAP_WORDS   (FREEBSD_RESERV_FRAMES / 64u)
#define FREEBSD_BUCKET_LIMIT   256u
#define FREEBSD_FREELIST_COUNT 3u /* searched in this order: above 4 GiB, below it, below 16 MiB */
#define FREEBSD_POOL_COUNT     2u
#define FREEBSD_POOL_DEFAULT   0u /* pages of an owner, and runs */
#define FREEBSD_POOL_DIRECT    1u /* pages of nobody: the kernel reaches them through its direct map */
#define FREEBSD_NONE           UINT32_MAX
#define FREEBSD_NO_INDEX       UINT64_MAX

#define FREEBSD_INSIDE   0x00u /* not the first frame of a block, or a hole */
#define FREEBSD_FREE     0x20u /* on a queue */
#define FREEBSD_GRANT    0x40u /* a grant of one block */
#define FREEBSD_RUN      0x60u /* first block of a grant of several */
#define FREEBSD_PART     0x80u /* a further one: the grant ends where the PARTs end */
#define FREEBSD_CACHED   0xa0u /* one frame in a CPU's bucket */
#define FREEBSD_BUSY     0xc0u /* one frame granted out of a bucket: it goes back to one */
#define FREEBSD_RESERVED 0xe0u /* one frame of a reservation, not populated */

#define FREEBSD_KIND(state)     ((state) & 0xe0u)
#define FREEBSD_ORDER(state)    ((state) & 0x0fu)
#define FREEBSD_POOL(state)     ((state) >> 4 & 1u)
#define FREEBSD_POOL_BITS(pool) ((pool) << 4)

_Static_assert(FREEBSD_MAX_ORDER < 0x10, "an order fits below the pool");

/* Pair numbers; FREEBSD_NONE at the ends. */
struct freebsd_link {
    uint32_t next;
    uint32_t before;
};

/* The free blocks of one domain, freelist and pool. Bit k of `nonempty` is set iff head[k] is not
 * FREEBSD_NONE. Blocks leave at the head and come back at the tail, so that each stays as long as possible
 * and may meet its buddy. */
struct freebsd_queues {
    uint32_t nonempty;
    uint32_t head[FREEBSD_ORDER_COUNT];
    uint32_t tail[FREEBSD_ORDER_COUNT];
};

/* One an aligned superpage of the machine. While `live`, each of its 512 frames is populated, which is a
 * grant, or FREEBSD_RESERVED; bit i of the popmap says which, and `count` how many. It is on its domain's
 * partial queue iff it is live and 0 < count < 512, and found by its key unless that is 0 (the never-free
 * arena). */
struct freebsd_reserv {
    uint64_t popmap[FREEBSD_POPMAP_WORDS];
    uint64_t owner;
    uint64_t number; /* of the superpage in its owner: the index without its last nine bits */
    uint32_t same_hash;
    uint32_t next; /* partial queue: reservation numbers, FREEBSD_NONE at the ends */
    uint32_t before;
    uint16_t count;
    uint16_t live;
};

/* A node's frames. Everything is written with the lock held; the two counts may be read at any time. */
struct freebsd_domain {
    PL_CPU_ALIGNED struct pl_lock lock;
    _Atomic uint64_t queued;      /* frames on queues */
    _Atomic uint64_t unpopulated; /* frames of reservations that nobody has */
    struct freebsd_queues queues[FREEBSD_FREELIST_COUNT][FREEBSD_POOL_COUNT];
    uint32_t partial_head; /* changed longest ago */
    uint32_t partial_tail;
    uint32_t arena;      /* the reservation that never-free frames come from, or FREEBSD_NONE */
    uint32_t arena_next; /* 0 .. 511, the next of its frames */
    uint32_t *hash;      /* first reservation of each, [hash_mask + 1] */
};

/* Indexes; the one freed last is on top. The count is atomic, never contended, so that count() may read it
 * from elsewhere. */
struct freebsd_bucket {
    atomic_uint count;
    uint32_t frames[]; /* `bucket` of them */
};

/* Only its CPU touches it, masked. A free goes to `alloc` while that has room, then to `spill`; who finds
 * `alloc` empty swaps the two. The buckets themselves follow. */
struct freebsd_cache {
    PL_CPU_ALIGNED struct freebsd_bucket *alloc;
    struct freebsd_bucket *spill;
};

struct freebsd {
    _Atomic uint8_t *state; /* [index_count] */
    uint64_t base;          /* frame of index 0 */
    uint64_t index_count;   /* whole largest blocks, and at least one frame beyond the last: INSIDE */
    unsigned char *caches;
    uint32_t bucket;       /* frames that a bucket holds */
    uint32_t bucket_bytes; /* with its count */
    uint32_t cache_bytes;
    uint32_t cpu_bytes; /* all caches of one CPU */
    uint32_t node_mask; /* node | node_mask == PL_NODE_ANY: any domain will do */
    uint32_t domain_count;
    bool reserves;  /* superpage reservations are on */
    bool has_dma32; /* frames below 4 GiB are kept for last */
    const struct pl_machine *machine;
    struct freebsd_link *link;     /* [index_count / 2] */
    struct freebsd_reserv *reserv; /* [index_count / 512] */
    uint32_t reserv_count;
    uint32_t hash_mask;
    struct freebsd_domain domain[PL_NODE_LIMIT];
};

PL_INLINE uint32_t freebsd_state_get(const struct freebsd *self, uint64_t index)
{
    return atomic_load_explicit(&self->state[index], memory_order_relaxed);
}

PL_INLINE void freebsd_state_set(struct freebsd *self, uint64_t index, uint32_t state)
{
    atomic_store_explicit(&self->state[index], (uint8_t)state, memory_order_relaxed);
}

PL_INLINE uint64_t freebsd_count_get(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* With the domain locked. `change` may be negative, modulo 2^64. */
PL_INLINE void freebsd_count_add(_Atomic uint64_t *count, uint64_t change)
{
    atomic_store_explicit(count, freebsd_count_get(count) + change, memory_order_relaxed);
}

PL_INLINE uint32_t freebsd_bucket_count(const struct freebsd_bucket *bucket)
{
    return atomic_load_explicit(&bucket->count, memory_order_relaxed);
}

PL_INLINE void freebsd_bucket_set(struct freebsd_bucket *bucket, uint32_t count)
{
    atomic_store_explicit(&bucket->count, count, memory_order_relaxed);
}

PL_INLINE struct freebsd_cache *freebsd_cache_of(const struct freebsd *self, uint32_t cpu_id, uint32_t domain,
                                                 uint32_t pool)
{
    size_t at = (size_t)cpu_id * self->cpu_bytes;
    at += (size_t)(domain * FREEBSD_POOL_COUNT + pool) * self->cache_bytes;
    return (struct freebsd_cache *)(void *)(self->caches + at);
}

/* Bucket 0 or 1 of a cache, whichever part it plays now. */
PL_INLINE struct freebsd_bucket *freebsd_bucket_of(const struct freebsd *self,
                                                   const struct freebsd_cache *cache, uint32_t which)
{
    return (struct freebsd_bucket *)((uintptr_t)(cache + 1) + (uintptr_t)which * self->bucket_bytes);
}

PL_INLINE uint32_t freebsd_pool_of(const struct pl_request *request)
{
    return request->owner != 0 ? FREEBSD_POOL_DEFAULT : FREEBSD_POOL_DIRECT;
}

PL_INLINE uint32_t freebsd_freelist_of(const struct freebsd *self, uint64_t index)
{
    uint64_t frame = self->base + index;
    if (frame < UINT64_C(1) << 12)
        return 2;
    return self->has_dma32 && frame < UINT64_C(1) << 20 ? 1 : 0;
}

/* Largest order of a block that begins at `from` and ends at or before `to`. */
PL_INLINE uint32_t freebsd_order_at(uint64_t from, uint64_t to)
{
    PL_ASSERT(from < to);
    uint32_t order = 63u - PL_CLZ64(to - from);
    if (from != 0 && PL_CTZ64(from) < order)
        order = PL_CTZ64(from);
    return order < FREEBSD_MAX_ORDER ? order : FREEBSD_MAX_ORDER;
}

/* The domains that a request may be served from, in order of preference: FREEBSD_NONE behind the last. */
PL_INLINE uint32_t freebsd_domain_at(const struct freebsd *self, const struct pl_cpu *cpu,
                                     const struct pl_request *request, uint32_t step)
{
    uint32_t first = request->node == PL_NODE_ANY ? cpu->node : request->node;
    if (request->node != PL_NODE_ANY && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
        return step == 0 && first < self->domain_count ? first : FREEBSD_NONE;
    if (step >= self->domain_count)
        return FREEBSD_NONE;
    first = first < self->domain_count ? first : 0;
    return first + step < self->domain_count ? first + step : first + step - self->domain_count;
}

/* --- freebsd.c --- */

/* The range that a frame number lies in, or NULL. */
const struct pl_range *freebsd_range_of(const struct pl_machine *machine, uint64_t frame);

/* --- freebsd_init.c --- */

size_t freebsd_meta_bytes(const struct pl_page_config *config);
enum pl_status freebsd_init(void *instance, const struct pl_page_config *config);
void freebsd_fini(void *instance);
void freebsd_settings(const void *instance, char *text, size_t bytes);

/* --- freebsd_phys.c: with the domain locked, or by init. Those that take a block off leave its state
 * FREEBSD_INSIDE; the caller says what it is now. --- */

/* Queues a block as it is: its buddy must not be queued. */
void freebsd_push(struct freebsd *self, struct freebsd_domain *domain, uint64_t index, uint32_t order,
                  uint32_t pool);
void freebsd_unlink(struct freebsd *self, struct freebsd_domain *domain, uint64_t index);
/* Queues frames [from, to) as the largest blocks. Nothing to merge with: what is beside them is not free. */
void freebsd_push_range(struct freebsd *self, struct freebsd_domain *domain, uint64_t from, uint64_t to,
                        uint32_t pool);
/* The index of a block, or FREEBSD_NO_INDEX: the queues of the pool first, then the largest block of the
 * other pool, which changes sides as a whole. */
uint64_t freebsd_phys_alloc(struct freebsd *self, struct freebsd_domain *domain, uint32_t pool,
                            uint32_t order);
/* `count` single frames, of which the domain has as many. */
void freebsd_phys_alloc_frames(struct freebsd *self, struct freebsd_domain *domain, uint32_t pool,
                               uint32_t *frames, uint32_t count);
/* Merges the block with its buddy for as long as that is queued and whole, then queues it in `pool`. */
void freebsd_phys_free(struct freebsd *self, struct freebsd_domain *domain, uint64_t index, uint32_t order,
                       uint32_t pool);
/* Index of the first frame of the queued block of that pair. */
uint64_t freebsd_block_of_pair(const struct freebsd *self, uint32_t pair);

/* --- freebsd_cache.c --- */

/* A frame of this CPU's cache, which is filled if it is empty; near the end of the domain's frames a single
 * one of its queues. The grant's state is set. FREEBSD_NO_INDEX: neither has one. */
uint64_t freebsd_cache_take(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain, uint32_t pool);
/* A frame of this CPU's cache as it stands. */
uint64_t freebsd_cache_pop(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain, uint32_t pool);
/* The frame's state is CACHED already. */
void freebsd_cache_give(struct freebsd *self, struct pl_cpu *cpu, uint32_t domain, uint32_t pool,
                        uint64_t index);
void freebsd_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of);
uint64_t freebsd_cached(const struct freebsd *self);

/* --- freebsd_reserv.c --- */

/* The frame of the owner's reservation that the request's index has, if there is one or may be; else
 * FREEBSD_NO_INDEX. */
uint64_t freebsd_reserv_take(struct freebsd *self, struct pl_cpu *cpu, const struct pl_request *request);
/* The next frame of a domain's never-free arena, or FREEBSD_NO_INDEX. */
uint64_t freebsd_arena_take(struct freebsd *self, struct pl_cpu *cpu, const struct pl_request *request);
/* The rest with the domain locked. */

/* A populated frame goes back; the last one takes the reservation with it. */
void freebsd_reserv_give(struct freebsd *self, struct freebsd_domain *domain, uint64_t index);
/* Queues what is not populated; what is becomes ordinary grants. */
void freebsd_reserv_break(struct freebsd *self, struct freebsd_domain *domain, uint32_t number);
/* Breaks the least recently changed reservation that has a free block of this order. False: there is none. */
bool freebsd_reserv_reclaim(struct freebsd *self, struct freebsd_domain *domain, uint32_t order);
/* The first of a key's chain. */
uint32_t *freebsd_reserv_chain(struct freebsd *self, struct freebsd_domain *domain, uint64_t owner,
                               uint64_t number);

/* --- freebsd_run.c --- */

enum pl_status freebsd_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                 const struct pl_constraints *constraints, struct pl_run *run);

/* --- freebsd_audit.c, freebsd_audit_reserv.c --- */

struct freebsd_walk {
    const struct freebsd *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t cached;
    uint64_t cached_sum; /* over frames marked as cached, less those in buckets: 0 iff they are the same */
    uint64_t queued[PL_NODE_LIMIT];
    uint64_t reserved[PL_NODE_LIMIT];
    uint64_t blocks[PL_NODE_LIMIT][FREEBSD_FREELIST_COUNT][FREEBSD_POOL_COUNT][FREEBSD_ORDER_COUNT];
};

uint64_t freebsd_audit(const void *instance, struct pl_visitor *visitor);
void freebsd_broken(struct freebsd_walk *walk, const char *what, uint64_t number, const char *words);
void freebsd_audit_reservs(struct freebsd_walk *walk);

#endif
