/* The checks of areas and the oracle that judges them: they hold on every candidate under both contracts, and
 * a long walk through all operations, legal and not, finds nothing. */
#include <stdlib.h>
#include <string.h>

#include "engine/checks/check.h"
#include "engine/op_area.h"
#include "engine/op_common.h"
#include "tests/unit/unit.h"

static bool is_of_areas(const char *id)
{
    long number = id[0] == 'L' ? strtol(id + 2, NULL, 10) : 0;
    return (number >= 1 && number <= 14) || number == 21;
}

static void checks_hold(void **state)
{
    static const char *const names[] = {"reference",
                                        "bitmap",
                                        "buddy",
                                        "percpu+bitmap",
                                        "jemalloc",
                                        "reference,va=list,tables=direct",
                                        "bitmap,va=rbtree,tables=stack"};
    unsigned run = 0;
    (void)state;
    for (size_t n = 0; n < PL_COUNT_OF(names); n++) {
        struct spec spec;
        struct spec_error error;
        if (spec_parse(names[n], &spec, &error) != 0)
            continue; /* this build does not have it */
        for (unsigned i = 0; i < promises_linux_count; i++) {
            for (int contract = CONTRACT_DOC; contract <= CONTRACT_REAL; contract++) {
                struct check check;
                if (!is_of_areas(promises_linux[i].id))
                    continue;
                check_run(&promises_linux[i], &spec, (enum contract)contract, &check);
                if (check.verdict != CHECK_HOLDS)
                    fail_msg("%s on %s, contract %d: %s", check.id, names[n], contract, check.words);
                run++;
            }
        }
    }
    assert_true(run >= 2 * 15);
}

/* The next operation of a fixed sequence: mostly areas', all operands from the numbers. */
static struct op next_op(uint32_t *seed)
{
    static const uint64_t sizes[] = {0,       1,       4096,    8192,    12288,    65536,
                                     1048576, 2093056, 2097152, 2101248, 0x4000000};
    struct op op;
    memset(&op, 0, sizeof(op));
    uint32_t choice = next_number(seed) % 40;
    op.slot = next_number(seed) % 16;
    op.other = (uint16_t)(next_number(seed) % 16);
    if (choice == 0) {
        op.kind = OP_FAIL_NTH;
        op.count = next_number(seed) % 6;
        return op;
    }
    op.kind = (uint8_t)(OP_AREA + choice % (OP_AREA_END - OP_AREA));
    op.context = next_number(seed) % 16 == 0 ? PL_CONTEXT_HARDIRQ : PL_CONTEXT_TASK;
    op.mobility = (uint8_t)(next_number(seed) % 8);
    op.extra = next_number(seed) % 5;
    op.count = next_number(seed) % 2100;
    op.value = sizes[next_number(seed) % PL_COUNT_OF(sizes)];
    switch (op.kind) {
    case OP_AREA_ALLOC:
    case OP_AREA_MAP:
        op.mobility = op.mobility == 0;
        break;
    case OP_AREA_USER:
        op.value %= 20 * PL_FRAME_BYTES;
        break;
    case OP_AREA_TOUCH:
        op.mobility %= 5;
        break;
    case OP_AREA_REMAP:
        op.mobility = op.mobility > 4 ? 0 : op.mobility;
        op.count = (op.count % 10) * 2048;
        op.value = op.value > 8192 ? op.value << 40 : op.value % 5;
        break;
    default:
        break;
    }
    return op;
}

static void random_programs(void **state)
{
    struct spec spec;
    struct spec_error error;
    struct native_shape shape = {.ranges = {{.frame_count = 160}}, .range_count = 1, .cpu_count = 1};
    struct runner *runner = aligned_alloc(_Alignof(struct runner), sizeof(*runner));
    static struct op ops[200];
    uint32_t seed = 1;
    (void)state;
    assert_non_null(runner);
    assert_int_equal(spec_parse("bitmap", &spec, &error), 0);
    if (runner_init_family(runner, &spec, &shape, PROGRAM_SLOT_LIMIT, OP_FAMILY_AREA, &error) != PL_OK)
        fail_msg("%s", error.text);
    for (unsigned program = 0; program < 600; program++) {
        struct finding finding;
        runner_set_contract(runner, program % 2 == 0 ? CONTRACT_DOC : CONTRACT_REAL);
        for (size_t i = 0; i < PL_COUNT_OF(ops); i++)
            ops[i] = next_op(&seed);
        assert_int_equal(runner_run(runner, ops, PL_COUNT_OF(ops), &finding), PL_OK);
        if (finding.found) {
            program_print_op(&finding.op, stderr);
            fail_msg("program %u, step %u: %s: expected %s; actual %s", program, finding.step, finding.ids,
                     finding.expected, finding.actual);
        }
    }
    runner_fini(runner);
    free(runner);
}

/* --- an address space with room for few areas --- */

static struct pl_page_table_ops boaster; /* a service that says it has room for one area more than it has */
static void (*true_count)(const void *self, struct pl_page_table_counts *counts);

static void boast(const void *self, struct pl_page_table_counts *counts)
{
    true_count(self, counts);
    counts->areas_most++;
}

/* Three areas where there is room for two. */
static struct finding fill(const char *name, bool boasts)
{
    static const uint8_t kinds[] = {OP_AREA_ALLOC, OP_AREA_ALLOC, OP_AREA_ALLOC, OP_AREA_FREE, OP_AREA_ALLOC};
    static const uint32_t slots[] = {0, 1, 2, 0, 2};
    struct native_shape shape = {.ranges = {{.frame_count = 160}}, .range_count = 1, .cpu_count = 1};
    struct runner *runner = aligned_alloc(_Alignof(struct runner), sizeof(*runner));
    struct op ops[PL_COUNT_OF(kinds)];
    struct finding finding;
    struct spec spec;
    struct spec_error error;
    memset(ops, 0, sizeof(ops));
    for (size_t i = 0; i < PL_COUNT_OF(ops); i++)
        ops[i] = (struct op){.kind = kinds[i], .slot = slots[i], .value = PL_FRAME_BYTES};
    assert_non_null(runner);
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    if (runner_init_family(runner, &spec, &shape, PROGRAM_SLOT_LIMIT, OP_FAMILY_AREA, &error) != PL_OK)
        fail_msg("%s", error.text);
    struct pl_page_table *va = &runner->services->lent.va;
    true_count = va->ops->count;
    boaster = *va->ops;
    boaster.count = boast;
    if (boasts)
        va->ops = &boaster;
    assert_int_equal(runner_run(runner, ops, PL_COUNT_OF(ops), &finding), PL_OK);
    runner_fini(runner);
    free(runner);
    return finding;
}

/* Expect a refusal at the bound that the service states to be right, and one below it to break L-11. */
static void few_areas(void **state)
{
    static const char *const names[] = {"bitmap,va=rbtree(areas=2)", "bitmap,va=list(areas=2)",
                                        "bitmap,va=vmem(areas=2)"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names); i++) {
        struct finding finding = fill(names[i], false);
        if (finding.found)
            fail_msg("%s: %s: %s", names[i], finding.ids, finding.actual);
        finding = fill(names[i], true);
        assert_true(finding.found);
        assert_string_equal(finding.ids, "L-11");
        assert_int_equal(finding.step, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_hold),
        cmocka_unit_test(few_areas),
        cmocka_unit_test(random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
