/* A worker: one process of an engine in its directory, its log read as it grows, its crashes taken as they
 * appear. libFuzzer ends at a crash and is started again; AFL++ goes on. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/campaign_internal.h"

#define STARTS_MAX 24u /* of libFuzzer: more crashes than that say nothing new */
#define JUDGED_MAX 48u
#define STOP_S     3.0

static void log_line(struct campaign_worker *worker, const char *line)
{
    if (worker->engine == CAMPAIGN_LIBFUZZER)
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

/* The corpus input of that content is named by the hash that ends the artifact's name; libFuzzer would
 * stumble over it at every start. */
static void forget_corpus_input(const struct campaign_worker *worker, const char *artifact)
{
    char path[CAMPAIGN_PATH_BYTES];
    const char *hash = strrchr(artifact, '-');
    if (hash != NULL && campaign_path(path, "%s/libfuzzer/corpus/%s", worker->campaign->work, hash + 1))
        (void)unlink(path);
}

static void take(struct campaign_worker *worker, const char *path, bool hang)
{
    if (worker->judged++ < JUDGED_MAX && campaign_take_input(worker->campaign, worker, path, hang) &&
        worker->campaign->canary && !worker->caught) {
        worker->caught = true;
        worker->ended = campaign_now();
    }
}

static void collect_libfuzzer(struct campaign_worker *worker)
{
    char dir[CAMPAIGN_PATH_BYTES];
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    DIR *found = campaign_path(dir, "%s/found", worker->dir) ? opendir(dir) : NULL;
    if (found == NULL || worker->child.pid != 0) { /* while it runs, a file may be half written */
        if (found != NULL)
            closedir(found);
        return;
    }
    while ((entry = readdir(found)) != NULL) {
        const char *name = entry->d_name;
        if (name[0] == '.' || !campaign_path(path, "%s/%s", dir, name))
            continue;
        forget_corpus_input(worker, name);
        if (strncmp(name, "slow-unit-", 10) != 0)
            take(worker, path, strncmp(name, "timeout-", 8) == 0);
        (void)unlink(path);
    }
    closedir(found);
}

/* Inputs are numbered as they come: "id:000003,sig:06,...". */
static void collect_afl(struct campaign_worker *worker, bool hang)
{
    char dir[CAMPAIGN_PATH_BYTES];
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    uint32_t next = worker->next_input[hang];
    DIR *found = campaign_path(dir, "%s/%s", worker->dir, hang ? "hangs" : "crashes") ? opendir(dir) : NULL;
    if (found == NULL)
        return;
    while ((entry = readdir(found)) != NULL) {
        unsigned long number;
        if (strncmp(entry->d_name, "id:", 3) != 0)
            continue;
        number = strtoul(entry->d_name + 3, NULL, 10);
        if (number < worker->next_input[hang] || !campaign_path(path, "%s/%s", dir, entry->d_name))
            continue;
        if (number >= next)
            next = (uint32_t)number + 1;
        take(worker, path, hang);
    }
    worker->next_input[hang] = next;
    closedir(found);
}

uint64_t campaign_worker_executions(const struct campaign_worker *worker)
{
    uint64_t executions = worker->before.executions + worker->counts.executions;
    return executions < worker->executions_at_start ? 0 : executions - worker->executions_at_start;
}

int campaign_worker_open(struct campaign_worker *worker)
{
    struct campaign *campaign = worker->campaign;
    char path[CAMPAIGN_PATH_BYTES];
    bool named;
    worker->statsd = -1;
    if (worker->engine == CAMPAIGN_LIBFUZZER)
        named = campaign_path(worker->dir, "%s/libfuzzer/w%u", campaign->work, worker->index);
    else
        named = campaign_path(worker->dir, "%s/afl/w%u", campaign->work, worker->index);
    named = named && campaign_path(worker->log, "%s/%s-w%u.log", campaign->work,
                                   worker->engine == CAMPAIGN_LIBFUZZER ? "libfuzzer" : "afl", worker->index);
    if (!named)
        return campaign_fail(campaign, 2, "%.200s: a shorter path expected", campaign->work);
    remove(worker->log);
    if (worker->engine == CAMPAIGN_LIBFUZZER) {
        bool made = campaign_path(path, "%s/found", worker->dir) && campaign_make_dirs(path) == 0;
        made = made && campaign_path(path, "%s/libfuzzer/corpus", campaign->work) &&
               campaign_make_dirs(path) == 0;
        if (!made)
            return campaign_fail(campaign, 2, "%.300s: cannot be made", path);
    }
    if (worker->engine == CAMPAIGN_AFL) {
        /* What an earlier campaign found there is stored already. */
        if (campaign_path(path, "%s/crashes", worker->dir))
            campaign_remove_tree(path);
        if (campaign_path(path, "%s/hangs", worker->dir))
            campaign_remove_tree(path);
        read_afl(worker);
        worker->executions_at_start = worker->counts.executions;
        worker->statsd = campaign_statsd_open(&worker->port);
    }
    worker->started = worker->ended = campaign_now();
    worker->deadline = worker->started + campaign->seconds;
    worker->starts++;
    return campaign_engine_start(worker, campaign->seconds);
}

/* The process ended by itself without a find: at its time, or because it could not work. */
static int check_end(struct campaign_worker *worker)
{
    char tail[4096] = "";
    if (campaign_now() > worker->deadline - 1.5 || worker->caught)
        return 0;
    (void)campaign_read(worker->log, true, tail, sizeof(tail) - 1);
    const char *why = strstr(tail, "pagelab-fuzz: ");
    if (why == NULL)
        why = strstr(tail, "PROGRAM ABORT");
    if (why == NULL)
        why = "ended early";
    return campaign_fail(worker->campaign, 2, "%s on %s: %.*s (log: %.200s)",
                         campaign_engine_names[worker->engine], worker->campaign->backend,
                         (int)strcspn(why, "\n"), why, worker->log);
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
    if (worker->engine == CAMPAIGN_LIBFUZZER) {
        read_log(worker);
        collect_libfuzzer(worker);
    } else {
        read_afl(worker);
        collect_afl(worker, false);
        collect_afl(worker, true);
    }
    if (!worker->caught)
        worker->ended = campaign_now();
    if (worker->caught)
        worker->done = true;
    if (!ended || worker->done)
        return 0;
    double left = worker->deadline - campaign_now();
    bool again = worker->engine == CAMPAIGN_LIBFUZZER && worker->judged > judged;
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
    campaign_child_stop(&worker->child, STOP_S);
    if (worker->dir[0] == '\0')
        return; /* was not opened */
    if (worker->engine == CAMPAIGN_LIBFUZZER) {
        read_log(worker);
    } else {
        read_afl(worker);
        campaign_statsd_close(worker->statsd);
    }
    add_counts(&worker->before, &worker->counts);
    worker->counts.executions = worker->counts.counted = worker->counts.operations = 0;
}
