/* The buddy allocator's structures and list operations.
 *
 * A byte a frame says which block begins there; inside a block the bytes are 0. Blocks tile each range, are
 * 2^order frames, and begin at a multiple of their size. Frames are counted from `base`, the machine's first
 * frame rounded down to a whole largest block.
 *
 *   frame    0    1    2    3    4    5    6    7    8    9    a    b    c
 *   state   [F2   .    .    . ] [G0] [F0] [R1   . ] [P1   . ] [P0] [F0] [K0]
 *            free, order 2      grant     a run of 5 in 3 blocks         kept
 *
 * Two buddies are never both on the lists (they are merged), so of each pair of frames at most one begins a
 * listed block, and the links need one entry a pair. */
#ifndef BUDDY_INTERNAL_H
#define BUDDY_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define BUDDY_MAX_ORDER   10u /* Linux 6.x: orders 0 .. 10 */
#define BUDDY_ORDER_COUNT (BUDDY_MAX_ORDER + 1u)
#define BUDDY_NONE        UINT32_MAX
#define BUDDY_NO_INDEX    UINT64_MAX

/* The byte is a kind plus an order. */
#define BUDDY_INSIDE 0x00u /* not the first frame of a block, or a hole */
#define BUDDY_FREE   0x20u
#define BUDDY_GRANT  0x40u /* a grant of one block */
#define BUDDY_RUN    0x60u /* first block of a grant of several */
#define BUDDY_PART   0x80u /* a further one: the grant ends where the PARTs end */
#define BUDDY_KEPT   0xa0u /* cached: free, on no list, not merged */

#define BUDDY_KIND(state)  ((state) & 0xe0u)
#define BUDDY_ORDER(state) ((state) & 0x1fu)

_Static_assert(BUDDY_MAX_ORDER < 0x20, "an order fits below the kind");

/* Pair numbers; BUDDY_NONE at the ends. */
struct buddy_link {
    uint32_t next;
    uint32_t before;
};

/* The free blocks of one node. Bit k of `nonempty` is set iff head[k] is not BUDDY_NONE. Blocks on lists are
 * merged at once and always (F-22). kept[k] is a cache of one: the index of the block of order k that was
 * freed last, or BUDDY_NO_INDEX. It is in nobody's hands and on no list, counted as cached, and goes to the
 * lists when the next one comes, by a drain, or when anybody finds too little on them. */
struct buddy_node {
    uint32_t nonempty;
    uint32_t head[BUDDY_ORDER_COUNT];
    _Atomic uint64_t kept[BUDDY_ORDER_COUNT]; /* written with the lock held, read at any time */
};

/* What was kept at some time. */
struct buddy_kept {
    uint64_t index[PL_NODE_LIMIT][BUDDY_ORDER_COUNT];
};

struct buddy {
    struct pl_lock lock;
    _Atomic uint64_t
        free_count; /* not granted: listed and kept; written with the lock held, read at any time */
    const struct pl_machine *machine;
    uint64_t base;           /* frame of index 0 */
    uint64_t index_count;    /* whole largest blocks, and at least one frame beyond the last: INSIDE */
    struct buddy_link *link; /* [index_count / 2] */
    uint8_t *state;          /* [index_count] */
    struct buddy_node node[PL_NODE_LIMIT];
};

PL_INLINE uint64_t buddy_kept_get(const struct buddy_node *node, uint32_t order)
{
    return atomic_load_explicit(&node->kept[order], memory_order_relaxed);
}

PL_INLINE void buddy_kept_set(struct buddy_node *node, uint32_t order, uint64_t index)
{
    atomic_store_explicit(&node->kept[order], index, memory_order_relaxed);
}

/* Everything below is called with the lock held, or by init. */

/* Index of the first frame of the free block that a list entry of this order stands for. */
PL_INLINE uint64_t buddy_block_of_pair(const struct buddy *self, uint32_t pair, uint32_t order)
{
    uint64_t index = (uint64_t)pair * 2;
    if (order == 0 && self->state[index] != BUDDY_FREE)
        index++;
    PL_ASSERT(index < self->index_count);
    PL_ASSERT(self->state[index] == (BUDDY_FREE | order));
    return index;
}

PL_INLINE void buddy_push(struct buddy *self, struct buddy_node *node, uint64_t index, uint32_t order)
{
    uint32_t pair = (uint32_t)(index / 2);
    uint32_t next = node->head[order];
    PL_ASSERT((index & ((UINT64_C(1) << order) - 1)) == 0);
    PL_ASSERT(self->state[index] == BUDDY_INSIDE);
    self->state[index] = (uint8_t)(BUDDY_FREE | order);
    self->link[pair] = (struct buddy_link){.next = next, .before = BUDDY_NONE};
    if (next != BUDDY_NONE)
        self->link[next].before = pair;
    node->head[order] = pair;
    node->nonempty |= 1u << order;
}

/* Leaves the block's state BUDDY_INSIDE. */
PL_INLINE void buddy_unlink(struct buddy *self, struct buddy_node *node, uint64_t index, uint32_t order)
{
    struct buddy_link link = self->link[index / 2];
    PL_ASSERT(self->state[index] == (BUDDY_FREE | order));
    PL_ASSERT((node->nonempty >> order & 1) != 0);
    self->state[index] = BUDDY_INSIDE;
    if (link.next != BUDDY_NONE)
        self->link[link.next].before = link.before;
    if (link.before != BUDDY_NONE) {
        self->link[link.before].next = link.next;
        return;
    }
    PL_ASSERT(node->head[order] == index / 2);
    node->head[order] = link.next;
    if (link.next == BUDDY_NONE)
        node->nonempty &= ~(1u << order);
}

/* Makes a block that is nobody's free: merges it with its buddy for as long as that is on a list and whole. A
 * buddy in a hole or beyond the end is INSIDE for ever, and one that is split has a smaller order. */
PL_INLINE void buddy_release(struct buddy *self, struct buddy_node *node, uint64_t index, uint32_t order)
{
    PL_ASSERT(order <= BUDDY_MAX_ORDER);
    PL_ASSERT(index < self->index_count);
    self->state[index] = BUDDY_INSIDE;
    while (order < BUDDY_MAX_ORDER) {
        uint64_t other = index ^ (UINT64_C(1) << order);
        if (self->state[other] != (BUDDY_FREE | order))
            break;
        buddy_unlink(self, node, other, order);
        index &= other;
        order++;
        PL_ASSERT((index & ((UINT64_C(1) << order) - 1)) == 0);
    }
    buddy_push(self, node, index, order);
}

/* Largest order of a block that begins at `from` and ends at or before `to`. */
PL_INLINE uint32_t buddy_order_at(uint64_t from, uint64_t to)
{
    PL_ASSERT(from < to);
    uint32_t order = 63u - PL_CLZ64(to - from);
    if (from != 0 && PL_CTZ64(from) < order)
        order = PL_CTZ64(from);
    return order < BUDDY_MAX_ORDER ? order : BUDDY_MAX_ORDER;
}

/* Puts what every node has kept onto the lists, and says what that was. Who was not served asks for this,
 * then tries again. */
void buddy_merge_kept(struct buddy *self, struct buddy_kept *kept);

/* Undoes the merge that said so, if nothing happened in between: a call that fails leaves the counts alone.
 */
void buddy_unmerge_kept(struct buddy *self, const struct buddy_kept *kept);

/* The range that a frame number lies in, or NULL. */
const struct pl_range *buddy_range_of(const struct pl_machine *machine, uint64_t frame);

enum pl_status buddy_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                               const struct pl_constraints *constraints, struct pl_run *run);
uint64_t buddy_audit(const void *instance, struct pl_visitor *visitor);

#endif
