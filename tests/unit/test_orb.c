/* ORBs: their life, their tables, every grant failing in turn, and handles that are none. */
#include "tests/unit/test_orb_rig.h"

static struct sbp2_orb *orb_open(struct stand *stand)
{
    struct sbp2_orb *orb = sbp2_orb_new(stand->login, stand->rig.cpu);
    assert_non_null(orb);
    return orb;
}

static uint32_t make_table(struct stand *stand, struct sbp2_orb *orb, uint32_t entries)
{
    return sbp2_orb_allocate_page_table(stand->login, stand->rig.cpu, orb, entries);
}

static void a_new_orb_has_a_page_of_entries_and_points_at_nothing(void **state)
{
    (void)state;
    struct stand stand;
    stand_open(&stand, CONTRACT_DOC);
    struct sbp2_orb *orb = orb_open(&stand);
    struct sbp2_constraints constraints = sbp2_orb_constraints(stand.login, orb);
    assert_int_equal(sbp2_orb_capacity(stand.login, orb), 512);
    assert_int_equal(constraints.segment_bytes_max, 0xF000);
    assert_int_equal(constraints.alignment, 1);
    assert_int_equal(constraints.options, 0);
    assert_int_equal(orb_big(&stand, orb, 0, 8), UINT64_C(1) << 63);
    assert_ptr_equal(sbp2_orb_login(stand.login, orb), stand.login);
    expect_inert(&stand, orb);
    sbp2_orb_release(stand.login, stand.rig.cpu, orb);
    stand_close(&stand);
}

static void the_release_that_finds_two_references_destroys(void **state)
{
    (void)state;
    struct stand stand;
    struct sbp2_counts counts;
    stand_open(&stand, CONTRACT_DOC);
    struct sbp2_orb *orb = orb_open(&stand);
    assert_int_equal(sbp2_orb_references(stand.login, orb), 2);
    sbp2_orb_retain(stand.login, orb);
    sbp2_orb_release(stand.login, stand.rig.cpu, orb);
    assert_int_equal(sbp2_orb_references(stand.login, orb), 2);
    sbp2_orb_release(stand.login, stand.rig.cpu, orb);
    sbp2_count(stand.login, &counts);
    assert_int_equal(counts.orbs, 0);
    /* Released once more: trapped, nothing changes. */
    sbp2_orb_release(stand.login, stand.rig.cpu, orb);
    assert_int_equal(stand.trap.count, 1);
    assert_string_equal(stand.trap.rule, "X-10");
    stand_close(&stand);
}

static void what_is_no_orb_is_trapped_by_every_call(void **state)
{
    (void)state;
    struct stand stand, other;
    uint64_t forged[64] = {0};
    stand_open(&stand, CONTRACT_DOC);
    stand_open(&other, CONTRACT_DOC);
    struct sbp2_orb *foreign = orb_open(&other);
    struct sbp2_orb *bad[] = {NULL, (struct sbp2_orb *)(void *)forged, foreign};
    struct pl_cpu *cpu = stand.rig.cpu;
    struct sbp2 *login = stand.login;
    for (size_t i = 0; i < PL_COUNT_OF(bad); i++) {
        uint64_t before = stand.trap.count;
        assert_int_equal(make_table(&stand, bad[i], 1), IOKIT_BAD_ARGUMENT);
        sbp2_orb_deallocate_page_table(login, cpu, bad[i]);
        assert_int_equal(sbp2_orb_set_command_buffers(login, cpu, bad[i], NULL, 0, 0), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_release_command_buffers(login, cpu, bad[i]), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_set_ranges(login, cpu, bad[i], NULL, 0, 0, 0, 0), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_set_ranges64(login, cpu, bad[i], NULL, 0, 0, 0, 0), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_set_constraints(login, cpu, bad[i], 0, 0, 0), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_set_command(login, bad[i], NULL, 0), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_orb_set_command_memory(login, cpu, bad[i], NULL), IOKIT_BAD_ARGUMENT);
        assert_int_equal(sbp2_submit(login, cpu, bad[i]), IOKIT_BAD_ARGUMENT);
        sbp2_orb_set_timeout(login, cpu, bad[i], 1);
        sbp2_orb_prepare(login, bad[i]);
        sbp2_orb_retain(login, bad[i]);
        sbp2_orb_release(login, cpu, bad[i]);
        assert_int_equal(stand.trap.count, before + 14);
    }
    assert_int_equal(stand.gate.calls, 0);
    sbp2_orb_release(other.login, other.rig.cpu, foreign);
    stand_close(&other);
    stand_close(&stand);
}

static void calls_that_may_sleep_are_trapped_at_interrupt_level(void **state)
{
    (void)state;
    struct stand stand;
    stand_open(&stand, CONTRACT_DOC);
    struct sbp2_orb *orb = orb_open(&stand);
    struct pl_cpu *cpu = stand.rig.cpu;
    cpu->context = PL_CONTEXT_HARDIRQ;
    assert_null(sbp2_orb_new(stand.login, cpu));
    assert_int_equal(make_table(&stand, orb, 1), IOKIT_NOT_PERMITTED);
    assert_int_equal(sbp2_orb_set_command_buffers(stand.login, cpu, orb, NULL, 0, 0), IOKIT_NOT_PERMITTED);
    assert_int_equal(sbp2_orb_set_constraints(stand.login, cpu, orb, 1, 1, 1), IOKIT_NOT_PERMITTED);
    assert_int_equal(sbp2_orb_set_ranges(stand.login, cpu, orb, NULL, 0, 0, 0, 0), IOKIT_NOT_PERMITTED);
    assert_int_equal(sbp2_orb_set_command_memory(stand.login, cpu, orb, NULL), IOKIT_NOT_PERMITTED);
    sbp2_orb_set_timeout(stand.login, cpu, orb, 5);
    sbp2_orb_release(stand.login, cpu, orb);
    assert_int_equal(stand.trap.count, 8);
    assert_int_equal(sbp2_orb_capacity(stand.login, orb), 512);
    assert_int_equal(sbp2_orb_timeout(stand.login, orb), 0);
    cpu->context = PL_CONTEXT_TASK;
    sbp2_orb_release(stand.login, cpu, orb);
    stand_close(&stand);
}

/* 7.3: counts around a page, around 2^32 / 8, and the largest. */
static void entry_counts_at_the_edges(void **state)
{
    (void)state;
    static const struct {
        uint32_t entries;
        uint32_t doc;
        uint64_t real_bytes; /* 0: refused */
    } cases[] = {
        {0, IOKIT_NO_MEMORY, 0},          {1, IOKIT_SUCCESS, 8},
        {511, IOKIT_SUCCESS, 4088},       {512, IOKIT_SUCCESS, 4096},
        {513, IOKIT_SUCCESS, 4104},       {0x1FFFFFFF, IOKIT_NO_MEMORY, 0},
        {0x20000000, IOKIT_NO_MEMORY, 0}, {0x20000001, IOKIT_NO_MEMORY, 8},
        {0xFFFFFFFF, IOKIT_NO_MEMORY, 0},
    };
    for (int real = 0; real < 2; real++) {
        struct stand stand;
        struct sbp2_table_view view;
        stand_open(&stand, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2_orb *orb = orb_open(&stand);
        for (size_t i = 0; i < PL_COUNT_OF(cases); i++) {
            uint32_t before = sbp2_orb_capacity(stand.login, orb);
            bool works = real ? cases[i].real_bytes != 0 : cases[i].doc == IOKIT_SUCCESS;
            assert_int_equal(make_table(&stand, orb, cases[i].entries),
                             works ? IOKIT_SUCCESS : IOKIT_NO_MEMORY);
            sbp2_orb_table(stand.login, orb, &view);
            uint32_t kept = real ? 0 : before;
            assert_int_equal(sbp2_orb_capacity(stand.login, orb), works ? cases[i].entries : kept);
            if (works)
                assert_int_equal(view.bytes, cases[i].real_bytes);
        }
        sbp2_orb_deallocate_page_table(stand.login, stand.rig.cpu, orb);
        sbp2_orb_deallocate_page_table(stand.login, stand.rig.cpu, orb);
        assert_int_equal(sbp2_orb_capacity(stand.login, orb), 0);
        sbp2_orb_release(stand.login, stand.rig.cpu, orb);
        stand_close(&stand);
    }
}

/* Each grant of an operation fails in turn, until it succeeds. Nothing may be left of the failures. */
static void every_grant_of_a_new_orb_may_fail(void **state)
{
    (void)state;
    for (int scatter = 0; scatter < 2; scatter++) {
        struct stand stand;
        struct sbp2_orb *orb = NULL;
        uint64_t n = 0;
        stand_open(&stand, CONTRACT_DOC);
        stand.scatter = scatter;
        while (orb == NULL) {
            stand.gate.fail_in = ++n;
            orb = sbp2_orb_new(stand.login, stand.rig.cpu);
            if (orb == NULL)
                assert_int_equal(stand.gate.held, 0);
        }
        /* A page of each slab, and the table's. */
        assert_int_equal(n, 5);
        stand.gate.fail_in = 0;
        sbp2_orb_release(stand.login, stand.rig.cpu, orb);
        stand_close(&stand);
    }
}

static void every_grant_of_a_table_may_fail(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct stand stand;
        struct sbp2_table_view before, after;
        stand_open(&stand, real ? CONTRACT_REAL : CONTRACT_DOC);
        stand.scatter = true;
        struct sbp2_orb *orb = orb_open(&stand);
        sbp2_orb_table(stand.login, orb, &before);
        uint64_t held = stand.gate.held;
        for (uint64_t n = 1;; n++) {
            stand.gate.fail_in = n;
            if (make_table(&stand, orb, 2048) == IOKIT_SUCCESS)
                break;
            sbp2_orb_table(stand.login, orb, &after);
            if (real) {
                /* the old table went first. */
                assert_int_equal(sbp2_orb_capacity(stand.login, orb), 0);
                assert_int_equal(after.bytes, 0);
            } else {
                assert_int_equal(sbp2_orb_capacity(stand.login, orb), 512);
                assert_memory_equal(&before, &after, sizeof(before));
                assert_int_equal(stand.gate.held, held);
            }
        }
        assert_int_equal(sbp2_orb_capacity(stand.login, orb), 2048);
        stand.gate.fail_in = 0;
        sbp2_orb_release(stand.login, stand.rig.cpu, orb);
        stand_close(&stand);
    }
}

static void constraints_survive_a_failure_or_not(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct stand stand;
        struct segments memory;
        stand_open(&stand, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2_orb *orb = orb_open(&stand);
        /* The slab's only page is given back with the only command (REAL), so the next one needs a grant. */
        stand.gate.fail_in = 1;
        uint32_t status = sbp2_orb_set_constraints(stand.login, stand.rig.cpu, orb, 100, 8, 0);
        assert_int_equal(status, real ? IOKIT_NO_MEMORY : IOKIT_SUCCESS);
        assert_int_equal(sbp2_orb_constraints(stand.login, orb).segment_bytes_max, real ? 0 : 100);
        stand.gate.fail_in = 0;
        segments_open(&stand, &memory, &(struct iokit_range){0x1000, 64}, 1);
        status = sbp2_orb_set_command_buffers(stand.login, stand.rig.cpu, orb, &memory.memory, 0, 0);
        assert_int_equal(status, real ? IOKIT_BAD_ARGUMENT : IOKIT_SUCCESS);
        sbp2_orb_release(stand.login, stand.rig.cpu, orb);
        assert_int_equal(memory.memory.references, 1);
        stand_close(&stand);
    }
}

static void a_table_in_pieces_is_served_in_software(void **state)
{
    (void)state;
    struct stand stand;
    struct sbp2_table_view view;
    unsigned char bytes[8];
    stand_open(&stand, CONTRACT_DOC);
    struct sbp2_orb *orb = orb_open(&stand);
    assert_int_equal(make_table(&stand, orb, 2048), IOKIT_SUCCESS);
    sbp2_orb_table(stand.login, orb, &view);
    assert_int_equal(view.first_segment_bytes, 2048 * 8);
    stand.scatter = true;
    assert_int_equal(make_table(&stand, orb, 2048), IOKIT_SUCCESS);
    uint64_t gone = view.pseudo_addr;
    sbp2_orb_table(stand.login, orb, &view);
    assert_int_equal(view.first_segment_bytes, PL_FRAME_BYTES);
    assert_int_equal(view.run_count, 4);
    uint64_t last = view.pseudo_addr + UINT64_C(2047) * 8;
    memcpy(gate_bytes(&stand.gate, view.runs[3].first) + 4088, "lastlast", 8);
    assert_int_equal(sbp2_pseudo_read(stand.login, last, bytes, 8), 8);
    assert_memory_equal(bytes, "lastlast", 8);
    assert_int_equal(sbp2_pseudo_read(stand.login, last + 8, bytes, 1), 0);
    assert_int_equal(sbp2_pseudo_read(stand.login, last + 4, bytes, 8), 0);
    assert_int_equal(sbp2_pseudo_read(stand.login, gone, bytes, 8), 0);
    sbp2_orb_release(stand.login, stand.rig.cpu, orb);
    assert_int_equal(sbp2_pseudo_read(stand.login, view.pseudo_addr, bytes, 8), 0);
    stand_close(&stand);
}

static void cells_are_plain_and_the_refcon_is_one(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct stand stand;
        unsigned char command[STAND_COMMAND + 1], bytes[20];
        stand_open(&stand, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2_orb *orb = orb_open(&stand);
        sbp2_orb_set_refcon64(stand.login, orb, UINT64_MAX - 1);
        assert_ptr_equal(sbp2_orb_refcon(stand.login, orb), (void *)(uintptr_t)(UINT64_MAX - 1));
        sbp2_orb_set_refcon(stand.login, orb, &stand);
        assert_int_equal(sbp2_orb_refcon64(stand.login, orb), (uintptr_t)&stand);
        sbp2_orb_set_generation(stand.login, orb, 77);
        assert_int_equal(sbp2_orb_generation(stand.login, orb), 77);
        sbp2_orb_set_timeout(stand.login, stand.rig.cpu, orb, 4294968);
        assert_int_equal(sbp2_orb_timeout(stand.login, orb), 4294968);
        assert_int_equal(sbp2_orb_timer_us(stand.login, orb), real ? 704 : UINT64_C(4294968000));
        memset(command, 0xAB, sizeof(command));
        assert_int_equal(sbp2_orb_set_command(stand.login, orb, command, STAND_COMMAND), IOKIT_SUCCESS);
        assert_memory_equal(orb_bytes(&stand, orb) + 20, command, STAND_COMMAND);
        assert_int_equal(sbp2_orb_set_command(stand.login, orb, command, STAND_COMMAND + 1), IOKIT_NO_MEMORY);
        assert_memory_equal(orb_bytes(&stand, orb) + 20, command, STAND_COMMAND);
        assert_int_equal(sbp2_orb_set_command(stand.login, orb, command, 1), IOKIT_SUCCESS);
        assert_int_equal(orb_big(&stand, orb, 20, 4), 0xAB000000u);
        uint64_t physical = sbp2_orb_address(stand.login, orb);
        sbp2_orb_set_flags(stand.login, orb,
                           SBP2_VIRTUAL_ORBS | SBP2_NOTIFY | SBP2_FROM_TARGET | SBP2_VENDOR_ORB);
        assert_int_not_equal(sbp2_orb_address(stand.login, orb), physical);
        sbp2_orb_prepare(stand.login, orb);
        assert_int_equal(sbp2_pseudo_read(stand.login, sbp2_orb_address(stand.login, orb), bytes, 20), 20);
        assert_int_equal(bytes[16] << 8 | bytes[17], 0x8000 | 0x4000 | 0x0800 | 3 << 8 | 10 << 4);
        sbp2_orb_release(stand.login, stand.rig.cpu, orb);
        stand_close(&stand);
    }
}

static void setters_and_getters_of_what_is_gone_are_trapped(void **state)
{
    (void)state;
    struct stand stand;
    struct sbp2_table_view view;
    stand_open(&stand, CONTRACT_DOC);
    struct sbp2 *login = stand.login;
    struct sbp2_orb *kept = orb_open(&stand);
    struct sbp2_orb *gone = orb_open(&stand);
    unsigned char *page = (unsigned char *)((uintptr_t)gone & ~(uintptr_t)(PL_FRAME_BYTES - 1));
    unsigned char *before = malloc(PL_FRAME_BYTES);
    assert_non_null(before);
    sbp2_orb_release(login, stand.rig.cpu, gone);
    memcpy(before, page, PL_FRAME_BYTES);
    sbp2_orb_set_flags(login, gone, UINT32_MAX);
    sbp2_orb_set_generation(login, gone, 1);
    sbp2_orb_set_payload(login, gone, 1);
    sbp2_orb_set_refcon(login, gone, &stand);
    sbp2_orb_set_refcon64(login, gone, UINT64_MAX);
    assert_int_equal(stand.trap.count, 5);
    assert_string_equal(stand.trap.rule, "X-10");
    assert_memory_equal(before, page, PL_FRAME_BYTES);
    assert_int_equal(sbp2_orb_references(login, gone), 0);
    assert_int_equal(sbp2_orb_capacity(login, gone), 0);
    assert_int_equal(sbp2_orb_entries_in_use(login, gone), 0);
    sbp2_orb_table(login, gone, &view);
    assert_int_equal(view.bytes, 0);
    assert_null(sbp2_orb_memory(login, gone));
    assert_int_equal(sbp2_orb_constraints(login, gone).segment_bytes_max, 0);
    assert_int_equal(sbp2_orb_address(login, gone), 0);
    assert_int_equal(sbp2_orb_flags(login, gone), 0);
    assert_int_equal(sbp2_orb_generation(login, gone), 0);
    assert_int_equal(sbp2_orb_payload(login, gone), 0);
    assert_null(sbp2_orb_refcon(login, gone));
    assert_int_equal(sbp2_orb_refcon64(login, gone), 0);
    assert_null(sbp2_orb_login(login, gone));
    assert_int_equal(sbp2_orb_timeout(login, gone), 0);
    assert_int_equal(sbp2_orb_timer_us(login, gone), 0);
    assert_false(sbp2_orb_execution(login, gone).executing);
    assert_int_equal(stand.trap.count, 21);
    free(before);
    sbp2_orb_release(login, stand.rig.cpu, kept);
    stand_close(&stand);
}

/* As many tables are made one after the other as there are windows, and more, while another table stands. */
static void windows_of_live_tables_are_skipped(void **state)
{
    (void)state;
    struct stand stand;
    struct sbp2_table_view standing, view;
    stand_open(&stand, CONTRACT_DOC);
    struct sbp2_orb *orb = orb_open(&stand), *other = orb_open(&stand);
    sbp2_orb_table(stand.login, orb, &standing);
    sbp2_orb_set_flags(stand.login, orb, SBP2_VIRTUAL_ORBS);
    for (uint32_t i = 0; i < 0x6000 * 2 + 5; i++) {
        assert_int_equal(make_table(&stand, other, 1), IOKIT_SUCCESS);
        sbp2_orb_table(stand.login, other, &view);
        assert_int_not_equal(view.pseudo_addr, standing.pseudo_addr);
    }
    sbp2_orb_release(stand.login, stand.rig.cpu, orb);
    sbp2_orb_release(stand.login, stand.rig.cpu, other);
    stand_close(&stand);
}

/* Given to the target: its generation, its reference, its timer; what must not be done to it meanwhile. */
static void what_executes_is_left_alone(void **state)
{
    (void)state;
    for (int real = 0; real < 2; real++) {
        struct stand stand;
        stand_open(&stand, real ? CONTRACT_REAL : CONTRACT_DOC);
        struct sbp2 *login = stand.login;
        struct pl_cpu *cpu = stand.rig.cpu;
        struct sbp2_orb *orb = orb_open(&stand);
        sbp2_set_bus_generation(login, 7);
        sbp2_orb_set_generation(login, orb, 6);
        sbp2_orb_set_flags(login, orb, SBP2_CHECK_GENERATION | SBP2_IMMEDIATE | SBP2_NOTIFY);
        assert_int_equal(sbp2_submit(login, cpu, orb), SBP2_BUS_RESET);
        assert_false(sbp2_orb_execution(login, orb).executing);
        assert_int_equal(orb_big(&stand, orb, 16, 2), 0);
        sbp2_orb_set_generation(login, orb, 7);
        /* 2^29 ms: 0 in 32 bits of microseconds. */
        sbp2_orb_set_timeout(login, cpu, orb, UINT32_C(1) << 29);
        assert_int_equal(sbp2_submit(login, cpu, orb), IOKIT_SUCCESS);
        assert_true(sbp2_orb_execution(login, orb).executing);
        assert_false(sbp2_orb_execution(login, orb).appended);
        assert_int_equal(sbp2_orb_execution(login, orb).timer_armed, !real);
        assert_int_equal(orb_big(&stand, orb, 16, 2) & 0x8000, 0x8000);
        assert_int_equal(sbp2_submit(login, cpu, orb), IOKIT_BUSY);
        assert_int_equal(stand.trap.count, 0);
        assert_int_equal(sbp2_orb_release_command_buffers(login, cpu, orb), IOKIT_BUSY);
        assert_string_equal(stand.trap.rule, "4.4");
        assert_int_equal(make_table(&stand, orb, 3), IOKIT_BUSY);
        sbp2_orb_deallocate_page_table(login, cpu, orb);
        assert_int_equal(sbp2_orb_capacity(login, orb), 512);
        assert_int_equal(stand.trap.count, 3);
        /* The caller's reference goes, then one that he has not. */
        sbp2_orb_release(login, cpu, orb);
        sbp2_orb_release(login, cpu, orb);
        assert_int_equal(stand.trap.count, 4);
        assert_string_equal(stand.trap.rule, "X-10");
        assert_int_equal(sbp2_orb_references(login, orb), 2);
        sbp2_complete(login, cpu, orb);
        sbp2_complete(login, cpu, orb);
        assert_int_equal(stand.trap.count, 5);
        stand_close(&stand);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_orb_has_a_page_of_entries_and_points_at_nothing),
        cmocka_unit_test(the_release_that_finds_two_references_destroys),
        cmocka_unit_test(what_is_no_orb_is_trapped_by_every_call),
        cmocka_unit_test(calls_that_may_sleep_are_trapped_at_interrupt_level),
        cmocka_unit_test(entry_counts_at_the_edges),
        cmocka_unit_test(every_grant_of_a_new_orb_may_fail),
        cmocka_unit_test(every_grant_of_a_table_may_fail),
        cmocka_unit_test(constraints_survive_a_failure_or_not),
        cmocka_unit_test(a_table_in_pieces_is_served_in_software),
        cmocka_unit_test(cells_are_plain_and_the_refcon_is_one),
        cmocka_unit_test(setters_and_getters_of_what_is_gone_are_trapped),
        cmocka_unit_test(windows_of_live_tables_are_skipped),
        cmocka_unit_test(what_executes_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
