/* slate: per-CPU stacks of free blocks over a bitmap whose zero bytes mean "free", so that a fresh machine of
 * any size is a clean slate: nothing but its edges and holes is written.
 *
 *   CPU     order 0   [ f f f f f f . . ]   two batches      } only touched by their own CPU, masked
 *           order k   [ b b . . ]           a few blocks     }
 *   depot             [ batch ][ batch ] ...                 } whole batches        } one lock
 *   words             [ 1101 ][ 0000 ][ 1111 ] ...           } a set bit: not free  }
 *     lacks of a word   6..3    -       6..0                 } orders 0 .. 6 that do not fit into it
 *     lack of a chunk           4                            } how many of 0 .. 10 do not fit into 16 words
 *   list[lack]        chunks of that lack, as bits, lowest first
 *   state             a byte a frame: where a grant begins, and how large it is
 *
 * Indexes are of frames, counted from `base`: the machine's first frame rounded down to a whole chunk, so
 * that alignment of an index is alignment of its frame. */
#ifndef SLATE_INTERNAL_H
#define SLATE_INTERNAL_H

#include <pagelab/candidate.h>
#include <pagelab/check.h>
#include <pagelab/mutant.h>

#define SLATE_MAX_ORDER   10u /* as Linux 6.x; a chunk is one such block */
#define SLATE_ORDER_COUNT (SLATE_MAX_ORDER + 1u)
#define SLATE_WORD_ORDER  6u
#define SLATE_WORD_FRAMES UINT64_C(64)
#define SLATE_WORD_FULL   0x7fu /* lacks of a word without a free frame: orders 0 .. 6 */
#define SLATE_CHUNK_WORDS UINT64_C(16)
#define SLATE_CHUNK       (SLATE_CHUNK_WORDS * SLATE_WORD_FRAMES) /* frames */
#define SLATE_CHUNK_FULL  SLATE_ORDER_COUNT                       /* lack of a chunk without a free frame */
#define SLATE_LEVEL_LIMIT 4u
#define SLATE_FRAMES_MAX  (SLATE_CHUNK << 24) /* 64^4 chunks: what four levels can name */
#define SLATE_NONE        UINT64_MAX

#define SLATE_BATCH_DEFAULT 64u
#define SLATE_BATCH_LIMIT   64u
#define SLATE_DEPOT_DEFAULT 16u
#define SLATE_DEPOT_LIMIT   1024u
#define SLATE_SLOTS         116u /* of blocks of orders 1 .. 10 together */

_Static_assert(UINT32_C(1) << SLATE_MAX_ORDER == SLATE_CHUNK, "a block of the largest order is a chunk");

/* What a frame's state byte says. Written by whoever owns the frame at that moment: by alloc when it hands it
 * out, by free when it takes it back. So no two CPUs ever write one byte at a time, and none is locked. A
 * frame inside a grant that has an order has 0, like one that is free or cached. */
#define SLATE_NO_HEAD     0u
#define SLATE_HEAD(order) ((order) + 1u) /* a grant of 2^order frames begins here */
#define SLATE_RUN_HEAD    0x40u          /* a grant of another length begins here ... */
#define SLATE_RUN_TAIL    0x41u          /* ... and goes on here */

/* A CPU's own blocks: numbers of first frames, whole, so that a hot call adds nothing; the one freed last on
 * top. Only its own CPU touches them, masked. Counts are atomic, never contended, so that count() may read
 * them from elsewhere. What the hot calls read of the instance stands here once more, in the line that they
 * touch anyway. */
struct slate_cpu {
    PL_CPU_ALIGNED atomic_uint count; /* of frames[] */
    uint32_t capacity;
    uintptr_t state; /* address of the state byte of frame 0, were there one */
    uint64_t base;
    uint64_t limit;                          /* frames that have a state */
    uint32_t node_limit;                     /* node + 1 (16 bits) <= node_limit: stacks may serve it */
    _Atomic uint8_t held[SLATE_ORDER_COUNT]; /* blocks of order k; held[0] is not used */
    uint64_t frames[2 * SLATE_BATCH_LIMIT];
    uint64_t blocks[SLATE_SLOTS];
};

_Static_assert(sizeof(struct slate_cpu) == 2048, "a power of two: found by a shift");

/* Members of a list as bits, and above each word one bit that says whether there are any. List 0 (chunks that
 * are wholly free) is stored inverted on all levels, so that zero bytes mean members. */
struct slate_list {
    uint64_t *level[SLATE_LEVEL_LIMIT];
};

struct slate {
    PL_CPU_ALIGNED struct pl_lock lock; /* guards all from here to the words, taken masked */
    _Atomic uint64_t free_count;        /* frames whose bit is 0 */
    atomic_uint depot_count;            /* batches */
    uint32_t present;                   /* bit l: list l has members */
    const struct pl_machine *machine;
    uint64_t base;
    uint64_t chunk_count;
    uint32_t batch;
    uint32_t depot_max;                      /* batches */
    uint8_t slots[SLATE_ORDER_COUNT];        /* blocks of order k that a CPU holds at most */
    uint32_t level_count;                    /* of each list; the last level has one word */
    uint64_t level_words[SLATE_LEVEL_LIMIT]; /* words of each level */
    struct slate_list list[SLATE_CHUNK_FULL];
    uint64_t *word;         /* [chunk_count * 16] a set bit: granted, cached or no frame at all */
    uint8_t *word_lacks;    /* [chunk_count * 16] */
    uint8_t *chunk_lack;    /* [chunk_count] */
    uint64_t *depot;        /* [depot_max * batch] */
    _Atomic uint8_t *state; /* [chunk_count * 1024] */
};

/* &cpus[cpu->id]; they follow the struct. */
PL_INLINE struct slate_cpu *slate_cpu_at(const struct slate *self, uint32_t id)
{
    return (struct slate_cpu *)((uintptr_t)(self + 1) + (uintptr_t)id * sizeof(struct slate_cpu));
}

/* Where the blocks of an order begin in slate_cpu.blocks, and how many there may be. */
PL_INLINE uint32_t slate_slot_offset(uint32_t order)
{
    static const uint8_t offset[SLATE_ORDER_COUNT] = {0, 0, 32, 56, 72, 88, 96, 104, 108, 112, 116};
    PL_ASSERT(order < SLATE_ORDER_COUNT);
    return offset[order];
}

PL_INLINE uint32_t slate_slot_limit(uint32_t order)
{
    static const uint8_t limit[SLATE_ORDER_COUNT] = {0, 32, 24, 16, 16, 8, 8, 4, 4, 4, 0};
    PL_ASSERT(order < SLATE_ORDER_COUNT);
    return limit[order];
}

PL_INLINE uint32_t slate_state_get(_Atomic uint8_t *state, uint64_t index)
{
    return atomic_load_explicit(&state[index], memory_order_relaxed);
}

PL_INLINE void slate_state_set(_Atomic uint8_t *state, uint64_t index, uint32_t value)
{
    atomic_store_explicit(&state[index], (uint8_t)value, memory_order_relaxed);
}

/* The state byte of a frame, by its number. */
PL_INLINE _Atomic uint8_t *slate_state_of(const struct slate_cpu *own, uint64_t number)
{
    return (_Atomic uint8_t *)(own->state + number);
}

/* Of the bits that mark aligned free pieces of 2^step bits, those that begin a piece twice as large. */
PL_INLINE uint64_t slate_doubled(uint64_t pieces, uint32_t step)
{
    static const uint64_t aligned[SLATE_WORD_ORDER] = {
        UINT64_C(0x5555555555555555), UINT64_C(0x1111111111111111), UINT64_C(0x0101010101010101),
        UINT64_C(0x0001000100010001), UINT64_C(0x0000000100000001), UINT64_C(1),
    };
    PL_ASSERT(step < SLATE_WORD_ORDER);
    return pieces & (pieces >> (1u << step)) & aligned[step];
}

/* ---- slate_bits.c: which frames are free. Caller holds the lock. ---- */

/* Bit k: order k does not fit into these free bits. 0: all is free; SLATE_WORD_FULL: nothing. So the lacks of
 * two words together are those that both have, and zero bytes mean free words. */
uint32_t slate_lacks_of_word(uint64_t free_bits);
/* How many orders do not fit into a chunk, from the lacks of its words: 0 .. SLATE_CHUNK_FULL. */
uint32_t slate_lack_of_chunk(const uint8_t *word_lacks);
/* Bit i: word i of the chunk is wholly free. */
uint32_t slate_free_words(const uint8_t *word_lacks);

/* The chunk's lack and its list follow the lacks of its words. */
void slate_chunk_refresh(struct slate *self, uint64_t chunk);
/* Frames [index, index + count), all alike, become free or busy. */
void slate_mark(struct slate *self, uint64_t index, uint64_t count, bool is_free);
/* The same for blocks here and there, by number of the first frame; neighbours in the array that share a
 * word, or a chunk, share a step. */
void slate_mark_blocks(struct slate *self, uint32_t order, const uint64_t *blocks, uint32_t count,
                       bool is_free);
void slate_list_remove(struct slate *self, uint32_t lack, uint64_t chunk);
/* The first member at or above `from`, or SLATE_NONE. */
uint64_t slate_list_next(const struct slate *self, uint32_t lack, uint64_t from);

/* Writes a word and its lacks. True if these changed: then the chunk is the caller's to refresh. */
PL_INLINE bool slate_word_write(struct slate *self, uint64_t w, uint64_t busy)
{
    uint32_t before = self->word_lacks[w];
    uint32_t after = slate_lacks_of_word(~busy);
    self->word[w] = busy;
    self->word_lacks[w] = (uint8_t)after;
    return before != after;
}

/* The same for 1, 2, 4, 8 or 16 whole words, which all change over. The compiler sees each number, so that it
 * uses vector stores. */
PL_INLINE void slate_words_fill_some(struct slate *self, uint64_t w, uint32_t count, bool is_free)
{
    uint64_t *word = self->word + w;
    uint8_t *lacks = self->word_lacks + w;
    for (uint32_t i = 0; i < count; i++) {
        PL_ASSERT(word[i] == (is_free ? UINT64_MAX : 0));
        word[i] = is_free ? 0 : UINT64_MAX;
    }
    for (uint32_t i = 0; i < count; i++)
        lacks[i] = is_free ? 0 : SLATE_WORD_FULL;
}

PL_INLINE void slate_words_fill(struct slate *self, uint64_t w, uint32_t count, bool is_free)
{
    switch (count) {
    case 1:
        slate_words_fill_some(self, w, 1, is_free);
        return;
    case 2:
        slate_words_fill_some(self, w, 2, is_free);
        return;
    case 4:
        slate_words_fill_some(self, w, 4, is_free);
        return;
    case 8:
        slate_words_fill_some(self, w, 8, is_free);
        return;
    default:
        PL_ASSERT(count == SLATE_CHUNK_WORDS);
        slate_words_fill_some(self, w, SLATE_CHUNK_WORDS, is_free);
        return;
    }
}

PL_INLINE void slate_free_count_add(struct slate *self, uint64_t frames)
{
    uint64_t before = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    atomic_store_explicit(&self->free_count, before + frames, memory_order_relaxed);
}

/* ---- slate_find.c. Caller holds the lock. ---- */

/* Takes up to `wanted` blocks of 2^order that lie in [low, high), from the chunks that have the least to
 * lose. Their numbers go to slots[0 .. ), the one to be used first last. Returns how many. */
uint32_t slate_take(struct slate *self, uint32_t order, uint64_t low, uint64_t high, uint64_t *slots,
                    uint32_t wanted);
/* The same in the ranges that the request's node allows, or from anywhere, near `cpu` first. */
uint32_t slate_take_near(struct slate *self, const struct pl_cpu *cpu, const struct pl_request *request,
                         uint64_t *slots, uint32_t wanted);
/* Lowest legal run, or SLATE_NONE. Marks nothing. */
uint64_t slate_find_run(const struct slate *self, const struct pl_request *request,
                        const struct pl_constraints *want);

/* ---- slate_cache.c: between the stacks and what is shared. Caller masks. ---- */

/* What is cached for this CPU and in the depot becomes free, or busy again; the stacks stay as they are. So a
 * search that failed can look once more as if everything had been drained, and, if it fails again, leave
 * no trace. Caller holds the lock. */
void slate_spill(struct slate *self, const struct slate_cpu *own, bool is_free);
bool slate_has_spill(const struct slate *self, const struct slate_cpu *own);
/* After a spill that stays: the stacks are empty. */
void slate_spilled(struct slate *self, struct slate_cpu *own);

/* One or more blocks from below, or 0. Takes the lock. */
uint32_t slate_fetch(struct slate *self, struct pl_cpu *cpu, const struct pl_request *request,
                     uint64_t *slots, uint32_t wanted);
/* Fills the empty stack of frames: a batch from the depot or from the words. False: nothing there. */
bool slate_refill(struct slate *self, struct pl_cpu *cpu, const struct pl_request *request);
/* Makes room for a batch on the full stack of frames. */
void slate_push_down(struct slate *self, struct pl_cpu *cpu);
/* Gives blocks back to the words. Takes the lock. */
void slate_give(struct slate *self, struct pl_cpu *cpu, uint32_t order, const uint64_t *slots,
                uint32_t count);
void slate_drain(void *instance, struct pl_cpu *cpu, struct pl_cpu *of);
uint64_t slate_cached(const struct slate *self);

/* ---- slate_run.c ---- */

enum pl_status slate_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                               const struct pl_constraints *constraints, struct pl_run *run);
/* A free that is no block of an order as alloc grants it. */
enum pl_status slate_free_run(struct slate *self, struct pl_cpu *cpu, const struct pl_run *run);
enum pl_status slate_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order);

/* ---- slate_init.c, slate_audit.c ---- */

size_t slate_meta_bytes(const struct pl_page_config *config);
enum pl_status slate_init(void *instance, const struct pl_page_config *config);
uint64_t slate_audit(const void *instance, struct pl_visitor *visitor);

#endif
