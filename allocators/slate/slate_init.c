/* Params, layout and the fresh machine. Zero bytes mean "free", so init writes the header, the words at the
 * edges of ranges, and a byte and a bit for each chunk that lies in a hole. */
#include <string.h>

#include "slate_internal.h"

struct slate_params {
    uint32_t batch;
    uint32_t depot;
};

/* Reads the digits at *text and moves it behind them. False: there are none, or the limit is passed. */
static bool slate_parse_number(const char **text, uint32_t limit, uint32_t *number)
{
    const char *from = *text;
    *number = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        *number = *number * 10 + (uint32_t)(**text - '0');
        if (*number > limit)
            return false;
    }
    return *text != from;
}

/* Reads "batch=N,depot=N", either or both or neither. */
static bool slate_parse(const char *text, struct slate_params *params)
{
    *params = (struct slate_params){.batch = SLATE_BATCH_DEFAULT, .depot = SLATE_DEPOT_DEFAULT};
    while (text != NULL && *text != '\0') {
        bool is_batch = strncmp(text, "batch=", 6) == 0;
        if (!is_batch && strncmp(text, "depot=", 6) != 0)
            return false;
        text += 6;
        if (!slate_parse_number(&text, is_batch ? SLATE_BATCH_LIMIT : SLATE_DEPOT_LIMIT,
                                is_batch ? &params->batch : &params->depot))
            return false;
        if ((*text != ',' && *text != '\0') || (*text == ',' && text[1] == '\0'))
            return false;
        if (*text == ',')
            text++;
    }
    return params->batch > 0;
}

/* What a CPU may keep, so that all CPUs' caches together stay below a few eighths of a small machine. */
static void slate_size_caches(struct slate *self, const struct slate_params *params)
{
    uint64_t share = self->machine->frame_count / (8 * (uint64_t)self->machine->cpu_count);
    self->batch = share < params->batch ? (uint32_t)share : params->batch;
    if (self->batch == 0)
        self->batch = 1;
    uint64_t batches = self->machine->frame_count / 16 / self->batch;
    self->depot_max = batches < params->depot ? (uint32_t)batches : params->depot;
    for (uint32_t order = 1; order < SLATE_ORDER_COUNT; order++) {
        uint64_t slots = share / 2 >> order;
        uint32_t limit = slate_slot_limit(order);
        self->slots[order] = (uint8_t)(slots < limit ? slots : limit);
    }
    PL_ASSERT(self->batch <= SLATE_BATCH_LIMIT);
    PL_ASSERT(self->slots[SLATE_MAX_ORDER] == 0);
}

/* Fills all that depends on the machine but the pointers. False: its shape is beyond us. */
static bool slate_measure(struct slate *self, const struct pl_machine *machine,
                          const struct slate_params *params)
{
    uint64_t first = machine->first.number;
    uint64_t base = first & ~(SLATE_CHUNK - 1);
    if (machine->span == 0 || machine->span > SLATE_FRAMES_MAX - (first - base) ||
        machine->span > UINT64_MAX - SLATE_CHUNK - first || machine->cpu_count > PL_CPU_LIMIT)
        return false;
    self->machine = machine;
    self->base = base;
    self->chunk_count = (first - base + machine->span + SLATE_CHUNK - 1) / SLATE_CHUNK;
    uint64_t words = self->chunk_count;
    self->level_count = 0;
    do {
        words = (words + 63) / 64;
        PL_ASSERT(self->level_count < SLATE_LEVEL_LIMIT);
        self->level_words[self->level_count++] = words;
    } while (words > 1);
    slate_size_caches(self, params);
    return true;
}

/* Deals out the metadata behind the structure; returns the bytes in all. With memory NULL only counts. */
static size_t slate_lay_out(struct slate *self, unsigned char *memory)
{
    size_t at = sizeof(struct slate) + self->machine->cpu_count * sizeof(struct slate_cpu);
    PL_ASSERT(at % PL_CPU_LINE_BYTES == 0);
    if (memory != NULL)
        self->word = (void *)(memory + at);
    at += self->chunk_count * SLATE_CHUNK_WORDS * sizeof(uint64_t);
    if (memory != NULL)
        self->word_lacks = memory + at;
    at += self->chunk_count * SLATE_CHUNK_WORDS;
    for (uint32_t lack = 0; lack < SLATE_CHUNK_FULL; lack++) {
        for (uint32_t level = 0; level < self->level_count; level++) {
            if (memory != NULL)
                self->list[lack].level[level] = (void *)(memory + at);
            at += self->level_words[level] * sizeof(uint64_t);
        }
    }
    if (memory != NULL)
        self->depot = (void *)(memory + at);
    at += (size_t)self->depot_max * self->batch * sizeof(uint64_t);
    if (memory != NULL)
        self->chunk_lack = memory + at;
    at += self->chunk_count;
    if (memory != NULL)
        self->state = (void *)(memory + at);
    return at + self->chunk_count * SLATE_CHUNK;
}

size_t slate_meta_bytes(const struct pl_page_config *config)
{
    struct slate self = {0};
    struct slate_params params;
    if (!slate_parse(config->params, &params))
        return sizeof(struct slate); /* init says what is wrong */
    return slate_measure(&self, config->machine, &params) ? slate_lay_out(&self, NULL) : 0;
}

/* Indexes [from, to) are no frames. Chunks that lie wholly in there leave their list and are full; nobody
 * looks at their words, which stay untouched. */
static void slate_bar(struct slate *self, uint64_t from, uint64_t to)
{
    PL_ASSERT(from <= to);
    while (from < to) {
        uint64_t chunk_end = (from / SLATE_CHUNK + 1) * SLATE_CHUNK;
        if (from % SLATE_CHUNK == 0 && chunk_end <= to) {
            self->chunk_lack[from / SLATE_CHUNK] = SLATE_CHUNK_FULL;
            slate_list_remove(self, 0, from / SLATE_CHUNK);
        } else {
            chunk_end = chunk_end < to ? chunk_end : to;
            slate_mark(self, from, chunk_end - from, false);
        }
        from = chunk_end;
    }
}

static void slate_init_cpus(struct slate *self)
{
    for (uint32_t i = 0; i < self->machine->cpu_count; i++) {
        struct slate_cpu *own = slate_cpu_at(self, i);
        own->capacity = 2 * self->batch;
        own->state = (uintptr_t)self->state - self->base;
        own->base = self->base;
        own->limit = self->chunk_count * SLATE_CHUNK;
        own->node_limit = self->machine->node_count == 1 ? 1 : 0;
    }
}

enum pl_status slate_init(void *instance, const struct pl_page_config *config)
{
    struct slate *self = instance;
    const struct pl_machine *machine = config->machine;
    struct slate_params params;
    PL_ASSERT(self != NULL);
    if (!slate_parse(config->params, &params))
        return PL_INVALID;
    if (!slate_measure(self, machine, &params) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    slate_lay_out(self, instance);
    slate_init_cpus(self);
    /* List 0 has all chunks already; the bits behind its last one are no members. */
    uint64_t members = self->chunk_count;
    for (uint32_t level = 0; level < self->level_count; level++) {
        if (members % 64 != 0)
            self->list[0].level[level][members / 64] = UINT64_MAX << (members % 64);
        members = self->level_words[level];
    }
    self->present = 1;
    uint64_t end = 0;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        slate_bar(self, end, machine->ranges[i].first.number - self->base);
        end = machine->ranges[i].first.number - self->base + machine->ranges[i].frame_count;
    }
    slate_bar(self, end, self->chunk_count * SLATE_CHUNK);
    atomic_store_explicit(&self->free_count, machine->frame_count, memory_order_relaxed);
    return PL_OK;
}
