/* What an engine starts from: stored programs, the boundary inputs of section 7.3, and a dictionary of them.
 * Those that fail are findings, and would stop an engine before it starts, so they are left out. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/program.h"
#include "fuzz/boundary.h"
#include "fuzz/campaign_internal.h"
#include "fuzz/seeds.h"

#define SEED_LIMIT 4096u /* judged at once */

static int write_dictionary(struct campaign_pair *pair)
{
    FILE *file =
        campaign_path(pair->dictionary, "%s/dictionary", pair->work) ? fopen(pair->dictionary, "w") : NULL;
    if (file == NULL)
        return campaign_fail(pair->campaign, 2, "%.300s: a directory that can be written to expected",
                             pair->work);
    (void)boundary_write_dictionary(fuzz_target_family(pair->target), file);
    if (fclose(file) != 0)
        return campaign_fail(pair->campaign, 2, "%.300s: cannot be written: %s", pair->dictionary,
                             strerror(errno));
    return 0;
}

/* --- which of them do no harm --- */

/* The paths of all seeds; the caller frees each and the list. Returns their number. */
static uint32_t list_seeds(const struct campaign_pair *pair, char *list[SEED_LIMIT])
{
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    uint32_t count = 0;
    DIR *dir = opendir(pair->seeds);
    if (dir == NULL)
        return 0;
    while (count < SEED_LIMIT && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && campaign_path(path, "%s/%s", pair->seeds, entry->d_name) &&
            (list[count] = strdup(path)) != NULL)
            count++;
    }
    closedir(dir);
    return count;
}

/* All in one process; if that fails, each half, and those that fail alone go. */
static void judge_some(struct campaign_pair *pair, char *const *list, uint32_t count)
{
    struct campaign_verdict verdict;
    if (count == 0 || !campaign_goes_on(pair->campaign) || pair->reason[0] != '\0')
        return;
    if (count == 1) {
        if (campaign_take_input(pair, NULL, list[0], false))
            (void)unlink(list[0]);
        return;
    }
    campaign_judge(pair, campaign_plain_build(pair->campaign), (const char *const *)list, count, &verdict);
    if (!verdict.bad)
        return;
    judge_some(pair, list, count / 2);
    judge_some(pair, list + count / 2, count - count / 2);
}

static void judge_seeds(struct campaign_pair *pair)
{
    static char *list[SEED_LIMIT];
    uint32_t count = list_seeds(pair, list);
    judge_some(pair, list, count);
    for (uint32_t i = 0; i < count; i++)
        free(list[i]);
}

static int make_dirs(struct campaign_pair *pair)
{
    bool named = pair->canary
                     ? campaign_path(pair->work, "%s/canary", pair->out)
                     : campaign_path(pair->work, "%s/corpora/%s", pair->out, fuzz_target_names[pair->target]);
    if (!named || !campaign_path(pair->seeds, "%s/seeds", pair->work) ||
        !campaign_path(pair->start, "%s/start", pair->work))
        return campaign_fail(pair->campaign, 2, "%.200s: a shorter path expected", pair->out);
    campaign_remove_tree(pair->canary ? pair->work : pair->seeds);
    campaign_merge_recover(pair);
    if (campaign_make_dirs(pair->seeds) != 0 || access(pair->seeds, W_OK) != 0)
        return campaign_fail(pair->campaign, 2, "%.300s: a directory that can be written to expected: %s",
                             pair->out, strerror(errno));
    return 0;
}

/* A program of no operations. 0; 1: there is nothing to fuzz; -1 after campaign_fail. */
static int make_empty(struct campaign_pair *pair)
{
    const uint8_t empty[PROGRAM_HEADER_BYTES] = {[5] = (uint8_t)fuzz_target_family(pair->target)};
    char path[CAMPAIGN_PATH_BYTES];
    if (!campaign_path(path, "%s/empty", pair->seeds) || campaign_write(path, empty, sizeof(empty)) != 0)
        return campaign_fail(pair->campaign, 2, "%.300s: a directory that can be written to expected",
                             pair->out);
    if (pair->canary)
        return 0;
    if (campaign_take_input(pair, NULL, path, false))
        snprintf(pair->reason, sizeof(pair->reason),
                 "it fails before its first operation: there is nothing to fuzz");
    if (pair->reason[0] == '\0')
        return pair->campaign->result->exit_code == 0 ? 0 : -1;
    campaign_say(pair->campaign, "%s %s: %s", fuzz_target_names[pair->target], pair->backend, pair->reason);
    return 1;
}

/* AFL++ reads one folder: the seeds, and what an earlier campaign was merged to. */
static int fill_start(struct campaign_pair *pair)
{
    char corpus[CAMPAIGN_PATH_BYTES];
    campaign_remove_tree(pair->start);
    if (campaign_make_dirs(pair->start) != 0 ||
        campaign_copy_inputs(pair->seeds, pair->start, "", SEED_LIMIT) == 0)
        return campaign_fail(pair->campaign, 2, "%.300s: cannot be written: %s", pair->start,
                             strerror(errno));
    if (campaign_path(corpus, "%s/libfuzzer/corpus", pair->work))
        (void)campaign_copy_inputs(corpus, pair->start, "merged-", SEED_LIMIT);
    return 0;
}

int campaign_prepare(struct campaign_pair *pair)
{
    if (make_dirs(pair) != 0 || make_empty(pair) != 0 || write_dictionary(pair) != 0)
        return -1;
    if (pair->canary)
        return fill_start(pair);
    if (seeds_write(pair->campaign->options->seeds_dir, pair->target, pair->seeds) != 0)
        return campaign_fail(pair->campaign, 2, "%.300s: a directory of seeds expected: %s",
                             pair->campaign->options->seeds_dir, strerror(errno));
    judge_seeds(pair);
    return pair->campaign->result->exit_code == 0 && pair->reason[0] == '\0' ? fill_start(pair) : -1;
}
