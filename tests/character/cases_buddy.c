/* buddy: blocks have an order and one neighbour to join with; the shortest that serves is halved; the last
 * freed of an order waits unmerged. */
#include "tests/character/character.h"

/* Takes all 64 frames of a machine singly; runs[i] is the grant of frame i. */
static bool buddy_take_all(struct rig *rig, struct pl_run runs[64])
{
    struct pl_run run;
    for (int i = 0; i < 64; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number < 64);
        runs[run.first.number] = run;
    }
    return true;
}

/* Frees frames, and merges what can be merged. */
static void buddy_give(struct rig *rig, const struct pl_run *runs, int from, int to)
{
    const struct pl_page *page = &rig->instance.page;
    for (int i = from; i < to; i++)
        rig_give(rig, 0, &runs[i]);
    if (page->ops->drain != NULL)
        page->ops->drain(page->self, native_cpu(rig->native, 0), native_cpu(rig->native, 0));
}

/*  frame  5  6  20       free, 20 first
 * Expect 6, the last freed, then 5, then 20: 5 and 6 lie side by side and are no buddies, so all three are
 * blocks of order 0. Who joins any neighbours takes 20 first, to spare the hole of two. */
static bool buddy_joins_only_buddies(struct rig *rig)
{
    static const uint64_t expected[] = {6, 5, 20};
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(buddy_take_all(rig, runs));
    buddy_give(rig, runs, 20, 21);
    buddy_give(rig, runs, 5, 6);
    buddy_give(rig, runs, 6, 7);
    for (size_t i = 0; i < PL_COUNT_OF(expected); i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number == expected[i]);
    }
    return true;
}

/*  frame  8 .. 15   50 51      free, 50 and 51 first
 * Expect the two halves of the shortest block that serves, the lower one first, and the long one still whole.
 * Who goes by address breaks that. */
static bool buddy_halves_the_shortest(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(buddy_take_all(rig, runs));
    buddy_give(rig, runs, 50, 52);
    buddy_give(rig, runs, 8, 16);
    for (uint64_t i = 0; i < 2; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number == 50 + i);
    }
    SEEN(rig_take(rig, 0, 3, &run));
    SEEN(run.first.number == 8);
    return true;
}

/* All frames are freed, 37 last. Expect 37 set apart, so that it is the next frame and no block is cut for
 * it; and the whole machine as one block for who asks for that: nobody fails for what is kept. */
static bool buddy_keeps_the_last_freed(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    SEEN(buddy_take_all(rig, runs));
    for (int i = 0; i < 64; i++)
        if (i != 37)
            rig_give(rig, 0, &runs[i]);
    rig_give(rig, 0, &runs[37]);
    SEEN(rig_counts(rig).cached == 1);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == 37);
    rig_give(rig, 0, &run);
    SEEN(rig_take(rig, 0, 6, &run));
    SEEN(rig_counts(rig).cached == 0);
    return true;
}

#define BUDDY_SHAPE {.ranges = {{.frame_count = 64}}, .range_count = 1, .cpu_count = 1}

extern const struct character_case character_buddy[];
const struct character_case character_buddy[] = {
    {"buddy_joins_only_buddies", "buddy", "tlsf", BUDDY_SHAPE, buddy_joins_only_buddies},
    {"buddy_halves_the_shortest", "buddy", "bitmap", BUDDY_SHAPE, buddy_halves_the_shortest},
    {"buddy_keeps_the_last_freed", "buddy", "nbbs", BUDDY_SHAPE, buddy_keeps_the_last_freed},
    {.name = NULL},
};
