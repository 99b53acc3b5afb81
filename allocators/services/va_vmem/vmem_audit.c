/* Walks the segments from the window's start, then the lists, the hash, the caches and the unused tags, and
 * counts each tag once. */
#include "allocators/services/va_vmem/vmem_internal.h"

struct vmem_walk {
    const struct vmem *self;
    struct pl_visitor *visitor;
    uint64_t broken;
    uint64_t area_bytes;
    uint32_t kinds[4]; /* segments by enum vmem_kind */
};

static void vmem_say(struct vmem_walk *walk, uint64_t offset, const char *problem)
{
    area_broken(walk->visitor, &walk->broken, "vmem", walk->self->space.window.addr + offset, problem);
}

static void vmem_audit_segment(struct vmem_walk *walk, uint32_t at, uint32_t below, uint64_t end)
{
    const struct vmem *self = walk->self;
    const struct vmem_tag *tag = &self->tags[at];
    if (tag->start != end)
        vmem_say(walk, tag->start, "does not begin where the segment below it ends (L-1)");
    if (tag->below != below)
        vmem_say(walk, tag->start, "has a wrong link downwards");
    if (((tag->start + self->space.window.addr) | tag->bytes) % PL_FRAME_BYTES != 0 || tag->bytes == 0)
        vmem_say(walk, tag->start, "is not whole frames");
    if (tag->kind == VMEM_UNUSED || tag->kind > VMEM_KEPT)
        vmem_say(walk, tag->start, "is neither free nor busy");
    else
        walk->kinds[tag->kind]++;
    if (tag->kind == VMEM_FREE && below != VMEM_NONE && self->tags[below].kind == VMEM_FREE)
        vmem_say(walk, tag->start, "is free and touches another free segment");
    if (tag->kind == VMEM_AREA)
        walk->area_bytes += tag->bytes;
}

static void vmem_audit_segments(struct vmem_walk *walk)
{
    const struct vmem *self = walk->self;
    uint64_t end = 0;
    uint32_t below = VMEM_NONE;
    uint32_t met = 0;
    for (uint32_t at = self->first; at != VMEM_NONE; at = self->tags[at].above) {
        if (at >= self->fresh || met++ >= self->fresh) {
            vmem_say(walk, end, "is followed by more than there is");
            return;
        }
        vmem_audit_segment(walk, at, below, end);
        end = self->tags[at].start + self->tags[at].bytes;
        below = at;
    }
    if (end != self->space.window.bytes)
        vmem_say(walk, end, "is where the segments end, and not the window");
}

/* Every free segment is in the list of its size. */
static void vmem_audit_lists(struct vmem_walk *walk)
{
    const struct vmem *self = walk->self;
    uint32_t met = 0;
    for (uint32_t list = 0; list < VMEM_LISTS; list++) {
        uint32_t before = VMEM_NONE;
        if ((self->lists[list] != VMEM_NONE) != ((self->filled >> list & 1) != 0))
            vmem_say(walk, 0, "begins an arena with a list that is empty against its bit");
        for (uint32_t at = self->lists[list]; at != VMEM_NONE; at = self->tags[at].next) {
            if (at >= self->fresh || met++ >= self->fresh) {
                vmem_say(walk, 0, "begins an arena with a list of more than there is");
                return;
            }
            const struct vmem_tag *tag = &self->tags[at];
            if (tag->kind != VMEM_FREE || tag->before != before || vmem_list_of(tag->bytes) != list)
                vmem_say(walk, tag->start, "is in a list of free segments where it does not belong");
            before = at;
        }
    }
    if (met != walk->kinds[VMEM_FREE])
        vmem_say(walk, 0, "begins an arena with free segments in no list");
}

static void vmem_audit_hash(struct vmem_walk *walk)
{
    const struct vmem *self = walk->self;
    uint32_t met = 0;
    for (uint64_t i = 0; i < UINT64_C(1) << (64 - self->hash_shift); i++) {
        for (uint32_t at = self->buckets[i]; at != VMEM_NONE; at = self->tags[at].next) {
            if (at >= self->fresh || met++ >= self->fresh) {
                vmem_say(walk, 0, "begins an arena with a chain of more than there is");
                return;
            }
            const struct vmem_tag *tag = &self->tags[at];
            if ((tag->kind != VMEM_AREA && tag->kind != VMEM_KEPT) ||
                vmem_bucket(self, tag->start) != &self->buckets[i])
                vmem_say(walk, tag->start, "is in a chain of the hash where it does not belong");
        }
    }
    if (met != walk->kinds[VMEM_AREA] + walk->kinds[VMEM_KEPT] || met != self->busy)
        vmem_say(walk, 0, "begins an arena with busy segments that are not as many as counted");
}

static void vmem_audit_caches(struct vmem_walk *walk)
{
    const struct vmem *self = walk->self;
    uint32_t met = 0;
    for (size_t i = 0; i < (size_t)self->cpu_count * self->qcache; i++) {
        const struct vmem_cache *cache = &self->caches[i];
        for (uint32_t k = 0; k < cache->count && k < VMEM_CACHE_DEPTH; k++, met++) {
            const struct vmem_tag *tag = &self->tags[cache->tags[k] < self->fresh ? cache->tags[k] : 0];
            if (cache->tags[k] >= self->fresh || tag->kind != VMEM_KEPT ||
                vmem_quanta(tag->bytes) != i % self->qcache + 1)
                vmem_say(walk, tag->start, "is in a cache where it does not belong");
        }
        if (cache->count > VMEM_CACHE_DEPTH)
            vmem_say(walk, 0, "begins an arena with a cache that is too full");
    }
    if (met != walk->kinds[VMEM_KEPT] || met != self->kept)
        vmem_say(walk, 0, "begins an arena whose caches do not hold what is kept");
}

/* Tags on the stack of unused ones; more than there are if it has a ring, or one that is in use. */
static uint32_t vmem_count_unused(const struct vmem *self)
{
    uint32_t count = 0;
    for (uint32_t at = self->unused; at != VMEM_NONE && count <= self->fresh; at = self->tags[at].next) {
        if (at >= self->fresh || self->tags[at].kind != VMEM_UNUSED)
            return UINT32_MAX;
        count++;
    }
    return count;
}

uint64_t vmem_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct vmem *self = instance;
    struct vmem_walk walk = {.self = self, .visitor = visitor};
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    vmem_audit_segments(&walk);
    if (walk.broken != 0) /* what follows would say it again, or follow wrong links */
        return walk.broken;
    vmem_audit_lists(&walk);
    vmem_audit_hash(&walk);
    vmem_audit_caches(&walk);
    uint32_t segments = walk.kinds[VMEM_FREE] + walk.kinds[VMEM_AREA] + walk.kinds[VMEM_KEPT];
    if (walk.kinds[VMEM_AREA] != self->space.area_count || walk.area_bytes != self->space.bytes_reserved)
        vmem_say(&walk, 0, "begins an arena whose areas are not as many as counted");
    if (self->busy > self->space.areas_max || self->fresh > self->tag_count ||
        vmem_count_unused(self) != self->fresh - segments)
        vmem_say(&walk, 0, "begins an arena whose tags are not all in use or unused");
    return walk.broken;
}
