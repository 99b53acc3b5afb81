/* Runs programs on one candidate with the shadow beside it. One machine, one instance, many programs: each
 * run starts from the fresh state. Nothing here reads a clock, a random number or the environment. */
#ifndef ENGINE_RUNNER_H
#define ENGINE_RUNNER_H

#include "engine/program.h"
#include "engine/services.h"
#include "engine/shadow.h"
#include "systems/admission/admission.h"

#define RUNNER_AUDIT_EVERY 64u

struct runner_slot {
    struct pl_run run; /* the grant, or the last one that was freed */
    bool live;
    bool used; /* `run` means something */
};

struct runner {
    struct native_shape shape; /* as made */
    struct native_machine *native;
    const struct pl_machine *machine;
    struct interrupts *interrupts; /* NULL until a program has one */
    const struct op *op;           /* that runs now; NULL: none, or the end */
    uint32_t at;                   /* its index; the operation count at the end */
    struct services *services;     /* what the four systems stand on; NULL for programs of frames only */
    struct instance instance;
    struct admission admission;
    struct shadow shadow;
    struct runner_slot *slots;
    uint32_t slot_count;
    uint32_t slot_top;      /* slots from here on were not used since the last run began */
    struct pl_run *starved; /* what OP_STARVE took: at most a run a frame */
    uint64_t starved_count;
    struct pl_page_counts fresh_counts; /* of the instance before the first operation */
    uint32_t audit_every;               /* operations between full audits */
    bool audits;    /* false: no full audit at all, so that the price of the other checks can be measured */
    FILE *log;      /* each operation and its outcome as text, or NULL */
    uint64_t calls; /* hooks that were called: allocations, frees, splits, drains */
    uint64_t
        calls_audited; /* `calls` at the last audit after a failure: if equal, nothing has changed since */
    uint64_t denied;   /* allocations that were not granted */
    char slept_at[60]; /* the first place where a call could have slept that must not; empty: none */
};

/* PL_OK; PL_UNSUPPORTED: the candidate cannot have this machine; PL_NO_MEMORY. `shape->contents` is set here
 * as the candidate needs. One line in `error` unless PL_OK. */
enum pl_status runner_init(struct runner *runner, const struct spec *spec, const struct native_shape *shape,
                           struct spec_error *error);

/* The same with room for so many slots; runner_init has those of the binary form. */
enum pl_status runner_init_slots(struct runner *runner, const struct spec *spec,
                                 const struct native_shape *shape, uint32_t slot_count,
                                 struct spec_error *error);

/* The same for programs of a family: the machine has contents, and the systems are made. */
enum pl_status runner_init_family(struct runner *runner, const struct spec *spec,
                                  const struct native_shape *shape, uint32_t slot_count,
                                  enum op_family family, struct spec_error *error);

/* The contract of the next runs: CONTRACT_DOC until it is set. */
void runner_set_contract(struct runner *runner, enum contract contract);

/* Runs from a fresh state to the end or the first finding. PL_OK, or what instance_reset returned. */
enum pl_status runner_run(struct runner *runner, const struct op *ops, uint32_t op_count,
                          struct finding *finding);
void runner_fini(struct runner *runner);

/* Makes a shape that the candidate can have: libraries, which need contents, get ranges 16 times as large,
 * those of a fixed pool one range of its size. */
void runner_fit_shape(const struct spec *spec, struct native_shape *shape);

#endif
