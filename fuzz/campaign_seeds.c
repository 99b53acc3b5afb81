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

static int write_dictionary(struct campaign *campaign)
{
    FILE *file = campaign_path(campaign->dictionary, "%s/dictionary", campaign->work)
                     ? fopen(campaign->dictionary, "w")
                     : NULL;
    if (file == NULL)
        return campaign_fail(campaign, 2, "%.300s: a directory that can be written to expected",
                             campaign->work);
    (void)boundary_write_dictionary(fuzz_target_family(campaign->target), file);
    fclose(file);
    return 0;
}

/* --- which of them do no harm --- */

/* The paths of all seeds; the caller frees each and the list. Returns their number. */
static uint32_t list_seeds(const struct campaign *campaign, char *list[SEED_LIMIT])
{
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    uint32_t count = 0;
    DIR *dir = opendir(campaign->seeds);
    if (dir == NULL)
        return 0;
    while (count < SEED_LIMIT && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' && campaign_path(path, "%s/%s", campaign->seeds, entry->d_name) &&
            (list[count] = strdup(path)) != NULL)
            count++;
    }
    closedir(dir);
    return count;
}

/* All in one process; if that fails, each alone, and those that fail go. */
static void judge_seeds(struct campaign *campaign)
{
    static char *list[SEED_LIMIT];
    struct campaign_verdict verdict;
    uint32_t count = list_seeds(campaign, list);
    campaign_judge(campaign, (const char *const *)list, count, &verdict);
    for (uint32_t i = 0; i < count; i++) {
        if (verdict.bad && campaign_goes_on(campaign) && campaign->result->exit_code == 0 &&
            campaign_take_input(campaign, NULL, list[i], false))
            (void)unlink(list[i]);
        free(list[i]);
    }
}

static int make_dirs(struct campaign *campaign)
{
    bool named = campaign->canary ? campaign_path(campaign->work, "%s/canary", campaign->out)
                                  : campaign_path(campaign->work, "%s/corpora/%s", campaign->out,
                                                  fuzz_target_names[campaign->target]);
    if (!named || !campaign_path(campaign->seeds, "%s/seeds", campaign->work))
        return campaign_fail(campaign, 2, "%.200s: a shorter path expected", campaign->out);
    campaign_remove_tree(campaign->canary ? campaign->work : campaign->seeds);
    if (campaign_make_dirs(campaign->seeds) != 0 || access(campaign->seeds, W_OK) != 0)
        return campaign_fail(campaign, 2, "%.300s: a directory that can be written to expected: %s",
                             campaign->out, strerror(errno));
    return 0;
}

/* A program of no operations. 0; 1: even that fails; -1 after campaign_fail. */
static int make_empty(struct campaign *campaign)
{
    const uint8_t empty[PROGRAM_HEADER_BYTES] = {[5] = (uint8_t)fuzz_target_family(campaign->target)};
    char path[CAMPAIGN_PATH_BYTES];
    if (!campaign_path(path, "%s/empty", campaign->seeds) || campaign_write(path, empty, sizeof(empty)) != 0)
        return campaign_fail(campaign, 2, "%.300s: a directory that can be written to expected",
                             campaign->out);
    if (campaign->canary || !campaign_take_input(campaign, NULL, path, false))
        return campaign->result->exit_code == 0 ? 0 : -1;
    campaign_say(campaign, "%s fails before its first operation of target %s: there is nothing to fuzz",
                 campaign->backend, fuzz_target_names[campaign->target]);
    return 1;
}

int campaign_prepare(struct campaign *campaign)
{
    if (make_dirs(campaign) != 0 || make_empty(campaign) != 0 || write_dictionary(campaign) != 0)
        return -1;
    if (campaign->canary)
        return 0;
    if (seeds_write(campaign->options->seeds_dir, campaign->target, campaign->seeds) != 0)
        return campaign_fail(campaign, 2, "%.300s: a directory of seeds expected: %s",
                             campaign->options->seeds_dir, strerror(errno));
    judge_seeds(campaign);
    return campaign->result->exit_code == 0 ? 0 : -1;
}
