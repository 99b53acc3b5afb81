/* How this folder reports bad input: one line, filled in place, never printed here. */
#ifndef ENGINE_TRACE_TRACE_ERROR_H
#define ENGINE_TRACE_TRACE_ERROR_H

#include "engine/trace/trace.h"

/* "NAME: words". Control characters become '?', a long name keeps its end. Always returns -1. */
PL_COLD PL_PRINTF(3, 4) int trace_fail(struct trace_error *error, const char *name, const char *format, ...);

/* "NAME:LINE: words". */
PL_COLD PL_PRINTF(4, 5) int trace_fail_line(struct trace_error *error, const char *name, uint64_t line,
                                            const char *format, ...);

PL_COLD int trace_fail_memory(struct trace_error *error, const char *name);

#endif
