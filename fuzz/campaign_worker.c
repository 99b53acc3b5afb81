/* A worker: one process of an engine in its directory, its log read as it grows. libFuzzer ends at a crash
 * and is started again; AFL++ goes on. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/campaign_internal.h"

#define STARTS_MAX 24u /* of libFuzzer: more crashes than that say nothing new */
#define STOP_S     3.0
#define EARLY_S    1.5 /* an engine that ends so long before its time did not work */

static void log_line(struct campaign_worker *worker, const char *line)
{
    if (worker->lane->engine == CAMPAIGN_LIBFUZZER)
        campaign_parse_libfuzzer(line, &worker->counts);
}

/* Reads what the log has grown by, line by line; a line without an end is left for the next time. */
static void read_log(struct campaign_worker *worker)
{
    char line[2048];
    FILE *file = fopen(worker->log, "rb");
    if (file == NULL)
        return;
    if (fseek(file, worker->log_at, SEEK_SET) == 0) {
        while (fgets(line, sizeof(line), file) != NULL) {
            bool whole = strchr(line, '\n') != NULL || strlen(line) == sizeof(line) - 1;
            if (!whole)
                break;
            log_line(worker, line);
            worker->log_at = ftell(file);
        }
    }
    fclose(file);
}

static void read_afl(struct campaign_worker *worker)
{
    char path[CAMPAIGN_PATH_BYTES];
    char text[8192] = "";
    campaign_statsd_read(worker->statsd, &worker->counts);
    if (worker->child.pid == 0 && campaign_path(path, "%s/fuzzer_stats", worker->dir) &&
        campaign_read(path, false, text, sizeof(text) - 1) > 0)
        campaign_parse_afl_stats(text, &worker->counts);
}

static void read_numbers(struct campaign_worker *worker)
{
    if (worker->lane->engine == CAMPAIGN_LIBFUZZER)
        read_log(worker);
    else
        read_afl(worker);
}

uint64_t campaign_worker_executions(const struct campaign_worker *worker)
{
    uint64_t executions = worker->before.executions + worker->counts.executions;
    return executions < worker->executions_at_start ? 0 : executions - worker->executions_at_start;
}

static int make_dirs(struct campaign_worker *worker)
{
    struct campaign_pair *pair = worker->lane->pair;
    char path[CAMPAIGN_PATH_BYTES];
    bool libfuzzer = worker->lane->engine == CAMPAIGN_LIBFUZZER;
    bool named = campaign_path(worker->dir, "%s/%s/w%u", pair->work, libfuzzer ? "libfuzzer" : "afl",
                               worker->lane->index) &&
                 campaign_path(worker->log, "%s/%s-w%u.log", pair->work, libfuzzer ? "libfuzzer" : "afl",
                               worker->lane->index);
    if (!named)
        return campaign_pair_fail(pair, "%.200s: a shorter path expected", pair->work);
    remove(worker->log);
    bool made = !libfuzzer ||
                (campaign_path(path, "%s/found", worker->dir) && campaign_make_dirs(path) == 0 &&
                 campaign_path(path, "%s/libfuzzer/corpus", pair->work) && campaign_make_dirs(path) == 0);
    return made ? 0 : campaign_pair_fail(pair, "%.300s: cannot be made: %s", path, strerror(errno));
}

int campaign_worker_open(struct campaign_worker *worker, struct campaign_lane *lane, double seconds)
{
    *worker = (struct campaign_worker){.lane = lane, .statsd = -1, .seconds = seconds};
    worker->started = campaign_now();
    if (make_dirs(worker) != 0)
        return -1;
    campaign_collect_first(worker); /* a campaign that was killed may have left something */
    if (lane->engine == CAMPAIGN_AFL) {
        read_afl(worker);
        worker->executions_at_start = worker->counts.executions;
        worker->statsd = campaign_statsd_open(&worker->port);
    }
    worker->started = worker->ended = campaign_now();
    worker->deadline = worker->started + seconds;
    worker->starts++;
    return campaign_engine_start(worker, seconds);
}

/* AFL++ does not go on from a folder that is not as it left it. Its inputs stay, aside. */
static bool put_aside(struct campaign_worker *worker)
{
    struct campaign_pair *pair = worker->lane->pair;
    char path[CAMPAIGN_PATH_BYTES];
    bool fresh = worker->put_aside || worker->executions_at_start == 0;
    if (fresh || worker->lane->engine != CAMPAIGN_AFL ||
        worker->counts.executions > worker->executions_at_start)
        return false;
    worker->put_aside = true;
    if (!campaign_path(path, "%s/afl-aside", pair->work) || campaign_make_dirs(path) != 0 ||
        !campaign_path(path, "%s/afl-aside/w%u-%lx", pair->work, worker->lane->index,
                       (unsigned long)time(NULL)) ||
        rename(worker->dir, path) != 0)
        return false;
    campaign_say(pair->campaign, "%s %s: afl++ cannot go on from its folder; it is kept in %s",
                 fuzz_target_names[pair->target], pair->backend, path);
    worker->executions_at_start = 0;
    worker->counts = (struct campaign_counts){0};
    return true;
}

/* The process ended by itself without a find: at its time, or because it could not work. */
static int check_end(struct campaign_worker *worker)
{
    struct campaign_pair *pair = worker->lane->pair;
    char tail[4096] = "";
    double left = worker->deadline - campaign_now();
    bool refused = WIFEXITED(worker->child.status) && WEXITSTATUS(worker->child.status) != 0;
    if (worker->lane->caught)
        return 0;
    if ((refused || left >= EARLY_S) && put_aside(worker)) {
        worker->done = left < 1; /* the next slice begins anew, then */
        worker->starts += !worker->done;
        return worker->done ? 0 : campaign_engine_start(worker, left);
    }
    if (left < EARLY_S)
        return 0;
    (void)campaign_read(worker->log, true, tail, sizeof(tail) - 1);
    const char *why = strstr(tail, "pagelab-fuzz: ");
    if (why == NULL)
        why = strstr(tail, "PROGRAM ABORT");
    if (why == NULL)
        why = "ended early";
    return campaign_pair_fail(pair, "%s on %s: %.*s (log: %.120s)",
                              campaign_engine_names[worker->lane->engine], pair->backend,
                              (int)(strcspn(why, "\n") < 90 ? strcspn(why, "\n") : 90), why, worker->log);
}

static void add_counts(struct campaign_counts *sum, const struct campaign_counts *counts)
{
    sum->executions += counts->executions;
    sum->counted += counts->counted;
    sum->operations += counts->operations;
}

int campaign_worker_poll(struct campaign_worker *worker)
{
    if (worker->done)
        return 0;
    bool ended = campaign_child_ended(&worker->child);
    uint32_t judged = worker->judged;
    read_numbers(worker);
    campaign_collect(worker);
    if (!worker->lane->caught)
        worker->ended = campaign_now();
    if (worker->lane->caught)
        worker->done = true;
    if (!ended || worker->done)
        return 0;
    double left = worker->deadline - campaign_now();
    bool again = worker->lane->engine == CAMPAIGN_LIBFUZZER && worker->judged > judged;
    worker->done = !again || left < 1 || worker->starts >= STARTS_MAX;
    if (!again)
        return check_end(worker);
    if (worker->done)
        return 0;
    add_counts(&worker->before, &worker->counts);
    worker->counts =
        (struct campaign_counts){.coverage = worker->counts.coverage, .corpus = worker->counts.corpus};
    worker->starts++;
    return campaign_engine_start(worker, left);
}

void campaign_worker_close(struct campaign_worker *worker)
{
    struct campaign_lane *lane = worker->lane;
    campaign_child_stop(&worker->child, STOP_S);
    if (worker->starts > 0) {
        read_numbers(worker);
        campaign_collect_last(worker);
        lane->counts.executions += campaign_worker_executions(worker);
        add_counts(&worker->before, &worker->counts);
        lane->counts.counted += worker->before.counted;
        lane->counts.operations += worker->before.operations;
        if (worker->counts.coverage > lane->counts.coverage)
            lane->counts.coverage = worker->counts.coverage;
        lane->counts.corpus = worker->counts.corpus;
        /* Starting and ending an engine late is the machine's fault: at most the slice is charged. */
        double took = worker->ended - worker->started;
        lane->used += took < worker->seconds ? took : worker->seconds;
        lane->slices++;
        lane->over = lane->over || worker->starts >= STARTS_MAX;
    }
    campaign_statsd_close(worker->statsd);
    worker->lane = NULL;
}
