/* Programs of random bytes with interrupts at labelled points, as the fuzz target `page` has them: on correct
 * candidates there is no finding, and the interrupts do come. */
#include "tests/unit/unit.h"

#include <string.h>

#include "engine/interrupt/interrupt.h"
#include "engine/program.h"
#include "engine/runner.h"

#define PROGRAMS 1500u
#define RECORDS  24u

/* Small orders and few slots, so that operations meet; one record in four is an interrupt. */
static size_t make_program(uint32_t *seed, uint8_t *bytes)
{
    size_t at = 0;
    memset(bytes, 0, PROGRAM_HEADER_BYTES);
    bytes[2] = (uint8_t)next_number(seed);
    bytes[3] = (uint8_t)next_number(seed);
    bytes[4] = (uint8_t)next_number(seed);
    bytes[7] = PROGRAM_HAS_INTERRUPTS;
    for (at = PROGRAM_HEADER_BYTES; at < PROGRAM_HEADER_BYTES + RECORDS * PROGRAM_RECORD_BYTES; at++)
        bytes[at] = (uint8_t)next_number(seed);
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t *record = bytes + PROGRAM_HEADER_BYTES + i * PROGRAM_RECORD_BYTES;
        record[1] &= 0xf3u;
        record[3] &= 7u;
        if (i % 4 == 0) {
            record[0] |= 31u;
            record[4] &= 3u;
        }
    }
    return at;
}

static void run_on(const char *name)
{
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    static struct op ops[PROGRAM_OP_LIMIT];
    struct spec spec;
    struct spec_error error;
    uint32_t seed = 1;
    uint64_t taken = 0;
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        struct runner runner;
        struct program program;
        struct finding finding;
        program_decode(bytes, make_program(&seed, bytes), ops, &program);
        runner_fit_shape(&spec, &program.shape);
        if (runner_init(&runner, &spec, &program.shape, &error) != PL_OK)
            continue;
        assert_int_equal(runner_run(&runner, ops, program.op_count, &finding), PL_OK);
        if (finding.found) {
            program_print(&program, stderr);
            fail_msg("%s, program %u: %s at operation %u: %s; expected %s", name, i, finding.ids,
                     finding.step, finding.actual, finding.expected);
        }
        taken += runner.interrupts == NULL ? 0 : runner.interrupts->taken;
        runner_fini(&runner);
    }
    assert_true(taken > PROGRAMS / 4);
}

static void test_no_false_finding(void **state)
{
    static const char *const names[] = {"reference",    "bitmap",        "buddy",   "slate",   "llfree",
                                        "nbbs",         "tlsf",          "linux",   "freebsd", "xnu",
                                        "percpu+buddy", "percpu+bitmap", "freelist"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names); i++)
        run_on(names[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_false_finding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
