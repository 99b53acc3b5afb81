/* See claims.h. */
#include "engine/checks/claims.h"

#include <stdio.h>
#include <string.h>

#include "engine/isolate.h"

#define CHECK_LIMIT_S 60u

/* A capability, the promises that need it, its own check. */
#define OWN(cap, text, promises, function) {PL_CAP_##cap, text, promises, "C-" text, function}
#define ONLY(cap, text, promises)          {PL_CAP_##cap, text, promises, NULL, NULL}
#define STATED(cap, text)                  {PL_CAP_##cap, text, "", NULL, NULL}

static const struct claim claims[] = {
    OWN(CONCURRENT, "concurrent", "X-11", claim_concurrent),
    OWN(IRQ_SAFE, "irq-safe", "", claim_irq_safe),
    OWN(NMI_SAFE, "nmi-safe", "", claim_nmi_safe),
    STATED(MAY_SLEEP, "may-sleep"),
    STATED(OWN_LOCK, "own-lock"),
    OWN(EXACT_COUNT, "exact-count", "", claim_exact_count),
    OWN(ALL_FRAMES, "all-frames", "F-3a", claim_all_frames),
    OWN(COMPLETE, "complete", "", claim_complete),
    OWN(CHECKS_FREE, "checks-free", "", claim_checks_free),
    OWN(SPLIT, "split", "L-15", claim_split),
    OWN(RUNS, "runs", "F-24", claim_runs),
    ONLY(KNOWS_ZERO, "knows-zero", "F-11"),
    STATED(NEEDS_SIZE, "needs-size"),
    STATED(META_IN_FRAMES, "meta-in-frames"),
    STATED(NEEDS_CONTENTS, "needs-contents"),
    STATED(OUTSIDE_STATE, "outside-state"),
    STATED(ONE_INSTANCE, "one-instance"),
    STATED(ABORTS, "aborts"),
    STATED(FIXED_POOL, "fixed-pool"),
    OWN(HOLES, "holes", "", claim_holes),
    OWN(BASE, "base", "", claim_base),
    OWN(NODES, "nodes", "", claim_nodes),
    ONLY(BUDDY, "buddy", "F-22"),
    ONLY(RESERVATIONS, "reservations", "F-23"),
    ONLY(ZONES, "zones", "L-18"),
};

const struct claim *claim_at(unsigned i)
{
    return i < PL_COUNT_OF(claims) ? &claims[i] : NULL;
}

bool claim_is_promise(const struct claim *claim)
{
    return claim->own != NULL || claim->promises[0] != '\0';
}

const char *claim_state_name(enum claim_state state)
{
    static const char *const names[] = {"stated", "claimed", "tested", "refuted"};
    return names[state];
}

/* --- in a process of their own --- */

struct claim_work {
    const struct spec *spec;
    enum contract contract;
    const struct promise *promise; /* NULL: the claim's own check */
    const struct claim *claim;
};

static void run_check(void *argument, void *result)
{
    const struct claim_work *work = argument;
    struct check *check = result;
    if (work->promise != NULL) {
        check_run(work->promise, work->spec, work->contract, check);
        return;
    }
    memset(check, 0, sizeof(*check));
    check->spec = work->spec;
    check->contract = work->contract;
    check->id = work->claim->own;
    work->claim->run(check);
}

struct claim_caps {
    enum pl_status status;
    uint64_t caps;
    struct spec_error error;
};

static void find_caps(void *argument, void *result)
{
    struct claim_caps *found = result;
    memset(found, 0, sizeof(*found));
    found->status = check_capabilities(argument, &found->caps, &found->error);
}

enum pl_status claim_capabilities(const struct spec *spec, uint64_t *caps, struct spec_error *error)
{
    struct claim_caps found;
    char how[100] = "";
    struct spec own = *spec;
    if (isolate_run(find_caps, &own, &found, sizeof(found), CHECK_LIMIT_S, NULL, how, sizeof(how)) !=
        ISOLATE_DONE) {
        snprintf(error->text, sizeof(error->text), "no instance can be made: %s", how);
        return PL_UNSUPPORTED;
    }
    *caps = found.caps;
    *error = found.error;
    return found.status;
}

/* --- the verdict --- */

static void add_id(struct claim_verdict *verdict, const char *id)
{
    size_t used = strlen(verdict->by);
    snprintf(verdict->by + used, sizeof(verdict->by) - used, "%s%s", used == 0 ? "" : " ", id);
}

static bool has_id(const char *ids, const char *id)
{
    size_t bytes = strlen(id);
    for (const char *at = ids; (at = strstr(at, id)) != NULL; at++) {
        if ((at == ids || at[-1] == ' ') && (at[bytes] == ' ' || at[bytes] == '\0'))
            return true;
    }
    return false;
}

/* What a check said of the claim. A check of a promise that ends because another one is broken says nothing.
 */
static void hear(struct claim_verdict *verdict, const struct check *check, const char *id)
{
    if (check->verdict == CHECK_HOLDS && verdict->state != CLAIM_REFUTED) {
        verdict->state = CLAIM_TESTED;
        add_id(verdict, id);
        return;
    }
    bool told = check->verdict == CHECK_BROKEN && has_id(check->ids, id);
    if (told && verdict->state != CLAIM_REFUTED) {
        verdict->state = CLAIM_REFUTED;
        verdict->by[0] = '\0';
        snprintf(verdict->words, sizeof(verdict->words), "%s", check->words);
    }
    if (told)
        add_id(verdict, id);
    if (check->verdict == CHECK_BROKEN && !told)
        verdict->broken = true;
    if (check->verdict != CHECK_HOLDS && verdict->state != CLAIM_REFUTED)
        snprintf(verdict->words, sizeof(verdict->words), "%s: %.380s", id, check->words);
}

/* False: interrupted. */
static bool try_one(const struct claim_work *work, const char *id, const volatile sig_atomic_t *stop,
                    struct claim_verdict *verdict)
{
    struct check check;
    char how[100] = "";
    struct claim_work own = *work;
    enum isolate_outcome outcome =
        isolate_run(run_check, &own, &check, sizeof(check), CHECK_LIMIT_S, stop, how, sizeof(how));
    if (outcome == ISOLATE_INTERRUPTED)
        return false;
    if (outcome != ISOLATE_DONE) {
        memset(&check, 0, sizeof(check));
        check.verdict = outcome == ISOLATE_NO_PROCESS ? CHECK_NA : CHECK_BROKEN;
        snprintf(check.ids, sizeof(check.ids), "%s", id);
        snprintf(check.words, sizeof(check.words), "the process of this check died: %s", how);
    }
    hear(verdict, &check, id);
    return true;
}

bool claim_judge(const struct claim *claim, const struct spec *spec, enum contract contract,
                 const volatile sig_atomic_t *stop, struct claim_verdict *verdict)
{
    struct claim_work work = {.spec = spec, .contract = contract, .claim = claim};
    memset(verdict, 0, sizeof(*verdict));
    verdict->state = claim_is_promise(claim) ? CLAIM_CLAIMED : CLAIM_STATED;
    if (claim->own != NULL && !try_one(&work, claim->own, stop, verdict))
        return false;
    for (unsigned i = 0; i < CHECK_PROMISE_COUNT; i++) {
        work.promise = check_promise(i);
        if (has_id(claim->promises, work.promise->id) && !try_one(&work, work.promise->id, stop, verdict))
            return false;
    }
    if (verdict->state == CLAIM_REFUTED)
        verdict->broken = false;
    if (verdict->state == CLAIM_TESTED && !verdict->broken)
        verdict->words[0] = '\0';
    return true;
}
