/* Lays the trees out in the metadata, and makes the machine's frames free. What is in no range stays granted
 * for ever, frame by frame. */
#include <string.h>

#include "nbbs_internal.h"

/* Fills everything but the pointers. False if the machine is too large, or wraps. */
static bool nbbs_measure(struct nbbs *self, const struct pl_machine *machine, bool has_hints)
{
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    uint64_t first = machine->first.number;
    uint64_t largest = UINT64_C(1) << NBBS_MAX_ORDER;
    if (machine->span == 0 || machine->span > NBBS_SPAN_MAX || machine->cpu_count == 0)
        return false;
    if (machine->cpu_count > PL_CPU_LIMIT || machine->span + 2 * largest > UINT64_MAX - first)
        return false;
    self->machine = machine;
    self->has_hints = has_hints;
    self->base = first & ~(largest - 1);
    self->whole.high = (first - self->base + machine->span + largest - 1) & ~(largest - 1);
    for (uint32_t tier = 0; tier < NBBS_TIERS; tier++) {
        uint64_t words = self->words[tier] = self->whole.high >> nbbs_word_shift(tier);
        self->hint_depth[tier] = 0;
        do {
            PL_ASSERT(self->hint_depth[tier] < NBBS_HINT_DEPTH);
            words = (words + 63) / 64;
            self->hint_words[tier][self->hint_depth[tier]++] = words;
        } while (words > 1);
    }
    return true;
}

/* The next `bytes` of the metadata, or NULL while only counting. */
static void *nbbs_deal(unsigned char *memory, size_t *at, uint64_t bytes)
{
    void *dealt = memory == NULL ? NULL : memory + *at;
    PL_ASSERT(*at % sizeof(uint64_t) == 0);
    *at += (size_t)((bytes + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1));
    return dealt;
}

/* Deals out the metadata behind the structure; returns the bytes in all. With memory NULL only counts. */
static size_t nbbs_lay_out(struct nbbs *self, unsigned char *memory)
{
    size_t at = (sizeof(struct nbbs) + PL_CPU_LINE_BYTES - 1) & ~(size_t)(PL_CPU_LINE_BYTES - 1);
    PL_ASSERT(self->words[0] > 0);
    PL_ASSERT(self->machine != NULL);
    self->cpus = nbbs_deal(memory, &at, self->machine->cpu_count * sizeof(struct nbbs_cpu));
    for (uint32_t tier = 0; tier < NBBS_TIERS; tier++)
        self->tier[tier] = nbbs_deal(memory, &at, self->words[tier] * sizeof(nbbs_word));
    self->index = nbbs_deal(memory, &at, self->whole.high);
    for (uint32_t tier = 0; self->has_hints && tier < NBBS_TIERS; tier++)
        for (uint32_t k = 0; k < NBBS_TIER_ORDER; k++)
            for (uint32_t depth = 0; depth < self->hint_depth[tier]; depth++)
                self->hint[tier][k].level[depth] =
                    nbbs_deal(memory, &at, self->hint_words[tier][depth] * sizeof(nbbs_word));
    return at;
}

static size_t nbbs_meta(const struct pl_page_config *config, bool has_hints)
{
    struct nbbs measured = {.machine = NULL};
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return nbbs_measure(&measured, config->machine, has_hints) ? nbbs_lay_out(&measured, NULL) : 0;
}

size_t nbbs_meta_bytes(const struct pl_page_config *config)
{
    return nbbs_meta(config, false);
}

size_t nbbs_meta_bytes_hint(const struct pl_page_config *config)
{
    return nbbs_meta(config, true);
}

/* Before anybody else looks: nothing needs to be ordered. */
static void nbbs_put(nbbs_word *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static uint64_t nbbs_get(const nbbs_word *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Frames [first, first + frame_count), by offset, become free in tier 0. */
static void nbbs_open_range(struct nbbs *self, uint64_t first, uint64_t frame_count)
{
    PL_ASSERT(frame_count > 0);
    PL_ASSERT(first + frame_count <= self->whole.high);
    for (uint64_t at = first, end = first + frame_count; at < end;) {
        uint64_t skip = at % NBBS_LEAVES;
        uint64_t here = NBBS_LEAVES - skip < end - at ? NBBS_LEAVES - skip : end - at;
        uint64_t mask = (NBBS_ALL_LEAVES >> (NBBS_LEAVES - here)) << skip;
        nbbs_word *word = &self->tier[0][at / NBBS_LEAVES];
        nbbs_put(word, nbbs_get(word) & ~mask);
        at += here;
    }
}

static void nbbs_fill(struct nbbs *self)
{
    const struct pl_machine *machine = self->machine;
    PL_ASSERT(machine->range_count > 0);
    for (uint64_t w = 0; w < self->words[0]; w++)
        nbbs_put(&self->tier[0][w], NBBS_ALL_LEAVES);
    for (uint32_t i = 0; i < machine->range_count; i++)
        nbbs_open_range(self, machine->ranges[i].first.number - self->base, machine->ranges[i].frame_count);
    for (uint32_t tier = 0; tier < NBBS_TIERS; tier++) {
        PL_ASSERT(self->words[tier] > 0);
        for (uint64_t w = 0; w < self->words[tier]; w++) {
            uint64_t status = nbbs_get(&self->tier[tier][w]) & NBBS_STATUS;
            if (status != 0 && tier + 1 < NBBS_TIERS) {
                nbbs_word *above = &self->tier[tier + 1][w / 16];
                nbbs_put(above, nbbs_get(above) | nbbs_parent_mark(w));
            }
            if (self->has_hints)
                nbbs_hint_gained(self, tier, w, NBBS_ALL_LEAVES, status);
        }
    }
}

/* "", "start=cpu" or "start=last"; for hints nothing. False: wrong. */
static bool nbbs_parse(const char *text, bool has_hints, bool *keeps_cursor)
{
    PL_ASSERT(keeps_cursor != NULL);
    *keeps_cursor = false;
    if (text == NULL || *text == '\0')
        return true;
    if (has_hints)
        return false;
    *keeps_cursor = strcmp(text, "start=last") == 0;
    return *keeps_cursor || strcmp(text, "start=cpu") == 0;
}

static enum pl_status nbbs_make(void *instance, const struct pl_page_config *config, bool has_hints)
{
    struct nbbs *self = instance;
    const struct pl_machine *machine = config->machine;
    bool keeps_cursor;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!nbbs_parse(config->params, has_hints, &keeps_cursor))
        return PL_INVALID;
    if (!nbbs_measure(self, machine, has_hints) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    self->keeps_cursor = keeps_cursor;
    nbbs_lay_out(self, instance);
    nbbs_fill(self);
    for (uint32_t i = 0; i < machine->cpu_count; i++) {
        struct nbbs_cpu *cpu = &self->cpus[i];
        cpu->start = machine->first.number - self->base + machine->span / machine->cpu_count * i;
        for (uint32_t order = 0; order <= NBBS_MAX_ORDER; order++)
            atomic_store_explicit(&cpu->cursor[order],
                                  (unsigned)(cpu->start >> nbbs_word_shift(nbbs_tier_of(order))),
                                  memory_order_relaxed);
    }
    return PL_OK;
}

enum pl_status nbbs_init(void *instance, const struct pl_page_config *config)
{
    return nbbs_make(instance, config, false);
}

enum pl_status nbbs_init_hint(void *instance, const struct pl_page_config *config)
{
    return nbbs_make(instance, config, true);
}
