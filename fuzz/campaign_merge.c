/* A pair's corpora made one, and small: libFuzzer's set cover over what both engines kept. It writes into a
 * new folder; only if that is whole does it take the place of the old one, by rename. AFL++ begins its next
 * campaign from there, too (through the seeds), so its own folder goes. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/campaign_internal.h"

#define MERGE_S  120.0
#define FROM_MAX 1024u /* folders of one merge */
#define PLACES   2u    /* where AFL++ works, and what it could not go on from */

struct merge {
    struct campaign_pair *pair;
    struct campaign_child child;
    double deadline;
    long before; /* inputs of all that is merged, but the seeds */
    char corpus[CAMPAIGN_PATH_BYTES];
    char old[CAMPAIGN_PATH_BYTES];
    char fresh[CAMPAIGN_PATH_BYTES];
    char log[CAMPAIGN_PATH_BYTES];
    char notes[CAMPAIGN_PATH_BYTES]; /* a folder: what each input reaches, and what failed */
};

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool name_paths(const struct campaign_pair *pair, struct merge *merge)
{
    return campaign_path(merge->corpus, "%s/libfuzzer/corpus", pair->work) &&
           campaign_path(merge->old, "%s/libfuzzer/corpus.old", pair->work) &&
           campaign_path(merge->fresh, "%s/libfuzzer/corpus.new", pair->work) &&
           campaign_path(merge->notes, "%s/merge.notes", pair->work) &&
           campaign_path(merge->log, "%s/merge.log", pair->work);
}

void campaign_merge_recover(const struct campaign_pair *pair)
{
    struct merge merge;
    char path[CAMPAIGN_PATH_BYTES];
    if (!name_paths(pair, &merge))
        return;
    if (!exists(merge.corpus) && exists(merge.old))
        (void)rename(merge.old, merge.corpus);
    else
        campaign_remove_tree(merge.old);
    campaign_remove_tree(merge.fresh); /* half of one */
    if (campaign_path(path, "%s/afl.old", pair->work))
        campaign_remove_tree(path);
}

static const char *const places[PLACES] = {"afl", "afl-aside"};

uint32_t campaign_afl_queues(const struct campaign_pair *pair, char (*dirs)[CAMPAIGN_PATH_BYTES],
                             uint32_t limit)
{
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    uint32_t count = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        DIR *dir = campaign_path(path, "%s/%s", pair->work, places[i]) ? opendir(path) : NULL;
        while (dir != NULL && count < limit && (entry = readdir(dir)) != NULL) {
            if (entry->d_name[0] != '.' &&
                campaign_path(dirs[count], "%s/%s/%.200s/queue", pair->work, places[i], entry->d_name) &&
                exists(dirs[count]))
                count++;
        }
        if (dir != NULL)
            closedir(dir);
    }
    return count;
}

/* Inputs in a folder; -1 if one of them is empty or cannot be looked at: something went wrong there. */
static long count_inputs(const char *path)
{
    char file[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    struct stat status;
    long count = 0;
    DIR *dir = opendir(path);
    while (dir != NULL && count >= 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        bool good = campaign_path(file, "%s/%s", path, entry->d_name) && stat(file, &status) == 0 &&
                    status.st_size > 0;
        count = good ? count + 1 : -1;
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static bool start(struct merge *merge, struct campaign_pair *pair)
{
    double limit = pair->campaign->options->merge_seconds;
    uint32_t count = 2;
    *merge = (struct merge){.deadline = campaign_now() + (limit > 0 ? limit : MERGE_S)};
    char(*from)[CAMPAIGN_PATH_BYTES] = calloc(FROM_MAX, sizeof(*from));
    if (from == NULL || !name_paths(pair, merge)) {
        free(from);
        return false;
    }
    (void)campaign_path(from[0], "%s", merge->corpus);
    (void)campaign_path(from[1], "%s", pair->seeds);
    count += campaign_afl_queues(pair, from + 2, FROM_MAX - 2);
    for (uint32_t i = 0; i < count; i++) {
        long inputs = i == 1 ? 0 : count_inputs(from[i]);
        merge->before += inputs > 0 ? inputs : 0;
    }
    bool fuzzed = exists(merge->corpus) || count > 2;
    const char *why = count == FROM_MAX ? "it is in too many folders to merge" : NULL;
    remove(merge->log);
    campaign_remove_tree(merge->notes);
    campaign_remove_tree(merge->fresh);
    if (fuzzed && why == NULL &&
        (campaign_make_dirs(merge->corpus) != 0 || campaign_make_dirs(merge->fresh) != 0 ||
         campaign_make_dirs(merge->notes) != 0 ||
         campaign_engine_merge(pair, merge->fresh, from, count, merge->notes, merge->log, &merge->child) !=
             0))
        why = strerror(errno);
    free(from);
    if (fuzzed && why != NULL)
        campaign_say(pair->campaign, "%s %s: the corpus stays as it is: %s", fuzz_target_names[pair->target],
                     pair->backend, why);
    merge->pair = fuzzed && why == NULL ? pair : NULL;
    return merge->pair != NULL;
}

static bool swap(const struct merge *merge)
{
    char afl[CAMPAIGN_PATH_BYTES];
    char afl_old[CAMPAIGN_PATH_BYTES];
    const char *work = merge->pair->work;
    if (rename(merge->corpus, merge->old) != 0)
        return false;
    if (rename(merge->fresh, merge->corpus) != 0) {
        (void)rename(merge->old, merge->corpus);
        return false;
    }
    for (unsigned i = 0; i < PLACES && !merge->pair->campaign->unstored; i++) {
        if (campaign_path(afl, "%s/%s", work, places[i]) && campaign_path(afl_old, "%s/afl.old", work) &&
            rename(afl, afl_old) == 0)
            campaign_remove_tree(afl_old);
    }
    campaign_remove_tree(merge->old);
    return true;
}

/* `stopped`: by whom the campaign is for, before its time; `late`: at its time. */
static void end(struct merge *merge, bool late, bool stopped)
{
    struct campaign_pair *pair = merge->pair;
    const char *name = fuzz_target_names[pair->target];
    const char *why = stopped ? "was interrupted" : late ? "took too long" : "failed";
    bool clean = !late && !stopped && WIFEXITED(merge->child.status) && WEXITSTATUS(merge->child.status) == 0;
    long count = clean ? campaign_merge_whole(pair, merge->notes, merge->fresh, &why) : -1;
    merge->pair = NULL;
    campaign_remove_tree(merge->notes);
    if (count <= 0 || !campaign_state_has_room(pair->campaign)) {
        campaign_remove_tree(merge->fresh);
        campaign_say(pair->campaign, "%s %s: the corpus stays as it is: merging %s (log: %s)", name,
                     pair->backend, why, merge->log);
        return;
    }
    merge->pair = pair;
    bool swapped = swap(merge);
    merge->pair = NULL;
    if (!swapped) {
        campaign_say(pair->campaign, "%s %s: the corpus stays as it is: %s", name, pair->backend,
                     strerror(errno));
        return;
    }
    pair->merged = (uint64_t)count;
    campaign_say(pair->campaign, "%s %s: %ld inputs merged to %ld", name, pair->backend, merge->before,
                 count);
}

void campaign_merge(struct campaign *campaign)
{
    char path[CAMPAIGN_PATH_BYTES];
    struct merge *slots = calloc(campaign->jobs, sizeof(*slots));
    uint32_t next = 0;
    uint32_t busy = 0;
    bool possible = slots != NULL && campaign->options->merge_seconds >= 0;
    do {
        busy = 0;
        bool stopped = campaign->options->stop != NULL && *campaign->options->stop != 0;
        for (uint32_t i = 0; possible && i < campaign->jobs; i++) {
            struct merge *slot = &slots[i];
            bool late = slot->pair != NULL && campaign_now() >= slot->deadline;
            if (slot->pair != NULL && (late || stopped))
                campaign_child_stop(&slot->child, 0);
            if (slot->pair != NULL && (late || stopped || campaign_child_ended(&slot->child)))
                end(slot, late, stopped);
            while (slot->pair == NULL && !stopped && next < campaign->pair_count) {
                struct campaign_pair *pair = &campaign->pairs[next++];
                bool can = pair->prepared && pair->reason[0] == '\0' &&
                           campaign_engine_missing(campaign, pair->target, CAMPAIGN_LIBFUZZER,
                                                   campaign_plain_build(campaign), path) == NULL;
                if (can && !start(slot, pair))
                    slot->pair = NULL;
            }
            busy += slot->pair != NULL;
        }
        if (busy > 0)
            campaign_sleep(0.02);
    } while (busy > 0);
    free(slots);
}
