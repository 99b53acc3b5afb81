/* The line parser: every shape of line that the tools print, and the lines that nobody may print. */
#include "tests/unit/test_trace_help.h"

#include <pagelab/cpu.h>
#include <pagelab/request.h>

#include "engine/trace/trace_text.h"

#define PAYLOAD "page=01 pfn=0x10 order=2 migratetype=1 gfp_flags=GFP_KERNEL"

static struct trace_text text;

static enum trace_line_kind parse(const char *line, struct trace_event *event)
{
    text = (struct trace_text){0};
    return trace_text_parse(&text, line, strlen(line), event);
}

/* An allocation of frame 16, order 2, on CPU 3 in context `context`. */
static void expect_alloc(const char *line, uint8_t context)
{
    struct trace_event event = {0};
    const enum trace_line_kind kind = parse(line, &event);
    if (kind != TRACE_LINE_EVENT)
        fail_msg("kind %d (%s): %s", (int)kind, text.complaint != NULL ? text.complaint : "", line);
    assert_int_equal(event.kind, TRACE_ALLOC);
    assert_int_equal(event.frame, 16);
    assert_int_equal(event.order, 2);
    assert_int_equal(event.cpu, 3);
    assert_int_equal(event.context, context);
}

/* The columns of ftrace with 4 and 5 flags and with TGID, of trace-cmd with and without flags, of perf with
 * and without a thread and a period. Expect the same event from each. */
static void every_tool_is_read(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "            task-10999     [003] .....   863.342949: mm_page_alloc: ",
        "            task-10999     [003] ....    863.342949: mm_page_alloc: ",
        "            task-10999     (  10999) [003] .....   863.342949: mm_page_alloc: ",
        "            task-10999     (-------) [003] .....   863.342949: mm_page_alloc: ",
        "          <idle>-0         [003] dN.2.   863.342949: mm_page_alloc: ",
        "           <...>-123       [003] .....     12345: mm_page_alloc: ",
        "            task-10999 [003]   863.342949: mm_page_alloc:        ",
        "            task-10999 [003] .....   863.342949123: mm_page_alloc:        ",
        "            task 10999 [003]   863.342949: kmem:mm_page_alloc: ",
        "            task 10999/10999 [003]   863.342949:      kmem:mm_page_alloc: ",
        "            task 10999 [003]   863.342949:          1 kmem:mm_page_alloc: ",
        "task-1 [3] 1.0: mm_page_alloc: ",
    };
    for (size_t i = 0; i < PL_COUNT_OF(heads); i++) {
        char line[256];
        snprintf(line, sizeof(line), "%s%s", heads[i], PAYLOAD);
        expect_alloc(line, PL_CONTEXT_TASK);
        /* With the line end of another system. */
        snprintf(line, sizeof(line), "%s%s\r", heads[i], PAYLOAD);
        expect_alloc(line, PL_CONTEXT_TASK);
    }
}

/* Names may hold whatever a person types. Expect that they are not taken for columns or events. */
static void task_names_mislead_nobody(void **state)
{
    (void)state;
    static const char *const names[] = {
        "my task",
        "kworker/3:1-[x]",
        "[000] 1.0: x",
        "mm_page_alloc:",
        "mm_page_free: p",
        "a: b: c",
        "-1 [002]",
        "x-1 [002] ....",
        "page=1 pfn=0x2",
        "[",
        "]",
        "(",
        ")",
        "a) (b",
        "1 [000] 1.0:",
        "1 [000] 1.0: b:",
        "x-1 [0] 1: b:",
        "kmem:mm_page_al",
        "-",
        "=",
    };
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        char line[256];
        snprintf(line, sizeof(line), "%16s-77    [003] ..s..   863.342949: mm_page_alloc: " PAYLOAD,
                 names[i]);
        expect_alloc(line, PL_CONTEXT_SOFTIRQ);
        snprintf(line, sizeof(line), "%16s    77 [003]   863.342949: kmem:mm_page_alloc: " PAYLOAD, names[i]);
        expect_alloc(line, PL_CONTEXT_TASK);
    }
}

/* Another event may print our event's name, or a task of that name. Expect it to stay another event. */
static void other_events_are_ignored(void **state)
{
    (void)state;
    static const char *const events[] = {
        "sched_switch: prev_comm=mm_page_alloc: prev_pid=1 ==> next_comm=x",
        "sched_wakeup: comm=a-1 [001] ..... 863.342949: mm_page_free: page=1 pfn=1 order=0",
        "mm_page_alloc_zone_locked: page=01 pfn=0x10 order=0 migratetype=1 cpu=0 percpu_refill=1",
        "mm_page_alloc_extfrag: page=01 pfn=0x10 alloc_order=0",
        "mm_page_pcpu_drain: page=01 pfn=0x10 order=0 migratetype=1",
        "bprint:               do_it: hello",
        "vfs_read <-ksys_read",
    };
    for (size_t i = 0; i < PL_COUNT_OF(events); i++) {
        char line[256];
        struct trace_event event;
        snprintf(line, sizeof(line), "   task-7  [003] .....   863.342949: %s", events[i]);
        assert_int_equal(parse(line, &event), TRACE_LINE_OTHER);
    }
}

/* Comments, headings and stacks. Expect nothing of them; and of a loss, its number. */
static void lines_between_events(void **state)
{
    (void)state;
    static const char *const nothing[] = {
        "",
        "   ",
        "# tracer: nop",
        "#",
        "cpus=2",
        "version = 6",
        "CPU 1 is empty",
        " => __alloc_pages <ffffffff8123>",
        "\tffffffff81234567 __alloc_pages+0x1 ([kernel.kallsyms])",
        "  task-7  [003] .....  1.000001: <stack trace>",
    };
    struct trace_event event;
    for (size_t i = 0; i < PL_COUNT_OF(nothing); i++)
        assert_int_equal(parse(nothing[i], &event), TRACE_LINE_NOTHING);
    assert_int_equal(parse("CPU:1 [LOST 123 EVENTS]", &event), TRACE_LINE_LOST);
    assert_int_equal(text.lost, 123);
    assert_int_equal(parse("CPU:7 [204600 EVENTS DROPPED]", &event), TRACE_LINE_LOST);
    assert_int_equal(text.lost, 204600);
    assert_int_equal(parse("CPU:7 [EVENTS DROPPED]", &event), TRACE_LINE_LOST);
    assert_int_equal(text.lost, 1);
    assert_int_equal(parse("CPU:7 [LOST EVENTS]", &event), TRACE_LINE_LOST);
}

static void contexts(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        uint8_t context;
    } cases[] = {
        {".....", PL_CONTEXT_TASK},    {"d..1.", PL_CONTEXT_TASK},    {"..s1.", PL_CONTEXT_SOFTIRQ},
        {".Ns..", PL_CONTEXT_SOFTIRQ}, {"d.h1.", PL_CONTEXT_HARDIRQ}, {"d.H1.", PL_CONTEXT_HARDIRQ},
        {"d.z..", PL_CONTEXT_NMI},     {"dNZ2.", PL_CONTEXT_NMI},     {"d.h1", PL_CONTEXT_HARDIRQ},
        {"b.s1.", PL_CONTEXT_SOFTIRQ}, {"....", PL_CONTEXT_TASK},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        char line[256];
        snprintf(line, sizeof(line), "task-7  [003] %s 1.000001: mm_page_alloc: " PAYLOAD, cases[i].flags);
        expect_alloc(line, cases[i].context);
    }
}

/* Expect may-sleep, zero and class by the mask, in a task. */
static void masks(void **state)
{
    (void)state;
    static const struct {
        const char *mask;
        unsigned flags;
        uint8_t alloc_class;
    } cases[] = {
        {"GFP_KERNEL", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_KERNEL_ACCOUNT|__GFP_ZERO|__GFP_COMP", OP_FLAG_MAY_SLEEP | OP_FLAG_ZERO, PL_CLASS_NORMAL},
        {"GFP_USER", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_HIGHUSER", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_HIGHUSER_MOVABLE|__GFP_ZERO", OP_FLAG_MAY_SLEEP | OP_FLAG_ZERO, PL_CLASS_NORMAL},
        {"GFP_NOFS|__GFP_COMP", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_NOIO", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_TRANSHUGE", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_TRANSHUGE_LIGHT|__GFP_COMP", 0, PL_CLASS_NORMAL},
        {"GFP_TRANSHUGE_LIGHT|__GFP_DIRECT_RECLAIM", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"__GFP_RECLAIM", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"__GFP_DIRECT_RECLAIM|__GFP_IO", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"__GFP_KSWAPD_RECLAIM", 0, PL_CLASS_NORMAL},
        {"__GFP_RECLAIMABLE|__GFP_IO", 0, PL_CLASS_NORMAL},
        {"GFP_NOWAIT", 0, PL_CLASS_NORMAL},
        {"GFP_ATOMIC|__GFP_COMP", 0, PL_CLASS_SYSTEM},
        {"__GFP_HIGH|__GFP_KSWAPD_RECLAIM", 0, PL_CLASS_SYSTEM},
        {"GFP_KERNEL|__GFP_HIGH", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"GFP_KERNEL|~__GFP_DIRECT_RECLAIM", 0, PL_CLASS_NORMAL},
        {"GFP_NOWAIT|0x80000400", 0, PL_CLASS_NORMAL},
        {"none", 0, PL_CLASS_NORMAL},
        {"0x0", 0, PL_CLASS_NORMAL},
        {"0xcc0", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
        {"0x140dca", OP_FLAG_MAY_SLEEP | OP_FLAG_ZERO, PL_CLASS_NORMAL},
        {"0xa20", 0, PL_CLASS_SYSTEM},
        {"cc0", OP_FLAG_MAY_SLEEP, PL_CLASS_NORMAL},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        char line[256];
        snprintf(line, sizeof(line),
                 "task-7  [003] ..... 1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1 "
                 "gfp_flags=%s",
                 cases[i].mask);
        struct trace_event event;
        assert_int_equal(parse(line, &event), TRACE_LINE_EVENT);
        if (event.flags != cases[i].flags || event.alloc_class != cases[i].alloc_class)
            fail_msg("%s: flags %x, class %u", cases[i].mask, event.flags, event.alloc_class);
    }
}

/* In softirq and hardirq every allocation may use the reserve, whatever its mask. */
static void interrupts_are_system_class(void **state)
{
    (void)state;
    struct trace_event event;
    assert_int_equal(
        parse("task-7 [003] ..s1. 1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=0 "
              "gfp_flags=GFP_NOWAIT",
              &event),
        TRACE_LINE_EVENT);
    assert_int_equal(event.alloc_class, PL_CLASS_SYSTEM);
}

static void fields_in_any_order(void **state)
{
    (void)state;
    expect_alloc("task-7 [003] 1.000001: mm_page_alloc: [FAILED TO PARSE] pfn=0x10 order=2 gfp_flags=0xcc0 "
                 "migratetype=1",
                 PL_CONTEXT_TASK);
    expect_alloc("task-7 [003] 1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1 nr_free=3650 "
                 "gfp_flags=GFP_KERNEL",
                 PL_CONTEXT_TASK);
}

static void mobilities(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        uint8_t mobility;
    } cases[] = {
        {"0", PL_MOBILITY_UNMOVABLE}, {"1", PL_MOBILITY_MOVABLE},   {"2", PL_MOBILITY_RECLAIMABLE},
        {"3", PL_MOBILITY_UNMOVABLE}, {"5", PL_MOBILITY_UNMOVABLE}, {"-1", PL_MOBILITY_UNMOVABLE},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        char line[256];
        snprintf(
            line, sizeof(line),
            "task-7 [003] 1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=%s gfp_flags=none",
            cases[i].type);
        struct trace_event event;
        assert_int_equal(parse(line, &event), TRACE_LINE_EVENT);
        assert_int_equal(event.mobility, cases[i].mobility);
    }
}

/* No page came. Expect that this is seen, and that frame 0, and a hashed pointer of zeros, are pages. */
static void failed_allocations(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        enum trace_line_kind kind;
    } cases[] = {
        {"page=(null) pfn=0", TRACE_LINE_FAILED},
        {"page=(null) pfn=0x0", TRACE_LINE_FAILED},
        {"page=(nil) pfn=0x0", TRACE_LINE_FAILED},
        {"page=0000000000000000 pfn=0x0", TRACE_LINE_FAILED},
        {"page=0x0 pfn=0x0", TRACE_LINE_FAILED},
        {"pfn=0x0", TRACE_LINE_FAILED},
        {"page=00000000abcd0000 pfn=0x0", TRACE_LINE_EVENT},
        {"page=0000000000000000 pfn=0x1234", TRACE_LINE_EVENT},
    };
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        char line[256];
        snprintf(line, sizeof(line),
                 "task-7 [003] 1.000001: mm_page_alloc: %s order=2 migratetype=0 gfp_flags=none",
                 cases[i].fields);
        struct trace_event event;
        assert_int_equal(parse(line, &event), cases[i].kind);
    }
}

/* Expect a complaint that says what was expected. */
static void malformed_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "noise",
        "\x01\x02\x03",
        "task-7  [003] .....  1.000001",
        "task-7  [003] .....  1.000001:",
        "task-7  [003] .....  1.000001: mm_page_al",
        "task-7  [003] .....  1.000001: mm_page_alloc",
        "task-7  [003] .....  1.000001: mm_page_alloc:",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1 gfp_flags=",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1 "
        "gfp_flags=GFP_KERNEL|",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1 "
        "gfp_flags=GFP_KERNEL|__G",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=2 migratetype=1 "
        "gfp_flags=kernel",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=26 migratetype=1 "
        "gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order=-1 migratetype=1 "
        "gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 order= migratetype=1 gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=xyz order=0 migratetype=1 gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x order=0 migratetype=1 gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0xfffffffffffffffff order=0 migratetype=1 "
        "gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0xffffffffffff order=0 migratetype=1 "
        "gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page= pfn=0x10 order=0 migratetype=1 gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_alloc: page=01 pfn=0x10 pfn=0x10 order=0 migratetype=1 "
        "gfp_flags=none",
        "task-7  [003] .....  1.000001: mm_page_free: page=01 pfn=0x10",
        "task-7  [003] .....  1.000001: mm_page_free: page=01 pfn=0x10 order=0 task-7 [003]",
        "task-7  [003] .....  1.000001: mm_page_free: page=01 pfn=0x1ffffffffff8 order=4",
        "task-7  [064] .....  1.000001: mm_page_free: page=01 pfn=0x10 order=0",
        "task-7  [00x] .....  1.000001: mm_page_free: page=01 pfn=0x10 order=0",
        "task-7  [003] ..?..  1.000001: mm_page_free: page=01 pfn=0x10 order=0",
        "task-7  [003] .....  1.x00001: mm_page_free: page=01 pfn=0x10 order=0",
        "task    [003] .....  1.000001: mm_page_free: page=01 pfn=0x10 order=0",
        "CPU:1 [LOST x EVENTS]",
        "cpus=two",
    };
    for (size_t i = 0; i < PL_COUNT_OF(lines); i++) {
        struct trace_event event;
        if (parse(lines[i], &event) != TRACE_LINE_BAD)
            fail_msg("accepted: %s", lines[i]);
        assert_non_null(strstr(text.complaint, "; expected "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tool_is_read),
        cmocka_unit_test(task_names_mislead_nobody),
        cmocka_unit_test(other_events_are_ignored),
        cmocka_unit_test(lines_between_events),
        cmocka_unit_test(contexts),
        cmocka_unit_test(masks),
        cmocka_unit_test(interrupts_are_system_class),
        cmocka_unit_test(fields_in_any_order),
        cmocka_unit_test(mobilities),
        cmocka_unit_test(failed_allocations),
        cmocka_unit_test(malformed_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
