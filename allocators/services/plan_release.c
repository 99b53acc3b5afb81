/* See plan.h. Grants on their way back, each whole and once, and the audit. */
#include <stdio.h>

#include "allocators/services/plan.h"

/* Its bytes are cleared first: from then on it may be somebody else's. */
enum pl_status plan_give_back(struct plan_service *self, struct pl_cpu *cpu, const struct pl_run *grant,
                              unsigned kind)
{
    uint64_t at = plan_index(self, grant->first);
    uint64_t marked = kind == PLAN_RUN ? grant->frame_count : 1;
    for (uint64_t i = 0; i < marked; i++)
        plan_state_set(self, at + i, PLAN_NONE);
    atomic_fetch_sub_explicit(&self->frames_held, grant->frame_count, memory_order_relaxed);
    return self->page.ops->free(self->page.self, cpu, grant);
}

/* The grant that begins at index `at`, of which `left` frames or fewer are covered; its kind, or PLAN_NONE if
 * none begins there or only part of it is covered. */
static unsigned plan_grant_at(const struct plan_service *self, uint64_t at, uint64_t left,
                              struct pl_run *grant, uint64_t *covers)
{
    unsigned state = plan_state_of(self, at);
    uint64_t frames = 1;
    *grant = (struct pl_run){.first = pl_frame_at(self->machine->first.number + at)};
    if (PLAN_KIND(state) == PLAN_BLOCK) {
        grant->order = PLAN_ORDER(state);
        grant->frame_count = UINT64_C(1) << grant->order;
        *covers = grant->frame_count < left ? grant->frame_count : left;
        return PLAN_BLOCK;
    }
    if (PLAN_KIND(state) != PLAN_RUN)
        return PLAN_NONE;
    while (plan_state_of(self, at + frames) == PLAN_PART)
        frames++;
    grant->frame_count = frames;
    grant->order = plan_order_of(frames);
    *covers = frames;
    return frames <= left ? PLAN_RUN : PLAN_NONE;
}

/* Claims the grants of one run in order, or withdraws the claims, until `stop` frames are done. Returns how
 * many were: fewer if there is no grant, or if it is claimed already. */
static uint64_t plan_claim(struct plan_service *self, const struct pl_run *run, uint64_t stop, bool claim)
{
    uint64_t first = run->first.number - self->machine->first.number;
    uint64_t done = 0;
    while (done < stop) {
        struct pl_run grant;
        uint64_t covers;
        if (plan_grant_at(self, first + done, run->frame_count - done, &grant, &covers) == PLAN_NONE)
            break;
        _Atomic uint8_t *state = &self->state[first + done];
        if (!claim)
            atomic_fetch_and_explicit(state, (uint8_t)~PLAN_CLAIMED, memory_order_relaxed);
        else if ((atomic_fetch_or_explicit(state, PLAN_CLAIMED, memory_order_relaxed) & PLAN_CLAIMED) != 0)
            break;
        done += covers;
    }
    return done;
}

static bool plan_claim_all(struct plan_service *self, const struct pl_run *runs, size_t run_count)
{
    for (size_t i = 0; i < run_count; i++) {
        uint64_t done = plan_claim(self, &runs[i], runs[i].frame_count, true);
        if (done == runs[i].frame_count && done != 0)
            continue;
        (void)plan_claim(self, &runs[i], done, false);
        while (i-- > 0)
            (void)plan_claim(self, &runs[i], runs[i].frame_count, false);
        return false;
    }
    return true;
}

enum pl_status plan_release_by(plan_giver *give, struct plan_service *self, struct pl_cpu *cpu,
                               const struct pl_run *runs, size_t run_count)
{
    enum pl_status status = PL_OK;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(runs != NULL || run_count == 0);
    if (run_count == 0 || !plan_claim_all(self, runs, run_count))
        return PL_REFUSED;
    for (size_t i = 0; i < run_count; i++) {
        uint64_t first = runs[i].first.number - self->machine->first.number;
        for (uint64_t done = 0; done < runs[i].frame_count;) {
            struct pl_run grant;
            uint64_t covers;
            unsigned kind = plan_grant_at(self, first + done, runs[i].frame_count - done, &grant, &covers);
            PL_ASSERT(kind != PLAN_NONE);
            /* Refused: the allocator below has lost a frame that it granted. The rest goes back all the same.
             */
            if (give(self, cpu, &grant, kind) != PL_OK)
                status = PL_REFUSED;
            done += covers;
        }
    }
    return status;
}

enum pl_status plan_release(void *instance, struct pl_cpu *cpu, const struct pl_run *runs, size_t run_count)
{
    return plan_release_by(plan_give_back, instance, cpu, runs, run_count);
}

void plan_restart(struct plan *plan)
{
    if (plan->run_count > 0) {
        enum pl_status released = plan_release(plan->service, plan->cpu, plan->runs, plan->run_count);
        PL_ASSERT(released == PL_OK);
        (void)released;
    }
    plan->run_count = 0;
    plan->covered = 0;
}

enum pl_status plan_fail(struct plan *plan, enum pl_status status)
{
    PL_ASSERT(status != PL_OK);
    plan_restart(plan);
    return status;
}

void plan_count(const void *instance, struct pl_buffer_counts *counts)
{
    const struct plan_service *self = instance;
    PL_ASSERT(counts != NULL);
    *counts = (struct pl_buffer_counts){.frames_held =
                                            atomic_load_explicit(&self->frames_held, memory_order_relaxed)};
}

/* ---- the audit ---- */

static void plan_broken(struct pl_visitor *visitor, uint64_t *broken, uint64_t number, const char *problem)
{
    char words[96];
    snprintf(words, sizeof(words), "buffer: frame 0x%llx %s", (unsigned long long)number, problem);
    visitor->broken(visitor, words);
    ++*broken;
}

uint64_t plan_audit_kept(const struct plan_service *self, struct pl_visitor *visitor, uint64_t frames_kept)
{
    uint64_t held = 0;
    uint64_t kept = 0;
    uint64_t broken = 0;
    bool claimed = false; /* the grant that the walk is in */
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    for (uint64_t at = 0; at < self->machine->span; at++) {
        unsigned state = plan_state_of(self, at);
        uint64_t frames =
            PLAN_KIND(state) == PLAN_BLOCK ? UINT64_C(1) << PLAN_ORDER(state) : PLAN_KIND(state) != PLAN_NONE;
        bool led = at > 0 && (PLAN_KIND(plan_state_of(self, at - 1)) == PLAN_RUN ||
                              PLAN_KIND(plan_state_of(self, at - 1)) == PLAN_PART);
        if ((PLAN_KIND(state) == PLAN_PART && (!led || state != PLAN_PART)) ||
            (PLAN_KIND(state) == PLAN_NONE && state != PLAN_NONE))
            plan_broken(visitor, &broken, self->machine->first.number + at, "is marked as what it cannot be");
        if (PLAN_KIND(state) != PLAN_PART)
            claimed = (state & PLAN_CLAIMED) != 0;
        held += frames;
        kept += claimed ? frames : 0;
    }
    if (kept != frames_kept)
        plan_broken(visitor, &broken, kept, "are claimed, and others are kept or being released");
    if (held != atomic_load_explicit(&self->frames_held, memory_order_relaxed))
        plan_broken(visitor, &broken, held, "are held, and not as many are counted");
    return broken;
}

uint64_t plan_audit(const void *instance, struct pl_visitor *visitor)
{
    return plan_audit_kept(instance, visitor, 0);
}
