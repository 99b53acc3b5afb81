/* llfree: CPUs in trees of their own, each going on where it was, and nothing that it holds out of reach. */
#include "tests/character/character.h"

#define TREE_FRAMES UINT64_C(16384)

static uint64_t tree_of(const struct pl_run *run)
{
    return run->first.number / TREE_FRAMES;
}

/* Two CPUs allocate in turn, from four empty trees. Expect no tree with frames of both. */
static bool llfree_cpus_keep_apart(struct rig *rig)
{
    struct pl_run runs[2];
    for (uint32_t i = 0; i < 1000; i++) {
        SEEN(rig_take(rig, 0, 0, &runs[0]));
        SEEN(rig_take(rig, 1, 0, &runs[1]));
        SEEN(tree_of(&runs[0]) != tree_of(&runs[1]));
    }
    return true;
}

/* A frame is freed 600 frames behind where the CPU allocates. Expect the next one beside the last, not in the
 * gap. */
static bool llfree_goes_on_where_it_was(struct rig *rig)
{
    static struct pl_run runs[1000];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 0, &runs[400]);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number == runs[999].first.number + 1);
    return true;
}

/* Takes every frame of four trees on CPU 0. runs[i] is the grant of frame i. Returns the tree that the last
 * was of, where the CPU stays; 4 if there are fewer frames. */
static uint64_t llfree_take_all(struct rig *rig, struct pl_run *runs)
{
    struct pl_run run = {.frame_count = 0};
    for (uint64_t i = 0; i < 4 * TREE_FRAMES; i++) {
        if (!rig_take(rig, 0, 0, &run))
            return 4;
        runs[run.first.number] = run;
    }
    return tree_of(&run);
}

/* Every frame is granted. Of the trees where the CPU is not, 2000 frames in a row of the lower one are freed,
 * then as many of the upper one. Expect the next frame from there; a search would begin at the lower one. */
static bool llfree_follows_its_frees(struct rig *rig)
{
    static struct pl_run runs[4 * TREE_FRAMES];
    struct pl_run run;
    uint64_t own = llfree_take_all(rig, runs);
    uint64_t lower = own == 0 ? 1 : 0;
    uint64_t upper = own == 3 ? 2 : 3;
    SEEN(own < 4);
    for (uint64_t i = 0; i < 2000; i++)
        rig_give(rig, 0, &runs[lower * TREE_FRAMES + i]);
    for (uint64_t i = 0; i < 2000; i++)
        rig_give(rig, 0, &runs[upper * TREE_FRAMES + i]);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(tree_of(&run) == upper);
    return true;
}

/* The last frames are freed on the CPU that reserved their tree; another wants them, and nobody drains the
 * first. Expect it gets them all. */
static bool llfree_holds_nothing_back(struct rig *rig)
{
    static struct pl_run runs[4 * TREE_FRAMES];
    struct pl_run run;
    uint64_t own = llfree_take_all(rig, runs);
    SEEN(own < 4);
    for (uint64_t i = 0; i < 10; i++)
        rig_give(rig, 0, &runs[own * TREE_FRAMES + 100 * i]);
    for (uint64_t i = 0; i < 10; i++) {
        SEEN(rig_take(rig, 1, 0, &run));
        SEEN(tree_of(&run) == own);
    }
    return true;
}

/* Frames that cannot move, frames that can, and blocks of order 9 in turn, from four empty trees. Expect no
 * tree with two of these. */
static bool llfree_keeps_kinds_apart(struct rig *rig)
{
    enum { FIXED, MOVABLE, WHOLE, KINDS };
    uint32_t seen[4] = {0}; /* by tree: a bit a kind */
    for (uint32_t i = 0; i < 30; i++) {
        struct pl_run run;
        struct pl_request request = {
            .order = i % KINDS == WHOLE ? 9 : 0,
            .mobility = i % KINDS == MOVABLE ? PL_MOBILITY_MOVABLE : PL_MOBILITY_UNMOVABLE,
            .node = PL_NODE_ANY,
        };
        SEEN(rig_take_request(rig, 0, &request, &run));
        seen[tree_of(&run)] |= 1u << i % KINDS;
        SEEN(pl_is_power_of_two(seen[tree_of(&run)]));
    }
    return true;
}

/* Four CPUs and one tree. Expect each to begin in a quarter of its own, where it stays. */
static bool llfree_shares_a_tree_by_quarters(struct rig *rig)
{
    for (uint32_t i = 0; i < 400; i++) {
        struct pl_run run;
        SEEN(rig_take(rig, i % 4, 0, &run));
        SEEN(run.first.number / (TREE_FRAMES / 4) == i % 4);
    }
    return true;
}

#define TREES(count) {.ranges = {{.frame_count = (count) * TREE_FRAMES}}, .range_count = 1, .cpu_count = 2}

extern const struct character_case character_llfree[];
const struct character_case character_llfree[] = {
    {"llfree_cpus_keep_apart", "llfree", "buddy", TREES(4), llfree_cpus_keep_apart},
    {"llfree_goes_on_where_it_was", "llfree", "bitmap", TREES(4), llfree_goes_on_where_it_was},
    {"llfree_follows_its_frees", "llfree", "bitmap", TREES(4), llfree_follows_its_frees},
    {"llfree_holds_nothing_back", "llfree", "percpu+bitmap", TREES(4), llfree_holds_nothing_back},
    {"llfree_keeps_kinds_apart",
     "llfree",
     "buddy",
     {.ranges = {{.frame_count = 4 * TREE_FRAMES}}, .range_count = 1, .cpu_count = 1},
     llfree_keeps_kinds_apart},
    {"llfree_shares_a_tree_by_quarters",
     "llfree",
     "bitmap",
     {.ranges = {{.frame_count = TREE_FRAMES}}, .range_count = 1, .cpu_count = 4},
     llfree_shares_a_tree_by_quarters},
    {.name = NULL},
};
