/* See newest.h. Only the head of a result is read: its context stands before its rows, and says when and how.
 */
#define _POSIX_C_SOURCE 200809L
#include "cli/newest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/result.h"

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

struct newest {
    char folder[512];
    char date[64];
};

static void consider(const char *name, struct newest *run, struct newest *other)
{
    char path[512 + 32];
    char found[4096];
    if (name[0] == '.' || strlen(name) > 400)
        return;
    snprintf(path, sizeof(path), "results/%s/result.json", name);
    cJSON *head = read_head(cli_find(path, found, sizeof(found)));
    const char *date = result_text(cJSON_GetObjectItemCaseSensitive(head, "context"), "date");
    struct newest *into = is_run(head) ? run : other;
    if (head != NULL && strcmp(date, into->date) > 0) {
        snprintf(into->folder, sizeof(into->folder), "results/%s", name);
        snprintf(into->date, sizeof(into->date), "%.60s", date);
    }
    cJSON_Delete(head);
}

bool cli_newest_run(char *folder, size_t bytes, bool *reference, unsigned *skipped)
{
    struct newest run = {"", ""};
    struct newest other = {"", ""};
    char found[4096];
    DIR *directory = opendir(cli_find("results", found, sizeof(found)));
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, "reference") != 0)
            consider(entry->d_name, &run, &other);
    }
    if (directory != NULL)
        closedir(directory);
    *skipped = other.date[0] != '\0' && strcmp(other.date, run.date) > 0;
    *reference = run.folder[0] == '\0';
    snprintf(folder, bytes, "%s", *reference ? CLI_REFERENCE_FOLDER : run.folder);
    char path[600];
    snprintf(path, sizeof(path), "%s/result.json", folder);
    return access(cli_find(path, found, sizeof(found)), R_OK) == 0;
}
