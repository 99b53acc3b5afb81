/* How long a candidate holds interrupts off, call by call of a program on a machine: by the clock, which
 * costs nothing, and in instructions by single step, 15 us each.
 *
 * By the clock a section ends where the outermost unmask delivers: a pending bit that is never cleared makes
 * it call the platform. It is counted from the last instant at which the CPU was certainly not masked: the
 * call's entry, or the unmask before. Sections that a caller has masked (operations at interrupt level) are
 * not the candidate's, and are not looked at.
 *
 * With `whole` the same is done with calls as such, masked or not, those of callers who have masked included:
 * a section is then a call from its entry to its return. */
#ifndef ENGINE_INTERRUPT_MASKED_H
#define ENGINE_INTERRUPT_MASKED_H

#include "engine/interrupt/masked_count.h"
#include "engine/runner.h"

#define MASKED_CALLS 4096u /* of one run; what comes later is not looked at */
#define MASKED_NONE  UINT32_MAX

struct masked_call {
    uint32_t op; /* index of the operation that made it; the operation count at the end, where all is freed */
    enum tap_hook hook;
    bool granted; /* it answered PL_OK */
    bool stepped; /* the owner's mark */
    uint64_t ns;  /* its longest section, the least of all runs; 0: none */
};

struct masked_section {
    uint64_t instructions; /* 0: nothing is masked */
    uint32_t op;
    uint32_t call;
    enum tap_hook hook;
    uintptr_t pc; /* where it begins */
};

struct masked_rig {
    struct pl_platform platform; /* first: the CPUs' table of services while this lives */
    const struct pl_platform *before;
    struct runner runner;
    struct tap tap;
    struct masked_count count;
    struct pl_cpu *cpu; /* that makes the call */
    bool whole;         /* the owner's, between runs */
    bool by_clock;
    bool first;       /* run of this program */
    bool inside;      /* a call that is looked at */
    uint32_t at;      /* number of the next call, in this run */
    uint32_t step_at; /* call that is stepped */
    uint64_t opened_ns;
    uint64_t longest_ns; /* of the current call */
    uint64_t limit;      /* of instructions */
    uint64_t steps;      /* of all calls that were stepped */
    uint32_t call_count;
    struct masked_call calls[MASKED_CALLS];
};

/* Can this build on this machine count? If not, one phrase in `why`. */
bool masked_supported(char *why, size_t why_bytes);

/* As runner_init, on a machine that fits the candidate. */
enum pl_status masked_init(struct masked_rig *rig, const struct spec *spec, const struct native_shape *shape,
                           struct spec_error *error);
void masked_fini(struct masked_rig *rig);

/* Runs a program so many times from a fresh state, and fills rig->calls. `again`: the program is that of the
 * call before, so that the least of all these runs is kept. */
enum pl_status masked_time(struct masked_rig *rig, const struct program *program, unsigned times, bool again);

/* Steps one call of a program that was timed before. False: this machine does not step, or the program does
 * not come to this call. A call of more than `limit` instructions is counted so far. Takes SIGTRAP. */
bool masked_step(struct masked_rig *rig, const struct program *program, uint32_t call, uint64_t limit,
                 struct masked_section *section);

/* The call with the longest section by the clock that is not marked as stepped; MASKED_NONE. */
uint32_t masked_next(const struct masked_rig *rig);

/* The longest section of a program: times it, then steps whichever call is at least an eighth as long by the
 * clock as the longest, longest first, until `step_limit` instructions were stepped, at most 400,000 a call.
 * So what is told was counted, and something longer could only be in a call that the clock holds for short.
 * False: this machine does not step, or the program did not run. */
bool masked_longest(struct masked_rig *rig, const struct program *program, uint64_t step_limit,
                    struct masked_section *section);

/* A section by the clock, over many runs: a read of the clock is in it. What the host takes away is in the
 * longest one, too. */
struct masked_ns {
    uint64_t least;
    uint64_t median;
    uint64_t longest;
    uint32_t runs;
};

/* The longest section of this call in each run, until 1000 runs or so much processor time. */
void masked_clock(struct masked_rig *rig, const struct program *program, uint32_t call, uint64_t limit_ns,
                  struct masked_ns *ns);

/* CLOCK_MONOTONIC, and the processor time of this process, in ns. */
uint64_t masked_now_ns(void);
uint64_t masked_cpu_ns(void);

#endif
