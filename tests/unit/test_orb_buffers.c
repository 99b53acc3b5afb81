/* Buffers of an ORB: tables worked out by hand, byte for byte; the edges; the two contracts where they part.
 */
#include "tests/unit/test_orb_rig.h"

struct scene {
    struct stand stand;
    struct sbp2_orb *orb;
    struct segments memory;
};

static void scene_open(struct scene *scene, enum contract contract)
{
    stand_open(&scene->stand, contract);
    scene->orb = sbp2_orb_new(scene->stand.login, scene->stand.rig.cpu);
    assert_non_null(scene->orb);
}

static void scene_close(struct scene *scene)
{
    sbp2_orb_release(scene->stand.login, scene->stand.rig.cpu, scene->orb);
    stand_close(&scene->stand);
}

static uint32_t set(struct scene *scene, uint64_t offset, uint64_t length)
{
    uint32_t status = sbp2_orb_set_command_buffers(scene->stand.login, scene->stand.rig.cpu, scene->orb,
                                                   &scene->memory.memory, offset, length);
    assert_int_equal(sbp2_gate_depth(scene->stand.login), 0);
    assert_int_equal(scene->memory.memory.references, status == IOKIT_SUCCESS ? 2 : 1);
    return status;
}

static void over(struct scene *scene, const struct iokit_range *segments, uint32_t count)
{
    sbp2_orb_release_command_buffers(scene->stand.login, scene->stand.rig.cpu, scene->orb);
    segments_open(&scene->stand, &scene->memory, segments, count);
}

static const unsigned char *table(struct scene *scene)
{
    struct sbp2_table_view view;
    sbp2_orb_table(scene->stand.login, scene->orb, &view);
    return gate_bytes(&scene->stand.gate, view.runs[0].first);
}

/* Three segments: one that is cut, two neighbours that are one, one high up.
 *
 *   0x12345001 + 0xF001     -> F000 0000 12345001, 0001 0000 12354001
 *   0x20000000 + 0x10       \
 *   0x20000010 + 0x20       /-> 0030 0000 20000000
 *   0xABCD_00000002 + 0x1000 -> 1000 ABCD 00000002 */
static void a_table_worked_by_hand(void **state)
{
    (void)state;
    static const struct iokit_range segments[] = {
        {0x12345001, 0xF001}, {0x20000000, 0x10}, {0x20000010, 0x20}, {UINT64_C(0xABCD00000002), 0x1000}};
    static const unsigned char expected[] = {0xF0, 0x00, 0x00, 0x00, 0x12, 0x34, 0x50, 0x01, 0x00, 0x01,
                                             0x00, 0x00, 0x12, 0x35, 0x40, 0x01, 0x00, 0x30, 0x00, 0x00,
                                             0x20, 0x00, 0x00, 0x00, 0x10, 0x00, 0xAB, 0xCD, 0x00, 0x00,
                                             0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
    struct scene scene;
    struct sbp2_table_view view;
    scene_open(&scene, CONTRACT_DOC);
    over(&scene, segments, 4);
    assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
    assert_memory_equal(table(&scene), expected, sizeof(expected));
    sbp2_orb_table(scene.stand.login, scene.orb, &view);
    assert_int_equal(orb_big(&scene.stand, scene.orb, 8, 8), (uint64_t)STAND_NODE << 48 | view.physical_addr);
    assert_int_equal(orb_big(&scene.stand, scene.orb, 16, 2), 0x0008);
    assert_int_equal(orb_big(&scene.stand, scene.orb, 18, 2), 4);
    assert_int_equal(sbp2_orb_entries_in_use(scene.stand.login, scene.orb), 4);
    /* From the middle of the first to the middle of the last. */
    assert_int_equal(set(&scene, 0xF000, 0x32), IOKIT_SUCCESS);
    assert_memory_equal(table(&scene), expected + 8, 16);
    assert_memory_equal(table(&scene) + 16, "\x00\x01\xAB\xCD\x00\x00\x00\x02", 8);
    scene_close(&scene);
}

/* 7.3: lengths around the longest, addresses 0 to 3 modulo 4, below and above 2^32. */
static void lengths_and_addresses_at_the_edges(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 0xEFFF, 0xF000, 0xF001, 0x10000, 0x1E000, 0x1E001};
    static const uint64_t bases[] = {0x10000, UINT64_C(0xFFFFF000), UINT64_C(1) << 32, UINT64_C(1) << 47};
    for (int real = 0; real < 2; real++) {
        struct scene scene;
        scene_open(&scene, real ? CONTRACT_REAL : CONTRACT_DOC);
        for (unsigned i = 0; i < 7 * 4 * 4; i++) {
            uint64_t length = lengths[i % 7], addr = bases[i / 7 % 4] + i / 28;
            uint64_t pieces = (length + 0xEFFF) / 0xF000;
            bool direct = pieces == 1 && addr % 4 == 0 && (real || addr >> 32 == 0);
            over(&scene, &(struct iokit_range){addr, length}, 1);
            assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
            assert_int_equal(orb_big(&scene.stand, scene.orb, 16, 2), direct ? 0 : 8);
            assert_int_equal(orb_big(&scene.stand, scene.orb, 18, 2), direct ? length : pieces);
            /* no more than 32 bits of the address. */
            if (direct)
                assert_int_equal(orb_big(&scene.stand, scene.orb, 8, 8),
                                 (uint64_t)STAND_NODE << 48 | (addr & UINT32_MAX));
        }
        scene_close(&scene);
    }
}

static void addresses_that_no_entry_can_say(void **state)
{
    (void)state;
    static const uint64_t limit = UINT64_C(1) << 48;
    const struct {
        struct iokit_range segment;
        uint32_t status;
    } cases[] = {
        {{limit - 0x1000, 0x1000}, IOKIT_SUCCESS}, {{limit - 0x1000, 0x1001}, IOKIT_BAD_ARGUMENT},
        {{limit, 1}, IOKIT_BAD_ARGUMENT},          {{UINT64_C(1) << 63, 4}, IOKIT_BAD_ARGUMENT},
        {{0, 4096}, IOKIT_BAD_ARGUMENT},           {{1, 4096}, IOKIT_SUCCESS},
    };
    struct scene scene;
    scene_open(&scene, CONTRACT_DOC);
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        over(&scene, &cases[i].segment, 1);
        assert_int_equal(set(&scene, 0, 0), cases[i].status);
        if (cases[i].status != IOKIT_SUCCESS)
            expect_inert(&scene.stand, scene.orb);
    }
    scene_close(&scene);
}

/* S-16, R-13, X-6. */
static void ranges_of_bytes(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset, length;
        uint32_t doc, real;
    } cases[] = {
        {0, 0, IOKIT_SUCCESS, IOKIT_SUCCESS},
        {0, 300, IOKIT_SUCCESS, IOKIT_SUCCESS},
        {299, 1, IOKIT_SUCCESS, IOKIT_SUCCESS},
        {299, 2, IOKIT_BAD_ARGUMENT, IOKIT_BAD_ARGUMENT},
        {100, 0, IOKIT_SUCCESS, IOKIT_BAD_ARGUMENT},
        {300, 0, IOKIT_SUCCESS, IOKIT_BAD_ARGUMENT},
        {301, 0, IOKIT_BAD_ARGUMENT, IOKIT_BAD_ARGUMENT},
        {UINT64_MAX, 2, IOKIT_BAD_ARGUMENT, IOKIT_BAD_ARGUMENT},
        {2, UINT64_MAX, IOKIT_BAD_ARGUMENT, IOKIT_BAD_ARGUMENT},
        {0, UINT32_MAX, IOKIT_BAD_ARGUMENT, IOKIT_BAD_ARGUMENT},
    };
    static const struct iokit_range segments[] = {{0x10000, 100}, {0x20000, 100}, {0x30000, 100}};
    for (int real = 0; real < 2; real++) {
        struct scene scene;
        scene_open(&scene, real ? CONTRACT_REAL : CONTRACT_DOC);
        /* Too small a fixed table must not hide a range outside. */
        for (unsigned fixed = 0; fixed < 2; fixed++) {
            over(&scene, segments, 3);
            sbp2_orb_set_flags(scene.stand.login, scene.orb, fixed ? SBP2_FIXED_SIZE : 0);
            if (fixed)
                assert_int_equal(
                    sbp2_orb_allocate_page_table(scene.stand.login, scene.stand.rig.cpu, scene.orb, 1),
                    IOKIT_SUCCESS);
            for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
                uint32_t expected = real ? cases[i].real : cases[i].doc;
                uint64_t bytes = cases[i].length == 0 ? 300 - cases[i].offset : cases[i].length;
                if (fixed && expected == IOKIT_SUCCESS && bytes > 100)
                    expected = IOKIT_NO_MEMORY;
                assert_int_equal(set(&scene, cases[i].offset, cases[i].length), expected);
                if (expected != IOKIT_SUCCESS)
                    expect_inert(&scene.stand, scene.orb);
            }
        }
        scene_close(&scene);
    }
}

/* R-11, S-10, S-11, S-20. */
static void a_fixed_table_that_is_too_small(void **state)
{
    (void)state;
    static const struct iokit_range two[] = {{0x10000, 4}, {0x20000, 4}};
    static const struct iokit_range three[] = {{0x50000, 8}, {0x60000, 8}, {0x70000, 8}};
    for (int real = 0; real < 2; real++) {
        struct scene scene;
        struct sbp2_table_view before, after;
        unsigned char entries[16];
        scene_open(&scene, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2 *login = scene.stand.login;
        assert_int_equal(sbp2_orb_allocate_page_table(login, scene.stand.rig.cpu, scene.orb, 2),
                         IOKIT_SUCCESS);
        sbp2_orb_set_flags(scene.stand.login, scene.orb, SBP2_FIXED_SIZE);
        over(&scene, two, 2);
        sbp2_orb_table(scene.stand.login, scene.orb, &before);
        uint64_t calls = scene.stand.gate.calls;
        assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
        memcpy(entries, table(&scene), sizeof(entries));
        struct sbp2_orb *orb = scene.orb;
        assert_ptr_equal(sbp2_orb_memory(scene.stand.login, orb), &scene.memory.memory);
        sbp2_orb_release_command_buffers(login, scene.stand.rig.cpu, orb);
        assert_int_equal(scene.memory.memory.references, 1);
        assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
        /* Another descriptor, while the first one is attached. */
        struct segments more;
        segments_open(&scene.stand, &more, three, 3);
        assert_int_equal(sbp2_orb_set_command_buffers(login, scene.stand.rig.cpu, orb, &more.memory, 0, 0),
                         IOKIT_NO_MEMORY);
        assert_int_equal(scene.stand.gate.calls, calls);
        assert_int_equal(scene.memory.memory.references, 1);
        assert_int_equal(more.memory.references, 1);
        expect_inert(&scene.stand, orb);
        sbp2_orb_table(scene.stand.login, orb, &after);
        assert_memory_equal(&before, &after, sizeof(before));
        assert_int_equal(sbp2_orb_entries_in_use(scene.stand.login, orb), real ? 2 : 0);
        if (real)
            assert_memory_equal(table(&scene),
                                "\x00\x08\x00\x00\x00\x05\x00\x00\x00\x08\x00\x00\x00\x06\x00\x00", 16);
        else
            assert_memory_equal(table(&scene), entries, sizeof(entries));
        scene_close(&scene);
    }
}

static void a_table_grows_and_each_grant_may_fail(void **state)
{
    (void)state;
    static const struct iokit_range three[] = {{0x50000, 8}, {0x60000, 8}, {0x70000, 8}};
    for (int real = 0; real < 2; real++) {
        struct scene scene;
        scene_open(&scene, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2 *login = scene.stand.login;
        assert_int_equal(sbp2_orb_allocate_page_table(login, scene.stand.rig.cpu, scene.orb, 2),
                         IOKIT_SUCCESS);
        over(&scene, three, 3);
        uint64_t n = 0;
        do {
            scene.stand.gate.fail_in = ++n;
            uint32_t status = set(&scene, 0, 0);
            if (status == IOKIT_SUCCESS)
                break;
            assert_int_equal(status, IOKIT_NO_MEMORY);
            expect_inert(&scene.stand, scene.orb);
            assert_int_equal(sbp2_orb_capacity(scene.stand.login, scene.orb), real ? 0 : 2);
        } while (n < 10);
        assert_in_range(n, 2, 9);
        scene.stand.gate.fail_in = 0;
        assert_int_equal(sbp2_orb_capacity(scene.stand.login, scene.orb), 3);
        assert_int_equal(set(&scene, 0, 8), IOKIT_SUCCESS);
        assert_int_equal(sbp2_orb_capacity(scene.stand.login, scene.orb), 3);
        scene_close(&scene);
    }
}

static void constraints_and_clips_cut_shorter(void **state)
{
    (void)state;
    static const struct {
        struct sbp2_limits limits;
        uint32_t payload, constraint, longest;
    } cases[] = {
        {{0, 0, 0, false}, 0, 0, 0xF000},       {{0, 0, 0, false}, 0, 4097, 4097},
        {{4096, 0, 0, false}, 0, 0, 0xF000},    {{2048, 0, 0, false}, 0, 0, 2048},
        {{2047, 0, 0, false}, 0, 0, 1024},      {{1024, 0, 0, false}, 0, 0, 1024},
        {{1023, 0, 0, false}, 0, 0, 512},       {{1, 0, 0, false}, 0, 0, 512},
        {{2048, 2048, 0, false}, 0, 0, 0xF000}, {{2048, 0, 0, false}, 1024, 0, 0xF000},
        {{0, 0, 2048, false}, 0, 0, 4096},      {{0, 0, 4096, false}, 0, 0, 0xF000},
        {{0, 0, 512, false}, 1024, 0, 1024},    {{512, 0, 0, true}, 0, 0, 0xF000},
        {{2048, 0, 0, false}, 0, 1000, 1000},
    };
    struct scene scene;
    scene_open(&scene, CONTRACT_DOC);
    struct sbp2 *login = scene.stand.login;
    for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
        uint64_t pieces = (0x1E001 + cases[i].longest - 1) / cases[i].longest;
        over(&scene, &(struct iokit_range){0x100000, 0x1E001}, 1);
        sbp2_set_limits(login, &cases[i].limits);
        sbp2_orb_set_payload(scene.stand.login, scene.orb, cases[i].payload);
        assert_int_equal(
            sbp2_orb_set_constraints(login, scene.stand.rig.cpu, scene.orb, cases[i].constraint, 0, 0),
            IOKIT_SUCCESS);
        assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
        assert_int_equal(sbp2_orb_entries_in_use(scene.stand.login, scene.orb), pieces);
        assert_int_equal(table(&scene)[0] << 8 | table(&scene)[1], cases[i].longest);
        assert_int_equal(sbp2_orb_set_constraints(login, scene.stand.rig.cpu, scene.orb, 1, 1, 1),
                         IOKIT_BUSY);
    }
    scene_close(&scene);
}

static void memory_must_be_prepared_and_goes_with_the_orb(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, CONTRACT_DOC);
    struct pl_cpu *cpu = scene.stand.rig.cpu;
    over(&scene, &(struct iokit_range){0x1000, 64}, 1);
    assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
    struct segments raw;
    segments_open(&scene.stand, &raw, &(struct iokit_range){0x9000, 64}, 1);
    assert_int_equal(iokit_memory_complete(&raw.memory, cpu), IOKIT_SUCCESS);
    assert_int_equal(sbp2_orb_set_command_buffers(scene.stand.login, cpu, scene.orb, &raw.memory, 0, 0),
                     IOKIT_NOT_READY);
    assert_int_equal(scene.stand.trap.count, 1);
    assert_ptr_equal(sbp2_orb_memory(scene.stand.login, scene.orb), &scene.memory.memory);
    /* The ORB holds the last reference; set again over itself it stays, with the ORB it goes. */
    iokit_memory_release(&scene.memory.memory, cpu);
    assert_int_equal(
        sbp2_orb_set_command_buffers(scene.stand.login, cpu, scene.orb, &scene.memory.memory, 4, 8),
        IOKIT_SUCCESS);
    assert_false(scene.memory.destroyed);
    scene_close(&scene);
    assert_true(scene.memory.destroyed);
}

/* While the ORB points at it, nobody lets its pages go; and where nothing may sleep, it is not let go at all.
 */
static void attached_memory_is_held(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, CONTRACT_DOC);
    struct pl_cpu *cpu = scene.stand.rig.cpu;
    over(&scene, &(struct iokit_range){0x1000, 64}, 1);
    assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
    assert_int_equal(set(&scene, 8, 8), IOKIT_SUCCESS);
    assert_int_equal(iokit_memory_complete(&scene.memory.memory, cpu), IOKIT_BUSY);
    assert_int_equal(scene.stand.trap.count, 1);
    assert_string_equal(scene.stand.trap.rule, "5.5");
    cpu->no_sleep_depth++;
    assert_int_equal(sbp2_orb_release_command_buffers(scene.stand.login, cpu, scene.orb),
                     IOKIT_NOT_PERMITTED);
    sbp2_orb_release(scene.stand.login, cpu, scene.orb);
    cpu->no_sleep_depth--;
    assert_int_equal(scene.stand.trap.count, 3);
    assert_ptr_equal(sbp2_orb_memory(scene.stand.login, scene.orb), &scene.memory.memory);
    assert_int_equal(sbp2_orb_release_command_buffers(scene.stand.login, cpu, scene.orb), IOKIT_SUCCESS);
    assert_int_equal(iokit_memory_complete(&scene.memory.memory, cpu), IOKIT_SUCCESS);
    assert_int_equal(scene.stand.trap.count, 3);
    scene_close(&scene);
}

/* Tables and buffers are replaced while they are in use: what the ORB says never outlives what it says it of.
 */
static void a_new_table_forgets_the_mapping(void **state)
{
    (void)state;
    static const struct iokit_range two[] = {{0x10000, 4}, {0x20000, 4}};
    struct scene scene;
    scene_open(&scene, CONTRACT_DOC);
    over(&scene, two, 2);
    assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
    assert_int_equal(sbp2_orb_allocate_page_table(scene.stand.login, scene.stand.rig.cpu, scene.orb, 7),
                     IOKIT_SUCCESS);
    assert_int_equal(orb_big(&scene.stand, scene.orb, 8, 8), 0);
    assert_int_equal(sbp2_orb_entries_in_use(scene.stand.login, scene.orb), 0);
    assert_ptr_equal(sbp2_orb_memory(scene.stand.login, scene.orb), &scene.memory.memory);
    assert_int_equal(table(&scene)[1], 0);
    scene_close(&scene);
    assert_int_equal(scene.memory.memory.references, 1);
}

static void ranges_are_refused_before_anything_changes(void **state)
{
    (void)state;
    static const struct iokit_range range = {0x1000, 64};
    const uint64_t wide = UINT64_C(1) << 32;
    for (int real = 0; real < 2; real++) {
        struct scene scene;
        scene_open(&scene, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2 *login = scene.stand.login;
        struct pl_cpu *cpu = scene.stand.rig.cpu;
        over(&scene, &(struct iokit_range){0x1000, 64}, 1);
        assert_int_equal(set(&scene, 0, 0), IOKIT_SUCCESS);
        assert_int_equal(sbp2_orb_set_ranges(login, cpu, scene.orb, &range, 0, 3, 0, 0), IOKIT_BAD_ARGUMENT);
        /* Nobody makes descriptors here, so the documented form has no memory for one. */
        assert_int_equal(sbp2_orb_set_ranges(login, cpu, scene.orb, &range, 1, 3, 0, 0),
                         real ? IOKIT_ERROR : IOKIT_NO_MEMORY);
        assert_int_equal(scene.stand.trap.count, real);
        if (real)
            assert_string_equal(scene.stand.trap.rule, "R-26");
        assert_int_equal(sbp2_orb_set_ranges64(login, cpu, scene.orb, &range, wide, 3, 0, 0),
                         real ? IOKIT_NO_MEMORY : IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_set_ranges64(login, cpu, scene.orb, &range, 1, 3, wide, 0),
                         real ? IOKIT_NO_MEMORY : IOKIT_BAD_ARGUMENT);
        assert_ptr_equal(sbp2_orb_memory(scene.stand.login, scene.orb), &scene.memory.memory);
        scene_close(&scene);
    }
}

/* The original's table whose bytes wrapped: what it would write behind it is trapped, and changes nothing. */
static void a_wrapped_table_is_not_written_beyond(void **state)
{
    (void)state;
    static const struct iokit_range two[] = {{0x10000, 4}, {0x20000, 4}};
    struct scene scene;
    scene_open(&scene, CONTRACT_REAL);
    assert_int_equal(
        sbp2_orb_allocate_page_table(scene.stand.login, scene.stand.rig.cpu, scene.orb, 0x20000001),
        IOKIT_SUCCESS);
    over(&scene, two, 2);
    assert_int_equal(set(&scene, 0, 4), IOKIT_SUCCESS);
    assert_int_equal(sbp2_orb_set_command_buffers(scene.stand.login, scene.stand.rig.cpu, scene.orb,
                                                  &scene.memory.memory, 0, 0),
                     IOKIT_NO_MEMORY);
    assert_int_equal(scene.stand.trap.count, 1);
    assert_string_equal(scene.stand.trap.rule, "S-3");
    assert_ptr_equal(sbp2_orb_memory(scene.stand.login, scene.orb), &scene.memory.memory);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_worked_by_hand),
        cmocka_unit_test(lengths_and_addresses_at_the_edges),
        cmocka_unit_test(addresses_that_no_entry_can_say),
        cmocka_unit_test(ranges_of_bytes),
        cmocka_unit_test(a_fixed_table_that_is_too_small),
        cmocka_unit_test(a_table_grows_and_each_grant_may_fail),
        cmocka_unit_test(constraints_and_clips_cut_shorter),
        cmocka_unit_test(memory_must_be_prepared_and_goes_with_the_orb),
        cmocka_unit_test(attached_memory_is_held),
        cmocka_unit_test(a_new_table_forgets_the_mapping),
        cmocka_unit_test(ranges_are_refused_before_anything_changes),
        cmocka_unit_test(a_wrapped_table_is_not_written_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
