/* Conformance by number: for each promise of the specification a check that drives a candidate to where the
 * promise could break. Most checks are programs in the text form; the oracle that the fuzz targets use judges
 * them. */
#ifndef ENGINE_CHECKS_CHECK_H
#define ENGINE_CHECKS_CHECK_H

#include "engine/runner.h"

enum check_verdict {
    CHECK_HOLDS = 0,
    CHECK_BROKEN = 1,
    CHECK_NA = 2,
};

struct check {
    const struct spec *spec;
    enum contract contract;
    const char *id; /* of the promise under check */
    enum check_verdict verdict;
    char words[400]; /* n/a: the reason; broken: what was seen */
    char ids[64];    /* broken: all ids that the finding names */
};

typedef void check_function(struct check *check);

enum check_contract {
    CHECK_BOTH = 0,
    CHECK_DOC_ONLY = 1,
    CHECK_REAL_ONLY = 2,
};

/* One promise. The lists of the families are in checks/list_*.c; together they are all 107. */
struct promise {
    const char *id;    /* "F-3a" */
    const char *words; /* the promise, one line */
    enum check_contract contract;
    const char *tested;    /* file of its check, from the root of the tree */
    const char *asserted;  /* file where the oracle asserts it, from the root of the tree */
    const char *lie;       /* how a test breaks it: "system" (systems/lie.h) or the liar's parameter */
    uint64_t needs;        /* capabilities; what lacks makes the cell n/a (capability) */
    const char *structure; /* NULL, or the structure that the candidate must have: "reservations" ... */
    check_function *run;
    const char *source; /* whose promise it is: file, function, and how that keeps it; one line */
};

extern const struct promise promises_freebsd[];
extern const unsigned promises_freebsd_count;
extern const struct promise promises_linux[];
extern const unsigned promises_linux_count;
extern const struct promise promises_sbp2[];
extern const unsigned promises_sbp2_count;
extern const struct promise promises_iokit[];
extern const unsigned promises_iokit_count;
extern const struct promise promises_cross[];
extern const unsigned promises_cross_count;

#define CHECK_PROMISE_COUNT 107u

/* The i-th of all, in the order F, L, S, B, X. */
const struct promise *check_promise(unsigned i);

/* Runs one check on one candidate, in this process. */
void check_run(const struct promise *promise, const struct spec *spec, enum contract contract,
               struct check *check);

/* What an instance of it has. A machine that the candidate cannot have is PL_UNSUPPORTED; whatever else keeps
 * it from being made is said in `error`. */
enum pl_status check_capabilities(const struct spec *spec, uint64_t *caps, struct spec_error *error);

/* --- for the checks themselves --- */

/* The next number of a fixed sequence. */
PL_INLINE uint32_t check_number(uint32_t *seed)
{
    *seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
    return *seed >> 8;
}

/* Runs a program in the text form (first line and machine line included) from a fresh state under the check's
 * contract; a finding makes the verdict broken. True while nothing is broken: so checks read
 * `return (void)(check_program(check, A) && check_program(check, B));` */
bool check_program(struct check *check, const char *text);

/* Makes the verdict broken, naming the check's own id. */
PL_PRINTF(2, 3) void check_broken(struct check *check, const char *format, ...);

/* Makes the verdict n/a: "capability: runs", "structure: reservations", "contract". */
void check_na(struct check *check, const char *reason);

#endif
