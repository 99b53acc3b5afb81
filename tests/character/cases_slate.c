/* slate: what it takes from, what it keeps whole, and what it writes. */
#include "tests/character/character.h"

#define CHUNK UINT64_C(1024)

/* Two chunks. In one every second frame is free; of the other, freed last, all but one frame.
 *
 *      chunk 0  [ x . x . x . x . ... ]      chunk 1  [ . . . . x . . . ... ]
 *
 * Expect frames from the fuller one, so that the other becomes whole when its last grant goes. */
static bool slate_takes_from_the_fullest_chunk(struct rig *rig)
{
    static struct pl_run runs[2 * CHUNK];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    for (size_t chunk = 0; chunk < 2; chunk++)
        for (size_t i = 0; i < PL_COUNT_OF(runs); i++) {
            uint64_t at = runs[i].first.number % CHUNK;
            if (runs[i].first.number / CHUNK == chunk && (chunk == 0 ? at % 2 == 1 : at != 4))
                rig_give(rig, 0, &runs[i]);
        }
    const struct pl_page *page = &rig->instance.page;
    page->ops->drain(page->self, native_cpu(rig->native, 0), native_cpu(rig->native, 0));
    for (size_t i = 0; i < 256; i++) {
        SEEN(rig_take(rig, 0, 0, &run));
        SEEN(run.first.number / CHUNK == 0);
    }
    return true;
}

/* The lowest chunk is whole, the one above it is broken. Expect frames from the broken one. */
static bool slate_keeps_the_lowest_chunk_whole(struct rig *rig)
{
    static struct pl_run runs[2 * CHUNK];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        if (runs[i].first.number < CHUNK || runs[i].first.number % 3 == 0)
            rig_give(rig, 0, &runs[i]);
    const struct pl_page *page = &rig->instance.page;
    if (page->ops->drain != NULL)
        page->ops->drain(page->self, native_cpu(rig->native, 0), native_cpu(rig->native, 0));
    for (size_t i = 0; i < 300; i++)
        SEEN(rig_take(rig, 0, 0, &run));
    SEEN(rig_take(rig, 0, 10, &run));
    SEEN(run.first.number == 0);
    return true;
}

/* CPU 1 frees what CPU 0 allocated, four batches. Expect two of them to stay in its stack and the others to
 * come back to CPU 0 as they are: nothing becomes free below, and nothing is taken from there. */
static bool slate_sends_remote_frees_back_by_batch(struct rig *rig)
{
    static struct pl_run runs[256];
    struct pl_run run;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        SEEN(rig_take(rig, 0, 0, &runs[i]));
    uint64_t free_below = rig_counts(rig).free;
    for (size_t i = 0; i < PL_COUNT_OF(runs); i++)
        rig_give(rig, 1, &runs[i]);
    SEEN(rig_counts(rig).free == free_below);
    for (size_t i = 0; i < PL_COUNT_OF(runs) / 2; i++)
        SEEN(rig_take(rig, 0, 0, &run));
    SEEN(rig_counts(rig).free == free_below);
    return true;
}

/* Everything is granted but 16 frames in a row, which this CPU has just freed one by one. Expect a block of
 * 16 without anybody's drain. */
static bool slate_joins_what_its_own_cpu_caches(struct rig *rig)
{
    static struct pl_run runs[4 * CHUNK];
    struct pl_run run;
    size_t count = 0;
    while (count < PL_COUNT_OF(runs) && rig_take(rig, 0, 0, &runs[count]))
        count++;
    SEEN(count == PL_COUNT_OF(runs));
    for (size_t i = 0; i < count; i++)
        if (runs[i].first.number / 16 == 77)
            rig_give(rig, 0, &runs[i]);
    SEEN(rig_take(rig, 0, 4, &run));
    SEEN(run.first.number == (uint64_t)77 * 16);
    return true;
}

/* A fresh machine of 4 GiB. Expect next to nothing written. */
static bool slate_is_born_free(struct rig *rig)
{
    const unsigned char *meta = rig->instance.meta;
    size_t written = 0;
    for (size_t i = 0; i < rig->instance.meta_bytes; i++)
        written += meta[i] != 0;
    SEEN(written < 1000);
    SEEN(rig_counts(rig).free == rig->machine->frame_count);
    return true;
}

extern const struct character_case character_slate[];
const struct character_case character_slate[] = {
    {"slate_takes_from_the_fullest_chunk",
     "slate",
     "percpu+buddy",
     {.ranges = {{.frame_count = 2 * CHUNK}}, .range_count = 1, .cpu_count = 1},
     slate_takes_from_the_fullest_chunk},
    {"slate_keeps_the_lowest_chunk_whole",
     "slate",
     "bitmap",
     {.ranges = {{.frame_count = 2 * CHUNK}}, .range_count = 1, .cpu_count = 1},
     slate_keeps_the_lowest_chunk_whole},
    {"slate_sends_remote_frees_back_by_batch",
     "slate",
     "percpu+buddy",
     {.ranges = {{.frame_count = 64 * CHUNK}}, .range_count = 1, .cpu_count = 2},
     slate_sends_remote_frees_back_by_batch},
    {"slate_joins_what_its_own_cpu_caches",
     "slate",
     "percpu+buddy",
     {.ranges = {{.frame_count = 4 * CHUNK}}, .range_count = 1, .cpu_count = 1},
     slate_joins_what_its_own_cpu_caches},
    {"slate_is_born_free",
     "slate",
     "bitmap",
     {.ranges = {{.frame_count = 1024 * CHUNK}}, .range_count = 1, .cpu_count = 2},
     slate_is_born_free},
    {.name = NULL},
};
