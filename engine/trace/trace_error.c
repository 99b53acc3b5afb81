/* See trace_error.h. */
#include "engine/trace/trace_error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 80u

static PL_PRINTF(4, 0) int fail(struct trace_error *error, const char *name, uint64_t line,
                                const char *format, va_list args)
{
    const size_t name_bytes = strlen(name);
    const bool is_long = name_bytes > NAME_BYTES_MAX;
    const char *shown = is_long ? name + (name_bytes - NAME_BYTES_MAX) : name;
    char where[32] = "";
    if (line != 0)
        snprintf(where, sizeof(where), ":%" PRIu64, line);
    const int used =
        snprintf(error->text, sizeof(error->text), "%s%.80s%s: ", is_long ? "..." : "", shown, where);
    vsnprintf(error->text + used, sizeof(error->text) - (size_t)used, format, args);
    for (char *c = error->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
    return -1;
}

_Static_assert(sizeof((struct trace_error){0}.text) > NAME_BYTES_MAX + 64, "some words fit after the name");

int trace_fail(struct trace_error *error, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int result = fail(error, name, 0, format, args);
    va_end(args);
    return result;
}

int trace_fail_line(struct trace_error *error, const char *name, uint64_t line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int result = fail(error, name, line, format, args);
    va_end(args);
    return result;
}

int trace_fail_memory(struct trace_error *error, const char *name)
{
    return trace_fail(error, name, "out of memory; expected a smaller trace or a larger machine");
}
