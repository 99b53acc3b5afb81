/* A result whose names try to run as markup, as terminal sequences and as addresses; a folder for pages made
 * of it; and what reads them. PL_SOURCE_DIR is the root of the source tree. */
#ifndef TESTS_UNIT_REPORT_FIXTURE_H
#define TESTS_UNIT_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/report.h"

#define HOSTILE PL_SOURCE_DIR "/tests/data/report/hostile.json"
#define BREAK   "</script><script>alert(1)</script>"

static const struct report_places nowhere = {0}; /* what is stored is none of most tests' business */

/* A directory of the test's own. */
struct place {
    char folder[64];
    char page[96];
    char result[96];
};

static inline int place_make(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    strcpy(place->folder, "/tmp/pagelab-report-XXXXXX");
    if (mkdtemp(place->folder) == NULL) {
        return -1;
    }
    snprintf(place->page, sizeof place->page, "%s/report.html", place->folder);
    snprintf(place->result, sizeof place->result, "%s/result.json", place->folder);
    *state = place;
    return 0;
}

static inline int place_remove(void **state)
{
    struct place *place = *state;

    unlink(place->page);
    unlink(place->result);
    int status = rmdir(place->folder); /* fails if a half-written file was left behind */
    free(place);
    return status;
}

static inline char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t room = 4 << 20;
    char *text = malloc(room);

    assert_non_null(file);
    assert_non_null(text);
    size_t bytes = fread(text, 1, room - 1, file);
    assert_true(bytes < room - 1);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

static inline void file_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

static inline size_t entries(const char *folder)
{
    DIR *directory = opendir(folder);
    size_t count = 0;

    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(directory);
    return count;
}

static inline cJSON *hostile(void)
{
    struct report_error error = {.line = ""};
    cJSON *result = report_read(HOSTILE, &error);

    if (result == NULL) {
        fail_msg("%s", error.line);
    }
    return result;
}

static inline cJSON *rods_of(cJSON *result)
{
    cJSON *context = cJSON_GetObjectItem(result, "context");

    return cJSON_GetObjectItem(cJSON_GetObjectItem(context, "pagelab"), "rods");
}

/* What the page's script will parse, as it stands in the page. */
static inline char *page_data(const char *page)
{
    const char *start = strstr(page, "id=\"data\">");

    assert_non_null(start);
    start += strlen("id=\"data\">");
    const char *end = strstr(start, "</script>");
    assert_non_null(end);
    return strndup(start, (size_t)(end - start));
}

static inline const cJSON *cell_of(const cJSON *data, const char *candidate)
{
    const cJSON *cell = NULL;

    cJSON_ArrayForEach(cell, cJSON_GetObjectItem(data, "cells"))
    {
        if (strcmp(cJSON_GetObjectItem(cell, "candidate")->valuestring, candidate) == 0) {
            return cell;
        }
    }
    fail_msg("no cell of %s", candidate);
    return NULL;
}

#endif
