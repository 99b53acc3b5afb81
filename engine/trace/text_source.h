/* Lines of text out of a file or out of memory, plain or zstd. One buffer that is refilled in place: a line
 * is valid until the next is asked for, and text of any length passes through in constant memory. */
#ifndef ENGINE_TRACE_TEXT_SOURCE_H
#define ENGINE_TRACE_TEXT_SOURCE_H

#include <stdbool.h>

#include "engine/trace/trace.h"

/* Longest line accepted. The kernel's own limit is far below. */
#define TEXT_LINE_BYTES_MAX 65536u

struct text_source {
    const char *name; /* borrowed; for errors */
    int fd;           /* -1: reads from memory */
    const unsigned char *memory;
    size_t memory_left;
    unsigned char *raw; /* what was read, not yet decompressed */
    size_t raw_begin;
    size_t raw_end;
    bool raw_done; /* nothing left to read */
    void *zstd;    /* NULL: plain text */
    bool zstd_in_frame;
    char *text; /* [text_begin, text_end) is not yet given out */
    size_t text_begin;
    size_t text_end;
    uint64_t file_bytes; /* read so far */
    uint64_t text_bytes; /* decompressed so far */
    uint64_t line;       /* number of the line given out last, from 1 */
};

/* Opens and looks at the first bytes: zstd, text, or something known that is neither (a binary recording).
 * 0, or -1 with `error` filled and nothing to close. */
PL_MUST_CHECK int text_source_open(struct text_source *source, const char *path, struct trace_error *error);
PL_MUST_CHECK int text_source_open_memory(struct text_source *source, const void *bytes, size_t count,
                                          const char *name, struct trace_error *error);

/* 1: *line is `*length` bytes without the newline; 0: the end; -1 with `error` filled: cannot be read,
 * damaged, too long, or a last line without its newline, which may have been cut anywhere. */
PL_MUST_CHECK int text_source_line(struct text_source *source, const char **line, size_t *length,
                                   struct trace_error *error);

void text_source_close(struct text_source *source);

#endif
