/* The floor of every measurement: what the harness costs when the allocator costs nothing. Each CPU walks the
 * largest range with a counter of its own and keeps no record of who owns what, so frames are granted again
 * and again: a measuring rod, not an allocator.
 *
 * There is neither mask nor lock. An interrupt between the load and the store of a counter makes both callers
 * get the same frames, which is no worse than what the next lap does anyway. */
#include <stdio.h>

#include <pagelab/candidate.h>
#include <pagelab/check.h>

extern const struct pl_candidate pl_candidate_null;

#define NULL_MAX_ORDER 10u

/* begin and end are multiples of 2^max_order, begin <= next < end. Written by its own CPU only. */
struct null_line {
    PL_CPU_ALIGNED _Atomic uint64_t next;
    uint64_t begin;
    uint64_t end;
    uint32_t max_order; /* the machine may have no aligned block of the orders above */
};

struct null_state {
    struct null_line lines[PL_CPU_LIMIT];
};

static size_t null_meta_bytes(const struct pl_page_config *config)
{
    (void)config;
    return sizeof(struct null_state);
}

static void null_line_init(struct null_line *line, const struct pl_range *range, uint32_t cpu_id,
                           uint32_t cpu_count)
{
    uint64_t end = range->first.number + range->frame_count;
    uint64_t block;
    line->max_order = NULL_MAX_ORDER + 1;
    do { /* ends at order 0 at the latest: no range is empty */
        line->max_order--;
        block = (uint64_t)1 << line->max_order;
        line->begin = (range->first.number + block - 1) & ~(block - 1);
        line->end = end & ~(block - 1);
    } while (line->begin >= line->end);
    /* CPUs start apart, so that callers who write to their frames do not share cache lines. */
    atomic_init(&line->next, line->begin + (line->end - line->begin) / cpu_count * cpu_id);
}

static enum pl_status null_init(void *self, const struct pl_page_config *config)
{
    struct null_state *state = self;
    const struct pl_machine *machine = config->machine;
    if (machine->node_count > 1)
        return PL_UNSUPPORTED;
    PL_ASSERT(machine->cpu_count <= PL_CPU_LIMIT);
    const struct pl_range *largest = &machine->ranges[0];
    for (uint32_t i = 1; i < machine->range_count; i++)
        if (machine->ranges[i].frame_count > largest->frame_count)
            largest = &machine->ranges[i];
    for (uint32_t i = 0; i < machine->cpu_count; i++)
        null_line_init(&state->lines[i], largest, i, machine->cpu_count);
    return PL_OK;
}

static void null_fini(void *self)
{
    (void)self;
}

static enum pl_status null_alloc(void *self, struct pl_cpu *cpu, const struct pl_request *request,
                                 struct pl_run *run)
{
    struct null_state *state = self;
    struct null_line *line = &state->lines[cpu->id];
    uint32_t order = request->order;
    if (PL_UNLIKELY(order > line->max_order))
        return order > NULL_MAX_ORDER ? PL_UNSUPPORTED : PL_NO_MEMORY;
    uint64_t frame_count = (uint64_t)1 << order;
    uint64_t next = atomic_load_explicit(&line->next, memory_order_relaxed);
    /* Rounded down, so that the counter itself is one addition; blocks of mixed orders overlap, and may. */
    uint64_t first = next & ~(frame_count - 1);
    next += frame_count;
    if (PL_UNLIKELY(next >= line->end))
        next = line->begin;
    atomic_store_explicit(&line->next, next, memory_order_relaxed);
    *run = (struct pl_run){.first = pl_frame_at(first), .frame_count = frame_count, .order = order};
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
    .summary = "floor: a counter per CPU, no record of who owns what",
    .kind = PL_KIND_FLOOR,
    .page = &null_ops,
};
