/* What a person sees while it works: on a terminal a line a pair, drawn again in place; elsewhere a line now
 * and then with the lanes that work. */
#define _DEFAULT_SOURCE
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz/campaign_internal.h"

#define LIVE_S     0.5
#define LINE_S     2.0  /* at first, */
#define LINE_S_MAX 10.0 /* and after a minute */
#define LINES_MAX  200u

struct sums {
    uint64_t executions;
    uint64_t coverage;
    uint64_t corpus;
    double per_second;
    double used;
    double share;
    uint32_t findings;
    char now[64]; /* the engines that work */
};

static const struct campaign_worker *worker_of(const struct campaign_lane *lane,
                                               const struct campaign_worker *workers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (workers[i].lane == lane)
            return &workers[i];
    }
    return NULL;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static double speed_of(const struct campaign_worker *worker)
{
    double seconds = worker->ended - worker->started;
    return worker->counts.per_second > 0 ? worker->counts.per_second
           : seconds > 0                 ? (double)campaign_worker_executions(worker) / seconds
                                         : 0;
}

static void add_lane(struct sums *sums, const struct campaign_lane *lane,
                     const struct campaign_worker *worker)
{
    size_t length = strlen(sums->now);
    sums->executions += lane->counts.executions;
    sums->coverage = larger(sums->coverage, lane->counts.coverage);
    sums->corpus = larger(sums->corpus, lane->counts.corpus);
    sums->used += lane->used;
    sums->share += lane->share;
    sums->findings += lane->findings;
    if (worker == NULL)
        return;
    sums->executions += campaign_worker_executions(worker);
    sums->coverage = larger(sums->coverage, worker->counts.coverage);
    sums->corpus = larger(sums->corpus, worker->counts.corpus);
    sums->per_second += speed_of(worker);
    sums->used += worker->ended - worker->started;
    snprintf(sums->now + length, sizeof(sums->now) - length, "%s%s%s", length > 0 ? " " : "",
             campaign_engine_names[lane->engine], lane->build == CAMPAIGN_ASAN ? "/asan" : "");
}

static struct sums sum_pair(const struct campaign *campaign, const struct campaign_pair *pair,
                            const struct campaign_worker *workers, uint32_t count)
{
    struct sums sums = {0};
    for (uint32_t i = 0; i < campaign->lane_count; i++) {
        if (campaign->lanes[i].pair == pair)
            add_lane(&sums, &campaign->lanes[i], worker_of(&campaign->lanes[i], workers, count));
    }
    if (sums.now[0] == '\0')
        snprintf(sums.now, sizeof(sums.now), "%.63s",
                 pair->reason[0] != '\0'         ? pair->reason
                 : sums.used >= sums.share - 0.5 ? "done"
                                                 : "waits");
    return sums;
}

void campaign_view_clear(struct campaign *campaign)
{
    if (campaign->drawn > 0)
        fprintf(campaign->options->progress, "\033[%uA\033[J", campaign->drawn);
    campaign->drawn = 0;
}

static void draw(struct campaign *campaign, const struct campaign_worker *workers, uint32_t count)
{
    FILE *out = campaign->options->progress;
    struct winsize window;
    char line[256];
    uint32_t pairs = campaign->pair_count;
    if (ioctl(fileno(out), TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0)
        window = (struct winsize){.ws_row = 24, .ws_col = 80}; /* it does not say */
    uint32_t rows = window.ws_row > 4 ? window.ws_row - 2u : 1;
    uint32_t columns = window.ws_col > 20 && window.ws_col < sizeof(line) ? window.ws_col : sizeof(line);
    rows = rows < LINES_MAX ? rows : LINES_MAX;
    int name = columns > 100 ? 32 : 12; /* bytes of a candidate's name */
    campaign_view_clear(campaign);
    snprintf(line, columns, "%4s %-13s %-*s %9s %5s %5s %5s %3s %s", "time", "target", name, "candidate",
             "runs", "/s", "edges", "kept", "new", "now");
    fprintf(out, "%s\n", line);
    campaign->drawn++;
    for (uint32_t i = 0, left = pairs; i < pairs && campaign->drawn < rows; i++, left--) {
        const struct campaign_pair *pair = &campaign->pairs[i];
        struct sums sums = sum_pair(campaign, pair, workers, count);
        /* Where there are too few lines, those that wait or are done are not shown. */
        if (left + campaign->drawn > rows && sums.per_second <= 0)
            continue;
        snprintf(line, columns, "%3.0f%% %-13s %-*.*s %9" PRIu64 " %5.0f %5" PRIu64 " %5" PRIu64 " %3u %s",
                 100 * sums.used / sums.share, fuzz_target_names[pair->target], name, name, pair->backend,
                 sums.executions, sums.per_second, sums.coverage, sums.corpus, sums.findings, sums.now);
        fprintf(out, "%s\n", line);
        campaign->drawn++;
    }
    fprintf(out, "%.0f s, %u new findings\n", campaign_now() - campaign->started,
            campaign->result->new_count);
    campaign->drawn++;
    fflush(out);
}

static void say_line(struct campaign *campaign, const struct campaign_worker *workers, uint32_t count)
{
    char line[1024] = "";
    size_t used = 0;
    double left = 0;
    for (uint32_t i = 0; i < campaign->lane_count; i++) {
        const struct campaign_lane *lane = &campaign->lanes[i];
        const struct campaign_worker *worker = worker_of(lane, workers, count);
        struct sums sums = {0};
        add_lane(&sums, lane, worker);
        left += lane->pair->reason[0] == '\0' && sums.share > sums.used ? sums.share - sums.used : 0;
        if (worker == NULL || used >= sizeof(line))
            continue;
        int n = snprintf(line + used, sizeof(line) - used,
                         " | %s %s %s: %" PRIu64 " runs, %.0f/s, %" PRIu64 " edges, corpus %" PRIu64,
                         fuzz_target_names[lane->pair->target], lane->pair->backend, sums.now,
                         sums.executions, sums.per_second, sums.coverage, sums.corpus);
        used += n < 0 ? 0 : (size_t)n;
    }
    campaign_say(campaign, "%.0f s left, %u new findings%s", left / campaign->jobs,
                 campaign->result->new_count, line);
}

void campaign_view(struct campaign *campaign, const struct campaign_worker *workers, uint32_t count)
{
    double now = campaign_now();
    if (campaign->options->progress == NULL || now < campaign->next_view)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (workers[i].lane != NULL && workers[i].lane->pair->canary)
            return;
    }
    if (campaign->options->live) {
        campaign->next_view = now + LIVE_S;
        draw(campaign, workers, count);
        return;
    }
    bool first = campaign->next_view <= 0;
    campaign->next_view = now + (now - campaign->started < 60 ? LINE_S : LINE_S_MAX);
    if (!first)
        say_line(campaign, workers, count);
}
