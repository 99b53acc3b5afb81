/* The bare runner and the two workloads that weigh the checks: both runners make the same calls, so they
 * leave the candidate in the same state. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "bench/workloads/workload.h"
#include "engine/runner_bare.h"

#define PROGRAM_BYTES (PROGRAM_HEADER_BYTES + 64u * PROGRAM_RECORD_BYTES)

static void open_runner(struct runner *runner, const char *name, const struct program *program)
{
    struct spec spec;
    struct spec_error error = {.text = ""};
    struct native_shape shape = program->shape;
    assert_int_equal(spec_parse(name, &spec, &error), 0);
    runner_fit_shape(&spec, &shape);
    if (runner_init(runner, &spec, &shape, &error) != PL_OK)
        fail_msg("%s", error.text);
}

/* Any bytes; misuse, which the bare runner leaves out, is switched off in the header. Machine 0: 256 frames.
 */
static void any_program(uint32_t *seed, struct op *ops, struct program *program)
{
    uint8_t bytes[PROGRAM_BYTES] = {0};
    for (size_t i = PROGRAM_HEADER_BYTES; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)next_number(seed);
    for (size_t i = PROGRAM_HEADER_BYTES; i < sizeof(bytes); i += PROGRAM_RECORD_BYTES) {
        bytes[i + 1] &= 0x33; /* orders 0 to 3, task context */
        bytes[i + 3] &= 15;
    }
    bytes[1] = 1u << (OP_BAD_FREE - 8) | 1u << (OP_BAD_ALLOC - 8);
    bytes[3] = 1;
    program_decode(bytes, sizeof(bytes), ops, program);
}

/* Scenario: 200 programs, each through both runners. Expect no finding, the same metadata to the byte, and
 * nothing granted after either. */
static void test_same_calls(void **state)
{
    static const char *const names[] = {"buddy", "bitmap", "reference"};
    static struct runner runner;
    static struct op ops[PROGRAM_OP_LIMIT];
    static unsigned char after[1 << 20];
    struct program program;
    struct finding finding;
    uint32_t seed = 7;
    (void)state;
    for (size_t k = 0; k < PL_COUNT_OF(names); k++) {
        any_program(&seed, ops, &program);
        open_runner(&runner, names[k], &program);
        assert_true(runner.instance.meta_bytes <= sizeof(after));
        for (unsigned i = 0; i < 200; i++) {
            any_program(&seed, ops, &program);
            assert_int_equal(runner_run(&runner, ops, program.op_count, &finding), PL_OK);
            if (finding.found)
                fail_msg("%s: %s: %s; %s", names[k], finding.ids, finding.expected, finding.actual);
            memcpy(after, runner.instance.meta, runner.instance.meta_bytes);
            assert_int_equal(runner_bare_run(&runner, ops, program.op_count), PL_OK);
            assert_memory_equal(after, runner.instance.meta, runner.instance.meta_bytes);
            assert_int_equal(admission_free_frames(&runner.admission), runner.machine->frame_count);
        }
        runner_fini(&runner);
    }
}

/* Scenario: audits switched off. Expect the same verdicts otherwise, and no audit counted as done. */
static void test_without_audits(void **state)
{
    static struct runner runner;
    static struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct finding finding;
    uint32_t seed = 9;
    (void)state;
    any_program(&seed, ops, &program);
    open_runner(&runner, "buddy", &program);
    assert_true(runner.audits);
    runner.audits = false;
    for (unsigned i = 0; i < 50; i++) {
        any_program(&seed, ops, &program);
        assert_int_equal(runner_run(&runner, ops, program.op_count, &finding), PL_OK);
        assert_false(finding.found);
    }
    assert_int_equal(runner.calls_audited, 0);
    runner_fini(&runner);
}

/* Expect a time for both, in nanoseconds an operation. */
static void test_workloads_run(void **state)
{
    static const char *const names[] = {"programs-bare", "programs-checked"};
    static const char *const backends[] = {"buddy", "bitmap", "percpu+reference", "jemalloc"};
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(names) * PL_COUNT_OF(backends); i++) {
        struct cell_params params = {.cpus = 1, .smoke = true};
        struct spec_error error = {.text = ""};
        snprintf(params.workload, sizeof(params.workload), "%s", names[i % 2]);
        snprintf(params.backend, sizeof(params.backend), "%s", backends[i / 2]);
        cJSON *row = cell_run(&params, &error);
        if (row == NULL)
            fail_msg("%s", error.text);
        const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(row, "status"));
        if (strcmp(status, "ok") != 0)
            fail_msg("%s on %s: %s", params.workload, params.backend,
                     cJSON_GetStringValue(cJSON_GetObjectItem(row, "reason")));
        cJSON_Delete(row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_calls),
        cmocka_unit_test(test_without_audits),
        cmocka_unit_test(test_workloads_run),
    };
    return cmocka_run_group_tests_name("bench_programs", tests, NULL, NULL);
}
