/* percpu: a stack of frames for each CPU, filled and emptied by the batch, out of reach for everybody else.
 */
#include "tests/character/character.h"

static bool is_same(const struct pl_run *one, const struct pl_run *other)
{
    return one->first.number == other->first.number;
}

/* CPU 0 frees two frames. Expect CPU 1 to get neither, and CPU 0 both, the last freed first: they are hot
 * there and nowhere else. */
static bool percpu_is_hot_on_its_cpu(struct rig *rig)
{
    struct pl_run runs[8];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 0, &runs[2]);
    rig_give(rig, 0, &runs[5]);
    SEEN(rig_take(rig, 1, 0, &run));
    SEEN(!is_same(&run, &runs[2]) && !is_same(&run, &runs[5]));
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(is_same(&run, &runs[5]));
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(is_same(&run, &runs[2]));
    return true;
}

/* Three batches of 16, a frame at a time. Expect the allocator below to be asked with the first of each, for
 * all 16, and not in between. */
static bool percpu_refills_by_the_batch(struct rig *rig)
{
    struct pl_run run;
    for (uint64_t taken = 0; taken < 48; taken++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(rig_counts(rig).free == 1024 - (taken / 16 + 1) * 16);
    }
    return true;
}

/* The ninth free meets eight frames, which is `high`. Expect the four freed first to go down, where CPU 1
 * finds them, and the five others still here, the last freed first. */
static bool percpu_gives_the_coldest_down(struct rig *rig)
{
    struct pl_run runs[16];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    for (size_t i = 0; i < 8; i++)
        rig_give(rig, 0, &runs[i]);
    uint64_t before = rig_counts(rig).cached;
    rig_give(rig, 0, &runs[8]);
    for (size_t i = 0; i < 4; i++) {
        SEEN(rig_take(rig, 1, 0, &run));
        SEEN(is_same(&run, &runs[i])); /* one batch of bitmap, as it was handed out at first */
    }
    SEEN(before == 8);
    SEEN(rig_counts(rig).cached == 5);
    for (size_t i = 9; i-- > 4;) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(is_same(&run, &runs[i]));
    }
    return true;
}

/* The last frames are freed on CPU 0. Expect CPU 1 to get none until CPU 0 is drained, then all of them. */
static bool percpu_holds_back_until_drained(struct rig *rig)
{
    const struct pl_page *page = &rig->instance.page;
    static struct pl_run runs[1024];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    for (size_t i = 0; i < 10; i++)
        rig_give(rig, 0, &runs[100 * i]);
    SEEN(!rig_take(rig, 1, 0, &run));
    page->ops->drain(page->self, native_cpu(rig->native, 1), native_cpu(rig->native, 0));
    for (size_t i = 0; i < 10; i++)
        SEEN(rig_take(rig, 1, 0, &run));
    return true;
}

#define PERCPU_SHAPE {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = 2}

extern const struct character_case character_percpu[];
const struct character_case character_percpu[] = {
    {"percpu_is_hot_on_its_cpu", "percpu(batch=4,high=8)+bitmap", "buddy", PERCPU_SHAPE,
     percpu_is_hot_on_its_cpu},
    {"percpu_refills_by_the_batch", "percpu(batch=16)+bitmap", "bitmap", PERCPU_SHAPE,
     percpu_refills_by_the_batch},
    {"percpu_gives_the_coldest_down", "percpu(batch=4,high=8)+bitmap", "buddy", PERCPU_SHAPE,
     percpu_gives_the_coldest_down},
    {"percpu_holds_back_until_drained", "percpu+bitmap", "buddy", PERCPU_SHAPE,
     percpu_holds_back_until_drained},
    {.name = NULL},
};
