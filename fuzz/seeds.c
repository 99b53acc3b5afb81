/* See seeds.h. */
#define _DEFAULT_SOURCE
#include "fuzz/seeds.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "engine/program.h"
#include "fuzz/boundary.h"
#include "fuzz/campaign.h"
#include "fuzz/campaign_files.h"

static bool is_seed(const char *name)
{
    size_t length = strlen(name);
    return length >= 4 && strcmp(name + length - 4, ".bin") == 0;
}

/* A program of one system as a program of all of them. 0: it cannot be said. */
static size_t widen(uint8_t bytes[PROGRAM_BYTES_MAX], size_t byte_count)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    program_decode(bytes, byte_count, ops, &program);
    program.family = OP_FAMILY_ALL;
    return program_encode(&program, bytes);
}

/* A file of ROOT/FAMILY each; `widens`: as programs of all systems. */
static int copy_stored(const char *root, enum op_family family, bool widens, const char *to)
{
    uint8_t bytes[PROGRAM_BYTES_MAX];
    char from[CAMPAIGN_PATH_BYTES];
    char path[CAMPAIGN_PATH_BYTES];
    const struct dirent *entry;
    if (access(root, R_OK | X_OK) != 0)
        return -1;
    DIR *dir = campaign_path(from, "%s/%s", root, op_family_names[family]) ? opendir(from) : NULL;
    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL) {
        if (!is_seed(entry->d_name) || !campaign_path(path, "%s/%s", from, entry->d_name))
            continue;
        size_t byte_count = campaign_read(path, false, bytes, sizeof(bytes));
        if (widens && byte_count > 0)
            byte_count = widen(bytes, byte_count);
        if (byte_count > 0 && campaign_path(path, "%s/%s%s%s", to, widens ? op_family_names[family] : "",
                                            widens ? "-" : "", entry->d_name))
            (void)campaign_write(path, bytes, byte_count);
    }
    closedir(dir);
    return 0;
}

static void write_edge(void *self, uint32_t number, const uint8_t *bytes, size_t byte_count)
{
    const char *to = self;
    char path[CAMPAIGN_PATH_BYTES];
    if (campaign_path(path, "%s/edges-%04u", to, number))
        (void)campaign_write(path, bytes, byte_count);
}

int seeds_write(const char *root, enum fuzz_target target, const char *to)
{
    for (unsigned family = 0; root != NULL && family < OP_FAMILY_COUNT; family++) {
        bool widens = family != fuzz_target_family(target);
        bool wanted = !widens || (target == FUZZ_ALL && family != OP_FAMILY_PAGE);
        if (wanted && copy_stored(root, (enum op_family)family, widens, to) != 0)
            return -1;
    }
    /* In programs of all systems, a system's edges are those of its own target: they need not be tried again.
     */
    if (target != FUZZ_ALL)
        boundary_programs(fuzz_target_family(target), write_edge, (void *)(uintptr_t)to);
    return 0;
}
