/* A page allocator in a plug-in: a stack of free frames under one lock. It cannot tell a wrong free. */
#include <pagelab/candidate.h>

struct stack {
    struct pl_lock lock;
    uint64_t count;
    pl_frame frame[]; /* the free ones; the last is granted next */
};

static size_t meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct stack) + config->machine->frame_count * sizeof(pl_frame);
}

static enum pl_status init(void *self, const struct pl_page_config *config)
{
    struct stack *stack = self; /* zero-filled */
    for (uint64_t at = config->machine->frame_count; at > 0; at--)
        stack->frame[stack->count++] = pl_frame_at(config->machine->first.number + at - 1);
    return PL_OK;
}

static void fini(PL_UNUSED void *self)
{
}

static enum pl_status take(void *self, struct pl_cpu *cpu, const struct pl_request *want, struct pl_run *run)
{
    struct stack *stack = self;
    uint32_t before = pl_lock_masked(&stack->lock, cpu);
    bool found = want->order == 0 && stack->count > 0;
    if (found)
        *run = (struct pl_run){.first = stack->frame[--stack->count], .frame_count = 1};
    pl_unlock_masked(&stack->lock, cpu, before);
    return found ? PL_OK : want->order == 0 ? PL_NO_MEMORY : PL_UNSUPPORTED;
}

static enum pl_status give(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct stack *stack = self;
    uint32_t before = pl_lock_masked(&stack->lock, cpu);
    stack->frame[stack->count++] = run->first;
    pl_unlock_masked(&stack->lock, cpu, before);
    return PL_OK;
}

static const struct pl_page_ops ops = {.bytes = sizeof(ops),
                                       .abi = PL_ABI,
                                       .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_ALL_FRAMES,
                                       .meta_bytes = meta_bytes,
                                       .init = init,
                                       .fini = fini,
                                       .alloc = take,
                                       .free = give};

const struct pl_candidate pl_candidate_export = {.bytes = sizeof(pl_candidate_export),
                                                 .abi = PL_ABI,
                                                 .name = "mine",
                                                 .summary = "a stack of frames",
                                                 .page = &ops};
