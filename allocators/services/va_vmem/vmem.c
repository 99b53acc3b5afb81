/* Address space as a vmem arena, after Solaris and FreeBSD: boundary tags, instant fit from lists by power of
 * two, a hash of what is busy; and in front of it caches of small areas for each CPU, which the arena takes
 * for areas. What has wishes about its place goes past the caches. */
#include "allocators/services/va_vmem/vmem_internal.h"

#define VMEM_QCACHE_DEFAULT 8u

/* ---- its life ---- */

struct vmem_params {
    uint32_t areas;
    uint32_t qcache;
    bool best;
};

/* Reads "areas=N,qcache=N,fit=instant|best". */
static bool vmem_parse(const char *text, struct vmem_params *wanted)
{
    struct param params[] = {
        AREA_PARAM,
        {.name = "qcache", .most = VMEM_QCACHE_MAX, .value = VMEM_QCACHE_DEFAULT},
        {.name = "fit", .words = "instant|best"},
    };
    bool legal = params_parse(text, params, PL_COUNT_OF(params));
    *wanted = (struct vmem_params){.areas = (uint32_t)params[0].value,
                                   .qcache = (uint32_t)params[1].value,
                                   .best = params[2].value != 0};
    return legal;
}

static uint32_t vmem_hash_log2(uint32_t areas)
{
    uint32_t log2 = vmem_log2_ceil(areas);
    return log2 == 0 ? 1 : log2;
}

static size_t vmem_cache_count(const struct pl_machine *machine, uint32_t qcache)
{
    return (size_t)machine->cpu_count * qcache;
}

static size_t vmem_meta_bytes(const struct pl_page_table_config *config)
{
    struct vmem_params wanted;
    PL_ASSERT(config != NULL);
    if (!area_window_is_legal(config))
        return 0;
    if (!vmem_parse(config->params, &wanted)) /* init says so */
        return sizeof(struct vmem);
    return sizeof(struct vmem) + vmem_tag_count(wanted.areas) * sizeof(struct vmem_tag) +
           vmem_cache_count(config->machine, wanted.qcache) * sizeof(struct vmem_cache) +
           ((size_t)1 << vmem_hash_log2(wanted.areas)) * sizeof(uint32_t);
}

static enum pl_status vmem_init(void *instance, const struct pl_page_table_config *config)
{
    struct vmem *self = instance;
    struct vmem_params wanted;
    PL_ASSERT(self != NULL);
    bool legal = vmem_parse(config->params, &wanted);
    enum pl_status status = area_space_init(&self->space, config, legal ? wanted.areas : 0);
    if (status != PL_OK)
        return status;
    self->cpu_count = config->machine->cpu_count;
    self->qcache = wanted.qcache;
    self->best = wanted.best;
    self->tag_count = (uint32_t)vmem_tag_count(wanted.areas);
    self->caches = (void *)&self->tags[self->tag_count];
    self->buckets = (void *)&self->caches[vmem_cache_count(config->machine, wanted.qcache)];
    self->hash_shift = 64 - vmem_hash_log2(wanted.areas);
    for (size_t i = 0; i < (size_t)1 << vmem_hash_log2(wanted.areas); i++)
        self->buckets[i] = VMEM_NONE;
    vmem_arena_init(self);
    return PL_OK;
}

/* ---- the caches ---- */

/* That of areas of so many bytes, or NULL: so large ones are not kept. */
static struct vmem_cache *vmem_cache_of(struct vmem *self, const struct pl_cpu *cpu, uint64_t bytes)
{
    uint64_t quanta = vmem_quanta(bytes);
    PL_ASSERT(quanta > 0);
    PL_ASSERT(cpu->id < self->cpu_count);
    return quanta > self->qcache ? NULL : &self->caches[(size_t)cpu->id * self->qcache + quanta - 1];
}

/* Whatever is kept goes back to the arena. True if there was anything. */
static bool vmem_flush(struct vmem *self)
{
    bool any = self->kept > 0;
    for (size_t i = 0; i < (size_t)self->cpu_count * self->qcache && self->kept > 0; i++) {
        struct vmem_cache *cache = &self->caches[i];
        self->kept -= cache->count;
        while (cache->count > 0)
            vmem_give(self, cache->tags[--cache->count]);
    }
    PL_ASSERT(self->kept == 0);
    return any;
}

/* ---- the hooks ---- */

/* Has the want anything beyond its size that could be missed? */
static bool vmem_is_placed(const struct vmem *self, const struct area_want *want)
{
    return want->alignment > PL_FRAME_BYTES || want->low != 0 || want->high != self->space.window.bytes;
}

static enum pl_status vmem_reserve(void *instance, struct pl_cpu *cpu, const struct pl_area_request *request,
                                   struct pl_area *area)
{
    struct vmem *self = instance;
    struct area_want want;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(area != NULL);
    enum pl_status status = area_want_of(&self->space.window, request, &want);
    if (status != PL_OK)
        return status;
    area_might_sleep(cpu, request);
    bool placed = vmem_is_placed(self, &want);
    struct vmem_cache *cache = placed ? NULL : vmem_cache_of(self, cpu, want.bytes);
    uint32_t at;
    if (cache != NULL && cache->count > 0) {
        at = cache->tags[--cache->count];
        PL_ASSERT(self->tags[at].kind == VMEM_KEPT);
        PL_ASSERT(self->tags[at].bytes == want.bytes);
        self->tags[at].kind = VMEM_AREA;
        self->kept--;
    } else {
        at = vmem_carve(self, &want, placed);
        if (at == VMEM_NONE && vmem_flush(self))
            at = vmem_carve(self, &want, placed);
        if (at == VMEM_NONE)
            return area_no_room(request);
    }
    *area = area_entered(&self->space, self->tags[at].start, want.bytes);
    return PL_OK;
}

static enum pl_status vmem_release(void *instance, struct pl_cpu *cpu, const struct pl_area *area)
{
    struct vmem *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(area != NULL);
    uint32_t at = vmem_find(self, area->addr - self->space.window.addr);
    if (at == VMEM_NONE || self->tags[at].kind != VMEM_AREA || self->tags[at].bytes != area->area_bytes)
        return PL_REFUSED;
    area_left(&self->space, area->area_bytes);
    struct vmem_cache *cache = self->tags[at].placed ? NULL : vmem_cache_of(self, cpu, area->area_bytes);
    if (cache != NULL && cache->count < VMEM_CACHE_DEPTH) {
        self->tags[at].kind = VMEM_KEPT;
        cache->tags[cache->count++] = at;
        self->kept++;
    } else {
        vmem_give(self, at);
    }
    return PL_OK;
}

/* The hash knows where areas begin; who asks about the inside of one waits for a walk. */
static enum pl_status vmem_lookup(const void *instance, uint64_t addr, struct pl_area *area)
{
    const struct vmem *self = instance;
    PL_ASSERT(area != NULL);
    uint64_t offset = addr - self->space.window.addr;
    if (offset >= self->space.window.bytes)
        return PL_REFUSED;
    uint32_t at = vmem_find(self, offset);
    if (at == VMEM_NONE) {
        at = self->first;
        while (offset - self->tags[at].start >= self->tags[at].bytes) {
            at = self->tags[at].above;
            PL_ASSERT(at != VMEM_NONE); /* the segments cover the window */
        }
    }
    if (self->tags[at].kind != VMEM_AREA)
        return PL_REFUSED;
    *area = area_of(&self->space, self->tags[at].start, self->tags[at].bytes);
    return PL_OK;
}

static void vmem_settings(const void *instance, char *text, size_t bytes)
{
    const struct vmem *self = instance;
    char policy[48];
    snprintf(policy, sizeof(policy), "%s-fit qcache=%u depth=%u", self->best ? "best" : "instant",
             self->qcache, VMEM_CACHE_DEPTH);
    area_space_settings(&self->space, policy, text, bytes);
}

static void vmem_drain(void *instance, struct pl_cpu *cpu)
{
    PL_ASSERT(cpu != NULL);
    (void)vmem_flush(instance);
}

static const struct pl_page_table_ops vmem_ops = {
    .bytes = sizeof(struct pl_page_table_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CHECKS_FREE | PL_CAP_COMPLETE,
    .meta_bytes = vmem_meta_bytes,
    .init = vmem_init,
    .fini = area_space_fini,
    .reserve = vmem_reserve,
    .release = vmem_release,
    .lookup = vmem_lookup,
    .count = area_space_count,
    .audit = vmem_audit,
    .settings = vmem_settings,
    .drain = vmem_drain,
};

extern const struct pl_candidate pl_candidate_vmem;
const struct pl_candidate pl_candidate_vmem = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "vmem",
    .summary = "address space: a vmem arena with caches of small areas for each CPU",
    .kind = PL_KIND_SERVICE,
    .page_table = &vmem_ops,
    .params = "areas=N,qcache=N,fit=instant|best",
};
