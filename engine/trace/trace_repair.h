/* From events as recorded to grants that are exact: each is granted once, of one order, and freed once as a
 * whole or not at all. What does not fit is repaired, never dropped.
 *
 * Free of a frame that is not live: an allocation is invented and put before the trace. Most of these are
 * what it says; a few (report.invented_again) are frames that the kernel granted during the trace on a path
 * without an event, most likely by its bulk allocator.
 *
 * Allocation of a frame that is live: its free is late if another CPU frees the same block within a few
 * events, and what follows on that block is again a free. It is moved before the allocation. (One CPU's
 * events are in order among themselves.) Otherwise the free is missing, and one is added there, on the CPU
 * that had the frame.
 *
 * Free of another order, or of a part: the allocation is rewritten as naturally aligned parts, down to the
 * size that lets each free release whole ones.
 *
 * mm_page_free and mm_page_free_batched, both for one frame without an allocation between: the kernel tells
 * one free twice. It counts once. */
#ifndef ENGINE_TRACE_TRACE_REPAIR_H
#define ENGINE_TRACE_TRACE_REPAIR_H

#include <stdbool.h>

#include "engine/trace/trace.h"
#include "engine/trace/trace_event.h"

#define TRACE_BLOCK_NONE UINT32_MAX

/* A grant, or after a split, a part of one. Parts are chained by next_part from the lowest up. */
struct trace_block {
    uint64_t frame;
    uint32_t source; /* event that granted it; for invented blocks, the event that freed it */
    uint32_t freed_by;
    uint32_t next_part; /* TRACE_BLOCK_NONE ends */
    uint8_t order;
    bool is_live : 1;
    bool is_invented : 1;
    bool is_part : 1;
    bool is_doubled : 1; /* both kinds of free were seen */
};

_Static_assert(sizeof(struct trace_block) == 24, "an import touches hundreds of thousands of them");

/* What happens, in order: block << 1 is the grant of the block and its parts, block << 1 | 1 is a free of the
 * block alone. Invented blocks have no grant here. */
struct trace_repair {
    struct trace_block *blocks;
    size_t block_count;
    size_t block_capacity;
    uint32_t *steps;
    size_t step_count;
    size_t step_capacity;
};

/* Marks the events that it moves as TRACE_USED. 0, or -1: out of memory, or too many blocks. Either way the
 * caller then calls trace_repair_fini. */
PL_MUST_CHECK int trace_repair_run(struct trace_repair *repair, struct trace_events *events,
                                   struct trace_report *report);

void trace_repair_fini(struct trace_repair *repair);

#endif
