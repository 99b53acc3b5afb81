/* What the trace tests share: text in, a trace or an error out. */
#ifndef TESTS_UNIT_TEST_TRACE_HELP_H
#define TESTS_UNIT_TEST_TRACE_HELP_H

/* cmocka.h wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "engine/trace/trace.h"

/* The root of the checkout; tests run there, or are told. */
#ifndef PL_SOURCE_DIR
#define PL_SOURCE_DIR "."
#endif

#define TRACE_DATA PL_SOURCE_DIR "/tests/data/traces/"

/* Lines of the ftrace form: task on `cpu` allocates or frees. */
#define ALLOC(cpu, pfn, order)                                                                               \
    "  task-7  [00" #cpu "] .....  1.000001: mm_page_alloc: page=01 pfn=" #pfn " order=" #order              \
    " migratetype=1 gfp_flags=GFP_KERNEL\n"
#define FREE(cpu, pfn, order)                                                                                \
    "  task-7  [00" #cpu "] .....  1.000001: mm_page_free: page=01 pfn=" #pfn " order=" #order "\n"
#define BATCHED(cpu, pfn)                                                                                    \
    "  task-7  [00" #cpu "] .....  1.000001: mm_page_free_batched: page=01 pfn=" #pfn " order=0\n"

static inline struct trace import_bytes(const void *bytes, size_t count, struct trace_report *report)
{
    struct trace trace;
    struct trace_error error = {""};
    if (trace_import_memory(bytes, count, "text", &trace, report, &error) != 0)
        fail_msg("import failed: %s", error.text);
    return trace;
}

static inline struct trace import_text(const char *text, struct trace_report *report)
{
    return import_bytes(text, strlen(text), report);
}

/* Expect a failure whose one line has `words` in it, and an empty trace. */
static inline void expect_import_error(const char *text, size_t count, const char *words)
{
    struct trace trace;
    struct trace_report report;
    struct trace_error error = {""};
    assert_int_equal(trace_import_memory(text, count, "text", &trace, &report, &error), -1);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, error.text);
    assert_null(strchr(error.text, '\n'));
    assert_non_null(strstr(error.text, "expected"));
    assert_null(trace.ops);
    assert_int_equal(trace.op_count, 0);
}

/* An operation as a word: "a3=1" allocates order 3 into slot 1, "f0=2" frees order 0 of slot 2; "i" is an
 * invented allocation, "p" a free of a part. Expect the trace to be these, in order. */
static inline void expect_ops(const struct trace *trace, const char *words)
{
    size_t at = 0;
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct op *op = &trace->ops[i];
        const char kind = op->kind == OP_ALLOC ? ((op->flags & OP_FLAG_INVENTED) != 0 ? 'i' : 'a')
                                               : ((op->flags & OP_FLAG_SPLIT) != 0 ? 'p' : 'f');
        char word[32];
        snprintf(word, sizeof(word), "%s%c%u=%u", i == 0 ? "" : " ", kind, (unsigned)op->order,
                 (unsigned)op->slot);
        if (strncmp(words + at, word, strlen(word)) != 0)
            fail_msg("operation %zu is \"%s\", expected \"%s\"", i, word, words + at);
        at += strlen(word);
    }
    if (words[at] != '\0')
        fail_msg("%zu operations, expected also \"%s\"", trace->op_count, words + at);
}

#endif
