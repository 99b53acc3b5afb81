/* The recorded traces, in compact form, beside the counts that were measured when they were recorded. */
#include "tests/unit/test_trace_help.h"

struct recording {
    const char *path;
    uint64_t events; /* lines */
    uint64_t allocations;
    uint64_t earlier_frees;
    uint64_t recorded_peak_frames;
    uint64_t peak_frames;
    uint64_t softirq;
    uint64_t remote_frees;
    uint64_t added_frees; /* by repair; not lines */
};

#define CORPORA PL_SOURCE_DIR "/corpora/traces/"

static const struct recording recordings[] = {
    {CORPORA "nginx.pltrace", 89891, 44223, 2562, 1611, 4408, 41842, 680, 0},
    {CORPORA "fork.pltrace", 260668, 141161, 604, 23486, 23486, 53381, 2492, 1},
    {CORPORA "pagecache.pltrace", 400000, 273393, 100364, 471028, 471028, 22724, 6976, 3},
};

static void expect_recording(const struct recording *recording)
{
    struct trace trace;
    struct trace_error error = {""};
    if (trace_read(recording->path, &trace, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(trace.op_count, recording->events + recording->earlier_frees + recording->added_frees);
    assert_int_equal(trace.alloc_count - trace.invented_count, recording->allocations);
    assert_int_equal(trace.invented_count, recording->earlier_frees);
    assert_int_equal(trace.recorded_peak_frames, recording->recorded_peak_frames);
    assert_int_equal(trace.peak_frames, recording->peak_frames);
    assert_int_equal(trace.softirq_count, recording->softirq);
    assert_int_equal(trace.remote_free_count, recording->remote_frees);
    assert_int_equal(trace.cpu_count, 2);
    trace_fini(&trace);
}

static void nginx(void **state)
{
    (void)state;
    expect_recording(&recordings[0]);
}

static void fork_storm(void **state)
{
    (void)state;
    expect_recording(&recordings[1]);
}

static void pagecache(void **state)
{
    (void)state;
    expect_recording(&recordings[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nginx),
        cmocka_unit_test(fork_storm),
        cmocka_unit_test(pagecache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
