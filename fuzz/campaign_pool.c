/* As many processes at once as there are jobs: whichever lane had the fewest slices is next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/campaign_internal.h"

#define POLL_S           0.1
#define STATE_S          2.0
#define AFTER_DEADLINE_S 5.0 /* an engine ends by itself within this */
#define SILENT_S         5.0 /* an engine that works has executed something by then */
#define SHORT_S          1.0 /* no slice is shorter */

struct pool {
    struct campaign *campaign;
    struct campaign_lane *lanes;
    uint32_t lane_count;
    double slice;
    struct campaign_worker *slots;
    uint32_t slot_count;
};

/* NULL: none is waiting. */
static struct campaign_lane *next_lane(const struct pool *pool)
{
    struct campaign_lane *next = NULL;
    for (uint32_t i = 0; i < pool->lane_count; i++) {
        struct campaign_lane *lane = &pool->lanes[i];
        lane->over = lane->over || lane->pair->reason[0] != '\0' || lane->caught ||
                     lane->share - lane->used < SHORT_S / 2;
        if (!lane->over && !lane->running && (next == NULL || lane->slices < next->slices))
            next = lane;
    }
    return next;
}

/* A rest that would be no slice of its own belongs to this one. */
static double slice_of(const struct pool *pool, const struct campaign_lane *lane)
{
    double left = lane->share - lane->used;
    double slice = left < 1.5 * pool->slice ? left : pool->slice;
    return slice < SHORT_S ? SHORT_S : slice;
}

static void open_slot(struct pool *pool, struct campaign_worker *slot, struct campaign_lane *lane)
{
    struct campaign_pair *pair = lane->pair;
    if (!pair->prepared) {
        pair->prepared = true;
        if (campaign_prepare(pair) != 0)
            return; /* the pair or the campaign says why */
    }
    if (!campaign_goes_on(pool->campaign))
        return;
    lane->running = true;
    if (campaign_worker_open(slot, lane, slice_of(pool, lane)) != 0 && slot->lane == NULL)
        lane->running = false;
}

static void close_slot(struct campaign_worker *slot)
{
    struct campaign_lane *lane = slot->lane;
    campaign_worker_close(slot);
    lane->running = false;
    if (!lane->pair->canary && lane->counts.executions == 0 && lane->used >= SILENT_S && lane->findings == 0)
        (void)campaign_pair_fail(
            lane->pair,
            "%s (%s) on %s, target %s: not one execution in %.0f s; it hangs at its start "
            "(logs: %.100s)",
            campaign_engine_names[lane->engine], campaign_build_names[lane->build], lane->pair->backend,
            fuzz_target_names[lane->pair->target], lane->used, lane->pair->work);
}

/* True if it works on. */
static bool poll_slot(const struct pool *pool, struct campaign_worker *slot)
{
    double last = slot->started + slot->seconds + (slot->lane->pair->canary ? 0 : AFTER_DEADLINE_S);
    if (campaign_worker_poll(slot) != 0 || slot->done || slot->lane->pair->reason[0] != '\0')
        return false;
    return campaign_now() < last && campaign_goes_on(pool->campaign);
}

/* Returns the number of slots that work. */
static uint32_t step(struct pool *pool)
{
    uint32_t busy = 0;
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        struct campaign_worker *slot = &pool->slots[i];
        if (slot->lane != NULL && !poll_slot(pool, slot)) {
            close_slot(slot);
            campaign_state_write(pool->campaign);
        }
        struct campaign_lane *lane;
        while (slot->lane == NULL && campaign_goes_on(pool->campaign) && (lane = next_lane(pool)) != NULL)
            open_slot(pool, slot, lane);
        busy += slot->lane != NULL;
    }
    return busy;
}

void campaign_pool_run(struct campaign *campaign, struct campaign_lane *lanes, uint32_t count, double slice)
{
    struct pool pool = {.campaign = campaign, .lanes = lanes, .lane_count = count, .slice = slice};
    pool.slots = calloc(campaign->jobs, sizeof(*pool.slots));
    pool.slot_count = campaign->jobs;
    if (pool.slots == NULL) {
        (void)campaign_fail(campaign, 2, "out of memory");
        return;
    }
    while (step(&pool) > 0) {
        if (campaign_now() >= campaign->next_state) {
            campaign->next_state = campaign_now() + STATE_S;
            if (campaign_state_has_room(campaign))
                campaign_state_write(campaign);
        }
        campaign_view(campaign, pool.slots, pool.slot_count);
        campaign_sleep(POLL_S);
    }
    campaign_view_clear(campaign);
    free(pool.slots);
    campaign_child_sweep();
}
