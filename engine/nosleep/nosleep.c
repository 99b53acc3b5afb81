/* See nosleep.h: a row's process, and the verdict on what it left. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "engine/nosleep/nosleep.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "engine/isolate.h"
#include "engine/nosleep/watch.h"

const char *const nosleep_scenario_names[NOSLEEP_SCENARIO_COUNT] = {"cold",      "warm",     "exhausted",
                                                                    "contended", "map-ptes", "orb-fixed"};

const char *const nosleep_verdict_names[NOSLEEP_DIED + 1] = {
    "never slept", "allocates nothing", "system calls", "sleeps", "allocates", "not checked",
    "n/a",         "not finished",      "died"};

const char *nosleep_missing(void)
{
    return dispatch_missing();
}

static void work(void *argument, void *result)
{
    const struct watch_job *job = argument;
    if (job->scenario == NOSLEEP_MAP || job->scenario == NOSLEEP_ORB)
        watch_promise(job);
    else
        watch_candidate(job);
    *(int *)result = 0;
}

static bool may_sleep(const struct spec *spec)
{
    for (uint32_t i = 0; i < spec->layer_count; i++) {
        if (spec->layers[i].candidate->page->caps & PL_CAP_MAY_SLEEP)
            return true;
    }
    return false;
}

static void first_words(struct nosleep_row *row)
{
    const struct nosleep_found *found = &row->found[0];
    snprintf(row->words, sizeof(row->words), "%s: %s from %s at %s", nosleep_verdict_names[row->verdict],
             found->name, found->caller, found->at);
}

/* From the worst to the best. `how` tells how the process ended, if it did not do its work. */
static void judge(const struct watch_job *job, enum isolate_outcome outcome, const char *how,
                  struct nosleep_row *row)
{
    bool promise = job->scenario == NOSLEEP_MAP || job->scenario == NOSLEEP_ORB;
    bool sleeps = row->found_count > 0 && row->found[0].kind != NOSLEEP_CALL;
    const char *missing = dispatch_missing();
    if (sleeps) {
        row->verdict = NOSLEEP_SLEEPS;
        row->refuted = promise || !may_sleep(job->spec);
        first_words(row);
    } else if (outcome == ISOLATE_DIED) {
        row->verdict = NOSLEEP_DIED;
        row->refuted = true;
        snprintf(row->words, sizeof(row->words), "died: %s", how);
    } else if (job->watch->na[0] != '\0') {
        row->verdict = NOSLEEP_NA;
        snprintf(row->words, sizeof(row->words), "n/a (%s)", job->watch->na);
    } else if (row->allocator_calls != 0) {
        row->verdict = NOSLEEP_ALLOCATES;
        row->refuted = true;
        snprintf(row->words, sizeof(row->words), "allocates: %" PRIu64 " calls of the allocator",
                 row->allocator_calls);
    } else if (outcome == ISOLATE_TIMED_OUT) { /* slow, or stuck: no limit of time is part of the promise */
        row->verdict = NOSLEEP_NOT_FINISHED;
        snprintf(row->words, sizeof(row->words), "not finished: %s", how);
    } else if (row->found_count > 0) {
        row->verdict = NOSLEEP_CALLS;
        first_words(row);
    } else if (job->watch->blind) {
        row->verdict = NOSLEEP_NOT_CHECKED;
        snprintf(row->words, sizeof(row->words), "not checked (%s)",
                 missing == NULL ? "no dispatch" : missing);
    } else if (promise) {
        row->verdict = NOSLEEP_KEPT;
        snprintf(row->words, sizeof(row->words),
                 "allocates nothing (%" PRIu64 " calls, %" PRIu64 " of the allocator)", row->calls,
                 row->allocator_calls);
    } else {
        row->verdict = NOSLEEP_QUIET;
        snprintf(row->words, sizeof(row->words), "never slept (%" PRIu64 " calls)", row->calls);
    }
}

int nosleep_run(const struct spec *spec, enum nosleep_scenario scenario, unsigned limit_s,
                const volatile sig_atomic_t *stop, struct nosleep_row *row)
{
    int result = 0;
    char how[100] = "";
    struct watch *watch =
        mmap(NULL, sizeof(*watch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (watch == MAP_FAILED)
        return -1;
    struct watch_job job = {watch, spec, scenario};
    watch->blind = dispatch_missing() != NULL;
    enum isolate_outcome outcome =
        isolate_run(work, &job, &result, sizeof(result), limit_s, stop, how, sizeof(how));
    bool told = outcome != ISOLATE_INTERRUPTED && outcome != ISOLATE_NO_PROCESS;
    if (told) {
        if (!watch->told)
            watch_report(watch);
        *row = watch->row;
        judge(&job, outcome, how, row);
    }
    munmap(watch, sizeof(*watch));
    return told ? 0 : -1;
}
