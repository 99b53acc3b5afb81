/* Boundary tags, lists by power of two, the hash of what is busy. Sources: Knuth, "The Art of Computer
 * Programming" 1, 2.5, algorithm C (boundary tags); Bonwick and Adams, "Magazines and Vmem", USENIX 2001. */
#include "allocators/services/va_vmem/vmem_internal.h"

/* ---- tags ---- */

/* There is always one, as long as no more than areas_max segments are busy. */
static uint32_t vmem_tag_get(struct vmem *self)
{
    uint32_t at = self->unused;
    if (at != VMEM_NONE)
        self->unused = self->tags[at].next;
    else
        at = self->fresh++;
    PL_ASSERT(at < self->tag_count);
    PL_ASSERT(self->tags[at].kind == VMEM_UNUSED);
    return at;
}

static void vmem_tag_put(struct vmem *self, uint32_t at)
{
    self->tags[at] = (struct vmem_tag){.next = self->unused};
    self->unused = at;
}

/* ---- lists of free segments ---- */

static void vmem_list_add(struct vmem *self, uint32_t at)
{
    struct vmem_tag *tag = &self->tags[at];
    uint32_t list = vmem_list_of(tag->bytes);
    tag->kind = VMEM_FREE;
    tag->before = VMEM_NONE;
    tag->next = self->lists[list];
    if (tag->next != VMEM_NONE)
        self->tags[tag->next].before = at;
    self->lists[list] = at;
    self->filled |= UINT64_C(1) << list;
}

static void vmem_list_remove(struct vmem *self, uint32_t at)
{
    struct vmem_tag *tag = &self->tags[at];
    uint32_t list = vmem_list_of(tag->bytes);
    PL_ASSERT(tag->kind == VMEM_FREE);
    if (tag->before == VMEM_NONE)
        self->lists[list] = tag->next;
    else
        self->tags[tag->before].next = tag->next;
    if (tag->next != VMEM_NONE)
        self->tags[tag->next].before = tag->before;
    if (self->lists[list] == VMEM_NONE)
        self->filled &= ~(UINT64_C(1) << list);
}

/* ---- the hash ---- */

static void vmem_hash_add(struct vmem *self, uint32_t at)
{
    uint32_t *bucket = vmem_bucket(self, self->tags[at].start);
    self->tags[at].next = *bucket;
    *bucket = at;
}

static void vmem_hash_remove(struct vmem *self, uint32_t at)
{
    uint32_t *link = vmem_bucket(self, self->tags[at].start);
    while (*link != at) {
        PL_ASSERT(*link != VMEM_NONE);
        link = &self->tags[*link].next;
    }
    *link = self->tags[at].next;
}

uint32_t vmem_find(const struct vmem *self, uint64_t start)
{
    uint32_t at = *vmem_bucket(self, start);
    while (at != VMEM_NONE && self->tags[at].start != start)
        at = self->tags[at].next;
    return at;
}

/* ---- segments ---- */

void vmem_arena_init(struct vmem *self)
{
    for (uint32_t list = 0; list < VMEM_LISTS; list++)
        self->lists[list] = VMEM_NONE;
    self->unused = VMEM_NONE;
    self->first = vmem_tag_get(self);
    self->tags[self->first] =
        (struct vmem_tag){.bytes = self->space.window.bytes, .below = VMEM_NONE, .above = VMEM_NONE};
    vmem_list_add(self, self->first);
}

/* A new segment of the first `bytes` of `at`, which keeps the rest. Neither is in a list. */
static uint32_t vmem_cut(struct vmem *self, uint32_t at, uint64_t bytes)
{
    uint32_t cut = vmem_tag_get(self);
    struct vmem_tag *tag = &self->tags[at];
    PL_ASSERT(bytes > 0 && bytes < tag->bytes);
    self->tags[cut] =
        (struct vmem_tag){.start = tag->start, .bytes = bytes, .below = tag->below, .above = at};
    if (tag->below == VMEM_NONE)
        self->first = cut;
    else
        self->tags[tag->below].above = cut;
    tag->below = cut;
    tag->start += bytes;
    tag->bytes -= bytes;
    return cut;
}

/* `at` takes in the segment above it, whose tag is free again. Neither is in a list. */
static void vmem_join_above(struct vmem *self, uint32_t at)
{
    struct vmem_tag *tag = &self->tags[at];
    uint32_t gone = tag->above;
    tag->bytes += self->tags[gone].bytes;
    tag->above = self->tags[gone].above;
    if (tag->above != VMEM_NONE)
        self->tags[tag->above].below = at;
    vmem_tag_put(self, gone);
}

PL_INLINE uint64_t vmem_fit(const struct vmem *self, uint32_t at, const struct area_want *want)
{
    const struct vmem_tag *tag = &self->tags[at];
    return area_fit(&self->space.window, want, tag->start, tag->start + tag->bytes);
}

/* In one list: the first segment that the want fits into, or the smallest. */
static uint32_t vmem_search_list(const struct vmem *self, uint32_t list, const struct area_want *want)
{
    uint32_t found = VMEM_NONE;
    for (uint32_t at = self->lists[list]; at != VMEM_NONE; at = self->tags[at].next) {
        bool better = found == VMEM_NONE || self->tags[at].bytes < self->tags[found].bytes;
        if (!better || vmem_fit(self, at, want) == AREA_NO_PLACE)
            continue;
        found = at;
        if (!self->best || self->tags[at].bytes == want->bytes)
            break;
    }
    return found;
}

/* A free segment that the want fits into. A mere size is in whatever there is in a list of its power of two
 * and above; only if these are empty, or the best is wanted, is the list looked through that may hold it or
 * not. */
static uint32_t vmem_search(const struct vmem *self, const struct area_want *want, bool placed)
{
    uint64_t instant = self->filled >> vmem_log2_ceil(vmem_quanta(want->bytes))
                                           << vmem_log2_ceil(vmem_quanta(want->bytes));
    if (!placed && !self->best && instant != 0)
        return self->lists[PL_CTZ64(instant)];
    uint32_t least = vmem_list_of(want->bytes);
    uint32_t found = VMEM_NONE;
    for (uint64_t left = self->filled >> least << least; left != 0 && found == VMEM_NONE; left &= left - 1)
        found = vmem_search_list(self, PL_CTZ64(left), want);
    return found;
}

uint32_t vmem_carve(struct vmem *self, const struct area_want *want, bool placed)
{
    if (self->busy == self->space.areas_max)
        return VMEM_NONE;
    uint32_t at = vmem_search(self, want, placed);
    if (at == VMEM_NONE)
        return VMEM_NONE;
    uint64_t start = vmem_fit(self, at, want);
    PL_ASSERT(start != AREA_NO_PLACE);
    vmem_list_remove(self, at);
    if (start > self->tags[at].start)
        vmem_list_add(self, vmem_cut(self, at, start - self->tags[at].start));
    if (want->bytes < self->tags[at].bytes) {
        uint32_t rest = at;
        at = vmem_cut(self, rest, want->bytes);
        vmem_list_add(self, rest);
    }
    self->tags[at].kind = VMEM_AREA;
    self->tags[at].placed = placed;
    vmem_hash_add(self, at);
    self->busy++;
    return at;
}

void vmem_give(struct vmem *self, uint32_t at)
{
    struct vmem_tag *tags = self->tags;
    PL_ASSERT(tags[at].kind == VMEM_AREA || tags[at].kind == VMEM_KEPT);
    PL_ASSERT(self->busy > 0);
    vmem_hash_remove(self, at);
    self->busy--;
    if (tags[at].above != VMEM_NONE && tags[tags[at].above].kind == VMEM_FREE) {
        vmem_list_remove(self, tags[at].above);
        vmem_join_above(self, at);
    }
    uint32_t below = tags[at].below;
    if (below != VMEM_NONE && tags[below].kind == VMEM_FREE) {
        vmem_list_remove(self, below);
        vmem_join_above(self, below);
        at = below;
    }
    vmem_list_add(self, at);
}
