/* What import mends, seen from outside: a few lines of text in, operations out. */
#include "tests/unit/test_trace_help.h"

/* Three grants, one freed and its slot used again. Expect the operations as recorded and nothing repaired. */
static void a_whole_trace_is_left_alone(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(
        ALLOC(0, 0x10, 0) ALLOC(0, 0x20, 3) FREE(1, 0x10, 0) ALLOC(1, 0x30, 1) FREE(0, 0x20, 3), &report);
    expect_ops(&trace, "a0=0 a3=1 f0=0 a1=0 f3=1");
    assert_int_equal(report.event_count, 5);
    assert_int_equal(report.alloc_lines, 3);
    assert_int_equal(report.free_lines, 2);
    assert_int_equal(
        report.invented_allocs + report.reordered_frees + report.missing_frees + report.split_frees, 0);
    assert_int_equal(trace.slot_count, 2);
    assert_int_equal(trace.cpu_count, 2);
    assert_int_equal(trace.max_order, 3);
    assert_int_equal(trace.remote_free_count, 1);
    assert_int_equal(trace.peak_frames, 10);
    assert_int_equal(trace.live_at_end_frames, 2);
    trace_fini(&trace);
}

/* Frees of frames from before. Expect allocations of their orders first, and both peaks. */
static void earlier_allocations_are_invented(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x10, 0) FREE(1, 0x40, 2) FREE(0, 0x80, 0), &report);
    expect_ops(&trace, "i2=0 i0=1 a0=2 f2=0 f0=1");
    assert_int_equal(trace.ops[0].cpu, 1);
    assert_int_equal(trace.ops[0].flags, OP_FLAG_INVENTED | OP_FLAG_MAY_SLEEP);
    assert_int_equal(report.invented_allocs, 2);
    assert_int_equal(report.invented_again, 0);
    assert_int_equal(trace.invented_count, 2);
    assert_int_equal(trace.peak_frames, 6);
    assert_int_equal(trace.recorded_peak_frames, 1);
    assert_int_equal(trace.remote_free_count, 0);
    trace_fini(&trace);
}

/* Freed twice, the allocation between them was not recorded. Expect one invented, and said so. */
static void an_allocation_between_frees_is_invented(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x10, 0) FREE(0, 0x10, 0) FREE(0, 0x10, 0), &report);
    expect_ops(&trace, "i0=0 a0=1 f0=1 f0=0");
    assert_int_equal(report.invented_allocs, 1);
    assert_int_equal(report.invented_again, 1);
    trace_fini(&trace);
}

/* CPU 0 frees, CPU 1 allocates the frame, but the free is recorded two lines later; then CPU 1 frees too.
 * Expect the first free before the allocation. */
static void a_late_free_is_moved(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(
        ALLOC(0, 0x10, 0) ALLOC(1, 0x10, 0) ALLOC(1, 0x50, 1) FREE(0, 0x10, 0) FREE(1, 0x10, 0), &report);
    expect_ops(&trace, "a0=0 f0=0 a0=0 a1=1 f0=0");
    assert_int_equal(trace.ops[1].cpu, 0);
    assert_int_equal(trace.ops[4].cpu, 1);
    assert_int_equal(report.reordered_frees, 1);
    assert_int_equal(report.missing_frees, 0);
    trace_fini(&trace);
}

/* As before, but the trace ends: nothing speaks against the move. */
static void a_late_free_at_the_end_is_moved(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x10, 2) ALLOC(1, 0x10, 2) FREE(0, 0x10, 2), &report);
    expect_ops(&trace, "a2=0 f2=0 a2=0");
    assert_int_equal(report.reordered_frees, 1);
    trace_fini(&trace);
}

/* The free after the second allocation is that allocation's own: by the same CPU, or because the frame is
 * allocated once more before any other free. Expect a free added, and the recorded one where it was. */
static void a_missing_free_is_added(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ALLOC(0, 0x10, 0) ALLOC(1, 0x10, 0) FREE(1, 0x10, 0) ALLOC(1, 0x10, 0),
        ALLOC(0, 0x10, 0) ALLOC(1, 0x10, 0) FREE(0, 0x10, 0) ALLOC(0, 0x10, 0),
        ALLOC(0, 0x10, 0) ALLOC(1, 0x10, 0) FREE(0, 0x10, 0) ALLOC(0, 0x10, 0) FREE(0, 0x10, 0)
            ALLOC(0, 0x10, 0),
    };
    static const char *const words[] = {
        "a0=0 f0=0 a0=0 f0=0 a0=0",
        "a0=0 f0=0 a0=0 f0=0 a0=0",
        "a0=0 f0=0 a0=0 f0=0 a0=0 f0=0 a0=0",
    };
    for (size_t i = 0; i < PL_COUNT_OF(texts); i++) {
        struct trace_report report;
        struct trace trace = import_text(texts[i], &report);
        expect_ops(&trace, words[i]);
        assert_int_equal(report.missing_frees, 1);
        assert_int_equal(report.reordered_frees, 0);
        trace_fini(&trace);
    }
}

/*   |   8 frames    |   order 3, allocated exactly: 6 wanted, the last 2 given back one by one
 *   |   4   | 2 |1|1|
 * Expect the allocation as these parts from the first frame up, and each free of a whole one. */
static void a_grant_freed_in_parts_is_split(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(
        ALLOC(0, 0x10, 3) FREE(0, 0x16, 0) FREE(0, 0x17, 0) FREE(0, 0x10, 2) FREE(0, 0x14, 1), &report);
    expect_ops(&trace, "a2=0 a1=1 a0=2 a0=3 p0=2 p0=3 p2=0 p1=1");
    assert_int_equal(report.split_frees, 1);
    assert_int_equal(report.event_count, 5);
    assert_int_equal(trace.alloc_count, 4);
    assert_int_equal(trace.live_at_end_frames, 0);
    trace_fini(&trace);
}

/* A free from the middle. Expect the pieces on both sides to stay live. */
static void a_free_inside_a_grant_is_split(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x10, 2) FREE(0, 0x12, 0), &report);
    expect_ops(&trace, "a1=0 a0=1 a0=2 p0=1");
    assert_int_equal(trace.live_at_end_frames, 3);
    trace_fini(&trace);
}

/* A free that is larger: of two grants and of two frames from before. Expect all freed, the gap invented. */
static void a_free_across_grants(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x10, 0) ALLOC(0, 0x13, 0) FREE(0, 0x10, 2), &report);
    expect_ops(&trace, "i0=0 i0=1 a0=2 a0=3 f0=2 f0=0 f0=1 f0=3");
    assert_int_equal(report.split_frees, 1);
    assert_int_equal(trace.live_at_end_frames, 0);
    trace_fini(&trace);
}

/* An allocation over four live ones. Expect each freed before it. */
static void an_allocation_over_several_grants(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace =
        import_text(ALLOC(0, 0x10, 0) ALLOC(0, 0x11, 0) ALLOC(0, 0x12, 1) ALLOC(0, 0x10, 2), &report);
    expect_ops(&trace, "a0=0 a0=1 a1=2 f0=0 f0=1 f1=2 a2=2");
    assert_int_equal(report.missing_frees, 3);
    trace_fini(&trace);
}

/* Largest order, far apart, at the end of the frame numbers. */
static void large_orders(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x0, 25) ALLOC(0, 0x1ffffe000000, 25)
                                         FREE(0, 0x1ffffe000000, 25) FREE(0, 0x1ffffff, 0),
                                     &report);
    assert_int_equal(trace.max_order, 25);
    assert_int_equal(trace.live_at_end_frames, (1u << 25) - 1);
    assert_int_equal(trace.alloc_count, 1 + 26);
    trace_fini(&trace);
}

/* New kernels print mm_page_free and then mm_page_free_batched, old ones the other way round. Expect one free
 * each, and a batched line alone to be a free. */
static void batched_frees_count_once(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 0x10, 0) ALLOC(0, 0x11, 0) FREE(0, 0x10, 0) FREE(0, 0x11, 0)
                                         BATCHED(0, 0x10) BATCHED(0, 0x11),
                                     &report);
    expect_ops(&trace, "a0=0 a0=1 f0=0 f0=1");
    assert_int_equal(report.duplicate_frees, 2);
    assert_int_equal(report.event_count, 6);
    trace_fini(&trace);

    trace = import_text(ALLOC(0, 0x10, 0) BATCHED(0, 0x10) FREE(0, 0x10, 0) ALLOC(0, 0x10, 0) BATCHED(0, 0x10)
                            BATCHED(0, 0x99),
                        &report);
    expect_ops(&trace, "i0=0 a0=1 f0=1 a0=1 f0=1 f0=0");
    assert_int_equal(report.duplicate_frees, 1);
    assert_int_equal(report.invented_allocs, 1);
    trace_fini(&trace);
}

/* Allocations that failed, losses and other events. Expect them counted and nothing else. */
static void what_is_left_out_is_counted(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(
        ALLOC(0, 0x10, 0) "  task-7  [000] .....  1.000001: mm_page_alloc: page=(null) pfn=0x0 order=9 "
                          "migratetype=1 gfp_flags=GFP_TRANSHUGE_LIGHT\n"
                          "CPU:1 [LOST 12 EVENTS]\n"
                          "  task-7  [000] .....  1.000001: sched_wakeup: comm=x\n",
        &report);
    expect_ops(&trace, "a0=0");
    assert_int_equal(report.event_count, 2);
    assert_int_equal(report.failed_allocs, 1);
    assert_int_equal(report.lost_events, 12);
    assert_int_equal(report.other_events, 1);
    assert_int_equal(report.line_count, 4);
    trace_fini(&trace);
}

/* Bare frame numbers 10 and 9: neighbours in decimal, not in hexadecimal; with an `a` about it is the other
 * way. */
static void bare_numbers_are_what_the_file_says(void **state)
{
    (void)state;
    struct trace_report report;
    struct trace trace = import_text(ALLOC(0, 8, 2) FREE(0, 10, 1), &report);
    expect_ops(&trace, "a1=0 a1=1 p1=1");
    trace_fini(&trace);
    trace = import_text(ALLOC(0, 8, 2) FREE(0, 10, 1) FREE(0, a, 1), &report);
    expect_ops(&trace, "i1=0 a1=1 a1=2 f1=0 p1=2");
    trace_fini(&trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_trace_is_left_alone),
        cmocka_unit_test(earlier_allocations_are_invented),
        cmocka_unit_test(an_allocation_between_frees_is_invented),
        cmocka_unit_test(a_late_free_is_moved),
        cmocka_unit_test(a_late_free_at_the_end_is_moved),
        cmocka_unit_test(a_missing_free_is_added),
        cmocka_unit_test(a_grant_freed_in_parts_is_split),
        cmocka_unit_test(a_free_inside_a_grant_is_split),
        cmocka_unit_test(a_free_across_grants),
        cmocka_unit_test(an_allocation_over_several_grants),
        cmocka_unit_test(large_orders),
        cmocka_unit_test(batched_frees_count_once),
        cmocka_unit_test(what_is_left_out_is_counted),
        cmocka_unit_test(bare_numbers_are_what_the_file_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
