/* Lays the bitmap allocator out in its metadata, and makes the machine's frames free. */
#include "bitmap_internal.h"

static void bitmap_make_shape(struct bitmap_shape *shape, uint64_t leaf_count)
{
    PL_ASSERT(leaf_count > 0);
    shape->level_count = 0;
    uint64_t words = leaf_count;
    do {
        PL_ASSERT(shape->level_count < BITMAP_LEVEL_LIMIT);
        words = (words + 63) / 64;
        shape->words[shape->level_count++] = words;
    } while (words > 1);
}

/* Fills everything but the pointers. False if the machine is too large, or wraps. */
static bool bitmap_measure(struct bitmap *self, const struct pl_machine *machine)
{
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    uint64_t first = machine->first.number;
    uint64_t largest = UINT64_C(1) << BITMAP_MAX_ORDER;
    if (machine->span == 0 || machine->span > BITMAP_SPAN_MAX - 2 * largest)
        return false;
    if (machine->span + 2 * largest > UINT64_MAX - first)
        return false;
    self->machine = machine;
    self->base = first & ~(largest - 1);
    self->word_count = (first - self->base + machine->span) / 64 + 1;
    bitmap_make_shape(&self->word_shape, self->word_count);
    bitmap_make_shape(&self->group_shape, self->word_shape.words[0]);
    return true;
}

/* Deals out the metadata behind the structure; returns the bytes in all. With memory NULL only counts. */
static size_t bitmap_lay_out(struct bitmap *self, unsigned char *memory)
{
    PL_ASSERT(self->word_count > 0);
    PL_ASSERT(self->word_shape.level_count > 0);
    size_t at = (sizeof(struct bitmap) + PL_CPU_LINE_BYTES - 1) & ~(size_t)(PL_CPU_LINE_BYTES - 1);
    if (memory != NULL)
        self->word = (void *)(memory + at);
    at += self->word_count * sizeof(struct bitmap_word);
    for (uint32_t order = 0; order < BITMAP_TREE_COUNT; order++) {
        const struct bitmap_shape *shape = bitmap_tree_shape(self, order);
        for (uint32_t level = 0; level < shape->level_count; level++) {
            if (memory != NULL)
                self->tree[order].level[level] = (void *)(memory + at);
            at += shape->words[level] * sizeof(uint64_t);
        }
    }
    if (memory != NULL)
        self->fit = memory + at;
    at += self->word_count;
    if (memory != NULL)
        self->group_fit = memory + at;
    return at + self->word_shape.words[0];
}

size_t bitmap_meta_bytes(const struct pl_page_config *config)
{
    struct bitmap measured = {.word = NULL};
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return bitmap_measure(&measured, config->machine) ? bitmap_lay_out(&measured, NULL) : 0;
}

static void bitmap_set_heads(struct bitmap *self, uint64_t first, uint64_t frame_count, bool value)
{
    PL_ASSERT(first + frame_count <= self->word_count * 64);
    for (uint64_t at = first, end = first + frame_count; at < end;) {
        uint64_t here = 64 - at % 64 < end - at ? 64 - at % 64 : end - at;
        uint64_t mask = (UINT64_MAX >> (64 - here)) << (at % 64);
        PL_ASSERT(mask != 0);
        self->word[at / 64].head = value ? self->word[at / 64].head | mask : self->word[at / 64].head & ~mask;
        at += here;
    }
}

enum pl_status bitmap_init(void *instance, const struct pl_page_config *config)
{
    struct bitmap *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!bitmap_measure(self, machine) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    bitmap_lay_out(self, instance);
    bitmap_set_heads(self, 0, self->word_count * 64, true);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        bitmap_set_heads(self, range->first.number - self->base, range->frame_count, false);
        bitmap_set_frames(self, range->first.number - self->base, range->frame_count, true);
    }
    atomic_store_explicit(&self->free_count, machine->frame_count, memory_order_relaxed);
    return PL_OK;
}
