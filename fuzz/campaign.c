/* See campaign.h: what is checked first, the canary, the lanes, and what is left behind. */
#define _DEFAULT_SOURCE
#include "fuzz/campaign.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/campaign_internal.h"

#define CANARY_S      60.0 /* a second or two, but on a machine with other work */
#define OUT_BYTES_MAX 240u

const char *const campaign_engine_names[CAMPAIGN_ENGINE_COUNT] = {"libfuzzer", "afl++"};
const char *const campaign_build_names[CAMPAIGN_BUILD_COUNT] = {"plain", "asan"};

enum campaign_build campaign_plain_build(const struct campaign *campaign)
{
    return campaign->builds & 1u << CAMPAIGN_PLAIN ? CAMPAIGN_PLAIN : CAMPAIGN_ASAN;
}

static bool was_stopped(const struct campaign *campaign)
{
    return campaign->options->stop != NULL && *campaign->options->stop != 0;
}

bool campaign_goes_on(const struct campaign *campaign)
{
    return !was_stopped(campaign) && campaign->result->exit_code == 0 &&
           !(campaign->options->stop_on_finding && campaign->result->new_count > 0);
}

void campaign_say(struct campaign *campaign, const char *format, ...)
{
    if (campaign->options->progress == NULL)
        return;
    va_list args;
    va_start(args, format);
    campaign_view_clear(campaign);
    fputs("fuzz: ", campaign->options->progress);
    vfprintf(campaign->options->progress, format, args);
    fputc('\n', campaign->options->progress);
    fflush(campaign->options->progress);
    va_end(args);
}

int campaign_fail(struct campaign *campaign, int exit_code, const char *format, ...)
{
    struct campaign_result *result = campaign->result;
    if (result->exit_code != 0)
        return -1;
    va_list args;
    va_start(args, format);
    vsnprintf(result->error, sizeof(result->error), format, args);
    va_end(args);
    result->exit_code = exit_code;
    return -1;
}

int campaign_pair_fail(struct campaign_pair *pair, const char *format, ...)
{
    struct campaign *campaign = pair->campaign;
    char line[CAMPAIGN_PATH_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (pair->canary)
        return campaign_fail(campaign, 2, "%s", line);
    if (pair->reason[0] != '\0')
        return -1;
    snprintf(pair->reason, sizeof(pair->reason), "%.255s", line);
    if (campaign->lost++ == 0)
        snprintf(campaign->result->error, sizeof(campaign->result->error), "%s", line);
    if (campaign->pair_count > 1)
        campaign_say(campaign, "%s; the others go on", line);
    return -1;
}

/* --- rows --- */

static void add_to_row(struct campaign_row *row, const struct campaign_lane *lane)
{
    row->processes++;
    row->findings += lane->findings;
    row->executions += lane->counts.executions;
    row->caught = row->caught || lane->caught;
    row->seconds += lane->used;
    row->share += lane->share;
    row->coverage = lane->counts.coverage > row->coverage ? lane->counts.coverage : row->coverage;
    row->corpus = lane->counts.corpus > row->corpus ? lane->counts.corpus : row->corpus;
    row->execs_per_second = row->seconds > 0 ? (double)row->executions / row->seconds : 0;
}

/* One for each engine and build of a pair: its lanes are beside one another. */
static void add_rows(struct campaign *campaign, const struct campaign_lane *lanes, uint32_t count)
{
    struct campaign_result *result = campaign->result;
    for (uint32_t i = 0; i < count; i++) {
        const struct campaign_lane *lane = &lanes[i];
        struct campaign_row *row = NULL;
        uint64_t counted = 0;
        uint64_t operations = 0;
        bool first = true;
        for (uint32_t k = 0; k < count; k++) {
            const struct campaign_lane *other = &lanes[k];
            if (other->pair != lane->pair || other->engine != lane->engine || other->build != lane->build)
                continue;
            first = first && k >= i;
            counted += other->counts.counted;
            operations += other->counts.operations;
        }
        if (!first || result->row_count == CAMPAIGN_ROW_LIMIT)
            continue;
        row = &result->rows[result->row_count++];
        *row = (struct campaign_row){.target = lane->pair->target,
                                     .engine = lane->engine,
                                     .build = lane->build,
                                     .canary = lane->pair->canary,
                                     .not_possible = lane->pair->not_possible,
                                     .merged = lane->pair->merged,
                                     .ops_per_execution =
                                         counted > 0 ? (double)operations / (double)counted : 0};
        snprintf(row->backend, sizeof(row->backend), "%s", lane->pair->backend);
        memcpy(row->reason, lane->pair->reason, sizeof(row->reason));
        for (uint32_t k = i; k < count; k++) {
            if (lanes[k].pair == lane->pair && lanes[k].engine == lane->engine &&
                lanes[k].build == lane->build)
                add_to_row(row, &lanes[k]);
        }
    }
}

/* --- what is checked first --- */

static unsigned wanted(unsigned asked, unsigned count, unsigned otherwise)
{
    return asked == 0 ? otherwise : asked & ((1u << count) - 1);
}

static int check_drivers(struct campaign *campaign, enum fuzz_target target)
{
    char path[CAMPAIGN_PATH_BYTES];
    for (unsigned i = 0; i < CAMPAIGN_KINDS; i++) {
        enum campaign_engine engine = (enum campaign_engine)(i % CAMPAIGN_ENGINE_COUNT);
        enum campaign_build build = (enum campaign_build)(i / CAMPAIGN_ENGINE_COUNT);
        bool used = campaign->engines >> engine & 1u && campaign->builds >> build & 1u &&
                    (!fuzz_target_has_schedule(target) || build == campaign_plain_build(campaign));
        const char *missing = used ? campaign_engine_missing(campaign, target, engine, build, path) : NULL;
        if (missing != NULL)
            return campaign_fail(campaign, 2, "%.300s: %s", path, missing);
    }
    return 0;
}

static int check_options(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    campaign->engines = wanted(options->engines, CAMPAIGN_ENGINE_COUNT, (1u << CAMPAIGN_ENGINE_COUNT) - 1);
    campaign->builds = wanted(options->builds, CAMPAIGN_BUILD_COUNT, 1u << CAMPAIGN_PLAIN);
    if (campaign->engines == 0 || campaign->builds == 0 || options->backend_count == 0 ||
        options->bin_dir == NULL || (campaign->builds & 1u << CAMPAIGN_ASAN && options->asan_dir == NULL))
        return campaign_fail(campaign, 2, "a candidate, an engine and the drivers' directory expected");
    if (strlen(options->bin_dir) > OUT_BYTES_MAX ||
        (options->asan_dir != NULL && strlen(options->asan_dir) > OUT_BYTES_MAX) ||
        (options->out_dir != NULL && strlen(options->out_dir) > OUT_BYTES_MAX))
        return campaign_fail(campaign, 2, "a path of at most %u bytes expected", OUT_BYTES_MAX);
    for (uint32_t i = 0; i < options->backend_count; i++) {
        if (strlen(options->backends[i]) >= CAMPAIGN_NAME_BYTES)
            return campaign_fail(campaign, 2, "a candidate's name of at most %u bytes expected",
                                 CAMPAIGN_NAME_BYTES - 1);
    }
    if (options->target_count == 0 && check_drivers(campaign, FUZZ_PAGE) != 0)
        return -1;
    for (uint32_t i = 0; i < options->target_count; i++) {
        if (check_drivers(campaign, options->targets[i]) != 0)
            return -1;
    }
    return 0;
}

/* Its own folder, and how many processes: one a lane of a pair, no more than there are CPUs. */
static int choose(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    char name[CAMPAIGN_NAME_BYTES];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct campaign_pair pair = {.campaign = campaign};
    uint32_t pairs = options->backend_count * (options->target_count == 0 ? 1 : options->target_count);
    uint32_t lanes = campaign_plan_lanes(&pair, 0, NULL) * pairs;
    campaign->jobs = cpus > 0 && (uint32_t)cpus < lanes ? (uint32_t)cpus : lanes;
    if (options->jobs != 0)
        campaign->jobs = options->jobs;
    if (campaign->jobs > CAMPAIGN_JOBS_MAX)
        campaign->jobs = CAMPAIGN_JOBS_MAX;
    campaign_safe_name(options->backends[0], name, sizeof(name));
    bool named = options->out_dir != NULL     ? campaign_path(campaign->root, "%s", options->out_dir)
                 : options->backend_count > 1 ? campaign_path(campaign->root, "results/fuzz")
                                              : campaign_path(campaign->root, "results/fuzz-%s", name);
    if (!named)
        return campaign_fail(campaign, 2, "a shorter path expected");
    memcpy(campaign->result->out_dir, campaign->root, sizeof(campaign->root));
    return 0;
}

/* --- the campaign --- */

/* Do the engines see? From an empty corpus, the planted bug. */
static void run_canary(struct campaign *campaign, const char *backend, enum fuzz_target target)
{
    struct campaign_pair pair = {.campaign = campaign, .backend = backend, .target = target, .canary = true};
    struct campaign_lane lanes[CAMPAIGN_KINDS];
    double limit = campaign->options->canary_seconds > 0 ? campaign->options->canary_seconds : CANARY_S;
    uint32_t count = campaign_plan_lanes(&pair, 0, lanes);
    (void)campaign_path(pair.out, "%s", campaign->root);
    for (uint32_t i = 0; i < count; i++)
        lanes[i].share = limit;
    campaign_pool_run(campaign, lanes, count, limit);
    campaign_remove_tree(pair.work);
    add_rows(campaign, lanes, count);
    for (uint32_t i = 0; i < count && campaign->result->exit_code == 0 && !was_stopped(campaign); i++) {
        const struct campaign_lane *lane = &lanes[i];
        const char *engine = campaign_engine_names[lane->engine];
        const char *build = lane->build == CAMPAIGN_ASAN ? " (asan)" : "";
        if (!lane->caught)
            (void)campaign_fail(campaign, 1,
                                "%s%s is blind: it did not catch the canary's planted bug in %.0f s", engine,
                                build, limit);
        else
            campaign_say(campaign, "%s%s caught the canary after %.1f s (%.0f runs/s)", engine, build,
                         lane->used, lane->used > 0 ? (double)lane->counts.executions / lane->used : 0);
    }
}

/* Of each kind of driver that will be used. */
static void run_canaries(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    uint32_t schedules = 0;
    for (uint32_t i = 0; i < options->target_count; i++)
        schedules += fuzz_target_has_schedule(options->targets[i]);
    if (schedules == 0 || schedules < options->target_count)
        run_canary(campaign, CAMPAIGN_CANARY, FUZZ_PAGE);
    if (schedules > 0 && campaign_goes_on(campaign))
        run_canary(campaign, CAMPAIGN_SCHEDULE_CANARY, FUZZ_SCHEDULE_PAGE);
}

/* One campaign a folder, and what the folders know. */
static int open_folders(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    char out[CAMPAIGN_PATH_BYTES];
    if (campaign_lock(campaign, campaign->root) != 0)
        return -1;
    for (uint32_t i = 0; i < options->backend_count; i++) {
        (void)campaign_folder(options, campaign->root, options->backends[i], out);
        if (strcmp(out, campaign->root) != 0 && campaign_lock(campaign, out) != 0)
            return -1;
        campaign_state_findings(campaign, options->backends[i], out);
    }
    if (campaign->result->exit_code != 0)
        return -1;
    return campaign_state_has_room(campaign) && (!options->resume || campaign_state_read(campaign) == 0) ? 0
                                                                                                         : -1;
}

static bool is_work_left(const struct campaign *campaign)
{
    for (uint32_t i = 0; i < campaign->lane_count; i++) {
        if (campaign->lanes[i].share - campaign->lanes[i].used >= 0.5)
            return true;
    }
    return false;
}

static void run_lanes(struct campaign *campaign)
{
    campaign_plan_say(campaign);
    if (!is_work_left(campaign)) {
        campaign_say(campaign, "all of it is done already");
    } else {
        run_canaries(campaign);
        if (!campaign_goes_on(campaign))
            return;
        campaign_pool_run(campaign, campaign->lanes, campaign->lane_count, campaign->slice);
        campaign_state_write(campaign);
        campaign_collect_say_left(campaign);
        if (campaign->result->exit_code == 0 && !was_stopped(campaign))
            campaign_merge(campaign);
    }
    add_rows(campaign, campaign->lanes, campaign->lane_count);
}

/* After the rows: findings come before what went wrong beside them, and a person's wish before both. */
static int exit_code_of(struct campaign *campaign)
{
    struct campaign_result *result = campaign->result;
    uint32_t impossible = 0;
    bool found = result->new_count > 0 || campaign->left > 0;
    for (uint32_t i = 0; i < result->finding_count; i++)
        found =
            found || result->findings[i].again || (campaign->options->resume && result->findings[i].known);
    for (uint32_t i = 0; i < campaign->pair_count; i++)
        impossible += campaign->pairs[i].not_possible;
    if (was_stopped(campaign))
        return 130;
    if (found && result->exit_code != 1)
        return 3;
    if (impossible > 0 && impossible == campaign->pair_count && result->exit_code == 0)
        return campaign_fail(campaign, 2, "%s", campaign->pairs[0].reason), 2;
    return result->exit_code != 0 ? result->exit_code : campaign->lost > 0 ? 2 : 0;
}

void campaign_result_free(struct campaign_result *result)
{
    free(result->findings);
    memset(result, 0, sizeof(*result));
}

int campaign_run(const struct campaign_options *options, struct campaign_result *result)
{
    struct campaign campaign = {.options = options, .result = result, .started = campaign_now()};
    campaign_result_free(result);
    if (check_options(&campaign) == 0 && choose(&campaign) == 0 && campaign_plan(&campaign) == 0 &&
        open_folders(&campaign) == 0)
        run_lanes(&campaign);
    campaign_child_sweep();
    result->exit_code = exit_code_of(&campaign);
    result->seconds = campaign_now() - campaign.started;
    campaign_unlock(&campaign);
    free(campaign.lanes);
    free(campaign.pairs);
    return result->exit_code;
}
