/* See schedule_backends.h. */
#include "tests/unit/schedule_backends.h"

#include <pagelab/check.h>
#include <pagelab/lock.h>

#include <string.h>

enum fault { RIGHT, LOST, OPEN, CROSSED, SLEEPY, UNWOKEN, SPINNING };

struct stack {
    const struct pl_machine *machine;
    enum fault fault;
    struct pl_lock lock;
    struct pl_lock other; /* CROSSED */
    atomic_uint freed;    /* UNWOKEN */
    uint64_t count;
    uint64_t frames[];
};

static size_t stack_meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct stack) + (size_t)config->machine->frame_count * sizeof(uint64_t);
}

static enum pl_status stack_init(struct stack *self, const struct pl_page_config *config, enum fault fault)
{
    self->machine = config->machine;
    self->fault = fault;
    for (uint32_t r = config->machine->range_count; r-- > 0;) {
        const struct pl_range *range = &config->machine->ranges[r];
        for (uint64_t i = range->frame_count; i-- > 0;)
            self->frames[self->count++] = range->first.number + i;
    }
    return PL_OK;
}

static void stack_fini(void *instance)
{
    (void)instance;
}

static uint32_t enter(struct stack *self, struct pl_cpu *cpu, bool frees)
{
    uint32_t before = self->fault == OPEN ? 0 : pl_mask(cpu);
    bool swapped = self->fault == CROSSED && frees;
    pl_lock_take(swapped ? &self->other : &self->lock, cpu);
    if (self->fault == CROSSED)
        pl_lock_take(swapped ? &self->lock : &self->other, cpu);
    return before;
}

static void leave(struct stack *self, struct pl_cpu *cpu, uint32_t before)
{
    if (self->fault == CROSSED)
        pl_lock_drop(&self->other, cpu);
    pl_lock_drop(&self->lock, cpu);
    if (self->fault != OPEN)
        pl_unmask(cpu, before);
}

/* Nothing is free. True: try again. */
static bool wait_for_one(struct stack *self, struct pl_cpu *cpu)
{
    unsigned freed = atomic_load_explicit(&self->freed, memory_order_acquire);
    if (self->fault == SPINNING)
        pl_relax(cpu);
    else if (self->fault == UNWOKEN && cpu->context == PL_CONTEXT_TASK)
        cpu->platform->wait(cpu, &self->freed, freed);
    else
        return false;
    return true;
}

static enum pl_status stack_alloc(void *instance, struct pl_cpu *cpu, const struct pl_request *request,
                                  struct pl_run *run)
{
    struct stack *self = instance;
    enum pl_status status = PL_NO_MEMORY;
    if (request->order != 0)
        return PL_UNSUPPORTED;
    do {
        uint32_t before = enter(self, cpu, false);
        if (self->fault == SLEEPY && self->count == 1)
            cpu->platform->might_sleep(cpu, "the last frame");
        if (self->count > 0) {
            *run = (struct pl_run){.first = pl_frame_at(self->frames[self->count - 1]), .frame_count = 1};
            status = PL_OK;
        }
        if (self->fault != LOST && status == PL_OK)
            self->count--;
        leave(self, cpu, before);
        if (self->fault == LOST && status == PL_OK)
            self->count--;
    } while (status != PL_OK && wait_for_one(self, cpu));
    return status;
}

static enum pl_status stack_free(void *instance, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct stack *self = instance;
    uint32_t before = enter(self, cpu, true);
    PL_ASSERT(self->count < self->machine->frame_count);
    self->frames[self->count++] = run->first.number;
    leave(self, cpu, before);
    atomic_fetch_add_explicit(&self->freed, 1, memory_order_release);
    return PL_OK;
}

static void stack_count(const void *instance, struct pl_page_counts *counts)
{
    *counts = (struct pl_page_counts){.free = ((const struct stack *)instance)->count};
}

#define CAPS                                                                                                 \
    (PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_EXACT_COUNT | PL_CAP_ALL_FRAMES | PL_CAP_HOLES |           \
     PL_CAP_BASE | PL_CAP_NODES)

#define STACK(word, which, more_caps)                                                                        \
    static enum pl_status init_##word(void *instance, const struct pl_page_config *config)                   \
    {                                                                                                        \
        return stack_init(instance, config, which);                                                          \
    }                                                                                                        \
    static const struct pl_page_ops ops_##word = {                                                           \
        .bytes = sizeof(struct pl_page_ops),                                                                 \
        .abi = PL_ABI,                                                                                       \
        .caps = CAPS | (more_caps),                                                                          \
        .meta_bytes = stack_meta_bytes,                                                                      \
        .init = init_##word,                                                                                 \
        .fini = stack_fini,                                                                                  \
        .alloc = stack_alloc,                                                                                \
        .free = stack_free,                                                                                  \
        .count = stack_count,                                                                                \
    };                                                                                                       \
    const struct pl_candidate pl_candidate_stack_##word = {                                                  \
        .bytes = sizeof(struct pl_candidate),                                                                \
        .abi = PL_ABI,                                                                                       \
        .name = "stack-" #word,                                                                              \
        .summary = "a stack of frames for a test",                                                           \
        .kind = PL_KIND_CANARY,                                                                              \
        .page = &ops_##word,                                                                                 \
    };

STACK(right, RIGHT, 0)
STACK(lost, LOST, 0)
STACK(open, OPEN, 0)
STACK(crossed, CROSSED, 0)
STACK(sleepy, SLEEPY, 0)
STACK(unwoken, UNWOKEN, PL_CAP_MAY_SLEEP)
STACK(spinning, SPINNING, 0)
