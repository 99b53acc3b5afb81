/* The words, what fits into them, and the lists of chunks by what fits. Everything is changed with the lock
 * held. A word's lack follows its bits at once; a chunk's lack and its place in a list follow when its words
 * are done, once for each chunk that a call touches. */
#include "slate_internal.h"

/* ---- lists ---- */

/* What a stored word of the list must be flipped by to have 1 for a member. */
PL_INLINE uint64_t slate_flip(uint32_t lack)
{
    return lack == 0 ? UINT64_MAX : 0;
}

static void slate_list_add(struct slate *self, uint32_t lack, uint64_t chunk)
{
    uint64_t flip = slate_flip(lack);
    uint64_t at = chunk;
    PL_ASSERT(lack < SLATE_CHUNK_FULL);
    PL_ASSERT(chunk < self->chunk_count);
    for (uint32_t level = 0; level < self->level_count; level++) {
        uint64_t *word = &self->list[lack].level[level][at / 64];
        uint64_t before = *word ^ flip;
        *word = (before | UINT64_C(1) << (at % 64)) ^ flip;
        if (before != 0)
            return;
        at /= 64;
    }
    self->present |= UINT32_C(1) << lack;
}

void slate_list_remove(struct slate *self, uint32_t lack, uint64_t chunk)
{
    uint64_t flip = slate_flip(lack);
    uint64_t at = chunk;
    PL_ASSERT(lack < SLATE_CHUNK_FULL);
    PL_ASSERT(chunk < self->chunk_count);
    for (uint32_t level = 0; level < self->level_count; level++) {
        uint64_t *word = &self->list[lack].level[level][at / 64];
        uint64_t after = (*word ^ flip) & ~(UINT64_C(1) << (at % 64));
        *word = after ^ flip;
        if (after != 0)
            return;
        at /= 64;
    }
    self->present &= ~(UINT32_C(1) << lack);
}

uint64_t slate_list_next(const struct slate *self, uint32_t lack, uint64_t from)
{
    const struct slate_list *list = &self->list[lack];
    uint64_t flip = slate_flip(lack);
    uint64_t at = from;
    uint64_t bits = 0;
    uint32_t level = 0;
    PL_ASSERT(lack < SLATE_CHUNK_FULL);
    PL_ASSERT(self->level_count <= SLATE_LEVEL_LIMIT);
    for (;; level++, at = at / 64 + 1) {
        if (level == self->level_count || at / 64 >= self->level_words[level])
            return SLATE_NONE;
        bits = (list->level[level][at / 64] ^ flip) & (UINT64_MAX << (at % 64));
        if (bits != 0)
            break;
    }
    at = at / 64 * 64 + PL_CTZ64(bits);
    while (level > 0) {
        level--;
        PL_ASSERT((list->level[level][at] ^ flip) != 0);
        at = at * 64 + PL_CTZ64(list->level[level][at] ^ flip);
    }
    PL_ASSERT(at < self->chunk_count);
    return at;
}

/* ---- what fits ---- */

uint32_t slate_lacks_of_word(uint64_t free_bits)
{
    uint32_t fits = 0;
    if (free_bits == UINT64_MAX)
        return 0;
    for (uint64_t pieces = free_bits; pieces != 0; fits++)
        pieces = slate_doubled(pieces, fits);
    PL_ASSERT(fits <= SLATE_WORD_ORDER);
    return SLATE_WORD_FULL << fits & SLATE_WORD_FULL;
}

/* Written out, because compilers then see that it is one load. */
PL_INLINE uint64_t slate_eight_bytes(const uint8_t *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* Bit i: byte i says that order 6 fits. The multiplication gathers a bit of each byte in the top one. */
PL_INLINE uint32_t slate_free_of_eight(uint64_t lacks)
{
    return (uint32_t)((~lacks >> SLATE_WORD_ORDER & UINT64_C(0x0101010101010101)) *
                          UINT64_C(0x0102040810204080) >>
                      56);
}

uint32_t slate_free_words(const uint8_t *word_lacks)
{
    return slate_free_of_eight(slate_eight_bytes(word_lacks)) |
           slate_free_of_eight(slate_eight_bytes(word_lacks + 8)) << 8;
}

uint32_t slate_lack_of_chunk(const uint8_t *word_lacks)
{
    uint64_t low = slate_eight_bytes(word_lacks);
    uint64_t high = slate_eight_bytes(word_lacks + 8);
    uint64_t lacks = low & high;
    lacks &= lacks >> 32;
    lacks &= lacks >> 16;
    lacks &= lacks >> 8;
    lacks &= SLATE_WORD_FULL;
    if (lacks != 0) /* those of 7 .. 10, and the words' own, which are the uppermost of theirs */
        return SLATE_CHUNK_FULL - PL_CTZ64(lacks);
    uint32_t lack = SLATE_MAX_ORDER - SLATE_WORD_ORDER;
    uint64_t pieces = slate_free_of_eight(low) | slate_free_of_eight(high) << 8;
    for (uint32_t step = 0; lack > 0 && (pieces = slate_doubled(pieces, step)) != 0; step++)
        lack--;
    return lack;
}

void slate_chunk_refresh(struct slate *self, uint64_t chunk)
{
    uint32_t before = self->chunk_lack[chunk];
    uint32_t after = slate_lack_of_chunk(&self->word_lacks[chunk * SLATE_CHUNK_WORDS]);
    PL_ASSERT(chunk < self->chunk_count);
    PL_ASSERT(after <= SLATE_CHUNK_FULL);
    if (before == after)
        return;
    self->chunk_lack[chunk] = (uint8_t)after;
    if (before != SLATE_CHUNK_FULL)
        slate_list_remove(self, before, chunk);
    if (after != SLATE_CHUNK_FULL)
        slate_list_add(self, after, chunk);
}

/* ---- marking ---- */

PL_INLINE bool slate_word_mark(struct slate *self, uint64_t w, uint64_t mask, bool is_free)
{
    PL_ASSERT(mask != 0);
    PL_ASSERT((self->word[w] & mask) == (is_free ? mask : 0));
    return slate_word_write(self, w, self->word[w] ^ mask);
}

/* Bits [at, at + count) of a word. */
PL_INLINE uint64_t slate_bits(uint64_t at, uint64_t count)
{
    PL_ASSERT(count > 0);
    PL_ASSERT(at + count <= 64);
    return (UINT64_MAX >> (64 - count)) << at;
}

void slate_mark(struct slate *self, uint64_t index, uint64_t count, bool is_free)
{
    uint64_t end = index + count;
    PL_ASSERT(count > 0);
    PL_ASSERT(end <= self->chunk_count * SLATE_CHUNK);
    for (uint64_t at = index; at < end;) {
        uint64_t chunk = at / SLATE_CHUNK;
        uint64_t stop = (chunk + 1) * SLATE_CHUNK < end ? (chunk + 1) * SLATE_CHUNK : end;
        while (at < stop) {
            uint64_t here = 64 - at % 64 < stop - at ? 64 - at % 64 : stop - at;
            if (here == 64)
                slate_words_fill(self, at / 64, 1, is_free);
            else
                (void)slate_word_mark(self, at / 64, slate_bits(at % 64, here), is_free);
            at += here;
        }
        slate_chunk_refresh(self, chunk);
    }
    slate_free_count_add(self, is_free ? count : 0 - count);
}

/* Orders of a word and more: words that change over as a whole. */
static void slate_mark_words(struct slate *self, uint32_t order, const uint64_t *blocks, uint32_t count,
                             bool is_free)
{
    PL_ASSERT(order >= SLATE_WORD_ORDER);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t index = blocks[i] - self->base;
        slate_words_fill(self, index / 64, 1u << (order - SLATE_WORD_ORDER), is_free);
        if (i + 1 == count || (blocks[i + 1] - self->base) / SLATE_CHUNK != index / SLATE_CHUNK)
            slate_chunk_refresh(self, index / SLATE_CHUNK);
    }
}

static void slate_mark_bits(struct slate *self, uint32_t order, const uint64_t *blocks, uint32_t count,
                            bool is_free)
{
    uint64_t block = slate_bits(0, UINT64_C(1) << order);
    bool changed = false;
    for (uint32_t i = 0; i < count;) {
        uint64_t w = (blocks[i] - self->base) / 64;
        uint64_t mask = 0;
        /* The base is a multiple of a chunk, so a frame's bit is in its number. */
        for (; i < count && (blocks[i] - self->base) / 64 == w; i++) {
            PL_ASSERT((mask >> (blocks[i] % 64) & 1) == 0);
            mask |= block << (blocks[i] % 64);
        }
        changed |= slate_word_mark(self, w, mask, is_free);
        if (i < count && (blocks[i] - self->base) / SLATE_CHUNK == w / SLATE_CHUNK_WORDS)
            continue;
        if (changed)
            slate_chunk_refresh(self, w / SLATE_CHUNK_WORDS);
        changed = false;
    }
}

void slate_mark_blocks(struct slate *self, uint32_t order, const uint64_t *blocks, uint32_t count,
                       bool is_free)
{
    PL_ASSERT(blocks != NULL);
    PL_ASSERT(order <= SLATE_MAX_ORDER);
    if (order >= SLATE_WORD_ORDER)
        slate_mark_words(self, order, blocks, count, is_free);
    else
        slate_mark_bits(self, order, blocks, count, is_free);
    uint64_t frames = (uint64_t)count << order;
    slate_free_count_add(self, is_free ? frames : 0 - frames);
}
