/* space-*: the lent address space alone, without a system above it: reserve and release, where few areas
 * live, where many do, where holes of all sizes are between them, and where low addresses will not do. */
#include "bench/workloads/stand.h"

enum kind {
    KIND_FEW,
    KIND_CROWDED,
    KIND_FRAGMENTED,
    KIND_BOUNDED,
};

#define FEW_AREAS     4u
#define MANY_AREAS    450u /* as many holes fit beside them into a service of 1,024 areas */
#define MIXED_AREAS   600u
#define MIXED_PAGES   16u /* largest of mixed sizes */
#define SEED          UINT64_C(0x5eed)
#define BOUNDED_START (STAND_WINDOW_ADDR + STAND_WINDOW_BYTES / 2)

struct space_bench {
    struct stand stand;
    struct pl_area areas[2 * MANY_AREAS]; /* live ones first */
    uint32_t count;
    uint64_t pages;
    uint64_t rng;
    struct pl_area_request request;
};

/* xorshift64* (public domain algorithm by S. Vigna): cheap beside what is measured. */
static uint64_t next(struct space_bench *bench)
{
    bench->rng ^= bench->rng >> 12;
    bench->rng ^= bench->rng << 25;
    bench->rng ^= bench->rng >> 27;
    return bench->rng * UINT64_C(0x2545f4914f6cdd1d);
}

static bool reserve(struct space_bench *bench, struct pl_area *area)
{
    const struct pl_page_table *va = &bench->stand.lent.va;
    return va->ops->reserve(va->self, bench->stand.cpu, &bench->request, area) == PL_OK;
}

static bool release(struct space_bench *bench, const struct pl_area *area)
{
    const struct pl_page_table *va = &bench->stand.lent.va;
    return va->ops->release(va->self, bench->stand.cpu, area) == PL_OK;
}

static bool fill(struct space_bench *bench, uint32_t count, bool mixed)
{
    while (bench->count < count) {
        if (mixed)
            bench->request.bytes_wanted = (1 + next(bench) % MIXED_PAGES) * PL_FRAME_BYTES;
        if (!reserve(bench, &bench->areas[bench->count++]))
            return false;
    }
    return true;
}

/* Every other one goes; those that stay move together. */
static bool punch(struct space_bench *bench)
{
    bool good = true;
    for (uint32_t i = 0; i < bench->count; i++) {
        if (i % 2 != 0)
            good = release(bench, &bench->areas[i]) && good;
        else
            bench->areas[i / 2] = bench->areas[i];
    }
    bench->count = (bench->count + 1) / 2;
    return good;
}

static bool space_prepare(struct cell *cell)
{
    uint64_t pages = UINT64_C(1) << cell->params.order;
    if (pages > STAND_WINDOW_BYTES / PL_FRAME_BYTES / (UINT64_C(4) * MANY_AREAS))
        return workload_cannot(cell, "%llu pages: the window is too small for so many areas",
                               (unsigned long long)pages);
    struct space_bench *bench = stand_new(cell, sizeof(*bench), 0);
    if (bench == NULL)
        return false;
    bench->pages = pages;
    bench->rng = SEED;
    bench->request = (struct pl_area_request){
        .bytes_wanted = pages * PL_FRAME_BYTES, .alignment = PL_FRAME_BYTES, .node = PL_NODE_ANY};
    bool good = true;
    switch (cell->workload->choice) {
    case KIND_FEW:
        good = fill(bench, FEW_AREAS, false);
        break;
    case KIND_CROWDED:
        good = fill(bench, 2 * MANY_AREAS, false) && punch(bench);
        break;
    case KIND_FRAGMENTED:
        good = fill(bench, MIXED_AREAS, true);
        break;
    case KIND_BOUNDED:
        good = fill(bench, 2 * MANY_AREAS, false) && punch(bench);
        bench->request.low_addr = BOUNDED_START;
        break;
    default:
        break;
    }
    return good ? stand_ready(cell, &bench->stand)
                : stand_cannot(cell, &bench->stand, "the address space has no room for what lives in it");
}

/* One more area, and it goes at once. */
static void space_pair_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct space_bench *bench = cell->shared;
    uint64_t failures = 0;
    struct pl_area area;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        if (PL_UNLIKELY(!reserve(bench, &area) || !release(bench, &area)))
            failures++;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

/* One of those that live goes, whichever, and another one takes its place among them. */
static void space_churn_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct cell_thread *thread = workload_thread(cell, state);
    struct space_bench *bench = cell->shared;
    bool mixed = cell->workload->choice == KIND_FRAGMENTED;
    uint64_t failures = 0;
    stand_start(&bench->stand);
    LB_LOOP(state)
    {
        struct pl_area *area = &bench->areas[next(bench) % bench->count];
        if (mixed)
            bench->request.bytes_wanted = (1 + next(bench) % MIXED_PAGES) * PL_FRAME_BYTES;
        if (PL_UNLIKELY(!release(bench, area) || !reserve(bench, area)))
            failures++;
    }
    stand_stop(cell, &bench->stand, state);
    thread->failures += failures;
}

#define OF_KIND(KIND, NAME, SUMMARY, PAGES, ORDER, BODY)                                                     \
    [KIND] = {                                                                                               \
        .name = NAME,                                                                                        \
        .summary = SUMMARY,                                                                                  \
        .section = SECTION_SERVICES,                                                                         \
        .takes_pages = PAGES,                                                                                \
        .needs_contents = true,                                                                              \
        .default_order = ORDER,                                                                              \
        .choice = KIND,                                                                                      \
        .memory_bytes = STAND_MACHINE_BYTES,                                                                 \
        .prepare = space_prepare,                                                                            \
        .body = BODY,                                                                                        \
        .drop = stand_drop,                                                                                  \
    }

const struct workload workloads_space[WORKLOADS_SPACE] = {
    OF_KIND(KIND_FEW, "space-few", "va=: reserve and release 2^ORDER pages beside 4 live areas", true, 4,
            space_pair_body),
    OF_KIND(KIND_CROWDED, "space-crowded",
            "va=: release any of 450 areas of 2^ORDER pages with holes between them, and reserve one", true,
            1, space_churn_body),
    OF_KIND(KIND_FRAGMENTED, "space-fragmented", "va=: the same with 600 areas of 1 to 16 pages", false, 0,
            space_churn_body),
    OF_KIND(KIND_BOUNDED, "space-bounded",
            "va=: reserve and release 2^ORDER pages in the upper half, with 450 holes for it in the lower",
            true, 1, space_pair_body),
};
