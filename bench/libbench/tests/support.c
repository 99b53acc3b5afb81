/* Runs are written to a temporary file and read back, the way a user of lb_run_json does it. */
#define _POSIX_C_SOURCE 200809L

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    const long bytes = ftell(file);
    assert_true(bytes >= 0);
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    char *whole = malloc((size_t)bytes + 1);
    assert_non_null(whole);
    assert_int_equal(fread(whole, 1, (size_t)bytes, file), bytes);
    whole[bytes] = '\0';
    fclose(file);
    return whole;
}

struct run run_with(struct lb_run_options options)
{
    char path[] = "libbench-test-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    options.json_path = path;
    struct run run = {.status = lb_run_json(&options)};
    char *whole = read_whole(path);
    remove(path);
    run.json = cJSON_Parse(whole);
    free(whole);
    return run;
}

struct run run_all(void)
{
    struct run run = run_with((struct lb_run_options){.min_time_s = 1e-6, .quiet = true});
    assert_int_equal(run.status, 0);
    assert_non_null(run.json);
    return run;
}

void run_free(struct run *run)
{
    cJSON_Delete(run->json);
    run->json = NULL;
}

int clear(void **unused)
{
    (void)unused;
    lb_clear();
    return 0;
}

static const cJSON *find(const struct run *run, const char *name)
{
    const cJSON *each;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(run->json, "benchmarks"))
    {
        if (strcmp(text(each, "name"), name) == 0) {
            return each;
        }
    }
    return NULL;
}

int row_count(const struct run *run)
{
    return cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(run->json, "benchmarks"));
}

bool has_row(const struct run *run, const char *name)
{
    return find(run, name) != NULL;
}

const cJSON *row(const struct run *run, const char *name)
{
    const cJSON *found = find(run, name);
    if (found == NULL) {
        fail_msg("no row '%s'", name);
    }
    return found;
}

double number(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(value)) {
        fail_msg("no number '%s'", key);
    }
    return value->valuedouble;
}

const char *text(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(value)) {
        fail_msg("no text '%s'", key);
    }
    return value->valuestring;
}

struct redirection {
    FILE *stream;
    FILE *file;
    int saved;
};

static struct redirection redirect(FILE *stream)
{
    fflush(stream);
    struct redirection redirection = {stream, tmpfile(), dup(fileno(stream))};
    assert_non_null(redirection.file);
    assert_true(redirection.saved >= 0);
    assert_true(dup2(fileno(redirection.file), fileno(stream)) >= 0);
    return redirection;
}

static void restore(struct redirection *redirection, char *text, size_t size)
{
    fflush(redirection->stream);
    assert_true(dup2(redirection->saved, fileno(redirection->stream)) >= 0);
    close(redirection->saved);
    assert_int_equal(fseek(redirection->file, 0, SEEK_SET), 0);
    text[fread(text, 1, size - 1, redirection->file)] = '\0';
    fclose(redirection->file);
}

int captured(int (*call)(void *), void *argument, struct output *output)
{
    struct redirection out = redirect(stdout);
    struct redirection err = redirect(stderr);
    const int status = call(argument);
    restore(&err, output->err, sizeof output->err);
    restore(&out, output->out, sizeof output->out);
    return status;
}
