/*
 * The page: what embed.cmake made, and between its two parts the run's data as JSON in a script element that
 * does not run.
 */
#define _POSIX_C_SOURCE 200809L

#include "report/error.h"
#include "report/page_data.h"
#include "report/page_parts.h"
#include "report/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

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

int report_write_html_from(const cJSON *result, const char *html_path, const struct report_places *places,
                           struct report_error *error)
{
    int status = -1;
    char *data = NULL;

    if (!result_check(result, "the result", error)) {
        return -1;
    }
    data = page_data(result, places);
    if (data == NULL) {
        report_error_set(error, "no memory, %s, expected a few megabytes", html_path);
        return -1;
    }
    status = path_is_special(html_path) ? page_write_special(data, html_path, error)
                                        : page_write(data, html_path, error);
    cJSON_free(data);
    return status;
}

int report_write_html(const char *result_path, const char *html_path, const struct report_places *places,
                      struct report_error *error)
{
    cJSON *result = report_read(result_path, error);

    if (result == NULL) {
        return -1;
    }

    int status = report_write_html_from(result, html_path, places, error);

    cJSON_Delete(result);
    return status;
}
