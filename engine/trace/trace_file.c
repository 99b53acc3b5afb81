/* The compact form on disk. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/trace/trace_error.h"
#include "engine/trace/trace_grow.h"
#include "engine/trace/trace_header.h"
#include "engine/trace/trace_pack.h"

#define TEMPORARY_TRIES 100u

/* --- Writing. --- */

static int write_all(int fd, const unsigned char *bytes, size_t count)
{
    while (count != 0) {
        const ssize_t put = write(fd, bytes, count);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        bytes += put;
        count -= (size_t)put;
    }
    return 0;
}

/* Writes and closes. errno says why not. */
static int fill(int fd, const unsigned char *bytes, size_t count)
{
    const int result = write_all(fd, bytes, count);
    const int reason = errno;
    if (close(fd) != 0)
        return -1;
    errno = reason;
    return result;
}

/* Creates "PATH.PID-N.tmp", which nobody else has. Fills `temporary`, which the caller frees. */
static int open_beside(const char *path, char **temporary)
{
    const size_t bytes = strlen(path) + 64;
    *temporary = malloc(bytes);
    if (*temporary == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int fd = -1;
    for (unsigned i = 0; i < TEMPORARY_TRIES; i++) {
        snprintf(*temporary, bytes, "%s.%ld-%u.tmp", path, (long)getpid(), i);
        fd = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    return fd;
}

static int replace(const char *path, const unsigned char *bytes, size_t count)
{
    char *temporary;
    const int fd = open_beside(path, &temporary);
    int result = -1;
    if (fd >= 0) {
        result = fill(fd, bytes, count);
        if (result == 0)
            result = rename(temporary, path);
        if (result != 0) {
            const int reason = errno;
            unlink(temporary);
            errno = reason;
        }
    }
    const int reason = errno;
    free(temporary);
    errno = reason;
    return result;
}

/* Devices and pipes are written to: to rename over /dev/null would remove it. */
static int write_direct(const char *path, const unsigned char *bytes, size_t count)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -1 : fill(fd, bytes, count);
}

int trace_write(const struct trace *trace, const char *path, struct trace_error *error)
{
    unsigned char *bytes;
    size_t count;
    if (trace_pack(trace, path, &bytes, &count, error) != 0)
        return -1;
    struct stat status;
    const bool is_special = stat(path, &status) == 0 && !S_ISREG(status.st_mode);
    const int result = is_special ? write_direct(path, bytes, count) : replace(path, bytes, count);
    const int reason = errno;
    free(bytes);
    if (result != 0)
        return trace_fail(error, path, "cannot be written: %s; expected a place for a compact trace",
                          strerror(reason));
    return 0;
}

/* --- Reading. --- */

struct bytes {
    unsigned char *items;
    size_t count;
    size_t capacity;
};

/* Reads until `bytes` holds `wanted`, or the end. NULL, or what is wrong. */
static const char *read_until(int fd, struct bytes *bytes, size_t wanted)
{
    while (bytes->count < wanted) {
        const size_t step = wanted - bytes->count < 65536 ? wanted - bytes->count : 65536;
        unsigned char *grown = trace_grow(bytes->items, &bytes->capacity, bytes->count + step, 1);
        if (grown == NULL)
            return "out of memory";
        bytes->items = grown;
        const ssize_t got = read(fd, bytes->items + bytes->count, step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return strerror(errno);
        if (got == 0)
            break;
        bytes->count += (size_t)got;
    }
    return NULL;
}

/* Reads the header, and then no more than it says and a byte to see that there is no more. */
static const char *read_file(int fd, struct bytes *bytes)
{
    const char *complaint = read_until(fd, bytes, TRACE_HEADER_BYTES);
    struct trace_header header;
    if (complaint != NULL || trace_header_read(bytes->items, bytes->count, &header) != NULL)
        return complaint;
    if (header.stored_bytes > SIZE_MAX / 2)
        return NULL;
    return read_until(fd, bytes, TRACE_HEADER_BYTES + (size_t)header.stored_bytes + 1);
}

int trace_read(const char *path, struct trace *trace, struct trace_error *error)
{
    *trace = (struct trace){0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return trace_fail(error, path, "cannot be opened: %s; expected a compact trace", strerror(errno));
    struct bytes bytes = {0};
    const char *complaint = read_file(fd, &bytes);
    int result;
    if (complaint != NULL)
        result = trace_fail(error, path, "cannot be read: %s; expected a compact trace", complaint);
    else
        result = trace_read_memory(bytes.items, bytes.count, path, trace, error);
    close(fd);
    free(bytes.items);
    return result;
}
