/* The model of Linux's page allocator: what its files share. Names begin with lx_, for linux_ belongs to the
 * systems.
 *
 * A byte in each frame's descriptor says which block begins there; inside a block the bytes are 0. Blocks
 * tile each range, are 2^order frames, and begin at a multiple of their size. Frames are counted from `base`,
 * the machine's first frame rounded down to a whole largest block, so that no block crosses the border of a
 * zone.
 *
 *   frame    0    1    2    3    4    5    6    7    8    9    a    b
 *   state   [M2   .    .    . ] [G0] [U0] [R1   . ] [P1   . ] [P0] [C0]
 *            free, movable       grant     a run of 5 in 3 blocks   cached by some CPU
 *
 *   pageblock  a byte for 512 frames: its group, its zone, and whether another zone has a part of it
 *
 * Who writes what: lists, links of listed blocks, and bytes that say FREE or cease to: the zone's lock. Links
 * of cached blocks, and bytes that go from CACHED to GRANT and back: that CPU, masked. So whoever holds the
 * lock may trust what is FREE, and of the rest only that it is not. */
#ifndef LINUX_INTERNAL_H
#define LINUX_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define LX_MAX_ORDER   10u
#define LX_ORDER_COUNT (LX_MAX_ORDER + 1u)
#define LX_LARGEST     (UINT64_C(1) << LX_MAX_ORDER)
#define LX_BLOCK_ORDER 9u /* of a pageblock */
#define LX_BLOCK       (1u << LX_BLOCK_ORDER)
#define LX_NONE        UINT32_MAX

/* Zones end at 16 MiB and 4 GiB, multiples of the largest block. */
enum lx_zone_kind {
    LX_ZONE_DMA = 0,
    LX_ZONE_DMA32 = 1,
    LX_ZONE_NORMAL = 2,
    LX_ZONE_KIND_COUNT = 3,
};

#define LX_ZONE_LIMIT (PL_NODE_LIMIT * LX_ZONE_KIND_COUNT)

/* What a pageblock is for, and what list a free block is on. The first three are enum pl_mobility. */
enum lx_group {
    LX_UNMOVABLE = PL_MOBILITY_UNMOVABLE,
    LX_MOVABLE = PL_MOBILITY_MOVABLE,
    LX_RECLAIMABLE = PL_MOBILITY_RECLAIMABLE,
    LX_HIGHATOMIC = 3, /* kept for INTERRUPT-class requests of an order above 0 */
    LX_GROUP_COUNT = 4,
};

/* A frame's byte: a kind in the upper half, an order in the lower. */
#define LX_INSIDE        0x00u /* not the first frame of a block, or a hole */
#define LX_FREE          0x10u /* plus the group of its list times 0x10: up to 0x40 */
#define LX_CACHED        0x50u
#define LX_GRANT         0x60u /* a grant of one block */
#define LX_GRANT_MOVABLE 0x70u
#define LX_RUN           0x80u /* first block of a grant of several */
#define LX_PART          0x90u /* a further one: the grant ends where the PARTs end */

#define LX_KIND(state)     ((state) & 0xf0u)
#define LX_ORDER(state)    ((state) & 0x0fu)
#define LX_IS_FREE(state)  ((uint32_t)((state) - LX_FREE) < LX_GROUP_COUNT * 0x10u)
#define LX_GROUP_OF(state) (LX_KIND(state) / 0x10u - 1u)
#define LX_IS_GRANT(state) (((state) & 0xe0u) == LX_GRANT)
#define LX_FREE_IN(group)  (LX_FREE + (group) * 0x10u)

/* A pageblock's byte. */
#define LX_BLOCK_GROUP(byte) ((byte) & 3u)
#define LX_BLOCK_ZONE(byte)  ((byte) >> 2 & 31u)
#define LX_BLOCK_SHARED      0x80u /* frames of two nodes: its group stays as it is */

_Static_assert(LX_BLOCK == PL_ZONE_BLOCK, "the pageblocks that L-18 speaks of");
_Static_assert(LX_MAX_ORDER < 0x10, "an order fits below the kind");
_Static_assert(LX_ZONE_LIMIT <= 32, "a zone's number fits above the group");

/* A frame's descriptor, as Linux has its struct page: all that a call touches of a block lies on one cache
 * line, and two CPUs' hot frames seldom share one. Links are indices of frames, LX_NONE at the ends. */
struct lx_frame {
    uint32_t next;
    uint32_t before;
    _Atomic uint8_t state;
    uint8_t unused[7]; /* no descriptor across two cache lines */
};

_Static_assert(sizeof(struct lx_frame) == 16, "so that four fill a cache line");

struct lx_list {
    uint32_t head;
    uint32_t tail;
};

enum lx_mark {
    LX_MARK_MIN = 0,
    LX_MARK_LOW = 1,
    LX_MARK_HIGH = 2,
    LX_MARK_COUNT = 3,
};

/* The frames of one kind on one node. Bit k of nonempty[g] is set iff lists[g][k] has a block. No two free
 * buddies of an order are both listed, but a pageblock of HIGHATOMIC beside a free one: those stay apart
 * (F-22 is about the others). A block is on a list of HIGHATOMIC iff its pageblock is of that group. */
struct lx_zone {
    /* What every request reads, and nobody writes more than once a hold of the lock. */
    PL_CPU_ALIGNED _Atomic uint64_t free_count; /* listed; written with the lock held */
    _Atomic uint64_t reserve_free;              /* of these, on lists of HIGHATOMIC */
    _Atomic uint32_t reserve_blocks;
    _Atomic uint32_t below_high; /* a request has met fewer than HIGH, and no CPU gave back enough since */
    uint64_t fast_mark[2];       /* by below_high: HIGH or LOW, and protection; a first attempt leaves more */
    uint64_t mark[LX_MARK_COUNT];
    uint64_t protection; /* frames kept from requests that could have had a higher zone: all of ours */
    uint64_t frames;
    uint32_t reserve_most; /* pageblocks: a hundredth of the zone, and at least one */
    uint32_t batch;        /* frames moved between lists and caches: the least at a time */
    uint32_t high_min;     /* what a CPU's `high` starts from, and never is below */
    uint32_t high_max;     /* high_min: it stays where it is */
    uint32_t kind;
    uint32_t node;
    /* What the lock is for. */
    PL_CPU_ALIGNED struct pl_lock lock;
    uint32_t nonempty[LX_GROUP_COUNT];
    struct lx_list lists[LX_GROUP_COUNT][LX_ORDER_COUNT];
};

struct lx_cache;

struct lx_params {
    uint32_t batch; /* 0: by the zone's size */
    uint32_t high;  /* LX_NONE: by its watermark */
};

struct lx {
    const struct pl_machine *machine;
    uint64_t base;              /* frame of index 0 */
    uint64_t index_count;       /* whole largest blocks, and at least one frame beyond the last: INSIDE */
    struct lx_frame *frames;    /* [index_count], of a cache line's alignment */
    _Atomic uint8_t *pageblock; /* [index_count / LX_BLOCK] */
    struct lx_zone *zones;      /* by node, a node's highest first */
    struct lx_cache *caches;    /* [cpu][zone] */
    uint32_t zone_count;
    uint32_t node_first[PL_NODE_LIMIT + 1]; /* its zones: from here to the next node's first */
};

/* --- bytes --- */

PL_INLINE uint32_t lx_state(const struct lx *self, uint64_t index)
{
    PL_ASSERT(index < self->index_count);
    return atomic_load_explicit(&self->frames[index].state, memory_order_relaxed);
}

PL_INLINE void lx_state_set(struct lx *self, uint64_t index, uint32_t state)
{
    PL_ASSERT(index < self->index_count);
    atomic_store_explicit(&self->frames[index].state, (uint8_t)state, memory_order_relaxed);
}

PL_INLINE uint32_t lx_pageblock(const struct lx *self, uint64_t index)
{
    PL_ASSERT(index < self->index_count);
    return atomic_load_explicit(&self->pageblock[index >> LX_BLOCK_ORDER], memory_order_relaxed);
}

/* The zone's lock is held; the pageblock is not shared. */
PL_INLINE void lx_pageblock_set_group(struct lx *self, uint64_t index, uint32_t group)
{
    uint32_t byte = lx_pageblock(self, index);
    PL_ASSERT((byte & LX_BLOCK_SHARED) == 0);
    atomic_store_explicit(&self->pageblock[index >> LX_BLOCK_ORDER], (uint8_t)((byte & ~3u) | group),
                          memory_order_relaxed);
}

PL_INLINE enum lx_zone_kind lx_kind_of(uint64_t frame)
{
    return frame < PL_ZONE_DMA_END ? LX_ZONE_DMA : frame < PL_ZONE_DMA32_END ? LX_ZONE_DMA32 : LX_ZONE_NORMAL;
}

/* The zone of a frame in a pageblock that nodes share. */
struct lx_zone *lx_zone_of_shared(const struct lx *self, uint64_t index);

/* The zone of a frame that exists. */
PL_INLINE struct lx_zone *lx_zone_of(const struct lx *self, uint64_t index)
{
    uint32_t byte = lx_pageblock(self, index);
    if (PL_UNLIKELY((byte & LX_BLOCK_SHARED) != 0))
        return lx_zone_of_shared(self, index);
    return &self->zones[LX_BLOCK_ZONE(byte)];
}

PL_INLINE uint64_t lx_free_count(const struct lx_zone *zone)
{
    return atomic_load_explicit(&zone->free_count, memory_order_relaxed);
}

PL_INLINE uint32_t lx_reserve_blocks(const struct lx_zone *zone)
{
    return atomic_load_explicit(&zone->reserve_blocks, memory_order_relaxed);
}

PL_INLINE uint32_t lx_is_below_high(const struct lx_zone *zone)
{
    return atomic_load_explicit(&zone->below_high, memory_order_relaxed);
}

PL_INLINE void lx_set_below_high(struct lx_zone *zone, uint32_t is_below)
{
    atomic_store_explicit(&zone->below_high, is_below, memory_order_relaxed);
}

/* --- lists: of a zone with its lock held, of a cache by its CPU --- */

PL_INLINE void lx_list_push(struct lx *self, struct lx_list *list, uint32_t index)
{
    uint32_t next = list->head;
    PL_ASSERT(index < self->index_count);
    self->frames[index].next = next;
    self->frames[index].before = LX_NONE;
    list->head = index;
    if (next != LX_NONE)
        self->frames[next].before = index;
    else
        list->tail = index;
}

PL_INLINE void lx_list_append(struct lx *self, struct lx_list *list, uint32_t index)
{
    uint32_t before = list->tail;
    PL_ASSERT(index < self->index_count);
    self->frames[index].next = LX_NONE;
    self->frames[index].before = before;
    list->tail = index;
    if (before != LX_NONE)
        self->frames[before].next = index;
    else
        list->head = index;
}

PL_INLINE void lx_list_remove(struct lx *self, struct lx_list *list, uint32_t index)
{
    uint32_t next = self->frames[index].next;
    uint32_t before = self->frames[index].before;
    PL_ASSERT(list->head != LX_NONE);
    if (before != LX_NONE)
        self->frames[before].next = next;
    else
        list->head = next;
    if (next != LX_NONE)
        self->frames[next].before = before;
    else
        list->tail = before;
}

/* --- linux_buddy.c: one zone's lists; its lock is held --- */

void lx_add(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order, uint32_t group,
            bool at_tail);
/* Leaves the block INSIDE. */
void lx_remove(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order);
/* Makes a block that is on no list free: merges it for as long as its buddy is free and whole. Whoever has
 * released or taken all that he wants says so with lx_count_free: once a hold of the lock. */
void lx_release(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order);

/* `frames` more (or, negative in two's complement, fewer) are listed. */
PL_INLINE void lx_count_free(struct lx_zone *zone, uint64_t frames)
{
    PL_ASSERT(lx_free_count(zone) + frames <= zone->frames);
    atomic_store_explicit(&zone->free_count, lx_free_count(zone) + frames, memory_order_relaxed);
}

/* How hard an attempt tries. */
#define LX_TRY_WHOLE  0x1u /* takes nothing smaller than a pageblock from another group */
#define LX_TRY_ATOMIC 0x2u /* may use the reserve */
#define LX_TRY_LAST   0x4u /* gives up part of the reserve rather than fail */

/* Takes a block for this group, from another one's lists if its own have none: the smallest that serves, cut
 * down. LX_NONE: there is none. The block is INSIDE then, and still in free_count. */
uint32_t lx_take(struct lx *self, struct lx_zone *zone, uint32_t order, uint32_t group, uint32_t how);

/* --- linux_block.c: pageblocks; the zone's lock is held --- */

/* Makes a free block of another group this group's: its pageblock too, if enough of it would be. */
void lx_steal(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t order, uint32_t group,
              bool whole);
/* Keeps the pageblock of a block that was just granted for atomic requests, if the reserve may grow. */
void lx_reserve(struct lx *self, struct lx_zone *zone, uint64_t index);
/* Lets the pageblock go, to this group. */
void lx_unreserve(struct lx *self, struct lx_zone *zone, uint64_t index, uint32_t group);
/* Lets all go of which anything is free. */
void lx_unreserve_all(struct lx *self, struct lx_zone *zone);

/* --- linux_rounds.c --- */

/* A block for this request, from `node` or, unless `only`, from all beginning there. The CPU is masked.
 * LX_NONE: no zone has one. */
uint32_t lx_try_all(struct lx *self, struct pl_cpu *cpu, const struct pl_request *request, uint32_t node,
                    bool only);

/* --- linux_init.c --- */

bool lx_parse(const char *text, struct lx_params *params);
size_t lx_meta_bytes(const struct pl_page_config *config);
enum pl_status lx_init(void *instance, const struct pl_page_config *config);
/* The range that a frame number lies in, or NULL. */
const struct pl_range *lx_range_of(const struct pl_machine *machine, uint64_t frame);

/* --- linux_run.c, linux_audit.c --- */

/* Largest order of a block that begins at `from` and ends at or before `to`. */
PL_INLINE uint32_t lx_order_at(uint64_t from, uint64_t to)
{
    PL_ASSERT(from < to);
    uint32_t order = 63u - PL_CLZ64(to - from);
    if (from != 0 && PL_CTZ64(from) < order)
        order = PL_CTZ64(from);
    return order < LX_MAX_ORDER ? order : LX_MAX_ORDER;
}

enum pl_status lx_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                            const struct pl_constraints *constraints, struct pl_run *run);
uint64_t lx_audit(const void *instance, struct pl_visitor *visitor);

#endif
