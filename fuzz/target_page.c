/* The one fuzz target, for libFuzzer and AFL++: bytes are a program (engine/program.h), which runs on the
 * candidate that PAGELAB_BACKEND names, with the shadow model beside it. A finding is one block on stderr and
 * abort().
 *
 * A runner is made for each machine of the binary form, and each program starts from a fresh state: what an
 * input does depends on its bytes alone. Where frames have contents, machines are large; then few live at a
 * time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagelab/compiler.h>

#include "engine/program_tables.h"
#include "engine/runner.h"

#define TARGET_CPUS    4u
#define TARGET_CONFIGS (PROGRAM_SHAPE_COUNT * PROGRAM_FLOORS_COUNT * TARGET_CPUS)
#define TARGET_LARGE   2u /* machines with contents that live at a time */

enum machine_state { MACHINE_NONE = 0, MACHINE_LIVE, MACHINE_UNSUPPORTED };

struct machine_slot {
    enum machine_state state;
    struct runner *runner;
};

/* A fuzzer's target has no argument to carry these in. */
static struct {
    struct spec spec;
    bool contents;
    struct machine_slot slots[TARGET_CONFIGS];
    uint32_t large[TARGET_LARGE]; /* slots with a machine with contents, oldest first */
    uint32_t large_count;
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

static void drop_oldest_large(void)
{
    struct machine_slot *slot = &target.slots[target.large[0]];
    runner_fini(slot->runner);
    free(slot->runner);
    *slot = (struct machine_slot){MACHINE_NONE, NULL};
    target.large_count--;
    memmove(target.large, target.large + 1, target.large_count * sizeof(target.large[0]));
}

/* The machine of this configuration; NULL if the candidate cannot have it. */
static struct runner *runner_for(uint32_t config, const struct native_shape *small)
{
    struct machine_slot *slot = &target.slots[config];
    if (slot->state != MACHINE_NONE)
        return slot->runner;
    if (target.contents && target.large_count == TARGET_LARGE)
        drop_oldest_large();
    struct native_shape shape = *small;
    struct spec_error error;
    runner_fit_shape(&target.spec, &shape);
    slot->runner = aligned_alloc(_Alignof(struct runner), sizeof(*slot->runner));
    if (slot->runner == NULL)
        give_up("out of memory for a machine");
    enum pl_status status = runner_init(slot->runner, &target.spec, &shape, &error);
    if (status == PL_NO_MEMORY)
        give_up(error.text);
    slot->state = MACHINE_LIVE;
    if (status != PL_OK) {
        free(slot->runner);
        *slot = (struct machine_slot){MACHINE_UNSUPPORTED, NULL};
    } else if (target.contents) {
        target.large[target.large_count++] = config;
    }
    return slot->runner;
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
    const char *name = getenv("PAGELAB_BACKEND");
    struct spec_error error;
    if (spec_parse(name == NULL ? "reference" : name, &target.spec, &error) != 0)
        give_up(error.text);
    target.contents = spec_needs_contents(&target.spec);
    if (getenv("PAGELAB_FUZZ_STATISTICS") != NULL)
        atexit(print_statistics);
    /* All small machines now: making one later would look like coverage of the input that came first. */
    for (uint32_t config = 0; config < TARGET_CONFIGS && !target.contents; config++) {
        uint8_t header[PROGRAM_HEADER_BYTES] = {
            [2] = (uint8_t)(config / TARGET_CPUS / PROGRAM_FLOORS_COUNT),
            [3] = (uint8_t)(config / TARGET_CPUS % PROGRAM_FLOORS_COUNT),
            [4] = (uint8_t)(config % TARGET_CPUS),
        };
        struct program program;
        program_decode(header, sizeof(header), NULL, &program);
        (void)runner_for(config, &program.shape);
    }
    return 0;
}

static PL_COLD PL_NORETURN void report(const struct finding *finding, const struct program *program)
{
    fprintf(stderr, "\npagelab finding: id=%s backend=%s step=%u\n  operation: ", finding->ids,
            target.spec.name, finding->step);
    if (finding->step < program->op_count)
        program_print_op(&finding->op, stderr);
    else
        fputs("end\n", stderr);
    fprintf(stderr, "  expected:  %s\n  actual:    %s\n", finding->expected, finding->actual);
    program_print(program, stderr);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct op ops[PROGRAM_OP_LIMIT];
    struct program program;
    struct finding finding;
    program_decode(data, size, ops, &program);
    struct runner *runner = runner_for(config_of(data, size), &program.shape);
    if (runner == NULL)
        return -1; /* libFuzzer: not worth keeping */
    enum pl_status status = runner_run(runner, ops, program.op_count, &finding);
    if (status != PL_OK) {
        finding_set(&finding, "X-3", "a machine that was initialised once can be again");
        finding_actual(&finding, "%s", pl_status_name(status));
    }
    target.executions++;
    target.operations += program.op_count;
    if (finding.found)
        report(&finding, &program);
    return 0;
}
