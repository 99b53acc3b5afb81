/* See text_source.h. */
#define _POSIX_C_SOURCE 200809L
#include "engine/trace/text_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include <pagelab/check.h>

#include "engine/trace/trace_error.h"

#define RAW_BYTES  ((size_t)1 << 17)
#define TEXT_BYTES ((size_t)1 << 18)

_Static_assert(TEXT_BYTES / 2 >= TEXT_LINE_BYTES_MAX, "a refill must make progress");

#define EXPECTED "expected a kernel trace as text, plain or zstd"

struct magic {
    const char *bytes;
    size_t count;
    const char *words;
};

/* What people hand in by mistake, by its first bytes. */
static const struct magic magics[] = {
    {"PLTRACE", 7, "is a compact trace already"},
    {"PERFILE2", 8, "is a binary perf recording: take the text of `perf script`"},
    {"\x17\x08\x44tracing", 10, "is a binary trace-cmd recording: take the text of `trace-cmd report`"},
    {"\x1f\x8b", 2, "is compressed with gzip"},
    {"\xfd"
     "7zXZ",
     5, "is compressed with xz"},
};

static bool is_zstd(const unsigned char *bytes, size_t count)
{
    if (count < 4)
        return false;
    const uint32_t word =
        (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    return word == ZSTD_MAGICNUMBER || (word & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* Reads up to `capacity` bytes; 0 is the end. */
static int source_read(struct text_source *source, void *bytes, size_t capacity, size_t *count,
                       struct trace_error *error)
{
    if (source->fd < 0) {
        *count = capacity < source->memory_left ? capacity : source->memory_left;
        if (*count != 0)
            memcpy(bytes, source->memory, *count);
        source->memory += *count;
        source->memory_left -= *count;
    } else {
        ssize_t got;
        do {
            got = read(source->fd, bytes, capacity);
        } while (got < 0 && errno == EINTR);
        if (got < 0)
            return trace_fail(error, source->name, "cannot be read: %s; " EXPECTED, strerror(errno));
        *count = (size_t)got;
    }
    source->file_bytes += *count;
    source->raw_done = *count == 0;
    return 0;
}

/* Appends decompressed text at text_end. Stops with some, or at the end of the file. */
static int decompress(struct text_source *source, struct trace_error *error)
{
    const size_t end_before = source->text_end;
    while (source->text_end == end_before) {
        if (source->raw_begin == source->raw_end && !source->raw_done) {
            size_t count = 0;
            if (source_read(source, source->raw, RAW_BYTES, &count, error) != 0)
                return -1;
            source->raw_begin = 0;
            source->raw_end = count;
        }
        ZSTD_inBuffer in = {source->raw, source->raw_end, source->raw_begin};
        ZSTD_outBuffer out = {source->text, TEXT_BYTES, source->text_end};
        if (in.pos == in.size && !source->zstd_in_frame)
            return 0;
        const size_t status = ZSTD_decompressStream(source->zstd, &out, &in);
        if (ZSTD_isError(status))
            return trace_fail_line(error, source->name, source->line + 1,
                                   "zstd data is damaged (%s); expected whole zstd frames",
                                   ZSTD_getErrorName(status));
        const bool stuck = out.pos == source->text_end && in.pos == source->raw_begin;
        source->raw_begin = in.pos;
        source->text_end = out.pos;
        source->zstd_in_frame = status != 0;
        if (stuck && source->raw_done && source->zstd_in_frame)
            return trace_fail_line(error, source->name, source->line + 1,
                                   "zstd data is cut off; expected whole zstd frames");
    }
    return 0;
}

/* Moves what is left to the front and appends more. At the end of the file nothing is appended. */
static int refill(struct text_source *source, struct trace_error *error)
{
    const size_t left = source->text_end - source->text_begin;
    memmove(source->text, source->text + source->text_begin, left);
    source->text_begin = 0;
    source->text_end = left;
    if (source->zstd != NULL) {
        if (decompress(source, error) != 0)
            return -1;
    } else if (source->raw_begin != source->raw_end) {
        /* What the look at the magic number took; at most RAW_BYTES, and first of all. */
        const size_t count = source->raw_end - source->raw_begin;
        PL_ASSERT(left == 0);
        memcpy(source->text, source->raw + source->raw_begin, count);
        source->raw_begin = source->raw_end;
        source->text_end = count;
    } else if (!source->raw_done) {
        size_t count = 0;
        if (source_read(source, source->text + left, TEXT_BYTES - left, &count, error) != 0)
            return -1;
        source->text_end += count;
    }
    source->text_bytes += source->text_end - left;
    return 0;
}

int text_source_line(struct text_source *source, const char **line, size_t *length, struct trace_error *error)
{
    size_t searched = 0;
    for (;;) {
        char *begin = source->text + source->text_begin;
        const size_t left = source->text_end - source->text_begin;
        const char *newline = memchr(begin + searched, '\n', left - searched);
        if (PL_LIKELY(newline != NULL)) {
            *line = begin;
            *length = (size_t)(newline - begin);
            source->text_begin += *length + 1;
            source->line++;
            return 1;
        }
        if (left > TEXT_LINE_BYTES_MAX)
            return trace_fail_line(error, source->name, source->line + 1,
                                   "line of more than %u bytes; " EXPECTED, TEXT_LINE_BYTES_MAX);
        searched = left;
        if (refill(source, error) != 0)
            return -1;
        if (source->text_end == left) {
            if (left == 0)
                return 0;
            return trace_fail_line(error, source->name, source->line + 1,
                                   "last line is cut off; expected a newline at its end");
        }
    }
}

/* Takes enough to tell what this is: a pipe may give a byte at a time. */
static int look(struct text_source *source, struct trace_error *error)
{
    while (source->raw_end < 16 && !source->raw_done) {
        size_t count = 0;
        if (source_read(source, source->raw + source->raw_end, RAW_BYTES - source->raw_end, &count, error) !=
            0)
            return -1;
        source->raw_end += count;
    }
    if (source->raw_end == 0)
        return trace_fail(error, source->name, "is empty; " EXPECTED);
    for (size_t i = 0; i < PL_COUNT_OF(magics); i++) {
        if (source->raw_end >= magics[i].count && memcmp(source->raw, magics[i].bytes, magics[i].count) == 0)
            return trace_fail(error, source->name, "%s; " EXPECTED, magics[i].words);
    }
    if (is_zstd(source->raw, source->raw_end)) {
        source->zstd = ZSTD_createDStream();
        if (source->zstd == NULL)
            return trace_fail_memory(error, source->name);
    }
    return 0;
}

static int start(struct text_source *source, struct trace_error *error)
{
    source->raw = calloc(1, RAW_BYTES);
    source->text = malloc(TEXT_BYTES);
    int result;
    if (source->raw == NULL || source->text == NULL)
        result = trace_fail_memory(error, source->name);
    else
        result = look(source, error);
    if (result != 0)
        text_source_close(source);
    return result;
}

int text_source_open(struct text_source *source, const char *path, struct trace_error *error)
{
    *source = (struct text_source){.name = path};
    source->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0)
        return trace_fail(error, path, "cannot be opened: %s; " EXPECTED, strerror(errno));
    return start(source, error);
}

int text_source_open_memory(struct text_source *source, const void *bytes, size_t count, const char *name,
                            struct trace_error *error)
{
    *source = (struct text_source){.name = name, .fd = -1, .memory = bytes, .memory_left = count};
    return start(source, error);
}

void text_source_close(struct text_source *source)
{
    ZSTD_freeDStream(source->zstd);
    free(source->raw);
    free(source->text);
    if (source->fd >= 0)
        close(source->fd);
    source->zstd = NULL;
    source->raw = NULL;
    source->text = NULL;
    source->fd = -1;
}
