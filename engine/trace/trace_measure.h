/* Walks a list of operations once: is it exact, and what are its counts? */
#ifndef ENGINE_TRACE_TRACE_MEASURE_H
#define ENGINE_TRACE_TRACE_MEASURE_H

#include "engine/trace/trace.h"

/* Takes ops, op_count and slot_count, and fills all counts of *trace. NULL, or what is wrong, for an error
 * message: then the counts are not to be used. */
const char *trace_measure(struct trace *trace);

#endif
