/* How long interrupts are held off: what is counted is what the sweep counts, a caller's own mask is not the
 * candidate's, and the search finds worse programs than those that it starts from. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "unit.h"

#include <string.h>
#include <sys/mman.h>

#include "engine/interrupt/masked.h"
#include "engine/interrupt/sweep.h"
#include "engine/isolate.h"
#include "fuzz/masked.h"

#define STEP_LIMIT UINT64_C(100000)
#define LIMIT_S    120u
#define SEARCH_S   2u

static const char mixed[] = "pagelab program 1\n"
                            "machine 64@0x100 cpus=1 floors=0/0/0\n"
                            "cpu0 task    alloc s0 order=0\n"
                            "cpu0 task    alloc s1 order=2\n"
                            "cpu0 task    free s0\n"
                            "cpu0 task    free s1\n"
                            "cpu0 task    drain\n";

static const char at_interrupt_level[] = "pagelab program 1\n"
                                         "machine 64@0x100 cpus=1 floors=0/0/0\n"
                                         "cpu0 hardirq alloc s0 order=0 class=interrupt\n"
                                         "cpu0 softirq free s0\n";

static struct spec spec;
static struct masked_rig rig;

static void prepare(const char *text, const char *candidate, struct program *program)
{
    struct program_error program_error;
    struct spec_error error;
    char why[100];
    if (!masked_supported(why, sizeof(why)))
        skip();
    if (program_parse(text, strlen(text), "text", program, &program_error) != 0)
        fail_msg("%s", program_error.text);
    if (spec_parse(candidate, &spec, &error) != 0)
        fail_msg("%s", error.text);
}

static void longest(const struct program *program, struct masked_section *section)
{
    struct spec_error error;
    if (masked_init(&rig, &spec, &program->shape, &error) != PL_OK)
        fail_msg("%s", error.text);
    assert_true(masked_longest(&rig, program, STEP_LIMIT, section));
}

static void sweep_work(void *argument, void *result)
{
    sweep_run(argument, result);
}

/* Scenario: one program, counted by the sweep, which steps every call but those of the end, and by the
 * clock's choice of calls. Expect the same number, of the same operation. */
static void test_counts_what_the_sweep_counts(void **state)
{
    struct program program;
    struct masked_section section;
    struct sweep_result swept;
    (void)state;
    prepare(mixed, "buddy", &program);
    longest(&program, &section);
    struct sweep_options options = {.program = &program, .spec = &spec, .fit = true, .count_only = true};
    assert_int_equal(isolate_run(sweep_work, &options, &swept, sizeof(swept), LIMIT_S, NULL, NULL, 0),
                     ISOLATE_DONE);
    assert_int_equal(swept.outcome, SWEEP_DONE);
    assert_true(section.instructions > 10);
    assert_int_equal(section.instructions, swept.masked.instructions);
    assert_int_equal(section.op, swept.masked.op);
    masked_fini(&rig);
    program_fini(&program);
}

/* Scenario: allocations and frees at interrupt level only, where the caller has masked, so that all of their
 * instructions run masked. Expect none of them counted, but the end, where a task drains, may be. */
static void test_a_callers_mask_is_not_the_candidates(void **state)
{
    struct program program;
    struct masked_section section;
    (void)state;
    prepare(at_interrupt_level, "buddy", &program);
    longest(&program, &section);
    assert_true(section.instructions == 0 || section.op == program.op_count);
    assert_true(rig.call_count >= 2);
    for (uint32_t i = 0; i < rig.call_count; i++)
        assert_true(rig.calls[i].op == program.op_count || rig.calls[i].ns == 0);
    masked_fini(&rig);
    program_fini(&program);
}

/* Scenario: the clock on the call that was found longest. Expect as many runs as asked for at most, in order,
 * and a section that takes time. */
static void test_the_clock_sees_the_section(void **state)
{
    struct program program;
    struct masked_section section;
    struct masked_ns ns;
    (void)state;
    prepare(mixed, "buddy", &program);
    longest(&program, &section);
    masked_clock(&rig, &program, section.call, UINT64_C(2000000000), &ns);
    assert_true(ns.runs > 0 && ns.runs <= 1000);
    assert_true(ns.least > 0 && ns.least <= ns.median && ns.median <= ns.longest);
    masked_fini(&rig);
    program_fini(&program);
}

struct both {
    struct masked_search *search;
    struct masked_worst *worst;
};

static void search_work(void *argument, void *result)
{
    struct both *both = argument;
    masked_search(both->search, both->worst);
    *(int *)result = 0;
}

/* Scenario: a search of two seconds that starts from a program of four operations. Expect one whose section
 * is at least half as long again, that has as many instructions when it is counted again, and that is smaller
 * than the largest. */
static void test_search_finds_a_worse_program(void **state)
{
    static struct masked_program start;
    static struct masked_worst *worst;
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct masked_section before;
    struct masked_section after;
    (void)state;
    prepare(mixed, "buddy", &program);
    longest(&program, &before);
    masked_fini(&rig);
    start.byte_count = program_encode(&program, start.bytes);
    assert_true(start.byte_count != 0);
    program_fini(&program);
    struct masked_search search = {
        .spec = &spec, .seconds = SEARCH_S, .seed = 7, .starts = &start, .start_count = 1};
    worst = mmap(NULL, sizeof(*worst), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(worst != MAP_FAILED);
    struct both both = {&search, worst};
    int done = 1;
    assert_int_equal(isolate_run(search_work, &both, &done, sizeof(done), LIMIT_S, NULL, NULL, 0),
                     ISOLATE_DONE);
    const struct masked_program *best = masked_best(worst);
    assert_true(best->byte_count != 0 && best->byte_count < PROGRAM_BYTES_MAX);
    program_decode(best->bytes, best->byte_count, ops, &program);
    longest(&program, &after);
    masked_fini(&rig);
    assert_true(after.instructions >= best->instructions);
    if (2 * after.instructions < 3 * before.instructions)
        fail_msg("%u instructions before the search, %u after it", (unsigned)before.instructions,
                 (unsigned)after.instructions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_what_the_sweep_counts),
        cmocka_unit_test(test_a_callers_mask_is_not_the_candidates),
        cmocka_unit_test(test_the_clock_sees_the_section),
        cmocka_unit_test(test_search_finds_a_worse_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
