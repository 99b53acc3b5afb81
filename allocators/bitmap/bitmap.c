/* A bit a frame, lowest address first, under one lock. A summary tree for every order makes every search a
 * few counts of trailing zeros, however full or broken up the machine is.
 *
 * Lowest address, because it keeps the upper end of the machine whole for large orders, needs no state beside
 * the bits, and makes a run repeatable from them alone. */
#include <stdio.h>

#include "bitmap_internal.h"

/* ---- marking ---- */

/* Leaf bits `mask` of leaf word `at` become 1, and every level above agrees. */
PL_INLINE void bitmap_tree_set(const struct bitmap_tree *tree, const struct bitmap_shape *shape, uint64_t at,
                               uint64_t mask)
{
    PL_ASSERT(mask != 0);
    PL_ASSERT(at < shape->words[0]);
    for (uint32_t level = 0; level < shape->level_count; level++) {
        uint64_t before = tree->level[level][at];
        tree->level[level][at] = before | mask;
        if (before != 0)
            return;
        mask = UINT64_C(1) << (at % 64);
        at /= 64;
    }
}

/* Leaf bits `mask` of leaf word `at` become 0, and every level above agrees. */
PL_INLINE void bitmap_tree_clear(const struct bitmap_tree *tree, const struct bitmap_shape *shape,
                                 uint64_t at, uint64_t mask)
{
    PL_ASSERT(mask != 0);
    PL_ASSERT(at < shape->words[0]);
    for (uint32_t level = 0; level < shape->level_count; level++) {
        uint64_t after = tree->level[level][at] & ~mask;
        tree->level[level][at] = after;
        if (after != 0)
            return;
        mask = UINT64_C(1) << (at % 64);
        at /= 64;
    }
}

/* The fit of a word or group that lost bits: at most what it was, and seldom much less, since what is left of
 * a block that was cut is its halves. */
PL_INLINE uint32_t bitmap_fit_after_loss(uint64_t bits, uint32_t fit)
{
    PL_ASSERT(fit <= BITMAP_WORD_FIT);
    PL_ASSERT(fit > 0);
    if (fit == BITMAP_WORD_FIT)
        fit--;
    while (fit > 0 && bitmap_starts(bits, fit - 1) == 0)
        fit--;
    return fit;
}

/* The fit of a word or group that won bits: at least what it was. */
PL_INLINE uint32_t bitmap_fit_after_gain(uint64_t bits, uint32_t fit, uint32_t fit_max)
{
    PL_ASSERT(fit <= fit_max);
    PL_ASSERT(bits != 0);
    while (fit < fit_max && bitmap_starts(bits, fit) != 0)
        fit++;
    return fit;
}

/* Words of one group, by mask, gain blocks: their fit goes from `old` to `new`. */
static PL_NOINLINE void bitmap_gain(struct bitmap *self, uint64_t group, uint64_t mask, uint32_t old,
                                    uint32_t new)
{
    PL_ASSERT(old < new);
    PL_ASSERT(new <= BITMAP_WORD_FIT);
    for (uint32_t order = old; order < new; order++)
        bitmap_tree_set(&self->tree[order], &self->word_shape, group, mask);
    if (new < BITMAP_WORD_FIT)
        return;
    /* Words became wholly free: bits of the group's own word, which is order 6 of the group. */
    uint64_t free_words = self->tree[BITMAP_WORD_ORDER].level[0][group];
    uint32_t before = self->group_fit[group];
    uint32_t after = bitmap_fit_after_gain(free_words, before, BITMAP_GROUP_FIT);
    self->group_fit[group] = (uint8_t)after;
    for (uint32_t order = before > 0 ? before : 1; order < after; order++)
        bitmap_tree_set(&self->tree[BITMAP_WORD_ORDER + order], &self->group_shape, group / 64,
                        UINT64_C(1) << (group % 64));
}

/* Words of one group, by mask, lose blocks: their fit goes from `old` to `new`. */
static PL_NOINLINE void bitmap_lose(struct bitmap *self, uint64_t group, uint64_t mask, uint32_t old,
                                    uint32_t new)
{
    PL_ASSERT(new < old);
    PL_ASSERT(old <= BITMAP_WORD_FIT);
    for (uint32_t order = new; order < old; order++)
        bitmap_tree_clear(&self->tree[order], &self->word_shape, group, mask);
    if (old < BITMAP_WORD_FIT)
        return;
    uint64_t free_words = self->tree[BITMAP_WORD_ORDER].level[0][group];
    uint32_t before = self->group_fit[group];
    uint32_t after = bitmap_fit_after_loss(free_words, before);
    self->group_fit[group] = (uint8_t)after;
    for (uint32_t order = after > 0 ? after : 1; order < before; order++)
        bitmap_tree_clear(&self->tree[BITMAP_WORD_ORDER + order], &self->group_shape, group / 64,
                          UINT64_C(1) << (group % 64));
}

/* Do the trees know less of the late word than is true? */
PL_INLINE bool bitmap_is_late(const struct bitmap *self)
{
    uint64_t bits = self->word[self->late].free;
    uint32_t fit = self->fit[self->late];
    return bits != 0 && bitmap_fit_after_gain(bits, fit, BITMAP_WORD_FIT) != fit;
}

/* Tells the trees what the late word has won. */
static PL_NOINLINE void bitmap_settle(struct bitmap *self)
{
    uint64_t w = self->late;
    PL_ASSERT(w < self->word_count);
    uint32_t old = self->fit[w];
    if (self->word[w].free == 0)
        return;
    uint32_t new = bitmap_fit_after_gain(self->word[w].free, old, BITMAP_WORD_FIT);
    PL_ASSERT(new >= old);
    if (old == new)
        return;
    self->fit[w] = (uint8_t)new;
    bitmap_gain(self, w / 64, UINT64_C(1) << (w % 64), old, new);
}

/* Frames `mask` of one word, none of them free, become free. The word becomes the late one. */
PL_INLINE void bitmap_set_free(struct bitmap *self, uint64_t w, uint64_t mask)
{
    PL_ASSERT((self->word[w].free & mask) == 0);
    PL_ASSERT(mask != 0);
    self->word[w].free |= mask;
    if (PL_LIKELY(w == self->late && self->fit[w] != 0))
        return;
    bitmap_settle(self);
    self->late = w;
    if (self->fit[w] == 0)
        bitmap_settle(self); /* order 0 must find it at once */
}

/* Frames `mask` of one word, all of them free, are free no longer. */
PL_INLINE void bitmap_set_busy(struct bitmap *self, uint64_t w, uint64_t mask)
{
    uint64_t bits = self->word[w].free & ~mask;
    uint32_t old = self->fit[w];
    uint32_t new = bitmap_fit_after_loss(bits, old);
    PL_ASSERT((self->word[w].free & mask) == mask);
    PL_ASSERT(mask != 0);
    self->word[w].free = bits;
    if (old == new)
        return;
    self->fit[w] = (uint8_t)new;
    bitmap_lose(self, w / 64, UINT64_C(1) << (w % 64), old, new);
}

/* Whole words [w, end) of one group change over. */
static void bitmap_set_words(struct bitmap *self, uint64_t w, uint64_t end, bool is_free)
{
    uint64_t mask = (UINT64_MAX >> (64 - (end - w))) << (w % 64);
    PL_ASSERT(w < end);
    PL_ASSERT(w / 64 == (end - 1) / 64);
    for (uint64_t i = w; i < end; i++) {
        PL_ASSERT(self->word[i].free == (is_free ? 0 : UINT64_MAX));
        self->word[i].free = is_free ? UINT64_MAX : 0;
        self->fit[i] = is_free ? BITMAP_WORD_FIT : 0;
    }
    if (is_free)
        bitmap_gain(self, w / 64, mask, 0, BITMAP_WORD_FIT);
    else
        bitmap_lose(self, w / 64, mask, BITMAP_WORD_FIT, 0);
}

void bitmap_set_frames(struct bitmap *self, uint64_t first, uint64_t frame_count, bool is_free)
{
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(first + frame_count <= self->word_count * 64);
    uint64_t at = first;
    uint64_t end = first + frame_count;
    bitmap_settle(self);
    while (at < end) {
        uint64_t left = end - at;
        if (at % 64 != 0 || left < 64) {
            uint64_t here = 64 - at % 64 < left ? 64 - at % 64 : left;
            uint64_t mask = (UINT64_MAX >> (64 - here)) << (at % 64);
            if (is_free)
                bitmap_set_free(self, at / 64, mask);
            else
                bitmap_set_busy(self, at / 64, mask);
            at += here;
        } else {
            uint64_t group_end = (at / 4096 + 1) * 64;
            uint64_t word_end = end / 64 < group_end ? end / 64 : group_end;
            bitmap_set_words(self, at / 64, word_end, is_free);
            at = word_end * 64;
        }
    }
}

/* ---- grants ---- */

static void bitmap_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* Marks free frames as one grant. */
PL_INLINE void bitmap_grant(struct bitmap *self, uint64_t index, uint64_t frame_count)
{
    uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
    PL_MUTANT_TRIGGERED("bitmap-count-unlocked", PL_MUTANT_KEPT(1));
    PL_ASSERT(free_count >= frame_count);
    PL_ASSERT((self->word[index / 64].free >> (index % 64) & 1) != 0);
    uint64_t taken = frame_count;
    if (frame_count > 1 && PL_MUTANT("bitmap-last-left")) {
        PL_MUTANT_TRIGGERED("bitmap-last-left", true);
        taken--;
    }
    if (frame_count == 1)
        bitmap_set_busy(self, index / 64, UINT64_C(1) << (index % 64));
    else
        bitmap_set_frames(self, index, taken, false);
    self->word[index / 64].head |= UINT64_C(1) << (index % 64);
    atomic_store_explicit(&self->free_count, free_count - frame_count, memory_order_relaxed);
}

void bitmap_grant_run(struct bitmap *self, uint64_t index, uint64_t frame_count)
{
    bitmap_grant(self, index, frame_count);
}

static enum pl_status bitmap_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                   struct pl_run *run)
{
    struct bitmap *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (PL_UNLIKELY(request->alloc_class >= PL_CLASS_COUNT))
        return PL_INVALID;
    if (PL_UNLIKELY(request->order > BITMAP_MAX_ORDER))
        return PL_UNSUPPORTED;
    uint64_t frame_count = UINT64_C(1) << request->order;
    uint64_t found;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    if (request->order > 0 && PL_MUTANT("bitmap-late-unsettled"))
        PL_MUTANT_TRIGGERED("bitmap-late-unsettled", bitmap_is_late(self));
    else if (request->order > 0)
        bitmap_settle(self);
    if (PL_LIKELY(request->node == PL_NODE_ANY || (request->node == 0 && self->machine->node_count == 1))) {
        found = bitmap_find_lowest(self, request->order);
    } else {
        struct pl_constraints want = {.frame_count = frame_count, .high = pl_frame_at(UINT64_MAX)};
        found = bitmap_search(self, request, &want, true);
    }
    pl_point(cpu, self); /* found, and not yet taken */
    if (PL_LIKELY(found != BITMAP_NONE))
        bitmap_grant(self, found, frame_count);
    pl_unlock_masked(&self->lock, cpu, before);
    if (PL_UNLIKELY(found == BITMAP_NONE))
        return PL_NO_MEMORY;
    *run = (struct pl_run){
        .first = pl_frame_at(self->base + found), .frame_count = frame_count, .order = request->order};
    return PL_OK;
}

/* Is the frame in a range? Ranges ascend: halves the list until one is left. */
static bool bitmap_in_range(const struct pl_machine *machine, uint64_t frame)
{
    PL_ASSERT(machine->range_count > 0);
    const struct pl_range *range = machine->ranges;
    uint32_t left = machine->range_count;
    while (left > 1) {
        uint32_t half = left / 2;
        if (range[half].first.number <= frame)
            range += half;
        left -= half;
    }
    return frame >= range->first.number && frame - range->first.number < range->frame_count;
}

/* True iff `run` is exactly one grant: it begins at a head and ends where the grant does. */
PL_INLINE bool bitmap_is_grant(const struct bitmap *self, const struct pl_run *run)
{
    bool in_range = bitmap_in_range(self->machine, run->first.number);
    uint64_t index = run->first.number - self->base;
    if (!in_range && PL_MUTANT("bitmap-hole-freed")) {
        uint64_t at = run->first.number - self->machine->first.number;
        in_range = run->first.number >= self->machine->first.number && at < self->machine->span;
        PL_MUTANT_TRIGGERED("bitmap-hole-freed", in_range);
    }
    if (!in_range)
        return false;
    PL_ASSERT(index < self->word_count * 64);
    PL_ASSERT((self->word[index / 64].free & self->word[index / 64].head) == 0);
    if ((self->word[index / 64].head >> (index % 64) & 1) == 0)
        return false;
    if (pl_is_power_of_two(run->frame_count) && run->order != PL_CTZ64(run->frame_count))
        return false;
    return bitmap_grant_end(self, index) - index == run->frame_count;
}

static enum pl_status bitmap_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct bitmap *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    bool granted = bitmap_is_grant(self, run);
    if (PL_LIKELY(granted)) {
        uint64_t index = run->first.number - self->base;
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        PL_ASSERT(free_count + run->frame_count <= self->machine->frame_count);
        self->word[index / 64].head &= ~(UINT64_C(1) << (index % 64));
        pl_point(cpu, self);
        if (run->frame_count == 1)
            bitmap_set_free(self, index / 64, UINT64_C(1) << (index % 64));
        else
            bitmap_set_frames(self, index, run->frame_count, true);
        if (!PL_MUTANT_ALIVE("bitmap-count-unlocked"))
            atomic_store_explicit(&self->free_count, free_count + run->frame_count, memory_order_relaxed);
    }
    PL_MUTANT_KEEP("bitmap-count-unlocked", granted);
    pl_unlock_masked(&self->lock, cpu, before);
    if (granted && PL_MUTANT("bitmap-count-unlocked")) {
        uint64_t free_count = atomic_load_explicit(&self->free_count, memory_order_relaxed);
        uint64_t seen = atomic_exchange(&self->free_count, free_count + run->frame_count);
        PL_MUTANT_TRIGGERED("bitmap-count-unlocked", seen != free_count);
        PL_MUTANT_KEEP("bitmap-count-unlocked", 0);
    }
    return granted ? PL_OK : PL_REFUSED;
}

/* Each part gets its own head. A grant whose parts would not be naturally aligned is not cut: PL_INVALID. */
static enum pl_status bitmap_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run,
                                   uint32_t order)
{
    struct bitmap *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(run != NULL);
    if (order > BITMAP_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t part = UINT64_C(1) << order;
    enum pl_status status = PL_OK;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    if (!bitmap_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else {
        uint64_t index = run->first.number - self->base;
        for (uint64_t end = index + run->frame_count; index < end; index += part)
            self->word[index / 64].head |= UINT64_C(1) << (index % 64);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    return status;
}

static void bitmap_count(const void *instance, struct pl_page_counts *counts)
{
    const struct bitmap *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_page_counts){.free = atomic_load_explicit(&self->free_count, memory_order_relaxed)};
}

static void bitmap_settings(const void *instance, char *text, size_t bytes)
{
    const struct bitmap *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "policy=lowest-address orders=0-%u summary_levels=%u metadata=bits",
             BITMAP_MAX_ORDER, self->word_shape.level_count);
}

static const struct pl_page_ops bitmap_page = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_COMPLETE |
            PL_CAP_CHECKS_FREE | PL_CAP_SPLIT | PL_CAP_RUNS | PL_CAP_HOLES | PL_CAP_BASE | PL_CAP_NODES,
    .max_order = BITMAP_MAX_ORDER,
    .meta_bytes = bitmap_meta_bytes,
    .init = bitmap_init,
    .fini = bitmap_fini,
    .alloc = bitmap_alloc,
    .free = bitmap_free,
    .split = bitmap_split,
    .alloc_run = bitmap_alloc_run,
    .count = bitmap_count,
    .audit = bitmap_audit,
    .settings = bitmap_settings,
};

extern const struct pl_candidate pl_candidate_bitmap;
const struct pl_candidate pl_candidate_bitmap = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "bitmap",
    .summary = "a bit a frame, a summary tree for each order, one lock",
    .kind = PL_KIND_CANDIDATE,
    .page = &bitmap_page,
};
