/* Layout, parameters, zones and their numbers, and the lists of a fresh machine. */
#include <string.h>

#include "linux_cache.h"

#define LX_PARAM_BATCH_MAX 1024u
#define LX_PARAM_HIGH_MAX  (1u << 20)

/* --- parameters --- */

/* Reads the digits at *text and moves it behind them. LX_NONE if there are none or they are beyond the limit.
 */
static uint32_t lx_parse_number(const char **text, uint32_t limit)
{
    uint32_t number = 0;
    if (**text < '0' || **text > '9')
        return LX_NONE;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        number = number * 10 + (uint32_t)(**text - '0');
        if (number > limit)
            return LX_NONE;
    }
    return number;
}

/* "batch=N,high=N", each at most once. A high of 0 caches nothing; any other is at least a batch. */
bool lx_parse(const char *text, struct lx_params *params)
{
    *params = (struct lx_params){.batch = 0, .high = LX_NONE};
    while (text != NULL && *text != '\0') {
        if (strncmp(text, "batch=", 6) == 0 && params->batch == 0) {
            text += 6;
            params->batch = lx_parse_number(&text, LX_PARAM_BATCH_MAX);
            if (params->batch == 0 || params->batch == LX_NONE)
                return false;
        } else if (strncmp(text, "high=", 5) == 0 && params->high == LX_NONE) {
            text += 5;
            params->high = lx_parse_number(&text, LX_PARAM_HIGH_MAX);
            if (params->high == LX_NONE)
                return false;
        } else {
            return false;
        }
        if (*text == ',' && text[1] != '\0')
            text++;
        else if (*text != '\0')
            return false;
    }
    return params->high == 0 || params->high >= params->batch;
}

/* --- layout --- */

static uint64_t lx_line_up(uint64_t bytes)
{
    return (bytes + PL_CPU_LINE_BYTES - 1) & ~(uint64_t)(PL_CPU_LINE_BYTES - 1);
}

/* Frames of a range that are of this kind. */
static uint64_t lx_frames_in(const struct pl_range *range, enum lx_zone_kind kind)
{
    static const uint64_t ends[LX_ZONE_KIND_COUNT + 1] = {0, PL_ZONE_DMA_END, PL_ZONE_DMA32_END, UINT64_MAX};
    uint64_t low = range->first.number > ends[kind] ? range->first.number : ends[kind];
    uint64_t high = range->first.number + range->frame_count;
    PL_ASSERT(kind < LX_ZONE_KIND_COUNT);
    high = high < ends[kind + 1] ? high : ends[kind + 1];
    return low < high ? high - low : 0;
}

static uint64_t lx_frames_of(const struct pl_machine *machine, uint32_t node, enum lx_zone_kind kind)
{
    uint64_t frames = 0;
    PL_ASSERT(node < machine->node_count);
    for (uint32_t i = 0; i < machine->range_count; i++)
        if (machine->ranges[i].node == node)
            frames += lx_frames_in(&machine->ranges[i], kind);
    return frames;
}

/* Where each part begins. False if an index would not fit into 32 bits, or node or CPU numbers are beyond
 * their limits. */
struct lx_layout {
    uint64_t base;
    uint64_t index_count;
    uint32_t zone_count;
    uint64_t zones;
    uint64_t caches;
    uint64_t frames;
    uint64_t pageblock;
    uint64_t bytes;
};

static bool lx_measure(const struct pl_machine *machine, struct lx_layout *layout)
{
    uint64_t first = machine->first.number;
    PL_ASSERT(machine->ranges != NULL);
    if (machine->span == 0 || machine->span > UINT32_MAX - 2 * LX_LARGEST)
        return false;
    if (machine->span + 2 * LX_LARGEST > UINT64_MAX - first || machine->node_count > PL_NODE_LIMIT ||
        machine->cpu_count > PL_CPU_LIMIT)
        return false;
    layout->base = first & ~(LX_LARGEST - 1);
    layout->index_count = ((first - layout->base + machine->span) / LX_LARGEST + 1) * LX_LARGEST;
    layout->zone_count = 0;
    for (uint32_t node = 0; node < machine->node_count; node++)
        for (uint32_t kind = 0; kind < LX_ZONE_KIND_COUNT; kind++)
            layout->zone_count += lx_frames_of(machine, node, (enum lx_zone_kind)kind) != 0;
    layout->zones = lx_line_up(sizeof(struct lx));
    layout->caches = layout->zones + layout->zone_count * sizeof(struct lx_zone);
    layout->frames = lx_line_up(layout->caches +
                                (uint64_t)machine->cpu_count * layout->zone_count * sizeof(struct lx_cache));
    layout->pageblock = layout->frames + layout->index_count * sizeof(struct lx_frame);
    layout->bytes = layout->pageblock + layout->index_count / LX_BLOCK;
    PL_ASSERT(layout->index_count < LX_NONE);
    return layout->zone_count > 0;
}

size_t lx_meta_bytes(const struct pl_page_config *config)
{
    struct lx_layout layout;
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return lx_measure(config->machine, &layout) ? (size_t)layout.bytes : 0;
}

/* --- zones --- */

/* The largest root r with r * r <= value. */
static uint64_t lx_root(uint64_t value)
{
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= value)
            root += bit;
    PL_ASSERT(root * root <= value);
    return root;
}

/* min_free_kbytes of the machine is sqrt(16 KiB), from 128 KiB to 256 MiB; a zone has its share of that. LOW
 * and HIGH are a quarter of MIN above one another, or a thousandth of the zone if that is more. */
static void lx_zone_marks(struct lx_zone *zone, const struct pl_machine *machine)
{
    const uint64_t frame_kib = PL_FRAME_BYTES / 1024;
    uint64_t kib = lx_root(machine->frame_count * frame_kib * 16);
    kib = kib < 128 ? 128 : kib;
    kib = kib > 262144 ? 262144 : kib;
    PL_ASSERT(zone->frames <= machine->frame_count);
    uint64_t min = kib / frame_kib * zone->frames / machine->frame_count;
    uint64_t step = min / 4 > zone->frames / 1000 ? min / 4 : zone->frames / 1000;
    zone->mark[LX_MARK_MIN] = min;
    zone->mark[LX_MARK_LOW] = min + step;
    zone->mark[LX_MARK_HIGH] = min + 2 * step;
    PL_ASSERT(zone->mark[LX_MARK_LOW] >= min);
}

static uint32_t lx_at_least(uint64_t frames, uint64_t least)
{
    PL_ASSERT(least > 0);
    frames = frames > least ? frames : least;
    return frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
}

/* A batch is a 4096th of the zone, at most 64 frames, made one less than a power of two: 63 from a GiB on,
 * and 1 in a small zone. A CPU's `high` begins with its share of the LOW mark and may grow to its share of an
 * eighth of the zone; one that was set by hand stays. */
static void lx_zone_cache_size(struct lx_zone *zone, const struct pl_machine *machine,
                               const struct lx_params *params)
{
    uint64_t batch = zone->frames / 1024 < 256 ? zone->frames / 1024 / 4 : 64;
    batch = batch > 1 ? batch + batch / 2 : 1;
    batch = (UINT64_C(1) << (63u - PL_CLZ64(batch))) - 1;
    zone->batch = params->batch != 0 ? params->batch : batch != 0 ? (uint32_t)batch : 1;
    zone->high_min = lx_at_least(zone->mark[LX_MARK_LOW] / machine->cpu_count, 4 * (uint64_t)zone->batch);
    zone->high_max = lx_at_least(zone->frames / 8 / machine->cpu_count, zone->high_min);
    if (params->high != LX_NONE)
        zone->high_min = zone->high_max = params->high;
    PL_ASSERT(zone->batch > 0);
    PL_ASSERT(zone->high_min <= zone->high_max);
}

/* `higher`: frames of the node's higher zones, from which our requests could have been served. */
static void lx_zone_init(struct lx_zone *zone, const struct pl_machine *machine,
                         const struct lx_params *params, uint64_t higher)
{
    PL_ASSERT(zone->frames > 0);
    PL_ASSERT(machine->cpu_count > 0);
    lx_zone_marks(zone, machine);
    lx_zone_cache_size(zone, machine, params);
    zone->protection = higher / 256;
    zone->fast_mark[0] = zone->mark[LX_MARK_HIGH] + zone->protection;
    zone->fast_mark[1] = zone->mark[LX_MARK_LOW] + zone->protection;
    zone->reserve_most = lx_at_least((zone->frames / 100 + LX_BLOCK - 1) / LX_BLOCK, 1);
    for (uint32_t group = 0; group < LX_GROUP_COUNT; group++)
        for (uint32_t order = 0; order < LX_ORDER_COUNT; order++)
            zone->lists[group][order] = (struct lx_list){LX_NONE, LX_NONE};
}

/* Node by node, the highest zone of each first. */
static void lx_make_zones(struct lx *self, const struct lx_params *params)
{
    const struct pl_machine *machine = self->machine;
    uint32_t count = 0;
    for (uint32_t node = 0; node < machine->node_count; node++) {
        uint64_t higher = 0;
        self->node_first[node] = count;
        for (uint32_t kind = LX_ZONE_KIND_COUNT; kind-- > 0;) {
            uint64_t frames = lx_frames_of(machine, node, (enum lx_zone_kind)kind);
            if (frames == 0)
                continue;
            struct lx_zone *zone = &self->zones[count++];
            zone->frames = frames;
            zone->kind = kind;
            zone->node = node;
            lx_zone_init(zone, machine, params, higher);
            higher += frames;
        }
    }
    for (uint32_t node = machine->node_count; node <= PL_NODE_LIMIT; node++)
        self->node_first[node] = count;
    PL_ASSERT(count == self->zone_count);
}

static uint32_t lx_zone_number(const struct lx *self, uint64_t frame, uint32_t node)
{
    uint32_t z = self->node_first[node];
    while (self->zones[z].kind != (uint32_t)lx_kind_of(frame))
        z++;
    PL_ASSERT(z < self->node_first[node + 1]);
    return z;
}

/* --- the fresh machine --- */

/* All pageblocks are movable at first. One in which another node's range has ended already is shared. */
static void lx_make_pageblocks(struct lx *self, const struct pl_range *range, const struct pl_range *last)
{
    uint64_t first = (range->first.number - self->base) >> LX_BLOCK_ORDER;
    uint64_t end = (range->first.number + range->frame_count - self->base - 1) >> LX_BLOCK_ORDER;
    PL_ASSERT(end < self->index_count / LX_BLOCK);
    for (uint64_t at = first; at <= end; at++) {
        uint64_t frame = self->base + (at << LX_BLOCK_ORDER);
        uint32_t byte = LX_MOVABLE | lx_zone_number(self, frame, range->node) << 2;
        bool is_shared = false;
        if (last != NULL && last->node != range->node)
            is_shared = (last->first.number + last->frame_count - self->base - 1) >> LX_BLOCK_ORDER == at;
        byte |= is_shared || (atomic_load_explicit(&self->pageblock[at], memory_order_relaxed) &
                              LX_BLOCK_SHARED) != 0
                    ? LX_BLOCK_SHARED
                    : 0;
        atomic_store_explicit(&self->pageblock[at], (uint8_t)byte, memory_order_relaxed);
    }
}

/* From the bottom up to the tails, so that the lowest is granted first. */
static void lx_add_range(struct lx *self, const struct pl_range *range)
{
    uint64_t at = range->first.number - self->base;
    uint64_t end = at + range->frame_count;
    PL_ASSERT(end < self->index_count);
    while (at < end) {
        uint32_t order = lx_order_at(at, end);
        lx_add(self, lx_zone_of(self, at), at, order, LX_MOVABLE, true);
        at += UINT64_C(1) << order;
    }
    PL_ASSERT(at == end);
}

enum pl_status lx_init(void *instance, const struct pl_page_config *config)
{
    struct lx *self = instance;
    const struct pl_machine *machine = config->machine;
    struct lx_params params;
    struct lx_layout layout;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!lx_parse(config->params, &params))
        return PL_INVALID;
    if (!lx_measure(machine, &layout) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    unsigned char *bytes = instance;
    self->machine = machine;
    self->base = layout.base;
    self->index_count = layout.index_count;
    self->zone_count = layout.zone_count;
    self->zones = (void *)(bytes + layout.zones);
    self->caches = (void *)(bytes + layout.caches);
    self->frames = (void *)(bytes + layout.frames);
    self->pageblock = (void *)(bytes + layout.pageblock);
    lx_make_zones(self, &params);
    for (uint32_t i = 0; i < machine->cpu_count * self->zone_count; i++) {
        self->caches[i].high = self->zones[i % self->zone_count].high_min;
        for (uint32_t slot = 0; slot < LX_SLOT_COUNT; slot++)
            self->caches[i].lists[slot] = (struct lx_list){LX_NONE, LX_NONE};
    }
    for (uint32_t i = 0; i < machine->range_count; i++)
        lx_make_pageblocks(self, &machine->ranges[i], i > 0 ? &machine->ranges[i - 1] : NULL);
    for (uint32_t i = 0; i < machine->range_count; i++)
        lx_add_range(self, &machine->ranges[i]);
    return PL_OK;
}

/* --- where a frame belongs --- */

/* Ranges ascend: halves the list until one is left. */
const struct pl_range *lx_range_of(const struct pl_machine *machine, uint64_t frame)
{
    PL_ASSERT(machine->range_count > 0);
    const struct pl_range *range = machine->ranges;
    uint32_t left = machine->range_count;
    while (left > 1) {
        uint32_t half = left / 2;
        PL_ASSERT(half > 0);
        if (range[half].first.number <= frame)
            range += half;
        left -= half;
    }
    if (frame < range->first.number || frame - range->first.number >= range->frame_count)
        return NULL;
    return range;
}

struct lx_zone *lx_zone_of_shared(const struct lx *self, uint64_t index)
{
    const struct pl_range *range = lx_range_of(self->machine, self->base + index);
    PL_ASSERT(range != NULL);
    PL_ASSERT(range->node < self->machine->node_count);
    return &self->zones[lx_zone_number(self, self->base + index, range->node)];
}
