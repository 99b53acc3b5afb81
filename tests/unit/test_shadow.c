/* The shadow's searches against searches that are too simple to be wrong, and what it refuses. */
#include "tests/unit/unit.h"

#include "engine/shadow.h"

#include <string.h>

static const struct native_shape holed = {.ranges = {{.first = {37}, .frame_count = 40},
                                                     {.first = {80}, .frame_count = 1},
                                                     {.first = {90}, .frame_count = 70}},
                                          .range_count = 3,
                                          .cpu_count = 1};

static struct native_machine *machine_of(const struct native_shape *shape)
{
    char error[128] = "";
    struct native_machine *native = native_machine_new(shape, error, sizeof(error));
    if (native == NULL)
        fail_msg("%s", error);
    return native;
}

/* Is the frame free, as far as anybody can say? Frames outside every range are not. */
static bool is_free(const struct shadow *shadow, uint64_t frame, bool empty)
{
    if (!shadow_in_machine(shadow, pl_frame_at(frame), 1))
        return false;
    const uint32_t *map = empty ? shadow->pristine : shadow->owner;
    return map[frame - shadow->machine->first.number] == 0;
}

static bool brute_has_run(const struct shadow *shadow, const struct pl_constraints *c, bool empty)
{
    uint64_t end = shadow->machine->first.number + shadow->machine->span;
    for (uint64_t first = 0; first < end; first++) {
        bool good = first >= c->low.number && first % c->alignment == 0;
        for (uint64_t i = 0; good && i < c->frame_count; i++) {
            good = is_free(shadow, first + i, empty) && first + i < c->high.number;
            if (c->boundary != 0 && i > 0 && (first + i) % c->boundary == 0)
                good = false;
        }
        if (good)
            return true;
    }
    return false;
}

static void grant_some(struct shadow *shadow, uint32_t *seed, unsigned share)
{
    shadow_reset(shadow);
    for (uint64_t i = 0; i < shadow->machine->span; i++) {
        struct pl_run run = {.first = {shadow->machine->first.number + i}, .frame_count = 1};
        struct finding finding = {.found = false};
        if (shadow->owner[i] == 0 && next_number(seed) % 8 < share)
            shadow_grant(shadow, &run, 1, &finding);
        assert_false(finding.found);
    }
}

/* Three hundred random maps of a machine with holes, thirty random constraints on each.
 * Expect the same answer from shadow_has_run and from trying every first frame, on the map and when empty. */
static void test_has_run_against_brute_force(void **state)
{
    (void)state;
    struct shadow shadow;
    struct native_machine *native = machine_of(&holed);
    uint32_t seed = 77;
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    for (int map = 0; map < 300; map++) {
        grant_some(&shadow, &seed, (unsigned)map % 6);
        for (int i = 0; i < 30; i++) {
            struct pl_constraints c = {
                .frame_count = 1 + next_number(&seed) % (i % 2 ? 6 : 48),
                .low = {next_number(&seed) % 170},
                .high = {i % 3 ? UINT64_MAX : next_number(&seed) % 200},
                .alignment = UINT64_C(1) << next_number(&seed) % 6,
                .boundary = i % 4 ? 0 : UINT64_C(1) << next_number(&seed) % 7,
            };
            bool empty = i % 5 == 0;
            if (shadow_has_run(&shadow, &c, empty) != brute_has_run(&shadow, &c, empty))
                fail_msg(
                    "map %d: %llu frames in [%llu, %llu), alignment %llu, boundary %llu: brute force says %d",
                    map, (unsigned long long)c.frame_count, (unsigned long long)c.low.number,
                    (unsigned long long)c.high.number, (unsigned long long)c.alignment,
                    (unsigned long long)c.boundary, brute_has_run(&shadow, &c, empty));
        }
    }
    shadow_fini(&shadow);
    native_machine_delete(native);
}

/* Random maps again, by order.
 * Expect shadow_has_block to agree with brute force, and the largest order to be the last that it has. */
static void test_blocks_against_brute_force(void **state)
{
    (void)state;
    struct shadow shadow;
    struct native_machine *native = machine_of(&holed);
    uint32_t seed = 13;
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    for (int map = 0; map < 300; map++) {
        int largest = -1;
        grant_some(&shadow, &seed, (unsigned)map % 9);
        for (unsigned order = 0; order < 9; order++) {
            uint64_t frames = UINT64_C(1) << order;
            struct pl_constraints c = {.frame_count = frames, .high = {UINT64_MAX}, .alignment = frames};
            bool has = brute_has_run(&shadow, &c, false);
            assert_int_equal(shadow_has_block(&shadow, order), has);
            if (has)
                largest = (int)order;
        }
        assert_int_equal(shadow_largest_free_order(&shadow), largest);
    }
    shadow_fini(&shadow);
    native_machine_delete(native);
}

/* Counts at the top of 64 bits, alignments larger than the machine, an empty window.
 * Expect false, and no wrap into acceptance. */
static void test_large_numbers_do_not_wrap(void **state)
{
    (void)state;
    struct shadow shadow;
    struct native_machine *native = machine_of(&holed);
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    const struct pl_constraints never[] = {
        {.frame_count = UINT64_MAX, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = UINT64_MAX - 38, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = 1, .high = {UINT64_MAX}, .alignment = UINT64_C(1) << 62},
        {.frame_count = 1, .low = {UINT64_MAX - 1}, .high = {UINT64_MAX}, .alignment = 1},
        {.frame_count = 1, .low = {100}, .high = {100}, .alignment = 1},
        {.frame_count = 1, .low = {101}, .high = {100}, .alignment = 1},
        {.frame_count = 3, .high = {UINT64_MAX}, .alignment = 1, .boundary = 2},
    };
    for (size_t i = 0; i < PL_COUNT_OF(never); i++)
        assert_false(shadow_has_run(&shadow, &never[i], true));
    for (unsigned order = 7; order <= PL_ORDER_LIMIT; order++)
        assert_false(shadow_has_block(&shadow, order));
    assert_false(shadow_in_machine(&shadow, pl_frame_at(90), UINT64_MAX));
    assert_false(shadow_in_machine(&shadow, pl_frame_at(UINT64_MAX), 2));
    shadow_fini(&shadow);
    native_machine_delete(native);
}

static bool grant_is_found(struct shadow *shadow, uint64_t first, uint64_t frame_count, const char *ids)
{
    struct finding finding = {.found = false};
    uint64_t live = shadow->live;
    struct pl_run run = {.first = {first}, .frame_count = frame_count};
    shadow_grant(shadow, &run, 9, &finding);
    return finding.found && strcmp(finding.ids, ids) == 0 && shadow->live == live;
}

/* Grants below, between, behind and across the ranges, and of frames that are granted.
 * Expect X-1 for the first, F-1 for the last, and the shadow unchanged by either. */
static void test_illegal_grants(void **state)
{
    (void)state;
    struct shadow shadow;
    struct native_machine *native = machine_of(&holed);
    struct finding finding = {.found = false};
    const struct pl_run run = {.first = {100}, .frame_count = 8};
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    shadow_grant(&shadow, &run, 3, &finding);
    assert_false(finding.found);
    assert_int_equal(shadow_free_frames(&shadow), 111 - 8);
    static const uint64_t outside[][2] = {{36, 1}, {76, 2}, {77, 1}, {80, 2}, {81, 1}, {159, 2}, {160, 1}};
    for (size_t i = 0; i < PL_COUNT_OF(outside); i++)
        assert_true(grant_is_found(&shadow, outside[i][0], outside[i][1], "X-1"));
    static const uint64_t taken[][2] = {{100, 8}, {99, 2}, {107, 1}, {107, 9}, {90, 70}};
    for (size_t i = 0; i < PL_COUNT_OF(taken); i++)
        assert_true(grant_is_found(&shadow, taken[i][0], taken[i][1], "F-1 X-2"));
    shadow_release(&shadow, &run, 3);
    assert_int_equal(shadow_free_frames(&shadow), 111);
    shadow_fini(&shadow);
    native_machine_delete(native);
}

/* A grant is passed on in part.
 * Expect each part to be released under its own tag. */
static void test_retag(void **state)
{
    (void)state;
    struct shadow shadow;
    struct native_machine *native = machine_of(&holed);
    struct finding finding = {.found = false};
    const struct pl_run whole = {.first = {96}, .frame_count = 4};
    const struct pl_run low = {.first = {96}, .frame_count = 2};
    const struct pl_run high = {.first = {98}, .frame_count = 2};
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    shadow_grant(&shadow, &whole, 1, &finding);
    shadow_retag(&shadow, &high, 2);
    shadow_release(&shadow, &high, 2);
    shadow_release(&shadow, &low, 1);
    assert_int_equal(shadow.live, 0);
    assert_memory_equal(shadow.owner, shadow.pristine, sizeof(*shadow.owner) * 123);
    shadow_fini(&shadow);
    native_machine_delete(native);
}

/* The floor test, with floors of 0, 2 and 8 and of more than the machine.
 * Expect free >= floor + n, without a wrap. */
static void test_admits(void **state)
{
    (void)state;
    struct native_shape shape = {.ranges = {{.frame_count = 10}}, .range_count = 1, .cpu_count = 1};
    shape.floors = (struct pl_floors){.interrupt = 0, .system = 2, .normal = 8};
    struct native_machine *native = machine_of(&shape);
    struct shadow shadow;
    assert_int_equal(shadow_init(&shadow, native_machine_view(native)), 0);
    assert_true(shadow_admits(&shadow, PL_CLASS_NORMAL, 2));
    assert_false(shadow_admits(&shadow, PL_CLASS_NORMAL, 3));
    assert_true(shadow_admits(&shadow, PL_CLASS_SYSTEM, 8));
    assert_false(shadow_admits(&shadow, PL_CLASS_SYSTEM, 9));
    assert_true(shadow_admits(&shadow, PL_CLASS_INTERRUPT, 10));
    assert_false(shadow_admits(&shadow, PL_CLASS_INTERRUPT, 11));
    assert_false(shadow_admits(&shadow, PL_CLASS_INTERRUPT, UINT64_MAX));
    assert_false(shadow_admits(&shadow, PL_CLASS_NORMAL, UINT64_MAX - 7));
    shadow_fini(&shadow);
    native_machine_delete(native);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has_run_against_brute_force),
        cmocka_unit_test(test_blocks_against_brute_force),
        cmocka_unit_test(test_large_numbers_do_not_wrap),
        cmocka_unit_test(test_illegal_grants),
        cmocka_unit_test(test_retag),
        cmocka_unit_test(test_admits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
