/* What is known of a capability: a candidate claims it; a check that could have refuted it ran and did not,
 * or did. A check here is the check of a promise that is asked only of those who claim the capability, or one
 * of its own, called C-NAME (claim_*.c). What limits a candidate is no promise and is stated, not checked. */
#ifndef ENGINE_CHECKS_CLAIMS_H
#define ENGINE_CHECKS_CLAIMS_H

#include <signal.h>

#include "engine/checks/check.h"

enum claim_state {
    CLAIM_STATED,  /* a limit or a need: the candidate says so, and nothing depends on its being wrong */
    CLAIM_CLAIMED, /* no check has tried to refute it, or none could */
    CLAIM_TESTED,  /* at least one check that could refute it ran, and none did */
    CLAIM_REFUTED,
};

struct claim {
    uint64_t cap;         /* one PL_CAP_* */
    const char *name;     /* as the capability is printed */
    const char *promises; /* ids of the promises that need it, separated by blanks; or "" */
    const char *own;      /* "C-NAME", or NULL: the promises are all there is */
    check_function *run;  /* what `own` names */
};

struct claim_verdict {
    enum claim_state state;
    char by[64];     /* the checks that ran; of a refuted claim, those that refuted it */
    char words[400]; /* refuted: what was seen; claimed: why no check could tell */
    bool broken;     /* not refuted, but one of its checks saw another promise broken; `words` says which */
};

/* The i-th, in the order of the bits; NULL behind the last. All capabilities are there. */
const struct claim *claim_at(unsigned i);

/* Is it a promise, which a check might refute? */
bool claim_is_promise(const struct claim *claim);

const char *claim_state_name(enum claim_state state);

/* Tries to refute one claim of a candidate that makes it; each check is a process of its own. False: `stop`
 * was set (as in isolate.h). */
bool claim_judge(const struct claim *claim, const struct spec *spec, enum contract contract,
                 const volatile sig_atomic_t *stop, struct claim_verdict *verdict);

/* The capabilities of an instance, made in a process of its own. PL_OK; else why there is none, in `error`.
 */
enum pl_status claim_capabilities(const struct spec *spec, uint64_t *caps, struct spec_error *error);

/* The claims' own checks. */
check_function claim_concurrent;
check_function claim_irq_safe;
check_function claim_nmi_safe;
check_function claim_exact_count;
check_function claim_all_frames;
check_function claim_complete;
check_function claim_checks_free;
check_function claim_split;
check_function claim_runs;
check_function claim_holes;
check_function claim_base;
check_function claim_nodes;

#endif
