/* Text to operations: lines to events, events to exact grants, grants to operations. */
#include <stdlib.h>

#include <pagelab/check.h>

#include "engine/trace/text_source.h"
#include "engine/trace/trace_emit.h"
#include "engine/trace/trace_error.h"
#include "engine/trace/trace_grow.h"
#include "engine/trace/trace_measure.h"
#include "engine/trace/trace_repair.h"
#include "engine/trace/trace_text.h"

static int push_event(struct trace_events *events, const struct trace_event *event)
{
    struct trace_event *grown =
        trace_grow(events->items, &events->capacity, events->count + 1, sizeof(*events->items));
    if (grown == NULL)
        return -1;
    events->items = grown;
    events->items[events->count++] = *event;
    return 0;
}

/* Accounts for one line. */
static int take_line(struct trace_text *text, const struct text_source *source, enum trace_line_kind kind,
                     const struct trace_event *event, struct trace_events *events,
                     struct trace_report *report, struct trace_error *error)
{
    switch (kind) {
    case TRACE_LINE_NOTHING:
        break;
    case TRACE_LINE_EVENT:
        report->event_count++;
        report->alloc_lines += event->kind == TRACE_ALLOC;
        report->free_lines += event->kind != TRACE_ALLOC;
        if (push_event(events, event) != 0)
            return trace_fail_memory(error, source->name);
        break;
    case TRACE_LINE_FAILED:
        report->event_count++;
        report->alloc_lines++;
        report->failed_allocs++;
        break;
    case TRACE_LINE_OTHER:
        report->other_events++;
        break;
    case TRACE_LINE_LOST:
        report->lost_events += text->lost;
        break;
    case TRACE_LINE_BAD:
        return trace_fail_line(error, source->name, source->line, "%s", text->complaint);
    }
    return 0;
}

static int read_events(struct text_source *source, struct trace_text *text, struct trace_events *events,
                       struct trace_report *report, struct trace_error *error)
{
    const char *line;
    size_t length;
    int status;
    while ((status = text_source_line(source, &line, &length, error)) > 0) {
        struct trace_event event;
        const enum trace_line_kind kind = trace_text_parse(text, line, length, &event);
        if (take_line(text, source, kind, &event, events, report, error) != 0)
            return -1;
    }
    if (status != 0)
        return -1;
    if (events->count == 0)
        return trace_fail(error, source->name,
                          "no page event in %llu lines; expected mm_page_alloc and mm_page_free",
                          (unsigned long long)source->line);
    trace_text_frames(text, events);
    return 0;
}

static int convert(const char *name, struct trace_events *events, struct trace *trace,
                   struct trace_report *report, struct trace_error *error)
{
    struct trace_repair repair = {0};
    int result = trace_repair_run(&repair, events, report);
    if (result == 0)
        result = trace_emit(&repair, events, trace);
    trace_repair_fini(&repair);
    if (result != 0)
        return trace_fail_memory(error, name);
    /* Repair's promise is that the list is exact: anything else is our own mistake. */
    const char *complaint = trace_measure(trace);
    if (complaint != NULL) {
        trace_fini(trace);
        return trace_fail(error, name, "repair failed: %s", complaint);
    }
    PL_ASSERT(trace->invented_count == report->invented_allocs);
    return 0;
}

static int import(struct text_source *source, struct trace *trace, struct trace_report *report,
                  struct trace_error *error)
{
    struct trace_events events = {0};
    struct trace_text *text = calloc(1, sizeof(*text));
    int result;
    if (text == NULL)
        result = trace_fail_memory(error, source->name);
    else
        result = read_events(source, text, &events, report, error);
    free(text);
    report->file_bytes = source->file_bytes;
    report->text_bytes = source->text_bytes;
    report->line_count = source->line;
    if (result == 0)
        result = convert(source->name, &events, trace, report, error);
    free(events.items);
    text_source_close(source);
    return result;
}

int trace_import(const char *path, struct trace *trace, struct trace_report *report,
                 struct trace_error *error)
{
    *trace = (struct trace){0};
    *report = (struct trace_report){0};
    struct text_source source;
    if (text_source_open(&source, path, error) != 0)
        return -1;
    return import(&source, trace, report, error);
}

int trace_import_memory(const void *bytes, size_t count, const char *name, struct trace *trace,
                        struct trace_report *report, struct trace_error *error)
{
    *trace = (struct trace){0};
    *report = (struct trace_report){0};
    struct text_source source;
    if (text_source_open_memory(&source, bytes, count, name, error) != 0)
        return -1;
    return import(&source, trace, report, error);
}

void trace_fini(struct trace *trace)
{
    free(trace->ops);
    *trace = (struct trace){0};
}
