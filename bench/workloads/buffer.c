/* buffer-*: IOKit's inTaskWithOptions and the release of what it made, by kind; and getPhysicalSegment over a
 * whole buffer whose pages lie scattered. Buffers come filled with zeros, so what is large costs its bytes as
 * well.
 *
 * One buffer of the kind lives all the time, so that the pages of descriptors and small parts are not made
 * and given back with every buffer. */
#include "bench/workloads/stand.h"

enum kind {
    KIND_SMALL,
    KIND_WIRED,
    KIND_CONTIGUOUS,
    KIND_PAGEABLE,
    KIND_PREPARED,
    KIND_SEGMENTS,
};

#define SMALL_BYTES 256u

static const uint32_t options_of[WORKLOADS_BUFFER] = {
    [KIND_SMALL] = IOKIT_DIRECTION_INOUT,
    [KIND_WIRED] = IOKIT_DIRECTION_INOUT,
    [KIND_CONTIGUOUS] = IOKIT_DIRECTION_INOUT | IOKIT_PHYSICALLY_CONTIGUOUS,
    [KIND_PAGEABLE] = IOKIT_DIRECTION_INOUT | IOKIT_PAGEABLE,
    [KIND_PREPARED] = IOKIT_DIRECTION_INOUT | IOKIT_PAGEABLE,
    [KIND_SEGMENTS] = IOKIT_DIRECTION_INOUT,
};

struct buffer_bench {
    struct stand stand;
    struct iokit_memory *resident;
    uint64_t bytes;
    uint32_t options;
};

static struct iokit_memory *make(struct buffer_bench *bench)
{
    return iokit_buffer_with_options(bench->stand.iokit, bench->stand.cpu, bench->options, bench->bytes, 1);
}

/* Does the candidate claim what a contiguous buffer of this size takes? */
static bool has_runs(const struct cell *cell)
{
    return cell->workload->choice != KIND_CONTIGUOUS || (cell->instance.caps & PL_CAP_RUNS) ||
           cell->params.order <= cell->instance.max_order;
}

static bool buffer_prepare(struct cell *cell)
{
    struct buffer_bench *bench = stand_new(cell, sizeof(*bench), 0);
    if (bench == NULL || !stand_iokit(cell, &bench->stand))
        return false;
    if (cell->workload->choice == KIND_SEGMENTS && !stand_scatter(cell, &bench->stand))
        return false;
    bench->options = options_of[cell->workload->choice];
    bench->bytes = cell->workload->choice == KIND_SMALL ? SMALL_BYTES : PL_FRAME_BYTES << cell->params.order;
    bench->resident = make(bench);
    if (bench->resident == NULL && !has_runs(cell))
        return workload_cannot(cell, "n/a (capability): serves no %llu consecutive frames",
                               (unsigned long long)(bench->bytes / PL_FRAME_BYTES));
    if (bench->resident == NULL)
        return stand_cannot(cell, &bench->stand, "the candidate and its buffer service have no such buffer");
    return stand_ready(cell, &bench->stand);
}

static void buffer_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct buffer_bench *bench = cell->shared;
    struct pl_cpu *cpu = bench->stand.cpu;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        struct iokit_memory *memory = make(bench);
        if (PL_LIKELY(memory != NULL))
            iokit_memory_release(memory, cpu);
        else
            failures++;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

/* A pageable buffer has no frame until it is prepared. */
static void prepared_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct buffer_bench *bench = cell->shared;
    struct pl_cpu *cpu = bench->stand.cpu;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        struct iokit_memory *memory = make(bench);
        if (PL_UNLIKELY(memory == NULL)) {
            failures++;
            continue;
        }
        failures += iokit_memory_prepare(memory, cpu, IOKIT_DIRECTION_NONE) != IOKIT_SUCCESS;
        (void)iokit_memory_complete(memory, cpu);
        iokit_memory_release(memory, cpu);
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

static uint64_t walk(struct iokit_memory *memory, uint64_t *segments)
{
    uint64_t at = 0;
    uint64_t bytes;
    do {
        uint64_t addr = iokit_memory_segment(memory, at, &bytes);
        lb_do_not_optimize(addr);
        at += bytes;
        *segments += bytes != 0;
    } while (bytes != 0);
    return at;
}

static void segments_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct buffer_bench *bench = cell->shared;
    uint64_t failures = 0;
    uint64_t segments = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        failures += walk(bench->resident, &segments) != bench->bytes;
    }
    stand_stop(cell, &bench->stand, state);
    if (lb_iteration_count(state) > 0)
        workload_count(cell, "segments", (double)segments / (double)lb_iteration_count(state));
    thread->failures += failures;
}

#define OF_KIND(KIND, NAME, SUMMARY, PAGES, ORDER, BODY)                                                     \
    [KIND] = {                                                                                               \
        .name = NAME,                                                                                        \
        .summary = SUMMARY,                                                                                  \
        .section = SECTION_SYSTEMS,                                                                          \
        .takes_pages = PAGES,                                                                                \
        .needs_contents = true,                                                                              \
        .default_order = ORDER,                                                                              \
        .choice = KIND,                                                                                      \
        .memory_bytes = STAND_MACHINE_BYTES,                                                                 \
        .prepare = buffer_prepare,                                                                           \
        .body = BODY,                                                                                        \
        .drop = stand_drop,                                                                                  \
    }

const struct workload workloads_buffer[WORKLOADS_BUFFER] = {
    OF_KIND(KIND_SMALL, "buffer-small", "IOKit: create and release a wired buffer of 256 bytes", false, 0,
            buffer_body),
    OF_KIND(KIND_WIRED, "buffer-wired", "IOKit: create and release a wired buffer of 2^ORDER pages", true, 4,
            buffer_body),
    OF_KIND(KIND_CONTIGUOUS, "buffer-contiguous", "IOKit: the same, physically contiguous", true, 4,
            buffer_body),
    OF_KIND(KIND_PAGEABLE, "buffer-pageable", "IOKit: create and release a pageable buffer, no page touched",
            true, 4, buffer_body),
    OF_KIND(KIND_PREPARED, "buffer-prepared", "IOKit: the same with prepare and complete between", true, 4,
            prepared_body),
    OF_KIND(KIND_SEGMENTS, "buffer-segments",
            "IOKit: walk over the physical segments of a wired buffer of 2^ORDER scattered pages", true, 8,
            segments_body),
};
