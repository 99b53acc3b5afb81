/* See places.h. The files are looked for, not their folders: a user's own profiles/ is no reason to miss
 * ours. */
#include "cli/places.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/newest.h"

/* The folder of a shared file; NULL: it is nowhere. */
static const char *folder_of(const char *file, char *folder, size_t bytes)
{
    char buffer[4800];
    const char *path = cli_find_shared(file, buffer, sizeof(buffer));
    if (access(path, R_OK) != 0)
        return NULL;
    snprintf(folder, bytes, "%.*s", (int)(strrchr(path, '/') - path), path);
    return folder;
}

const struct report_places *cli_places_find(struct cli_places *found, const char *result_path)
{
    const char *slash = strrchr(result_path, '/');
    int length = slash == NULL ? 1 : slash == result_path ? 1 : (int)(slash - result_path);
    snprintf(found->own, sizeof(found->own), "%.*s", length, slash == NULL ? "." : result_path);
    found->places = (struct report_places){
        .own = found->own,
        .reference = folder_of("results/reference/evidence.json", found->reference, sizeof(found->reference)),
        .profiles = folder_of("profiles/rtos.txt", found->profiles, sizeof(found->profiles))};
    return &found->places;
}
