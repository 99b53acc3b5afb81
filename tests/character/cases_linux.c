/* linux: pageblocks by mobility, the largest block from another group, caches that grow with
 * what is asked of them, a reserve for atomic requests, and low zones for those who can have no other. */
#include "tests/character/character.h"

#define PAGEBLOCK 512u
#define LARGEST   1024u

static bool take(struct rig *rig, uint32_t order, uint32_t mobility, uint32_t alloc_class, struct pl_run *run)
{
    struct pl_request request = {.order = (uint8_t)order,
                                 .mobility = (uint8_t)mobility,
                                 .alloc_class = (uint8_t)alloc_class,
                                 .node = PL_NODE_ANY};
    return rig_take_request(rig, 0, &request, run);
}

/* Frames are taken in turn as movable and as unmovable, a quarter of the machine. Expect no pageblock with
 * both. */
static bool linux_keeps_mobility_apart(struct rig *rig)
{
    unsigned seen[16384 / PAGEBLOCK] = {0};
    for (uint32_t i = 0; i < 4096; i++) {
        struct pl_run run;
        uint32_t mobility = i % 2 == 0 ? PL_MOBILITY_MOVABLE : PL_MOBILITY_UNMOVABLE;
        SEEN(take(rig, 0, mobility, PL_CLASS_NORMAL, &run));
        seen[run.first.number / PAGEBLOCK] |= 1u << mobility;
        SEEN(seen[run.first.number / PAGEBLOCK] == 1u << mobility);
    }
    return true;
}

/* One movable frame: its block of 1024 is cut into one of every order. Then an unmovable one, and a block of
 * 256. Expect both to open the next 1024 frames, though smaller blocks would do: the largest block was taken
 * over, and with it what lies around. */
static bool linux_takes_over_the_largest(struct rig *rig)
{
    struct pl_run moving;
    struct pl_run fixed;
    struct pl_run more;
    SEEN(take(rig, 0, PL_MOBILITY_MOVABLE, PL_CLASS_NORMAL, &moving));
    SEEN(take(rig, 0, PL_MOBILITY_UNMOVABLE, PL_CLASS_NORMAL, &fixed));
    SEEN(take(rig, 8, PL_MOBILITY_UNMOVABLE, PL_CLASS_NORMAL, &more));
    SEEN(fixed.first.number / LARGEST != moving.first.number / LARGEST);
    SEEN(more.first.number / LARGEST == fixed.first.number / LARGEST);
    return true;
}

/* CPU 1 frees 100 frames in a row, then some more, with requests in between. Expect its cache to fill up to a
 * bound, to give back nearly all then, and less where fewer were freed in a row. */
static bool linux_gives_back_as_many_as_come(struct rig *rig)
{
    struct pl_run runs[100];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    uint64_t others = rig_counts(rig).cached; /* CPU 0's */
    uint64_t before = others;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++) {
        bool is_in_a_row = i < 40;
        rig_give(rig, 1, &runs[i]);
        uint64_t now = rig_counts(rig).cached;
        SEEN(now - others < 40);
        if (now <= before && is_in_a_row)
            SEEN(i == 39 && now - others == 4); /* all but a batch */
        if (now <= before && !is_in_a_row)
            SEEN(before + 1 - now == 4); /* a batch */
        for (int k = 0; !is_in_a_row && k < 2; k++) {
            SEEN(rig_take(rig, 1, 0, &run));
            rig_give(rig, 1, &run);
        }
        before = rig_counts(rig).cached;
    }
    return true;
}

/* Frames are taken one by one and none is freed. Expect refills that double five times, and after a free a
 * smaller one. */
static bool linux_refills_double(struct rig *rig)
{
    static const uint64_t expected[] = {4, 8, 16, 32, 64, 128, 128};
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(expected); i++) {
        for (uint64_t left = expected[i]; left-- > 0;) {
            SEEN(rig_take(rig, 0, 0, &run));
            SEEN(rig_counts(rig).cached == left);
        }
    }
    rig_give(rig, 0, &run);
    for (int i = 0; i < 2; i++)
        SEEN(rig_take(rig, 0, 0, &run));
    SEEN(rig_counts(rig).cached == 15);
    return true;
}

/* 1,500 frames are taken and freed, which is more than a cache may hold at first, and taken again. Expect the
 * free lists left alone the second time: the cache has grown to what was needed. */
static bool linux_keeps_what_a_burst_needs(struct rig *rig)
{
    static struct pl_run runs[1500];
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        rig_give(rig, 0, &runs[i]);
    uint64_t listed = rig_counts(rig).free;
    SEEN(rig_counts(rig).cached >= PL_COUNT_OF(runs));
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    SEEN(rig_counts(rig).free == listed);
    return true;
}

/* CPU 1 frees a frame. Expect CPU 0 to get another one, and CPU 1 that. */
static bool linux_frees_are_hot_on_their_cpu(struct rig *rig)
{
    struct pl_run runs[8];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 1, &runs[3]);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(run.first.number != runs[3].first.number);
    SEEN(rig_take(rig, 1, 0, &run));
    SEEN(run.first.number == runs[3].first.number);
    return true;
}

/* All is granted in blocks of 8; then six of them are free in each of two pageblocks, and none beside
 * another. An atomic request of two frames is below the mark. Expect its pageblock to be kept: single frames
 * come from the other one, all 48, and after them an atomic request of 8 is still served. */
static bool linux_keeps_a_pageblock_for_atomic(struct rig *rig)
{
    static struct pl_run runs[512];
    struct pl_run atomic;
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(take(rig, 3, PL_MOBILITY_MOVABLE, PL_CLASS_NORMAL, &runs[i]));
    for (uint32_t freed[2] = {0, 0}, i = 0; i < PL_COUNT_OF(runs); i++) {
        uint64_t pageblock = runs[i].first.number / PAGEBLOCK;
        bool is_even = runs[i].first.number / 8 % 2 == 0;
        if ((pageblock == 1 || pageblock == 5) && is_even && freed[pageblock / 5]++ < 6)
            rig_give(rig, 0, &runs[i]);
    }
    SEEN(take(rig, 1, PL_MOBILITY_UNMOVABLE, PL_CLASS_INTERRUPT, &atomic));
    for (uint32_t i = 0; i < 48; i++) {
        SEEN(take(rig, 0, PL_MOBILITY_UNMOVABLE, PL_CLASS_NORMAL, &run));
        SEEN(run.first.number / PAGEBLOCK != atomic.first.number / PAGEBLOCK);
    }
    SEEN(take(rig, 3, PL_MOBILITY_UNMOVABLE, PL_CLASS_INTERRUPT, &run));
    SEEN(run.first.number / PAGEBLOCK == atomic.first.number / PAGEBLOCK);
    return true;
}

/* Half of 32 MiB from frame 0 on is DMA. Expect it to be left alone while the other half has plenty. */
static bool linux_spares_the_low_zone(struct rig *rig)
{
    struct pl_run run;
    for (uint32_t i = 0; i < 3000; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number >= 4096);
    }
    return true;
}

extern const struct character_case character_linux[];
const struct character_case character_linux[] = {
    {"linux_keeps_mobility_apart",
     "linux",
     "buddy",
     {.ranges = {{.frame_count = 16384}}, .range_count = 1, .cpu_count = 1},
     linux_keeps_mobility_apart},
    {"linux_takes_over_the_largest",
     "linux",
     "buddy",
     {.ranges = {{.frame_count = 4096}}, .range_count = 1, .cpu_count = 1},
     linux_takes_over_the_largest},
    {"linux_gives_back_as_many_as_come",
     "linux(batch=4,high=40)",
     "percpu(batch=4,high=40)+buddy",
     {.ranges = {{.frame_count = 4096}}, .range_count = 1, .cpu_count = 2},
     linux_gives_back_as_many_as_come},
    {"linux_refills_double",
     "linux(batch=4,high=1000)",
     "percpu(batch=4,high=1000)+buddy",
     {.ranges = {{.frame_count = 4096}}, .range_count = 1, .cpu_count = 1},
     linux_refills_double},
    {"linux_keeps_what_a_burst_needs",
     "linux",
     "percpu+buddy",
     {.ranges = {{.frame_count = 16384}}, .range_count = 1, .cpu_count = 1},
     linux_keeps_what_a_burst_needs},
    {"linux_frees_are_hot_on_their_cpu",
     "linux",
     "buddy",
     {.ranges = {{.frame_count = 4096}}, .range_count = 1, .cpu_count = 2},
     linux_frees_are_hot_on_their_cpu},
    {"linux_keeps_a_pageblock_for_atomic",
     "linux(high=0)",
     "buddy",
     {.ranges = {{.frame_count = 4096}}, .range_count = 1, .cpu_count = 1},
     linux_keeps_a_pageblock_for_atomic},
    {"linux_spares_the_low_zone",
     "linux",
     "buddy",
     {.ranges = {{.frame_count = 8192}}, .range_count = 1, .cpu_count = 1},
     linux_spares_the_low_zone},
    {.name = NULL},
};
