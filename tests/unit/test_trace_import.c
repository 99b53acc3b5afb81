/* Whole files: the three tools' text, plain and zstd, and every way in which a file can be bad. */
#include "tests/unit/test_trace_help.h"

#include <pagelab/cpu.h>
#include <pagelab/request.h>
#include <stdlib.h>
#include <zstd.h>

static const char *const fixtures[] = {TRACE_DATA "ftrace.txt", TRACE_DATA "trace_cmd.txt",
                                       TRACE_DATA "perf_script.txt"};

static const char good[] = ALLOC(0, 0x10, 0) ALLOC(1, 0x20, 3) FREE(0, 0x10, 0) FREE(1, 0x20, 3);

static struct trace import_file(const char *path, struct trace_report *report)
{
    struct trace trace;
    struct trace_error error = {""};
    if (trace_import(path, &trace, report, &error) != 0)
        fail_msg("%s", error.text);
    return trace;
}

static size_t compress(const char *text, size_t count, char *out, size_t capacity)
{
    const size_t bytes = ZSTD_compress(out, capacity, text, count, 3);
    assert_false(ZSTD_isError(bytes));
    return bytes;
}

/* The same events as three tools print them. Expect the same operations; perf prints no context, and its
 * first event of CPU 1 no softirq. */
static void the_three_tools_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(fixtures); i++) {
        struct trace_report report;
        struct trace trace = import_file(fixtures[i], &report);
        const bool is_perf = i == 2;
        expect_ops(&trace, "i1=0 a0=1 a3=2 f1=0 a0=0 f3=2 f0=1");
        assert_int_equal(report.event_count, is_perf ? 8 : 7);
        assert_int_equal(report.duplicate_frees, is_perf);
        assert_int_equal(report.alloc_lines, 4);
        assert_int_equal(report.failed_allocs, 1);
        assert_int_equal(report.other_events, 1);
        assert_int_equal(report.lost_events, is_perf ? 0 : 7);
        assert_int_equal(trace.cpu_count, 2);
        assert_int_equal(trace.softirq_count, is_perf ? 0 : 2);
        assert_int_equal(trace.ops[1].flags, OP_FLAG_MAY_SLEEP | OP_FLAG_ZERO);
        assert_int_equal(trace.ops[1].mobility, PL_MOBILITY_MOVABLE);
        assert_int_equal(trace.ops[2].alloc_class, PL_CLASS_SYSTEM);
        assert_int_equal(trace.ops[4].context, is_perf ? PL_CONTEXT_TASK : PL_CONTEXT_HARDIRQ);
        assert_int_equal(trace.ops[4].mobility, PL_MOBILITY_RECLAIMABLE);
        trace_fini(&trace);
    }
}

/* One frame, two frames, and a frame that carries no text. Expect the text as if it were plain. */
static void zstd_frames(void **state)
{
    (void)state;
    char packed[4096];
    const size_t half = sizeof(ALLOC(0, 0x10, 0)) + 20;
    size_t bytes = compress(good, half, packed, sizeof(packed));
    bytes += compress("", 0, packed + bytes, sizeof(packed) - bytes);
    bytes += compress(good + half, strlen(good) - half, packed + bytes, sizeof(packed) - bytes);
    static const unsigned char skippable[] = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
    memcpy(packed + bytes, skippable, sizeof(skippable));
    bytes += sizeof(skippable);
    struct trace_report report;
    struct trace trace = import_bytes(packed, bytes, &report);
    expect_ops(&trace, "a0=0 a3=1 f0=0 f3=1");
    assert_int_equal(report.text_bytes, strlen(good));
    assert_int_equal(report.file_bytes, bytes);
    trace_fini(&trace);
}

/* Text longer than any buffer, with a line across each boundary. Expect every line once. */
static void long_texts(void **state)
{
    (void)state;
    const size_t repeats = 5000;
    const size_t bytes = repeats * (sizeof(good) - 1);
    char *text = malloc(bytes);
    char *packed = malloc(ZSTD_compressBound(bytes));
    assert_non_null(text);
    assert_non_null(packed);
    for (size_t i = 0; i < repeats; i++)
        memcpy(text + i * (sizeof(good) - 1), good, sizeof(good) - 1);
    const size_t packed_bytes = compress(text, bytes, packed, ZSTD_compressBound(bytes));
    struct trace_report report;
    struct trace trace = import_bytes(text, bytes, &report);
    assert_int_equal(trace.op_count, 4 * repeats);
    assert_int_equal(report.text_bytes, bytes);
    trace_fini(&trace);
    trace = import_bytes(packed, packed_bytes, &report);
    assert_int_equal(trace.op_count, 4 * repeats);
    assert_int_equal(report.text_bytes, bytes);
    trace_fini(&trace);
    free(text);
    free(packed);
}

static void bad_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "text: is empty; "},
        {"# tracer: nop\n\n", "text: no page event in 2 lines; "},
        {"a-1 [0] 1.0: sched_wakeup: comm=x\n", "no page event in 1 lines; "},
        {ALLOC(0, 0x10, 0) "noise\n", "text:2: not a line of a kernel trace; "},
        {ALLOC(0, 0x10, 0) "a-1 [000] ..... 1.0: mm_page_free: pfn=0x10\n",
         "text:2: mm_page_free with a field"},
        {ALLOC(0, 0x10, 0) "a-1 [000] ..... 1.0: mm_page_alloc: pfn=0x10 order=0\n",
         "text:2: mm_page_alloc with a field"},
        {ALLOC(0, 0x10, 0) "a-1 [000] ..... 1.0: mm_page_free: pfn=0x10 order=0",
         "text:2: last line is cut off; expected a newline"},
        {ALLOC(0, 0x10, 0) "a-1 [000] ..... 1.0: mm_pa\n", "text:2: line is cut off before its event"},
        {ALLOC(0, 0x10, 0) "a-1 [064] ..... 1.0: mm_page_free: pfn=0x10 order=0\n", "text:2: CPU beyond"},
        {"PLTRACE1", "is a compact trace already"},
        {"PERFILE2xxxxxxxxxxx", "perf script"},
        {"\x1f\x8b\x08xxxx", "gzip"},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++)
        expect_import_error(cases[i].text, strlen(cases[i].text), cases[i].words);
}

/* Every prefix of a text. Expect an error unless it ends with a line. */
static void cut_off_text(void **state)
{
    (void)state;
    for (size_t count = 1; count < strlen(good); count++) {
        if (good[count - 1] != '\n')
            expect_import_error(good, count, "cut off; expected a newline");
    }
}

/* Every prefix of a zstd file. Expect an error for each; an error names the line that could not be had. */
static void cut_off_zstd(void **state)
{
    (void)state;
    char packed[4096];
    const size_t bytes = compress(good, strlen(good), packed, sizeof(packed));
    for (size_t count = 4; count < bytes; count++)
        expect_import_error(packed, count, "text:");
    expect_import_error(packed, bytes - 1, "zstd data is cut off; expected whole zstd frames");
    packed[bytes] = 'x';
    expect_import_error(packed, bytes + 1, "zstd");
}

static void zstd_of_nothing(void **state)
{
    (void)state;
    char packed[64];
    const size_t bytes = compress("", 0, packed, sizeof(packed));
    expect_import_error(packed, bytes, "no page event");
}

/* A line without an end. Expect to give up early. */
static void endless_line(void **state)
{
    (void)state;
    const size_t bytes = 300000;
    char *text = malloc(bytes);
    assert_non_null(text);
    memset(text, ' ', bytes);
    expect_import_error(text, bytes, "text:1: line of more than 65536 bytes");
    free(text);
}

/* Expect the path, the system's reason, and what was expected, in one line. */
static void bad_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *words;
    } cases[] = {
        {TRACE_DATA "no such\nfile", "No such file"},
        {TRACE_DATA, "Is a directory"},
        {"/dev/null", "is empty"},
        {"/dev/zero", "line of more than"},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        struct trace trace;
        struct trace_report report;
        struct trace_error error = {""};
        assert_int_equal(trace_import(cases[i].path, &trace, &report, &error), -1);
        assert_non_null(strstr(error.text, cases[i].words));
        assert_non_null(strstr(error.text, "expected"));
        assert_null(strchr(error.text, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_tools_agree),
        cmocka_unit_test(zstd_frames),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(bad_text),
        cmocka_unit_test(cut_off_text),
        cmocka_unit_test(cut_off_zstd),
        cmocka_unit_test(zstd_of_nothing),
        cmocka_unit_test(endless_line),
        cmocka_unit_test(bad_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
