/* bitmap: lowest address first, whatever was freed last. */
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

extern const struct character_case character_bitmap[];
const struct character_case character_bitmap[] = {
    {"bitmap_takes_the_lowest",
     "bitmap",
     "buddy",
     {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = 1},
     bitmap_takes_the_lowest},
    {.name = NULL},
};
