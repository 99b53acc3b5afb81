/* freelist: a link in each free frame, nothing beside it, and a stack's order. */
#include <string.h>

#include "tests/character/character.h"

/* 64 frames, given back in a scattered order. Expect them again in exactly the reverse order, twice. */
static bool freelist_is_a_stack(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
            rig_give(rig, 0, &runs[i * 27 % PL_COUNT_OF(runs)]);
        for (size_t i = PL_COUNT_OF(runs); i-- > 0;) {
            SEEN(rig_take(rig, 0, 0, &run));
            SEEN(run.first.number == runs[i * 27 % PL_COUNT_OF(runs)].first.number);
        }
    }
    return true;
}

/* Two frames full of one byte are given back. Expect the one freed last to begin with the number of the
 * other: the list is in the frames. */
static bool freelist_links_are_in_the_frames(struct rig *rig)
{
    struct pl_run first;
    struct pl_run last;
    uint64_t link = 0;
    SEEN(rig_take(rig, 0, 0, &first));
    SEEN(rig_take(rig, 0, 0, &last));
    memset(pl_frame_address(rig->machine, first.first), 0xa5, PL_FRAME_BYTES);
    memset(pl_frame_address(rig->machine, last.first), 0xa5, PL_FRAME_BYTES);
    rig_give(rig, 0, &first);
    rig_give(rig, 0, &last);
    memcpy(&link, pl_frame_address(rig->machine, last.first), sizeof(link));
    SEEN(link == first.first.number);
    return true;
}

/* 16,384 frames. Expect all of the metadata to fit into a page, so that a frame costs nothing outside itself.
 */
static bool freelist_keeps_nothing_beside(struct rig *rig)
{
    SEEN(rig->instance.meta_bytes <= PL_FRAME_BYTES);
    SEEN(rig->machine->frame_count > PL_FRAME_BYTES);
    return true;
}

extern const struct character_case character_freelist[];
const struct character_case character_freelist[] = {
    {"freelist_is_a_stack",
     "freelist",
     "bitmap",
     {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = 1, .contents = true},
     freelist_is_a_stack},
    {"freelist_links_are_in_the_frames",
     "freelist",
     "buddy",
     {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = 1, .contents = true},
     freelist_links_are_in_the_frames},
    {"freelist_keeps_nothing_beside",
     "freelist",
     "bitmap",
     {.ranges = {{.frame_count = 16384}}, .range_count = 1, .cpu_count = 1, .contents = true},
     freelist_keeps_nothing_beside},
    {.name = NULL},
};
