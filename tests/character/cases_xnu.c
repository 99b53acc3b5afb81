/* xnu: queues of colours, first in first out; a CPU's list that frees never reach; a walk that goes on where
 * it ended. */
#include "tests/character/character.h"

#define FRAMES  1024u
#define COLOURS UINT64_C(32)
#define BATCH   128u

static struct pl_run xnu_all[FRAMES];

/* Takes every frame of a machine of 1,024, so that every cache is empty; xnu_all[n] is frame n. */
static bool xnu_take_all(struct rig *rig)
{
    struct pl_run run;
    for (size_t i = 0; i < FRAMES; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number < FRAMES);
        xnu_all[run.first.number] = run;
    }
    SEEN(rig_counts(rig).free + rig_counts(rig).cached == 0);
    return true;
}

/* Frames 0, 32 and 64 are of colour 0, 101, 133 and 165 of colour 5. All six are given back. Expect the two
 * colours in turn, not the lowest or the last first. */
static bool xnu_takes_the_colours_in_turn(struct rig *rig)
{
    static const uint64_t frames[] = {0, COLOURS, 2 * COLOURS, 101, 101 + COLOURS, 101 + 2 * COLOURS};
    struct pl_run run;
    uint64_t before = FRAMES;
    SEEN(xnu_take_all(rig));
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++)
        rig_give(rig, 0, &xnu_all[frames[i]]);
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number % COLOURS != before % COLOURS || i == 0);
        before = run.first.number;
    }
    return true;
}

/* Four frames of one colour are given back in no order of address. Expect them in the order of the frees. */
static bool xnu_queues_a_free_frame_last(struct rig *rig)
{
    static const uint64_t frames[] = {3 * COLOURS, COLOURS, 9 * COLOURS, 5 * COLOURS};
    struct pl_run run;
    SEEN(xnu_take_all(rig));
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++)
        rig_give(rig, 0, &xnu_all[frames[i]]);
    for (size_t i = 0; i < PL_COUNT_OF(frames); i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number == frames[i]);
    }
    return true;
}

/* A frame is taken and given back on one CPU. Expect it in everybody's queues and not in that CPU's list, and
 * another frame for the next who asks there. */
static bool xnu_frees_past_the_list(struct rig *rig)
{
    struct pl_run first;
    struct pl_run second;
    SEEN(rig_take(rig, 0, 0, &first));
    struct pl_page_counts before = rig_counts(rig);
    SEEN(before.cached != 0);
    rig_give(rig, 0, &first);
    SEEN(rig_counts(rig).cached == before.cached);
    SEEN(rig_counts(rig).free == before.free + 1);
    SEEN(rig_take(rig, 0, 0, &second));
    SEEN(second.first.number != first.first.number);
    return true;
}

/* All frames of colour 0, then all of colour 2, are given back, and 32 are taken. Expect both colours alike:
 * the list was not filled with what was freed last. */
static bool xnu_fills_a_list_with_all_colours(struct rig *rig)
{
    struct pl_run run;
    uint32_t even = 0;
    SEEN(xnu_take_all(rig));
    for (size_t colour = 0; colour <= 2; colour += 2)
        for (size_t frame = colour; frame < FRAMES; frame += COLOURS)
            rig_give(rig, 0, &xnu_all[frame]);
    for (size_t i = 0; i < 32; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        even += run.first.number % COLOURS == 0;
    }
    SEEN(even == 16);
    return true;
}

/* A block of eight is taken and given back, three times. Expect each one behind the one before, although that
 * is free again. */
static bool xnu_walks_on_from_the_last_block(struct rig *rig)
{
    struct pl_run run;
    uint64_t end = 0;
    for (int i = 0; i < 3; i++) {
        SEEN(rig_take(rig, 0, 3, &run));
        SEEN(run.first.number == end);
        end = run.first.number + run.frame_count;
        rig_give(rig, 0, &run);
    }
    return true;
}

/* One frame is taken. Expect one batch to have left the queues for that CPU's list: four rounds over the
 * colours. */
static bool xnu_refills_four_rounds(struct rig *rig)
{
    struct pl_run run;
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(rig_counts(rig).cached == BATCH - 1);
    SEEN(rig_counts(rig).free == FRAMES - BATCH);
    return true;
}

#define MACHINE {.ranges = {{.frame_count = FRAMES}}, .range_count = 1, .cpu_count = 1}

extern const struct character_case character_xnu[];
const struct character_case character_xnu[] = {
    {"xnu_takes_the_colours_in_turn", "xnu", "bitmap", MACHINE, xnu_takes_the_colours_in_turn},
    {"xnu_queues_a_free_frame_last", "xnu", "buddy", MACHINE, xnu_queues_a_free_frame_last},
    {"xnu_frees_past_the_list", "xnu", "percpu+buddy", MACHINE, xnu_frees_past_the_list},
    {"xnu_fills_a_list_with_all_colours", "xnu", "percpu+buddy", MACHINE, xnu_fills_a_list_with_all_colours},
    {"xnu_walks_on_from_the_last_block", "xnu", "bitmap", MACHINE, xnu_walks_on_from_the_last_block},
    {"xnu_refills_four_rounds", "xnu", "xnu(colours=1)", MACHINE, xnu_refills_four_rounds},
    {.name = NULL},
};
