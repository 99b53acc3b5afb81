/* The schedule targets, for libFuzzer and AFL++: bytes are a program with OP_PREEMPT records
 * (engine/program.h), which runs on the virtual CPUs of the simulated platform, on the candidate that
 * PAGELAB_BACKEND names. A finding is one block on stderr, with the schedule and where everybody stood, and
 * abort().
 *
 * What calls cost is fed back, too: who makes one dearer than any before is kept.
 *
 * PAGELAB_RACES=0 switches the race detector off, PAGELAB_COST=0 the counting of costs, PAGELAB_TSO=1 store
 * buffers on.
 *
 * A machine is made for each of the binary form, and each program starts from a fresh state: what an input
 * does depends on its bytes alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/compiler.h>

#include "engine/program_tables.h"
#include "engine/schedule/cost.h"
#include "engine/schedule/listing.h"
#include "engine/schedule/observers.h"
#include "engine/schedule/schedule.h"
#include "engine/schedule/shrink.h"
#include "fuzz/family.h"
#include "fuzz/schedule_coverage.h"

#define TARGET_CPUS 4u

struct machine {
    struct schedule schedule;
    struct cost cost; /* of its calls */
};

/* A fuzzer's target has no argument to carry these in. */
static struct {
    struct spec spec;
    enum fuzz_target target;
    struct sim *sim;
    struct observers observers;
    struct machine *machines[PROGRAM_SHAPE_COUNT][PROGRAM_FLOORS_COUNT]
                            [TARGET_CPUS]; /* NULL: the candidate cannot have that machine */
    uint64_t executions;                   /* statistics only */
    uint64_t operations;
    uint64_t points;
    uint64_t switches;
} target;

/* The fuzzer's: it looks these up by name. */
PL_EXPORT int LLVMFuzzerInitialize(int *argc, char ***argv);
PL_EXPORT int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static PL_NORETURN void give_up(const char *words)
{
    fprintf(stderr, "pagelab-fuzz: %s\n", words);
    exit(2);
}

static bool is_switched(const char *variable, char to)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] == to;
}

/* Making one later would look like coverage of the input that came first. */
static void make_machine(uint32_t shape_index, uint32_t floors, uint32_t cpu_count)
{
    enum schedule_scope scope = target.target == FUZZ_SCHEDULE_ALL ? SCHEDULE_ALL : SCHEDULE_PAGE;
    struct native_shape shape = program_shapes[shape_index];
    struct machine *machine = calloc(1, sizeof(*machine));
    struct spec_error error;
    shape.cpu_count = cpu_count;
    shape.floors = program_floors(floors, shape_frame_count(&shape));
    runner_fit_shape(&target.spec, &shape);
    if (machine == NULL)
        give_up("out of memory for a machine");
    struct schedule *schedule = &machine->schedule;
    enum pl_status status = schedule_init_scope(schedule, &target.spec, &shape, scope, target.sim, &error);
    if (status == PL_NO_MEMORY)
        give_up(error.text);
    if (status != PL_OK) {
        free(machine);
        machine = NULL;
    } else {
        schedule->coverage = schedule_coverage(&schedule->coverage_bits);
        observers_watch(&target.observers, schedule);
        if (!is_switched("PAGELAB_COST", '0'))
            cost_watch(&machine->cost, schedule);
    }
    target.machines[shape_index][floors][cpu_count - 1] = machine;
}

static void print_statistics(void)
{
    fprintf(stderr, "pagelab statistics: executions=%llu operations=%llu points=%llu switches=%llu\n",
            (unsigned long long)target.executions, (unsigned long long)target.operations,
            (unsigned long long)target.points, (unsigned long long)target.switches);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct spec_error error;
    if (!fuzz_target_of_environment(&target.target) || !fuzz_target_has_schedule(target.target))
        give_up(FAMILY_VARIABLE ": schedule-page or schedule-all expected");
    if (spec_parse(subject_backend(), &target.spec, &error) != 0)
        give_up(error.text);
    target.sim = sim_new(TARGET_CPUS);
    if (target.sim == NULL)
        give_up("out of memory for stacks");
    if (observers_init(&target.observers, !is_switched("PAGELAB_RACES", '0'),
                       is_switched("PAGELAB_TSO", '1')) != 0)
        give_up("out of memory for the race detector");
    if (getenv("PAGELAB_FUZZ_STATISTICS") != NULL)
        atexit(print_statistics);
    for (uint32_t shape = 0; shape < PROGRAM_SHAPE_COUNT; shape++) {
        for (uint32_t i = 0; i < PROGRAM_FLOORS_COUNT * TARGET_CPUS; i++)
            make_machine(shape, i / TARGET_CPUS, i % TARGET_CPUS + 1);
    }
    return 0;
}

/* Once more, with somebody who writes down what happens: it is the same run. */
static void print_schedule(struct schedule *schedule, const struct program *program, uint64_t digest)
{
    struct listing listing;
    struct finding again;
    bool raced = target.observers.race != NULL && race_found(target.observers.race)->found;
    if (listing_init(&listing, schedule, false) != 0)
        return;
    schedule->watch = &listing.watch;
    (void)schedule_run(schedule, program->ops, program->op_count, NULL, &again);
    schedule->watch = NULL;
    listing_print(&listing, stderr);
    listing_print_end(&schedule->report, stderr);
    if (schedule->report.digest != digest && !raced) /* a race ends its run, but not this one */
        fputs("this is not the run that failed: the candidate has a state that its metadata does not hold\n",
              stderr);
}

static PL_COLD PL_NORETURN void report(struct schedule *schedule, const struct finding *finding,
                                       const struct program *program)
{
    fprintf(stderr, "\npagelab finding: id=%s backend=%s target=%s step=%u\n  operation: ", finding->ids,
            target.spec.name, fuzz_target_names[target.target], finding->step);
    if (finding->step < program->op_count)
        program_print_op(&finding->op, stderr);
    else
        fputs("end\n", stderr);
    fprintf(stderr, "  expected:  %s\n  actual:    %s\n", finding->expected, finding->actual);
    program_print(program, stderr);
    observers_print_race(&target.observers, stderr);
    print_schedule(schedule, program, schedule->report.digest);
    struct op ops[PROGRAM_OP_LIMIT];
    struct program small = *program;
    memcpy(ops, program->ops, program->op_count * sizeof(ops[0]));
    small.ops = ops;
    small.op_count = schedule_shrink(schedule, ops, program->op_count, finding);
    if (small.op_count < program->op_count) {
        struct finding again;
        fputs("\nand with what it needs only:\n", stderr);
        program_print(&small, stderr);
        (void)schedule_run(schedule, small.ops, small.op_count, NULL, &again);
        fprintf(stderr, "  operation %u, expected: %s\n  actual:    %s\n", again.step, again.expected,
                again.actual);
        print_schedule(schedule, &small, schedule->report.digest);
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct finding finding;
    program_decode(data, size, ops, &program);
    if (program.family != OP_FAMILY_PAGE)
        return -1;                                                 /* libFuzzer: not worth keeping */
    uint32_t shape = size > 2 ? data[2] % PROGRAM_SHAPE_COUNT : 0; /* the same choices as the decoder's */
    uint32_t floors = size > 3 ? data[3] % PROGRAM_FLOORS_COUNT : 0;
    struct machine *machine = target.machines[shape][floors][program.shape.cpu_count - 1];
    if (machine == NULL)
        return -1;
    struct schedule *schedule = &machine->schedule;
    cost_begin(&machine->cost, false);
    enum pl_status status = schedule_run(schedule, ops, program.op_count, NULL, &finding);
    if (status != PL_OK) {
        finding_set(&finding, "X-3", "a machine that was initialised once can be again");
        finding_actual(&finding, "%s", pl_status_name(status));
    }
    target.executions++;
    target.operations += program.op_count;
    target.points += schedule->report.points;
    target.switches += schedule->report.switches;
    if (finding.found)
        report(schedule, &finding, &program);
    cost_mark(&machine->cost, schedule_coverage_cost());
    schedule_coverage_done();
    return 0;
}
