/* Who gets how much: the pairs of a campaign, the lanes of each, and their shares of the time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/campaign_internal.h"

#define SECONDS_DEFAULT 60.0
#define SLICES_WANTED   3.0  /* of each lane, */
#define SLICE_S_MIN     15.0 /* but none so short that starting an engine is much of it */
#define SLICE_S_MAX     120.0
#define SHARE_S_MIN     1.0 /* less is no slice at all */

static const enum fuzz_target only_page[] = {FUZZ_PAGE};

bool campaign_folder(const struct campaign_options *options, const char *root, const char *backend,
                     char folder[CAMPAIGN_PATH_BYTES])
{
    char name[CAMPAIGN_NAME_BYTES];
    campaign_safe_name(backend, name, sizeof(name));
    return options->backend_count == 1 ? campaign_path(folder, "%s", root)
                                       : campaign_path(folder, "%s/fuzz-%s", root, name);
}

uint32_t campaign_plan_lanes(struct campaign_pair *pair, uint32_t at_least, struct campaign_lane *lanes)
{
    const struct campaign *campaign = pair->campaign;
    uint32_t of_engine[CAMPAIGN_ENGINE_COUNT] = {0};
    uint32_t count = 0;
    /* No build has schedules and another sanitizer. */
    unsigned builds =
        fuzz_target_has_schedule(pair->target) ? 1u << campaign_plain_build(campaign) : campaign->builds;
    do {
        for (unsigned i = 0; i < CAMPAIGN_KINDS; i++) {
            unsigned engine = i % CAMPAIGN_ENGINE_COUNT;
            unsigned build = i / CAMPAIGN_ENGINE_COUNT;
            if (!(campaign->engines >> engine & 1u) || !(builds >> build & 1u))
                continue;
            if (count >= at_least && of_engine[engine] > 0 && build == 0)
                continue; /* there are enough, and each kind is among them */
            if (lanes != NULL)
                lanes[count] = (struct campaign_lane){.pair = pair,
                                                      .engine = (enum campaign_engine)engine,
                                                      .build = (enum campaign_build)build,
                                                      .index = of_engine[engine]};
            of_engine[engine]++;
            count++;
        }
    } while (count < at_least);
    return count;
}

static int make_pairs(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    const enum fuzz_target *targets = options->target_count == 0 ? only_page : options->targets;
    uint32_t target_count = options->target_count == 0 ? 1 : options->target_count;
    campaign->pairs = calloc((size_t)options->backend_count * target_count, sizeof(*campaign->pairs));
    if (campaign->pairs == NULL)
        return campaign_fail(campaign, 2, "out of memory");
    for (uint32_t i = 0; i < options->backend_count * target_count; i++) {
        struct campaign_pair *pair = &campaign->pairs[campaign->pair_count++];
        pair->campaign = campaign;
        pair->backend = options->backends[i / target_count];
        pair->target = targets[i % target_count];
        if (!campaign_folder(options, campaign->root, pair->backend, pair->out))
            return campaign_fail(campaign, 2, "%.200s: a shorter path expected", campaign->root);
    }
    return 0;
}

/* Each pair has the asked seconds of all jobs together, which its lanes share evenly. */
int campaign_plan(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    double seconds = options->seconds > 0 ? options->seconds : SECONDS_DEFAULT;
    if (make_pairs(campaign) != 0)
        return -1;
    uint32_t at_least = (campaign->jobs + campaign->pair_count - 1) / campaign->pair_count;
    for (uint32_t i = 0; i < campaign->pair_count; i++)
        campaign->lane_count += campaign_plan_lanes(&campaign->pairs[i], at_least, NULL);
    if (campaign->lane_count + 8 > CAMPAIGN_ROW_LIMIT)
        return campaign_fail(campaign, 2,
                             "%u lanes of candidates, targets, engines and builds: at most %u expected",
                             campaign->lane_count, CAMPAIGN_ROW_LIMIT - 8);
    campaign->lanes = calloc(campaign->lane_count, sizeof(*campaign->lanes));
    if (campaign->lanes == NULL)
        return campaign_fail(campaign, 2, "out of memory");
    if (campaign->jobs > campaign->lane_count)
        campaign->jobs = campaign->lane_count;
    uint32_t at = 0;
    double share_max = 0;
    double share_min = seconds * campaign->pair_count; /* none has more */
    for (uint32_t i = 0; i < campaign->pair_count; i++) {
        uint32_t count = campaign_plan_lanes(&campaign->pairs[i], at_least, campaign->lanes + at);
        double share = seconds * campaign->jobs / count;
        if (share > seconds * campaign->pair_count) /* a lane is one process at a time */
            share = seconds * campaign->pair_count;
        for (uint32_t k = 0; k < count; k++)
            campaign->lanes[at + k].share = share;
        at += count;
        share_max = share > share_max ? share : share_max;
        share_min = share < share_min ? share : share_min;
    }
    if (share_min < SHARE_S_MIN - 1e-6) {
        double least = (double)(uint64_t)(seconds * SHARE_S_MIN / share_min + 0.999);
        return campaign_fail(
            campaign, 2,
            "%.3g s for each lane of an engine and a build: at least %.0f s expected, which is "
            "--time %.0f or --budget %.0f",
            share_min, SHARE_S_MIN, least, least * campaign->pair_count);
    }
    campaign->slice = options->slice_seconds;
    if (campaign->slice <= 0) {
        campaign->slice = share_max / SLICES_WANTED;
        campaign->slice = campaign->slice < SLICE_S_MIN   ? SLICE_S_MIN
                          : campaign->slice > SLICE_S_MAX ? SLICE_S_MAX
                                                          : campaign->slice;
    }
    return 0;
}

void campaign_plan_say(struct campaign *campaign)
{
    double left = 0;
    double share = 0;
    for (uint32_t i = 0; i < campaign->lane_count; i++) {
        const struct campaign_lane *lane = &campaign->lanes[i];
        left += lane->share > lane->used ? lane->share - lane->used : 0;
        share = lane->share > share ? lane->share : share;
    }
    campaign_say(
        campaign,
        "plan: %u pair%s of candidate and target, %u lanes of an engine and a build, %u at once, up to "
        "%.0f s a lane in slices of %.0f s, about %.0f s in all; folder %s",
        campaign->pair_count, campaign->pair_count == 1 ? "" : "s", campaign->lane_count, campaign->jobs,
        share, campaign->slice < share ? campaign->slice : share, left / campaign->jobs, campaign->root);
}
