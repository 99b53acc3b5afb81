/* What the conformance cases share: one machine with one instance, a gate, a shadow, and the list of what is
 * granted. A case returns if it passes; it ends the program otherwise. */
#ifndef CONFORMANCE_CONFORMANCE_H
#define CONFORMANCE_CONFORMANCE_H

#include "engine/shadow.h"
#include "platform/native/native.h"
#include "systems/admission/admission.h"
#include "tests/conformance/cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EXIT_NOT_APPLICABLE 77

struct context {
    const char *name; /* of the candidate */
    struct spec spec;
    uint64_t scale; /* frames of the machine for one frame that a case asks for */
    struct native_machine *native;
    const struct pl_machine *machine;
    struct instance instance;
    struct admission admission;
    struct shadow shadow;
    struct pl_page_counts fresh; /* counts before the first call */
    struct pl_cpu *cpu;          /* CPU 0 */
    struct pl_run *grants;
    uint64_t grant_count;
    bool open;
};

/* Ends the program: both values, where. */
PL_NORETURN void check_failed(const char *file, int line, const char *words, uint64_t expected,
                              uint64_t actual);
PL_NORETURN void not_applicable(const char *what);

#define CHECK_EQUAL(expected, actual)                                                                        \
    do {                                                                                                     \
        uint64_t check_expected = (uint64_t)(expected);                                                      \
        uint64_t check_actual = (uint64_t)(actual);                                                          \
        if (check_expected != check_actual)                                                                  \
            check_failed(__FILE__, __LINE__, #actual " is " #expected, check_expected, check_actual);        \
    } while (0)
#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            check_failed(__FILE__, __LINE__, #condition, 1, 0);                                              \
    } while (0)

/* Skips the case unless the candidate claims this. */
void need(struct context *context, uint64_t caps, const char *what);

/* --- the machine --- */

/* A machine of this shape, scaled for candidates that need contents, with a fresh instance. A shape that the
 * candidate may refuse by its claims makes the case not applicable. */
void open_machine(struct context *context, const struct native_shape *shape, enum admission_mode mode);
void open_frames(struct context *context, uint64_t frame_count, uint32_t cpu_count);
void open_floored(struct context *context, uint64_t frame_count, uint32_t cpu_count,
                  const struct pl_floors *floors);
void close_machine(struct context *context);

/* Floors that the candidate can reach: 0, 2, 8 if it gives every frame, else near the top of the machine. */
struct pl_floors reachable_floors(struct context *context, uint64_t frame_count);
uint64_t floor_of(const struct context *context, unsigned alloc_class);

/* --- calls, each with its grants checked and noted --- */

struct pl_request request_of(unsigned order, unsigned alloc_class);
/* Through admission. */
enum pl_status take(struct context *context, unsigned order, unsigned alloc_class);
enum pl_status take_request(struct context *context, struct pl_cpu *cpu, const struct pl_request *request);
/* By constraints, through admission. */
enum pl_status take_run(struct context *context, unsigned alloc_class,
                        const struct pl_constraints *constraints);
/* Notes a grant that the case made by itself. */
void note(struct context *context, const struct pl_run *run);
const struct pl_run *last_grant(const struct context *context);
/* Gives back grant number `at`; the last one takes its number. */
void give(struct context *context, struct pl_cpu *cpu, uint64_t at);
void give_all(struct context *context);
/* Grants until exactly `left` frames are not granted; needs a candidate that can. */
void starve(struct context *context, uint64_t left);

/* --- views --- */

struct pl_page_counts counts_of(const struct context *context);
/* The audit, if there is one, against the shadow; and the counts where they are exact. */
void check_views(struct context *context);
/* Nothing is granted: after a drain the counts are those of a fresh machine. */
void check_restored(struct context *context);
/* Compares two counts, field by field. */
void check_same_counts(const struct pl_page_counts *before, const struct pl_page_counts *after);

/* The next number of a fixed sequence. */
uint32_t next_number(uint32_t *seed);

#define DECLARE_CASE(name) void case_##name(struct context *context);
CONFORMANCE_CASES(DECLARE_CASE)
#undef DECLARE_CASE

#endif
