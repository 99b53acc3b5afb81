/* The pool's structures. A shelf for each power of two of frames; on it the grants that buffers gave back,
 * the last one on top. They stay granted and claimed, so that nobody can release them again.
 *
 *     shelf 0   [1 frame] [1 frame]
 *     shelf 1   [2]
 *     shelf 2   [5] [4] [5]           5: a run, as it was asked for
 *     shelf 4   [16] [16]             the bound of frames on all shelves: a share of the machine */
#ifndef SERVICES_POOL_INTERNAL_H
#define SERVICES_POOL_INTERNAL_H

#include <pagelab/lock.h>

#include "allocators/services/plan.h"

#define POOL_SHELVES      11u /* of 1 frame to 1,024 and more */
#define POOL_FRAMES_LIMIT UINT32_C(1024)
#define POOL_KEEP_LIMIT   64u
#define POOL_SHARE        8u /* no more than an eighth of the machine is kept */

struct pool_grant {
    pl_frame first;
    uint32_t frames;
    uint32_t kind; /* PLAN_RUN or PLAN_BLOCK */
};

struct pool {
    struct plan_service service; /* first */
    struct pl_lock lock;         /* of what follows */
    uint32_t keep;               /* grants of a shelf at most */
    uint32_t frames_max;         /* of a grant that is kept */
    uint64_t kept_max;           /* frames on all shelves at most */
    atomic_ullong frames_kept;   /* written under the lock; count reads without */
    uint32_t counts[POOL_SHELVES];
    struct pool_grant grants[]; /* [shelf][keep] */
};

PL_INLINE uint64_t pool_kept(const struct pool *self)
{
    return atomic_load_explicit(&self->frames_kept, memory_order_relaxed);
}

PL_INLINE struct pool_grant *pool_shelf(struct pool *self, uint32_t shelf)
{
    PL_ASSERT(shelf < POOL_SHELVES);
    return &self->grants[(size_t)shelf * self->keep];
}

uint64_t pool_audit(const void *instance, struct pl_visitor *visitor);

#endif
