/* The arena's structures. The window is cut into segments, each with a boundary tag; no two free segments
 * touch.
 *
 *     segments   [free 3][AREA 2][AREA 1][kept 2][free 9    ][AREA 4][free 1]     in order of addresses
 *     lists      1: free 1       2..3: free 3       8..15: free 9                 of free ones, by power of
 * two hash       by start: the AREAs and the kept ones caches     cpu 0, size 2: kept 2 as many again for
 * each CPU
 *
 * A kept segment is an area to the arena and nobody's to the caller. */
#ifndef SERVICES_VMEM_INTERNAL_H
#define SERVICES_VMEM_INTERNAL_H

#include "allocators/services/area.h"

#define VMEM_NONE        UINT32_MAX
#define VMEM_LISTS       52u /* quanta in 64 bits of bytes */
#define VMEM_CACHE_DEPTH 16u /* areas of one size that a CPU keeps */
#define VMEM_QCACHE_MAX  64u

enum vmem_kind {
    VMEM_UNUSED = 0, /* a tag of no segment */
    VMEM_FREE = 1,
    VMEM_AREA = 2,
    VMEM_KEPT = 3, /* in a CPU's cache */
};

struct vmem_tag {
    uint64_t start; /* offset in the window */
    uint64_t bytes;
    uint32_t below; /* segments beside it, VMEM_NONE at the window's ends */
    uint32_t above;
    uint32_t next;   /* in a list of free ones, a chain of the hash, or the stack of unused tags */
    uint32_t before; /* in a list of free ones */
    uint8_t kind;    /* enum vmem_kind */
    uint8_t placed;  /* an area with wishes about its place: never kept */
    uint8_t reserved8[6];
};

struct vmem_cache {
    uint32_t count;
    uint32_t tags[VMEM_CACHE_DEPTH];
};

struct vmem {
    struct area_space space; /* first: hooks that are shared know only that */
    uint32_t cpu_count;
    uint32_t qcache; /* quanta of the largest area that is kept */
    bool best;       /* the smallest segment that fits, instead of the first in a list where all do */
    uint32_t busy;   /* areas and kept ones: areas_max at most */
    uint32_t kept;
    uint32_t first;  /* segment at the window's start */
    uint32_t unused; /* stack of tags given back */
    uint32_t fresh;  /* tags from here on were never used */
    uint32_t tag_count;
    uint64_t filled; /* bit i: list i has a segment */
    uint32_t lists[VMEM_LISTS];
    uint32_t hash_shift; /* of 64 bits, so that what is left is a bucket */
    uint32_t *buckets;
    struct vmem_cache *caches; /* [cpu][quanta - 1] */
    struct vmem_tag tags[];
};

PL_INLINE uint64_t vmem_quanta(uint64_t bytes)
{
    return bytes >> PL_FRAME_SHIFT;
}

/* The list that a free segment of so many bytes is in. */
PL_INLINE uint32_t vmem_list_of(uint64_t bytes)
{
    return 63u - PL_CLZ64(vmem_quanta(bytes));
}

PL_INLINE uint32_t *vmem_bucket(const struct vmem *self, uint64_t start)
{
    return &self->buckets[(vmem_quanta(start) * UINT64_C(0x9e3779b97f4a7c15)) >> self->hash_shift];
}

PL_INLINE uint32_t vmem_log2_ceil(uint64_t value)
{
    return value <= 1 ? 0 : 64u - PL_CLZ64(value - 1);
}

/* Tags that so many areas can need: as many free segments between them, and one more. */
PL_INLINE size_t vmem_tag_count(uint32_t areas)
{
    return 2 * (size_t)areas + 1;
}

/* ---- the arena ---- */

/* One free segment of the whole window. */
void vmem_arena_init(struct vmem *self);

/* A segment of want->bytes made an area, or VMEM_NONE: no place, or areas_max are busy. `placed`: the want is
 * more than a size. */
uint32_t vmem_carve(struct vmem *self, const struct area_want *want, bool placed);

/* A busy segment becomes free, one with the free ones beside it. */
void vmem_give(struct vmem *self, uint32_t at);

/* The busy segment that begins at this offset, or VMEM_NONE. */
uint32_t vmem_find(const struct vmem *self, uint64_t start);

uint64_t vmem_audit(const void *instance, struct pl_visitor *visitor);

#endif
