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

/* Why it is no run that is read first, in words; "": it is one. False: no whole `run` at all. */
static bool is_run(const cJSON *head, char *why, size_t bytes)
{
    const cJSON *pagelab = result_pagelab(head);
    const char *mode = result_text(pagelab, "mode");
    const char *tier = result_text(pagelab, "tier");
    bool run = strcmp(mode, "quick") == 0 || strcmp(mode, "full") == 0;
    bool whole = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pagelab, "complete"));
    why[0] = '\0';
    if (strcmp(mode, "smoke") == 0)
        snprintf(why, bytes, "a smoke run");
    else if (!run)
        snprintf(why, bytes, "written by '%.20s', not by 'pagelab run'", mode);
    else if (!whole)
        snprintf(why, bytes, "not whole, it stopped early ('run --resume' goes on)");
    else if (strcmp(tier, "release") != 0)
        snprintf(why, bytes, "of a %.20s build, not of a release", tier);
    return run && whole;
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
    char why[80];   /* it is left out where there is a better one */
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
    char why[sizeof(newest->why)];
    struct found *into = &newest[!is_run(head, why, sizeof(why)) ? SORT_NO_RUN
                                 : why[0] == '\0'                ? SORT_RELEASE
                                                                 : SORT_OTHER_BUILD];
    if (head != NULL && seconds_of(date) > into->seconds) {
        memcpy(into->why, why, sizeof(why));
        snprintf(into->name, sizeof(into->name), "%s", name);
        into->seconds = seconds_of(date);
    }
    cJSON_Delete(head);
}

bool cli_newest_run(struct cli_newest *newest)
{
    struct found found[SORTS] = {{.seconds = 0}};
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
    const struct found *skipped =
        &found[found[SORT_NO_RUN].seconds > found[SORT_OTHER_BUILD].seconds ? SORT_NO_RUN : SORT_OTHER_BUILD];
    newest->skipped[0] = '\0';
    if (skipped->seconds > run->seconds)
        snprintf(newest->skipped, sizeof(newest->skipped), "results/%s/result.json: %s", skipped->name,
                 skipped->why);
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
