/* nosleep-*: the path of those who may not sleep, a request of class NORMAL without a WAIT flag inside a
 * no-sleep region, on a fixed schedule.
 *
 *   plenty     allocate and free; a frame is free for everybody
 *   floor      one frame above the floor is left: that one is granted, the next is refused, and it is freed
 *   exhausted  nothing left: one request of the candidate itself, which says no */
#include "bench/workloads/tail.h"

enum nosleep { NOSLEEP_PLENTY, NOSLEEP_FLOOR, NOSLEEP_EXHAUSTED };

struct nosleep_bench {
    struct tail tail;
    struct pl_request request;
    uint64_t against; /* answers that nobody else's doing can explain */
};

static enum nosleep nosleep_of(const struct cell *cell)
{
    return (enum nosleep)(cell->workload->choice & ~TAIL_ANTAGONIST);
}

static enum pl_status ask(struct nosleep_bench *bench, struct pl_run *run)
{
    return admission_alloc(&bench->tail.cell->admission, bench->tail.cpu, &bench->request, run);
}

static enum pl_status ask_candidate(struct nosleep_bench *bench, struct pl_run *run)
{
    const struct pl_page *page = &bench->tail.cell->instance.page;
    return page->ops->alloc(page->self, bench->tail.cpu, &bench->request, run);
}

/* Holds all that is granted until something is refused. False: cell->cannot is set. */
static bool take_all(struct nosleep_bench *bench,
                     enum pl_status (*one)(struct nosleep_bench *bench, struct pl_run *run))
{
    struct cell *cell = bench->tail.cell;
    struct cell_thread *thread = &cell->threads[0];
    size_t frames = (size_t)cell->machine->frame_count;
    size_t held = 0;
    if (!workload_hold(cell, frames))
        return false;
    while (held < frames && one(bench, &thread->runs[held]) == PL_OK)
        held++;
    cell->granted_frames = held;
    return held < frames || one(bench, &thread->runs[frames]) != PL_OK ||
           workload_cannot(cell, "n/a (capability): never says no");
}

/* Leaves one frame more than the floor. */
static bool go_to_floor(struct nosleep_bench *bench)
{
    struct cell *cell = bench->tail.cell;
    if (!take_all(bench, ask))
        return false;
    long long left = (long long)admission_free_frames(&cell->admission);
    long long floor = (long long)cell->machine->floors.normal;
    if (left != floor || cell->granted_frames == 0)
        return workload_cannot(
            cell, "%sgave up with %lld frames left, a floor of %lld wanted",
            (cell->instance.caps & PL_CAP_ALL_FRAMES) != 0 ? "" : "n/a (capability): ", left, floor);
    struct pl_run *last = &cell->threads[0].runs[cell->granted_frames - 1];
    (void)admission_free(&cell->admission, bench->tail.cpu, last);
    *last = (struct pl_run){0};
    return true;
}

static bool nosleep_prepare(struct cell *cell)
{
    struct nosleep_bench *bench = tail_new(cell, sizeof(*bench));
    if (bench == NULL)
        return false;
    bench->request = (struct pl_request){.node = PL_NODE_ANY, .alloc_class = PL_CLASS_NORMAL};
    switch (nosleep_of(cell)) {
    case NOSLEEP_PLENTY:
        return true;
    case NOSLEEP_FLOOR:
        return go_to_floor(bench);
    case NOSLEEP_EXHAUSTED:
        return take_all(bench, ask_candidate);
    }
    return false;
}

static void plenty(struct tail *tail)
{
    struct nosleep_bench *bench = (struct nosleep_bench *)tail;
    struct pl_run run;
    if (PL_LIKELY(ask(bench, &run) == PL_OK))
        (void)admission_free(&tail->cell->admission, tail->cpu, &run);
    else
        bench->against++;
}

static void at_floor(struct tail *tail)
{
    struct nosleep_bench *bench = (struct nosleep_bench *)tail;
    struct pl_run runs[2];
    bool granted[2];
    for (unsigned i = 0; i < 2; i++)
        granted[i] = ask(bench, &runs[i]) == PL_OK;
    for (unsigned i = 0; i < 2; i++) {
        if (granted[i])
            (void)admission_free(&tail->cell->admission, tail->cpu, &runs[i]);
    }
    bench->against += !granted[0] || granted[1];
}

static void refused(struct tail *tail)
{
    struct nosleep_bench *bench = (struct nosleep_bench *)tail;
    const struct pl_page *page = &tail->cell->instance.page;
    struct pl_run run;
    if (PL_LIKELY(ask_candidate(bench, &run) != PL_OK))
        return;
    bench->against++;
    (void)page->ops->free(page->self, tail->cpu, &run);
}

static void nosleep_body(struct lb_state *state, void *user)
{
    static tail_operation *const operations[] = {
        [NOSLEEP_PLENTY] = plenty, [NOSLEEP_FLOOR] = at_floor, [NOSLEEP_EXHAUSTED] = refused};
    struct cell *cell = user;
    struct nosleep_bench *bench = cell->shared;
    enum nosleep kind = nosleep_of(cell);
    tail_run(state, cell, operations[kind], kind == NOSLEEP_EXHAUSTED);
    /* With another one at the same floor it is no failure that he was first, and who once said no may find
     * something later. */
    bool alone = (cell->workload->choice & TAIL_ANTAGONIST) == 0;
    if (kind == NOSLEEP_PLENTY || (kind == NOSLEEP_FLOOR && alone))
        cell->threads[0].failures = bench->against;
    else
        workload_count(cell, "other_answers", (double)bench->against);
}

#define NOSLEEP(suffix, words, kind, bytes)                                                                  \
    {                                                                                                        \
        .name = "nosleep-" suffix,                                                                           \
        .summary = words,                                                                                    \
        .section = SECTION_TAIL,                                                                             \
        .own_time = true,                                                                                    \
        .memory_bytes = (bytes),                                                                             \
        .choice = (kind),                                                                                    \
        .prepare = nosleep_prepare,                                                                          \
        .body = nosleep_body,                                                                                \
    }
#define SMALL (UINT64_C(64) << 20) /* so that it can be filled in no time */

const struct workload workloads_nosleep[WORKLOADS_NOSLEEP] = {
    NOSLEEP("plenty", "no sleep, every 5 us: allocate and free", NOSLEEP_PLENTY, 0),
    NOSLEEP("floor", "no sleep, every 5 us: the last frame above the floor, one more (refused), free",
            NOSLEEP_FLOOR, SMALL),
    NOSLEEP("exhausted", "no sleep, every 5 us: ask a candidate that has nothing left", NOSLEEP_EXHAUSTED,
            SMALL),
    NOSLEEP("plenty-antagonist", "the same beside an antagonist on CPU 1", NOSLEEP_PLENTY | TAIL_ANTAGONIST,
            0),
    NOSLEEP("floor-antagonist", "the same beside an antagonist on CPU 1", NOSLEEP_FLOOR | TAIL_ANTAGONIST,
            SMALL),
    NOSLEEP("exhausted-antagonist", "the same beside an antagonist on CPU 1",
            NOSLEEP_EXHAUSTED | TAIL_ANTAGONIST, SMALL),
};
