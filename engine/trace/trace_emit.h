/* From exact grants to operations: invented allocations first, a slot for each grant. */
#ifndef ENGINE_TRACE_TRACE_EMIT_H
#define ENGINE_TRACE_TRACE_EMIT_H

#include "engine/trace/trace.h"
#include "engine/trace/trace_repair.h"

/* Fills trace->ops, op_count and slot_count; the rest is trace_measure's. 0, or -1: out of memory or more
 * than TRACE_OP_LIMIT operations, and *trace is empty. */
PL_MUST_CHECK int trace_emit(const struct trace_repair *repair, const struct trace_events *events,
                             struct trace *trace);

#endif
