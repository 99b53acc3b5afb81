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

#define CAMPAIGN_LOCKS_MAX 66u

#define CAMPAIGN_MERGE_CONTROL "control"

/* An engine and a build each. */
#define CAMPAIGN_KINDS ((unsigned)CAMPAIGN_ENGINE_COUNT * (unsigned)CAMPAIGN_BUILD_COUNT)

struct campaign_pair;
struct campaign_lane;

struct campaign {
    const struct campaign_options *options;
    struct campaign_result *result;
    unsigned engines; /* that are wanted; bits as in the options */
    unsigned builds;
    uint32_t jobs;
    double slice;
    double started;
    char root[CAMPAIGN_PATH_BYTES];
    struct campaign_pair *pairs;
    uint32_t pair_count;
    struct campaign_lane *lanes; /* of one pair beside one another */
    uint32_t lane_count;
    int locks[CAMPAIGN_LOCKS_MAX];
    uint32_t lock_count;
    uint32_t drawn; /* lines of the live view above the cursor */
    uint32_t lost;  /* pairs that broke down */
    bool unstored;  /* a finding could not be written, or not be judged: its artifact stays */
    uint32_t left;  /* inputs that failed and were not judged yet */
    double next_view;
    double next_state;
};

/* A candidate and what of it. */
struct campaign_pair {
    struct campaign *campaign;
    const char *backend;
    enum fuzz_target target;
    bool canary;
    bool prepared;
    bool not_possible;
    char reason[CAMPAIGN_REASON_BYTES]; /* why nothing more is done here; empty: it goes on */
    char out[CAMPAIGN_PATH_BYTES];
    char work[CAMPAIGN_PATH_BYTES];
    char seeds[CAMPAIGN_PATH_BYTES]; /* never empty: a program of no operations is always there */
    char start[CAMPAIGN_PATH_BYTES]; /* what AFL++ starts from */
    char dictionary[CAMPAIGN_PATH_BYTES];
    uint64_t merged;
};

/* One engine and build on a pair, and the sum of the slices that it had. */
struct campaign_lane {
    struct campaign_pair *pair;
    enum campaign_engine engine;
    enum campaign_build build;
    uint32_t index; /* among those of its pair and engine */
    bool running;
    bool caught; /* canary */
    bool over;
    double share; /* seconds that it is due, */
    double used;  /* and had */
    uint32_t slices;
    uint32_t findings;
    struct campaign_counts counts; /* sums; of coverage and corpus the last */
};

/* The process of a lane's slice; it may end and be started again. */
struct campaign_worker {
    struct campaign_lane *lane; /* NULL: idle */
    char dir[CAMPAIGN_PATH_BYTES];
    char log[CAMPAIGN_PATH_BYTES];
    struct campaign_child child;
    struct campaign_counts counts; /* of the process that runs, */
    struct campaign_counts before; /* and summed over those before it */
    uint64_t executions_at_start;  /* AFL++ goes on counting where an earlier slice ended */
    double seconds;
    double deadline;
    double started;
    double ended;
    long log_at;
    int statsd;    /* AFL++: where it sends its numbers; -1: nowhere */
    uint16_t port; /* of that */
    uint32_t starts;
    uint32_t judged; /* of what it found, */
    double judging;  /* and the seconds for it */
    bool put_aside;  /* AFL++: what it could not go on from */
    bool done;
};

/* False if the caller asked for the end, something went wrong, or the first finding was to end it. */
bool campaign_goes_on(const struct campaign *campaign);

/* One line for a person. */
PL_PRINTF(2, 3) void campaign_say(struct campaign *campaign, const char *format, ...);

/* Records what went wrong and the exit code, unless something did before. Returns -1. */
PL_PRINTF(3, 4) int campaign_fail(struct campaign *campaign, int exit_code, const char *format, ...);

/* The same of one pair: the others go on. Of the canary it is the campaign's. Returns -1. */
PL_PRINTF(2, 3) int campaign_pair_fail(struct campaign_pair *pair, const char *format, ...);

/* The build that judges what no lane has found: plain, if that is wanted. */
enum campaign_build campaign_plain_build(const struct campaign *campaign);

/* --- campaign_plan.c --- */

/* Pairs and lanes with their shares; the caller frees both arrays. 0, or -1 after campaign_fail. */
int campaign_plan(struct campaign *campaign);
void campaign_plan_say(struct campaign *campaign);

/* The lanes of a pair into `lanes` if that is not NULL: at least one for each engine and build. Returns their
 * number. */
uint32_t campaign_plan_lanes(struct campaign_pair *pair, uint32_t at_least, struct campaign_lane *lanes);

/* --- campaign_pool.c --- */

/* The lanes, slice by slice, until all are over or the campaign does not go on. */
void campaign_pool_run(struct campaign *campaign, struct campaign_lane *lanes, uint32_t count, double slice);

/* --- campaign_state.c --- */

/* One campaign a folder: 0, or -1 after campaign_fail. */
int campaign_lock(struct campaign *campaign, const char *dir);
void campaign_unlock(struct campaign *campaign);

/* How far the lanes are, written whole or not at all. A state that cannot be written is said, no more. */
void campaign_state_write(struct campaign *campaign);

/* Only of the same plan. 0, or -1 after campaign_fail. */
int campaign_state_read(struct campaign *campaign);

/* What the candidate's folder holds already. */
void campaign_state_findings(struct campaign *campaign, const char *backend, const char *out);

/* False after campaign_fail: the disk is as good as full. */
bool campaign_state_has_room(struct campaign *campaign);

/* --- campaign_merge.c --- */

/* Every pair's corpus, as many at once as there are jobs. What goes wrong leaves a corpus as it was. */
void campaign_merge(struct campaign *campaign);

/* What a merge that was killed left: the corpus is whole after it. */
void campaign_merge_recover(const struct campaign_pair *pair);

/* The folders that AFL++ keeps inputs in, at most `limit`; returns their number. */
uint32_t campaign_afl_queues(const struct campaign_pair *pair, char (*dirs)[CAMPAIGN_PATH_BYTES],
                             uint32_t limit);

/* --- campaign_whole.c --- */

/* The files of the new folder, if they are inputs and together reach what all inputs do; inputs that failed
 * meanwhile are judged, or copied there. -1: it is not whole, and `why` says what is wrong. */
long campaign_merge_whole(struct campaign_pair *pair, const char *folder, const char *fresh,
                          const char **why);

/* --- campaign_view.c --- */

/* Now and then what each pair has got to. `workers` are those of `count` slots. */
void campaign_view(struct campaign *campaign, const struct campaign_worker *workers, uint32_t count);

/* Takes the live view away, so that lines can follow. */
void campaign_view_clear(struct campaign *campaign);

/* --- campaign_seeds.c --- */

/* The directories, the seeds that do no harm, the dictionary. 0; -1 if there is nothing to fuzz, or after
 * campaign_fail. */
int campaign_prepare(struct campaign_pair *pair);

/* --- campaign_worker.c --- */

/* The lane's directory, empty of logs; then its process. 0, or -1 after campaign_fail. */
int campaign_worker_open(struct campaign_worker *worker, struct campaign_lane *lane, double seconds);

/* Reads its progress, takes what it found, starts it again if there is time left. 0, or -1 after
 * campaign_pair_fail. */
int campaign_worker_poll(struct campaign_worker *worker);

/* Its process ends, its numbers are the lane's. */
void campaign_worker_close(struct campaign_worker *worker);
uint64_t campaign_worker_executions(const struct campaign_worker *worker);

/* --- campaign_collect.c --- */

/* Before an engine starts, while it works, and once it has ended. */
void campaign_collect_first(struct campaign_worker *worker);
void campaign_collect(struct campaign_worker *worker);
void campaign_collect_last(struct campaign_worker *worker);

/* At the end: says what waits to be judged, and counts it in campaign->left. An engine has seen it fail, so
 * it counts as found. */
void campaign_collect_say_left(struct campaign *campaign);

/* --- campaign_engine.c --- */

/* Path of a driver, and NULL or what is missing. */
const char *campaign_engine_missing(const struct campaign *campaign, enum fuzz_target target,
                                    enum campaign_engine engine, enum campaign_build build,
                                    char path[CAMPAIGN_PATH_BYTES]);
int campaign_engine_start(struct campaign_worker *worker, double seconds);

/* libFuzzer's merge of `count` folders into the empty folder `to`, with notes of what each input
 * reaches (CAMPAIGN_MERGE_CONTROL), and what failed, in `folder`. 0, or -1 with errno. */
int campaign_engine_merge(const struct campaign_pair *pair, const char *to, char (*from)[CAMPAIGN_PATH_BYTES],
                          uint32_t count, const char *folder, const char *log, struct campaign_child *child);

/* Runs inputs in a process of their own and says what they did. */
void campaign_judge(struct campaign_pair *pair, enum campaign_build build, const char *const *inputs,
                    uint32_t count, struct campaign_verdict *verdict);

/* --- campaign_finding.c --- */

/* A place behind the findings, all zero; it counts once finding_count is raised. NULL after campaign_fail. */
struct campaign_finding *campaign_finding_place(struct campaign *campaign);

/* An engine (or a seed; `worker` NULL) says that this input fails: judges it and stores it if it is new.
 * Returns true if it fails indeed. `hang`: the engine thought that it hangs. */
bool campaign_take_input(struct campaign_pair *pair, struct campaign_worker *worker, const char *input,
                         bool hang);

#endif
