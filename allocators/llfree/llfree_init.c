/* Reads the params, lays LLFree out in its metadata, and makes the machine's frames free. What is zero in the
 * metadata is a free frame, so a large machine costs its children and trees, not its bits. */
#include <string.h>

#include "llfree_internal.h"

/* "tree=N": children a tree, a power of two. 0: wrong. */
static uint32_t llfree_parse(const char *text)
{
    static const struct {
        const char *text;
        uint32_t children;
    } known[] = {{"", LLFREE_CHILDREN}, {"tree=2", 2},   {"tree=4", 4},
                 {"tree=8", 8},         {"tree=16", 16}, {"tree=32", 32}};
    for (size_t i = 0; i < PL_COUNT_OF(known); i++)
        if (strcmp(text == NULL ? "" : text, known[i].text) == 0)
            return known[i].children;
    return 0;
}

static bool llfree_can_manage(const struct pl_machine *machine)
{
    PL_ASSERT(machine->ranges != NULL);
    if (machine->span == 0 || machine->span > LLFREE_SPAN_MAX || machine->first.number > UINT64_MAX / 2)
        return false;
    return machine->node_count > 0 && machine->node_count <= PL_NODE_LIMIT && machine->cpu_count > 0 &&
           machine->cpu_count <= PL_CPU_LIMIT && pl_machine_is_legal(machine);
}

/* Fills everything but the pointers: a zone from the first to the last frame of each node. */
static bool llfree_measure(struct llfree *self, const struct pl_page_config *config)
{
    const struct pl_machine *machine = config->machine;
    uint32_t children = llfree_parse(config->params);
    PL_ASSERT(self != NULL);
    if (children == 0 || !llfree_can_manage(machine))
        return false;
    self->machine = machine;
    self->zone_count = machine->node_count;
    self->tree_order = LLFREE_CHILD_ORDER + PL_CTZ64(children);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        struct llfree_zone *zone = &self->zone[range->node];
        if (zone->tree_count == 0)
            zone->base = range->first.number & ~((UINT64_C(1) << LLFREE_MAX_ORDER) - 1);
        uint64_t last = range->first.number + range->frame_count - 1 - zone->base;
        zone->tree_count = (last >> self->tree_order) + 1;
        zone->tree_order = self->tree_order;
        zone->cpu_count = machine->cpu_count;
        /* As the authors do: kinds are kept apart only where each CPU can have a tree of each. */
        zone->kind_count = zone->tree_count >= (uint64_t)LLFREE_KINDS * zone->cpu_count ? LLFREE_KINDS : 1;
        zone->is_shared = zone->tree_count < zone->cpu_count;
    }
    return true;
}

/* Deals out the metadata behind the structure; returns the bytes in all. With memory NULL only counts. */
static size_t llfree_lay_out(struct llfree *self, unsigned char *memory)
{
    size_t at = sizeof(struct llfree);
    PL_ASSERT(self->zone_count > 0);
    for (uint32_t i = 0; i < self->zone_count; i++) {
        struct llfree_zone *zone = &self->zone[i];
        uint64_t frames = zone->tree_count << self->tree_order;
        if (zone->tree_count == 0)
            continue;
        at = (at + PL_CPU_LINE_BYTES - 1) & ~(size_t)(PL_CPU_LINE_BYTES - 1);
        size_t local_at = at;
        size_t tree_at = local_at + zone->cpu_count * sizeof(struct llfree_local);
        size_t pair_at = tree_at + zone->tree_count * sizeof(struct llfree_tree);
        size_t word_at =
            (pair_at + frames / LLFREE_CHILD_FRAMES / 2 * sizeof(uint32_t) + PL_CACHE_LINE_BYTES - 1) &
            ~(size_t)(PL_CACHE_LINE_BYTES - 1); /* a child's bits are one line */
        at = word_at + frames / 8;
        if (memory == NULL)
            continue;
        zone->local = (void *)(memory + local_at);
        zone->pair = (void *)(memory + pair_at);
        zone->tree = (void *)(memory + tree_at);
        zone->word = (void *)(memory + word_at);
    }
    return at;
}

size_t llfree_meta_bytes(const struct pl_page_config *config)
{
    struct llfree measured = {.machine = NULL};
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return llfree_measure(&measured, config) ? llfree_lay_out(&measured, NULL) : 0;
}

/* A child that was all hole gets frames: from now on its bits count, and those of the hole are set. */
static void llfree_open_child(const struct llfree_zone *zone, uint64_t child, uint64_t first, uint64_t count)
{
    uint32_t shift = llfree_child_shift(child);
    uint32_t pair = atomic_load_explicit(&zone->pair[child / 2], memory_order_relaxed);
    uint64_t index = child * LLFREE_CHILD_FRAMES + first;
    uint64_t end = index + count;
    PL_ASSERT(count > 0);
    PL_ASSERT(first + count <= LLFREE_CHILD_FRAMES);
    if ((pair >> shift & LLFREE_HUGE) != 0) {
        pair &= ~(UINT32_C(0xffff) << shift);
        for (uint64_t w = 0; count < LLFREE_CHILD_FRAMES && w < LLFREE_CHILD_WORDS; w++)
            atomic_store_explicit(&zone->word[child * LLFREE_CHILD_WORDS + w], UINT64_MAX,
                                  memory_order_relaxed);
    }
    atomic_store_explicit(&zone->pair[child / 2], pair + ((uint32_t)count << shift), memory_order_relaxed);
    if (count == LLFREE_CHILD_FRAMES)
        return;
    for (uint64_t at = index; at < end; at = (at / 64 + 1) * 64) {
        uint64_t here = end - at < 64 - at % 64 ? end - at : 64 - at % 64;
        llfree_bits_give(&zone->word[at / 64], llfree_mask(at % 64, here));
    }
}

static void llfree_open_range(const struct llfree_zone *zone, const struct pl_range *range)
{
    uint64_t at = range->first.number - zone->base;
    uint64_t end = at + range->frame_count;
    PL_ASSERT(at < end);
    PL_ASSERT(end <= zone->tree_count << zone->tree_order);
    while (at < end) {
        uint64_t child = at / LLFREE_CHILD_FRAMES;
        uint64_t stop = (child + 1) * LLFREE_CHILD_FRAMES;
        uint64_t here = (stop < end ? stop : end) - at;
        _Atomic uint32_t *tree = &zone->tree[at >> zone->tree_order].entry;
        llfree_open_child(zone, child, at % LLFREE_CHILD_FRAMES, here);
        uint32_t free = atomic_load_explicit(tree, memory_order_relaxed);
        atomic_store_explicit(tree, free + (uint32_t)here, memory_order_relaxed);
        at += here;
    }
}

/* Where each CPU was before it was anywhere. With less than a tree for each: its share of the children, where
 * it begins. Else its share of the trees; a search begins at its place in that group (llfree_take_near). */
static void llfree_spread(const struct llfree_zone *zone)
{
    uint64_t steps =
        zone->is_shared ? zone->tree_count << (zone->tree_order - LLFREE_CHILD_ORDER) : zone->tree_count;
    uint32_t shift = (zone->is_shared ? LLFREE_CHILD_ORDER : zone->tree_order) - LLFREE_WORD_ORDER;
    PL_ASSERT(zone->tree_count > 0);
    for (uint32_t cpu = 0; cpu < zone->cpu_count; cpu++)
        for (uint32_t kind = 0; kind < LLFREE_KINDS; kind++)
            atomic_store_explicit(&zone->local[cpu].row[kind], (steps * cpu / zone->cpu_count) << shift,
                                  memory_order_relaxed);
}

enum pl_status llfree_init(void *instance, const struct pl_page_config *config)
{
    struct llfree *self = instance;
    const struct pl_machine *machine = config->machine;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (llfree_parse(config->params) == 0)
        return PL_INVALID;
    if (!llfree_measure(self, config))
        return PL_UNSUPPORTED;
    llfree_lay_out(self, instance);
    for (uint32_t i = 0; i < self->zone_count; i++) {
        const struct llfree_zone *zone = &self->zone[i];
        uint64_t pairs = zone->tree_count << zone->tree_order >> LLFREE_MAX_ORDER;
        for (uint64_t p = 0; p < pairs; p++)
            atomic_store_explicit(&zone->pair[p], LLFREE_HUGE | LLFREE_HUGE << 16, memory_order_relaxed);
        for (uint64_t t = 0; t < zone->tree_count; t++)
            atomic_store_explicit(&zone->tree[t].entry, (zone->kind_count - 1) * LLFREE_KIND_STEP,
                                  memory_order_relaxed);
        if (zone->tree_count > 0)
            llfree_spread(zone);
    }
    for (uint32_t i = 0; i < machine->range_count; i++)
        llfree_open_range(&self->zone[machine->ranges[i].node], &machine->ranges[i]);
    return PL_OK;
}
