/* See campaign.h: what is checked first, the canary, then each candidate, and the lines for a person. */
#define _DEFAULT_SOURCE
#include "fuzz/campaign.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/campaign_internal.h"

#define SECONDS_DEFAULT  60.0
#define CANARY_S         10.0
#define POLL_S           0.1
#define PROGRESS_S       2.0
#define AFTER_DEADLINE_S 5.0 /* an engine ends by itself within this */
#define OUT_BYTES_MAX    240u

const char *const campaign_engine_names[CAMPAIGN_ENGINE_COUNT] = {"libfuzzer", "afl++"};

bool campaign_goes_on(const struct campaign *campaign)
{
    return campaign->options->stop == NULL || *campaign->options->stop == 0;
}

void campaign_say(const struct campaign *campaign, const char *format, ...)
{
    if (campaign->options->progress == NULL)
        return;
    va_list args;
    va_start(args, format);
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

/* --- workers --- */

static void show_progress(const struct campaign *campaign, const struct campaign_worker *workers,
                          uint32_t count)
{
    char line[1024];
    size_t used = 0;
    for (uint32_t i = 0; i < count && used < sizeof(line); i++) {
        const struct campaign_worker *worker = &workers[i];
        double seconds = worker->ended - worker->started;
        uint64_t executions = campaign_worker_executions(worker);
        int n =
            snprintf(line + used, sizeof(line) - used, " | %s %llu runs, %.0f/s, %llu edges, corpus %llu",
                     campaign_engine_names[worker->engine], (unsigned long long)executions,
                     worker->counts.per_second > 0 ? worker->counts.per_second
                     : seconds > 0                 ? (double)executions / seconds
                                                   : 0,
                     (unsigned long long)worker->counts.coverage, (unsigned long long)worker->counts.corpus);
        used += n < 0 ? 0 : (size_t)n;
    }
    double left = campaign->started + campaign->seconds - campaign_now();
    campaign_say(campaign, "%s %s: %.0f s left, %u findings%s", campaign->backend,
                 fuzz_target_names[campaign->target], left < 0 ? 0 : left, campaign->result->finding_count,
                 count == 0 ? "" : line);
}

static bool all_done(const struct campaign_worker *workers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!workers[i].done)
            return false;
    }
    return true;
}

static void watch_workers(struct campaign *campaign, struct campaign_worker *workers, uint32_t count)
{
    double next = campaign_now() + PROGRESS_S;
    double last = campaign->started + campaign->seconds + (campaign->canary ? 0 : AFTER_DEADLINE_S);
    while (!all_done(workers, count) && campaign_goes_on(campaign) && campaign_now() < last) {
        for (uint32_t i = 0; i < count; i++) {
            if (campaign_worker_poll(&workers[i]) != 0)
                return;
            if (workers[i].done)
                campaign_child_stop(&workers[i].child, 1.0);
        }
        if (!campaign->canary && campaign_now() >= next) {
            show_progress(campaign, workers, count);
            next += PROGRESS_S;
        }
        campaign_sleep(POLL_S);
    }
    for (uint32_t i = 0; i < count; i++)
        (void)campaign_worker_poll(&workers[i]); /* what came last */
}

static void add_row(struct campaign *campaign, const struct campaign_worker *workers, uint32_t count,
                    enum campaign_engine engine)
{
    struct campaign_result *result = campaign->result;
    double seconds = 0;
    uint64_t counted = 0;
    uint64_t operations = 0;
    if (result->row_count == CAMPAIGN_ROW_LIMIT)
        return;
    struct campaign_row *row = &result->rows[result->row_count++];
    memset(row, 0, sizeof(*row));
    snprintf(row->backend, sizeof(row->backend), "%s", campaign->backend);
    row->target = campaign->target;
    row->engine = engine;
    row->canary = campaign->canary;
    for (uint32_t i = 0; i < count; i++) {
        const struct campaign_worker *worker = &workers[i];
        if (worker->engine != engine)
            continue;
        double own = worker->ended - worker->started;
        seconds += own;
        row->processes++;
        row->findings += worker->findings;
        row->executions += campaign_worker_executions(worker);
        row->caught = row->caught || worker->caught;
        row->seconds = own > row->seconds ? own : row->seconds;
        row->coverage = worker->counts.coverage > row->coverage ? worker->counts.coverage : row->coverage;
        row->corpus = worker->counts.corpus > row->corpus ? worker->counts.corpus : row->corpus;
        counted += worker->before.counted;
        operations += worker->before.operations;
    }
    row->execs_per_second = seconds > 0 ? (double)row->executions / seconds : 0;
    row->ops_per_execution = counted > 0 ? (double)operations / (double)counted : 0;
}

/* The engines of this round side by side, `count` processes. */
static void run_round(struct campaign *campaign, unsigned engines, uint32_t count, double seconds)
{
    struct campaign_worker *workers = calloc(count, sizeof(*workers));
    uint32_t of_engine[CAMPAIGN_ENGINE_COUNT] = {0};
    bool good = true;
    if (workers == NULL) {
        (void)campaign_fail(campaign, 2, "out of memory");
        return;
    }
    campaign->started = campaign_now();
    campaign->seconds = seconds;
    for (uint32_t i = 0, engine = 0; i < count; i++, engine = (engine + 1) % CAMPAIGN_ENGINE_COUNT) {
        while (!(engines >> engine & 1u))
            engine = (engine + 1) % CAMPAIGN_ENGINE_COUNT;
        workers[i].campaign = campaign;
        workers[i].engine = (enum campaign_engine)engine;
        workers[i].index = of_engine[engine]++;
        good = good && campaign_worker_open(&workers[i]) == 0;
    }
    if (good)
        watch_workers(campaign, workers, count);
    for (uint32_t i = 0; i < count; i++)
        campaign_worker_close(&workers[i]);
    campaign_child_sweep();
    for (uint32_t engine = 0; engine < CAMPAIGN_ENGINE_COUNT; engine++) {
        if (good && of_engine[engine] > 0)
            add_row(campaign, workers, count, (enum campaign_engine)engine);
    }
    free(workers);
}

static uint32_t engine_count(unsigned engines)
{
    return (engines & 1u) + (engines >> 1 & 1u);
}

/* Side by side if there are processes for all engines, else one after the other with a share of the time. */
static void run_rounds(struct campaign *campaign, double seconds)
{
    uint32_t engines = engine_count(campaign->engines);
    if (campaign->jobs >= engines) {
        run_round(campaign, campaign->engines, campaign->canary ? engines : campaign->jobs, seconds);
        return;
    }
    for (unsigned engine = 0; engine < CAMPAIGN_ENGINE_COUNT; engine++) {
        if (campaign->engines >> engine & 1u && campaign->result->exit_code == 0 &&
            campaign_goes_on(campaign))
            run_round(campaign, 1u << engine, 1, campaign->canary ? seconds : seconds / engines);
    }
}

/* --- the campaign --- */

static int check_options(struct campaign *campaign)
{
    const struct campaign_options *options = campaign->options;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    char path[CAMPAIGN_PATH_BYTES];
    campaign->engines = options->engines & ((1u << CAMPAIGN_ENGINE_COUNT) - 1);
    if (options->engines == 0)
        campaign->engines = (1u << CAMPAIGN_ENGINE_COUNT) - 1;
    if (campaign->engines == 0 || options->backend_count == 0 || options->bin_dir == NULL)
        return campaign_fail(campaign, 2, "a candidate, an engine and the drivers' directory expected");
    if (strlen(options->bin_dir) > OUT_BYTES_MAX ||
        (options->out_dir != NULL && strlen(options->out_dir) > OUT_BYTES_MAX))
        return campaign_fail(campaign, 2, "a path of at most %u bytes expected", OUT_BYTES_MAX);
    for (uint32_t i = 0; i < options->backend_count; i++) {
        if (strlen(options->backends[i]) >= CAMPAIGN_NAME_BYTES)
            return campaign_fail(campaign, 2, "a candidate's name of at most %u bytes expected",
                                 CAMPAIGN_NAME_BYTES - 1);
    }
    for (unsigned i = 0; i < CAMPAIGN_ENGINE_COUNT * (options->target_count + 1); i++) {
        unsigned engine = i % CAMPAIGN_ENGINE_COUNT;
        campaign->target =
            i < CAMPAIGN_ENGINE_COUNT ? FUZZ_PAGE : options->targets[i / CAMPAIGN_ENGINE_COUNT - 1];
        const char *missing = campaign->engines >> engine & 1u
                                  ? campaign_engine_missing(campaign, (enum campaign_engine)engine, path)
                                  : NULL;
        if (missing != NULL)
            return campaign_fail(campaign, 2, "%.300s: %s", path, missing);
    }
    uint32_t engines = engine_count(campaign->engines);
    campaign->jobs = cpus > 0 && (uint32_t)cpus < engines ? (uint32_t)cpus : engines;
    if (options->jobs != 0)
        campaign->jobs = options->jobs < CAMPAIGN_JOBS_MAX ? options->jobs : CAMPAIGN_JOBS_MAX;
    return 0;
}

static int name_out(struct campaign *campaign, const char *backend)
{
    char name[CAMPAIGN_NAME_BYTES];
    const char *out = campaign->options->out_dir;
    campaign_safe_name(backend, name, sizeof(name));
    campaign->backend = backend;
    if (out != NULL && campaign->options->backend_count == 1)
        return campaign_path(campaign->out, "%s", out) ? 0 : -1;
    return campaign_path(campaign->out, "%s/fuzz-%s", out == NULL ? "results" : out, name) ? 0 : -1;
}

/* Do the engines see? From an empty corpus, the planted bug. */
static void run_canary(struct campaign *campaign, const char *backend, enum fuzz_target target)
{
    uint32_t first = campaign->result->row_count;
    double limit = campaign->options->canary_seconds > 0 ? campaign->options->canary_seconds : CANARY_S;
    campaign->canary = true;
    campaign->backend = backend;
    campaign->target = target;
    if (campaign_prepare(campaign) == 0)
        run_rounds(campaign, limit);
    campaign->canary = false;
    campaign_remove_tree(campaign->work);
    if (campaign->result->exit_code != 0 || !campaign_goes_on(campaign))
        return;
    for (uint32_t i = first; i < campaign->result->row_count; i++) {
        const struct campaign_row *row = &campaign->result->rows[i];
        const char *engine = campaign_engine_names[row->engine];
        if (!row->caught)
            (void)campaign_fail(campaign, 1,
                                "%s is blind: it did not catch the canary's planted bug in %.0f s", engine,
                                limit);
        else
            campaign_say(campaign, "%s caught the canary after %.1f s (%.0f runs/s)", engine, row->seconds,
                         row->execs_per_second);
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
    if (schedules > 0 && campaign->result->exit_code == 0 && campaign_goes_on(campaign))
        run_canary(campaign, CAMPAIGN_SCHEDULE_CANARY, FUZZ_SCHEDULE_PAGE);
}

static void run_backend(struct campaign *campaign, const char *backend)
{
    static const enum fuzz_target page[] = {FUZZ_PAGE};
    const struct campaign_options *options = campaign->options;
    const enum fuzz_target *targets = options->target_count == 0 ? page : options->targets;
    uint32_t count = options->target_count == 0 ? 1 : options->target_count;
    (void)name_out(campaign, backend);
    for (uint32_t i = 0; i < count && campaign->result->exit_code == 0 && campaign_goes_on(campaign); i++) {
        campaign->target = targets[i];
        if (campaign_prepare(campaign) == 0)
            run_rounds(campaign, options->seconds > 0 ? options->seconds : SECONDS_DEFAULT);
    }
}

int campaign_run(const struct campaign_options *options, struct campaign_result *result)
{
    struct campaign campaign = {.options = options, .result = result};
    memset(result, 0, sizeof(*result));
    if (check_options(&campaign) != 0)
        return result->exit_code;
    (void)name_out(&campaign, options->backends[0]);
    run_canaries(&campaign);
    for (uint32_t i = 0; i < options->backend_count && result->exit_code == 0 && campaign_goes_on(&campaign);
         i++)
        run_backend(&campaign, options->backends[i]);
    campaign_child_sweep();
    if (result->exit_code == 0 && result->finding_count > 0)
        result->exit_code = 3;
    if (!campaign_goes_on(&campaign))
        result->exit_code = 130;
    return result->exit_code;
}
