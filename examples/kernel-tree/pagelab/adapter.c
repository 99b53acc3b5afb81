/* The kernel's allocator in pagelab's words: its own code, its lock ours. */
#include <pagelab/candidate.h>

#include "../mm/runs.h"

struct adapter {
    _Alignas(struct mm_runs) struct pl_lock lock;
};

/* The kernel's own state follows. */
static struct mm_runs *runs_of(struct adapter *adapter)
{
    return (struct mm_runs *)(void *)(adapter + 1);
}

static size_t meta_bytes(const struct pl_page_config *config)
{
    return sizeof(struct adapter) + sizeof(struct mm_runs) + config->machine->frame_count * sizeof(uint64_t);
}

static enum pl_status init(void *self, const struct pl_page_config *config)
{
    struct adapter *adapter = self; /* zero-filled */
    mm_runs_add(runs_of(adapter), config->machine->first.number, config->machine->frame_count);
    return PL_OK;
}

static void fini(PL_UNUSED void *self)
{
}

static enum pl_status take(void *self, struct pl_cpu *cpu, const struct pl_request *want, struct pl_run *run)
{
    struct adapter *adapter = self;
    if (want->order != 0)
        return PL_UNSUPPORTED;
    uint32_t before = pl_lock_masked(&adapter->lock, cpu);
    uint64_t page = mm_runs_take(runs_of(adapter));
    pl_unlock_masked(&adapter->lock, cpu, before);
    if (page == MM_NO_PAGE)
        return PL_NO_MEMORY;
    *run = (struct pl_run){.first = pl_frame_at(page), .frame_count = 1};
    return PL_OK;
}

static enum pl_status give(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    struct adapter *adapter = self;
    uint32_t before = pl_lock_masked(&adapter->lock, cpu);
    mm_runs_give(runs_of(adapter), run->first.number);
    pl_unlock_masked(&adapter->lock, cpu, before);
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
                                                 .name = "runs",
                                                 .summary = "the kernel's own",
                                                 .page = &ops};
