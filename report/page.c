/*
 * The page: what embed.cmake made, and between its two parts the run's data as JSON in a script element that
 * does not run. The data is the context and one object a cell, so that page and terminal show the same cells.
 */
#define _POSIX_C_SOURCE 200809L

#include "report/cells.h"
#include "report/error.h"
#include "report/page_parts.h"
#include "report/print_age.h"
#include "report/print_tail.h"
#include "report/print_worst.h"
#include "report/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Copies `item`'s fields `keys` that are there. False: no memory. */
static bool fields_copy(cJSON *into, const cJSON *from, const char *const *keys, size_t key_count)
{
    for (size_t i = 0; i < key_count; i++) {
        const cJSON *field = cJSON_GetObjectItemCaseSensitive(from, keys[i]);

        if (field != NULL) {
            cJSON *copy = cJSON_Duplicate(field, true);

            if (!cJSON_AddItemToObject(into, keys[i], copy)) {
                cJSON_Delete(copy);
                return false;
            }
        }
    }
    return true;
}

/* Host name and paths stay out: a page travels further than the machine's owner may think. */
static cJSON *page_context(const cJSON *result)
{
    static const char *const keys[] = {"date",   "num_cpus", "mhz_per_cpu", "library_build_type",
                                       "caches", "load_avg", "pagelab"};
    const cJSON *from = cJSON_GetObjectItemCaseSensitive(result, "context");
    cJSON *context = cJSON_CreateObject();

    if (context != NULL && !fields_copy(context, from, keys, sizeof keys / sizeof keys[0])) {
        cJSON_Delete(context);
        return NULL;
    }
    return context;
}

static bool cell_add_samples(cJSON *object, const struct report_cell *cell)
{
    cJSON *samples = cJSON_AddArrayToObject(object, "samples");

    for (size_t i = 0; samples != NULL && i < cell->sample_count; i++) {
        cJSON *sample = cJSON_CreateNumber(cell->samples[i]);

        if (!cJSON_AddItemToArray(samples, sample)) {
            cJSON_Delete(sample);
            return false;
        }
    }
    return samples != NULL;
}

static cJSON *page_cell(const struct report_cell *cell, bool ratios_count)
{
    static const char *const facts[] = {"order",
                                        "cpus",
                                        "admission",
                                        "command",
                                        "failures",
                                        "occupancy",
                                        "metadata_bytes_per_frame",
                                        "largest_free_order",
                                        "section",
                                        "allocator_calls",
                                        "segments",
                                        "frame_map",
                                        "age_maps",
                                        "operations",
                                        "requests",
                                        "operation"};
    static const char *const ratios[] = {"ratio_to_floor", "ratio_to_magazine"};
    cJSON *object = cJSON_CreateObject();

    if (object == NULL || cJSON_AddStringToObject(object, "name", cell->name) == NULL ||
        cJSON_AddStringToObject(object, "candidate", cell->candidate) == NULL ||
        cJSON_AddStringToObject(object, "workload", cell->workload) == NULL ||
        cJSON_AddStringToObject(object, "variant", cell->variant) == NULL ||
        cJSON_AddStringToObject(object, "status", cell->status) == NULL ||
        cJSON_AddStringToObject(object, "reason", cell->reason) == NULL ||
        !fields_copy(object, cell->row, facts, sizeof facts / sizeof facts[0]) ||
        !fields_copy(object, cell->row, age_keys, AGE_KEYS) ||
        !fields_copy(object, cell->row, tail_keys, TAIL_KEYS) ||
        !fields_copy(object, cell->row, worst_keys, WORST_KEYS)) {
        goto fail;
    }
    if (cell_ok(cell)) {
        if (cJSON_AddNumberToObject(object, "ns", cell->ns) == NULL || !cell_add_samples(object, cell)) {
            goto fail;
        }
        if (ratios_count && !fields_copy(object, cell->row, ratios, sizeof ratios / sizeof ratios[0])) {
            goto fail;
        }
    }
    return object;

fail:
    cJSON_Delete(object);
    return NULL;
}

/* The page's data as compact JSON, for cJSON_free. NULL: no memory. */
static char *page_data(const cJSON *result)
{
    const char *words = NULL;
    bool ratios_count = result_rods(result, &words) != RODS_VOID;
    struct report_cells cells;
    cJSON *data = cJSON_CreateObject();
    cJSON *context = page_context(result);
    char *text = NULL;

    if (!cells_collect(result, &cells)) {
        cJSON_Delete(context);
        cJSON_Delete(data);
        return NULL;
    }
    cells_sort(&cells);
    if (!cJSON_AddItemToObject(data, "context", context)) {
        cJSON_Delete(context);
        goto done;
    }

    cJSON *list = cJSON_AddArrayToObject(data, "cells");

    for (size_t i = 0; i < cells.count; i++) {
        cJSON *cell = page_cell(&cells.list[i], ratios_count);

        if (!cJSON_AddItemToArray(list, cell)) {
            cJSON_Delete(cell);
            goto done;
        }
    }
    text = cJSON_PrintUnformatted(data);
done:
    cJSON_Delete(data);
    cells_free(&cells);
    return text;
}

static bool text_ends_in_scheme(const char *text, const char *end)
{
    return (end - text >= 4 && strncasecmp(end - 4, "http", 4) == 0) ||
           (end - text >= 5 && strncasecmp(end - 5, "https", 5) == 0);
}

/*
 * JSON in a script element: no '<' may end it or open a comment, and no address may stand in it as text. Both
 * characters only occur inside strings there (a colon after a letter is never JSON's own), so an escape keeps
 * the value.
 */
static void data_print(const char *text, FILE *out)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '<') {
            fputs("\\u003c", out);
        } else if (*at == ':' && text_ends_in_scheme(text, at)) {
            fputs("\\u003a", out);
        } else {
            fputc(*at, out);
        }
    }
}

static bool page_print(const char *data, FILE *out)
{
    fwrite(report_page_head, 1, report_page_head_bytes, out);
    data_print(data, out);
    fwrite(report_page_tail, 1, report_page_tail_bytes, out);
    return fflush(out) == 0 && ferror(out) == 0;
}

static bool path_is_special(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static int file_fail(const char *path, struct report_error *error)
{
    report_error_set(error, "cannot write, %s, %s, expected a file in a directory that can be written", path,
                     strerror(errno));
    return -1;
}

static int page_write_special(const char *data, const char *path, struct report_error *error)
{
    FILE *out = fopen(path, "w");

    if (out == NULL) {
        return file_fail(path, error);
    }

    bool complete = page_print(data, out);

    return fclose(out) == 0 && complete ? 0 : file_fail(path, error);
}

/* Written beside `path` under a name of this process, then renamed: a reader sees the old page or the new
 * one. */
static int page_write(const char *data, const char *path, struct report_error *error)
{
    size_t room = strlen(path) + 32;
    char *beside = malloc(room);
    FILE *out = NULL;
    int file = -1;

    if (beside == NULL) {
        return file_fail(path, error);
    }
    snprintf(beside, room, "%s.%ld.tmp", path, (long)getpid());
    file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    out = file >= 0 ? fdopen(file, "w") : NULL;
    if (out == NULL) {
        file_fail(path, error);
        goto fail;
    }

    bool complete = page_print(data, out);

    file = -1;
    if (fclose(out) != 0 || !complete || rename(beside, path) != 0) {
        file_fail(path, error);
        unlink(beside);
        goto fail;
    }
    free(beside);
    return 0;

fail:
    if (file >= 0) {
        close(file);
        unlink(beside);
    }
    free(beside);
    return -1;
}

int report_write_html_from(const cJSON *result, const char *html_path, struct report_error *error)
{
    int status = -1;
    char *data = NULL;

    if (!result_check(result, "the result", error)) {
        return -1;
    }
    data = page_data(result);
    if (data == NULL) {
        report_error_set(error, "no memory, %s, expected a few megabytes", html_path);
        return -1;
    }
    status = path_is_special(html_path) ? page_write_special(data, html_path, error)
                                        : page_write(data, html_path, error);
    cJSON_free(data);
    return status;
}

int report_write_html(const char *result_path, const char *html_path, struct report_error *error)
{
    cJSON *result = report_read(result_path, error);

    if (result == NULL) {
        return -1;
    }

    int status = report_write_html_from(result, html_path, error);

    cJSON_Delete(result);
    return status;
}
