/* What the checker says of outcomes that are made up: a gate that lies cannot be built, so its answers are.
 */
#include "tests/unit/unit.h"

#undef expect_check /* cmocka has a macro of that name */
#include "engine/expect.h"

#include <stdio.h>
#include <string.h>

struct desk {
    struct rig rig;
    struct shadow shadow;
};

/* A machine of 32 frames with floors 0, 2 and 8, of which `left` are free. */
static void desk_open(struct desk *desk, uint64_t left)
{
    struct native_shape shape = {.ranges = {{.frame_count = 32}}, .range_count = 1, .cpu_count = 1};
    shape.floors = (struct pl_floors){.interrupt = 0, .system = 2, .normal = 8};
    struct finding finding = {.found = false};
    struct pl_run run = {.first = {0}, .frame_count = 32 - left};
    rig_open_shape(&desk->rig, "liar", &shape, ADMISSION_EXACT);
    assert_int_equal(shadow_init(&desk->shadow, desk->rig.machine), 0);
    if (run.frame_count > 0)
        shadow_grant(&desk->shadow, &run, 1, &finding);
}

static void desk_close(struct desk *desk)
{
    shadow_fini(&desk->shadow);
    rig_close(&desk->rig);
}

/* The numbers that the checker names for this outcome, or "". */
static const char *judge(uint64_t left, unsigned alloc_class, unsigned order, enum pl_status status)
{
    static struct finding finding;
    struct desk desk;
    struct pl_run run = {.first = {0}, .frame_count = UINT64_C(1) << order, .order = order};
    memset(&finding, 0, sizeof(finding));
    desk_open(&desk, left);
    struct expectation expected = expect_order(&desk.shadow, &desk.rig.instance, alloc_class, order);
    expect_check(&expected, &desk.shadow, &desk.rig.instance, status, &run, &finding);
    desk_close(&desk);
    assert_int_equal(finding.found, finding.ids[0] != '\0');
    return finding.ids;
}

/* Each class, one frame, from floor - 1 to far above: granted and refused.
 * Expect nothing said of the right answer; of the wrong one the class's number, F-7 if it was granted, and
 * X-7 at the edge only. */
static void test_single_frames(void **state)
{
    (void)state;
    static const struct {
        unsigned alloc_class;
        uint64_t floor;
        const char *id;
    } rows[] = {{PL_CLASS_NORMAL, 8, "F-3c"}, {PL_CLASS_SYSTEM, 2, "F-3b"}, {PL_CLASS_INTERRUPT, 0, "F-3a"}};
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        for (uint64_t left = 0; left <= 20; left++) {
            bool admitted = left > rows[i].floor;
            bool near = left <= rows[i].floor + 2 && left >= rows[i].floor;
            char wanted[48];
            snprintf(wanted, sizeof(wanted), "%s%s", rows[i].id, near ? " X-7" : "");
            assert_string_equal(judge(left, rows[i].alloc_class, 0, PL_NO_MEMORY), admitted ? wanted : "");
            snprintf(wanted, sizeof(wanted), "%s F-7%s", rows[i].id, near ? " X-7" : "");
            assert_string_equal(judge(left, rows[i].alloc_class, 0, PL_OK), admitted ? "" : wanted);
        }
    }
}

/* Blocks of four frames around NORMAL's floor of 8.
 * Expect F-8 with F-7 below 12 free, nothing at 12, and F-8 for a refusal although an aligned block is free.
 */
static void test_blocks(void **state)
{
    (void)state;
    assert_string_equal(judge(11, PL_CLASS_NORMAL, 2, PL_OK), "F-8 F-7 X-7");
    assert_string_equal(judge(9, PL_CLASS_NORMAL, 2, PL_OK), "F-8 F-7");
    assert_string_equal(judge(12, PL_CLASS_NORMAL, 2, PL_OK), "");
    assert_string_equal(judge(11, PL_CLASS_NORMAL, 2, PL_NO_MEMORY), "");
    assert_string_equal(judge(20, PL_CLASS_NORMAL, 2, PL_NO_MEMORY), "F-8");
    assert_string_equal(judge(3, PL_CLASS_INTERRUPT, 2, PL_NO_MEMORY), "");
    assert_string_equal(judge(4, PL_CLASS_INTERRUPT, 2, PL_NO_MEMORY), "F-8 X-7");
}

/* Statuses that an allocation by order never has, and orders that are not served.
 * Expect X-3, but for "unsupported" beyond the largest order. */
static void test_statuses(void **state)
{
    (void)state;
    static const enum pl_status odd[] = {PL_REFUSED, PL_INVALID, PL_NEVER, PL_WOULD_SLEEP, PL_UNSUPPORTED};
    for (size_t i = 0; i < PL_COUNT_OF(odd); i++)
        assert_string_equal(judge(20, PL_CLASS_NORMAL, 0, odd[i]), "X-3");
    assert_string_equal(judge(32, PL_CLASS_NORMAL, 4, PL_UNSUPPORTED), "");
    assert_string_equal(judge(32, PL_CLASS_NORMAL, 4, PL_NO_MEMORY), "");
    assert_string_equal(judge(32, PL_CLASS_NORMAL, 4, PL_OK), "X-3");
    assert_string_equal(judge(32, PL_CLASS_NORMAL, 6, PL_OK), "X-6");
    assert_string_equal(judge(32, PL_CLASS_NORMAL, 25, PL_OK), "X-6");
}

/* Runs: below the floor although they fit, "never" for what an empty machine has, and more than there is.
 * Expect F-8 with F-7, F-24, X-6; nothing for the right answers. */
static void test_runs(void **state)
{
    (void)state;
    static const struct {
        uint64_t left;
        uint64_t frames;
        enum pl_status status;
        const char *ids;
    } rows[] = {
        {10, 3, PL_OK, "F-8 F-7 X-7"},  {11, 3, PL_OK, ""},
        {10, 3, PL_NO_MEMORY, ""},      {20, 3, PL_NO_MEMORY, "F-8"},
        {32, 3, PL_NEVER, "F-24"},      {0, 3, PL_NEVER, "F-24"},
        {32, 33, PL_NEVER, ""},         {32, 33, PL_OK, "X-6"},
        {32, UINT64_MAX, PL_OK, "X-6"}, {32, UINT64_MAX - 7, PL_OK, "X-6"},
        {32, 3, PL_INVALID, "X-3"},     {32, 3, PL_UNSUPPORTED, "X-3"},
    };
    for (size_t i = 0; i < PL_COUNT_OF(rows); i++) {
        struct desk desk;
        struct finding finding = {.found = false};
        struct pl_constraints c = {.frame_count = rows[i].frames, .high = {UINT64_MAX}, .alignment = 1};
        struct pl_run run = {.first = {32 - rows[i].left}, .frame_count = rows[i].frames};
        desk_open(&desk, rows[i].left);
        struct expectation expected = expect_run(&desk.shadow, &desk.rig.instance, PL_CLASS_NORMAL, &c);
        expect_check(&expected, &desk.shadow, &desk.rig.instance, rows[i].status, &run, &finding);
        if (strcmp(finding.ids, rows[i].ids) != 0)
            fail_msg("row %zu: '%s' expected, got '%s'", i, rows[i].ids, finding.ids);
        desk_close(&desk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_frames),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
