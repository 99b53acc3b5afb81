/* pagelab import: a kernel's trace text becomes a compact trace. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"
#include "engine/trace/trace.h"

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void add(struct table *table, const char *what, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    const char *cells[] = {what, text};
    table_add_row(table, cells);
}

static int print_report(const struct trace *trace, const struct trace_report *report, double seconds,
                        enum report_format format)
{
    static const struct table_column columns[] = {{"what", TABLE_LEFT}, {"count", TABLE_RIGHT}};
    struct table *table = table_create(columns, PL_COUNT_OF(columns));
    if (table == NULL)
        return cli_mistake("import", "out of memory");
    char rate[32];
    snprintf(rate, sizeof(rate), "%.0f", seconds > 0 ? (double)report->text_bytes / 1e6 / seconds : 0);
    add(table, "events read", report->event_count);
    add(table, "allocations read", report->alloc_lines);
    add(table, "frees read", report->free_lines);
    add(table, "in softirq", trace->softirq_count);
    add(table, "freed on another CPU", trace->remote_free_count);
    add(table, "repaired: allocations before the trace invented", report->invented_allocs);
    add(table, "repaired: frees out of order moved", report->reordered_frees);
    add(table, "repaired: missing frees added", report->missing_frees);
    add(table, "repaired: frees of parts of a grant", report->split_frees);
    add(table, "left out: other events", report->other_events);
    add(table, "left out: events lost by the tracer", report->lost_events);
    add(table, "left out: failed allocations", report->failed_allocs);
    add(table, "left out: duplicate frees", report->duplicate_frees);
    add(table, "peak live frames", trace->peak_frames);
    add(table, "operations written", trace->op_count);
    const char *cells[] = {"MB/s of text", rate};
    table_add_row(table, cells);
    table_print(table, format, false, stdout);
    table_destroy(table);
    return CLI_OK;
}

static int import_main(int argc, const char **argv)
{
    static char *out = NULL;
    static char *format_text = NULL;
    enum report_format format;
    const struct poptOption options[] = {
        {"out", 'o', POPT_ARG_STRING, &out, 0, "the compact trace to write", "FILE"},
        {"format", 'f', POPT_ARG_STRING, &format_text, 0, "table, json, markdown or csv", "FORMAT"},
        CLI_HELP POPT_TABLEEND};
    poptContext context;
    const char **left = cli_parse(&cli_import, argc, argv, options, 1, 1, &context);
    if (left == NULL || cli_format("import", format_text, &format) != 0)
        return CLI_MISTAKE;
    if (out == NULL)
        return cli_mistake("import", "-o FILE expected: where to write the compact trace");
    struct trace trace;
    struct trace_report report;
    struct trace_error error;
    double start = now_s();
    if (trace_import(left[0], &trace, &report, &error) != 0)
        return cli_mistake("import", "%s", error.text);
    double seconds = now_s() - start;
    int code = CLI_OK;
    if (trace_write(&trace, out, &error) != 0)
        code = cli_mistake("import", "%s", error.text);
    else
        code = print_report(&trace, &report, seconds, format);
    trace_fini(&trace);
    poptFreeContext(context);
    return code;
}

const struct cli_command cli_import = {.name = "import",
                                       .arguments = "TRACE -o FILE",
                                       .summary =
                                           "reads ftrace, trace-cmd or perf text; writes a compact trace",
                                       .example = "import tests/data/traces/ftrace.txt -o trace.pltrace",
                                       .main = import_main};
