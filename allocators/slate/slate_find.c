/* Searches: the chunk with the least room that is room enough, in it the smallest free piece that is large
 * enough, and of several the lowest. So frames come from what is broken already, and whole chunks stay. */
#include <string.h>

#include "slate_internal.h"

/* The first aligned free piece of 2^step bits among `bits`: of those that lie in the smallest free piece, the
 * lowest. 64: there is none. */
static uint32_t slate_best(uint64_t bits, uint32_t step)
{
    uint64_t pieces = bits;
    PL_ASSERT(step <= SLATE_WORD_ORDER);
    for (uint32_t i = 0; i < step; i++)
        pieces = slate_doubled(pieces, i);
    if (pieces == 0)
        return 64;
    for (; step < SLATE_WORD_ORDER; step++) {
        uint64_t larger = slate_doubled(pieces, step);
        uint64_t alone = pieces & ~(larger | larger << (1u << step));
        if (alone != 0)
            return PL_CTZ64(alone);
        pieces = larger;
    }
    return PL_CTZ64(pieces);
}

/* What slate_take is about. */
struct slate_wish {
    uint32_t order;
    uint32_t left; /* blocks still wanted */
    uint64_t low;
    uint64_t high;
    uint64_t *top; /* behind the slot to be filled next: from the end downwards */
};

/* The free bits of word w that lie in bounds. */
PL_INLINE uint64_t slate_free_bits(const struct slate *self, const struct slate_wish *wish, uint64_t w)
{
    uint64_t bits = ~self->word[w];
    uint64_t first = w * 64;
    if (PL_UNLIKELY(first < wish->low))
        bits = wish->low - first < 64 ? bits & (UINT64_MAX << (wish->low - first)) : 0;
    if (PL_UNLIKELY(first + 64 > wish->high))
        bits = first < wish->high ? bits & (UINT64_MAX >> (first + 64 - wish->high)) : 0;
    return bits;
}

/* Do the bounds cut the chunk? */
PL_INLINE bool slate_is_cut(const struct slate_wish *wish, uint64_t chunk)
{
    return chunk * SLATE_CHUNK < wish->low || (chunk + 1) * SLATE_CHUNK > wish->high;
}

/* The chunk's wholly free words that lie in bounds. */
static uint32_t slate_whole_words(const struct slate *self, const struct slate_wish *wish, uint64_t chunk)
{
    uint64_t first = chunk * SLATE_CHUNK_WORDS;
    uint32_t words = slate_free_words(&self->word_lacks[first]);
    if (PL_LIKELY(!slate_is_cut(wish, chunk)))
        return words;
    for (uint32_t i = 0; i < SLATE_CHUNK_WORDS; i++) {
        if (slate_free_bits(self, wish, first + i) != UINT64_MAX)
            words &= ~(UINT32_C(1) << i);
    }
    return words;
}

/* Takes what is wanted out of a word that is wholly free and in bounds, from below. */
PL_INLINE void slate_take_whole_word(struct slate *self, struct slate_wish *wish, uint64_t w)
{
    uint32_t fit = 64u >> wish->order;
    uint32_t count = wish->left < fit ? wish->left : fit;
    uint64_t first = self->base + w * 64;
    PL_ASSERT(self->word[w] == 0);
    PL_ASSERT(count > 0);
    wish->left -= count;
    wish->top -= count;
    if (count == 64) {
        for (uint32_t i = 0; i < 64; i++)
            wish->top[i] = first + 63 - i;
    } else {
        for (uint32_t i = 0; i < count; i++)
            wish->top[i] = first + ((uint64_t)(count - 1 - i) << wish->order);
    }
    if (count == fit)
        slate_words_fill(self, w, 1, false);
    else
        (void)slate_word_write(self, w, UINT64_MAX >> (64 - (count << wish->order)));
}

/* Takes what is wanted out of a word that is broken, or cut by the bounds. */
static void slate_take_broken_word(struct slate *self, struct slate_wish *wish, uint64_t w)
{
    uint64_t block = UINT64_MAX >> (64 - (UINT64_C(1) << wish->order));
    uint64_t bits = slate_free_bits(self, wish, w);
    uint64_t taken = 0;
    while (wish->left > 0) {
        uint32_t bit = wish->order > 0 ? slate_best(bits, wish->order) : bits != 0 ? PL_CTZ64(bits) : 64;
        if (bit == 64)
            break;
        bits &= ~(block << bit);
        taken |= block << bit;
        *--wish->top = self->base + w * 64 + bit;
        wish->left--;
    }
    if (taken != 0)
        (void)slate_word_write(self, w, self->word[w] | taken);
}

/* Orders below a word: words that are broken already, those with the least room that will do first; then
 * whole ones. */
static void slate_take_small(struct slate *self, struct slate_wish *wish, uint64_t chunk)
{
    uint64_t first = chunk * SLATE_CHUNK_WORDS;
    const uint8_t *lacks = &self->word_lacks[first];
    uint32_t whole = slate_whole_words(self, wish, chunk);
    uint32_t broken = 0; /* bit i: word i is broken and has such a block */
    PL_ASSERT(wish->order < SLATE_WORD_ORDER);
    for (uint32_t i = 0; whole != (1u << SLATE_CHUNK_WORDS) - 1 && i < SLATE_CHUNK_WORDS; i++)
        broken |= (uint32_t)(lacks[i] != 0 && (lacks[i] >> wish->order & 1) == 0) << i;
    while (wish->left > 0 && broken != 0) {
        uint32_t best = PL_CTZ64(broken);
        for (uint32_t rest = broken & (broken - 1); wish->order > 0 && rest != 0; rest &= rest - 1)
            best = lacks[PL_CTZ64(rest)] > lacks[best] ? PL_CTZ64(rest) : best;
        slate_take_broken_word(self, wish, first + best);
        broken &= ~(UINT32_C(1) << best);
    }
    while (wish->left > 0 && whole != 0) {
        uint32_t word = slate_best(whole, 0);
        slate_take_whole_word(self, wish, first + word);
        whole &= ~(UINT32_C(1) << word);
    }
    /* Whole words that the bounds cut. */
    for (uint32_t i = 0; wish->left > 0 && i < SLATE_CHUNK_WORDS && slate_is_cut(wish, chunk); i++) {
        if (lacks[i] == 0)
            slate_take_broken_word(self, wish, first + i);
    }
}

/* slate_best for half a chunk, and for a whole one: there is little to choose from. */
PL_INLINE uint32_t slate_best_half(uint32_t whole, uint32_t step)
{
    bool low = (whole & 0xffu) == 0xffu;
    bool high = whole >> 8 == 0xffu;
    PL_ASSERT(step == 3 || step == 4);
    if (step == 4)
        return low && high ? 0 : 64;
    return low ? 0 : high ? 8 : 64;
}

/* Orders of a word and more. */
static void slate_take_large(struct slate *self, struct slate_wish *wish, uint64_t chunk)
{
    uint64_t first = chunk * SLATE_CHUNK_WORDS;
    uint32_t step = wish->order - SLATE_WORD_ORDER;
    uint32_t whole = slate_whole_words(self, wish, chunk);
    PL_ASSERT(wish->order >= SLATE_WORD_ORDER);
    while (wish->left > 0) {
        uint32_t word = step < 3 ? slate_best(whole, step) : slate_best_half(whole, step);
        if (word == 64)
            return;
        slate_words_fill(self, first + word, 1u << step, false);
        whole &= ~(((UINT32_C(1) << (1u << step)) - 1) << word);
        *--wish->top = self->base + (first + word) * 64;
        wish->left--;
    }
}

uint32_t slate_take(struct slate *self, uint32_t order, uint64_t low, uint64_t high, uint64_t *slots,
                    uint32_t wanted)
{
    struct slate_wish wish = {
        .order = order, .left = wanted, .low = low, .high = high, .top = slots + wanted};
    uint32_t lists = self->present & ((UINT32_C(2) << (SLATE_MAX_ORDER - order)) - 1);
    PL_ASSERT(order <= SLATE_MAX_ORDER);
    PL_ASSERT(wanted > 0);
    while (lists != 0 && wish.left > 0) {
        uint32_t lack = 63u - PL_CLZ64(lists);
        uint64_t chunk = low / SLATE_CHUNK;
        lists &= ~(UINT32_C(1) << lack);
        while (wish.left > 0) {
            chunk = slate_list_next(self, lack, chunk);
            if (chunk == SLATE_NONE || chunk * SLATE_CHUNK >= high)
                break;
            if (order < SLATE_WORD_ORDER)
                slate_take_small(self, &wish, chunk);
            else
                slate_take_large(self, &wish, chunk);
            slate_chunk_refresh(self, chunk);
            chunk++;
        }
    }
    uint32_t taken = wanted - wish.left;
    if (wish.left > 0)
        memmove(slots, wish.top, taken * sizeof(slots[0]));
    slate_free_count_add(self, 0 - ((uint64_t)taken << order));
    return taken;
}

uint32_t slate_take_near(struct slate *self, const struct pl_cpu *cpu, const struct pl_request *request,
                         uint64_t *slots, uint32_t wanted)
{
    const struct pl_machine *machine = self->machine;
    if (machine->node_count == 1 && (request->node == 0 || request->node == PL_NODE_ANY))
        return slate_take(self, request->order, 0, self->chunk_count * SLATE_CHUNK, slots, wanted);
    uint32_t node = request->node == PL_NODE_ANY ? cpu->node : request->node;
    for (int is_near = 1; is_near >= 0; is_near--) {
        if (is_near == 0 && request->node != PL_NODE_ANY && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
            break;
        for (uint32_t i = 0; i < machine->range_count; i++) {
            const struct pl_range *range = &machine->ranges[i];
            uint64_t low = range->first.number - self->base;
            if ((range->node == node) != (is_near == 1))
                continue;
            uint32_t taken = slate_take(self, request->order, low, low + range->frame_count, slots, wanted);
            if (taken > 0)
                return taken;
        }
    }
    return 0;
}

/* ---- runs ---- */

/* The first index in [from, to) whose frame is free, or busy; `to` if there is none. */
static uint64_t slate_next(const struct slate *self, uint64_t from, uint64_t to, bool is_free)
{
    uint32_t barren = is_free ? SLATE_CHUNK_FULL : 0; /* a chunk of this lack has none */
    PL_ASSERT(to <= self->chunk_count * SLATE_CHUNK);
    while (from < to) {
        if (self->chunk_lack[from / SLATE_CHUNK] == barren) {
            from = (from / SLATE_CHUNK + 1) * SLATE_CHUNK;
            continue;
        }
        uint64_t bits = self->word[from / 64] ^ (is_free ? UINT64_MAX : 0);
        bits &= UINT64_MAX << (from % 64);
        if (bits != 0) {
            from = from / 64 * 64 + PL_CTZ64(bits);
            break;
        }
        from = (from / 64 + 1) * 64;
    }
    return from < to ? from : to;
}

/* [low, high) are indexes inside one range. */
static uint64_t slate_find_run_in(const struct slate *self, const struct pl_constraints *want, uint64_t low,
                                  uint64_t high)
{
    for (uint64_t at = slate_next(self, low, high, true); at < high;) {
        uint64_t start = pl_legal_start(want, self->base + at);
        if (start == PL_FRAME_NONE || start - self->base >= high)
            return SLATE_NONE;
        at = start - self->base;
        if (high - at < want->frame_count)
            return SLATE_NONE;
        uint64_t busy = slate_next(self, at, at + want->frame_count, false);
        if (busy == at + want->frame_count)
            return at;
        at = slate_next(self, busy, high, true);
    }
    return SLATE_NONE;
}

uint64_t slate_find_run(const struct slate *self, const struct pl_request *request,
                        const struct pl_constraints *want)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(want->frame_count > 0);
    for (int is_near = 1; is_near >= 0; is_near--) {
        if (is_near == 0 && (request->flags & PL_REQUEST_NODE_ONLY) != 0)
            break;
        for (uint32_t i = 0; i < machine->range_count; i++) {
            const struct pl_range *range = &machine->ranges[i];
            bool is_wanted = request->node == PL_NODE_ANY || range->node == request->node;
            uint64_t low = range->first.number;
            uint64_t high = low + range->frame_count;
            low = low > want->low.number ? low : want->low.number;
            high = high < want->high.number ? high : want->high.number;
            if (is_wanted != (is_near == 1) || low >= high)
                continue;
            uint64_t found = slate_find_run_in(self, want, low - self->base, high - self->base);
            if (found != SLATE_NONE)
                return found;
        }
    }
    return SLATE_NONE;
}
