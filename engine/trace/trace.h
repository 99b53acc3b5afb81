/* A recorded kernel's page allocations and frees as operations. Three forms of one thing: the kernel's trace
 * text (read only), a list of operations in memory, and a compact file.
 *
 * The text is noisy: it begins in the middle of a machine's life, and now and then an event is missing or
 * late. Import repairs it, so that the list in memory is exact: every OP_FREE frees one whole grant that is
 * live, every OP_ALLOC fills an empty slot. A `struct trace` from trace_import or trace_read always is. */
#ifndef ENGINE_TRACE_TRACE_H
#define ENGINE_TRACE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include <pagelab/compiler.h>

#include "engine/op.h"

/* Operations that a trace may hold: 8 GiB of them. Bounds what a hostile file can make us allocate. */
#define TRACE_OP_LIMIT (UINT64_C(1) << 28)

/* One line without a newline: what is wrong, where (FILE:LINE for text), what was expected. */
struct trace_error {
    char text[256];
};

/* Ops are OP_ALLOC and OP_FREE only, with cpu, context, order, alloc_class, mobility, flags and slot; all
 * other fields are 0. Those with OP_FLAG_INVENTED stand for allocations before the recording and come first.
 * Slots are dense and reused, last freed first, so that slot_count is peak_grants. An OP_FREE repeats its
 * grant's order; OP_FLAG_SPLIT on it says that the recorded grant was larger. The owner is the caller. */
struct trace {
    struct op *ops;
    size_t op_count;
    uint32_t slot_count;
    uint32_t cpu_count; /* highest CPU + 1, at most PL_CPU_LIMIT */
    uint32_t max_order; /* largest order of any operation */
    uint32_t reserved32;
    uint64_t alloc_count; /* OP_ALLOC, the invented ones included */
    uint64_t free_count;
    uint64_t invented_count;
    uint64_t softirq_count;        /* operations in PL_CONTEXT_SOFTIRQ */
    uint64_t remote_free_count;    /* frees on another CPU than the recorded allocation's */
    uint64_t peak_grants;          /* most grants live at once */
    uint64_t peak_frames;          /* most frames live at once; the invented grants are live from the start */
    uint64_t recorded_peak_frames; /* likewise, not counting invented grants */
    uint64_t live_at_end_frames;
};

/* What an import read, left out and repaired. Events are lines. */
struct trace_report {
    uint64_t file_bytes; /* as stored, compressed or not */
    uint64_t text_bytes; /* after decompression */
    uint64_t line_count;
    uint64_t event_count; /* mm_page_alloc, mm_page_free and mm_page_free_batched lines, before repair */
    uint64_t alloc_lines;
    uint64_t free_lines;
    /* Left out. */
    uint64_t other_events;    /* lines of other trace events */
    uint64_t lost_events;     /* what the tracer says it lost; 1 where it gives no number */
    uint64_t failed_allocs;   /* allocations that got no page */
    uint64_t duplicate_frees; /* mm_page_free and mm_page_free_batched of one and the same free */
    /* Repaired. */
    uint64_t invented_allocs; /* for frees of frames that were not live: allocations put before the trace */
    uint64_t invented_again;  /* of these: the trace itself had freed the frame before (see trace_repair.h) */
    uint64_t reordered_frees; /* moved before the allocation that reused the frame */
    uint64_t missing_frees;   /* added before the allocation that reused the frame */
    uint64_t split_frees;     /* frees that were not of exactly one whole grant */
};

/* Reads the text of ftrace's `trace` file, `trace-cmd report` or `perf script`, plain or zstd. Allocates
 * trace->ops; trace_fini releases it. Memory is in proportion to the events read.
 * 0, or -1 with `error` filled and *trace empty; *report then counts up to the error. */
PL_MUST_CHECK int trace_import(const char *path, struct trace *trace, struct trace_report *report,
                               struct trace_error *error);

/* The same from `count` bytes in memory; `name` stands for the path in errors. */
PL_MUST_CHECK int trace_import_memory(const void *bytes, size_t count, const char *name, struct trace *trace,
                                      struct trace_report *report, struct trace_error *error);

/* Writes the compact form, first to a file beside `path`, which then takes its place: whoever looks sees the
 * old file or the whole new one. What exists at `path` and is not a regular file is written to directly. The
 * file holds pairs, not slot numbers: trace_read numbers slots as trace_import does. 0, or -1 with `error`
 * filled (a list that is not exact, or the system's answer), and nothing at `path` changed. */
PL_MUST_CHECK int trace_write(const struct trace *trace, const char *path, struct trace_error *error);

/* Reads the compact form and checks all of it. 0, or -1 with `error` filled and *trace empty. Memory is in
 * proportion to what the file holds, whatever its header claims. */
PL_MUST_CHECK int trace_read(const char *path, struct trace *trace, struct trace_error *error);
PL_MUST_CHECK int trace_read_memory(const void *bytes, size_t count, const char *name, struct trace *trace,
                                    struct trace_error *error);

/* Releases the operations and leaves *trace empty. An empty trace, all zero, is accepted. */
void trace_fini(struct trace *trace);

#endif
