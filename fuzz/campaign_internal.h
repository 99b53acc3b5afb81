/* Between the campaign's files only. */
#ifndef FUZZ_CAMPAIGN_INTERNAL_H
#define FUZZ_CAMPAIGN_INTERNAL_H

#include "fuzz/campaign.h"
#include "fuzz/campaign_child.h"
#include "fuzz/campaign_files.h"
#include "fuzz/campaign_parse.h"
#include "fuzz/campaign_statsd.h"

/* What is wrong on purpose: on one CPU, and only where two come between one another. */
#define CAMPAIGN_CANARY          "canary"
#define CAMPAIGN_SCHEDULE_CANARY "canary-race"

struct campaign {
    const struct campaign_options *options;
    struct campaign_result *result;
    unsigned engines; /* that are wanted; bits as in the options */
    uint32_t jobs;

    /* The candidate of the hour, and what of it. */
    const char *backend;
    enum fuzz_target target;
    bool canary;
    double started;
    double seconds;
    char out[CAMPAIGN_PATH_BYTES];
    char work[CAMPAIGN_PATH_BYTES];
    char seeds[CAMPAIGN_PATH_BYTES]; /* never empty: a program of no operations is always there */
    char dictionary[CAMPAIGN_PATH_BYTES];
};

/* One process of an engine; it may end and be started again. */
struct campaign_worker {
    struct campaign *campaign;
    enum campaign_engine engine;
    uint32_t index; /* among those of its engine */
    char dir[CAMPAIGN_PATH_BYTES];
    char log[CAMPAIGN_PATH_BYTES];
    struct campaign_child child;
    struct campaign_counts counts; /* of the process that runs, */
    struct campaign_counts before; /* and summed over those before it */
    uint64_t executions_at_start;  /* AFL++ goes on counting where an earlier campaign ended */
    double deadline;
    double started;
    double ended;
    long log_at;
    int statsd;    /* AFL++: where it sends its numbers; -1: nowhere */
    uint16_t port; /* of that */
    uint32_t starts;
    uint32_t judged;
    uint32_t next_input[2]; /* AFL++: numbers of the next crash, the next hang */
    uint32_t findings;
    bool caught; /* canary */
    bool done;
};

/* False if the caller asked for the end. */
bool campaign_goes_on(const struct campaign *campaign);

/* One line for a person. */
PL_PRINTF(2, 3) void campaign_say(const struct campaign *campaign, const char *format, ...);

/* Records what went wrong and the exit code, unless something did before. Returns -1. */
PL_PRINTF(3, 4) int campaign_fail(struct campaign *campaign, int exit_code, const char *format, ...);

/* --- campaign_seeds.c --- */

/* The directories, the seeds that do no harm, the dictionary. 0; -1 if there is nothing to fuzz, or after
 * campaign_fail. */
int campaign_prepare(struct campaign *campaign);

/* --- campaign_worker.c --- */

/* The worker's directory, empty of logs; then its process. 0, or -1 after campaign_fail. */
int campaign_worker_open(struct campaign_worker *worker);

/* Reads its progress, takes what it found, starts it again if there is time left. 0, or -1 after
 * campaign_fail. */
int campaign_worker_poll(struct campaign_worker *worker);
void campaign_worker_close(struct campaign_worker *worker);
uint64_t campaign_worker_executions(const struct campaign_worker *worker);

/* --- campaign_engine.c --- */

/* Path of a driver, and NULL or what is missing. */
const char *campaign_engine_missing(const struct campaign *campaign, enum campaign_engine engine,
                                    char path[CAMPAIGN_PATH_BYTES]);
int campaign_engine_start(struct campaign_worker *worker, double seconds);

/* Runs inputs in a process of their own and says what they did. */
void campaign_judge(struct campaign *campaign, const char *const *inputs, uint32_t count,
                    struct campaign_verdict *verdict);

/* --- campaign_finding.c --- */

/* An engine (or a seed; `worker` NULL) says that this input fails: judges it and stores it if it is new.
 * Returns true if it fails indeed. `hang`: the engine thought that it hangs. */
bool campaign_take_input(struct campaign *campaign, struct campaign_worker *worker, const char *input,
                         bool hang);

#endif
