/* pagelab-fuzz-kit TARGET CORPORA FOLDER: writes what an engine of others gets beside a program for the
 * target: FOLDER/seeds/, FOLDER/dictionary and FOLDER/options, for .clusterfuzzlite/build.sh. CORPORA:
 * corpora/seeds of this project. Exit code 2: a name or folder that is none. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/program.h"
#include "fuzz/boundary.h"
#include "fuzz/campaign.h"
#include "fuzz/campaign_files.h"
#include "fuzz/family.h"
#include "fuzz/seeds.h"

#define INPUT_LIMIT_S 10 /* as ours have it: campaign_engine.c */

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "pagelab-fuzz-kit: %s: %s\n", what, why);
    return 2;
}

static FILE *create(const char *folder, const char *name)
{
    char path[CAMPAIGN_PATH_BYTES];
    return campaign_path(path, "%s/%s", folder, name) ? fopen(path, "w") : NULL;
}

static int write_dictionary(enum fuzz_target target, const char *folder)
{
    FILE *out = create(folder, "dictionary");
    if (out == NULL)
        return -1;
    (void)boundary_write_dictionary(fuzz_target_family(target), out);
    return fclose(out);
}

/* libFuzzer's, with the reason of each in docs/ci.md. */
static int write_options(const char *folder)
{
    FILE *out = create(folder, "options");
    if (out == NULL)
        return -1;
    fprintf(out, "[libfuzzer]\nmax_len = %u\nlen_control = 0\ntimeout = %d\n", PROGRAM_BYTES_MAX,
            INPUT_LIMIT_S);
    return fclose(out);
}

int main(int argc, char **argv)
{
    enum fuzz_target target;
    char seeds[CAMPAIGN_PATH_BYTES];
    if (argc != 4)
        return refuse("arguments", "TARGET CORPORA FOLDER expected");
    if (!fuzz_target_of_name(argv[1], strlen(argv[1]), &target))
        return refuse(argv[1], "a target expected, as ./pagelab fuzz --target has them");
    if (!campaign_path(seeds, "%s/seeds", argv[3]) || campaign_make_dirs(seeds) != 0)
        return refuse(argv[3], strerror(errno));
    if (seeds_write(argv[2], target, seeds) != 0)
        return refuse(argv[2], "a folder of seeds expected");
    if (write_dictionary(target, argv[3]) != 0 || write_options(argv[3]) != 0)
        return refuse(argv[3], strerror(errno));
    return 0;
}
