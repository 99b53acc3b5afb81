/* The seed corpus of each target, copied to the score's folder: an engine is given a list of these files and
 * no folder, so it writes to none, and the tree's own are only read. */
#define _DEFAULT_SOURCE
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "fuzz/campaign.h"
#include "fuzz/campaign_files.h"
#include "fuzz/family.h"
#include "fuzz/score_internal.h"
#include "fuzz/seeds.h"

bool score_seeds_list(const struct score_options *options, const char *target, char path[SCORE_PATH_BYTES])
{
    int length = snprintf(path, SCORE_PATH_BYTES, "%s/seeds/%s.list", options->out_dir, target);
    return length > 0 && length < (int)SCORE_PATH_BYTES;
}

/* Names separated by commas, as the engine reads them. 0, or -1 with errno. */
static int write_list(const char *folder, const char *path)
{
    const struct dirent *entry;
    const char *before = "";
    DIR *dir = opendir(folder);
    FILE *list = dir == NULL ? NULL : fopen(path, "w");
    while (list != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            fprintf(list, "%s%s/%s", before, folder, entry->d_name);
            before = ",";
        }
    }
    if (dir != NULL)
        closedir(dir);
    return list == NULL || fclose(list) != 0 ? -1 : 0;
}

static int make_one(const struct score_options *options, const char *name)
{
    char folder[CAMPAIGN_PATH_BYTES];
    char list[SCORE_PATH_BYTES];
    enum fuzz_target target;
    if (!fuzz_target_of_name(name, strlen(name), &target))
        return 0; /* the driver says which there are */
    errno = ENAMETOOLONG;
    if (!campaign_path(folder, "%s/seeds/%s", options->out_dir, name) ||
        !score_seeds_list(options, name, list))
        return -1;
    campaign_remove_tree(folder);
    if (campaign_make_dirs(folder) != 0)
        return -1;
    if (seeds_write(options->seeds_dir, target, folder) != 0)
        return -1;
    return write_list(folder, list);
}

int score_seeds_make(const struct score_options *options)
{
    if (options->seeds_dir == NULL)
        return 0;
    for (uint32_t i = 0; i < options->mutant_count; i++) {
        uint32_t first = 0;
        while (strcmp(options->mutants[first]->target, options->mutants[i]->target) != 0)
            first++;
        if (first == i && make_one(options, options->mutants[i]->target) != 0)
            return -1;
    }
    return 0;
}
