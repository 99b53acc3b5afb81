/* pagelab interrupt and pagelab replay --interrupt: what both print. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "cli/cli.h"
#include "engine/interrupt/sweep.h"

/* What was asked of all candidates and programs. */
struct interrupt_ask {
    enum sweep_by by;
    bool levels[INTERRUPT_LEVEL_COUNT];
    enum op_interrupt doing;
    unsigned limit_s;    /* a program, or a candidate's stress */
    bool stress;         /* by signals and timers instead */
    uint64_t operations; /* of that, on each CPU */
};

/* Of one candidate, all programs together. */
struct interrupt_level_row {
    uint64_t taken;
    uint64_t failures;
    uint64_t calls;
    uint64_t denied;
    bool stopped;
    const char *program; /* of the first failure */
    struct sweep_failure first;
};

struct interrupt_row {
    const struct spec *spec;
    uint64_t caps;
    uint64_t there;  /* points of all programs */
    uint64_t points; /* of those, reached */
    double seconds;
    unsigned programs; /* that ran */
    struct interrupt_level_row levels[INTERRUPT_LEVEL_COUNT];
    struct sweep_masked masked;
    const char *masked_program;
    const char *partial; /* a program that took longer than the limit, or NULL */
    char words[300];     /* why nothing ran, or what ran wrong without any interrupt */
    bool faulty;
};

/* Runs a sweep in a process of its own. 0, or CLI_INTERRUPTED, or CLI_BROKEN: it died, `result->error`. */
int interrupt_isolate(const struct sweep_options *options, struct sweep_result *result);

/* --mode stress: runs and prints; the exit code. */
int interrupt_stress(const struct spec *specs, uint32_t spec_count, const struct interrupt_ask *ask,
                     enum report_format format);

/* Is a claim refuted by this row? */
bool interrupt_refuted(const struct interrupt_row *row);

/* The table and below it the failures with their stacks, or JSON. */
void interrupt_print(const struct interrupt_row *rows, uint32_t row_count, const struct interrupt_ask *ask,
                     enum report_format format);

/* One failure in full. */
void interrupt_print_failure(const struct spec *spec, const char *program,
                             const struct sweep_failure *failure, enum interrupt_level level,
                             const struct interrupt_ask *ask, bool claimed);

/* mixed, pair, keep or free; NULL: mixed. False: none of these. */
bool interrupt_parse_doing(const char *text, enum op_interrupt *doing);

/* "m:n" or, at labelled points, "m:pN". False: neither. */
bool interrupt_parse_place(const char *text, struct sweep_place *place, enum sweep_by *by);

#endif
