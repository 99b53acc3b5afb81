/* LLFree's two levels. Lower: a bit a frame, and for each 512 frames (a child) the number that is free.
 * Upper: for each tree of children the same number, some of it handed to the CPU that reserved the tree, one
 * tree for each kind of block.
 *
 * Numbers go down before bits are taken and up after they are given. So whoever took a number will find the
 * frames that it stands for, if nobody moves under his search. Every change is one atomic operation on one
 * word, and nothing is ever waited for: a call may be left at any instruction, for ever. */
#ifndef LLFREE_INTERNAL_H
#define LLFREE_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define LLFREE_MAX_ORDER    10u /* two children */
#define LLFREE_WORD_ORDER   6u
#define LLFREE_CHILD_ORDER  9u
#define LLFREE_CHILD_FRAMES (UINT64_C(1) << LLFREE_CHILD_ORDER)
#define LLFREE_CHILD_WORDS  (LLFREE_CHILD_FRAMES / 64)
#define LLFREE_CHILDREN     32u /* a tree has so many, or fewer: one cache line of numbers */
#define LLFREE_NONE         UINT64_MAX
#define LLFREE_SPAN_MAX     (UINT64_C(1) << 42)
#define LLFREE_ROUNDS       64u   /* searches by one call, while others move numbers under it */
#define LLFREE_NEAR         1024u /* trees that a search looks at before it looks at all */
#define LLFREE_GROUP        32u   /* trees: a search begins at the CPU's place in such a group */
#define LLFREE_FOLLOW       4u    /* frees in a row into one tree, and the CPU moves there */

/* A child is 16 bits: the number of free frames in its bits, or HUGE, which stands for all bits, whatever
 * they say: granted whole, or a hole. Two children are one atomic word, so that order 10 is one operation.
 *
 *   31       16 15        0
 *   [ child 1 ] [ child 0 ]      child: [ huge:1 | 0 | free:10 ] */
#define LLFREE_HUGE 0x8000u

/* What a tree is used for, the strictest last come first: a tree that served one kind never serves a later
 * one before it was wholly free. So small blocks do not fall into the trees that large ones come from. */
enum llfree_kind {
    LLFREE_FIXED,
    LLFREE_MOVABLE,
    LLFREE_WHOLE, /* whole children, movable or not */
    LLFREE_KINDS,
};

/* A tree: the number of free frames that nobody reserved, its kind, and whether a CPU has reserved the rest.
 *
 *   31           17     16 15    0
 *   [ reserved ] [ kind  ] [ free ] */
#define LLFREE_RESERVED  UINT32_C(0x80000000)
#define LLFREE_TREE_KIND UINT32_C(0x00030000)
#define LLFREE_TREE_FREE UINT32_C(0x0000ffff)
#define LLFREE_KIND_STEP UINT32_C(0x00010000)

/* A CPU's reservation. Value, not state: equal words mean the same thing, so a word that changed and changed
 * back under somebody's compare-and-swap (ABA) does no harm.
 *
 *   63    32        16         15    0
 *   [ tree ]    [ present ]    [ free ] */
#define LLFREE_LOCAL_FREE    UINT64_C(0xffff)
#define LLFREE_LOCAL_PRESENT UINT64_C(0x10000)
#define LLFREE_TREE_SHIFT    32u

_Static_assert(LLFREE_CHILDREN *LLFREE_CHILD_FRAMES <= LLFREE_LOCAL_FREE, "a tree's frames fit the number");

/* `row` and `last` are hints: only this CPU and its interrupts write them, and a lost update costs nothing.
 */
struct llfree_local {
    PL_CPU_ALIGNED _Atomic uint64_t entry[LLFREE_KINDS];
    _Atomic uint64_t row[LLFREE_KINDS]; /* the word of bits where the last search ended, of any tree */
    _Atomic uint64_t last;              /* tree << 8 | frees in a row into it, at most LLFREE_FOLLOW */
};

/* A line each: CPUs that free into one another's trees shall not also meet in the neighbours. */
struct llfree_tree {
    _Alignas(PL_CACHE_LINE_BYTES) _Atomic uint32_t entry;
    uint32_t reserved32[PL_CACHE_LINE_BYTES / 4 - 1];
};

/* What one node has. At rest: a tree's number + what its reserver holds = the numbers of its children; a
 * child's number = its clear bits; a tree is reserved iff exactly one local entry names it. */
struct llfree_zone {
    uint64_t base;       /* frame of index 0, a multiple of two children; indexes below are from it */
    uint64_t tree_count; /* 0: a node without frames */
    uint32_t tree_order; /* log2 of a tree's frames */
    uint32_t cpu_count;
    uint32_t kind_count;        /* LLFREE_KINDS, or 1: too few trees to keep kinds apart */
    bool is_shared;             /* fewer trees than CPUs: nobody reserves one */
    _Atomic uint64_t *word;     /* [tree_count << tree_order >> 6] 1: granted, or no frame */
    _Atomic uint32_t *pair;     /* [tree_count << tree_order >> 10] */
    struct llfree_tree *tree;   /* [tree_count] */
    struct llfree_local *local; /* [cpu_count] */
};

/* Free frames are for a moment in no number while one moves between a tree and a local entry. A search that
 * found nothing believes itself only if none moved meanwhile: `begun` now is what `ended` was before. */
struct llfree_moves {
    PL_CPU_ALIGNED _Atomic uint64_t begun;
    _Atomic uint64_t ended;
};

struct llfree {
    const struct pl_machine *machine;
    uint32_t zone_count; /* the machine's nodes */
    uint32_t tree_order;
    struct llfree_zone zone[PL_NODE_LIMIT];
    struct llfree_moves moves;
};

PL_INLINE uint64_t llfree_tree_frames(const struct llfree_zone *zone)
{
    return UINT64_C(1) << zone->tree_order;
}

PL_INLINE uint32_t llfree_child_shift(uint64_t child)
{
    return (uint32_t)(child % 2) * 16;
}

PL_INLINE uint32_t llfree_child(const struct llfree_zone *zone, uint64_t child, memory_order order)
{
    return atomic_load_explicit(&zone->pair[child / 2], order) >> llfree_child_shift(child) & 0xffff;
}

/* `count` set bits from bit `at` of a word on. */
PL_INLINE uint64_t llfree_mask(uint64_t at, uint64_t count)
{
    PL_ASSERT(count > 0);
    PL_ASSERT(at + count <= 64);
    return (UINT64_MAX >> (64 - count)) << at;
}

PL_INLINE uint64_t llfree_entry(uint64_t tree)
{
    return tree << LLFREE_TREE_SHIFT | LLFREE_LOCAL_PRESENT;
}

/* The kind that serves blocks of this order. */
PL_INLINE uint32_t llfree_kind_of(const struct llfree_zone *zone, uint32_t mobility, uint32_t order)
{
    PL_ASSERT(zone->kind_count == 1 || zone->kind_count == LLFREE_KINDS);
    if (PL_UNLIKELY(zone->kind_count == 1))
        return 0;
    if (order >= LLFREE_CHILD_ORDER)
        return LLFREE_WHOLE;
    return mobility == PL_MOBILITY_MOVABLE ? LLFREE_MOVABLE : LLFREE_FIXED;
}

PL_INLINE uint32_t llfree_tree_kind(uint32_t tree)
{
    return (tree & LLFREE_TREE_KIND) / LLFREE_KIND_STEP;
}

PL_INLINE bool llfree_entry_is_of(uint64_t entry, uint64_t tree)
{
    return (entry & LLFREE_LOCAL_PRESENT) != 0 && entry >> LLFREE_TREE_SHIFT == tree;
}

/* Takes bits if all of them are clear. Acquire: whoever cleared them was done with the frames. */
PL_INLINE bool llfree_bits_take(_Atomic uint64_t *word, uint64_t mask)
{
    uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
    PL_ASSERT(mask != 0);
    while ((old & mask) == 0)
        if (atomic_compare_exchange_weak_explicit(word, &old, old | mask, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* Gives bits back if all of them are set. Release: what the owner did to the frames comes before. A word that
 * is one owner's is only stored to: a taker changes no word without a clear bit. */
PL_INLINE bool llfree_bits_give(_Atomic uint64_t *word, uint64_t mask)
{
    uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
    PL_ASSERT(mask != 0);
    if (mask == UINT64_MAX && old == UINT64_MAX) {
        atomic_store_explicit(word, 0, memory_order_release);
        return true;
    }
    while ((old & mask) == mask)
        if (atomic_compare_exchange_weak_explicit(word, &old, old & ~mask, memory_order_release,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* A child's number goes up, after the bits. Release, for him who then takes the child whole. */
PL_INLINE void llfree_child_add(const struct llfree_zone *zone, uint64_t child, uint64_t frame_count)
{
    PL_ASSERT(frame_count <= LLFREE_CHILD_FRAMES);
    PL_ASSERT(llfree_child(zone, child, memory_order_relaxed) + frame_count <= LLFREE_CHILD_FRAMES);
    atomic_fetch_add_explicit(&zone->pair[child / 2], (uint32_t)frame_count << llfree_child_shift(child),
                              memory_order_release);
}

/* A child's number goes down, before the bits. Acquire, of him who gave the child whole. */
PL_INLINE bool llfree_child_sub(const struct llfree_zone *zone, uint64_t child, uint64_t frame_count)
{
    uint32_t shift = llfree_child_shift(child);
    uint32_t old = atomic_load_explicit(&zone->pair[child / 2], memory_order_relaxed);
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(frame_count <= LLFREE_CHILD_FRAMES);
    uint64_t least = frame_count;
    if (PL_MUTANT("llfree-child-left")) {
        PL_MUTANT_TRIGGERED("llfree-child-left", (old >> shift & (LLFREE_HUGE - 1)) == frame_count);
        least++;
    }
    while ((old >> shift & (LLFREE_HUGE - 1)) >= least)
        if (atomic_compare_exchange_weak_explicit(&zone->pair[child / 2], &old,
                                                  old - ((uint32_t)frame_count << shift),
                                                  memory_order_acquire, memory_order_relaxed))
            return true;
    return false;
}

/* Frames go to the CPU's number if one of its trees is theirs. Release, for him who takes the number. */
PL_INLINE bool llfree_number_give(const struct llfree_zone *zone, const struct pl_cpu *cpu, uint64_t tree,
                                  uint64_t frame_count)
{
    PL_ASSERT(tree < zone->tree_count);
    PL_ASSERT(frame_count > 0);
    for (uint32_t kind = 0; kind < zone->kind_count; kind++) {
        _Atomic uint64_t *local = &zone->local[cpu->id].entry[kind];
        uint64_t entry = atomic_load_explicit(local, memory_order_relaxed);
        while (llfree_entry_is_of(entry, tree)) {
            PL_ASSERT((entry & LLFREE_LOCAL_FREE) + frame_count <= llfree_tree_frames(zone));
            if (atomic_compare_exchange_weak_explicit(local, &entry, entry + frame_count,
                                                      memory_order_release, memory_order_relaxed))
                return true;
        }
    }
    return false;
}

/* Where a CPU goes on in a tree: at its row, or at the tree's first word. */
PL_INLINE uint64_t llfree_row(const struct llfree_zone *zone, uint32_t cpu, uint32_t kind, uint64_t tree)
{
    uint64_t row = atomic_load_explicit(&zone->local[cpu].row[kind], memory_order_relaxed);
    PL_ASSERT(cpu < zone->cpu_count);
    return row >> (zone->tree_order - LLFREE_WORD_ORDER) == tree
               ? row
               : tree << (zone->tree_order - LLFREE_WORD_ORDER);
}

PL_INLINE void llfree_row_set(const struct llfree_zone *zone, const struct pl_cpu *cpu, uint32_t kind,
                              uint64_t index)
{
    _Atomic uint64_t *row = &zone->local[cpu->id].row[kind];
    PL_ASSERT(cpu->id < zone->cpu_count);
    if (atomic_load_explicit(row, memory_order_relaxed) != index / 64)
        atomic_store_explicit(row, index / 64, memory_order_relaxed);
}

/* Bits where an aligned run of 2^order set bits begins. */
PL_INLINE uint64_t llfree_starts(uint64_t bits, uint32_t order)
{
    static const uint64_t aligned[LLFREE_WORD_ORDER + 1] = {
        UINT64_MAX,
        UINT64_MAX / 0x3,
        UINT64_MAX / 0xf,
        UINT64_MAX / 0xff,
        UINT64_MAX / 0xffff,
        UINT64_MAX / 0xffffffff,
        1,
    };
    PL_ASSERT(order <= LLFREE_WORD_ORDER);
    if (order == 0)
        return bits;
    for (uint32_t step = 0; step < order; step++)
        bits &= bits >> (UINT32_C(1) << step);
    return bits & aligned[order];
}

/* A block of a child's bits, from word `row` of the child on, of which the number is taken. */
PL_INLINE uint64_t llfree_bits_find(const struct llfree_zone *zone, uint64_t child, uint64_t row,
                                    uint32_t order)
{
    PL_ASSERT(order <= LLFREE_WORD_ORDER);
    for (uint64_t i = 0; i < LLFREE_CHILD_WORDS; i++) {
        uint64_t w = child * LLFREE_CHILD_WORDS + (row + i) % LLFREE_CHILD_WORDS;
        uint64_t old = atomic_load_explicit(&zone->word[w], memory_order_relaxed);
        uint64_t starts;
        while ((starts = llfree_starts(~old, order)) != 0) {
            uint64_t at = PL_CTZ64(starts);
            uint64_t mask = llfree_mask(at, UINT64_C(1) << order);
            PL_ASSERT((old & mask) == 0);
            if (PL_MUTANT("llfree-lost-update")) {
                uint64_t seen = atomic_exchange_explicit(&zone->word[w], old | mask, memory_order_acquire);
                PL_MUTANT_TRIGGERED("llfree-lost-update", seen != old);
                return w * 64 + at;
            }
            if (PL_LIKELY(atomic_compare_exchange_weak_explicit(&zone->word[w], &old, old | mask,
                                                                memory_order_acquire, memory_order_relaxed)))
                return w * 64 + at;
        }
    }
    return LLFREE_NONE;
}

/* The short way: from the child of `row` and on from there, by orders of one word. Nothing changed if it is
 * not there. */
PL_INLINE uint64_t llfree_row_take(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t row,
                                   uint32_t order)
{
    uint64_t child = row / LLFREE_CHILD_WORDS;
    PL_ASSERT(order <= LLFREE_WORD_ORDER);
    if (PL_UNLIKELY(!llfree_child_sub(zone, child, UINT64_C(1) << order)))
        return LLFREE_NONE;
    pl_point(cpu, zone); /* the number is gone, the bits are not */
    uint64_t found = llfree_bits_find(zone, child, row % LLFREE_CHILD_WORDS, order);
    if (PL_UNLIKELY(found == LLFREE_NONE))
        llfree_child_add(zone, child, UINT64_C(1) << order);
    return found;
}

/* ---- lower: frames of which the caller has taken the tree's number ---- */

/* A block inside the tree of `row`, a word of bits, from there on. Index or LLFREE_NONE: then nothing
 * changed. */
uint64_t llfree_lower_take(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t row, uint32_t order);
/* The same, the short way first. */
PL_INLINE uint64_t llfree_lower_take_short(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t row,
                                           uint32_t order)
{
    uint64_t found =
        PL_LIKELY(order <= LLFREE_WORD_ORDER) ? llfree_row_take(zone, cpu, row, order) : LLFREE_NONE;
    return PL_LIKELY(found != LLFREE_NONE) ? found : llfree_lower_take(zone, cpu, row, order);
}
/* These frames, all inside one child. */
bool llfree_lower_take_at(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count);
/* Are all these frames granted, and whole children wherever a child was granted whole? */
bool llfree_lower_is_granted(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count);
void llfree_lower_give(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t index,
                       uint64_t frame_count);
/* Whole children among these granted frames become granted bits. */
void llfree_lower_split(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count);

/* ---- upper ---- */

/* A block of that kind from wherever it is easiest to have. Index or LLFREE_NONE. */
uint64_t llfree_take_slow(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                          uint32_t order, uint32_t kind);
/* Takes `frame_count` of a tree's number, whoever has it. */
bool llfree_number_take(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                        uint64_t tree, uint64_t frame_count, uint32_t kind);
/* Undoes a take whose frames were not found. */
void llfree_number_undo(const struct llfree_zone *zone, const struct pl_cpu *cpu, uint64_t tree,
                        uint64_t frame_count);
/* Frames of a tree that is not the CPU's own were freed: tells the tree, and perhaps reserves it. */
void llfree_follow(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t index,
                   uint64_t frame_count);
/* The CPU's reservation for that kind becomes `entry`, 0 for none, with all of the tree's number; the old one
 * ends. */
void llfree_move(struct llfree *self, const struct llfree_zone *zone, struct pl_cpu *cpu,
                 const struct pl_cpu *of, uint32_t kind, uint64_t entry);

/* ---- hooks in files of their own ---- */

enum pl_status llfree_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                const struct pl_constraints *constraints, struct pl_run *run);
size_t llfree_meta_bytes(const struct pl_page_config *config);
enum pl_status llfree_init(void *instance, const struct pl_page_config *config);
uint64_t llfree_audit(const void *instance, struct pl_visitor *visitor);

/* Zones in the order in which a request looks at them: its own node's first, alone if it says so. */
PL_INLINE uint32_t llfree_zone_first(const struct llfree *self, const struct pl_cpu *cpu,
                                     const struct pl_request *request)
{
    uint32_t node = request->node == PL_NODE_ANY ? cpu->node : request->node;
    return node < self->zone_count ? node : 0;
}

PL_INLINE uint32_t llfree_zone_limit(const struct llfree *self, const struct pl_request *request)
{
    if ((request->flags & PL_REQUEST_NODE_ONLY) == 0 || request->node == PL_NODE_ANY)
        return self->zone_count;
    return request->node < self->zone_count ? 1 : 0;
}

#endif
