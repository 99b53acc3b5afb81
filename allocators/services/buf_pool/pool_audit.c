/* Every kept grant is one that the service holds, claimed, and as long as the pool thinks; and no other one
 * is claimed. */
#include <stdio.h>

#include "allocators/services/buf_pool/pool_internal.h"

static void pool_broken(struct pl_visitor *visitor, uint64_t *broken, uint64_t number, const char *problem)
{
    char words[96];
    snprintf(words, sizeof(words), "pool: frame 0x%llx %s", (unsigned long long)number, problem);
    visitor->broken(visitor, words);
    ++*broken;
}

/* Is the grant marked as the pool says? */
static bool pool_is_marked(const struct pool *self, const struct pool_grant *kept)
{
    const struct plan_service *service = &self->service;
    uint64_t at = kept->first.number - service->machine->first.number;
    unsigned state = plan_state_of(service, at);
    uint64_t frames = 1;
    if ((state & PLAN_CLAIMED) == 0 || PLAN_KIND(state) != kept->kind)
        return false;
    if (kept->kind == PLAN_BLOCK)
        return kept->frames == UINT64_C(1) << PLAN_ORDER(state);
    while (plan_state_of(service, at + frames) == PLAN_PART)
        frames++;
    return kept->frames == frames;
}

uint64_t pool_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct pool *self = instance;
    uint64_t broken = plan_audit_kept(&self->service, visitor, pool_kept(self));
    uint64_t frames = 0;
    for (uint32_t shelf = 0; shelf < POOL_SHELVES; shelf++) {
        if (self->counts[shelf] > self->keep)
            pool_broken(visitor, &broken, self->counts[shelf], "grants are on a shelf: too many");
        for (uint32_t i = 0; i < self->counts[shelf] && i < self->keep; i++) {
            const struct pool_grant *kept = &self->grants[(size_t)shelf * self->keep + i];
            if (!pool_is_marked(self, kept))
                pool_broken(visitor, &broken, kept->first.number, "is kept, but not marked so");
            if (kept->frames == 0 || plan_log2_floor(kept->frames) != shelf ||
                kept->frames > self->frames_max)
                pool_broken(visitor, &broken, kept->first.number, "is on a wrong shelf");
            frames += kept->frames;
        }
    }
    if (frames != pool_kept(self) || frames > self->kept_max)
        pool_broken(visitor, &broken, frames, "frames are kept: not as many as counted, or too many");
    return broken;
}
