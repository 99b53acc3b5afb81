/* What a worker's engine found: taken as it appears, judged, and removed once that is done. What there is no
 * time for waits beside the corpora, and the pair's next slice, or campaign, begins with it. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/program.h"
#include "fuzz/campaign_internal.h"

#define JUDGED_MAX 48u  /* in a slice, */
#define JUDGE_S    30.0 /* and so long; what is left waits for the next one */

/* The corpus input of that content is named by the hash that ends the artifact's name; libFuzzer would
 * stumble over it at every start. */
static void forget_corpus_input(const struct campaign_worker *worker, const char *artifact)
{
    char path[CAMPAIGN_PATH_BYTES];
    const char *hash = strrchr(artifact, '-');
    if (hash != NULL && campaign_path(path, "%s/libfuzzer/corpus/%s", worker->lane->pair->work, hash + 1))
        (void)unlink(path);
}

static bool name_left(const struct campaign_pair *pair, enum campaign_build build,
                      char path[CAMPAIGN_PATH_BYTES])
{
    return campaign_path(path, "%s/left-%s", pair->work, campaign_build_names[build]);
}

/* Named by its content, so that the same is kept once. */
static void leave(struct campaign_worker *worker, const char *path, bool hang)
{
    struct campaign_pair *pair = worker->lane->pair;
    char dir[CAMPAIGN_PATH_BYTES];
    char to[CAMPAIGN_PATH_BYTES];
    uint8_t bytes[PROGRAM_BYTES_MAX];
    size_t byte_count = campaign_read(path, false, bytes, sizeof(bytes));
    if (pair->canary)
        return;
    if (!name_left(pair, worker->lane->build, dir) || campaign_make_dirs(dir) != 0 ||
        !campaign_path(to, "%s/%s-%016llx", dir, hang ? "hang" : "crash",
                       (unsigned long long)campaign_hash(bytes, byte_count)) ||
        rename(path, to) != 0)
        pair->campaign->unstored = true;
}

static bool is_judge_tired(const struct campaign_worker *worker)
{
    return worker->judged >= JUDGED_MAX || worker->judging >= JUDGE_S;
}

static void take(struct campaign_worker *worker, const char *path, bool hang)
{
    const struct campaign_pair *pair = worker->lane->pair;
    double since = campaign_now();
    if (pair->campaign->unstored)
        return; /* it is where the next campaign looks */
    if (is_judge_tired(worker)) {
        leave(worker, path, hang);
    } else if (campaign_take_input(worker->lane->pair, worker, path, hang) && pair->canary &&
               !worker->lane->caught) {
        worker->lane->caught = true;
        worker->ended = campaign_now();
    }
    worker->judged++;
    worker->judging += campaign_now() - since;
    if (!pair->campaign->unstored)
        (void)unlink(path);
}

/* What no slice of this build had the time for. */
static void collect_left(struct campaign_worker *worker)
{
    char dir[CAMPAIGN_PATH_BYTES];
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    DIR *left = name_left(worker->lane->pair, worker->lane->build, dir) ? opendir(dir) : NULL;
    while (left != NULL && !is_judge_tired(worker) && (entry = readdir(left)) != NULL) {
        if (entry->d_name[0] != '.' && campaign_path(path, "%s/%s", dir, entry->d_name))
            take(worker, path, strncmp(entry->d_name, "hang-", 5) == 0);
    }
    if (left != NULL)
        closedir(left);
}

static uint32_t count_left(const struct campaign_pair *pair)
{
    char dir[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    uint32_t count = 0;
    for (unsigned build = 0; build < CAMPAIGN_BUILD_COUNT; build++) {
        DIR *left = name_left(pair, (enum campaign_build)build, dir) ? opendir(dir) : NULL;
        while (left != NULL && (entry = readdir(left)) != NULL)
            count += entry->d_name[0] != '.';
        if (left != NULL)
            closedir(left);
    }
    return count;
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
        if (strncmp(name, "slow-unit-", 10) == 0)
            (void)unlink(path);
        else
            take(worker, path, strncmp(name, "timeout-", 8) == 0);
    }
    closedir(found);
}

/* Inputs are named as they come: "id:000003,sig:06,...". */
static void collect_afl(struct campaign_worker *worker, bool hang)
{
    char dir[CAMPAIGN_PATH_BYTES];
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    DIR *found = campaign_path(dir, "%s/%s", worker->dir, hang ? "hangs" : "crashes") ? opendir(dir) : NULL;
    if (found == NULL)
        return;
    while ((entry = readdir(found)) != NULL) {
        if (strncmp(entry->d_name, "id:", 3) == 0 && campaign_path(path, "%s/%s", dir, entry->d_name))
            take(worker, path, hang);
    }
    closedir(found);
}

/* What was found is stored or left for later, and what was not could not be. */
static void forget_afl_findings(struct campaign_worker *worker)
{
    char path[CAMPAIGN_PATH_BYTES];
    if (worker->lane->pair->campaign->unstored)
        return;
    if (campaign_path(path, "%s/crashes", worker->dir))
        campaign_remove_tree(path);
    if (campaign_path(path, "%s/hangs", worker->dir))
        campaign_remove_tree(path);
}

void campaign_collect(struct campaign_worker *worker)
{
    if (worker->lane->engine == CAMPAIGN_LIBFUZZER) {
        collect_libfuzzer(worker);
    } else {
        collect_afl(worker, false);
        collect_afl(worker, true);
    }
}

void campaign_collect_last(struct campaign_worker *worker)
{
    campaign_collect(worker);
    if (worker->lane->engine == CAMPAIGN_AFL)
        forget_afl_findings(worker);
}

void campaign_collect_first(struct campaign_worker *worker)
{
    collect_left(worker);
    campaign_collect_last(worker);
}

void campaign_collect_say_left(struct campaign *campaign)
{
    struct campaign_result *result = campaign->result;
    for (uint32_t i = 0; i < campaign->pair_count; i++) {
        const struct campaign_pair *pair = &campaign->pairs[i];
        uint32_t left = pair->prepared ? count_left(pair) : 0;
        char line[CAMPAIGN_PATH_BYTES];
        if (left == 0)
            continue;
        campaign->left += left;
        snprintf(line, sizeof(line),
                 "%s %.100s: %u inputs that failed are not judged yet; the next campaign there begins with "
                 "them (%.250s/left-*)",
                 fuzz_target_names[pair->target], pair->backend, left, pair->work);
        campaign_say(campaign, "%s", line);
        if (result->error[0] == '\0')
            memcpy(result->error, line, sizeof(line));
    }
}
