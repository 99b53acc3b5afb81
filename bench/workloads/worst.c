/* worst-masked, worst-call, worst-locked: the worst calls that searches have found for a candidate, alone.
 * The program is stored (corpora/masked, corpora/cost); what is timed is one of its calls, each time from a
 * fresh state, on one CPU and with nobody else about: what a call costs, not what waiting costs.
 *
 *   worst-masked  the call that holds interrupts off longest; its masked section is the operation
 *   worst-call    the call with most accesses, as the simulated platform counts them; the call is
 *   worst-locked  the call with most locked operations, likewise
 *
 * The program pagelab-sim says which call it is, and counts; this process times it and steps it. */
#define _POSIX_C_SOURCE 200809L /* access */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/workloads/tail.h"
#include "engine/interrupt/masked.h"
#include "engine/program_file.h"

#define FULL_S     0.5    /* measured for less: a short run */
#define STEPS      400000 /* instructions of one call: six seconds */
#define STEPS_LESS 40000
#define STEPS_TEST 4000
#define CLOCK_NS   UINT64_C(500000000)
#define CLOCK_LESS UINT64_C(100000000)
#define CLOCK_TEST UINT64_C(5000000)
#define LOOK_AT    3u  /* calls, longest by the clock first */
#define TIMES      7u  /* runs that say which these are */
#define LIMIT_S    60u /* of pagelab-sim, which takes a hundredth of a second */

enum { WORST_MASKED, WORST_CALL, WORST_LOCKED };

static const struct {
    const char *folder;
    const char *key; /* of what pagelab-sim prints; NULL: it is not asked */
    const char *search;
} sources[] = {
    [WORST_MASKED] = {"corpora/masked", NULL, "./pagelab masked --search"},
    [WORST_CALL] = {"corpora/cost/accesses", "accesses", "./pagelab cost --out"},
    [WORST_LOCKED] = {"corpora/cost/locked", "locked", "./pagelab cost --out"},
};

/* In cell->shared. */
struct worst {
    struct program_file file;
    struct masked_rig rig;
    bool live;  /* rig is */
    bool whole; /* the call was stepped to its end */
    char path[4096];
    struct masked_section section;
    struct masked_ns ns;
};

static uint64_t step_limit(const struct cell *cell)
{
    return cell->params.smoke ? STEPS_TEST : cell->params.min_time_s < FULL_S ? STEPS_LESS : STEPS;
}

static uint64_t clock_limit(const struct cell *cell)
{
    return cell->params.smoke ? CLOCK_TEST : cell->params.min_time_s < FULL_S ? CLOCK_LESS : CLOCK_NS;
}

/* --- which call --- */

/* False: cell->cannot is set. */
static bool step_call(struct cell *cell, struct worst *worst, uint32_t call)
{
    struct masked_section section;
    uint64_t before = worst->rig.steps;
    if (!masked_step(&worst->rig, &worst->file.program, call, step_limit(cell), &section))
        return workload_cannot(cell, "n/a (machine): no single step");
    if (worst->section.instructions != 0 && section.instructions <= worst->section.instructions)
        return true;
    worst->section = section;
    worst->whole = worst->rig.steps - before < step_limit(cell);
    return true;
}

/* Of a program that was timed: what is longest is stepped, as far as the limit goes. */
static bool find_masked(struct cell *cell, struct worst *worst)
{
    worst->whole = true;
    for (unsigned i = 0; i < LOOK_AT && worst->whole; i++) {
        uint32_t call = masked_next(&worst->rig);
        if (call == MASKED_NONE)
            break;
        worst->rig.calls[call].stepped = true;
        if (!step_call(cell, worst, call))
            return false;
    }
    return worst->section.instructions != 0 || !worst->whole ||
           workload_cannot(cell, "the stored program masks nowhere");
}

/* What pagelab-sim answers, or NULL: cell->cannot is set. */
static cJSON *ask(struct cell *cell, struct worst *worst)
{
    char program[4096 + 16];
    char command[] = "call";
    char why[160];
    volatile sig_atomic_t never = 0; /* whoever ends this process ends that one */
    struct child_result result;
    child_beside("pagelab-sim", program, sizeof(program));
    if (access(program, X_OK) != 0) {
        (void)workload_cannot(
            cell, "n/a (machine): no pagelab-sim beside this program: no sanitizer's build has it");
        return NULL;
    }
    char *argv[] = {program, command, worst->path, cell->params.backend, NULL};
    child_run(argv, LIMIT_S, &never, &result);
    cJSON *root = result.end == CHILD_EXITED && result.code == 0 ? cJSON_Parse(result.output) : NULL;
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(root, "reason"));
    child_describe(&result, why, sizeof(why));
    free(result.output);
    if (root != NULL && reason == NULL)
        return root;
    (void)workload_cannot(cell, "n/a (capability): %.140s", reason != NULL ? reason : why);
    cJSON_Delete(root);
    return NULL;
}

static void count_of(struct cell *cell, const cJSON *call, const char *key, const char *name)
{
    const cJSON *number = cJSON_GetObjectItem(call, key);
    if (cJSON_IsNumber(number))
        workload_count(cell, name, number->valuedouble);
}

static bool find_call(struct cell *cell, struct worst *worst, const char *key)
{
    cJSON *root = ask(cell, worst);
    if (root == NULL)
        return false;
    const cJSON *call = cJSON_GetObjectItem(root, key);
    double at = cJSON_GetNumberValue(cJSON_GetObjectItem(call, "call"));
    count_of(cell, call, "accesses", "call_accesses");
    count_of(cell, call, "locked", "call_locked");
    cJSON_Delete(root);
    if (!(at >= 0 && at < worst->rig.call_count))
        return workload_cannot(cell, "call %.0f of the stored program is not made here", at);
    return step_call(cell, worst, (uint32_t)at);
}

/* --- the cell --- */

static bool read_program(struct cell *cell, struct worst *worst)
{
    struct program_error error;
    char name[4096];
    char found[4096];
    const char *folder = sources[cell->workload->choice].folder;
    if (!program_file_of(folder, cell->spec->name, name, sizeof(name)))
        return workload_cannot(cell, "a shorter name expected");
    const char *path = program_file_find(name, found, sizeof(found));
    if (access(path, R_OK) != 0)
        return workload_cannot(cell, "n/a (program): none is stored for it: %s",
                               sources[cell->workload->choice].search);
    snprintf(worst->path, sizeof(worst->path), "%s", path);
    if (program_file_read(path, &worst->file, &error) != 0)
        return workload_cannot(cell, "%.180s", error.text);
    return worst->file.program.family == OP_FAMILY_PAGE ||
           workload_cannot(cell, "%.120s: a program of frames expected", path);
}

static bool worst_prepare(struct cell *cell)
{
    struct spec_error error;
    char why[100];
    const char *key = sources[cell->workload->choice].key;
    struct worst *worst = calloc(1, sizeof(*worst));
    cell->shared = worst;
    if (worst == NULL)
        return workload_cannot(cell, "out of memory");
    if (!masked_supported(why, sizeof(why)))
        return workload_cannot(cell, "n/a (machine): %s", why);
    if (!read_program(cell, worst))
        return false;
    enum pl_status status = masked_init(&worst->rig, cell->spec, &worst->file.program.shape, &error);
    if (status != PL_OK)
        return workload_cannot(cell, "%s%.150s", status == PL_UNSUPPORTED ? "n/a (machine): " : "",
                               error.text);
    worst->live = true;
    worst->rig.whole = key != NULL;
    if (masked_time(&worst->rig, &worst->file.program, TIMES, false) != PL_OK)
        return workload_cannot(cell, "the stored program does not run");
    if (!(key == NULL ? find_masked(cell, worst) : find_call(cell, worst, key)))
        return false;
    masked_clock(&worst->rig, &worst->file.program, worst->section.call, clock_limit(cell), &worst->ns);
    if (worst->ns.runs == 0)
        return workload_cannot(cell, "the stored program does not run twice");
    if (worst->whole)
        workload_count(cell, "call_instructions", (double)worst->section.instructions);
    workload_count(cell, "call_ns_least", (double)worst->ns.least);
    workload_count(cell, "call_ns_longest", (double)worst->ns.longest);
    workload_count(cell, "call_runs", (double)worst->ns.runs);
    workload_count(cell, "call_frames", (double)worst->rig.runner.machine->frame_count);
    program_op_text(&worst->file.program, worst->section.op, cell->operation, sizeof(cell->operation));
    cell->iterations = 1;
    return true;
}

static void worst_body(struct lb_state *state, void *user)
{
    struct cell *cell = user;
    const struct worst *worst = cell->shared;
    while (lb_keep_running_batch(state, (int64_t)cell->iterations))
        tail_set_time(state, cell, (double)worst->ns.median);
}

static void worst_drop(struct cell *cell)
{
    struct worst *worst = cell->shared;
    if (worst == NULL)
        return;
    if (worst->live)
        masked_fini(&worst->rig);
    program_file_fini(&worst->file);
}

#define WORST(which, named, words)                                                                           \
    {                                                                                                        \
        .name = (named),                                                                                     \
        .summary = (words),                                                                                  \
        .section = SECTION_WORST,                                                                            \
        .own_time = true,                                                                                    \
        .makes_machine = true,                                                                               \
        .choice = (which),                                                                                   \
        .prepare = worst_prepare,                                                                            \
        .body = worst_body,                                                                                  \
        .drop = worst_drop,                                                                                  \
    }

const struct workload workloads_worst[WORKLOADS_WORST] = {
    WORST(WORST_MASKED, "worst-masked", "the longest masked section of the worst program stored, alone"),
    WORST(WORST_CALL, "worst-call", "the call with most accesses of the worst program stored, alone"),
    WORST(WORST_LOCKED, "worst-locked",
          "the call with most locked operations of the worst program stored, alone"),
};
