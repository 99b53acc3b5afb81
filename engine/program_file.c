/* See program_file.h. */
#define _POSIX_C_SOURCE 200809L
#include "engine/program_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/program_text.h"

/* From an installed program's folder to its data; the build says it. What is never installed, as the fuzz
 * drivers, has its data beside it. */
#ifndef PL_DATA_FROM_PROGRAM
#define PL_DATA_FROM_PROGRAM ""
#endif

#define PATH_BYTES 4096

static int fail(struct program_error *error, const char *path, const char *words)
{
    snprintf(error->text, sizeof(error->text), "%.120s: %s", path, words);
    return -1;
}

/* The caller frees it; NULL after `error` was filled. */
static uint8_t *read_bytes(const char *path, size_t *bytes, struct program_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) { /* before it is opened: a pipe would wait for a writer */
        char words[120];
        snprintf(words, sizeof(words), "a stored program expected: %.80s", strerror(errno));
        (void)fail(error, path, words);
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0 || (size_t)status.st_size > PROGRAM_FILE_BYTES_MAX) {
        (void)fail(error, path, "a stored program expected: a file of 1 byte to 1 MiB");
        return NULL;
    }
    FILE *file = fopen(path, "rb");
    uint8_t *data = file == NULL ? NULL : malloc((size_t)status.st_size);
    *bytes = data == NULL ? 0 : fread(data, 1, (size_t)status.st_size, file);
    if (*bytes == 0) {
        (void)fail(error, path, file == NULL ? strerror(errno) : "cannot be read");
        free(data);
        data = NULL;
    }
    if (file != NULL)
        fclose(file);
    return data;
}

static bool ends_with(const char *path, const char *end)
{
    size_t length = strlen(path);
    return length > strlen(end) && strcmp(path + length - strlen(end), end) == 0;
}

bool program_file_is_binary(const char *path)
{
    return ends_with(path, ".bin");
}

int program_file_read(const char *path, struct program_file *file, struct program_error *error)
{
    memset(&file->program, 0, sizeof(file->program));
    uint8_t *data = read_bytes(path, &file->bytes, error);
    int result = 0;
    if (data == NULL)
        return -1;
    file->binary = !program_is_text(data, file->bytes);
    if (!file->binary)
        result = program_parse((const char *)data, file->bytes, path, &file->program, error);
    else if (file->bytes >= 6 && memcmp(data, "PLTRAC", 6) == 0)
        result = fail(error, path, "a stored program expected, not a trace");
    else if (ends_with(path, ".txt"))
        result = fail(error, path, "a program's text expected: its first line is '" PROGRAM_FIRST_LINE "'");
    else if (file->bytes <= PROGRAM_HEADER_BYTES)
        result = fail(error, path, "a stored program expected: no operation stands behind its header");
    else
        program_decode(data, file->bytes, file->ops, &file->program);
    free(data);
    return result;
}

void program_file_fini(struct program_file *file)
{
    program_fini(&file->program);
}

static bool put(FILE *out, const struct program *program, bool binary, const char *comment, size_t bytes,
                const uint8_t *data)
{
    if (binary)
        return fwrite(data, 1, bytes, out) == bytes;
    program_print(program, out);
    if (comment != NULL)
        fputs(comment, out);
    return ferror(out) == 0;
}

int program_file_write(const char *path, const struct program *program, bool binary, const char *comment,
                       bool fresh, struct program_error *error)
{
    uint8_t data[PROGRAM_BYTES_MAX];
    char beside[PATH_BYTES];
    size_t bytes = binary ? program_encode(program, data) : 0;
    if (binary && bytes == 0)
        return fail(error, path,
                    "this program has a machine or an operation that the binary form cannot say; "
                    "a name that ends in .txt expected");
    int length = snprintf(beside, sizeof(beside), "%s.new.%ld", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof(beside))
        return fail(error, path, strerror(ENAMETOOLONG));
    FILE *out = fopen(beside, "wxb");
    if (out == NULL)
        return fail(error, path, strerror(errno));
    bool good = put(out, program, binary, comment, bytes, data);
    good = fclose(out) == 0 && good;
    if (good)
        good = (fresh ? link(beside, path) : rename(beside, path)) == 0;
    int why = errno;
    if (!good || fresh)
        unlink(beside);
    return good ? 0 : fail(error, path, why == EEXIST ? "it is there already" : strerror(why));
}

bool program_file_of(const char *folder, const char *candidate, char *path, size_t bytes)
{
    int length = snprintf(path, bytes, "%s/%s.txt", folder, candidate);
    if (length < 0 || (size_t)length >= bytes)
        return false;
    for (char *at = path + strlen(folder) + 1; *at != '\0'; at++) {
        if (strchr("/(),= ", *at) != NULL)
            *at = '_';
    }
    return true;
}

static bool find_below(const char *root, const char *middle, const char *path, char *buffer, size_t bytes)
{
    int n = snprintf(buffer, bytes, "%s%s/%s", root, middle, path);
    return n > 0 && (size_t)n < bytes && access(buffer, F_OK) == 0;
}

const char *program_file_find(const char *path, char *buffer, size_t bytes)
{
    const char *root = getenv("PAGELAB_ROOT");
    char program[4096];
    if (path[0] == '/' || access(path, F_OK) == 0)
        return path;
    if (root != NULL && find_below(root, "", path, buffer, bytes))
        return buffer;
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    program[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return path;
    slash[1] = '\0';
    return find_below(program, PL_DATA_FROM_PROGRAM, path, buffer, bytes) ? buffer : path;
}
