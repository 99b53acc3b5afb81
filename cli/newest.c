/* See newest.h. Only the head of a result is read: its context stands before its rows, and says when and how.
 */
#define _GNU_SOURCE
#include "cli/newest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/child.h"
#include "cli/cli.h"
#include "report/result.h"

#define REFERENCE  "reference"
#define HEAD_BYTES ((size_t)256 << 10)
#define NO_ROWS    "\"benchmarks\":[]}"

/* NULL: it is no result whose context comes first. The caller deletes it. */
static cJSON *read_head(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file == NULL ? NULL : malloc(HEAD_BYTES + sizeof(NO_ROWS));
    cJSON *head = NULL;
    if (text != NULL) {
        size_t bytes = fread(text, 1, HEAD_BYTES, file);
        text[bytes] = '\0';
        char *rows = strstr(text, "\"benchmarks\"");
        if (rows != NULL) {
            memcpy(rows, NO_ROWS, sizeof(NO_ROWS));
            head = cJSON_Parse(text);
        }
    }
    if (file != NULL)
        fclose(file);
    free(text);
    return head;
}

/* Did `run` write it, whole? */
static bool is_run(const cJSON *head)
{
    const cJSON *pagelab = result_pagelab(head);
    const char *mode = result_text(pagelab, "mode");
    return (strcmp(mode, "quick") == 0 || strcmp(mode, "full") == 0) &&
           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pagelab, "complete"));
}

const char *cli_find_shared(const char *path, char *buffer, size_t bytes)
{
    char beside[600];
    const char *found = cli_find(path, buffer, bytes);
    if (access(found, F_OK) == 0)
        return found;
    snprintf(beside, sizeof(beside), "../share/pagelab/%.500s", path);
    child_beside(beside, buffer, bytes);
    return buffer;
}

struct found {
    char name[401];
    double seconds; /* 0: none */
};

/* Seconds of "2026-11-22T17:36:29+02:00" since 1970, in UTC; 0: that is no date. */
static double seconds_of(const char *date)
{
    struct tm when = {0};
    if (strptime(date, "%Y-%m-%dT%H:%M:%S%z", &when) == NULL)
        return 0;
    long east = when.tm_gmtoff;
    return (double)timegm(&when) - (double)east;
}

/* A run of a release build, of another build, and what is no whole run; the newest of each. */
enum sort { SORT_RELEASE, SORT_OTHER_BUILD, SORT_NO_RUN, SORTS };

static void consider(const char *base, const char *name, struct found newest[SORTS])
{
    char path[4800];
    if (name[0] == '.' || strlen(name) > 400)
        return;
    snprintf(path, sizeof(path), "%.4000s/%s/result.json", base, name);
    cJSON *head = read_head(path);
    const char *date = result_text(cJSON_GetObjectItemCaseSensitive(head, "context"), "date");
    const char *tier = result_text(result_pagelab(head), "tier");
    struct found *into = &newest[!is_run(head)                  ? SORT_NO_RUN
                                 : strcmp(tier, "release") == 0 ? SORT_RELEASE
                                                                : SORT_OTHER_BUILD];
    if (head != NULL && seconds_of(date) > into->seconds) {
        snprintf(into->name, sizeof(into->name), "%s", name);
        into->seconds = seconds_of(date);
    }
    cJSON_Delete(head);
}

bool cli_newest_run(struct cli_newest *newest)
{
    struct found found[SORTS] = {{"", 0}, {"", 0}, {"", 0}};
    char base[4096];
    char path[sizeof(newest->real) + 16];
    const char *root = getenv("PAGELAB_ROOT");
    snprintf(base, sizeof(base), "%s%sresults", root == NULL ? "" : root, root == NULL ? "" : "/");
    DIR *directory = opendir(base);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, REFERENCE) != 0)
            consider(base, entry->d_name, found);
    }
    if (directory != NULL)
        closedir(directory);
    const struct found *run = &found[found[SORT_RELEASE].name[0] != '\0' ? SORT_RELEASE : SORT_OTHER_BUILD];
    newest->skipped =
        found[SORT_NO_RUN].seconds > run->seconds || found[SORT_OTHER_BUILD].seconds > run->seconds;
    newest->reference = run->name[0] == '\0';
    const char *name = newest->reference ? REFERENCE : run->name;
    snprintf(newest->folder, sizeof(newest->folder), "results/%s", name);
    snprintf(newest->real, sizeof(newest->real), "%s/%s", base, name);
    if (newest->reference && access(newest->real, F_OK) != 0) {
        char shared[sizeof(base) + 640];
        snprintf(newest->real, sizeof(newest->real), "%s",
                 cli_find_shared(newest->folder, shared, sizeof(shared)));
    }
    snprintf(path, sizeof(path), "%s/result.json", newest->real);
    return access(path, R_OK) == 0;
}
