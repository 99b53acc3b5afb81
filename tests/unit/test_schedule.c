/* Programs on virtual CPUs: what a schedule means, that it is the same each time, that candidates which are
 * right are left in peace, and that each wrong one is found from nothing, with words that help. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op_common.h"
#include "engine/schedule/listing.h"
#include "engine/schedule/shrink.h"
#include "fuzz/mutator.h"

struct desk {
    struct sim *sim;
    struct schedule schedule;
    struct program program;
    struct op ops[PROGRAM_OP_LIMIT];
    uint8_t bytes[PROGRAM_BYTES_MAX];
    size_t byte_count;
    struct finding finding;
};

static struct desk *open_rig(const char *name, const char *text, enum schedule_scope scope)
{
    struct desk *rig = calloc(1, sizeof(*rig));
    struct program_error error = {""};
    struct spec_error spec_error = {""};
    struct spec spec;
    assert_non_null(rig);
    if (program_parse(text, strlen(text), "test", &rig->program, &error) != 0)
        fail_msg("%s", error.text);
    struct native_shape shape = rig->program.shape;
    rig->sim = sim_new(4);
    assert_non_null(rig->sim);
    if (spec_parse(name, &spec, &spec_error) != 0)
        fail_msg("%s", spec_error.text);
    runner_fit_shape(&spec, &shape);
    if (schedule_init_scope(&rig->schedule, &spec, &shape, scope, rig->sim, &spec_error) != PL_OK)
        fail_msg("%s", spec_error.text);
    return rig;
}

static void close_rig(struct desk *rig)
{
    schedule_fini(&rig->schedule);
    sim_delete(rig->sim);
    program_fini(&rig->program);
    free(rig);
}

static void run(struct desk *rig)
{
    assert_int_equal(
        schedule_run(&rig->schedule, rig->program.ops, rig->program.op_count, NULL, &rig->finding), PL_OK);
}

#define MACHINE(frames, cpus) "pagelab program 1\nmachine " frames "@0x0 cpus=" cpus " floors=0/0/0\n"

/* --- what a schedule means --- */

/* CPU 0 is interrupted after three accesses, by CPU 1 for two operations.
 * Expect that order, told by who got which frame: a stack's top is frame 0. */
static void a_switch_comes_where_it_says(void **state)
{
    (void)state;
    struct desk *rig = open_rig("stack-right",
                                MACHINE("8", "2") "cpu0 task alloc s0 order=0\n"
                                                  "cpu1 task preempt after=3 do=switch for=2\n"
                                                  "cpu1 task alloc s1 order=0\n"
                                                  "cpu0 task alloc s2 order=0\n"
                                                  "cpu1 task alloc s3 order=0\n",
                                SCHEDULE_PAGE);
    run(rig);
    assert_false(rig->finding.found);
    assert_int_equal(rig->schedule.report.end, SIM_DONE);
    assert_int_equal(rig->schedule.report.switches, 3); /* there, back, and at the end of CPU 0 */
    assert_int_equal(rig->schedule.report.cpus[0].progress, 2);
    assert_int_equal(rig->schedule.report.cpus[1].progress, 2);
    close_rig(rig);
}

/* An interrupt raised with the lock held waits for the unmask, and its allocation is one more.
 * Expect it to have run once, not inside the lock. */
static void an_interrupt_waits_for_unmask(void **state)
{
    (void)state;
    struct desk *rig = open_rig("stack-right",
                                MACHINE("8", "1") "cpu0 task alloc s0 order=0\n"
                                                  "cpu0 task preempt after=12 do=interrupt\n"
                                                  "cpu0 hardirq alloc s1 order=0\n",
                                SCHEDULE_PAGE);
    run(rig);
    assert_false(rig->finding.found);
    assert_int_equal(rig->schedule.report.interrupts, 1);
    assert_int_equal(rig->schedule.report.cpus[0].progress, 1);
    close_rig(rig);
}

/* --- from nothing --- */

/* The mutator's programs from an empty one, as an engine would run them; the seed is fixed, so it is a fixed
 * set. Returns the execution that had a finding, or 0. */
static uint32_t search(struct desk *rig, uint32_t executions, uint64_t seed, uint8_t shape)
{
    struct mutator_random random = {seed};
    for (uint32_t i = 1; i <= executions; i++) {
        if (rig->byte_count > PROGRAM_HEADER_BYTES + 24 * PROGRAM_RECORD_BYTES || i % 64 == 1) {
            memset(rig->bytes, 0, PROGRAM_HEADER_BYTES);
            rig->byte_count = PROGRAM_HEADER_BYTES;
        }
        mutator_mark_schedule(rig->bytes);
        rig->byte_count = mutator_run(OP_FAMILY_PAGE, rig->bytes, rig->byte_count, sizeof(rig->bytes),
                                      mutator_next(&random), NULL);
        rig->bytes[2] = shape;
        rig->bytes[4] = 3;
        program_decode(rig->bytes, rig->byte_count, rig->ops, &rig->program);
        run(rig);
        if (rig->finding.found)
            return i;
    }
    return 0;
}

/* 256 frames, 4 CPUs; 37 frames. */
static const char *const machines[] = {MACHINE("256", "4"),
                                       "pagelab program 1\nmachine 37@0x3 cpus=4 floors=0/0/0\n"};
static const uint8_t machine_shapes[] = {0, 4};

/* Expect no finding, and the same digest when the same bytes run again. */
static void right_ones_are_left_in_peace(void **state)
{
    static const char *const names[] = {
        "stack-right", "percpu(batch=3)+buddy", "buddy", "bitmap", "llfree", "nbbs", "slate", "linux",
        "tlsf",        "percpu+reference"};
    (void)state;
    for (size_t i = 0; i < 2 * PL_COUNT_OF(names); i++) {
        enum schedule_scope scope = i < PL_COUNT_OF(names) ? SCHEDULE_PAGE : SCHEDULE_ALL;
        const char *name = names[i % PL_COUNT_OF(names)];
        struct desk *rig = open_rig(name, machines[0], scope);
        uint64_t digests = 0;
        for (uint64_t round = 0; round < 2; round++) {
            rig->byte_count = 0;
            if (search(rig, 1000, 77, machine_shapes[0]) != 0)
                fail_msg("%s: %s: %s; %s", name, rig->finding.ids, rig->finding.expected,
                         rig->finding.actual);
            digests ^= rig->schedule.report.digest;
        }
        assert_int_equal(digests, 0);
        assert_true(rig->schedule.switches > 2000);
        close_rig(rig);
    }
}

struct planted {
    const char *name;
    const char *ids; /* one of these, by commas */
    size_t machine;
};

static void expect_found(const struct planted *planted)
{
    struct desk *rig = open_rig(planted->name, machines[planted->machine], SCHEDULE_PAGE);
    uint32_t at = search(rig, 60000, 1, machine_shapes[planted->machine]);
    if (at == 0)
        fail_msg("%s was not found", planted->name);
    if (strstr(planted->ids, rig->finding.ids) == NULL)
        fail_msg("%s: one of '%s' expected, got '%s': %s; %s", planted->name, planted->ids, rig->finding.ids,
                 rig->finding.expected, rig->finding.actual);
    /* Shrunk, it still fails so, with fewer operations. */
    uint32_t count = schedule_shrink(&rig->schedule, rig->ops, rig->program.op_count, &rig->finding);
    struct finding again;
    assert_true(count <= rig->program.op_count && count <= 8);
    assert_int_equal(schedule_run(&rig->schedule, rig->ops, count, NULL, &again), PL_OK);
    assert_string_equal(again.ids, rig->finding.ids);
    close_rig(rig);
}

static void each_wrong_one_is_found(void **state)
{
    static const struct planted list[] = {
        {"canary-race", "F-1 X-2,panic", 0},  {"stack-lost", "F-1 X-2,X-4,panic,F-2 F-6 X-4", 0},
        {"stack-open", "lock-rule,panic", 0}, {"stack-crossed", "deadlock", 0},
        {"stack-sleepy", "sleep X-5", 1},     {"stack-unwoken", "lost-wakeup,deadlock", 1},
        {"stack-spinning", "deadlock", 1},
    };
    (void)state;
    for (size_t i = 0; i < PL_COUNT_OF(list); i++)
        expect_found(&list[i]);
}

/* --- words --- */

/* CPU 0 has the first lock and CPU 1 the second. Expect each named, what it spins for, and who has that,
 * where. */
static void a_deadlock_says_who_holds_what(void **state)
{
    (void)state;
    struct desk *rig = open_rig("stack-crossed",
                                MACHINE("8", "2") "cpu1 task alloc s1 order=0\n"
                                                  "cpu0 task alloc s0 order=0\n"
                                                  "cpu1 task preempt after=11 do=switch\n"
                                                  "cpu1 task free s1\n",
                                SCHEDULE_PAGE);
    char *text = NULL;
    size_t bytes = 0;
    struct listing listing;
    assert_int_equal(listing_init(&listing, &rig->schedule, false), 0);
    run(rig);
    uint64_t digest = rig->schedule.report.digest;
    assert_string_equal(rig->finding.ids, "deadlock");
    rig->schedule.watch = &listing.watch; /* who looks on changes nothing */
    run(rig);
    assert_int_equal(rig->schedule.report.digest, digest);
    FILE *out = open_memstream(&text, &bytes);
    assert_non_null(out);
    listing_print(&listing, out);
    listing_print_end(&rig->schedule.report, out);
    fclose(out);
    const char *const expected[] = {" access  CPU 0                CPU 1                interrupt",
                                    "preempted",
                                    "goes on",
                                    "deadlock: every CPU that can run retries",
                                    "cpu0  spins at",
                                    "which cpu1 has taken at",
                                    "cpu1  spins at",
                                    "which cpu0 has taken at",
                                    "holds lock 0x"};
    for (size_t i = 0; i < PL_COUNT_OF(expected); i++) {
        if (strstr(text, expected[i]) == NULL)
            fail_msg("'%s' expected in:\n%s", expected[i], text);
    }
    listing_fini(&listing);
    free(text);
    close_rig(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_switch_comes_where_it_says),   cmocka_unit_test(an_interrupt_waits_for_unmask),
        cmocka_unit_test(right_ones_are_left_in_peace),   cmocka_unit_test(each_wrong_one_is_found),
        cmocka_unit_test(a_deadlock_says_who_holds_what),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
