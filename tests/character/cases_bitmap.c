/* bitmap: lowest address first, whatever was freed last and whoever asks; nothing is set apart. */
#include "tests/character/character.h"

/* Two holes, the higher freed last. Expect the lower one first. */
static bool bitmap_takes_the_lowest(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 0, &runs[10]);
    rig_give(rig, 0, &runs[40]);
    uint64_t low =
        runs[10].first.number < runs[40].first.number ? runs[10].first.number : runs[40].first.number;
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == low);
    return true;
}

/* A frame is freed 900 frames behind the last one. Expect it next: there is no place to go on from. */
static bool bitmap_goes_back_to_the_gap(struct rig *rig)
{
    static struct pl_run runs[1000];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 0, &runs[100]);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == runs[100].first.number);
    return true;
}

/* Four CPUs take frames in turn. Expect them packed: no CPU has a place or a cache of its own. */
static bool bitmap_packs_all_cpus(struct rig *rig)
{
    struct pl_run run;
    for (uint32_t i = 0; i < 400; i++) {
        SEEN(rig_take(rig, i % 4, 0, &run));
        SEEN(run.first.number == i);
    }
    return true;
}

/*  frame  3 .. 12   30 .. 34    free, the exact hole last; a run of 5 is asked for
 * Expect the first hole that is long enough, not the one that fits. */
static bool bitmap_runs_are_first_fit(struct rig *rig)
{
    const struct pl_page *page = &rig->instance.page;
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_constraints five = {.frame_count = 5, .high = {UINT64_MAX}, .alignment = 1};
    struct pl_run runs[1024];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        runs[run.first.number] = run;
    }
    for (size_t i = 3; i < 13; i++)
        rig_give(rig, 0, &runs[i]);
    for (size_t i = 30; i < 35; i++)
        rig_give(rig, 0, &runs[i]);
    SEEN(page->ops->alloc_run(page->self, native_cpu(rig->native, 0), &request, &five, &run) == PL_OK);
    SEEN(run.first.number == 3);
    return true;
}

#define BITMAP_SHAPE(cpus) {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = (cpus)}

extern const struct character_case character_bitmap[];
const struct character_case character_bitmap[] = {
    {"bitmap_takes_the_lowest", "bitmap", "buddy", BITMAP_SHAPE(1), bitmap_takes_the_lowest},
    {"bitmap_goes_back_to_the_gap", "bitmap", "llfree", BITMAP_SHAPE(1), bitmap_goes_back_to_the_gap},
    {"bitmap_packs_all_cpus", "bitmap", "nbbs", BITMAP_SHAPE(4), bitmap_packs_all_cpus},
    {"bitmap_runs_are_first_fit", "bitmap", "tlsf-runs", BITMAP_SHAPE(1), bitmap_runs_are_first_fit},
    {.name = NULL},
};
