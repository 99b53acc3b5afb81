/* The fuzz target, for libFuzzer and AFL++: bytes are a program (engine/program.h) of the family that
 * PAGELAB_TARGET names, which runs on the candidate that PAGELAB_BACKEND names (or as subject.h says), with
 * the shadow model and the systems' oracles beside it. A finding is one block on stderr and abort().
 *
 * A runner is made for each machine of the binary form, and each program starts from a fresh state: what an
 * input does depends on its bytes alone. Libraries' machines are large, so few live at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/compiler.h>

#include "engine/program_tables.h"
#include "engine/runner.h"
#include "fuzz/family.h"

#define TARGET_CPUS    4u
#define TARGET_CONFIGS (PROGRAM_SHAPE_COUNT * PROGRAM_FLOORS_COUNT * TARGET_CPUS)
#define TARGET_LARGE   2u /* machines of a library that live at a time */

enum machine_state { MACHINE_NONE = 0, MACHINE_LIVE, MACHINE_UNSUPPORTED };

struct machine_slot {
    enum machine_state state;
    struct runner *runner;
};

/* A fuzzer's target has no argument to carry these in. */
static struct {
    struct spec spec;
    enum op_family family;
    bool large; /* the candidate's machines are */
    struct machine_slot slots[TARGET_CONFIGS];
    uint32_t live[TARGET_LARGE]; /* slots with a large machine, oldest first */
    uint32_t live_count;
    uint64_t executions; /* statistics only */
    uint64_t operations;
} target;

/* The fuzzer's: it looks these up by name. */
PL_EXPORT int LLVMFuzzerInitialize(int *argc, char ***argv);
PL_EXPORT int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static PL_NORETURN void give_up(const char *words)
{
    fprintf(stderr, "pagelab-fuzz: %s\n", words);
    exit(2);
}

static uint8_t header_byte(const uint8_t *data, size_t size, size_t at)
{
    return at < size ? data[at] : 0;
}

/* The same choice as the decoder's, so that equal numbers are equal machines. */
static uint32_t config_of(const uint8_t *data, size_t size)
{
    uint32_t shape = header_byte(data, size, 2) % PROGRAM_SHAPE_COUNT;
    uint32_t floors = header_byte(data, size, 3) % PROGRAM_FLOORS_COUNT;
    uint32_t cpus = header_byte(data, size, 4) % TARGET_CPUS;
    return (shape * PROGRAM_FLOORS_COUNT + floors) * TARGET_CPUS + cpus;
}

static void drop_oldest(void)
{
    struct machine_slot *slot = &target.slots[target.live[0]];
    runner_fini(slot->runner);
    free(slot->runner);
    *slot = (struct machine_slot){MACHINE_NONE, NULL};
    target.live_count--;
    memmove(target.live, target.live + 1, target.live_count * sizeof(target.live[0]));
}

static PL_COLD PL_NORETURN void report(const struct finding *finding, const struct program *program)
{
    fprintf(stderr, "\npagelab finding: id=%s backend=%s target=%s step=%u\n  operation: ", finding->ids,
            target.spec.name, op_family_names[target.family], finding->step);
    if (finding->step < program->op_count)
        program_print_op(&finding->op, stderr);
    else
        fputs("end\n", stderr);
    fprintf(stderr, "  expected:  %s\n  actual:    %s\n", finding->expected, finding->actual);
    program_print(program, stderr);
    abort();
}

static PL_COLD PL_NORETURN void report_init(const struct program *program, const char *expected,
                                            const char *actual)
{
    struct finding finding = {.step = program->op_count};
    finding_set(&finding, "X-3", expected);
    finding_actual(&finding, "%s", actual);
    report(&finding, program);
}

/* The machine of this configuration; NULL if the candidate cannot have it. */
static struct runner *runner_for(uint32_t config, const struct program *program)
{
    struct machine_slot *slot = &target.slots[config];
    if (slot->state != MACHINE_NONE)
        return slot->runner;
    if (target.large && target.live_count == TARGET_LARGE)
        drop_oldest();
    struct native_shape shape = program->shape;
    struct spec_error error;
    runner_fit_shape(&target.spec, &shape);
    slot->runner = aligned_alloc(_Alignof(struct runner), sizeof(*slot->runner));
    if (slot->runner == NULL)
        give_up("out of memory for a machine");
    enum pl_status status =
        runner_init_family(slot->runner, &target.spec, &shape, PROGRAM_SLOT_LIMIT, target.family, &error);
    if (status == PL_NO_MEMORY)
        give_up(error.text);
    if (!pl_status_is_known(status))
        report_init(program, "init succeeds, or says why not by a status", error.text);
    slot->state = MACHINE_LIVE;
    if (status != PL_OK) {
        free(slot->runner);
        *slot = (struct machine_slot){MACHINE_UNSUPPORTED, NULL};
    } else if (target.large) {
        target.live[target.live_count++] = config;
    }
    return slot->runner;
}

/* Making one later would look like coverage of the input that came first. */
static void make_small_machines(void)
{
    for (uint32_t config = 0; config < TARGET_CONFIGS; config++) {
        uint8_t header[PROGRAM_HEADER_BYTES] = {
            [2] = (uint8_t)(config / TARGET_CPUS / PROGRAM_FLOORS_COUNT),
            [3] = (uint8_t)(config / TARGET_CPUS % PROGRAM_FLOORS_COUNT),
            [4] = (uint8_t)(config % TARGET_CPUS),
        };
        struct program program;
        program_decode(header, sizeof(header), NULL, &program);
        (void)runner_for(config, &program);
    }
}

static void print_statistics(void)
{
    fprintf(stderr, "pagelab statistics: executions=%llu operations=%llu\n",
            (unsigned long long)target.executions, (unsigned long long)target.operations);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct spec_error error;
    if (!family_of_environment(&target.family))
        give_up(FAMILY_VARIABLE ": page, vm, area, orb, buffer or all expected");
    if (spec_parse(subject_backend(), &target.spec, &error) != 0)
        give_up(error.text);
    target.large = spec_needs_large_machine(&target.spec);
    if (getenv("PAGELAB_FUZZ_STATISTICS") != NULL)
        atexit(print_statistics);
    if (!target.large)
        make_small_machines();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct finding finding;
    program_decode(data, size, ops, &program);
    if (program.family != target.family)
        return -1; /* libFuzzer: not worth keeping */
    struct runner *runner = runner_for(config_of(data, size), &program);
    if (runner == NULL)
        return -1;
    runner_set_contract(runner, program.contract);
    enum pl_status status = runner_run(runner, ops, program.op_count, &finding);
    if (status != PL_OK)
        report_init(&program, "a machine that was initialised once can be again", pl_status_name(status));
    target.executions++;
    target.operations += program.op_count;
    if (finding.found)
        report(&finding, &program);
    return 0;
}
