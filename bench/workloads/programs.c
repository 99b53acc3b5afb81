/* programs-bare, programs-checked: the price of the checks. A fixed set of programs of 64 operations on
 * frames runs through the bare runner, and through the checked one with its full audits left out: those are
 * paid by the walk, not by the operation. An operation of a program is one operation here; making the fresh
 * state and giving everything back at the end are in both. */
#include <stdlib.h>

#include "bench/workloads/workload.h"
#include "engine/runner_bare.h"

#define PROGRAMS      128u
#define PROGRAM_OPS   64u
#define PROGRAM_BYTES (PROGRAM_HEADER_BYTES + PROGRAM_OPS * PROGRAM_RECORD_BYTES)
#define SLOTS         16u /* few, so that frees meet grants */
#define SEED          UINT64_C(0x9e3779b97f4a7c15)
#define CHECKED       1u

struct programs {
    struct runner runner;
    bool has_runner;
    struct op ops[PROGRAMS][PROGRAM_OP_LIMIT];
};

static uint8_t draw(uint64_t *rng, unsigned limit)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return (uint8_t)((*rng >> 32) % limit);
}

/* As the fuzzers' mutator writes records: any kind, mostly small orders and class NORMAL, slots that are
 * used. Which number is which kind is the decoder's; what is no call of a backend (misuse, audits, nothing)
 * is drawn again. */
static void write_record(uint64_t *rng, uint8_t *record)
{
    record[1] = draw(rng, 4) == 0 ? draw(rng, 256) : draw(rng, 4);
    record[2] = draw(rng, 4) == 0 ? draw(rng, 256) : 0;
    record[3] = draw(rng, SLOTS);
    for (unsigned i = 4; i < PROGRAM_RECORD_BYTES; i++)
        record[i] = draw(rng, 2) == 0 ? draw(rng, 256) : 0;
}

static bool is_call(const struct op *op)
{
    return op->kind != OP_NOP && op->kind != OP_AUDIT && op->kind != OP_BAD_FREE && op->kind != OP_BAD_ALLOC;
}

/* Decodes into `ops`. The machine: 256 frames, floors 0/2/8, two CPUs. */
static void write_program(uint64_t *rng, struct op *ops, struct program *program)
{
    static const uint8_t header[PROGRAM_HEADER_BYTES] = {[3] = 1, [4] = 1, [5] = OP_FAMILY_PAGE};
    uint8_t bytes[PROGRAM_BYTES];
    for (unsigned i = 0; i < PROGRAM_HEADER_BYTES; i++)
        bytes[i] = header[i];
    for (unsigned i = 0; i < PROGRAM_OPS; i++) {
        size_t at = PROGRAM_HEADER_BYTES + (size_t)i * PROGRAM_RECORD_BYTES;
        do {
            bytes[at] = draw(rng, 256);
            write_record(rng, bytes + at);
            program_decode(bytes, at + PROGRAM_RECORD_BYTES, ops, program);
        } while (!is_call(&ops[i]));
    }
}

static bool try_all(struct cell *cell, struct programs *programs)
{
    struct finding finding;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        if (runner_run(&programs->runner, programs->ops[i], PROGRAM_OPS, &finding) != PL_OK)
            return workload_cannot(cell, "the candidate cannot be reset");
        if (finding.found)
            return workload_cannot(cell, "program %u breaks %s: %.60s; %.60s", i, finding.ids,
                                   finding.expected, finding.actual);
    }
    return true;
}

static bool programs_prepare(struct cell *cell)
{
    uint64_t rng = SEED;
    struct program program;
    struct spec_error error;
    if (cell->workload->choice == CHECKED && spec_base(cell->spec)->kind == PL_KIND_FLOOR)
        return workload_cannot(cell, "n/a (capability): a rod promises nothing that could be checked");
    struct programs *programs = aligned_alloc(_Alignof(struct programs), sizeof(*programs));
    if (programs == NULL)
        return workload_cannot(cell, "out of memory");
    cell->shared = programs;
    programs->has_runner = false;
    for (unsigned i = 0; i < PROGRAMS; i++)
        write_program(&rng, programs->ops[i], &program);
    runner_fit_shape(cell->spec, &program.shape);
    enum pl_status status = runner_init(&programs->runner, cell->spec, &program.shape, &error);
    if (status != PL_OK)
        return workload_cannot(cell, "%s%.150s", status == PL_UNSUPPORTED ? "n/a (machine): " : "",
                               error.text);
    programs->has_runner = true;
    programs->runner.audits = false;
    return cell->workload->choice != CHECKED || try_all(cell, programs);
}

static void programs_drop(struct cell *cell)
{
    struct programs *programs = cell->shared;
    if (programs != NULL && programs->has_runner)
        runner_fini(&programs->runner);
}

static void bare_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct programs *programs = cell->shared;
    unsigned next = 0;
    while (lb_keep_running_batch(state, PROGRAM_OPS)) {
        (void)runner_bare_run(&programs->runner, programs->ops[next], PROGRAM_OPS);
        next = (next + 1) % PROGRAMS;
    }
}

static void checked_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    struct programs *programs = cell->shared;
    struct finding finding;
    unsigned next = 0;
    while (lb_keep_running_batch(state, PROGRAM_OPS)) {
        (void)runner_run(&programs->runner, programs->ops[next], PROGRAM_OPS, &finding);
        cell->threads[0].failures += finding.found;
        next = (next + 1) % PROGRAMS;
    }
}

const struct workload workloads_programs[WORKLOADS_PROGRAMS] = {
    {
        .name = "programs-bare",
        .summary = "programs of 64 operations without any check; an operation is one operation",
        .section = SECTION_HARNESS,
        .makes_machine = true,
        .prepare = programs_prepare,
        .body = bare_body,
        .drop = programs_drop,
    },
    {
        .name = "programs-checked",
        .summary = "the same programs with the shadow beside them, full audits apart",
        .section = SECTION_HARNESS,
        .makes_machine = true,
        .choice = CHECKED,
        .prepare = programs_prepare,
        .body = checked_body,
        .drop = programs_drop,
    },
};
