/* The floor of every measurement: what the harness costs when the allocator costs nothing. It grants the same
 * frames to everybody, for ever, and keeps no record: a measuring rod, not an allocator. */
#include <stdio.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_null;

#define NULL_MAX_ORDER 10u

/* Constant after init. */
struct null_state {
    pl_frame first;     /* a multiple of 2^max_order */
    uint32_t max_order; /* the machine may have no aligned block of the orders above */
};

static size_t null_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct null_state);
}

/* The largest order of which this range has an aligned block, at most NULL_MAX_ORDER, and the first such
 * block. */
static void null_find_block(struct null_state *state, const struct pl_range *range)
{
    uint64_t end = range->first.number + range->frame_count;
    for (uint32_t order = NULL_MAX_ORDER + 1; order-- > 0;) {
        uint64_t block = (uint64_t)1 << order;
        uint64_t first = (range->first.number + block - 1) & ~(block - 1);
        if (first + block <= end) {
            state->first = pl_frame_at(first);
            state->max_order = order;
            return;
        }
    }
}

static enum pl_status null_init(void *self, const struct pl_page_config *config)
{
    const struct pl_machine *machine = config->machine;
    if (machine->node_count > 1)
        return PL_UNSUPPORTED;
    PL_ASSERT(machine->cpu_count <= PL_CPU_LIMIT);
    const struct pl_range *largest = &machine->ranges[0];
    for (uint32_t i = 1; i < machine->range_count; i++)
        if (machine->ranges[i].frame_count > largest->frame_count)
            largest = &machine->ranges[i];
    null_find_block(self, largest);
    return PL_OK;
}

static void null_fini(void *self)
{
    (void)self;
}

static enum pl_status null_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    const struct null_state *state = self;
    uint32_t order = request->order;
    (void)cpu;
    if (PL_UNLIKELY(order > state->max_order))
        return order > NULL_MAX_ORDER ? PL_UNSUPPORTED : PL_NO_MEMORY;
    *run = (struct pl_run){.first = state->first, .frame_count = (uint64_t)1 << order, .order = order};
    return PL_OK;
}

static enum pl_status null_free(void *self, struct pl_cpu *cpu, const struct pl_run *run)
{
    (void)self;
    (void)cpu;
    (void)run;
    return PL_OK;
}

static void null_settings(const void *self, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "records=none");
}

static const struct pl_page_ops null_ops = {
    .bytes = sizeof(struct pl_page_ops),
    .abi = PL_ABI,
    .caps = PL_CAP_CONCURRENT | PL_CAP_IRQ_SAFE | PL_CAP_NMI_SAFE | PL_CAP_HOLES | PL_CAP_BASE,
    .max_order = NULL_MAX_ORDER,
    .meta_bytes = null_meta_bytes,
    .init = null_init,
    .fini = null_fini,
    .alloc = null_alloc,
    .free = null_free,
    .settings = null_settings,
};

const struct pl_candidate pl_candidate_null = {
    .bytes = sizeof(struct pl_candidate),
    .abi = PL_ABI,
    .name = "null",
    .summary = "floor: the same frames to everybody, no record of who owns what",
    .kind = PL_KIND_FLOOR,
    .page = &null_ops,
};
