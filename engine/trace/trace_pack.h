/* The compact form in memory: header and compressed body. */
#ifndef ENGINE_TRACE_TRACE_PACK_H
#define ENGINE_TRACE_TRACE_PACK_H

#include "engine/trace/trace.h"

/* The caller frees *bytes. 0, or -1 with `error` filled. `name` is for errors. */
PL_MUST_CHECK int trace_pack(const struct trace *trace, const char *name, unsigned char **bytes,
                             size_t *count, struct trace_error *error);

#endif
