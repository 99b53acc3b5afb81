/* Runs of any length, and splits. What is not a power of two, or not aligned to its size, is granted with its
 * length written along its state bytes; everything else is a block like any other. */
#include "slate_internal.h"

/* ---- state bytes: no lock, whoever calls owns the frames ---- */

/* Writes that a grant of this length begins at the index, whatever its bytes said before. */
static void slate_write_grant(struct slate *self, uint64_t index, uint64_t count)
{
    bool is_block = pl_is_power_of_two(count) && count <= SLATE_CHUNK && index % count == 0;
    PL_ASSERT(count > 0);
    slate_state_set(self->state, index, is_block ? SLATE_HEAD(PL_CTZ64(count)) : SLATE_RUN_HEAD);
    for (uint64_t i = 1; i < count; i++)
        slate_state_set(self->state, index + i, is_block ? SLATE_NO_HEAD : SLATE_RUN_TAIL);
}

static void slate_wipe_grant(struct slate *self, uint64_t index, uint64_t count)
{
    PL_ASSERT(count > 0);
    for (uint64_t i = 0; i < count; i++)
        slate_state_set(self->state, index + i, SLATE_NO_HEAD);
}

/* Exactly one grant? */
static bool slate_is_grant(const struct slate *self, const struct pl_run *run)
{
    uint64_t limit = self->chunk_count * SLATE_CHUNK;
    uint64_t index = run->first.number - self->base;
    uint64_t count = run->frame_count;
    if (index >= limit || count == 0 || count > limit - index)
        return false;
    if (pl_is_power_of_two(count) && run->order != PL_CTZ64(count))
        return false;
    uint32_t head = slate_state_get(self->state, index);
    if (head != SLATE_RUN_HEAD)
        return head != SLATE_NO_HEAD && head != SLATE_RUN_TAIL && count == UINT64_C(1) << (head - 1);
    for (uint64_t i = 1; i < count; i++) {
        if (slate_state_get(self->state, index + i) != SLATE_RUN_TAIL)
            return false;
    }
    return index + count == limit || slate_state_get(self->state, index + count) != SLATE_RUN_TAIL;
}

/* ---- hooks ---- */

enum pl_status slate_free_run(struct slate *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    PL_ASSERT(cpu != NULL);
    if (!slate_is_grant(self, run))
        return PL_REFUSED;
    uint64_t index = run->first.number - self->base;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    slate_wipe_grant(self, index, run->frame_count);
    pl_point(cpu, self);
    slate_mark(self, index, run->frame_count, true);
    pl_unlock_masked(&self->lock, cpu, before);
    return PL_OK;
}

enum pl_status slate_split(void *instance, struct pl_cpu *cpu, const struct pl_run *run, uint32_t order)
{
    struct slate *self = instance;
    PL_ASSERT(cpu != NULL);
    if (order > SLATE_MAX_ORDER)
        return PL_UNSUPPORTED;
    uint64_t part = UINT64_C(1) << order;
    uint32_t before = pl_mask(cpu);
    enum pl_status status = PL_OK;
    if (!slate_is_grant(self, run)) {
        status = PL_REFUSED;
    } else if ((run->first.number | run->frame_count) % part != 0) {
        status = PL_INVALID;
    } else {
        uint64_t index = run->first.number - self->base;
        for (uint64_t i = 0; i < run->frame_count; i += part)
            slate_write_grant(self, index + i, part);
    }
    pl_unmask(cpu, before);
    return status;
}

enum pl_status slate_alloc_run(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                               const struct pl_constraints *constraints, struct pl_run *run)
{
    struct slate *self = instance;
    struct slate_cpu *own = slate_cpu_at(self, cpu->id);
    uint64_t frame_count = constraints->frame_count;
    PL_ASSERT(run != NULL);
    if (request->alloc_class >= PL_CLASS_COUNT || frame_count == 0 ||
        !pl_is_power_of_two(constraints->alignment) ||
        (constraints->boundary != 0 && !pl_is_power_of_two(constraints->boundary)))
        return PL_INVALID;
    if (!pl_machine_could_fit(self->machine, request, constraints))
        return PL_NEVER;
    uint32_t before = pl_lock_masked(&self->lock, cpu);
    uint64_t found = slate_find_run(self, request, constraints);
    if (found == SLATE_NONE && slate_has_spill(self, own)) {
        slate_spill(self, own, true);
        pl_point(cpu, self);
        found = slate_find_run(self, request, constraints);
        if (found == SLATE_NONE)
            slate_spill(self, own, false);
        else
            slate_spilled(self, own);
    }
    if (found != SLATE_NONE) {
        slate_mark(self, found, frame_count, false);
        slate_write_grant(self, found, frame_count);
    }
    pl_unlock_masked(&self->lock, cpu, before);
    if (found == SLATE_NONE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(self->base + found), .frame_count = frame_count};
    run->order = pl_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
    return PL_OK;
}
