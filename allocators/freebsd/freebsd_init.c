/* The layout of the metadata, the parameters, and the machine's frames put onto the queues.
 *
 *     struct freebsd | caches | reservations | hash heads | links | states */
#include <stdio.h>
#include <string.h>

#include "freebsd_internal.h"

/* Free frames above 4 GiB from which on FreeBSD keeps those below for last: 64 GiB. */
#define FREEBSD_DMA32_THRESHOLD (UINT64_C(1) << 24)

struct freebsd_params {
    uint32_t bucket; /* 0: by the machine's size */
    bool reserves;
};

/* Reads a number of at most three digits and moves *text behind it. False: there is none. */
static bool freebsd_parse_number(const char **text, uint32_t *number)
{
    uint32_t digits = 0;
    PL_ASSERT(number != NULL);
    for (*number = 0; **text >= '0' && **text <= '9' && digits < 4; digits++, (*text)++)
        *number = *number * 10 + (uint32_t)(**text - '0');
    PL_ASSERT(*number < 10000);
    return digits > 0 && digits < 4;
}

/* "bucket=N,reservations=0|1": either, both, in any order, or neither. */
static bool freebsd_parse(const char *text, struct freebsd_params *params)
{
    static const char bucket[] = "bucket=";
    static const char reservations[] = "reservations=";
    *params = (struct freebsd_params){.bucket = 0, .reserves = true};
    while (text != NULL && *text != '\0') {
        uint32_t number = 0;
        bool is_bucket = strncmp(text, bucket, sizeof(bucket) - 1) == 0;
        if (!is_bucket && strncmp(text, reservations, sizeof(reservations) - 1) != 0)
            return false;
        text += is_bucket ? sizeof(bucket) - 1 : sizeof(reservations) - 1;
        if (!freebsd_parse_number(&text, &number) || (*text != ',' && *text != '\0'))
            return false;
        if (is_bucket ? number < 1 || number > FREEBSD_BUCKET_LIMIT : number > 1)
            return false;
        if (is_bucket)
            params->bucket = number;
        else
            params->reserves = number == 1;
        if (*text == ',' && text[1] == '\0')
            return false;
        text += *text == ',';
    }
    PL_ASSERT(params->bucket <= FREEBSD_BUCKET_LIMIT);
    return true;
}

/* UMA's buckets hold up to 256. Here a power of two of which all that there can be, both buckets of both
 * pools, keep no more than a sixteenth of the machine from others. */
static uint32_t freebsd_bucket_default(const struct pl_machine *machine)
{
    uint32_t bucket = FREEBSD_BUCKET_LIMIT;
    PL_ASSERT(machine->cpu_count > 0);
    uint64_t buckets = (uint64_t)machine->cpu_count * FREEBSD_POOL_COUNT * 2;
    while (bucket > 1 && bucket * buckets > machine->frame_count / 16)
        bucket /= 2;
    return bucket;
}

static size_t freebsd_round(size_t bytes)
{
    return (bytes + PL_CPU_LINE_BYTES - 1) & ~(size_t)(PL_CPU_LINE_BYTES - 1);
}

/* Fills in what follows from the machine and the parameters. False: an index would not fit 32 bits. */
static bool freebsd_measure(struct freebsd *self, const struct pl_machine *machine,
                            const struct freebsd_params *params)
{
    uint64_t first = machine->first.number;
    uint64_t largest = UINT64_C(1) << FREEBSD_MAX_ORDER;
    uint64_t limit = UINT64_C(1) << 32;
    PL_ASSERT(machine->cpu_count <= PL_CPU_LIMIT);
    if (machine->span == 0 || machine->span > limit || first % largest + machine->span > limit)
        return false;
    if (machine->span + 2 * largest > UINT64_MAX - first || machine->node_count > PL_NODE_LIMIT)
        return false;
    self->base = first - first % largest;
    self->index_count = ((first - self->base + machine->span) / largest + 1) * largest;
    self->reserv_count = (uint32_t)(self->index_count / FREEBSD_RESERV_FRAMES);
    self->hash_mask = 7;
    while (self->hash_mask < self->reserv_count - 1)
        self->hash_mask = self->hash_mask * 2 + 1;
    self->domain_count = machine->node_count == 0 ? 1 : machine->node_count;
    self->node_mask = self->domain_count == 1 ? PL_NODE_ANY : 0;
    self->bucket = params->bucket != 0 ? params->bucket : freebsd_bucket_default(machine);
    self->bucket_bytes =
        (uint32_t)(sizeof(struct freebsd_bucket) + self->bucket * sizeof(uint32_t) + 63u) & ~63u;
    self->cache_bytes =
        (uint32_t)freebsd_round(sizeof(struct freebsd_cache) + (size_t)2 * self->bucket_bytes);
    self->cpu_bytes = self->cache_bytes * FREEBSD_POOL_COUNT * self->domain_count;
    self->reserves = params->reserves;
    PL_ASSERT(self->index_count > first - self->base + machine->span);
    return true;
}

struct freebsd_layout {
    size_t caches;
    size_t reserv;
    size_t hash;
    size_t link;
    size_t state;
    size_t bytes;
};

static struct freebsd_layout freebsd_lay_out(const struct freebsd *self, const struct pl_machine *machine)
{
    struct freebsd_layout at = {.caches = freebsd_round(sizeof(struct freebsd))};
    PL_ASSERT(self->reserv_count > 0);
    at.reserv = at.caches + (size_t)self->cpu_bytes * machine->cpu_count;
    at.hash = freebsd_round(at.reserv + self->reserv_count * sizeof(struct freebsd_reserv));
    at.link = freebsd_round(at.hash + ((size_t)self->hash_mask + 1) * self->domain_count * sizeof(uint32_t));
    at.state = freebsd_round(at.link + self->index_count / 2 * sizeof(struct freebsd_link));
    at.bytes = at.state + self->index_count;
    return at;
}

size_t freebsd_meta_bytes(const struct pl_page_config *config)
{
    struct freebsd measured = {.link = NULL};
    struct freebsd_params params;
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    (void)freebsd_parse(config->params, &params); /* init says what is wrong */
    if (!freebsd_measure(&measured, config->machine, &params))
        return 0;
    return freebsd_lay_out(&measured, config->machine).bytes;
}

static bool freebsd_wants_dma32(const struct pl_machine *machine)
{
    uint64_t limit = UINT64_C(1) << 20;
    uint64_t above = 0;
    PL_ASSERT(machine->range_count > 0);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        uint64_t first = machine->ranges[i].first.number;
        uint64_t end = first + machine->ranges[i].frame_count;
        PL_ASSERT(end > first);
        if (end > limit)
            above += end - (first > limit ? first : limit);
    }
    return above > FREEBSD_DMA32_THRESHOLD;
}

static void freebsd_init_domains(struct freebsd *self, uint32_t *hash)
{
    PL_ASSERT(self->domain_count <= PL_NODE_LIMIT);
    for (uint32_t i = 0; i < PL_NODE_LIMIT; i++) {
        struct freebsd_domain *domain = &self->domain[i];
        memset(domain->queues, 0xff, sizeof(domain->queues)); /* FREEBSD_NONE */
        for (uint32_t list = 0; list < FREEBSD_FREELIST_COUNT; list++)
            for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++)
                domain->queues[list][pool].nonempty = 0;
        domain->partial_head = FREEBSD_NONE;
        domain->partial_tail = FREEBSD_NONE;
        domain->arena = FREEBSD_NONE;
        if (i >= self->domain_count)
            continue;
        domain->hash = hash + ((size_t)self->hash_mask + 1) * i;
        memset(domain->hash, 0xff, ((size_t)self->hash_mask + 1) * sizeof(uint32_t));
    }
    PL_ASSERT(self->domain[0].queues[0][0].head[0] == FREEBSD_NONE);
}

static void freebsd_init_caches(struct freebsd *self)
{
    PL_ASSERT(self->bucket > 0);
    PL_ASSERT(self->bucket <= FREEBSD_BUCKET_LIMIT);
    for (uint32_t cpu = 0; cpu < self->machine->cpu_count; cpu++) {
        for (uint32_t domain = 0; domain < self->domain_count; domain++) {
            for (uint32_t pool = 0; pool < FREEBSD_POOL_COUNT; pool++) {
                struct freebsd_cache *cache = freebsd_cache_of(self, cpu, domain, pool);
                cache->alloc = freebsd_bucket_of(self, cache, 0);
                cache->spill = freebsd_bucket_of(self, cache, 1);
            }
        }
    }
}

enum pl_status freebsd_init(void *instance, const struct pl_page_config *config)
{
    struct freebsd *self = instance;
    const struct pl_machine *machine = config->machine;
    struct freebsd_params params;
    PL_ASSERT(self != NULL);
    PL_ASSERT(machine != NULL);
    if (!freebsd_parse(config->params, &params))
        return PL_INVALID;
    if (!freebsd_measure(self, machine, &params) || !pl_machine_is_legal(machine))
        return PL_UNSUPPORTED;
    struct freebsd_layout at = freebsd_lay_out(self, machine);
    unsigned char *bytes = instance;
    self->machine = machine;
    self->has_dma32 = freebsd_wants_dma32(machine);
    self->caches = bytes + at.caches;
    self->reserv = (void *)(bytes + at.reserv);
    self->link = (void *)(bytes + at.link);
    self->state = (void *)(bytes + at.state);
    freebsd_init_domains(self, (void *)(bytes + at.hash));
    freebsd_init_caches(self);
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        uint64_t from = range->first.number - self->base;
        freebsd_push_range(self, &self->domain[range->node], from, from + range->frame_count,
                           FREEBSD_POOL_DEFAULT);
    }
    return PL_OK;
}

void freebsd_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

void freebsd_settings(const void *instance, char *text, size_t bytes)
{
    const struct freebsd *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(text != NULL);
    snprintf(text, bytes, "bucket=%u reservations=%u orders=0-%u pools=%u freelists=%u domains=%u",
             self->bucket, self->reserves ? 1u : 0u, FREEBSD_MAX_ORDER, FREEBSD_POOL_COUNT,
             self->has_dma32 ? 3u : 2u, self->domain_count);
}
