/* See plan.h. */
#include <stdio.h>
#include <string.h>

#include "allocators/services/plan.h"

#define PLAN_WAITS       (PL_REQUEST_WAIT_OK | PL_REQUEST_WAIT_FAIL)
#define PLAN_ASIDE_LIMIT 32u /* frames too high that are held while a lower one is looked for */

/* ---- the instance ---- */

size_t plan_service_meta_bytes(const struct pl_buffer_config *config)
{
    PL_ASSERT(config != NULL);
    PL_ASSERT(config->machine != NULL);
    return sizeof(struct plan_service) + (size_t)config->machine->span;
}

enum pl_status plan_service_init(void *instance, const struct pl_buffer_config *config)
{
    struct plan_service *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(config->page.ops != NULL);
    if (config->params != NULL && config->params[0] != '\0')
        return PL_INVALID;
    self->machine = config->machine;
    self->page = config->page;
    self->state = (void *)(self + 1);
    return PL_OK;
}

void plan_service_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

static uint8_t plan_state_of(const struct plan_service *self, uint64_t at)
{
    return at < self->machine->span ? atomic_load_explicit(&self->state[at], memory_order_relaxed)
                                    : PLAN_NONE;
}

static void plan_state_set(struct plan_service *self, uint64_t at, unsigned state)
{
    PL_ASSERT(at < self->machine->span);
    atomic_store_explicit(&self->state[at], (uint8_t)state, memory_order_relaxed);
}

/* ---- constraints ---- */

static bool plan_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Frames of the machine with numbers below `high`. */
static uint64_t plan_frames_below(const struct pl_machine *machine, uint64_t high)
{
    uint64_t frames = 0;
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct pl_range *range = &machine->ranges[i];
        uint64_t below = high > range->first.number ? high - range->first.number : 0;
        frames += below < range->frame_count ? below : range->frame_count;
    }
    return frames;
}

static bool plan_is_legal(uint64_t buffer_bytes, const struct pl_buffer_constraints *want,
                          size_t run_capacity)
{
    if (buffer_bytes == 0 || run_capacity == 0 || !plan_is_power_of_two(want->alignment))
        return false;
    if (want->boundary != 0 && !plan_is_power_of_two(want->boundary))
        return false;
    if ((want->flags & ~(PL_BUFFER_CONTIGUOUS | PL_BUFFER_ZERO)) != 0)
        return false;
    return want->request.alloc_class < PL_CLASS_COUNT && (want->request.flags & PLAN_WAITS) != PLAN_WAITS;
}

/* The mask's lowest clear bit: below it every address is legal. Masks with more bits above that are served
 * from below only. PL_OK, PL_NEVER or PL_UNSUPPORTED. */
static enum pl_status plan_mask(struct plan *plan, uint64_t mask)
{
    const struct pl_machine *machine = plan->service->machine;
    uint64_t hole = ~mask & (mask + 1);
    plan->high = hole == 0 ? UINT64_MAX : hole >> PL_FRAME_SHIFT;
    if (plan->high >= machine->first.number + machine->span)
        plan->high = UINT64_MAX;
    if (plan->frame_count <= plan_frames_below(machine, plan->high))
        return PL_OK;
    bool more = hole >= PL_FRAME_BYTES && (mask & ~(hole - 1)) != 0;
    return more && plan->frame_count <= machine->frame_count ? PL_UNSUPPORTED : PL_NEVER;
}

/* Frames of a run at most: 0 if no whole frame will do. */
static uint64_t plan_run_max(const struct pl_buffer_constraints *want)
{
    uint64_t most = UINT64_MAX;
    if (want->segment_bytes_max != 0)
        most = want->segment_bytes_max >> PL_FRAME_SHIFT;
    if (want->boundary != 0 && want->boundary >> PL_FRAME_SHIFT < most)
        most = want->boundary >> PL_FRAME_SHIFT;
    return most;
}

enum pl_status plan_begin(struct plan *plan, void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                          const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                          size_t run_capacity)
{
    struct plan_service *self = instance;
    PL_ASSERT(cpu != NULL);
    PL_ASSERT(runs != NULL);
    if (!plan_is_legal(buffer_bytes, constraints, run_capacity))
        return PL_INVALID;
    *plan = (struct plan){
        .service = self,
        .cpu = cpu,
        .request = constraints->request,
        .frame_count = (buffer_bytes >> PL_FRAME_SHIFT) + ((buffer_bytes & (PL_FRAME_BYTES - 1)) != 0),
        .run_max = plan_run_max(constraints),
        .boundary = constraints->boundary >> PL_FRAME_SHIFT,
        .contiguous = (constraints->flags & PL_BUFFER_CONTIGUOUS) != 0,
        .zero = (constraints->flags & PL_BUFFER_ZERO) != 0,
        .runs = runs,
        .run_limit = run_capacity,
    };
    if (constraints->alignment > PL_FRAME_BYTES)
        plan->unit = PL_CTZ64(constraints->alignment) - PL_FRAME_SHIFT;
    enum pl_status status = plan_mask(plan, constraints->address_mask);
    if (status != PL_OK)
        return status;
    if (plan->run_max == 0 || (plan->contiguous && plan->frame_count > plan->run_max))
        return PL_NEVER;
    uint64_t runs_least = (plan->frame_count - 1) / plan->run_max + 1;
    if (constraints->segment_count_max != 0 && runs_least > constraints->segment_count_max)
        return PL_NEVER;
    if (runs_least > run_capacity)
        return PL_INVALID;
    if (plan->zero && self->machine->contents == NULL)
        return PL_UNSUPPORTED;
    if (constraints->segment_count_max != 0 && constraints->segment_count_max < run_capacity)
        plan->run_limit = constraints->segment_count_max;
    plan->contiguous = plan->contiguous || plan->run_limit == 1;
    if (plan->zero)
        plan->request.flags |= PL_REQUEST_ZERO;
    return PL_OK;
}

/* ---- grants ---- */

static uint64_t plan_index(const struct plan_service *self, pl_frame frame)
{
    PL_ASSERT(frame.number - self->machine->first.number < self->machine->span);
    return frame.number - self->machine->first.number;
}

/* By alloc_run. PL_UNSUPPORTED if the allocator has none. */
static enum pl_status plan_call_run(struct plan *plan, const struct pl_request *request, uint64_t frame_count,
                                    struct pl_run *grant)
{
    const struct pl_page *page = &plan->service->page;
    const struct pl_constraints constraints = {
        .frame_count = frame_count,
        .high = pl_frame_at(plan->high),
        .alignment = UINT64_C(1) << plan->unit,
        .boundary = plan->boundary,
    };
    if (page->ops->alloc_run == NULL)
        return PL_UNSUPPORTED;
    return page->ops->alloc_run(page->self, plan->cpu, request, &constraints, grant);
}

static bool plan_lies_below(const struct plan *plan, uint64_t first, uint64_t frame_count)
{
    return first < plan->high && frame_count <= plan->high - first;
}

/* By alloc, a block that holds so many frames. An allocator does not know of the mask: what lies too high is
 * held aside until one that does not is found, or enough were tried. */
static enum pl_status plan_call_block(struct plan *plan, const struct pl_request *request,
                                      uint64_t frame_count, struct pl_run *grant)
{
    uint32_t order = plan_log2_ceil(frame_count) > plan->unit ? plan_log2_ceil(frame_count) : plan->unit;
    const struct pl_page *page = &plan->service->page;
    struct pl_run aside[PLAN_ASIDE_LIMIT];
    uint32_t aside_count = 0;
    struct pl_request own = *request;
    enum pl_status status = PL_NO_MEMORY;
    if (order > PL_ORDER_LIMIT)
        return PL_UNSUPPORTED;
    own.order = (uint8_t)order;
    while (aside_count < PLAN_ASIDE_LIMIT) {
        status = page->ops->alloc(page->self, plan->cpu, &own, grant);
        if (status != PL_OK || plan_lies_below(plan, grant->first.number, frame_count))
            break;
        aside[aside_count++] = *grant;
        status = PL_NO_MEMORY;
    }
    while (aside_count > 0) {
        enum pl_status freed = page->ops->free(page->self, plan->cpu, &aside[--aside_count]);
        PL_ASSERT(freed == PL_OK);
        (void)freed;
    }
    return status;
}

/* Frees one grant. Its bytes are cleared first: from then on it may be somebody else's. */
static enum pl_status plan_give(struct plan_service *self, struct pl_cpu *cpu, const struct pl_run *grant,
                                unsigned kind)
{
    uint64_t at = plan_index(self, grant->first);
    uint64_t marked = kind == PLAN_RUN ? grant->frame_count : 1;
    for (uint64_t i = 0; i < marked; i++)
        plan_state_set(self, at + i, PLAN_NONE);
    atomic_fetch_sub_explicit(&self->frames_held, grant->frame_count, memory_order_relaxed);
    return self->page.ops->free(self->page.self, cpu, grant);
}

static void plan_mark(struct plan_service *self, const struct pl_run *grant, unsigned kind)
{
    uint64_t at = plan_index(self, grant->first);
    PL_ASSERT(plan_state_of(self, at) == PLAN_NONE);
    plan_state_set(self, at, kind == PLAN_RUN ? PLAN_RUN : PLAN_BLOCK | grant->order);
    for (uint64_t i = 1; kind == PLAN_RUN && i < grant->frame_count; i++)
        plan_state_set(self, at + i, PLAN_PART);
    atomic_fetch_add_explicit(&self->frames_held, grant->frame_count, memory_order_relaxed);
}

/* May frames [first, first + frame_count) be one run? */
static bool plan_is_one_run(const struct plan *plan, uint64_t first, uint64_t frame_count)
{
    if (frame_count > plan->run_max)
        return false;
    return plan->boundary == 0 || first / plan->boundary == (first + frame_count - 1) / plan->boundary;
}

static uint32_t plan_order_of(uint64_t frame_count)
{
    return plan_is_power_of_two(frame_count) ? PL_CTZ64(frame_count) : PL_ORDER_NONE;
}

/* Joins the frames to the run before them or behind them, or begins a run. False if that would be one too
 * many. */
static bool plan_join(struct plan *plan, uint64_t first, uint64_t frame_count)
{
    if (plan->run_count > 0) {
        struct pl_run *last = &plan->runs[plan->run_count - 1];
        uint64_t together = last->frame_count + frame_count;
        bool behind = last->first.number + last->frame_count == first;
        uint64_t start = behind ? last->first.number : first;
        if ((behind || first + frame_count == last->first.number) && plan_is_one_run(plan, start, together)) {
            *last = (struct pl_run){
                .first = pl_frame_at(start), .frame_count = together, .order = plan_order_of(together)};
            return true;
        }
    }
    if (plan->run_count == plan->run_limit)
        return false;
    plan->runs[plan->run_count++] = (struct pl_run){
        .first = pl_frame_at(first), .frame_count = frame_count, .order = plan_order_of(frame_count)};
    return true;
}

/* A block of just the alignment's size is asked for by its order, which caches serve; anything else as a run,
 * where there are runs, for that is found in more places and has nothing too much. */
static enum pl_status plan_call(struct plan *plan, const struct pl_request *request, uint64_t frame_count,
                                struct pl_run *grant, unsigned *kind)
{
    bool block_first = frame_count == UINT64_C(1) << plan->unit && plan->high == UINT64_MAX;
    enum pl_status status = PL_UNSUPPORTED;
    *kind = PLAN_RUN;
    if (!block_first)
        status = plan_call_run(plan, request, frame_count, grant);
    if (status == PL_UNSUPPORTED) {
        *kind = PLAN_BLOCK;
        status = plan_call_block(plan, request, frame_count, grant);
    }
    if (status == PL_UNSUPPORTED && block_first) {
        *kind = PLAN_RUN;
        status = plan_call_run(plan, request, frame_count, grant);
    }
    return status;
}

enum pl_status plan_take(struct plan *plan, uint64_t frame_count, bool may_sleep)
{
    struct plan_service *self = plan->service;
    struct pl_request request = plan->request;
    struct pl_run grant;
    unsigned kind;
    PL_ASSERT(frame_count > 0 && frame_count <= plan->run_max);
    if (!may_sleep)
        request.flags &= ~PLAN_WAITS;
    request.index += plan->covered; /* consecutive pages of the owner */
    enum pl_status status = plan_call(plan, &request, frame_count, &grant, &kind);
    if (status != PL_OK)
        return status;
    PL_ASSERT(grant.frame_count >= frame_count);
    plan_mark(self, &grant, kind);
    if (!plan_join(plan, grant.first.number, frame_count)) {
        status = plan_give(self, plan->cpu, &grant, kind);
        PL_ASSERT(status == PL_OK);
        return PL_NO_MEMORY;
    }
    plan->covered += frame_count;
    if (plan->zero && (grant.flags & PL_RUN_ZERO) == 0)
        memset(pl_frame_address(self->machine, grant.first), 0, (size_t)(frame_count << PL_FRAME_SHIFT));
    return PL_OK;
}

/* ---- release ---- */

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

enum pl_status plan_release(void *instance, struct pl_cpu *cpu, const struct pl_run *runs, size_t run_count)
{
    struct plan_service *self = instance;
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
            if (plan_give(self, cpu, &grant, kind) != PL_OK)
                status = PL_REFUSED;
            done += covers;
        }
    }
    return status;
}

enum pl_status plan_fail(struct plan *plan, enum pl_status status)
{
    PL_ASSERT(status != PL_OK);
    if (plan->run_count > 0) {
        enum pl_status released = plan_release(plan->service, plan->cpu, plan->runs, plan->run_count);
        PL_ASSERT(released == PL_OK);
        (void)released;
    }
    return status;
}

enum pl_status plan_by(plan_cover *cover, void *instance, struct pl_cpu *cpu, uint64_t buffer_bytes,
                       const struct pl_buffer_constraints *constraints, struct pl_run *runs,
                       size_t run_capacity, size_t *run_count)
{
    struct plan plan;
    PL_ASSERT(run_count != NULL);
    PL_ASSERT(constraints != NULL);
    enum pl_status status = plan_begin(&plan, instance, cpu, buffer_bytes, constraints, runs, run_capacity);
    if (status != PL_OK)
        return status;
    status = cover(&plan);
    if (status != PL_OK)
        return plan_fail(&plan, status);
    PL_ASSERT(plan.covered == plan.frame_count);
    *run_count = plan.run_count;
    return PL_OK;
}

uint64_t plan_audit(const void *instance, struct pl_visitor *visitor)
{
    const struct plan_service *self = instance;
    uint64_t held = 0;
    uint64_t broken = 0;
    PL_ASSERT(visitor != NULL);
    PL_ASSERT(visitor->broken != NULL);
    for (uint64_t at = 0; at < self->machine->span; at++) {
        unsigned state = plan_state_of(self, at);
        bool led = at > 0 && (PLAN_KIND(plan_state_of(self, at - 1)) == PLAN_RUN ||
                              PLAN_KIND(plan_state_of(self, at - 1)) == PLAN_PART);
        if ((PLAN_KIND(state) == PLAN_PART && !led) || (state != PLAN_PART && (state & PLAN_CLAIMED) != 0)) {
            char words[96];
            uint64_t number = self->machine->first.number + at;
            snprintf(words, sizeof(words), "buffer: frame 0x%llx is marked as what it cannot be",
                     (unsigned long long)number);
            visitor->broken(visitor, words);
            broken++;
        }
        held +=
            PLAN_KIND(state) == PLAN_BLOCK ? UINT64_C(1) << PLAN_ORDER(state) : PLAN_KIND(state) != PLAN_NONE;
    }
    if (held != atomic_load_explicit(&self->frames_held, memory_order_relaxed)) {
        visitor->broken(visitor, "buffer: frames held are not as many as counted");
        broken++;
    }
    return broken;
}
