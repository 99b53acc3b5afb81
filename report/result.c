/* Reading and checking a result file. Only what the report cannot do without is required; the rest may be
 * absent. */
#include "report/result.h"

#include "report/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_BYTES_MAX ((size_t)1 << 28)

const char *result_text(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text != NULL ? text : "";
}

bool result_number(const cJSON *object, const char *key, double *value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

    if (!cJSON_IsNumber(item)) {
        return false;
    }
    *value = item->valuedouble;
    return true;
}

const cJSON *result_pagelab(const cJSON *result)
{
    return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(result, "context"), "pagelab");
}

const char *result_mark(const cJSON *result, int i)
{
    const cJSON *marks = cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "marks");

    return cJSON_GetStringValue(cJSON_GetArrayItem(marks, i));
}

void result_marks(const cJSON *result, char *text, size_t bytes)
{
    const char *mark = NULL;
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; (mark = result_mark(result, i)) != NULL && used < bytes; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i > 0 ? "; " : "", mark);
    }
}

enum rods_state result_rods(const cJSON *result, const char **words)
{
    const cJSON *rods = cJSON_GetObjectItemCaseSensitive(result_pagelab(result), "rods");

    if (!cJSON_IsObject(rods)) {
        *words = "they were not measured in this run";
        return RODS_UNCHECKED;
    }
    *words = result_text(rods, "words");
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rods, "valid"))) {
        return RODS_HOLD;
    }
    return cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(rods, "measured")) ? RODS_UNCHECKED : RODS_VOID;
}

static bool row_check(const cJSON *row, int index, const char *where, struct report_error *error)
{
    static const char *const required[] = {"name", "candidate", "workload"};

    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(row, required[i]))) {
            report_error_set(error, "row without \"%s\", %s, benchmarks[%d], expected a string", required[i],
                             where, index);
            return false;
        }
    }
    return true;
}

bool result_check(const cJSON *result, const char *where, struct report_error *error)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(result, "benchmarks");
    const cJSON *row = NULL;
    int index = 0;

    if (!cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(result, "context"))) {
        report_error_set(error, "no \"context\", %s, expected the result file of a run", where);
        return false;
    }
    if (!cJSON_IsObject(result_pagelab(result))) {
        report_error_set(error, "no \"context.pagelab\", %s, expected a result that pagelab wrote", where);
        return false;
    }
    if (!cJSON_IsArray(rows)) {
        report_error_set(error, "no \"benchmarks\", %s, expected an array of rows", where);
        return false;
    }
    cJSON_ArrayForEach(row, rows)
    {
        if (!row_check(row, index++, where, error)) {
            return false;
        }
    }
    return true;
}

/* The whole file with a NUL behind it, for the caller to free. NULL: *error says why. */
static char *file_read(const char *path, size_t *bytes, struct report_error *error)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t room = 1 << 16;
    size_t length = 0;

    if (file == NULL) {
        report_error_set(error, "cannot read, %s, %s, expected a result file", path, strerror(errno));
        return NULL;
    }
    for (;;) {
        char *grown = realloc(text, room + 1);

        if (grown == NULL || room > RESULT_BYTES_MAX) {
            report_error_set(error, "too large, %s, expected at most %zu bytes", path, RESULT_BYTES_MAX);
            text = grown != NULL ? grown : text;
            goto fail;
        }
        text = grown;
        length += fread(text + length, 1, room - length, file);
        if (length < room) {
            break;
        }
        room *= 2;
    }
    if (ferror(file)) {
        report_error_set(error, "cannot read, %s, %s, expected a result file", path, strerror(errno));
        goto fail;
    }
    fclose(file);
    text[length] = '\0';
    *bytes = length;
    return text;

fail:
    fclose(file);
    free(text);
    return NULL;
}

static size_t line_number(const char *text, const char *at)
{
    size_t line = 1;

    for (; text < at; text++) {
        line += *text == '\n';
    }
    return line;
}

cJSON *result_read(const char *result_path, struct report_error *error)
{
    size_t bytes = 0;
    char *text = file_read(result_path, &bytes, error);
    const char *end = NULL;
    cJSON *result = NULL;

    if (text == NULL) {
        return NULL;
    }
    if (bytes == 0) {
        report_error_set(error, "empty file, %s, expected a JSON result", result_path);
    } else {
        result = cJSON_ParseWithLengthOpts(text, bytes + 1, &end, true);
        if (result == NULL) {
            report_error_set(error, "no JSON, %s, line %zu, expected the result file of a run", result_path,
                             line_number(text, end != NULL ? end : text));
        }
    }
    free(text);
    return result;
}

/* A time that is none, in a row that says that all is well: somebody wrote it by hand, or a writer is broken.
 */
static bool row_time_check(const cJSON *row, const char *where, struct report_error *error)
{
    const char *status = result_text(row, "status");
    bool failed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "error_occurred"));
    double time = 1;

    result_number(row, "real_time", &time);
    if (failed || (status[0] != '\0' && strcmp(status, "ok") != 0) || time > 0) {
        return true;
    }
    report_error_set(error, "real_time %g, %.200s, row %.200s, expected a time above 0 where all is well",
                     time, where, result_text(row, "name"));
    return false;
}

static bool times_check(const cJSON *result, const char *where, struct report_error *error)
{
    const cJSON *row = NULL;

    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(result, "benchmarks"))
    {
        if (!row_time_check(row, where, error)) {
            return false;
        }
    }
    return true;
}

cJSON *report_read(const char *result_path, struct report_error *error)
{
    cJSON *result = result_read(result_path, error);

    if (result != NULL &&
        (!result_check(result, result_path, error) || !times_check(result, result_path, error))) {
        cJSON_Delete(result);
        result = NULL;
    }
    return result;
}

bool result_print(const cJSON *document, FILE *out)
{
    char *text = cJSON_Print(document);
    bool good = text != NULL && fprintf(out, "%s\n", text) > 0;

    free(text);
    return good;
}
