/* The character of the non-blocking buddy systems. */
#include "tests/character/character.h"

/* The distance between two frames. */
static uint64_t apart(const struct pl_run *one, const struct pl_run *other)
{
    uint64_t a = one->first.number;
    uint64_t b = other->first.number;
    return a < b ? b - a : a - b;
}

/* Two CPUs of four take a frame each. Expect them at least a quarter of the machine apart: each begins at a
 * place of its own. */
static bool cpus_start_apart(struct rig *rig)
{
    struct pl_run runs[CHARACTER_CPUS];
    for (uint32_t cpu = 0; cpu < CHARACTER_CPUS; cpu++)
        SEEN(rig_take(rig, cpu, 0, &runs[cpu]));
    for (uint32_t cpu = 1; cpu < CHARACTER_CPUS; cpu++)
        SEEN(apart(&runs[cpu - 1], &runs[cpu]) >= rig->machine->frame_count / CHARACTER_CPUS);
    return true;
}

/* CPU 0 takes 64 frames, and CPU 1 gives two of them back. Expect CPU 1 to get another frame, and CPU 0 the
 * one that is nearer to its own start, whoever freed it and when. */
static bool scans_from_its_own_start(struct rig *rig)
{
    struct pl_run runs[64];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 1, &runs[10]);
    rig_give(rig, 1, &runs[40]);
    SEEN(rig_take(rig, 1, 0, &run));
    SEEN(apart(&run, &runs[10]) != 0 && apart(&run, &runs[40]) != 0);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(apart(&run, &runs[10]) == 0);
    return true;
}

static void count_block(void *argument, const struct pl_block *block)
{
    uint64_t *blocks = argument;
    blocks[block->order]++;
}

/* All single frames of a machine of 1024 come back. Expect one block of all of it with the last of them,
 * nothing set apart: the marks go with the free that makes them wrong. */
static bool merges_at_once(struct rig *rig)
{
    static struct pl_run runs[1024];
    uint64_t blocks[PL_ORDER_LIMIT + 1] = {0};
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, (uint32_t)i % CHARACTER_CPUS, 0, &runs[i]));
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        rig_give(rig, (uint32_t)(i / 3) % CHARACTER_CPUS, &runs[i * 517 % PL_COUNT_OF(runs)]);
    rig_blocks(rig, count_block, blocks);
    SEEN(blocks[10] == 1);
    SEEN(rig_counts(rig).free == 1024);
    return true;
}

/* The machine is full, and CPU 3 frees one frame in the middle of it. Expect CPU 0 to be given it at once: no
 * CPU keeps what it freed. */
static bool finds_the_only_free_frame(struct rig *rig)
{
    static struct pl_run runs[2048];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    SEEN(!rig_take(rig, 0, 0, &run));
    rig_give(rig, 3, &runs[1111]);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(apart(&run, &runs[1111]) == 0);
    return true;
}

/* A frame that is 300 frames away from a CPU's start is freed last. Expect start=last to go there next, and
 * the CPU's own start to stay where it is. */
static bool last_goes_where_it_freed(struct rig *rig)
{
    static struct pl_run runs[400];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    rig_give(rig, 0, &runs[5]);
    rig_give(rig, 0, &runs[300]);
    SEEN(rig_take(rig, 0, 0, &run));
    SEEN(apart(&run, &runs[300]) == 0);
    return true;
}

#define HALF_TREE {.ranges = {{.frame_count = 1024}}, .range_count = 1, .cpu_count = CHARACTER_CPUS}
#define ONE_TREE  {.ranges = {{.frame_count = 2048}}, .range_count = 1, .cpu_count = CHARACTER_CPUS}

extern const struct character_case character_nbbs[];
const struct character_case character_nbbs[] = {
    {"nbbs_cpus_start_apart", "nbbs", "bitmap", ONE_TREE, cpus_start_apart},
    {"nbbs_hint_cpus_start_apart", "nbbs-hint", "buddy", ONE_TREE, cpus_start_apart},
    {"nbbs_scans_from_its_own_start", "nbbs", "bitmap", ONE_TREE, scans_from_its_own_start},
    {"nbbs_merges_at_once", "nbbs", "buddy", HALF_TREE, merges_at_once},
    {"nbbs_hint_merges_at_once", "nbbs-hint", "percpu+buddy", HALF_TREE, merges_at_once},
    {"nbbs_hint_finds_the_only_free_frame", "nbbs-hint", "percpu+buddy", ONE_TREE, finds_the_only_free_frame},
    {"nbbs_last_goes_where_it_freed", "nbbs(start=last)", "nbbs", ONE_TREE, last_goes_where_it_freed},
    {.name = NULL},
};
