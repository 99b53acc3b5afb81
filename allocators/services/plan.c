/* See plan.h. Constraints, and grants on their way into a plan; plan_release.c has the way back. */
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

void plan_service_begin(struct plan_service *self, const struct pl_buffer_config *config, void *states)
{
    self->machine = config->machine;
    self->page = config->page;
    self->state = states;
}

enum pl_status plan_service_init(void *instance, const struct pl_buffer_config *config)
{
    struct plan_service *self = instance;
    PL_ASSERT(self != NULL);
    PL_ASSERT(config->page.ops != NULL);
    if (config->params != NULL && config->params[0] != '\0')
        return PL_INVALID;
    plan_service_begin(self, config, self + 1);
    return PL_OK;
}

void plan_service_fini(void *instance)
{
    PL_ASSERT(instance != NULL);
}

/* ---- constraints ---- */

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
    if (buffer_bytes == 0 || run_capacity == 0 || !pl_is_power_of_two(want->alignment))
        return false;
    if (want->boundary != 0 && !pl_is_power_of_two(want->boundary))
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

bool plan_accept(struct plan *plan, const struct pl_run *grant, uint64_t frame_count)
{
    PL_ASSERT(grant->frame_count >= frame_count);
    if (!plan_join(plan, grant->first.number, frame_count))
        return false;
    plan->covered += frame_count;
    if (plan->zero && (grant->flags & PL_RUN_ZERO) == 0)
        memset(pl_frame_address(plan->service->machine, grant->first), 0,
               (size_t)(frame_count << PL_FRAME_SHIFT));
    return true;
}

bool plan_suits(const struct plan *plan, const struct pl_run *grant, uint64_t frame_count)
{
    return (grant->first.number & ((UINT64_C(1) << plan->unit) - 1)) == 0 &&
           plan_lies_below(plan, grant->first.number, frame_count) &&
           plan_is_one_run(plan, grant->first.number, frame_count);
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
    if (plan_accept(plan, &grant, frame_count))
        return PL_OK;
    status = plan_give_back(self, plan->cpu, &grant, kind);
    PL_ASSERT(status == PL_OK);
    return PL_NO_MEMORY;
}

/* What is left, by pieces. Only the smallest ones may sleep: that a larger one is not there is no failure. */
static enum pl_status plan_cover_pieces(struct plan *plan, plan_taker *take)
{
    uint64_t least = UINT64_C(1) << plan->unit;
    least = least < plan->run_max ? least : plan->run_max;
    uint64_t most = plan->frame_count < plan->run_max ? plan->frame_count : plan->run_max;
    uint64_t piece = UINT64_C(1) << plan_log2_floor(most);
    piece = piece > least ? piece : least;
    while (plan->covered < plan->frame_count) {
        uint64_t left = plan->frame_count - plan->covered;
        bool last_try = piece == least;
        enum pl_status status = take(plan, left < piece ? left : piece, last_try);
        if (status != PL_OK && last_try)
            return status;
        if (status != PL_OK)
            piece = piece / 2 > least ? piece / 2 : least;
    }
    return PL_OK;
}

enum pl_status plan_cover_largest(struct plan *plan, plan_taker *take)
{
    PL_ASSERT(plan->covered == 0);
    if (plan->contiguous)
        return take(plan, plan->frame_count, true);
    if (plan->frame_count <= plan->run_max && take(plan, plan->frame_count, false) == PL_OK)
        return PL_OK;
    return plan_cover_pieces(plan, take);
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
