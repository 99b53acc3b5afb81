/* tlsf: holes have a length, not an order; the tightest class first, in a class the last freed first. */
#include "tests/character/character.h"

/* Takes all 64 frames of a machine singly; runs[i] is the grant of frame i. */
static bool tlsf_take_all(struct rig *rig, struct pl_run runs[64])
{
    struct pl_run run;
    for (int i = 0; i < 64; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number < 64);
        runs[run.first.number] = run;
    }
    return true;
}

static void tlsf_give(struct rig *rig, const struct pl_run *runs, int from, int to)
{
    for (int i = from; i < to; i++)
        rig_give(rig, 0, &runs[i]);
}

/*  frame  8 .. 15   50      both free
 * Expect 50, the hole of one: bitmap takes the lowest address, which breaks the large hole. */
static bool tlsf_takes_the_tightest(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(tlsf_take_all(rig, runs));
    tlsf_give(rig, runs, 50, 51);
    tlsf_give(rig, runs, 8, 16);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == 50);
    SEEN(rig_take(rig, 0, 3, &run));
    SEEN(run.first.number == 8);
    return true;
}

/*  frame  4  5  6  20       free; then 20 is asked for first, then the three from below
 * To buddy 6 is a block of order 0 like 20, and freed later; here it is the end of a hole of three. */
static bool tlsf_sees_holes_not_orders(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(tlsf_take_all(rig, runs));
    tlsf_give(rig, runs, 20, 21);
    tlsf_give(rig, runs, 4, 7);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == 20);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == 4);
    return true;
}

/* Two holes of one frame, the higher freed last. Expect it first; bitmap takes the lower one. */
static bool tlsf_takes_the_last_freed_of_a_class(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(tlsf_take_all(rig, runs));
    tlsf_give(rig, runs, 10, 11);
    tlsf_give(rig, runs, 40, 41);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == 40);
    return true;
}

/* All frames are taken and freed. Expect them joined in the frees themselves: nothing is cached, as it is in
 * buddy until somebody needs it. */
static bool tlsf_joins_at_once(struct rig *rig)
{
    struct pl_run runs[64];
    SEEN(tlsf_take_all(rig, runs));
    tlsf_give(rig, runs, 0, 64);
    SEEN(rig_counts(rig).cached == 0);
    SEEN(rig_counts(rig).free == 64);
    return true;
}

static enum pl_status tlsf_take_run(struct rig *rig, const struct pl_constraints *want, struct pl_run *run)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_request request = {.node = PL_NODE_ANY};
    return page->ops->alloc_run(page->self, native_cpu(rig->native, 0), &request, want, run);
}

/*  frame  3 .. 12   30 .. 34   50 .. 63    free; a run of 5 is asked for
 * Expect the hole that is exactly as long; bitmap cuts the first that is long enough. */
static bool tlsf_runs_takes_the_exact_hole(struct rig *rig)
{
    struct pl_constraints five = {.frame_count = 5, .high = {UINT64_MAX}, .alignment = 1};
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(tlsf_take_all(rig, runs));
    tlsf_give(rig, runs, 30, 35);
    tlsf_give(rig, runs, 3, 13);
    tlsf_give(rig, runs, 50, 64);
    SEEN(tlsf_take_run(rig, &five, &run) == PL_OK);
    SEEN(run.first.number == 30);
    return true;
}

/*  frame  10 .. 29   40 .. 52    free; runs of 5 and of 8 are asked for
 * Expect the shorter hole cut, and then its rest, which is listed by its own length. First fit cuts the lower
 * hole twice. */
static bool tlsf_runs_cuts_the_tighter_hole(struct rig *rig)
{
    struct pl_constraints want = {.frame_count = 5, .high = {UINT64_MAX}, .alignment = 1};
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(tlsf_take_all(rig, runs));
    tlsf_give(rig, runs, 40, 53);
    tlsf_give(rig, runs, 10, 30);
    SEEN(tlsf_take_run(rig, &want, &run) == PL_OK);
    SEEN(run.first.number == 40);
    want.frame_count = 8;
    SEEN(tlsf_take_run(rig, &want, &run) == PL_OK);
    SEEN(run.first.number == 45);
    return true;
}

/*  frame  2  4  6 .. 40     each a hole of one, 2 freed first; one of the frames 2 and 3 is asked for
 * Expect no memory, though 2 is free: the lists know no addresses, and a bounded number of holes is looked
 * at, those freed last. Who walks by address finds it. */
static bool tlsf_runs_looks_at_few(struct rig *rig)
{
    struct pl_constraints window = {.frame_count = 1, .low = {2}, .high = {4}, .alignment = 1};
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(tlsf_take_all(rig, runs));
    for (int i = 2; i <= 40; i += 2)
        tlsf_give(rig, runs, i, i + 1);
    SEEN(tlsf_take_run(rig, &window, &run) == PL_NO_MEMORY);
    for (int i = 40; i >= 10; i -= 2)
        SEEN(rig_take(rig, 0, 0, &run));
    SEEN(tlsf_take_run(rig, &window, &run) == PL_OK);
    SEEN(run.first.number == 2);
    return true;
}

#define TLSF_SHAPE {.ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = 1}

extern const struct character_case character_tlsf[];
const struct character_case character_tlsf[] = {
    {"tlsf_takes_the_tightest", "tlsf", "bitmap", TLSF_SHAPE, tlsf_takes_the_tightest},
    {"tlsf_sees_holes_not_orders", "tlsf", "buddy", TLSF_SHAPE, tlsf_sees_holes_not_orders},
    {"tlsf_takes_the_last_freed_of_a_class", "tlsf", "bitmap", TLSF_SHAPE,
     tlsf_takes_the_last_freed_of_a_class},
    {"tlsf_joins_at_once", "tlsf", "buddy", TLSF_SHAPE, tlsf_joins_at_once},
    {"tlsf_runs_takes_the_exact_hole", "tlsf-runs", "bitmap", TLSF_SHAPE, tlsf_runs_takes_the_exact_hole},
    {"tlsf_runs_cuts_the_tighter_hole", "tlsf-runs", "bitmap", TLSF_SHAPE, tlsf_runs_cuts_the_tighter_hole},
    {"tlsf_runs_looks_at_few", "tlsf-runs", "bitmap", TLSF_SHAPE, tlsf_runs_looks_at_few},
    {.name = NULL},
};
