/* The slow half of percpu: batches between a magazine and the inner allocator. All of it runs masked, so no
 * handler on this CPU sees a magazine half filled, and none can have refilled it in between. */
#include <string.h>

#include "percpu.h"
#include <pagelab/check.h>

uint32_t percpu_enter(struct percpu_state *state, struct pl_cpu *cpu)
{
    if (state->guard == PERCPU_GUARD_NONE)
        return 0;
    uint32_t before = pl_mask(cpu);
    if (state->guard == PERCPU_GUARD_LOCK)
        pl_lock_take(&state->lock, cpu);
    return before;
}

void percpu_leave(struct percpu_state *state, struct pl_cpu *cpu, uint32_t before)
{
    if (state->guard == PERCPU_GUARD_NONE)
        return;
    if (state->guard == PERCPU_GUARD_LOCK)
        pl_lock_drop(&state->lock, cpu);
    pl_unmask(cpu, before);
}

enum pl_status percpu_refill(struct percpu_state *state, struct pl_cpu *cpu, struct percpu_magazine *magazine,
                             const struct pl_request *request)
{
    PL_ASSERT(percpu_count_get(magazine) == 0);
    struct pl_request quiet = *request;
    quiet.flags &= ~(PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL); /* masked: nobody may sleep here */
    enum pl_status status = PL_OK;
    uint32_t count = 0;

    if (state->guard == PERCPU_GUARD_LOCK)
        pl_lock_take(&state->lock, cpu);
    while (count < state->batch) {
        struct pl_run run;
        status = state->inner.ops->alloc(state->inner.self, cpu, &quiet, &run);
        if (status != PL_OK)
            break;
        magazine->frames[count++] = run.first.number;
    }
    if (state->guard == PERCPU_GUARD_LOCK)
        pl_lock_drop(&state->lock, cpu);

    pl_point(cpu, state); /* the frames are here, and nobody counts them */
    if (status != PL_OK && PL_MUTANT("percpu-refill-dropped")) {
        PL_MUTANT_TRIGGERED("percpu-refill-dropped", count != 0);
        count = 0;
    }
    percpu_count_set(magazine, count);
    return count != 0 ? PL_OK : status;
}

void percpu_push_down(struct percpu_state *state, struct pl_cpu *cpu, struct percpu_magazine *magazine,
                      uint32_t count)
{
    uint32_t held = percpu_count_get(magazine);
    PL_ASSERT(count <= held);
    if (state->guard == PERCPU_GUARD_LOCK)
        pl_lock_take(&state->lock, cpu);
    for (uint32_t i = 0; i < count; i++) {
        struct pl_run run = {.first = pl_frame_at(magazine->frames[i]), .frame_count = 1, .order = 0};
        enum pl_status status = state->inner.ops->free(state->inner.self, cpu, &run);
        /* Refused: an earlier caller freed what it did not own. The frame is dropped, it is not ours. */
        PL_ASSERT(status == PL_OK);
        (void)status;
    }
    if (state->guard == PERCPU_GUARD_LOCK)
        pl_lock_drop(&state->lock, cpu);
    pl_point(cpu, state);
    memmove(magazine->frames, magazine->frames + count, (held - count) * sizeof(magazine->frames[0]));
    percpu_count_set(magazine, held - count);
}

uint64_t percpu_cached(const struct percpu_state *state)
{
    uint64_t cached = 0;
    for (uint32_t i = 0; i < state->cpu_count; i++)
        cached += percpu_count_get(percpu_magazine_of(state, i));
    return cached;
}
