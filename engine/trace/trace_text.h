/* One line of a kernel's trace text. ftrace, trace-cmd and perf print the same shape:
 *
 *   TASK-PID  (TGID) [CPU] FLAGS TIMESTAMP: SYSTEM:EVENT: KEY=VALUE ...
 *
 * "(TGID)", FLAGS and "SYSTEM:" may be absent, perf has blanks or a slash in TASK-PID, and a task may be
 * named anything of up to 15 bytes. So the anchor is "PID [CPU] ... TIMESTAMP:", the leftmost that fits,
 * since an event may print anything too; one that could be all of a name gives way to the next. The third
 * character of FLAGS is the context: `s` softirq, `h` or `H` hardirq, `z` or `Z` NMI; without FLAGS it is
 * taken for a task. */
#ifndef ENGINE_TRACE_TRACE_TEXT_H
#define ENGINE_TRACE_TRACE_TEXT_H

#include "engine/trace/trace_event.h"
#include "engine/trace/trace_gfp.h"

enum trace_line_kind {
    TRACE_LINE_NOTHING = 0, /* blank, a comment, a tool's heading, part of a stack */
    TRACE_LINE_EVENT = 1,
    TRACE_LINE_FAILED = 2, /* an allocation that got no page */
    TRACE_LINE_OTHER = 3,  /* some other event */
    TRACE_LINE_LOST = 4,   /* the tracer lost events: trace_text.lost */
    TRACE_LINE_BAD = 5,    /* trace_text.complaint */
};

/* In trace_event.flags until trace_text_frames has run: the frame number was printed without "0x". */
#define TRACE_FLAG_BARE 0x8000u

/* All zero at the start. */
struct trace_text {
    struct trace_gfp_cache gfp;
    const char *complaint; /* "what; expected ..." */
    uint64_t lost;
    uint64_t bare_count;
    uint8_t bare_letters; /* some bare number has a letter: they are hexadecimal */
};

/* Reads line[0, length), without its newline. *event is written on TRACE_LINE_EVENT only. */
enum trace_line_kind trace_text_parse(struct trace_text *text, const char *line, size_t length,
                                      struct trace_event *event);

/* Kernels before 5.16 print frame numbers in decimal without a prefix, and some tools print bare hexadecimal;
 * only the whole file tells which. Bare numbers are read as hexadecimal; this, after the last line, turns
 * them into what they are. */
void trace_text_frames(const struct trace_text *text, struct trace_events *events);

#endif
