/* The services as the engine lends them: made from a candidate's name on its own frames, reset, drained,
 * undone. */
#include "tests/unit/unit.h"

#include "engine/lent.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_ADDR  UINT64_C(0xffffc90000000000)
#define WINDOW_BYTES (UINT64_C(1) << 20)

struct loan {
    struct rig rig;
    struct lent lent;
    struct spec_error error;
};

static enum pl_status loan_open(struct loan *loan, const char *name, bool contents)
{
    struct native_shape shape = {
        .ranges = {{.frame_count = 256}}, .range_count = 1, .cpu_count = 1, .contents = contents};
    loan->error.text[0] = '\0';
    rig_open_shape(&loan->rig, name, &shape, ADMISSION_EXACT);
    return lent_init(&loan->lent, &loan->rig.instance.spec, loan->rig.machine, loan->rig.instance.page,
                     WINDOW_ADDR, WINDOW_BYTES, &loan->error);
}

static void loan_close(struct loan *loan)
{
    lent_fini(&loan->lent);
    rig_close(&loan->rig);
}

static uint64_t free_frames(const struct loan *loan)
{
    struct pl_page_counts counts;
    loan->rig.instance.page.ops->count(loan->rig.instance.page.self, &counts);
    return counts.free + counts.cached;
}

static void hear(struct pl_visitor *visitor, const char *words)
{
    (void)visitor;
    fail_msg("%s", words);
}

static void expect_sound(const struct loan *loan)
{
    struct pl_visitor visitor = {.bytes = sizeof(visitor), .broken = hear};
    assert_int_equal(lent_audit(&loan->lent, &visitor), 0);
}

/* One of each: an area, a table, a buffer. */
static void use_all(struct loan *loan, struct pl_area *area, struct pl_run *table, struct pl_run *runs,
                    size_t *run_count)
{
    struct lent *lent = &loan->lent;
    struct pl_cpu *cpu = loan->rig.cpu;
    struct pl_area_request wanted = {.bytes_wanted = 3 * PL_FRAME_BYTES, .alignment = PL_FRAME_BYTES};
    struct pl_request request = {.node = PL_NODE_ANY};
    struct pl_buffer_constraints constraints = {
        .alignment = 1, .address_mask = UINT64_MAX, .request = {.node = PL_NODE_ANY}};
    assert_int_equal(lent->va.ops->reserve(lent->va.self, cpu, &wanted, area), PL_OK);
    assert_int_equal(lent->tables.ops->table_get(lent->tables.self, cpu, &request, table), PL_OK);
    assert_int_equal(
        lent->buffer.ops->plan(lent->buffer.self, cpu, 5 * PL_FRAME_BYTES, &constraints, runs, 8, run_count),
        PL_OK);
    expect_sound(loan);
}

static void give_all(struct loan *loan, const struct pl_area *area, const struct pl_run *table,
                     const struct pl_run *runs, size_t run_count)
{
    struct lent *lent = &loan->lent;
    struct pl_cpu *cpu = loan->rig.cpu;
    assert_int_equal(lent->va.ops->release(lent->va.self, cpu, area), PL_OK);
    assert_int_equal(lent->tables.ops->table_put(lent->tables.self, cpu, table), PL_OK);
    assert_int_equal(lent->buffer.ops->release(lent->buffer.self, cpu, runs, run_count), PL_OK);
    expect_sound(loan);
}

static const char *const names[] = {"reference",
                                    "buddy,va=list,tables=stack(keep=4),buf=run",
                                    "bitmap,va=rbtree(areas=7),tables=stack",
                                    "percpu(batch=4,high=8)+buddy,buf=run",
                                    "percpu+reference,va=list(areas=3)",
                                    "buddy,va=vmem,tables=prealloc,buf=pool"};

/* Everything used and given back, over several candidates and all services.
 * Expect every frame free again once the services and the candidate are drained. */
static void test_lends_on_every_candidate(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct loan loan;
        struct pl_area area;
        struct pl_run table;
        struct pl_run runs[8];
        size_t run_count;
        if (loan_open(&loan, names[i], true) != PL_OK)
            fail_msg("%s", loan.error.text);
        assert_int_equal(free_frames(&loan), 256);
        use_all(&loan, &area, &table, runs, &run_count);
        assert_true(free_frames(&loan) <= 250);
        give_all(&loan, &area, &table, runs, run_count);
        lent_drain(&loan.lent, loan.rig.cpu);
        assert_int_equal(free_frames(&loan), 256);
        expect_sound(&loan);
        loan_close(&loan);
    }
}

/* A reset of both in the middle of use, with tables kept.
 * Expect metadata equal to the fresh copy, the same first answers as before, and nothing held. */
static void test_reset_is_fresh(void **state)
{
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct loan loan;
        struct pl_area first_area;
        struct pl_run first_table;
        assert_int_equal(loan_open(&loan, names[i], true), PL_OK);
        assert_non_null(loan.lent.fresh);
        for (int round = 0; round < 3; round++) {
            struct pl_area area;
            struct pl_run table;
            struct pl_run runs[8];
            size_t run_count;
            use_all(&loan, &area, &table, runs, &run_count);
            if (round == 0) {
                first_area = area;
                first_table = table;
            }
            assert_int_equal(area.addr, first_area.addr);
            assert_int_equal(table.first.number, first_table.first.number);
            if (round == 1)
                give_all(&loan, &area, &table, runs, run_count);
            assert_int_equal(lent_reset(&loan.lent), PL_OK);
            assert_int_equal(instance_reset(&loan.rig.instance), PL_OK);
            assert_memory_equal(loan.lent.meta, loan.lent.fresh, loan.lent.meta_bytes);
            expect_sound(&loan);
            assert_int_equal(free_frames(&loan), 256);
        }
        loan_close(&loan);
    }
}

/* Without the fresh copy, as for a service with state outside its metadata.
 * Expect the same by making the services anew. */
static void test_reset_without_a_copy(void **state)
{
    (void)state;
    struct loan loan;
    struct pl_area area;
    struct pl_run table;
    struct pl_run runs[8];
    size_t run_count;
    assert_int_equal(loan_open(&loan, "buddy,va=rbtree(areas=9),tables=stack(keep=2)", true), PL_OK);
    unsigned char *fresh = loan.lent.fresh;
    loan.lent.fresh = NULL;
    use_all(&loan, &area, &table, runs, &run_count);
    assert_int_equal(lent_reset(&loan.lent), PL_OK);
    assert_int_equal(instance_reset(&loan.rig.instance), PL_OK);
    assert_memory_equal(loan.lent.meta, fresh, loan.lent.meta_bytes);
    loan.lent.fresh = fresh;
    loan_close(&loan);
}

/* Wrong parameters, a machine without contents, a window that is none.
 * Expect the status, one line that names the service, and nothing left behind. */
static void test_says_what_is_wrong(void **state)
{
    (void)state;
    struct loan loan;
    assert_int_equal(loan_open(&loan, "buddy,tables=stack(kept=8)", true), PL_INVALID);
    assert_string_equal(loan.error.text, "service 'stack(kept=8)': wrong parameters in the parentheses");
    assert_null(loan.lent.meta);
    loan_close(&loan);
    assert_int_equal(loan_open(&loan, "buddy,va=list(areas=0)", true), PL_INVALID);
    assert_non_null(strstr(loan.error.text, "'list(areas=0)'"));
    loan_close(&loan);
    assert_int_equal(loan_open(&loan, "buddy", false), PL_UNSUPPORTED);
    assert_non_null(strstr(loan.error.text, "'direct'"));
    loan_close(&loan);
    assert_int_equal(loan_open(&loan, "buddy", true), PL_OK);
    lent_fini(&loan.lent);
    assert_int_equal(lent_init(&loan.lent, &loan.rig.instance.spec, loan.rig.machine, loan.rig.instance.page,
                               0 - PL_FRAME_BYTES, 2 * PL_FRAME_BYTES, &loan.error),
                     PL_UNSUPPORTED);
    assert_non_null(strstr(loan.error.text, "'rbtree'"));
    loan_close(&loan);
}

/* The parameters of names on the command line.
 * Expect the wrong ones found without a candidate being made. */
static void test_parameters_are_checked(void **state)
{
    (void)state;
    static struct spec specs[SPEC_LIST_LIMIT];
    struct spec_error error = {.text = ""};
    const char *good = "buddy,reference,va=list(areas=5),tables=stack(keep=0),buf=run,jemalloc";
    const char *bad = "buddy,reference,va=list(areas=5),tables=stack(keep=-1)";
    int count = spec_parse_list(good, specs, &error);
    assert_int_equal(count, 3);
    assert_int_equal(lent_check_params(specs, (uint32_t)count, &error), 0);
    count = spec_parse_list(bad, specs, &error);
    assert_int_equal(count, 2);
    assert_int_equal(lent_check_params(specs, (uint32_t)count, &error), -1);
    assert_non_null(strstr(error.text, "'stack(keep=-1)': wrong parameters"));
}

/* Tables from the start, tables and a buffer kept, a pool that may shrink; after a reset the same again.
 * Expect what is kept told to the frame, only the pool to shrink when memory is short, everything after a
 * drain. */
static void test_what_is_kept(void **state)
{
    (void)state;
    struct loan loan;
    struct pl_area area;
    struct pl_run table;
    struct pl_run runs[8];
    size_t run_count;
    assert_int_equal(loan_open(&loan, "buddy,va=vmem,tables=prealloc(tables=4),buf=pool", true), PL_OK);
    struct pl_cpu *cpu = loan.rig.cpu;
    assert_int_equal(free_frames(&loan), 256);
    assert_int_equal(lent_kept(&loan.lent), 0);
    for (int round = 0; round < 2; round++) {
        lent_start(&loan.lent, cpu);
        assert_int_equal(lent_kept(&loan.lent), 4);
        assert_int_equal(free_frames(&loan), 252);
        use_all(&loan, &area, &table, runs, &run_count);
        assert_int_equal(lent_kept(&loan.lent), 3);
        give_all(&loan, &area, &table, runs, run_count);
        assert_int_equal(lent_kept(&loan.lent), 9);
        assert_int_equal(free_frames(&loan), 247);
        assert_true(lent_can_shrink(&loan.lent));
        assert_int_equal(lent_shrink(&loan.lent, cpu), 5);
        assert_int_equal(lent_shrink(&loan.lent, cpu), 0);
        assert_int_equal(lent_kept(&loan.lent), 4);
        lent_drain(&loan.lent, cpu);
        assert_int_equal(lent_kept(&loan.lent), 0);
        assert_int_equal(free_frames(&loan), 256);
        assert_int_equal(lent_reset(&loan.lent), PL_OK);
        assert_int_equal(instance_reset(&loan.rig.instance), PL_OK);
    }
    loan_close(&loan);
    assert_int_equal(loan_open(&loan, "buddy", true), PL_OK);
    lent_start(&loan.lent, cpu);
    assert_int_equal(lent_kept(&loan.lent), 0);
    assert_false(lent_can_shrink(&loan.lent));
    loan_close(&loan);
}

/* Expect one line with all three names and their settings. */
static void test_settings(void **state)
{
    (void)state;
    struct loan loan;
    char text[256];
    assert_int_equal(loan_open(&loan, "buddy,va=list(areas=5),tables=stack(keep=3)", true), PL_OK);
    lent_settings(&loan.lent, text, sizeof(text));
    assert_string_equal(text, "va=list: policy=first-fit areas=5; tables=stack: keep=3 zeroed=at-put; "
                              "buf=pages: policy=frame-by-frame");
    loan_close(&loan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lends_on_every_candidate),
        cmocka_unit_test(test_reset_is_fresh),
        cmocka_unit_test(test_reset_without_a_copy),
        cmocka_unit_test(test_says_what_is_wrong),
        cmocka_unit_test(test_parameters_are_checked),
        cmocka_unit_test(test_what_is_kept),
        cmocka_unit_test(test_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
