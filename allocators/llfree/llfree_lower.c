/* The lower level: blocks by compare-and-swap on words of bits and on pairs of children. What takes several
 * words takes them one by one and gives them back when one is not to be had. */
#include "llfree_internal.h"

/* Frames of one child, bits only. False: one was not clear, and all are as they were. */
static bool llfree_words_take(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count)
{
    uint64_t end = index + frame_count;
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(index / LLFREE_CHILD_FRAMES == (end - 1) / LLFREE_CHILD_FRAMES);
    for (uint64_t at = index; at < end; at = (at / 64 + 1) * 64) {
        uint64_t here = end - at < 64 - at % 64 ? end - at : 64 - at % 64;
        if (llfree_bits_take(&zone->word[at / 64], llfree_mask(at % 64, here)))
            continue;
        for (uint64_t undo = index; undo < at; undo = (undo / 64 + 1) * 64)
            llfree_bits_give(&zone->word[undo / 64], llfree_mask(undo % 64, 64 - undo % 64));
        return false;
    }
    return true;
}

/* A block of several words of a child, of which the number is taken. */
static uint64_t llfree_words_find(const struct llfree_zone *zone, uint64_t child, uint64_t row,
                                  uint32_t order)
{
    uint64_t words = UINT64_C(1) << (order - LLFREE_WORD_ORDER);
    PL_ASSERT(order > LLFREE_WORD_ORDER);
    PL_ASSERT(order < LLFREE_CHILD_ORDER);
    for (uint64_t i = 0; i < LLFREE_CHILD_WORDS; i += words) {
        uint64_t w = child * LLFREE_CHILD_WORDS + ((row + i) & (LLFREE_CHILD_WORDS - words));
        if (atomic_load_explicit(&zone->word[w], memory_order_relaxed) == 0 &&
            llfree_words_take(zone, w * 64, words * 64))
            return w * 64;
    }
    return LLFREE_NONE;
}

/* One or two whole children, which touches no bits. */
static uint64_t llfree_take_whole(const struct llfree_zone *zone, uint64_t row, uint32_t order)
{
    uint64_t children = llfree_tree_frames(zone) / LLFREE_CHILD_FRAMES;
    uint64_t step = UINT64_C(1) << (order - LLFREE_CHILD_ORDER);
    uint64_t from = row / LLFREE_CHILD_WORDS;
    uint64_t first = from & ~(children - 1);
    PL_ASSERT(order >= LLFREE_CHILD_ORDER);
    PL_ASSERT(order <= LLFREE_MAX_ORDER);
    for (uint64_t i = 0; i < children; i += step) {
        uint64_t child = first + ((from + i) & (children - step));
        uint32_t shift = llfree_child_shift(child);
        uint32_t mask = step == 2 ? UINT32_MAX : UINT32_C(0xffff) << shift;
        uint32_t whole = (uint32_t)(LLFREE_CHILD_FRAMES | LLFREE_CHILD_FRAMES << 16) & mask;
        uint32_t huge = (LLFREE_HUGE | LLFREE_HUGE << 16) & mask;
        uint32_t old = atomic_load_explicit(&zone->pair[child / 2], memory_order_relaxed);
        while ((old & mask) == whole)
            if (atomic_compare_exchange_weak_explicit(&zone->pair[child / 2], &old, (old & ~mask) | huge,
                                                      memory_order_acquire, memory_order_relaxed))
                return child * LLFREE_CHILD_FRAMES;
    }
    return LLFREE_NONE;
}

/* From one child: its number, then its bits. */
static uint64_t llfree_child_take(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t child,
                                  uint64_t row, uint32_t order)
{
    if (PL_LIKELY(order <= LLFREE_WORD_ORDER))
        return llfree_row_take(zone, cpu, child * LLFREE_CHILD_WORDS + row, order);
    if (!llfree_child_sub(zone, child, UINT64_C(1) << order))
        return LLFREE_NONE;
    pl_point(cpu, zone); /* the number is gone, the bits are not */
    uint64_t found = llfree_words_find(zone, child, row, order);
    if (PL_UNLIKELY(found == LLFREE_NONE))
        llfree_child_add(zone, child, UINT64_C(1) << order);
    return found;
}

/* The children of the row's tree, the one with the row last: that had nothing just now. */
static PL_NOINLINE uint64_t llfree_tree_search(const struct llfree_zone *zone, struct pl_cpu *cpu,
                                               uint64_t row, uint32_t order)
{
    uint64_t children = llfree_tree_frames(zone) / LLFREE_CHILD_FRAMES;
    uint64_t from = row / LLFREE_CHILD_WORDS;
    uint64_t first = from & ~(children - 1);
    PL_ASSERT(order < LLFREE_CHILD_ORDER);
    PL_ASSERT(first >> (zone->tree_order - LLFREE_CHILD_ORDER) < zone->tree_count);
    /* A single frame is there, for its number is taken: it is missed only if others freed and took in the
     * same tree while the search went by, and each round that misses is a step of theirs. */
    uint32_t rounds = order == 0 ? LLFREE_ROUNDS : 1;
    while (rounds-- > 0) {
        for (uint64_t i = 1; i <= children; i++) {
            uint64_t child = first + ((from + i) & (children - 1));
            uint64_t found = llfree_child_take(zone, cpu, child, 0, order);
            if (found != LLFREE_NONE)
                return found;
        }
    }
    return LLFREE_NONE;
}

uint64_t llfree_lower_take(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t row, uint32_t order)
{
    PL_ASSERT(order <= LLFREE_MAX_ORDER);
    PL_ASSERT(row >> (zone->tree_order - LLFREE_WORD_ORDER) < zone->tree_count);
    if (PL_UNLIKELY(order >= LLFREE_CHILD_ORDER))
        return llfree_take_whole(zone, row, order);
    uint64_t found = llfree_child_take(zone, cpu, row / LLFREE_CHILD_WORDS, row % LLFREE_CHILD_WORDS, order);
    return found != LLFREE_NONE ? found : llfree_tree_search(zone, cpu, row, order);
}

bool llfree_lower_take_at(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count)
{
    uint64_t child = index / LLFREE_CHILD_FRAMES;
    PL_ASSERT(frame_count > 0);
    PL_ASSERT((index + frame_count - 1) / LLFREE_CHILD_FRAMES == child);
    if (!llfree_child_sub(zone, child, frame_count))
        return false;
    if (frame_count == LLFREE_CHILD_FRAMES) {
        /* All its number is ours, so no bit is set or about to be: nobody else changes this child. */
        atomic_fetch_or_explicit(&zone->pair[child / 2], LLFREE_HUGE << llfree_child_shift(child),
                                 memory_order_relaxed);
        return true;
    }
    if (llfree_words_take(zone, index, frame_count))
        return true;
    llfree_child_add(zone, child, frame_count);
    return false;
}

bool llfree_lower_is_granted(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count)
{
    uint64_t end = index + frame_count;
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(end <= zone->tree_count << zone->tree_order);
    for (uint64_t at = index; at < end;) {
        bool is_huge = llfree_child(zone, at / LLFREE_CHILD_FRAMES, memory_order_relaxed) >= LLFREE_HUGE;
        if (is_huge) {
            if (at % LLFREE_CHILD_FRAMES != 0 || end - at < LLFREE_CHILD_FRAMES)
                return false; /* a part of what was granted whole and not split */
            at += LLFREE_CHILD_FRAMES;
        } else {
            uint64_t here = end - at < 64 - at % 64 ? end - at : 64 - at % 64;
            uint64_t mask = llfree_mask(at % 64, here);
            if ((atomic_load_explicit(&zone->word[at / 64], memory_order_relaxed) & mask) != mask)
                return false;
            at += here;
        }
    }
    return true;
}

void llfree_lower_give(const struct llfree_zone *zone, struct pl_cpu *cpu, uint64_t index,
                       uint64_t frame_count)
{
    uint64_t end = index + frame_count;
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(end <= zone->tree_count << zone->tree_order);
    while (index < end) {
        uint64_t child = index / LLFREE_CHILD_FRAMES;
        uint64_t stop = (child + 1) * LLFREE_CHILD_FRAMES < end ? (child + 1) * LLFREE_CHILD_FRAMES : end;
        if (llfree_child(zone, child, memory_order_relaxed) >= LLFREE_HUGE) {
            PL_ASSERT(stop - index == LLFREE_CHILD_FRAMES);
            atomic_fetch_xor_explicit(&zone->pair[child / 2],
                                      (uint32_t)(LLFREE_HUGE | LLFREE_CHILD_FRAMES)
                                          << llfree_child_shift(child),
                                      memory_order_release);
        } else {
            for (uint64_t at = index; at < stop; at = (at / 64 + 1) * 64) {
                uint64_t here = stop - at < 64 - at % 64 ? stop - at : 64 - at % 64;
                llfree_bits_give(&zone->word[at / 64], llfree_mask(at % 64, here));
            }
            pl_point(cpu, zone); /* the bits are clear, and no number knows */
            llfree_child_add(zone, child, stop - index);
        }
        index = stop;
    }
}

void llfree_lower_split(const struct llfree_zone *zone, uint64_t index, uint64_t frame_count)
{
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(llfree_lower_is_granted(zone, index, frame_count));
    for (uint64_t at = index; at < index + frame_count;
         at = (at / LLFREE_CHILD_FRAMES + 1) * LLFREE_CHILD_FRAMES) {
        uint64_t child = at / LLFREE_CHILD_FRAMES;
        if (llfree_child(zone, child, memory_order_relaxed) < LLFREE_HUGE)
            continue;
        /* The caller owns every bit of it; others look at bits only after they took of the child's number,
         * which stays 0 until parts come back. */
        for (uint64_t w = 0; w < LLFREE_CHILD_WORDS; w++)
            atomic_store_explicit(&zone->word[child * LLFREE_CHILD_WORDS + w], UINT64_MAX,
                                  memory_order_relaxed);
        atomic_fetch_xor_explicit(&zone->pair[child / 2], LLFREE_HUGE << llfree_child_shift(child),
                                  memory_order_release);
    }
}
