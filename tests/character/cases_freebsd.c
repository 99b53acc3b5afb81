/* freebsd: superpages set aside for owners, and what it takes to break them. */
#include "tests/character/character.h"

#define SUPERPAGE UINT64_C(512)

static bool take_page(struct rig *rig, uint64_t owner, uint64_t index, uint32_t flags, struct pl_run *run)
{
    struct pl_request request = {.node = PL_NODE_ANY, .owner = owner, .index = index, .flags = flags};
    return rig_take_request(rig, 0, &request, run);
}

/* 512 consecutive indexes of one owner, asked for in an odd order and with another's pages in between.
 * Expect one aligned superpage, each index at its place. */
static bool freebsd_fills_an_aligned_superpage(struct rig *rig)
{
    uint64_t first = PL_FRAME_NONE;
    struct pl_run run;
    for (uint64_t i = 0; i < SUPERPAGE; i++) {
        uint64_t at = i * 5 % SUPERPAGE;
        SEEN(take_page(rig, 7, 4 * SUPERPAGE + at, 0, &run));
        if (first == PL_FRAME_NONE)
            first = run.first.number - at;
        SEEN(first % SUPERPAGE == 0);
        SEEN(run.first.number == first + at);
        SEEN(take_page(rig, 0, 0, 0, &run));
        SEEN(run.first.number - first >= SUPERPAGE);
    }
    return true;
}

/* Two owners take turns. Expect no superpage with pages of both. */
static bool freebsd_keeps_owners_apart(struct rig *rig)
{
    struct pl_run one;
    struct pl_run two;
    uint64_t homes[2] = {0, 0};
    for (uint64_t i = 0; i < 100; i++) {
        SEEN(take_page(rig, 1, i, 0, &one));
        SEEN(take_page(rig, 2, i, 0, &two));
        if (i == 0) {
            homes[0] = one.first.number / SUPERPAGE;
            homes[1] = two.first.number / SUPERPAGE;
        }
        SEEN(homes[0] != homes[1]);
        SEEN(one.first.number / SUPERPAGE == homes[0]);
        SEEN(two.first.number / SUPERPAGE == homes[1]);
    }
    return true;
}

/* Three owners with a page each; then the first takes another. All else is granted, page by page.
 * Expect no page of their superpages before all others are gone; then pages of the second owner's first,
 * which was changed longest ago. */
static bool freebsd_breaks_the_oldest_at_last(struct rig *rig)
{
    struct pl_run run;
    uint64_t homes[3];
    for (uint64_t i = 0; i < 3; i++) {
        SEEN(take_page(rig, 1 + i, 0, 0, &run));
        homes[i] = run.first.number / SUPERPAGE;
    }
    SEEN(take_page(rig, 1, 1, 0, &run));
    for (uint64_t i = 0; i < rig->machine->frame_count - 3 * SUPERPAGE; i++) {
        SEEN(take_page(rig, 0, 0, 0, &run));
        for (int home = 0; home < 3; home++)
            SEEN(run.first.number / SUPERPAGE != homes[home]);
    }
    static const unsigned order[] = {1, 2, 0};
    for (size_t i = 0; i < PL_COUNT_OF(order); i++) {
        for (uint64_t page = 0; page < SUPERPAGE - (order[i] == 0 ? 2 : 1); page++) {
            SEEN(take_page(rig, 0, 0, 0, &run));
            SEEN(run.first.number / SUPERPAGE == homes[order[i]]);
        }
    }
    return true;
}

/* Never-free pages and others in turn. Expect the former in one superpage, and none of the others there. */
static bool freebsd_gathers_never_free_pages(struct rig *rig)
{
    struct pl_run kept;
    struct pl_run other;
    uint64_t home = 0;
    for (uint64_t i = 0; i < 300; i++) {
        SEEN(take_page(rig, 0, 0, PL_REQUEST_NEVER_FREE, &kept));
        SEEN(take_page(rig, 0, 0, 0, &other));
        home = i == 0 ? kept.first.number / SUPERPAGE : home;
        SEEN(kept.first.number / SUPERPAGE == home);
        SEEN(other.first.number / SUPERPAGE != home);
    }
    return true;
}

struct sum {
    uint64_t frames[PL_BLOCK_LOST + 1];
};

static void add_block(void *argument, const struct pl_block *block)
{
    ((struct sum *)argument)->frames[block->state] += UINT64_C(1) << block->order;
}

/* One page of an owner on a machine of which all else is granted. Expect the rest of its superpage set aside,
 * and not to be had by who may not break reservations. */
static bool freebsd_no_reclaim_leaves_reservations(struct rig *rig)
{
    struct pl_run run;
    struct sum sum = {.frames = {0}};
    SEEN(take_page(rig, 1, 0, 0, &run));
    while (take_page(rig, 0, 0, PL_REQUEST_NO_RECLAIM, &run)) {
    }
    rig_blocks(rig, add_block, &sum);
    SEEN(sum.frames[PL_BLOCK_RESERVED] == SUPERPAGE - 1);
    SEEN(rig_counts(rig).reserved_frames == SUPERPAGE - 1);
    SEEN(rig_counts(rig).free == SUPERPAGE - 1);
    SEEN(take_page(rig, 0, 0, 0, &run));
    return true;
}

/* Four blocks that cannot merge come back. Expect them in the order in which they came: the oldest first, so
 * that each has time to meet its buddy. */
static bool freebsd_grants_the_oldest_block(struct rig *rig)
{
    static const unsigned freed[] = {6, 2, 12, 8};
    struct pl_run runs[256];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 4, &runs[i]));
    for (size_t i = 0; i < PL_COUNT_OF(freed); i++)
        rig_give(rig, 0, &runs[freed[i]]);
    for (size_t i = 0; i < PL_COUNT_OF(freed); i++) {
        SEEN(rig_take(rig, 0, 4, &run));
        SEEN(run.first.number == runs[freed[i]].first.number);
    }
    return true;
}

#define MACHINE {.ranges = {{.frame_count = 4096}}, .range_count = 1, .cpu_count = 1}

extern const struct character_case character_freebsd[];
const struct character_case character_freebsd[] = {
    {"freebsd_fills_an_aligned_superpage", "freebsd", "buddy", MACHINE, freebsd_fills_an_aligned_superpage},
    {"freebsd_keeps_owners_apart", "freebsd", "freebsd(reservations=0)", MACHINE, freebsd_keeps_owners_apart},
    {"freebsd_breaks_the_oldest_at_last", "freebsd", "buddy", MACHINE, freebsd_breaks_the_oldest_at_last},
    {"freebsd_gathers_never_free_pages", "freebsd", "bitmap", MACHINE, freebsd_gathers_never_free_pages},
    {"freebsd_no_reclaim_leaves_reservations", "freebsd", "freebsd(reservations=0)", MACHINE,
     freebsd_no_reclaim_leaves_reservations},
    {"freebsd_grants_the_oldest_block", "freebsd", "buddy", MACHINE, freebsd_grants_the_oldest_block},
    {.name = NULL},
};
