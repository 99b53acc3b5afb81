/* mimalloc: heaps and segments of a thread's own; a page's free list is used up before what was freed into it
 * meanwhile. */
#include <pthread.h>

#include "tests/character/character.h"

#define MIMALLOC_TAKES 64

/* What a second thread does on CPU 1: frees a frame if it is given one, then takes some. */
struct mimalloc_other {
    struct rig *rig;
    const struct pl_run *foreign;
    struct pl_run taken[MIMALLOC_TAKES];
    bool served;
};

static void *mimalloc_other_thread(void *argument)
{
    struct mimalloc_other *other = argument;
    if (other->foreign != NULL)
        rig_give(other->rig, 1, other->foreign);
    other->served = true;
    for (int i = 0; i < MIMALLOC_TAKES; i++)
        other->served = rig_take(other->rig, 1, 0, &other->taken[i]) && other->served;
    for (int i = 0; i < MIMALLOC_TAKES && other->served; i++)
        rig_give(other->rig, 1, &other->taken[i]);
    return NULL;
}

static bool mimalloc_run_other(struct mimalloc_other *other)
{
    pthread_t thread;
    SEEN(pthread_create(&thread, NULL, mimalloc_other_thread, other) == 0);
    SEEN(pthread_join(thread, NULL) == 0);
    SEEN(other->served);
    return true;
}

/* A frame is freed and the next one taken. Expect another: the page hands out what was never used before it
 * looks at what was freed. buddy gives the one freed last. */
static bool mimalloc_does_not_reuse_at_once(struct rig *rig)
{
    struct pl_run first;
    struct pl_run second;
    SEEN(rig_take(rig, 0, 0, &first));
    rig_give(rig, 0, &first);
    SEEN(rig_take(rig, 0, 0, &second));
    SEEN(second.first.number != first.first.number);
    return true;
}

/* A frame taken here is freed by another thread, which then takes 64.
 * Expect it not among those: it went back to the heap that it came from. jemalloc's cache of that CPU has it
 * at hand. */
static bool mimalloc_returns_frames_to_their_heap(struct rig *rig)
{
    struct pl_run mine;
    SEEN(rig_take(rig, 0, 0, &mine));
    struct mimalloc_other other = {.rig = rig, .foreign = &mine};
    SEEN(mimalloc_run_other(&other));
    for (int i = 0; i < MIMALLOC_TAKES; i++)
        SEEN(other.taken[i].first.number != mine.first.number);
    return true;
}

/* Two threads take frames. Expect none of one in the 32 MiB of any of the other; jemalloc cuts both out of an
 * extent.
 */
static bool mimalloc_gives_threads_their_segments(struct rig *rig)
{
    struct pl_run mine;
    SEEN(rig_take(rig, 0, 0, &mine));
    struct mimalloc_other other = {.rig = rig};
    SEEN(mimalloc_run_other(&other));
    for (int i = 0; i < MIMALLOC_TAKES; i++)
        SEEN(other.taken[i].first.number / 8192 != mine.first.number / 8192);
    return true;
}

/* A block of order 5. Expect as many frames lost as it has, spent on its alignment; jemalloc spends one. */
static bool mimalloc_pays_twice_for_alignment(struct rig *rig)
{
    struct pl_run run;
    uint64_t lost = rig_counts(rig).lost;
    SEEN(rig_take(rig, 0, 4, &run));
    SEEN(rig_counts(rig).lost == lost);
    SEEN(rig_take(rig, 0, 5, &run));
    SEEN(rig_counts(rig).lost == lost + 32);
    return true;
}

#define MIMALLOC_SHAPE                                                                                       \
    {.ranges = {{.frame_count = 32768}},                                                                     \
     .range_count = 1,                                                                                       \
     .cpu_count = 2,                                                                                         \
     .contents = true,                                                                                       \
     .contents_alignment = 32u << 20}

extern const struct character_case character_mimalloc[];
const struct character_case character_mimalloc[] = {
    {"mimalloc_does_not_reuse_at_once", "mimalloc", "buddy", MIMALLOC_SHAPE, mimalloc_does_not_reuse_at_once},
    {"mimalloc_returns_frames_to_their_heap", "mimalloc", "jemalloc", MIMALLOC_SHAPE,
     mimalloc_returns_frames_to_their_heap},
    {"mimalloc_gives_threads_their_segments", "mimalloc", "jemalloc", MIMALLOC_SHAPE,
     mimalloc_gives_threads_their_segments},
    {"mimalloc_pays_twice_for_alignment", "mimalloc", "jemalloc", MIMALLOC_SHAPE,
     mimalloc_pays_twice_for_alignment},
    {.name = NULL},
};
